/*
 * base/socket.h - stream sockets. Streams receive and send all bytes, and
 * accept and make all connections, with these functions. Unless noted, a
 * function returns an error as a negative code, and retries after EINTR.
 */
#ifndef ROTAI_BASE_SOCKET_H
#define ROTAI_BASE_SOCKET_H

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/assert.h"

struct iovec;

/* Systems without this flag have a socket option: see socket_posix.c. */
#ifdef MSG_NOSIGNAL
enum { ROTAI_SEND_FLAGS = MSG_NOSIGNAL };
#else
enum { ROTAI_SEND_FLAGS = 0 };
#endif

/* Make a stream socket of that family: non-blocking, close-on-exec and without
 * SIGPIPE (D5). Returns the descriptor or an error. */
int rotai_socket_new(int family);

/* The same, a socket of that type, such as SOCK_DGRAM. */
int rotai_socket_new_of(int family, int type);

/* Accept the next connection of a listener, with the same properties. Returns
 * the descriptor or an error. */
int rotai_socket_accept(int listener);

/* Connect. Returns 0; ROTA_EINPROGRESS, and the socket becomes writable when
 * the attempt has ended; or another error. */
int rotai_socket_connect(int fd, const struct sockaddr *address, size_t size);

/* Connect, and send the first of the @first_size bytes at @first with the first
 * packet, if the peer has allowed that before (TCP fast open, RFC 7413).
 * Returns how many bytes the kernel has taken; the attempt is then in progress.
 * Or returns ROTA_EINPROGRESS if it has taken none, ROTA_ENOTSUP if the system
 * does not do this, or another error. */
ssize_t rotai_socket_connect_fast(int fd, const struct sockaddr *address,
				  size_t size, const void *first,
				  size_t first_size);

/* Return the socket's pending error and clear it: 0 or an error. This is the
 * result of an attempt to connect. */
int rotai_socket_error(int fd);

/* Give the socket an address: see bind(2). Returns 0 or an error. */
int rotai_socket_bind(int fd, const struct sockaddr *address, size_t size);

/* Begin to listen for connections. Returns 0 or an error. */
int rotai_socket_listen(int fd, int backlog);

/* Return whether the socket listens; not if it cannot be found out. */
int rotai_socket_is_listening(int fd);

/* Shut down the writing half. Returns 0 or an error. */
int rotai_socket_shutdown(int fd);

/* Prepare a socket that the caller has made: it becomes non-blocking, and
 * raises no SIGPIPE (D5). Close-on-exec is left as it is. Returns 0 or an
 * error: ROTA_EINVAL if it is not a stream socket. */
int rotai_socket_take_over(int fd);

/* The same, if it is a socket of that type. */
int rotai_socket_take_over_as(int fd, int type);

/* The next four functions are inline because they are called for every message.
 * The two that end in _once make one system call and return its result: -1 with
 * the error in errno, EINTR included. */
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

/* The same, where more bytes follow at once: a packet may wait for them. */
ssize_t rotai_socket_send_more(int fd, struct iovec *bufs, size_t count);

/* Set an option whose value is an int. Returns 0 or an error. */
int rotai_socket_set(int fd, int level, int option, int value);

/* Make the close send a reset. */
void rotai_socket_abort_on_close(int fd);

/* Let @fd use only the interface @name; "": any. Returns 0, ROTA_ENOTSUP if
 * the system cannot do this, ROTA_ENODEV if there is no such interface, or
 * another error. */
int rotai_socket_set_device(int fd, const char *name);

/* Let @to use only the interface that @from is limited to, if there is one.
 * Returns 0 or an error. */
int rotai_socket_copy_device(int from, int to);

/* Store the socket's family, such as AF_INET, in *@family. Returns 0 or an
 * error. */
int rotai_socket_family(int fd, int *family);

/* Send one byte of urgent data, and receive it: see RFC 9293, section 3.8.5.
 * Return 0 or an error: ROTA_EAGAIN if there is no room, or no such byte. */
int rotai_socket_send_urgent(int fd, char byte);
int rotai_socket_receive_urgent(int fd, char *byte);

#endif
