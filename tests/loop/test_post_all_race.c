/*
 * Chains of posts that race with each other, with single posts, with the
 * callbacks of their tasks, and with the end of the loop (F1, O5).
 */
#include "support/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 3, TASKS = 16, ROUNDS = 300, CHAINS = 40 };

struct shared {
	struct rota_task tasks[TASKS];
	struct rota_loop *loop;
	unsigned called; /* used by the loop */
};

struct poster {
	struct shared *shared;
	pthread_t thread;
	uint64_t seed;
	unsigned accepted, strange;
};

static void count(struct rota_task *task)
{
	struct shared *s = task->data;

	s->called++;
}

static void shared_init(struct shared *s, struct rota_loop *loop)
{
	*s = (struct shared){ .loop = loop };
	for (unsigned i = 0; i < TASKS; i++) {
		rota_task_init(&s->tasks[i], loop);
		s->tasks[i].data = s;
	}
}

/* Post a chain of some of the tasks, some of them twice, or a single task.
 * Returns the status: if above 0, the number of accepted tasks. */
static int post_some(struct poster *p)
{
	struct rota_task *chain[TASKS];
	size_t length = 1 + (size_t)random_below(&p->seed, TASKS);
	int status;

	for (size_t i = 0; i < length; i++)
		chain[i] = &p->shared->tasks[random_below(&p->seed, TASKS)];
	if (length > 1)
		return rota_task_post_all(chain, length, count);
	status = rota_task_post(chain[0], count);
	if (status == ROTA_EALREADY)
		return 0;
	return status == 0 ? 1 : status;
}

static void *post_chains(void *arg)
{
	struct poster *p = arg;

	for (unsigned i = 0; i < CHAINS * ROUNDS / 10; i++) {
		int status = post_some(p);

		if (status > 0)
			p->accepted += (unsigned)status;
		p->strange += status < 0;
		if (i % 64 == 0)
			sched_yield();
	}
	rota_loop_unref(p->shared->loop);
	return NULL;
}

static void *post_until_refused(void *arg)
{
	struct poster *p = arg;
	int status;

	while ((status = post_some(p)) >= 0)
		p->accepted += (unsigned)status;
	p->strange += status != ROTA_ESHUTDOWN;
	rota_loop_unref(p->shared->loop);
	return NULL;
}

static void start_posters(struct poster *posters, struct shared *s,
			  uint64_t seed, void *(*fn)(void *arg))
{
	for (unsigned i = 0; i < THREADS; i++) {
		posters[i] = (struct poster){ .shared = s, .seed = seed + i };
		rota_loop_ref(s->loop);
		assert_int_equal(pthread_create(&posters[i].thread, NULL, fn,
						&posters[i]),
				 0);
	}
}

static unsigned join_posters(struct poster *posters)
{
	unsigned accepted = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(posters[i].thread, NULL);
		assert_int_equal(posters[i].strange, 0);
		accepted += posters[i].accepted;
	}
	return accepted;
}

/* F1 */
static void chains_of_the_same_tasks_run_as_often_as_accepted(void **state)
{
	struct fixture *f = *state;
	struct poster posters[THREADS];
	struct shared s;
	unsigned accepted;

	shared_init(&s, f->loop);
	start_posters(posters, &s, random_seed(), post_chains);
	for (unsigned i = 0; i < ROUNDS; i++) {
		assert_true(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
		sched_yield();
	}

	accepted = join_posters(posters);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_true(accepted > 0);
	assert_int_equal(s.called, accepted);
	for (unsigned i = 0; i < TASKS; i++)
		assert_false(rota_task_is_queued(&s.tasks[i]));
}

/* O5, F1: a chain is accepted or refused as a whole. Refused tasks are not
 * marked as queued. */
static void a_shutdown_in_between_loses_no_chain(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = random_seed();

	for (unsigned round = 0; round < ROUNDS / 10; round++) {
		struct rota_loop_options options;
		struct rota_loop *loop, *held;
		struct poster posters[THREADS];
		struct shared s;

		fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
		assert_int_equal(rota_loop_new(&loop, &options), 0);
		held = rota_loop_ref(loop);
		shared_init(&s, loop);
		start_posters(posters, &s, seed + round * THREADS,
			      post_until_refused);
		for (unsigned i = 0; i < round % 4; i++)
			sched_yield();

		assert_int_equal(rota_loop_shutdown(loop, UINT64_MAX), 0);

		assert_int_equal(s.called, join_posters(posters));
		for (unsigned i = 0; i < TASKS; i++)
			assert_int_equal(rota_task_post(&s.tasks[i], count),
					 ROTA_ESHUTDOWN);
		rota_loop_unref(held);
	}
}

static const struct CMUnitTest tests[] = {
	REAL(chains_of_the_same_tasks_run_as_often_as_accepted),
	REAL(a_shutdown_in_between_loses_no_chain),
};

FIXTURE_MAIN(tests)
