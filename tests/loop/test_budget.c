/*
 * The budget of ticks and microtasks: a task that queues itself forever does
 * not block the loop, and no task is lost.
 *
 * The loops here have a budget of 10 unless the test says otherwise.
 */
#include "support/fixture.h"
#include "support/recorder.h"

/* Replace the fixture's loop by one with that budget. */
static void set_budget(struct fixture *f, uint64_t budget)
{
	struct rota_loop_options options;

	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;
	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	options.tick_budget = budget;
	assert_int_equal(rota_loop_new(&f->loop, &options), 0);
	f->start_ns = rota_loop_now(f->loop);
}

static uint64_t deferrals(struct rota_loop *loop)
{
	struct rota_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_loop_stats(loop, &stats), 0);
	return stats.tick_deferrals;
}

static void tick_self_until_number(struct actor *a)
{
	if (a->calls < a->number)
		actor_tick(a);
}

static void microtask_self_until_number(struct actor *a)
{
	if (a->calls < a->number)
		actor_microtask(a);
}

/* T10 */
static void what_exceeds_the_budget_waits_for_the_pending_phase(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t, timer1, timer2, prepare;

	set_budget(f, 10);
	recorder_init(&r, f->loop);
	recorder_trace(&r);
	actor_init(&t, &r, "t");
	actor_init(&timer1, &r, "timer1");
	actor_init(&timer2, &r, "timer2");
	actor_init(&prepare, &r, "prepare");
	rota_hook_unref(&prepare.hook);
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	actor_timer(&timer1, 0);
	actor_timer(&timer2, 0);
	t.then = tick_self_until_number;
	t.number = 25;
	actor_tick(&t);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r),
			    "t t t t t t t t t t "
			    "timers: timer1 timer2 "
			    "pending: t t t t t t t t t t "
			    "prepare: prepare poll: check: closing: "
			    "timers: pending: t t t t t "
			    "prepare: prepare poll: check: closing:");
	assert_int_equal(deferrals(f->loop), 2);
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
	rota_hook_stop(&prepare.hook);
	rota_loop_trace(f->loop, NULL);
}

/* T10 */
static void microtasks_have_the_same_budget(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor m, timer;

	set_budget(f, 10);
	recorder_init(&r, f->loop);
	actor_init(&m, &r, "m");
	actor_init(&timer, &r, "timer");
	actor_timer(&timer, 0);
	m.then = microtask_self_until_number;
	m.number = 12;
	actor_microtask(&m);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "m m m m m m m m m m timer m m");
	assert_int_equal(deferrals(f->loop), 1);
}

/* T10: a queue that just fits the budget is drained at once. */
static void a_queue_of_just_the_budget_is_drained_whole(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t, m;

	set_budget(f, 10);
	recorder_init(&r, f->loop);
	actor_init(&t, &r, "t");
	actor_init(&m, &r, "m");
	t.then = tick_self_until_number;
	t.number = 7;
	m.then = microtask_self_until_number;
	m.number = 3;
	actor_tick(&t);
	actor_microtask(&m);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "t t t t t t t m m m");
	assert_int_equal(deferrals(f->loop), 0);
}

static void tick_other(struct actor *a)
{
	a->other->calls = 0;
	actor_tick(a->other);
}

/* T10: each drain between two callbacks has the whole budget. */
static void every_drain_has_a_fresh_budget(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t, timer1, timer2;

	set_budget(f, 10);
	recorder_init(&r, f->loop);
	actor_init(&t, &r, "t");
	actor_init(&timer1, &r, "timer1");
	actor_init(&timer2, &r, "timer2");
	t.then = tick_self_until_number;
	t.number = 8;
	timer1.then = tick_other;
	timer1.other = &t;
	timer2.then = tick_other;
	timer2.other = &t;
	actor_timer(&timer1, 0);
	actor_timer(&timer2, 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "timer1 t t t t t t t t "
					       "timer2 t t t t t t t t");
	assert_int_equal(deferrals(f->loop), 0);
}

