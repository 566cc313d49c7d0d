/*
 * Timers that fire once: when, and in which order.
 *
 * Time is virtual, so delays take no time and due times are exact. What
 * callbacks may do to timers is in test_timer_callback.c, repetition in
 * test_repeat.c, long random runs in test_wheel.c, and what needs a real clock
 * in test_clock.c.
 */
#include "support/fixture.h"
#include "support/recorder.h"

static void start_other_after_number(struct actor *a)
{
	actor_timer(a->other, a->number);
}

static void advance_by_number(struct actor *a)
{
	assert_int_equal(rota_loop_advance(a->recorder->loop, a->number), 0);
}

/* C1 */
static void units_are_nanoseconds_of_64_bits(void **state)
{
	(void)state;

	assert_int_equal(ROTA_USEC(1), 1000);
	assert_int_equal(ROTA_MSEC(1), 1000000);
	assert_int_equal(ROTA_SEC(1), 1000000000);
	assert_true(ROTA_SEC(3600) == UINT64_C(3600000000000));
	assert_int_equal(sizeof(ROTA_USEC(1)), 8);
}

/* C1 */
static void a_timer_fires_once_when_its_delay_is_over(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_timer(&a, ROTA_MSEC(5) + 1);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(a.calls, 1);
	assert_int_equal(rota_loop_now(f->loop),
			 f->start_ns + ROTA_MSEC(5) + 1);
}

/* O7: no node is called from inside the call that started it. */
static void a_delay_of_0_is_not_called_by_the_start(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	a.then = start_other_after_number;
	a.other = &b;
	actor_timer(&a, 0);
	assert_string_equal(recorder_take(&r), "");

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_string_equal(recorder_take(&r), "a");

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
	assert_string_equal(recorder_take(&r), "b");
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
}

/* C2 */
static void
a_delay_counts_from_the_clock_not_from_the_loops_reading(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor busy, b;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&busy, &r, "busy");
	actor_init(&b, &r, "b");
	rota_loop_advance(f->loop, ROTA_MSEC(7));
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
	actor_timer(&b, ROTA_MSEC(10));
	assert_int_equal(rota_timer_due_in(&b.timer), ROTA_MSEC(10));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "b@17");
}

/* C2: rota_timer_start_at() does not read the clock. Its times are those of
 * rota_loop_now(). */
static void an_absolute_time_is_taken_as_it_is(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, past;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&past, &r, "past");
	rota_loop_advance(f->loop, ROTA_MSEC(7));
	actor_timer_at(&a, f->start_ns + ROTA_MSEC(10));
	actor_timer_at(&past, 0);
	assert_int_equal(rota_timer_due_in(&a.timer), ROTA_MSEC(3));
	assert_int_equal(rota_timer_due_in(&past.timer), 0);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "past@7 a@10");
}

/* C2: all callbacks of a phase see the same time, until one updates it. */
static void
now_stands_still_in_a_phase_and_follows_in_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor busy, sibling, later;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&busy, &r, "busy");
	actor_init(&sibling, &r, "sibling");
	actor_init(&later, &r, "later");
	busy.then = advance_by_number;
	busy.number = ROTA_MSEC(5);
	actor_timer(&busy, ROTA_MSEC(1));
	actor_timer(&sibling, ROTA_MSEC(1));
	actor_timer(&later, ROTA_MSEC(2));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "busy@1 sibling@1 later@6");
}

/* C2: a timer that an immediate made due runs at the start of the next turn,
 * and not after its wait. */
static void now_is_read_at_the_top_of_a_turn_if_a_callback_ran(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor immediate, timer;

	recorder_init(&r, f->loop);
	r.times = 1;
	recorder_trace(&r);
	actor_init(&immediate, &r, "immediate");
	actor_init(&timer, &r, "timer");
	immediate.then = advance_by_number;
	immediate.number = ROTA_MSEC(5);
	actor_immediate(&immediate);
	actor_timer(&timer, ROTA_MSEC(3));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r),
			    "timers:@0 pending:@0 prepare:@0 poll:@0 check:@0 "
			    "immediate@0 closing:@0 "
			    "timers:@5 timer@5 pending:@5 prepare:@5 poll:@5 "
			    "check:@5 closing:@5");
	rota_loop_trace(f->loop, NULL);
}

