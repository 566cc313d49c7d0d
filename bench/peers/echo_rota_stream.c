/*
 * echo_rota_stream.c - an echo server on rota's streams, which own their
 * sockets, receive and send: TCP, and pipes for Unix sockets.
 */
#include <stdlib.h>

#include "peers/echo.h"
#include "rota.h"
#include "support/bench.h"

struct server {
	struct rota_loop *loop;
	void *streams; /* an array of struct rota_tcp or struct rota_pipe */
	size_t count;
	struct rota_stream *(*at)(void *streams, size_t i);
};

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	if (status == 0)
		rota_stream_send(stream, buf->data, buf->size);
}

static struct rota_stream *tcp_at(void *streams, size_t i)
{
	return &((struct rota_tcp *)streams)[i].stream;
}

static struct rota_stream *pipe_at(void *streams, size_t i)
{
	return &((struct rota_pipe *)streams)[i].stream;
}

static struct server *new_server(size_t count, size_t size)
{
	struct server *server = calloc(1, sizeof(*server));

	server->streams = calloc(count, size);
	server->count = count;
	if (rota_loop_new(&server->loop, NULL))
		bench_fail("rota_loop_new");
	return server;
}

static void *begin(struct server *server,
		   struct rota_stream *(*at)(void *streams, size_t i))
{
	server->at = at;
	for (size_t i = 0; i < server->count; i++)
		if (rota_stream_read_start(at(server->streams, i), on_read))
			bench_fail("rota_stream_read_start");
	return server;
}

static void *tcp_make(const int *fds, size_t count)
{
	struct server *server = new_server(count, sizeof(struct rota_tcp));
	struct rota_tcp *tcps = server->streams;

	for (size_t i = 0; i < count; i++)
		if (rota_tcp_open(&tcps[i], server->loop, fds[i]))
			bench_fail("rota_tcp_open");
	return begin(server, tcp_at);
}

static void *pipe_make(const int *fds, size_t count)
{
	struct server *server = new_server(count, sizeof(struct rota_pipe));
	struct rota_pipe *pipes = server->streams;

	for (size_t i = 0; i < count; i++)
		if (rota_pipe_open(&pipes[i], server->loop, fds[i]))
			bench_fail("rota_pipe_open");
	return begin(server, pipe_at);
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
		rota_stream_detach(server->at(server->streams, i));
	if (rota_loop_close(server->loop))
		bench_fail("rota_loop_close");
	free(server->streams);
	free(server);
}

const struct echo_peer echo_rota_tcp = {
	"rota tcp", tcp_make, server_turn, server_run, server_free,
};

const struct echo_peer echo_rota_pipe = {
	"rota pipe", pipe_make, server_turn, server_run, server_free,
};
