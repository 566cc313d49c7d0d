/*
 * rota/stream.h - bytes in order, both ways: what TCP connections, and later
 * pipes and terminals, have in common.
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
struct rotai_output;
struct rotai_listener;

/**
 * Called with what has come in: @status 0 and at least one byte in @buf, which
 * is lent until the callback returns. Or, once and last, with an error, and
 * nothing in @buf: ROTA_EOF at the end of the input, ROTA_ENOMEM if there was
 * no buffer (then, and then alone, reading can be started again), or whatever
 * the system says.
 *
 * Phase:   poll. The callback may close @stream, or anything else.
 */
typedef void rota_read_fn(struct rota_stream *stream, int status,
			  const struct rota_buf *buf);

/**
 * Called when rota_stream_read() has ended. @read->size bytes are in its
 * buffer, also if @status is an error.
 *
 * Phase:   poll, or pending, or closing.
 */
typedef void rota_read_done_fn(struct rota_read *read, int status);

/**
 * Called when all of a write is with the system, or the write has failed.
 *
 * Phase:   pending, or closing.
 */
typedef void rota_write_fn(struct rota_write *write, int status);

/**
 * Called when the writing side is shut down, or that has failed.
 *
 * Phase:   pending, or closing.
 */
typedef void rota_shutdown_fn(struct rota_shutdown *shutdown, int status);

/**
 * Called with 0 when no more than the low watermark is queued, after a send
 * returned 1; but not if the stream ends by then, see rota_stream_end(). Or
 * with an error: the writing side has failed, and bytes that rota_stream_send()
 * had taken are lost.
 *
 * Phase:   poll, or pending.
 */
typedef void rota_drain_fn(struct rota_stream *stream, int status);

/**
 * Called when @connect has ended: 0, and the stream is connected, or an error,
 * and it is as fresh as after its init.
 *
 * Phase:   poll, or pending, or closing.
 */
typedef void rota_connect_fn(struct rota_connect *connect, int status);

/**
 * Called when somebody has connected: @status 0, and @fd is the connection's
 * descriptor, non-blocking and close-on-exec, which belongs to the callback:
 * to be opened as a handle, posted to another loop, or closed. Or with an
 * error, and @fd -1: ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM or ROTA_ENOBUFS once
 * when the system has run out of something. The listener then sheds what is
 * queued and tries again by itself, after a while: see rota_stream_shed(). The
 * shortage is over when all that was queued could be accepted. Another error of
 * accept(2) is reported if it comes without end; then nothing is shed.
 *
 * Phase:   poll. The callback may close @stream.
 */
typedef void rota_connection_fn(struct rota_stream *stream, int status, int fd);

/**
 * What all streams begin with.
 *
 * Owner:   as struct rota_handle
 */
struct rota_stream {
	struct rota_handle handle;
	struct {
		struct rota_watch watch;
		union {
			rota_read_fn *read;
			rota_connection_fn *connection;
			struct rota_end *end; /* of one that ends, or NULL */
		} fn;
		union {
			struct rota_read *read; /* the first in line */
			struct rota_connect *connect;
			struct rotai_listener *listener;
		} front;
		struct rotai_output *first_output;
		struct rotai_output *last_output;
		size_t queued; /* bytes of these */
		rota_drain_fn *drain;
		uint32_t low;
		uint32_t high;
		struct rota_stream *deferred; /* the next in the same list */
		uint32_t flags;
		int error; /* of the writing side, to be told */
	} internal;        /* the library's: neither read nor write it */
};

/** For requests of the library: something in line to be written. */
struct rotai_output {
	struct rotai_output *next;
	const struct rota_const_buf *bufs;
	uint32_t count; /* of bufs */
	uint8_t kind;
	uint8_t begun;
	size_t offset; /* of the first byte that is left, in bufs[0] */
	size_t left;   /* bytes */
};

/** One attempt to connect. */
struct rota_connect {
	struct rota_request request;
	struct {
		rota_connect_fn *fn;
	} internal; /* the library's: neither read nor write it */
};

