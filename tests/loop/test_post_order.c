/* poller: none */
/*
 * What a post or a send makes visible: plain data that one thread writes and
 * another one reads. Nothing else orders the two, as the threads synchronise
 * only by relaxed atomics. So the thread sanitizer (SAN=thread) finds a race if
 * any memory order in loop/queue.h or loop/inbox.c is too weak. Processors like
 * x86 hide such errors.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* Tell the other thread how far this one is. */
static void reach(atomic_uint *step, unsigned value)
{
	atomic_store_explicit(step, value, memory_order_relaxed);
}

static void await(const atomic_uint *step, unsigned value)
{
	while (atomic_load_explicit(step, memory_order_relaxed) < value)
		sched_yield();
}

struct scene {
	struct rota_loop *loop;
	struct rota_task task;
	struct rota_task others[2];
	struct rota_async async;
	pthread_t thread;
	atomic_uint step;
	unsigned data; /* not atomic */
	unsigned seen;
	int status; /* of the thread's call */
};

static void see_task(struct rota_task *task)
{
	struct scene *s = task->data;

	s->seen = s->data;
}

static void see_async(struct rota_async *async)
{
	struct scene *s = async->data;

	s->seen = s->data;
}

static void scene_init(struct scene *s, struct rota_loop *loop)
{
	*s = (struct scene){ .loop = loop };
	rota_task_init(&s->task, loop);
	s->task.data = s;
	for (unsigned i = 0; i < 2; i++) {
		rota_task_init(&s->others[i], loop);
		s->others[i].data = s;
	}
	rota_async_init(&s->async, loop);
	s->async.data = s;
}

static void start_thread(struct scene *s, void *(*fn)(void *arg))
{
	rota_loop_ref(s->loop);
	assert_int_equal(pthread_create(&s->thread, NULL, fn, s), 0);
}

static void *write_and_post(void *arg)
{
	struct scene *s = arg;

	await(&s->step, 1);
	s->data = 7;
	s->status = rota_task_post(&s->task, see_task);
	reach(&s->step, 2);
	rota_loop_unref(s->loop);
	return NULL;
}

static void run_and_join(struct scene *s)
{
	await(&s->step, 2);
	assert_true(rota_loop_run(s->loop, ROTA_RUN_NOWAIT) >= 0);
	pthread_join(s->thread, NULL);
}

/* F1 */
static void what_was_written_before_a_post_is_seen(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	scene_init(&s, f->loop);
	start_thread(&s, write_and_post);
	reach(&s.step, 1);

	run_and_join(&s);

	assert_int_equal(s.status, 0);
	assert_int_equal(s.seen, 7);
}

/* F1: the inbox is not empty, so this takes another path than the first
 * post. */
static void what_was_written_before_a_further_post_is_seen(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	scene_init(&s, f->loop);
	start_thread(&s, write_and_post);
	assert_int_equal(rota_task_post(&s.others[0], see_task), 0);
	reach(&s.step, 1);

	run_and_join(&s);

	assert_int_equal(s.status, 0);
	assert_int_equal(s.seen, 7);
}

/* F1: the task is already queued, but was not called yet. */
static void
what_was_written_before_a_post_that_joins_another_is_seen(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	scene_init(&s, f->loop);
	start_thread(&s, write_and_post);
	assert_int_equal(rota_task_post(&s.task, see_task), 0);
	reach(&s.step, 1);

	run_and_join(&s);

	assert_int_equal(s.status, ROTA_EALREADY);
	assert_int_equal(s.seen, 7);
}

static void *write_and_send(void *arg)
{
	struct scene *s = arg;

	await(&s->step, 1);
	s->data = 7;
	s->status = rota_async_send(&s->async);
	reach(&s->step, 2);
	rota_loop_unref(s->loop);
	return NULL;
}

/* F1 */
static void
what_was_written_before_a_send_that_joins_another_is_seen(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	scene_init(&s, f->loop);
	assert_int_equal(rota_async_start(&s.async, see_async), 0);
	start_thread(&s, write_and_send);
	assert_int_equal(rota_async_send(&s.async), 0);
	reach(&s.step, 1);

	run_and_join(&s);

	assert_int_equal(s.status, 0);
	assert_int_equal(s.seen, 7);
	rota_async_stop(&s.async);
}

