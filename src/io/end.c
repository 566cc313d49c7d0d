/*
 * io/end.c - ending a stream politely: queued output is written, the writing
 * side is shut down, further input is discarded until the peer ends as well,
 * and then the stream closes.
 *
 *  1. While a stream is ending, nobody reads it, and the union fn contains the
 *     request of the end instead of a read callback, or NULL.
 *  2. From the start, the request's status is the result that applies if the
 *     stream is closed by something else. The request has no callback. It ends
 *     when the stream closes, whatever closes it.
 *  3. Queued output is written even if the writing side has failed behind it: a
 *     write whose deadline passes does not drop the output that is queued
 *     before it.
 *  4. A class ends its output by its shutdown function only, and may need
 *     several calls. The stream does not close before it has ended.
 */
#include "io/tap.h"
#include "io/transport.h"

void rotai_end_stop(struct rota_stream *stream)
{
	struct rota_end *end;

	if (!rotai_stream_has(stream, ROTAI_ENDING))
		return;
	end = stream->internal.fn.end;
	stream->internal.fn.end = NULL;
	if (end != NULL)
		rotai_request_drop(&end->request, end->status); /* (2) */
}

int rotai_stream_is_ending(const struct rota_handle *handle)
{
	const struct rota_stream *stream =
		rota_container_of(handle, const struct rota_stream, handle);

	return rotai_stream_has(stream, ROTAI_ENDING);
}

static void close_stream(struct rota_stream *stream)
{
	(void)rota_handle_close(&stream->handle,
				stream->handle.internal.close_fn);
}

/* Shut the writing side down, unless that is done: 0, ROTA_EAGAIN or an
 * error. */
static int shut_down_writing(struct rota_stream *stream)
{
	int error = 0;

	if (rotai_stream_has(stream, ROTAI_SHUT_DUE) &&
	    rotai_stream_has(stream, ROTAI_BLOCKED))
		return ROTA_EAGAIN; /* until it is writable */
	if (!rotai_stream_has(stream, ROTAI_SHUT) ||
	    rotai_stream_has(stream, ROTAI_SHUT_DUE))
		error = rotai_output_shut_down(stream);
	if (error == 0 || error == ROTA_EAGAIN)
		rotai_stream_set(stream, ROTAI_SHUT);
	if (error == ROTA_EAGAIN)
		(void)rotai_stream_update(stream);
	return error;
}

/* All output is written. Return 1 if the stream closes now, 0 if it waits. */
static int is_over(struct rota_stream *stream)
{
	int ended = rotai_stream_has(stream, ROTAI_READ_ENDED);
	int error = 0;

	if (rotai_stream_has(stream, ROTAI_BROKEN))
		return 1;
	if (rotai_stream_has(stream, ROTAI_CONNECTING))
		return 0;
	/* The close of a socket ends the output as well. (4) */
	if (!ended || rotai_stream_has(stream, ROTAI_CUSTOM))
		error = shut_down_writing(stream);
	if (error == ROTA_EAGAIN || (error == 0 && !ended))
		return 0;
	if (error < 0 || !rotai_stream_has(stream, ROTAI_READ_FAILED))
		rotai_end_note(stream, error);
	return 1;
}

void rotai_stream_go_on_ending(struct rota_stream *stream)
{
	if (stream->internal.first_output != NULL)
		return; /* (3) */
	if (is_over(stream))
		close_stream(stream);
}

/* The deadline has passed, or the request was cancelled: queued output is
 * lost. */
static int cancel_end(struct rota_request *request, int status)
{
	struct rota_stream *stream = rotai_stream_of(request->internal.handle);

	rotai_end_note(stream, status);
	close_stream(stream);
	return 0;
}

static const struct rotai_request_class end_class = {
	.type = "end", /* no call: (2) */
	.cancel = cancel_end,
};

/* Mark @stream as ending. @end may be NULL. */
static void begin_end(struct rota_stream *stream, struct rota_end *end,
		      rota_close_fn *fn)
{
	int failed;

	rotai_tap_stop(stream); /* the union fn is its */
	failed = rotai_stream_has(stream, ROTAI_BROKEN | ROTAI_READ_FAILED);

	rotai_stream_set(stream, ROTAI_PAUSED | ROTAI_ENDING);
	stream->internal.fn.end = end;
	stream->handle.internal.close_fn = fn;
	if (end == NULL)
		return;
	end->status = failed ? ROTA_EPIPE : ROTA_ECANCELED; /* (2) */
	rotai_request_begin(&end->request, stream->handle.internal.loop,
			    &stream->handle, &end_class);
}

int rota_stream_end_with(struct rota_end *end, struct rota_stream *stream,
			 rota_close_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	int error = rotai_handle_usable(&stream->handle);

	if (error < 0 && error != ROTA_ESHUTDOWN)
		return error;
	if (rotai_stream_has(stream, ROTAI_LISTENING))
		return ROTA_EINVAL;
	if (rotai_stream_has(stream, ROTAI_ENDING))
		return ROTA_EALREADY;
	begin_end(stream, end, fn);
	if (!rotai_stream_has(stream, ROTAI_CONNECTING | ROTAI_CONNECTED)) {
		rotai_end_note(stream, 0); /* there is no connection to end */
		close_stream(stream);
		return 0;
	}
	if (rotai_stream_has(stream, ROTAI_CONNECTED))
		rotai_reads_finish(stream, ROTA_ECANCELED);
	error = rotai_stream_update(stream);
	if (error < 0) {
		/* The stream was not registered yet, and cannot be. */
		rotai_output_fail(stream, error);
	} else if (rotai_stream_has(stream, ROTAI_HAS_INPUT)) {
		rotai_transport_again(stream, ROTA_READABLE);
	}
	rotai_stream_proceed(stream);
	return 0;
}

int rota_stream_end(struct rota_stream *stream, rota_close_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	return rota_stream_end_with(NULL, stream, fn);
}

int rota_stream_is_ending(const struct rota_stream *stream)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	return rotai_stream_has(stream, ROTAI_ENDING) &&
	       !rota_handle_is_closing(&stream->handle);
}
