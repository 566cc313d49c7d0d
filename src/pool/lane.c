/*
 * pool/lane.c - how jobs wait for threads, and threads for jobs.
 *
 *  1. A published item is on the stack `arrived` or in the lane's queue, and
 *     its member slot is NULL; or a worker has taken it into one of its slots,
 *     and the member points there. A job in a slot has not begun. The worker
 *     claims it by changing the slot to NULL. A loop that takes it back and a
 *     worker that steals it do the same, with the lock held. So a slot may be
 *     emptied at any time, but is filled only with the lock held.
 *  2. At most one thread is on its way: it was woken or started and has not
 *     arrived yet, or it polls, that is, busy-waits for jobs (thread.c (5)). A
 *     thread that arrives and leaves jobs waiting calls the next one. So a
 *     burst costs its publisher at most one wake-up.
 *  3. A thread is `returning` if all it has to do is give its last job back
 *     before it looks for more. It adds itself to the count before it gives
 *     the job back, and subtracts itself with the lock held, before it looks.
 *     While at least as many threads are returning as jobs are in the queue,
 *     no other thread is called. So a loop that answers one job with the next
 *     does not cause another thread to be started.
 *  4. No job waits behind one that is stuck while a thread sleeps or another
 *     may be started: a thread sleeps only when the queue and the slots are
 *     empty, and takes more than one job only if it calls the next thread.
 *  5. That a thread cannot be started matters only if the lane has none at
 *     all: then its jobs go back with ROTA_EAGAIN. Otherwise the threads that
 *     it has will get to them, and the next publish tries again.
 *  6. A worker's memory stays with the lane when its thread ends. So the
 *     memory is still there for a signal that is sent after the lock was
 *     released, and for a look at an item's slot.
 *  7. Loops publish without the lock, as long as some thread is going to take
 *     it and look: one that is on its way (2) or returning (3); or, if the
 *     lane has all the threads that it may have and none sleeps, the first
 *     that is done. If there is no such thread, the lane marks `arrived` as
 *     unwatched before it releases the lock. The loop that finds the stack
 *     unwatched takes the lock and calls a thread.
 *  8. A loop that waits for just one job is about to sleep. It prefers to wake
 *     a thread that fell asleep on the loop's own processor, which need not be
 *     woken itself, to the one that fell asleep last: `make bench B=pool`, 1
 *     in flight.
 *  9. Items of high and low priority do not pass through `arrived`: they are
 *     put into queues of their own, with the lock held. While there are any,
 *     threads take one item at a time, from the first queue that is not empty.
 *     A queue that was passed over ROTA_PRIORITY_PATIENCE times comes first.
 *     An item of high priority has the items that threads have taken and not
 *     begun put back, so it waits for none of them. Without such items all of
 *     this costs one comparison for each share that a thread takes.
 * 10. If the lane has more threads than it should, the surplus is dismissed: a
 *     thread that sleeps does not count any more as soon as it is told to end.
 *     One that finds, between two shares, that there are too many leaves. What
 *     it might have been expected to look at is then looked at under the lock.
 */
#include "pool/lane.h"

#include <string.h>

#include "base/list.h"
#include "base/thread.h"
#include "pool/back.h"
#include "pool/pool.h"
#include "pool/worker.h"
#include "rota/error.h"

static struct rotai_item *item_of_lane_link(struct rota_link *link)
{
	return rota_container_of(link, struct rotai_item, link);
}

static void lane_forget_all(struct rotai_lane *lane)
{
	rotai_stack_init(&lane->arrived, 0);
	lane->polling = ROTAI_POLLING_NOT;
	for (int i = 0; i < ROTAI_LEVELS; i++) {
		rotai_list_init(&lane->queues[i]);
		lane->passed[i] = 0;
	}
	rotai_list_init(&lane->workers);
	rotai_list_init(&lane->idle);
	rotai_list_init(&lane->spare);
	lane->queued = 0;
	lane->apart = 0;
	lane->peak = 0;
	lane->behind = 0;
	lane->done = 0;
	lane->started = 0;
	memset(lane->waits, 0, sizeof(lane->waits));
	lane->made = 0;
	lane->count = 0;
	lane->idle_count = 0;
	lane->returning = 0;
	lane->waking = 0;
}

