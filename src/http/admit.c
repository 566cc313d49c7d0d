/*
 * http/admit.c - new connections: those that listeners accept, and streams that
 * the program hands in.
 *
 *  1. A connection beyond a limit is answered with 503. So that such ones
 *     cannot be too many as well, a shard has some of them at a time, and
 *     closes the others without an answer.
 *  2. A peer in the list of proxies sends a PROXY header first, in the time of
 *     a head. Until then its connection counts for the limit of all, and
 *     afterwards also for that of its client's address. A bad header ends the
 *     connection without an answer: the proxy would give it to a client.
 */
#include "http/admit.h"

#include <string.h>
#include <unistd.h>

#include "http/advance.h"
#include "http/answer.h"
#include "http/proxied.h"
#include "http/quota.h"
#include "http/sized.h"
#include "http/storage.h"
#include "rota/error.h"
#include "rota/tcp_options.h"

enum { MOST_SHED = 64 };

/* Drop what a connection that was answered at once sends. */
static void on_shed_read(struct rota_stream *stream, int status,
			 const struct rota_buf *buf)
{
	struct rotai_http_connection *connection = stream->handle.data;
	struct rotai_http_shard *shard = rotai_http_shard_of(
		rota_connection_server(&connection->in.connection));

	(void)buf;
	if (status < 0 ||
	    ++connection->requests > shard->owner->options.linger_size / 4096)
		rotai_http_close(connection);
}

/* (1) */
static void answer_busy(struct rotai_http_connection *connection,
			struct rotai_http_shard *shard,
			enum rotai_http_counter why)
{
	static const char text[] = "there are too many connections.\n";
	struct rota_stream *stream = rotai_http_stream(connection);
	char answer[ROTA_HTTP_REFUSAL_SIZE];
	size_t size = rotai_http_write_busy(
		answer, shard->owner->options.retry_seconds, text);

	rotai_http_count(shard, why, 1);
	if (shard->shed_count >= MOST_SHED ||
	    rota_stream_send(stream, answer, size) < 0 ||
	    rota_stream_shutdown(NULL, stream, NULL) < 0 ||
	    rota_stream_read_start(stream, on_shed_read) < 0) {
		rotai_http_close(connection);
		return;
	}
	rotai_http_count(shard, ROTAI_HTTP_RESPONSES + 5, 1);
	connection->is_shed = 1;
	shard->shed_count++;
	rota_connection_set_busy(&connection->in.connection, 1);
	rota_connection_set_idle(&connection->in.connection,
				 shard->owner->options.linger_ns);
}

/* Open the stream of @fd. Returns 0 or an error. */
static int open_carrier(struct rotai_http_connection *connection,
			struct rotai_http_shard *shard, int fd)
{
	if (connection->carrier == ROTAI_HTTP_PIPE)
		return rota_pipe_open(&connection->by.pipe, shard->loop, fd);
	return rota_tcp_open(&connection->by.tcp, shard->loop, fd);
}

/* Look up the peer for its limit. Returns NULL if there is no limit, or it is
 * not known. */
static const struct rota_address *
find_peer(struct rotai_http_connection *connection,
	  struct rotai_http_shard *shard, struct rota_address *peer)
{
	return shard->owner->options.connections_per_address > 0 &&
			       rotai_http_read_peer(connection, shard, peer) ==
				       0
		       ? peer
		       : NULL;
}

/* Serve the connection, or do what the @result of its admission says. */
static void serve_or_refuse(struct rotai_http_connection *connection,
			    struct rotai_http_shard *shard, int result,
			    struct rota_const_buf first)
{
	if (result > 0)
		answer_busy(connection, shard, (enum rotai_http_counter)result);
	else if (result < 0 || rotai_http_open(connection, shard, first) < 0)
		rotai_http_close(connection);
}

/* Read the PROXY header. (2) */
static void on_header(struct rota_stream *stream, int status,
		      const struct rota_buf *buf)
{
	struct rotai_http_connection *connection = stream->handle.data;
	struct rotai_http_shard *shard = rotai_http_shard_of(
		rota_connection_server(&connection->in.connection));
	struct rota_address client;
	size_t used = 0;
	int result = status;

	if (status == 0)
		result = rotai_http_take_header(
			connection, shard, rota_bytes(buf->data, buf->size),
			&used);
	if (status == 0 && result == 0)
		return;
	if (status == 0 && result == ROTA_EPROTO)
		rotai_http_count(shard, ROTAI_HTTP_REFUSED_COUNT, 1);
	rota_stream_read_stop(stream);
	if (result < 0) {
		rotai_http_close(connection);
		return;
	}
	rota_connection_set_idle(&connection->in.connection,
				 shard->owner->options.idle_ns);
	rota_connection_touch(&connection->in.connection);
	serve_or_refuse(
		connection, shard,
		rotai_http_admit_address(connection, shard,
					 find_peer(connection, shard, &client)),
		rota_bytes(buf->data + used, buf->size - used));
}

/* Wait for a PROXY header. (2) */
static void await_header(struct rotai_http_connection *connection,
			 struct rotai_http_shard *shard)
{
	struct rota_stream *stream = rotai_http_stream(connection);
	int result = rotai_http_admit(connection, shard, NULL);

	if (result > 0) {
		answer_busy(connection, shard, (enum rotai_http_counter)result);
		return;
	}
	rota_connection_set_idle(&connection->in.connection,
				 shard->owner->options.head_ns);
	if (result < 0 || rotai_http_await_header(connection, shard) < 0 ||
	    rota_stream_read_start(stream, on_header) < 0)
		rotai_http_close(connection);
}

