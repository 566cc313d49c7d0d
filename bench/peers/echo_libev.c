/*
 * echo_libev.c - an echo server on libev's ev_io.
 */
#include <ev.h>
#include <stdlib.h>

#include "peers/echo.h"
#include "support/bench.h"

struct server {
	struct ev_loop *loop;
	ev_io *watchers;
	size_t count;
};

static void on_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
	(void)loop;
	(void)events;
	echo_once(watcher->fd);
}

static void *server_make(const int *fds, size_t count)
{
	struct server *server = calloc(1, sizeof(*server));

	server->watchers = calloc(count, sizeof(*server->watchers));
	server->count = count;
	server->loop = ev_loop_new(EVBACKEND_EPOLL);
	if (!server->loop)
		bench_fail("ev_loop_new");
	for (size_t i = 0; i < count; i++) {
		ev_io_init(&server->watchers[i], on_ready, fds[i], EV_READ);
		ev_io_start(server->loop, &server->watchers[i]);
	}
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

static void server_free(void *arg)
{
	struct server *server = arg;

	for (size_t i = 0; i < server->count; i++)
		ev_io_stop(server->loop, &server->watchers[i]);
	ev_loop_destroy(server->loop);
	free(server->watchers);
	free(server);
}

const struct echo_peer echo_libev = {
	"libev, ev_io", server_make, server_turn, server_run, server_free,
};
