/*
 * pool/back.c - items come back from the threads to their loop.
 *
 *  1. They come on a stack, `done`, that any thread pushes to and the loop
 *     takes whole, in the order in which they were pushed. The thread that
 *     pushes the first one sends the async. The others find it sent, or about
 *     to be, and have touched the loop for the last time. Pushing releases and
 *     taking acquires what the thread has done.
 *  2. A thread that is about to send counts itself in `senders`: see client.c
 *     (1).
 */
#include "pool/back.h"

void rotai_item_give_back(struct rotai_item *item, struct rotai_trail *trail)
{
	struct rotai_pool_client *client = item->client;
	struct rotai_chain chain = { NULL, NULL };

	rotai_chain_add(&chain, &item->link, trail);
	if (rotai_stack_push(&client->done, &chain) != ROTAI_STACK_EMPTY)
		return;
	/* The send releases it, and the loop acquires it with what was sent; so
	 * it is seen when the memory is about to go. The end pairs with the
	 * wait there. (2) */
	__atomic_fetch_add(&client->senders, 1, __ATOMIC_RELAXED);
	(void)rota_async_send(&client->async);
	__atomic_fetch_sub(&client->senders, 1, __ATOMIC_RELEASE);
}
