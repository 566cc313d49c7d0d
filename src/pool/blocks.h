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
	ROTAI_BLOCK_LEAST = 1024,      /* memory up to this size is no block */
	ROTAI_BLOCK_MOST = 176 * 1024, /* the size of the last kind */
	ROTAI_BLOCK_KINDS = 31,
	ROTAI_BLOCKS_KEPT = 8 << 20, /* bytes at most, in the process */
};

/* The kind of a block that has space for @size bytes; 0 if there is none. */
unsigned rotai_block_kind(size_t size);

/* The size of a block of @kind. */
size_t rotai_block_size(unsigned kind);

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
