/*
 * tests/support/world_nodes.c - making, starting and stopping the nodes of
 * world.h, in the library and in the model.
 */
#include "world.h"

#include <stdlib.h>

static void note_start(struct node *n)
{
	n->active = 1;
	n->order = ++n->w->order;
	n->since = turn_now(n->w);
}

static uint64_t some_delay(struct world *w)
{
	static const uint64_t delays[] = {
		0,
		0,
		1000,
		5000,
		1000000,
		3000000,
		10000000,
		1000000000,
		300000000,
		70000000000u,
		1000000000000,
		64000,
	};

	return delays[below(w, sizeof(delays) / sizeof(delays[0]))];
}

static void start_timer(struct node *n)
{
	struct world *w = n->w;
	uint64_t delay = some_delay(w);

	if (below(w, 4) == 0 && delay > 0) {
		n->repeat = below(w, 2) ? ROTA_REPEAT_RATE : ROTA_REPEAT_DELAY;
		assert_int_equal(
			rota_timer_every(n->timer, on_timer, delay, n->repeat),
			0);
		n->period_ns = delay;
	} else {
		assert_int_equal(rota_timer_start(n->timer, on_timer, delay),
				 0);
		n->period_ns = 0;
	}
	n->due_ns = rota_loop_now(w->loop) + delay;
	note_start(n);
	assert_true(rota_timer_is_active(n->timer));
	assert_int_equal(rota_timer_due_in(n->timer), delay);
}

static void start_task(struct node *n)
{
	enum queue queue = TICK + (enum queue)below(n->w, 4);
	int status;

	if (queue == TICK)
		status = rota_task_next_tick(n->task, on_task);
	else if (queue == MICRO)
		status = rota_task_microtask(n->task, on_task);
	else if (queue == IMMEDIATE)
		status = rota_task_immediate(n->task, on_task);
	else
		status = rota_task_post(n->task, on_task);
	assert_int_equal(status, n->active ? ROTA_EALREADY : 0);
	if (status == 0) {
		n->queue = queue;
		note_start(n);
	}
	assert_true(rota_task_is_queued(n->task));
}

static void start_hook(struct node *n)
{
	enum rota_hook_kind kind = (enum rota_hook_kind)(below(n->w, 3) + 1);

	assert_int_equal(rota_hook_start(n->hook, on_hook, kind), 0);
	if (n->active && n->hook_kind == kind)
		return; /* it keeps its position */
	n->called = 0;
	n->hook_kind = kind;
	note_start(n);
}

static void start_async(struct node *n)
{
	if (!n->active) {
		assert_int_equal(rota_async_send(n->async), ROTA_EINVAL);
		assert_int_equal(rota_async_start(n->async, on_async), 0);
		n->active = 1;
		return;
	}
	assert_int_equal(rota_async_send(n->async), 0);
	if (n->queue == POSTED)
		return;
	n->queue = POSTED;
	note_start(n);
}

static void start_watch(struct node *n)
{
	unsigned events = (unsigned)below(n->w, 4);

	if (below(n->w, 4) == 0)
		events |= ROTA_DISCONNECT;
	assert_int_equal(rota_watch_start(n->watch, on_watch, events), 0);
	n->events = events;
	note_start(n);
}

static void start_quick(struct node *n)
{
	struct world *w = n->w;
	uint64_t delay = some_delay(w);

	rota_clear(w->loop, n->id);
	n->queue = NONE;
	n->period_ns = 0;
	switch (below(w, 3)) {
	case 0:
		n->id = rota_set_immediate(w->loop, on_quick, n->quick);
		n->queue = IMMEDIATE;
		break;
	case 1:
		n->period_ns = delay + 1000;
		delay = n->period_ns;
		n->id = rota_set_interval(w->loop, on_quick, n->quick, delay);
		break;
	default:
		n->id = rota_set_timeout(w->loop, on_quick, n->quick, delay);
	}
	assert_int_not_equal(n->id, 0);
	n->due_ns = rota_loop_now(w->loop) + delay;
	note_start(n);
}

void node_start(struct node *n)
{
	static void (*const starts[KINDS])(struct node *) = {
		start_timer, start_task,  start_hook,
		start_async, start_watch, start_quick,
	};

	starts[n->kind](n);
}

void node_stop(struct node *n)
{
	if (n->kind == TIMER)
		rota_timer_stop(n->timer);
	else if (n->kind == TASK)
		assert_int_equal(rota_task_cancel(n->task),
				 n->active ? 0 : ROTA_ENOENT);
	else if (n->kind == HOOK)
		rota_hook_stop(n->hook);
	else if (n->kind == ASYNC)
		rota_async_stop(n->async);
	else if (n->kind == WATCH)
		rota_watch_stop(n->watch);
	else
		rota_clear(n->w->loop, n->id);
	n->active = 0;
	n->queue = NONE;
}

void node_make(struct node *n)
{
	struct rota_loop *loop = n->w->loop;

	/* Exactly its size, so that a sanitizer detects every access beyond its
	 * end. */
	static const size_t sizes[KINDS] = {
		sizeof(struct rota_timer), sizeof(struct rota_task),
		sizeof(struct rota_hook),  sizeof(struct rota_async),
		sizeof(struct rota_watch), sizeof(struct quick),
	};

	n->memory = malloc(sizes[n->kind]);
	assert_non_null(n->memory);
	n->unreferenced = 0;
	n->id = 0;
	if (n->kind == TIMER)
		rota_timer_init(n->timer, loop);
	else if (n->kind == TASK)
		rota_task_init(n->task, loop);
	else if (n->kind == HOOK)
		rota_hook_init(n->hook, loop);
	else if (n->kind == ASYNC)
		rota_async_init(n->async, loop);
	else if (n->kind == WATCH) {
		n->slot = &n->w->slots[below(n->w, SLOTS)];
		rota_watch_init(n->watch, loop, n->slot->fds[0]);
	} else
		n->quick->node = n;
	if (n->kind != QUICK)
		*(void **)n->memory = n; /* data comes first in all of them */
}

void node_flip_reference(struct node *n)
{
	static void (*const timer[])(
		struct rota_timer *) = { rota_timer_ref, rota_timer_unref };
	int un = !n->unreferenced;

	if (n->kind == TIMER)
		timer[un](n->timer);
	else if (n->kind == TASK)
		(un ? rota_task_unref : rota_task_ref)(n->task);
	else if (n->kind == HOOK)
		(un ? rota_hook_unref : rota_hook_ref)(n->hook);
	else if (n->kind == ASYNC)
		(un ? rota_async_unref : rota_async_ref)(n->async);
	else if (n->kind == WATCH)
		(un ? rota_watch_unref : rota_watch_ref)(n->watch);
	else
		return;
	n->unreferenced = un;
}
