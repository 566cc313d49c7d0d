/*
 * stream_libuv.c - many bytes on libuv's uv_tcp, in two ways.
 *
 * With uv_write, input stays in a block of its own until it is written, and a
 * connection with a long queue reads nothing until the queue is short again.
 *
 * With uv_try_write, all connections read into the same buffer. What a try does
 * not take is copied into a block and written with uv_write, and until that is
 * done the connection reads nothing.
 *
 * In neither way does a source copy anything. Blocks are kept and reused.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "peers/stream.h"
#include "support/bench.h"

/* With uv_write, reading stops and continues at rota's default watermarks. */
enum { HIGH = STREAM_PIECE, LOW = STREAM_PIECE / 4 };

struct connection {
	uv_tcp_t tcp;
	enum stream_load load;
	bool tries;
	bool stopped; /* reading, or sending in a source */
	size_t left;  /* in the block that a sink reads or a source sends */
};

struct block {
	uv_write_t write;
	struct block *next;
	_Alignas(64) char data[STREAM_PIECE];
};

struct server {
	uv_loop_t loop;
	struct connection *connections;
};

static struct block *spare;

static void on_alloc_block(uv_handle_t *handle, size_t size, uv_buf_t *buf);
static void on_alloc_shared(uv_handle_t *handle, size_t size, uv_buf_t *buf);
static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf);

static struct block *take_block(void)
{
	struct block *block = spare;

	if (block)
		spare = block->next;
	else
		block = malloc(sizeof(*block));
	return block;
}

static void put_block(struct block *block)
{
	block->next = spare;
	spare = block;
}

static uv_stream_t *stream_of(struct connection *connection)
{
	return (uv_stream_t *)&connection->tcp;
}

static void start_reading(struct connection *connection)
{
	if (uv_read_start(stream_of(connection),
			  connection->load == STREAM_ECHO && !connection->tries
				  ? on_alloc_block
				  : on_alloc_shared,
			  on_read))
		bench_fail("uv_read_start");
}

static void send_blocks(struct connection *connection);

static void on_written(uv_write_t *write, int status)
{
	struct connection *connection = (void *)write->handle;
	size_t queued = uv_stream_get_write_queue_size(write->handle);

	put_block((struct block *)(void *)write);
	if (status < 0)
		bench_fail("uv_write: %s", uv_strerror(status));
	if (!connection->stopped || queued > LOW)
		return;
	connection->stopped = false;
	if (connection->load == STREAM_SOURCE)
		send_blocks(connection);
	else
		start_reading(connection);
}

static void write_block(struct connection *connection, struct block *block,
			char *data, size_t size)
{
	uv_buf_t buf = uv_buf_init(data, (unsigned)size);

	if (uv_write(&block->write, stream_of(connection), &buf, 1, on_written))
		bench_fail("uv_write");
}

/* Returns how many of the bytes a try has taken. */
static size_t try(struct connection *connection, char *data, size_t size)
{
	uv_buf_t buf = uv_buf_init(data, (unsigned)size);
	int sent = uv_try_write(stream_of(connection), &buf, 1);

	if (sent < 0 && sent != UV_EAGAIN)
		bench_fail("uv_try_write: %s", uv_strerror(sent));
	return sent < 0 ? 0 : (size_t)sent;
}

static void copy_rest(struct connection *connection, const char *data,
		      size_t size)
{
	struct block *block = take_block();

	memcpy(block->data, data, size);
	write_block(connection, block, block->data, size);
}

/* A source's data never changes, so the block is only used for the request.
 * Sending stops when a try is short or the queue is long. */
static void send_blocks(struct connection *connection)
{
	while (connection->left > 0 && !connection->stopped) {
		size_t sent = 0;

		connection->left -= STREAM_PIECE;
		if (connection->tries)
			sent = try(connection, stream_buffer, STREAM_PIECE);
		if (sent == STREAM_PIECE)
			continue;
		write_block(connection, take_block(), stream_buffer + sent,
			    STREAM_PIECE - sent);
		connection->stopped = connection->tries ||
				      uv_stream_get_write_queue_size(
					      stream_of(connection)) > HIGH;
	}
}

static void send_back(struct connection *connection, char *data, size_t size)
{
	if (connection->tries) {
		size_t sent = try(connection, data, size);

		if (sent < size)
			copy_rest(connection, data + sent, size - sent);
		connection->stopped = sent < size;
	} else {
		write_block(
			connection,
			(struct block *)(void *)(data -
						 offsetof(struct block, data)),
			data, size);
		connection->stopped = uv_stream_get_write_queue_size(
					      stream_of(connection)) > HIGH;
	}
	if (connection->stopped)
		uv_read_stop(stream_of(connection));
}

static void send_receipts(struct connection *connection, size_t count)
{
	for (; count > 0; count--)
		if (!connection->tries || try(connection, "", 1) == 0)
			copy_rest(connection, "", 1);
}

static void on_alloc_block(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	(void)size;
	*buf = uv_buf_init(take_block()->data, STREAM_PIECE);
}

static void on_alloc_shared(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	(void)size;
	*buf = uv_buf_init(stream_buffer, STREAM_PIECE);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
	struct connection *connection = (void *)stream;

	if (size <= 0) {
		if (buf->base && buf->base != stream_buffer)
			put_block((void *)(buf->base -
					   offsetof(struct block, data)));
		return;
	}
	switch (connection->load) {
	case STREAM_ECHO:
		send_back(connection, buf->base, (size_t)size);
		break;
	case STREAM_SINK:
		send_receipts(connection,
			      stream_blocks(&connection->left, (size_t)size));
		break;
	case STREAM_SOURCE:
		connection->left += (size_t)size * STREAM_BLOCK;
		send_blocks(connection);
		break;
	}
}

static void *make(const int *fds, size_t count, enum stream_load load,
		  bool tries)
{
	struct server *server = calloc(1, sizeof(*server));

	server->connections = calloc(count, sizeof(*server->connections));
	if (uv_loop_init(&server->loop))
		bench_fail("uv_loop_init");
	for (size_t i = 0; i < count; i++) {
		struct connection *connection = &server->connections[i];

		connection->load = load;
		connection->tries = tries;
		connection->left = load == STREAM_SINK ? STREAM_BLOCK : 0;
		uv_tcp_init(&server->loop, &connection->tcp);
		if (uv_tcp_open(&connection->tcp, fds[i]))
			bench_fail("uv_tcp_open");
		start_reading(connection);
	}
	return server;
}

static void *make_try(const int *fds, size_t count, enum stream_load load)
{
	return make(fds, count, load, true);
}

static void *make_write(const int *fds, size_t count, enum stream_load load)
{
	return make(fds, count, load, false);
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

const struct stream_peer stream_libuv_try = {
	"libuv uv_tcp, uv_try_write",
	STREAM_ALL,
	make_try,
	server_turn,
	server_run,
};

const struct stream_peer stream_libuv = {
	"libuv uv_tcp, uv_write",
	1 << STREAM_ECHO | 1 << STREAM_SOURCE,
	make_write,
	server_turn,
	server_run,
};
