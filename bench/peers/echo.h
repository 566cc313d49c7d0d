/*
 * peers/echo.h - an echo server on each of the peers.
 *
 * All do the same for a message: one recv into a static buffer, and one send of
 * the same bytes. A server gets connected, non-blocking sockets when it is
 * made, and does not own them.
 */
#ifndef BENCH_PEERS_ECHO_H
#define BENCH_PEERS_ECHO_H

#include <stddef.h>
#include <sys/socket.h>

struct echo_peer {
	const char *name;
	void *(*make)(const int *fds, size_t count);
	/* Wait for events, and handle them. */
	void (*turn)(void *server);
	/* The same forever, in the library's own way. */
	void (*run)(void *server);
	void (*free)(void *server);
};

enum { ECHO_BUFFER_SIZE = 65536 };

extern const struct echo_peer echo_epoll;
extern const struct echo_peer echo_epoll_edge;
extern const struct echo_peer echo_rota;
extern const struct echo_peer echo_rota_tcp;
extern const struct echo_peer echo_rota_pipe;
extern const struct echo_peer echo_libev;
extern const struct echo_peer echo_libevent;
extern const struct echo_peer echo_bufferevent;
extern const struct echo_peer echo_libuv_poll;
extern const struct echo_peer echo_libuv_try;
extern const struct echo_peer echo_libuv_tcp;
extern const struct echo_peer echo_libuv_pipe_try;
extern const struct echo_peer echo_libuv_pipe;

/* Handle a readable socket. */
static inline void echo_once(int fd)
{
	/* Aligned, so that the kernel copies at the same speed for all
	 * subjects. */
	static _Alignas(64) char buffer[ECHO_BUFFER_SIZE];
	ssize_t size = recv(fd, buffer, sizeof(buffer), 0);

	if (size > 0)
		send(fd, buffer, (size_t)size, MSG_NOSIGNAL);
}

#endif
