/*
 * nc.c - connect the standard streams to a TCP port.
 *
 *     cc nc.c $(pkg-config --cflags --libs rota) -o nc
 *     ./nc 127.0.0.1 7000            lines from the terminal, ^D ends them
 *     ./nc 127.0.0.1 7000 <a >b      files, pipes, sockets: the same code
 *     ./nc -r 127.0.0.1 7000         raw: each key at once, ^] quits
 *
 *  1. What arrives faster than it leaves is not read: a send that returns 1
 *     pauses the other side until on_drain.
 *  2. The end of the input is passed on as a half-close. The program ends when
 *     both directions have ended. With a terminal, the peer's end is enough.
 *  3. However the program ends or stops, the terminal is as before.
 */
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ESCAPE = 0x1d /* ^] */ };

struct nc {
	struct rota_stdio input, output;
	struct rota_tcp tcp;
	struct rota_connect connect;
	const char *host;
	int is_raw;
	int sent_all; /* the input has ended */
	int got_all;  /* the peer has ended */
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

/* Close everything, behind what is queued. The loop ends by itself. */
static void finish(void)
{
	if (nc.is_over)
		return;
	nc.is_over = 1;
	rota_handle_close(&nc.input.handle, NULL);
	rota_stream_end(&nc.output.stream, NULL);
	if (nc.got_all)
		rota_stream_end(&nc.tcp.stream, NULL);
	else
		rota_handle_close(&nc.tcp.handle, NULL);
}

static void fail(const char *what, int error)
{
	if (nc.is_over)
		return;
	complain(what, error);
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
			rota_stream_shutdown(NULL, &nc.tcp.stream,
					     NULL); /* (2) */
		return;
	}
	if (nc.is_raw)
		escape = memchr(buf->data, ESCAPE, size);
	if (escape != NULL)
		size = (size_t)(escape - buf->data);
	status = rota_stream_send(&nc.tcp.stream, buf->data, size);
	if (status < 0)
		fail(nc.host, status);
	else if (escape != NULL)
		finish();
	else if (status > 0)
		rota_stream_read_stop(stream); /* (1) */
}

static void on_sent(struct rota_stream *stream, int status)
{
	(void)stream;
	if (status < 0)
		fail(nc.host, status);
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
		fail(nc.host, status);
	} else {
		status = rota_stream_send(&nc.output.stream, buf->data,
					  buf->size);
		if (status < 0)
			fail("output", status);
		else if (status > 0)
			rota_stream_read_stop(stream); /* (1) */
	}
}

static void on_printed(struct rota_stream *stream, int status)
{
	(void)stream;
	if (status < 0)
		fail("output", status);
	else if (!nc.got_all)
		rota_stream_read_start(&nc.tcp.stream, on_reply);
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

static void on_connect(struct rota_connect *connect, int status)
{
	(void)connect;
	if (status < 0) {
		fail(nc.host, status);
		return;
	}
	if (nc.is_raw)
		make_raw();
	rota_stream_read_start(&nc.input.stream, on_input);
	rota_stream_read_start(&nc.tcp.stream, on_reply);
}

static void usage(void)
{
	fputs("usage: nc [-r] ADDRESS PORT\n", stderr);
	exit(2);
}

static void open_all(struct rota_loop *loop, const char *port)
{
	struct rota_address address;

	must(nc.host, rota_address_ip(&address, nc.host,
				      (unsigned)strtoul(port, NULL, 10)));
	must("input", rota_stdio_open(&nc.input, loop, STDIN_FILENO));
	must("output", rota_stdio_open(&nc.output, loop, STDOUT_FILENO));
	must("socket", rota_tcp_init(&nc.tcp, loop));
	must("socket",
	     rota_tcp_connect(&nc.connect, &nc.tcp, &address, on_connect));
	rota_stream_on_drain(&nc.tcp.stream, on_sent);
	rota_stream_on_drain(&nc.output.stream, on_printed);
}

int main(int argc, char **argv)
{
	struct rota_loop *loop;
	int option;

	while ((option = getopt(argc, argv, "r")) != -1) {
		if (option != 'r')
			usage();
		nc.is_raw = 1;
	}
	if (argc - optind != 2)
		usage();
	nc.host = argv[optind];
	must("loop", rota_loop_new(&loop, NULL));
	open_all(loop, argv[optind + 1]);
	must("loop", rota_loop_run(loop, ROTA_RUN_DEFAULT));
	must("loop", rota_loop_close(loop));
	return exit_status;
}
