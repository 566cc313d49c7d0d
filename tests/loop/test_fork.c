/*
 * Forks (F2): an inherited loop refuses every call, the parent is not affected,
 * and a rebuilt loop continues everything that was started. Forks during a
 * turn, and by other threads, are tested in test_fork_turn.c.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"

enum { READABLE = ROTA_READABLE };

static void nothing_on_timer(struct rota_timer *timer)
{
	(void)timer;
}

static void nothing_on_task(struct rota_task *task)
{
	(void)task;
}

static void nothing_on_hook(struct rota_hook *hook)
{
	(void)hook;
}

static void nothing_on_async(struct rota_async *async)
{
	(void)async;
}

static void nothing_on_quick(void *arg)
{
	(void)arg;
}

/* One node of each kind, all started. */
struct all {
	struct fixture *f;
	struct probe reader;
	struct rota_timer timer, idle_timer;
	struct rota_task task, posted;
	struct rota_hook hook, idle_hook;
	struct rota_async async, idle_async;
	struct rota_watch idle_watch;
	unsigned timers, posts, asyncs, hooks;
	int fds[2];
};

static void on_timer(struct rota_timer *timer)
{
	rota_container_of(timer, struct all, timer)->timers++;
}

static void on_post(struct rota_task *task)
{
	rota_container_of(task, struct all, posted)->posts++;
}

static void on_async(struct rota_async *async)
{
	rota_container_of(async, struct all, async)->asyncs++;
}

static void on_hook(struct rota_hook *hook)
{
	rota_container_of(hook, struct all, hook)->hooks++;
}

static void all_begin(struct all *a, struct fixture *f)
{
	*a = (struct all){ .f = f };
	make_pipe(a->fds);
	probe_init(&a->reader, f, a->fds[0]);
	rota_timer_init(&a->timer, f->loop);
	rota_timer_init(&a->idle_timer, f->loop);
	rota_task_init(&a->task, f->loop);
	rota_task_init(&a->posted, f->loop);
	rota_hook_init(&a->hook, f->loop);
	rota_hook_init(&a->idle_hook, f->loop);
	rota_async_init(&a->async, f->loop);
	rota_async_init(&a->idle_async, f->loop);
	rota_watch_init(&a->idle_watch, f->loop, a->fds[1]);
	probe_start(&a->reader, READABLE);
	assert_int_equal(rota_timer_start(&a->timer, on_timer, ROTA_MSEC(1)),
			 0);
	assert_int_equal(rota_hook_start(&a->hook, on_hook, ROTA_HOOK_CHECK),
			 0);
	assert_int_equal(rota_async_start(&a->async, on_async), 0);
	assert_int_equal(rota_task_post(&a->posted, on_post), 0);
}

static void all_stop(struct all *a)
{
	probe_stop(&a->reader);
	rota_timer_stop(&a->timer);
	rota_hook_stop(&a->hook);
	rota_async_stop(&a->async);
}

static void all_end(struct all *a)
{
	all_stop(a);
	rota_task_cancel(&a->posted);
	close(a->fds[0]);
	close(a->fds[1]);
}

static void ignore_watch(struct rota_watch *watch, unsigned events)
{
	(void)watch;
	(void)events;
}