int rotai_lane_init(struct rotai_lane *lane, struct rota_pool *pool,
		    const char *name, const struct rota_lane_options *options,
		    void *(*body)(void *))
{
	lane_forget_all(lane);
	lane->ending = 0;
	lane->min = options->min_threads;
	lane->max = options->max_threads;
	lane->name = name;
	lane->pool = pool;
	lane->body = body;
	rotai_spinner_init(&lane->spinner, &pool->spin);
	return -pthread_mutex_init(&lane->lock, NULL);
}

void rotai_lane_destroy(struct rotai_lane *lane)
{
	struct rota_link *link;

	while ((link = rotai_list_take_first(&lane->spare)) != NULL)
		rotai_worker_free(rotai_worker_of(link));
	pthread_mutex_destroy(&lane->lock);
}

void rotai_lane_repair(struct rotai_lane *lane)
{
	/* The lock may be held by a thread that does not exist here and was
	 * changing what the lock guards, so nothing of that is used. The
	 * workers' memory is lost. An error is ignored: it is possible only
	 * where a mutex is more than plain memory. */
	(void)pthread_mutex_init(&lane->lock, NULL);
	lane_forget_all(lane);
}

static void note_peak(struct rotai_lane *lane)
{
	if (lane->queued > lane->peak)
		lane->peak = lane->queued;
}

void rotai_lane_take_in(struct rotai_lane *lane)
{
	lane->queued += rotai_stack_take(&lane->arrived,
					 &lane->queues[ROTAI_LEVEL_NORMAL]);
	note_peak(lane);
}

static enum rotai_priority_level level_of_item(const struct rotai_item *item)
{
	if (ROTAI_LIKELY(!(item->flags & ROTAI_ITEM_PRIORITY)))
		return ROTAI_LEVEL_NORMAL;
	return item->flags & ROTAI_ITEM_HIGH ? ROTAI_LEVEL_HIGH
					     : ROTAI_LEVEL_LOW;
}

/* An item of that level is in a queue no more. */
static void count_out_of_queue(struct rotai_lane *lane,
			       enum rotai_priority_level level)
{
	lane->queued--;
	lane->apart -= level != ROTAI_LEVEL_NORMAL;
}

/* Put back what @worker has taken and not begun. A single item is about to
 * begin. */
static void put_slots_back(struct rotai_lane *lane, struct rotai_worker *worker)
{
	struct rota_link *queue = &lane->queues[ROTAI_LEVEL_NORMAL];

	for (unsigned i = worker->taken; worker->taken > 1 && i-- > 0;) {
		struct rotai_item *item = rotai_slot_claim(&worker->slots[i]);

		if (item == NULL)
			continue;
		item->slot = NULL;
		rotai_list_append(queue->next, &item->link);
		lane->queued++;
	}
}

static void put_all_back(struct rotai_lane *lane)
{
	for (struct rota_link *at = lane->workers.prev; at != &lane->workers;
	     at = at->prev)
		put_slots_back(lane, rotai_worker_of(at));
}

void rotai_lane_insert(struct rotai_lane *lane, struct rotai_item *item)
{
	enum rotai_priority_level level = level_of_item(item);

	rotai_list_append(&lane->queues[level], &item->link);
	lane->queued++;
	note_peak(lane);
	if (level == ROTAI_LEVEL_NORMAL)
		return;
	lane->apart++;
	if (level == ROTAI_LEVEL_HIGH)
		put_all_back(lane); /* (9) */
}

/* The level of the next item. (9) */
static enum rotai_priority_level choose_level(const struct rotai_lane *lane)
{
	int level;

	for (level = ROTAI_LEVELS - 1; level > 0; level--)
		if (lane->passed[level] >= ROTA_PRIORITY_PATIENCE &&
		    !rotai_list_is_empty(&lane->queues[level]))
			return (enum rotai_priority_level)level;
	while (rotai_list_is_empty(&lane->queues[level]))
		level++;
	return (enum rotai_priority_level)level;
}