/** One read into a buffer of the caller's. */
struct rota_read {
	struct rota_request request;
	size_t size; /* bytes read */
	struct {
		struct rota_read *next;
		struct rota_buf buf;
		size_t least;
		rota_read_done_fn *fn;
	} internal; /* the library's: neither read nor write it */
};

/** One write of the caller's buffers. */
struct rota_write {
	struct rota_request request;
	struct {
		struct rotai_output output;
		struct rota_const_buf buf;
		rota_write_fn *fn;
	} internal; /* the library's: neither read nor write it */
};

/** The end of what is written. */
struct rota_shutdown {
	struct rota_request request;
	struct {
		struct rotai_output output;
		rota_shutdown_fn *fn;
	} internal; /* the library's: neither read nor write it */
};

/** The polite end of a stream: see rota_stream_end_with(). */
struct rota_end {
	struct rota_request request;

	/** How the stream has ended, to be read in its close callback: 0 if all
	 * that was queued has left and the other side has ended as well;
	 * ROTA_ETIMEDOUT if the deadline passed before that; ROTA_ECANCELED if
	 * it was cancelled, or closed otherwise; or the error by which the
	 * connection failed, ROTA_EPIPE if it had failed before. */
	int status;
};

/**
 * Wait for connections on a stream that is bound to an address, up to
 * @backlog of them in the system's queue. @fn is called for each, up to
 * ROTA_ACCEPTS_PER_EVENT in a row.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL      @fn is NULL, @backlog is below 1, or @stream is not
 *                           bound, connected, or closing
 *          ROTA_EALREADY    it listens
 *          ROTA_EADDRINUSE  another socket listens there
 *          ROTA_ENOMEM, ROTA_ENOSPC
 *          ROTA_ESHUTDOWN   the loop is shutting down
 *          ROTA_ECHILD      in a forked child, before rota_loop_fork()
 *          After any of them @stream is as it was, and nobody can connect.
 */
int rota_stream_listen(struct rota_stream *stream, int backlog,
		       rota_connection_fn *fn);

/**
 * Accept no more connections, from now on: in the middle of an event, too. A
 * peer that connects waits in the system's queue, up to the backlog. @stream
 * goes on to listen, and to keep the loop alive. Pausing twice is pausing once.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @stream does not listen, or is closing
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_stream_listen_pause(struct rota_stream *stream);

/**
 * Accept connections again after rota_stream_listen_pause(), those that have
 * waited first. It does nothing to a listener that is not paused.
 *
 * Thread:  the loop's.
 * Errors:  as rota_stream_listen_pause()
 */
int rota_stream_listen_resume(struct rota_stream *stream);

/**
 * Tell how many connections the listener @stream had to end at once, as there
 * was no descriptor left for them.
 *
 * Thread:  the loop's.
 */
uint64_t rota_stream_shed(const struct rota_stream *stream);

/**
 * Call @fn with whatever comes in. The loop lends it a buffer only when there
 * is something in it. Starting again replaces @fn.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn is NULL, or @stream listens or is closing
 *          ROTA_ENOTCONN   @stream is not connected
 *          ROTA_EBUSY      a rota_stream_read() is under way
 *          ROTA_EOF        the input has ended, by whatever error
 *          ROTA_ENOMEM, ROTA_ENOSPC
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 */
int rota_stream_read_start(struct rota_stream *stream, rota_read_fn *fn);

/**
 * Read no more: no callback comes from now on. What comes in waits in the
 * system, and the sender is slowed down when its room there is used up.
 *
 * Thread:  the loop's.
 */
void rota_stream_read_stop(struct rota_stream *stream);

