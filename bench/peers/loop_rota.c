/*
 * loop_rota.c - rota's loop with next to nothing to do, and its four queues.
 */
#include <stdlib.h>

#include "peers/loop.h"
#include "rota.h"
#include "support/bench.h"

static void *loop_make(void)
{
	struct rota_loop *loop;

	if (rota_loop_new(&loop, NULL))
		bench_fail("rota_loop_new");
	return loop;
}

static void loop_free(void *loop)
{
	if (rota_loop_close(loop))
		bench_fail("rota_loop_close");
}

static size_t left;

static void on_turn(struct rota_hook *hook)
{
	if (--left == 0)
		rota_hook_stop(hook);
}

static void loop_turn(void *loop, size_t count)
{
	struct rota_hook hook;

	left = count;
	rota_hook_init(&hook, loop);
	rota_hook_start(&hook, on_turn, ROTA_HOOK_IDLE);
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
}

const struct loop_peer loop_rota = {
	"rota",
	loop_make,
	loop_free,
	loop_turn,
};

typedef int queue_fn(struct rota_task *task, rota_task_fn *fn);

static void call(size_t count, queue_fn *queue, rota_task_fn *fn)
{
	struct rota_task tasks[LOOP_CALLS];
	struct rota_loop *loop = loop_make();

	left = count;
	for (size_t i = 0; i < LOOP_CALLS; i++) {
		rota_task_init(&tasks[i], loop);
		queue(&tasks[i], fn);
	}
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	loop_free(loop);
}

static void on_tick(struct rota_task *task)
{
	if (left) {
		left--;
		rota_task_next_tick(task, on_tick);
	}
}

static void on_microtask(struct rota_task *task)
{
	if (left) {
		left--;
		rota_task_microtask(task, on_microtask);
	}
}

static void on_immediate(struct rota_task *task)
{
	if (left) {
		left--;
		rota_task_immediate(task, on_immediate);
	}
}

static void on_post(struct rota_task *task)
{
	if (left) {
		left--;
		rota_task_post(task, on_post);
	}
}

static void call_ticks(size_t count)
{
	call(count, rota_task_next_tick, on_tick);
}

static void call_microtasks(size_t count)
{
	call(count, rota_task_microtask, on_microtask);
}

static void call_immediates(size_t count)
{
	call(count, rota_task_immediate, on_immediate);
}

static void call_posts(size_t count)
{
	call(count, rota_task_post, on_post);
}

const struct call_peer call_rota_tick = { "rota tick", call_ticks };
const struct call_peer call_rota_microtask = { "rota microtask",
					       call_microtasks };
const struct call_peer call_rota_immediate = { "rota immediate",
					       call_immediates };
const struct call_peer call_rota_post = { "rota post", call_posts };
