/*
 * io/transport.c - see transport.h.
 */
#include "io/transport.h"

#include <errno.h>
#include <unistd.h>

#include "base/sigpipe.h"
#include "io/limit.h"
#include "io/unread.h"

static const struct rotai_transport *
transport_of(const struct rota_stream *stream)
{
	return rotai_stream_class_of(stream)->transport;
}

/* What is behind the limit. */
static ssize_t receive_plain(struct rota_stream *stream,
			     const struct rota_buf *buf)
{
	const struct rotai_transport *transport = transport_of(stream);
	size_t n = rotai_unread_take(stream, buf);

	if (n > 0)
		return (ssize_t)n;
	if (transport != NULL)
		return transport->receive(stream, buf);
	return rotai_socket_receive(rotai_stream_fd(&stream->handle), buf->data,
				    buf->size);
}

/* Input that is left without tokens is not announced again. So the stream waits
 * for them, and is told that there is none now. */
static ssize_t receive_limited(struct rota_stream *stream,
			       const struct rota_buf *buf)
{
	struct rotai_limit *limit = rotai_limit_of(stream);
	struct rotai_share *share = &limit->read;
	struct rota_buf part = { buf->data,
				 rotai_share_allows(share, buf->size) };
	ssize_t n = ROTA_EAGAIN;

	if (part.size > 0) {
		n = receive_plain(stream, &part);
		rotai_share_took(share, part.size, n);
	}
	if (!share->is_short)
		return n;
	limit->uncounted = n > 0 ? (size_t)n : 0;
	(void)rotai_stream_update(stream);
	limit->uncounted = 0;
	return n;
}

ssize_t rotai_transport_receive_other(struct rota_stream *stream,
				      const struct rota_buf *buf)
{
	return rotai_stream_has(stream, ROTAI_LIMITED)
		       ? receive_limited(stream, buf)
		       : receive_plain(stream, buf);
}

typedef ssize_t send_fn(struct rota_stream *stream, struct iovec *bufs,
			size_t count);

/* What is behind the limit. */
static ssize_t send_plain(struct rota_stream *stream, struct iovec *bufs,
			  size_t count)
{
	const struct rotai_transport *transport = transport_of(stream);

	if (transport != NULL)
		return transport->send(stream, bufs, count);
	return rotai_socket_send_all(rotai_stream_fd(&stream->handle), bufs,
				     count);
}

static ssize_t send_more(struct rota_stream *stream, struct iovec *bufs,
			 size_t count)
{
	if (transport_of(stream) != NULL)
		return send_plain(stream, bufs, count);
	return rotai_socket_send_more(rotai_stream_fd(&stream->handle), bufs,
				      count);
}

/* The first entry of the queue has descriptors. */
static ssize_t pass_first(struct rota_stream *stream, struct iovec *bufs,
			  size_t count)
{
	return rotai_stream_class_of(stream)->pass(
		stream, stream->internal.first_output, bufs, count);
}

static size_t add_up_iovec(const struct iovec *bufs, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += bufs[i].iov_len;
	return total;
}

/* Cut the buffers to @size bytes: returns how many are left. */
static size_t cut_iovec(struct iovec *bufs, size_t size)
{
	size_t i = 0;

	for (; size > bufs[i].iov_len; i++)
		size -= bufs[i].iov_len;
	bufs[i].iov_len = size;
	return i + 1;
}

static ssize_t send_limited(struct rota_stream *stream, struct iovec *bufs,
			    size_t count, send_fn *send_part)
{
	struct rotai_share *share = &rotai_limit_of(stream)->write;
	size_t wanted = add_up_iovec(bufs, count);
	size_t size = rotai_share_allows(share, wanted);
	ssize_t n;

	if (size == 0)
		return ROTA_EAGAIN;
	if (size < wanted)
		count = cut_iovec(bufs, size);
	n = send_part(stream, bufs, count);
	rotai_share_took(share, size, n);
	return n;
}

static ssize_t send_by(struct rota_stream *stream, struct iovec *bufs,
		       size_t count, send_fn *send_all)
{
	return rotai_stream_has(stream, ROTAI_LIMITED)
		       ? send_limited(stream, bufs, count, send_all)
		       : send_all(stream, bufs, count);
}

ssize_t rotai_transport_send_other(struct rota_stream *stream,
				   struct iovec *bufs, size_t count)
{
	return send_by(stream, bufs, count, send_plain);
}

ssize_t rotai_transport_send_more(struct rota_stream *stream,
				  struct iovec *bufs, size_t count)
{
	return send_by(stream, bufs, count, send_more);
}

ssize_t rotai_transport_pass(struct rota_stream *stream, struct iovec *bufs,
			     size_t count)
{
	return send_by(stream, bufs, count, pass_first);
}

size_t rotai_transport_allows(struct rota_stream *stream, size_t wanted)
{
	return rotai_stream_has(stream, ROTAI_LIMITED)
		       ? rotai_share_allows(&rotai_limit_of(stream)->write,
					    wanted)
		       : wanted;
}

void rotai_transport_took(struct rota_stream *stream, size_t allowed, size_t n)
{
	if (rotai_stream_has(stream, ROTAI_LIMITED))
		rotai_share_took(&rotai_limit_of(stream)->write, allowed,
				 (ssize_t)n);
}

int rotai_transport_shutdown_other(struct rota_stream *stream)
{
	const struct rotai_transport *transport = transport_of(stream);

	if (transport != NULL)
		return transport->shutdown(stream);
	return rotai_socket_shutdown(rotai_stream_fd(&stream->handle));
}

ssize_t rotai_transport_read(struct rota_stream *stream,
			     const struct rota_buf *buf)
{
	int fd = rotai_stream_fd(&stream->handle);
	ssize_t n;

	do {
		n = read(fd, buf->data, buf->size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t rotai_transport_write(struct rota_stream *stream, struct iovec *bufs,
			      size_t count)
{
	return rotai_sigpipe_writev(rotai_stream_fd(&stream->handle), bufs,
				    count);
}
