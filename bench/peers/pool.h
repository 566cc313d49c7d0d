/*
 * peers/pool.h - empty jobs, for the threads of each of the peers.
 */
#ifndef BENCH_PEERS_POOL_H
#define BENCH_PEERS_POOL_H

#include <stddef.h>

struct pool_peer {
	const char *name;

	/* Make a loop, and @in_flight jobs that are not queued yet. The threads
	 * are shared by all loops, and stay. */
	void *(*make)(size_t in_flight);

	/* Queue all jobs, and queue each again when it has completed, until
	 * @count are done. */
	void (*run)(void *set, size_t count);

	void (*free)(void *set);
};

/* For each peer: libuv's default. */
enum { POOL_THREADS = 4 };

/* How long pool_rota_spin busy-waits before it sleeps. */
enum { WORK_SPIN_USEC = 20 };

extern const struct pool_peer pool_rota;
extern const struct pool_peer pool_rota_spin;
extern const struct pool_peer pool_libuv;
extern const struct pool_peer pool_bare;

#endif
