/*
 * peers/timers.h - an array of timers on each of the peers.
 *
 * Each function handles all timers of the set, so the calls of the peer are
 * measured and not ours. @order is a permutation: the order in which the timers
 * are handled. due_ns[i] belongs to the i-th operation, not to the i-th timer,
 * and counts from now.
 */
#ifndef BENCH_PEERS_TIMERS_H
#define BENCH_PEERS_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timers_peer {
	const char *name;

	/* Make @count timers, initialized and stopped. */
	void *(*make)(size_t count);

	/* Start all timers in the order of the array. */
	void (*start)(void *set, const uint64_t *due_ns);

	/* Restart all timers while they are running. */
	void (*restart)(void *set, const uint32_t *order,
			const uint64_t *due_ns);

	void (*stop)(void *set, const uint32_t *order);

	/* Make one turn of the loop, which does not sleep: read the clock, call
	 * due timers, ask the kernel. Returns how many timers were called. */
	size_t (*turn)(void *set);

	/* No timer is running. */
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
