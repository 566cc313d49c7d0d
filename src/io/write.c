/*
 * io/write.c - the three ways in which users write: send, which copies what the
 * kernel does not accept; a write request; and a try.
 *
 * If the output queue is empty, and the stream is connected and not corked, a
 * write goes to the kernel at once, and what the kernel accepts is never
 * queued. output.c does the rest.
 */
#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/socket.h"
#include "io/transport.h"

enum { TRIED = 64 }; /* buffers of a try: IOV_MAX takes too much stack */

/* Queue the rest of a send. @begun: some of its bytes were written. */
static int send_later(struct rota_stream *stream, const char *data, size_t size,
		      int begun)
{
	int full = !rotai_output_fits(stream, size);
	int error;

	/* A pump has read the bytes already, and a filter has made them. They
	 * send no more until on_drain is called. */
	if (full && !begun && !rotai_stream_has(stream, ROTAI_FED))
		return rotai_output_refuse(stream);
	error = rotai_output_copy(stream, data, size);
	if (error == 0) {
		error = rotai_output_added(stream);
		if (error < 0 && !begun) {
			/* It is the only entry of the queue, and on_drain need
			 * not report it. */
			rotai_output_drop(stream, stream->internal.first_output,
					  error);
			rotai_stream_clear(stream,
					   ROTAI_DRAIN_DUE | ROTAI_BLOCKED);
			stream->internal.error = 0;
			(void)rotai_stream_update(stream);
		}
	}
	if (error < 0 && begun) {
		rotai_output_fail(stream, error);
		stream->internal.error = error;
		rotai_stream_set(stream, ROTAI_DRAIN_DUE);
		rotai_drain_defer(stream);
		return 0;
	}
	if (error < 0)
		return error;
	if (stream->internal.queued <= stream->internal.high && !full)
		return 0;
	rotai_stream_set(stream, ROTAI_PRESSED);
	return 1;
}

static ssize_t send_other(struct rota_stream *stream, const char *data,
			  size_t size)
{
	struct iovec buf = { (char *)(uintptr_t)data, size };

	return rotai_transport_send_other(stream, &buf, 1);
}

/* Send what a single call has not sent: @sent is what that call has returned,
 * or 0 if there was none. */
static __attribute__((noinline)) int send_unusual(struct rota_stream *stream,
						  const char *data, size_t size,
						  ssize_t sent)
{
	int error;

	if (sent < 0)
		sent = errno != EINTR
			       ? -errno
			       : rotai_socket_send(
					 rotai_stream_fd(&stream->handle), data,
					 size);
	error = rotai_output_admits(stream);
	if (error < 0)
		return error;
	if (size == 0)
		return rotai_stream_has(stream, ROTAI_PRESSED);
	if (rotai_stream_has(stream, ROTAI_OTHER) &&
	    rotai_output_goes_at_once(stream) && data != NULL &&
	    size <= PTRDIFF_MAX)
		sent = send_other(stream, data, size);
	/* The kernel reports an error of the socket only once, so it takes
	 * precedence over a bad argument. */
	if (size > PTRDIFF_MAX || sent == ROTA_EFAULT ||
	    (data == NULL && (sent == 0 || sent == ROTA_EAGAIN)))
		return ROTA_EINVAL;
	if (sent < 0 && sent != ROTA_EAGAIN) {
		rotai_output_fail(stream, (int)sent);
		rotai_drain_defer(stream);
		return (int)sent;
	}
	if (sent == (ssize_t)size)
		return 0;
	if (rotai_output_goes_at_once(stream)) /* and has come up short */
		rotai_stream_set(stream, ROTAI_BLOCKED);
	if (sent < 0)
		sent = 0;
	return send_later(stream, data + sent, size - (size_t)sent, sent > 0);
}

int rota_stream_send(struct rota_stream *stream, const void *data, size_t size)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	ssize_t n = 0;

	/* Nothing prevents a write, and so the queue is empty: output.c (2). A
	 * connected stream is usable, except in a forked child. */
	if (ROTAI_LIKELY(
		    (stream->internal.flags &
		     (ROTAI_CONNECTED | ROTAI_SHUT | ROTAI_BROKEN |
		      ROTAI_ENDING | ROTAI_CORKED | ROTAI_HELD | ROTAI_BLOCKED |
		      ROTAI_FETCHING | ROTAI_OTHER)) == ROTAI_CONNECTED &&
		    size - 1 < PTRDIFF_MAX &&
		    rotai_loop_inherited(stream->handle.internal.loop) == 0)) {
		n = rotai_socket_send_once(
			stream->internal.by.watch.internal.fd, data, size);
		if (ROTAI_LIKELY(n == (ssize_t)size))
			return 0;
	}
	return send_unusual(stream, data, size, n);
}

