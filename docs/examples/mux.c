/*
 * mux.c - run a command on a pseudo-terminal of its own, inside this terminal:
 * what is at the core of a terminal multiplexer, or of script(1).
 *
 *     cc mux.c $(pkg-config --cflags --libs rota) -o mux
 *     ./mux                  a shell; ^] ends it
 *     ./mux vi file
 *
 *  1. The outer terminal is raw: each key goes to the inner terminal, which
 *     knows what ^C and a line are. However the program ends or stops, the
 *     outer terminal is as before.
 *  2. What arrives faster than it leaves is not read, in both directions.
 *  3. A new size of the outer window is set for the inner one, and the command
 *     gets SIGWINCH.
 *  4. The program ends when the command has ended and its output is at the end.
 *     A process that the command leaves may keep the terminal open: it is given
 *     100 ms, and then hung up.
 *  5. The exit status is that of the command, or 128 and the number of the
 *     signal that has ended it; 126 or 127 if it cannot be started.
 */
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ESCAPE = 0x1d /* ^] */, LINGER_MS = 100 };

struct mux {
	struct rota_tty outer;    /* the keys, and the size */
	struct rota_stdio screen; /* what the user sees */
	struct rota_tty inner;    /* the master */
	struct rota_process process;
	struct rota_timer linger;
	struct rota_end screen_end;
	int has_exited;
	int inner_ended;
	int is_over;
	int exit_status;
};

static struct mux mux;

static void complain(const char *what, int error)
{
	fprintf(stderr, "mux: %s: %s\r\n", what, rota_error_text(error));
}

static void must(const char *what, int error)
{
	if (error >= 0)
		return;
	complain(what, error);
	exit(1); /* restores the terminal (1) */
}

/* Close everything. The screen still gets what is queued for it. */
static void finish(void)
{
	if (mux.is_over)
		return;
	mux.is_over = 1;
	rota_timer_stop(&mux.linger);
	rota_handle_close(&mux.outer.handle, NULL);
	rota_handle_close(&mux.inner.handle, NULL); /* hangs up */
	rota_stream_end_with(&mux.screen_end, &mux.screen.stream, NULL);
	if (mux.has_exited)
		rota_handle_close(&mux.process.handle, NULL);
}

/* (4) */
static void finish_if_over(void)
{
	if (mux.has_exited && mux.inner_ended)
		finish();
}

static void on_linger(struct rota_timer *timer)
{
	(void)timer;
	finish();
}

static void on_command_exit(struct rota_process *process,
			    const struct rota_exit *exit)
{
	mux.has_exited = 1;
	mux.exit_status = exit->error < 0 ? 1 : rota_exit_status(exit);
	if (mux.is_over) {
		rota_handle_close(&process->handle, NULL);
		return;
	}
	rota_timer_start(&mux.linger, on_linger, ROTA_MSEC(LINGER_MS));
	finish_if_over();
}

/* The command may not read any more: that is no error. */
static void on_key(struct rota_stream *stream, int status,
		   const struct rota_buf *buf)
{
	const char *escape;

	if (status < 0) {
		finish(); /* the outer terminal is gone */
		return;
	}
	escape = memchr(buf->data, ESCAPE, buf->size);
	if (escape != NULL)
		finish();
	else if (rota_stream_send(&mux.inner.stream, buf->data, buf->size) > 0)
		rota_stream_read_stop(stream); /* (2) */
}

static void on_inner_drain(struct rota_stream *stream, int status)
{
	(void)stream;
	if (status == 0 && !mux.is_over)
		rota_stream_read_start(&mux.outer.stream, on_key);
}

static void on_output(struct rota_stream *stream, int status,
		      const struct rota_buf *buf)
{
	if (status < 0) {
		mux.inner_ended = 1;
		finish_if_over();
		return;
	}
	status = rota_stream_send(&mux.screen.stream, buf->data, buf->size);
	if (status < 0)
		finish();
	else if (status > 0)
		rota_stream_read_stop(stream); /* (2) */
}

