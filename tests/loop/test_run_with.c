/*
 * Runs with options: without timers, of events only, and until woken; and turns
 * that do not sleep.
 */
#include "support/fault.h"
#include "support/fixture.h"
#include "support/recorder.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static struct rota_stats stats_of(struct rota_loop *loop)
{
	struct rota_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_loop_stats(loop, &stats), 0);
	return stats;
}

static int run_with(struct rota_loop *loop, enum rota_run_mode mode,
		    unsigned flags)
{
	struct rota_run run;

	rota_run_init(&run);
	run.mode = mode;
	run.flags = flags;
	return rota_loop_run_with(loop, &run);
}

static void a_run_without_flags_is_a_run(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, immediate, tick, check;
	struct rota_run run;

	rota_run_init(&run);
	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	actor_init(&immediate, &r, "immediate");
	actor_init(&tick, &r, "tick");
	actor_init(&check, &r, "check");
	actor_timer(&timer, ROTA_MSEC(5));
	actor_immediate(&immediate);
	actor_tick(&tick);
	rota_hook_unref(&check.hook);
	actor_hook(&check, ROTA_HOOK_CHECK);

	assert_int_equal(rota_loop_run_with(f->loop, &run), 0);

	assert_string_equal(recorder_take(&r),
			    "tick check immediate check timer check");
	assert_int_equal(run.callbacks, 3); /* hooks do not count */
	rota_hook_stop(&check.hook);
}

static void callbacks_are_counted_for_each_run(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;
	struct rota_run run;

	rota_run_init(&run);
	run.mode = ROTA_RUN_ONCE;
	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_timer(&a, ROTA_MSEC(1));
	actor_timer(&b, ROTA_MSEC(2));

	assert_int_equal(rota_loop_run_with(f->loop, &run), 1);
	assert_int_equal(run.callbacks, 1);
	rota_loop_stop(f->loop);
	assert_int_equal(rota_loop_run_with(f->loop, &run), 1);
	assert_int_equal(run.callbacks, 0);
	assert_int_equal(rota_loop_run_with(f->loop, &run), 0);
	assert_int_equal(run.callbacks, 1);
}

static void options_of_no_meaning_are_refused(void **state)
{
	struct fixture *f = *state;
	struct {
		struct rota_run run;
		char later[8];
	} longer;
	struct rota_run run;

	assert_int_equal(rota_loop_run_with(f->loop, NULL), ROTA_EINVAL);
	rota_run_init(&run);
	run.size = offsetof(struct rota_run, callbacks);
	assert_int_equal(rota_loop_run_with(f->loop, &run), ROTA_EINVAL);
	rota_run_init(&run);
	run.mode = (enum rota_run_mode)3;
	assert_int_equal(rota_loop_run_with(f->loop, &run), ROTA_EINVAL);
	rota_run_init(&run);
	run.flags = 1 << 3;
	assert_int_equal(rota_loop_run_with(f->loop, &run), ROTA_EINVAL);

	/* For a later version: unknown members must be zero. */
	memset(&longer, 0, sizeof(longer));
	longer.run.size = sizeof(longer);
	assert_int_equal(rota_loop_run_with(f->loop, &longer.run), 0);
	longer.later[7] = 1;
	assert_int_equal(rota_loop_run_with(f->loop, &longer.run), ROTA_EINVAL);
}

static void stop_loop(struct actor *a)
{
	rota_loop_stop(a->recorder->loop);
}

static void run_inside(struct actor *a)
{
	assert_int_equal(run_with(a->recorder->loop, ROTA_RUN_NOWAIT, 0),
			 ROTA_EBUSY);
}

/* T6 */
static void a_run_with_options_does_not_nest(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = run_inside;
	actor_immediate(&a);

	assert_int_equal(run_with(f->loop, ROTA_RUN_DEFAULT, 0), 0);
}

