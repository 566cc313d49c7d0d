/*
 * echo_epoll.c - echo servers on plain epoll, level-triggered and
 * edge-triggered: the minimum of work.
 *
 * If it is edge-triggered, a reported socket is no longer in the kernel's list
 * of ready ones, so the next wait need not check it again. A message is shorter
 * than the buffer, so one recv takes everything.
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

static struct server *make(const int *fds, size_t count, unsigned mode)
{
	struct server *server = calloc(1, sizeof(*server));

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLIN | mode };

		event.data.fd = fds[i];
		if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fds[i], &event))
			bench_fail("epoll_ctl");
	}
	return server;
}

static void *make_level(const int *fds, size_t count)
{
	return make(fds, count, 0);
}

static void *make_edge(const int *fds, size_t count)
{
	return make(fds, count, EPOLLET);
}

static void server_turn(void *arg)
{
	struct server *server = arg;
	int count = epoll_wait(server->epoll, server->events, EVENTS, -1);

	for (int i = 0; i < count; i++)
		echo_once(server->events[i].data.fd);
}

static void server_run(void *arg)
{
	for (;;)
		server_turn(arg);
}

static void server_free(void *arg)
{
	struct server *server = arg;

	close(server->epoll);
	free(server);
}

const struct echo_peer echo_epoll = {
	"epoll, level triggered",
	make_level,
	server_turn,
	server_run,
	server_free,
};

const struct echo_peer echo_epoll_edge = {
	"limit: epoll, edge triggered",
	make_edge,
	server_turn,
	server_run,
	server_free,
};
