/*
 * stream_libev.c - many bytes by hand on libev's ev_io, which waits to read, or
 * to write while output is left.
 */
#include <ev.h>
#include <stdlib.h>

#include "peers/stream_hand.h"
#include "support/bench.h"

struct connection {
	ev_io watcher;
	struct hand hand;
};

struct server {
	struct ev_loop *loop;
	struct connection *connections;
};

static void on_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct connection *connection = watcher->data;

	hand_go_on(&connection->hand, HAND_READS);
	if (hand_is_blocked(&connection->hand) == ((events & EV_WRITE) != 0))
		return;
	ev_io_stop(loop, watcher);
	ev_io_modify(watcher, events & EV_WRITE ? EV_READ : EV_WRITE);
	ev_io_start(loop, watcher);
}

static void *server_make(const int *fds, size_t count, enum stream_load load)
{
	struct server *server = calloc(1, sizeof(*server));

	server->connections = calloc(count, sizeof(*server->connections));
	server->loop = ev_loop_new(EVBACKEND_EPOLL);
	if (!server->loop)
		bench_fail("ev_loop_new");
	for (size_t i = 0; i < count; i++) {
		struct connection *connection = &server->connections[i];

		hand_init(&connection->hand, fds[i], load);
		ev_io_init(&connection->watcher, on_ready, fds[i], EV_READ);
		connection->watcher.data = connection;
		ev_io_start(server->loop, &connection->watcher);
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

const struct stream_peer stream_libev = {
	"libev, ev_io", STREAM_ALL, server_make, server_turn, server_run,
};
