/*
 * base/socket.c - operations on stream sockets that are the same on all
 * systems.
 */
#include "base/socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include "rota/error.h"

#ifdef MSG_MORE
enum { MORE_FOLLOWS = MSG_MORE };
#else
enum { MORE_FOLLOWS = 0 };
#endif

int rotai_socket_new(int family)
{
	return rotai_socket_new_of(family, SOCK_STREAM);
}

int rotai_socket_take_over(int fd)
{
	return rotai_socket_take_over_as(fd, SOCK_STREAM);
}

static ssize_t send_message(int fd, struct iovec *bufs, size_t count, int flags)
{
	struct msghdr message = { .msg_iov = bufs };
	ssize_t n;

	/* The type of this member differs from system to system. */
	message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
	do {
		n = sendmsg(fd, &message, flags);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t rotai_socket_send_all(int fd, struct iovec *bufs, size_t count)
{
	return send_message(fd, bufs, count, ROTAI_SEND_FLAGS);
}

ssize_t rotai_socket_send_more(int fd, struct iovec *bufs, size_t count)
{
	return send_message(fd, bufs, count, ROTAI_SEND_FLAGS | MORE_FOLLOWS);
}

int rotai_socket_connect(int fd, const struct sockaddr *address, size_t size)
{
	if (connect(fd, address, (socklen_t)size) == 0)
		return 0;
	/* An interrupted connect continues by itself: see connect(2). */
	return errno == EINTR ? ROTA_EINPROGRESS : -errno;
}

int rotai_socket_error(int fd)
{
	int error;
	socklen_t size = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

int rotai_socket_bind(int fd, const struct sockaddr *address, size_t size)
{
	return bind(fd, address, (socklen_t)size) < 0 ? -errno : 0;
}

int rotai_socket_listen(int fd, int backlog)
{
	return listen(fd, backlog) < 0 ? -errno : 0;
}

int rotai_socket_is_listening(int fd)
{
	int on = 0;
	socklen_t size = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on;
}

int rotai_socket_shutdown(int fd)
{
	return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}

int rotai_socket_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno
									: 0;
}

void rotai_socket_abort_on_close(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

int rotai_socket_family(int fd, int *family)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)(void *)&name, &size) < 0)
		return -errno;
	*family = name.ss_family;
	return 0;
}

int rotai_socket_send_urgent(int fd, char byte)
{
	ssize_t n;

	do {
		n = send(fd, &byte, 1, MSG_OOB | ROTAI_SEND_FLAGS);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int rotai_socket_receive_urgent(int fd, char *byte)
{
	ssize_t n;

	do {
		n = recv(fd, byte, 1, MSG_OOB);
	} while (n < 0 && errno == EINTR);
	/* EINVAL: the peer has sent none, or it was received already. 0: the
	 * input has ended. */
	if (n == 0 || (n < 0 && errno == EINVAL))
		return ROTA_EAGAIN;
	return n < 0 ? -errno : 0;
}