/* T10: while some tasks wait, no drain runs, and new ones are appended. */
static void while_ticks_wait_new_ones_join_their_end(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t, fresh, micro, timer1, timer2;

	set_budget(f, 10);
	recorder_init(&r, f->loop);
	actor_init(&t, &r, "t");
	actor_init(&fresh, &r, "fresh");
	actor_init(&micro, &r, "micro");
	actor_init(&timer1, &r, "timer1");
	actor_init(&timer2, &r, "timer2");
	t.then = tick_self_until_number;
	t.number = 11;
	timer1.then = tick_other;
	timer1.other = &fresh;
	actor_timer(&timer1, 0);
	actor_timer(&timer2, 0);
	actor_microtask(&micro);
	actor_tick(&t);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r),
			    "t t t t t t t t t t timer1 timer2 t fresh micro");
}

/* T10: the budget can be used up in any phase. The rest waits for the pending
 * phase of the next turn, and keeps the loop alive and awake until then. */
static void ticks_that_wait_keep_the_loop_alive_and_awake(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t, immediate, later;

	set_budget(f, 10);
	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&t, &r, "t");
	actor_init(&immediate, &r, "i");
	actor_init(&later, &r, "later");
	t.then = tick_self_until_number;
	t.number = 21;
	immediate.then = tick_other;
	immediate.other = &t;
	actor_immediate(&immediate);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_string_equal(recorder_take(&r), "i@0 t@0 t@0 t@0 t@0 t@0 "
					       "t@0 t@0 t@0 t@0 t@0");
	assert_int_equal(rota_loop_alive(f->loop), 1);
	assert_int_equal(rota_task_is_queued(&t.task), 1);
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);

	actor_timer(&later, ROTA_MSEC(50));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "t@0 t@0 t@0 t@0 t@0 t@0 t@0 "
					       "t@0 t@0 t@0 t@0 later@50");
	assert_int_equal(deferrals(f->loop), 2);
}

/* T10: the drain at the start of a run does not run them earlier. */
static void a_run_does_not_drain_what_waits_for_the_pending_phase(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t, timer, immediate;

	set_budget(f, 10);
	recorder_init(&r, f->loop);
	actor_init(&t, &r, "t");
	actor_init(&timer, &r, "timer");
	actor_init(&immediate, &r, "i");
	t.then = tick_self_until_number;
	t.number = 11;
	immediate.then = tick_other;
	immediate.other = &t;
	actor_immediate(&immediate);
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_string_equal(recorder_take(&r), "i t t t t t t t t t t");
	actor_timer(&timer, 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "timer t");
}

static void a_tick_that_waits_can_be_cancelled(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t, immediate, later;

	set_budget(f, 10);
	recorder_init(&r, f->loop);
	actor_init(&t, &r, "t");
	actor_init(&immediate, &r, "i");
	actor_init(&later, &r, "later");
	t.then = tick_self_until_number;
	t.number = UINT64_MAX;
	immediate.then = tick_other;
	immediate.other = &t;
	actor_immediate(&immediate);
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_int_equal(t.calls, 10);

	assert_int_equal(rota_task_cancel(&t.task), 0);

	assert_int_equal(rota_loop_alive(f->loop), 0);
	actor_timer(&later, ROTA_MSEC(1));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(t.calls, 10);
}

/* T10: when none is waiting any more, ticks are drained as usual. */
static void
after_those_that_wait_were_cancelled_ticks_run_as_usual(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t, immediate, first, second, tick;

	set_budget(f, 10);
	recorder_init(&r, f->loop);
	actor_init(&t, &r, "t");
	actor_init(&immediate, &r, "i");
	actor_init(&first, &r, "first");
	actor_init(&second, &r, "second");
	actor_init(&tick, &r, "tick");
	t.then = tick_self_until_number;
	t.number = UINT64_MAX;
	immediate.then = tick_other;
	immediate.other = &t;
	actor_immediate(&immediate);
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_int_equal(rota_task_cancel(&t.task), 0);
	recorder_take(&r);

	first.then = tick_other;
	first.other = &tick;
	actor_timer(&first, 0);
	actor_timer(&second, 0);
	actor_tick(&tick);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "tick first tick second");
	assert_int_equal(deferrals(f->loop), 1);
}

/* T10: 0 means no limit. */
static void without_a_budget_a_drain_goes_to_its_end(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t, timer;

	set_budget(f, 0);
	recorder_init(&r, f->loop);
	actor_init(&t, &r, "t");
	actor_init(&timer, &r, "timer");
	t.then = tick_self_until_number;
	t.number = 100;
	actor_timer(&timer, 0);
	actor_tick(&t);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r) + 2 * 100, "timer");
	assert_int_equal(deferrals(f->loop), 0);
}