/* C4 */
static void a_wait_is_as_long_as_the_busy_callback_left_of_it(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor busy, b;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&busy, &r, "busy");
	actor_init(&b, &r, "b");
	busy.then = advance_by_number;
	busy.number = ROTA_MSEC(30);
	actor_timer(&b, ROTA_MSEC(50));
	actor_timer(&busy, ROTA_MSEC(10));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "busy@10 b@50");
	assert_int_equal(rota_loop_now(f->loop), f->start_ns + ROTA_MSEC(50));
}

/* C5 */
static void timers_run_in_the_order_of_their_due_times(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c, d;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	actor_init(&d, &r, "d");
	actor_timer(&d, ROTA_SEC(3600));
	actor_timer(&b, ROTA_MSEC(2) + 1);
	actor_timer(&c, ROTA_MSEC(2) + 2);
	actor_timer(&a, ROTA_MSEC(2));
	rota_loop_advance(f->loop, ROTA_SEC(7200));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);

	assert_string_equal(recorder_take(&r), "a b c d");
}

/* C5: a time in the past is a due time like any other. */
static void times_long_past_run_in_the_order_of_their_due_times(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	actor_timer(&c, 0);
	actor_timer_at(&b, f->start_ns - ROTA_MSEC(10));
	actor_timer_at(&a, f->start_ns - ROTA_MSEC(20));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);

	assert_string_equal(recorder_take(&r), "a b c");
}

/* T9 */
static void equal_due_times_run_in_the_order_of_their_starts(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c, d;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	actor_init(&d, &r, "d");
	actor_timer(&a, ROTA_SEC(100));
	actor_timer(&b, ROTA_SEC(100));
	actor_timer(&c, ROTA_SEC(100));
	rota_loop_advance(f->loop, ROTA_SEC(99));
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	actor_timer(&d, ROTA_SEC(1));
	actor_timer_at(&a, f->start_ns + ROTA_SEC(100)); /* is called last */

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "b c d a");
}

static void the_last_start_of_a_timer_holds(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_timer(&a, ROTA_MSEC(5));
	actor_timer(&a, ROTA_MSEC(20));
	actor_timer(&a, ROTA_MSEC(10));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a@10");
}

/* C8 */
static void a_delay_past_the_end_of_time_never_comes(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	actor_timer(&a, UINT64_MAX);
	actor_timer(&b, UINT64_MAX - f->start_ns);
	actor_timer_at(&c, UINT64_MAX);
	assert_true(rota_timer_due_in(&a.timer) == UINT64_MAX);
	assert_true(rota_timer_due_in(&b.timer) == UINT64_MAX);
	assert_true(rota_timer_due_in(&c.timer) == UINT64_MAX);

	rota_loop_advance(f->loop, UINT64_MAX);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);

	assert_string_equal(recorder_take(&r), "");
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	rota_timer_stop(&a.timer);
	rota_timer_stop(&b.timer);
	assert_int_equal(rota_loop_alive(f->loop), 1);
	rota_timer_stop(&c.timer);
	assert_int_equal(rota_loop_alive(f->loop), 0);
}

/* C8 */
static void the_last_nanosecond_of_time_does_come(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_timer_at(&a, UINT64_MAX - 1);
	actor_timer(&b, UINT64_MAX - 2 - f->start_ns);
	assert_true(rota_timer_due_in(&a.timer) ==
		    UINT64_MAX - 1 - f->start_ns);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "b a");
	assert_true(rota_loop_now(f->loop) == UINT64_MAX - 1);
}

