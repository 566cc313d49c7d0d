/*
 * timers_libevent.c - an array of libevent's timers: a binary heap of
 * pointers. Each event_add() reads the clock.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "peers/libevent.h"
#include "peers/timers.h"
#include "support/bench.h"

struct set {
	struct event_base *base;
	size_t count;
	struct event timers[];
};

static size_t calls;

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	calls++;
}

static void *set_make(size_t count)
{
	struct set *set = malloc(sizeof(*set) + count * sizeof(set->timers[0]));

	libevent_check();
	if (!set || !(set->base = event_base_new()))
		bench_fail("event_base_new");
	set->count = count;
	for (size_t i = 0; i < count; i++)
		event_assign(&set->timers[i], set->base, -1, 0, on_timer, NULL);
	return set;
}

static void start(struct event *timer, uint64_t due_ns)
{
	struct timeval delay = {
		.tv_sec = (time_t)(due_ns / 1000000000),
		.tv_usec = (suseconds_t)(due_ns % 1000000000 / 1000),
	};

	event_add(timer, &delay);
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
		event_del(&set->timers[order[i]]);
}

static size_t set_turn(void *arg)
{
	struct set *set = arg;

	calls = 0;
	event_base_loop(set->base, EVLOOP_NONBLOCK);
	return calls;
}

static void set_free(void *arg)
{
	struct set *set = arg;

	event_base_free(set->base);
	free(set);
}

const struct timers_peer timers_libevent = {
	"libevent, event", set_make, set_start, set_restart,
	set_stop,          set_turn, set_free,
};
