/*
 * io/io.c - the extension in which the io module keeps its state of a loop.
 */
#include "io/io.h"

#include "base/fd.h"
#include "base/memory.h"

static void free_io(struct rotai_extension *extension, struct rota_loop *loop)
{
	struct rotai_io *io =
		rota_container_of(extension, struct rotai_io, extension);

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
			       .take = rotai_outputs_take,
			       .pending = rotai_outputs_pending },
		.loop = loop,
		.least_room = loop->buffer_size / 4,
		.handed_fd = -1,
		.reserve = -1,
	};
	rotai_extension_set(loop, ROTAI_EXTENSION_IO, &io->extension);
	return 0;
}
