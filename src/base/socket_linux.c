/*
 * base/socket_linux.c - sockets that are non-blocking and close-on-exec from
 * the system call that makes them.
 */
#include "base/socket.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "rota/error.h"

int rotai_socket_new(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int rotai_socket_accept(int listener)
{
	int fd;

	do {
		fd = accept4(listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int rotai_socket_take_over(int fd)
{
	int type;
	socklen_t size = sizeof(type);
	int flags;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return -errno;
	if (type != SOCK_STREAM)
		return ROTA_EINVAL;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || (!(flags & O_NONBLOCK) &&
			  fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return -errno;
	return 0;
}
