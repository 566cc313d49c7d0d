/*
 * Forks during a turn, and by threads other than the loop's (F2): what the
 * child finds, and what continues after it has rebuilt the loop.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <unistd.h>

#include "loop/queue.h"
#include "support/child.h"
#include "support/recorder.h"

static pid_t forked;

static void fork_here(struct actor *a)
{
	(void)a;
	forked = child_fork();
}

/* The argument of quick timers. */
struct quick {
	struct rota_loop *loop;
	unsigned calls;
	unsigned fork_at; /* the call that forks, or 0 */
};

static void count(void *arg)
{
	struct quick *q = arg;

	if (++q->calls == q->fork_at)
		forked = child_fork();
}

static void stop_loop(void *arg)
{
	struct quick *q = arg;

	rota_loop_stop(q->loop);
}

/* Run until the stop. The child runs twice: its first run ends when it has to
 * wait. Virtual time does not advance meanwhile. */
static void run_both(struct fixture *f)
{
	int status = rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	if (forked != 0) {
		assert_int_equal(status, 1);
		return;
	}
	EXPECT(status == ROTA_ECHILD);
	EXPECT(rota_loop_fork(f->loop) == 0);
	EXPECT(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) == 1);
}

static void expect_ten_calls(struct fixture *f, struct quick *q, uint64_t id)
{
	run_both(f);

	if (forked == 0) {
		EXPECT(q->calls == 10);
		rota_clear(f->loop, id);
		EXPECT(rota_loop_close(f->loop) == 0);
		EXPECT(f->memory.bytes == 0);
		child_ends();
	}
	expect_success(forked);
	assert_int_equal(q->calls, 10);
	rota_clear(f->loop, id);
}

/* F2: the interval begins its next period before the loop is rebuilt. */
static void an_interval_goes_on_in_a_child_that_a_timer_forked(void **state)
{
	struct fixture *f = *state;
	struct quick q = { .loop = f->loop };
	struct recorder r;
	struct actor forker;
	uint64_t id;

	recorder_init(&r, f->loop);
	actor_init(&forker, &r, "forker");
	forker.then = fork_here;
	actor_timer(&forker, ROTA_MSEC(10));
	id = rota_set_interval(f->loop, count, &q, ROTA_MSEC(10));
	rota_set_timeout(f->loop, stop_loop, &q, ROTA_MSEC(105));

	expect_ten_calls(f, &q, id);
}

/* F2 */
static void an_interval_goes_on_in_a_child_that_it_forked(void **state)
{
	struct fixture *f = *state;
	struct quick q = { .loop = f->loop, .fork_at = 3 };
	uint64_t id = rota_set_interval(f->loop, count, &q, ROTA_MSEC(10));

	rota_set_timeout(f->loop, stop_loop, &q, ROTA_MSEC(105));

	expect_ten_calls(f, &q, id);
}

struct cleared {
	struct quick q;
	uint64_t ids[3];
};

static void clear_and_then_rebuild(void *arg)
{
	struct cleared *c = arg;

	for (unsigned i = 0; i < 3; i++)
		rota_clear(c->q.loop, c->ids[i]);
	EXPECT(rota_loop_fork(c->q.loop) == 0);
	EXPECT(rota_loop_advance(c->q.loop, ROTA_SEC(1)) == 0);
	EXPECT(rota_loop_run(c->q.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(c->q.calls == 0);
	EXPECT(rota_loop_close(c->q.loop) == 0);
}

/* F2: the same is true of stops. */
static void a_clear_takes_effect_before_the_loop_is_rebuilt(void **state)
{
	struct fixture *f = *state;
	struct cleared c = { .q.loop = f->loop };

	c.ids[0] = rota_set_immediate(f->loop, count, &c.q);
	c.ids[1] = rota_set_timeout(f->loop, count, &c.q, 0);
	c.ids[2] = rota_set_interval(f->loop, count, &c.q, ROTA_MSEC(1));

	in_a_child(clear_and_then_rebuild, &c);

	rota_clear(f->loop, c.ids[2]);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(c.q.calls, 2);
}

static void *fork_in_thread(void *arg)
{
	struct fixture *f = arg;
	int64_t timeout_ns;

	forked = child_fork();
	if (forked != 0)
		return NULL;
	EXPECT(rota_loop_fork(f->loop) == ROTA_EBUSY);
	EXPECT(rota_loop_fork(f->loop) == ROTA_EBUSY);
	EXPECT(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) == ROTA_ECHILD);
	EXPECT(rota_loop_close(f->loop) == ROTA_ECHILD);
	EXPECT(rota_loop_next_timeout(f->loop, &timeout_ns) == ROTA_ECHILD);
	child_ends();
}

/* Let another thread run @fn, and wait for it. */
static void in_a_thread(void *(*fn)(void *arg), struct fixture *f)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, fn, f), 0);
	pthread_join(thread, NULL);
}