/* Return the sum of the sizes, or -1 if it is too large or a buffer is
 * invalid. */
static ptrdiff_t add_up(const struct rota_const_buf *bufs, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++) {
		if (bufs[i].size > PTRDIFF_MAX - total ||
		    (bufs[i].data == NULL && bufs[i].size > 0))
			return -1;
		total += bufs[i].size;
	}
	return (ptrdiff_t)total;
}

static struct rota_write *write_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_write, request);
}

static void call_write(struct rota_request *request)
{
	write_of(request)->internal.fn(write_of(request),
				       request->internal.status);
}

static int cancel_write(struct rota_request *request, int status)
{
	return rotai_output_cancel(request, &write_of(request)->internal.output,
				   status);
}

static const struct rotai_request_class write_class = {
	.type = "write",
	.call = call_write,
	.cancel = cancel_write,
};

ptrdiff_t rotai_write_check(const struct rota_stream *stream,
			    const struct rota_const_buf *bufs, size_t count,
			    rota_write_fn *fn)
{
	int error = rotai_output_admits(stream);
	ptrdiff_t total;

	if (error < 0)
		return error;
	if (fn == NULL || bufs == NULL || count == 0 || count > UINT32_MAX)
		return ROTA_EINVAL;
	total = add_up(bufs, count);
	return total < 0 ? ROTA_EINVAL : total;
}

void rotai_write_begin(struct rota_write *write, struct rota_stream *stream,
		       const struct rota_const_buf *bufs, uint32_t count,
		       uint8_t kind)
{
	write->internal.buf = bufs[0];
	write->internal.output.bufs = count == 1 ? &write->internal.buf : bufs;
	write->internal.output.count = count;
	write->internal.output.kind = kind;
	write->internal.output.begun = 0;
	write->internal.output.offset = 0;
	rotai_request_begin(&write->request, stream->handle.internal.loop,
			    &stream->handle, &write_class);
	rotai_output_submit(stream, &write->internal.output);
}

int rota_stream_write(struct rota_write *write, struct rota_stream *stream,
		      const struct rota_const_buf *bufs, size_t count,
		      rota_write_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	ptrdiff_t total = rotai_write_check(stream, bufs, count, fn);

	if (total < 0)
		return (int)total;
	write->internal.fn = fn;
	write->internal.output.left = (size_t)total;
	rotai_write_begin(write, stream, bufs, (uint32_t)count,
			  ROTAI_OUTPUT_WRITE);
	return 0;
}

ptrdiff_t rota_stream_try_write(struct rota_stream *stream,
				const struct rota_const_buf *bufs, size_t count)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	struct iovec iov[TRIED];
	size_t tried = 0;
	int error = rotai_output_admits(stream);
	ssize_t n;

	if (error < 0)
		return error;
	if (bufs == NULL || count == 0 || count > UINT32_MAX ||
	    add_up(bufs, count) < 0)
		return ROTA_EINVAL;
	if (!rotai_output_goes_at_once(stream))
		return ROTA_EAGAIN;
	for (size_t i = 0; i < count && tried < TRIED; i++) {
		if (bufs[i].size == 0)
			continue;
		iov[tried].iov_base = (char *)(uintptr_t)bufs[i].data;
		iov[tried].iov_len = bufs[i].size;
		tried++;
	}
	if (tried == 0)
		return 0;
	n = rotai_transport_send(stream, iov, tried);
	if (n < 0 && n != ROTA_EAGAIN) {
		rotai_output_fail(stream, (int)n);
		rotai_drain_defer(stream);
	}
	return n;
}

static struct rota_shutdown *shutdown_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_shutdown, request);
}

static void call_shutdown(struct rota_request *request)
{
	shutdown_of(request)->internal.fn(shutdown_of(request),
					  request->internal.status);
}

