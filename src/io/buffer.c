/*
 * io/buffer.c - the buffer that a loop lends to read callbacks.
 *
 * All streams of a loop read into one block of memory, which is lent for the
 * time of a callback: an idle connection has no buffer.
 *
 *  1. room is the end of the block. The part before it was kept by callbacks.
 *     When nobody keeps any part of the block, room is the whole block again.
 *  2. A block counts its holds, and one more reference for the loop. A block in
 *     which too little is left is replaced, and is freed with its last hold.
 *  3. A hold keeps the loop's memory alive, so that it can be released after
 *     the loop was closed.
 *  4. What is lent need not be at the start of room: the receive function of a
 *     class may have released the last hold, and then room is the whole block
 *     again.
 */
#include "base/memory.h"
#include "io/io.h"

enum { SPARE_BLOCKS = 4 };

static size_t block_size(const struct rotai_block *block)
{
	return sizeof(*block) + block->capacity;
}

static void free_block(struct rotai_block *block)
{
	rotai_memory_free(&block->loop->allocator, block, block_size(block));
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

static void drop_block(struct rotai_io *io, struct rotai_block *block)
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

/* Nobody keeps any part of the block: lend all of it. (1) */
static void clear_block(struct rotai_io *io)
{
	io->room.data = io->block->bytes;
	io->room.size = io->block->capacity;
}

int rotai_buffer_make_room(struct rotai_io *io)
{
	struct rotai_block *block;

	if (io->block != NULL && io->block->references == 1) {
		clear_block(io);
		return 0;
	}
	block = new_block(io);
	if (block == NULL)
		return ROTA_ENOMEM;
	if (io->block != NULL)
		drop_block(io, io->block); /* (2) */
	io->block = block;
	clear_block(io);
	return 0;
}

struct rota_hold *rota_buf_keep(struct rota_stream *stream)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	struct rotai_io *io = rotai_io_of(stream);
	struct rotai_block *block = io->block;
	char *end;

	if (io->current != stream || io->lent.size == 0)
		return NULL;
	end = io->lent.data + io->lent.size;
	if (io->room.data < end) { /* kept for the first time (4) */
		io->room.data = end;
		io->room.size = (size_t)(block->bytes + block->capacity - end);
	}
	block->references++;
	rota_loop_ref(io->loop); /* (3) */
	return (struct rota_hold *)(void *)block;
}

void rota_buf_release(struct rota_hold *hold)
{
	ROTAI_ENTER_THREAD("hold", hold,
			   ((struct rotai_block *)(void *)hold)->loop);
	struct rotai_block *block = (struct rotai_block *)(void *)hold;
	struct rota_loop *loop = block->loop;
	struct rotai_io *io = (struct rotai_io *)(void *)rotai_extension_get(
		loop, ROTAI_EXTENSION_IO);

	drop_block(io, block);
	if (block == io->block && block->references == 1 && io->lent.size == 0)
		clear_block(io);
	rota_loop_unref(loop);
}

void rotai_buffers_free(struct rotai_io *io)
{
	struct rotai_block *block;

	if (io->block != NULL)
		drop_block(io, io->block);
	while ((block = io->spare) != NULL) {
		io->spare = block->next;
		free_block(block);
	}
}
