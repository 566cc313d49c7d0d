/*
 * Shutdown: ending a loop that still has work.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <unistd.h>

/* O5 */
static void shutdown_stops_all_nodes_and_closes_the_loop(void **state)
{
	struct fixture *f = *state;
	struct rota_loop *loop = f->loop;
	struct recorder r;
	struct actor a, b, c;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	recorder_init(&r, loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	actor_timer(&a, 0);
	actor_every(&b, ROTA_MSEC(1), ROTA_REPEAT_RATE);
	actor_timer(&c, UINT64_MAX);
	actor_hook(&a, ROTA_HOOK_IDLE);
	actor_hook(&b, ROTA_HOOK_PREPARE);
	actor_hook(&c, ROTA_HOOK_CHECK);
	actor_async(&a);
	rota_async_send(&a.async);
	actor_watch(&a, fds[0], ROTA_READABLE);

	assert_int_equal(rota_loop_shutdown(loop, f->start_ns + ROTA_SEC(1)),
			 0);
	f->loop = NULL;

	assert_string_equal(recorder_take(&r), "");
	assert_int_equal(rota_timer_is_active(&a.timer), 0);
	assert_int_equal(rota_timer_is_active(&b.timer), 0);
	assert_int_equal(rota_timer_is_active(&c.timer), 0);
	assert_int_equal(rota_hook_is_active(&a.hook), 0);
	assert_int_equal(rota_hook_is_active(&b.hook), 0);
	assert_int_equal(rota_hook_is_active(&c.hook), 0);
	assert_int_equal(rota_async_is_active(&a.async), 0);
	assert_int_equal(rota_watch_is_active(&a.watch), 0);
	close(fds[0]);
	close(fds[1]);
}

/* O5: queued tasks still run, referenced or not. */
static void shutdown_runs_what_is_queued(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor tick, microtask, immediate, post, quiet;

	recorder_init(&r, f->loop);
	actor_init(&tick, &r, "tick");
	actor_init(&microtask, &r, "microtask");
	actor_init(&immediate, &r, "immediate");
	actor_init(&post, &r, "post");
	actor_init(&quiet, &r, "quiet");
	rota_task_unref(&quiet.task);
	actor_immediate(&immediate);
	actor_immediate(&quiet);
	actor_post(&post);
	actor_microtask(&microtask);
	actor_tick(&tick);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_string_equal(recorder_take(&r),
			    "tick microtask post immediate quiet");
}

static void never(void *arg)
{
	(void)arg;
	fail_msg("called");
}

static void expect_no_starts(struct actor *a)
{
	struct actor *b = a->other;

	assert_int_equal(rota_timer_start(&b->timer, actor_on_timer, 0),
			 ROTA_ESHUTDOWN);
	assert_int_equal(rota_timer_start_at(&b->timer, actor_on_timer, 0),
			 ROTA_ESHUTDOWN);
	assert_int_equal(rota_timer_every(&b->timer, actor_on_timer, 1,
					  ROTA_REPEAT_RATE),
			 ROTA_ESHUTDOWN);
	assert_int_equal(
		rota_hook_start(&b->hook, actor_on_hook, ROTA_HOOK_IDLE),
		ROTA_ESHUTDOWN);
	assert_int_equal(rota_async_start(&b->async, actor_on_async),
			 ROTA_ESHUTDOWN);
	assert_int_equal(
		rota_watch_start(&b->watch, actor_on_watch, ROTA_READABLE),
		ROTA_ESHUTDOWN);
	assert_int_equal(rota_task_post(&b->task, actor_on_task),
			 ROTA_ESHUTDOWN);
	assert_int_equal(rota_set_timeout(a->recorder->loop, never, NULL, 0),
			 0);
	assert_int_equal(rota_timer_is_active(&b->timer), 0);
	assert_int_equal(rota_hook_is_active(&b->hook), 0);
	assert_int_equal(rota_async_is_active(&b->async), 0);
	assert_int_equal(rota_watch_is_active(&b->watch), 0);
	assert_int_equal(rota_task_is_queued(&b->task), 0);
}

/* O5 */
static void nothing_starts_during_a_shutdown(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor post, immediate, b;
	int fds[2];

	make_pipe(fds);
	recorder_init(&r, f->loop);
	actor_init(&post, &r, "post");
	actor_init(&immediate, &r, "immediate");
	actor_init(&b, &r, "b");
	rota_watch_init(&b.watch, f->loop, fds[0]);
	post.then = expect_no_starts;
	post.other = &b;
	immediate.then = expect_no_starts;
	immediate.other = &b;
	actor_post(&post);
	actor_immediate(&immediate);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_string_equal(recorder_take(&r), "post immediate");
	close(fds[0]);
	close(fds[1]);
}

static void queue_other(struct actor *a)
{
	actor_immediate(a->other);
}

static void tick_other(struct actor *a)
{
	actor_tick(a->other);
}

/* O5: ticks and immediates of the loop's thread still run. */
static void what_callbacks_queue_during_a_shutdown_runs(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	a.then = queue_other;
	a.other = &b;
	b.then = tick_other;
	b.other = &c;
	actor_post(&a);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_string_equal(recorder_take(&r), "a b c");
}

static void immediate_self_and_advance(struct actor *a)
{
	rota_loop_advance(a->recorder->loop, ROTA_MSEC(1));
	actor_immediate(a);
}

/* O5: after its deadline the loop is still open and can be used. */
static void a_shutdown_without_end_times_out_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;
	uint64_t deadline_ns = f->start_ns + ROTA_MSEC(10);

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	a.then = immediate_self_and_advance;
	actor_immediate(&a);
	actor_timer(&b, ROTA_MSEC(5));

	assert_int_equal(rota_loop_shutdown(f->loop, deadline_ns),
			 ROTA_ETIMEDOUT);

	assert_int_equal(a.calls, 10);
	assert_int_equal(rota_loop_update_now(f->loop), deadline_ns);
	assert_int_equal(rota_timer_is_active(&b.timer), 0);
	assert_int_equal(rota_task_is_queued(&a.task), 1);
	recorder_take(&r);

	rota_task_cancel(&a.task);
	actor_timer(&b, ROTA_MSEC(5));
	actor_post(&a);
	a.then = NULL;
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "a@10 b@15");
}

