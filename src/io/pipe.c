/*
 * io/pipe.c - how pipes are made, and what is known of them.
 */
#include "rota/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/sized.h"
#include "base/socket.h"
#include "base/unix.h"
#include "io/arrivals.h"
#include "io/detach.h"
#include "io/pipe_class.h"

/* The first version of the struct ended here. */
enum {
	LEAST_CREDENTIALS = ROTAI_SIZE_UP_TO(struct rota_pipe_credentials, gid)
};

ROTAI_SIZED(struct rota_pipe_credentials, gid);

_Static_assert((int)ROTA_PIPE_PASSED == (int)ROTAI_UNIX_PASSED,
	       "the limit of a write is that of the system");
_Static_assert((int)ROTA_PIPE_NAME_SIZE >
		       (int)sizeof(((struct sockaddr_un *)0)->sun_path),
	       "every name fits, and a 0");

/* What a descriptor is. */
struct found {
	const struct rotai_stream_class *class_;
	unsigned state; /* flags of the stream */
};

static void open_pipe_as(struct rota_pipe *pipe, struct rota_loop *loop, int fd,
			 const struct found *found)
{
	memset(&pipe->internal, 0, sizeof(pipe->internal));
	rotai_stream_open(&pipe->stream, loop, found->class_, fd);
	rotai_stream_set(&pipe->stream, found->state);
}

int rota_pipe_init(struct rota_pipe *pipe, struct rota_loop *loop)
{
	ROTAI_ENTER("pipe", pipe, loop);
	ROTAI_LIVE_CHECK_INIT(&pipe->handle.internal.open);
	static const struct found none = { &rotai_pipe_socket_class, 0 };
	int error = rotai_io_admits(loop);

	if (error == 0)
		open_pipe_as(pipe, loop, -1, &none);
	return error;
}

typedef int get_name_fn(int fd, struct sockaddr *address, socklen_t *size);

/* Read a name of the socket @fd: 0 or an error. */
static int read_name(int fd, get_name_fn *get_name,
		     struct rotai_unix_address *name)
{
	socklen_t size = sizeof(name->un);

	memset(&name->un, 0, sizeof(name->un));
	if (get_name(fd, (struct sockaddr *)(void *)&name->un, &size) < 0)
		return -errno;
	name->size = size < sizeof(name->un) ? size : sizeof(name->un);
	return 0;
}

static int look_at_socket(int fd, struct found *found)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct rotai_unix_address name;
	size_t size;
	int error = rotai_unix_check(fd);

	if (error < 0)
		return error;
	found->class_ = &rotai_pipe_socket_class;
	found->state = ROTAI_CONNECTED;
	if (read_name(fd, getpeername, &name) == 0)
		return 0;
	/* A peer that is gone has no name on some systems, but there is input
	 * or its end. */
	if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) &&
	    !rotai_socket_is_listening(fd))
		return 0;
	error = read_name(fd, getsockname, &name);
	(void)rotai_unix_address_name(&name, &size);
	found->state = size > 0 ? ROTAI_BOUND : 0;
	return error;
}

/* pipe_class.c (4) */
static int look_at_fifo(int fd, struct found *found)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	found->class_ = &rotai_pipe_fifo_class;
	found->state = ROTAI_CONNECTED | ROTAI_OTHER;
	if ((flags & O_ACCMODE) == O_WRONLY)
		found->state |= ROTAI_READ_ENDED;
	else if ((flags & O_ACCMODE) == O_RDONLY)
		found->state |= ROTAI_SHUT;
	return 0;
}

/* Find out what @fd is, and make it non-blocking: 0; or an error, and it is
 * unchanged. */
static int take_pipe_over(int fd, struct found *found)
{
	struct stat status;
	int error;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISFIFO(status.st_mode))
		error = look_at_fifo(fd, found);
	else if (S_ISSOCK(status.st_mode))
		error = look_at_socket(fd, found);
	else
		error = ROTA_EINVAL;
	if (error < 0)
		return error;
	return S_ISFIFO(status.st_mode) ? rotai_fd_set_nonblocking(fd, 1)
					: rotai_socket_take_over(fd);
}

int rota_pipe_open(struct rota_pipe *pipe, struct rota_loop *loop, int fd)
{
	ROTAI_ENTER("pipe", pipe, loop);
	ROTAI_LIVE_CHECK_INIT(&pipe->handle.internal.open);
	struct found found = { &rotai_pipe_socket_class, ROTAI_CONNECTED };
	int error = rotai_io_admits(loop);
	struct rotai_io *io;

	if (error < 0)
		return error;
	io = (struct rotai_io *)(void *)rotai_extension_get(loop,
							    ROTAI_EXTENSION_IO);
	if (!rotai_io_takes(io, fd, &rotai_pipe_socket_class)) {
		error = take_pipe_over(fd, &found);
		if (error < 0)
			return error;
	}
	open_pipe_as(pipe, loop, fd, &found);
	return 0;
}

int rota_pipe_attach(struct rota_pipe *pipe, struct rota_loop *loop,
		     struct rota_detached *detached)
{
	ROTAI_ENTER("pipe", pipe, loop);
	ROTAI_LIVE_CHECK_INIT(&pipe->handle.internal.open);
	struct found found;
	int error = rotai_io_admits(loop);

