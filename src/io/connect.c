/*
 * io/connect.c - outgoing connections.
 *
 * The kernel connects in the background and reports by writability that the
 * attempt has ended. What is written in the meantime is queued. When an attempt
 * fails, for whatever reason, its socket is closed: the handle is then as after
 * its initialization.
 *
 *  1. With first output, the kernel tries to send that with the first packet.
 *     What it does not take is queued like other output that is written in the
 *     meantime. The stream is not connected before the peer has answered, even
 *     if the kernel has taken all of it: a shutdown would drop what is on its
 *     way.
 *  2. A link-local address without a scope id is first tried as it is, because
 *     the socket may be limited to an interface. If the kernel refuses it, the
 *     scope id is filled in.
 */
#include "io/connect.h"

#include "base/link_local.h"
#include "base/socket.h"
#include "io/io.h"

static struct rota_connect *connect_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_connect, request);
}

void rotai_connect_call(struct rota_request *request)
{
	connect_of(request)->internal.fn(connect_of(request),
					 request->internal.status);
}

/* Close the descriptor, and clear the state that came with it. */
static void reset(struct rota_stream *stream)
{
	const struct rotai_stream_class *class_ = rotai_stream_class_of(stream);

	if (class_->reset != NULL)
		class_->reset(stream);
	rotai_watch_close(&stream->internal.by.watch);
	stream->internal.front.connect = NULL;
	rotai_stream_clear(stream, ROTAI_CONNECTING | ROTAI_BOUND |
					   ROTAI_BLOCKED | ROTAI_SHUT |
					   ROTAI_BROKEN | ROTAI_PRESSED |
					   ROTAI_REFUSED);
}

void rotai_connect_give_up(struct rota_stream *stream, int error)
{
	int ending = rotai_stream_has(stream, ROTAI_ENDING);
	/* A pump that waits for on_drain must find out, too. */
	int waiting = rotai_stream_has(stream, ROTAI_SHUT_DUE | ROTAI_FED |
						       ROTAI_REFUSED);

	reset(stream);
	if (waiting) {
		rotai_stream_clear(stream, ROTAI_SHUT_DUE);
		rotai_stream_set(stream, ROTAI_DRAIN_DUE);
		stream->internal.error = ROTA_ECANCELED;
	}
	rotai_end_note(stream, error);
	rotai_output_drop(stream, stream->internal.first_output,
			  ROTA_ECANCELED);
	rotai_drain_defer(stream);
	(void)rotai_stream_update(stream);
	if (ending)
		rotai_stream_set(stream, ROTAI_BROKEN);
}

void rotai_connect_stop(struct rota_stream *stream, int status)
{
	struct rota_connect *connect = stream->internal.front.connect;

	stream->internal.front.connect = NULL;
	rotai_stream_clear(stream, ROTAI_CONNECTING);
	rotai_connect_class_of(connect)->stop(connect, status);
}

static void stop_plain(struct rota_connect *connect, int status)
{
	rotai_request_finish(&connect->request, status);
}

static int cancel_connect(struct rota_request *request, int status)
{
	struct rota_stream *stream = rotai_stream_of(request->internal.handle);

	rotai_request_finish(request, status);
	rotai_connect_give_up(stream, status);
	rotai_stream_proceed(stream);
	return 0;
}

static const struct rotai_connect_class connect_class = {
	.request = {
		.type = "connect",
		.call = rotai_connect_call,
		.cancel = cancel_connect,
	},
	.stop = stop_plain,
};

void rotai_connect_ended(struct rota_stream *stream, int status,
			 unsigned events)
{
	if (status < 0) {
		rotai_connect_give_up(stream, status);
		return;
	}
	stream->internal.front.connect = NULL;
	rotai_stream_clear(stream, ROTAI_CONNECTING);
	rotai_stream_set(stream, ROTAI_CONNECTED);
	if (events & ROTA_READABLE)
		rotai_stream_set(stream, ROTAI_HAS_INPUT);
	if (events & (ROTA_DISCONNECT | ROTA_PRIORITY))
		rotai_stream_set(stream, ROTAI_TO_END);
	rotai_output_flush(stream);
	rotai_drain_defer(stream);
}

