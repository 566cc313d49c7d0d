/*
 * io/tcp_urgent.c - urgent data: one byte that the peer can receive before the
 * output that precedes it.
 *
 *  1. The byte marks a place in the output. So it is sent only if no earlier
 *     output is queued, and is not queued itself.
 *  2. Hardly any stream receives urgent data. One that does gets a class of its
 *     own, which is allocated, holds the callback, and differs from the class
 *     of other TCP sockets in the function that handles an event. Other streams
 *     have no member and no branch for it.
 *  3. An ordinary read that begins at the mark skips the urgent byte, and it is
 *     lost. So the byte is taken first, for each event: the kernel may have
 *     received it after it has reported the event.
 *  4. A level-triggered poller reports ROTA_PRIORITY again and again after an
 *     error, or if the byte is inline. Then there is no byte to take, and the
 *     stream does not ask for the event any more.
 */
#include "base/memory.h"
#include "base/socket.h"
#include "io/tcp.h"
#include "loop/callback.h"

/* (2) */
struct urgent_class {
	struct rotai_stream_class stream_class;
	const struct rotai_stream_class *before;
	rota_urgent_fn *fn;
};

static struct urgent_class *urgent_class_of(const struct rota_stream *stream)
{
	const struct rotai_stream_class *class_ = rotai_stream_class_of(stream);

	return rota_container_of(class_, struct urgent_class, stream_class);
}

/* An urgent byte has arrived. Returns whether @stream is still open and
 * ours. */
static int call_urgent(struct rotai_io *io, struct rota_stream *stream,
		       char byte)
{
	struct rota_loop *loop = io->loop;
	struct rota_tcp *tcp =
		rota_container_of(stream, struct rota_tcp, stream);
	const char *type = stream->handle.internal.class_->type;

	io->current = stream;
	rotai_callback_begin(loop, type, stream->handle.internal.name, stream);
	urgent_class_of(stream)->fn(tcp, byte);
	rotai_callback_end(loop, type, stream);
	return io->current == stream && rotai_loop_inherited(loop) == 0;
}

/* The ready function of the class. (3) */
static void urgent_ready(struct rota_watch *watch, unsigned events)
{
	struct rota_stream *stream =
		rota_container_of(watch, struct rota_stream, internal.by.watch);
	char byte;
	int error = rotai_socket_receive_urgent(watch->internal.fd, &byte);

	if (error == 0 && !rotai_stream_has(stream, ROTAI_ENDING)) {
		if (!call_urgent(rotai_io_of(stream), stream, byte))
			return;
	} else if (error < 0 && (events & ROTA_PRIORITY)) {
		urgent_class_of(stream)->stream_class.also = 0; /* (4) */
		(void)rotai_stream_update(stream);
	}
	rotai_stream_ready(watch, events);
}

static int has_urgent_class(const struct rota_stream *stream)
{
	return rotai_stream_class_of(stream)->ready == urgent_ready;
}

/* Give @stream its former class back. */
static void drop_urgent_class(struct rota_stream *stream)
{
	struct urgent_class *class_ = urgent_class_of(stream);

	stream->handle.internal.class_ = &class_->before->handle;
	rotai_memory_free(&stream->handle.internal.loop->allocator, class_,
			  sizeof(*class_));
}

/* The stop function of the class. */
static void urgent_stop(struct rota_handle *handle)
{
	drop_urgent_class(rotai_stream_of(handle));
	handle->internal.class_->stop(handle);
}

/* Give @stream a class of its own, without a callback. */
static int make_urgent_class(struct rota_stream *stream)
{
	struct urgent_class *class_ = rotai_memory_new(
		&stream->handle.internal.loop->allocator, sizeof(*class_));

	if (class_ == NULL)
		return ROTA_ENOMEM;
	*class_ = (struct urgent_class){
		.stream_class = *rotai_stream_class_of(stream),
		.before = rotai_stream_class_of(stream),
	};
	class_->stream_class.ready = urgent_ready;
	class_->stream_class.handle.stop = urgent_stop;
	stream->handle.internal.class_ = &class_->stream_class.handle;
	return 0;
}

static void stop_urgent(struct rota_stream *stream)
{
	if (!has_urgent_class(stream))
		return;
	drop_urgent_class(stream);
	(void)rotai_stream_update(stream); /* it asks for less */
}

int rota_tcp_on_urgent(struct rota_tcp *tcp, rota_urgent_fn *fn)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	struct rota_stream *stream = &tcp->stream;
	int error = rotai_stream_usable(stream, 0);

	if (error < 0)
		return error;
	if (fn == NULL) {
		stop_urgent(stream);
		return 0;
	}
	if (stream->handle.internal.loop->ops->lacks & ROTA_PRIORITY)
		return ROTA_ENOTSUP;
	if (!has_urgent_class(stream))
		error = make_urgent_class(stream);
	if (error < 0)
		return error;
	urgent_class_of(stream)->stream_class.also = ROTA_PRIORITY;
	error = rotai_stream_update(stream);
	if (error < 0) {
		drop_urgent_class(stream);
		return error;
	}
	urgent_class_of(stream)->fn = fn;
	/* A byte that has arrived already is not reported again. */
	rotai_watch_again(&stream->internal.by.watch, ROTA_WRITABLE);
	return 0;
}

int rota_tcp_send_urgent(struct rota_tcp *tcp, char byte)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	struct rota_stream *stream = &tcp->stream;
	int error = rotai_output_admits(stream);

	if (error < 0)
		return error;
	if (!rotai_output_goes_at_once(stream))
		return ROTA_EAGAIN; /* (1) */
	error = rotai_socket_send_urgent(rotai_tcp_fd(tcp), byte);
	if (error < 0 && error != ROTA_EAGAIN) {
		rotai_output_fail(stream, error);
		rotai_drain_defer(stream);
	}
	return error;
}
