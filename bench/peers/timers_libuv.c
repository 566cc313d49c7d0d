/*
 * timers_libuv.c - an array of libuv's timers, whose unit is the millisecond.
 */
#include <stdlib.h>
#include <uv.h>

#include "peers/timers.h"
#include "support/bench.h"

struct set {
	uv_loop_t loop;
	size_t count;
	uv_timer_t timers[];
};

static size_t calls;

static void on_timer(uv_timer_t *timer)
{
	(void)timer;
	calls++;
}

static void *set_make(size_t count)
{
	struct set *set = malloc(sizeof(*set) + count * sizeof(set->timers[0]));

	if (!set || uv_loop_init(&set->loop))
		bench_fail("uv_loop_init");
	set->count = count;
	for (size_t i = 0; i < count; i++)
		uv_timer_init(&set->loop, &set->timers[i]);
	return set;
}

static void start(uv_timer_t *timer, uint64_t due_ns)
{
	uv_timer_start(timer, on_timer, due_ns / 1000000, 0);
}

static void set_start(void *arg, const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		start(&set->timers[i], due_ns[i]);
}

static void set_restart(void *arg, const uint32_t *order,
			const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		start(&set->timers[order[i]], due_ns[i]);
}

static void set_stop(void *arg, const uint32_t *order)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		uv_timer_stop(&set->timers[order[i]]);
}

static size_t set_turn(void *arg)
{
	struct set *set = arg;

	calls = 0;
	uv_run(&set->loop, UV_RUN_NOWAIT);
	return calls;
}

static void set_free(void *arg)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		uv_close((uv_handle_t *)&set->timers[i], NULL);
	uv_run(&set->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&set->loop))
		bench_fail("uv_loop_close");
	free(set);
}

const struct timers_peer timers_libuv = {
	"libuv, uv_timer", set_make, set_start, set_restart,
	set_stop,          set_turn, set_free,
};
