/*
 * io/tap.h - a pump as the reader of one stream and the on_drain of another, in
 * the place of functions of the user.
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

	/* As a rota_drain_fn of the sink. */
	void (*drained)(struct rotai_tap *tap, int status);

	/* @stream closes or is ending. It must be released: neither flag is
	 * set in it afterwards, unless it is the sink and only its requests
	 * are left. */
	void (*gone)(struct rotai_tap *tap, struct rota_stream *stream);
};

/* Call the pump that reads @stream. */
void rotai_tap_input(struct rota_stream *stream, int status,
		     const struct rota_buf *buf);

/* If a pump uses @stream, which closes or ends, tell it. */
void rotai_tap_release(struct rota_stream *stream);

static inline void rotai_tap_stop(struct rota_stream *stream)
{
	if (ROTAI_UNLIKELY(rotai_stream_has(stream, ROTAI_TAPPED | ROTAI_FED)))
		rotai_tap_release(stream);
}

#endif
