/*
 * timers_libev.c - an array of libev's timers: a 4-ary heap as well.
 *
 * ev_timer_again() restarts a running timer and moves it within the heap. It
 * takes the delay from the repeat; timers that are to expire have none.
 */
#include <ev.h>
#include <stdlib.h>

#include "peers/timers.h"
#include "support/bench.h"

struct set {
	struct ev_loop *loop;
	size_t count;
	ev_timer timers[];
};

static size_t calls;

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	calls++;
}

static void *set_make(size_t count)
{
	struct set *set = malloc(sizeof(*set) + count * sizeof(set->timers[0]));

	if (!set || !(set->loop = ev_loop_new(EVBACKEND_EPOLL)))
		bench_fail("ev_loop_new");
	set->count = count;
	for (size_t i = 0; i < count; i++)
		ev_timer_init(&set->timers[i], on_timer, 0., 0.);
	return set;
}

static void set_start(void *arg, const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++) {
		ev_timer_set(&set->timers[i], (double)due_ns[i] * 1e-9, 0.);
		ev_timer_start(set->loop, &set->timers[i]);
	}
}

static void set_restart(void *arg, const uint32_t *order,
			const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++) {
		ev_timer *timer = &set->timers[order[i]];

		timer->repeat = (double)due_ns[i] * 1e-9;
		ev_timer_again(set->loop, timer);
	}
}

static void set_stop(void *arg, const uint32_t *order)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		ev_timer_stop(set->loop, &set->timers[order[i]]);
}

static size_t set_turn(void *arg)
{
	struct set *set = arg;

	calls = 0;
	ev_run(set->loop, EVRUN_NOWAIT);
	return calls;
}

static void set_free(void *arg)
{
	struct set *set = arg;

	ev_loop_destroy(set->loop);
	free(set);
}

const struct timers_peer timers_libev = {
	"libev, ev_timer", set_make, set_start, set_restart,
	set_stop,          set_turn, set_free,
};
