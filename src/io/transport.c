/*
 * io/transport.c - see transport.h.
 */
#include "io/transport.h"

#include <errno.h>
#include <unistd.h>

#include "base/sigpipe.h"
#include "io/unread.h"

static const struct rotai_transport *
transport_of(const struct rota_stream *stream)
{
	return rotai_stream_class_of(stream)->transport;
}

ssize_t rotai_transport_receive_other(struct rota_stream *stream,
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

ssize_t rotai_transport_send_other(struct rota_stream *stream,
				   struct iovec *bufs, size_t count)
{
	const struct rotai_transport *transport = transport_of(stream);

	if (transport != NULL)
		return transport->send(stream, bufs, count);
	return rotai_socket_send_all(rotai_stream_fd(&stream->handle), bufs,
				     count);
}

ssize_t rotai_transport_send_more(struct rota_stream *stream,
				  struct iovec *bufs, size_t count)
{
	const struct rotai_transport *transport = transport_of(stream);

	if (transport != NULL)
		return transport->send(stream, bufs, count);
	return rotai_socket_send_more(rotai_stream_fd(&stream->handle), bufs,
				      count);
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
