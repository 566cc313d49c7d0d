/*
 * io/io.h - what the io module keeps with a loop, and what its files share
 * about streams.
 */
#ifndef ROTAI_IO_IO_H
#define ROTAI_IO_IO_H

#include <sys/types.h>

#include "loop/extension.h"
#include "loop/enter.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "loop/watch.h"
#include "rota/stream.h"

struct iovec;
struct sockaddr;

/* The state of a stream: the bits of its flags. */
enum {
	ROTAI_CONNECTING = 1 << 0,
	ROTAI_CONNECTED = 1 << 1, /* and neither closing nor closed */
	ROTAI_LISTENING = 1 << 2,
	ROTAI_BOUND = 1 << 3,

	ROTAI_PAUSED = 1 << 4, /* no continuous reading */

	ROTAI_HAS_INPUT = 1 << 5, /* input may be left, without an event */
	ROTAI_TO_END = 1 << 6,    /* a short read is not the last: read.c (1) */
	ROTAI_READ_ENDED = 1 << 7, /* by the end, or by an error */

	ROTAI_CORKED = 1 << 8,
	ROTAI_BLOCKED = 1 << 9,    /* output waits until it is writable */
	ROTAI_SHUT = 1 << 10,      /* nothing more may be written */
	ROTAI_BROKEN = 1 << 11,    /* the same, because of an error */
	ROTAI_PRESSED = 1 << 12,   /* a send has returned 1 */
	ROTAI_DRAIN_DUE = 1 << 13, /* on_drain must be called */
	ROTAI_ENDING = 1 << 14,    /* rota_stream_end() was called */

	/* The stream is in one of the lists in struct rotai_io: at most one is
	 * set. */
	ROTAI_HELD = 1 << 15,
	ROTAI_IN_DRAINS = 1 << 16,

	ROTAI_UNTOLD = 1 << 17,      /* a read ended with bytes: read.c (4) */
	ROTAI_READ_FAILED = 1 << 18, /* reading ended by an error */

	ROTAI_OTHER = 1 << 19,    /* more than recv() and send(): transport.h */
	ROTAI_CUSTOM = 1 << 20,   /* of a rota_stream_class, without a watch */
	ROTAI_IN_AGAIN = 1 << 21, /* in the list again of the extension */
	ROTAI_UNREAD = 1 << 22,   /* has bytes to read first: unread.c */
	ROTAI_SHUT_DUE = 1 << 23, /* shut down behind the queue: no request */
	ROTAI_FETCHING = 1 << 24, /* output waits for a thread: file_output.c */
	ROTAI_TAPPED = 1 << 25,   /* a tap reads it: tap.h */
	ROTAI_FED = 1 << 26,      /* a tap writes to it: tap.h */
	ROTAI_FAIL_DUE = 1 << 27, /* queued output must be ended: deferred.c */
	ROTAI_LIMITED = 1 << 28,  /* with ROTAI_OTHER: limit.h */
	ROTAI_REFUSED = 1 << 29,  /* wants on_drain: output_limit.c */
};

/* A queue of streams, linked by their member deferred. */
struct rotai_streams {
	struct rota_stream *first;
	struct rota_stream *last;
};

/* A block of memory to lend to read callbacks, with its bytes at the end. */
struct rotai_block {
	struct rota_loop *loop;
	struct rotai_block *next; /* in the list of spare blocks */
	size_t references;        /* one for the loop, and one for each hold */
	size_t capacity;
	char bytes[];
};

struct rotai_io {
	struct rotai_extension extension;
	struct rota_loop *loop;

	/* The stream whose callback runs, or ran last. The callback may close
	 * it. Then this is not that stream any more. */
	struct rota_stream *current;
	/* The argument of a listener's callback, or -1; and the class of that
	 * listener. */
	int handed_fd;
	const struct rotai_stream_class *handed_class;
	int reserve; /* closed when descriptors run out: listen.c (2) */

