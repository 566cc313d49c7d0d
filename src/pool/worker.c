/*
 * pool/worker.c - what a thread of a lane does: take jobs, do them, sleep.
 *
 *  1. It takes several jobs at a time if many wait, so that a burst costs the
 *     lock once for each few; but no more than its share, so that the others
 *     find some too.
 *  2. It claims each just before it does it: until then another thread may
 *     steal it, or its loop take it back. See lane.c (1).
 *  3. When the queue is empty it looks what others have taken and not begun,
 *     and steals half of the first that it finds, the oldest first.
 *  4. The last to fall asleep is the first to be woken: who sleeps on is not
 *     needed, and ends when its time is up.
 */
#include "pool/worker.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/thread.h"
#include "pool/running.h"
#include "pool/side.h"
#include "pool/pool.h"

struct rotai_worker *rotai_worker_of(struct rota_link *link)
{
	return rota_container_of(link, struct rotai_worker, link);
}

struct rotai_worker *rotai_worker_of_idle(struct rota_link *link)
{
	return rota_container_of(link, struct rotai_worker, idle);
}

struct rotai_worker *rotai_worker_new(struct rotai_lane *lane)
{
	struct rotai_worker *worker = calloc(1, sizeof(*worker));

	if (worker == NULL)
		return NULL;
	if (rotai_condition_init(&worker->wake) < 0) {
		free(worker);
		return NULL;
	}
	worker->lane = lane;
	return worker;
}

void rotai_worker_free(struct rotai_worker *worker)
{
	pthread_cond_destroy(&worker->wake);
	free(worker);
}

static struct rotai_item *load(struct rotai_item *const *slot)
{
	return __atomic_load_n(slot, __ATOMIC_RELAXED);
}

/* Take what stands in @slot: NULL if somebody else has. Relaxed: all that was
 * done to the item before was done before the lock was let go by which it came
 * to the slot, and this thread has held that lock since. */
static struct rotai_item *claim(struct rotai_item **slot)
{
	return __atomic_exchange_n(slot, NULL, __ATOMIC_RELAXED);
}

/* With the lock held: put @item in the slot @index. */
static void hold(struct rotai_worker *worker, unsigned index,
		 struct rotai_item *item)
{
	item->slot = &worker->slots[index];
	__atomic_store_n(item->slot, item, __ATOMIC_RELAXED);
}

/* With the lock held: how many jobs it has now. (1) */
static unsigned take(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;
	uint64_t share = lane->queued / lane->max;
	unsigned count = share < 1 ? 1 : (unsigned)share;

	if (share > ROTAI_SLOTS)
		count = ROTAI_SLOTS;
	if (count > lane->queued)
		count = (unsigned)lane->queued;
	for (unsigned i = 0; i < count; i++)
		hold(worker, i,
		     rota_container_of(rotai_list_take_first(&lane->queue),
				       struct rotai_item, link));
	lane->queued -= count;
	return count;
}

static unsigned unclaimed(const struct rotai_worker *worker)
{
	unsigned count = 0;

	/* Of one job alone there is nothing behind it. */
	for (unsigned i = 0; worker->taken > 1 && i < worker->taken; i++)
		count += load(&worker->slots[i]) != NULL;
	return count;
}

static unsigned steal_from(struct rotai_worker *worker,
			   struct rotai_worker *other)
{
	unsigned wanted = (unclaimed(other) + 1) / 2;
	unsigned count = 0;

	for (unsigned i = 0; i < other->taken && count < wanted; i++) {
		struct rotai_item *item = claim(&other->slots[i]);

		if (item != NULL)
			hold(worker, count++, item);
	}
	return count;
}

/* With the lock held: how many jobs it has now. (3) */
static unsigned steal(struct rotai_worker *worker)
{
	const struct rota_link *workers = &worker->lane->workers;
	struct rota_link *at;
	unsigned count = 0;

	worker->taken = 0;
	for (at = workers->next; at != workers && count == 0; at = at->next)
		count = steal_from(worker, rotai_worker_of(at));
	return count;
}

static void add_one(uint64_t *count)
{
	/* Relaxed: they are figures. Nobody else writes them. */
	__atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
}

/* Whether it is returning: see lane.c (3). @last: there is nothing more to do
 * but @item. */
