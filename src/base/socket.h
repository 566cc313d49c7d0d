/*
 * base/socket.h - stream sockets: what Linux does in one call and others in
 * some. All return an error as a negative code, and try again after EINTR.
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

/* Make a socket of somebody else's such a one: 0; ROTA_EINVAL if it is not a
 * stream socket. */
int rotai_socket_take_over(int fd);

/* These two are on every message's way. */
static inline ssize_t rotai_socket_receive(int fd, void *data, size_t size)
{
	ssize_t n;

	do {
		n = recv(fd, data, size, 0);
		if (ROTAI_LIKELY(n >= 0))
			return n;
	} while (errno == EINTR);
	return -errno;
}

static inline ssize_t rotai_socket_send(int fd, const void *data, size_t size)
{
	ssize_t n;

	do {
		n = send(fd, data, size, ROTAI_SEND_FLAGS);
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