	/* See buffer.c. */
	struct rotai_block *block;
	struct rota_buf room; /* the part of the block that no hold keeps */
	size_t least_room;    /* less than this is not lent */
	struct rota_buf lent; /* the part that a callback has right now */
	struct rotai_block *spare;
	unsigned spare_count;
	struct rotai_output *chunks; /* spare ones: see chunk.c */
	unsigned chunk_count;
	size_t output_limit; /* of all copies; 0: none. output_limit.c */
	uint8_t has_refused; /* some stream may have ROTAI_REFUSED */
	uint8_t has_place;   /* these streams are to be called */

	struct rota_link again; /* custom streams to be served: ready.c */
	struct rota_link again_taken;

	struct rotai_streams held;   /* corked, with output: deferred.c */
	struct rotai_streams drains; /* on_drain is due: deferred.c */
	struct rotai_streams drains_taken;
};

/* How the bytes of a stream come and go, if its flag ROTAI_OTHER is set. These
 * functions do not call the user. */
struct rotai_transport {
	/* Return how many bytes came, 0 at the end, ROTA_EAGAIN or an error. */
	ssize_t (*receive)(struct rota_stream *stream,
			   const struct rota_buf *buf);

	/* Return how many bytes of the @count buffers were taken, ROTA_EAGAIN
	 * or an error. None of the buffers is empty. */
	ssize_t (*send)(struct rota_stream *stream, struct iovec *bufs,
			size_t count);

	/* End the output: 0 or an error. */
	int (*shutdown)(struct rota_stream *stream);
};

/* What differs between the kinds of streams. */
struct rotai_stream_class {
	struct rotai_handle_class handle;

	/* The callback of a connected stream's watch, and events that it waits
	 * for besides those that reading and writing need. */
	rota_watch_fn *ready;
	unsigned also;

	/* NULL: as a socket. */
	const struct rotai_transport *transport;

	/* A read that comes up short may not be the last, and no event would
	 * say so. So the watch is level-triggered. */
	uint8_t is_level;

	/* As send of the transport, and the descriptors of @output, which is
	 * the first entry of the queue and of kind ROTAI_OUTPUT_PASS, go with
	 * the first byte. NULL: no such entry is ever queued. */
	ssize_t (*pass)(struct rota_stream *stream, struct rotai_output *output,
			struct iovec *bufs, size_t count);

	/* There is no room in the peer's queue of connections: try again later,
	 * by rotai_stream_connect_again(). Returns ROTA_EINPROGRESS or an
	 * error. NULL: that is an error. */
	int (*connect_later)(struct rota_stream *stream,
			     const struct sockaddr *address, size_t size);

	/* The descriptor is about to be closed, because a connect has failed:
	 * release what belongs to it. NULL: nothing does. */
	void (*reset)(struct rota_stream *stream);

	/* Return whether a detach would lose something. NULL: it never does. */
	int (*is_holding)(const struct rota_stream *stream);

	/* Called for a stream that is ending, when its output queue has become
	 * shorter, when its input has ended, or when it has failed. It takes
	 * the next step, which may close the stream. So the code that reads and
	 * writes does not depend on how a stream ends. */
	void (*go_on_ending)(struct rota_stream *stream);
};

static inline const struct rotai_stream_class *
rotai_stream_class_of(const struct rota_stream *stream)
{
	return rota_container_of(stream->handle.internal.class_,
				 const struct rotai_stream_class, handle);
}

static inline struct rotai_io *rotai_io_of(const struct rota_stream *stream)
{
	return (struct rotai_io *)(void *)
		stream->handle.internal.loop->extensions[ROTAI_EXTENSION_IO];
}

/* Make this module's extension of @loop, if there is none yet: 0 or
 * ROTA_ENOMEM. */
int rotai_io_prepare(struct rota_loop *loop);

/* Return 0, or the error if no stream can be opened on @loop. This makes the
 * extension as well. */
static inline int rotai_io_admits(struct rota_loop *loop)
{
	int error = rotai_loop_admits(loop);

	return error < 0 ? error : rotai_io_prepare(loop);
}

/* Return whether @fd is the connection that a listener of @class_ has just
 * accepted, and passes to its callback: it is connected, and non-blocking. This
 * is true only once. */
