/*
 * io/stream.c - a stream from its opening to its end; who is called when it is
 * ready.
 *
 *  1. Its watch is the only thing that the poller knows of it. It is registered
 *     when something is first waited for, and where the poller can, edge
 *     triggered: then an event is told once, and what it told is remembered in
 *     ROTAI_HAS_INPUT, or by the absence of ROTAI_BLOCKED, until a call comes
 *     up short.
 *  2. Elsewhere, or while somebody else watches the descriptor too, it is level
 *     triggered, and asks for what it waits for and no more.
 *  3. After each callback the stream may be gone. io->current tells: whatever
 *     closes a stream clears it if it is this one.
 */
#include "io/io.h"

#include "base/fd.h"
#include "base/socket.h"

#include <sys/socket.h>

void rotai_streams_append(struct rotai_streams *streams,
			  struct rota_stream *stream)
{
	stream->internal.deferred = NULL;
	if (streams->first == NULL)
		streams->first = stream;
	else
		streams->last->internal.deferred = stream;
	streams->last = stream;
}

struct rota_stream *rotai_streams_take_first(struct rotai_streams *streams)
{
	struct rota_stream *first = streams->first;

	if (first != NULL)
		streams->first = first->internal.deferred;
	return first;
}

void rotai_streams_remove(struct rotai_streams *streams,
			  const struct rota_stream *stream)
{
	struct rota_stream *before = NULL;
	struct rota_stream *at = streams->first;

	while (at != NULL && at != stream) {
		before = at;
		at = at->internal.deferred;
	}
	if (at == NULL)
		return;
	if (before == NULL)
		streams->first = at->internal.deferred;
	else
		before->internal.deferred = at->internal.deferred;
	if (streams->last == at)
		streams->last = before;
}

void rotai_stream_open(struct rota_stream *stream, struct rota_loop *loop,
		       const struct rotai_handle_class *class_, int fd)
{
	rotai_watch_init_own(&stream->internal.watch, loop, fd, 1);
	stream->internal.fn.read = NULL;
	stream->internal.front.read = NULL;
	stream->internal.first_output = NULL;
	stream->internal.last_output = NULL;
	stream->internal.queued = 0;
	stream->internal.drain = NULL;
	stream->internal.low = ROTA_LOW_WATERMARK;
	stream->internal.high = ROTA_HIGH_WATERMARK;
	stream->internal.deferred = NULL;
	stream->internal.flags = ROTAI_PAUSED;
	stream->internal.error = 0;
	rotai_handle_open(&stream->handle, loop, class_);
}

int rotai_stream_fd(const struct rota_handle *handle)
{
	const struct rota_stream *stream =
		rota_container_of(handle, const struct rota_stream, handle);

	return stream->internal.watch.internal.fd;
}

void rotai_stream_stop(struct rota_handle *handle)
{
	struct rota_stream *stream = rotai_stream_of(handle);
	struct rotai_io *io = rotai_io_of(stream);
	int fd = rotai_stream_fd(handle);

	if (io->current == stream)
		io->current = NULL; /* (3) */
	rotai_end_stop(stream);
	if (rotai_stream_has(stream, ROTAI_HELD))
		rotai_streams_remove(&io->held, stream);
	if (rotai_stream_has(stream, ROTAI_IN_DRAINS)) {
		rotai_streams_remove(&io->drains, stream);
		rotai_streams_remove(&io->drains_taken, stream);
	}
	rota_watch_stop(&stream->internal.watch);
	if (fd >= 0)
		rotai_fd_close(fd);
	stream->internal.watch.internal.fd = -1;
	rotai_stream_clear(stream,
			   ROTAI_CONNECTED | ROTAI_HELD | ROTAI_IN_DRAINS);
	rotai_stream_set(stream, ROTAI_PAUSED);

	if (rotai_stream_has(stream, ROTAI_LISTENING))
		rotai_listener_stop(stream);
	else if (rotai_stream_has(stream, ROTAI_CONNECTING))
		rotai_connect_stop(stream, ROTA_ECANCELED);
	else
		rotai_reads_finish(stream, ROTA_ECANCELED);
	rotai_output_drop(stream, stream->internal.first_output,
			  ROTA_ECANCELED);
}

