/*
 * A run that ends while another thread posts: it runs all posts that it has
 * seen, and the others are left to the next run (T2, F1).
 *
 * The test takes a fixed time, however busy the machine is. ROTA_TEST_FULL=1
 * makes it longer, for some millions of posts.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { RACE_MS = 300, RACE_MS_IN_FULL = 30000 };

struct race {
	struct rota_loop *loop;
	struct rota_task task;
	atomic_uint posted;
	atomic_uint called;
	atomic_bool over;
};

static void on_post(struct rota_task *task)
{
	struct race *race = task->data;

	atomic_fetch_add(&race->called, 1);
}

/* The thread pauses after each post, so that runs find nothing to do. Then some
 * posts arrive just as a run checks for the last time. */
static void *post_many(void *arg)
{
	struct race *race = arg;
	uint64_t seed = 1;

	while (!atomic_load(&race->over)) {
		for (uint64_t n = random_below(&seed, 64); n > 0; n--)
			atomic_signal_fence(memory_order_seq_cst);
		if (rota_task_post(&race->task, on_post) == 0)
			atomic_fetch_add(&race->posted, 1);
		for (unsigned n = 1;
		     n < 64 &&
		     atomic_load(&race->called) < atomic_load(&race->posted);
		     n++)
			if (n % 16 == 0)
				sched_yield();
	}
	return NULL;
}

/* Run @loop in that mode while the thread posts. Returns how many runs were
 * wrong. */
static unsigned run_while_posts_are_made(struct race *race,
					 enum rota_run_mode mode)
{
	uint64_t until_ns =
		real_now() + ROTA_MSEC(getenv("ROTA_TEST_FULL") != NULL
					       ? RACE_MS_IN_FULL
					       : RACE_MS);
	unsigned wrong = 0;
	pthread_t thread;

	rota_task_init(&race->task, race->loop);
	race->task.data = race;
	rota_loop_ref(race->loop);
	assert_int_equal(pthread_create(&thread, NULL, post_many, race), 0);

	while (real_now() < until_ns) {
		unsigned before = atomic_load(&race->called);
		int alive = rota_loop_run(race->loop, mode);

		if (mode == ROTA_RUN_DEFAULT)
			wrong += alive != 0;
		else
			wrong += alive != 0 &&
				 atomic_load(&race->called) == before;
	}
	atomic_store(&race->over, 1);
	pthread_join(thread, NULL);
	rota_loop_unref(race->loop);
	while (rota_loop_run(race->loop, mode) == 1)
		;
	assert_int_equal(race->called, race->posted);
	return wrong;
}

/* T2 */
static void a_default_run_that_was_not_stopped_returns_0(void **state)
{
	struct fixture *f = *state;
	struct race race = { .loop = f->loop };

	assert_int_equal(run_while_posts_are_made(&race, ROTA_RUN_DEFAULT), 0);
}

/* T3: the run may return 1 because of a post that came after its callback. */
static void a_once_run_that_returns_1_has_called(void **state)
{
	struct fixture *f = *state;
	struct race race = { .loop = f->loop };

	assert_int_equal(run_while_posts_are_made(&race, ROTA_RUN_ONCE), 0);
}

static const struct CMUnitTest tests[] = {
	REAL(a_default_run_that_was_not_stopped_returns_0),
	REAL(a_once_run_that_returns_1_has_called),
};
FIXTURE_MAIN(tests)
