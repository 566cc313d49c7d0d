/*
 * churn_rota.c - connections on rota's listeners and streams.
 */
#include <stdlib.h>
#include <unistd.h>

#include "peers/churn.h"
#include "rota.h"
#include "support/bench.h"

struct server {
	struct rota_loop *loop;
	struct rota_tcp listener;
};

/* A stream with no request in flight can be closed at once, even in its own
 * callback, and then freed. */
static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	struct rota_tcp *tcp =
		rota_container_of(stream, struct rota_tcp, stream);

	if (status == 0 && rota_stream_send(stream, buf->data, buf->size) == 0)
		return;
	if (rota_handle_close_now(&tcp->handle))
		bench_fail("rota_handle_close_now");
	free(tcp);
}

static void on_connection(struct rota_stream *listener, int status, int fd)
{
	struct server *server = listener->handle.data;
	struct rota_tcp *tcp = malloc(sizeof(*tcp));

	if (status < 0 || rota_tcp_open(tcp, server->loop, fd) ||
	    rota_stream_read_start(&tcp->stream, on_read))
		bench_fail("rota_tcp_open");
}

static void *server_make(int listener)
{
	struct server *server = calloc(1, sizeof(*server));

	if (rota_loop_new(&server->loop, NULL) ||
	    rota_tcp_open(&server->listener, server->loop, listener) ||
	    rota_stream_listen(&server->listener.stream, CHURN_BACKLOG,
			       on_connection))
		bench_fail("rota_stream_listen");
	server->listener.handle.data = server;
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

const struct churn_peer churn_rota = {
	"rota tcp",
	server_make,
	server_turn,
	server_run,
};