int rotai_stream_is_ending(const struct rota_handle *handle)
{
	const struct rota_stream *stream =
		rota_container_of(handle, const struct rota_stream, handle);

	return rotai_stream_has(stream, ROTAI_ENDING);
}

int rotai_stream_usable(const struct rota_stream *stream,
			int connecting_will_do)
{
	int error = rotai_handle_usable(&stream->handle);

	if (ROTAI_UNLIKELY(error < 0))
		return error;
	if (ROTAI_LIKELY(rotai_stream_has(stream, ROTAI_CONNECTED)))
		return 0;
	if (rotai_stream_has(stream, ROTAI_LISTENING))
		return ROTA_EINVAL;
	return connecting_will_do && rotai_stream_has(stream, ROTAI_CONNECTING)
		       ? 0
		       : ROTA_ENOTCONN;
}

static unsigned waits_for(const struct rota_stream *stream)
{
	unsigned events = 0;

	if (!rotai_stream_has(stream, ROTAI_PAUSED) ||
	    stream->internal.front.read != NULL ||
	    (rotai_stream_has(stream, ROTAI_ENDING) &&
	     !rotai_stream_has(stream, ROTAI_READ_ENDED)))
		events |= ROTA_READABLE;
	if (rotai_stream_has(stream, ROTAI_BLOCKED))
		events |= ROTA_WRITABLE;
	return events;
}

int rotai_stream_update(struct rota_stream *stream)
{
	struct rota_watch *watch = &stream->internal.watch;
	int error = 0;

	if (rota_handle_is_closing(&stream->handle))
		return 0;
	if (rotai_stream_has(stream, ROTAI_CONNECTED)) {
		unsigned events = waits_for(stream);

		if (rota_watch_is_active(watch))
			rotai_watch_ask(watch, rotai_stream_ready, events);
		else if (events != 0)
			error = rota_watch_start(watch, rotai_stream_ready,
						 events);
	}
	rotai_handle_set_active(
		&stream->handle,
		stream->internal.first_output != NULL ||
			!rotai_stream_has(stream, ROTAI_PAUSED) ||
			rotai_stream_has(stream,
					 ROTAI_IN_DRAINS | ROTAI_ENDING));
	return error;
}

int rota_stream_close_reset(struct rota_stream *stream, rota_close_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	int fd = rotai_stream_fd(&stream->handle);
	int error = rotai_handle_reachable(&stream->handle);

	if (error < 0)
		return error;
	if (fd >= 0 && rotai_stream_has(stream, ROTAI_CONNECTED))
		rotai_socket_abort_on_close(fd);
	return rota_handle_close(&stream->handle, fn);
}

int rota_stream_fd(const struct rota_stream *stream)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	int fd = rotai_stream_fd(&stream->handle);

	/* One of zeroes has the number of another's. */
	return fd >= 0 && rota_handle_loop(&stream->handle) != NULL
		       ? fd
		       : ROTA_EBADF;
}

int rota_stream_detach(struct rota_stream *stream)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	struct rota_watch *watch = &stream->internal.watch;
	int fd = watch->internal.fd;
	int error = rotai_handle_reachable(&stream->handle);

	if (error < 0)
		return error;
	if (rota_handle_is_closing(&stream->handle))
		return ROTA_EALREADY;
	if (fd < 0)
		return ROTA_ENOTCONN;
	/* Opened again it would be as if nothing had happened. */
	if (rotai_stream_has(stream, ROTAI_BROKEN | ROTAI_READ_FAILED))
		return ROTA_EPIPE;
	if (rotai_handle_is_busy(&stream->handle) ||
	    stream->internal.first_output != NULL ||
	    rotai_stream_has(stream, ROTAI_ENDING))
		return ROTA_EBUSY;
	rota_watch_stop(watch);
	watch->internal.fd = -1;                      /* not to be closed */
	(void)rota_handle_close_now(&stream->handle); /* as it is not busy */
	return fd;
}