static void due_in_tells_what_is_left_by_the_clock(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	assert_true(rota_timer_due_in(&a.timer) == UINT64_MAX);

	actor_timer(&a, ROTA_MSEC(10));
	assert_int_equal(rota_timer_due_in(&a.timer), ROTA_MSEC(10));
	rota_loop_advance(f->loop, ROTA_MSEC(4));
	assert_int_equal(rota_timer_due_in(&a.timer), ROTA_MSEC(6));
	rota_loop_advance(f->loop, ROTA_MSEC(6));
	assert_int_equal(rota_timer_due_in(&a.timer), 0);
	rota_loop_advance(f->loop, ROTA_MSEC(1));
	assert_int_equal(rota_timer_due_in(&a.timer), 0);

	rota_timer_stop(&a.timer);
	assert_true(rota_timer_due_in(&a.timer) == UINT64_MAX);
}

static void again_starts_the_last_delay_over(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_timer(&a, ROTA_MSEC(10));
	rota_loop_advance(f->loop, ROTA_MSEC(9));
	assert_int_equal(rota_timer_again(&a.timer), 0);
	assert_int_equal(rota_timer_due_in(&a.timer), ROTA_MSEC(10));
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_string_equal(recorder_take(&r), "a@19");

	assert_int_equal(rota_timer_again(&a.timer), 0); /* it has fired */
	rota_timer_stop(&a.timer);
	assert_int_equal(rota_timer_again(&a.timer), 0); /* it was stopped */
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a@29");
}

static void again_needs_a_delay_to_start_over(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	assert_int_equal(rota_timer_again(&a.timer), ROTA_EINVAL);

	actor_timer(&a, ROTA_MSEC(10));
	actor_timer_at(&a, f->start_ns + ROTA_MSEC(20));
	assert_int_equal(rota_timer_again(&a.timer), ROTA_EINVAL);
	assert_int_equal(rota_timer_due_in(&a.timer), ROTA_MSEC(20));

	rota_timer_stop(&a.timer);
}

static void a_start_without_callback_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	assert_int_equal(rota_timer_start(&a.timer, NULL, 1), ROTA_EINVAL);
	assert_int_equal(rota_timer_start_at(&a.timer, NULL, 1), ROTA_EINVAL);
	assert_int_equal(rota_timer_is_active(&a.timer), 0);

	actor_timer(&a, ROTA_MSEC(3));
	assert_int_equal(rota_timer_start(&a.timer, NULL, 1), ROTA_EINVAL);
	assert_int_equal(rota_timer_start_at(&a.timer, NULL, 1), ROTA_EINVAL);
	assert_int_equal(rota_timer_due_in(&a.timer), ROTA_MSEC(3));
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_int_equal(a.calls, 1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(units_are_nanoseconds_of_64_bits),
	VIRTUAL(a_timer_fires_once_when_its_delay_is_over),
	VIRTUAL(a_delay_of_0_is_not_called_by_the_start),
	VIRTUAL(a_delay_counts_from_the_clock_not_from_the_loops_reading),
	VIRTUAL(an_absolute_time_is_taken_as_it_is),
	VIRTUAL(now_stands_still_in_a_phase_and_follows_in_the_next_turn),
	VIRTUAL(now_is_read_at_the_top_of_a_turn_if_a_callback_ran),
	VIRTUAL(a_wait_is_as_long_as_the_busy_callback_left_of_it),
	VIRTUAL(timers_run_in_the_order_of_their_due_times),
	VIRTUAL(times_long_past_run_in_the_order_of_their_due_times),
	VIRTUAL(equal_due_times_run_in_the_order_of_their_starts),
	VIRTUAL(the_last_start_of_a_timer_holds),
	VIRTUAL(a_delay_past_the_end_of_time_never_comes),
	VIRTUAL(the_last_nanosecond_of_time_does_come),
	VIRTUAL(due_in_tells_what_is_left_by_the_clock),
	VIRTUAL(again_starts_the_last_delay_over),
	VIRTUAL(again_needs_a_delay_to_start_over),
	VIRTUAL(a_start_without_callback_changes_nothing),
};
FIXTURE_MAIN(tests)