static void *write_and_post_all(void *arg)
{
	struct scene *s = arg;
	struct rota_task *const tasks[] = { &s->others[0], &s->task,
					    &s->others[1] };

	await(&s->step, 1);
	s->data = 7;
	s->status = rota_task_post_all(tasks, 3, see_task);
	reach(&s->step, 2);
	rota_loop_unref(s->loop);
	return NULL;
}

/* F1 */
static void what_was_written_before_a_chain_of_posts_is_seen(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	scene_init(&s, f->loop);
	start_thread(&s, write_and_post_all);
	reach(&s.step, 1);

	run_and_join(&s);

	assert_int_equal(s.status, 3);
	assert_int_equal(s.seen, 7);
}

/* F1: the tasks of the chain are already queued. */
static void
what_was_written_before_a_chain_that_joins_posts_is_seen(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	scene_init(&s, f->loop);
	start_thread(&s, write_and_post_all);
	assert_int_equal(rota_task_post(&s.others[0], see_task), 0);
	assert_int_equal(rota_task_post(&s.task, see_task), 0);
	assert_int_equal(rota_task_post(&s.others[1], see_task), 0);
	reach(&s.step, 1);

	run_and_join(&s);

	assert_int_equal(s.status, 0);
	assert_int_equal(s.seen, 7);
}

static void let_it_be_posted(struct rota_task *task)
{
	struct scene *s = task->data;

	reach(&s->step, 1);
	await(&s->step, 2);
}

/* F1: a task may be posted again when its callback begins. By then the loop has
 * read everything that the next post overwrites. */
static void a_task_may_be_posted_as_its_callback_begins(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	scene_init(&s, f->loop);
	start_thread(&s, write_and_post);
	assert_int_equal(rota_task_post(&s.task, let_it_be_posted), 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	pthread_join(s.thread, NULL);
	assert_int_equal(s.status, 0);
	assert_int_equal(s.seen, 7);
}

static void a_tick_may_be_posted_as_its_callback_begins(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	scene_init(&s, f->loop);
	start_thread(&s, write_and_post);
	assert_int_equal(rota_task_next_tick(&s.task, let_it_be_posted), 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	pthread_join(s.thread, NULL);
	assert_int_equal(s.status, 0);
	assert_int_equal(s.seen, 7);
}

/* F1: the same when it is cancelled. */
static void a_task_may_be_posted_once_it_is_cancelled(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	scene_init(&s, f->loop);
	start_thread(&s, write_and_post);
	assert_int_equal(rota_task_post(&s.task, see_task), 0);
	assert_int_equal(rota_task_cancel(&s.task), 0);
	reach(&s.step, 1);

	run_and_join(&s);

	assert_int_equal(s.status, 0);
	assert_int_equal(s.seen, 7);
}

/* F1: two threads are refused, one after the other. */
static void a_task_may_be_posted_once_another_post_was_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_loop *held = rota_loop_ref(f->loop);
	struct scene s;

	scene_init(&s, held);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;
	start_thread(&s, write_and_post);
	reach(&s.step, 1);
	await(&s.step, 2);

	assert_int_equal(rota_task_post(&s.task, see_task), ROTA_ESHUTDOWN);

	pthread_join(s.thread, NULL);
	assert_int_equal(s.status, ROTA_ESHUTDOWN);
	rota_loop_unref(held);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(what_was_written_before_a_post_is_seen),
	VIRTUAL(what_was_written_before_a_further_post_is_seen),
	VIRTUAL(what_was_written_before_a_post_that_joins_another_is_seen),
	VIRTUAL(what_was_written_before_a_send_that_joins_another_is_seen),
	VIRTUAL(what_was_written_before_a_chain_of_posts_is_seen),
	VIRTUAL(what_was_written_before_a_chain_that_joins_posts_is_seen),
	VIRTUAL(a_task_may_be_posted_as_its_callback_begins),
	VIRTUAL(a_tick_may_be_posted_as_its_callback_begins),
	VIRTUAL(a_task_may_be_posted_once_it_is_cancelled),
	VIRTUAL(a_task_may_be_posted_once_another_post_was_refused),
};

FIXTURE_MAIN(tests)
