/*
 * work_rota.c - rota_work_queue(), in the lane for what computes.
 */
#include <stdlib.h>

#include "peers/work.h"
#include "rota.h"
#include "support/bench.h"

struct set {
	struct rota_loop *loop;
	size_t to_queue;
	size_t in_flight;
	struct rota_work works[];
};

static struct rota_pool *the_pool(void)
{
	static struct rota_pool *pool;
	struct rota_pool_options options;

	if (pool)
		return pool;
	rota_pool_options_init(&options);
	options.lanes[ROTA_LANE_CPU].min_threads = WORK_THREADS;
	options.lanes[ROTA_LANE_CPU].max_threads = WORK_THREADS;
	if (rota_pool_new(&pool, &options))
		bench_fail("rota_pool_new");
	return pool;
}

static void *set_make(size_t in_flight)
{
	struct set *set =
		calloc(1, sizeof(*set) + in_flight * sizeof(set->works[0]));
	struct rota_loop_options options;

	rota_loop_options_init(&options);
	options.pool = the_pool();
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

const struct work_peer work_rota = { "rota", set_make, set_run, set_free };
