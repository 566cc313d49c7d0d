/*
 * Running a loop: how long a run of each mode takes, what ends it, and what it
 * returns.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static void queue_other_immediate(struct actor *a)
{
	actor_immediate(a->other);
}

static void stop_other_timer(struct actor *a)
{
	rota_timer_stop(&a->other->timer);
}

static void stop_other_timer_and_self(struct actor *a)
{
	rota_timer_stop(&a->other->timer);
	rota_hook_stop(&a->hook);
}

static struct rota_stats stats_of(struct rota_loop *loop)
{
	struct rota_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_loop_stats(loop, &stats), 0);
	return stats;
}

/* T2 */
static void a_default_run_of_an_empty_loop_returns_0(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(stats_of(f->loop).turns, 0);
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
}

/* T2 */
static void a_default_run_turns_until_nothing_is_alive(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	a.then = queue_other_immediate;
	a.other = &b;
	actor_timer(&a, ROTA_SEC(3600));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a b");
	assert_int_equal(stats_of(f->loop).turns, 2);
}

/* T2 */
static void any_run_first_drains_what_was_queued_outside_callbacks(void **state)
{
	static const enum rota_run_mode modes[] = {
		ROTA_RUN_DEFAULT,
		ROTA_RUN_ONCE,
		ROTA_RUN_NOWAIT,
	};
	struct fixture *f = *state;
	struct recorder r;
	struct actor tick, microtask, timer;

	recorder_init(&r, f->loop);
	actor_init(&tick, &r, "tick");
	actor_init(&microtask, &r, "microtask");
	actor_init(&timer, &r, "timer");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		actor_timer(&timer, 0);
		actor_microtask(&microtask);
		actor_tick(&tick);
		assert_string_equal(recorder_take(&r), "");

		rota_loop_run(f->loop, modes[i]);

		assert_string_equal(recorder_take(&r), "tick microtask timer");
	}
}

/* T2: no turn is needed to run a tick. */
static void a_tick_alone_keeps_the_loop_alive_until_it_is_drained(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor tick;

	recorder_init(&r, f->loop);
	actor_init(&tick, &r, "tick");
	actor_tick(&tick);
	assert_int_equal(rota_loop_alive(f->loop), 1);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "tick");
	assert_int_equal(stats_of(f->loop).turns, 0);
}

static void stop_loop(struct actor *a)
{
	rota_loop_stop(a->recorder->loop);
}

/* T5, T2: a tick before the first turn stops the loop. There is no turn to
 * complete and none is made, and the stop is cleared. */
static void a_stop_in_the_first_drain_lets_no_turn_begin(void **state)
{
	static const enum rota_run_mode modes[] = {
		ROTA_RUN_DEFAULT,
		ROTA_RUN_ONCE,
		ROTA_RUN_NOWAIT,
	};
	struct fixture *f = *state;
	struct recorder r;
	struct actor stopper, behind, timer;

	recorder_init(&r, f->loop);
	actor_init(&stopper, &r, "stopper");
	actor_init(&behind, &r, "behind");
	actor_init(&timer, &r, "timer");
	stopper.then = stop_loop;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		uint64_t turns = stats_of(f->loop).turns;

		actor_timer(&timer, 0);
		actor_tick(&stopper);
		actor_tick(&behind);
		assert_int_equal(rota_loop_run(f->loop, modes[i]), 1);
		assert_string_equal(recorder_take(&r), "stopper behind");
		assert_int_equal(stats_of(f->loop).turns, turns);

		assert_int_equal(rota_loop_run(f->loop, modes[i]), 0);
		assert_string_equal(recorder_take(&r), "timer");
	}
}

/* T3 */
static void run_once_makes_the_call_it_slept_for(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_timer(&a, ROTA_MSEC(50));
	actor_timer(&b, ROTA_MSEC(60));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_string_equal(recorder_take(&r), "a@50");

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);
	assert_string_equal(recorder_take(&r), "b@60");
}

/* T3 */
static void
the_turn_of_a_timer_that_run_once_slept_for_ends_after_timers(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, prepare, check, immediate;

	recorder_init(&r, f->loop);
	recorder_trace(&r);
	actor_init(&timer, &r, "timer");
	actor_init(&prepare, &r, "prepare");
	actor_init(&check, &r, "check");
	actor_init(&immediate, &r, "immediate");
	timer.then = queue_other_immediate;
	timer.other = &immediate;
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&timer, ROTA_MSEC(50));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	assert_string_equal(recorder_take(&r),
			    "timers: pending: prepare: prepare poll: "
			    "check: check closing: "
			    "timers: timer");
	assert_int_equal(rota_loop_phase(f->loop), ROTA_PHASE_NONE);

	/* The same turn continues. */
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_string_equal(recorder_take(&r),
			    "pending: prepare: prepare poll: "
			    "check: check immediate closing:");
	rota_hook_stop(&prepare.hook);
	rota_hook_stop(&check.hook);
	rota_loop_trace(f->loop, NULL);
}

