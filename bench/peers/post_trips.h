/*
 * peers/post_trips.h - ping-pong: two loops in two threads. Each posts to the
 * other one when it has received.
 */
#ifndef BENCH_PEERS_POST_TRIPS_H
#define BENCH_PEERS_POST_TRIPS_H

#include <stddef.h>
#include <stdint.h>

#include "peers/post.h"
#include "support/server.h"

/* Make @count round trips. Returns for how many nanoseconds both threads have
 * run. */
uint64_t post_trips_run(const struct post_peer *peer, size_t count,
			enum bench_place place);

/* The number of round trips between trace_on() and trace_off(). */
enum { POST_TRIPS_TRACED = 200 };

void post_trips_trace(const struct post_peer *peer);

#endif
