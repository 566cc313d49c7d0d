/*
 * loop/quick_items.c - see quick_items.h.
 *
 *  1. Ids are numbers of 64 bits, counted from 1. So no id is given twice, and
 *     an old id finds nothing.
 *  2. An item in use is in the bucket that the low bits of its id select.
 *     Items that are set one after the other fall into different buckets, so a
 *     bucket rarely has more than one item.
 *  3. The number of unused items that are kept is the number of items in use,
 *     and at least ITEMS_KEPT. So a program that sets and clears at a steady
 *     rate allocates nothing, and after a burst the memory is freed. The
 *     number of buckets is doubled when there are as many items, and halved
 *     when there are less than a quarter as many, but not below ITEMS_KEPT.
 */
#include "loop/quick_items.h"

#include <string.h>

#include "base/memory.h"
#include "loop/loop.h"

enum { ITEMS_KEPT = ROTAI_QUICK_KEPT, FIRST_ITEMS = 64, FULL = 1 << 30 };

/* Move all items in use into the buckets of @fresh. */
static void move_items(struct rotai_quick *quick, struct rotai_quick *fresh)
{
	for (uint32_t i = 0; i < quick->capacity; i++) {
		struct rotai_quick_item *item = quick->buckets[i];

		while (item != NULL) {
			struct rotai_quick_item *next = item->next;
			struct rotai_quick_item **bucket =
				rotai_quick_bucket(fresh, item->id);

			item->next = *bucket;
			*bucket = item;
			item = next;
		}
	}
}

/* Change the number of buckets to @capacity, a power of two: 0 or
 * ROTA_ENOMEM. */
static int items_resize(struct rota_loop *loop, uint32_t capacity)
{
	struct rotai_quick *quick = &loop->quick;
	struct rotai_quick fresh = { .capacity = capacity };
	size_t size = capacity * sizeof(struct rotai_quick_item *);

	fresh.buckets = rotai_memory_new(&loop->allocator, size);
	if (fresh.buckets == NULL)
		return ROTA_ENOMEM;
	memset(fresh.buckets, 0, size);
	move_items(quick, &fresh);
	rotai_memory_free(&loop->allocator, quick->buckets,
			  quick->capacity * sizeof(struct rotai_quick_item *));
	quick->buckets = fresh.buckets;
	quick->capacity = capacity;
	return 0;
}

static int items_make_room(struct rota_loop *loop)
{
	uint32_t capacity = loop->quick.capacity;

	if (loop->quick.used < capacity)
		return 0;
	if (capacity == FULL)
		return ROTA_ENOMEM;
	return items_resize(loop, capacity == 0 ? FIRST_ITEMS : 2 * capacity);
}

static int add_item(struct rota_loop *loop)
{
	struct rotai_quick *quick = &loop->quick;
	struct rotai_quick_item *item =
		rotai_memory_new(&loop->allocator, sizeof(*item));

	if (item == NULL)
		return ROTA_ENOMEM;
	item->unreferenced = 0;
	rota_timer_init(&item->timer, loop);
	rota_task_init(&item->task, loop);
	item->id = 0;
	item->next = quick->unused;
	quick->unused = item;
	quick->unused_count++;
	return 0;
}

int rotai_quick_prepare(struct rota_loop *loop)
{
	int error = items_make_room(loop);

	return error < 0 || loop->quick.unused != NULL ? error : add_item(loop);
}

static void free_unused(struct rota_loop *loop, uint32_t kept)
{
	struct rotai_quick *quick = &loop->quick;

	while (quick->unused_count > kept) {
		struct rotai_quick_item *item = quick->unused;

		quick->unused = item->next;
		quick->unused_count--;
		rotai_memory_free(&loop->allocator, item, sizeof(*item));
	}
}

/* (3). Buckets are not moved during a shutdown, which walks over them. */
void rotai_quick_trim(struct rota_loop *loop)
{
	struct rotai_quick *quick = &loop->quick;

	free_unused(loop, quick->used > ITEMS_KEPT ? quick->used : ITEMS_KEPT);
	if (quick->capacity > ITEMS_KEPT && quick->used < quick->capacity / 4 &&
	    !loop->shutting_down)
		/* If this fails, the old buckets stay. */
		(void)items_resize(loop, quick->capacity / 2);
}

void rotai_quick_free(struct rota_loop *loop)
{
	struct rotai_quick *quick = &loop->quick;

	free_unused(loop, 0);
	rotai_memory_free(&loop->allocator, quick->buckets,
			  quick->capacity * sizeof(struct rotai_quick_item *));
}
