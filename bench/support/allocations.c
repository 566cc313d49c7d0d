/*
 * allocations.c - count what this thread asks of malloc. glibc's own functions
 * stay within reach under other names, which is why this is for glibc alone.
 */
#include "support/allocations.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

/* glibc exports these, and has no header for them. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *pointer);

static _Thread_local struct allocations so_far;

struct allocations allocations_so_far(void)
{
	return so_far;
}

static void *given(void *pointer)
{
	if (pointer) {
		so_far.calls++;
		so_far.bytes += malloc_usable_size(pointer);
	}
	return pointer;
}

void *malloc(size_t size)
{
	return given(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return given(__libc_calloc(count, size));
}

void *realloc(void *pointer, size_t size)
{
	size_t old = pointer ? malloc_usable_size(pointer) : 0;
	void *new = __libc_realloc(pointer, size);

	if (new || size == 0)
		so_far.bytes -= old;
	return given(new);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return given(__libc_memalign(alignment, size));
}

int posix_memalign(void **pointer, size_t alignment, size_t size)
{
	void *new = given(__libc_memalign(alignment, size));

	if (!new)
		return ENOMEM;
	*pointer = new;
	return 0;
}

void free(void *pointer)
{
	if (pointer)
		so_far.bytes -= malloc_usable_size(pointer);
	__libc_free(pointer);
}
