/*
 * pool/side.c - a loop's side of its pool.
 *
 *  1. Items come back on a stack, `done`, that any thread pushes to and the
 *     loop takes whole, turning it round so that they come in the order in
 *     which they ended. Who pushes the first one sends the async; the others
 *     find it sent, or about to be, and have touched the loop for the last
 *     time. Pushing releases and taking acquires what the thread has done.
 *  2. The loop takes the stack only when the async was sent. So an item is
 *     never called before the send that tells of it, and a loop that closes
 *     when the last one was called has no send to come. It may have one that
 *     is not back yet, having woken the loop: `senders` counts these, and the
 *     loop's memory waits for them. That takes no longer than a write.
 *  3. Before they are called, items that came back are in the list `back`: the
 *     callback of one may begin others, or fork, or run into the limit of a
 *     turn. What is left then is called in the next pending phase.
 *  4. Items of a lane without threads wait in `here`, and the pending phase
 *     takes them whole.
 *  5. In a forked child what is not published stays so until the loop is
 *     rebuilt, which ends it: threads and locks are the parent's (F2).
 *  6. While items are at the threads, the loop spins before it sleeps, if the
 *     pool is to. Whether that pays is the side's to know.
 */
#include "pool/side.h"

#include "base/list.h"
#include "base/memory.h"
#include "base/thread.h"
#include "loop/async.h"
#include "loop/loop.h"
#include "pool/default.h"
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
		side->loop->spin = &side->spinner; /* (6) */
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
		return; /* (5) */
	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++)
		if (!rotai_list_is_empty(&side->staged[lane]))
			publish_lane(side, lane);
}

void rotai_poolside_stage(struct rotai_poolside *side, struct rotai_item *item)
{
	if (side->pool->lanes[item->lane].max == 0) { /* (4) */
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
		side->loop->spin = NULL; /* (6) */
}

void rotai_poolside_give_back(struct rotai_item *item,
			      struct rotai_trail *trail)
{
	struct rotai_poolside *side = item->side;
	struct rotai_chain chain = { NULL, NULL };

	rotai_chain_add(&chain, &item->link, trail);
	if (rotai_stack_push(&side->done, &chain) != ROTAI_STACK_EMPTY)
		return;
	/* The send releases it, and the loop acquires it with what was sent; so
	 * it is seen when the memory is about to go. The end pairs with the
	 * wait there. (2) */
	__atomic_fetch_add(&side->senders, 1, __ATOMIC_RELAXED);
	(void)rota_async_send(&side->async);
	__atomic_fetch_sub(&side->senders, 1, __ATOMIC_RELEASE);
}

static void call_one(struct rotai_item *item)
{
	int refused = __atomic_load_n(&item->state, __ATOMIC_RELAXED) ==
		      ROTAI_ITEM_REFUSED;

	item->ended(item, refused ? ROTA_EAGAIN : 0);
}

/* (3) */
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

	rotai_list_splice(&side->here_taken, &side->here); /* (4) */
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

	/* (2); in a forked child they are not there, and never will be back. */
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