static void every_call_is_refused(void *arg)
{
	struct all *a = arg;
	struct rota_loop *loop = a->f->loop;
	int64_t timeout_ns = 77;

	fault_count_reset();
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == ROTA_ECHILD);
	EXPECT(rota_loop_run(loop, ROTA_RUN_ONCE) == ROTA_ECHILD);
	EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) == ROTA_ECHILD);
	EXPECT(rota_loop_close(loop) == ROTA_ECHILD);
	EXPECT(rota_loop_shutdown(loop, UINT64_MAX) == ROTA_ECHILD);
	EXPECT(rota_loop_next_timeout(loop, &timeout_ns) == ROTA_ECHILD);
	EXPECT(timeout_ns == 77);
	EXPECT(rota_loop_backend_fd(loop) == ROTA_ECHILD);

	EXPECT(rota_timer_start(&a->idle_timer, nothing_on_timer, 0) ==
	       ROTA_ECHILD);
	EXPECT(rota_timer_start_at(&a->idle_timer, nothing_on_timer, 0) ==
	       ROTA_ECHILD);
	EXPECT(rota_timer_every(&a->idle_timer, nothing_on_timer, 1,
				ROTA_REPEAT_RATE) == ROTA_ECHILD);
	EXPECT(rota_timer_again(&a->timer) == ROTA_ECHILD);
	EXPECT(rota_set_timeout(loop, nothing_on_quick, NULL, 0) == 0);
	EXPECT(rota_set_interval(loop, nothing_on_quick, NULL, 1) == 0);
	EXPECT(rota_set_immediate(loop, nothing_on_quick, NULL) == 0);
	EXPECT(rota_task_next_tick(&a->task, nothing_on_task) == ROTA_ECHILD);
	EXPECT(rota_task_microtask(&a->task, nothing_on_task) == ROTA_ECHILD);
	EXPECT(rota_task_immediate(&a->task, nothing_on_task) == ROTA_ECHILD);
	EXPECT(rota_task_post(&a->task, nothing_on_task) == ROTA_ECHILD);
	EXPECT(!rota_task_is_queued(&a->task));
	EXPECT(rota_task_cancel(&a->posted) == ROTA_ECHILD);
	EXPECT(rota_hook_start(&a->idle_hook, nothing_on_hook,
			       ROTA_HOOK_CHECK) == ROTA_ECHILD);
	EXPECT(rota_async_start(&a->idle_async, nothing_on_async) ==
	       ROTA_ECHILD);
	EXPECT(rota_async_send(&a->async) == ROTA_ECHILD);
	EXPECT(rota_watch_start(&a->idle_watch, ignore_watch, READABLE) ==
	       ROTA_ECHILD);
	EXPECT(probe_try_start(&a->reader, ROTA_WRITABLE) == ROTA_ECHILD);

	EXPECT(rota_watch_is_active(&a->reader.watch));
	EXPECT(rota_timer_is_active(&a->timer));
	all_stop(a);
	EXPECT(fault_count(NULL) == 0); /* no kernel object was touched */
	EXPECT(a->reader.calls + a->timers + a->posts + a->asyncs == 0);
}

/* F2 */
static void an_inherited_loop_refuses_everything(void **state)
{
	struct fixture *f = *state;
	struct all a;

	all_begin(&a, f);
	put_byte(a.fds[1]);

	in_a_child(every_call_is_refused, &a);

	all_end(&a);
}

static void stop_and_exit(void *arg)
{
	all_stop(arg);
}

static void only_exit(void *arg)
{
	(void)arg;
}

static void rebuild_and_stop(void *arg)
{
	struct all *a = arg;

	EXPECT(rota_loop_fork(a->f->loop) == 0);
	all_stop(a);
	EXPECT(rota_task_cancel(&a->posted) == 0);
	EXPECT(rota_loop_close(a->f->loop) == 0);
}

/* F2: whatever the child does, the parent's watches still work. */
static void expect_parent_unharmed(struct fixture *f, void (*in_child)(void *))
{
	struct all a;

	all_begin(&a, f);
	turn(f);
	assert_int_equal(a.posts, 1);
	assert_int_equal(a.reader.calls, 0);
	assert_int_equal(rota_task_post(&a.posted, on_post), 0);

	in_a_child(in_child, &a);

	put_byte(a.fds[1]);
	assert_int_equal(rota_async_send(&a.async), 0);
	assert_int_equal(told(f, &a.reader), READABLE);
	take_byte(a.fds[0]);
	assert_int_equal(told(f, &a.reader), 0);
	assert_int_equal(a.posts, 2);
	assert_int_equal(a.asyncs, 1);
	while (a.timers == 0)
		rota_loop_run(f->loop, ROTA_RUN_ONCE);
	all_end(&a);
}

static void the_parent_does_not_notice_a_child(void **state)
{
	struct fixture *f = *state;

	expect_parent_unharmed(f, only_exit);
	expect_parent_unharmed(f, stop_and_exit);
	expect_parent_unharmed(f, rebuild_and_stop);
}

static void everything_goes_on(void *arg)
{
	struct all *a = arg;
	struct rota_loop *loop = a->f->loop;

	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(rota_async_send(&a->async) == 0);
	while (a->timers == 0 || a->posts == 0 || a->asyncs == 0)
		EXPECT(rota_loop_run(loop, ROTA_RUN_ONCE) == 1);
	EXPECT(a->hooks > 0);
	EXPECT(a->reader.calls == 0);

	EXPECT(write(a->fds[1], "x", 1) == 1);
	EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) == 1);
	EXPECT(a->reader.calls == 1);
	EXPECT(a->reader.events == READABLE);
	EXPECT(rota_watch_start(&a->idle_watch, ignore_watch, ROTA_WRITABLE) ==
	       0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) == 1);
	rota_watch_stop(&a->idle_watch);
	probe_stop(&a->reader);
	EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) == 1);
	EXPECT(a->reader.calls == 2);

	rota_hook_stop(&a->hook);
	rota_async_stop(&a->async);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(rota_loop_close(loop) == 0);
	EXPECT(a->f->memory.bytes == 0);
}

