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
	unsigned little; /* shares that left slots empty: see thread.c (6) */
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

/* What is in @slot, or NULL. Only a hint without the lock. */
static inline struct rotai_item *rotai_slot_load(struct rotai_item *const *slot)
{
	return __atomic_load_n(slot, __ATOMIC_RELAXED);
}

/* Take what is in @slot: NULL if another thread has. Relaxed: all that was done
 * to the item before was done before the lock was released by which it came to
 * the slot, and this thread has held that lock since. */
static inline struct rotai_item *rotai_slot_claim(struct rotai_item **slot)
{
	return __atomic_exchange_n(slot, NULL, __ATOMIC_RELAXED);
}

/* With the lock held: put @item in the slot @index. */
static inline void rotai_worker_hold(struct rotai_worker *worker,
				     unsigned index, struct rotai_item *item)
{
	item->slot = &worker->slots[index];
	__atomic_store_n(item->slot, item, __ATOMIC_RELAXED);
}

/* With the lock held: add what this one has done, and is doing. */
void rotai_worker_count(const struct rotai_worker *worker,
			struct rota_lane_stats *stats);

/* Give it a thread: 0, or an error. */
int rotai_worker_start(struct rotai_worker *worker);

#endif