static int run(struct rotai_worker *worker, struct rotai_item *item, int last)
{
	add_one(&worker->begun);
	rotai_item_run(item);
	add_one(&worker->ended);
	if (!rotai_item_end(item))
		return 0;
	/* Relaxed, as the count says only that this thread is yet to take the
	 * lock: who sees it has the lock, and so comes first. */
	if (last)
		__atomic_fetch_add(&worker->lane->returning, 1,
				   __ATOMIC_RELAXED);
	rotai_poolside_give_back(item);
	return last;
}

/* With the lock held, let go of meanwhile: do one share of the work: 1; 0 if
 * there is none; or -1, without the lock, in a child that a job has forked and
 * returned in. This thread is alone there, and must not go on with what is the
 * parent's to do. */
static int work_once(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;
	struct rotai_call call = { NULL, 0 };
	unsigned count = take(worker);
	int stolen = count == 0;
	int returning = 0;

	if (stolen)
		count = steal(worker);
	if (count == 0)
		return 0;
	worker->taken = count;
	/* See lane.c (4): what is stolen may have left as much behind. */
	if (lane->queued > 0 || count > 1 || stolen)
		call = rotai_lane_choose(lane);
	pthread_mutex_unlock(&lane->lock);

	rotai_lane_have_come(lane, call);
	for (unsigned i = 0; i < count; i++) {
		struct rotai_item *item = claim(&worker->slots[i]); /* (2) */

		if (item != NULL)
			returning = run(worker, item, i + 1 == count);
		if (ROTAI_UNLIKELY(rotai_pool_is_inherited(lane->pool)))
			return -1;
	}
	pthread_mutex_lock(&lane->lock);
	if (returning)
		__atomic_fetch_sub(&lane->returning, 1, __ATOMIC_RELAXED);
	return 1;
}

/* With the lock held: wait to be woken: 1, or 0 if it is time to end. (4) */
static int sleep_until_woken(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;

	if (lane->ending)
		return 0;
	worker->woken = 0;
	rotai_list_append(lane->idle.next, &worker->idle);
	lane->idle_count++;
	while (!worker->woken) {
		int spare = lane->count > lane->min;
		uint64_t timeout_ns = spare ? lane->pool->idle_ns : UINT64_MAX;
		int early = rotai_condition_wait(&worker->wake, &lane->lock,
						 timeout_ns);

		if (early || worker->woken || lane->count <= lane->min)
			continue;
		rotai_list_remove(&worker->idle);
		lane->idle_count--;
		return 0;
	}
	lane->waking = 0;
	return 1;
}

static void arrive(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;

	rotai_thread_set_name(lane->name);
	pthread_mutex_lock(&lane->lock);
	rotai_list_append(&lane->workers, &worker->link);
	lane->started++;
	lane->waking = 0;
}

static void leave(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;

	lane->count--;
	lane->done += worker->ended;
	rotai_list_remove(&worker->link);
	rotai_list_append(&lane->spare, &worker->link);
	pthread_mutex_unlock(&lane->lock);
	rotai_pool_let_go(lane->pool);
}

static void *work(void *arg)
{
	struct rotai_worker *worker = arg;
	int worked;

	arrive(worker);
	do {
		do
			worked = work_once(worker);
		while (worked > 0);
		if (worked < 0)
			return NULL;
	} while (sleep_until_woken(worker));
	leave(worker);
	return NULL;
}

int rotai_worker_start(struct rotai_worker *worker)
{
	struct rota_pool *pool = worker->lane->pool;
	int error;

	worker->taken = 0;
	worker->begun = 0;
	worker->ended = 0;
	rotai_pool_hold(pool);
	error = rotai_thread_start(work, worker, pool->stack_size);
	if (error < 0)
		rotai_pool_let_go(pool);
	return error;
}

void rotai_worker_count(const struct rotai_worker *worker,
			struct rota_lane_stats *stats)
{
	uint64_t begun = __atomic_load_n(&worker->begun, __ATOMIC_RELAXED);
	uint64_t ended = __atomic_load_n(&worker->ended, __ATOMIC_RELAXED);

	stats->done += ended;
	stats->running += begun - ended;
	for (unsigned i = 0; i < worker->taken; i++)
		stats->queued += load(&worker->slots[i]) != NULL;
}
