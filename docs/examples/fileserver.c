/*
 * fileserver.c - static files over HTTP/1.1: all connections on one thread,
 * and a pool of threads for the disk.
 *
 *     cc fileserver.c fileserver/[a-z]*.c serve/serve.c demo/turns.c \
 *         $(pkg-config --cflags --libs rota) -o fileserver
 *     ./fileserver -p 8080 docs
 *
 * It says where it is, and serves the files below the directory until SIGINT or
 * SIGTERM: then what is being sent is sent, and the program ends.
 *
 *  1. A client is at one thing at a time: a request comes in, or the pool is at
 *     work for it, or there is no room to send. So requests in a row wait in
 *     the system, and a slow reader costs one chunk and what its stream holds
 *     at the high watermark. step() begins the next thing.
 *  2. A client that is dropped while the pool is at work for it is closed when
 *     that has ended; and it is freed when it is closed.
 *  3. While there is no room for more clients, each is served once and goes, so
 *     that all have their turn.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fileserver/below.h"
#include "fileserver/http.h"
#include "serve/serve.h"

enum {
	HEAD_SIZE = 4096,       /* of the longest request */
	CHUNK_SIZE = 64 * 1024, /* of a file, in one trip to the pool */
	REQUEST_SECONDS = 10,   /* for a request to come, all of it */
	PATIENCE = 6,           /* times that, for all else */
	LINGER = 10,            /* a part of it, for the other side's end */
};

struct client {
	struct peer peer;
	struct rota_read read;
	struct rota_work opening;
	struct rota_fs reading;
	struct http_request request;
	struct below_file file;
	int64_t offset; /* of what is left of the file */
	int64_t left;   /* bytes of that */
	int in_pool;    /* (2) */
	int dropped;
	size_t begun;    /* bytes of the reply in chunk, before the file's */
	size_t received; /* bytes in head */
	char head[HEAD_SIZE];
	char chunk[HTTP_REPLY_SIZE + CHUNK_SIZE];
};

static struct server server;

static void step(struct client *c);

static void drop(struct peer *peer)
{
	struct client *c = rota_container_of(peer, struct client, peer);

	c->dropped = 1;
	if (!c->in_pool)
		peer_close(peer);
}

/* Send what is queued, and go. */
static void leave(struct client *c)
{
	int queued = rota_stream_queued(&c->peer.tcp.stream) > 0;

	peer_end(&c->peer, queued ? PATIENCE * server.patience_ns
				  : server.patience_ns / LINGER);
}

static void send_chunk(struct client *c, size_t size)
{
	int status = rota_stream_send(&c->peer.tcp.stream, c->chunk, size);

	server.bytes += size;
	c->begun = 0;
	peer_expect(&c->peer, PATIENCE * server.patience_ns);
	if (status < 0 || c->dropped)
		peer_close(&c->peer);
	else if (status == 0)
		step(c); /* else when there is room: on_drain() */
}

static void on_drain(struct rota_stream *stream, int status)
{
	struct client *c =
		rota_container_of(stream, struct client, peer.tcp.stream);

	if (status < 0)
		drop(&c->peer);
	else
		step(c);
}

/* The reply's head lies right before the first chunk: one call sends both. */
static void reply(struct client *c, int status)
{
	if (server.is_full || status == 503)
		c->request.keep_alive = 0; /* (3) */
	c->begun = http_reply(c->chunk, &c->request, status, c->file.name,
			      c->file.size);
	c->offset = 0;
	c->left = status == 200 && !c->request.is_head ? c->file.size : 0;
	if (c->left > 0)
		step(c);
	else
		send_chunk(c, c->begun);
}

static void on_chunk(struct rota_fs *reading, int64_t result)
{
	struct client *c = rota_container_of(reading, struct client, reading);

	c->in_pool = 0;
	if (result <= 0) { /* there was more when the length was promised */
		rota_stream_close_reset(&c->peer.tcp.stream, peer_on_close);
		return;
	}
	c->offset += result;
	c->left -= result;
	send_chunk(c, c->begun + (size_t)result);
}

