/*
 * timers_rota.c - an array of rota's timers. They are started at absolute
 * times, or after a delay, for which each start reads the clock.
 */
#include <stdlib.h>

#include "peers/timers.h"
#include "rota.h"
#include "support/bench.h"

struct set {
	struct rota_loop *loop;
	size_t count;
	struct rota_timer timers[];
};

static size_t calls;

static void on_timer(struct rota_timer *timer)
{
	(void)timer;
	calls++;
}

static void *set_make(size_t count)
{
	struct set *set = malloc(sizeof(*set) + count * sizeof(set->timers[0]));

	if (!set || rota_loop_new(&set->loop, NULL))
		bench_fail("rota_loop_new");
	set->count = count;
	for (size_t i = 0; i < count; i++)
		rota_timer_init(&set->timers[i], set->loop);
	return set;
}

static void set_start(void *arg, const uint64_t *due_ns)
{
	struct set *set = arg;
	uint64_t now_ns = rota_loop_now(set->loop);

	for (size_t i = 0; i < set->count; i++)
		rota_timer_start_at(&set->timers[i], on_timer,
				    now_ns + due_ns[i]);
}

static void set_restart(void *arg, const uint32_t *order,
			const uint64_t *due_ns)
{
	struct set *set = arg;
	uint64_t now_ns = rota_loop_now(set->loop);

	for (size_t i = 0; i < set->count; i++)
		rota_timer_start_at(&set->timers[order[i]], on_timer,
				    now_ns + due_ns[i]);
}

static void set_start_relative(void *arg, const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		rota_timer_start(&set->timers[i], on_timer, due_ns[i]);
}

static void set_restart_relative(void *arg, const uint32_t *order,
				 const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		rota_timer_start(&set->timers[order[i]], on_timer, due_ns[i]);
}

static void set_stop(void *arg, const uint32_t *order)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		rota_timer_stop(&set->timers[order[i]]);
}

static size_t set_turn(void *arg)
{
	struct set *set = arg;

	calls = 0;
	rota_loop_run(set->loop, ROTA_RUN_NOWAIT);
	return calls;
}

static void set_free(void *arg)
{
	struct set *set = arg;

	if (rota_loop_close(set->loop))
		bench_fail("rota_loop_close");
	free(set);
}

const struct timers_peer timers_rota = {
	"rota, start_at", set_make, set_start, set_restart,
	set_stop,         set_turn, set_free,
};

const struct timers_peer timers_rota_relative = {
	"rota, start", set_make, set_start_relative, set_restart_relative,
	set_stop,      set_turn, set_free,
};
