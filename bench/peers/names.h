/*
 * peers/names.h - a loop of each of the peers, with lookups that hang.
 */
#ifndef BENCH_PEERS_NAMES_H
#define BENCH_PEERS_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct names_peer {
	const char *name;

	/* Make a loop, and begin @count lookups of different hosts, all of
	 * which hang. */
	void *(*make)(size_t count);

	/* Return how many ns it takes to stat(2) a file by the pool; by how
	 * many ns a timer of 1 ms is late; and how many pass from a cancel of a
	 * lookup to its callback, or UINT64_MAX if it cannot be cancelled. */
	uint64_t (*stat_ns)(void *set);
	uint64_t (*late_ns)(void *set);
	uint64_t (*cancel_ns)(void *set);

	/* End all lookups and the loop. Returns how many ns that takes; or, if
	 * lookups cannot be ended, calls @release, which lets them fail, and
	 * returns UINT64_MAX. */
	uint64_t (*free)(void *set, void (*release)(void));
};

enum { NAMES_SIZE = 32 };

extern const struct names_peer names_rota;
extern const struct names_peer names_libuv;

#endif
