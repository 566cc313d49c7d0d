/*
 * pool/serial.c - serial queues: how one item follows another. serial_loop.c
 * has what only the loop does.
 *
 *  1. The first item of a queue, its `head`, is an item like any other: staged,
 *     in the lane, or being run. Those behind it are in the list `waiting`, in
 *     the state BEHIND. They count as items that threads have, so the loop
 *     waits for them.
 *  2. The thread that has run the head publishes the next one before it gives
 *     the head back. So the loop cannot see the end of the last item while a
 *     thread still uses the queue. When all items were called back, its memory
 *     may be freed: no thread holds a reference.
 *  3. The lane's lock guards head, waiting, and the change from BEHIND to
 *     PUBLISHED. So an item that is taken back is in `waiting` or in the lane,
 *     and in no place between. A lock of its own would make a queue larger, and
 *     the thread takes the lane's lock anyway to look for its next job.
 *  4. Only the loop changes in_flight. If it is 0, no thread uses the queue,
 *     and the loop needs no lock.
 *  5. The next item goes to the end of the lane's queue. So no queue keeps
 *     other jobs waiting. If the lane has nothing else, the same thread finds
 *     it when it next looks, and is not woken for it.
 *  6. In a lane without threads the loop runs the head in its pending phase,
 *     and then stages the next one. So it runs one job of a queue in a turn.
 */
#include "pool/serial.h"

#include "base/list.h"
#include "pool/pool.h"

int rotai_serial_publish_next(struct rota_serial *serial,
			      struct rotai_lane *lane)
{
	struct rota_link *link =
		rotai_list_take_first(&serial->internal.waiting);
	struct rotai_item *next;

	serial->internal.head = NULL;
	if (link == NULL)
		return 0;
	next = rota_container_of(link, struct rotai_item, link);
	serial->internal.head = next;
	lane->behind--;
	__atomic_store_n(&next->state, ROTAI_ITEM_PUBLISHED, __ATOMIC_RELAXED);
	rotai_lane_take_in(lane);
	rotai_lane_insert(lane, next);
	return 1;
}

void rotai_serial_go_on(struct rotai_item *item, int last)
{
	struct rota_serial *serial =
		rota_container_of(item, struct rota_work, internal.item)
			->internal.serial;
	struct rotai_lane *lane = rotai_serial_lane(serial, item);
	enum rotai_lane_call whom = ROTAI_LANE_CALL_NOBODY;

	if (ROTAI_UNLIKELY(rotai_pool_is_inherited(lane->pool)))
		return; /* the job has forked, and the lock is the parent's */
	pthread_mutex_lock(&lane->lock);
	if (rotai_serial_publish_next(serial, lane) &&
	    (!last || lane->queued > 1))
		whom = ROTAI_LANE_CALL_LAST; /* (5) */
	rotai_lane_unlock(lane, whom);
}
