/*
 * io/io.h - what this room keeps with a loop, and streams as its files share
 * them.
 */
#ifndef ROTAI_IO_IO_H
#define ROTAI_IO_IO_H

#include "loop/extension.h"
#include "loop/enter.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "loop/watch.h"
#include "rota/stream.h"

/* The state of a stream: bits of its flags. */
enum {
	ROTAI_CONNECTING = 1 << 0,
	ROTAI_CONNECTED = 1 << 1, /* and neither closing nor closed */
	ROTAI_LISTENING = 1 << 2,
	ROTAI_BOUND = 1 << 3,

	ROTAI_PAUSED = 1 << 4, /* it does not flow */

	ROTAI_HAS_INPUT = 1 << 5, /* there may be more, without an event */
	ROTAI_TO_END = 1 << 6,    /* a short read is not the last: read.c (1) */
	ROTAI_READ_ENDED = 1 << 7, /* by the end, or an error */

	ROTAI_CORKED = 1 << 8,
	ROTAI_BLOCKED = 1 << 9,    /* until it is writable */
	ROTAI_SHUT = 1 << 10,      /* nothing more may be written */
	ROTAI_BROKEN = 1 << 11,    /* the same, by an error */
	ROTAI_PRESSED = 1 << 12,   /* a send has returned 1 */
	ROTAI_DRAIN_DUE = 1 << 13, /* on_drain is to be called */
	ROTAI_ENDING = 1 << 14,    /* rota_stream_end() */

	ROTAI_UNTOLD = 1 << 17, /* bytes of a read that ended: read.c (4) */
	ROTAI_READ_FAILED = 1 << 18, /* reading ended by an error */

	/* In one of the lists below: at the most one. */
	ROTAI_HELD = 1 << 15,
	ROTAI_IN_DRAINS = 1 << 16,
};

/* Streams in line, by their member deferred. */
struct rotai_streams {
	struct rota_stream *first;
	struct rota_stream *last;
};

/* A buffer to lend from, with room behind for its bytes. */
struct rotai_block {
	struct rota_loop *loop;
	struct rotai_block *next; /* among the spare ones */
	size_t references;        /* the loop's, and one for each hold */
	size_t capacity;
	char bytes[];
};

struct rotai_io {
	struct rotai_extension extension;
	struct rota_loop *loop;

	/* The stream that is being called, or was. A callback may close it:
	 * then this is not it any more. */
	struct rota_stream *current;
	int handed_fd; /* what a listener's callback is given, or -1 */
	int reserve;   /* a descriptor to give up when there are no more */

	/* See buffer.c. */
	struct rotai_block *block;
	struct rota_buf room; /* of it: what nobody keeps */
	size_t least_room;    /* to be worth lending */
	struct rota_buf lent; /* of the room, to a callback right now */
	struct rotai_block *spare;
	unsigned spare_count;
	struct rotai_output *chunks; /* see output.c */
	unsigned chunk_count;

	struct rotai_streams held;   /* corked, with output: see output.c */
	struct rotai_streams drains; /* to be told in the pending phase */
	struct rotai_streams drains_taken;
};

/* What the kinds of streams differ in. */
struct rotai_stream_class {
	struct rotai_handle_class handle;

	/* The function of a connected stream's watch. */
	rota_watch_fn *ready;

