/*
 * rota/stream_class.h - kinds of streams of your own, such as a stream in
 * memory.
 *
 * A class supplies bytes and takes bytes, without blocking and without calling
 * the user. Everything else in rota/stream.h and rota/handle.h works on a
 * stream of any class: flows and read requests, sends and writes, watermarks,
 * cork, half-close, end, deadlines and cancellation.
 *
 * A stream over another stream is a filter: rota/filter.h, which needs less.
 */
#ifndef ROTA_STREAM_CLASS_H
#define ROTA_STREAM_CLASS_H

#include "rota/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** How a stream of a class is closed. */
enum rota_close_kind {
	ROTA_CLOSE_PLAIN,
	ROTA_CLOSE_RESET, /* by rota_stream_close_reset() */
};

/**
 * The functions of a class. They are called on the loop's thread, from inside
 * the functions of rota/stream.h or from the loop. They must not call the user,
 * and must not close @stream. They may call rota_stream_ready(). A later
 * version may add members at the end.
 *
 * Owner:   the struct is the program's, and stays in place and unchanged while
 *          a stream of the class is open.
 */
struct rota_stream_class {
	size_t size;      /* of this struct */
	const char *type; /* the name of its handles in dumps, or NULL */

	/**
	 * Copy up to @buf.size bytes of input to @buf.data. Return how many, at
	 * least 1; 0 at the end of the input; ROTA_EAGAIN if there are none
	 * now; or the error with which the input has ended. At first, and after
	 * ROTA_EAGAIN, it is called when rota_stream_ready() has reported
	 * ROTA_READABLE.
	 */
	ptrdiff_t (*receive)(struct rota_stream *stream, struct rota_buf buf);

	/**
	 * Take bytes from the @count buffers at @bufs, in order; none of them
	 * is empty. Return how many bytes were taken; ROTA_EAGAIN if none can
	 * be taken now; or the error with which the writing side has failed.
	 * When it has taken less than all, it is called again when
	 * rota_stream_ready() has reported ROTA_WRITABLE. If it fails behind
	 * bytes that it has taken, it returns these, reports ROTA_WRITABLE, and
	 * returns the error then.
	 */
	ptrdiff_t (*send)(struct rota_stream *stream,
			  const struct rota_const_buf *bufs, size_t count);

	/**
	 * No more bytes will be sent: end the output, behind what was taken.
	 * Return 0 when all of it has left; ROTA_EAGAIN if some of it has not,
	 * and then this is called again when rota_stream_ready() has reported
	 * ROTA_WRITABLE; or an error.
	 */
	int (*shutdown)(struct rota_stream *stream);

	/**
	 * What @stream waits for has changed: @events are ROTA_READABLE,
	 * ROTA_WRITABLE, both or 0. A stream over another one stops reading
	 * that one while ROTA_READABLE is not asked for. NULL: does not matter.
	 */
	void (*interest)(struct rota_stream *stream, unsigned events);

	/**
	 * @stream closes: release everything. No function of the class is
	 * called for @stream after this. A stream below is closed here, by
	 * rota_handle_close_now(), or by rota_stream_close_reset() for
	 * ROTA_CLOSE_RESET. Then it is closed before the close callback of
	 * @stream. So that rota_handle_close_now() never finds it busy, a class
	 * uses no requests on it: rota_stream_read_start(), rota_stream_send(),
	 * and rota_stream_shutdown() with NULL.
	 */
	void (*close)(struct rota_stream *stream, enum rota_close_kind kind);
};

/**
 * Initialize @stream as an open, connected stream of @loop and of @class_.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who ends it by rota_handle_close() or
 *          rota_stream_end().
 * Errors:  ROTA_EINVAL     @class_ is NULL, its size is too small, or one of
 *                          receive, send, shutdown and close is NULL
 *          ROTA_ENOMEM     only with the loop's first stream
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them @stream is not open and need not be closed.
 */
int rota_stream_open(struct rota_stream *stream, struct rota_loop *loop,
		     const struct rota_stream_class *class_);

/**
 * For a class: there may be input (ROTA_READABLE, also for its end or an error)
 * or room for output (ROTA_WRITABLE) in @stream, or both, as @events say.
 * Nothing is called from inside this function. The stream reads and writes in
 * the next pending phase, whatever has been reported until then. For a stream
 * that is closed this does nothing.
 *
 * Phase:   the callbacks of @stream run in the pending phase.
 * Thread:  the loop's.
 */
void rota_stream_ready(struct rota_stream *stream, unsigned events);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
