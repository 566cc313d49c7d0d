/*
 * pool/serial.c - serial queues.
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
 *  6. In a lane without threads the loop runs the head in its pending phase, and
 *     then stages the next one. So it runs one job of a queue in a turn.
 */
#include "pool/serial.h"

#include "base/list.h"
#include "loop/loop.h"
#include "pool/client.h"
#include "pool/pool.h"

static struct rotai_lane *lane_of(const struct rota_serial *serial,
				  const struct rotai_item *item)
{
	return &item->client->pool->lanes[serial->internal.lane];
}

/* With the lock held: publish the next item, if there is one. Returns whether
 * there was. */
static int publish_next(struct rota_serial *serial, struct rotai_lane *lane)
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

/* Have @item wait, unless there is no head any more. Returns whether it
 * waits. */
static int wait_behind(struct rota_serial *serial, struct rotai_item *item,
		       struct rotai_lane *lane)
{
	int waits;

	pthread_mutex_lock(&lane->lock);
	waits = serial->internal.head != NULL;
	if (waits) {
		rotai_pool_client_join(item->client, item);
		item->state = ROTAI_ITEM_BEHIND;
		rotai_list_append(&serial->internal.waiting, &item->link);
		lane->behind++;
	}
	pthread_mutex_unlock(&lane->lock);
	return waits;
}

void rotai_serial_enter(struct rota_serial *serial, struct rotai_item *item)
{
	struct rotai_lane *lane = lane_of(serial, item);

	if (lane->pool->records)
		item->since = rotai_wait_now();
	if (serial->internal.in_flight++ > 0 && /* (4) */
	    wait_behind(serial, item, lane))
		return;
	serial->internal.head = item;
	rotai_pool_client_stage(item->client, item);
}

void rotai_serial_go_on(struct rotai_item *item, int last)
{
	struct rota_serial *serial =
		rota_container_of(item, struct rota_work, internal.item)
			->internal.serial;
	struct rotai_lane *lane = lane_of(serial, item);
	enum rotai_lane_call whom = ROTAI_LANE_CALL_NOBODY;

	if (ROTAI_UNLIKELY(rotai_pool_is_inherited(lane->pool)))
		return; /* the job has forked, and the lock is the parent's */
	pthread_mutex_lock(&lane->lock);
	if (publish_next(serial, lane) && (!last || lane->queued > 1))
		whom = ROTAI_LANE_CALL_LAST; /* (5) */
	rotai_lane_unlock(lane, whom);
}

/* The same as publish_next() in a lane without threads. (6) */
static void stage_next(struct rota_serial *serial, struct rotai_lane *lane)
{
	struct rota_link *link =
		rotai_list_take_first(&serial->internal.waiting);
	struct rotai_item *next;

	serial->internal.head = NULL;
	if (link == NULL)
		return;
	next = rota_container_of(link, struct rotai_item, link);
	serial->internal.head = next;
	pthread_mutex_lock(&lane->lock);
	lane->behind--;
	pthread_mutex_unlock(&lane->lock);
	rotai_pool_client_count_out(next->client);
	rotai_pool_client_stage(next->client, next);
}

void rotai_serial_left(struct rota_serial *serial, struct rotai_item *item)
{
	struct rotai_lane *lane = lane_of(serial, item);
	enum rotai_lane_call whom = ROTAI_LANE_CALL_NOBODY;

	if (!rotai_lane_has_threads(lane)) {
		if (serial->internal.head == item)
			stage_next(serial, lane);
		return;
	}
	pthread_mutex_lock(&lane->lock);
	if (serial->internal.head == item && publish_next(serial, lane))
		whom = ROTAI_LANE_CALL_LAST;
	rotai_lane_unlock(lane, whom);
}

void rotai_serial_came_back(struct rota_serial *serial, struct rotai_item *item,
			    int error)
{
	if (error < 0 || !rotai_lane_has_threads(lane_of(serial, item)))
		rotai_serial_left(serial, item);
}

struct rotai_item *rotai_serial_head(struct rota_serial *serial)
{
	struct rotai_pool_client *client =
		rotai_pool_client_get(serial->internal.loop);
	struct rotai_lane *lane = &client->pool->lanes[serial->internal.lane];
	struct rotai_item *head;

	pthread_mutex_lock(&lane->lock);
	head = serial->internal.head;
	pthread_mutex_unlock(&lane->lock);
	return head;
}

struct rotai_item *rotai_serial_withdraw(struct rota_serial *serial)
{
	struct rotai_pool_client *client =
		rotai_pool_client_get(serial->internal.loop);
	struct rotai_lane *lane = &client->pool->lanes[serial->internal.lane];
	struct rota_link *link;

	pthread_mutex_lock(&lane->lock);
	link = rotai_list_take_first(&serial->internal.waiting);
	if (link != NULL)
		lane->behind--;
	pthread_mutex_unlock(&lane->lock);
	if (link == NULL)
		return NULL;
	rotai_pool_client_count_out(client);
	return rota_container_of(link, struct rotai_item, link);
}

void rotai_serial_forked(struct rota_serial *serial)
{
	serial->internal.head = NULL;
	rotai_list_init(&serial->internal.waiting);
}
