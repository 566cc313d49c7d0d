/*
 * pool/client.h - a loop as a client of its pool.
 */
#ifndef ROTAI_POOL_CLIENT_H
#define ROTAI_POOL_CLIENT_H

#include "loop/loop.h"
#include "pool/back.h"

/* The client of @loop, or NULL. Its extension is its first member. */
static inline struct rotai_pool_client *
rotai_pool_client_get(const struct rota_loop *loop)
{
	return (struct rotai_pool_client *)(void *)
		loop->extensions[ROTAI_EXTENSION_POOL];
}

/* Make the client of @loop: 0 or an error. */
int rotai_pool_client_new(struct rota_loop *loop);

/* Submit @item, whose lane is set. It is published at the end of the callback,
 * or at once outside callbacks. If the lane has no threads, the loop runs it in
 * the pending phase. */
void rotai_pool_client_stage(struct rotai_pool_client *client,
			     struct rotai_item *item);

/* Submit @item to the loop itself: it runs it in the pending phase. */
void rotai_pool_client_stage_here(struct rotai_pool_client *client,
				  struct rotai_item *item);

/* Take back @item, which is not published yet. */
void rotai_pool_client_unstage(struct rotai_item *item);

/* @item waits for a thread that works for several items, and is in no lane: it
 * is published, and the thread will give it back. */
void rotai_pool_client_join(struct rotai_pool_client *client,
			    struct rotai_item *item);

/* Count one item less at the threads: it was called, taken back or
 * abandoned. */
void rotai_pool_client_count_out(struct rotai_pool_client *client);

#endif
