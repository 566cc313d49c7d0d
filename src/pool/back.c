/*
 * pool/back.c - how items come back from the threads to their loop.
 *
 *  1. Threads push items to a stack, `done`, and the loop takes the whole
 *     stack, in the order in which the items were pushed. The thread that
 *     pushes the first item to the empty stack sends the async. The other
 *     threads can rely on that, and do not touch the loop after their push. A
 *     push releases, and a take acquires, what the thread has done.
 *  2. A thread that is about to send counts itself in `senders`: see
 *     client.c (1).
 */
#include "pool/back.h"

void rotai_item_give_back(struct rotai_item *item, struct rotai_trail *trail)
{
	struct rotai_pool_client *client = item->client;
	struct rotai_chain chain = { NULL, NULL };

	rotai_chain_add(&chain, &item->link, trail);
	if (rotai_stack_push(&client->done, &chain) != ROTAI_STACK_EMPTY)
		return;
	/* Relaxed: the send releases this, and the loop acquires it with what
	 * was sent, so the loop sees it before its memory is freed. The
	 * subtraction pairs with the wait in client.c. (2) */
	__atomic_fetch_add(&client->senders, 1, __ATOMIC_RELAXED);
	(void)rota_async_send(&client->async);
	__atomic_fetch_sub(&client->senders, 1, __ATOMIC_RELEASE);
}