static void fork_by_another_thread(struct actor *a)
{
	in_a_thread(fork_in_thread, a->timer.data);
}

/* F2: the turn is on the stack of a thread that does not exist in the child. */
static void a_running_loop_that_another_thread_forked_is_busy(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	a.then = fork_by_another_thread;
	a.timer.data = f;
	actor_timer(&a, ROTA_MSEC(1));
	actor_timer(&b, ROTA_MSEC(2));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	expect_success(forked);
	assert_string_equal(recorder_take(&r), "a b");
}

static void fork_and_rebuild(struct actor *a)
{
	forked = child_fork();
	if (forked == 0)
		EXPECT(rota_loop_fork(a->recorder->loop) == 0);
}

/* F2: the turn continues in the child. */
static void a_running_loop_that_its_own_thread_forked_is_rebuilt(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;
	int status;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	a.then = fork_and_rebuild;
	actor_timer(&a, ROTA_MSEC(1));
	actor_timer(&b, ROTA_MSEC(2));

	status = rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	if (forked == 0) {
		EXPECT(status == 0);
		EXPECT(a.calls == 1);
		EXPECT(b.calls == 1);
		child_ends();
	}
	expect_success(forked);
	assert_int_equal(status, 0);
	assert_string_equal(recorder_take(&r), "a b");
}

static void *fork_and_run_in_thread(void *arg)
{
	struct fixture *f = arg;

	forked = child_fork();
	if (forked != 0)
		return NULL;
	EXPECT(rota_loop_fork(f->loop) == 0);
	EXPECT(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(rota_loop_close(f->loop) == 0);
	child_ends();
}

/* F2: between runs, the loop belongs to the thread that forked. */
static void a_loop_at_rest_goes_with_the_thread_that_forked(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_timer(&a, ROTA_MSEC(1));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	actor_timer(&a, ROTA_MSEC(1));

	in_a_thread(fork_and_run_in_thread, f);

	expect_success(forked);
	assert_int_equal(a.calls, 1);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.calls, 2);
}

static void rebuild_and_send(void *arg)
{
	struct actor *a = arg;

	EXPECT(rota_loop_fork(a->recorder->loop) == 0);
	EXPECT(rota_async_send(&a->async) == 0);
	EXPECT(rota_loop_run(a->recorder->loop, ROTA_RUN_NOWAIT) == 1);
	EXPECT(a->calls == 1);
}

/* F2: another thread had done the first half of a send: see inbox.c (4). */
static void an_async_that_was_being_sent_can_be_sent_in_the_child(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_async(&a);
	assert_true(rotai_entry_claim(&a.async.internal.entry));

	in_a_child(rebuild_and_send, &a);

	rotai_entry_release(&a.async.internal.entry);
	rota_async_stop(&a.async);
}

static void closed(struct rota_handle *handle)
{
	(void)handle;
}

/* F2: a tick that the shutdown drains forks, while a handle is open. */
static void a_shutdown_ends_in_a_child_that_its_tick_forked(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor forker;
	struct rota_tcp tcp;
	int status;

	recorder_init(&r, f->loop);
	actor_init(&forker, &r, "forker");
	forker.then = fork_here;
	actor_tick(&forker);
	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);
	rota_handle_on_shutdown(&tcp.handle, closed);

	status = rota_loop_shutdown(f->loop, UINT64_MAX);
	if (forked == 0) {
		EXPECT(status == ROTA_ECHILD);
		EXPECT(rota_loop_fork(f->loop) == 0);
		EXPECT(rota_loop_shutdown(f->loop, UINT64_MAX) == 0);
		EXPECT(f->memory.bytes == 0);
		child_ends();
	}
	expect_success(forked);
	assert_int_equal(status, 0);
	f->loop = NULL;
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(an_interval_goes_on_in_a_child_that_a_timer_forked),
	VIRTUAL(an_interval_goes_on_in_a_child_that_it_forked),
	VIRTUAL(a_clear_takes_effect_before_the_loop_is_rebuilt),
	VIRTUAL(a_running_loop_that_another_thread_forked_is_busy),
	VIRTUAL(a_running_loop_that_its_own_thread_forked_is_rebuilt),
	VIRTUAL(a_loop_at_rest_goes_with_the_thread_that_forked),
	VIRTUAL(an_async_that_was_being_sent_can_be_sent_in_the_child),
	VIRTUAL(a_shutdown_ends_in_a_child_that_its_tick_forked),
};
FIXTURE_MAIN(tests)
