/*
 * echo_epoll.c - an echo server on the bare epoll: the least there can be.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "peers/echo.h"
#include "support/bench.h"

enum { EVENTS = 256 };

struct server {
	int epoll;
	struct epoll_event events[EVENTS];
};

static void *server_make(const int *fds, size_t count)
{
	struct server *server = calloc(1, sizeof(*server));

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLIN };

		event.data.fd = fds[i];
		if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fds[i], &event))
			bench_fail("epoll_ctl");
	}
	return server;
}

static void server_turn(void *arg)
{
	struct server *server = arg;
	int count = epoll_wait(server->epoll, server->events, EVENTS, -1);

	for (int i = 0; i < count; i++)
		echo_once(server->events[i].data.fd);
}

static void server_free(void *arg)
{
	struct server *server = arg;

	close(server->epoll);
	free(server);
}

const struct echo_peer echo_epoll = {
	"bare epoll",
	server_make,
	server_turn,
	server_free,
};