static int cancel_shutdown(struct rota_request *request, int status)
{
	struct rota_stream *stream = rotai_stream_of(request->internal.handle);
	struct rotai_output *output = &shutdown_of(request)->internal.output;

	if (output->begun && status != ROTA_ETIMEDOUT)
		return ROTA_EBUSY; /* the class is shutting down */
	/* Before the cancel, which may go on with the end of the stream. */
	rotai_stream_clear(stream, ROTAI_SHUT);
	return rotai_output_cancel(request, output, status);
}

static const struct rotai_request_class shutdown_class = {
	.type = "shutdown",
	.call = call_shutdown,
	.cancel = cancel_shutdown,
};

/* Return 0 if it is done, 1 if on_drain will say so, or an error. */
static int shut_down_without_request(struct rota_stream *stream)
{
	int is_now = stream->internal.first_output == NULL &&
		     !rotai_stream_has(stream, ROTAI_CONNECTING);
	int error;

	rotai_stream_set(stream, ROTAI_SHUT_DUE);
	if (rotai_stream_has(stream, ROTAI_FED)) {
		/* A pump that waits for on_drain must find out. */
		if (is_now)
			rotai_output_flush(stream);
		rotai_stream_set(stream, ROTAI_DRAIN_DUE);
		rotai_drain_defer(stream);
		return rotai_stream_has(stream, ROTAI_SHUT_DUE);
	}
	/* on_drain is called once more, and for this only. The writing side has
	 * not failed, so there is no error to report. */
	rotai_stream_clear(stream,
			   ROTAI_PRESSED | ROTAI_REFUSED | ROTAI_DRAIN_DUE);
	if (!is_now)
		return 1;
	rotai_output_flush(stream);
	error = stream->internal.error;
	stream->internal.error = 0;
	rotai_stream_clear(stream, ROTAI_DRAIN_DUE);
	return error < 0 ? error : rotai_stream_has(stream, ROTAI_SHUT_DUE);
}

int rota_stream_shutdown(struct rota_shutdown *shutdown,
			 struct rota_stream *stream, rota_shutdown_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	int error = rotai_stream_usable(stream, 1);

	if (error < 0)
		return error;
	if (fn == NULL && shutdown != NULL)
		return ROTA_EINVAL;
	if (rotai_stream_has(stream, ROTAI_BROKEN))
		return ROTA_EPIPE;
	if (rotai_stream_has(stream, ROTAI_SHUT | ROTAI_ENDING))
		return ROTA_EALREADY;
	rotai_stream_set(stream, ROTAI_SHUT);
	if (shutdown == NULL)
		return shut_down_without_request(stream);
	shutdown->internal.fn = fn;
	shutdown->internal.output = (struct rotai_output){
		.kind = ROTAI_OUTPUT_SHUTDOWN,
	};
	rotai_request_begin(&shutdown->request, stream->handle.internal.loop,
			    &stream->handle, &shutdown_class);
	rotai_output_submit(stream, &shutdown->internal.output);
	return 0;
}

void rota_stream_set_cork(struct rota_stream *stream, int on)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	if (on) {
		rotai_stream_set(stream, ROTAI_CORKED);
		return;
	}
	rotai_stream_clear(stream, ROTAI_CORKED);
	/* In a forked child, the output that is held back is the parent's to
	 * write (F2). */
	if (!rotai_stream_has(stream, ROTAI_HELD) ||
	    rotai_loop_inherited(stream->handle.internal.loop) < 0)
		return;
	rotai_streams_remove(&rotai_io_of(stream)->held, stream);
	rotai_stream_clear(stream, ROTAI_HELD);
	rotai_output_flush(stream);
	rotai_output_shortened(stream);
}

int rota_stream_set_watermarks(struct rota_stream *stream, size_t low,
			       size_t high)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	if (low > high || high > UINT32_MAX)
		return ROTA_EINVAL;
	stream->internal.low = (uint32_t)low;
	stream->internal.high = (uint32_t)high;
	if (!rota_handle_is_closing(&stream->handle)) {
		rotai_drain_note(stream);
		rotai_drain_defer(stream);
	}
	return 0;
}

void rota_stream_on_drain(struct rota_stream *stream, rota_drain_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	if (rotai_stream_has(stream, ROTAI_FED))
		stream->internal.on.tap->drain = fn;
	else
		stream->internal.on.drain = fn;
}

size_t rota_stream_queued(const struct rota_stream *stream)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	return stream->internal.queued;
}
