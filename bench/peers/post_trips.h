/*
 * peers/post_trips.h - ping-pong: two loops in two threads, each of which posts
 * to the other when it has received.
 */
#ifndef BENCH_PEERS_POST_TRIPS_H
#define BENCH_PEERS_POST_TRIPS_H

#include <stddef.h>
#include <stdint.h>

#include "peers/post.h"
#include "support/server.h"

/* Have that many round trips. Returns the nanoseconds that both threads have
 * run. */
uint64_t post_trips_run(const struct post_peer *peer, size_t count,
			enum bench_place place);

/* How many round trips are between trace_on() and trace_off(). */
enum { POST_TRIPS_TRACED = 200 };

void post_trips_trace(const struct post_peer *peer);

#endif
