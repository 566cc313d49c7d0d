/* system: linux */
/* poller: none */
/*
 * With only one processor nothing busy-waits: that would keep the awaited
 * thread from running.
 */
#include "jobs.h"

#include <sched.h>

#include "loop/loop.h"
#include "pool/pool.h"

static void stay_on_one_processor(cpu_set_t *before)
{
	cpu_set_t one;

	assert_int_equal(sched_getaffinity(0, sizeof(*before), before), 0);
	CPU_ZERO(&one);
	for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, before))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void with_one_processor_nobody_spins(void **state)
{
	struct fixture *f = *state;
	struct rota_pool_options options;
	struct rota_pool *pool;
	cpu_set_t before;
	struct job a;

	stay_on_one_processor(&before);
	rota_pool_options_init(&options);
	options.spin_ns = ROTA_USEC(100);
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	use_pool(f, rota_pool_ref(pool), ROTA_CLOCK_MONOTONIC);

	assert_int_equal(pool->spin.pauses, 0);

	job_init(&a, f->loop, NULL);
	job_queue(&a, IO);
	assert_null(f->loop->spin);
	run_until_called(&a, 1);
	rota_pool_unref(pool);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

static const struct CMUnitTest tests[] = {
	REAL(with_one_processor_nobody_spins),
};

FIXTURE_MAIN(tests)
