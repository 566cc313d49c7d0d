/*
 * chat.c - a chat server: it sends each line from a client to all others.
 *
 *     cc chat.c serve/serve.c demo/turns.c $(pkg-config --cflags --libs rota)
 *     ./a.out -p 7000 & socat - TCP:127.0.0.1:7000
 *
 *  1. A client that does not read must neither delay the others nor cost more
 *     and more memory. When its output reaches the high watermark, the server
 *     sends it no more lines (the member is `deaf`) until the queue has
 *     drained. Then the server sends it the number of lines that it missed.
 *     For a chat, that is better than to disconnect the client.
 *  2. A member that stays deaf for PATIENCE_SECONDS has most likely gone, so
 *     the server drops it. It drops nobody for sending nothing.
 */
#include <stdio.h>

#include "serve/serve.h"

enum {
	LINE_SIZE = 512, /* who sends a longer line has to go */
	PATIENCE_SECONDS = 30,
};

struct member {
	struct peer peer;
	unsigned number;
	int deaf;
	unsigned missed; /* lines */
	struct rota_framer framer;
};

static struct server server;

static void hear(struct member *m, const char *text, size_t size)
{
	int status;

	if (m->deaf) {
		m->missed++;
		return;
	}
	server.bytes += size;
	status = rota_stream_send(&m->peer.tcp.stream, text, size);
	if (status < 0) {
		peer_close(&m->peer);
	} else if (status > 0) {
		m->deaf = 1;
		rota_connection_set_idle(&m->peer.connection,
					 server.patience_ns); /* (2) */
	}
}

/* The queue has drained. */
static void on_drain(struct rota_stream *stream, int status)
{
	struct member *m =
		rota_container_of(stream, struct member, peer.tcp.stream);
	char text[64];
	int size = snprintf(text, sizeof(text), "* you have missed %u lines\n",
			    m->missed);

	if (status < 0) {
		peer_close(&m->peer);
		return;
	}
	rota_connection_set_idle(&m->peer.connection, 0);
	m->deaf = 0;
	if (m->missed > 0)
		hear(m, text, (size_t)size);
	m->missed = 0;
}

/* Send @m's line to all others. */
static void say(struct member *m, const struct rota_record *line)
{
	char text[LINE_SIZE + 16];
	int size = snprintf(text, sizeof(text), "%u: %.*s\n", m->number,
			    (int)line->size, line->data);
	struct rota_connection *at = NULL;

	server.requests++;
	while ((at = rota_server_next(&server.connections, at)) != NULL)
		if (at != &m->peer.connection)
			hear(rota_container_of(at, struct member,
					       peer.connection),
			     text, (size_t)size);
}

/* Close @m when its queue is empty; it gets no more lines. */
static void leave(struct member *m)
{
	m->deaf = 1;
	rota_connection_end_within(&m->peer.connection,
				   server.patience_ns); /* (2) */
}

static void on_line(struct rota_framer *framer, int status,
		    const struct rota_record *line)
{
	struct member *m = rota_container_of(framer, struct member, framer);

	if (status == 0)
		say(m, line);
	else
		leave(m);
}

static void begin(struct peer *peer)
{
	struct member *m = rota_container_of(peer, struct member, peer);
	struct rota_frame_options lines;

	rota_frame_options_init(&lines, ROTA_FRAME_LINE);
	lines.limit = LINE_SIZE;
	m->number = (unsigned)server.count;
	rota_connection_set_idle(&peer->connection, 0); /* (2) */
	rota_stream_on_drain(&peer->tcp.stream, on_drain);
	if (rota_frame_start(&m->framer, &peer->tcp.stream, &lines, on_line) <
	    0)
		peer_close(peer);
}

static void end(struct peer *peer)
{
	leave(rota_container_of(peer, struct member, peer));
}

static void forget(struct peer *peer)
{
	rota_frame_stop(&rota_container_of(peer, struct member, peer)->framer);
}

static struct server server = {
	.name = "chat",
	.usage = "",
	.scheme = "telnet",
	.port = 7000,
	.patience_ns = ROTA_SEC(PATIENCE_SECONDS),
	.peer_size = sizeof(struct member),
	.descriptors = 1,
	.begin = begin,
	.end = end,
	.drop = peer_close,
	.forget = forget,
};

int main(int argc, char **argv)
{
	serve_arguments(&server, argc, argv);
	return serve(&server);
}