static inline int rotai_io_takes(struct rotai_io *io, int fd,
				 const struct rotai_stream_class *class_)
{
	if (fd < 0 || fd != io->handed_fd || io->handed_class != class_)
		return 0;
	io->handed_fd = -1;
	return 1;
}

/* --- buffer.c ------------------------------------------------------------- */

/* Make room to lend: 0 or ROTA_ENOMEM. */
int rotai_buffer_make_room(struct rotai_io *io);

static inline int rotai_buffer_lend(struct rotai_io *io, struct rota_buf *buf)
{
	if (ROTAI_UNLIKELY(io->room.size < io->least_room) &&
	    rotai_buffer_make_room(io) < 0)
		return ROTA_ENOMEM;
	*buf = io->room;
	return 0;
}

void rotai_buffers_free(struct rotai_io *io);

/* --- stream.c ------------------------------------------------------------- */

/* Make @stream an open handle with the descriptor @fd, which may be -1. */
void rotai_stream_open(struct rota_stream *stream, struct rota_loop *loop,
		       const struct rotai_stream_class *class_, int fd);

/* The fd function of the handle class. All streams have it, and nothing else
 * has. */
int rotai_stream_fd(const struct rota_handle *handle);

static inline int rotai_stream_has(const struct rota_stream *stream,
				   unsigned flags)
{
	return (stream->internal.flags & flags) != 0;
}

static inline void rotai_stream_set(struct rota_stream *stream, unsigned flags)
{
	stream->internal.flags |= flags;
}

static inline void rotai_stream_clear(struct rota_stream *stream,
				      unsigned flags)
{
	stream->internal.flags &= ~flags;
}

static inline struct rota_stream *rotai_stream_of(struct rota_handle *handle)
{
	return rota_container_of(handle, struct rota_stream, handle);
}

/* Return the stream that is in the list of open handles at @link, or NULL if
 * that is no stream. */
static inline struct rota_stream *rotai_stream_of_link(struct rota_link *link)
{
	struct rota_handle *handle = rotai_handle_of(link);

	return handle->internal.class_->fd == rotai_stream_fd
		       ? rotai_stream_of(handle)
		       : NULL;
}

/* Return 0 if @stream can be read or written, else the error: it is closing, it
 * listens, or it is not connected. If @connecting_will_do, a stream that is
 * connecting will do. */
int rotai_stream_usable(const struct rota_stream *stream,
			int connecting_will_do);

/* Ask the poller for the events that the stream now waits for, and set whether
 * the handle is active. This can fail only if the stream was not registered
 * yet. */
int rotai_stream_update(struct rota_stream *stream);

void rotai_streams_append(struct rotai_streams *streams,
			  struct rota_stream *stream);
struct rota_stream *rotai_streams_take_first(struct rotai_streams *streams);
void rotai_streams_remove(struct rotai_streams *streams,
			  const struct rota_stream *stream);

/* --- read.c --------------------------------------------------------------- */

/* The ready function of the class. */
void rotai_stream_ready(struct rota_watch *watch, unsigned events);

/* Start and stop reading for whatever is set as the reader. Returns 0 or an
 * error, and then nothing has changed. */
int rotai_flow_start(struct rota_stream *stream);
void rotai_flow_stop(struct rota_stream *stream);

/* Finish all queued reads with @status. */
void rotai_reads_finish(struct rota_stream *stream, int status);

/* Do everything that @events may need; @bytes were read for them already. The
 * stream may be closed afterwards. */
void rotai_stream_handle_event(struct rotai_io *io, struct rota_stream *stream,
			       unsigned events, size_t bytes);

/* --- ready.c -------------------------------------------------------------- */

void rotai_ready_take(struct rotai_io *io);
void rotai_ready_pending(struct rotai_io *io);
void rotai_ready_forked(struct rotai_io *io);

/* --- output.c ------------------------------------------------------------- */

