/*
 * What callbacks may do to timers: to their own, and to others that are due.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <stdlib.h>

static void stop_self(struct actor *a)
{
	rota_timer_stop(&a->timer);
}

static void stop_other(struct actor *a)
{
	rota_timer_stop(&a->other->timer);
}

static void start_self_with_0(struct actor *a)
{
	if (a->calls < 3)
		actor_timer(a, 0);
}

static void start_other_after_number(struct actor *a)
{
	actor_timer(a->other, a->number);
}

/* C7 */
static void stopping_a_due_sibling_keeps_it_from_running(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	a.then = stop_other;
	a.other = &b;
	actor_timer(&a, ROTA_MSEC(1));
	actor_timer(&b, ROTA_MSEC(1));
	actor_timer(&c, ROTA_MSEC(1));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a c");
}

/* C7 */
static void restarting_a_due_sibling_puts_it_off(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	a.then = start_other_after_number;
	a.other = &b;
	a.number = ROTA_MSEC(5);
	actor_timer(&a, ROTA_MSEC(1));
	actor_timer(&b, ROTA_MSEC(1));
	actor_timer(&c, ROTA_MSEC(1));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a@1 c@1 b@6");
}

/* C7 */
static void a_sibling_that_was_served_can_be_started_again(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	b.then = start_other_after_number;
	b.other = &a;
	b.number = ROTA_MSEC(3);
	actor_timer(&a, ROTA_MSEC(1));
	actor_timer(&b, ROTA_MSEC(1));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a@1 b@1 a@4");
}

/* T8 */
static void a_timer_of_0_started_by_a_timer_runs_in_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c, check;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	actor_init(&check, &r, "check");
	a.then = start_other_after_number;
	a.other = &b;
	rota_hook_unref(&check.hook);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&a, 0);
	actor_timer(&c, 0);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a c check b check");
	rota_hook_stop(&check.hook);
}

static void expect_inactive(struct actor *a)
{
	assert_int_equal(rota_timer_is_active(&a->timer), 0);
	assert_int_equal(rota_loop_alive(a->recorder->loop), 0);
}

static void a_timer_is_not_active_in_its_only_callback(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = expect_inactive;
	actor_timer(&a, ROTA_MSEC(1));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(a.calls, 1);
}

static void free_all(struct actor *a)
{
	struct actor *others = a->other;

	for (struct actor *other = others; other != NULL; other = others) {
		others = other->other;
		rota_timer_stop(&other->timer);
		free(other);
	}
	free(a);
}

/* C7, T8: even with a delay of 0 it runs in the next turn. */
static void
restarting_a_due_sibling_with_0_moves_it_to_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, check;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&check, &r, "check");
	a.then = start_other_after_number;
	a.other = &b;
	rota_hook_unref(&check.hook);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&a, 0);
	actor_timer(&b, 0);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a check b check");
	rota_hook_stop(&check.hook);
}

/* T8 */
static void
a_timer_of_0_restarted_in_its_callback_runs_once_a_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, check;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&check, &r, "check");
	a.then = start_self_with_0;
	rota_hook_unref(&check.hook);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&a, 0);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a check a check a check");
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
	rota_hook_stop(&check.hook);
}

static void
a_timer_that_fires_once_is_stopped_as_its_callback_begins(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = stop_self;
	assert_int_equal(rota_timer_is_active(&a.timer), 0);
	actor_timer(&a, ROTA_MSEC(1));
	assert_int_equal(rota_timer_is_active(&a.timer), 1);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_int_equal(a.calls, 1);
	assert_int_equal(rota_timer_is_active(&a.timer), 0);
	assert_int_equal(rota_timer_missed(&a.timer), 0);
	rota_timer_stop(&a.timer);
}

static void start_self_and_read_the_clock(struct actor *a)
{
	struct rota_loop *loop = a->recorder->loop;

	if (a->calls < 3)
		actor_timer(a, ROTA_MSEC(1));
	rota_loop_advance(loop, ROTA_MSEC(2));
	rota_loop_update_now(loop);
}

/* T8, T11: a timer that has become due, but was not due when the phase
 * began. */
static void
a_new_reading_in_a_callback_does_not_lengthen_the_phase(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, check;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&check, &r, "check");
	a.then = start_self_and_read_the_clock;
	rota_hook_unref(&check.hook);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&a, 0);
	actor_timer(&b, ROTA_MSEC(2));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a check a b check a check");
	rota_hook_stop(&check.hook);
}

/* O4 */
static void a_callback_frees_its_timer_and_its_due_siblings(void **state)
{
	enum { COUNT = 4 };
	struct fixture *f = *state;
	struct recorder r;
	struct actor *actors[COUNT];

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < COUNT; i++) {
		actors[i] = malloc(sizeof(*actors[i]));
		assert_non_null(actors[i]);
		actor_init(actors[i], &r, "a");
		actors[i]->then = free_all;
		actor_timer(actors[i], 0);
		if (i > 0)
			actors[i - 1]->other = actors[i];
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a");
}

static void start_other_at_its_own_next_time(struct actor *a)
{
	struct rota_loop *loop = a->recorder->loop;

	if (a->calls > 1) {
		rota_timer_stop(&a->timer);
		return;
	}
	assert_int_equal(rota_loop_advance(loop, ROTA_MSEC(10)), 0);
	rota_loop_update_now(loop);
	actor_timer_at(a->other, a->recorder->start_ns + ROTA_MSEC(20));
}

/* T9, C5: a repeating timer keeps the place of its start, also for a later
 * period, and even if the clock was read again and both timers are now due. */
static void
a_timer_started_for_the_next_call_of_another_comes_after_it(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor repeating, once;

	recorder_init(&r, f->loop);
	actor_init(&repeating, &r, "repeating");
	actor_init(&once, &r, "once");
	repeating.then = start_other_at_its_own_next_time;
	repeating.other = &once;
	actor_every(&repeating, ROTA_MSEC(10), ROTA_REPEAT_RATE);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "repeating repeating once");
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(stopping_a_due_sibling_keeps_it_from_running),
	VIRTUAL(restarting_a_due_sibling_puts_it_off),
	VIRTUAL(restarting_a_due_sibling_with_0_moves_it_to_the_next_turn),
	VIRTUAL(a_sibling_that_was_served_can_be_started_again),
	VIRTUAL(a_timer_of_0_restarted_in_its_callback_runs_once_a_turn),
	VIRTUAL(a_timer_of_0_started_by_a_timer_runs_in_the_next_turn),
	VIRTUAL(a_timer_that_fires_once_is_stopped_as_its_callback_begins),
	VIRTUAL(a_timer_is_not_active_in_its_only_callback),
	VIRTUAL(a_new_reading_in_a_callback_does_not_lengthen_the_phase),
	VIRTUAL(a_callback_frees_its_timer_and_its_due_siblings),
	VIRTUAL(a_timer_started_for_the_next_call_of_another_comes_after_it),
};
FIXTURE_MAIN(tests)
