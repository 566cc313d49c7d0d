/*
 * process/collect.c - see collect.h.
 *
 *  1. The memory doubles, so what is copied is less than twice what comes. It
 *     never exceeds the limit and the byte 0 at the end.
 *  2. The memory is of malloc(3), not of the loop: it may be freed after the
 *     loop.
 *  3. Without bytes there is no memory, and the buffer is a string that all
 *     share.
 */
#include "process/collect.h"

#include <stdlib.h>
#include <string.h>

#include "rota/error.h"

enum { FIRST_MEMORY = 256 };

static char nothing_collected[1];

void rotai_collect_begin(struct rotai_collector *collector, struct rota_buf *to,
			 size_t limit)
{
	to->data = nothing_collected;
	to->size = 0;
	collector->to = to;
	collector->limit = limit;
	collector->capacity = 0;
}

/* Have memory for @size bytes, which is within the limit, and the 0. (1) */
static int reserve_collected(struct rotai_collector *collector, size_t size)
{
	size_t capacity =
		collector->capacity > 0 ? collector->capacity : FIRST_MEMORY;
	char *old = collector->capacity > 0 ? collector->to->data : NULL;
	char *memory;

	if (size < collector->capacity)
		return 0;
	while (capacity <= size)
		capacity *= 2;
	if (capacity > collector->limit + 1)
		capacity = collector->limit + 1;
	memory = realloc(old, capacity);
	if (memory == NULL)
		return ROTA_ENOMEM;
	collector->to->data = memory;
	collector->capacity = capacity;
	return 0;
}

int rotai_collect(struct rotai_collector *collector,
		  const struct rota_buf *bytes)
{
	struct rota_buf *to = collector->to;
	size_t size = bytes->size;

	if (size > collector->limit - to->size)
		size = collector->limit - to->size;
	if (size > 0) {
		if (reserve_collected(collector, to->size + size) < 0)
			return ROTA_ENOMEM;
		memcpy(to->data + to->size, bytes->data, size);
		to->size += size;
		to->data[to->size] = '\0';
	}
	return size < bytes->size;
}

void rotai_collected_free(struct rota_buf *buf)
{
	if (buf->data != nothing_collected)
		free(buf->data);
	buf->data = NULL;
	buf->size = 0;
}
