/*
 * timers_wheel.c - an array of timers in the wheel of support/wheel.h, by hand.
 * A turn reads the clock, and asks the kernel for events, as a loop must.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "peers/timers.h"
#include "support/bench.h"
#include "support/wheel.h"

struct set {
	struct wheel wheel;
	int epoll;
	uint64_t now_ns;
	size_t count;
	struct wheel_timer timers[];
};

static size_t calls;

static void on_timer(struct wheel_timer *timer)
{
	(void)timer;
	calls++;
}

static void *set_make(size_t count)
{
	struct set *set =
		calloc(1, sizeof(*set) + count * sizeof(set->timers[0]));

	if (!set)
		bench_fail("no memory for timers");
	set->epoll = epoll_create1(EPOLL_CLOEXEC);
	set->now_ns = bench_wall_ns();
	set->count = count;
	wheel_init(&set->wheel, set->now_ns);
	return set;
}

static void set_start(void *arg, const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		wheel_start(&set->wheel, &set->timers[i], on_timer,
			    set->now_ns + due_ns[i]);
}

static void set_restart(void *arg, const uint32_t *order,
			const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		wheel_start(&set->wheel, &set->timers[order[i]], on_timer,
			    set->now_ns + due_ns[i]);
}

static void set_stop(void *arg, const uint32_t *order)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		wheel_stop(&set->wheel, &set->timers[order[i]]);
}

static size_t set_turn(void *arg)
{
	struct set *set = arg;
	struct epoll_event events[256];

	calls = 0;
	set->now_ns = bench_wall_ns();
	wheel_expire(&set->wheel, set->now_ns);
	epoll_wait(set->epoll, events, 256, 0);
	return calls;
}

static void set_free(void *arg)
{
	struct set *set = arg;

	close(set->epoll);
	free(set);
}

const struct timers_peer timers_wheel = {
	"limit: wheel", set_make, set_start, set_restart,
	set_stop,       set_turn, set_free,
};
