/*
 * peers/timers.h - an array of timers on each of the peers.
 *
 * Each function goes over all timers of the set by itself, so that what is
 * measured is the peer's calls and not ours. @order is a permutation: the
 * timers in the order they are dealt with; due_ns[i] belongs to the i-th
 * operation, not to the i-th timer, and counts from now.
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

	/* One turn of the loop, which does not sleep: look at the clock, call
	 * what is due, ask the kernel. Returns how many were called. */
	size_t (*turn)(void *set);

	/* None runs. */
	void (*free)(void *set);
};

extern const struct timers_peer timers_rota;
extern const struct timers_peer timers_rota_relative;
extern const struct timers_peer timers_heap;
extern const struct timers_peer timers_wheel;
extern const struct timers_peer timers_libuv;
extern const struct timers_peer timers_libev;
extern const struct timers_peer timers_libevent;

#endif
