/*
 * pool/lane.h - one lane of a pool: the queue of its jobs, and its threads.
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

/* What a worker that polls is told: see thread.c (5). */
enum rotai_polling {
	ROTAI_POLLING_NOT,
	ROTAI_POLLING,
	ROTAI_POLLING_CALLED, /* something is in the queue */
};

struct rotai_lane {
	/* What loops write has a cache line of its own. */
	char before[64];
	struct rotai_stack arrived; /* items: see lane.c (7) */
	uint32_t polling;           /* atomic: enum rotai_polling */
	char after[64];

	pthread_mutex_t lock;   /* of all that follows but what never changes */
	struct rota_link queue; /* items that no worker has taken */
	struct rota_link workers;
	struct rota_link idle;  /* of these, the last to fall asleep first */
	struct rota_link spare; /* workers whose threads have ended */
	uint64_t queued;        /* how many are in queue */
	uint64_t done;          /* by threads that have ended */
	uint64_t started;
	struct rotai_spinner spinner; /* of who polls */
	unsigned count; /* threads, with one that is just being started */
	unsigned idle_count;
	unsigned returning; /* atomic: see lane.c (3) */
	uint8_t waking;     /* one is on its way: see lane.c (2) */
	uint8_t ending;     /* nobody uses the pool any more */

	/* These never change. */
	unsigned min;
	unsigned max;
	const char *name; /* of its threads */
	struct rota_pool *pool;
	void *(*body)(void *worker); /* what its threads do */
};

/* Its threads will run @body with their struct rotai_worker. */
int rotai_lane_init(struct rotai_lane *lane, struct rota_pool *pool,
		    const char *name, const struct rota_lane_options *options,
		    void *(*body)(void *));

/* When there is no thread left. */
void rotai_lane_destroy(struct rotai_lane *lane);

/* In a forked child: forget threads, and jobs. */
void rotai_lane_repair(struct rotai_lane *lane);

/* Have the threads end when they are done. */
void rotai_lane_end(struct rotai_lane *lane);

/* Whom to have come. */
enum rotai_lane_call {
	ROTAI_LANE_CALL_NOBODY,
	ROTAI_LANE_CALL_LAST, /* to fall asleep */
	ROTAI_LANE_CALL_NEAR, /* of those, one on the processor of the caller,
			       * who is about to sleep: see lane.c (8) */
};

/* Hand the items of @chain over to the threads. */
void rotai_lane_publish(struct rotai_lane *lane,
			const struct rotai_chain *chain,
			enum rotai_lane_call whom);

/* Take a published item back: 1, and no thread will touch it; or 0, one has. */
int rotai_lane_take_back(struct rotai_lane *lane, struct rotai_item *item);

/* With the lock held: have what arrived in the queue. */
void rotai_lane_take_in(struct rotai_lane *lane);

/* With the lock held: whether somebody is on the way to it, and will look what
 * has arrived. */
int rotai_lane_is_expecting(const struct rotai_lane *lane);

/* Let go of the lock; have somebody come if that is needed, and anyhow if
 * something arrived that nobody would look at. */
void rotai_lane_unlock(struct rotai_lane *lane, enum rotai_lane_call whom);

void rotai_lane_stats(struct rotai_lane *lane, struct rota_lane_stats *stats);

#endif