/**
 * Read into @buf, once: until there are @least bytes (0 stands for 1), and what
 * comes along, up to @buf.size. Several reads are served in their order; what
 * follows the bytes of one that was cancelled, or whose time was up, is told
 * after its callback.
 *
 * Phase:   @fn runs in the poll phase; in the pending phase if the input has
 *          ended, or the read was cancelled or its time is up.
 * Thread:  the loop's.
 * Owner:   the caller keeps @read and the buffer alive and in place until @fn.
 * Errors:  ROTA_EINVAL  @fn or @buf.data is NULL, @buf.size is 0, @least is
 *                       more than that, or @stream listens or is closing
 *          ROTA_EBUSY   rota_stream_read_start() has been called
 *          else as rota_stream_read_start(), but for ROTA_EOF, which is told
 *          to @fn
 */
int rota_stream_read(struct rota_read *read, struct rota_stream *stream,
		     struct rota_buf buf, size_t least, rota_read_done_fn *fn);

/**
 * Send @size bytes of @data. What the system does not take at once is copied
 * and goes out as it can; the same is true while @stream connects. Returns 0;
 * or 1 if more than the high watermark is then queued: all is taken, but it is
 * time to stop until on_drain says so.
 *
 * Thread:  the loop's.
 * Owner:   @data is the caller's again on return.
 * Errors:  ROTA_EINVAL    @data is NULL and @size is not 0, @size is no size of
 *                         an object, or @stream listens or is closing
 *          ROTA_ENOTCONN  @stream is not connected
 *          ROTA_EPIPE     the writing side is shut down, or has failed
 *          ROTA_ENOMEM, ROTA_ENOSPC, and whatever the system says
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 *          After any of them nothing of @data is taken. If memory runs out
 *          when a part is sent already, the call returns 0, the writing side
 *          fails, and on_drain says so.
 */
int rota_stream_send(struct rota_stream *stream, const void *data, size_t size);

/**
 * Write @count buffers without copying, and call @fn. Writes leave in the order
 * they were made, together with what was sent. With ROTA_ETIMEDOUT a write ends
 * those behind it with ROTA_ECANCELED, and the writing side fails; so it does
 * with an error of the system.
 *
 * Phase:   @fn runs in the pending phase.
 * Thread:  the loop's.
 * Owner:   the caller keeps @write, the memory that the buffers name and, if
 *          @count is more than 1, the array @bufs alive and in place until @fn.
 * Errors:  ROTA_EINVAL    @fn or @bufs is NULL, @count is 0 or more than
 *                         UINT32_MAX, the sizes add up to no size of an
 *                         object, or @stream listens or is closing
 *          ROTA_ENOTCONN, ROTA_EPIPE: as rota_stream_send()
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 *          @fn is told what the system says, ROTA_ENOMEM and ROTA_ENOSPC
 *          included.
 */
int rota_stream_write(struct rota_write *write, struct rota_stream *stream,
		      const struct rota_const_buf *bufs, size_t count,
		      rota_write_fn *fn);

/**
 * Write what the system takes at once of @count buffers, or of the first 64 of
 * more. Returns how many bytes that were, or ROTA_EAGAIN: none, or other output
 * is queued, or @stream is corked or connects.
 *
 * Thread:  the loop's.
 * Errors:  else as rota_stream_write(), and whatever the system says
 */
ptrdiff_t rota_stream_try_write(struct rota_stream *stream,
				const struct rota_const_buf *bufs,
				size_t count);

/**
 * Say to the other side that nothing more comes, once all that is queued has
 * left. Reading goes on.
 *
 * Phase:   @fn runs in the pending phase.
 * Thread:  the loop's.
 * Owner:   the caller keeps @shutdown alive and in place until @fn.
 * Errors:  ROTA_EINVAL    @fn is NULL, or @stream listens or is closing
 *          ROTA_ENOTCONN  @stream is not connected
 *          ROTA_EALREADY  it was shut down before
 *          ROTA_EPIPE     the writing side has failed
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 */
int rota_stream_shutdown(struct rota_shutdown *shutdown,
			 struct rota_stream *stream, rota_shutdown_fn *fn);

