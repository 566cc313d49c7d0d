/*
 * pool/lane.h - one lane of a pool: a queue of jobs, and the threads that run
 * them.
 */
#ifndef ROTAI_POOL_LANE_H
#define ROTAI_POOL_LANE_H

#include <pthread.h>
#include <stdint.h>

#include "base/spin.h"
#include "pool/stack.h"
#include "rota/object.h"
#include "rota/pool.h"

struct rotai_worker;

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

	pthread_mutex_t lock;   /* of all that follows, to `ending` */
	struct rota_link queue; /* items that no worker has taken */
	struct rota_link workers;
	struct rota_link idle;  /* those that sleep, the latest first */
	struct rota_link spare; /* workers whose threads have ended */
	uint64_t queued;        /* the length of the queue */
	uint64_t done;          /* jobs of threads that have ended */
	uint64_t started;
	struct rotai_spinner spinner; /* of the worker that polls */
	unsigned count; /* threads, also one that is being started */
	unsigned idle_count;
	unsigned returning; /* atomic: see lane.c (3) */
	uint8_t waking;     /* a thread is on its way: lane.c (2) */
	uint8_t ending;     /* the pool has no users any more */

	/* These never change. */
	unsigned min;
	unsigned max;
	const char *name; /* of its threads */
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
void rotai_lane_publish(struct rotai_lane *lane,
			const struct rotai_chain *chain,
			enum rotai_lane_call whom);

/* Take a published item back. Returns 1, and no thread will touch it; or 0 if a
 * thread has begun it. */
int rotai_lane_take_back(struct rotai_lane *lane, struct rotai_item *item);

/* With the lock held: move what has arrived to the queue. */
void rotai_lane_take_in(struct rotai_lane *lane);

/* With the lock held: whether a thread will take the lock and look at what has
 * arrived, without being called. */
int rotai_lane_is_expecting(const struct rotai_lane *lane);

/* Release the lock. Call @whom if another thread is needed. In any case call a
 * thread if something has arrived that none would look at. */
void rotai_lane_unlock(struct rotai_lane *lane, enum rotai_lane_call whom);

void rotai_lane_stats(struct rotai_lane *lane, struct rota_lane_stats *stats);

#endif
