/*
 * io/ready.c - streams of a class are served in the pending phase.
 *
 * A class reports at any time that a stream is readable or writable; the list
 * `again` remembers the stream, and its events are noted in it. The pending
 * phase takes the list whole (T8). A stream that closes leaves it.
 *
 * If a callback forks, the child serves no more streams, because a class would
 * use what is still the parent's (F2). What is left, and the stream whose
 * callback it was, is served when the child has rebuilt the loop.
 */
#include "io/transport.h"
#include "rota/stream_class.h"

void rota_stream_ready(struct rota_stream *stream, unsigned events)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	if (rotai_handle_usable(&stream->handle) != ROTA_EINVAL &&
	    rotai_stream_has(stream, ROTAI_CUSTOM) &&
	    rotai_stream_has(stream, ROTAI_CONNECTED)) /* not closing */
		rotai_custom_serve(stream,
				   events & (ROTA_READABLE | ROTA_WRITABLE));
}

void rotai_ready_take(struct rotai_io *io)
{
	rotai_list_splice(&io->again_taken, &io->again);
}

void rotai_ready_pending(struct rotai_io *io)
{
	struct rota_link *link;

	while ((link = rotai_list_take_first(&io->again_taken)) != NULL) {
		struct rota_stream *stream = rota_container_of(
			link, struct rota_stream, internal.by.custom.again);
		unsigned events = stream->internal.by.custom.events;

		stream->internal.by.custom.events = 0;
		rotai_stream_clear(stream, ROTAI_IN_AGAIN);
		rotai_stream_handle_event(io, stream, events, 0);
		if (rotai_loop_inherited(io->loop) == 0)
			continue;
		if (io->current == stream) /* it has not closed */
			rotai_custom_serve(stream, events);
		return;
	}
}

void rotai_ready_forked(struct rotai_io *io)
{
	if (!rotai_list_is_empty(&io->again) ||
	    !rotai_list_is_empty(&io->again_taken))
		rotai_extension_call_pending(io->loop, &io->extension);
}
