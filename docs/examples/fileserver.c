/*
 * fileserver.c - a server of static files over HTTP/1.1: one thread for all
 * connections, and a pool of threads for the disk.
 *
 *     cc fileserver.c fileserver/[a-z]*.c serve/serve.c demo/turns.c \
 *         $(pkg-config --cflags --libs rota) -o fileserver
 *     ./fileserver -p 8080 docs
 *
 * It prints its URL, and serves the files below the directory. After SIGINT or
 * SIGTERM it finishes the replies that it is sending, and ends.
 *
 *  1. A client does one thing at a time: it receives a request, waits for the
 *     pool, or sends a part of a file. So pipelined requests wait in the
 *     kernel, and a slow reader costs no memory. step() begins the next thing.
 *  2. If a client is dropped while the pool works for it, it is closed when
 *     that work has ended. It is freed when it is closed.
 *  3. While the server has as many clients as it can, each gets one reply and
 *     is closed, so that waiting clients get their turn.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fileserver/http.h"
#include "serve/serve.h"

enum {
	HEAD_SIZE = 4096,       /* the longest request */
	PART_SIZE = 256 * 1024, /* of a file: the time-out is for each */
	REQUEST_SECONDS = 10,   /* to receive a whole request */
	PATIENCE = 6,           /* times that: for everything else */
	LINGER = 10,            /* divides that: for the other side's end */
};

struct client {
	struct peer peer;
	struct rota_read read;
	struct rota_fs opening;
	struct rota_file_info info;
	struct rota_sendfile sending;
	struct http_request request;
	int fd;           /* of the file, or -1 */
	const char *name; /* the last of its path */
	int64_t offset;   /* in the file, of the next byte to send */
	int64_t left;     /* bytes still to send from there */
	int in_pool;      /* (2) */
	int dropped;
	size_t received; /* bytes in head */
	char head[HEAD_SIZE];
};

static struct server server;

static void step(struct client *c);

static void expect(struct client *c, uint64_t idle_ns)
{
	rota_connection_set_idle(&c->peer.connection, idle_ns);
}

static void drop(struct peer *peer)
{
	struct client *c = rota_container_of(peer, struct client, peer);

	c->dropped = 1;
	if (!c->in_pool)
		peer_close(peer);
}

/* Send what is queued, and close. */
static void leave(struct client *c)
{
	int queued = rota_stream_queued(&c->peer.tcp.stream) > 0;

	rota_connection_end_within(&c->peer.connection,
				   queued ? PATIENCE * server.patience_ns
					  : server.patience_ns / LINGER);
}

static void on_sent(struct rota_sendfile *sending, int status)
{
	struct client *c = rota_container_of(sending, struct client, sending);

	server.bytes += sending->sent;
	c->offset += (int64_t)sending->sent;
	c->left -= (int64_t)sending->sent;
	if (status == 0)
		step(c);
	else /* the file has shrunk, or there is another error */
		rota_stream_close_reset(&c->peer.tcp.stream, peer_on_close);
}

static void send_part(struct client *c)
{
	int64_t size = c->left < PART_SIZE ? c->left : PART_SIZE;

	expect(c, PATIENCE * server.patience_ns);
	if (rota_stream_sendfile(&c->sending, &c->peer.tcp.stream, c->fd,
				 c->offset, (uint64_t)size, on_sent) < 0)
		peer_close(&c->peer);
}

static void on_drain(struct rota_stream *stream, int status)
{
	struct client *c =
		rota_container_of(stream, struct client, peer.tcp.stream);

	if (status < 0)
		drop(&c->peer);
	else if (!rota_request_is_active(&c->sending.request))
		step(c);
}

/* The head of the reply leaves with the first bytes of the file. */
static void reply(struct client *c, int status)
{
	char head[HTTP_REPLY_SIZE];
	size_t size;

	if (rota_server_is_full(&server.connections) || status == 503)
		c->request.keep_alive = 0; /* (3) */
	size = http_reply(head, &c->request, status, c->name,
			  (int64_t)c->info.bytes);
	c->offset = 0;
	c->left = status == 200 && !c->request.is_head ? (int64_t)c->info.bytes
						       : 0;
	server.bytes += size;
	expect(c, PATIENCE * server.patience_ns);
	rota_stream_set_cork(&c->peer.tcp.stream, c->left > 0);
	status = rota_stream_send(&c->peer.tcp.stream, head, size);
	if (status < 0 || c->dropped)
		peer_close(&c->peer);
	else if (status == 0 || c->left > 0)
		step(c); /* else on_drain() calls it */
	rota_stream_set_cork(&c->peer.tcp.stream, 0);
}

