/*
 * rota/tty.h - terminals: their mode, and the size of their window. Reading,
 * writing and closing are in rota/stream.h and rota/handle.h.
 *
 *     rota_tty_restore_on_exit();
 *     rota_tty_open(&tty, loop, STDIN_FILENO);
 *     rota_tty_set_mode(&tty, ROTA_TTY_CBREAK);
 *     rota_stream_read_start(&tty.stream, on_key);
 *
 * For standard streams that may be a terminal or anything else, see
 * rota/stdio.h.
 */
#ifndef ROTA_TTY_H
#define ROTA_TTY_H

#include "rota/signal.h"
#include "rota/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_tty;

/** The mode of a terminal: see termios(3). */
enum rota_tty_mode {
	/** As it was before the program has changed it: usually whole lines,
	 * which the user can edit, and which are echoed. */
	ROTA_TTY_COOKED,

	/** Each key is input at once, and is not echoed. Keys such as ^C still
	 * send signals. */
	ROTA_TTY_CBREAK,

	/** All bytes pass unchanged, in both directions: ^C and ^Z are input,
	 * and a line ends with "\r\n". */
	ROTA_TTY_RAW,
};

/**
 * Called when the size of the window may have changed, with the size that it
 * has now.
 *
 * Phase:   poll. Several changes before it are one call.
 * Thread:  the loop's.
 */
typedef void rota_tty_resize_fn(struct rota_tty *tty, unsigned columns,
				unsigned rows);

/**
 * Called when the process was stopped and continues. The mode is set again, and
 * what was on the screen may be gone. If the process continues in the
 * background, the mode is not set before it is in the foreground, and then this
 * is called again: at the latest 250 ms after that. In the background
 * rota_tty_set_mode() returns ROTA_EIO.
 *
 * Phase:   poll, or timers if no signal has said that the process is in the
 *          foreground
 * Thread:  the loop's.
 */
typedef void rota_tty_continue_fn(struct rota_tty *tty);

/**
 * A terminal. Its bases are &tty.stream and &tty.handle.
 *
 * Owner:   as struct rota_handle
 */
struct rota_tty {
	union {
		struct rota_handle handle;
		struct rota_stream stream;
	};
	struct {
		rota_tty_resize_fn *resize;
		rota_tty_continue_fn *on_continue;
		int entry; /* in the table of changed terminals, or -1 */
		enum rota_tty_mode mode;
		unsigned watchers;            /* the open ones of these */
		struct rota_signal watch[3];  /* resize, stop, continue */
		struct rota_timer foreground; /* waits for it */
	} internal; /* private to the library: do not read or write */
};

/**
 * Open the terminal @fd as a stream of @loop. Returns 0.
 *
 * O_NONBLOCK is a flag of the open file, which other processes share, such as
 * the shell. So it is not changed, and no other flag is. The terminal is opened
 * anew, never as the controlling terminal. Where that is not possible (the
 * master of a pseudo-terminal, a terminal of another user, no /proc), @fd is
 * duplicated, and read and written in such a way that it does not wait:
 * docs/terminals.md. A master that nobody else uses is quicker with O_NONBLOCK,
 * which the program can set.
 *
 * The input ends with ROTA_EOF when the user presses ^D at the begin of a line
 * in the mode ROTA_TTY_COOKED, when the terminal is hung up, and, for a master,
 * when the last slave has closed. A process in the background that reads its
 * terminal is stopped by SIGTTIN, as every program; if that is ignored, the
 * input ends with ROTA_EIO.
 *
 * rota_stream_shutdown() and rota_stream_end() wait until the terminal has
 * accepted all output. They do not end anything for other processes, and
 * rota_stream_end() does not wait for the end of the input.
 *
 * Thread:  the loop's.
 * Owner:   @fd remains the caller's: the handle has a descriptor of its own,
 *          and closes that.
 * Errors:  ROTA_ENOTTY     @fd is not a terminal
 *          ROTA_EBADF      @fd is not open
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them @tty is not open and need not be closed.
 */
int rota_tty_open(struct rota_tty *tty, struct rota_loop *loop, int fd);

