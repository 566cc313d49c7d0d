/*
 * nc.c - connect the standard streams to a TCP port or a Unix socket.
 *
 *     cc nc.c $(pkg-config --cflags --libs rota) -o nc
 *     ./nc localhost 7000            lines from the terminal, ^D ends them
 *     ./nc localhost 7000 <a >b      files, pipes, sockets: the same code
 *     ./nc -r 127.0.0.1 7000         raw: each key at once, ^] quits
 *     ./nc -U /tmp/socket            a Unix socket
 *     ./nc -l 127.0.0.1 7000         wait for a peer; port 0: any that is free
 *     ./nc -lU /tmp/socket
 *
 *  1. What arrives faster than it leaves is not read: a send that returns 1
 *     pauses the other side until on_drain.
 *  2. The end of the input is passed on as a half-close. The program ends when
 *     both directions have ended. With a terminal, the peer's end is enough.
 *  3. However the program ends or stops, the terminal is as before.
 *  4. An output may fail later than the send, as a file does when the disk is
 *     full. Then on_drain or the end of the stream has the error.
 *  5. The host is a name or an address. All its addresses are tried, for 30
 *     seconds together.
 */
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ESCAPE = 0x1d /* ^] */, CONNECT_SECONDS = 30 };

/* Which of the two it is, is_local says. */
union socket {
	struct rota_handle handle;
	struct rota_stream stream;
	struct rota_tcp tcp;
	struct rota_pipe pipe;
};

struct nc {
	struct rota_stdio input, output;
	union socket peer, listener;
	struct rota_host_connect connect;
	struct rota_deadline deadline;
	struct rota_end output_end;
	const char *name; /* of the peer, or of the listener */
	int is_local;     /* a Unix socket */
	int is_raw;
	int sent_all; /* the input has ended */
	int got_all;  /* the peer has ended */
	int output_failed;
	int is_over;
};

static int exit_status;
static struct nc nc;

static void complain(const char *what, int error)
{
	fprintf(stderr, "nc: %s: %s\n", what, rota_error_text(error));
	exit_status = EXIT_FAILURE;
}

static void must(const char *what, int error)
{
	if (error >= 0)
		return;
	complain(what, error);
	exit(exit_status); /* restores the terminal (3) */
}

/* (4) */
static void note_output(int status)
{
	if (status < 0 && !nc.output_failed) {
		nc.output_failed = 1;
		complain("output", status);
	}
}

static void on_output_end(struct rota_handle *handle)
{
	(void)handle;
	note_output(nc.output_end.status);
}

/* Close everything. What is queued is still written, except to a peer that has
 * not ended: nobody waits for that one. The loop ends by itself. */
static void finish(void)
{
	if (nc.is_over)
		return;
	nc.is_over = 1;
	rota_handle_close(&nc.input.handle, NULL);
	rota_stream_end_with(&nc.output_end, &nc.output.stream, on_output_end);
	if (nc.got_all)
		rota_stream_end(&nc.peer.stream, NULL);
	else
		rota_handle_close(&nc.peer.handle, NULL);
}

static void fail_peer(int error)
{
	complain(nc.name, error);
	finish();
}

static void fail_output(int error)
{
	note_output(error);
	finish();
}

static void on_input(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	const char *escape = NULL;
	size_t size = buf->size;

	if (status < 0) {
		if (status != ROTA_EOF)
			complain("input", status);
		nc.sent_all = 1;
		if (nc.got_all)
			finish();
		else
			rota_stream_shutdown(NULL, &nc.peer.stream,
					     NULL); /* (2) */
		return;
	}
	if (nc.is_raw)
		escape = memchr(buf->data, ESCAPE, size);
	if (escape != NULL)
		size = (size_t)(escape - buf->data);
	status = rota_stream_send(&nc.peer.stream, buf->data, size);
	if (status < 0)
		fail_peer(status);
	else if (escape != NULL)
		finish();
	else if (status > 0)
		rota_stream_read_stop(stream); /* (1) */
}

static void on_sent(struct rota_stream *stream, int status)
{
	(void)stream;
	if (status < 0)
		fail_peer(status);
	else if (!nc.sent_all)
		rota_stream_read_start(&nc.input.stream, on_input);
}

static void on_reply(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	if (status == ROTA_EOF) {
		nc.got_all = 1;
		if (nc.sent_all || rota_stdio_tty(&nc.input) != NULL)
			finish(); /* (2) */
	} else if (status < 0) {
		fail_peer(status);
	} else {
		status = rota_stream_send(&nc.output.stream, buf->data,
					  buf->size);
		if (status < 0)
			fail_output(status);
		else if (status > 0)
			rota_stream_read_stop(stream); /* (1) */
	}
}

static void on_printed(struct rota_stream *stream, int status)
{
	(void)stream;
	if (status < 0)
		fail_output(status);
	else if (!nc.got_all)
		rota_stream_read_start(&nc.peer.stream, on_reply);
}

/* The terminal has its mode again. A full-screen program draws itself anew. */
static void on_continue(struct rota_tty *tty)
{
	static const char text[] = "[nc continues]\r\n";

	rota_stream_send(&tty->stream, text, sizeof(text) - 1);
}