/* O5: the loop can be shut down again. */
static void a_shutdown_that_timed_out_can_be_made_again(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = immediate_self_and_advance;
	actor_immediate(&a);
	assert_int_equal(
		rota_loop_shutdown(f->loop, f->start_ns + ROTA_MSEC(3)),
		ROTA_ETIMEDOUT);
	assert_int_equal(a.calls, 3);
	a.then = NULL;

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_int_equal(a.calls, 4);
}

static void immediate_self(struct actor *a)
{
	a->recorder->size = 0;
	actor_immediate(a);
}

/* O5 */
static void a_shutdown_without_end_times_out_in_real_time(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	uint64_t deadline_ns = real_now() + ROTA_MSEC(3);

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = immediate_self;
	actor_immediate(&a);

	assert_int_equal(rota_loop_shutdown(f->loop, deadline_ns),
			 ROTA_ETIMEDOUT);

	assert_true(real_now() >= deadline_ns);
	rota_task_cancel(&a.task);
}

/* O5: a deadline that has passed is no error if nothing is left to do. */
static void a_shutdown_of_a_loop_at_rest_meets_any_deadline(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_timer(&a, ROTA_SEC(1));

	assert_int_equal(rota_loop_shutdown(f->loop, 0), 0);
	f->loop = NULL;

	assert_int_equal(a.calls, 0);
}

static void stop_loop(struct actor *a)
{
	rota_loop_stop(a->recorder->loop);
}

/* O5: a stop ends a run, but not a shutdown. */
static void a_stop_does_not_keep_a_loop_from_its_end(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	a.then = stop_loop;
	b.then = queue_other;
	b.other = &a;
	rota_loop_stop(f->loop);
	actor_immediate(&b);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_string_equal(recorder_take(&r), "b a");
}

/* O5 */
static void a_reference_outlives_a_shutdown(void **state)
{
	struct fixture *f = *state;
	struct rota_loop *loop = rota_loop_ref(f->loop);
	struct rota_task task;

	rota_task_init(&task, loop);
	assert_int_equal(rota_loop_shutdown(loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_true(f->memory.bytes > 0);
	assert_int_equal(rota_task_post(&task, actor_on_task), ROTA_ESHUTDOWN);
	rota_loop_unref(loop);
	assert_int_equal(f->memory.bytes, 0);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(shutdown_stops_all_nodes_and_closes_the_loop),
	VIRTUAL(shutdown_runs_what_is_queued),
	VIRTUAL(nothing_starts_during_a_shutdown),
	VIRTUAL(what_callbacks_queue_during_a_shutdown_runs),
	VIRTUAL(a_shutdown_without_end_times_out_at_its_deadline),
	VIRTUAL(a_shutdown_that_timed_out_can_be_made_again),
	REAL(a_shutdown_without_end_times_out_in_real_time),
	VIRTUAL(a_shutdown_of_a_loop_at_rest_meets_any_deadline),
	VIRTUAL(a_stop_does_not_keep_a_loop_from_its_end),
	VIRTUAL(a_reference_outlives_a_shutdown),
};
FIXTURE_MAIN(tests)
