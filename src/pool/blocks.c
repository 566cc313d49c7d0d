/*
 * pool/blocks.c - see blocks.h.
 *
 *  1. `busy` is a lock that nobody waits for: who finds it taken uses malloc(3)
 *     and free(3). So it is no harm if a process forks while it is taken; the
 *     child then keeps no blocks.
 *  2. A block that is kept has the pointer to the next one of its kind in its
 *     first bytes.
 *  3. Sizes go up in steps of 2 KiB to 32 KiB, of 4 KiB to 64 KiB, and of 16
 *     KiB to 176 KiB. A request has 5 bits for the kind.
 *  4. What is kept must not be of sizes that nobody needs any more. So if there
 *     is no space for another block, one of a larger kind is freed for it.
 *  5. A thread of a pool that ends because there was nothing to do for the
 *     pool's idle_ns takes all blocks with it.
 */
#include "pool/blocks.h"

#include <stdint.h>
#include <stdlib.h>

struct block {
	struct block *next;
};

static struct {
	uint8_t busy; /* (1) */
	uint32_t threads;
	size_t kept; /* bytes */
	struct block *blocks[ROTAI_BLOCK_KINDS + 1];
} all;

/* Acquire pairs with the release of unlock(). (1) */
static int try_lock(void)
{
	return !__atomic_exchange_n(&all.busy, 1, __ATOMIC_ACQUIRE);
}

static void unlock(void)
{
	__atomic_store_n(&all.busy, 0, __ATOMIC_RELEASE);
}

enum {
	KIB = 1024,
	SMALL_STEP = 2 * KIB,
	SMALL_KINDS = 16, /* up to SMALL */
	SMALL = SMALL_STEP * SMALL_KINDS,
	MEDIUM_STEP = 4 * KIB,
	MEDIUM_KINDS = 8, /* up to MEDIUM */
	MEDIUM = SMALL + MEDIUM_STEP * MEDIUM_KINDS,
	LARGE_STEP = 16 * KIB,
};

_Static_assert(MEDIUM + LARGE_STEP * (ROTAI_BLOCK_KINDS - SMALL_KINDS -
				      MEDIUM_KINDS) ==
		       ROTAI_BLOCK_MOST,
	       "the last kind is of that size");

static unsigned steps(size_t size, size_t step)
{
	return (unsigned)((size + step - 1) / step);
}

unsigned rotai_block_kind(size_t size)
{
	if (size <= ROTAI_BLOCK_LEAST || size > ROTAI_BLOCK_MOST)
		return 0;
	if (size <= SMALL)
		return steps(size, SMALL_STEP); /* (3) */
	if (size <= MEDIUM)
		return SMALL_KINDS + steps(size - SMALL, MEDIUM_STEP);
	return SMALL_KINDS + MEDIUM_KINDS + steps(size - MEDIUM, LARGE_STEP);
}

size_t rotai_block_size(unsigned kind)
{
	if (kind <= SMALL_KINDS)
		return (size_t)kind * SMALL_STEP;
	kind -= SMALL_KINDS;
	if (kind <= MEDIUM_KINDS)
		return SMALL + (size_t)kind * MEDIUM_STEP;
	return MEDIUM + (size_t)(kind - MEDIUM_KINDS) * LARGE_STEP;
}

/* With the lock held: a block of @kind, or NULL. */
static void *take_kept(unsigned kind)
{
	struct block *block = all.blocks[kind];

	if (block == NULL)
		return NULL;
	all.blocks[kind] = block->next;
	all.kept -= rotai_block_size(kind);
	return block;
}

void *rotai_block_take(unsigned kind)
{
	void *block = NULL;

	if (try_lock()) {
		block = take_kept(kind);
		unlock();
	}
	return block != NULL ? block : malloc(rotai_block_size(kind));
}

/* With the lock held: a block that is kept, of the largest kind above @kind; or
 * NULL. */
static void *take_larger(unsigned kind)
{
	void *block = NULL;

	for (unsigned i = ROTAI_BLOCK_KINDS; block == NULL && i > kind; i--)
		block = take_kept(i);
	return block;
}

/* With the lock held: keep @block. Returns what must be freed: NULL, a block
 * that was kept, or @block if it is too much. (4) */
static void *keep(struct block *block, unsigned kind)
{
	size_t size = rotai_block_size(kind);
	void *other = NULL;

	if (__atomic_load_n(&all.threads, __ATOMIC_RELAXED) == 0)
		return block;
	if (all.kept + size > ROTAI_BLOCKS_KEPT) {
		other = take_larger(kind);
		if (other == NULL)
			return block;
	}
	block->next = all.blocks[kind];
	all.blocks[kind] = block;
	all.kept += size;
	return other;
}

void rotai_block_give(void *block, unsigned kind)
{
	if (block != NULL && kind != 0 && try_lock()) {
		block = keep(block, kind);
		unlock();
	}
	free(block);
}

void rotai_blocks_arrive(void)
{
	__atomic_fetch_add(&all.threads, 1, __ATOMIC_RELAXED);
}

void rotai_blocks_leave(void)
{
	__atomic_fetch_sub(&all.threads, 1, __ATOMIC_RELAXED);
	if (!try_lock())
		return; /* the next thread that ends does it */
	for (unsigned kind = 1; kind <= ROTAI_BLOCK_KINDS; kind++) {
		void *block;

		while ((block = take_kept(kind)) != NULL)
			free(block);
	}
	unlock();
}

size_t rotai_blocks_kept(void)
{
	size_t kept = 0;

	if (try_lock()) {
		kept = all.kept;
		unlock();
	}
	return kept;
}
