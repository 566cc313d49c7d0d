/*
 * io/read.c - reading input.
 *
 * A stream has one kind of reader at a time, of three: a flow, which is
 * continuous reading, and to whose callback the loop lends its buffer; a queue
 * of read requests, each with its own buffer; or a stream that is ending, which
 * discards the input that still arrives.
 *
 *  1. ROTAI_HAS_INPUT is set from an event until a read comes up short: then
 *     the kernel has no more input, and reports an event when more arrives. But
 *     a short read does not show whether the end has already arrived, and at
 *     the mark of urgent data every read is short. So after an event that
 *     announces one of the two (ROTAI_TO_END), a read that comes up short is
 *     not the last: reading goes on until the kernel has nothing.
 *  2. Input is delivered before the end or an error, in the order in which the
 *     kernel has them. After either of them nothing more can be read.
 *  3. Reading for one event stops after a number of reads, or of bytes.
 *     rotai_watch_again() makes an event for the rest.
 *  4. A read that is cancelled, or whose deadline passes, calls back in the
 *     pending phase. If it has bytes, ROTAI_UNTOLD is set until then, and
 *     nothing is read: otherwise later input, or the end, would be reported
 *     before these bytes. Only the first queued read can have bytes, so there
 *     is at most one such read.
 */
#include "io/tap.h"
#include "io/transport.h"
#include "loop/callback.h"

static const struct rota_buf nothing = { NULL, 0 };

enum { WASTE_SIZE = 4096 };

/* Return whether @stream is still open and ours, after one of its callbacks has
 * returned. In a child that the callback has forked, it is the parent's
 * (F2). */
static int is_current(const struct rotai_io *io,
		      const struct rota_stream *stream)
{
	return io->current == stream && rotai_loop_inherited(io->loop) == 0;
}

/* Return the number of bytes read into @buf, ROTA_EAGAIN, or how the input has
 * ended. */
static inline ssize_t receive_input(struct rota_stream *stream,
				    const struct rota_buf *buf)
{
	ssize_t n = rotai_transport_receive(stream, buf);

	if (ROTAI_UNLIKELY(n == 0))
		return ROTA_EOF;
	if (n == ROTA_EAGAIN ||
	    (n > 0 && (size_t)n < buf->size &&
	     !rotai_stream_has(stream, ROTAI_TO_END | ROTAI_UNREAD)))
		rotai_stream_clear(stream, ROTAI_HAS_INPUT); /* (1) */
	return n;
}

static inline void call_reader(struct rotai_io *io, struct rota_stream *stream,
			       int status, const struct rota_buf *buf)
{
	struct rota_loop *loop = io->loop;
	const struct rotai_handle_class *class_ =
		stream->handle.internal.class_;

	rotai_callback_begin(loop, class_->type, stream->handle.internal.name,
			     stream);
	if (ROTAI_UNLIKELY(rotai_stream_has(stream, ROTAI_TAPPED)))
		rotai_tap_input(stream, status, buf);
	else
		stream->internal.fn.read(stream, status, buf);
	io->lent.size = 0;
	rotai_callback_end(loop, class_->type, stream);
}

/* The input has ended with @error, which is returned. (2) */
static __attribute__((noinline)) ssize_t
end_input(struct rotai_io *io, struct rota_stream *stream, ssize_t error)
{
	int flowed = !rotai_stream_has(stream, ROTAI_PAUSED);

	rotai_stream_clear(stream, ROTAI_HAS_INPUT);
	rotai_stream_set(stream, ROTAI_PAUSED | ROTAI_READ_ENDED);
	if (error != ROTA_EOF)
		rotai_stream_set(stream, ROTAI_READ_FAILED);
	rotai_reads_finish(stream, (int)error);
	(void)rotai_stream_update(stream);
	if (error != ROTA_EOF && rotai_stream_has(stream, ROTAI_ENDING))
		rotai_output_fail(stream, (int)error);
	if (flowed)
		call_reader(io, stream, (int)error, &nothing);
	return error;
}

