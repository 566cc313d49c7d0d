/*
 * Stopping a run, and calls that are refused during a run.
 */
#include "support/fixture.h"
#include "support/recorder.h"

static void stop_loop(struct actor *a)
{
	rota_loop_stop(a->recorder->loop);
}

/* T5 */
static void
stop_before_a_run_makes_it_return_at_once_and_runs_nothing(void **state)
{
	static const enum rota_run_mode modes[] = {
		ROTA_RUN_DEFAULT,
		ROTA_RUN_ONCE,
		ROTA_RUN_NOWAIT,
	};
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, tick, idle;

	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	actor_init(&tick, &r, "tick");
	actor_init(&idle, &r, "idle");
	rota_hook_unref(&idle.hook);
	actor_hook(&idle, ROTA_HOOK_IDLE);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		actor_timer(&timer, 0);
		actor_tick(&tick);
		rota_loop_stop(f->loop);

		assert_int_equal(rota_loop_run(f->loop, modes[i]), 1);
		assert_string_equal(recorder_take(&r), "");

		assert_int_equal(rota_loop_run(f->loop, modes[i]), 0);
		assert_string_equal(recorder_take(&r), "tick timer idle");
	}
	rota_hook_stop(&idle.hook);
}

/* T5 */
static void stop_in_a_callback_completes_the_turn_without_sleeping(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[7];
	struct actor later;
	static const char *const names[] = {
		"tick",  "timer", "idle",      "prepare",
		"async", "check", "immediate",
	};

	for (size_t i = 0; i < 7; i++) {
		recorder_init(&r, f->loop);
		r.times = 1;
		actor_init(&later, &r, "later");
		actor_timer(&later, ROTA_SEC(1));
		for (size_t j = 0; j < 7; j++)
			actor_init(&actors[j], &r, names[j]);
		actors[i].then = stop_loop;
		actor_timer(&actors[1], 0);
		actor_hook(&actors[2], ROTA_HOOK_IDLE);
		actor_hook(&actors[3], ROTA_HOOK_PREPARE);
		actor_async(&actors[4]);
		rota_async_send(&actors[4].async);
		actor_hook(&actors[5], ROTA_HOOK_CHECK);
		actor_immediate(&actors[6]);
		if (i == 0)
			actor_tick(&actors[0]);

		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 1);

		if (i > 0)
			assert_string_equal(recorder_take(&r),
					    "timer@0 idle@0 prepare@0 async@0 "
					    "check@0 immediate@0");
		assert_int_equal(rota_loop_now(f->loop), r.start_ns);
		rota_hook_stop(&actors[2].hook);
		rota_hook_stop(&actors[3].hook);
		rota_hook_stop(&actors[5].hook);
		rota_async_stop(&actors[4].async);
		rota_timer_stop(&actors[1].timer);
		rota_task_cancel(&actors[6].task);
		rota_timer_stop(&later.timer);
	}
}

/* T5, L4: nothing else that is queued would make the wait zero. */
static void stop_before_the_wait_keeps_it_at_zero(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor tick, timer, prepare, later;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&tick, &r, "tick");
	actor_init(&timer, &r, "timer");
	actor_init(&prepare, &r, "prepare");
	actor_init(&later, &r, "later");
	tick.then = timer.then = prepare.then = stop_loop;
	actor_timer(&later, ROTA_SEC(1));

	actor_tick(&tick);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 1);
	assert_string_equal(recorder_take(&r), "tick@0");
	actor_timer(&timer, 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 1);
	assert_string_equal(recorder_take(&r), "timer@0");
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 1);
	assert_string_equal(recorder_take(&r), "prepare@0");

	assert_int_equal(rota_loop_update_now(f->loop), r.start_ns);
	rota_hook_stop(&prepare.hook);
	rota_timer_stop(&later.timer);
}

/* T5: the run that a stop has ended clears it. */
static void a_stop_in_a_callback_ends_one_run_only(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	a.then = stop_loop;
	actor_timer(&a, ROTA_MSEC(10));
	actor_timer(&b, ROTA_MSEC(20));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 1);
	assert_string_equal(recorder_take(&r), "a@10");

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "b@20");
}

static void expect_busy(struct actor *a)
{
	struct rota_loop *loop = a->recorder->loop;
	int64_t timeout_ns;

	assert_int_equal(rota_loop_run(loop, ROTA_RUN_DEFAULT), ROTA_EBUSY);
	assert_int_equal(rota_loop_run(loop, ROTA_RUN_ONCE), ROTA_EBUSY);
	assert_int_equal(rota_loop_run(loop, ROTA_RUN_NOWAIT), ROTA_EBUSY);
	assert_int_equal(rota_loop_shutdown(loop, UINT64_MAX), ROTA_EBUSY);
	assert_int_equal(rota_loop_close(loop), ROTA_EBUSY);
	assert_int_equal(rota_loop_next_timeout(loop, &timeout_ns), ROTA_EBUSY);
	rota_hook_stop(&a->hook);
	rota_async_stop(&a->async);
}

/* T6 */
static void run_and_shutdown_inside_a_callback_are_refused(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[9];
	static const char *const names[] = {
		"tick",  "microtask", "timer", "idle",      "prepare",
		"async", "post",      "check", "immediate",
	};

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < 9; i++) {
		actor_init(&actors[i], &r, names[i]);
		actors[i].then = expect_busy;
	}
	actor_tick(&actors[0]);
	actor_microtask(&actors[1]);
	actor_timer(&actors[2], 0);
	actor_hook(&actors[3], ROTA_HOOK_IDLE);
	actor_hook(&actors[4], ROTA_HOOK_PREPARE);
	actor_async(&actors[5]);
	rota_async_send(&actors[5].async);
	actor_post(&actors[6]);
	actor_hook(&actors[7], ROTA_HOOK_CHECK);
	actor_immediate(&actors[8]);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r),
			    "tick microtask timer idle prepare async post "
			    "check immediate");
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(stop_before_a_run_makes_it_return_at_once_and_runs_nothing),
	VIRTUAL(stop_in_a_callback_completes_the_turn_without_sleeping),
	VIRTUAL(stop_before_the_wait_keeps_it_at_zero),
	VIRTUAL(a_stop_in_a_callback_ends_one_run_only),
	VIRTUAL(run_and_shutdown_inside_a_callback_are_refused),
};
FIXTURE_MAIN(tests)
