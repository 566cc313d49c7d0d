/*
 * io/io.c - the extension in which the io module keeps its state of a loop.
 */
#include "io/io.h"

#include "base/fd.h"
#include "base/list.h"
#include "base/memory.h"

static struct rotai_io *io_of(struct rotai_extension *extension)
{
	return rota_container_of(extension, struct rotai_io, extension);
}

static void take_io(struct rotai_extension *extension)
{
	rotai_outputs_take(extension);
	rotai_ready_take(io_of(extension));
}

static void call_pending_io(struct rotai_extension *extension,
			    struct rota_loop *loop)
{
	rotai_outputs_pending(extension, loop);
	if (rotai_loop_inherited(loop) == 0)
		rotai_ready_pending(io_of(extension));
}

static void rebuild_io(struct rotai_extension *extension,
		       struct rota_loop *loop)
{
	(void)loop;
	rotai_outputs_forked(io_of(extension));
	rotai_ready_forked(io_of(extension));
}

static void free_io(struct rotai_extension *extension, struct rota_loop *loop)
{
	struct rotai_io *io = io_of(extension);

	rotai_buffers_free(io);
	rotai_chunks_free(io);
	if (io->reserve >= 0)
		rotai_fd_close(io->reserve);
	rotai_memory_free(&loop->allocator, io, sizeof(*io));
}

int rotai_io_prepare(struct rota_loop *loop)
{
	struct rotai_io *io;

	if (rotai_extension_get(loop, ROTAI_EXTENSION_IO) != NULL)
		return 0;
	io = rotai_memory_new(&loop->allocator, sizeof(*io));
	if (io == NULL)
		return ROTA_ENOMEM;
	*io = (struct rotai_io){
		.extension = { .free = free_io,
			       .after = rotai_outputs_after,
			       .take = take_io,
			       .pending = call_pending_io,
			       .forked = rebuild_io },
		.loop = loop,
		.least_room = loop->buffer_size / 4,
		.handed_fd = -1,
		.reserve = -1,
	};
	rotai_list_init(&io->again);
	rotai_list_init(&io->again_taken);
	rotai_extension_set(loop, ROTAI_EXTENSION_IO, &io->extension);
	return 0;
}
