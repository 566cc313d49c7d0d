/*
 * lines.c - a line server: it numbers each line that it gets, and sends it
 * back.
 *
 *     cc lines.c $(pkg-config --cflags --libs rota) -o lines
 *     ./lines 7000 60 &            # port, and idle seconds
 *     socat - TCP:127.0.0.1:7000
 *
 * This is what a server needs besides its protocol; docs/servers.md explains
 * it:
 *
 *  1. A line may come in any number of parts, and many lines at once. The
 *     framer takes them apart. A line of more than LINE_SIZE bytes ends its
 *     client.
 *  2. A client that does not read its answers is not read either: the framer
 *     pauses until the answers have drained. So a client costs at most the high
 *     watermark of its stream and one buffer.
 *  3. A client that sends no line for the idle time is ended.
 *  4. There are at most MOST_CLIENTS. More of them wait in the kernel's queue.
 *  5. SIGINT and SIGTERM stop the server gracefully: clients have
 *     GRACE_SECONDS to read the answers that are queued for them. A client
 *     whose framer is paused is busy, and gets the answers to the lines that
 *     the framer has left as well. A second signal resets all.
 */
#include <inttypes.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LINE_SIZE = 1000,
	ANSWER_SIZE = LINE_SIZE + 16, /* with the number before it */
	MOST_CLIENTS = 1000,
	GRACE_SECONDS = 10,
};

struct client {
	struct rota_connection connection;
	struct rota_tcp tcp;
	struct rota_framer framer;
	unsigned count; /* of its lines */
};

static struct rota_loop *loop;
static struct rota_server server;
static struct rota_stop stop;
static struct rota_frame_options lines, answers;

static void on_close(struct rota_handle *handle)
{
	struct client *c = rota_container_of(handle, struct client, tcp.handle);

	rota_frame_stop(&c->framer);
	rota_connection_stop(&c->connection);
	free(c);
}

static void on_line(struct rota_framer *framer, int status,
		    const struct rota_record *line)
{
	struct client *c = rota_container_of(framer, struct client, framer);
	char answer[ANSWER_SIZE];
	int size;

	if (status < 0) { /* the end, or a line that is too long */
		rota_connection_end(&c->connection);
		return;
	}
	rota_connection_touch(&c->connection); /* (3) */
	size = snprintf(answer, sizeof(answer), "%u: ", ++c->count);
	memcpy(answer + size, line->data, line->size);
	status = rota_frame_send(&c->tcp.stream, &answers, answer,
				 (size_t)size + line->size);
	if (status < 0)
		rota_connection_reset(&c->connection);
	if (status > 0) {
		rota_frame_pause(framer); /* (2) */
		rota_connection_set_busy(&c->connection, 1);
	}
}

static void on_drain(struct rota_stream *stream, int status)
{
	struct client *c = rota_container_of(stream, struct client, tcp.stream);

	if (status == 0)
		status = rota_frame_resume(&c->framer);
	if (status < 0)
		rota_connection_reset(&c->connection);
	else
		rota_connection_set_busy(&c->connection, 0);
}

static void on_connection(struct rota_stream *listener, int status, int fd)
{
	struct client *c = status < 0 ? NULL : calloc(1, sizeof(*c));

	(void)listener;
	if (c == NULL || rota_tcp_open(&c->tcp, loop, fd) < 0) {
		free(c);
		if (fd >= 0)
			close(fd);
		return;
	}
	if (rota_connection_start(&c->connection, &server, &c->tcp.stream,
				  on_close) < 0 ||
	    rota_frame_start(&c->framer, &c->tcp.stream, &lines, on_line) < 0) {
		rota_handle_close(&c->tcp.handle, on_close);
		return;
	}
	rota_stream_on_drain(&c->tcp.stream, on_drain);
}

static void on_stopped(struct rota_server *stopped)
{
	struct rota_server_stats stats = { .size = sizeof(stats) };

	rota_server_get_stats(stopped, &stats);
	printf("lines: %" PRIu64 " clients, %" PRIu64 " timed out, %" PRIu64
	       " reset\n",
	       stats.accepted, stats.timed_out, stats.reset);
}

/* (5) */
static int stop_on_signals(void)
{
	struct rota_stop_options options;

	rota_stop_options_init(&options);
	options.grace_ns = ROTA_SEC(GRACE_SECONDS);
	options.on_stopped = on_stopped;
	return rota_stop_server(&stop, &server, &options);
}

static int start(unsigned port, uint64_t idle_ns)
{
	static struct rota_tcp tcp;
	static struct rota_listener listener;
	struct rota_server_options options;
	struct rota_address address;
	char text[ROTA_ADDRESS_TEXT_SIZE];

	rota_server_options_init(&options);
	options.limit = MOST_CLIENTS;
	options.idle_ns = idle_ns;
	rota_frame_options_init(&lines, ROTA_FRAME_LINE);
	lines.limit = LINE_SIZE;
	rota_frame_options_init(&answers, ROTA_FRAME_LINE);
	answers.limit = ANSWER_SIZE;
	answers.flags = ROTA_FRAME_CRLF;
	if (rota_server_init(&server, loop, &options) < 0 ||
	    rota_tcp_init(&tcp, loop) < 0 ||
	    rota_address_ip(&address, "127.0.0.1", port) < 0 ||
	    rota_tcp_bind(&tcp, &address, 0) < 0 ||
	    rota_stream_listen(&tcp.stream, 128, on_connection) < 0 ||
	    rota_listener_start(&listener, &server, &tcp.stream, NULL) < 0 ||
	    rota_tcp_own_address(&tcp, &address) < 0 ||
	    rota_address_text(&address, text, sizeof(text)) < 0 ||
	    stop_on_signals() < 0)
		return 0;
	printf("lines: %s\n", text);
	fflush(stdout);
	return 1;
}

int main(int argc, char **argv)
{
	unsigned port = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	double idle = argc > 2 ? atof(argv[2]) : 60;

	if (rota_loop_new(&loop, NULL) < 0 || idle < 0 ||
	    !start(port, (uint64_t)(idle * 1e9)) ||
	    rota_loop_run(loop, ROTA_RUN_DEFAULT) < 0)
		return 1;
	return rota_loop_close(loop) < 0;
}