/* F2 */
static void a_rebuilt_loop_goes_on_with_all_that_was_started(void **state)
{
	struct fixture *f = *state;
	struct all a;

	all_begin(&a, f);

	in_a_child(everything_goes_on, &a);

	all_end(&a);
}

static void *post_in_thread(void *arg)
{
	struct all *a = arg;

	EXPECT(rota_task_post(&a->posted, on_post) == 0);
	return NULL;
}

static void threads_can_post(void *arg)
{
	struct all *a = arg;
	pthread_t thread;

	EXPECT(rota_loop_fork(a->f->loop) == 0);
	while (a->posts == 0)
		EXPECT(rota_loop_run(a->f->loop, ROTA_RUN_ONCE) == 1);
	rota_timer_stop(&a->timer);
	for (unsigned i = 2; i < 10; i++) {
		EXPECT(pthread_create(&thread, NULL, post_in_thread, a) == 0);
		while (a->posts < i)
			EXPECT(rota_loop_run(a->f->loop, ROTA_RUN_ONCE) == 1);
		pthread_join(thread, NULL);
	}
}

/* F1, F2: threads of the child can wake a rebuilt loop. */
static void a_rebuilt_loop_can_be_posted_to(void **state)
{
	struct fixture *f = *state;
	struct all a;

	all_begin(&a, f);

	in_a_child(threads_can_post, &a);

	all_end(&a);
}

/* The callback of a watch forks. In the child it rebuilds the loop and returns
 * into the turn that the parent began. */
static pid_t forked;

static void fork_and_rebuild(struct probe *probe)
{
	struct all *a = probe->arg;

	probe->act = NULL;
	forked = child_fork();
	if (forked != 0)
		return;
	EXPECT(rota_loop_run(a->f->loop, ROTA_RUN_NOWAIT) == ROTA_ECHILD);
	EXPECT(rota_loop_fork(a->f->loop) == 0);
	EXPECT(rota_loop_run(a->f->loop, ROTA_RUN_NOWAIT) == ROTA_EBUSY);
}

/* F2 */
static void a_loop_can_be_rebuilt_inside_a_callback(void **state)
{
	struct fixture *f = *state;
	struct all a;

	all_begin(&a, f);
	a.reader.act = fork_and_rebuild;
	a.reader.arg = &a;
	put_byte(a.fds[1]);
	turn(f);
	if (forked == 0) {
		EXPECT(a.reader.calls == 1);
		EXPECT(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) == 1);
		EXPECT(a.reader.calls == 2);
		EXPECT(rota_async_send(&a.async) == 0);
		while (a.timers == 0 || a.posts == 0 || a.asyncs == 0)
			EXPECT(rota_loop_run(f->loop, ROTA_RUN_ONCE) == 1);
		all_stop(&a);
		EXPECT(rota_loop_close(f->loop) == 0);
		child_ends();
	}

	expect_success(forked);
	assert_int_equal(told(f, &a.reader), READABLE);
	assert_int_equal(a.reader.calls, 2);
	all_end(&a);
}

static void fork_and_return(struct probe *probe)
{
	probe->act = NULL;
	forked = child_fork();
}

/* F2: if the loop is not rebuilt, the turn in the child ends with an error and
 * touches nothing. */
static void a_child_that_returns_to_the_turn_is_told(void **state)
{
	struct fixture *f = *state;
	struct all a;
	int status;

	all_begin(&a, f);
	a.reader.act = fork_and_return;
	put_byte(a.fds[1]);
	status = rota_loop_run(f->loop, ROTA_RUN_ONCE);
	if (forked == 0) {
		/* This turn has already waited, so the next one returns the
		 * error. */
		if (status >= 0)
			status = rota_loop_run(f->loop, ROTA_RUN_ONCE);
		EXPECT(status == ROTA_ECHILD);
		child_ends();
	}

	expect_success(forked);
	assert_int_equal(status, 1);
	assert_int_equal(told(f, &a.reader), READABLE);
	all_end(&a);
}

