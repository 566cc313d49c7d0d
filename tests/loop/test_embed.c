/*
 * A loop inside another loop: the host sleeps on the backend's descriptor, for
 * as long as the loop allows, and then makes a turn.
 *
 * Here the host is poll(2). The poller "poll" has no descriptor.
 */
#include "support/fault.h"
#include "support/fixture.h"
#include "support/recorder.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

static int has_descriptor(struct fixture *f)
{
	if (!poller_is(f, "poll"))
		return 1;
	print_message("skip: poll(2) has no descriptor to watch\n");
	return 0;
}

static int64_t next_timeout(struct rota_loop *loop)
{
	int64_t timeout_ns = -2;

	assert_int_equal(rota_loop_next_timeout(loop, &timeout_ns), 0);
	assert_true(timeout_ns >= -1);
	return timeout_ns;
}

/* Whether the loop's descriptor becomes readable within @timeout_ns. */
static int is_readable(struct rota_loop *loop, int64_t timeout_ns)
{
	struct pollfd p = { .fd = rota_loop_backend_fd(loop),
			    .events = POLLIN };
	int64_t ms = (timeout_ns + 999999) / 1000000;
	int n = poll(&p, 1, timeout_ns < 0 ? -1 : (int)ms);

	assert_in_range(n, 0, 1);
	return n;
}

/* A kqueue may need a turn to notice that no event is left. After that turn,
 * which calls nothing, it must not be readable. */
static void expect_unreadable(struct recorder *r)
{
	assert_int_equal(next_timeout(r->loop), -1);
	if (is_readable(r->loop, 0)) {
		rota_loop_run(r->loop, ROTA_RUN_NOWAIT);
		assert_int_equal(next_timeout(r->loop), -1);
	}
	assert_int_equal(is_readable(r->loop, 0), 0);
	assert_string_equal(recorder_take(r), "");
}

/* L5 */
static void every_poller_but_poll_has_a_descriptor(void **state)
{
	struct fixture *f = *state;
	int fd = rota_loop_backend_fd(f->loop);

	if (poller_is(f, "poll"))
		assert_int_equal(fd, ROTA_ENOTSUP);
	else
		assert_in_range(fd, 0, 1024);
}

/* L5: every backend gives the timeout. */
static void the_time_out_is_that_of_the_next_timer(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;
	int64_t timeout_ns;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	assert_int_equal(next_timeout(f->loop), -1);

	actor_timer(&b, ROTA_SEC(100));
	timeout_ns = next_timeout(f->loop);
	assert_true(timeout_ns > (int64_t)ROTA_SEC(90));
	assert_true(timeout_ns <= (int64_t)ROTA_SEC(100));

	actor_timer(&a, ROTA_SEC(50));
	timeout_ns = next_timeout(f->loop);
	assert_true(timeout_ns > (int64_t)ROTA_SEC(40));
	assert_true(timeout_ns <= (int64_t)ROTA_SEC(50));

	rota_timer_stop(&a.timer);
	assert_true(next_timeout(f->loop) <= (int64_t)ROTA_SEC(100));
	actor_timer(&b, UINT64_MAX);
	assert_int_equal(next_timeout(f->loop), -1);
	actor_timer(&b, 0);
	assert_int_equal(next_timeout(f->loop), 0);
	rota_timer_stop(&b.timer);
	assert_int_equal(next_timeout(f->loop), -1);
}

/* L5, L4 */
static void the_time_out_is_0_while_anything_is_queued(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");

	actor_tick(&a);
	assert_int_equal(next_timeout(f->loop), 0);
	rota_task_cancel(&a.task);
	actor_microtask(&a);
	assert_int_equal(next_timeout(f->loop), 0);
	rota_task_cancel(&a.task);
	actor_immediate(&a);
	assert_int_equal(next_timeout(f->loop), 0);
	rota_task_cancel(&a.task);
	actor_post(&a);
	assert_int_equal(next_timeout(f->loop), 0);
	rota_task_cancel(&a.task);
	actor_hook(&a, ROTA_HOOK_IDLE);
	assert_int_equal(next_timeout(f->loop), 0);
	actor_hook(&a, ROTA_HOOK_CHECK);
	assert_int_equal(next_timeout(f->loop), -1);
	rota_hook_stop(&a.hook);

	assert_int_equal(next_timeout(f->loop), -1);
	assert_int_equal(rota_loop_next_timeout(f->loop, NULL), ROTA_EINVAL);
}

