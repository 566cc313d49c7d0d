/*
 * io/close.c - closing a stream: everything that its parts have in flight ends.
 *
 * Any callback of a stream may close it. The caller of a callback finds out by
 * io->current: closing a stream clears io->current if it is that stream.
 */
#include "base/fd.h"
#include "base/socket.h"
#include "io/io.h"

void rotai_stream_stop(struct rota_handle *handle)
{
	struct rota_stream *stream = rotai_stream_of(handle);
	struct rotai_io *io = rotai_io_of(stream);
	int fd = rotai_stream_fd(handle);

	if (io->current == stream)
		io->current = NULL;
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
	/* The next stream on this descriptor would not know of the failure. */
	if (rotai_stream_has(stream, ROTAI_BROKEN | ROTAI_READ_FAILED))
		return ROTA_EPIPE;
	if (rotai_handle_is_busy(&stream->handle) ||
	    stream->internal.first_output != NULL ||
	    rotai_stream_has(stream, ROTAI_ENDING))
		return ROTA_EBUSY;
	rota_watch_stop(watch);
	watch->internal.fd = -1;                      /* do not close it */
	(void)rota_handle_close_now(&stream->handle); /* it is not busy */
	return fd;
}
