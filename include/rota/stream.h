/*
 * rota/stream.h - ordered bytes in both directions: what TCP connections have
 * in common with other streams. An echo server reads like this, without
 * backpressure: a peer that does not read may fill its memory. The README has
 * the complete one.
 *
 *     static void on_read(struct rota_stream *stream, int status,
 *                         const struct rota_buf *buf)
 *     {
 *             if (status < 0)
 *                     rota_stream_end(stream, on_close);
 *             else
 *                     rota_stream_send(stream, buf->data, buf->size);
 *     }
 */
#ifndef ROTA_STREAM_H
#define ROTA_STREAM_H

#include "rota/buf.h"
#include "rota/handle.h"
#include "rota/request.h"
#include "rota/watch.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_stream;
struct rota_read;
struct rota_write;
struct rota_shutdown;
struct rota_end;
struct rota_connect;
struct rota_stream_class;
struct rotai_output;
struct rotai_listener;
struct rotai_tap_class;

/**
 * Called with input: @status is 0 and @buf has at least one byte. The buffer
 * belongs to the loop and is valid until the callback returns; see
 * rota_buf_keep().
 *
 * Or called with an error, and an empty @buf, as the last call: ROTA_EOF at the
 * end of the input, ROTA_ENOMEM if there was no memory for a buffer, or an
 * error of the system. Reading can be started again after ROTA_ENOMEM only.
 *
 * Phase:   poll; pending for a stream of a rota_stream_class. The callback may
 *          close @stream, or anything else.
 * Thread:  the loop's.
 */
typedef void rota_read_fn(struct rota_stream *stream, int status,
			  const struct rota_buf *buf);

/**
 * Called when a rota_stream_read() has completed: @status is 0 or an error.
 * Also with an error, read->size bytes of input are in the buffer. The callback
 * may free @read.
 *
 * Phase:   poll, pending or closing: see rota_stream_read().
 * Thread:  the loop's.
 */
typedef void rota_read_done_fn(struct rota_read *read, int status);

/**
 * Called when a write has completed: @status is 0 if the kernel has accepted
 * all of it, or an error. The callback may free @write.
 *
 * Phase:   pending, or closing if the stream was closed.
 * Thread:  the loop's.
 */
typedef void rota_write_fn(struct rota_write *write, int status);

/**
 * Called when the writing side of a stream is shut down, with 0, or when that
 * has failed, with an error. The callback may free @shutdown.
 *
 * Phase:   pending, or closing if the stream was closed.
 * Thread:  the loop's.
 */
typedef void rota_shutdown_fn(struct rota_shutdown *shutdown, int status);

/**
 * Once rota_stream_send() has returned 1, this is called with 0 as soon as at
 * most the low watermark is queued; and once it has returned ROTA_ENOBUFS, as
 * soon as there is place again below rota_loop_set_output_limit(). It is called
 * with an error if the writing side has failed and bytes are lost that
 * rota_stream_send() had accepted. After rota_stream_end() it is called only
 * with an error. After rota_stream_shutdown() has returned 1 it is called once,
 * when the writing side is shut down (0) or has failed: also if a send had
 * returned 1 before, and the queue passes the low watermark meanwhile.
 *
 * Phase:   poll, or pending.
 * Thread:  the loop's.
 */
typedef void rota_drain_fn(struct rota_stream *stream, int status);

/**
 * Called when @connect has completed: with 0 if the stream is connected; or
 * with an error, and then the stream is as after its initialization. The
 * callback may free @connect.
 *
 * Phase:   poll, pending or closing: see rota_tcp_connect().
 * Thread:  the loop's.
 */
typedef void rota_connect_fn(struct rota_connect *connect, int status);