/* L5, T2: even if nothing keeps the loop alive, because any run drains them. */
static void the_time_out_is_0_for_ticks_that_are_unreferenced(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	rota_task_unref(&a.task);

	actor_tick(&a);
	assert_int_equal(next_timeout(f->loop), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
	assert_int_equal(next_timeout(f->loop), -1);
	actor_microtask(&a);
	assert_int_equal(next_timeout(f->loop), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);

	assert_string_equal(recorder_take(&r), "a a");
	assert_int_equal(next_timeout(f->loop), -1);
}

/* L5: if nothing keeps the loop alive, the timeout is infinite, whatever else
 * is queued. Otherwise the host would make turns without end. */
static void what_is_unreferenced_does_not_keep_the_host_awake(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c, keeper;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	actor_init(&keeper, &r, "keeper");
	rota_task_unref(&a.task);
	rota_task_unref(&b.task);
	rota_hook_unref(&c.hook);

	actor_immediate(&a);
	assert_int_equal(next_timeout(f->loop), -1);
	actor_post(&b);
	assert_int_equal(next_timeout(f->loop), -1);
	rota_task_cancel(&a.task);
	assert_int_equal(next_timeout(f->loop), -1);
	rota_task_cancel(&b.task);
	actor_hook(&c, ROTA_HOOK_IDLE);
	assert_int_equal(next_timeout(f->loop), -1);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
	assert_string_equal(recorder_take(&r), "");

	actor_async(&keeper);
	assert_int_equal(next_timeout(f->loop), 0);
	rota_async_stop(&keeper.async);
	rota_hook_stop(&c.hook);
}

/* L5: rota_loop_next_timeout() submits outstanding changes to the kernel. */
static void the_descriptor_is_readable_when_a_watch_is_ready(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	int fds[2];

	if (!has_descriptor(f))
		skip();
	make_pipe(fds);
	put_byte(fds[1]);
	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_watch(&a, fds[0], 0);
	expect_unreadable(&r);

	assert_int_equal(
		rota_watch_start(&a.watch, actor_on_watch, ROTA_READABLE), 0);
	assert_int_equal(next_timeout(f->loop), -1);
	assert_int_equal(is_readable(f->loop, 0), 1);
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_string_equal(recorder_take(&r), "a");

	take_byte(fds[0]);
	expect_unreadable(&r);
	put_byte(fds[1]);
	assert_int_equal(is_readable(f->loop, 0), 1);
	rota_watch_stop(&a.watch);
	expect_unreadable(&r);
	close(fds[0]);
	close(fds[1]);
}

static void *post_from_thread(void *arg)
{
	actor_post(arg);
	return NULL;
}

/* L5, F1 */
static void a_post_of_another_thread_makes_the_descriptor_readable(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, keeper;
	pthread_t thread;

	if (!has_descriptor(f))
		skip();
	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&keeper, &r, "keeper");
	actor_async(&keeper);
	rota_loop_ref(f->loop);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(next_timeout(f->loop), -1);
		assert_int_equal(is_readable(f->loop, 0), 0);
		assert_int_equal(
			pthread_create(&thread, NULL, post_from_thread, &a), 0);

		assert_int_equal(is_readable(f->loop, -1), 1);
		pthread_join(thread, NULL);
		rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

		assert_string_equal(recorder_take(&r), "a");
	}
	rota_loop_unref(f->loop);
	rota_async_stop(&keeper.async);
}

/* L5: if the host itself posts, the descriptor and the next timeout show it. */
static void a_post_between_asking_and_sleeping_is_not_slept_over(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	if (!has_descriptor(f))
		skip();
	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	assert_int_equal(next_timeout(f->loop), -1);
	actor_post(&a);

	assert_int_equal(is_readable(f->loop, 0), 1);
	assert_int_equal(next_timeout(f->loop), 0);
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_string_equal(recorder_take(&r), "a");
}

static void do_nothing(struct rota_task *task)
{
	(void)task;
}

static void post_other(struct rota_task *task)
{
	fault_count_reset();
	assert_int_equal(rota_task_post(task->data, do_nothing), 0);
	assert_int_equal(fault_count("write"), 0);
}

