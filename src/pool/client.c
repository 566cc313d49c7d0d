/*
 * pool/client.c - a loop as a client of its pool: it submits items and calls
 * back those that come back (back.c).
 *
 *  1. The loop takes the stack `done` only when the async was sent. So an item
 *     is never called before the send that reports it, and a loop that closes
 *     after the last one was called has no send outstanding. A thread may not
 *     have returned from its send yet: `senders` counts such threads, and the
 *     loop's memory is freed after they have returned. That takes no longer
 *     than a write.
 *  2. Before they are called, items that came back are in the list `back`: the
 *     callback of one may submit others, or fork, or reach the limit of a turn.
 *     What is left then is called in the next pending phase.
 *  3. Items of a lane without threads wait in `here`, and the pending phase
 *     takes that list whole.
 *  4. In a forked child what is not published stays so until the loop is
 *     rebuilt, which ends it: threads and locks are the parent's (F2).
 *  5. While items are at the threads, the loop busy-waits before it sleeps, if
 *     the pool's options ask for that. The client knows whether it pays.
 */
#include "pool/client.h"

#include "base/list.h"
#include "base/memory.h"
#include "base/thread.h"
#include "loop/async.h"
#include "loop/loop.h"
#include "pool/default.h"
#include "pool/pool.h"
#include "pool/running.h"

static struct rotai_poolside *side_of(struct rotai_annex *annex)
{
	return rota_container_of(annex, struct rotai_poolside, annex);
}

static struct rotai_item *item_of(struct rota_link *link)
{
	return rota_container_of(link, struct rotai_item, link);
}

struct rotai_poolside *rotai_poolside_get(struct rota_loop *loop)
{
	struct rotai_annex *annex = rotai_annex_get(loop, ROTAI_ANNEX_POOL);

	return annex == NULL ? NULL : side_of(annex);
}

static void publish_lane(struct rotai_poolside *side, int lane)
{
	struct rotai_chain chain = { NULL, NULL };
	struct rota_link *at = side->staged[lane].next;

	if (side->pool->spin.pauses > 0)
		side->loop->spin = &side->spinner; /* (5) */
	while (at != &side->staged[lane]) {
		struct rota_link *next = at->next;

		/* Still the loop's own; the push will order this. */
		item_of(at)->state = ROTAI_ITEM_PUBLISHED;
		rotai_chain_add(&chain, at, &side->trail);
		side->out++;
		side->loop->at_threads++; /* C10 */
		at = next;
	}
	rotai_list_init(&side->staged[lane]);
	rotai_lane_publish(&side->pool->lanes[lane], &chain,
			   side->out == 1 ? ROTAI_LANE_CALL_NEAR
					  : ROTAI_LANE_CALL_LAST);
}

static void publish(struct rotai_poolside *side)
{
	if (rotai_loop_inherited(side->loop) < 0)
		return; /* (4) */
	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++)
		if (!rotai_list_is_empty(&side->staged[lane]))
			publish_lane(side, lane);
}

void rotai_poolside_stage(struct rotai_poolside *side, struct rotai_item *item)
{
	if (side->pool->lanes[item->lane].max == 0) { /* (3) */
		item->state = ROTAI_ITEM_HERE;
		rotai_list_append(&side->here, &item->link);
		rotai_annex_call_pending(side->loop, &side->annex);
		return;
	}
	item->state = ROTAI_ITEM_STAGED;
	rotai_list_append(&side->staged[item->lane], &item->link);
	if (rotai_loop_is_calling(side->loop))
		rotai_annex_call_after(side->loop, &side->annex);
	else
		publish(side);
}

void rotai_poolside_unstage(struct rotai_item *item)
{
	rotai_list_remove(&item->link);
}

void rotai_poolside_count_out(struct rotai_poolside *side)
{
	side->loop->at_threads--;
	if (--side->out == 0)
		side->loop->spin = NULL; /* (5) */
}

static void call_one(struct rotai_item *item)
{
	int refused = __atomic_load_n(&item->state, __ATOMIC_RELAXED) ==
		      ROTAI_ITEM_REFUSED;

	item->ended(item, refused ? ROTA_EAGAIN : 0);
}

