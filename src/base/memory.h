/*
 * base/memory.h - all memory comes through the loop's allocator.
 */
#ifndef ROTAI_BASE_MEMORY_H
#define ROTAI_BASE_MEMORY_H

#include "rota/loop.h"

/* malloc's. */
extern const struct rota_allocator rotai_memory_default;

/* NULL if there is none. */
static inline void *rotai_memory_new(const struct rota_allocator *from,
				     size_t size)
{
	return from->resize(from->context, NULL, 0, size);
}

static inline void rotai_memory_free(const struct rota_allocator *from,
				     void *memory, size_t size)
{
	if (memory != NULL)
		from->resize(from->context, memory, size, 0);
}

/* Let the array at *@array, of *@capacity items of @item_size bytes, have room
 * for @count: 0, or ROTA_ENOMEM with all as it was. New items are zero. */
int rotai_memory_reserve(const struct rota_allocator *from, void *array,
			 size_t *capacity, size_t count, size_t item_size);

#endif
