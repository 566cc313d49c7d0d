/*
 * base/memory.h - memory and growing arrays from an allocator, such as the
 * loop's.
 */
#ifndef ROTAI_BASE_MEMORY_H
#define ROTAI_BASE_MEMORY_H

#include "rota/loop.h"

/* Uses realloc(3) and free(3). */
extern const struct rota_allocator rotai_memory_default;

/* Returns NULL if there is no memory. */
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

/* Grow the array at *@array, of *@capacity items of @item_size bytes, to hold
 * at least @count items. New items are zero. Returns 0, or ROTA_ENOMEM with
 * everything unchanged. */
int rotai_memory_reserve(const struct rota_allocator *from, void *array,
			 size_t *capacity, size_t count, size_t item_size);

#endif
