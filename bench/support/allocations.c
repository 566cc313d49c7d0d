/*
 * allocations.c - count what this thread asks of malloc. glibc also exports its
 * own functions under other names, so this needs glibc.
 *
 * The requested size is at the end of each block, in an additional word.
 * malloc_usable_size() finds it again, whatever the alignment of the block is.
 * No program here writes beyond the size that it asked for.
 */
#include "support/allocations.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* glibc exports these, but declares them in no header. */
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

static char *note_of(void *pointer)
{
	return (char *)pointer + malloc_usable_size(pointer) - sizeof(size_t);
}

/* @size plus the additional word, or more than malloc can give. */
static size_t with_note(size_t size)
{
	return size > SIZE_MAX - sizeof(size_t) ? SIZE_MAX
						: size + sizeof(size_t);
}

static void *given(void *pointer, size_t size)
{
	if (pointer) {
		memcpy(note_of(pointer), &size, sizeof(size));
		so_far.calls++;
		so_far.bytes += size;
		so_far.live++;
	}
	return pointer;
}

static void taken(size_t size)
{
	so_far.bytes -= size;
	so_far.live--;
}

static size_t asked(void *pointer)
{
	size_t size;

	memcpy(&size, note_of(pointer), sizeof(size));
	return size;
}

void *malloc(size_t size)
{
	return given(__libc_malloc(with_note(size)), size);
}

void *calloc(size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return given(__libc_calloc(1, with_note(total)), total);
}

void *realloc(void *pointer, size_t size)
{
	size_t old;
	void *new;

	if (!pointer)
		return malloc(size);
	if (size == 0) {
		free(pointer);
		return NULL;
	}
	old = asked(pointer);
	new = __libc_realloc(pointer, with_note(size));
	if (new)
		taken(old);
	return given(new, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return given(__libc_memalign(alignment, with_note(size)), size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size)
{
	void *new = aligned_alloc(alignment, size);

	if (!new)
		return ENOMEM;
	*pointer = new;
	return 0;
}

void free(void *pointer)
{
	if (pointer)
		taken(asked(pointer));
	__libc_free(pointer);
}
