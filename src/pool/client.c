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
 *  2. Items that came back are in the list `back` until they are called: the
 *     callback of one may submit others, or fork, and the limit of a turn may
 *     be reached. The items that are left are called in the next pending
 *     phase.
 *  3. Items of a lane without threads, and those that the loop's thread is to
 *     try first, wait in `here`. The pending phase takes that list whole.
 *  4. In a forked child, items that are not published stay unpublished until
 *     the loop is rebuilt, which ends them: threads and locks are the parent's
 *     (F2).
 *  5. While items are at the threads, the loop busy-waits before it sleeps, if
 *     the pool's options ask for that. The client's `spinner` records whether
 *     it pays: base/spin.h.
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

enum { APART = ROTA_LANE_COUNT }; /* the bit of staged_apart in staged_in */

static struct rotai_pool_client *client_of(struct rotai_extension *extension)
{
	return rota_container_of(extension, struct rotai_pool_client,
				 extension);
}

static struct rotai_item *item_of_client_link(struct rota_link *link)
{
	return rota_container_of(link, struct rotai_item, link);
}

/* Whether the loop is this process's. If a callback has forked, the child calls
 * back no more: what is left is the parent's, and ended when the child rebuilds
 * the loop (F2). */
static int is_of_process(const struct rotai_pool_client *client)
{
	return rotai_loop_inherited(client->loop) == 0;
}

_Static_assert(offsetof(struct rotai_pool_client, extension) == 0,
	       "the client of a loop is found by its extension");

/* Record when the items of @list were submitted. */
static void stamp_all(struct rota_link *list)
{
	uint32_t now = rotai_wait_now();

	for (struct rota_link *at = list->next; at != list; at = at->next)
		item_of_client_link(at)->since = now;
}

/* The first item goes to the threads. (5) */
static void spin_from_now_on(struct rotai_pool_client *client)
{
	if (client->pool->spin.pauses > 0)
		client->loop->spin = &client->spinner;
}

/* Publish the items with a priority, each by itself: lane.c (9). */
static void publish_apart(struct rotai_pool_client *client)
{
	struct rota_link *link;

	while ((link = rotai_list_take_first(&client->staged_apart)) != NULL) {
		struct rotai_item *item = item_of_client_link(link);

		rotai_pool_client_join(client, item);
		rotai_lane_publish_apart(&client->pool->lanes[item->lane],
					 item);
	}
}

/* What changes for @item when it is published, together with others or not. A
 * plain store: the item is still the loop's own, and the push orders this. */
ROTAI_INLINE void go_out(struct rotai_pool_client *client,
			 struct rota_link *link, struct rotai_chain *chain)
{
	item_of_client_link(link)->state = ROTAI_ITEM_PUBLISHED;
	rotai_chain_add(chain, link, &client->trail);
	if (client->loop->at_threads++ == 0) /* C10 */
		spin_from_now_on(client);
}

/* All of a list of more than one item. */
static __attribute__((noinline)) struct rotai_chain
chain_all(struct rotai_pool_client *client, struct rota_link *staged)
{
	struct rota_link *at = staged->next;
	struct rotai_chain chain = { NULL, NULL };

	do {
		struct rota_link *next = at->next;

		go_out(client, at, &chain);
		at = next;
	} while (at != staged);
	return chain;
}

/* Mostly there is one item. */
static void publish_lane(struct rotai_pool_client *client, int lane)
{
	struct rota_link *staged = &client->staged[lane];
	struct rota_link *first = staged->next;
	struct rotai_chain chain = { NULL, NULL };

	if (ROTAI_UNLIKELY(client->pool->records))
		stamp_all(staged);
	if (ROTAI_LIKELY(first->next == staged))
		go_out(client, first, &chain);
	else
		chain = chain_all(client, staged);
	rotai_list_init(staged);
	rotai_lane_publish(&client->pool->lanes[lane], chain,
			   client->loop->at_threads == 1
				   ? ROTAI_LANE_CALL_NEAR
				   : ROTAI_LANE_CALL_LAST);
}

/* Publish the list with that bit in staged_in. Its items may have been taken
 * back. */
static void publish_list(struct rotai_pool_client *client, int bit)
{
	if (ROTAI_UNLIKELY(bit == APART))
		publish_apart(client);
	else if (!rotai_list_is_empty(&client->staged[bit]))
		publish_lane(client, bit);
}

/* Mostly there is one list. The loop is this process's. (4) */
static void publish_staged(struct rotai_pool_client *client)
{
	if (client->staged_in == 0)
		return;
	do {
		int bit = __builtin_ctz(client->staged_in);

		client->staged_in &= client->staged_in - 1;
		publish_list(client, bit);
	} while (ROTAI_UNLIKELY(client->staged_in != 0));
}

void rotai_pool_client_stage_here(struct rotai_pool_client *client,
				  struct rotai_item *item)
{
	item->state = ROTAI_ITEM_HERE; /* (3) */
	rotai_list_append(&client->here, &item->link);
	rotai_extension_call_pending(client->loop, &client->extension);
}

void rotai_pool_client_stage(struct rotai_pool_client *client,
			     struct rotai_item *item)
{
	struct rota_link *list = &client->staged[item->lane];
	unsigned bit = item->lane;

