/*
 * tests/support/recorder.c - see recorder.h.
 */
#include "recorder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void recorder_init(struct recorder *r, struct rota_loop *loop)
{
	memset(r, 0, sizeof(*r));
	r->loop = loop;
	r->start_ns = rota_loop_now(loop);
}

void record(struct recorder *r, const char *name)
{
	size_t room = sizeof(r->text) - r->size;
	const char *space = r->size > 0 ? " " : "";
	uint64_t elapsed_ns = rota_loop_now(r->loop) - r->start_ns;
	int length;

	if (r->times)
		length = snprintf(r->text + r->size, room, "%s%s@%" PRIu64,
				  space, name, elapsed_ns / ROTA_MSEC(1));
	else
		length = snprintf(r->text + r->size, room, "%s%s", space, name);
	assert_in_range(length, 1, room - 1);
	r->size += (size_t)length;
}

const char *recorder_take(struct recorder *r)
{
	r->text[r->size] = '\0';
	r->size = 0;
	return r->text;
}

static void record_phase(struct rota_tracer *tracer, enum rota_phase phase)
{
	static const char *const names[ROTA_PHASE_COUNT] = {
		"none:", "timers:", "pending:", "prepare:",
		"poll:", "check:",  "closing:",
	};

	record(tracer->data, names[phase]);
}

void recorder_trace(struct recorder *r)
{
	r->tracer = (struct rota_tracer){ .size = sizeof(r->tracer),
					  .data = r,
					  .phase_begin = record_phase };
	assert_int_equal(rota_loop_trace(r->loop, &r->tracer), 0);
}

void actor_init(struct actor *a, struct recorder *r, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->recorder = r;
	a->name = name;
	rota_timer_init(&a->timer, r->loop);
	rota_task_init(&a->task, r->loop);
	rota_hook_init(&a->hook, r->loop);
	rota_async_init(&a->async, r->loop);
}

static void act(struct actor *a)
{
	a->calls++;
	record(a->recorder, a->name);
	if (a->then != NULL)
		a->then(a);
}

void actor_on_timer(struct rota_timer *timer)
{
	act(rota_container_of(timer, struct actor, timer));
}

void actor_on_task(struct rota_task *task)
{
	act(rota_container_of(task, struct actor, task));
}

void actor_on_hook(struct rota_hook *hook)
{
	act(rota_container_of(hook, struct actor, hook));
}

void actor_on_async(struct rota_async *async)
{
	act(rota_container_of(async, struct actor, async));
}

void actor_on_watch(struct rota_watch *watch, unsigned events)
{
	(void)events;
	act(rota_container_of(watch, struct actor, watch));
}

void actor_timer(struct actor *a, uint64_t delay_ns)
{
	assert_int_equal(rota_timer_start(&a->timer, actor_on_timer, delay_ns),
			 0);
}

void actor_timer_at(struct actor *a, uint64_t due_ns)
{
	assert_int_equal(rota_timer_start_at(&a->timer, actor_on_timer, due_ns),
			 0);
}

void actor_every(struct actor *a, uint64_t period_ns, enum rota_repeat repeat)
{
	assert_int_equal(
		rota_timer_every(&a->timer, actor_on_timer, period_ns, repeat),
		0);
}

void actor_tick(struct actor *a)
{
	assert_int_equal(rota_task_next_tick(&a->task, actor_on_task), 0);
}

void actor_microtask(struct actor *a)
{
	assert_int_equal(rota_task_microtask(&a->task, actor_on_task), 0);
}

void actor_immediate(struct actor *a)
{
	assert_int_equal(rota_task_immediate(&a->task, actor_on_task), 0);
}

void actor_post(struct actor *a)
{
	assert_int_equal(rota_task_post(&a->task, actor_on_task), 0);
}

void actor_hook(struct actor *a, enum rota_hook_kind kind)
{
	assert_int_equal(rota_hook_start(&a->hook, actor_on_hook, kind), 0);
}

void actor_async(struct actor *a)
{
	assert_int_equal(rota_async_start(&a->async, actor_on_async), 0);
}

void actor_watch(struct actor *a, int fd, unsigned events)
{
	rota_watch_init(&a->watch, a->recorder->loop, fd);
	assert_int_equal(rota_watch_start(&a->watch, actor_on_watch, events),
			 0);
}
