/*
 * stream_rota.c - many bytes on rota's streams: a flow whose input is sent
 * back, with rota's default watermarks. rota copies what the kernel does not
 * take of a send. A source can avoid copies, with rota_stream_try_write and,
 * for the rest, rota_stream_write.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "peers/stream.h"
#include "rota.h"
#include "support/bench.h"

struct connection {
	struct rota_tcp tcp;
	struct rota_write write;
	bool is_writing;
	size_t left; /* in the block that a sink reads or a source sends */
};

struct server {
	struct rota_loop *loop;
	struct connection *connections;
};

static struct connection *connection_of(struct rota_stream *stream)
{
	return rota_container_of(stream, struct connection, tcp.stream);
}

static void on_echo(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	if (status == 0 && rota_stream_send(stream, buf->data, buf->size) == 1)
		rota_stream_read_stop(stream);
}

static void on_drain_echo(struct rota_stream *stream, int status)
{
	if (status < 0 || rota_stream_read_start(stream, on_echo))
		bench_fail("rota_stream_read_start");
}

static void on_sink(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	if (status < 0)
		return;
	for (size_t n = stream_blocks(&connection_of(stream)->left, buf->size);
	     n > 0; n--)
		rota_stream_send(stream, "", 1);
}

static void on_drain_source(struct rota_stream *stream, int status)
{
	struct connection *connection = connection_of(stream);

	while (status == 0 && connection->left > 0) {
		connection->left -= STREAM_PIECE;
		if (rota_stream_send(stream, stream_buffer, STREAM_PIECE) != 0)
			return;
	}
}

static void on_source(struct rota_stream *stream, int status,
		      const struct rota_buf *buf)
{
	struct connection *connection = connection_of(stream);
	bool was_busy = connection->left > 0;

	if (status < 0)
		return;
	connection->left += buf->size * STREAM_BLOCK;
	if (!was_busy)
		on_drain_source(stream, 0);
}

static void on_written(struct rota_write *write, int status);

static void lend_blocks(struct connection *connection)
{
	struct rota_stream *stream = &connection->tcp.stream;

	while (connection->left > 0 && !connection->is_writing) {
		struct rota_const_buf buf = { stream_buffer, STREAM_PIECE };
		ptrdiff_t sent = rota_stream_try_write(stream, &buf, 1);

		connection->left -= STREAM_PIECE;
		if (sent == STREAM_PIECE)
			continue;
		buf.size -= sent > 0 ? (size_t)sent : 0;
		connection->is_writing = true;
		if (rota_stream_write(&connection->write, stream, &buf, 1,
				      on_written))
			bench_fail("rota_stream_write");
	}
}

static void on_written(struct rota_write *write, int status)
{
	struct connection *connection =
		rota_container_of(write, struct connection, write);

	connection->is_writing = false;
	if (status == 0)
		lend_blocks(connection);
}

static void on_source_lent(struct rota_stream *stream, int status,
			   const struct rota_buf *buf)
{
	if (status < 0)
		return;
	connection_of(stream)->left += buf->size * STREAM_BLOCK;
	lend_blocks(connection_of(stream));
}

static void *make(const int *fds, size_t count, rota_read_fn *on_read,
		  rota_drain_fn *on_drain)
{
	struct server *server = calloc(1, sizeof(*server));

	server->connections = calloc(count, sizeof(*server->connections));
	if (rota_loop_new(&server->loop, NULL))
		bench_fail("rota_loop_new");
	for (size_t i = 0; i < count; i++) {
		struct connection *connection = &server->connections[i];
		struct rota_stream *stream = &connection->tcp.stream;

		connection->left = on_read == on_sink ? STREAM_BLOCK : 0;
		if (rota_tcp_open(&connection->tcp, server->loop, fds[i]) ||
		    rota_stream_read_start(stream, on_read))
			bench_fail("rota_stream_read_start");
		rota_stream_on_drain(stream, on_drain);
	}
	return server;
}

static void *make_sending(const int *fds, size_t count, enum stream_load load)
{
	switch (load) {
	case STREAM_ECHO:
		return make(fds, count, on_echo, on_drain_echo);
	case STREAM_SINK:
		return make(fds, count, on_sink, NULL);
	default:
		return make(fds, count, on_source, on_drain_source);
	}
}

static void *make_lending(const int *fds, size_t count, enum stream_load load)
{
	return load == STREAM_SOURCE ? make(fds, count, on_source_lent, NULL)
				     : NULL;
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

const struct stream_peer stream_rota = {
	"rota tcp", STREAM_ALL, make_sending, server_turn, server_run,
};

const struct stream_peer stream_rota_lending = {
	"rota tcp, rota_stream_write",
	1 << STREAM_SOURCE,
	make_lending,
	server_turn,
	server_run,
};
