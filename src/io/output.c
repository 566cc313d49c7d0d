/*
 * io/output.c - what waits to be written, in line.
 *
 * The line holds copies of what was sent, write requests, and a shutdown at
 * its end. All of it leaves in order, gathered into few calls.
 *
 *  1. queued is the sum of left over the line.
 *  2. A line that is not empty waits for one of three things: that the stream
 *     is connected; that the callback ends in which it was corked, in the list
 *     io->held; or that it becomes writable (ROTAI_BLOCKED).
 *  3. Nothing here calls the user. Requests are finished, and called back in
 *     the pending phase; on_drain is due, and called by the poll phase, or from
 *     the list io->drains in the pending phase.
 */
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/memory.h"
#include "base/socket.h"
#include "io/io.h"
#include "loop/callback.h"

enum {
	GATHERED = 512, /* buffers in one call; IOV_MAX is 1024 */
	CHUNK_SIZE = 4096,
	SPARE_CHUNKS = 64,
};

/* A copy of what was sent. */
struct chunk {
	struct rotai_output output;
	struct rota_const_buf buf; /* its size: how much is filled */
	size_t capacity;
	char bytes[];
};

static struct chunk *chunk_of(struct rotai_output *output)
{
	return rota_container_of(output, struct chunk, output);
}

static struct rota_request *request_of(struct rotai_output *output)
{
	if (output->kind == ROTAI_OUTPUT_WRITE)
		return &rota_container_of(output, struct rota_write,
					  internal.output)
				->request;
	return &rota_container_of(output, struct rota_shutdown, internal.output)
			->request;
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

static void free_chunk(struct rotai_io *io, struct chunk *chunk)
{
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
		struct chunk *chunk = chunk_of(io->chunks);

		io->chunks = chunk->output.next;
		free_chunk(io, chunk);
	}
}

void rotai_output_append(struct rota_stream *stream,
			 struct rotai_output *output)
{
	output->next = NULL;
	if (stream->internal.first_output == NULL)
		stream->internal.first_output = output;
	else
		stream->internal.last_output->next = output;
	stream->internal.last_output = output;
	stream->internal.queued += output->left;
}

static void fill(struct rota_stream *stream, struct chunk *chunk,
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
		fill(stream, last, data, room);
	if (fresh != NULL) {
		rotai_output_append(stream, &fresh->output);
		fill(stream, fresh, data + room, size - room);
	}
	return 0;
}

/* Take the first out of the line. */
static struct rotai_output *take_first(struct rota_stream *stream)
{
	struct rotai_output *first = stream->internal.first_output;

	stream->internal.first_output = first->next;
	return first;
}

static void end(struct rota_stream *stream, struct rotai_output *output,
		int status)
{
	if (output->kind == ROTAI_OUTPUT_COPY)
		free_chunk(rotai_io_of(stream), chunk_of(output));
	else
		rotai_request_finish(request_of(output), status);
}

void rotai_output_consume(struct rota_stream *stream, size_t n)
{
	struct rotai_output *first;

	stream->internal.queued -= n; /* (1) */
	while ((first = stream->internal.first_output) != NULL &&
	       first->kind != ROTAI_OUTPUT_SHUTDOWN && first->left <= n) {
		n -= first->left;
		end(stream, take_first(stream), 0);
	}
	if (n == 0)
		return;
	first->begun = 1;
	first->left -= n;
	n += first->offset;
	while (n >= first->bufs->size) {
		n -= first->bufs->size;
		first->bufs++;
		first->count--;
	}
	first->offset = n;
}

/* Gather the head of the line: how many bytes, and in *@count how many buffers
 * these are. */
