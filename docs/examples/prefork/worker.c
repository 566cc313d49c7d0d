/*
 * worker.c - see worker.h.
 *
 *  1. A connection is busy from its start until its answer is sent. So a stop
 *     waits for it, even if the request has not arrived yet.
 *  2. The stop drains the queue of the socket: whatever is in it when the last
 *     worker ends would be reset.
 *  3. The worker has a loop of its own. The one of the master is left as it is.
 */
#include "worker.h"

#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BACKLOG = 1024, IDLE_SECONDS = 5, LONGEST_REQUEST = 16384 };

struct guest {
	struct rota_connection connection;
	struct rota_tcp tcp;
	unsigned received;    /* bytes */
	unsigned line_length; /* of the line that is being read */
};

static struct rota_loop *loop;
static struct rota_server server;
static struct rota_stop stop;
static struct rota_pipe master;

static struct guest *guest_of(struct rota_stream *stream)
{
	return rota_container_of(stream, struct guest, tcp.stream);
}

static void on_close(struct rota_handle *handle)
{
	struct guest *guest =
		rota_container_of(handle, struct guest, tcp.handle);

	rota_connection_stop(&guest->connection);
	free(guest);
}

static void answer(struct guest *guest)
{
	char text[128], body[32];
	int size = snprintf(body, sizeof(body), "%ld\n", (long)getpid());

	size = snprintf(text, sizeof(text),
			"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n"
			"Connection: close\r\n\r\n%s",
			size, body);
	rota_stream_send(&guest->tcp.stream, text, (size_t)size);
	rota_connection_end(&guest->connection);
}

/* Whether the request is complete: an empty line has come. */
static int is_complete(struct guest *guest, const struct rota_buf *buf)
{
	const char *bytes = buf->data;

	for (size_t i = 0; i < buf->size; i++) {
		if (bytes[i] == '\n' && guest->line_length == 0)
			return 1;
		if (bytes[i] == '\n')
			guest->line_length = 0;
		else if (bytes[i] != '\r')
			guest->line_length++;
	}
	return 0;
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	struct guest *guest = guest_of(stream);

	if (status < 0) {
		rota_connection_end(&guest->connection);
		return;
	}
	guest->received += (unsigned)buf->size;
	if (guest->received > LONGEST_REQUEST) {
		rota_connection_reset(&guest->connection);
	} else if (is_complete(guest, buf)) {
		rota_stream_read_stop(stream);
		answer(guest);
	}
}

static void on_connection(struct rota_stream *stream, int status, int fd)
{
	struct guest *guest;

	(void)stream;
	if (status < 0)
		return; /* no descriptors: the listener tries again by itself */
	guest = calloc(1, sizeof(*guest));
	if (guest == NULL || rota_tcp_open(&guest->tcp, loop, fd) < 0) {
		free(guest);
		close(fd);
		return;
	}
	if (rota_connection_start(&guest->connection, &server,
				  &guest->tcp.stream, on_close) < 0) {
		rota_handle_close_now(&guest->tcp.handle);
		free(guest);
		return;
	}
	rota_connection_set_busy(&guest->connection, 1); /* (1) */
	rota_stream_read_start(&guest->tcp.stream, on_read);
}

static void on_stopped(struct rota_server *stopped)
{
	(void)stopped;
	rota_handle_close(&master.handle, NULL);
}

/* The master has gone. */
static void on_master(struct rota_stream *stream, int status,
		      const struct rota_buf *buf)
{
	(void)buf;
	if (status == 0)
		return;
	rota_stream_read_stop(stream);
	rota_server_stop(&server, ROTA_SEC(10), on_stopped);
}

static int start_serving(int fd)
{
	static struct rota_tcp tcp;
	static struct rota_listener listener;
	struct rota_server_options options;
	int error;

	rota_server_options_init(&options);
	options.idle_ns = ROTA_SEC(IDLE_SECONDS);
	options.drain = BACKLOG; /* (2) */
	error = rota_server_init(&server, loop, &options);
	if (error == 0)
		error = rota_tcp_open(&tcp, loop, fd);
	if (error == 0)
		error = rota_stream_listen(&tcp.stream, BACKLOG, on_connection);
	if (error == 0)
		error = rota_listener_start(&listener, &server, &tcp.stream,
					    NULL);
	return error;
}

static int watch_master(int fd)
{
	static const int signals[] = { SIGTERM };
	struct rota_stop_options options;
	int error;

	rota_stop_options_init(&options);
	options.signals = signals;
	options.signal_count = 1;
	options.on_stopped = on_stopped;
	error = rota_stop_server(&stop, &server, &options);
	if (error == 0)
		error = rota_pipe_open(&master, loop, fd);
	if (error == 0)
		error = rota_stream_read_start(&master.stream, on_master);
	if (error == 0)
		error = rota_stream_send(&master.stream, "", 1);
	return error;
}

int worker_run(int listener, int control)
{
	sigset_t all;
	int error = rota_loop_new(&loop, NULL); /* (3) */

	if (error == 0)
		error = start_serving(listener);
	if (error == 0)
		error = watch_master(control);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	if (error >= 0)
		error = rota_loop_run(loop, ROTA_RUN_DEFAULT);
	if (error < 0)
		fprintf(stderr, "prefork: worker: %s\n",
			rota_error_text(error));
	return rota_loop_shutdown(loop, UINT64_MAX) < 0 || error < 0;
}
