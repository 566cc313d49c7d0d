/*
 * The last moment of a loop: a post that arrives after the loop has found that
 * nothing is open, and before it has closed its inbox (O5).
 *
 * This file includes inbox.c, in place of the library's, so that the test can
 * act between the two.
 */
/* poller: none */
#include "support/fixture.h"
#include "support/recorder.h"

#define rotai_inbox_close close_inbox
#include "loop/inbox.c"
#undef rotai_inbox_close

static struct actor *late; /* NULL: none is left to post */
static unsigned closes;

/* Act as a thread that posts after it has read that the loop accepts posts,
 * while that changes. */
static void post_late(struct rotai_inbox *inbox)
{
	uint8_t refuses = inbox->refuses;

	inbox->refuses = 0;
	actor_post(late);
	inbox->refuses = refuses;
	late = late->other;
}

int rotai_inbox_close(struct rotai_inbox *inbox)
{
	closes++;
	if (late != NULL)
		post_late(inbox);
	return close_inbox(inbox);
}

static void a_post_at_the_last_moment_of_a_shutdown_runs(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	a.other = &b;
	late = &a;
	closes = 0;

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_string_equal(recorder_take(&r), "a b");
	assert_int_equal(closes, 3);
}

static void a_post_at_the_last_moment_of_a_close_keeps_it_open(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	late = &a;

	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "a");
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_post_at_the_last_moment_of_a_shutdown_runs),
	VIRTUAL(a_post_at_the_last_moment_of_a_close_keeps_it_open),
};
FIXTURE_MAIN(tests)
