/*
 * io/chunk.c - copies of sent data that the kernel has not accepted yet.
 *
 * A chunk is an entry of the output queue that holds such a copy. It has room
 * for more bytes, which the next sends fill. Chunks of the usual size are kept
 * for reuse.
 */
#include <string.h>

#include "base/memory.h"
#include "io/io.h"

enum {
	CHUNK_SIZE = 4096,
	SPARE_CHUNKS = 64,
};

/* A copy of sent data. */
struct chunk {
	struct rotai_output output;
	struct rota_const_buf buf; /* its size: the bytes that are filled */
	size_t capacity;
	char bytes[];
};

static struct chunk *chunk_of(struct rotai_output *output)
{
	return rota_container_of(output, struct chunk, output);
}

static struct chunk *new_chunk(struct rotai_io *io, size_t size)
{
	enum { LEAST = CHUNK_SIZE - sizeof(struct chunk) };
	size_t capacity = size < LEAST ? LEAST : size;
	struct chunk *chunk;

	if (capacity == LEAST && io->chunks != NULL) {
		chunk = chunk_of(io->chunks);
		io->chunks = chunk->output.next;
		io->chunk_count--;
	} else {
		chunk = rotai_memory_new(&io->loop->allocator,
					 sizeof(*chunk) + capacity);
		if (chunk == NULL)
			return NULL;
	}
	*chunk = (struct chunk){
		.output = { .bufs = &chunk->buf,
			    .count = 1,
			    .kind = ROTAI_OUTPUT_COPY },
		.buf = { chunk->bytes, 0 },
		.capacity = capacity,
	};
	return chunk;
}

void rotai_chunk_free(struct rotai_io *io, struct rotai_output *output)
{
	struct chunk *chunk = chunk_of(output);

	if (chunk->capacity + sizeof(*chunk) == CHUNK_SIZE &&
	    io->chunk_count < SPARE_CHUNKS) {
		chunk->output.next = io->chunks;
		io->chunks = &chunk->output;
		io->chunk_count++;
		return;
	}
	rotai_memory_free(&io->loop->allocator, chunk,
			  sizeof(*chunk) + chunk->capacity);
}

void rotai_chunks_free(struct rotai_io *io)
{
	io->chunk_count = SPARE_CHUNKS; /* keep none */
	while (io->chunks != NULL) {
		struct rotai_output *chunk = io->chunks;

		io->chunks = chunk->next;
		rotai_chunk_free(io, chunk);
	}
}

static void fill_chunk(struct rota_stream *stream, struct chunk *chunk,
		       const char *data, size_t size)
{
	memcpy(chunk->bytes + chunk->buf.size, data, size);
	chunk->buf.size += size;
	chunk->output.left += size;
	stream->internal.queued += size;
}

int rotai_output_copy(struct rota_stream *stream, const char *data, size_t size)
{
	struct chunk *last = NULL;
	struct chunk *fresh = NULL;
	size_t room = 0;

	if (stream->internal.first_output != NULL &&
	    stream->internal.last_output->kind == ROTAI_OUTPUT_COPY) {
		last = chunk_of(stream->internal.last_output);
		room = last->capacity - last->buf.size;
	}
	if (room < size) {
		fresh = new_chunk(rotai_io_of(stream), size - room);
		if (fresh == NULL)
			return ROTA_ENOMEM;
	} else {
		room = size;
	}
	if (room > 0)
		fill_chunk(stream, last, data, room);
	if (fresh != NULL) {
		rotai_output_append(stream, &fresh->output);
		fill_chunk(stream, fresh, data + room, size - room);
	}
	return 0;
}
