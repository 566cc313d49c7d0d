/*
 * fs/stdio.c - the standard streams: what they are, and how each kind is
 * opened. See io/shared.h for what all of them have in common.
 *
 *  1. A FIFO that is opened anew for reading when its writers have gone does
 *     not report the end: for poll(2) it waits for its first writer. The old
 *     descriptor reports it. So it is asked after the open, and used if it
 *     knows more.
 */
#include "rota/stdio.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/shared.h"
#include "base/tty.h"
#include "fs/stdio_file.h"
#include "io/shared.h"
#include "rota/error.h"

#define SHARED_CLASS(name, how)                                                \
	{                                                                      \
		.handle = { .type = (name),                                    \
			    .stop = rotai_shared_stop,                         \
			    .fd = rotai_stream_fd,                             \
			    .is_ending = rotai_stream_is_ending },             \
		.ready = rotai_stream_ready, .transport = (how),               \
		.is_level = 1, .go_on_ending = rotai_shared_go_on_ending,      \
	}

static const struct rotai_stream_class own_pipe_class =
	SHARED_CLASS("pipe", &rotai_shared_transport_own);
static const struct rotai_stream_class shared_pipe_class =
	SHARED_CLASS("pipe", &rotai_shared_transport_duplicate);
static const struct rotai_stream_class shared_socket_class =
	SHARED_CLASS("socket", &rotai_shared_transport_socket);

/* Other types of sockets keep the borders of messages. */
static enum rota_stdio_kind kind_of_socket(int fd)
{
	int type = 0;
	socklen_t size = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
			       type == SOCK_STREAM
		       ? ROTA_STDIO_SOCKET
		       : ROTA_STDIO_OTHER;
}

static enum rota_stdio_kind kind_of_device(int fd, const struct stat *status)
{
	struct stat null;

	if (rotai_tty_check(fd) == 0)
		return ROTA_STDIO_TERMINAL;
	return stat("/dev/null", &null) == 0 && S_ISCHR(null.st_mode) &&
			       null.st_rdev == status->st_rdev
		       ? ROTA_STDIO_NULL
		       : ROTA_STDIO_DEVICE;
}

int rota_stdio_kind(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ||
	    S_ISBLK(status.st_mode))
		return ROTA_STDIO_FILE;
	if (S_ISFIFO(status.st_mode))
		return ROTA_STDIO_PIPE;
	if (S_ISSOCK(status.st_mode))
		return (int)kind_of_socket(fd);
	if (S_ISCHR(status.st_mode))
		return (int)kind_of_device(fd, &status);
	return ROTA_STDIO_OTHER;
}

static int is_hung_up(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return rotai_fd_poll(&ready, 1, 0) == 1 && (ready.revents & POLLHUP);
}

/* Return a descriptor for the pipe @fd and store its class, or return an
 * error. */
static int open_pipe(int fd, int access,
		     const struct rotai_stream_class **class_)
{
	int made = rotai_shared_reopen(fd);

	if (made >= 0 && access != O_WRONLY && !is_hung_up(made) &&
	    is_hung_up(fd)) { /* (1) */
		rotai_fd_close(made);
		made = ROTA_ENXIO;
	}
	*class_ = &own_pipe_class;
	if (made >= 0)
		return made;
	*class_ = &shared_pipe_class;
	return rotai_shared_duplicate(fd);
}

/* Open a stream with a watch: 0 or an error. */
static int open_watched(struct rota_stdio *stdio, struct rota_loop *loop,
			int kind, int fd, int access)
{
	const struct rotai_stream_class *class_ = &shared_socket_class;
	int error = rotai_io_prepare(loop);
	int made;

	if (error < 0)
		return error;
	made = kind == ROTA_STDIO_PIPE ? open_pipe(fd, access, &class_)
				       : rotai_shared_duplicate(fd);
	if (made < 0)
		return made;
	rotai_shared_begin(&stdio->stream, loop, class_, made, access);
	return 0;
}

static int open_file_or_device(struct rota_stdio *stdio, struct rota_loop *loop,
			       int fd, int access)
{
	int made = rotai_shared_duplicate(fd);
	int error;

	if (made < 0)
		return made;
	error = rotai_stdio_file_open(stdio, loop, made, access);
	if (error < 0)
		rotai_fd_close(made);
	return error;
}

static int open_kind(struct rota_stdio *stdio, struct rota_loop *loop, int kind,
		     int fd)
{
	int access = rotai_shared_access(fd);

	if (access < 0)
		return access;
	switch (kind) {
	case ROTA_STDIO_TERMINAL:
		return rota_tty_open(&stdio->tty, loop, fd);
	case ROTA_STDIO_PIPE:
	case ROTA_STDIO_SOCKET:
		return open_watched(stdio, loop, kind, fd, access);
	case ROTA_STDIO_NULL:
		return rotai_stdio_null_open(stdio, loop, access);
	case ROTA_STDIO_FILE:
	case ROTA_STDIO_DEVICE:
		return open_file_or_device(stdio, loop, fd, access);
	default:
		return ROTA_ENOTSUP;
	}
}

int rota_stdio_open(struct rota_stdio *stdio, struct rota_loop *loop, int fd)
{
	ROTAI_ENTER("stdio", stdio, loop);
	ROTAI_LIVE_CHECK_INIT(&stdio->handle.internal.open);
	int error = rotai_loop_admits(loop);
	int kind;

	if (error < 0)
		return error;
	kind = rota_stdio_kind(fd);
	if (kind < 0)
		return kind;
	error = open_kind(stdio, loop, kind, fd);
	if (error == 0)
		stdio->internal.kind = kind;
	return error;
}

struct rota_tty *rota_stdio_tty(struct rota_stdio *stdio)
{
	ROTAI_ENTER_HANDLE(&stdio->handle);
	return stdio->internal.kind == ROTA_STDIO_TERMINAL ? &stdio->tty : NULL;
}
