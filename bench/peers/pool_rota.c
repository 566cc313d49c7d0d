/*
 * pool_rota.c - rota_work_queue(), in the lane for computations; and the same
 * with a pool that busy-waits for a while before it sleeps.
 */
#include <sched.h>
#include <stdlib.h>

#include "peers/pool.h"
#include "rota.h"
#include "support/bench.h"

struct set {
	struct rota_loop *loop;
	size_t to_queue;
	size_t in_flight;
	struct rota_work works[];
};

static struct rota_pool *pool_new(uint64_t spin_ns)
{
	struct rota_pool *pool;
	struct rota_pool_options options;

	rota_pool_options_init(&options);
	options.spin_ns = spin_ns;
	options.lanes[ROTA_LANE_CPU].min_threads = POOL_THREADS;
	options.lanes[ROTA_LANE_CPU].max_threads = POOL_THREADS;
	if (rota_pool_new(&pool, &options))
		bench_fail("rota_pool_new");
	return pool;
}

/* Make a set that uses @pool. The pool outlives it. */
static void *set_make_with(struct rota_pool *pool, size_t in_flight)
{
	struct set *set =
		calloc(1, sizeof(*set) + in_flight * sizeof(set->works[0]));
	struct rota_loop_options options;

	rota_loop_options_init(&options);
	options.pool = pool;
	if (!set || rota_loop_new(&set->loop, &options))
		bench_fail("rota_loop_new");
	rota_loop_set_data(set->loop, set);
	set->in_flight = in_flight;
	for (size_t i = 0; i < in_flight; i++) {
		rota_work_init(&set->works[i], set->loop);
		set->works[i].request.data = set;
	}
	return set;
}

static int do_nothing(struct rota_work *work)
{
	(void)work;
	return 0;
}

static void queue(struct set *set, struct rota_work *work);

static void on_done(struct rota_work *work, int status)
{
	if (status < 0)
		bench_fail("a job: %s", rota_error_text(status));
	queue(work->request.data, work);
}

static void queue(struct set *set, struct rota_work *work)
{
	if (set->to_queue == 0)
		return;
	set->to_queue--;
	if (rota_work_queue(work, ROTA_LANE_CPU, do_nothing, on_done))
		bench_fail("rota_work_queue");
}

static void set_run(void *arg, size_t count)
{
	struct set *set = arg;

	set->to_queue = count;
	for (size_t i = 0; i < set->in_flight; i++)
		queue(set, &set->works[i]);
	if (rota_loop_run(set->loop, ROTA_RUN_DEFAULT) < 0)
		bench_fail("rota_loop_run");
}

static void set_free(void *arg)
{
	struct set *set = arg;

	if (rota_loop_close(set->loop))
		bench_fail("rota_loop_close");
	free(set);
}

struct together {
	struct rota_work works[POOL_THREADS];
	unsigned arrived;
};

/* Each of these jobs occupies a thread of its own. */
static int await_all(struct rota_work *work)
{
	struct together *together = work->request.data;

	__atomic_fetch_add(&together->arrived, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&together->arrived, __ATOMIC_RELAXED) <
	       POOL_THREADS)
		sched_yield();
	return 0;
}

static void ignore(struct rota_work *work, int status)
{
	(void)work;
	(void)status;
}

/* libuv makes all its threads with the first job. rota makes a thread when it
 * needs one, and would have fewer here. */
static struct rota_pool *pool_with_threads(uint64_t spin_ns)
{
	struct rota_pool *pool = pool_new(spin_ns);
	struct set *set = set_make_with(pool, 0);
	struct together together = { .arrived = 0 };

	for (size_t i = 0; i < POOL_THREADS; i++) {
		rota_work_init(&together.works[i], set->loop);
		together.works[i].request.data = &together;
		if (rota_work_queue(&together.works[i], ROTA_LANE_CPU,
				    await_all, ignore))
			bench_fail("rota_work_queue");
	}
	set_run(set, 0);
	set_free(set);
	return pool;
}

static void *set_make(size_t in_flight)
{
	static struct rota_pool *pool;

	if (!pool)
		pool = pool_with_threads(0);
	return set_make_with(pool, in_flight);
}

static void *set_make_spin(size_t in_flight)
{
	static struct rota_pool *pool;

	if (!pool)
		pool = pool_with_threads(ROTA_USEC(WORK_SPIN_USEC));
	return set_make_with(pool, in_flight);
}

const struct pool_peer pool_rota = { "rota", set_make, set_run, set_free };

const struct pool_peer pool_rota_spin = { "rota-spin", set_make_spin, set_run,
					  set_free };
