/*
 * pool/back.h - how an item comes back from a thread to its loop.
 */
#ifndef ROTAI_POOL_BACK_H
#define ROTAI_POOL_BACK_H

#include "base/spin.h"
#include "loop/extension.h"
#include "pool/item.h"
#include "pool/stack.h"
#include "rota/async.h"

/* The loop's pool client: what a loop keeps for its pool. Only the loop's
 * thread uses it, except for the members that pool threads write. See
 * client.c. */
struct rotai_pool_client {
	struct rotai_extension extension;
	struct rota_loop *loop;
	struct rota_pool *pool;
	struct rota_link staged[ROTA_LANE_COUNT]; /* items to publish, */
	struct rota_link staged_apart; /* and those with a priority */
	unsigned staged_in;    /* a bit for each of these lists, if used */
	struct rota_link here; /* items that the loop will run, */
	struct rota_link here_taken; /* and those that it is running */
	struct rota_link back;       /* items that came back, not yet called */
	uint64_t turn;               /* the last in which items were called, */
	unsigned left;               /* and how many more it may call */
	struct rota_async async;

	struct rotai_trail trail;     /* of what was published */
	struct rotai_spinner spinner; /* of the loop, when it busy-waits */

	char before[64]; /* what threads write has a cache line of its own */
	struct rotai_stack done; /* items: see back.c (1) */
	uint32_t senders;        /* threads that are about to wake the loop */
	char after[64];
};

/* The state of an item. Only the loop uses it before the item is published and
 * when it is back. In between it is an atomic. */
enum rotai_item_state {
	ROTAI_ITEM_STAGED = 1, /* in staged[] */
	ROTAI_ITEM_HERE,       /* in here or here_taken */
	ROTAI_ITEM_BEHIND,     /* behind another one: see serial.c */
	ROTAI_ITEM_PUBLISHED,  /* queued, taken or being run: see lane.c */
	ROTAI_ITEM_REFUSED,    /* there is no thread for it */
	ROTAI_ITEM_ENDED,      /* a thread has run it: it comes back */
	ROTAI_ITEM_ABANDONED,  /* the loop has abandoned it */
};

/* Give @item back to its loop. Any thread, with a trail of its own; touches
 * neither the item nor the loop afterwards. */
void rotai_item_give_back(struct rotai_item *item, struct rotai_trail *trail);

#endif
