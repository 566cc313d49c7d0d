/*
 * rota/stdio.h - the standard input and outputs as streams, whatever they are:
 * a terminal, a pipe, a socket, a file or /dev/null.
 *
 *     rota_stdio_open(&input, loop, STDIN_FILENO);
 *     rota_stdio_open(&output, loop, STDOUT_FILENO);
 *     rota_stream_read_start(&input.stream, on_input);
 *
 * Other processes share the standard streams: the shell, and the other commands
 * of a pipeline. So the library changes none of their flags, and never waits in
 * the loop's thread: docs/terminals.md describes how.
 */
#ifndef ROTA_STDIO_H
#define ROTA_STDIO_H

#include "rota/tty.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rotai_stdio_file;

/** What a descriptor is. */
enum rota_stdio_kind {
	ROTA_STDIO_TERMINAL = 1,
	ROTA_STDIO_PIPE,   /* a FIFO as well */
	ROTA_STDIO_SOCKET, /* a stream socket, of TCP or Unix */
	ROTA_STDIO_FILE,   /* a regular file, a directory or a disk */
	ROTA_STDIO_NULL,   /* /dev/null */
	ROTA_STDIO_DEVICE, /* another device */
	ROTA_STDIO_OTHER,  /* no stream: a datagram socket, an eventfd */
};

/**
 * A standard stream. Its bases are &stdio.stream and &stdio.handle.
 *
 * Owner:   as struct rota_handle
 */
struct rota_stdio {
	union {
		struct rota_handle handle;
		struct rota_stream stream;
		struct rota_tty tty; /* if rota_stdio_tty() returns it */
	};
	struct {
		struct rotai_stdio_file *file;
		int kind;
	} internal; /* private to the library: do not read or write */
};

/**
 * Return what the descriptor @fd is: a value of enum rota_stdio_kind.
 *
 * Thread:  any.
 * Errors:  ROTA_EBADF  @fd is not open
 */
int rota_stdio_kind(int fd);

/**
 * Open @fd, which is usually 0, 1 or 2, as a stream of @loop. Returns 0.
 *
 * A terminal is opened as by rota_tty_open(). A pipe is opened anew or, where
 * that is not possible, used so that no call waits. A socket is used with flags
 * of each call. A file or a device is read and written by threads of the pool,
 * from the current position on, which other processes share, and in order.
 * /dev/null is at its end, and accepts everything.
 *
 * A descriptor that can only be read accepts no output (ROTA_EPIPE); one that
 * can only be written is at its end.
 *
 * rota_stream_shutdown() and rota_stream_end() complete when all output is
 * written. They end nothing for other processes, which have copies of @fd: the
 * reader of a pipe sees the end when the last copy is closed, and this
 * includes @fd itself. rota_stream_end() does not wait for the end of the
 * input, and leaves input to others.
 *
 * Output to a file is accepted when a thread has it. If the file then refuses
 * it, because the disk is full, on_drain is called with the error, and the end
 * of the stream has that status: see rota_end. When the handle closes, what
 * was accepted is still written, and the loop is alive until then; also
 * rota_loop_shutdown() waits for that. Up to 64 KiB of a file may have been
 * read and not passed on when the handle closes.
 *
 * Phase:   callbacks of files, devices and /dev/null run in the pending phase.
 * Thread:  the loop's.
 * Owner:   @fd remains the caller's: the handle has a descriptor of its own,
 *          and closes that.
 * Errors:  ROTA_EBADF      @fd is not open
 *          ROTA_ENOTSUP    it is a ROTA_STDIO_OTHER
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them @stdio is not open and need not be closed.
 */
int rota_stdio_open(struct rota_stdio *stdio, struct rota_loop *loop, int fd);

/**
 * Return &stdio->tty if @stdio is a terminal, to set its mode; else NULL.
 *
 * Thread:  the loop's.
 * Owner:   the terminal is @stdio itself.
 */
struct rota_tty *rota_stdio_tty(struct rota_stdio *stdio);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