static size_t gather(const struct rota_stream *stream, struct iovec *bufs,
		     size_t *count)
{
	const struct rotai_output *at = stream->internal.first_output;
	size_t total = 0;
	size_t n = 0;

	for (; at != NULL && at->kind != ROTAI_OUTPUT_SHUTDOWN; at = at->next) {
		size_t offset = at->offset;

		for (uint32_t i = 0; i < at->count; i++, offset = 0) {
			if (at->bufs[i].size == offset)
				continue; /* an empty one */
			if (n == GATHERED)
				goto full;
			bufs[n].iov_base =
				(char *)(uintptr_t)at->bufs[i].data + offset;
			bufs[n].iov_len = at->bufs[i].size - offset;
			total += bufs[n].iov_len;
			n++;
		}
	}
full:
	*count = n;
	return total;
}

/* The line has come to a shutdown. */
static void shut_down(struct rota_stream *stream)
{
	int fd = rotai_stream_fd(&stream->handle);
	int status = rotai_socket_shutdown(fd);

	end(stream, take_first(stream), status);
}

void rotai_drain_note(struct rota_stream *stream)
{
	if (rotai_stream_has(stream, ROTAI_PRESSED) &&
	    stream->internal.queued <= stream->internal.low) {
		rotai_stream_clear(stream, ROTAI_PRESSED);
		rotai_stream_set(stream, ROTAI_DRAIN_DUE);
	}
}

void rotai_output_flush(struct rota_stream *stream)
{
	struct iovec bufs[GATHERED];
	size_t count;
	size_t total;
	ssize_t n;
	int error;

	while (stream->internal.first_output != NULL) {
		if (stream->internal.first_output->kind ==
		    ROTAI_OUTPUT_SHUTDOWN) {
			shut_down(stream);
			continue;
		}
		total = gather(stream, bufs, &count);
		n = 0;
		if (total > 0)
			n = rotai_socket_send_all(
				rotai_stream_fd(&stream->handle), bufs, count);
		if (n < 0 && n != ROTA_EAGAIN) {
			rotai_output_fail(stream, (int)n);
			break;
		}
		rotai_output_consume(stream, n < 0 ? 0 : (size_t)n);
		if (n < 0 || (size_t)n < total) {
			rotai_stream_set(stream, ROTAI_BLOCKED);
			break;
		}
	}
	rotai_drain_note(stream);
	error = rotai_stream_update(stream);
	if (error < 0)
		rotai_output_fail(stream, error);
}

void rotai_output_drop(struct rota_stream *stream, struct rotai_output *from,
		       int status)
{
	struct rotai_output **at = &stream->internal.first_output;
	struct rotai_output *last = NULL;
	int told = status;

	while (*at != from) {
		last = *at;
		at = &last->next;
	}
	*at = NULL;
	stream->internal.last_output = last;
	while (from != NULL) {
		struct rotai_output *next = from->next;

		stream->internal.queued -= from->left;
		if (from->kind == ROTAI_OUTPUT_COPY) {
			stream->internal.error = status;
			rotai_stream_set(stream, ROTAI_DRAIN_DUE);
			end(stream, from, 0);
		} else {
			end(stream, from, told);
			told = ROTA_ECANCELED;
		}
		from = next;
	}
}

void rotai_output_break(struct rota_stream *stream, struct rotai_output *from,
			int error)
{
	rotai_stream_set(stream, ROTAI_BROKEN);
	rotai_end_note(stream, error);
	if (rotai_stream_has(stream, ROTAI_PRESSED)) {
		rotai_stream_clear(stream, ROTAI_PRESSED);
		rotai_stream_set(stream, ROTAI_DRAIN_DUE);
		stream->internal.error = error;
	}
	rotai_output_drop(stream, from, error);
}

void rotai_output_fail(struct rota_stream *stream, int error)
{
	rotai_stream_clear(stream, ROTAI_BLOCKED);
	rotai_output_break(stream, stream->internal.first_output, error);
	(void)rotai_stream_update(stream);
}