/* Kinds of entries. Up to ROTAI_OUTPUT_PASS they consist of buffers. */
enum {
	ROTAI_OUTPUT_COPY,
	ROTAI_OUTPUT_WRITE,
	ROTAI_OUTPUT_PASS, /* a write with descriptors */
	ROTAI_OUTPUT_SHUTDOWN,
	ROTAI_OUTPUT_FILE,
};

/* Append @output to the queue. */
static inline void rotai_output_append(struct rota_stream *stream,
				       struct rotai_output *output)
{
	output->next = NULL;
	if (stream->internal.first_output == NULL)
		stream->internal.first_output = output;
	else
		stream->internal.last_output->next = output;
	stream->internal.last_output = output;
	stream->internal.queued += output->left;
}

/* Write as much of the output queue as the kernel accepts. Calls no
 * callback. */
void rotai_output_flush(struct rota_stream *stream);

/* Shut the writing side down, behind output that is all written: 0; ROTA_EAGAIN
 * if that goes on when the stream is writable; or an error. */
int rotai_output_shut_down(struct rota_stream *stream);

/* Remove @from and everything behind it from the queue: the request of @from
 * finishes with @status, those behind it with ROTA_ECANCELED. */
void rotai_output_drop(struct rota_stream *stream, struct rotai_output *from,
		       int status);

/* The writing side has failed with @error at @from: drop this entry and
 * everything behind it, and accept no more output. rotai_output_fail() does the
 * same for the whole queue. */
void rotai_output_break(struct rota_stream *stream, struct rotai_output *from,
			int error);
void rotai_output_fail(struct rota_stream *stream, int error);

/* Remove @n bytes, which were written, from the head of the queue. */
void rotai_output_consume(struct rota_stream *stream, size_t n);

/* Set ROTAI_DRAIN_DUE if the queue has shrunk to the low watermark. */
void rotai_drain_note(struct rota_stream *stream);

/* --- write.c -------------------------------------------------------------- */

/* Check the arguments of a write request: the number of bytes, or an error. */
ptrdiff_t rotai_write_check(const struct rota_stream *stream,
			    const struct rota_const_buf *bufs, size_t count,
			    rota_write_fn *fn);

/* Begin a write, whose arguments are right, of that kind of output. The caller
 * has set its function, and how many bytes are left to write. */
void rotai_write_begin(struct rota_write *write, struct rota_stream *stream,
		       const struct rota_const_buf *bufs, uint32_t count,
		       uint8_t kind);

/* --- chunk.c -------------------------------------------------------------- */

/* Append a copy of @size bytes to the queue: 0; or ROTA_ENOMEM, and nothing is
 * copied. */
int rotai_output_copy(struct rota_stream *stream, const char *data,
		      size_t size);

/* Whether the limit of the loop admits such a copy. */
int rotai_output_fits(const struct rota_stream *stream, size_t size);

/* How many bytes of copies are in the queue; stops counting above @enough. */
size_t rotai_output_copied(const struct rota_stream *stream, size_t enough);

/* Free a copy that is in no queue any more; free all spare ones. */
void rotai_chunk_free(struct rotai_io *io, struct rotai_output *output);
void rotai_chunks_free(struct rotai_io *io);

/* --- deferred.c ----------------------------------------------------------- */

/* Output was queued. If @stream is corked, hold it back until the callback
 * ends; else make sure that it is written as soon as it can be. Returns 0, or
 * the error if the stream cannot be registered. */
int rotai_output_added(struct rota_stream *stream);

/* on_drain is due: call it now. */
void rotai_drain_call_due(struct rota_stream *stream);

/* If on_drain is due, call it now; or let the pending phase call it. */
static inline void rotai_drain_call(struct rota_stream *stream)
{
	if (ROTAI_UNLIKELY(rotai_stream_has(stream, ROTAI_DRAIN_DUE)))
		rotai_drain_call_due(stream);
}

void rotai_drain_defer(struct rota_stream *stream);

/* The same for a stream that is attached with output to which on_drain may be
 * due: the program sets the function after this. */
void rotai_drain_attached(struct rota_stream *stream);

/* The writing side has failed with @error: let the pending phase end what is
 * queued. */