/* T3: once a callback has run, the rest of the turn does not block. */
static void run_once_does_not_sleep_after_a_callback(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor due, later, check;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&due, &r, "due");
	actor_init(&later, &r, "later");
	actor_init(&check, &r, "check");
	actor_timer(&due, 0);
	actor_timer(&later, ROTA_MSEC(50));
	actor_hook(&check, ROTA_HOOK_CHECK);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	assert_string_equal(recorder_take(&r), "due@0 check@0");
	assert_int_equal(stats_of(f->loop).turns, 1);
	rota_hook_stop(&check.hook);
	rota_timer_stop(&later.timer);
}

/* T3: a tick counts as a callback. */
static void run_once_does_not_sleep_after_a_tick(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor tick, later;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&tick, &r, "tick");
	actor_init(&later, &r, "later");
	actor_tick(&tick);
	actor_timer(&later, ROTA_MSEC(50));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	assert_string_equal(recorder_take(&r), "tick@0");
	rota_timer_stop(&later.timer);
}

/* T3: a call of a hook does not end ROTA_RUN_ONCE. */
static void hooks_do_not_end_run_once(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor prepare, check, timer;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&prepare, &r, "prepare");
	actor_init(&check, &r, "check");
	actor_init(&timer, &r, "timer");
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&timer, ROTA_MSEC(50));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	assert_string_equal(recorder_take(&r), "prepare@0 check@50 timer@50");
	rota_hook_stop(&prepare.hook);
	rota_hook_stop(&check.hook);
}

/* T3 */
static void run_once_returns_when_nothing_is_alive(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer;

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);

	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	rota_timer_unref(&timer.timer);
	actor_timer(&timer, ROTA_MSEC(50));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);

	assert_string_equal(recorder_take(&r), "");
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
	rota_timer_stop(&timer.timer);
}

/* T3: when hooks stop something, nothing may be left to run for. */
static void run_once_returns_when_a_hook_leaves_nothing_alive(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor prepare, timer;

	recorder_init(&r, f->loop);
	actor_init(&prepare, &r, "prepare");
	actor_init(&timer, &r, "timer");
	prepare.then = stop_other_timer_and_self;
	prepare.other = &timer;
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	actor_timer(&timer, ROTA_MSEC(50));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);

	assert_string_equal(recorder_take(&r), "prepare");
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
	(void)number;
	alarms++;
}

/* Run once for a timer of 20 ms, while an alarm goes off every millisecond. */
static void run_once_beside_alarms(struct fixture *f)
{
	struct itimerval every_ms = { { 0, 1000 }, { 0, 1000 } };
	struct itimerval none = { { 0, 0 }, { 0, 0 } };
	struct recorder r;
	struct actor timer;
	uint64_t began_ns = real_now();
	int status;

	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	actor_timer(&timer, ROTA_MSEC(20));
	setitimer(ITIMER_REAL, &every_ms, NULL);

	status = rota_loop_run(f->loop, ROTA_RUN_ONCE);

	setitimer(ITIMER_REAL, &none, NULL);
	assert_int_equal(status, 0);
	assert_string_equal(recorder_take(&r), "timer");
	assert_true(real_now() - began_ns >= ROTA_MSEC(20));
}

/* T3: on a busy machine the timer may be due before an alarm can disturb the
 * wait. That shows nothing, so the wait is repeated. */
static void a_signal_handler_does_not_end_run_once(void **state)
{
	struct fixture *f = *state;
	struct sigaction action = { .sa_handler = count_alarm };
	struct sigaction before;
	unsigned tries = 0;

	alarms = 0;
	alarm(0); /* an alarm of the fixture would use this signal */
	sigaction(SIGALRM, &action, &before);

	while (alarms == 0 && tries++ < 500)
		run_once_beside_alarms(f);

	sigaction(SIGALRM, &before, NULL);
	assert_true(alarms > 0);
}

