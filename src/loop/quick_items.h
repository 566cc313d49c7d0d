/*
 * loop/quick_items.h - the items of rota_set_timeout() and the other quick
 * timers: their memory, and which id belongs to which item.
 */
#ifndef ROTAI_LOOP_QUICK_ITEMS_H
#define ROTAI_LOOP_QUICK_ITEMS_H

#include "loop/loop.h"
#include "rota/task.h"
#include "rota/timer.h"

struct rotai_quick_item {
	struct rota_timer timer;
	struct rota_task task;
	rota_quick_fn *fn;
	void *arg;
	uint64_t period_ns;            /* 0: call it once */
	uint64_t id;                   /* 0: not in use */
	struct rotai_quick_item *next; /* in its bucket, or in unused */
	int unreferenced;
};

enum { ROTAI_QUICK_KEPT = 1024 }; /* a power of two */

/* Make sure that there is an unused item, and space for it in the buckets: 0 or
 * ROTA_ENOMEM. */
int rotai_quick_prepare(struct rota_loop *loop);

/* Free the memory that is not kept: quick_items.c (3). */
void rotai_quick_trim(struct rota_loop *loop);

static inline struct rotai_quick_item **
rotai_quick_bucket(const struct rotai_quick *quick, uint64_t id)
{
	return &quick->buckets[id & (quick->capacity - 1)];
}

/* Take an unused item into use, with a new id. NULL if there is no memory. */
static inline struct rotai_quick_item *rotai_quick_take(struct rota_loop *loop)
{
	struct rotai_quick *quick = &loop->quick;
	struct rotai_quick_item *item;
	struct rotai_quick_item **bucket;

	if (ROTAI_UNLIKELY(quick->unused == NULL ||
			   quick->used == quick->capacity) &&
	    rotai_quick_prepare(loop) < 0)
		return NULL;
	item = quick->unused;
	quick->unused = item->next;
	quick->unused_count--;
	quick->used++;
	item->id = ++quick->last_id;
	bucket = rotai_quick_bucket(quick, item->id);
	item->next = *bucket;
	*bucket = item;
	return item;
}

/* Take @item out of use. Its memory may be freed. */
static inline void rotai_quick_put(struct rota_loop *loop,
				   struct rotai_quick_item *item)
{
	struct rotai_quick *quick = &loop->quick;
	struct rotai_quick_item **at = rotai_quick_bucket(quick, item->id);

	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
	item->id = 0;
	item->next = quick->unused;
	quick->unused = item;
	quick->unused_count++;
	quick->used--;
	if (ROTAI_UNLIKELY(quick->unused_count > ROTAI_QUICK_KEPT))
		rotai_quick_trim(loop);
}

/* Return the item with @id. NULL if @id is 0, or its item is not in use any
 * more. */
static inline struct rotai_quick_item *rotai_quick_find(struct rota_loop *loop,
							uint64_t id)
{
	struct rotai_quick_item *item;

	if (id == 0 || loop->quick.capacity == 0)
		return NULL;
	item = *rotai_quick_bucket(&loop->quick, id);
	while (item != NULL && item->id != id)
		item = item->next;
	return item;
}

#endif