void rotai_output_fail_later(struct rota_stream *stream, int error);

/* The output queue has become shorter, outside the handling of an event: let
 * the pending phase call on_drain if that is due, and if the stream is ending,
 * take the next step. */
void rotai_output_shortened(struct rota_stream *stream);

/* Refuse to copy what a send has left: returns ROTA_ENOBUFS or another error.
 * on_drain will be called. */
int rotai_output_refuse(struct rota_stream *stream);

void rotai_outputs_after(struct rotai_extension *extension,
			 struct rota_loop *loop);
void rotai_outputs_take(struct rotai_extension *extension);
void rotai_outputs_pending(struct rotai_extension *extension,
			   struct rota_loop *loop);
void rotai_outputs_forked(struct rotai_io *io);

/* --- what puts entries into the queue, and output_cancel.c --------------- */

/* Return 0, or the error if nothing can be written. */
static inline int rotai_output_admits(const struct rota_stream *stream)
{
	int error = rotai_stream_usable(stream, 1);

	if (ROTAI_UNLIKELY(error < 0))
		return error;
	return rotai_stream_has(stream,
				ROTAI_SHUT | ROTAI_BROKEN | ROTAI_ENDING)
		       ? ROTA_EPIPE
		       : 0;
}

static inline int rotai_output_goes_at_once(const struct rota_stream *stream)
{
	return stream->internal.first_output == NULL &&
	       !rotai_stream_has(stream, ROTAI_CORKED | ROTAI_CONNECTING);
}

/* Queue @output, whose request is in flight, and write what the kernel
 * accepts. */
static inline void rotai_output_submit(struct rota_stream *stream,
				       struct rotai_output *output)
{
	int at_once = rotai_output_goes_at_once(stream);

	rotai_output_append(stream, output);
	if (at_once) {
		rotai_output_flush(stream);
		rotai_drain_defer(stream);
	} else {
		(void)rotai_output_added(stream);
	}
}

/* Take @output out of the queue: it need not be written. */
void rotai_output_take_out(struct rota_stream *stream,
			   struct rotai_output *output);

/* The queue has become shorter by a cancel: go on with the rest. */
void rotai_output_taken_out(struct rota_stream *stream);

/* The cancel function of the requests of entries that consist of buffers, or of
 * a shutdown. */
int rotai_output_cancel(struct rota_request *request,
			struct rotai_output *output, int status);

/* --- end.c ---------------------------------------------------------------- */

/* If @stream is ending, take the next step, which may close it. */
static inline void rotai_stream_proceed(struct rota_stream *stream)
{
	if (rotai_stream_has(stream, ROTAI_ENDING))
		rotai_stream_class_of(stream)->go_on_ending(stream);
}

/* If @stream is ending, store @status as its result. */
static inline void rotai_end_note(struct rota_stream *stream, int status)
{
	if (rotai_stream_has(stream, ROTAI_ENDING) &&
	    stream->internal.fn.end != NULL)
		stream->internal.fn.end->status = status;
}

/* The go_on_ending and is_ending functions of the class. */
void rotai_stream_go_on_ending(struct rota_stream *stream);
int rotai_stream_is_ending(const struct rota_handle *handle);

/* As @stream closes: if it is ending, the request of the end ends as well. */
void rotai_end_stop(struct rota_stream *stream);

/* --- listen.c, connect.c -------------------------------------------------- */

void rotai_listener_stop(struct rota_stream *stream);

/* As rota_stream_listen_pause() or _resume(), also in a forked child: this
 * changes memory only. Returns ROTA_EINVAL if @stream does not listen. */
int rotai_listener_set_paused(struct rota_stream *stream, int paused);

/* Accept up to @most connections that wait in the queue, and call the function
 * of the listener for each. That may close @stream, or fork. */
void rotai_listener_drain(struct rota_stream *stream, uint64_t most);

void rotai_connect_stop(struct rota_stream *stream, int status);

/* --- close.c -------------------------------------------------------------- */

/* The stop function of the handle class. */
void rotai_stream_stop(struct rota_handle *handle);

#endif
