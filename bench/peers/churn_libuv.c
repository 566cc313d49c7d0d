/*
 * churn_libuv.c - connections by uv_listen and uv_accept. They are uv_tcp
 * handles, which send messages back by uv_try_write or by uv_write.
 */
#include <stdlib.h>
#include <uv.h>

#include "peers/churn.h"
#include "support/bench.h"

struct connection {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
	};
	uv_write_t write;
};

struct server {
	uv_loop_t loop;
	uv_tcp_t listener;
};

/* One buffer for all: a message leaves as soon as it is written. */
static _Alignas(64) char buffer[CHURN_BUFFER_SIZE];

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	(void)size;
	*buf = uv_buf_init(buffer, sizeof(buffer));
}

static void on_close(uv_handle_t *handle)
{
	free(handle); /* its struct connection begins here */
}

static void on_read_try(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
	uv_buf_t reply = uv_buf_init(buf->base, (unsigned)size);

	if (size == 0)
		return;
	if (size < 0 || uv_try_write(stream, &reply, 1) != size)
		uv_close((uv_handle_t *)stream, on_close);
}

static void on_written(uv_write_t *write, int status)
{
	if (status < 0 && !uv_is_closing((uv_handle_t *)write->handle))
		uv_close((uv_handle_t *)write->handle, on_close);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
	struct connection *connection = (void *)stream;
	uv_buf_t reply = uv_buf_init(buf->base, (unsigned)size);

	if (size == 0)
		return;
	if (size < 0 ||
	    uv_write(&connection->write, stream, &reply, 1, on_written))
		uv_close(&connection->handle, on_close);
}

static void accept_for(uv_stream_t *listener, int status, uv_read_cb read)
{
	struct connection *connection = malloc(sizeof(*connection));

	if (status < 0 || uv_tcp_init(listener->loop, &connection->tcp) ||
	    uv_accept(listener, &connection->stream) ||
	    uv_read_start(&connection->stream, on_alloc, read))
		bench_fail("uv_accept");
}

static void on_connection_try(uv_stream_t *listener, int status)
{
	accept_for(listener, status, on_read_try);
}

static void on_connection(uv_stream_t *listener, int status)
{
	accept_for(listener, status, on_read);
}

static void *make(int listener, uv_connection_cb callback)
{
	struct server *server = calloc(1, sizeof(*server));

	if (uv_loop_init(&server->loop) ||
	    uv_tcp_init(&server->loop, &server->listener) ||
	    uv_tcp_open(&server->listener, listener) ||
	    uv_listen((uv_stream_t *)&server->listener, CHURN_BACKLOG,
		      callback))
		bench_fail("uv_listen");
	return server;
}

static void *make_try(int listener)
{
	return make(listener, on_connection_try);
}

static void *make_write(int listener)
{
	return make(listener, on_connection);
}

static void server_turn(void *arg)
{
	struct server *server = arg;

	uv_run(&server->loop, UV_RUN_ONCE);
}

static void server_run(void *arg)
{
	struct server *server = arg;

	uv_run(&server->loop, UV_RUN_DEFAULT);
}

const struct churn_peer churn_libuv_try = {
	"libuv uv_tcp, uv_try_write",
	make_try,
	server_turn,
	server_run,
};

const struct churn_peer churn_libuv = {
	"libuv uv_tcp, uv_write",
	make_write,
	server_turn,
	server_run,
};