/* On a thread of the pool, below the directory that the program works in. */
static int open_file(struct rota_work *opening)
{
	struct client *c = rota_container_of(opening, struct client, opening);

	return below_open(&c->file, AT_FDCWD, c->request.path);
}

static void on_opened(struct rota_work *opening, int status)
{
	struct client *c = rota_container_of(opening, struct client, opening);

	c->in_pool = 0;
	reply(c, http_status(-status));
}

static void on_read(struct rota_read *read, int status)
{
	struct client *c = rota_container_of(read, struct client, read);

	c->received += read->size;
	if (status < 0) /* the end of it, or cancelled by end() */
		leave(c);
	else
		step(c);
}

/* Begin with the next request, or have more of it come in. */
static void next_request(struct client *c)
{
	int status, error;

	if (c->request.size > 0) { /* it has been served */
		below_close(&c->file);
		c->received -= c->request.size;
		memmove(c->head, c->head + c->request.size, c->received);
		c->request.size = 0;
		/* What is queued of the reply has the time that it had. */
		if (rota_stream_queued(&c->peer.tcp.stream) == 0)
			peer_expect(&c->peer, server.patience_ns);
	}
	status = http_parse(&c->request, c->head, c->received, HEAD_SIZE);
	if (status == 0) {
		error = rota_stream_read(
			&c->read, &c->peer.tcp.stream,
			(struct rota_buf){ c->head + c->received,
					   HEAD_SIZE - c->received },
			0, on_read);
	} else if (status == 200) {
		server.requests++;
		peer_expect(&c->peer, PATIENCE * server.patience_ns);
		error = rota_work_queue(&c->opening, ROTA_LANE_IO, open_file,
					on_opened);
		c->in_pool = error == 0;
	} else {
		reply(c, status);
		return;
	}
	if (error < 0)
		peer_close(&c->peer);
}

static void step(struct client *c)
{
	struct rota_buf room = { c->chunk + c->begun, CHUNK_SIZE };

	if (c->left < CHUNK_SIZE)
		room.size = (size_t)c->left;
	if (c->dropped) {
		peer_close(&c->peer);
	} else if (c->left > 0) {
		c->in_pool = rota_fs_read(&c->reading, on_chunk, c->file.fd,
					  room, c->offset) == 0;
		if (!c->in_pool)
			peer_close(&c->peer);
	} else if (!c->request.keep_alive || server.ending) {
		leave(c);
	} else {
		next_request(c);
	}
}

static void begin(struct peer *peer)
{
	struct client *c = rota_container_of(peer, struct client, peer);

	c->file.fd = -1;
	c->request.keep_alive = 1;
	rota_work_init(&c->opening, server.loop);
	rota_fs_init(&c->reading, server.loop);
	rota_stream_on_drain(&peer->tcp.stream, on_drain);
	step(c);
}

static void end(struct peer *peer)
{
	struct client *c = rota_container_of(peer, struct client, peer);

	rota_request_cancel(&c->read.request);
}

static void forget(struct peer *peer)
{
	below_close(&rota_container_of(peer, struct client, peer)->file);
}

static struct server server = {
	.name = "fileserver",
	.usage = "[directory]",
	.scheme = "http",
	.port = 8080,
	.patience_ns = ROTA_SEC(REQUEST_SECONDS),
	.peer_size = sizeof(struct client),
	.descriptors = 2, /* its own, and a file */
	.begin = begin,
	.end = end,
	.drop = drop,
	.forget = forget,
};

int main(int argc, char **argv)
{
	int argument = serve_arguments(&server, argc, argv);

	if (argument < argc && chdir(argv[argument]) < 0) {
		perror(argv[argument]);
		return 1;
	}
	return serve(&server);
}