	if (error == 0 && (detached == NULL || detached->fd < 0))
		error = ROTA_EINVAL;
	if (error == 0)
		error = take_pipe_over(detached->fd, &found);
	if (error == 0 && (found.state & ROTAI_READ_ENDED) &&
	    detached->unread.size > 0)
		error = ROTA_EINVAL; /* there is nothing to read behind them */
	if (error < 0)
		return error;
	open_pipe_as(pipe, loop, detached->fd, &found);
	return rotai_stream_attach(&pipe->stream, detached);
}

int rota_pipe_pair(struct rota_pipe *a, struct rota_pipe *b,
		   struct rota_loop *loop)
{
	ROTAI_ENTER("pipe", a, loop);
	ROTAI_LIVE_CHECK_INIT(&a->handle.internal.open);
	ROTAI_LIVE_CHECK_INIT(&b->handle.internal.open);
	static const struct found connected = { &rotai_pipe_socket_class,
						ROTAI_CONNECTED };
	int error = rotai_io_admits(loop);
	int fds[2];

	if (error == 0 && a == b)
		error = ROTA_EINVAL;
	if (error == 0)
		error = rotai_unix_pair(fds);
	if (error < 0)
		return error;
	open_pipe_as(a, loop, fds[0], &connected);
	open_pipe_as(b, loop, fds[1], &connected);
	return 0;
}

/* Make two descriptors by @make, which makes them non-blocking. */
static int make_two(int (*make)(int fds[2]), int fds[2], unsigned flags)
{
	static const unsigned bits[2] = { ROTA_PIPE_READ_NONBLOCKING,
					  ROTA_PIPE_WRITE_NONBLOCKING };
	int made[2];
	int error;

	if (fds == NULL || (flags & ~(bits[0] | bits[1])) != 0)
		return ROTA_EINVAL;
	error = make(made);
	if (error < 0)
		return error;
	for (int i = 0; i < 2 && error == 0; i++)
		if (!(flags & bits[i]))
			error = rotai_fd_set_nonblocking(made[i], 0);
	if (error < 0) {
		rotai_fd_close(made[0]);
		rotai_fd_close(made[1]);
		return error;
	}
	fds[0] = made[0];
	fds[1] = made[1];
	return 0;
}

int rota_pipe_anonymous(int fds[2], unsigned flags)
{
	return make_two(rotai_fd_pipe, fds, flags);
}

int rota_pipe_socketpair(int fds[2], unsigned flags)
{
	return make_two(rotai_unix_pair, fds, flags);
}

/* Return the socket of @pipe, or the error if it has none. */
static int socket_of(const struct rota_pipe *pipe)
{
	int fd;

	if (rotai_handle_reachable(&pipe->handle) == ROTA_EINVAL ||
	    rota_handle_is_closing(&pipe->handle))
		return ROTA_EINVAL;
	if (rotai_pipe_is_fifo(pipe))
		return ROTA_ENOTSOCK;
	fd = rotai_stream_fd(&pipe->handle);
	return fd < 0 ? ROTA_EBADF : fd;
}

/* The same if it is connected. */
static int connected_socket_of(const struct rota_pipe *pipe)
{
	int fd = socket_of(pipe);

	return fd == ROTA_EINVAL || fd == ROTA_ENOTSOCK ||
			       rotai_stream_has(&pipe->stream, ROTAI_CONNECTED)
		       ? fd
		       : ROTA_ENOTCONN;
}

static int tell_name(int fd, get_name_fn *get_name, struct rota_pipe_name *name)
{
	struct rotai_unix_address found;
	const char *bytes;
	size_t size;
	int error;

	if (fd < 0)
		return fd;
	if (name == NULL)
		return ROTA_EINVAL;
	error = read_name(fd, get_name, &found);
	if (error < 0)
		return error;
	bytes = rotai_unix_address_name(&found, &size);
	memset(name, 0, sizeof(*name));
	memcpy(name->bytes, bytes, size);
	name->size = size;
	return 0;
}

int rota_pipe_own_name(const struct rota_pipe *pipe,
		       struct rota_pipe_name *name)
{
	ROTAI_ENTER_HANDLE(&pipe->handle);
	return tell_name(socket_of(pipe), getsockname, name);
}

int rota_pipe_peer_name(const struct rota_pipe *pipe,
			struct rota_pipe_name *name)
{
	ROTAI_ENTER_HANDLE(&pipe->handle);
	return tell_name(connected_socket_of(pipe), getpeername, name);
}

int rota_pipe_get_credentials(const struct rota_pipe *pipe,
			      struct rota_pipe_credentials *credentials)
{
	ROTAI_ENTER_HANDLE(&pipe->handle);
	struct rota_pipe_credentials ours = { .size = sizeof(ours) };
	struct rotai_unix_peer peer;
	int fd = connected_socket_of(pipe);
	int error;

	if (fd < 0)
		return fd;
	if (credentials == NULL || credentials->size < LEAST_CREDENTIALS)
		return ROTA_EINVAL;
	error = rotai_unix_peer(fd, &peer);
	if (error < 0)
		return error;
	ours.pid = peer.pid;
	ours.uid = peer.uid;
	ours.gid = peer.gid;
	return rotai_sized_give(credentials, LEAST_CREDENTIALS, &ours,
				sizeof(ours));
}

int rota_pipe_pidfd(const struct rota_pipe *pipe)
{
	ROTAI_ENTER_HANDLE(&pipe->handle);
	int error = rotai_handle_reachable(&pipe->handle);
	int fd = error < 0 ? error : connected_socket_of(pipe);

	return fd < 0 ? fd : rotai_unix_pidfd(fd);
}
