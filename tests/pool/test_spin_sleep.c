/* poller: none */
/*
 * A thread that has looked for work for spin_ns without success goes to sleep,
 * whether it was called meanwhile or not.
 */
#include "jobs.h"

static void await_sleep(struct rota_pool *pool)
{
	while (lane_stats(pool, CPU).idle != 1)
		sched_yield();
}

static void a_thread_that_finds_nothing_falls_asleep(void **state)
{
	struct fixture *f = *state;
	struct rota_pool_options options;
	struct rota_pool *pool;
	struct job job;

	rota_pool_options_init(&options);
	options.spin_ns = ROTA_USEC(200);
	options.lanes[CPU] = (struct rota_lane_options){ .min_threads = 1,
							 .max_threads = 1 };
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	use_pool(f, rota_pool_ref(pool), ROTA_CLOCK_MONOTONIC);

	for (unsigned i = 1; i <= 3; i++) {
		job_init(&job, f->loop, NULL);
		job_queue(&job, CPU);
		run_until_called(&job, 1);
		await_sleep(pool);
	}

	assert_int_equal(lane_stats(pool, CPU).done, 3);
	rota_pool_unref(pool);
}

static const struct CMUnitTest tests[] = {
	REAL(a_thread_that_finds_nothing_falls_asleep),
};
FIXTURE_MAIN(tests)
