/*
 * pool/worker.h - a worker: the memory of a thread of a lane.
 */
#ifndef ROTAI_POOL_WORKER_H
#define ROTAI_POOL_WORKER_H

#include <pthread.h>

#include "pool/lane.h"

enum { ROTAI_SLOTS = 32 };

/* How long a worker's jobs waited. */
struct rotai_waits {
	uint64_t counts[ROTA_WAIT_BUCKETS]; /* only its thread writes them */
	uint32_t since[ROTAI_SLOTS]; /* of the items in its slots; guarded by
				      * the lane's lock */
};

/* The lane's lock guards all members with these exceptions: slots, begun and
 * ended are atomics; only the worker's own thread uses little, hurries,
 * looked_ns and trail. */
struct rotai_worker {
	struct rotai_lane *lane;
	struct rota_link link; /* in the lane's workers or spare */
	struct rota_link idle; /* in the lane's idle */
	pthread_cond_t wake;
	int woken;
	int dismissed;   /* it is not counted any more: lane.c (10) */
	unsigned index;  /* in its name */
	int processor;   /* where it fell asleep */
	unsigned taken;  /* how many slots were last filled */
	unsigned little; /* shares that left slots empty: see thread.c (6) */
	int hurries;
	uint64_t looked_ns;
	uint64_t begun; /* jobs; only this thread writes them */
	uint64_t ended;
	struct rotai_waits *waits; /* NULL: the pool does not record them */
	struct rotai_trail trail;  /* of items that it gave back */
	struct rotai_item *slots[ROTAI_SLOTS]; /* taken, and not begun */
	char after[64]; /* no other memory in the last cache line */
};

struct rotai_worker *rotai_worker_of(struct rota_link *link);
struct rotai_worker *rotai_worker_of_idle(struct rota_link *link);

/* Make a worker without a thread. NULL if there is no memory. */
struct rotai_worker *rotai_worker_new(struct rotai_lane *lane, unsigned index);
void rotai_worker_free(struct rotai_worker *worker);

/* Return the item in @slot, or NULL. Without the lock this is only a hint. */
static inline struct rotai_item *rotai_slot_load(struct rotai_item *const *slot)
{
	return __atomic_load_n(slot, __ATOMIC_RELAXED);
}

/* Claim the item in @slot. NULL if another thread has. Relaxed: all that was
 * done to the item before happened before the lock was released under which it
 * was put into the slot, and this thread has held that lock since. */
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

/* With the lock held: add to @stats what @worker has done and is doing. */
void rotai_worker_count(const struct rotai_worker *worker,
			struct rota_lane_stats *stats);

/* Record that @item, which waited, begins now. The worker's thread. */
void rotai_worker_note_wait(struct rotai_worker *worker,
			    const struct rotai_item *item);

/* With the lock held: record when the items in the slots were submitted, if the
 * pool records waits. */
void rotai_worker_note_taken(struct rotai_worker *worker);

/* With the lock held: how long the first item in a slot has waited, or 0. */
uint32_t rotai_worker_wait(const struct rotai_worker *worker, uint32_t now);

/* With the lock held: the thread of @worker ends. Add its counts to the
 * lane's. */
void rotai_worker_retire(struct rotai_worker *worker);

/* Name the calling thread, which is that of @worker. */
void rotai_worker_set_name(const struct rotai_worker *worker);

/* Start a thread for @worker: 0, or an error. */
int rotai_worker_start(struct rotai_worker *worker);

#endif
