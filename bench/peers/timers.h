/*
 * peers/timers.h - an array of timers on each of the peers.
 *
 * Each function goes over all timers of the set by itself, so that what is
 * measured is the peer's calls and not ours. @order is a permutation: the
 * timers in the order they are dealt with; due_ns[i] belongs to the i-th
 * operation, not to the i-th timer, and counts from the set's beginning.
 */
#ifndef BENCH_PEERS_TIMERS_H
#define BENCH_PEERS_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timers_peer {
	const char *name;

	/* @count timers, initialized and stopped. */
	void *(*make)(size_t count);

	/* Start all in the order of the array. */
	void (*start)(void *set, const uint64_t *due_ns);

	/* Start all over, while they run. */
	void (*restart)(void *set, const uint32_t *order,
			const uint64_t *due_ns);

	void (*stop)(void *set, const uint32_t *order);

	/* As start, for an expire() to follow. */
	void (*prime)(void *set, const uint64_t *due_ns);

	/* Have all called, in one go. Returns how many calls there were. */
	size_t (*expire)(void *set, uint64_t last_ns);

	/* Have all called, with a turn and a look at the kernel each time the
	 * clock has moved on by @step_ns. NULL: the clock does not obey. */
	size_t (*expire_by_turns)(void *set, uint64_t last_ns,
				  uint64_t step_ns);

	void (*free)(void *set);
};

/* Peers that go by the system's clock are primed with delays that are so much
 * shorter, and then wait; the order in which they call is the same. */
enum { TIMERS_SCALE = 1000 };

extern const struct timers_peer timers_heap;
extern const struct timers_peer timers_rota;
extern const struct timers_peer timers_libev;
extern const struct timers_peer timers_libevent;
extern const struct timers_peer timers_libuv;

#endif
