/*
 * peers/churn.h - servers with short connections: each comes, sends a message,
 * and ends.
 *
 * A server gets a non-blocking listening socket, and accepts in its library's
 * way. A connection is a struct from malloc(). It sends back what it receives.
 * At the end or at an error, the connection is closed and freed.
 *
 * The sockets inherit TCP_NODELAY from the listener. The messages are small:
 * the servers need not handle one that does not fit into an empty send buffer.
 */
#ifndef BENCH_PEERS_CHURN_H
#define BENCH_PEERS_CHURN_H

#include <errno.h>
#include <sys/socket.h>

enum { CHURN_BACKLOG = 1024, CHURN_BUFFER_SIZE = 65536 };

struct churn_peer {
	const char *name;
	void *(*make)(int listener);
	/* Wait for events, and handle them. */
	void (*turn)(void *server);
	/* The same forever, in the library's own way. */
	void (*run)(void *server);
};

extern const struct churn_peer churn_rota;
extern const struct churn_peer churn_epoll;
extern const struct churn_peer churn_libev;
extern const struct churn_peer churn_libevent;
extern const struct churn_peer churn_bufferevent;
extern const struct churn_peer churn_libuv_try;
extern const struct churn_peer churn_libuv;

/* Receive and send back. Returns 0 at the end or at an error. */
static inline int churn_echo(int fd)
{
	/* Aligned, so that the kernel copies at the same speed for all
	 * subjects. */
	static _Alignas(64) char buffer[CHURN_BUFFER_SIZE];
	ssize_t size = recv(fd, buffer, sizeof(buffer), 0);

	if (size > 0)
		return send(fd, buffer, (size_t)size, MSG_NOSIGNAL) == size;
	return size < 0 && errno == EAGAIN;
}

#endif
