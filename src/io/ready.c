/*
 * io/ready.c - streams of a class are served in the pending phase.
 *
 * A class reports at any time that a stream is readable or writable; the list
 * `again` remembers the stream, and its events are noted in it. The pending
 * phase takes the list whole (T8). A stream that closes leaves it.
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
		if (rotai_loop_inherited(io->loop) < 0)
			return; /* the rest is the parent's (F2) */
	}
}