static void without_timers_none_is_called(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, immediate;
	int64_t timeout_ns;

	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	actor_init(&immediate, &r, "immediate");
	actor_timer(&timer, 0);
	actor_immediate(&immediate);

	assert_int_equal(run_with(f->loop, ROTA_RUN_NOWAIT, ROTA_RUN_NO_TIMERS),
			 1);
	assert_string_equal(recorder_take(&r), "immediate");
	assert_int_equal(rota_loop_next_timeout(f->loop, &timeout_ns), 0);
	assert_int_equal(timeout_ns, 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
	assert_string_equal(recorder_take(&r), "timer");
}

static void *post_later(void *arg)
{
	struct actor *a = arg;

	/* The loop is asleep, or about to sleep. */
	while (fault_count("epoll_wait") + fault_count("epoll_pwait2") +
		       fault_count("kevent") + fault_count("ppoll") ==
	       0)
		;
	actor_post(a);
	return NULL;
}

/* The clock is virtual: if the timer counted, the clock would jump. */
static void without_timers_none_ends_the_sleep(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, post;
	pthread_t thread;

	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	actor_init(&post, &r, "post");
	actor_timer(&timer, ROTA_MSEC(1));
	fault_count_reset();
	rota_loop_ref(f->loop);
	assert_int_equal(pthread_create(&thread, NULL, post_later, &post), 0);

	assert_int_equal(run_with(f->loop, ROTA_RUN_ONCE, ROTA_RUN_NO_TIMERS),
			 1);

	pthread_join(thread, NULL);
	rota_loop_unref(f->loop);
	assert_string_equal(recorder_take(&r), "post");
	assert_int_equal(rota_loop_update_now(f->loop), f->start_ns);
	rota_timer_stop(&timer.timer);
}

static void take_byte_and_stop(struct actor *a)
{
	take_byte((int)a->number);
	rota_watch_stop(&a->watch);
}

static void a_run_of_events_calls_watches_alone(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a[7];
	struct rota_tcp tcp;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	recorder_init(&r, f->loop);
	for (unsigned i = 0; i < 7; i++)
		actor_init(&a[i], &r, "other");
	a[0].name = "watch";
	a[0].then = take_byte_and_stop;
	a[0].number = (uint64_t)fds[0];
	actor_watch(&a[0], fds[0], ROTA_READABLE);
	actor_timer(&a[1], 0);
	actor_immediate(&a[2]);
	actor_post(&a[3]);
	actor_hook(&a[4], ROTA_HOOK_PREPARE);
	actor_hook(&a[5], ROTA_HOOK_IDLE);
	actor_hook(&a[6], ROTA_HOOK_CHECK);
	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);
	assert_int_equal(rota_handle_close(&tcp.handle, NULL), 0);

	assert_int_equal(run_with(f->loop, ROTA_RUN_ONCE, ROTA_RUN_ONLY_EVENTS),
			 1);
	assert_int_equal(
		run_with(f->loop, ROTA_RUN_NOWAIT, ROTA_RUN_ONLY_EVENTS), 1);

	assert_string_equal(recorder_take(&r), "watch");
	for (unsigned i = 4; i < 7; i++)
		rota_hook_stop(&a[i].hook);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "other other other");
	close(fds[0]);
	close(fds[1]);
}

static void tick_other(struct actor *a)
{
	take_byte_and_stop(a);
	actor_tick(a->other);
}

/* T10, T2: ticks are drained between callbacks as in every run. */
static void a_run_of_events_drains_ticks(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor watch, first, tick;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	recorder_init(&r, f->loop);
	actor_init(&watch, &r, "watch");
	actor_init(&first, &r, "first");
	actor_init(&tick, &r, "tick");
	watch.then = tick_other;
	watch.other = &tick;
	watch.number = (uint64_t)fds[0];
	actor_watch(&watch, fds[0], ROTA_READABLE);
	actor_tick(&first);

	assert_int_equal(run_with(f->loop, ROTA_RUN_ONCE, ROTA_RUN_ONLY_EVENTS),
			 0);

	assert_string_equal(recorder_take(&r), "first watch tick");
	close(fds[0]);
	close(fds[1]);
}

static void *put_byte_later(void *arg)
{
	const int *fd = arg;
	uint64_t until_ns = real_now() + ROTA_MSEC(20);

	while (real_now() < until_ns)
		usleep(1000);
	put_byte(*fd);
	return NULL;
}

/* What such a run does not call does not keep it awake. */
static void a_run_of_events_sleeps_beside_what_is_queued(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor watch, immediate, post, timer;
	struct rota_stats before, after;
	pthread_t thread;
	int fds[2];

	make_pipe(fds);
	recorder_init(&r, f->loop);
	actor_init(&watch, &r, "watch");
	actor_init(&immediate, &r, "immediate");
	actor_init(&post, &r, "post");
	actor_init(&timer, &r, "timer");
	watch.then = take_byte_and_stop;
	watch.number = (uint64_t)fds[0];
	actor_watch(&watch, fds[0], ROTA_READABLE);
	actor_immediate(&immediate);
	actor_post(&post);
	actor_timer(&timer, 0);
	before = stats_of(f->loop);
	assert_int_equal(pthread_create(&thread, NULL, put_byte_later, &fds[1]),
			 0);

	assert_int_equal(run_with(f->loop, ROTA_RUN_ONCE, ROTA_RUN_ONLY_EVENTS),
			 1);

	pthread_join(thread, NULL);
	after = stats_of(f->loop);
	assert_string_equal(recorder_take(&r), "watch");
	assert_in_range(after.waits - before.waits, 1, 4);
	assert_int_equal(after.turns, before.turns);
	assert_int_equal(after.phases[ROTA_PHASE_POLL],
			 before.phases[ROTA_PHASE_POLL] + after.waits -
				 before.waits);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "timer post immediate");
	close(fds[0]);
	close(fds[1]);
}

