/*
 * pool/running.c - an item while a thread is at it: whether it was cancelled,
 * and whose it is in the end.
 *
 *  1. The loop sets `canceled` at any time until it has the item back, or has
 *     let go of it. It is a hint: nothing else is to be seen with it.
 *  2. The thread changes the state from PUBLISHED to ENDED, the loop from
 *     PUBLISHED to ORPHANED: one of the two comes first, and what the other
 *     finds tells it whose the item is. The thread's change releases what it
 *     has done, the loop's what it has; each acquires the other's.
 *  3. What is not detachable, nobody lets go of: that it has ended is only for
 *     a cancel to see, which acquires what the thread has done; so this
 *     releases it.
 */
#include "pool/running.h"

#include <stddef.h>

#include "base/assert.h"
#include "pool/back.h"
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
	/* A job may be a loop of its own, which does jobs itself. */
	struct rotai_item *outer = running_item;

	running_item = item;
	item->run(item);
	running_item = outer;
}

int rotai_item_end(struct rotai_item *item)
{
	uint8_t was;

	if (ROTAI_LIKELY(!item->detachable)) {
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
