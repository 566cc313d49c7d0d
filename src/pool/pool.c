/*
 * pool/pool.c - pools: made, shared, gone.
 *
 *  1. There are two counts of references. Users are callers and loops; with
 *     the last of them the lanes end. The memory is held by each thread, and
 *     by all the users together: it goes with whoever is last.
 *  2. A pool belongs to the process in which its threads are. In a forked
 *     child there are none, and its locks may be held for ever: the first
 *     that comes there to use it makes it anew, without threads and jobs, and
 *     the others wait for that. What the parent's loops had in it, they end
 *     by themselves as they are rebuilt (F2).
 */
#include "pool/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "base/thread.h"
#include "rota/error.h"
#include "rota/loop.h"

/* The first version of each struct ended here. */
enum {
	LEAST_OPTIONS_SIZE = sizeof(struct rota_pool_options),
	LEAST_STATS_SIZE = sizeof(struct rota_pool_stats),
};

enum { IO_THREADS = 4, BLOCKING_THREADS = 16 };

static const uint64_t IDLE_NS = ROTA_SEC(10);
static const uint64_t LONGEST_SPIN_NS = ROTA_MSEC(1);

static const char *const thread_names[ROTA_LANE_COUNT] = {
	[ROTA_LANE_IO] = "rota-io",
	[ROTA_LANE_BLOCKING] = "rota-blocking",
	[ROTA_LANE_CPU] = "rota-cpu",
};

static uint32_t in_use; /* pools; atomic */

static struct rota_pool *pool_of(struct rotai_counted *users)
{
	return rota_container_of(users, struct rota_pool, users);
}

void rota_pool_options_init(struct rota_pool_options *options)
{
	*options = (struct rota_pool_options){
		.size = sizeof(*options),
		.lanes = {
			[ROTA_LANE_IO] = { 0, IO_THREADS },
			[ROTA_LANE_BLOCKING] = { 0, BLOCKING_THREADS },
			[ROTA_LANE_CPU] = { 0, rotai_thread_processors() },
		},
		.idle_ns = IDLE_NS,
	};
}

/* What a caller of a later version asks for and we do not know of must be
 * unset. */
static int tail_is_zero(const struct rota_pool_options *options)
{
	const unsigned char *bytes = (const unsigned char *)options;

	for (size_t i = sizeof(*options); i < options->size; i++)
		if (bytes[i] != 0)
			return 0;
	return 1;
}

static int check_options(const struct rota_pool_options *options)
{
	if (options->size < LEAST_OPTIONS_SIZE || !tail_is_zero(options))
		return ROTA_EINVAL;
	for (int i = 0; i < ROTA_LANE_COUNT; i++)
		if (options->lanes[i].min_threads >
		    options->lanes[i].max_threads)
			return ROTA_EINVAL;
	if (options->spin_ns > LONGEST_SPIN_NS)
		return ROTA_EINVAL;
	return rotai_thread_check_stack(options->stack_size);
}

static void destroy_lanes(struct rota_pool *pool, int count)
{
	while (count-- > 0)
		rotai_lane_destroy(&pool->lanes[count]);
}

void rotai_pool_hold(struct rota_pool *pool)
{
	__atomic_fetch_add(&pool->memory, 1, __ATOMIC_RELAXED);
}

void rotai_pool_let_go(struct rota_pool *pool)
{
	/* Releases what this thread did with it to whoever frees it. */
	if (__atomic_sub_fetch(&pool->memory, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	destroy_lanes(pool, ROTA_LANE_COUNT);
	free(pool);
}

uint32_t rotai_pool_holders(const struct rota_pool *pool)
{
	/* Acquires what those who let go have done with it. */
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

/* The last user has gone. (1) */
static void end(struct rotai_counted *users)
{
	struct rota_pool *pool = pool_of(users);

	__atomic_fetch_sub(&in_use, 1, __ATOMIC_RELAXED);

	rotai_pool_repair(pool);
	for (int i = 0; i < ROTA_LANE_COUNT; i++)
		rotai_lane_end(&pool->lanes[i]);
	rotai_pool_let_go(pool);
}

int rota_pool_new(struct rota_pool **pool,
		  const struct rota_pool_options *options)
{
	struct rota_pool_options defaults;
	struct rota_pool *made;
	int error;

	if (pool == NULL)
		return ROTA_EINVAL;
	if (options == NULL) {
		rota_pool_options_init(&defaults);
		options = &defaults;
	}
	error = check_options(options);
	if (error == 0)
		error = rotai_fork_observe();
	if (error < 0)
		return error;
	made = calloc(1, sizeof(*made));
	if (made == NULL)
		return ROTA_ENOMEM;
	made->users = (struct rotai_counted){ .references = 1, .free = end };
	made->memory = 1;
	made->generation = rotai_fork_generation;
	made->repairing = rotai_fork_generation;
	made->idle_ns = options->idle_ns;
	made->spin = rotai_thread_spin(options->spin_ns);
	made->has_company = rotai_thread_processors() > 1;
	made->stack_size = options->stack_size;
	for (int i = 0; i < ROTA_LANE_COUNT; i++) {
		error = rotai_lane_init(&made->lanes[i], made, thread_names[i],
					&options->lanes[i]);
		if (error < 0) {
			destroy_lanes(made, i);
			free(made);
			return error;
		}
	}
	__atomic_fetch_add(&in_use, 1, __ATOMIC_RELAXED);
	*pool = made;
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

int rota_pool_stats(struct rota_pool *pool, struct rota_pool_stats *stats)
{
	size_t size;

	if (stats == NULL || stats->size < LEAST_STATS_SIZE)
		return ROTA_EINVAL;
	rotai_pool_repair(pool);
	/* A caller of a later version gets 0 for what we do not know. */
	size = stats->size;
	memset(stats, 0, size);
	for (int i = 0; i < ROTA_LANE_COUNT; i++)
		rotai_lane_stats(&pool->lanes[i], &stats->lanes[i]);
	stats->size = size;
	return 0;
}

void rotai_pool_repair(struct rota_pool *pool)
{
	uint32_t now = rotai_fork_generation;
	uint32_t last = __atomic_load_n(&pool->repairing, __ATOMIC_RELAXED);
	unsigned tries = 0;

	/* Acquires what the one who repaired it has released. (2) */
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
		pool->memory = 1; /* the threads' are of the parent */
		__atomic_store_n(&pool->generation, now, __ATOMIC_RELEASE);
	}
}
