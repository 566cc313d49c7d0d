/*
 * pool/lane.h - one lane of a pool: a queue of jobs, and the threads that run
 * them.
 */
#ifndef ROTAI_POOL_LANE_H
#define ROTAI_POOL_LANE_H

#include <pthread.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/spin.h"
#include "pool/stack.h"
#include "rota/object.h"
#include "rota/pool.h"

struct rotai_worker;

/* The queues of a lane, in the order of their priority. */
enum rotai_priority_level {
	ROTAI_LEVEL_HIGH,
	ROTAI_LEVEL_NORMAL,
	ROTAI_LEVEL_LOW,
	ROTAI_LEVELS,
};

enum { ROTAI_WAIT_UNIT_NS = 1024 };

/* Whether a worker of the lane polls: see thread.c (5). */
enum rotai_polling {
	ROTAI_POLLING_NOT,
	ROTAI_POLLING,
	ROTAI_POLLING_CALLED, /* it polls, and must look into the queue */
};

struct rotai_lane {
	/* What loops write has a cache line of its own. */
	char before[64];
	struct rotai_stack arrived; /* items: see lane.c (7) */
	uint32_t polling;           /* atomic: enum rotai_polling */
	char after[64];

	pthread_mutex_t lock; /* of all that follows, to `ending` */
	struct rota_link queues[ROTAI_LEVELS]; /* items that no worker has
						* taken */
	struct rota_link workers;
	struct rota_link idle;  /* those that sleep, the latest first */
	struct rota_link spare; /* workers whose threads have ended */
	uint64_t queued;        /* the length of the queues together, */
	uint64_t apart;         /* and of those of high and low priority */
	uint64_t peak;          /* the highest `queued` so far */
	uint64_t behind;        /* items that wait in serials: serial.c */
	unsigned passed[ROTAI_LEVELS]; /* see lane.c (9) */
	uint64_t done;                 /* jobs of threads that have ended */
	uint64_t started;
	uint64_t waits[ROTA_WAIT_BUCKETS]; /* of threads that have ended */
	unsigned made;                     /* workers, so far */
	struct rotai_spinner spinner;      /* of the worker that polls */
	unsigned count; /* threads, also one that is being started */
	unsigned idle_count;
	unsigned returning; /* atomic: see lane.c (3) */
	uint8_t waking;     /* a thread is on its way: lane.c (2) */
	uint8_t ending;     /* the pool has no users any more */

	unsigned min;
	unsigned max; /* atomic; changes only with the lock held */

	/* These never change. */
	const char *name; /* of its threads, between prefix and number */
	struct rota_pool *pool;
	void *(*body)(void *worker); /* what its threads do */
};

/* Initialize @lane. Its threads will run @body with their struct rotai_worker.
 * 0, or an error. */
int rotai_lane_init(struct rotai_lane *lane, struct rota_pool *pool,
		    const char *name, const struct rota_lane_options *options,
		    void *(*body)(void *));

/* Free what @lane has. It has no thread any more. */
void rotai_lane_destroy(struct rotai_lane *lane);

/* In a forked child: drop the parent's threads and jobs. */
void rotai_lane_repair(struct rotai_lane *lane);

/* Have the threads end when they have no more jobs. */
void rotai_lane_end(struct rotai_lane *lane);

/* Which thread to call, if several sleep. */
enum rotai_lane_call {
	ROTAI_LANE_CALL_NOBODY,
	ROTAI_LANE_CALL_LAST, /* the one that fell asleep last */
	ROTAI_LANE_CALL_NEAR, /* of these, one on the caller's processor:
			       * see lane.c (8) */
};

/* Submit the items of @chain to the threads. */
void rotai_lane_publish(struct rotai_lane *lane, struct rotai_chain chain,
			enum rotai_lane_call whom);

/* Submit @item by itself, behind those of its priority. (9) */
void rotai_lane_publish_apart(struct rotai_lane *lane, struct rotai_item *item);

/* With the lock held: put @item, which is published, into the queue of its
 * priority. */
void rotai_lane_insert(struct rotai_lane *lane, struct rotai_item *item);

/* With the lock held: remove the next item from the queues. There is one. */
struct rotai_item *rotai_lane_remove_next(struct rotai_lane *lane);

/* Whether the lane has threads, which never changes. */
static inline int rotai_lane_has_threads(const struct rotai_lane *lane)
{
	return __atomic_load_n(&lane->max, __ATOMIC_RELAXED) > 0;
}

/* With the lock held: whether there are more threads than there should be. */
static inline int rotai_lane_has_surplus(const struct rotai_lane *lane)
{
	return lane->count > lane->max;
}

/* Change the limits: 0 < @max. */
void rotai_lane_set_limits(struct rotai_lane *lane, unsigned min, unsigned max);

/* Take back an item that is published, or behind another. Returns 1, and no
 * thread will touch it; or 0 if a thread has begun it. */
int rotai_lane_take_back(struct rotai_lane *lane, struct rotai_item *item);

/* With the lock held: move what has arrived to the queue. */
void rotai_lane_take_in(struct rotai_lane *lane);

/* With the lock held: whether a thread will take the lock and look at what has
 * arrived, without being called. */
int rotai_lane_is_expecting(const struct rotai_lane *lane);

/* Release the lock. Call @whom if another thread is needed. In any case call a
 * thread if something has arrived that none would look at. */
void rotai_lane_unlock(struct rotai_lane *lane, enum rotai_lane_call whom);

/* The present time in the units of rotai_item.since. */
static inline uint32_t rotai_wait_now(void)
{
	return (uint32_t)(rotai_clock_monotonic() / ROTAI_WAIT_UNIT_NS);
}

void rotai_lane_stats(struct rotai_lane *lane, struct rota_lane_stats *stats);

#endif
