/*
 * rota/detached.h - moving a connection from one loop to another, with the
 * bytes that were not read and those that were not sent.
 */
#ifndef ROTA_DETACHED_H
#define ROTA_DETACHED_H

#include "rota/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * What was taken out of a stream by rota_stream_detach_with(). It is memory
 * only, and may be copied, as long as one copy is used. Any one thread at a
 * time may use it.
 *
 * Owner:   the caller, who passes it to a function that attaches it, such as
 *          rota_tcp_attach(), or ends it by rota_detached_discard().
 */
struct rota_detached {
	int fd; /* -1: nothing is there */

	/** How the writing side has failed, or 0. The stream that this is
	 * attached to refuses output as well. */
	int error;

	/** Bytes to be read before those of the descriptor. */
	struct rota_buf unread;

	/** Bytes that rota_stream_send() had accepted and the kernel had
	 * not. */
	struct rota_buf unsent;

	struct {
		uint32_t flags;
	} internal; /* private to the library: do not read or write */
};

/**
 * Take everything out of @stream and store it in *@detached: the descriptor,
 * what is known of both directions, the output that is queued, and the input
 * that was read and not delivered. @stream is closed, without a callback. See
 * also rota_stream_detach(), for a stream with neither.
 *
 * A stream one side of which has failed can be detached as well.
 *
 * Thread:  the loop's.
 * Owner:   the caller owns *@detached, and may free the memory of @stream.
 * Errors:  ROTA_EBUSY     a request is in flight, rota_stream_end() was called,
 *                         received descriptors wait, or a pump, a filter or a
 *                         framer uses @stream
 *          ROTA_ENOTCONN  @stream has no descriptor
 *          ROTA_ENOTSUP   @stream is of a rota_stream_class
 *          ROTA_ENOMEM
 *          ROTA_EALREADY  @stream is closing or closed
 *          ROTA_EINVAL    @detached is NULL, or @stream was never open
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 *          After any of them @stream and *@detached are unchanged.
 */
int rota_stream_detach_with(struct rota_stream *stream,
			    struct rota_detached *detached);

/**
 * Have the stream that @detached is attached to read a copy of the @size bytes
 * at @data, before any other input: bytes that the program has read and leaves
 * to the next reader. If reading has failed by an error, nobody can read them.
 * Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @detached is NULL or has no descriptor; @data is NULL
 *                       and @size is not 0; or @size is more than PTRDIFF_MAX
 *          ROTA_ENOMEM
 *          After any of them nothing has changed.
 */
int rota_detached_put_back(struct rota_detached *detached, const void *data,
			   size_t size);

/**
 * Close the descriptor and free the bytes, if there are any: nobody will attach
 * @detached. Then, or if nothing was there, it has no descriptor.
 *
 * Thread:  any.
 */
void rota_detached_discard(struct rota_detached *detached);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
