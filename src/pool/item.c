/*
 * pool/item.c - one job: queue it, take it back, abandon it.
 *
 * The states are in back.h. What the loop can do with an item depends on its
 * state:
 *
 *     staged, here   the item is the loop's own: take it back
 *     behind         ask the lane: it may have been published meanwhile
 *     published      ask the lane whether a thread has begun it. If so, the
 *                    loop can only ask the job to end, or abandon it
 *     refused, ended it is on its way back
 */
#include "pool/item.h"

#include "loop/loop.h"
#include "pool/client.h"
#include "pool/pool.h"
#include "rota/error.h"

int rotai_item_prepare(struct rota_loop *loop)
{
	return rotai_pool_client_get(loop) != NULL
		       ? 0
		       : rotai_pool_client_new(loop);
}

static void set_up_item(struct rotai_item *item, struct rota_loop *loop,
			rotai_item_run_fn *run, rotai_item_ended_fn *ended)
{
	item->run = run;
	item->ended = ended;
	item->client = rotai_pool_client_get(loop);
	ROTA_ASSERT(item->client != NULL); /* rotai_item_prepare() was called */
	item->slot = NULL;
	item->canceled = 0;
}

void rotai_item_queue(struct rotai_item *item, struct rota_loop *loop,
		      enum rota_lane lane, rotai_item_run_fn *run,
		      rotai_item_ended_fn *ended)
{
	set_up_item(item, loop, run, ended);
	item->lane = (uint8_t)lane;
	item->flags = 0;
	rotai_pool_client_stage(item->client, item);
}

void rotai_item_queue_for(struct rotai_item *item,
			  const struct rota_request *request,
			  enum rota_lane lane, rotai_item_run_fn *run,
			  rotai_item_ended_fn *ended)
{
	set_up_item(item, request->internal.loop, run, ended);
	item->lane = (uint8_t)lane;
	item->flags = request->internal.priority;
	rotai_pool_client_stage(item->client, item);
}

void rotai_item_queue_detachable(struct rotai_item *item,
				 struct rota_loop *loop, uint8_t priority,
				 enum rota_lane lane, rotai_item_run_fn *run,
				 rotai_item_ended_fn *ended)
{
	set_up_item(item, loop, run, ended);
	item->lane = (uint8_t)lane;
	item->flags = priority | ROTAI_ITEM_DETACHABLE;
	rotai_pool_client_stage(item->client, item);
}

void rotai_item_set_up_serial(struct rotai_item *item,
			      const struct rota_request *request,
			      enum rota_lane lane, rotai_item_run_fn *run,
			      rotai_item_ended_fn *ended)
{
	set_up_item(item, request->internal.loop, run, ended);
	item->lane = (uint8_t)lane;
	item->flags = request->internal.priority | ROTAI_ITEM_SERIAL;
}

void rotai_item_queue_here(struct rotai_item *item, struct rota_loop *loop,
			   rotai_item_run_fn *run, rotai_item_ended_fn *ended)
{
	set_up_item(item, loop, run, ended);
	item->lane = ROTA_LANE_IO; /* unused */
	item->flags = 0;
	rotai_pool_client_stage_here(item->client, item);
}

int rotai_item_has_threads(const struct rota_loop *loop, enum rota_lane lane)
{
	return rotai_lane_has_threads(
		&rotai_pool_client_get(loop)->pool->lanes[lane]);
}

static int take_back(struct rotai_item *item)
{
	struct rotai_pool_client *client = item->client;

	/* In a forked child the lock is the parent's (F2). */
	return rotai_loop_inherited(client->loop) == 0 &&
	       rotai_lane_take_back(&client->pool->lanes[item->lane], item);
}

/* Whether @item is on its way back. Acquires what the thread has done:
 * running.c (3). */
static int has_ended(const struct rotai_item *item)
{
	uint8_t state = __atomic_load_n(&item->state, __ATOMIC_ACQUIRE);

	return state == ROTAI_ITEM_ENDED || state == ROTAI_ITEM_REFUSED;
}

int rotai_item_cancel(struct rotai_item *item)
{
	switch (__atomic_load_n(&item->state, __ATOMIC_RELAXED)) {
	case ROTAI_ITEM_STAGED:
	case ROTAI_ITEM_HERE:
		rotai_pool_client_unstage(item);
		return 0;
	case ROTAI_ITEM_BEHIND:
	case ROTAI_ITEM_PUBLISHED:
		if (take_back(item)) {
			rotai_pool_client_count_out(item->client);
			return 0;
		}
	}
	if (has_ended(item))
		return ROTA_EALREADY;
	__atomic_store_n(&item->canceled, 1, __ATOMIC_RELAXED);
	return ROTA_EBUSY;
}

int rotai_item_abandon(struct rotai_item *item)
{
	struct rotai_pool_client *client = item->client;
	uint8_t state = ROTAI_ITEM_PUBLISHED;

	/* See running.c (2). */
	if (!__atomic_compare_exchange_n(&item->state, &state,
					 ROTAI_ITEM_ABANDONED, 0,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return ROTA_EALREADY;
	rotai_pool_client_count_out(client);
	return 0;
}

int rotai_item_was_taken(const struct rotai_item *item)
{
	return item->state == ROTAI_ITEM_PUBLISHED && item->slot != NULL;
}
