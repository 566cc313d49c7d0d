/*
 * echo_libuv.c - echo servers on libuv: uv_poll, which only reports readiness;
 * and uv_tcp and uv_pipe, where libuv reads and writes, with uv_try_write or
 * uv_write.
 */
#include <stdlib.h>
#include <uv.h>

#include "peers/echo.h"
#include "support/bench.h"

struct connection {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_poll_t poll;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	};
	int fd;
	uv_write_t write;
};

struct server {
	uv_loop_t loop;
	struct connection *connections;
	size_t count;
};

static _Alignas(64) char buffer[ECHO_BUFFER_SIZE];

static void on_ready(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	echo_once(((struct connection *)(void *)poll)->fd);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	(void)size;
	*buf = uv_buf_init(buffer, sizeof(buffer));
}

static void on_read_try(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
	uv_buf_t reply = uv_buf_init(buf->base, (unsigned)size);

	if (size > 0)
		uv_try_write(stream, &reply, 1);
}

static void on_written(uv_write_t *write, int status)
{
	(void)write;
	(void)status;
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
	struct connection *connection = (void *)stream;
	uv_buf_t reply = uv_buf_init(buf->base, (unsigned)size);

	if (size > 0)
		uv_write(&connection->write, stream, &reply, 1, on_written);
}

static struct server *server_new(const int *fds, size_t count)
{
	struct server *server = calloc(1, sizeof(*server));

	server->connections = calloc(count, sizeof(*server->connections));
	server->count = count;
	if (uv_loop_init(&server->loop))
		bench_fail("uv_loop_init");
	for (size_t i = 0; i < count; i++)
		server->connections[i].fd = fds[i];
	return server;
}

static void *make_poll(const int *fds, size_t count)
{
	struct server *server = server_new(fds, count);

	for (size_t i = 0; i < count; i++) {
		uv_poll_t *poll = &server->connections[i].poll;

		uv_poll_init(&server->loop, poll, fds[i]);
		if (uv_poll_start(poll, UV_READABLE, on_ready))
			bench_fail("uv_poll_start");
	}
	return server;
}

static void *make_streams(const int *fds, size_t count, uv_read_cb read)
{
	struct server *server = server_new(fds, count);

	for (size_t i = 0; i < count; i++) {
		struct connection *connection = &server->connections[i];

		uv_tcp_init(&server->loop, &connection->tcp);
		/* The handle closes the descriptor that it gets. */
		if (uv_tcp_open(&connection->tcp, dup(fds[i])) ||
		    uv_read_start(&connection->stream, on_alloc, read))
			bench_fail("uv_tcp_open");
	}
	return server;
}

static void *make_try(const int *fds, size_t count)
{
	return make_streams(fds, count, on_read_try);
}

static void *make_tcp(const int *fds, size_t count)
{
	return make_streams(fds, count, on_read);
}

static void *make_pipes(const int *fds, size_t count, uv_read_cb read)
{
	struct server *server = server_new(fds, count);

	for (size_t i = 0; i < count; i++) {
		struct connection *connection = &server->connections[i];

		uv_pipe_init(&server->loop, &connection->pipe, 0);
		if (uv_pipe_open(&connection->pipe, dup(fds[i])) ||
		    uv_read_start(&connection->stream, on_alloc, read))
			bench_fail("uv_pipe_open");
	}
	return server;
}

static void *make_pipe_try(const int *fds, size_t count)
{
	return make_pipes(fds, count, on_read_try);
}

static void *make_pipe(const int *fds, size_t count)
{
	return make_pipes(fds, count, on_read);
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

static void server_free(void *arg)
{
	struct server *server = arg;

	for (size_t i = 0; i < server->count; i++)
		uv_close(&server->connections[i].handle, NULL);
	uv_run(&server->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&server->loop))
		bench_fail("uv_loop_close");
	free(server->connections);
	free(server);
}

const struct echo_peer echo_libuv_poll = {
	"libuv uv_poll", make_poll, server_turn, server_run, server_free,
};

const struct echo_peer echo_libuv_try = {
	"libuv uv_tcp, uv_try_write",
	make_try,
	server_turn,
	server_run,
	server_free,
};

const struct echo_peer echo_libuv_tcp = {
	"libuv uv_tcp, uv_write",
	make_tcp,
	server_turn,
	server_run,
	server_free,
};

const struct echo_peer echo_libuv_pipe_try = {
	"libuv uv_pipe, uv_try_write",
	make_pipe_try,
	server_turn,
	server_run,
	server_free,
};

const struct echo_peer echo_libuv_pipe = {
	"libuv uv_pipe, uv_write",
	make_pipe,
	server_turn,
	server_run,
	server_free,
};
