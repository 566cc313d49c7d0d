/*
 * base/socket_linux.c - sockets that are non-blocking and close-on-exec from
 * the system call that makes them.
 */
#include "base/socket.h"

#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/fd.h"
#include "rota/error.h"

int rotai_socket_new_of(int family, int type)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

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

int rotai_socket_take_over_as(int fd, int type)
{
	int found;
	socklen_t size = sizeof(found);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &found, &size) < 0)
		return -errno;
	return found == type ? rotai_fd_set_nonblocking(fd, 1) : ROTA_EINVAL;
}

ssize_t rotai_socket_connect_fast(int fd, const struct sockaddr *address,
				  size_t size, const void *first,
				  size_t first_size)
{
	struct iovec part = { (void *)(uintptr_t)first, first_size };
	struct msghdr message = {
		.msg_name = (void *)(uintptr_t)address,
		.msg_namelen = (socklen_t)size,
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	ssize_t n = sendmsg(fd, &message, MSG_FASTOPEN | ROTAI_SEND_FLAGS);

	if (n >= 0)
		return n;
	/* As connect(2), it continues after a signal. */
	return errno == EINTR ? ROTA_EINPROGRESS : -errno;
}

int rotai_socket_set_device(int fd, const char *name)
{
	size_t size = strlen(name);

	if (size >= IFNAMSIZ) /* the kernel would cut it short (D6) */
		return ROTA_ENODEV;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
			  (socklen_t)size) < 0
		       ? -errno
		       : 0;
}

int rotai_socket_copy_device(int from, int to)
{
	char name[IFNAMSIZ];
	socklen_t size = sizeof(name);

	if (getsockopt(from, SOL_SOCKET, SO_BINDTODEVICE, name, &size) < 0)
		return -errno;
	return size == 0 ? 0 : rotai_socket_set_device(to, name);
}
