/*
 * support/allocations.h - count what this thread asks of malloc.
 *
 * Every benchmark is linked with a malloc that counts and then calls the C
 * library's. It counts the peers' calls as well.
 */
#ifndef BENCH_SUPPORT_ALLOCATIONS_H
#define BENCH_SUPPORT_ALLOCATIONS_H

#include <stddef.h>

struct allocations {
	size_t calls; /* that gave memory: malloc, calloc, realloc, ... */
	size_t bytes; /* allocated and not yet freed; wraps below zero */
	size_t live;  /* blocks of these; wraps as well */
};

/* The counts so far, of this thread. */
struct allocations allocations_so_far(void);

#endif