/* Start a connection whose stream is open. */
static void start_accepted(struct rotai_http_connection *connection,
			   struct rotai_http_shard *shard)
{
	struct rota_stream *stream = rotai_http_stream(connection);
	struct rota_address peer;

	stream->handle.data = connection;
	if (rota_connection_start(&connection->in.connection, &shard->server,
				  stream, rotai_http_on_close) < 0) {
		(void)rota_handle_close_now(&stream->handle);
		rotai_http_connection_free(connection, shard);
		return;
	}
	rotai_http_count(shard, ROTAI_HTTP_ACCEPTED, 1);
	if ((shard->owner->options.flags & ROTA_HTTP_NO_DELAY) != 0 &&
	    connection->carrier == ROTAI_HTTP_TCP)
		(void)rota_tcp_set_nodelay(&connection->by.tcp, 1);
	if (rotai_http_is_proxy(connection, shard))
		await_header(connection, shard);
	else
		serve_or_refuse(
			connection, shard,
			rotai_http_admit(connection, shard,
					 find_peer(connection, shard, &peer)),
			rota_bytes(NULL, 0));
}

void rotai_http_on_accept(struct rota_listen_group *group,
			  struct rota_server *server, int status, int fd)
{
	struct rotai_http_shard *shard = rotai_http_shard_of(server);
	const struct rotai_http_door *door = rota_listen_group_data(group);
	struct rotai_http_connection *connection;

	if (status < 0) {
		rotai_http_count(shard, ROTAI_HTTP_ACCEPT_ERRORS, 1);
		return;
	}
	connection = rotai_http_connection_new(
		shard, door->is_unix ? ROTAI_HTTP_PIPE : ROTAI_HTTP_TCP);
	if (connection == NULL) {
		rotai_http_count(shard, ROTAI_HTTP_OVER_MEMORY, 1);
		(void)close(fd);
		return;
	}
	if (open_carrier(connection, shard, fd) < 0) {
		rotai_http_connection_free(connection, shard);
		(void)close(fd);
		return;
	}
	start_accepted(connection, shard);
}

/* --- streams of the program ----------------------------------------------- */

void rota_http_serve_options_init_size(struct rota_http_serve_options *options,
				       size_t size)
{
	memset(options, 0, size);
	options->size = size;
}

static int make_served(struct rotai_http_connection **made,
		       struct rotai_http_shard *shard,
		       struct rota_stream *stream, rota_close_fn *fn,
		       const struct rota_http_serve_options *options)
{
	struct rotai_http_connection *connection =
		rotai_http_connection_new(shard, ROTAI_HTTP_SERVED);
	struct rota_address *peer = NULL;

	if (connection == NULL)
		return ROTA_ENOMEM;
	if (options->peer != NULL) {
		peer = rotai_http_resize(shard, NULL, 0, sizeof(*peer));
		if (peer == NULL) {
			rotai_http_connection_free(connection, shard);
			return ROTA_ENOMEM;
		}
		*peer = *options->peer;
	}
	connection->by.served.stream = stream;
	connection->by.served.fn = fn;
	connection->by.served.peer = peer;
	connection->by.served.is_secure = options->is_secure != 0;
	*made = connection;
	return 0;
}

int rota_http_server_serve(struct rota_http_server *server, size_t index,
			   struct rota_stream *stream, rota_close_fn *fn,
			   const struct rota_http_serve_options *options)
{
	struct rota_http_serve_options ours = { .size = sizeof(ours) };
	struct rotai_http_connection *connection;
	struct rotai_http_shard *shard;
	void *data;
	int error;

	if (options != NULL &&
	    rotai_http_sized_take(
		    &ours, sizeof(ours), options,
		    ROTAI_HTTP_SIZE_UP_TO(struct rota_http_serve_options,
					  is_secure)) < 0)
		return ROTA_EINVAL;
	if (fn == NULL || index >= server->count || stream == NULL ||
	    server->shards[index].loop == NULL ||
	    rota_handle_is_closing(&stream->handle))
		return ROTA_EINVAL;
	shard = &server->shards[index];
	error = make_served(&connection, shard, stream, fn, &ours);
	if (error < 0)
		return error;
	data = stream->handle.data;
	stream->handle.data = connection;
	error = rota_connection_start(&connection->in.connection,
				      &shard->server, stream,
				      rotai_http_on_close);
	if (error < 0) {
		if (ours.peer != NULL)
			rotai_http_resize(shard, connection->by.served.peer,
					  sizeof(*ours.peer), 0);
		rotai_http_connection_free(connection, shard);
		stream->handle.data = data;
		return error;
	}
	error = rotai_http_admit(connection, shard, ours.peer);
	if (error > 0) {
		rotai_http_count(shard, (enum rotai_http_counter)error, 1);
		error = ROTA_EBUSY;
	}
	if (error == 0)
		error = rotai_http_open(connection, shard, ours.first);
	if (error < 0) {
		rota_stream_read_stop(stream);
		rota_stream_on_drain(stream, NULL);
		rota_handle_on_shutdown(&stream->handle, NULL);
		stream->handle.data = data;
		(void)rotai_http_release(connection, shard);
		return error;
	}
	rotai_http_count(shard, ROTAI_HTTP_ACCEPTED, 1);
	return 0;
}
