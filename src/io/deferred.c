/*
 * io/deferred.c - work of streams that is put off: corked output is written
 * when the callback ends, and on_drain is called in the pending phase.
 *
 * A stream is in at most one of two lists: in io->held while it is corked and
 * has output, or in io->drains while its on_drain must be called.
 */
#include "io/tap.h"
#include "loop/callback.h"

/* Write the output of @stream when the callback ends. */
static void hold_corked(struct rota_stream *stream)
{
	struct rotai_io *io = rotai_io_of(stream);

	if (rotai_stream_has(stream, ROTAI_HELD))
		return;
	if (rotai_stream_has(stream, ROTAI_IN_DRAINS)) {
		/* A stream is in one list at a time. on_drain stays due. */
		rotai_streams_remove(&io->drains, stream);
		rotai_streams_remove(&io->drains_taken, stream);
		rotai_stream_clear(stream, ROTAI_IN_DRAINS);
	}
	rotai_stream_set(stream, ROTAI_HELD);
	rotai_streams_append(&io->held, stream);
	rotai_extension_call_after(io->loop, &io->extension);
}

int rotai_output_added(struct rota_stream *stream)
{
	if (rotai_stream_has(stream, ROTAI_CORKED) &&
	    !rotai_stream_has(stream, ROTAI_BLOCKED | ROTAI_FETCHING |
					      ROTAI_CONNECTING))
		hold_corked(stream);
	return rotai_stream_update(stream);
}

/* Return the status for on_drain, which is then no longer due. */
static int take_drain(struct rota_stream *stream)
{
	int error = stream->internal.error;

	stream->internal.error = 0;
	rotai_stream_clear(stream, ROTAI_DRAIN_DUE);
	return error;
}

void rotai_drain_call_due(struct rota_stream *stream)
{
	struct rota_loop *loop = stream->handle.internal.loop;
	const char *type = stream->handle.internal.class_->type;
	int status = take_drain(stream);

	/* Status 0 may be out of date by now. If the queue is above the high
	 * watermark again, on_drain will be due again; if the stream is ending,
	 * nothing more can be sent. */
	if (stream->internal.on.drain == NULL ||
	    (status == 0 &&
	     rotai_stream_has(stream,
			      ROTAI_PRESSED | ROTAI_REFUSED | ROTAI_ENDING)))
		return;
	rotai_callback_begin(loop, type, stream->handle.internal.name, stream);
	if (ROTAI_UNLIKELY(rotai_stream_has(stream, ROTAI_FED)))
		stream->internal.on.tap->class_->drained(
			stream->internal.on.tap, status);
	else
		stream->internal.on.drain(stream, status);
	rotai_callback_end(loop, type, stream);
}

static void put_into_drains(struct rota_stream *stream)
{
	struct rotai_io *io = rotai_io_of(stream);

	rotai_stream_set(stream, ROTAI_IN_DRAINS);
	rotai_streams_append(&io->drains, stream);
	rotai_extension_call_pending(io->loop, &io->extension);
}

void rotai_drain_defer(struct rota_stream *stream)
{
	if (!rotai_stream_has(stream, ROTAI_DRAIN_DUE) ||
	    rotai_stream_has(stream, ROTAI_IN_DRAINS | ROTAI_HELD))
		return;
	if (stream->internal.on.drain == NULL ||
	    (stream->internal.error == 0 &&
	     rotai_stream_has(stream, ROTAI_ENDING))) {
		(void)take_drain(stream);
		return;
	}
	put_into_drains(stream);
	(void)rotai_stream_update(stream);
}

void rotai_drain_attached(struct rota_stream *stream)
{
	if (rotai_stream_has(stream, ROTAI_BROKEN))
		return; /* the program knows */
	rotai_drain_note(stream);
	if (!rotai_stream_has(stream, ROTAI_DRAIN_DUE))
		return;
	put_into_drains(stream);
	(void)rotai_stream_update(stream);
}

/* Whether an event, or a stream's own queue, will tell that it may go on. */
static int will_go_on(const struct rota_stream *stream)
{
	return stream->internal.first_output != NULL ||
	       rotai_stream_has(stream, ROTAI_BLOCKED | ROTAI_CONNECTING);
}