static void connect_ready(struct rota_watch *watch, unsigned events)
{
	struct rota_stream *stream =
		rota_container_of(watch, struct rota_stream, internal.by.watch);
	struct rota_connect *connect = stream->internal.front.connect;
	int status;

	if (!(events & ROTA_WRITABLE))
		return;
	status = rotai_socket_error(watch->internal.fd);
	rotai_connect_ended(stream, status, events);
	if (rotai_stream_has(stream, ROTAI_ENDING)) {
		rotai_request_finish(&connect->request, status);
		rotai_stream_proceed(stream);
	} else {
		rotai_request_complete(&connect->request, status);
	}
}

/* Begin to connect: 0 if it is done already, ROTA_EINPROGRESS, or an error. Of
 * @first, the bytes that the kernel takes are removed. (1) */
static int begin_attempt(int fd, const struct sockaddr *address, size_t size,
			 struct rota_const_buf *first)
{
	ssize_t n;

	if (first->size == 0)
		return rotai_socket_connect(fd, address, size);
	n = rotai_socket_connect_fast(fd, address, size, first->data,
				      first->size);
	if (n < 0)
		return (int)n;
	first->data += n;
	first->size -= (size_t)n;
	return ROTA_EINPROGRESS;
}

int rotai_connect_begin(int fd, const struct sockaddr *address, size_t size,
			struct rota_const_buf *first)
{
	struct sockaddr_in6 scoped;
	int error = begin_attempt(fd, address, size, first);

	if (error < 0 && error != ROTA_EINPROGRESS &&
	    rotai_link_local_scope(&scoped, address, size)) /* (2) */
		error = begin_attempt(fd, (struct sockaddr *)(void *)&scoped,
				      sizeof(scoped), first);
	return error;
}

/* The same, and if there is no socket, make it. */
static int attempt(struct rota_stream *stream, const struct sockaddr *address,
		   size_t size, struct rota_const_buf first)
{
	struct rota_watch *watch = &stream->internal.by.watch;
	struct rota_const_buf none = rota_bytes(NULL, 0);
	/* The first bytes of a stream with a limit wait in the queue. */
	struct rota_const_buf *fast =
		rotai_stream_has(stream, ROTAI_LIMITED) ? &none : &first;
	int fd = watch->internal.fd;
	int error;

	if (fd < 0) {
		fd = rotai_socket_new(address->sa_family);
		if (fd < 0)
			return fd;
		watch->internal.fd = fd;
	}
	error = rotai_connect_begin(fd, address, size, fast);
	if (error != ROTA_EINPROGRESS)
		return error;
	error = rota_watch_start(watch, connect_ready, ROTA_WRITABLE);
	if (error == 0 && first.size > 0)
		error = rotai_output_copy(stream, first.data, first.size);
	return error < 0 ? error : ROTA_EINPROGRESS;
}

int rotai_stream_may_connect(const struct rota_stream *stream)
{
	if (rotai_stream_has(stream, ROTAI_LISTENING))
		return ROTA_EINVAL;
	if (rotai_stream_has(stream, ROTAI_CONNECTED))
		return ROTA_EISCONN;
	return rotai_stream_has(stream, ROTAI_CONNECTING) ? ROTA_EALREADY : 0;
}

void rotai_stream_connect(struct rota_connect *connect,
			  struct rota_stream *stream,
			  const struct sockaddr *address, size_t size,
			  struct rota_const_buf first)
{
	const struct rotai_stream_class *class_ = rotai_stream_class_of(stream);
	int status;

	rotai_request_begin(&connect->request, stream->handle.internal.loop,
			    &stream->handle, &connect_class.request);
	status = attempt(stream, address, size, first);
	if (status == ROTA_EAGAIN && class_->connect_later != NULL)
		status = class_->connect_later(stream, address, size);
	if (status == ROTA_EINPROGRESS) {
		stream->internal.front.connect = connect;
		rotai_stream_set(stream, ROTAI_CONNECTING);
		return;
	}
	if (status == 0)
		rotai_stream_set(stream, ROTAI_CONNECTED);
	else
		reset(stream);
	rotai_request_finish(&connect->request, status);
}

int rotai_stream_connect_again(struct rota_stream *stream,
			       const struct sockaddr *address, size_t size)
{
	struct rota_connect *connect = stream->internal.front.connect;
	int status = attempt(stream, address, size, rota_bytes(NULL, 0));

	if (status == ROTA_EAGAIN || status == ROTA_EINPROGRESS)
		return status;
	rotai_connect_ended(stream, status, 0);
	rotai_request_finish(&connect->request, status);
	rotai_stream_proceed(stream);
	return 0;
}
