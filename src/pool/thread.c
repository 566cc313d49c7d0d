/*
 * pool/thread.c - what a thread of a lane does: take jobs, run them, sleep.
 *
 *  1. A thread takes several jobs at a time if many wait, so that in a burst
 *     it takes the lock once for several jobs. It takes no more than its
 *     share, so that other threads find some too.
 *  2. It claims each job just before it runs it. Until then another thread may
 *     steal the job, or its loop may take it back. See lane.c (1).
 *  3. When the queue is empty, it looks at the jobs that other workers have
 *     taken and not begun. It steals half of the jobs of the first worker that
 *     has any, the oldest first.
 *  4. The thread that fell asleep last is woken first. So a thread that is not
 *     needed goes on sleeping, and ends when it has slept for the pool's
 *     idle_ns.
 *  5. If the pool's spin_ns is set, a worker without work polls before it
 *     sleeps: it busy-waits for jobs to arrive. Only one worker of a lane does
 *     so at a time. The lane counts on it, so loops publish to it without a
 *     lock or a system call. Jobs that another thread has moved to the queue
 *     are not visible to it, so that thread calls it. If polling seldom finds
 *     anything, it is seldom done: base/spin.h.
 *  6. A worker that is faster than the loop would come back for every job or
 *     two. Each time it would take from the loop's processor the cache lines
 *     that the loop is just about to write to. So if a worker's last 4 shares
 *     that left slots empty took less than 2 us each on average, it waits for
 *     less than 1 us before it looks again. It is returning then: see
 *     lane.c (3). With only one processor it does not wait, because the loop
 *     stands still meanwhile. `make bench B=pool`, 64 and 4096 in flight.
 */
#include "pool/thread.h"

#include "base/clock.h"
#include "base/image.h"
#include "base/list.h"
#include "base/processor.h"
#include "base/thread.h"
#include "pool/back.h"
#include "pool/blocks.h"
#include "pool/pool.h"
#include "pool/running.h"
#include "pool/worker.h"

/* With the lock held: take jobs from the queue. Returns how many. (1) */
static unsigned take_jobs(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;
	struct rota_link *queue = &lane->queues[ROTAI_LEVEL_NORMAL];
	uint64_t share = lane->queued / lane->max;
	unsigned count = share < 1 ? 1 : (unsigned)share;

	if (ROTAI_UNLIKELY(lane->apart > 0)) {
		rotai_worker_hold(worker, 0, rotai_lane_remove_next(lane));
		return 1;
	}
	if (share > ROTAI_SLOTS)
		count = ROTAI_SLOTS;
	if (count > lane->queued)
		count = (unsigned)lane->queued;
	for (unsigned i = 0; i < count; i++)
		rotai_worker_hold(
			worker, i,
			rota_container_of(rotai_list_take_first(queue),
					  struct rotai_item, link));
	lane->queued -= count;
	return count;
}

static unsigned unclaimed(const struct rotai_worker *worker)
{
	unsigned count = 0;

	/* A single job has none waiting behind it. */
	for (unsigned i = 0; worker->taken > 1 && i < worker->taken; i++)
		count += rotai_slot_load(&worker->slots[i]) != NULL;
	return count;
}

static unsigned steal_from(struct rotai_worker *worker,
			   struct rotai_worker *other)
{
	unsigned wanted = (unclaimed(other) + 1) / 2;
	unsigned count = 0;

	for (unsigned i = 0; i < other->taken && count < wanted; i++) {
		struct rotai_item *item = rotai_slot_claim(&other->slots[i]);

		if (item != NULL)
			rotai_worker_hold(worker, count++, item);
	}
	return count;
}

/* With the lock held: take jobs from another worker. Returns how many. (3) */
static unsigned steal_jobs(struct rotai_worker *worker)
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
	/* Relaxed: these are statistics. No other thread writes them. */
	__atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
}

/* Run @item. Returns whether the thread is returning: see lane.c (3). @last: it
 * has nothing more to do than @item. */
static int run_job(struct rotai_worker *worker, struct rotai_item *item,
		   int last)
{
	add_one(&worker->begun);
	rotai_item_run(item);
	add_one(&worker->ended);
	if (!rotai_item_end(item, last))
		return 0;
	/* Relaxed: the count only says that this thread has yet to take the
	 * lock. A thread that sees it has the lock, and so comes first. */
	if (last) {
		__atomic_fetch_add(&worker->lane->returning, 1,
				   __ATOMIC_RELAXED);
		rotai_stack_watch(&worker->lane->arrived); /* lane.c (7) */
	}
	rotai_item_give_back(item, &worker->trail);
	return last;
}

/* Without the lock: run the jobs in the first @count slots. Returns whether the
 * thread is returning; or -1 in a child process, if a job has forked and
 * returned there. This thread is the only one there, and must not go on with
 * the parent's jobs. */
ROTAI_INLINE int do_jobs(struct rotai_worker *worker, unsigned count,
			 int records)
{
	int returning = 0;

	for (unsigned i = 0; i < count; i++) {
		struct rotai_item *item =
			rotai_slot_claim(&worker->slots[i]); /* (2) */

		if (records && item != NULL)
			rotai_worker_note_wait(worker, item);
		if (item != NULL)
			returning = run_job(worker, item, i + 1 == count);
		if (ROTAI_UNLIKELY(rotai_pool_is_inherited(worker->lane->pool)))
			return -1;
	}
	return returning;
}

