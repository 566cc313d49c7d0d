/*
 * io/shared.c - see shared.h.
 */
#include "io/shared.h"

#include <fcntl.h>
#include <limits.h>

#include "base/shared.h"
#include "base/sigpipe.h"
#include "base/tty.h"
#include "io/transport.h"

static int shared_fd(const struct rota_stream *stream)
{
	return stream->internal.by.watch.internal.fd;
}

/* The master of a pseudo-terminal gets EIO when nobody has the slave open: on
 * other systems than Linux it reads the end. */
static ssize_t end_of_master(const struct rota_stream *stream, ssize_t n)
{
	return n == ROTA_EIO && rotai_tty_is_master(shared_fd(stream)) ? 0 : n;
}

static ssize_t receive_duplicate(struct rota_stream *stream,
				 const struct rota_buf *buf)
{
	return end_of_master(stream, rotai_shared_read(shared_fd(stream),
						       buf->data, buf->size));
}

static ssize_t receive_master(struct rota_stream *stream,
			      const struct rota_buf *buf)
{
	return end_of_master(stream, rotai_transport_read(stream, buf));
}

/* The process that shares the description may have made it non-blocking. */
static int is_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

static ssize_t send_duplicate(struct rota_stream *stream, struct iovec *bufs,
			      size_t count)
{
	int fd = shared_fd(stream);

	if (is_nonblocking(fd))
		return rotai_sigpipe_writev(fd, bufs, count);
	return rotai_shared_write(fd, bufs, count,
				  rotai_tty_check(fd) == 0
					  ? rotai_tty_least_space(fd)
					  : PIPE_BUF);
}

static ssize_t receive_from_socket(struct rota_stream *stream,
				   const struct rota_buf *buf)
{
	return rotai_shared_receive(shared_fd(stream), buf->data, buf->size);
}

static ssize_t send_to_shared_socket(struct rota_stream *stream,
				     struct iovec *bufs, size_t count)
{
	return rotai_shared_send(shared_fd(stream), bufs, count);
}

/* (2) */
static int shut_nothing(struct rota_stream *stream)
{
	(void)stream;
	return 0;
}

const struct rotai_transport rotai_shared_transport_own = {
	.receive = rotai_transport_read,
	.send = rotai_transport_write,
	.shutdown = shut_nothing,
};

const struct rotai_transport rotai_shared_transport_duplicate = {
	.receive = receive_duplicate,
	.send = send_duplicate,
	.shutdown = shut_nothing,
};

const struct rotai_transport rotai_shared_transport_master = {
	.receive = receive_master,
	.send = rotai_transport_write,
	.shutdown = shut_nothing,
};

const struct rotai_transport rotai_shared_transport_socket = {
	.receive = receive_from_socket,
	.send = send_to_shared_socket,
	.shutdown = shut_nothing,
};

/* (5) */
void rotai_shared_stop(struct rota_handle *handle)
{
	struct rota_stream *stream = rotai_stream_of(handle);
	const struct rotai_transport *transport =
		rotai_stream_class_of(stream)->transport;

	if (transport != &rotai_shared_transport_own &&
	    transport != &rotai_shared_transport_master)
		rota_watch_stop(&stream->internal.by.watch);
	rotai_stream_stop(handle);
}

void rotai_shared_go_on_ending(struct rota_stream *stream)
{
	if (!rotai_stream_has(stream, ROTAI_READ_ENDED)) {
		rotai_stream_clear(stream, ROTAI_HAS_INPUT);
		rotai_stream_set(stream, ROTAI_READ_ENDED);
		(void)rotai_stream_update(stream);
	}
	rotai_stream_go_on_ending(stream);
}

void rotai_shared_begin(struct rota_stream *stream, struct rota_loop *loop,
			const struct rotai_stream_class *class_, int fd,
			int access)
{
	unsigned state = ROTAI_CONNECTED | ROTAI_TO_END | ROTAI_OTHER;

	if (access == O_WRONLY)
		state |= ROTAI_READ_ENDED;
	if (access == O_RDONLY)
		state |= ROTAI_SHUT;
	rotai_stream_open(stream, loop, class_, fd);
	rotai_stream_set(stream, state);
}
