/*
 * pool/client.h - a loop as a client of its pool.
 */
#ifndef ROTAI_POOL_CLIENT_H
#define ROTAI_POOL_CLIENT_H

#include "pool/back.h"

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

#endif