/**
 * Called for each connection that a listener accepts: @status is 0 and @fd is
 * the descriptor of the connection, non-blocking and close-on-exec. The
 * callback opens it by rota_tcp_open() or rota_pipe_open(), as the listener is,
 * passes it to another loop, or closes it. If it does none of these, the
 * descriptor leaks.
 *
 * Or called with an error, and @fd is -1. ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM
 * and ROTA_ENOBUFS mean that descriptors or memory have run out. Each such
 * shortage is reported once. The listener then accepts and closes the queued
 * connections (see rota_stream_shed()), waits, and tries again by itself: after
 * 10 ms at first, and after at most 1 s. The shortage is over when it has
 * accepted all queued connections. Another error of accept(2) is reported if
 * all ROTA_ACCEPTS_PER_EVENT attempts for one event fail. The listener then
 * waits and tries again in the same way, but closes no connection.
 *
 * Phase:   poll. The callback may close @stream.
 * Thread:  the loop's.
 * Owner:   the callback owns @fd.
 */
typedef void rota_connection_fn(struct rota_stream *stream, int status, int fd);

/**
 * The base of every stream.
 *
 * Owner:   as struct rota_handle
 */
struct rota_stream {
	struct rota_handle handle;
	struct {
		union {
			struct rota_watch watch;
			struct { /* of another class than sockets */
				const struct rota_stream_class *class_;
				struct rota_link again;
				void *limit;
				uint8_t asked;
				uint8_t events;
				uint8_t reset;
			} custom;
		} by;
		union {
			rota_read_fn *read;
			rota_connection_fn *connection;
			struct rota_end *end;  /* while it ends, or NULL */
			struct rotai_tap *tap; /* a pump reads it */
		} fn;
		union {
			struct rota_read *read; /* the first one queued */
			struct rota_connect *connect;
			struct rotai_listener *listener;
		} front;
		struct rotai_output *first_output;
		struct rotai_output *last_output;
		size_t queued; /* bytes of output */
		union {
			rota_drain_fn *drain;
			struct rotai_tap *tap; /* a pump writes to it */
		} on;
		uint32_t low;
		uint32_t high;
		struct rota_stream *deferred; /* the next in the same list */
		uint32_t flags;
		int error; /* of the writing side, not reported yet */
	} internal;        /* private to the library: do not read or write */
};

/** A pump or a filter, as the streams know it. Private to the library. */
struct rotai_tap {
	const struct rotai_tap_class *class_;
	rota_drain_fn *drain; /* of the sink, when the pump has ended */
};

/** An entry of the output queue. Private to the library. */
struct rotai_output {
	struct rotai_output *next;
	const struct rota_const_buf *bufs;
	uint32_t count; /* buffers at bufs */
	uint8_t kind;
	uint8_t begun;
	size_t offset; /* in bufs[0], of the first byte not written */
	size_t left;   /* bytes not written */
};

/**
 * A request to connect. It needs no initialization.
 *
 * Owner:   as struct rota_request
 */
struct rota_connect {
	struct rota_request request;
	struct {
		rota_connect_fn *fn;
	} internal; /* private to the library: do not read or write */
};

/**
 * A request to read into a buffer of the caller's. It needs no initialization.
 *
 * Owner:   as struct rota_request
 */
struct rota_read {
	struct rota_request request;
	size_t size; /* bytes read */
	struct {
		struct rota_read *next;
		struct rota_buf buf;
		size_t least;
		rota_read_done_fn *fn;
	} internal; /* private to the library: do not read or write */
};

/**
 * A request to write buffers of the caller's. It needs no initialization.
 *
 * Owner:   as struct rota_request
 */
struct rota_write {
	struct rota_request request;
	struct {
		struct rotai_output output;
		struct rota_const_buf buf;
		rota_write_fn *fn;
	} internal; /* private to the library: do not read or write */
};

/**
 * A request to shut down the writing side. It needs no initialization.
 *
 * Owner:   as struct rota_request
 */
struct rota_shutdown {
	struct rota_request request;
	struct {
		struct rotai_output output;
		rota_shutdown_fn *fn;
	} internal; /* private to the library: do not read or write */
};

