/*
 * churn_epoll.c - connections by hand on plain epoll, edge-triggered.
 *
 * The server accepts until there is no connection left. After a short read
 * there is no data left, and the end is an event of its own, unless it came
 * with the data: then the event has a flag. Closing a descriptor removes it
 * from epoll.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peers/churn.h"
#include "support/bench.h"

enum { EVENTS = 256 };

struct connection {
	int fd;
};

struct server {
	int epoll;
	int listener;
	struct epoll_event events[EVENTS];
};

static void watch(struct server *server, int fd, uint32_t mask, void *who)
{
	struct epoll_event event = { .events = mask, .data.ptr = who };

	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event))
		bench_fail("epoll_ctl");
}

static void accept_all(struct server *server)
{
	int fd;

	while ((fd = accept4(server->listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = malloc(sizeof(*connection));

		connection->fd = fd;
		watch(server, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, connection);
	}
	if (errno != EAGAIN)
		bench_fail("accept4");
}

static void connection_ready(struct connection *connection, uint32_t events)
{
	int open = churn_echo(connection->fd);

	/* The end has come together with a message. */
	if (open && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
		open = churn_echo(connection->fd);
	if (open)
		return;
	close(connection->fd);
	free(connection);
}

static void *server_make(int listener)
{
	struct server *server = calloc(1, sizeof(*server));

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->listener = listener;
	if (listen(listener, CHURN_BACKLOG))
		bench_fail("listen");
	watch(server, listener, EPOLLIN | EPOLLET, NULL);
	return server;
}

static void server_turn(void *arg)
{
	struct server *server = arg;
	int count = epoll_wait(server->epoll, server->events, EVENTS, -1);

	for (int i = 0; i < count; i++) {
		struct epoll_event *event = &server->events[i];

		if (event->data.ptr)
			connection_ready(event->data.ptr, event->events);
		else
			accept_all(server);
	}
}

static void server_run(void *arg)
{
	for (;;)
		server_turn(arg);
}

const struct churn_peer churn_epoll = {
	"limit: epoll, edge triggered",
	server_make,
	server_turn,
	server_run,
};
