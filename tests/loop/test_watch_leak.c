/*
 * Descriptors that are closed before their watches are stopped. That is an
 * error of the caller, but the loop must neither busy-wait nor call a wrong
 * watch.
 */
#include "support/fixture.h"

#include <unistd.h>

#include "support/fault.h"
#include "support/probe.h"

struct leak {
	int fds[2];
	int duplicate; /* of fds[0], which is closed */
};

/* Close fds[0] while it is watched and can be read. */
static void leak_begin(struct leak *leak, struct probe *probe,
		       struct fixture *f)
{
	make_pipe(leak->fds);
	leak->duplicate = dup(leak->fds[0]);
	assert_int_not_equal(leak->duplicate, -1);
	put_byte(leak->fds[1]);
	probe_init(probe, f, leak->fds[0]);
	probe_start(probe, ROTA_READABLE);
	close(leak->fds[0]);
	probe_stop(probe);
}

static void leak_end(struct leak *leak)
{
	close(leak->fds[1]);
	close(leak->duplicate);
}

/* D1: the duplicate can still be read. No watch is called, and the loop
 * sleeps. */
static void
a_descriptor_closed_too_soon_does_not_keep_the_loop_awake(void **state)
{
	struct fixture *f = *state;
	struct probe probe;
	struct leak leak;

	leak_begin(&leak, &probe, f);

	assert_in_range(waits_within(f, 10), 1, 8);
	assert_int_equal(probe.calls, 0);
	leak_end(&leak);
}

/* A new epoll instance is only made for leaked descriptors that report events,
 * even if one was made before. */
static void a_leak_that_tells_nothing_costs_nothing(void **state)
{
	struct fixture *f = *state;
	struct probe first, second, other;
	struct leak loud, silent;
	int others[2];

	make_pipe(others);
	probe_init(&other, f, others[0]);
	probe_start(&other, ROTA_READABLE);
	leak_begin(&loud, &first, f);
	for (int i = 0; i < 5; i++)
		turn(f);
	leak_begin(&silent, &second, f);
	take_byte(silent.duplicate);
	fault_count_reset();

	for (int i = 0; i < 5; i++)
		turn(f);

	assert_int_equal(fault_count("epoll_create1"), 0);
	probe_stop(&other);
	close(others[0]);
	close(others[1]);
	leak_end(&loud);
	leak_end(&silent);
}

/* Other watches still work, and so does a watch for the reused number. */
static void the_others_are_still_watched(void **state)
{
	struct fixture *f = *state;
	struct probe gone, other, next;
	struct leak leak;
	int others[2];
	int again[2];

	make_pipe(others);
	probe_init(&other, f, others[0]);
	probe_start(&other, ROTA_READABLE);
	leak_begin(&leak, &gone, f);
	make_pipe(again); /* reuses the closed number */
	probe_init(&next, f, again[0]);
	probe_start(&next, ROTA_READABLE);
	assert_int_equal(told(f, &next), 0);
	assert_in_range(waits_within(f, 5), 1, 8);

	put_byte(others[1]);
	put_byte(again[1]);
	assert_int_equal(told(f, &other), ROTA_READABLE);
	assert_int_equal(told(f, &next), ROTA_READABLE);

	assert_int_equal(gone.calls, 0);
	probe_stop(&other);
	probe_stop(&next);
	close(others[0]);
	close(others[1]);
	close(again[0]);
	close(again[1]);
	leak_end(&leak);
}

/* Descriptor 0 is watched like any other. */
static void the_first_number_is_still_watched(void **state)
{
	struct fixture *f = *state;
	int stdin_before = dup(0);
	struct probe gone, first;
	struct leak leak;
	int fds[2];

	if (stdin_before < 0)
		skip_test("there is no standard input");
	make_pipe(fds);
	assert_int_equal(dup2(fds[0], 0), 0);
	probe_init(&first, f, 0);
	probe_start(&first, ROTA_READABLE);
	leak_begin(&leak, &gone, f);
	for (int i = 0; i < 5; i++)
		turn(f);

	put_byte(fds[1]);
	assert_int_equal(told(f, &first), ROTA_READABLE);

	probe_stop(&first);
	assert_int_equal(dup2(stdin_before, 0), 0);
	close(stdin_before);
	close(fds[0]);
	close(fds[1]);
	leak_end(&leak);
}

/* F3: if no new epoll instance can be made, the old one stays in use. */
static void a_loop_that_cannot_begin_afresh_goes_on(void **state)
{
	struct fixture *f = *state;
	struct probe gone, other;
	struct leak leak;
	int others[2];

	make_pipe(others);
	probe_init(&other, f, others[0]);
	probe_start(&other, ROTA_READABLE);
	leak_begin(&leak, &gone, f);
	fault_fail_from("epoll_create1", 1, EMFILE);

	for (int i = 0; i < 5; i++)
		turn(f);
	put_byte(others[1]);
	assert_int_equal(told(f, &other), ROTA_READABLE);
	take_byte(others[0]);
	fault_clear();

	assert_in_range(waits_within(f, 5), 1, 8);
	assert_int_equal(gone.calls, 0);
	probe_stop(&other);
	close(others[0]);
	close(others[1]);
	leak_end(&leak);
}

static const struct CMUnitTest tests[] = {
	REAL(a_descriptor_closed_too_soon_does_not_keep_the_loop_awake),
	REAL(a_leak_that_tells_nothing_costs_nothing),
	REAL(the_others_are_still_watched),
	REAL(the_first_number_is_still_watched),
	REAL(a_loop_that_cannot_begin_afresh_goes_on),
};

FIXTURE_MAIN(tests)