/**
 * A request to end a stream: see rota_stream_end_with(). It needs no
 * initialization, and has no callback of its own.
 *
 * Owner:   the caller, who keeps it alive and in place until the close callback
 *          of the stream.
 */
struct rota_end {
	struct rota_request request;

	/** How the stream has ended, for its close callback to read: 0 if all
	 * output was sent and the peer has ended its side as well;
	 * ROTA_ETIMEDOUT if the deadline passed before that; ROTA_ECANCELED if
	 * the request was cancelled or the stream was closed in another way;
	 * the error by which the connection failed; or ROTA_EPIPE if it had
	 * failed before the call. */
	int status;
};

/**
 * Listen for connections on a stream that is bound to an address, with up to
 * @backlog of them in the queue of the system: see listen(2). @fn is called for
 * each connection, up to ROTA_ACCEPTS_PER_EVENT times in a row. Returns 0.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL      @fn is NULL, @backlog is below 1, or @stream is not
 *                           bound, is connected or connecting, or is closing
 *          ROTA_EALREADY    @stream listens already
 *          ROTA_EADDRINUSE  another socket listens at this address
 *          ROTA_ENOMEM, ROTA_ENOSPC
 *          ROTA_ESHUTDOWN   the loop is shutting down
 *          ROTA_ECHILD      in a forked child, before rota_loop_fork()
 *          After any of them @stream is unchanged, and nobody can connect.
 */
int rota_stream_listen(struct rota_stream *stream, int backlog,
		       rota_connection_fn *fn);

/**
 * Accept no more connections until rota_stream_listen_resume(). This takes
 * effect at once, also in the callback for one of several connections. Peers
 * that connect wait in the queue of the system, up to the backlog. @stream is
 * still a listener and keeps the loop alive. If it is paused already, nothing
 * changes. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @stream does not listen, or is closing
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_stream_listen_pause(struct rota_stream *stream);

/**
 * Accept connections again after rota_stream_listen_pause(), beginning with
 * those that have waited. If the listener is not paused, nothing changes.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_stream_listen_pause()
 */
int rota_stream_listen_resume(struct rota_stream *stream);

/**
 * Return how many connections the listener @stream has accepted and closed
 * because there was no descriptor for them; 0 if @stream does not listen.
 *
 * Thread:  the loop's.
 */
uint64_t rota_stream_shed(const struct rota_stream *stream);

/**
 * Call @fn with input as it arrives, until rota_stream_read_stop(). The loop
 * provides the buffer, and only when there is input. If reading is already
 * started, @fn replaces the previous function. Returns 0.
 *
 * Phase:   see rota_read_fn.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn is NULL; @stream listens, is closing, or was
 *                          passed to rota_stream_end()
 *          ROTA_ENOTCONN   @stream is not connected
 *          ROTA_EBUSY      a rota_stream_read() is in flight, or a pump, a
 *                          filter or a framer reads @stream
 *          ROTA_EOF        the input has ended, or has failed with any error
 *          ROTA_ENOMEM, ROTA_ENOSPC
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 *          After any of them nothing has changed.
 */
int rota_stream_read_start(struct rota_stream *stream, rota_read_fn *fn);

/**
 * Stop what rota_stream_read_start() has started: @fn is not called any more.
 * Input waits in the buffer of the system. When this is full, the peer has to
 * stop sending.
 *
 * Thread:  the loop's.
 */
void rota_stream_read_stop(struct rota_stream *stream);

