/*
 * socket.h - two things that all who use non-blocking sockets need.
 */
#ifndef ECHO_SOCKET_H
#define ECHO_SOCKET_H

#include <errno.h>
#include <fcntl.h>

/* Make @fd non-blocking, and closed for programs that are started: 0, or an
 * error. This is after the fact, as POSIX of old has no other way: a process
 * that another thread starts in between has the descriptor too. */
static inline int socket_set_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

/* Whether @error only means that the call is to be made again later. */
static inline int socket_is_transient(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

#endif