int rotai_output_refuse(struct rota_stream *stream)
{
	struct rotai_io *io = rotai_io_of(stream);
	int error = rotai_stream_update(stream);

	if (error < 0) {
		rotai_stream_clear(stream, ROTAI_BLOCKED);
		return error;
	}
	io->loop->stats.output_refused++;
	if (stream->internal.queued > stream->internal.low) {
		rotai_stream_set(stream, ROTAI_PRESSED);
	} else if (stream->internal.on.drain != NULL &&
		   (will_go_on(stream) ||
		    io->loop->stats.output_bytes > io->output_limit / 2)) {
		rotai_stream_set(stream, ROTAI_REFUSED);
		io->has_refused = 1;
		(void)rotai_stream_update(stream); /* it is active */
	}
	return ROTA_ENOBUFS;
}

void rotai_output_fail_later(struct rota_stream *stream, int error)
{
	struct rotai_io *io = rotai_io_of(stream);

	rotai_stream_set(stream, ROTAI_BROKEN | ROTAI_FAIL_DUE);
	rotai_end_note(stream, error);
	if (rotai_stream_has(stream, ROTAI_HELD))
		rotai_streams_remove(&io->held, stream);
	rotai_stream_clear(stream, ROTAI_HELD);
	if (!rotai_stream_has(stream, ROTAI_IN_DRAINS))
		put_into_drains(stream);
}

void rotai_output_shortened(struct rota_stream *stream)
{
	rotai_drain_defer(stream);
	rotai_stream_proceed(stream);
}

void rotai_outputs_after(struct rotai_extension *extension,
			 struct rota_loop *loop)
{
	struct rotai_io *io =
		rota_container_of(extension, struct rotai_io, extension);
	struct rota_stream *stream;

	(void)loop;
	while ((stream = rotai_streams_take_first(&io->held)) != NULL) {
		rotai_stream_clear(stream, ROTAI_HELD);
		rotai_output_flush(stream);
		rotai_output_shortened(stream);
	}
}

/* Some copies have left: make on_drain due for streams that were refused. */
static void take_refused(struct rotai_io *io)
{
	struct rota_link *handles = &io->loop->handles;

	io->has_place = 0;
	io->has_refused = 0;
	for (struct rota_link *at = handles->next; at != handles;
	     at = at->next) {
		struct rota_stream *stream = rotai_stream_of_link(at);

		if (stream == NULL || !rotai_stream_has(stream, ROTAI_REFUSED))
			continue;
		rotai_stream_clear(stream, ROTAI_REFUSED);
		rotai_stream_set(stream, ROTAI_DRAIN_DUE);
		rotai_drain_defer(stream);
	}
}

void rotai_outputs_take(struct rotai_extension *extension)
{
	struct rotai_io *io =
		rota_container_of(extension, struct rotai_io, extension);

	if (io->has_place)
		take_refused(io);
	/* Some are left if a callback has forked. */
	while (io->drains.first != NULL)
		rotai_streams_append(&io->drains_taken,
				     rotai_streams_take_first(&io->drains));
}

void rotai_outputs_pending(struct rotai_extension *extension,
			   struct rota_loop *loop)
{
	struct rotai_io *io =
		rota_container_of(extension, struct rotai_io, extension);
	struct rota_stream *stream;

	while ((stream = rotai_streams_take_first(&io->drains_taken)) != NULL) {
		rotai_stream_clear(stream, ROTAI_IN_DRAINS);
		io->current = stream;
		if (rotai_stream_has(stream, ROTAI_FAIL_DUE)) {
			rotai_stream_clear(stream, ROTAI_FAIL_DUE);
			rotai_output_fail(stream, ROTA_ECANCELED);
		}
		(void)rotai_stream_update(stream);
		rotai_drain_call(stream);
		if (rotai_loop_inherited(loop) < 0)
			return; /* the rest comes when it is rebuilt (F2) */
		if (io->current == stream)
			rotai_stream_proceed(stream);
	}
}

void rotai_outputs_forked(struct rotai_io *io)
{
	if (io->drains.first != NULL || io->drains_taken.first != NULL)
		rotai_extension_call_pending(io->loop, &io->extension);
}