/**
 * Read once into @buf: at least @least bytes (0 means 1), and at most @buf.size
 * if more are there. Several reads are served in the order in which they were
 * started. If a read that has bytes is cancelled or timed out, the input after
 * these bytes goes to the next reader, and only after the callback of that
 * read. Returns 0.
 *
 * Phase:   @fn runs in the phase of rota_read_fn. It runs in the pending phase
 *          if the input has ended, or if the read was cancelled or timed out,
 *          and in the closing phase if @stream was closed.
 * Thread:  the loop's.
 * Owner:   the caller keeps @read and the buffer alive and in place until @fn
 *          is called.
 * Errors:  ROTA_EINVAL  @fn or @buf.data is NULL; @buf.size is 0 or more than
 *                       PTRDIFF_MAX; @least is more than @buf.size; @stream
 *                       listens, is closing, or was passed to rota_stream_end()
 *          ROTA_EBUSY   rota_stream_read_start() is reading
 *          else as rota_stream_read_start(), except for ROTA_EOF, with which
 *          @fn is called
 */
int rota_stream_read(struct rota_read *read, struct rota_stream *stream,
		     struct rota_buf buf, size_t least, rota_read_done_fn *fn);

/**
 * Send the @size bytes at @data. What the kernel does not accept right now is
 * copied and sent later. The same holds while @stream is connecting. Returns 0;
 * or 1 if more than the high watermark is queued after the call. The bytes are
 * accepted in both cases, but after 1 the caller should send no more until
 * on_drain is called (rota_stream_on_drain()).
 *
 * Thread:  the loop's.
 * Owner:   the library does not use @data after the call.
 * Errors:  ROTA_EINVAL    @data is NULL and @size is not 0, @size is more than
 *                         PTRDIFF_MAX, or @stream listens or is closing
 *          ROTA_ENOTCONN  @stream is neither connected nor connecting
 *          ROTA_EPIPE     the writing side is shut down or has failed, or
 *                         rota_stream_end() was called
 *          ROTA_ENOBUFS   the loop has too many copies queued: see
 *                         rota_loop_set_output_limit(). on_drain is called
 *                         when there is place again, except for a message
 *                         that is larger than the whole limit
 *          ROTA_ENOMEM, ROTA_ENOSPC
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 *          Others         the system has refused the write: see send(2). The
 *                         writing side has failed
 *          After any of them no byte of @data is accepted. If memory runs out
 *          after a part was sent, the call returns 0, the writing side fails,
 *          and on_drain is called with the error.
 */
int rota_stream_send(struct rota_stream *stream, const void *data, size_t size);

/**
 * Write @count buffers without copying them, and then call @fn. Writes and
 * sends leave in the order in which they were made. If a write completes with
 * ROTA_ETIMEDOUT or an error of the system, the writing side has failed, and
 * the writes queued behind it complete with ROTA_ECANCELED. Returns 0.
 *
 * Phase:   @fn runs in the pending phase; in the closing phase if @stream was
 *          closed.
 * Thread:  the loop's.
 * Owner:   the caller keeps @write, the memory that the buffers point to and,
 *          if @count is more than 1, the array @bufs alive and in place until
 *          @fn is called.
 * Errors:  ROTA_EINVAL    @fn or @bufs is NULL; @count is 0 or more than
 *                         UINT32_MAX; a buffer has no data and a size; the
 *                         sizes add up to more than PTRDIFF_MAX; @stream
 *                         listens or is closing
 *          ROTA_ENOTCONN, ROTA_EPIPE: as rota_stream_send()
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 *          After any of them nothing has changed, and @fn is not called. Errors
 *          of the system, ROTA_ENOMEM and ROTA_ENOSPC are passed to @fn.
 */
int rota_stream_write(struct rota_write *write, struct rota_stream *stream,
		      const struct rota_const_buf *bufs, size_t count,
		      rota_write_fn *fn);

/**
 * Write as much of the @count buffers as the kernel accepts right now. At most
 * the first 64 buffers that are not empty are tried. Returns how many bytes
 * were written, or ROTA_EAGAIN: the kernel accepts none, other output is
 * queued, or @stream is corked or connecting.
 *
 * Thread:  the loop's.
 * Owner:   the library does not use the buffers after the call.
 * Errors:  ROTA_EINVAL    as rota_stream_write()
 *          ROTA_ENOTCONN, ROTA_EPIPE: as rota_stream_send()
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 *          Others         the system has refused the write: see sendmsg(2). The
 *                         writing side has failed
 *          After any of them, and after ROTA_EAGAIN, nothing is written.
 */
