/*
 * pool/blocks.h - blocks of memory that pool threads allocate and loops free.
 *
 * The C library gives memory that one thread allocates and another one frees
 * back to the system, and the next block costs page faults. So blocks are used
 * again. A block is memory of malloc(3), and may be passed to free(3) as well.
 */
#ifndef ROTAI_POOL_BLOCKS_H
#define ROTAI_POOL_BLOCKS_H

#include <stddef.h>

enum {
	ROTAI_BLOCK_UNIT = 2048, /* sizes are multiples of it: kind * UNIT */
	ROTAI_BLOCK_KINDS = 31,  /* kinds 1 to 31: up to 62 KiB */
	ROTAI_BLOCKS_KEPT = 512 * 1024, /* bytes at most, in the process */
};

/* The kind of a block that has space for @size bytes; 0 if there is none. */
static inline unsigned rotai_block_kind(size_t size)
{
	if (size <= ROTAI_BLOCK_UNIT / 2 ||
	    size > (size_t)ROTAI_BLOCK_UNIT * ROTAI_BLOCK_KINDS)
		return 0;
	return (unsigned)((size + ROTAI_BLOCK_UNIT - 1) / ROTAI_BLOCK_UNIT);
}

/* Return a block of @kind, which is not 0; or NULL if there is no memory. Any
 * thread. */
void *rotai_block_take(unsigned kind);

/* Keep @block for later, or free it. If @kind is 0, it is free(3). Any
 * thread. */
void rotai_block_give(void *block, unsigned kind);

/* A thread of a pool arrives; a thread of a pool ends. The latter frees all
 * blocks that are kept; without threads none are kept. */
void rotai_blocks_arrive(void);
void rotai_blocks_leave(void);

/* How many bytes are kept. */
size_t rotai_blocks_kept(void);

#endif
