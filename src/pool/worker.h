/*
 * pool/worker.h - a thread of a lane.
 */
#ifndef ROTAI_POOL_WORKER_H
#define ROTAI_POOL_WORKER_H

#include <pthread.h>

#include "pool/lane.h"

enum { ROTAI_SLOTS = 32 };

/* The lane's lock is for all of it, but for slots and counts: these are
 * atomics. */
struct rotai_worker {
	struct rotai_lane *lane;
	struct rota_link link; /* in the lane's workers or spare */
	struct rota_link idle; /* in the lane's idle */
	pthread_cond_t wake;
	int woken;
	int processor;   /* on which it fell asleep */
	unsigned taken;  /* how many slots were filled, the last time */
	unsigned little; /* shares that left slots empty: see worker.c (6) */
	int hurries;
	uint64_t looked_ns;
	uint64_t begun; /* jobs; this thread alone counts */
	uint64_t ended;
	struct rotai_trail trail;              /* of what it gave back */
	struct rotai_item *slots[ROTAI_SLOTS]; /* taken, and not begun */
	char after[64]; /* nothing of others in the last cache line */
};

struct rotai_worker *rotai_worker_of(struct rota_link *link);
struct rotai_worker *rotai_worker_of_idle(struct rota_link *link);

/* One without a thread, or NULL. */
struct rotai_worker *rotai_worker_new(struct rotai_lane *lane);
void rotai_worker_free(struct rotai_worker *worker);

/* With the lock held: add what this one has done, and is doing. */
void rotai_worker_count(const struct rotai_worker *worker,
			struct rota_lane_stats *stats);

/* Give it a thread: 0, or an error. */
int rotai_worker_start(struct rotai_worker *worker);

#endif