static __attribute__((noinline)) ssize_t no_room(struct rotai_io *io,
						 struct rota_stream *stream)
{
	rotai_stream_set(stream, ROTAI_PAUSED);
	(void)rotai_stream_update(stream);
	call_reader(io, stream, ROTA_ENOMEM, &nothing);
	return ROTA_ENOMEM;
}

static ssize_t read_flow(struct rotai_io *io, struct rota_stream *stream)
{
	struct rota_buf buf;
	ssize_t n;

	if (rotai_buffer_lend(io, &buf) < 0)
		return no_room(io, stream);
	n = receive_input(stream, &buf);
	if (n <= 0)
		return n == ROTA_EAGAIN ? n : end_input(io, stream, n);
	buf.size = (size_t)n;
	io->lent = buf;
	call_reader(io, stream, 0, &buf);
	return n;
}

/* Let the first queued read have the input that is available. */
static ssize_t serve_read(struct rotai_io *io, struct rota_stream *stream)
{
	struct rota_read *read = stream->internal.front.read;
	struct rota_buf buf = {
		read->internal.buf.data + read->size,
		read->internal.buf.size - read->size,
	};
	ssize_t n = receive_input(stream, &buf);

	if (n <= 0)
		return n == ROTA_EAGAIN ? n : end_input(io, stream, n);
	read->size += (size_t)n;
	if (read->size < read->internal.least)
		return n;
	stream->internal.front.read = read->internal.next;
	if (read->internal.next == NULL)
		(void)rotai_stream_update(stream);
	rotai_request_complete(&read->request, 0);
	return n;
}

/* Needs no memory of the heap: if that runs out, queued output must still
 * leave. */
static ssize_t discard_input(struct rotai_io *io, struct rota_stream *stream)
{
	char waste[WASTE_SIZE];
	struct rota_buf buf = { waste, sizeof(waste) };
	ssize_t n;

	(void)rotai_buffer_lend(io, &buf);
	n = receive_input(stream, &buf);
	if (n <= 0 && n != ROTA_EAGAIN)
		return end_input(io, stream, n);
	return n;
}

/* Read the available input, and call back. @bytes bytes were already read for
 * this event. The stream may be gone afterwards. */
static void read_all(struct rotai_io *io, struct rota_stream *stream,
		     size_t bytes)
{
	unsigned reads = bytes > 0;
	ssize_t n;

	do {
		if (!rotai_stream_has(stream, ROTAI_PAUSED))
			n = read_flow(io, stream);
		else if (stream->internal.front.read != NULL)
			n = serve_read(io, stream);
		else if (rotai_stream_has(stream, ROTAI_ENDING))
			n = discard_input(io, stream);
		else
			return;
		if (n <= 0 || !is_current(io, stream))
			return;
		bytes += (size_t)n;
		if (!rotai_stream_has(stream, ROTAI_HAS_INPUT))
			return;
	} while (++reads < ROTA_READS_PER_EVENT &&
		 bytes < ROTA_BYTES_PER_EVENT);
	rotai_transport_again(stream, ROTA_READABLE); /* (3) */
}

/* Handle an event of any kind, for which @bytes bytes were already read. */
void rotai_stream_handle_event(struct rotai_io *io, struct rota_stream *stream,
			       unsigned events, size_t bytes)
{
	io->current = stream;
	if ((events & ROTA_READABLE) &&
	    !rotai_stream_has(stream, ROTAI_READ_ENDED)) /* (2) */
		rotai_stream_set(stream, ROTAI_HAS_INPUT);
	if (events & (ROTA_DISCONNECT | ROTA_PRIORITY))
		rotai_stream_set(stream, ROTAI_TO_END);
	if (rotai_stream_has(stream, ROTAI_HAS_INPUT) &&
	    !rotai_stream_has(stream, ROTAI_UNTOLD)) { /* (4) */
		read_all(io, stream, bytes);
		if (!is_current(io, stream))
			return;
	}
	if ((events & ROTA_WRITABLE) &&
	    rotai_stream_has(stream, ROTAI_BLOCKED)) {
		rotai_stream_clear(stream, ROTAI_BLOCKED);
		rotai_output_flush(stream);
	}
	rotai_drain_call(stream);
	if (is_current(io, stream))
		rotai_stream_proceed(stream);
}

