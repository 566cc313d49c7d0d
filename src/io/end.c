/*
 * io/end.c - the polite end of a stream: what is queued leaves, the writing side
 * is shut down, what still comes in is thrown away, and then it closes.
 */
#include <sys/socket.h>

#include "io/io.h"

void rotai_stream_go_on_ending(struct rota_stream *stream)
{
	int fd = rotai_stream_fd(&stream->handle);

	if (!rotai_stream_has(stream, ROTAI_BROKEN)) {
		if (stream->internal.first_output != NULL ||
		    rotai_stream_has(stream, ROTAI_CONNECTING))
			return;
		if (!rotai_stream_has(stream, ROTAI_READ_ENDED) &&
		    (rotai_stream_has(stream, ROTAI_SHUT) ||
		     shutdown(fd, SHUT_WR) == 0)) {
			rotai_stream_set(stream, ROTAI_SHUT);
			return;
		}
	}
	(void)rota_handle_close(&stream->handle,
				stream->handle.internal.close_fn);
}

int rota_stream_end(struct rota_stream *stream, rota_close_fn *fn)
{
	int error = rotai_handle_usable(&stream->handle);

	if (error < 0 && error != ROTA_ESHUTDOWN)
		return error;
	if (rotai_stream_has(stream, ROTAI_LISTENING))
		return ROTA_EINVAL;
	if (rotai_stream_has(stream, ROTAI_ENDING))
		return ROTA_EALREADY;
	if (!rotai_stream_has(stream, ROTAI_CONNECTING)) {
		if (!rotai_stream_has(stream, ROTAI_CONNECTED))
			return rota_handle_close(&stream->handle, fn);
		rotai_reads_finish(stream, ROTA_ECANCELED);
	}
	rotai_stream_set(stream, ROTAI_PAUSED);
	rotai_stream_set(stream, ROTAI_ENDING);
	stream->handle.internal.close_fn = fn;
	if (rotai_stream_update(stream) < 0) {
		/* It was never registered, and cannot be. */
		rotai_stream_set(stream, ROTAI_BROKEN);
	} else if (rotai_stream_has(stream, ROTAI_HAS_INPUT)) {
		rotai_watch_again(&stream->internal.watch, ROTA_READABLE);
	}
	rotai_stream_go_on_ending(stream);
	return 0;
}
