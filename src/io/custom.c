/*
 * io/custom.c - streams of a class: rota/stream_class.h.
 *
 *  1. Such a stream has no watch; its place in the struct has the class, which
 *     is called as a transport.
 *  2. A read that comes up short does not mean that the class has no more
 *     input: ROTAI_TO_END is always set, so reading goes on until the class
 *     says so.
 */
#include "base/sized.h"
#include "io/transport.h"
#include "rota/stream_class.h"

/* The first version of the struct ended here. */
enum { LEAST_CLASS = ROTAI_SIZE_UP_TO(struct rota_stream_class, close) };

enum { OFFERED = 64 }; /* buffers in one call of a class */

ROTAI_SIZED(struct rota_stream_class, close);

static const struct rota_stream_class *
class_of(const struct rota_stream *stream)
{
	return stream->internal.by.custom.class_;
}

static ssize_t receive(struct rota_stream *stream, const struct rota_buf *buf)
{
	return class_of(stream)->receive(stream, *buf);
}

/* The types of the buffers differ, so they are offered in parts. */
static ssize_t send_bufs(struct rota_stream *stream, struct iovec *bufs,
			 size_t count)
{
	struct rota_const_buf offered[OFFERED];
	ssize_t total = 0;
	ssize_t n;

	for (size_t at = 0; at < count; at += OFFERED) {
		size_t part = count - at < OFFERED ? count - at : OFFERED;
		size_t wanted = 0;

		for (size_t i = 0; i < part; i++) {
			offered[i] = rota_bytes(bufs[at + i].iov_base,
						bufs[at + i].iov_len);
			wanted += bufs[at + i].iov_len;
		}
		n = class_of(stream)->send(stream, offered, part);
		if (n < 0) /* the whole output fails by an error */
			return n == ROTA_EAGAIN && total > 0 ? total : n;
		total += n;
		if ((size_t)n < wanted)
			break;
	}
	return total;
}

static int shut_down(struct rota_stream *stream)
{
	return class_of(stream)->shutdown(stream);
}

static const struct rotai_transport custom_transport = {
	.receive = receive,
	.send = send_bufs,
	.shutdown = shut_down,
};

static const struct rotai_stream_class custom_class = {
	.handle = {
		.type = "stream",
		.stop = rotai_stream_stop,
		.fd = rotai_stream_fd,
		.is_ending = rotai_stream_is_ending,
	},
	.transport = &custom_transport,
	.go_on_ending = rotai_stream_go_on_ending,
};

static int check_class(const struct rota_stream_class *class_)
{
	return class_ != NULL && class_->size >= LEAST_CLASS &&
			       class_->receive != NULL &&
			       class_->send != NULL &&
			       class_->shutdown != NULL && class_->close != NULL
		       ? 0
		       : ROTA_EINVAL;
}

int rota_stream_open(struct rota_stream *stream, struct rota_loop *loop,
		     const struct rota_stream_class *class_)
{
	ROTAI_ENTER("stream", stream, loop);
	ROTAI_LIVE_CHECK_INIT(&stream->handle.internal.open);
	int error = rotai_loop_admits(loop);

	if (error == 0)
		error = check_class(class_);
	if (error == 0)
		error = rotai_io_prepare(loop);
	if (error < 0)
		return error;
	rotai_stream_open(stream, loop, &custom_class, -1);
	stream->internal.by.custom.class_ = class_;
	stream->internal.by.custom.limit = NULL;
	stream->internal.by.custom.asked = 0;
	stream->internal.by.custom.events = 0;
	stream->internal.by.custom.reset = 0;
	rotai_stream_set(stream, ROTAI_CUSTOM | ROTAI_OTHER | ROTAI_CONNECTED |
					 ROTAI_TO_END); /* (2) */
	rota_handle_set_name(&stream->handle, class_->type);
	return 0;
}
