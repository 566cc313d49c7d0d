/*
 * pool_libuv.c - uv_queue_work().
 */
#include <stdlib.h>
#include <uv.h>

#include "peers/pool.h"
#include "support/bench.h"

struct set {
	uv_loop_t loop;
	size_t to_queue;
	size_t in_flight;
	uv_work_t works[];
};

static void *set_make(size_t in_flight)
{
	struct set *set =
		calloc(1, sizeof(*set) + in_flight * sizeof(set->works[0]));

	/* libuv reads it when the first job is queued. Without it there are
	 * POOL_THREADS. */
	unsetenv("UV_THREADPOOL_SIZE");
	if (!set || uv_loop_init(&set->loop))
		bench_fail("uv_loop_init");
	set->in_flight = in_flight;
	for (size_t i = 0; i < in_flight; i++)
		set->works[i].data = set;
	return set;
}

static void do_nothing(uv_work_t *work)
{
	(void)work;
}

static void queue(struct set *set, uv_work_t *work);

static void on_done(uv_work_t *work, int status)
{
	if (status < 0)
		bench_fail("a job: %s", uv_strerror(status));
	queue(work->data, work);
}

static void queue(struct set *set, uv_work_t *work)
{
	if (set->to_queue == 0)
		return;
	set->to_queue--;
	if (uv_queue_work(&set->loop, work, do_nothing, on_done))
		bench_fail("uv_queue_work");
}

static void set_run(void *arg, size_t count)
{
	struct set *set = arg;

	set->to_queue = count;
	for (size_t i = 0; i < set->in_flight; i++)
		queue(set, &set->works[i]);
	uv_run(&set->loop, UV_RUN_DEFAULT);
}

static void set_free(void *arg)
{
	struct set *set = arg;

	if (uv_loop_close(&set->loop))
		bench_fail("uv_loop_close");
	free(set);
}

const struct pool_peer pool_libuv = { "libuv", set_make, set_run, set_free };
