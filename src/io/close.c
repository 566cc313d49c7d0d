/*
 * io/close.c - closing a stream: everything that its parts have in flight ends.
 *
 * Any callback of a stream may close it. The caller of a callback finds out by
 * io->current: closing a stream clears io->current if it is that stream.
 */
#include "base/list.h"
#include "base/socket.h"
#include "io/limit.h"
#include "io/tap.h"
#include "io/unread.h"
#include "rota/stream_class.h"

static void close_socket(struct rota_stream *stream)
{
	rotai_unread_free(stream);
	rotai_watch_close(&stream->internal.by.watch);
}

static void close_custom(struct rota_stream *stream)
{
	int reset = stream->internal.by.custom.reset;

	if (rotai_stream_has(stream, ROTAI_IN_AGAIN))
		rotai_list_remove(&stream->internal.by.custom.again);
	rotai_stream_clear(stream, ROTAI_IN_AGAIN | ROTAI_CONNECTED);
	stream->internal.by.custom.class_->close(
		stream, reset ? ROTA_CLOSE_RESET : ROTA_CLOSE_PLAIN);
}

/* Leave the buckets and the lists that the stream is in. */
static __attribute__((noinline)) void leave_queues(struct rotai_io *io,
						   struct rota_stream *stream)
{
	if (rotai_stream_has(stream, ROTAI_LIMITED))
		rotai_limit_drop(stream);
	if (rotai_stream_has(stream, ROTAI_HELD))
		rotai_streams_remove(&io->held, stream);
	if (rotai_stream_has(stream, ROTAI_IN_DRAINS)) {
		rotai_streams_remove(&io->drains, stream);
		rotai_streams_remove(&io->drains_taken, stream);
	}
}

void rotai_stream_stop(struct rota_handle *handle)
{
	struct rota_stream *stream = rotai_stream_of(handle);
	struct rotai_io *io = rotai_io_of(stream);

	if (io->current == stream)
		io->current = NULL;
	rotai_tap_stop(stream);
	rotai_end_stop(stream);
	if (rotai_stream_has(stream,
			     ROTAI_LIMITED | ROTAI_HELD | ROTAI_IN_DRAINS))
		leave_queues(io, stream);
	if (rotai_stream_has(stream, ROTAI_CUSTOM))
		close_custom(stream);
	else
		close_socket(stream);
	rotai_stream_clear(stream, ROTAI_CONNECTED | ROTAI_HELD |
					   ROTAI_IN_DRAINS | ROTAI_REFUSED);
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

int rota_stream_close_reset(struct rota_stream *stream, rota_close_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	int fd = rotai_stream_fd(&stream->handle);
	int error = rotai_handle_reachable(&stream->handle);

	if (error < 0)
		return error;
	if (rotai_stream_has(stream, ROTAI_CUSTOM))
		stream->internal.by.custom.reset = 1;
	else if (fd >= 0 && rotai_stream_has(stream, ROTAI_CONNECTED) &&
		 rotai_stream_class_of(stream)->transport == NULL)
		rotai_socket_abort_on_close(fd); /* nobody shares it */
	return rota_handle_close(&stream->handle, fn);
}
