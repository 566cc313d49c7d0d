/*
 * post_libuv.c - uv_async_send(), alone and with the queue that libuv's users
 * put beside it when no call may be lost: a list and a mutex.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

#include "peers/post.h"
#include "support/bench.h"

struct set;

struct task {
	struct task *next;
	void (*fn)(struct task *task);
	struct set *set;
};

struct producer {
	uv_async_t async;
	atomic_int done;
	struct task *tasks;
};

struct set {
	struct post_load load;
	uv_loop_t loop;
	struct producer producers[POST_PRODUCERS];

	uv_async_t wake;
	size_t left;
	uv_mutex_t mutex;
	struct task *first;
	struct task **last;
};

static struct set *set_new(const struct post_load *load)
{
	struct set *set = calloc(1, sizeof(*set));

	set->load = *load;
	if (uv_loop_init(&set->loop) || uv_mutex_init(&set->mutex))
		bench_fail("uv_loop_init");
	return set;
}

static void on_task(struct task *task)
{
	struct set *set = task->set;

	if (set->load.arrived)
		set->load.arrived();
	if (--set->left == 0)
		uv_close((uv_handle_t *)&set->wake, NULL);
}

static void on_wake(uv_async_t *async)
{
	struct set *set = async->data;
	struct task *task;

	uv_mutex_lock(&set->mutex);
	task = set->first;
	set->first = NULL;
	set->last = &set->first;
	uv_mutex_unlock(&set->mutex);

	while (task) {
		struct task *next = task->next;

		task->fn(task);
		task = next;
	}
}

static void *make_tasks(const struct post_load *load)
{
	struct set *set = set_new(load);

	set->left = load->producers * load->count;
	set->last = &set->first;
	uv_async_init(&set->loop, &set->wake, on_wake);
	set->wake.data = set;
	for (size_t i = 0; i < load->producers; i++) {
		struct task *tasks = calloc(load->count, sizeof(*tasks));

		set->producers[i].tasks = tasks;
		for (size_t j = 0; j < load->count; j++)
			tasks[j].set = set;
	}
	return set;
}

static void post(struct set *set, struct task *task)
{
	task->fn = on_task;
	task->next = NULL;
	uv_mutex_lock(&set->mutex);
	*set->last = task;
	set->last = &task->next;
	/* Under the mutex: the last task closes the handle. */
	uv_async_send(&set->wake);
	uv_mutex_unlock(&set->mutex);
}

static void produce_tasks(void *arg, size_t producer, size_t from, size_t to)
{
	struct set *set = arg;

	for (size_t i = from; i < to; i++)
		post(set, &set->producers[producer].tasks[i]);
}

static void on_async(uv_async_t *async)
{
	struct producer *producer = (struct producer *)(void *)async;
	struct set *set = async->data;

	/* Before it says that it has arrived, upon which the sender may go on
	 * and set done for the next. */
	int done = atomic_load(&producer->done);

	if (set->load.arrived)
		set->load.arrived();
	if (done)
		uv_close((uv_handle_t *)async, NULL);
}

static void *make_asyncs(const struct post_load *load)
{
	struct set *set = set_new(load);

	for (size_t i = 0; i < load->producers; i++) {
		uv_async_init(&set->loop, &set->producers[i].async, on_async);
		set->producers[i].async.data = set;
	}
	return set;
}

static void produce_sends(void *arg, size_t producer, size_t from, size_t to)
{
	struct set *set = arg;

	for (size_t i = from; i < to; i++) {
		if (i == set->load.count - 1)
			atomic_store(&set->producers[producer].done, 1);
		uv_async_send(&set->producers[producer].async);
	}
}

static void set_run(void *arg)
{
	struct set *set = arg;

	uv_run(&set->loop, UV_RUN_DEFAULT);
}

static void set_free(void *arg)
{
	struct set *set = arg;

	if (uv_loop_close(&set->loop))
		bench_fail("uv_loop_close");
	uv_mutex_destroy(&set->mutex);
	for (size_t i = 0; i < set->load.producers; i++)
		free(set->producers[i].tasks);
	free(set);
}

const struct post_peer post_libuv_queue = {
	"libuv, queue", make_tasks, produce_tasks, set_run, set_free,
};

const struct post_peer post_libuv_async = {
	"libuv async", make_asyncs, produce_sends, set_run, set_free,
};
