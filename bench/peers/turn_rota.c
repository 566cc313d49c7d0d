/*
 * turn_rota.c - rota's loop with almost nothing to do, and its four queues.
 */
#include <stdlib.h>

#include "peers/turn.h"
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

static void run_idle(void *loop, rota_hook_fn *fn, void *data, size_t count)
{
	struct rota_hook hook;

	left = count;
	rota_hook_init(&hook, loop);
	hook.data = data;
	rota_hook_start(&hook, fn, ROTA_HOOK_IDLE);
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
}

static void on_turn(struct rota_hook *hook)
{
	if (--left == 0)
		rota_hook_stop(hook);
}

static void run_turns(void *loop, size_t count)
{
	run_idle(loop, on_turn, NULL, count);
}

const struct turn_peer turn_rota_idle = {
	"rota, idle hook",
	loop_make,
	run_turns,
	loop_free,
};

static void on_lone_immediate(struct rota_task *task)
{
	if (--left)
		rota_task_immediate(task, on_lone_immediate);
}

static void run_immediate(void *loop, size_t count)
{
	struct rota_task task;

	left = count;
	rota_task_init(&task, loop);
	rota_task_immediate(&task, on_lone_immediate);
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
}

const struct turn_peer turn_rota_immediate = {
	"rota, immediate",
	loop_make,
	run_immediate,
	loop_free,
};

static void on_last_tick(struct rota_task *task)
{
	(void)task;
}

static void on_turn_with_ticks(struct rota_hook *hook)
{
	struct rota_task *tasks = hook->data;

	for (size_t i = 0; i < TURN_TICKS; i++)
		rota_task_next_tick(&tasks[i], on_last_tick);
	on_turn(hook);
}

static void run_ticks(void *loop, size_t count)
{
	struct rota_task tasks[TURN_TICKS];

	for (size_t i = 0; i < TURN_TICKS; i++)
		rota_task_init(&tasks[i], loop);
	run_idle(loop, on_turn_with_ticks, tasks, count);
}

const struct turn_peer turn_rota_ticks = {
	"rota, idle hook and ticks",
	loop_make,
	run_ticks,
	loop_free,
};

typedef int queue_fn(struct rota_task *task, rota_task_fn *fn);

static void call(void *loop, size_t count, queue_fn *queue, rota_task_fn *fn)
{
	struct rota_task tasks[TURN_CALLS];

	left = count;
	for (size_t i = 0; i < TURN_CALLS; i++) {
		rota_task_init(&tasks[i], loop);
		queue(&tasks[i], fn);
	}
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
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

static void call_ticks(void *loop, size_t count)
{
	call(loop, count, rota_task_next_tick, on_tick);
}

static void call_microtasks(void *loop, size_t count)
{
	call(loop, count, rota_task_microtask, on_microtask);
}

static void call_immediates(void *loop, size_t count)
{
	call(loop, count, rota_task_immediate, on_immediate);
}

static void call_posts(void *loop, size_t count)
{
	call(loop, count, rota_task_post, on_post);
}

const struct turn_peer call_rota_tick = {
	"rota, tick",
	loop_make,
	call_ticks,
	loop_free,
};

const struct turn_peer call_rota_microtask = {
	"rota, microtask",
	loop_make,
	call_microtasks,
	loop_free,
};

const struct turn_peer call_rota_immediate = {
	"rota, immediate",
	loop_make,
	call_immediates,
	loop_free,
};

const struct turn_peer call_rota_post = {
	"rota, post",
	loop_make,
	call_posts,
	loop_free,
};
