/*
 * http/memory.c - see memory.h.
 */
#include "http/memory.h"

#include <stdlib.h>

static void *resize_by_malloc(void *context, void *pointer, size_t old,
			      size_t size)
{
	(void)context;
	(void)old;
	if (size > 0)
		return realloc(pointer, size);
	free(pointer);
	return NULL;
}

const struct rota_allocator rotai_http_malloc = { resize_by_malloc, NULL };

uint32_t rotai_http_hash(const void *key, size_t size)
{
	const unsigned char *bytes = key;
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 16777619U;
	return hash;
}
