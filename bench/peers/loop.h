/*
 * peers/loop.h - the loops of the peers with next to nothing to do.
 */
#ifndef BENCH_PEERS_LOOP_H
#define BENCH_PEERS_LOOP_H

#include <stddef.h>

struct loop_peer {
	const char *name;

	void *(*make)(void);
	void (*free)(void *loop);

	/* Run @count turns, with a callback in each that keeps the loop from
	 * sleeping. */
	void (*turn)(void *loop, size_t count);
};

/* A way to have a callback called soon, from a callback. */
struct call_peer {
	const char *name;

	/* Make @count calls, each of which asks for another. There are
	 * LOOP_CALLS on their way at any time. */
	void (*call)(size_t count);
};

enum { LOOP_CALLS = 100 };

extern const struct loop_peer loop_bare;
extern const struct loop_peer loop_rota;
extern const struct loop_peer loop_libev;
extern const struct loop_peer loop_libevent;
extern const struct loop_peer loop_libuv;

extern const struct call_peer call_libev;
extern const struct call_peer call_libevent;
extern const struct call_peer call_rota_tick;
extern const struct call_peer call_rota_microtask;
extern const struct call_peer call_rota_immediate;
extern const struct call_peer call_rota_post;

#endif