/* (2) */
static void hold(struct rota_stream *stream)
{
	struct rotai_io *io = rotai_io_of(stream);

	if (rotai_stream_has(stream, ROTAI_HELD))
		return;
	if (rotai_stream_has(stream, ROTAI_IN_DRAINS)) {
		/* It is in one list at a time. What it has still to be told is
		 * due as before. */
		rotai_streams_remove(&io->drains, stream);
		rotai_streams_remove(&io->drains_taken, stream);
		rotai_stream_clear(stream, ROTAI_IN_DRAINS);
	}
	rotai_stream_set(stream, ROTAI_HELD);
	rotai_streams_append(&io->held, stream);
	rotai_annex_call_after(io->loop, &io->annex);
}

int rotai_output_added(struct rota_stream *stream)
{
	if (rotai_stream_has(stream, ROTAI_CORKED) &&
	    !rotai_stream_has(stream, ROTAI_BLOCKED | ROTAI_CONNECTING))
		hold(stream);
	return rotai_stream_update(stream);
}

/* What on_drain is to be told, which is then done with. */
static int take_drain(struct rota_stream *stream)
{
	int error = stream->internal.error;

	stream->internal.error = 0;
	rotai_stream_clear(stream, ROTAI_DRAIN_DUE);
	return error;
}

void rotai_drain_call(struct rota_stream *stream)
{
	struct rota_loop *loop = stream->handle.internal.loop;
	const char *type = stream->handle.internal.class_->type;
	int status;

	if (!rotai_stream_has(stream, ROTAI_DRAIN_DUE))
		return;
	status = take_drain(stream);
	/* With 0 it may be too early by now: it will be due again. Or too late:
	 * nothing more can be sent. */
	if (stream->internal.drain == NULL ||
	    (status == 0 &&
	     rotai_stream_has(stream, ROTAI_PRESSED | ROTAI_ENDING)))
		return;
	rotai_callback_begin(loop, type, stream->handle.internal.name, stream);
	stream->internal.drain(stream, status);
	rotai_callback_end(loop, type, stream);
}

void rotai_drain_defer(struct rota_stream *stream)
{
	struct rotai_io *io = rotai_io_of(stream);

	if (!rotai_stream_has(stream, ROTAI_DRAIN_DUE) ||
	    rotai_stream_has(stream, ROTAI_IN_DRAINS | ROTAI_HELD))
		return;
	if (stream->internal.drain == NULL ||
	    (stream->internal.error == 0 &&
	     rotai_stream_has(stream, ROTAI_ENDING))) {
		(void)take_drain(stream);
		return;
	}
	rotai_stream_set(stream, ROTAI_IN_DRAINS);
	rotai_streams_append(&io->drains, stream);
	rotai_annex_call_pending(io->loop, &io->annex);
	(void)rotai_stream_update(stream);
}

void rotai_output_settle(struct rota_stream *stream)
{
	rotai_drain_defer(stream);
	rotai_stream_proceed(stream);
}

void rotai_outputs_after(struct rotai_annex *annex, struct rota_loop *loop)
{
	struct rotai_io *io = rota_container_of(annex, struct rotai_io, annex);
	struct rota_stream *stream;

	(void)loop;
	while ((stream = rotai_streams_take_first(&io->held)) != NULL) {
		rotai_stream_clear(stream, ROTAI_HELD);
		rotai_output_flush(stream);
		rotai_output_settle(stream);
	}
}

void rotai_outputs_take(struct rotai_annex *annex)
{
	struct rotai_io *io = rota_container_of(annex, struct rotai_io, annex);

	io->drains_taken = io->drains;
	io->drains.first = NULL;
}

void rotai_outputs_pending(struct rotai_annex *annex, struct rota_loop *loop)
{
	struct rotai_io *io = rota_container_of(annex, struct rotai_io, annex);
	struct rota_stream *stream;

	(void)loop;
	while ((stream = rotai_streams_take_first(&io->drains_taken)) != NULL) {
		rotai_stream_clear(stream, ROTAI_IN_DRAINS);
		(void)rotai_stream_update(stream);
		rotai_drain_call(stream);
	}
}