static void make_raw(void)
{
	struct rota_tty *tty = rota_stdio_tty(&nc.input);

	if (tty == NULL)
		return;
	must("terminal", rota_tty_restore_on_exit());
	/* If it is ignored, as by nohup(1), it stays so. */
	(void)rota_tty_restore_on_signal(SIGTERM);
	(void)rota_tty_restore_on_signal(SIGHUP);
	must("terminal", rota_tty_on_continue(tty, on_continue));
	must("terminal", rota_tty_set_mode(tty, ROTA_TTY_RAW));
}

static void begin(void)
{
	rota_stream_on_drain(&nc.peer.stream, on_sent);
	rota_stream_on_drain(&nc.output.stream, on_printed);
	if (nc.is_raw)
		make_raw();
	rota_stream_read_start(&nc.input.stream, on_input);
	rota_stream_read_start(&nc.peer.stream, on_reply);
}

static void on_connect(struct rota_connect *connect, int status)
{
	(void)connect;
	if (status < 0)
		fail_peer(status);
	else
		begin();
}

/* One peer is enough. The file of a Unix socket is removed. */
static void on_connection(struct rota_stream *stream, int status, int fd)
{
	struct rota_loop *loop = rota_handle_loop(&stream->handle);

	must(nc.name, status);
	rota_handle_close(&stream->handle, NULL);
	if (nc.is_local)
		must("socket", rota_pipe_open(&nc.peer.pipe, loop, fd));
	else
		must("socket", rota_tcp_open(&nc.peer.tcp, loop, fd));
	begin();
}

static void open_address(struct rota_address *address, const char *port)
{
	must(nc.name, rota_address_ip(address, nc.name,
				      (unsigned)strtoul(port, NULL, 10)));
}

static void connect_tcp(struct rota_loop *loop, const char *port)
{
	must("socket", rota_tcp_init(&nc.peer.tcp, loop));
	must(nc.name, rota_tcp_connect_host(&nc.connect, &nc.peer.tcp, nc.name,
					    (unsigned)strtoul(port, NULL, 10),
					    NULL, on_connect));
	must("deadline", rota_request_set_deadline(
				 &nc.connect.request, &nc.deadline,
				 rota_loop_now(loop) +
					 ROTA_SEC(CONNECT_SECONDS))); /* (5) */
}

static void bind_tcp(struct rota_loop *loop, const char *port)
{
	struct rota_address address;

	open_address(&address, port);
	must("socket", rota_tcp_init(&nc.listener.tcp, loop));
	must(nc.name, rota_tcp_bind(&nc.listener.tcp, &address, 0));
}

static void connect_local(struct rota_loop *loop)
{
	must("socket", rota_pipe_init(&nc.peer.pipe, loop));
	must(nc.name, rota_pipe_connect(&nc.connect.connect, &nc.peer.pipe,
					nc.name, strlen(nc.name), on_connect));
}

static void bind_local(struct rota_loop *loop)
{
	struct rota_pipe_bind_options options = {
		.size = sizeof(options),
		.flags = ROTA_PIPE_REPLACE_STALE,
	};

	must("socket", rota_pipe_init(&nc.listener.pipe, loop));
	must(nc.name, rota_pipe_bind(&nc.listener.pipe, nc.name,
				     strlen(nc.name), &options));
}

static void usage(void)
{
	fputs("usage: nc [-lr] HOST PORT\n"
	      "       nc [-lr] -U PATH\n",
	      stderr);
	exit(2);
}

/* Others wait for this line. The port may be one that the system has chosen. */
static void print_name(void)
{
	char text[ROTA_ADDRESS_TEXT_SIZE];
	struct rota_address address;

	if (!nc.is_local) {
		must("socket",
		     rota_tcp_own_address(&nc.listener.tcp, &address));
		must("socket", rota_address_text(&address, text, sizeof(text)));
	}
	fprintf(stderr, "nc: listening on %s\n", nc.is_local ? nc.name : text);
}

/* @port is NULL for a Unix socket. */
static void open_all(struct rota_loop *loop, const char *port, int listens)
{
	must("input", rota_stdio_open(&nc.input, loop, STDIN_FILENO));
	must("output", rota_stdio_open(&nc.output, loop, STDOUT_FILENO));
	if (!listens) {
		if (nc.is_local)
			connect_local(loop);
		else
			connect_tcp(loop, port);
		return;
	}
	if (nc.is_local)
		bind_local(loop);
	else
		bind_tcp(loop, port);
	must(nc.name,
	     rota_stream_listen(&nc.listener.stream, 1, on_connection));
	print_name();
}

int main(int argc, char **argv)
{
	struct rota_loop *loop;
	int listens = 0;
	int option;

	while ((option = getopt(argc, argv, "lrU")) != -1) {
		if (option == 'l')
			listens = 1;
		else if (option == 'r')
			nc.is_raw = 1;
		else if (option == 'U')
			nc.is_local = 1;
		else
			usage();
	}
	if (argc - optind != (nc.is_local ? 1 : 2))
		usage();
	nc.name = argv[optind];
	must("loop", rota_loop_new(&loop, NULL));
	open_all(loop, argv[optind + 1], listens);
	must("loop", rota_loop_run(loop, ROTA_RUN_DEFAULT));
	must("loop", rota_loop_close(loop));
	return exit_status;
}