static void on_screen_drain(struct rota_stream *stream, int status)
{
	(void)stream;
	if (status < 0)
		finish();
	else if (!mux.inner_ended && !mux.is_over)
		rota_stream_read_start(&mux.inner.stream, on_output);
}

/* (3) */
static void on_resize(struct rota_tty *tty, unsigned columns, unsigned rows)
{
	(void)tty;
	if (!mux.is_over)
		rota_tty_set_size(&mux.inner, columns, rows);
}

/* After a stop the window may have another size. */
static void on_continue(struct rota_tty *tty)
{
	unsigned columns, rows;

	if (rota_tty_get_size(tty, &columns, &rows) == 0)
		on_resize(tty, columns, rows);
}

static void open_outer(struct rota_loop *loop)
{
	int error = rota_tty_open(&mux.outer, loop, STDIN_FILENO);

	if (error == ROTA_ENOTTY) {
		fputs("mux: the standard input is no terminal\n", stderr);
		exit(1);
	}
	must("terminal", error);
	must("output", rota_stdio_open(&mux.screen, loop, STDOUT_FILENO));
	must("terminal", rota_tty_restore_on_exit());
	/* If it is ignored, as by nohup(1), it stays so. */
	(void)rota_tty_restore_on_signal(SIGTERM);
	(void)rota_tty_restore_on_signal(SIGHUP);
	must("terminal", rota_tty_on_continue(&mux.outer, on_continue));
	must("terminal", rota_tty_on_resize(&mux.outer, on_resize));
}

static void start_command(struct rota_loop *loop, char **argv)
{
	struct rota_spawn_stdio stdio[3];
	struct rota_spawn_options options = {
		.size = sizeof(options),
		.file = argv[0],
		.argv = argv,
		.stdio = stdio,
		.stdio_count = 3,
	};
	unsigned columns = 0, rows = 0;
	int error;

	(void)rota_tty_get_size(&mux.outer, &columns, &rows);
	for (int i = 0; i < 3; i++)
		stdio[i] = (struct rota_spawn_stdio){
			.kind = ROTA_SPAWN_STDIO_TERMINAL,
			.tty = &mux.inner,
			.columns = (uint16_t)columns,
			.rows = (uint16_t)rows,
		};
	must("process", rota_process_init(&mux.process, loop));
	error = rota_process_spawn(&mux.process, &options, on_command_exit);
	if (error < 0) {
		complain(argv[0], error);
		exit(error == ROTA_ENOENT ? 127 : 126); /* (5) */
	}
}

static void begin(void)
{
	must("terminal", rota_tty_set_mode(&mux.outer, ROTA_TTY_RAW));
	rota_stream_on_drain(&mux.inner.stream, on_inner_drain);
	rota_stream_on_drain(&mux.screen.stream, on_screen_drain);
	must("terminal", rota_stream_read_start(&mux.outer.stream, on_key));
	must("terminal", rota_stream_read_start(&mux.inner.stream, on_output));
}

int main(int argc, char **argv)
{
	char *shell[] = { getenv("SHELL"), NULL };
	struct rota_loop *loop;

	if (argc > 1 && argv[1][0] == '-') {
		fputs("usage: mux [COMMAND [ARGUMENT...]]\n"
		      "Runs COMMAND, or a shell, on a terminal of its own. "
		      "^] ends it.\n",
		      stderr);
		return 2;
	}
	if (shell[0] == NULL)
		shell[0] = (char[]){ "/bin/sh" };
	must("loop", rota_loop_new(&loop, NULL));
	rota_timer_init(&mux.linger, loop);
	open_outer(loop);
	start_command(loop, argc > 1 ? argv + 1 : shell);
	begin();
	must("loop", rota_loop_run(loop, ROTA_RUN_DEFAULT));
	must("loop", rota_loop_close(loop));
	return mux.exit_status;
}
