/*
 * base/socket.c - operations on stream sockets that are the same on all
 * systems.
 */
#include "base/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/uio.h>

#include "rota/error.h"

/* Darwin has this option under another name. */
#ifdef TCP_KEEPIDLE
enum { KEEPIDLE = TCP_KEEPIDLE };
#else
enum { KEEPIDLE = TCP_KEEPALIVE };
#endif

ssize_t rotai_socket_send_all(int fd, struct iovec *bufs, size_t count)
{
	struct msghdr message = { .msg_iov = bufs };
	ssize_t n;

	/* The type of this member differs from system to system. */
	message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
	do {
		n = sendmsg(fd, &message, ROTAI_SEND_FLAGS);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
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

int rotai_socket_listen(int fd, int backlog)
{
	return listen(fd, backlog) < 0 ? -errno : 0;
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

int rotai_socket_keepalive(int fd, unsigned idle)
{
	int error = 0;

	/* The times are set first: they have no effect until SO_KEEPALIVE is
	 * set. */
	if (idle > 0)
		error = rotai_socket_set(fd, IPPROTO_TCP, KEEPIDLE, (int)idle);
	if (idle > 0 && error == 0)
		error = rotai_socket_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	if (idle > 0 && error == 0)
		error = rotai_socket_set(fd, IPPROTO_TCP, TCP_KEEPCNT, 10);
	if (error == 0)
		error = rotai_socket_set(fd, SOL_SOCKET, SO_KEEPALIVE,
					 idle > 0);
	return error;
}
