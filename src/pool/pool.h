/*
 * pool/pool.h - what a pool consists of.
 */
#ifndef ROTAI_POOL_POOL_H
#define ROTAI_POOL_POOL_H

#include "base/counted.h"
#include "base/fork.h"
#include "base/thread.h"
#include "pool/lane.h"

enum { ROTAI_SHARED_LISTS = 64 };

struct rota_pool {
	struct rotai_counted users; /* callers and loops; must be first */
	uint32_t memory;            /* references: see pool.c (1) */
	uint32_t generation;        /* the fork generation of its process */
	uint32_t repairing;         /* the last one that a repair began for */
	uint64_t idle_ns;
	struct rotai_spin spin;
	int has_company; /* there is more than one processor */
	size_t stack_size;
	int records;     /* how long jobs wait */
	char prefix[16]; /* of the names of threads */
	struct rotai_lane lanes[ROTA_LANE_COUNT];

	/* Shared jobs that another item may still join, by their hash:
	 * shared_job.c. */
	pthread_mutex_t shared_lock;
	struct rota_link shared[ROTAI_SHARED_LISTS];
};

/* Whether this process was forked after the threads were made. */
static inline int rotai_pool_is_inherited(const struct rota_pool *pool)
{
	return __atomic_load_n(&pool->generation, __ATOMIC_RELAXED) !=
	       rotai_fork_generation;
}

/* Rebuild @pool, if this process was forked since. (F2) */
void rotai_pool_repair(struct rota_pool *pool);

/* Initialize @pool, which is all zero. Its threads will run @body. 0, or an
 * error. */
int rotai_pool_init(struct rota_pool *pool,
		    const struct rota_pool_options *options,
		    void *(*body)(void *));

/* Take a reference to the memory, for a thread. */
static inline void rotai_pool_hold(struct rota_pool *pool)
{
	__atomic_fetch_add(&pool->memory, 1, __ATOMIC_RELAXED);
}

/* Drop a reference to the memory that cannot be the last one. */
static inline void rotai_pool_unhold(struct rota_pool *pool)
{
	__atomic_fetch_sub(&pool->memory, 1, __ATOMIC_RELAXED);
}

/* Drop a reference to the memory. The last one frees it. */
void rotai_pool_release(struct rota_pool *pool);

/* How many references to the memory there are: one for each thread, and one for
 * all users together. */
uint32_t rotai_pool_holders(const struct rota_pool *pool);

/* How many users there are: callers and loops. */
uint32_t rotai_pool_users(const struct rota_pool *pool);

/* How many pools have users. */
uint32_t rotai_pools_in_use(void);

#endif