/* (2) */
static void call_back(struct rotai_poolside *side)
{
	uint64_t turn = side->loop->stats.turns;
	struct rota_link *link;

	if (side->turn != turn) {
		side->turn = turn;
		side->left = ROTA_POOL_COMPLETIONS_PER_TURN;
	}
	while (side->left > 0 &&
	       (link = rotai_list_take_first(&side->back)) != NULL) {
		side->left--;
		rotai_poolside_count_out(side);
		call_one(item_of(link));
	}
	if (!rotai_list_is_empty(&side->back))
		rotai_annex_call_pending(side->loop, &side->annex);
}

static void on_async(struct rota_async *async)
{
	struct rotai_poolside *side =
		rota_container_of(async, struct rotai_poolside, async);

	(void)rotai_stack_take(&side->done, &side->back);
	call_back(side);
	publish(side); /* what ended() has queued, outside the user's calls */
}

static void on_after(struct rotai_annex *annex, struct rota_loop *loop)
{
	(void)loop;
	publish(side_of(annex));
}

static void on_take(struct rotai_annex *annex)
{
	struct rotai_poolside *side = side_of(annex);

	rotai_list_splice(&side->here_taken, &side->here); /* (3) */
}

static void on_pending(struct rotai_annex *annex, struct rota_loop *loop)
{
	struct rotai_poolside *side = side_of(annex);
	struct rota_link *link;

	(void)loop;
	call_back(side);
	while ((link = rotai_list_take_first(&side->here_taken)) != NULL) {
		struct rotai_item *item = item_of(link);

		item->state = ROTAI_ITEM_ENDED;
		rotai_item_run(item);
		item->ended(item, 0);
	}
	publish(side);
}

static void forget_all(struct rotai_poolside *side)
{
	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++)
		rotai_list_init(&side->staged[lane]);
	rotai_list_init(&side->here);
	rotai_list_init(&side->here_taken);
	rotai_list_init(&side->back);
	side->out = 0;
	side->loop->at_threads = 0;
	side->loop->spin = NULL;
	side->trail = (struct rotai_trail){ .at = 0 };
	rotai_stack_init(&side->done, 1);
	side->senders = 0;
}

static void on_fork(struct rotai_annex *annex, struct rota_loop *loop)
{
	struct rotai_poolside *side = side_of(annex);

	(void)loop;
	rotai_pool_repair(side->pool);
	forget_all(side);
	rotai_async_repair(&side->async);
}

static void free_side(struct rotai_annex *annex, struct rota_loop *loop)
{
	struct rotai_poolside *side = side_of(annex);
	unsigned tries = 0;

	/* (1); in a forked child they are not there, and never will be back. */
	while (rotai_loop_inherited(loop) == 0 &&
	       __atomic_load_n(&side->senders, __ATOMIC_ACQUIRE) > 0)
		rotai_thread_pause(tries++);
	rota_pool_unref(side->pool);
	rotai_memory_free(&loop->allocator, side, sizeof(*side));
}

int rotai_poolside_new(struct rota_loop *loop)
{
	struct rota_pool *pool = loop->pool != NULL ? rota_pool_ref(loop->pool)
						    : rotai_pool_use_default();
	struct rotai_poolside *side;

	if (pool == NULL)
		return ROTA_ENOMEM;
	side = rotai_memory_new(&loop->allocator, sizeof(*side));
	if (side == NULL) {
		rota_pool_unref(pool);
		return ROTA_ENOMEM;
	}
	side->annex = (struct rotai_annex){
		.free = free_side,
		.after = on_after,
		.take = on_take,
		.pending = on_pending,
		.forked = on_fork,
	};
	side->loop = loop;
	side->pool = pool;
	rotai_spinner_init(&side->spinner, &pool->spin);
	side->turn = 0;
	side->left = ROTA_POOL_COMPLETIONS_PER_TURN;
	forget_all(side);
	rotai_pool_repair(pool);
	rotai_async_start_own(&side->async, loop, on_async);
	rotai_annex_set(loop, ROTAI_ANNEX_POOL, &side->annex);
	return 0;
}
