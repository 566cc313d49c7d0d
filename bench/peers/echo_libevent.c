/*
 * echo_libevent.c - an echo server on libevent's struct event.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "peers/echo.h"
#include "peers/libevent.h"
#include "support/bench.h"

struct server {
	struct event_base *base;
	struct event **events;
	size_t count;
};

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	(void)arg;
	echo_once(fd);
}

static void *server_make(const int *fds, size_t count)
{
	struct server *server = calloc(1, sizeof(*server));

	libevent_check();
	server->events = calloc(count, sizeof(*server->events));
	server->count = count;
	server->base = event_base_new();
	if (!server->base)
		bench_fail("event_base_new");
	for (size_t i = 0; i < count; i++) {
		server->events[i] =
			event_new(server->base, fds[i], EV_READ | EV_PERSIST,
				  on_ready, NULL);
		if (event_add(server->events[i], NULL))
			bench_fail("event_add");
	}
	return server;
}

static void server_turn(void *arg)
{
	struct server *server = arg;

	event_base_loop(server->base, EVLOOP_ONCE);
}

static void server_free(void *arg)
{
	struct server *server = arg;

	for (size_t i = 0; i < server->count; i++)
		event_free(server->events[i]);
	event_base_free(server->base);
	free(server->events);
	free(server);
}

const struct echo_peer echo_libevent = {
	"libevent event",
	server_make,
	server_turn,
	server_free,
};
