/*
 * pool/default.c - the default pool of the process. It is made when it is first
 * asked for, and ends only on request. No destructor and no atexit(3) handler
 * waits for its threads: a thread that is stuck must not keep the process from
 * ending, and a forked child has no threads of the pool.
 *
 *  1. `own` is the pool that rota_pool_default() returns. While a pool ends,
 *     this file keeps its memory as `ending` until its threads have ended, so
 *     that another rota_pool_end() can go on waiting after a timeout.
 *     Meanwhile a new `own` may be made.
 *  2. A loop takes its reference with the lock held. So it either has the pool
 *     before rota_pool_end() counts its users, or gets a new one.
 */
#include "pool/default.h"

#include "base/clock.h"
#include "base/fork.h"
#include "base/image.h"
#include "base/lock.h"
#include "base/thread.h"
#include "pool/pool.h"
#include "rota/error.h"

static struct rotai_lock default_lock;
static struct rota_pool *own;    /* (1) */
static struct rota_pool *ending; /* (1) */

/* With the lock held: get the pool, or make it. NULL if there is no memory. */
static struct rota_pool *get(void)
{
	struct rota_pool *made;

	if (own == NULL && rota_pool_new(&made, NULL) == 0)
		own = made;
	return own;
}

struct rota_pool *rota_pool_default(void)
{
	struct rota_pool *pool;

	if (rotai_fork_observe() < 0)
		return NULL;
	rotai_lock_take(&default_lock);
	pool = get();
	rotai_lock_release(&default_lock);
	return pool;
}

struct rota_pool *rotai_pool_use_default(void)
{
	struct rota_pool *pool;

	if (rotai_fork_observe() < 0)
		return NULL;
	rotai_lock_take(&default_lock);
	pool = get();
	if (pool != NULL)
		(void)rota_pool_ref(pool);
	rotai_lock_release(&default_lock);
	return pool;
}

/* Begin to end the pool, unless one is ending already. Returns 0, or ROTA_EBUSY
 * if it is in use. *@pool is the pool that ends, or NULL. */
static int begin_end_of_pool(struct rota_pool **pool)
{
	struct rota_pool *dropped = NULL;
	int error = 0;

	rotai_lock_take(&default_lock);
	if (ending == NULL && own != NULL) {
		rotai_pool_repair(own);
		if (rotai_pool_users(own) > 1) {
			error = ROTA_EBUSY;
		} else {
			rotai_pool_hold(own); /* (1) */
			dropped = own;
			ending = own;
			own = NULL;
		}
	} else if (ending != NULL) {
		rotai_pool_repair(ending);
	}
	*pool = ending;
	rotai_lock_release(&default_lock);
	if (dropped != NULL)
		rota_pool_unref(dropped);
	return error;
}

static void forget(struct rota_pool *pool)
{
	rotai_lock_take(&default_lock);
	ending = NULL;
	rotai_lock_release(&default_lock);
	rotai_pool_release(pool);
}

/* Wait until only this file has a reference to the memory of @pool. */
static int await(const struct rota_pool *pool, uint64_t deadline_ns)
{
	unsigned tries = 0;

	while (rotai_pool_holders(pool) > 1) {
		if (rotai_clock_monotonic() >= deadline_ns)
			return ROTA_ETIMEDOUT;
		rotai_thread_pause(tries++);
	}
	return 0;
}

static int end_all(uint64_t deadline_ns)
{
	struct rota_pool *pool;
	int error;

	do {
		error = begin_end_of_pool(&pool);
		if (error == 0 && pool != NULL)
			error = await(pool, deadline_ns);
		if (error < 0)
			return error;
		if (pool != NULL)
			forget(pool);
	} while (pool != NULL);
	if (rotai_pools_in_use() == 0)
		return rotai_image_release(deadline_ns);
	/* Programs may use other pools for as long as they like, so do not wait
	 * for these. If they have no thread now, the image is not needed. */
	(void)rotai_image_release(0);
	return 0;
}

int rota_pool_end(uint64_t deadline_ns)
{
	/* 0, or the fork generation, plus 1, of the process in which a call is
	 * under way. A forked child may inherit this from its parent. */
	static uint32_t caller;
	uint32_t found = __atomic_load_n(&caller, __ATOMIC_RELAXED);
	uint32_t here;
	int error = rotai_fork_observe();

	if (error < 0)
		return error;
	here = rotai_fork_generation + 1;
	/* Acquires what the previous call has written. */
	if (found == here ||
	    !__atomic_compare_exchange_n(&caller, &found, here, 0,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return ROTA_EBUSY;
	error = end_all(deadline_ns);
	__atomic_store_n(&caller, 0, __ATOMIC_RELEASE);
	return error;
}