struct rotai_item *rotai_lane_remove_next(struct rotai_lane *lane)
{
	enum rotai_priority_level level = choose_level(lane);
	struct rota_link *link = rotai_list_take_first(&lane->queues[level]);

	count_out_of_queue(lane, level);
	lane->passed[level] = 0;
	for (int below = (int)level + 1; below < ROTAI_LEVELS; below++)
		if (!rotai_list_is_empty(&lane->queues[below]))
			lane->passed[below]++;
	return item_of_lane_link(link);
}

static unsigned returning(const struct rotai_lane *lane)
{
	return __atomic_load_n(&lane->returning, __ATOMIC_RELAXED); /* (3) */
}

static uint32_t polling(const struct rotai_lane *lane)
{
	return __atomic_load_n(&lane->polling, __ATOMIC_RELAXED);
}

/* With the lock held. Relaxed: the worker that polls takes the lock next. */
static void call_who_polls(struct rotai_lane *lane)
{
	__atomic_store_n(&lane->polling, ROTAI_POLLING_CALLED,
			 __ATOMIC_RELAXED);
	lane->waking = 1;
}

int rotai_lane_is_expecting(const struct rotai_lane *lane)
{
	return lane->waking || polling(lane) != ROTAI_POLLING_NOT ||
	       returning(lane) > 0;
}

/* The thread to call. */
struct call {
	struct rotai_worker *worker; /* one that sleeps, or NULL */
	int starts;                  /* start a new one */
};

/* Choose one of the workers that sleep. There is at least one. (8) */
static struct rotai_worker *choose_idle(struct rotai_lane *lane, int near)
{
	struct rota_link *first = lane->idle.next;
	struct rota_link *at = first;
	int here;

	if (!near || first->next == &lane->idle)
		return rotai_worker_of_idle(first);
	here = rotai_thread_processor();
	while (at != &lane->idle && rotai_worker_of_idle(at)->processor != here)
		at = at->next;
	return rotai_worker_of_idle(at != &lane->idle ? at : first);
}

/* With the lock held: choose the thread to call, if one is needed. */
static struct call choose(struct rotai_lane *lane, int near)
{
	struct call call = { NULL, 0 };
	unsigned back = returning(lane);

	if (lane->waking || /* (2) */
	    (back > 0 && lane->queued <= back))
		return call;
	if (polling(lane) == ROTAI_POLLING) {
		call_who_polls(lane);
	} else if (!rotai_list_is_empty(&lane->idle)) {
		call.worker = choose_idle(lane, near);
		rotai_list_remove(&call.worker->idle);
		call.worker->woken = 1;
		lane->idle_count--;
		lane->waking = 1;
	} else if (lane->count < lane->max) {
		call.starts = 1;
		lane->count++;
		lane->waking = 1;
	}
	return call;
}

/* With the lock held, which the caller releases next: mark `arrived` as
 * unwatched if no thread is going to look at it; or, if something has just
 * arrived, choose a thread. (7) If @call has a thread already, that one will
 * look. */
static void unwatch_or_call(struct rotai_lane *lane, struct call *call)
{
	while (!rotai_lane_is_expecting(lane) &&
	       (lane->count < lane->max || !rotai_list_is_empty(&lane->idle)) &&
	       !rotai_stack_leave(&lane->arrived)) {
		rotai_lane_take_in(lane);
		*call = choose(lane, 0);
	}
}

/* With the lock held: refuse all queued items, and move them to @items. (5) */
static void refuse_all(struct rotai_lane *lane, struct rota_link *items)
{
	struct rota_link *at;

	for (int i = 0; i < ROTAI_LEVELS; i++)
		rotai_list_splice(items, &lane->queues[i]);
	lane->queued = 0;
	lane->apart = 0;
	for (at = items->next; at != items; at = at->next)
		__atomic_store_n(&item_of_lane_link(at)->state,
				 ROTAI_ITEM_REFUSED, __ATOMIC_RELAXED);
}

/* The thread that choose() wanted could not be started. @worker is the one that
 * has no thread, or NULL if it could not be made. */