static void a_rebuild_that_fails_changes_nothing(void *arg)
{
	struct all *a = arg;
	struct rota_loop *loop = a->f->loop;
	int descriptors = count_descriptors();
	size_t bytes = a->f->memory.bytes;
	unsigned nth = 0;
	int error;

	do {
		fault_fail_any(++nth, EMFILE);
		error = rota_loop_fork(loop);
		if (fault_clear() == 0)
			break;
		EXPECT(error < 0);
		EXPECT(a->f->memory.bytes == bytes);
		EXPECT(count_descriptors() == descriptors);
		EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) == ROTA_ECHILD);
	} while (nth < 100);
	EXPECT(nth > 2);
	EXPECT(error == 0);
	while (a->timers == 0 || a->posts == 0)
		EXPECT(rota_loop_run(loop, ROTA_RUN_ONCE) == 1);
	EXPECT(write(a->fds[1], "x", 1) == 1);
	EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) == 1);
	EXPECT(a->reader.calls == 1);
}

/* F2, F3 */
static void a_rebuild_that_failed_can_be_tried_again(void **state)
{
	struct fixture *f = *state;
	struct all a;

	all_begin(&a, f);

	in_a_child(a_rebuild_that_fails_changes_nothing, &a);

	all_end(&a);
}

static void fork_again(void *arg)
{
	struct all *a = arg;
	pid_t child;
	int status;

	EXPECT(rota_loop_fork(a->f->loop) == 0);
	child = child_fork();
	if (child == 0) {
		EXPECT(rota_loop_run(a->f->loop, ROTA_RUN_NOWAIT) ==
		       ROTA_ECHILD);
		everything_goes_on(a);
		child_ends();
	}
	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	EXPECT(rota_loop_run(a->f->loop, ROTA_RUN_NOWAIT) == 1);
}

/* F2: a grandchild inherits the child's loop. */
static void a_child_may_fork_again(void **state)
{
	struct fixture *f = *state;
	struct all a;

	all_begin(&a, f);

	in_a_child(fork_again, &a);

	all_end(&a);
}

/* F2: in the process that made the loop, there is nothing to rebuild. */
static void a_loop_that_was_not_inherited_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct all a;

	all_begin(&a, f);
	fault_count_reset();

	assert_int_equal(rota_loop_fork(f->loop), 0);

	assert_int_equal(fault_count(NULL), 0);
	put_byte(a.fds[1]);
	assert_int_equal(told(f, &a.reader), READABLE);
	all_end(&a);
}

/* The system keeps what it is told of forks until the process ends. */
static void forks_are_announced_once(void **state)
{
	struct rota_loop *loop;

	(void)state;
	fault_count_reset();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rota_loop_new(&loop, NULL), 0);
		assert_int_equal(rota_loop_close(loop), 0);
	}
	assert_int_equal(fault_count("pthread_atfork"), 0);
}

struct sent {
	struct rota_loop *loop;
	struct rota_async async;
	unsigned calls;
};

static void on_sent(struct rota_async *async)
{
	rota_container_of(async, struct sent, async)->calls++;
}

static void send_again(void *arg)
{
	struct sent *s = arg;

	EXPECT(rota_loop_fork(s->loop) == 0);
	EXPECT(rota_async_send(&s->async) == 0);
	EXPECT(rota_async_send(&s->async) == 0);
	EXPECT(rota_loop_run(s->loop, ROTA_RUN_NOWAIT) == 1);
	EXPECT(s->calls == 1);
	EXPECT(rota_async_send(&s->async) == 0);
	EXPECT(rota_loop_run(s->loop, ROTA_RUN_NOWAIT) == 1);
	EXPECT(s->calls == 2);
}

/* It is in the inbox, and is neither lost nor queued twice. */
static void what_was_sent_before_the_fork_arrives_once(void **state)
{
	struct fixture *f = *state;
	struct sent s = { .loop = f->loop };

	rota_async_init(&s.async, f->loop);
	assert_int_equal(rota_async_start(&s.async, on_sent), 0);
	assert_int_equal(rota_async_send(&s.async), 0);
	in_a_child(send_again, &s);
	rota_async_stop(&s.async);
}

static const struct CMUnitTest tests[] = {
	REAL(an_inherited_loop_refuses_everything),
	REAL(the_parent_does_not_notice_a_child),
	REAL(a_rebuilt_loop_goes_on_with_all_that_was_started),
	REAL(a_rebuilt_loop_can_be_posted_to),
	REAL(a_loop_can_be_rebuilt_inside_a_callback),
	REAL(a_child_that_returns_to_the_turn_is_told),
	REAL(a_rebuild_that_failed_can_be_tried_again),
	REAL(a_child_may_fork_again),
	REAL(forks_are_announced_once),
	REAL(what_was_sent_before_the_fork_arrives_once),
	REAL(a_loop_that_was_not_inherited_is_left_alone),
};

FIXTURE_MAIN(tests)
