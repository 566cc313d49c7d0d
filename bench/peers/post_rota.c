/*
 * post_rota.c - rota_task_post(), rota_task_post_all(), and rota_async_send().
 */
#include <stdlib.h>

#include "peers/post.h"
#include "rota.h"
#include "support/bench.h"

struct set {
	struct post_load load;
	struct rota_loop *loop;
	struct rota_async asyncs[POST_PRODUCERS];
	struct rota_task *tasks;     /* the first producer's come first */
	struct rota_task **pointers; /* to these tasks */
};

static void on_async(struct rota_async *async)
{
	struct set *set = async->data;

	set->load.arrived(set->load.arg);
}

static void on_task(struct rota_task *task)
{
	struct set *set = task->data;

	set->load.arrived(set->load.arg);
}

/* The asyncs keep the loop alive, even if only tasks are used. */
static struct set *set_new(const struct post_load *load)
{
	struct set *set = calloc(1, sizeof(*set));

	set->load = *load;
	if (rota_loop_new(&set->loop, NULL))
		bench_fail("rota_loop_new");
	for (size_t i = 0; i < load->producers; i++) {
		rota_async_init(&set->asyncs[i], set->loop);
		set->asyncs[i].data = set;
		rota_async_start(&set->asyncs[i], on_async);
	}
	return set;
}

static void *make_tasks(const struct post_load *load)
{
	size_t count = load->producers * load->tasks;
	struct set *set = set_new(load);

	set->tasks = calloc(count, sizeof(*set->tasks));
	set->pointers = calloc(count, sizeof(*set->pointers));
	for (size_t i = 0; i < count; i++) {
		rota_task_init(&set->tasks[i], set->loop);
		set->tasks[i].data = set;
		set->pointers[i] = &set->tasks[i];
	}
	return set;
}

static void post_tasks(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;
	struct rota_task *tasks = set->tasks + producer * set->load.tasks;

	for (size_t i = 0; i < count; i++) {
		if (rota_task_post(&tasks[i], on_task))
			bench_fail("rota_task_post");
	}
}

static void post_all_tasks(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;
	struct rota_task **tasks = set->pointers + producer * set->load.tasks;

	if (rota_task_post_all(tasks, count, on_task) != (int)count)
		bench_fail("rota_task_post_all");
}

static void *make_asyncs(const struct post_load *load)
{
	return set_new(load);
}

static void send_asyncs(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;

	for (size_t i = 0; i < count; i++)
		rota_async_send(&set->asyncs[producer]);
}

static void set_run(void *arg)
{
	struct set *set = arg;

	if (rota_loop_run(set->loop, ROTA_RUN_DEFAULT) < 0)
		bench_fail("rota_loop_run");
}

static void set_stop(void *arg)
{
	struct set *set = arg;

	rota_loop_stop(set->loop);
}

static void set_free(void *arg)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->load.producers; i++)
		rota_async_stop(&set->asyncs[i]);
	if (rota_loop_close(set->loop))
		bench_fail("rota_loop_close");
	free(set->tasks);
	free(set->pointers);
	free(set);
}

const struct post_peer post_rota_task = {
	"rota post", make_tasks, post_tasks, set_run, set_stop, set_free,
};

const struct post_peer post_rota_all = {
	"rota post_all", make_tasks, post_all_tasks,
	set_run,         set_stop,   set_free,
};

const struct post_peer post_rota_async = {
	"rota async", make_asyncs, send_asyncs, set_run, set_stop, set_free,
};
