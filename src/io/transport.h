/*
 * io/transport.h - where a stream's bytes come from and go to. Most streams are
 * sockets, and their bytes go straight to recv(2) and send(2). Other streams
 * have the flag ROTAI_OTHER: their class has functions for it, or they have
 * bytes that are to be read before those of the socket (unread.c).
 */
#ifndef ROTAI_IO_TRANSPORT_H
#define ROTAI_IO_TRANSPORT_H

#include <sys/uio.h>

#include "base/list.h"
#include "base/socket.h"
#include "io/io.h"

/* The same as the functions without _other, for streams with ROTAI_OTHER. */
ssize_t rotai_transport_receive_other(struct rota_stream *stream,
				      const struct rota_buf *buf);
ssize_t rotai_transport_send_other(struct rota_stream *stream,
				   struct iovec *bufs, size_t count);
int rotai_transport_shutdown_other(struct rota_stream *stream);

/* As rotai_transport_send(), and more bytes follow at once. */
ssize_t rotai_transport_send_more(struct rota_stream *stream,
				  struct iovec *bufs, size_t count);

/* The functions receive and send of a transport for descriptors that are no
 * sockets, by read(2) and writev(2). They raise no SIGPIPE. */
ssize_t rotai_transport_read(struct rota_stream *stream,
			     const struct rota_buf *buf);
ssize_t rotai_transport_write(struct rota_stream *stream, struct iovec *bufs,
			      size_t count);

/* The same with the descriptors of the first entry of the queue. */
ssize_t rotai_transport_pass(struct rota_stream *stream, struct iovec *bufs,
			     size_t count);

/* For output that goes another way, such as sendfile(2): return how many of
 * @wanted bytes the rate of @stream allows now; and tell how many of them, @n,
 * were written. */
size_t rotai_transport_allows(struct rota_stream *stream, size_t wanted);
void rotai_transport_took(struct rota_stream *stream, size_t allowed, size_t n);

/* See struct rotai_transport. */
static inline ssize_t rotai_transport_receive(struct rota_stream *stream,
					      const struct rota_buf *buf)
{
	if (ROTAI_UNLIKELY(rotai_stream_has(stream, ROTAI_OTHER)))
		return rotai_transport_receive_other(stream, buf);
	return rotai_socket_receive(stream->internal.by.watch.internal.fd,
				    buf->data, buf->size);
}

static inline ssize_t rotai_transport_send(struct rota_stream *stream,
					   struct iovec *bufs, size_t count)
{
	if (ROTAI_UNLIKELY(rotai_stream_has(stream, ROTAI_OTHER)))
		return rotai_transport_send_other(stream, bufs, count);
	return rotai_socket_send_all(rotai_stream_fd(&stream->handle), bufs,
				     count);
}

static inline int rotai_transport_shutdown(struct rota_stream *stream)
{
	if (ROTAI_UNLIKELY(rotai_stream_has(stream, ROTAI_OTHER)))
		return rotai_transport_shutdown_other(stream);
	return rotai_socket_shutdown(rotai_stream_fd(&stream->handle));
}

/* Have the pending phase serve @stream, which has no watch. */
static inline void rotai_custom_serve(struct rota_stream *stream,
				      unsigned events)
{
	struct rotai_io *io = rotai_io_of(stream);

	stream->internal.by.custom.events |= (uint8_t)events;
	if (rotai_stream_has(stream, ROTAI_IN_AGAIN))
		return;
	rotai_stream_set(stream, ROTAI_IN_AGAIN);
	rotai_list_append(&io->again, &stream->internal.by.custom.again);
	rotai_extension_call_pending(io->loop, &io->extension);
}

/* There is input, or room for output, that no event will report. */
static inline void rotai_transport_again(struct rota_stream *stream,
					 unsigned events)
{
	if (ROTAI_UNLIKELY(rotai_stream_has(stream, ROTAI_CUSTOM)))
		rotai_custom_serve(stream, events);
	else if (ROTAI_UNLIKELY(rotai_stream_has(stream,
						 ROTAI_UNREAD | ROTAI_LIMITED)))
		rotai_watch_report(&stream->internal.by.watch, events);
	else
		rotai_watch_again(&stream->internal.by.watch, events);
}

#endif
