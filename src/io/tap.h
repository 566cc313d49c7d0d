/*
 * io/tap.h - a pump, a filter or a framer as the reader of one stream, and the
 * first two as the on_drain of another or the same, in the place of functions
 * of the user.
 *
 * The flag ROTAI_TAPPED is set in a source, and fn.tap in place of fn.read.
 * ROTAI_FED is set in a sink, and its tap in place of its drain function, which
 * the tap keeps.
 */
#ifndef ROTAI_IO_TAP_H
#define ROTAI_IO_TAP_H

#include "io/io.h"

struct rotai_tap_class {
	/* As a rota_read_fn of the source. */
	void (*input)(struct rotai_tap *tap, int status,
		      const struct rota_buf *buf);

	/* As a rota_drain_fn of the sink. NULL if there is none. */
	void (*drained)(struct rotai_tap *tap, int status);

	/* @stream closes or is ending. It must be released: neither flag is
	 * set in it afterwards, unless it is the sink and only its requests
	 * are left. */
	void (*gone)(struct rotai_tap *tap, struct rota_stream *stream);
};

/* Let @tap read @stream. */
static inline void rotai_tap_take(struct rota_stream *stream,
				  struct rotai_tap *tap)
{
	stream->internal.fn.tap = tap;
	rotai_stream_set(stream, ROTAI_TAPPED);
}

/* Let it read no more: nobody reads then. */
static inline void rotai_tap_give_back(struct rota_stream *stream)
{
	rotai_stream_clear(stream, ROTAI_TAPPED);
	stream->internal.fn.read = NULL;
	rotai_flow_stop(stream);
}

/* Call the tap that reads @stream. */
void rotai_tap_input(struct rota_stream *stream, int status,
		     const struct rota_buf *buf);

/* If a tap has @stream, which closes or ends, tell it. */
void rotai_tap_release(struct rota_stream *stream);

static inline void rotai_tap_stop(struct rota_stream *stream)
{
	if (ROTAI_UNLIKELY(rotai_stream_has(stream, ROTAI_TAPPED | ROTAI_FED)))
		rotai_tap_release(stream);
}

#endif