static void did_not_start(struct rotai_lane *lane, struct rotai_worker *worker)
{
	struct rotai_trail trail = { .at = 0 };
	struct rota_link refused;
	struct rota_link *link;
	enum rotai_lane_call whom = ROTAI_LANE_CALL_NOBODY;

	rotai_list_init(&refused);
	pthread_mutex_lock(&lane->lock);
	lane->count--;
	lane->waking = 0;
	if (worker != NULL)
		rotai_list_append(&lane->spare, &worker->link);
	rotai_lane_take_in(lane);
	if (lane->count == 0)
		refuse_all(lane, &refused);
	/* A thread may have fallen asleep meanwhile. */
	if (lane->queued > 0 && !rotai_list_is_empty(&lane->idle))
		whom = ROTAI_LANE_CALL_LAST;
	rotai_lane_unlock(lane, whom);

	while ((link = rotai_list_take_first(&refused)) != NULL) {
		struct rotai_item *item = item_of_lane_link(link);

		if (item->client != NULL)
			rotai_item_give_back(item, &trail);
		else
			item->ended(item, ROTA_EAGAIN); /* shared_job.c (1) */
	}
}

static struct rotai_worker *worker_without_thread(struct rotai_lane *lane)
{
	struct rota_link *link;
	unsigned index = 0;

	pthread_mutex_lock(&lane->lock);
	link = rotai_list_take_first(&lane->spare);
	if (link == NULL)
		index = lane->made++;
	pthread_mutex_unlock(&lane->lock);
	return link != NULL ? rotai_worker_of(link)
			    : rotai_worker_new(lane, index);
}

static void have_come(struct rotai_lane *lane, struct call call)
{
	struct rotai_worker *worker;

	if (call.worker != NULL)
		pthread_cond_signal(&call.worker->wake); /* (6) */
	if (!call.starts)
		return;
	worker = worker_without_thread(lane);
	if (worker == NULL || rotai_worker_start(worker) < 0)
		did_not_start(lane, worker);
}

void rotai_lane_unlock(struct rotai_lane *lane, enum rotai_lane_call whom)
{
	struct call call = { NULL, 0 };

	if (whom != ROTAI_LANE_CALL_NOBODY)
		call = choose(lane, whom == ROTAI_LANE_CALL_NEAR);
	unwatch_or_call(lane, &call);
	pthread_mutex_unlock(&lane->lock);
	have_come(lane, call);
}

void rotai_lane_publish(struct rotai_lane *lane, struct rotai_chain chain,
			enum rotai_lane_call whom)
{
	if (rotai_stack_push(&lane->arrived, &chain) != ROTAI_STACK_UNWATCHED)
		return; /* (7) */
	pthread_mutex_lock(&lane->lock);
	rotai_lane_take_in(lane);
	if (lane->queued == 0)
		whom = ROTAI_LANE_CALL_NOBODY; /* a thread was faster */
	rotai_lane_unlock(lane, whom);
}

void rotai_lane_publish_apart(struct rotai_lane *lane, struct rotai_item *item)
{
	if (lane->pool->records)
		item->since = rotai_wait_now();
	pthread_mutex_lock(&lane->lock);
	rotai_lane_take_in(lane);
	rotai_lane_insert(lane, item);
	rotai_lane_unlock(lane, ROTAI_LANE_CALL_LAST);
}

int rotai_lane_take_back(struct rotai_lane *lane, struct rotai_item *item)
{
	struct rotai_item *there = item;
	int taken = 0;

	pthread_mutex_lock(&lane->lock);
	if (item->slot != NULL) {
		/* (1). Relaxed: the lock orders all that was done to the
		 * item. */
		taken = __atomic_compare_exchange_n(item->slot, &there, NULL, 0,
						    __ATOMIC_RELAXED,
						    __ATOMIC_RELAXED);
	} else if (__atomic_load_n(&item->state, __ATOMIC_RELAXED) ==
		   ROTAI_ITEM_PUBLISHED) {
		rotai_lane_take_in(lane);
		rotai_list_remove(&item->link);
		count_out_of_queue(lane, level_of_item(item));
		taken = 1;
	} else if (__atomic_load_n(&item->state, __ATOMIC_RELAXED) ==
		   ROTAI_ITEM_BEHIND) {
		rotai_list_remove(&item->link);
		lane->behind--;
		taken = 1;
	}
	rotai_lane_unlock(lane, ROTAI_LANE_CALL_NOBODY);
	return taken;
}

