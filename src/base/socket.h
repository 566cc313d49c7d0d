/*
 * base/socket.h - stream sockets. All bytes that streams receive and send, all
 * connections that they accept and make, go through these functions. They
 * return an error as a negative code, and try again after EINTR.
 */
#ifndef ROTAI_BASE_SOCKET_H
#define ROTAI_BASE_SOCKET_H

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/assert.h"

struct iovec;

/* Where there is no such flag, the socket has an option: socket_posix.c. */
#ifdef MSG_NOSIGNAL
enum { ROTAI_SEND_FLAGS = MSG_NOSIGNAL };
#else
enum { ROTAI_SEND_FLAGS = 0 };
#endif

/* A stream socket of that family, non-blocking, close-on-exec and without
 * SIGPIPE (D5): the descriptor. */
int rotai_socket_new(int family);

/* The next connection of a listener, likewise. */
int rotai_socket_accept(int listener);

/* Connect: 0; ROTA_EINPROGRESS, and the socket becomes writable when the
 * attempt has ended; or another error. */
int rotai_socket_connect(int fd, const struct sockaddr *address, size_t size);

/* Take the socket's pending error, which is how an attempt to connect has
 * ended: 0 or an error. */
int rotai_socket_error(int fd);

/* Accept connections from now on: 0. */
int rotai_socket_listen(int fd, int backlog);

/* Shut the writing side down: 0. */
int rotai_socket_shutdown(int fd);

/* Make a socket of somebody else's such a one: 0; ROTA_EINVAL if it is not a
 * stream socket. */
int rotai_socket_take_over(int fd);

/* The next four are on every message's way. What receives or sends once returns
 * what the system does, -1 with an errno included. */
static inline ssize_t rotai_socket_receive_once(int fd, void *data, size_t size)
{
	return recv(fd, data, size, 0);
}

static inline ssize_t rotai_socket_send_once(int fd, const void *data,
					     size_t size)
{
	return send(fd, data, size, ROTAI_SEND_FLAGS);
}

static inline ssize_t rotai_socket_receive(int fd, void *data, size_t size)
{
	ssize_t n;

	do {
		n = rotai_socket_receive_once(fd, data, size);
		if (ROTAI_LIKELY(n >= 0))
			return n;
	} while (errno == EINTR);
	return -errno;
}

static inline ssize_t rotai_socket_send(int fd, const void *data, size_t size)
{
	ssize_t n;

	do {
		n = rotai_socket_send_once(fd, data, size);
		if (ROTAI_LIKELY(n >= 0))
			return n;
	} while (errno == EINTR);
	return -errno;
}

ssize_t rotai_socket_send_all(int fd, struct iovec *bufs, size_t count);

/* Set an option that is an int: 0. */
int rotai_socket_set(int fd, int level, int option, int value);

/* Have the close send a reset. */
void rotai_socket_abort_on_close(int fd);

/* Ask for signs of life after @idle seconds; 0: never. */
int rotai_socket_keepalive(int fd, unsigned idle);

#endif
