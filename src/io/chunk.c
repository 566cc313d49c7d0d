/*
 * io/chunk.c - copies of sent data that the kernel has not accepted yet.
 *
 * A chunk is an entry of the output queue that holds such a copy. It has room
 * for more bytes, which the next sends fill. Chunks of the usual size are kept
 * for reuse.
 *
 * The memory of all chunks that are in queues is counted, whole, in the
 * statistics of the loop, and limited: see output_limit.c.
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

enum { SMALL_CAPACITY = CHUNK_SIZE - sizeof(struct chunk) };

static size_t capacity_for(size_t size)
{
	return size < SMALL_CAPACITY ? SMALL_CAPACITY : size;
}

static size_t chunk_memory(const struct chunk *chunk)
{
	return sizeof(*chunk) + chunk->capacity;
}

static void count_chunk(struct rotai_io *io, const struct chunk *chunk)
{
	struct rota_stats *stats = &io->loop->stats;

	stats->output_bytes += chunk_memory(chunk);
	if (stats->output_bytes > stats->output_most)
		stats->output_most = stats->output_bytes;
}

static struct chunk *new_chunk(struct rotai_io *io, size_t size)
{
	size_t capacity = capacity_for(size);
	struct chunk *chunk;

	if (capacity == SMALL_CAPACITY && io->chunks != NULL) {
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
	count_chunk(io, chunk);
	return chunk;
}

static void free_chunk(struct rotai_io *io, struct chunk *chunk)
{
	rotai_memory_free(&io->loop->allocator, chunk, chunk_memory(chunk));
}

void rotai_chunk_free(struct rotai_io *io, struct rotai_output *output)
{
	struct chunk *chunk = chunk_of(output);

	io->loop->stats.output_bytes -= chunk_memory(chunk);
	if (ROTAI_UNLIKELY(io->has_refused) &&
	    io->loop->stats.output_bytes <= io->output_limit / 2) {
		io->has_place = 1;
		rotai_extension_call_pending(io->loop, &io->extension);
	}
	if (chunk_memory(chunk) == CHUNK_SIZE &&
	    io->chunk_count < SPARE_CHUNKS) {
		chunk->output.next = io->chunks;
		io->chunks = &chunk->output;
		io->chunk_count++;
		return;
	}
	free_chunk(io, chunk);
}

void rotai_chunks_free(struct rotai_io *io)
{
	while (io->chunks != NULL) {
		struct chunk *chunk = chunk_of(io->chunks);

		io->chunks = chunk->output.next;
		free_chunk(io, chunk);
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

/* The copy that is the last entry of the queue, or NULL. */
static struct chunk *last_chunk(const struct rota_stream *stream)
{
	return stream->internal.first_output != NULL &&
			       stream->internal.last_output->kind ==
				       ROTAI_OUTPUT_COPY
		       ? chunk_of(stream->internal.last_output)
		       : NULL;
}

static size_t room_in(const struct chunk *chunk)
{
	return chunk == NULL ? 0 : chunk->capacity - chunk->buf.size;
}

size_t rotai_output_copied(const struct rota_stream *stream, size_t enough)
{
	const struct rotai_output *at = stream->internal.first_output;
	size_t total = 0;

	for (; at != NULL && total <= enough; at = at->next)
		if (at->kind == ROTAI_OUTPUT_COPY)
			total += at->left;
	return total;
}

int rotai_output_fits(const struct rota_stream *stream, size_t size)
{
	const struct rotai_io *io = rotai_io_of(stream);
	size_t room = room_in(last_chunk(stream));
	uint64_t used = io->loop->stats.output_bytes;
	size_t left;
	size_t block;

	if (ROTAI_LIKELY(io->output_limit == 0) || size <= room)
		return 1;
	left = used < io->output_limit ? io->output_limit - (size_t)used : 0;
	block = sizeof(struct chunk) + capacity_for(size - room);
	return block <= left &&
	       (stream->internal.queued <= left - block ||
		rotai_output_copied(stream, left) <= left - block);
}

int rotai_output_copy(struct rota_stream *stream, const char *data, size_t size)
{
	struct chunk *last = last_chunk(stream);
	struct chunk *fresh = NULL;
	size_t room = room_in(last);

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