/* T3: the loop was woken for a task that was cancelled. */
static void a_wake_up_without_work_does_not_end_run_once(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor post, timer;
	int64_t timeout_ns;

	recorder_init(&r, f->loop);
	actor_init(&post, &r, "post");
	actor_init(&timer, &r, "timer");
	/* Now the loop counts as asleep, so a post must wake it. */
	assert_int_equal(rota_loop_next_timeout(f->loop, &timeout_ns), 0);
	actor_post(&post);
	assert_int_equal(rota_task_cancel(&post.task), 0);
	actor_timer(&timer, ROTA_MSEC(3));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);

	assert_string_equal(recorder_take(&r), "timer");
}

/* T3: the due time of a stopped timer passes, and the loop sleeps again. */
static void a_time_out_of_a_stopped_timer_does_not_end_run_once(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor stopped, timer, check;

	recorder_init(&r, f->loop);
	actor_init(&stopped, &r, "stopped");
	actor_init(&timer, &r, "timer");
	actor_init(&check, &r, "check");
	check.then = stop_other_timer;
	check.other = &stopped;
	rota_hook_unref(&check.hook);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&stopped, ROTA_MSEC(1));
	actor_timer(&timer, ROTA_MSEC(3));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);

	assert_int_equal(stopped.calls, 0);
	assert_int_equal(timer.calls, 1);
	rota_hook_stop(&check.hook);
}

/* T3 */
static void a_repeating_timer_fires_once_in_run_once(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&timer, &r, "timer");
	actor_every(&timer, ROTA_MSEC(10), ROTA_REPEAT_RATE);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_string_equal(recorder_take(&r), "timer@10");

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_string_equal(recorder_take(&r), "timer@20");
	rota_timer_stop(&timer.timer);
}

/* T4 */
static void run_nowait_is_one_turn_that_does_not_sleep(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor due, later;

	recorder_init(&r, f->loop);
	actor_init(&due, &r, "due");
	actor_init(&later, &r, "later");
	actor_timer(&due, 0);
	actor_timer(&later, ROTA_MSEC(50));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_string_equal(recorder_take(&r), "due");
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_string_equal(recorder_take(&r), "");
	assert_int_equal(stats_of(f->loop).turns, 2);
	assert_int_equal(stats_of(f->loop).sleeps, 0);
	assert_true(rota_timer_due_in(&later.timer) > ROTA_MSEC(1));
	rota_timer_stop(&later.timer);
}

/* T4: the run reads the clock first. */
static void run_nowait_runs_what_fell_due_before_it(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_timer(&a, ROTA_MSEC(50));
	rota_loop_advance(f->loop, ROTA_MSEC(49));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_string_equal(recorder_take(&r), "");
	rota_loop_advance(f->loop, ROTA_MSEC(1));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
	assert_string_equal(recorder_take(&r), "a");
}

static void a_mode_of_no_meaning_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rota_loop_run(f->loop, (enum rota_run_mode)3),
			 ROTA_EINVAL);
	assert_int_equal(rota_loop_run(f->loop, (enum rota_run_mode) - 1),
			 ROTA_EINVAL);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_default_run_of_an_empty_loop_returns_0),
	VIRTUAL(a_default_run_turns_until_nothing_is_alive),
	VIRTUAL(any_run_first_drains_what_was_queued_outside_callbacks),
	VIRTUAL(a_tick_alone_keeps_the_loop_alive_until_it_is_drained),
	VIRTUAL(a_stop_in_the_first_drain_lets_no_turn_begin),
	VIRTUAL(run_once_makes_the_call_it_slept_for),
	VIRTUAL(the_turn_of_a_timer_that_run_once_slept_for_ends_after_timers),
	VIRTUAL(run_once_does_not_sleep_after_a_callback),
	VIRTUAL(run_once_does_not_sleep_after_a_tick),
	VIRTUAL(hooks_do_not_end_run_once),
	VIRTUAL(run_once_returns_when_nothing_is_alive),
	VIRTUAL(run_once_returns_when_a_hook_leaves_nothing_alive),
	REAL(a_signal_handler_does_not_end_run_once),
	REAL(a_wake_up_without_work_does_not_end_run_once),
	REAL(a_time_out_of_a_stopped_timer_does_not_end_run_once),
	VIRTUAL(a_repeating_timer_fires_once_in_run_once),
	REAL(run_nowait_is_one_turn_that_does_not_sleep),
	VIRTUAL(run_nowait_runs_what_fell_due_before_it),
	VIRTUAL(a_mode_of_no_meaning_is_refused),
};
FIXTURE_MAIN(tests)
