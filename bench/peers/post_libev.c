/*
 * post_libev.c - ev_async_send(), alone and with a queue, as libev's
 * documentation shows.
 */
#include <ev.h>
#include <stdlib.h>

#include "peers/post.h"
#include "peers/post_queue.h"
#include "support/bench.h"

struct set {
	struct post_load load;
	struct ev_loop *loop;
	size_t asyncs;
	ev_async async[POST_PRODUCERS];
	struct post_queue queue;
	struct post_job *jobs;
};

typedef void async_fn(struct ev_loop *loop, ev_async *async, int events);

static struct set *set_new(const struct post_load *load, size_t asyncs,
			   async_fn *fn)
{
	struct set *set = calloc(1, sizeof(*set));

	set->load = *load;
	set->asyncs = asyncs;
	set->loop = ev_loop_new(EVBACKEND_EPOLL);
	if (!set->loop)
		bench_fail("ev_loop_new");
	for (size_t i = 0; i < asyncs; i++) {
		ev_async_init(&set->async[i], fn);
		set->async[i].data = set;
		ev_async_start(set->loop, &set->async[i]);
	}
	return set;
}

static void on_job(struct post_job *job)
{
	struct set *set = job->data;

	set->load.arrived(set->load.arg);
}

static void on_wake(struct ev_loop *loop, ev_async *async, int events)
{
	struct set *set = async->data;

	(void)loop;
	(void)events;
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
			ev_async_send(set->loop, &set->async[0]);
	}
}

static void on_async(struct ev_loop *loop, ev_async *async, int events)
{
	struct set *set = async->data;

	(void)loop;
	(void)events;
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
		ev_async_send(set->loop, &set->async[producer]);
}

static void set_run(void *arg)
{
	struct set *set = arg;

	ev_run(set->loop, 0);
}

static void set_stop(void *arg)
{
	struct set *set = arg;

	ev_break(set->loop, EVBREAK_ALL);
}

static void set_free(void *arg)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->asyncs; i++)
		ev_async_stop(set->loop, &set->async[i]);
	ev_loop_destroy(set->loop);
	if (set->jobs)
		post_queue_free(&set->queue, set->jobs);
	free(set);
}

const struct post_peer post_libev_queue = {
	"libev, queue, ev_async_send",
	make_jobs,
	post_jobs,
	set_run,
	set_stop,
	set_free,
};

const struct post_peer post_libev_async = {
	"libev, ev_async_send",
	make_asyncs,
	send_asyncs,
	set_run,
	set_stop,
	set_free,
};
