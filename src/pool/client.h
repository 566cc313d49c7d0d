/*
 * pool/client.h - a loop as a client of its pool.
 */
#ifndef ROTAI_POOL_CLIENT_H
#define ROTAI_POOL_CLIENT_H

#include "pool/back.h"

/* The client of @loop, or NULL. */
struct rotai_pool_client *rotai_pool_client_get(struct rota_loop *loop);

/* Make it: 0 or an error. */
int rotai_pool_client_new(struct rota_loop *loop);

/* Have @item, whose lane is set, published at the end of the callback; or run
 * in the pending phase if the lane has no threads. */
void rotai_pool_client_stage(struct rotai_pool_client *client,
			     struct rotai_item *item);

/* Take back an item that is not published. */
void rotai_pool_client_unstage(struct rotai_item *item);

/* An item that was at the threads is not any more: it was called, or taken
 * back, or let go of. */
void rotai_pool_client_count_out(struct rotai_pool_client *client);

#endif
