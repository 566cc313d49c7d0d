/*
 * pool/serial_loop.c - serial queues: what the loop does. The numbers refer to
 * serial.c.
 */
#include "base/list.h"
#include "loop/loop.h"
#include "pool/client.h"
#include "pool/pool.h"
#include "pool/serial.h"

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
	struct rotai_lane *lane = rotai_serial_lane(serial, item);

	if (lane->pool->records)
		item->since = rotai_wait_now();
	if (serial->internal.in_flight++ > 0 && /* (4) */
	    wait_behind(serial, item, lane))
		return;
	serial->internal.head = item;
	rotai_pool_client_stage(item->client, item);
}

/* The same as rotai_serial_publish_next() in a lane without threads. (6) */
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
	struct rotai_lane *lane = rotai_serial_lane(serial, item);
	enum rotai_lane_call whom = ROTAI_LANE_CALL_NOBODY;

	if (!rotai_lane_has_threads(lane)) {
		if (serial->internal.head == item)
			stage_next(serial, lane);
		return;
	}
	pthread_mutex_lock(&lane->lock);
	if (serial->internal.head == item &&
	    rotai_serial_publish_next(serial, lane))
		whom = ROTAI_LANE_CALL_LAST;
	rotai_lane_unlock(lane, whom);
}

void rotai_serial_came_back(struct rota_serial *serial, struct rotai_item *item,
			    int error)
{
	if (error < 0 ||
	    !rotai_lane_has_threads(rotai_serial_lane(serial, item)))
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