/* The one read of rotai_stream_ready() has found the end, an error, or as many
 * bytes as there was room for. */
static __attribute__((noinline)) void
handle_result(struct rotai_io *io, struct rota_stream *stream, ssize_t n)
{
	if (n > 0) {
		rotai_stream_set(stream, ROTAI_HAS_INPUT);
		io->lent = io->room;
		call_reader(io, stream, 0, &io->lent);
	} else if (n == 0) {
		end_input(io, stream, ROTA_EOF);
	} else if (errno == EINTR) {
		rotai_stream_set(stream, ROTAI_HAS_INPUT);
	} else if (errno != EAGAIN) {
		end_input(io, stream, -errno);
	}
	if (is_current(io, stream))
		rotai_stream_handle_event(io, stream, 0, n > 0 ? (size_t)n : 0);
}

/* The quick way for most events: a stream that reads continuously, and does
 * nothing else, has some bytes and no more. There is no tracer, which would
 * need the type of the handle. */
void rotai_stream_ready(struct rota_watch *watch, unsigned events)
{
	struct rota_stream *stream =
		rota_container_of(watch, struct rota_stream, internal.by.watch);
	struct rotai_io *io = rotai_io_of(stream);
	ssize_t n;

	/* Readable, and perhaps writable, but nothing else. */
	if (ROTAI_UNLIKELY(
		    ((events - ROTA_READABLE) & ~(unsigned)ROTA_WRITABLE) !=
			    0 ||
		    rotai_stream_has(stream,
				     ROTAI_PAUSED | ROTAI_TO_END |
					     ROTAI_BLOCKED | ROTAI_UNTOLD |
					     ROTAI_OTHER | ROTAI_TAPPED) ||
		    io->room.size < io->least_room ||
		    watch->internal.loop->tracer != NULL)) {
		rotai_stream_handle_event(io, stream, events, 0);
		return;
	}
	io->current = stream;
	n = rotai_socket_receive_once(watch->internal.fd, io->room.data,
				      io->room.size);
	if (ROTAI_UNLIKELY(n <= 0 || n == (ssize_t)io->room.size)) {
		handle_result(io, stream, n);
		return;
	}
	io->lent.data = io->room.data;
	io->lent.size = (size_t)n;
	stream->internal.fn.read(stream, 0, &io->lent);
	io->lent.size = 0;
	io->loop->calls++;
	if (ROTAI_UNLIKELY(io->loop->after != 0))
		rotai_callback_after(io->loop);
}

static inline __attribute__((always_inline)) int
start_flow(struct rota_stream *stream)
{
	int error;

	if (rotai_stream_has(stream, ROTAI_PAUSED)) {
		rotai_stream_clear(stream, ROTAI_PAUSED);
		error = rotai_stream_update(stream);
		if (error < 0) {
			rotai_stream_set(stream, ROTAI_PAUSED);
			(void)rotai_stream_update(stream);
			return error;
		}
	}
	if (rotai_stream_has(stream, ROTAI_HAS_INPUT))
		rotai_transport_again(stream, ROTA_READABLE);
	return 0;
}

int rotai_flow_start(struct rota_stream *stream)
{
	return start_flow(stream);
}

void rotai_flow_stop(struct rota_stream *stream)
{
	rotai_stream_set(stream, ROTAI_PAUSED);
	(void)rotai_stream_update(stream);
}