	if (!rotai_lane_has_threads(&client->pool->lanes[item->lane])) {
		rotai_pool_client_stage_here(client, item);
		return;
	}
	if (ROTAI_UNLIKELY(item->flags & ROTAI_ITEM_PRIORITY)) {
		list = &client->staged_apart;
		bit = APART;
	}
	item->state = ROTAI_ITEM_STAGED;
	rotai_list_append(list, &item->link);
	client->staged_in |= 1u << bit;
	if (client->loop->running)
		rotai_extension_call_after(client->loop, &client->extension);
	else if (is_of_process(client))
		publish_staged(client);
}

void rotai_pool_client_unstage(struct rotai_item *item)
{
	rotai_list_remove(&item->link);
}

void rotai_pool_client_join(struct rotai_pool_client *client,
			    struct rotai_item *item)
{
	item->state = ROTAI_ITEM_PUBLISHED;
	if (client->loop->at_threads++ == 0) /* C10 */
		spin_from_now_on(client);
}

void rotai_pool_client_count_out(struct rotai_pool_client *client)
{
	if (--client->loop->at_threads == 0)
		client->loop->spin = NULL; /* (5) */
}

static void call_one(struct rotai_item *item)
{
	int refused = __atomic_load_n(&item->state, __ATOMIC_RELAXED) ==
		      ROTAI_ITEM_REFUSED;

	item->ended(item, refused ? ROTA_EAGAIN : 0);
}

/* (2) */
static void call_back(struct rotai_pool_client *client)
{
	uint64_t turn = client->loop->stats.turns;
	struct rota_link *link;

	if (client->turn != turn) {
		client->turn = turn;
		client->left = ROTA_POOL_COMPLETIONS_PER_TURN;
	}
	while (client->left > 0 && is_of_process(client) &&
	       (link = rotai_list_take_first(&client->back)) != NULL) {
		client->left--;
		rotai_pool_client_count_out(client);
		call_one(item_of_client_link(link));
	}
	if (!rotai_list_is_empty(&client->back))
		rotai_extension_call_pending(client->loop, &client->extension);
}

static void on_async(struct rota_async *async)
{
	struct rotai_pool_client *client =
		rota_container_of(async, struct rotai_pool_client, async);

	(void)rotai_stack_take(&client->done, &client->back);
	call_back(client);
	/* Publish what the ended() functions have queued outside callbacks of
	 * the user. */
	if (is_of_process(client))
		publish_staged(client);
}

static void on_after(struct rotai_extension *extension, struct rota_loop *loop)
{
	(void)loop;
	publish_staged(client_of(extension));
}

static void on_take(struct rotai_extension *extension)
{
	struct rotai_pool_client *client = client_of(extension);

	rotai_list_splice(&client->here_taken, &client->here); /* (3) */
}

static void on_pending(struct rotai_extension *extension,
		       struct rota_loop *loop)
{
	struct rotai_pool_client *client = client_of(extension);
	struct rota_link *link;

	(void)loop;
	call_back(client);
	while (is_of_process(client) &&
	       (link = rotai_list_take_first(&client->here_taken)) != NULL) {
		struct rotai_item *item = item_of_client_link(link);

		item->state = ROTAI_ITEM_ENDED;
		rotai_item_run(item);
		item->ended(item, 0);
	}
	if (is_of_process(client))
		publish_staged(client);
}

static void client_forget_all(struct rotai_pool_client *client)
{
	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++)
		rotai_list_init(&client->staged[lane]);
	rotai_list_init(&client->staged_apart);
	client->staged_in = 0;
	rotai_list_init(&client->here);
	rotai_list_init(&client->here_taken);
	rotai_list_init(&client->back);
	client->loop->at_threads = 0;
	client->loop->spin = NULL;
	client->trail = (struct rotai_trail){ .at = 0 };
	rotai_stack_init(&client->done, 1);
	client->senders = 0;
}

static void on_fork(struct rotai_extension *extension, struct rota_loop *loop)
{
	struct rotai_pool_client *client = client_of(extension);

	(void)loop;
	rotai_pool_repair(client->pool);
	client_forget_all(client);
	rotai_async_repair(&client->async);
}

static void free_client(struct rotai_extension *extension,
			struct rota_loop *loop)
{
	struct rotai_pool_client *client = client_of(extension);
	unsigned tries = 0;

	/* (1). In a forked child these threads do not exist, and will never
	 * finish. */
	while (rotai_loop_inherited(loop) == 0 &&
	       __atomic_load_n(&client->senders, __ATOMIC_ACQUIRE) > 0)
		rotai_thread_pause(tries++);
	rota_pool_unref(client->pool);
	rotai_memory_free(&loop->allocator, client, sizeof(*client));
}

int rotai_pool_client_new(struct rota_loop *loop)
{
	struct rota_pool *pool = loop->pool != NULL ? rota_pool_ref(loop->pool)
						    : rotai_pool_use_default();
	struct rotai_pool_client *client;

	if (pool == NULL)
		return ROTA_ENOMEM;
	client = rotai_memory_new(&loop->allocator, sizeof(*client));
	if (client == NULL) {
		rota_pool_unref(pool);
		return ROTA_ENOMEM;
	}
	client->extension = (struct rotai_extension){
		.free = free_client,
		.after = on_after,
		.take = on_take,
		.pending = on_pending,
		.forked = on_fork,
	};
	client->loop = loop;
	client->pool = pool;
	rotai_spinner_init(&client->spinner, &pool->spin);
	client->turn = 0;
	client->left = ROTA_POOL_COMPLETIONS_PER_TURN;
	client_forget_all(client);
	rotai_pool_repair(pool);
	rotai_async_start_own(&client->async, loop, on_async);
	rotai_extension_set(loop, ROTAI_EXTENSION_POOL, &client->extension);
	return 0;
}
