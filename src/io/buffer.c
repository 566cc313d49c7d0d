/*
 * io/buffer.c - the buffer that a loop lends to read callbacks.
 *
 * A loop has one block of memory to read into, whichever stream it is, and
 * lends it for the time of a callback: a connection that is idle owns none.
 *
 *  1. used says how much of the block, from its start, somebody has kept. What
 *     is lent lies behind it. When nobody keeps any, all of it is lent anew.
 *  2. A block counts its holds, and the loop's own interest as one more. One
 *     that has too little left is replaced, and goes with its last hold.
 *  3. A hold keeps the loop's memory, so that it can be let go of after the
 *     loop has been closed.
 */
#include "base/memory.h"
#include "io/io.h"

enum { SPARE_BLOCKS = 4 };

static size_t size_of(const struct rotai_block *block)
{
	return sizeof(*block) + block->capacity;
}

static void free_block(struct rotai_block *block)
{
	rotai_memory_free(&block->loop->allocator, block, size_of(block));
}

static struct rotai_block *new_block(struct rotai_io *io)
{
	size_t capacity = io->loop->buffer_size;
	struct rotai_block *block = io->spare;

	if (block != NULL) {
		io->spare = block->next;
		io->spare_count--;
	} else {
		block = rotai_memory_new(&io->loop->allocator,
					 sizeof(*block) + capacity);
		if (block == NULL)
			return NULL;
		block->loop = io->loop;
		block->capacity = capacity;
	}
	block->references = 1;
	return block;
}

static void drop(struct rotai_io *io, struct rotai_block *block)
{
	if (--block->references > 0)
		return;
	if (io->spare_count == SPARE_BLOCKS) {
		free_block(block);
		return;
	}
	block->next = io->spare;
	io->spare = block;
	io->spare_count++;
}

int rotai_buffer_lend(struct rotai_io *io, struct rota_buf *buf)
{
	struct rotai_block *block = io->block;

	if (ROTAI_LIKELY(block != NULL && block->references == 1)) {
		io->used = 0; /* (1) */
	} else if (block == NULL || io->used > block->capacity / 4 * 3) {
		block = new_block(io);
		if (block == NULL)
			return ROTA_ENOMEM;
		if (io->block != NULL)
			drop(io, io->block); /* (2) */
		io->block = block;
		io->used = 0;
	}
	buf->data = block->bytes + io->used;
	buf->size = block->capacity - io->used;
	return 0;
}

struct rota_hold *rota_buf_keep(struct rota_stream *stream)
{
	struct rotai_io *io = rotai_io_of(stream);
	struct rotai_block *block = io->block;

	if (io->current != stream || io->lent.size == 0)
		return NULL;
	io->used = (size_t)(io->lent.data - block->bytes) + io->lent.size;
	block->references++;
	rota_loop_ref(io->loop); /* (3) */
	return (struct rota_hold *)(void *)block;
}

void rota_buf_release(struct rota_hold *hold)
{
	struct rotai_block *block = (struct rotai_block *)(void *)hold;
	struct rota_loop *loop = block->loop;

	drop((struct rotai_io *)(void *)rotai_annex_get(loop, ROTAI_ANNEX_IO),
	     block);
	rota_loop_unref(loop);
}

void rotai_buffers_free(struct rotai_io *io)
{
	struct rotai_block *block;

	if (io->block != NULL)
		drop(io, io->block);
	while ((block = io->spare) != NULL) {
		io->spare = block->next;
		free_block(block);
	}
}
