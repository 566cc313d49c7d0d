/*
 * peers/post_burst.h - several threads that post to one loop, as fast as they
 * can.
 */
#ifndef BENCH_PEERS_POST_BURST_H
#define BENCH_PEERS_POST_BURST_H

#include <stdbool.h>
#include <stddef.h>

#include "peers/post.h"
#include "support/server.h"

enum { POST_BURST = 4000 }; /* posts, of all producers together */

struct post_burst {
	const struct post_peer *peer;
	bool merges; /* several posts may be one call */
	size_t producers;
	size_t bursts;
	enum bench_place place;
};

/* Nanoseconds, of all bursts together. */
struct post_burst_cost {
	double posting;
	double receiving;
};

/* When a burst begins, the loop sleeps; the next one begins when all posts have
 * arrived. On one processor the producers run first, one after the other, and
 * then the loop. On two processors, one producer has the other processor for
 * itself. The system places several producers and the loop where it likes. */
struct post_burst_cost post_burst_run(const struct post_burst *how);

#endif
