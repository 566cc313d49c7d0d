/*
 * peers/work.h - empty jobs, for the threads of each of the peers.
 */
#ifndef BENCH_PEERS_WORK_H
#define BENCH_PEERS_WORK_H

#include <stddef.h>

struct work_peer {
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
enum { WORK_THREADS = 4 };

extern const struct work_peer work_rota;
extern const struct work_peer work_libuv;

#endif
