/*
 * stream_libevent.c - many bytes on libevent: by hand with two of its events,
 * or by its bufferevents, which move the chains from input to output. What a
 * source sends is not copied but referenced.
 *
 * A bufferevent reads 4 KiB at a time: no setting of libevent 2.1 changes that.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>

#include "peers/libevent.h"
#include "peers/stream_hand.h"
#include "support/bench.h"

/* For bufferevents: reading stops and continues at these lengths of the output
 * queue. */
enum { HIGH = STREAM_PIECE, LOW = STREAM_PIECE / 4 };

struct connection {
	struct hand hand;
	struct event *readable;
	struct event *writable;
	struct bufferevent *buffers;
};

struct server {
	struct event_base *base;
	struct connection *connections;
};

static struct server *server_new(size_t count)
{
	struct server *server = calloc(1, sizeof(*server));

	libevent_check();
	server->connections = calloc(count, sizeof(*server->connections));
	server->base = event_base_new();
	if (!server->base)
		bench_fail("event_base_new");
	return server;
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;
	int was_blocked = (what & EV_WRITE) != 0;
	int is_blocked;

	(void)fd;
	hand_go_on(&connection->hand, HAND_READS);
	is_blocked = hand_is_blocked(&connection->hand);
	if (is_blocked == was_blocked)
		return;
	event_del(is_blocked ? connection->readable : connection->writable);
	event_add(is_blocked ? connection->writable : connection->readable,
		  NULL);
}

static void *make_events(const int *fds, size_t count, enum stream_load load)
{
	struct server *server = server_new(count);

	for (size_t i = 0; i < count; i++) {
		struct connection *connection = &server->connections[i];

		hand_init(&connection->hand, fds[i], load);
		connection->readable =
			event_new(server->base, fds[i], EV_READ | EV_PERSIST,
				  on_ready, connection);
		connection->writable =
			event_new(server->base, fds[i], EV_WRITE | EV_PERSIST,
				  on_ready, connection);
		if (!connection->readable || !connection->writable ||
		    event_add(connection->readable, NULL))
			bench_fail("event_add");
	}
	return server;
}

static void send_blocks(struct connection *connection)
{
	struct evbuffer *output = bufferevent_get_output(connection->buffers);
	struct hand *hand = &connection->hand;

	while (hand->left > 0 && evbuffer_get_length(output) <= HIGH) {
		evbuffer_add_reference(output, stream_buffer, STREAM_PIECE,
				       NULL, NULL);
		hand->left -= STREAM_PIECE;
	}
}

static void on_read(struct bufferevent *buffers, void *arg)
{
	struct connection *connection = arg;
	struct evbuffer *input = bufferevent_get_input(buffers);
	struct hand *hand = &connection->hand;
	size_t size = evbuffer_get_length(input);

	switch (hand->load) {
	case STREAM_ECHO:
		bufferevent_write_buffer(buffers, input);
		if (evbuffer_get_length(bufferevent_get_output(buffers)) > HIGH)
			bufferevent_disable(buffers, EV_READ);
		break;
	case STREAM_SINK:
		evbuffer_drain(input, size);
		for (size_t n = stream_blocks(&hand->left, size); n > 0; n--)
			bufferevent_write(buffers, "", 1);
		break;
	case STREAM_SOURCE:
		evbuffer_drain(input, size);
		hand->left += size * STREAM_BLOCK;
		send_blocks(connection);
		break;
	}
}

static void on_room(struct bufferevent *buffers, void *arg)
{
	struct connection *connection = arg;

	if (connection->hand.load == STREAM_SOURCE)
		send_blocks(connection);
	else if (!(bufferevent_get_enabled(buffers) & EV_READ))
		bufferevent_enable(buffers, EV_READ);
}

static void *make_buffers(const int *fds, size_t count, enum stream_load load)
{
	struct server *server = server_new(count);

	for (size_t i = 0; i < count; i++) {
		struct connection *connection = &server->connections[i];
		struct bufferevent *buffers =
			bufferevent_socket_new(server->base, fds[i], 0);

		hand_init(&connection->hand, fds[i], load);
		connection->buffers = buffers;
		if (!buffers)
			bench_fail("bufferevent_socket_new");
		bufferevent_setcb(buffers, on_read, on_room, NULL, connection);
		bufferevent_setwatermark(buffers, EV_WRITE, LOW, 0);
		bufferevent_set_max_single_read(buffers, STREAM_PIECE);
		bufferevent_set_max_single_write(buffers, STREAM_PIECE);
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

const struct stream_peer stream_libevent = {
	"libevent, event", STREAM_ALL, make_events, server_turn, server_run,
};

const struct stream_peer stream_bufferevent = {
	"libevent, bufferevent",
	STREAM_ALL,
	make_buffers,
	server_turn,
	server_run,
};
