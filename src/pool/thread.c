/*
 * pool/thread.c - what a thread of a lane does: take jobs, do them, sleep.
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
 *  5. If the pool's spin_ns is set, one worker without work at a time polls,
 *     before it sleeps. It is expected by the lane, so that loops publish to it
 *     without a lock or a system call. What others have taken in meanwhile is
 *     not there to be seen: then it is called. Where polling hardly ever finds
 *     something, it is seldom done: base/spin.h.
 *  6. A worker that is quicker than the loop would come back for every job or
 *     two, and each time take from the loop's processor the cache lines that
 *     it is just about to write to. So if a share of the work that is less than
 *     its slots hold took it less than 2 us on average, the last 4 times, it
 *     waits for less than 1 us before it looks again. It is returning then: see
 *     lane.c (3). Not with one processor alone, where the loop stands still
 *     meanwhile. `make bench B=pool`, 64 and 4096 in flight.
 */
#include "pool/thread.h"

#include "base/clock.h"
#include "base/image.h"
#include "base/list.h"
#include "base/processor.h"
#include "base/thread.h"
#include "pool/back.h"
#include "pool/pool.h"
#include "pool/running.h"
#include "pool/worker.h"

/* With the lock held: how many jobs it has now. (1) */
static unsigned take_jobs(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;
	uint64_t share = lane->queued / lane->max;
	unsigned count = share < 1 ? 1 : (unsigned)share;

	if (share > ROTAI_SLOTS)
		count = ROTAI_SLOTS;
	if (count > lane->queued)
		count = (unsigned)lane->queued;
	for (unsigned i = 0; i < count; i++)
		rotai_worker_hold(
			worker, i,
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

/* With the lock held: how many jobs it has now. (3) */
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
	/* Relaxed: they are figures. Nobody else writes them. */
	__atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
}

/* Whether it is returning: see lane.c (3). @last: there is nothing more to do
 * but @item. */
static int run_job(struct rotai_worker *worker, struct rotai_item *item,
		   int last)
{
	add_one(&worker->begun);
	rotai_item_run(item);
	add_one(&worker->ended);
	if (!rotai_item_end(item))
		return 0;
	/* Relaxed, as the count says only that this thread is yet to take the
	 * lock: who sees it has the lock, and so comes first. */
	if (last) {
		__atomic_fetch_add(&worker->lane->returning, 1,
				   __ATOMIC_RELAXED);
		rotai_stack_watch(&worker->lane->arrived); /* lane.c (7) */
	}
	rotai_item_give_back(item, &worker->trail);
	return last;
}

/* Without the lock: do the jobs that stand in the first @count slots. Whether
 * it is returning; or -1 in a child that a job has forked and returned in. This
 * thread is alone there, and must not go on with what is the parent's to do. */
static int do_all(struct rotai_worker *worker, unsigned count)
{
	int returning = 0;

	for (unsigned i = 0; i < count; i++) {
		struct rotai_item *item =
			rotai_slot_claim(&worker->slots[i]); /* (2) */

		if (item != NULL)
			returning = run_job(worker, item, i + 1 == count);
		if (ROTAI_UNLIKELY(rotai_pool_is_inherited(worker->lane->pool)))
			return -1;
	}
	return returning;
}

/* It did not fill its slots: wait a moment before it looks for more, if that is
 * how it goes all the time. (6) */
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

/* With the lock held, let go of meanwhile: do one share of the work: 1; 0 if
 * there is none; or -1, without the lock, see do_all(). */
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
	/* See lane.c (4): what is stolen may have left as much behind. */
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

/* With the lock held, let go of meanwhile: look for a while what arrives. (5)
 * Whether something has. */
static int poll_lane(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;
	uint32_t pauses = lane->pool->spin.pauses;
	int called, found;

	if (pauses == 0 || lane->ending || rotai_lane_is_expecting(lane) ||
	    !rotai_spinner_tries(&lane->spinner))
		return 0;
	worker->hurries = 0; /* it waits in a better way */
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

/* With the lock held: wait to be woken: 1, or 0 if it is time to end. (4) */
static int sleep_until_woken(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;

	if (lane->ending)
		return 0;
	/* Somebody is expected to look, or the next to publish is told. */
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

static void leave_lane(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;

	lane->count--;
	lane->done += worker->ended;
	rotai_list_remove(&worker->link);
	rotai_list_append(&lane->spare, &worker->link);
	rotai_lane_unlock(lane, ROTAI_LANE_CALL_NOBODY);
	rotai_pool_release(lane->pool);
}

void *rotai_pool_thread(void *arg)
{
	struct rotai_worker *worker = arg;
	int worked;

	rotai_image_arrive();
	arrive(worker);
	do {
		do
			worked = work_once(worker);
		while (worked > 0);
		if (worked < 0) {
			rotai_image_stay();
			return NULL;
		}
	} while (poll_lane(worker) || sleep_until_woken(worker));
	leave_lane(worker);
	return NULL;
}
