/*
 * peers/post_burst.h - several threads that post to one loop, as quickly as
 * they can.
 */
#ifndef BENCH_PEERS_POST_BURST_H
#define BENCH_PEERS_POST_BURST_H

#include <stdbool.h>
#include <stddef.h>

#include "peers/post.h"
#include "support/server.h"

enum { POST_BURST = 4000 }; /* posts, of all producers */

struct post_burst {
	const struct post_peer *peer;
	bool merges; /* several posts may be one call */
	size_t producers;
	size_t bursts;
	enum bench_place place;
};

/* Of all bursts together, nanoseconds. */
struct post_burst_cost {
	double posting;
	double receiving;
};

/* At the beginning of each burst the loop sleeps; a new one begins when all of
 * the last has arrived. On one processor the producers have their turns
 * first, one after the other, and then the loop. On two, one producer has the
 * other to itself, and several are wherever the system puts them and the
 * loop. */
struct post_burst_cost post_burst_run(const struct post_burst *how);

#endif
