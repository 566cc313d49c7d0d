/*
 * base/memory.c - see memory.h.
 */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "rota/error.h"

enum { LEAST_CAPACITY = 8 };

static void *resize_memory(void *context, void *pointer, size_t old,
			   size_t size)
{
	(void)context;
	(void)old;
	if (size == 0) {
		free(pointer);
		return NULL;
	}
	return realloc(pointer, size);
}

const struct rota_allocator rotai_memory_default = { resize_memory, NULL };

int rotai_memory_reserve(const struct rota_allocator *from, void *array,
			 size_t *capacity, size_t count, size_t item_size)
{
	void *items;
	char *grown;
	size_t room = *capacity;

	if (count <= room)
		return 0;
	/* Grow by half: doubling would leave half of the array unused just
	 * after it grew, and the freed blocks together would always be too
	 * small for the next one. */
	room += room / 2;
	if (room < LEAST_CAPACITY)
		room = LEAST_CAPACITY;
	if (room < count)
		room = count;
	if (room > SIZE_MAX / item_size)
		return ROTA_ENOMEM;

	/* @array is the address of a pointer to some type. */
	memcpy(&items, array, sizeof(items));
	grown = from->resize(from->context, items, *capacity * item_size,
			     room * item_size);
	if (grown == NULL)
		return ROTA_ENOMEM;
	memset(grown + *capacity * item_size, 0,
	       (room - *capacity) * item_size);
	memcpy(array, &grown, sizeof(grown));
	*capacity = room;
	return 0;
}