ptrdiff_t rota_stream_try_write(struct rota_stream *stream,
				const struct rota_const_buf *bufs,
				size_t count);

/**
 * Shut down the writing side when all queued output is sent, so that the peer
 * reads the end of the input: see shutdown(2). Reading goes on. Returns 0.
 *
 * If @shutdown is NULL, there is no request, and @fn is not called. This
 * returns 0 if it is done, or an error of the system; or 1 if output is queued,
 * and then on_drain is called once, when the writing side is shut down or has
 * failed.
 *
 * Phase:   @fn runs in the pending phase; in the closing phase if @stream was
 *          closed.
 * Thread:  the loop's.
 * Owner:   the caller keeps @shutdown alive and in place until @fn is called.
 * Errors:  ROTA_EINVAL    @fn is NULL and @shutdown is not, or @stream listens
 *                         or is closing
 *          ROTA_ENOTCONN  @stream is neither connected nor connecting
 *          ROTA_EALREADY  this, or rota_stream_end(), was called before
 *          ROTA_EPIPE     the writing side has failed
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_stream_shutdown(struct rota_shutdown *shutdown,
			 struct rota_stream *stream, rota_shutdown_fn *fn);

/**
 * Close @stream when all queued output is sent and the peer has ended its side
 * as well. Input that arrives in the meantime is discarded, and reads in flight
 * complete with ROTA_ECANCELED. Nothing more can be sent, and on_drain is
 * called only with an error. If the connection fails, @stream is closed at
 * once. If it is neither connected nor connecting, it is closed at once as
 * well. rota_handle_close() may still be called and takes precedence: its
 * function is called, and @fn is not. Returns 0.
 *
 * This waits for the peer without a limit. Use rota_stream_end_with() to set a
 * deadline.
 *
 * Phase:   @fn runs in the closing phase; it may be NULL.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @stream is closing, or listens
 *          ROTA_EALREADY  this was called before
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_stream_end(struct rota_stream *stream, rota_close_fn *fn);

/**
 * As rota_stream_end(), with a request @end that is in flight until @stream
 * closes, for whatever reason. If the deadline of @end passes, or @end is
 * cancelled, @stream is closed as by rota_handle_close(), and queued output is
 * lost. @fn finds in end->status how the stream has ended. The request has no
 * callback of its own. If @end is NULL, this is rota_stream_end().
 *
 * Phase:   @fn runs in the closing phase; it may be NULL.
 * Thread:  the loop's.
 * Owner:   the caller keeps @end alive and in place until @fn is called or, if
 *          @fn is NULL, until rota_request_is_active() returns 0 for it.
 * Errors:  as rota_stream_end(). After any of them @end is not in flight.
 */
int rota_stream_end_with(struct rota_end *end, struct rota_stream *stream,
			 rota_close_fn *fn);

/**
 * Return 1 if rota_stream_end() or rota_stream_end_with() was called for
 * @stream, and it is not closing yet; 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_stream_is_ending(const struct rota_stream *stream);

/**
 * Close @stream and reset its connection (RFC 9293, section 3.10.5): all queued
 * output is lost, also what the kernel has accepted, and the peer gets
 * ROTA_ECONNRESET. Otherwise as rota_handle_close().
 *
 * Phase:   @fn runs in the closing phase; it may be NULL.
 * Thread:  the loop's.
 * Errors:  as rota_handle_close()
 */
int rota_stream_close_reset(struct rota_stream *stream, rota_close_fn *fn);

