/*
 * peers/pool.h - empty jobs, for the threads of each of the peers.
 */
#ifndef BENCH_PEERS_POOL_H
#define BENCH_PEERS_POOL_H

#include <stddef.h>

struct pool_peer {
	const char *name;

	/* A loop, and @in_flight jobs for it that are not queued yet. The
	 * threads are the same for all loops, and stay. */
	void *(*make)(size_t in_flight);

	/* Queue all jobs, and each again when it is back, until @count have
	 * been done. */
	void (*run)(void *set, size_t count);

	void (*free)(void *set);
};

/* Of each peer: libuv's default. */
enum { POOL_THREADS = 4 };

/* For how long pool_rota_spin looks for more before it sleeps. */
enum { WORK_SPIN_USEC = 20 };

extern const struct pool_peer pool_rota;
extern const struct pool_peer pool_rota_spin;
extern const struct pool_peer pool_libuv;

#endif
