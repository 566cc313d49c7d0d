/*
 * peers/turn.h - loops that make turns with almost nothing to do.
 *
 * A peer is one way to do it. A library has as many peers as there are loads
 * and good ways.
 */
#ifndef BENCH_PEERS_TURN_H
#define BENCH_PEERS_TURN_H

#include <stddef.h>

struct turn_peer {
	const char *name;
	void *(*make)(void);

	/* Make @count turns or, for the load "calls", @count calls. */
	void (*run)(void *loop, size_t count);
	void (*free)(void *loop);
};

enum {
	TURN_TICKS = 10,  /* in each turn */
	TURN_CALLS = 100, /* queued at any time */
};

/* One callback per turn, which keeps the loop from sleeping. */
extern const struct turn_peer turn_rota_idle;
extern const struct turn_peer turn_limit;
extern const struct turn_peer turn_libuv_idle;
extern const struct turn_peer turn_libev_idle;
extern const struct turn_peer turn_libevent_active;
extern const struct turn_peer turn_libevent_timer;

/* A callback that runs after the wait, and queues itself again. */
extern const struct turn_peer turn_rota_immediate;
extern const struct turn_peer turn_libuv_check;
extern const struct turn_peer turn_libev_check;
extern const struct turn_peer turn_libev_timer;

/* An idle callback, after which TURN_TICKS callbacks run that it has queued. */
extern const struct turn_peer turn_rota_ticks;
extern const struct turn_peer turn_limit_ticks;
extern const struct turn_peer turn_libev_feed;
extern const struct turn_peer turn_libevent_feed;

/* TURN_CALLS callbacks, each of which queues itself to be called soon. */
extern const struct turn_peer call_rota_tick;
extern const struct turn_peer call_rota_microtask;
extern const struct turn_peer call_rota_immediate;
extern const struct turn_peer call_rota_post;
extern const struct turn_peer call_libev;
extern const struct turn_peer call_libevent;

#endif
