/*
 * The deadline of a shutdown with a virtual clock: it passes in virtual time.
 * Real time counts only while the virtual clock does not advance.
 */
#include "support/fixture.h"
#include "support/recorder.h"

/* Behave as on a machine that is busy for a while. */
static void be_held_up(void)
{
	uint64_t until_ns = real_now() + ROTA_MSEC(5);

	while (real_now() < until_ns)
		;
}

static void go_on_slowly(struct actor *a)
{
	be_held_up();
	rota_loop_advance(a->recorder->loop, ROTA_MSEC(1));
	actor_immediate(a);
}

/* O5, C10: each turn takes 5 ms of real time and 1 ms of virtual time. */
static void
a_slow_machine_does_not_bring_a_virtual_deadline_nearer(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = go_on_slowly;
	actor_immediate(&a);

	assert_int_equal(
		rota_loop_shutdown(f->loop, f->start_ns + ROTA_MSEC(3)),
		ROTA_ETIMEDOUT);

	assert_int_equal(a.calls, 3);
	rota_task_cancel(&a.task);
}

static void be_slow(struct actor *a)
{
	(void)a;
	be_held_up();
}

/* O5: queued tasks run in the first turn, however long that takes. */
static void
a_slow_machine_completes_a_shutdown_that_needs_one_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = be_slow;
	actor_immediate(&a);

	assert_int_equal(
		rota_loop_shutdown(f->loop, f->start_ns + ROTA_MSEC(3)), 0);
	f->loop = NULL;

	assert_int_equal(a.calls, 1);
}

static void queue_self(struct actor *a)
{
	a->recorder->size = 0;
	actor_immediate(a);
}

/* O5: virtual time does not advance, so the deadline is one of real time. */
static void
a_shutdown_in_which_virtual_time_stands_still_times_out(void **state)
{
	struct fixture *f = *state;
	uint64_t began_ns = real_now();
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = queue_self;
	actor_immediate(&a);

	assert_int_equal(
		rota_loop_shutdown(f->loop, f->start_ns + ROTA_MSEC(3)),
		ROTA_ETIMEDOUT);

	assert_true(real_now() - began_ns >= ROTA_MSEC(3));
	assert_int_equal(rota_loop_update_now(f->loop), f->start_ns);
	rota_task_cancel(&a.task);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_slow_machine_does_not_bring_a_virtual_deadline_nearer),
	VIRTUAL(a_slow_machine_completes_a_shutdown_that_needs_one_turn),
	VIRTUAL(a_shutdown_in_which_virtual_time_stands_still_times_out),
};
FIXTURE_MAIN(tests)
