/*
 * post_rota.c - rota_task_post(), and rota_async_send().
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "peers/post.h"
#include "rota.h"
#include "support/bench.h"

struct producer {
	struct rota_async async;
	atomic_int done;
	struct rota_task *tasks;
};

struct set {
	struct post_load load;
	struct rota_loop *loop;
	struct rota_async open; /* keeps the loop alive */
	size_t left;
	struct producer producers[POST_PRODUCERS];
};

static void on_open(struct rota_async *async)
{
	(void)async;
}

static void on_task(struct rota_task *task)
{
	struct set *set = task->data;

	if (set->load.arrived)
		set->load.arrived();
	if (--set->left == 0)
		rota_async_stop(&set->open);
}

static struct set *set_new(const struct post_load *load)
{
	struct set *set = calloc(1, sizeof(*set));

	set->load = *load;
	if (rota_loop_new(&set->loop, NULL))
		bench_fail("rota_loop_new");
	return set;
}

static void *make_tasks(const struct post_load *load)
{
	struct set *set = set_new(load);

	set->left = load->producers * load->count;
	rota_async_init(&set->open, set->loop);
	rota_async_start(&set->open, on_open);
	for (size_t i = 0; i < load->producers; i++) {
		struct rota_task *tasks = calloc(load->count, sizeof(*tasks));

		set->producers[i].tasks = tasks;
		for (size_t j = 0; j < load->count; j++) {
			rota_task_init(&tasks[j], set->loop);
			tasks[j].data = set;
		}
	}
	return set;
}

static void produce_tasks(void *arg, size_t producer, size_t from, size_t to)
{
	struct set *set = arg;

	for (size_t i = from; i < to; i++) {
		if (rota_task_post(&set->producers[producer].tasks[i], on_task))
			bench_fail("rota_task_post");
	}
}

static void on_async(struct rota_async *async)
{
	struct producer *producer =
		rota_container_of(async, struct producer, async);
	struct set *set = async->data;

	/* Before it says that it has arrived, upon which the sender may go on
	 * and set done for the next. */
	int done = atomic_load(&producer->done);

	if (set->load.arrived)
		set->load.arrived();
	if (done)
		rota_async_stop(async);
}

static void *make_asyncs(const struct post_load *load)
{
	struct set *set = set_new(load);

	for (size_t i = 0; i < load->producers; i++) {
		struct rota_async *async = &set->producers[i].async;

		rota_async_init(async, set->loop);
		async->data = set;
		rota_async_start(async, on_async);
	}
	return set;
}

static void produce_sends(void *arg, size_t producer, size_t from, size_t to)
{
	struct set *set = arg;

	for (size_t i = from; i < to; i++) {
		if (i == set->load.count - 1)
			atomic_store(&set->producers[producer].done, 1);
		rota_async_send(&set->producers[producer].async);
	}
}

static void set_run(void *arg)
{
	struct set *set = arg;

	if (rota_loop_run(set->loop, ROTA_RUN_DEFAULT) < 0)
		bench_fail("rota_loop_run");
}

static void set_free(void *arg)
{
	struct set *set = arg;

	if (rota_loop_close(set->loop))
		bench_fail("rota_loop_close");
	for (size_t i = 0; i < set->load.producers; i++)
		free(set->producers[i].tasks);
	free(set);
}

const struct post_peer post_rota = {
	"rota post", make_tasks, produce_tasks, set_run, set_free,
};

const struct post_peer post_rota_async = {
	"rota async", make_asyncs, produce_sends, set_run, set_free,
};