/**
 * Cork @stream (@on is not 0): output of a callback and its ticks is held
 * back, and written when these end, with as few system calls as possible.
 * Output that is made outside callbacks is held back until the loop runs. Or
 * uncork it (@on is 0), and write now what is held back.
 *
 * Thread:  the loop's.
 */
void rota_stream_set_cork(struct rota_stream *stream, int on);

/**
 * Set the watermarks, in bytes of queued output: rota_stream_send() returns 1
 * when more than @high are queued, and on_drain is then called when no more
 * than @low are. The defaults are ROTA_LOW_WATERMARK and ROTA_HIGH_WATERMARK.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @low is more than @high, or @high is more than
 *                       UINT32_MAX: nothing has changed
 */
int rota_stream_set_watermarks(struct rota_stream *stream, size_t low,
			       size_t high);

/**
 * Call @fn when the queued output has shrunk to the low watermark, or when
 * bytes that were sent are lost: see rota_drain_fn. NULL: call nothing.
 *
 * Phase:   @fn runs in the poll or the pending phase.
 * Thread:  the loop's.
 */
void rota_stream_on_drain(struct rota_stream *stream, rota_drain_fn *fn);

/**
 * Limit the memory of @loop for copies of sent data that wait in the queues of
 * its streams to @bytes; 0: no limit, which is the default. Above it,
 * rota_stream_send() returns ROTA_ENOBUFS, unless the system takes bytes at
 * once. Write requests and files do not count: their memory is the caller's. If
 * the limit is lowered, nothing that is queued is lost. Returns 0.
 *
 * A stream may have copies of as many bytes as the limit has left. So one that
 * is not read by its peer gets at most half of the limit, and the others go on.
 * The copies may exceed the limit by the rest of a send of which the system has
 * taken a part, at most one for each stream, by one buffer for each pump and
 * filter, and by what detached streams bring along.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOMEM
 */
int rota_loop_set_output_limit(struct rota_loop *loop, size_t bytes);

/**
 * Return the stream of @loop with the most bytes of copies in its queue, so
 * that a program can close it when sends are refused; NULL if none has any.
 * This looks at all handles of the loop.
 *
 * Thread:  the loop's.
 */
struct rota_stream *rota_loop_largest_output(struct rota_loop *loop);

/**
 * Return how many bytes of output are queued in the library.
 *
 * Thread:  the loop's.
 */
size_t rota_stream_queued(const struct rota_stream *stream);

/**
 * Return the descriptor of @stream, to set and get its options or its address.
 * Do not read, write, watch or close it. Do not store the number: a failed
 * connect closes the descriptor, and the next one may get another.
 *
 * Thread:  the loop's.
 * Owner:   the handle.
 * Errors:  ROTA_EBADF  @stream has no descriptor: it is closing, or is not
 *                      bound, connected or connecting
 */
int rota_stream_fd(const struct rota_stream *stream);

/**
 * Take the descriptor out of @stream and return it, to be opened on another
 * loop or used otherwise. @stream is closed, without a callback.
 *
 * A stream whose writing side has failed, or whose input has ended by an error,
 * cannot be detached: the next user of the descriptor would not know of this,
 * and might write after half of a message.
 *
 * Thread:  the loop's.
 * Owner:   the caller owns the descriptor, which is non-blocking, and may free
 *          the memory of @stream.
 * Errors:  ROTA_EBUSY     a request is in flight, output is queued, input was
 *                         put back (rota/detached.h), received descriptors
 *                         wait in a pipe, a pump, a filter or a framer uses
 *                         @stream, or rota_stream_end() was called
 *          ROTA_EPIPE     one of the sides has failed: close @stream
 *          ROTA_ENOTCONN  @stream has no descriptor
 *          ROTA_ENOTSUP   @stream is of a rota_stream_class
 *          ROTA_EALREADY  @stream is closing or closed
 *          ROTA_EINVAL    @stream is all zero: it was never open
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 *          After any of them @stream is unchanged.
 */
int rota_stream_detach(struct rota_stream *stream);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
