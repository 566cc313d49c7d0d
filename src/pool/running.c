/*
 * pool/running.c - an item while a thread is working on it: whether it was
 * cancelled, and who owns it in the end.
 *
 *  1. The loop may set `canceled` at any time until it has the item back or
 *     has abandoned it. It is only a hint, and orders no other memory.
 *  2. The thread changes the state from PUBLISHED to ENDED, the loop from
 *     PUBLISHED to ABANDONED. One of them comes first, and the other finds out
 *     from the old state who owns the item. Each change releases what its
 *     thread has done, and acquires what the other has done.
 *  3. An item that is not detachable is never abandoned. That it has ended
 *     matters only to a cancel, which acquires what the thread has done; so
 *     the store here releases it.
 */
#include "pool/running.h"

#include <stddef.h>

#include "base/assert.h"
#include "pool/back.h"
#include "pool/serial.h"
#include "rota/error.h"

static _Thread_local struct rotai_item *running_item;

int rota_work_canceled(void)
{
	return running_item != NULL &&
	       __atomic_load_n(&running_item->canceled,
			       __ATOMIC_RELAXED); /* (1) */
}

void rotai_item_run(struct rotai_item *item)
{
	/* A job may run a loop of its own, which may run jobs itself. */
	struct rotai_item *outer = running_item;

	running_item = item;
	item->run(item);
	running_item = outer;
}

int rotai_item_end(struct rotai_item *item, int last)
{
	uint8_t was;

	if (ROTAI_UNLIKELY(item->flags & ROTAI_ITEM_SERIAL))
		rotai_serial_go_on(item, last);
	if (ROTAI_LIKELY(!(item->flags & ROTAI_ITEM_DETACHABLE))) {
		__atomic_store_n(&item->state, ROTAI_ITEM_ENDED,
				 __ATOMIC_RELEASE); /* (3) */
		return 1;
	}
	was = __atomic_exchange_n(&item->state, ROTAI_ITEM_ENDED,
				  __ATOMIC_ACQ_REL); /* (2) */
	if (was != ROTAI_ITEM_ABANDONED)
		return 1;
	item->ended(item, ROTA_ECANCELED);
	return 0;
}
