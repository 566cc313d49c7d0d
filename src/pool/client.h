/*
 * pool/side.h - a loop's side of its pool: what it has not yet handed over, and
 * what has come back.
 */
#ifndef ROTAI_POOL_SIDE_H
#define ROTAI_POOL_SIDE_H

#include "loop/annex.h"
#include "pool/pool.h"
#include "rota/async.h"

struct rotai_poolside {
	struct rotai_annex annex;
	struct rota_loop *loop;
	struct rota_pool *pool;
	struct rota_link staged[ROTA_LANE_COUNT]; /* items to publish */
	struct rota_link here;       /* items that the loop itself will run, */
	struct rota_link here_taken; /* and those that it is at */
	struct rota_link back;       /* items that came back, not yet called */
	uint64_t out;                /* items at the threads: side.c (6) */
	uint64_t turn;               /* the last one in which any was called, */
	unsigned left;               /* and how many more may be in that turn */
	struct rota_async async;

	struct rotai_trail trail;     /* of what was published */
	struct rotai_spinner spinner; /* the loop's, for what it is told */

	char before[64]; /* what threads write has a cache line of its own */
	struct rotai_stack done; /* items: see side.c (1) */
	uint32_t senders;        /* threads that are about to wake the loop */
	char after[64];
};

/* How far an item is. Before it is published, and when it is back, the loop's
 * own; then an atomic. */
enum rotai_item_state {
	ROTAI_ITEM_STAGED = 1, /* in staged[] */
	ROTAI_ITEM_HERE,       /* in here or here_taken */
	ROTAI_ITEM_PUBLISHED,  /* queued, taken or being run: see lane.c */
	ROTAI_ITEM_REFUSED,    /* there is no thread for it */
	ROTAI_ITEM_ENDED,      /* by a thread: it is coming back */
	ROTAI_ITEM_ORPHANED,   /* the loop has let go of it */
};

/* The side of @loop, or NULL. */
struct rotai_poolside *rotai_poolside_get(struct rota_loop *loop);

/* Make it: 0 or an error. */
int rotai_poolside_new(struct rota_loop *loop);

/* Have @item, whose lane is set, published at the end of the callback; or run
 * in the pending phase if the lane has no threads. */
void rotai_poolside_stage(struct rotai_poolside *side, struct rotai_item *item);

/* Take back an item that is not published. */
void rotai_poolside_unstage(struct rotai_item *item);

/* An item that was at the threads is not any more: it was called, or taken
 * back, or let go of. */
void rotai_poolside_count_out(struct rotai_poolside *side);

/* Give @item back to its loop. Any thread, with a trail of its own; touches
 * neither the item nor the loop afterwards. */
void rotai_poolside_give_back(struct rotai_item *item,
			      struct rotai_trail *trail);

#endif