/**
 * Set the mode of the terminal, at once, also for output that has not left yet.
 * The first change from ROTA_TTY_COOKED saves what the terminal was like. That
 * is restored by ROTA_TTY_COOKED, when the last handle of the terminal that has
 * changed it closes, and by rota_tty_reset(). Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @mode is none of these, or @tty is closing
 *          ROTA_EIO     the process is in the background, or the terminal is
 *                       hung up
 *          ROTA_ENOMEM  this process has changed 64 terminals
 *          ROTA_EMFILE, ROTA_ENFILE
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_tty_open()
 *          After any of them nothing has changed.
 */
int rota_tty_set_mode(struct rota_tty *tty, enum rota_tty_mode mode);

/**
 * Return the mode that was last set by rota_tty_set_mode() for @tty.
 *
 * Thread:  the loop's.
 */
enum rota_tty_mode rota_tty_mode(const struct rota_tty *tty);

/**
 * Store the size of the window, in characters. Returns 0. Both are 0 if the
 * size is not known.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @columns or @rows is NULL, or @tty is closing
 *          ROTA_EIO     the terminal is hung up
 *          After any of them nothing is stored.
 */
int rota_tty_get_size(const struct rota_tty *tty, unsigned *columns,
		      unsigned *rows);

/**
 * Set the size of the window, in characters, each at most 65535. The processes
 * in the foreground of the terminal get SIGWINCH, if this changes it. That is
 * what a program does with a master that it has, when the window that shows the
 * terminal has changed: see ROTA_SPAWN_STDIO_TERMINAL in rota/spawn.h. Returns
 * 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  a size is too large, or @tty is closing
 *          ROTA_EIO     the terminal is hung up
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_tty_open()
 *          After any of them nothing has changed.
 */
int rota_tty_set_size(struct rota_tty *tty, unsigned columns, unsigned rows);

/**
 * Call @fn when the size of the window changes; NULL: no more. This watches
 * SIGWINCH as rota_signal_start() does, and so does not keep the loop alive.
 * The system sends this signal to the foreground of the controlling terminal
 * only. So nothing is reported for other terminals, or of changes while the
 * process is in the background: see rota_tty_on_continue(). Returns 0.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @tty is closing
 *          ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_tty_open()
 *          After any of them nothing has changed.
 */
int rota_tty_on_resize(struct rota_tty *tty, rota_tty_resize_fn *fn);

/**
 * Take care of the stops of the process (^Z), and then call @fn; NULL: no more.
 * When SIGTSTP arrives, all terminals that the process has changed are
 * restored, and it stops. When it continues, after whatever stop, their modes
 * are set again. This watches SIGTSTP and SIGCONT as rota_signal_start() does,
 * and does not keep the loop alive. One terminal of a process can have this; a
 * forked child is a process of its own. Returns 0.
 *
 * While modes wait for the foreground, a timer looks every 250 ms, which does
 * not keep the loop alive: a process that runs in the background gets no signal
 * when it comes to the foreground.
 *
 * Phase:   @fn runs in the phase of rota_tty_continue_fn.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @tty is closing
 *          ROTA_EALREADY  another terminal of this process has it
 *          ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_tty_open()
 *          After any of them nothing has changed.
 */
int rota_tty_on_continue(struct rota_tty *tty, rota_tty_continue_fn *fn);

/**
 * Restore all terminals whose mode this process has changed, as far as it is in
 * their foreground. The modes of the handles are not changed: set them again,
 * if the process goes on. A program calls this before it ends in an unusual
 * way. Returns 0, or the first error.
 *
 * Thread:  any, and signal handlers.
 * Errors:  ROTA_EIO  the process is in the background, or the terminal is hung
 *                    up
 */
int rota_tty_reset(void);

/**
 * Call rota_tty_reset() when the process exits: see atexit(3). A second call
 * does nothing. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_ENOMEM
 */
int rota_tty_restore_on_exit(void);

/**
 * Call rota_tty_reset() when the signal @number arrives, whose default action
 * has to be the end of the process, and then end it by that action. This
 * installs a handler, if no other disposition than the default is there. It
 * serves for signals that the program does not watch: SIGTERM, SIGHUP, SIGQUIT,
 * SIGABRT, and also SIGSEGV. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  the default action of @number is not the end of the
 *                       process, or SIGKILL, or no signal has this number
 *          ROTA_EBUSY   the signal is ignored or has a handler
 *          After any of them nothing has changed.
 */
int rota_tty_restore_on_signal(int number);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