static void close_file(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void on_opened(struct rota_fs *opening, int64_t result);

/* Open @path, which neither leads out of @directory nor over a link. */
static int open_file(struct client *c, int directory, const char *path)
{
	int error;

	c->info.size = sizeof(c->info);
	error = rota_fs_open_beneath(
		&c->opening, on_opened, directory, path,
		ROTA_BENEATH_NO_SYMLINKS | ROTA_BENEATH_DIRECTORIES, &c->info);
	c->in_pool = error == 0;
	return error;
}

static void on_opened(struct rota_fs *opening, int64_t result)
{
	struct client *c = rota_container_of(opening, struct client, opening);

	c->in_pool = 0;
	close_file(c); /* the directory of an index.html */
	if (result >= 0)
		c->fd = (int)result;
	if (result < 0 || !S_ISDIR(c->info.mode)) {
		reply(c, http_status(result < 0 ? (int)-result : 0));
		return;
	}
	c->name = "index.html";
	if (open_file(c, c->fd, c->name) < 0)
		peer_close(&c->peer);
}

/* Paths are below the working directory. */
static int open_requested(struct client *c)
{
	const char *path = c->request.path + strspn(c->request.path, "/");
	const char *slash = strrchr(path, '/');

	c->name = slash != NULL ? slash + 1 : path;
	return open_file(c, AT_FDCWD, *path != '\0' ? path : ".");
}

static void on_read(struct rota_read *read, int status)
{
	struct client *c = rota_container_of(read, struct client, read);

	c->received += read->size;
	if (status < 0) /* the end of the input, or leave() cancelled it */
		leave(c);
	else
		step(c);
}

/* Begin the next request, or read more of it. */
static void next_request(struct client *c)
{
	int status, error;

	if (c->request.size > 0) { /* the previous one, now served */
		close_file(c);
		c->received -= c->request.size;
		memmove(c->head, c->head + c->request.size, c->received);
		c->request.size = 0;
		/* A reply that is still queued keeps its deadline. */
		if (rota_stream_queued(&c->peer.tcp.stream) == 0)
			expect(c, server.patience_ns);
	}
	status = http_parse(&c->request, c->head, c->received, HEAD_SIZE);
	rota_connection_set_busy(&c->peer.connection, status != 0);
	if (status == 0) {
		error = rota_stream_read(
			&c->read, &c->peer.tcp.stream,
			(struct rota_buf){ c->head + c->received,
					   HEAD_SIZE - c->received },
			0, on_read);
	} else if (status == 200) {
		server.requests++;
		expect(c, PATIENCE * server.patience_ns);
		error = open_requested(c);
	} else {
		reply(c, status);
		return;
	}
	if (error < 0)
		peer_close(&c->peer);
}

static void step(struct client *c)
{
	if (c->dropped) {
		peer_close(&c->peer);
	} else if (c->left > 0) {
		send_part(c);
	} else if (!c->request.keep_alive ||
		   rota_server_is_stopping(&server.connections)) {
		leave(c);
	} else {
		next_request(c);
	}
}

static void begin(struct peer *peer)
{
	struct client *c = rota_container_of(peer, struct client, peer);

	c->fd = -1;
	c->request.keep_alive = 1;
	rota_fs_init(&c->opening, server.loop);
	rota_stream_on_drain(&peer->tcp.stream, on_drain);
	step(c);
}

static void end(struct peer *peer)
{
	struct client *c = rota_container_of(peer, struct client, peer);

	if (rota_request_is_active(&c->read.request))
		leave(c); /* it is not busy */
}

static void forget(struct peer *peer)
{
	close_file(rota_container_of(peer, struct client, peer));
}

static struct server server = {
	.name = "fileserver",
	.usage = "[directory]",
	.scheme = "http",
	.port = 8080,
	.patience_ns = ROTA_SEC(REQUEST_SECONDS),
	.peer_size = sizeof(struct client),
	.descriptors = 2, /* its connection and a file */
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
