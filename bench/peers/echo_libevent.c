/*
 * echo_libevent.c - echo servers on libevent: its struct event, and its
 * bufferevents, with which libevent itself receives and sends.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>

#include "peers/echo.h"
#include "peers/libevent.h"
#include "support/bench.h"

struct server {
	struct event_base *base;
	struct event **events;
	struct bufferevent **buffers;
	size_t count;
};

static struct server *server_new(size_t count)
{
	struct server *server = calloc(1, sizeof(*server));

	libevent_check();
	server->events = calloc(count, sizeof(*server->events));
	server->buffers = calloc(count, sizeof(*server->buffers));
	server->count = count;
	server->base = event_base_new();
	if (!server->base)
		bench_fail("event_base_new");
	return server;
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	(void)arg;
	echo_once(fd);
}

static void *make_events(const int *fds, size_t count)
{
	struct server *server = server_new(count);

	for (size_t i = 0; i < count; i++) {
		server->events[i] =
			event_new(server->base, fds[i], EV_READ | EV_PERSIST,
				  on_ready, NULL);
		if (!server->events[i] || event_add(server->events[i], NULL))
			bench_fail("event_add");
	}
	return server;
}

/* This moves the chains from input to output and copies nothing. */
static void on_read(struct bufferevent *buffers, void *arg)
{
	(void)arg;
	bufferevent_write_buffer(buffers, bufferevent_get_input(buffers));
}

static void *make_buffers(const int *fds, size_t count)
{
	struct server *server = server_new(count);

	for (size_t i = 0; i < count; i++) {
		struct bufferevent *buffers =
			bufferevent_socket_new(server->base, fds[i], 0);

		server->buffers[i] = buffers;
		if (!buffers)
			bench_fail("bufferevent_socket_new");
		bufferevent_setcb(buffers, on_read, NULL, NULL, NULL);
		if (bufferevent_enable(buffers, EV_READ | EV_WRITE))
			bench_fail("bufferevent_enable");
	}
	return server;
}

static void server_turn(void *arg)
{
	struct server *server = arg;

	event_base_loop(server->base, EVLOOP_ONCE);
}

static void server_run(void *arg)
{
	struct server *server = arg;

	event_base_dispatch(server->base);
}

static void server_free(void *arg)
{
	struct server *server = arg;

	for (size_t i = 0; i < server->count; i++) {
		if (server->events[i])
			event_free(server->events[i]);
		if (server->buffers[i])
			bufferevent_free(server->buffers[i]);
	}
	event_base_free(server->base);
	free(server->events);
	free(server->buffers);
	free(server);
}

const struct echo_peer echo_libevent = {
	"libevent, event", make_events, server_turn, server_run, server_free,
};

const struct echo_peer echo_bufferevent = {
	"libevent, bufferevent",
	make_buffers,
	server_turn,
	server_run,
	server_free,
};
