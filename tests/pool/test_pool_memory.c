/* poller: none */
/*
 * The memory of a pool: a burst leaves no more allocated than the burst before
 * it, and a dropped pool leaves nothing. The pool's memory comes from calloc(),
 * which is counted here; the fixture counts the loop's memory.
 */
#include "jobs.h"

#include "pool/pool.h"
#include "pool/worker.h"
#include "support/fault.h"

enum { THREADS = 4, JOBS = 32, ROUNDS = 25 };

static void run_to_the_end(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

static struct rota_pool *use_short_lived_threads(struct fixture *f)
{
	struct rota_pool_options options;
	struct rota_pool *pool;

	rota_pool_options_init(&options);
	for (int i = 0; i < ROTA_LANE_COUNT; i++)
		options.lanes[i] =
			(struct rota_lane_options){ .min_threads = 0,
						    .max_threads = THREADS };
	options.idle_ns = ROTA_MSEC(1);
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	(void)rota_pool_ref(pool);
	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	return pool;
}

/* Queue more jobs than threads in each lane, wait until as many threads are
 * stuck as the lane may have, and then until all threads have ended. */
static void burst(struct fixture *f, struct rota_pool *pool)
{
	static struct job jobs[ROTA_LANE_COUNT * JOBS];
	struct gate gate;

	gate_init(&gate);
	for (unsigned i = 0; i < ROTA_LANE_COUNT * JOBS; i++) {
		job_init(&jobs[i], f->loop, NULL);
		jobs[i].gate = &gate;
		job_queue(&jobs[i], (enum rota_lane)(i % ROTA_LANE_COUNT));
	}
	gate_await(&gate, ROTA_LANE_COUNT * THREADS);
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
	for (int i = 0; i < ROTA_LANE_COUNT; i++)
		while (lane_stats(pool, (enum rota_lane)i).threads > 0)
			sched_yield();
}

static unsigned spare_workers(struct rotai_lane *lane)
{
	unsigned count = 0;

	pthread_mutex_lock(&lane->lock);
	for (struct rota_link *at = lane->spare.next; at != &lane->spare;
	     at = at->next)
		count++;
	pthread_mutex_unlock(&lane->lock);
	return count;
}

static unsigned allocations(void)
{
	return fault_count("malloc") + fault_count("calloc") +
	       fault_count("realloc");
}

/* Threads come and go, and each reuses the memory of an earlier one. */
static void bursts_need_the_memory_of_one(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = use_short_lived_threads(f);

	fault_count_reset();
	burst(f, pool);
	assert_int_equal(allocations() - fault_count("free"),
			 ROTA_LANE_COUNT * THREADS + 1); /* + 1 client */

	fault_count_reset();
	for (unsigned i = 0; i < ROUNDS; i++)
		burst(f, pool);

	assert_int_equal(allocations(), 0);
	assert_int_equal(fault_count("free"), 0);
	for (int i = 0; i < ROTA_LANE_COUNT; i++) {
		assert_int_equal(lane_stats(pool, (enum rota_lane)i).started,
				 (ROUNDS + 1) * THREADS);
		assert_int_equal(spare_workers(&pool->lanes[i]), THREADS);
	}
	rota_pool_unref(pool);
}

/* The pool frees the memory of its threads and its own, and nothing else. */
static void a_pool_frees_what_it_kept(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = use_short_lived_threads(f);

	rotai_pool_hold(pool);
	burst(f, pool);
	rota_pool_unref(pool);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;
	while (rotai_pool_holders(pool) > 1)
		sched_yield(); /* the last threads are about to end */
	fault_count_reset();

	rotai_pool_release(pool);

	assert_int_equal(fault_count("free"), ROTA_LANE_COUNT * THREADS + 1);
}

static int do_nothing(void *context)
{
	(void)context;
	return 0;
}

static void discard_nothing(void *context)
{
	(void)context;
}

/* Cancelled or not, it leaves no memory behind. */
static void detachable_work_leaves_nothing(void **state)
{
	const struct rota_detachable how = { do_nothing, discard_nothing,
					     NULL };
	struct fixture *f = *state;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(1, 1));
	struct job a;

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, NULL);
	job_queue(&a, IO);
	run_to_the_end(f);
	fault_count_reset();
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(
			rota_work_queue_detachable(&a.work, IO, &how, job_done),
			0);
		if (i % 2 == 0)
			(void)job_cancel(&a);
		run_to_the_end(f);
	}

	/* A thread may be about to free the last block. */
	while (fault_count("free") != allocations())
		sched_yield();
	assert_int_equal(allocations(), 1000);
	rota_pool_unref(pool);
}

/* A steady load allocates nothing at all: not the loop, whose memory the
 * fixture counts, and not the pool. They are compared one by one, so that a
 * failure shows which it was. */
static void steady_work_allocates_nothing(void **state)
{
	struct fixture *f = *state;
	size_t calls;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(1, 1));
	struct job a;

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, NULL);
	job_queue(&a, IO);
	run_to_the_end(f);
	fault_count_reset();
	calls = f->memory.calls;
	for (unsigned i = 2; i < 1000; i++) {
		job_queue(&a, IO);
		run_until_called(&a, i);
	}

	assert_int_equal(f->memory.calls, calls);
	assert_int_equal(lane_stats(pool, IO).started, 1);
	assert_int_equal(fault_count("calloc"), 0);
	assert_int_equal(allocations(), 0);
	assert_int_equal(fault_count("free"), 0);
	rota_pool_unref(pool);
}

static const struct CMUnitTest tests[] = {
	REAL(bursts_need_the_memory_of_one),
	REAL(a_pool_frees_what_it_kept),
	REAL(detachable_work_leaves_nothing),
	REAL(steady_work_allocates_nothing),
};

FIXTURE_MAIN(tests)
