/*
 * churn_libevent.c - connections by libevent's evconnlistener, which accepts
 * until there is no connection left. They are served by its struct event, or by
 * bufferevents.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <unistd.h>

#include "peers/churn.h"
#include "peers/libevent.h"
#include "support/bench.h"

struct server {
	struct event_base *base;
	struct evconnlistener *listener;
};

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct event *event = arg;

	(void)what;
	if (churn_echo(fd))
		return;
	event_del(event);
	close(fd);
	free(event);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *address, int size, void *arg)
{
	struct event *event = malloc(sizeof(*event));

	(void)address;
	(void)size;
	(void)arg;
	if (event_assign(event, evconnlistener_get_base(listener), fd,
			 EV_READ | EV_PERSIST, on_ready, event) ||
	    event_add(event, NULL))
		bench_fail("event_add");
}

/* This moves the chains from input to output and copies nothing. */
static void on_read(struct bufferevent *buffers, void *arg)
{
	(void)arg;
	bufferevent_write_buffer(buffers, bufferevent_get_input(buffers));
}

static void on_event(struct bufferevent *buffers, short what, void *arg)
{
	(void)arg;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		bufferevent_free(buffers);
}

static void on_buffered(struct evconnlistener *listener, evutil_socket_t fd,
			struct sockaddr *address, int size, void *arg)
{
	struct bufferevent *buffers = bufferevent_socket_new(
		evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);

	(void)address;
	(void)size;
	(void)arg;
	if (!buffers)
		bench_fail("bufferevent_socket_new");
	bufferevent_setcb(buffers, on_read, NULL, on_event, NULL);
	if (bufferevent_enable(buffers, EV_READ | EV_WRITE))
		bench_fail("bufferevent_enable");
}

static void *make(int listener, evconnlistener_cb callback)
{
	struct server *server = calloc(1, sizeof(*server));

	libevent_check();
	server->base = event_base_new();
	if (!server->base)
		bench_fail("event_base_new");
	server->listener = evconnlistener_new(server->base, callback, NULL,
					      LEV_OPT_CLOSE_ON_EXEC,
					      CHURN_BACKLOG, listener);
	if (!server->listener)
		bench_fail("evconnlistener_new");
	return server;
}

static void *make_events(int listener)
{
	return make(listener, on_connection);
}

static void *make_buffers(int listener)
{
	return make(listener, on_buffered);
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

const struct churn_peer churn_libevent = {
	"libevent, event",
	make_events,
	server_turn,
	server_run,
};

const struct churn_peer churn_bufferevent = {
	"libevent, bufferevent",
	make_buffers,
	server_turn,
	server_run,
};
