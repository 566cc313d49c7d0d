/*
 * io/memory_stream.c - see rota/memory_stream.h. This is a class like those of
 * programs, and uses nothing of a stream that they could not use.
 *
 *  1. Each end has a ring with the bytes that it is to read. Its peer writes to
 *     it.
 *  2. An end that has read bytes reports room to its peer only if the peer was
 *     refused some. So a quick reader causes no work.
 */
#include "rota/memory_stream.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "loop/enter.h"
#include "loop/loop.h"

enum { CAPACITY = 64 * 1024 };

static struct rota_memory_stream *end_of(struct rota_stream *stream)
{
	return rota_container_of(stream, struct rota_memory_stream, stream);
}

static const struct rota_allocator *
allocator_of(const struct rota_memory_stream *end)
{
	return &end->handle.internal.loop->allocator;
}

static void free_ring(struct rota_memory_stream *end)
{
	rotai_memory_free(allocator_of(end), end->internal.bytes,
			  end->internal.capacity);
	end->internal.bytes = NULL;
	end->internal.from = 0;
}

static size_t min_bytes(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void take_bytes(struct rota_memory_stream *end, char *to, size_t size)
{
	size_t from = end->internal.from;
	size_t first = min_bytes(size, end->internal.capacity - from);

	memcpy(to, end->internal.bytes + from, first);
	memcpy(to + first, end->internal.bytes, size - first);
	end->internal.from = (from + size) % end->internal.capacity;
	end->internal.size -= size;
}

static void put_bytes(struct rota_memory_stream *end, const char *data,
		      size_t size)
{
	/* Neither is above PTRDIFF_MAX, so the sum does not overflow. */
	size_t at = (end->internal.from + end->internal.size) %
		    end->internal.capacity;
	size_t first = min_bytes(size, end->internal.capacity - at);

	memcpy(end->internal.bytes + at, data, first);
	memcpy(end->internal.bytes, data + first, size - first);
	end->internal.size += size;
}

static ptrdiff_t memory_receive(struct rota_stream *stream, struct rota_buf buf)
{
	struct rota_memory_stream *end = end_of(stream);
	struct rota_memory_stream *peer = end->internal.peer;
	size_t n = min_bytes(buf.size, end->internal.size);

	if (n == 0) {
		if (end->internal.error == 0)
			return ROTA_EAGAIN;
		return end->internal.error == ROTA_EOF ? 0
						       : end->internal.error;
	}
	take_bytes(end, buf.data, n);
	if (end->internal.size == 0)
		free_ring(end);
	if (peer != NULL && peer->internal.blocked) { /* (2) */
		peer->internal.blocked = 0;
		rota_stream_ready(&peer->stream, ROTA_WRITABLE);
	}
	return (ptrdiff_t)n;
}

static ptrdiff_t memory_send(struct rota_stream *stream,
			     const struct rota_const_buf *bufs, size_t count)
{
	struct rota_memory_stream *end = end_of(stream);
	struct rota_memory_stream *peer = end->internal.peer;
	size_t total = 0;
	size_t n;

	if (peer == NULL)
		return ROTA_EPIPE;
	if (peer->internal.bytes == NULL) {
		peer->internal.bytes = rotai_memory_new(
			allocator_of(peer), peer->internal.capacity);
		if (peer->internal.bytes == NULL)
			return ROTA_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		n = min_bytes(bufs[i].size,
			      peer->internal.capacity - peer->internal.size);
		put_bytes(peer, bufs[i].data, n);
		total += n;
		if (n < bufs[i].size) {
			end->internal.blocked = 1;
			break;
		}
	}
	if (total == 0)
		return ROTA_EAGAIN;
	rota_stream_ready(&peer->stream, ROTA_READABLE);
	return (ptrdiff_t)total;
}

static int memory_shutdown(struct rota_stream *stream)
{
	struct rota_memory_stream *peer = end_of(stream)->internal.peer;

	if (peer == NULL)
		return 0; /* as a socket: nobody misses the end */
	peer->internal.error = ROTA_EOF;
	rota_stream_ready(&peer->stream, ROTA_READABLE);
	return 0;
}

/* A reset takes bytes that are on their way along, as one of TCP may. */
static void memory_close(struct rota_stream *stream, enum rota_close_kind kind)
{
	struct rota_memory_stream *end = end_of(stream);
	struct rota_memory_stream *peer = end->internal.peer;

	free_ring(end);
	if (peer == NULL)
		return;
	peer->internal.peer = NULL;
	if (kind == ROTA_CLOSE_RESET) {
		peer->internal.size = 0;
		free_ring(peer);
		peer->internal.error = ROTA_ECONNRESET;
	} else if (peer->internal.error == 0) {
		peer->internal.error = ROTA_EOF;
	}
	rota_stream_ready(&peer->stream, ROTA_READABLE | ROTA_WRITABLE);
}

static const struct rota_stream_class memory_class = {
	.size = sizeof(memory_class),
	.type = "memory",
	.receive = memory_receive,
	.send = memory_send,
	.shutdown = memory_shutdown,
	.close = memory_close,
};

static int open_end(struct rota_memory_stream *end, struct rota_loop *loop,
		    size_t capacity)
{
	memset(&end->internal, 0, sizeof(end->internal));
	end->internal.capacity = capacity;
	return rota_stream_open(&end->stream, loop, &memory_class);
}

int rota_memory_stream_pair(struct rota_memory_stream *a,
			    struct rota_memory_stream *b,
			    struct rota_loop *loop, size_t capacity)
{
	ROTAI_ENTER("memory stream", a, loop);
	int error = rotai_loop_admits(loop);

	if (error < 0)
		return error;
	if (a == b || capacity > PTRDIFF_MAX)
		return ROTA_EINVAL;
	if (capacity == 0)
		capacity = CAPACITY;
	error = open_end(a, loop, capacity);
	if (error < 0)
		return error;
	(void)open_end(b, loop, capacity); /* it is not the loop's first one */
	a->internal.peer = b;
	b->internal.peer = a;
	return 0;
}