/* During a turn the loop is awake, even if its host was about to sleep. */
static void a_post_in_a_turn_that_a_host_makes_wakes_nobody(void **state)
{
	struct fixture *f = *state;
	struct rota_task other, immediate;

	rota_task_init(&other, f->loop);
	rota_task_init(&immediate, f->loop);
	immediate.data = &other;
	assert_int_equal(rota_task_immediate(&immediate, post_other), 0);

	assert_int_equal(next_timeout(f->loop), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
}

static void put_byte_into_number(struct actor *a)
{
	put_byte((int)a->number);
}

static void take_byte_of_number(struct actor *a)
{
	take_byte((int)a->number);
	if (a->calls == 2)
		rota_watch_stop(&a->watch);
	else
		actor_immediate(a->other);
}

/* L5: the host calls timers, watches, posts and an immediate, until the loop
 * ends. */
static void a_host_drives_a_loop_to_its_end(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor first, second, watch, post, immediate;
	uint64_t began_ns = real_now();
	pthread_t thread;
	unsigned turns = 0;
	int fds[2];

	if (!has_descriptor(f))
		skip();
	make_pipe(fds);
	recorder_init(&r, f->loop);
	actor_init(&first, &r, "first");
	actor_init(&second, &r, "second");
	actor_init(&watch, &r, "watch");
	actor_init(&post, &r, "post");
	actor_init(&immediate, &r, "immediate");
	first.then = second.then = put_byte_into_number;
	first.number = second.number = (uint64_t)fds[1];
	watch.then = take_byte_of_number;
	watch.number = (uint64_t)fds[0];
	watch.other = &immediate;
	actor_timer(&first, ROTA_MSEC(2));
	actor_timer(&second, ROTA_MSEC(4));
	actor_watch(&watch, fds[0], ROTA_READABLE);
	rota_loop_ref(f->loop);
	assert_int_equal(pthread_create(&thread, NULL, post_from_thread, &post),
			 0);

	while (rota_loop_alive(f->loop)) {
		is_readable(f->loop, next_timeout(f->loop));
		assert_true(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
		turns++;
	}
	pthread_join(thread, NULL);
	if (post.calls == 0) /* a thread that started late */
		rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	rota_loop_unref(f->loop);

	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 1);
	assert_int_equal(watch.calls, 2);
	assert_int_equal(immediate.calls, 1);
	assert_int_equal(post.calls, 1);
	assert_true(real_now() - began_ns >= ROTA_MSEC(4));
	assert_in_range(turns, 2, 20); /* 2: one byte in each */
	close(fds[0]);
	close(fds[1]);
}

/* The host loop that docs/turn.md shows, line by line. Returns how often it has
 * slept. */
static unsigned run_as_a_host(struct rota_loop *loop)
{
	int fd = rota_loop_backend_fd(loop);
	unsigned sleeps = 0;

	while (rota_loop_run(loop, ROTA_RUN_NOWAIT) > 0) {
		int64_t timeout_ns;

		rota_loop_next_timeout(loop, &timeout_ns);
		assert_int_equal(fd, rota_loop_backend_fd(loop));
		is_readable(loop, timeout_ns);
		sleeps++;
	}
	return sleeps;
}

static void put_byte_and_queue_other(struct actor *a)
{
	put_byte((int)a->number);
	actor_post(a->other);
}

static void take_byte_and_stop(struct actor *a)
{
	take_byte((int)a->number);
	rota_watch_stop(&a->watch);
}

/* L5: with a timer, a watch and a post. */
static void the_host_loop_of_the_manual_runs_to_the_end(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, watch, post;
	int fds[2];

	if (!has_descriptor(f))
		skip();
	make_pipe(fds);
	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	actor_init(&watch, &r, "watch");
	actor_init(&post, &r, "post");
	timer.then = put_byte_and_queue_other;
	timer.number = (uint64_t)fds[1];
	timer.other = &post;
	watch.then = take_byte_and_stop;
	watch.number = (uint64_t)fds[0];
	actor_timer(&timer, ROTA_MSEC(50));
	actor_watch(&watch, fds[0], ROTA_READABLE);

	assert_true(run_as_a_host(f->loop) > 0);

	assert_string_equal(recorder_take(&r), "timer watch post");
	close(fds[0]);
	close(fds[1]);
}

/* L5: it ends at once, and drains a tick. */
static void the_host_loop_of_the_manual_may_begin_with_nothing(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	if (!has_descriptor(f))
		skip();
	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	assert_int_equal(run_as_a_host(f->loop), 0);

	rota_task_unref(&a.task);
	actor_tick(&a);
	assert_int_equal(run_as_a_host(f->loop), 0);

	assert_string_equal(recorder_take(&r), "a");
}

static void nothing_on_post(struct rota_task *task)
{
	(void)task;
}

/* The inbox says that the loop sleeps. */
static void a_loop_that_was_prepared_is_closed_for_posts(void **state)
{
	struct fixture *f = *state;
	struct rota_loop *loop = rota_loop_ref(f->loop);
	struct rota_task task;

	rota_task_init(&task, loop);
	assert_int_equal(next_timeout(loop), -1);
	assert_int_equal(rota_loop_close(loop), 0);
	f->loop = NULL;
	assert_int_equal(rota_task_post(&task, nothing_on_post),
			 ROTA_ESHUTDOWN);
	rota_loop_unref(loop);
}

static const struct CMUnitTest tests[] = {
	REAL(every_poller_but_poll_has_a_descriptor),
	REAL(the_time_out_is_that_of_the_next_timer),
	REAL(the_time_out_is_0_while_anything_is_queued),
	REAL(the_time_out_is_0_for_ticks_that_are_unreferenced),
	REAL(what_is_unreferenced_does_not_keep_the_host_awake),
	REAL(the_descriptor_is_readable_when_a_watch_is_ready),
	REAL(a_post_of_another_thread_makes_the_descriptor_readable),
	REAL(a_post_between_asking_and_sleeping_is_not_slept_over),
	REAL(a_post_in_a_turn_that_a_host_makes_wakes_nobody),
	REAL(a_host_drives_a_loop_to_its_end),
	REAL(the_host_loop_of_the_manual_runs_to_the_end),
	REAL(the_host_loop_of_the_manual_may_begin_with_nothing),
	REAL(a_loop_that_was_prepared_is_closed_for_posts),
};
FIXTURE_MAIN(tests)
