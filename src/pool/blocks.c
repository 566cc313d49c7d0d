/*
 * pool/blocks.c - see blocks.h.
 *
 *  1. `busy` is a lock that nobody waits for: who finds it taken uses malloc(3)
 *     and free(3). So it is no harm if a process forks while it is taken; the
 *     child then keeps no blocks.
 *  2. A block that is kept has the pointer to the next one of its kind in its
 *     first bytes.
 *  3. A thread of a pool that ends because there was nothing to do for the
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

/* With the lock held: a block of @kind, or NULL. */
static void *take_kept(unsigned kind)
{
	struct block *block = all.blocks[kind];

	if (block == NULL)
		return NULL;
	all.blocks[kind] = block->next;
	all.kept -= (size_t)kind * ROTAI_BLOCK_UNIT;
	return block;
}

void *rotai_block_take(unsigned kind)
{
	void *block = NULL;

	if (try_lock()) {
		block = take_kept(kind);
		unlock();
	}
	return block != NULL ? block : malloc((size_t)kind * ROTAI_BLOCK_UNIT);
}

/* With the lock held: keep @block: 1, or 0 if it is too much. */
static int keep(struct block *block, unsigned kind)
{
	size_t size = (size_t)kind * ROTAI_BLOCK_UNIT;

	if (__atomic_load_n(&all.threads, __ATOMIC_RELAXED) == 0 ||
	    all.kept + size > ROTAI_BLOCKS_KEPT)
		return 0;
	block->next = all.blocks[kind];
	all.blocks[kind] = block;
	all.kept += size;
	return 1;
}

void rotai_block_give(void *block, unsigned kind)
{
	int kept = 0;

	if (block != NULL && kind != 0 && try_lock()) {
		kept = keep(block, kind);
		unlock();
	}
	if (!kept)
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
