/*
 * timers_rota.c - an array of rota's timers, by a virtual clock.
 */
#include <stdlib.h>

#include "peers/timers.h"
#include "rota.h"
#include "support/bench.h"

struct set {
	struct rota_loop *loop;
	uint64_t begin_ns;
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
	struct rota_loop_options options;

	rota_loop_options_init(&options);
	options.clock = ROTA_CLOCK_VIRTUAL;
	if (!set || rota_loop_new(&set->loop, &options))
		bench_fail("rota_loop_new");
	set->begin_ns = rota_loop_now(set->loop);
	set->count = count;
	for (size_t i = 0; i < count; i++)
		rota_timer_init(&set->timers[i], set->loop);
	return set;
}

static void set_start(void *arg, const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		rota_timer_start_at(&set->timers[i], on_timer,
				    set->begin_ns + due_ns[i]);
}

static void set_restart(void *arg, const uint32_t *order,
			const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		rota_timer_start_at(&set->timers[order[i]], on_timer,
				    set->begin_ns + due_ns[i]);
}

static void set_stop(void *arg, const uint32_t *order)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		rota_timer_stop(&set->timers[order[i]]);
}

static size_t set_expire(void *arg, uint64_t last_ns)
{
	struct set *set = arg;

	calls = 0;
	rota_loop_advance(set->loop, last_ns);
	rota_loop_run(set->loop, ROTA_RUN_DEFAULT);
	set->begin_ns = rota_loop_now(set->loop);
	return calls;
}

static size_t set_expire_by_turns(void *arg, uint64_t last_ns, uint64_t step_ns)
{
	struct set *set = arg;

	calls = 0;
	for (uint64_t now_ns = 0; now_ns < last_ns; now_ns += step_ns) {
		rota_loop_advance(set->loop, step_ns);
		rota_loop_run(set->loop, ROTA_RUN_NOWAIT);
	}
	set->begin_ns = rota_loop_now(set->loop);
	return calls;
}

static void set_free(void *arg)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		rota_timer_stop(&set->timers[i]);
	if (rota_loop_close(set->loop))
		bench_fail("rota_loop_close");
	free(set);
}

const struct timers_peer timers_rota = {
	"rota",    set_make,   set_start,           set_restart, set_stop,
	set_start, set_expire, set_expire_by_turns, set_free,
};