	/* The stream ends, and its output queue has become shorter, its input
	 * has ended, or it has failed: take the next step, which may close
	 * it. So reading and writing know nothing of how a stream ends. */
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

/* Let the loop have an extension of this room: 0 or ROTA_ENOMEM. */
int rotai_io_prepare(struct rota_loop *loop);

/* --- buffer.c ------------------------------------------------------------- */

/* Have room to lend: 0 or ROTA_ENOMEM. */
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

/* Make @stream an open handle with @fd, which may be -1. */
void rotai_stream_open(struct rota_stream *stream, struct rota_loop *loop,
		       const struct rotai_stream_class *class_, int fd);

/* The class's fd. */
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

/* 0, or why @stream cannot be read or written: it is closing, listens, or is
 * not connected, which it may be becoming if @connecting_will_do. */
int rotai_stream_usable(const struct rota_stream *stream,
			int connecting_will_do);

/* Ask the poller for what the stream waits for now, and be active or not. Can
 * fail only for a stream that was not registered yet. */
int rotai_stream_update(struct rota_stream *stream);

void rotai_streams_append(struct rotai_streams *streams,
			  struct rota_stream *stream);
struct rota_stream *rotai_streams_take_first(struct rotai_streams *streams);
void rotai_streams_remove(struct rotai_streams *streams,
			  const struct rota_stream *stream);

/* --- read.c --------------------------------------------------------------- */

/* The class's ready. */
void rotai_stream_ready(struct rota_watch *watch, unsigned events);

/* End all reads in line. */
void rotai_reads_finish(struct rota_stream *stream, int status);

/* --- output.c ------------------------------------------------------------- */

enum { ROTAI_OUTPUT_COPY, ROTAI_OUTPUT_WRITE, ROTAI_OUTPUT_SHUTDOWN };

/* Put @output at the end of the queue. */
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

/* Write as much of the line as the system takes. Calls nobody. */
void rotai_output_flush(struct rota_stream *stream);

/* Drop @from and what is behind it: the request of @from ends with @status,
 * those behind with ROTA_ECANCELED. */
void rotai_output_drop(struct rota_stream *stream, struct rotai_output *from,
		       int status);

/* The writing side has failed with @error at @from: drop that and what is
 * behind it, and take no more. The same for all of the line. */
void rotai_output_break(struct rota_stream *stream, struct rotai_output *from,
			int error);
void rotai_output_fail(struct rota_stream *stream, int error);

/* Note that @n bytes at the head of the line have gone. */
void rotai_output_consume(struct rota_stream *stream, size_t n);

/* Note that on_drain is due if it is. */
void rotai_drain_note(struct rota_stream *stream);

/* --- chunk.c -------------------------------------------------------------- */

/* Copy @size bytes to the end of the queue: 0, or ROTA_ENOMEM and nothing is
 * copied. */
int rotai_output_copy(struct rota_stream *stream, const char *data,
		      size_t size);

/* Free a copy that is in no queue any more; and all that are kept. */
void rotai_chunk_free(struct rotai_io *io, struct rotai_output *output);
void rotai_chunks_free(struct rotai_io *io);

/* --- deferred.c ----------------------------------------------------------- */

/* Something was put in line: hold it if @stream is corked, else see to it that
 * it goes out when it can. Returns 0 or why the stream cannot be registered. */
int rotai_output_added(struct rota_stream *stream);

/* Call on_drain if it is due: now, or in the pending phase. */
void rotai_drain_call(struct rota_stream *stream);
void rotai_drain_defer(struct rota_stream *stream);

/* Outside of an event the line has got shorter: see to on_drain and, of a
 * stream that ends, to its end. */
void rotai_output_shortened(struct rota_stream *stream);

void rotai_outputs_after(struct rotai_extension *extension,
			 struct rota_loop *loop);
void rotai_outputs_take(struct rotai_extension *extension);
void rotai_outputs_pending(struct rotai_extension *extension,
			   struct rota_loop *loop);

/* --- end.c ---------------------------------------------------------------- */

/* If @stream ends, take the next step, which may close it. */
static inline void rotai_stream_proceed(struct rota_stream *stream)
{
	if (rotai_stream_has(stream, ROTAI_ENDING))
		rotai_stream_class_of(stream)->go_on_ending(stream);
}

/* If @stream ends, that is the status with which it will have ended. */
static inline void rotai_end_note(struct rota_stream *stream, int status)
{
	if (rotai_stream_has(stream, ROTAI_ENDING) &&
	    stream->internal.fn.end != NULL)
		stream->internal.fn.end->status = status;
}

/* The class's go_on_ending, and its is_ending. */
void rotai_stream_go_on_ending(struct rota_stream *stream);
int rotai_stream_is_ending(const struct rota_handle *handle);

/* @stream closes: if it ends, so does the request of that. */
void rotai_end_stop(struct rota_stream *stream);

/* --- listen.c, connect.c -------------------------------------------------- */

void rotai_listener_stop(struct rota_stream *stream);
void rotai_connect_stop(struct rota_stream *stream, int status);

/* --- close.c -------------------------------------------------------------- */

/* The class's stop. */
void rotai_stream_stop(struct rota_handle *handle);

#endif
