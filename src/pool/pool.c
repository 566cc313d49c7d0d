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

#include "base/fork.h"
#include "base/sized.h"
#include "base/thread.h"
#include "rota/error.h"
#include "rota/loop.h"

/* The first version of each struct ended here. */
enum {
	LEAST_OPTIONS_SIZE =
		ROTAI_SIZE_UP_TO(struct rota_pool_options, spin_ns),
	LEAST_STATS_SIZE = ROTAI_SIZE_UP_TO(struct rota_lane_stats, idle),
};

ROTAI_SIZED(struct rota_pool_options, spin_ns);
ROTAI_SIZED(struct rota_lane_stats, idle);

/* Arrays inside structs cannot grow: there is room in them. */
_Static_assert(sizeof(struct rota_lane_options) == 8 * sizeof(unsigned) &&
		       (int)ROTA_LANE_COUNT <= (int)ROTA_LANE_ROOM,
	       "the lanes of struct rota_pool_options keep their places");

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

void rota_pool_options_init_size(struct rota_pool_options *options, size_t size)
{
	const struct rota_pool_options defaults = {
		.lanes = {
			[ROTA_LANE_IO] = { 0, IO_THREADS, { 0 } },
			[ROTA_LANE_BLOCKING] = { 0, BLOCKING_THREADS, { 0 } },
			[ROTA_LANE_CPU] = { 0, rotai_thread_processors(), { 0 } },
		},
		.idle_ns = IDLE_NS,
	};

	options->size = size;
	(void)rotai_sized_give(options, sizeof(size), &defaults,
			       sizeof(defaults));
}

/* A lane has its numbers of threads, and one that we do not know has none. */
static int check_lane(const struct rota_lane_options *lane, int known)
{
	if (lane->min_threads > lane->max_threads ||
	    (!known && lane->max_threads > 0))
		return ROTA_EINVAL;
	for (size_t i = 0; i < sizeof(lane->reserved) / sizeof(unsigned); i++)
		if (lane->reserved[i] != 0)
			return ROTA_EINVAL;
	return 0;
}

static int check_options(const struct rota_pool_options *options)
{
	for (int i = 0; i < ROTA_LANE_ROOM; i++)
		if (check_lane(&options->lanes[i], i < ROTA_LANE_COUNT) < 0)
			return ROTA_EINVAL;
	if (options->spin_ns > LONGEST_SPIN_NS)
		return ROTA_EINVAL;
	return rotai_thread_check_stack(options->stack_size);
}

/* Have all of @options, also if the caller's are of an earlier version. */
static int complete_options(struct rota_pool_options *options,
			    const struct rota_pool_options *given)
{
	int error = 0;

	rota_pool_options_init(options);
	if (given != NULL)
		error = rotai_sized_take(options, sizeof(*options), given,
					 LEAST_OPTIONS_SIZE);
	return error < 0 ? error : check_options(options);
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
	struct rota_pool_options all;
	struct rota_pool *made;
	int error;

	if (pool == NULL)
		return ROTA_EINVAL;
	error = complete_options(&all, options);
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
	made->idle_ns = all.idle_ns;
	made->spin = rotai_thread_spin(all.spin_ns);
	made->has_company = rotai_thread_processors() > 1;
	made->stack_size = all.stack_size;
	for (int i = 0; i < ROTA_LANE_COUNT; i++) {
		error = rotai_lane_init(&made->lanes[i], made, thread_names[i],
					&all.lanes[i]);
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

int rota_pool_stats(struct rota_pool *pool, enum rota_lane lane,
		    struct rota_lane_stats *stats)
{
	struct rota_lane_stats now;

	if ((unsigned)lane >= (unsigned)ROTA_LANE_COUNT)
		return ROTA_EINVAL;
	rotai_pool_repair(pool);
	rotai_lane_stats(&pool->lanes[lane], &now);
	return rotai_sized_give(stats, LEAST_STATS_SIZE, &now, sizeof(now));
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
