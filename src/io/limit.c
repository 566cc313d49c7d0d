/*
 * io/limit.c - see limit.h.
 *
 * The watch of a stream belongs to the library, and nobody uses its member
 * data, so that is where the struct is. A stream of a class has a member for
 * it.
 */
#include "io/limit.h"

#include <string.h>

#include "base/memory.h"

static void **limit_place(const struct rota_stream *stream)
{
	struct rota_stream *s = (struct rota_stream *)(uintptr_t)stream;

	return rotai_stream_has(s, ROTAI_CUSTOM) ? &s->internal.by.custom.limit
						 : &s->internal.by.watch.data;
}

struct rotai_limit *rotai_limit_of(const struct rota_stream *stream)
{
	return *limit_place(stream);
}

void **rotai_limit_unread(const struct rota_stream *stream)
{
	return rotai_stream_has(stream, ROTAI_LIMITED)
		       ? &rotai_limit_of(stream)->unread
		       : limit_place(stream);
}

int rotai_limit_make(struct rota_stream *stream)
{
	struct rotai_limit *limit = rotai_memory_new(
		&stream->handle.internal.loop->allocator, sizeof(*limit));

	if (limit == NULL)
		return ROTA_ENOMEM;
	memset(limit, 0, sizeof(*limit));
	limit->stream = stream;
	limit->unread = *limit_place(stream);
	*limit_place(stream) = limit;
	rotai_stream_set(stream, ROTAI_LIMITED | ROTAI_OTHER);
	return 0;
}

void rotai_limit_drop(struct rota_stream *stream)
{
	struct rotai_limit *limit = rotai_limit_of(stream);

	rotai_share_attach(&limit->read, NULL);
	rotai_share_attach(&limit->write, NULL);
	*limit_place(stream) = limit->unread;
	rotai_memory_free(&stream->handle.internal.loop->allocator, limit,
			  sizeof(*limit));
	rotai_stream_clear(stream, ROTAI_LIMITED);
	if (rotai_stream_class_of(stream)->transport == NULL &&
	    !rotai_stream_has(stream, ROTAI_UNREAD))
		rotai_stream_clear(stream, ROTAI_OTHER);
}

/* How many bytes can be read, as far as is known. */
static uint64_t readable_bytes(const struct rota_stream *stream)
{
	const struct rota_read *read = stream->internal.front.read;
	size_t size = rotai_limit_of(stream)->uncounted;

	if (!rotai_stream_has(stream, ROTAI_PAUSED) || read == NULL)
		return UINT64_MAX;
	size += read->size;
	return size < read->internal.least ? read->internal.least - size
					   : UINT64_MAX;
}

/* The same of writing. The size of a file is not in queued. */
static uint64_t writable_bytes(const struct rota_stream *stream)
{
	const struct rotai_output *first = stream->internal.first_output;

	return first == NULL || first->kind == ROTAI_OUTPUT_FILE
		       ? UINT64_MAX
		       : stream->internal.queued;
}

/* Returns whether the poller need not be asked for an event. */
static int adjust_share(struct rotai_share *share, int wants, uint64_t need)
{
	if (!wants)
		rotai_share_leave(share);
	else if (share->is_short)
		rotai_share_wait(share, need);
	else
		rotai_share_rest(share);
	return wants && share->is_short;
}

unsigned rotai_limit_adjust(struct rota_stream *stream, unsigned events)
{
	struct rotai_limit *limit = rotai_limit_of(stream);

	if (adjust_share(&limit->read, (events & ROTA_READABLE) != 0,
			 readable_bytes(stream)))
		events &= ~(unsigned)ROTA_READABLE;
	if (adjust_share(&limit->write, (events & ROTA_WRITABLE) != 0,
			 writable_bytes(stream)))
		events &= ~(unsigned)ROTA_WRITABLE;
	return events;
}
