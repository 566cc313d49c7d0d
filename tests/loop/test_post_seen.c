/* poller: none */
/*
 * What threads may rely on for a single task (F1) if nothing else orders them:
 * they synchronise only by relaxed atomics. If the loop omits an order, the
 * thread sanitizer reports a race, on any processor.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct meeting {
	struct rota_task task;
	atomic_uint stage;
	unsigned data; /* not atomic */
	unsigned seen;
	int status; /* of the thread's post */
};

static void reach(struct meeting *m, unsigned stage)
{
	atomic_store_explicit(&m->stage, stage, memory_order_relaxed);
}

static void await(struct meeting *m, unsigned stage)
{
	while (atomic_load_explicit(&m->stage, memory_order_relaxed) < stage)
		sched_yield();
}

static void see(struct rota_task *task)
{
	struct meeting *m = rota_container_of(task, struct meeting, task);

	m->seen = m->data;
}

static void *write_and_post(void *arg)
{
	struct meeting *m = arg;

	await(m, 1);
	m->data = 42;
	m->status = rota_task_post(&m->task, see);
	reach(m, 2);
	return NULL;
}

/* The task is already posted: the callback that follows must see the data. */
static void who_finds_a_task_posted_is_seen_without_more(void **state)
{
	struct fixture *f = *state;
	struct meeting m = { .data = 0 };
	pthread_t thread;

	rota_task_init(&m.task, f->loop);
	assert_int_equal(pthread_create(&thread, NULL, write_and_post, &m), 0);
	assert_int_equal(rota_task_post(&m.task, see), 0);
	reach(&m, 1);
	await(&m, 2);

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_int_equal(m.seen, 42);
	pthread_join(thread, NULL);
	assert_int_equal(m.status, ROTA_EALREADY);
}

static void let_it_post(struct rota_task *task)
{
	reach(rota_container_of(task, struct meeting, task), 1);
}

static void expect_can_be_posted(struct fixture *f,
				 int (*queue)(struct rota_task *task,
					      rota_task_fn *fn))
{
	struct meeting m = { .data = 0 };
	pthread_t thread;

	rota_task_init(&m.task, f->loop);
	assert_int_equal(pthread_create(&thread, NULL, write_and_post, &m), 0);
	assert_int_equal(queue(&m.task, let_it_post), 0);

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	await(&m, 2);
	while (m.seen == 0)
		rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_int_equal(m.seen, 42);
	pthread_join(thread, NULL);
	assert_int_equal(m.status, 0);
}

/* When it is called, the loop is done with it, and another thread may post
 * it. */
static void a_task_that_is_called_is_free_for_threads(void **state)
{
	expect_can_be_posted(*state, rota_task_next_tick);
	expect_can_be_posted(*state, rota_task_microtask);
	expect_can_be_posted(*state, rota_task_immediate);
}

static const struct CMUnitTest tests[] = {
	REAL(who_finds_a_task_posted_is_seen_without_more),
	REAL(a_task_that_is_called_is_free_for_threads),
};

FIXTURE_MAIN(tests)
