/*
 * timers_heap.c - an array of timers in the heap of support/heap.h, by hand. A
 * turn reads the clock, and asks the kernel for events, as a loop must.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "peers/timers.h"
#include "support/bench.h"
#include "support/heap.h"

struct set {
	struct heap heap;
	int epoll;
	uint64_t now_ns;
	size_t count;
	struct heap_timer timers[];
};

static size_t calls;

static void on_timer(struct heap_timer *timer)
{
	(void)timer;
	calls++;
}

static void *set_make(size_t count)
{
	struct set *set =
		calloc(1, sizeof(*set) + count * sizeof(set->timers[0]));

	if (!set || heap_init(&set->heap, count))
		bench_fail("heap_init");
	set->epoll = epoll_create1(EPOLL_CLOEXEC);
	set->now_ns = bench_wall_ns();
	set->count = count;
	for (size_t i = 0; i < count; i++)
		set->timers[i].data = set;
	return set;
}

static void set_start(void *arg, const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		heap_start(&set->heap, &set->timers[i], on_timer,
			   set->now_ns + due_ns[i]);
}

static void set_restart(void *arg, const uint32_t *order,
			const uint64_t *due_ns)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		heap_start(&set->heap, &set->timers[order[i]], on_timer,
			   set->now_ns + due_ns[i]);
}

static void set_stop(void *arg, const uint32_t *order)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		heap_stop(&set->heap, &set->timers[order[i]]);
}

static size_t set_turn(void *arg)
{
	struct set *set = arg;
	struct epoll_event events[256];

	calls = 0;
	set->now_ns = bench_wall_ns();
	heap_expire(&set->heap, set->now_ns);
	epoll_wait(set->epoll, events, 256, 0);
	return calls;
}

static void set_free(void *arg)
{
	struct set *set = arg;

	close(set->epoll);
	heap_free(&set->heap);
	free(set);
}

const struct timers_peer timers_heap = {
	"limit: 4-ary heap",
	set_make,
	set_start,
	set_restart,
	set_stop,
	set_turn,
	set_free,
};