void rotai_lane_end(struct rotai_lane *lane)
{
	struct rota_link *link;

	pthread_mutex_lock(&lane->lock);
	lane->ending = 1;
	if (polling(lane) == ROTAI_POLLING)
		call_who_polls(lane);
	while ((link = rotai_list_take_first(&lane->idle)) != NULL) {
		struct rotai_worker *worker = rotai_worker_of_idle(link);

		worker->woken = 1;
		lane->idle_count--;
		pthread_cond_signal(&worker->wake);
	}
	pthread_mutex_unlock(&lane->lock);
}

/* With the lock held: dismiss one of the threads that sleep, the one that has
 * slept longest. (10) */
static void dismiss_idle(struct rotai_lane *lane)
{
	struct rotai_worker *worker = rotai_worker_of_idle(lane->idle.prev);

	rotai_list_remove(&worker->idle);
	lane->idle_count--;
	lane->count--;
	worker->dismissed = 1;
	worker->woken = 1;
	pthread_cond_signal(&worker->wake);
}

void rotai_lane_set_limits(struct rotai_lane *lane, unsigned min, unsigned max)
{
	struct rota_link *at;

	pthread_mutex_lock(&lane->lock);
	lane->min = min;
	__atomic_store_n(&lane->max, max, __ATOMIC_RELAXED);
	while (rotai_lane_has_surplus(lane) &&
	       !rotai_list_is_empty(&lane->idle))
		dismiss_idle(lane);
	/* The others that sleep compute anew for how long. */
	for (at = lane->idle.next; at != &lane->idle; at = at->next)
		pthread_cond_signal(&rotai_worker_of_idle(at)->wake);
	rotai_lane_take_in(lane);
	/* A thread that is stuck may have taken more than one item when no
	 * other could be started. (4) */
	put_all_back(lane);
	rotai_lane_unlock(lane, lane->queued > 0 ? ROTAI_LANE_CALL_LAST
						 : ROTAI_LANE_CALL_NOBODY);
}

/* With the lock held: the longest wait of a job that waits now. */
static uint64_t longest_wait(const struct rotai_lane *lane)
{
	const uint32_t now = rotai_wait_now();
	uint32_t longest = 0;

	for (int i = 0; i < ROTAI_LEVELS; i++) {
		const struct rota_link *queue = &lane->queues[i];
		uint32_t wait;

		if (rotai_list_is_empty(queue))
			continue;
		wait = now - item_of_lane_link(queue->next)->since;
		longest = wait > longest ? wait : longest;
	}
	for (struct rota_link *at = lane->workers.next; at != &lane->workers;
	     at = at->next) {
		uint32_t wait = rotai_worker_wait(rotai_worker_of(at), now);

		longest = wait > longest ? wait : longest;
	}
	return (uint64_t)longest * ROTAI_WAIT_UNIT_NS;
}

void rotai_lane_stats(struct rotai_lane *lane, struct rota_lane_stats *stats)
{
	struct rota_link *at;

	pthread_mutex_lock(&lane->lock);
	rotai_lane_take_in(lane);
	*stats = (struct rota_lane_stats){
		.queued = lane->queued,
		.done = lane->done,
		.started = lane->started,
		.threads = lane->count,
		.idle = lane->idle_count,
		.min_threads = lane->min,
		.max_threads = lane->max,
		.peak = lane->peak,
		.behind = lane->behind,
	};
	memcpy(stats->waits, lane->waits, sizeof(stats->waits));
	if (lane->pool->records)
		stats->oldest_ns = longest_wait(lane);
	for (at = lane->workers.next; at != &lane->workers; at = at->next)
		rotai_worker_count(rotai_worker_of(at), stats);
	rotai_lane_unlock(lane, ROTAI_LANE_CALL_NOBODY);
}
