/*
 * churn_libev.c - connections on libev's ev_io.
 *
 * libev is level-triggered and has no listeners: this one accepts until there
 * is no connection left, as the limit does.
 */
#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peers/churn.h"
#include "support/bench.h"

struct server {
	struct ev_loop *loop;
	ev_io listener;
};

static void on_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
	(void)events;
	if (churn_echo(watcher->fd))
		return;
	ev_io_stop(loop, watcher);
	close(watcher->fd);
	free(watcher);
}

static void on_connections(struct ev_loop *loop, ev_io *listener, int events)
{
	int fd;

	(void)events;
	while ((fd = accept4(listener->fd, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		ev_io *watcher = malloc(sizeof(*watcher));

		ev_io_init(watcher, on_ready, fd, EV_READ);
		ev_io_start(loop, watcher);
	}
	if (errno != EAGAIN)
		bench_fail("accept4");
}

static void *server_make(int listener)
{
	struct server *server = calloc(1, sizeof(*server));

	server->loop = ev_loop_new(EVBACKEND_EPOLL);
	if (!server->loop || listen(listener, CHURN_BACKLOG))
		bench_fail("ev_loop_new");
	ev_io_init(&server->listener, on_connections, listener, EV_READ);
	ev_io_start(server->loop, &server->listener);
	return server;
}

static void server_turn(void *arg)
{
	struct server *server = arg;

	ev_run(server->loop, EVRUN_ONCE);
}

static void server_run(void *arg)
{
	struct server *server = arg;

	ev_run(server->loop, 0);
}

const struct churn_peer churn_libev = {
	"libev, ev_io",
	server_make,
	server_turn,
	server_run,
};
