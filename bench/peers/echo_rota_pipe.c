/*
 * echo_rota_pipe.c - an echo server on rota's pipes: Unix sockets.
 */
#include <stdlib.h>

#include "peers/echo.h"
#include "rota.h"
#include "support/bench.h"

struct server {
	struct rota_loop *loop;
	struct rota_pipe *connections;
	size_t count;
};

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	if (status == 0)
		rota_stream_send(stream, buf->data, buf->size);
}

static void *server_make(const int *fds, size_t count)
{
	struct server *server = calloc(1, sizeof(*server));

	server->connections = calloc(count, sizeof(*server->connections));
	server->count = count;
	if (rota_loop_new(&server->loop, NULL))
		bench_fail("rota_loop_new");
	for (size_t i = 0; i < count; i++) {
		struct rota_pipe *pipe = &server->connections[i];

		if (rota_pipe_open(pipe, server->loop, fds[i]) ||
		    rota_stream_read_start(&pipe->stream, on_read))
			bench_fail("rota_stream_read_start");
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
		rota_stream_detach(&server->connections[i].stream);
	if (rota_loop_close(server->loop))
		bench_fail("rota_loop_close");
	free(server->connections);
	free(server);
}

const struct echo_peer echo_rota_pipe = {
	"rota pipe", server_make, server_turn, server_run, server_free,
};
