/*
 * pool/pool.c - pools: they are shared, they end, and they are rebuilt in a
 * forked child.
 *
 *  1. There are two counts of references. `users` counts callers and loops;
 *     after the last of them the lanes end. `memory` counts the threads, and
 *     one for all users together; after the last of these the memory is freed.
 *  2. A pool belongs to the process in which its threads are. In a forked
 *     child it has none, and its locks may be held forever. So the first
 *     thread to use the pool there rebuilds it, without threads and jobs, and
 *     others wait until that is done. The parent's loops end the jobs that
 *     they had in the pool, when they are rebuilt (F2).
 */
#include "pool/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "base/list.h"
#include "base/sized.h"
#include "base/thread.h"
#include "rota/error.h"
#include "rota/loop.h"

/* The first version of the struct ended with idle, this one with waits. */
enum {
	LEAST_LANE_STATS = ROTAI_SIZE_UP_TO(struct rota_lane_stats, idle),
};

ROTAI_SIZED(struct rota_lane_stats, waits);

static const char *const thread_names[ROTA_LANE_COUNT] = {
	[ROTA_LANE_IO] = "-io-",
	[ROTA_LANE_BLOCKING] = "-block-",
	[ROTA_LANE_CPU] = "-cpu-",
};

static uint32_t in_use; /* pools; atomic */

static struct rota_pool *pool_of(struct rotai_counted *users)
{
	return rota_container_of(users, struct rota_pool, users);
}

static void destroy_lanes(struct rota_pool *pool, int count)
{
	while (count-- > 0)
		rotai_lane_destroy(&pool->lanes[count]);
}

void rotai_pool_release(struct rota_pool *pool)
{
	/* Releases what this thread has done to the thread that frees the
	 * pool. */
	if (__atomic_sub_fetch(&pool->memory, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	destroy_lanes(pool, ROTA_LANE_COUNT);
	pthread_mutex_destroy(&pool->shared_lock);
	free(pool);
}

uint32_t rotai_pool_holders(const struct rota_pool *pool)
{
	/* Acquires what the threads that have released it did. */
	return __atomic_load_n(&pool->memory, __ATOMIC_ACQUIRE);
}

uint32_t rotai_pool_users(const struct rota_pool *pool)
{
	return __atomic_load_n(&pool->users.references, __ATOMIC_RELAXED);
}

uint32_t rotai_pools_in_use(void)
{
	return __atomic_load_n(&in_use, __ATOMIC_RELAXED);
}

/* The last user has dropped its reference. (1) */
static void end_users(struct rotai_counted *users)
{
	struct rota_pool *pool = pool_of(users);

	__atomic_fetch_sub(&in_use, 1, __ATOMIC_RELAXED);

	rotai_pool_repair(pool);
	for (int i = 0; i < ROTA_LANE_COUNT; i++)
		rotai_lane_end(&pool->lanes[i]);
	rotai_pool_release(pool);
}

static void init_shared(struct rota_pool *pool)
{
	for (int i = 0; i < ROTAI_SHARED_LISTS; i++)
		rotai_list_init(&pool->shared[i]);
}

static int init_lanes(struct rota_pool *pool,
		      const struct rota_pool_options *options,
		      void *(*body)(void *))
{
	for (int i = 0; i < ROTA_LANE_COUNT; i++) {
		int error =
			rotai_lane_init(&pool->lanes[i], pool, thread_names[i],
					&options->lanes[i], body);

		if (error < 0) {
			destroy_lanes(pool, i);
			return error;
		}
	}
	return 0;
}

int rotai_pool_init(struct rota_pool *pool,
		    const struct rota_pool_options *options,
		    void *(*body)(void *))
{
	int error;

	pool->users =
		(struct rotai_counted){ .references = 1, .free = end_users };
	pool->memory = 1;
	pool->generation = rotai_fork_generation;
	pool->repairing = rotai_fork_generation;
	pool->idle_ns = options->idle_ns;
	pool->spin = rotai_thread_spin(options->spin_ns);
	pool->has_company = rotai_thread_processors() > 1;
	pool->stack_size = options->stack_size;
	pool->records = options->record_waits != 0;
	memcpy(pool->prefix, options->thread_prefix, sizeof(pool->prefix));
	if (pool->prefix[0] == '\0')
		memcpy(pool->prefix, "rota", sizeof("rota"));
	init_shared(pool);
	error = -pthread_mutex_init(&pool->shared_lock, NULL);
	if (error < 0)
		return error;
	error = init_lanes(pool, options, body);
	if (error < 0) {
		pthread_mutex_destroy(&pool->shared_lock);
		return error;
	}
	__atomic_fetch_add(&in_use, 1, __ATOMIC_RELAXED);
	return 0;
}

struct rota_pool *rota_pool_ref(struct rota_pool *pool)
{
	rotai_counted_ref(&pool->users);
	return pool;
}

void rota_pool_unref(struct rota_pool *pool)
{
	rotai_counted_unref(&pool->users);
}

int rota_pool_stats(struct rota_pool *pool, enum rota_lane lane,
		    struct rota_lane_stats *stats)
{
	struct rota_lane_stats now;

	if ((unsigned)lane >= (unsigned)ROTA_LANE_COUNT)
		return ROTA_EINVAL;
	rotai_pool_repair(pool);
	rotai_lane_stats(&pool->lanes[lane], &now);
	return rotai_sized_give(stats, LEAST_LANE_STATS, &now, sizeof(now));
}

int rota_pool_set_lane(struct rota_pool *pool, enum rota_lane lane,
		       unsigned min_threads, unsigned max_threads)
{
	if ((unsigned)lane >= (unsigned)ROTA_LANE_COUNT ||
	    min_threads > max_threads)
		return ROTA_EINVAL;
	if (max_threads == 0 || !rotai_lane_has_threads(&pool->lanes[lane]))
		return ROTA_ENOTSUP;
	rotai_pool_repair(pool);
	rotai_lane_set_limits(&pool->lanes[lane], min_threads, max_threads);
	return 0;
}

void rotai_pool_repair(struct rota_pool *pool)
{
	uint32_t now = rotai_fork_generation;
	uint32_t last = __atomic_load_n(&pool->repairing, __ATOMIC_RELAXED);
	unsigned tries = 0;

	/* Acquires what the thread that rebuilt it has written. (2) */
	while (__atomic_load_n(&pool->generation, __ATOMIC_ACQUIRE) != now) {
		if (last == now ||
		    !__atomic_compare_exchange_n(&pool->repairing, &last, now,
						 0, __ATOMIC_RELAXED,
						 __ATOMIC_RELAXED)) {
			rotai_thread_pause(tries++);
			continue;
		}
		for (int i = 0; i < ROTA_LANE_COUNT; i++)
			rotai_lane_repair(&pool->lanes[i]);
		(void)pthread_mutex_init(&pool->shared_lock, NULL);
		init_shared(pool);
		pool->memory = 1; /* the threads' references are the parent's */
		__atomic_store_n(&pool->generation, now, __ATOMIC_RELEASE);
	}
}
