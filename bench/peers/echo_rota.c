/*
 * echo_rota.c - an echo server on rota's watches.
 */
#include <stdlib.h>

#include "peers/echo.h"
#include "rota.h"
#include "support/bench.h"

struct connection {
	struct rota_watch watch;
	int fd;
};

struct server {
	struct rota_loop *loop;
	struct connection *connections;
	size_t count;
};

static void on_ready(struct rota_watch *watch, unsigned events)
{
	struct connection *connection =
		rota_container_of(watch, struct connection, watch);

	(void)events;
	echo_once(connection->fd);
}

static void *server_make(const int *fds, size_t count)
{
	struct server *server = calloc(1, sizeof(*server));

	server->connections = calloc(count, sizeof(*server->connections));
	server->count = count;
	if (rota_loop_new(&server->loop, NULL))
		bench_fail("rota_loop_new");
	for (size_t i = 0; i < count; i++) {
		struct connection *connection = &server->connections[i];

		connection->fd = fds[i];
		rota_watch_init(&connection->watch, server->loop, fds[i]);
		if (rota_watch_start(&connection->watch, on_ready,
				     ROTA_READABLE))
			bench_fail("rota_watch_start");
	}
	return server;
}

static void server_turn(void *arg)
{
	struct server *server = arg;

	if (rota_loop_run(server->loop, ROTA_RUN_ONCE) < 0)
		bench_fail("rota_loop_run");
}

static void server_run(void *arg)
{
	struct server *server = arg;

	rota_loop_run(server->loop, ROTA_RUN_DEFAULT);
}

static void server_free(void *arg)
{
	struct server *server = arg;

	for (size_t i = 0; i < server->count; i++)
		rota_watch_stop(&server->connections[i].watch);
	if (rota_loop_close(server->loop))
		bench_fail("rota_loop_close");
	free(server->connections);
	free(server);
}

const struct echo_peer echo_rota = {
	"rota watch", server_make, server_turn, server_run, server_free,
};
