/*
 * io/unread.c - see unread.h.
 *
 *  1. The bytes are in one block. The watch of a stream belongs to the library,
 *     and nobody uses its member data, so that is where the block is.
 *  2. The block stays until a read finds it empty. So the read that takes the
 *     last bytes, and comes up short, is not taken for one that has emptied the
 *     socket.
 */
#include "io/unread.h"

#include <string.h>

#include "base/memory.h"
#include "io/limit.h"

struct unread {
	size_t from; /* of the bytes that are left */
	size_t size;
	char bytes[];
};

/* (1) */
static struct unread *unread_of(const struct rota_stream *stream)
{
	return *rotai_limit_unread(stream);
}

int rotai_unread_put(struct rota_stream *stream, const char *data, size_t size)
{
	struct rota_loop *loop = stream->handle.internal.loop;
	struct unread *unread;

	if (size == 0)
		return 0;
	unread = rotai_memory_new(&loop->allocator, sizeof(*unread) + size);
	if (unread == NULL)
		return ROTA_ENOMEM;
	unread->from = 0;
	unread->size = size;
	memcpy(unread->bytes, data, size);
	*rotai_limit_unread(stream) = unread;
	rotai_stream_set(stream, ROTAI_OTHER | ROTAI_UNREAD | ROTAI_HAS_INPUT);
	return 0;
}

size_t rotai_unread_take(struct rota_stream *stream, const struct rota_buf *buf)
{
	struct unread *unread;
	size_t n;

	if (!rotai_stream_has(stream, ROTAI_UNREAD))
		return 0;
	unread = unread_of(stream);
	n = unread->size - unread->from;
	if (n == 0) {
		rotai_unread_free(stream); /* (2) */
		return 0;
	}
	if (n > buf->size)
		n = buf->size;
	memcpy(buf->data, unread->bytes + unread->from, n);
	unread->from += n;
	return n;
}

struct rota_const_buf rotai_unread_bytes(const struct rota_stream *stream)
{
	const struct unread *unread;

	if (!rotai_stream_has(stream, ROTAI_UNREAD))
		return rota_bytes(NULL, 0);
	unread = unread_of(stream);
	return rota_bytes(unread->bytes + unread->from,
			  unread->size - unread->from);
}

void rotai_unread_free(struct rota_stream *stream)
{
	struct unread *unread;

	if (!rotai_stream_has(stream, ROTAI_UNREAD))
		return;
	unread = unread_of(stream);
	rotai_memory_free(&stream->handle.internal.loop->allocator, unread,
			  sizeof(*unread) + unread->size);
	*rotai_limit_unread(stream) = NULL;
	rotai_stream_clear(stream, ROTAI_UNREAD);
	if (rotai_stream_class_of(stream)->transport == NULL &&
	    !rotai_stream_has(stream, ROTAI_LIMITED))
		rotai_stream_clear(stream, ROTAI_OTHER);
}