static void count_and_tick_self(struct rota_task *task)
{
	uint64_t *left = task->data;

	if (--*left > 0)
		rota_task_next_tick(task, count_and_tick_self);
}

/* T10 */
static void the_budget_is_65536_by_default(void **state)
{
	struct fixture *f = *state;
	struct rota_task task;
	uint64_t left = 65536;

	rota_task_init(&task, f->loop);
	task.data = &left;
	rota_task_next_tick(&task, count_and_tick_self);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(left, 0);
	assert_int_equal(deferrals(f->loop), 0);

	left = 65537;
	rota_task_next_tick(&task, count_and_tick_self);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(left, 0);
	assert_int_equal(deferrals(f->loop), 1);
}

static void tick_three_others(struct actor *a)
{
	for (unsigned i = 0; i < 3; i++)
		actor_tick(&a->other[i]);
}

/* T2, T10: the ticks that were put off wait for the pending phase, in the next
 * run too. So several runs of one turn each call back in the order of one long
 * run. Ticks that are queued between the runs are appended. */
static void a_run_does_not_begin_with_what_was_put_off(void **state)
{
	static const char *const names[] = { "t1", "t2", "t3" };
	struct fixture *f = *state;
	struct recorder r;
	struct actor check, timer, late, ticks[3];

	set_budget(f, 2);
	recorder_init(&r, f->loop);
	actor_init(&check, &r, "immediate");
	actor_init(&timer, &r, "timer");
	actor_init(&late, &r, "late");
	for (unsigned i = 0; i < 3; i++)
		actor_init(&ticks[i], &r, names[i]);
	check.then = tick_three_others;
	check.other = ticks;
	actor_immediate(&check);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_string_equal(recorder_take(&r), "immediate t1 t2");

	actor_tick(&late);
	actor_timer(&timer, 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);

	assert_string_equal(recorder_take(&r), "timer t3 late");
}

/* T2: if nothing is alive, no pending phase follows, so the run drains them
 * first. */
static void a_run_of_a_dead_loop_drains_what_was_put_off(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t;
	int64_t timeout_ns;

	set_budget(f, 10);
	recorder_init(&r, f->loop);
	actor_init(&t, &r, "t");
	t.then = tick_self_until_number;
	t.number = 15;
	rota_task_unref(&t.task);
	actor_tick(&t);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(t.calls, 10);
	assert_int_equal(rota_loop_next_timeout(f->loop, &timeout_ns), 0);
	assert_int_equal(timeout_ns, 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(t.calls, 15);
	assert_int_equal(deferrals(f->loop), 1);
	assert_int_equal(rota_loop_next_timeout(f->loop, &timeout_ns), 0);
	assert_int_equal(timeout_ns, -1);
}

/* A run of events only has no pending phase. */
static void a_run_of_events_drains_what_was_put_off(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t;
	struct rota_run run;

	set_budget(f, 10);
	recorder_init(&r, f->loop);
	actor_init(&t, &r, "t");
	t.then = tick_self_until_number;
	t.number = 35;
	actor_tick(&t);
	rota_run_init(&run);
	run.flags = ROTA_RUN_ONLY_EVENTS;

	assert_int_equal(rota_loop_run_with(f->loop, &run), 0);

	assert_int_equal(t.calls, 35);
	assert_int_equal(deferrals(f->loop), 3);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(what_exceeds_the_budget_waits_for_the_pending_phase),
	VIRTUAL(microtasks_have_the_same_budget),
	VIRTUAL(a_queue_of_just_the_budget_is_drained_whole),
	VIRTUAL(every_drain_has_a_fresh_budget),
	VIRTUAL(while_ticks_wait_new_ones_join_their_end),
	VIRTUAL(ticks_that_wait_keep_the_loop_alive_and_awake),
	VIRTUAL(a_run_does_not_drain_what_waits_for_the_pending_phase),
	VIRTUAL(a_tick_that_waits_can_be_cancelled),
	VIRTUAL(after_those_that_wait_were_cancelled_ticks_run_as_usual),
	VIRTUAL(without_a_budget_a_drain_goes_to_its_end),
	VIRTUAL(the_budget_is_65536_by_default),
	VIRTUAL(a_run_does_not_begin_with_what_was_put_off),
	VIRTUAL(a_run_of_a_dead_loop_drains_what_was_put_off),
	VIRTUAL(a_run_of_events_drains_what_was_put_off),
};
FIXTURE_MAIN(tests)
