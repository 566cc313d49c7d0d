/*
 * post_libuv.c - uv_async_send(), alone and with a queue.
 */
#include <stdlib.h>
#include <uv.h>

#include "peers/post.h"
#include "peers/post_queue.h"
#include "support/bench.h"

struct set {
	struct post_load load;
	uv_loop_t loop;
	size_t asyncs;
	uv_async_t async[POST_PRODUCERS];
	struct post_queue queue;
	struct post_job *jobs;
};

static struct set *set_new(const struct post_load *load, size_t asyncs,
			   uv_async_cb fn)
{
	struct set *set = calloc(1, sizeof(*set));

	set->load = *load;
	set->asyncs = asyncs;
	if (uv_loop_init(&set->loop))
		bench_fail("uv_loop_init");
	for (size_t i = 0; i < asyncs; i++) {
		if (uv_async_init(&set->loop, &set->async[i], fn))
			bench_fail("uv_async_init");
		set->async[i].data = set;
	}
	return set;
}

static void on_job(struct post_job *job)
{
	struct set *set = job->data;

	set->load.arrived(set->load.arg);
}

static void on_wake(uv_async_t *async)
{
	struct set *set = async->data;

	post_queue_run(&set->queue);
}

static void *make_jobs(const struct post_load *load)
{
	struct set *set = set_new(load, 1, on_wake);

	set->jobs = post_queue_init(&set->queue, load->producers * load->tasks,
				    set);
	return set;
}

static void post_jobs(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;
	struct post_job *jobs = set->jobs + producer * set->load.tasks;

	for (size_t i = 0; i < count; i++) {
		if (post_queue_put(&set->queue, &jobs[i], on_job))
			uv_async_send(&set->async[0]);
	}
}

static void on_async(uv_async_t *async)
{
	struct set *set = async->data;

	set->load.arrived(set->load.arg);
}

static void *make_asyncs(const struct post_load *load)
{
	return set_new(load, load->producers, on_async);
}

static void send_asyncs(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;

	for (size_t i = 0; i < count; i++)
		uv_async_send(&set->async[producer]);
}

static void set_run(void *arg)
{
	struct set *set = arg;

	uv_run(&set->loop, UV_RUN_DEFAULT);
}

static void set_stop(void *arg)
{
	struct set *set = arg;

	uv_stop(&set->loop);
}

static void set_free(void *arg)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->asyncs; i++)
		uv_close((uv_handle_t *)&set->async[i], NULL);
	uv_run(&set->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&set->loop))
		bench_fail("uv_loop_close");
	if (set->jobs)
		post_queue_free(&set->queue, set->jobs);
	free(set);
}

const struct post_peer post_libuv_queue = {
	"libuv queue, uv_async_send",
	make_jobs,
	post_jobs,
	set_run,
	set_stop,
	set_free,
};

const struct post_peer post_libuv_async = {
	"libuv uv_async_send",
	make_asyncs,
	send_asyncs,
	set_run,
	set_stop,
	set_free,
};
