/*
 * pool/lane.h - one lane of a pool: the queue of its jobs, and its threads.
 */
#ifndef ROTAI_POOL_LANE_H
#define ROTAI_POOL_LANE_H

#include <pthread.h>
#include <stdint.h>

#include "rota/object.h"
#include "rota/pool.h"

struct rotai_worker;

struct rotai_lane {
	pthread_mutex_t lock;   /* of all but what never changes */
	struct rota_link queue; /* items that no worker has taken */
	struct rota_link workers;
	struct rota_link idle;  /* of these, the last to fall asleep first */
	struct rota_link spare; /* workers whose threads have ended */
	uint64_t queued;        /* how many are in queue */
	uint64_t done;          /* by threads that have ended */
	uint64_t started;
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
};

/* Who is to come and work: see rotai_lane_choose(). */
struct rotai_call {
	struct rotai_worker *worker; /* who sleeps, or NULL */
	int starts;                  /* a new one */
};

int rotai_lane_init(struct rotai_lane *lane, struct rota_pool *pool,
		    const char *name, const struct rota_lane_options *options);

/* When there is no thread left. */
void rotai_lane_destroy(struct rotai_lane *lane);

/* In a forked child: forget threads, and jobs. */
void rotai_lane_repair(struct rotai_lane *lane);

/* Have the threads end when they are done. */
void rotai_lane_end(struct rotai_lane *lane);

/* Hand the @count items of @items over to the threads. */
void rotai_lane_publish(struct rotai_lane *lane, struct rota_link *items,
			uint64_t count);

/* Take a published item back: 1, and no thread will touch it; or 0, one has. */
int rotai_lane_take_back(struct rotai_lane *lane, struct rotai_item *item);

/* With the lock held: who is to come, if anybody; then, without it, have them
 * come. */
struct rotai_call rotai_lane_choose(struct rotai_lane *lane);
void rotai_lane_have_come(struct rotai_lane *lane, struct rotai_call call);

void rotai_lane_stats(struct rotai_lane *lane, struct rota_lane_stats *stats);

#endif