/**
 * Close @stream when all that is queued has left and the other side has ended
 * as well: what comes in meanwhile is thrown away, and reads under way end with
 * ROTA_ECANCELED. Nothing more can be sent, and on_drain is called with an
 * error alone. If the connection fails, @stream closes at once.
 * rota_handle_close() can still be called, and then its function is the one
 * that is called.
 *
 * This waits for as long as the other side likes: rota_stream_end_with() can
 * have a deadline.
 *
 * Phase:   @fn runs in the closing phase; it may be NULL.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @stream is closing, or listens
 *          ROTA_EALREADY  it has been called
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 */
int rota_stream_end(struct rota_stream *stream, rota_close_fn *fn);

/**
 * End @stream as rota_stream_end() does, with a request @end, which is in
 * flight until @stream closes, whatever closes it. If its deadline passes, or
 * it is cancelled, @stream is closed as by rota_handle_close(): what is queued
 * is lost. @end->status then tells @fn how it was. The request has no callback
 * of its own. @end may be NULL: then this is rota_stream_end().
 *
 * Phase:   @fn runs in the closing phase; it may be NULL.
 * Thread:  the loop's.
 * Owner:   the caller keeps @end alive and in place until @fn, or without one
 *          until it is not active any more.
 * Errors:  as rota_stream_end(), and @end is not in flight then
 */
int rota_stream_end_with(struct rota_end *end, struct rota_stream *stream,
			 rota_close_fn *fn);

/**
 * Tell whether @stream is under way to its end, by rota_stream_end(), and is
 * not closing yet: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_stream_is_ending(const struct rota_stream *stream);

/**
 * Close @stream by a reset: what is queued anywhere is lost, and the other side
 * sees ROTA_ECONNRESET. Else as rota_handle_close().
 *
 * Thread:  the loop's.
 */
int rota_stream_close_reset(struct rota_stream *stream, rota_close_fn *fn);

/**
 * While @on is not 0, hold together what a callback and its ticks write, and
 * write it at their end with as few calls as can be. Outside callbacks it is
 * held until the loop runs. With @on 0, write it now.
 *
 * Thread:  the loop's.
 */
void rota_stream_set_cork(struct rota_stream *stream, int on);

/**
 * Have rota_stream_send() return 1 when more than @high bytes are queued, and
 * on_drain be called when no more than @low are.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @low is above @high, or @high above UINT32_MAX
 */
int rota_stream_set_watermarks(struct rota_stream *stream, size_t low,
			       size_t high);

/**
 * Call @fn when there is room again, or what was sent is lost. NULL: nobody.
 *
 * Thread:  the loop's.
 */
void rota_stream_on_drain(struct rota_stream *stream, rota_drain_fn *fn);

/**
 * Tell how many bytes wait to be written.
 *
 * Thread:  the loop's.
 */
size_t rota_stream_queued(const struct rota_stream *stream);

/**
 * Tell the descriptor of @stream: to set and get options of it, and to name it.
 * Do not read, write, watch or close it, nor keep the number: it is the
 * handle's and may change, as a failed connect takes it along.
 *
 * Thread:  the loop's.
 * Owner:   the handle.
 * Errors:  ROTA_EBADF  there is none: it is not bound, not connected and not
 *                      connecting, or is closing
 */
int rota_stream_fd(const struct rota_stream *stream);

/**
 * Take the descriptor out of @stream, to be opened on another loop or used
 * otherwise: returns it. @stream is closed, without a callback. That cannot be
 * done once the writing side has failed, or reading has ended by an error: who
 * opened the descriptor next would not know, and could send something behind
 * half of a message.
 *
 * Thread:  the loop's.
 * Owner:   the descriptor is the caller's. The memory of @stream may go.
 * Errors:  ROTA_EBUSY     something is under way or waits to be written
 *          ROTA_EPIPE     one of its sides has failed: close it
 *          ROTA_ENOTCONN  there is no descriptor
 *          ROTA_EALREADY  it is closing or closed
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 *          After any of them @stream is as it was.
 */
int rota_stream_detach(struct rota_stream *stream);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
