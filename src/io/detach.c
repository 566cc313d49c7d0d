/*
 * io/detach.c - taking a connection out of a loop, and putting it into another.
 *
 * The bytes that go with it come from realloc(3), because the allocator of
 * either loop may be for one thread.
 */
#include "io/detach.h"

#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "io/unread.h"

/* What the next stream must know. */
enum {
	CARRIED = ROTAI_CONNECTED | ROTAI_TO_END | ROTAI_READ_ENDED |
		  ROTAI_READ_FAILED | ROTAI_SHUT | ROTAI_SHUT_DUE |
		  ROTAI_BROKEN | ROTAI_PRESSED,
};

static int new_bytes(struct rota_buf *buf, size_t size)
{
	*buf = (struct rota_buf){ NULL, size };
	if (size == 0)
		return 0;
	buf->data = rotai_memory_new(&rotai_memory_default, size);
	return buf->data == NULL ? ROTA_ENOMEM : 0;
}

static void free_bytes(struct rota_buf *buf)
{
	rotai_memory_free(&rotai_memory_default, buf->data, buf->size);
	*buf = (struct rota_buf){ NULL, 0 };
}

/* Whether @stream may be detached: 0 or the error. */
static int check(const struct rota_stream *stream)
{
	int error = rotai_handle_reachable(&stream->handle);

	if (error < 0)
		return error;
	if (rota_handle_is_closing(&stream->handle))
		return ROTA_EALREADY;
	if (rotai_stream_has(stream, ROTAI_CUSTOM))
		return ROTA_ENOTSUP;
	return rotai_stream_fd(&stream->handle) < 0 ? ROTA_ENOTCONN : 0;
}

static int is_busy(const struct rota_stream *stream)
{
	const struct rotai_stream_class *class_ = rotai_stream_class_of(stream);

	return rotai_handle_is_busy(&stream->handle) ||
	       rotai_stream_has(stream,
				ROTAI_ENDING | ROTAI_TAPPED | ROTAI_FED) ||
	       (class_->is_holding != NULL && class_->is_holding(stream));
}

/* Close @stream, which is not busy, without its descriptor. */
static int take_fd(struct rota_stream *stream)
{
	struct rota_watch *watch = &stream->internal.by.watch;
	int fd = watch->internal.fd;

	rota_watch_stop(watch);
	watch->internal.fd = -1;
	(void)rota_handle_close_now(&stream->handle);
	return fd;
}

int rota_stream_detach(struct rota_stream *stream)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	int error = check(stream);

	if (error < 0)
		return error;
	/* The next stream on this descriptor would not know of the failure. */
	if (rotai_stream_has(stream, ROTAI_BROKEN | ROTAI_READ_FAILED))
		return ROTA_EPIPE;
	if (is_busy(stream) || stream->internal.first_output != NULL ||
	    rotai_unread_bytes(stream).size > 0)
		return ROTA_EBUSY;
	return take_fd(stream);
}

/* Without requests, the queue has nothing but copies. */
static void copy_output(const struct rota_stream *stream, char *to)
{
	const struct rotai_output *at = stream->internal.first_output;

	for (; at != NULL; at = at->next) {
		memcpy(to, (const char *)at->bufs->data + at->offset, at->left);
		to += at->left;
	}
}

int rota_stream_detach_with(struct rota_stream *stream,
			    struct rota_detached *detached)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	struct rota_detached taken = { .fd = -1 };
	struct rota_const_buf unread;
	int error = check(stream);

	if (error == 0 && is_busy(stream))
		error = ROTA_EBUSY;
	if (error == 0 && detached == NULL)
		error = ROTA_EINVAL;
	if (error < 0)
		return error;
	unread = rotai_unread_bytes(stream);
	error = new_bytes(&taken.unread, unread.size);
	if (error == 0)
		error = new_bytes(&taken.unsent, stream->internal.queued);
	if (error < 0) {
		free_bytes(&taken.unread);
		return error;
	}
	if (unread.size > 0)
		memcpy(taken.unread.data, unread.data, unread.size);
	copy_output(stream, taken.unsent.data);
	taken.internal.flags = stream->internal.flags & CARRIED;
	if (rotai_stream_has(stream, ROTAI_BROKEN))
		taken.error = stream->internal.error < 0
				      ? stream->internal.error
				      : ROTA_EPIPE;
	else if (rotai_stream_has(stream, ROTAI_DRAIN_DUE | ROTAI_REFUSED))
		taken.internal.flags |= ROTAI_PRESSED; /* not told yet */
	taken.fd = take_fd(stream);
	*detached = taken;
	return 0;
}

int rota_detached_put_back(struct rota_detached *detached, const void *data,
			   size_t size)
{
	struct rota_buf all;

	if (detached == NULL || detached->fd < 0 ||
	    (data == NULL && size > 0) || size > PTRDIFF_MAX)
		return ROTA_EINVAL;
	if (size == 0)
		return 0;
	if (size > PTRDIFF_MAX - detached->unread.size ||
	    new_bytes(&all, size + detached->unread.size) < 0)
		return ROTA_ENOMEM;
	memcpy(all.data, data, size);
	if (detached->unread.size > 0)
		memcpy(all.data + size, detached->unread.data,
		       detached->unread.size);
	free_bytes(&detached->unread);
	detached->unread = all;
	return 0;
}

void rota_detached_discard(struct rota_detached *detached)
{
	if (detached->fd >= 0)
		rotai_fd_close(detached->fd);
	detached->fd = -1;
	free_bytes(&detached->unread);
	free_bytes(&detached->unsent);
}

static int queue_unsent(struct rota_stream *stream,
			const struct rota_buf *unsent)
{
	return unsent->size == 0
		       ? 0
		       : rotai_output_copy(stream, unsent->data, unsent->size);
}

int rotai_stream_attach(struct rota_stream *stream,
			struct rota_detached *detached)
{
	int error = rotai_unread_put(stream, detached->unread.data,
				     detached->unread.size);

	if (error == 0)
		error = queue_unsent(stream, &detached->unsent);
	rotai_stream_set(stream, detached->internal.flags & CARRIED);
	/* The end of the socket's input is found again behind these bytes. */
	if (detached->unread.size > 0 &&
	    !rotai_stream_has(stream, ROTAI_READ_FAILED))
		rotai_stream_clear(stream, ROTAI_READ_ENDED);
	if (error == 0)
		rotai_drain_attached(stream);
	if (error == 0 && stream->internal.first_output != NULL) {
		rotai_stream_set(stream, ROTAI_BLOCKED);
		error = rotai_stream_update(stream);
	}
	if (error < 0) {
		stream->internal.by.watch.internal.fd = -1; /* the caller's */
		(void)rota_handle_close_now(&stream->handle);
		return error;
	}
	detached->fd = -1;
	free_bytes(&detached->unread);
	free_bytes(&detached->unsent);
	return 0;
}
