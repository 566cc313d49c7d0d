/*
 * io/pipe_class.c - how the bytes and the descriptors of a pipe come and go,
 * and how it ends.
 *
 *  1. A Unix socket that keeps no descriptors is served as a socket of TCP: by
 *     recv(2) and send(2), which drop what the peer passes.
 *  2. The watches are level-triggered. A read of a Unix socket comes up short
 *     at a message with descriptors, and one of a pipe at a packet, and no
 *     event tells of what is behind it.
 *  3. A pipe has no shutdown(2). An end that can only be written is closed
 *     instead: there is nothing else that its descriptor is good for.
 *  4. An end that cannot be read is as if its input had ended, and one that
 *     cannot be written as if it was shut down.
 */
#include "io/pipe_class.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/socket.h"
#include "base/unix.h"
#include "io/arrivals.h"
#include "io/pipe_file.h"
#include "io/pipe_retry.h"
#include "io/transport.h"

static int fd_of(const struct rota_stream *stream)
{
	return rotai_stream_fd(&stream->handle);
}

static ssize_t receive_kept(struct rota_stream *stream,
			    const struct rota_buf *buf)
{
	return rotai_arrivals_receive(rotai_pipe_of(stream), fd_of(stream),
				      buf);
}

static ssize_t send_to_socket(struct rota_stream *stream, struct iovec *bufs,
			      size_t count)
{
	return rotai_socket_send_all(fd_of(stream), bufs, count);
}

static int shut_down_socket(struct rota_stream *stream)
{
	return rotai_socket_shutdown(fd_of(stream));
}

static ssize_t pass_on(struct rota_stream *stream, struct rotai_output *output,
		       struct iovec *bufs, size_t count)
{
	const struct rota_pass *pass = rota_container_of(
		output, struct rota_pass, write.internal.output);

	return rotai_unix_send(fd_of(stream), bufs, count, pass->internal.fds,
			       pass->internal.count);
}

/* (3) */
static int shut_down_fifo(struct rota_stream *stream)
{
	int flags = fcntl(fd_of(stream), F_GETFL);

	if (flags < 0)
		return -errno;
	if ((flags & O_ACCMODE) != O_WRONLY)
		return ROTA_ENOTSUP;
	rotai_watch_close(&stream->internal.by.watch);
	return 0;
}

/* Without the descriptor, which somebody else has now, the file is not ours to
 * remove. */
static void stop_pipe(struct rota_handle *handle)
{
	struct rota_pipe *pipe = rotai_pipe_of(rotai_stream_of(handle));

	rotai_retry_stop(pipe);
	rotai_arrivals_free(pipe);
	if (fd_of(&pipe->stream) >= 0)
		rotai_socket_file_remove(
			&pipe->internal.file,
			&pipe->handle.internal.loop->allocator);
	else
		rotai_socket_file_forget(
			&pipe->internal.file,
			&pipe->handle.internal.loop->allocator);
	rotai_stream_stop(handle);
}

/* A connect has failed: the pipe is as it was first. */
static void reset_pipe(struct rota_stream *stream)
{
	struct rota_pipe *pipe = rotai_pipe_of(stream);

	rotai_retry_stop(pipe);
	rotai_socket_file_remove(&pipe->internal.file,
				 &pipe->handle.internal.loop->allocator);
	(void)rotai_pipe_keep(pipe, 0);
}

static int holds_descriptors(const struct rota_stream *stream)
{
	return rotai_arrivals_wait(
		rota_container_of(stream, const struct rota_pipe, stream));
}

static const struct rotai_transport keeping_transport = {
	.receive = receive_kept,
	.send = send_to_socket,
	.shutdown = shut_down_socket,
};

static const struct rotai_transport fifo_transport = {
	.receive = rotai_transport_read,
	.send = rotai_transport_write,
	.shutdown = shut_down_fifo,
};

#define PIPE_HANDLE_CLASS                                                      \
	{                                                                      \
		.type = "pipe", .stop = stop_pipe, .fd = rotai_stream_fd,      \
		.is_ending = rotai_stream_is_ending,                           \
	}

const struct rotai_stream_class rotai_pipe_socket_class = {
	.handle = PIPE_HANDLE_CLASS,
	.ready = rotai_stream_ready,
	.is_level = 1, /* (2) */
	.pass = pass_on,
	.connect_later = rotai_retry_begin,
	.reset = reset_pipe,
	.go_on_ending = rotai_stream_go_on_ending,
};

const struct rotai_stream_class rotai_pipe_keeping_class = {
	.handle = PIPE_HANDLE_CLASS,
	.ready = rotai_stream_ready,
	.transport = &keeping_transport,
	.is_level = 1,
	.pass = pass_on,
	.connect_later = rotai_retry_begin,
	.reset = reset_pipe,
	.is_holding = holds_descriptors,
	.go_on_ending = rotai_stream_go_on_ending,
};

const struct rotai_stream_class rotai_pipe_fifo_class = {
	.handle = PIPE_HANDLE_CLASS,
	.ready = rotai_stream_ready,
	.transport = &fifo_transport,
	.is_level = 1,
	.go_on_ending = rotai_stream_go_on_ending,
};

int rotai_pipe_keep(struct rota_pipe *pipe, size_t max)
{
	struct rota_stream *stream = &pipe->stream;

	if (max > 0) {
		int error = rotai_arrivals_keep(pipe, max);

		if (error < 0)
			return error;
		stream->handle.internal.class_ =
			&rotai_pipe_keeping_class.handle;
		rotai_stream_set(stream, ROTAI_OTHER);
		return 0;
	}
	rotai_arrivals_free(pipe);
	stream->handle.internal.class_ = &rotai_pipe_socket_class.handle;
	if (!rotai_stream_has(stream, ROTAI_UNREAD | ROTAI_LIMITED))
		rotai_stream_clear(stream, ROTAI_OTHER);
	return 0;
}