int rota_stream_read_start(struct rota_stream *stream, rota_read_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	int error = rotai_stream_usable(stream, 0);

	if (error < 0)
		return error;
	if (fn == NULL || rotai_stream_has(stream, ROTAI_ENDING))
		return ROTA_EINVAL;
	if (rotai_stream_has(stream, ROTAI_READ_ENDED))
		return ROTA_EOF;
	if (stream->internal.front.read != NULL ||
	    rotai_stream_has(stream, ROTAI_TAPPED))
		return ROTA_EBUSY;
	error = start_flow(stream);
	if (error == 0)
		stream->internal.fn.read = fn;
	return error;
}

void rota_stream_read_stop(struct rota_stream *stream)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	if (!rotai_stream_has(stream, ROTAI_PAUSED | ROTAI_TAPPED))
		rotai_flow_stop(stream);
}

static struct rota_read *read_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_read, request);
}

/* The bytes are reported now: continue with the input behind them. (4) */
static void go_on_reading(struct rota_stream *stream)
{
	rotai_stream_clear(stream, ROTAI_UNTOLD);
	if (rotai_stream_has(stream, ROTAI_CONNECTED) &&
	    rotai_stream_has(stream, ROTAI_HAS_INPUT))
		rotai_transport_again(stream, ROTA_READABLE);
}

static void call_read(struct rota_request *request)
{
	struct rota_read *read = read_of(request);
	int status = request->internal.status;

	if (status < 0 && read->size > 0)
		go_on_reading(rotai_stream_of(request->internal.handle));
	read->internal.fn(read, status);
}

static int cancel_read(struct rota_request *request, int status)
{
	struct rota_stream *stream = rotai_stream_of(request->internal.handle);
	struct rota_read **at = &stream->internal.front.read;

	while (*at != read_of(request))
		at = &(*at)->internal.next;
	*at = read_of(request)->internal.next;
	if (read_of(request)->size > 0)
		rotai_stream_set(stream, ROTAI_UNTOLD); /* (4) */
	rotai_request_finish(request, status);
	(void)rotai_stream_update(stream);
	return 0;
}

static const struct rotai_request_class read_class = {
	.type = "read",
	.call = call_read,
	.cancel = cancel_read,
};

void rotai_reads_finish(struct rota_stream *stream, int status)
{
	struct rota_read *read;

	while ((read = stream->internal.front.read) != NULL) {
		stream->internal.front.read = read->internal.next;
		rotai_request_finish(&read->request, status);
	}
}

static int check_read(const struct rota_stream *stream,
		      const struct rota_buf *buf, size_t least,
		      rota_read_done_fn *fn)
{
	int error = rotai_stream_usable(stream, 0);

	if (error < 0)
		return error;
	if (fn == NULL || buf->data == NULL || buf->size == 0 ||
	    buf->size > PTRDIFF_MAX || least > buf->size ||
	    rotai_stream_has(stream, ROTAI_ENDING))
		return ROTA_EINVAL;
	return !rotai_stream_has(stream, ROTAI_PAUSED) ||
			       rotai_stream_has(stream, ROTAI_TAPPED)
		       ? ROTA_EBUSY
		       : 0;
}

int rota_stream_read(struct rota_read *read, struct rota_stream *stream,
		     struct rota_buf buf, size_t least, rota_read_done_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	struct rota_read **last = &stream->internal.front.read;
	int error = check_read(stream, &buf, least, fn);
	int ended = rotai_stream_has(stream, ROTAI_READ_ENDED);

	if (error < 0)
		return error;
	read->size = 0;
	read->internal.next = NULL;
	read->internal.buf = buf;
	read->internal.least = least;
	read->internal.fn = fn;
	while (*last != NULL)
		last = &(*last)->internal.next;
	if (!ended) {
		*last = read;
		error = rotai_stream_update(stream);
		if (error < 0) {
			*last = NULL;
			return error;
		}
	}
	rotai_request_begin(&read->request, stream->handle.internal.loop,
			    &stream->handle, &read_class);
	if (ended)
		rotai_request_finish(&read->request, ROTA_EOF);
	else if (rotai_stream_has(stream, ROTAI_HAS_INPUT))
		rotai_transport_again(stream, ROTA_READABLE);
	return 0;
}
