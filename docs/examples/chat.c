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
	LINE_SIZE = 512, /* a longer line counts as several */
	PATIENCE_SECONDS = 30,
};

struct member {
	struct peer peer;
	unsigned number;
	int deaf;
	unsigned missed; /* lines */
	size_t size;     /* bytes of the line so far */
	char line[LINE_SIZE];
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
		peer_expect(&m->peer, server.patience_ns); /* (2) */
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
	rota_timer_stop(&m->peer.patience);
	m->deaf = 0;
	if (m->missed > 0)
		hear(m, text, (size_t)size);
	m->missed = 0;
}

/* Send @m's line, as far as it has come, to all others. */
static void say(struct member *m)
{
	char text[LINE_SIZE + 16];
	int size = snprintf(text, sizeof(text), "%u: %.*s\n", m->number,
			    (int)m->size, m->line);

	server.requests++;
	m->size = 0;
	for (struct peer *p = server.first; p != NULL; p = p->next)
		if (p != &m->peer)
			hear(rota_container_of(p, struct member, peer), text,
			     (size_t)size);
}

/* Close @m when its queue is empty; it gets no more lines. */
static void leave(struct member *m)
{
	m->deaf = 1;
	peer_end(&m->peer, server.patience_ns); /* (2) */
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	struct member *m =
		rota_container_of(stream, struct member, peer.tcp.stream);

	for (size_t i = 0; i < buf->size; i++) {
		char byte = buf->data[i];

		if (byte != '\n' && byte != '\r')
			m->line[m->size++] = byte;
		if (byte == '\n' || m->size == LINE_SIZE)
			say(m);
	}
	if (status == 0)
		return;
	if (m->size > 0)
		say(m);
	leave(m);
}

static void begin(struct peer *peer)
{
	struct member *m = rota_container_of(peer, struct member, peer);

	m->number = (unsigned)server.connections;
	rota_timer_stop(&peer->patience); /* (2) */
	rota_stream_on_drain(&peer->tcp.stream, on_drain);
	if (rota_stream_read_start(&peer->tcp.stream, on_read) < 0)
		peer_close(peer);
}

static void end(struct peer *peer)
{
	leave(rota_container_of(peer, struct member, peer));
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
};

int main(int argc, char **argv)
{
	serve_arguments(&server, argc, argv);
	return serve(&server);
}