static void until_woken_a_dead_loop_sleeps_for_a_post(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor post;
	pthread_t thread;

	recorder_init(&r, f->loop);
	actor_init(&post, &r, "post");
	post.then = stop_loop;
	fault_count_reset();
	rota_loop_ref(f->loop);
	assert_int_equal(pthread_create(&thread, NULL, post_later, &post), 0);

	assert_int_equal(
		run_with(f->loop, ROTA_RUN_DEFAULT, ROTA_RUN_UNTIL_WOKEN), 0);

	pthread_join(thread, NULL);
	rota_loop_unref(f->loop);
	assert_string_equal(recorder_take(&r), "post");
	assert_int_equal(stats_of(f->loop).sleeps, 1);
	assert_int_equal(rota_loop_alive(f->loop), 0);
}

/* L2: the run keeps the loop alive, so unreferenced nodes are called. */
static void until_woken_what_is_unreferenced_runs(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, stopper;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&timer, &r, "timer");
	actor_init(&stopper, &r, "stopper");
	stopper.then = stop_loop;
	rota_timer_unref(&timer.timer);
	rota_timer_unref(&stopper.timer);
	actor_timer(&timer, ROTA_SEC(1));
	actor_timer(&stopper, ROTA_SEC(2));

	assert_int_equal(
		run_with(f->loop, ROTA_RUN_DEFAULT, ROTA_RUN_UNTIL_WOKEN), 0);

	assert_string_equal(recorder_take(&r), "timer@1000 stopper@2000");
}

static void skip_sleep(struct actor *a)
{
	if (a->calls == 1)
		rota_loop_skip_sleep(a->recorder->loop);
}

/* L4: one wait does not sleep, and the next one does. */
static void a_prepare_hook_can_keep_a_turn_from_sleeping(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor prepare, check, timer;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&prepare, &r, "prepare");
	actor_init(&check, &r, "check");
	actor_init(&timer, &r, "timer");
	prepare.then = skip_sleep;
	rota_hook_unref(&prepare.hook);
	rota_hook_unref(&check.hook);
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&timer, ROTA_MSEC(10));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r),
			    "prepare@0 check@0 prepare@0 check@10 "
			    "timer@10 prepare@10 check@10");
	rota_hook_stop(&prepare.hook);
	rota_hook_stop(&check.hook);
}

/* A call after the wait, or outside a run, applies to the next wait. */
static void a_sleep_that_was_skipped_later_is_the_next_one(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor check, timer;
	int64_t timeout_ns;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&check, &r, "check");
	actor_init(&timer, &r, "timer");
	check.then = skip_sleep;
	rota_hook_unref(&check.hook);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&timer, ROTA_MSEC(10));
	rota_loop_skip_sleep(f->loop);
	assert_int_equal(rota_loop_next_timeout(f->loop, &timeout_ns), 0);
	assert_int_equal(timeout_ns, 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r),
			    "check@0 check@0 check@10 timer@10 check@10");
	rota_hook_stop(&check.hook);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_run_without_flags_is_a_run),
	VIRTUAL(callbacks_are_counted_for_each_run),
	VIRTUAL(options_of_no_meaning_are_refused),
	VIRTUAL(a_run_with_options_does_not_nest),
	VIRTUAL(without_timers_none_is_called),
	VIRTUAL(without_timers_none_ends_the_sleep),
	REAL(a_run_of_events_calls_watches_alone),
	REAL(a_run_of_events_drains_ticks),
	REAL(a_run_of_events_sleeps_beside_what_is_queued),
	REAL(until_woken_a_dead_loop_sleeps_for_a_post),
	VIRTUAL(until_woken_what_is_unreferenced_runs),
	VIRTUAL(a_prepare_hook_can_keep_a_turn_from_sleeping),
	VIRTUAL(a_sleep_that_was_skipped_later_is_the_next_one),
};
FIXTURE_MAIN(tests)