/* Two copies, so that recording costs nothing if it is off. */
static int do_all(struct rotai_worker *worker, unsigned count)
{
	return ROTAI_UNLIKELY(worker->waits != NULL)
		       ? do_jobs(worker, count, 1)
		       : do_jobs(worker, count, 0);
}

/* The worker did not fill its slots. If that happens again and again in quick
 * succession, wait a moment before it looks for more. (6) */
static void gather_jobs(struct rotai_worker *worker)
{
	enum {
		LOOK_EVERY = 4,
		QUICK_NS = LOOK_EVERY * 2000,
		GATHER_PAUSES = 32
	};
	uint64_t now_ns;

	if (!worker->lane->pool->has_company)
		return;
	if (++worker->little % LOOK_EVERY == 0) {
		now_ns = rotai_clock_monotonic();
		worker->hurries = now_ns - worker->looked_ns < QUICK_NS;
		worker->looked_ns = now_ns;
	}
	for (int i = 0; worker->hurries && i < GATHER_PAUSES; i++)
		rotai_processor_relax();
}

/* With the lock held, which is released meanwhile: do one share of the work.
 * Returns 1; 0 if there is none; or -1, without the lock: see do_all(). */
static int work_once(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;
	unsigned count;
	int returning;
	int stolen;
	int more;

	rotai_lane_take_in(lane);
	count = take_jobs(worker);
	stolen = count == 0;
	if (stolen)
		count = steal_jobs(worker);
	if (count == 0)
		return 0;
	worker->taken = count;
	if (ROTAI_UNLIKELY(worker->waits != NULL))
		rotai_worker_note_taken(worker);
	/* lane.c (4): a worker that was stolen from may have as many jobs
	 * left. */
	more = lane->queued > 0 || count > 1 || stolen;
	rotai_lane_unlock(lane,
			  more ? ROTAI_LANE_CALL_LAST : ROTAI_LANE_CALL_NOBODY);

	returning = do_all(worker, count);
	if (returning < 0)
		return -1;
	if (count < ROTAI_SLOTS)
		gather_jobs(worker);
	pthread_mutex_lock(&lane->lock);
	if (returning)
		__atomic_fetch_sub(&lane->returning, 1, __ATOMIC_RELAXED);
	return 1;
}

/* With the lock held, which is released meanwhile: poll for a while. (5)
 * Returns whether there are jobs. */
static int poll_lane(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;
	uint32_t pauses = lane->pool->spin.pauses;
	int called, found;

	if (pauses == 0 || lane->ending || rotai_lane_is_expecting(lane) ||
	    !rotai_spinner_tries(&lane->spinner))
		return 0;
	worker->hurries = 0; /* this replaces the wait of (6) */
	worker->little = 0;
	__atomic_store_n(&lane->polling, ROTAI_POLLING, __ATOMIC_RELAXED);
	rotai_stack_watch(&lane->arrived); /* lane.c (7) */
	pthread_mutex_unlock(&lane->lock);
	while (pauses-- > 0 && rotai_stack_is_empty(&lane->arrived) &&
	       __atomic_load_n(&lane->polling, __ATOMIC_RELAXED) ==
		       ROTAI_POLLING)
		rotai_processor_relax();
	pthread_mutex_lock(&lane->lock);
	called = __atomic_load_n(&lane->polling, __ATOMIC_RELAXED) ==
		 ROTAI_POLLING_CALLED;
	if (called)
		lane->waking = 0;
	__atomic_store_n(&lane->polling, ROTAI_POLLING_NOT, __ATOMIC_RELAXED);
	found = called || !rotai_stack_is_empty(&lane->arrived) ||
		lane->queued > 0;
	rotai_spinner_note(&lane->spinner, found);
	return found;
}

/* With the lock held: sleep. Returns 1 when woken, or 0 if the thread must end.
 * (4) */
static int sleep_until_woken(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;

	if (lane->ending)
		return 0;
	/* Sleep only if another thread will look, or if the next publish will
	 * find that none does. */
	if (!rotai_lane_is_expecting(lane) &&
	    !rotai_stack_leave(&lane->arrived))
		return 1;
	worker->woken = 0;
	worker->processor = rotai_thread_processor();
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
	if (worker->dismissed)
		return 0;
	lane->waking = 0;
	return 1;
}

static void arrive(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;

	rotai_worker_set_name(worker);
	rotai_blocks_arrive();
	pthread_mutex_lock(&lane->lock);
	rotai_list_append(&lane->workers, &worker->link);
	lane->started++;
	lane->waking = 0;
}

static void leave_lane(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;

	if (!worker->dismissed)
		lane->count--;
	rotai_worker_retire(worker);
	rotai_list_remove(&worker->link);
	rotai_list_append(&lane->spare, &worker->link);
	rotai_lane_take_in(lane);
	rotai_lane_unlock(lane, lane->queued > 0 ? ROTAI_LANE_CALL_LAST
						 : ROTAI_LANE_CALL_NOBODY);
	rotai_blocks_leave();
	rotai_pool_release(lane->pool);
}

void *rotai_pool_thread(void *arg)
{
	struct rotai_worker *worker = arg;
	const struct rotai_lane *lane = worker->lane;
	int worked;

	rotai_image_arrive();
	arrive(worker);
	do {
		do
			worked = work_once(worker);
		while (worked > 0 && !rotai_lane_has_surplus(lane));
		if (worked < 0) {
			rotai_image_stay();
			return NULL;
		}
	} while (!rotai_lane_has_surplus(lane) &&
		 (poll_lane(worker) || sleep_until_woken(worker)));
	leave_lane(worker);
	return NULL;
}
