/*
 * io/tap.c - see tap.h.
 */
#include "io/tap.h"

void rotai_tap_input(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	struct rotai_tap *tap = stream->internal.fn.tap;

	tap->class_->input(tap, status, buf);
}

void rotai_tap_release(struct rota_stream *stream)
{
	struct rotai_tap *tap;

	if (rotai_stream_has(stream, ROTAI_TAPPED)) {
		tap = stream->internal.fn.tap;
		tap->class_->gone(tap, stream);
	}
	if (rotai_stream_has(stream, ROTAI_FED)) {
		tap = stream->internal.on.tap;
		tap->class_->gone(tap, stream);
	}
}
