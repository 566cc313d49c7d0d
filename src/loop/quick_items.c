/*
 * loop/quick_items.c - see quick_items.h.
 *
 *  1. Ids are counted from 1 in 64 bits, so none is given twice, and an old one
 *     finds nothing.
 *  2. An item in use is in a bucket by the low bits of its id. Ids of items
 *     that are set one after the other fall into different buckets, so a bucket
 *     rarely has more than one.
 *  3. As many unused items are kept as are in use, and at least ITEMS_KEPT. So
 *     setting and clearing in a steady state allocates nothing, and after a
 *     burst the memory is given back. The buckets follow, a quarter full to
 *     full, down to ITEMS_KEPT.
 */
#include "loop/quick_items.h"

#include <string.h>

#include "base/memory.h"
#include "loop/loop.h"

enum { ITEMS_KEPT = ROTAI_QUICK_KEPT, FIRST_ITEMS = 64, FULL = 1 << 30 };

/* Put all items in use into the buckets of @fresh. */
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

/* Have @capacity buckets, a power of two: 0 or ROTA_ENOMEM. */
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

/* (3) Buckets stay in place while a shutdown walks over them. */
void rotai_quick_trim(struct rota_loop *loop)
{
	struct rotai_quick *quick = &loop->quick;

	free_unused(loop, quick->used > ITEMS_KEPT ? quick->used : ITEMS_KEPT);
	if (quick->capacity > ITEMS_KEPT && quick->used < quick->capacity / 4 &&
	    !loop->shutting_down)
		/* If that fails they stay. */
		(void)items_resize(loop, quick->capacity / 2);
}

void rotai_quick_free(struct rota_loop *loop)
{
	struct rotai_quick *quick = &loop->quick;

	free_unused(loop, 0);
	rotai_memory_free(&loop->allocator, quick->buckets,
			  quick->capacity * sizeof(struct rotai_quick_item *));
}
