/*
 * rota/stop.h - SIGINT and SIGTERM begin a graceful stop, and a second one ends
 * at once. For a program with one server this is one line:
 *
 *     rota_stop_server(&stop, &server, NULL);
 */
#ifndef ROTA_STOP_H
#define ROTA_STOP_H

#include "rota/loops.h"
#include "rota/server.h"
#include "rota/signal.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_stop;

/** The most signals that one struct rota_stop watches. */
enum { ROTA_STOP_SIGNALS = 4 };

/**
 * Called for the signal @number. @times is 1 for the first signal, 2 for the
 * second, and so on, whatever their numbers are. Signals of one number that
 * were delivered before the loop could call count as one: a terminal and a
 * parent process may both pass on one Ctrl-C.
 *
 * Phase:   poll, as rota_signal_fn. The callback may close and free @stop.
 * Thread:  the loop's.
 */
typedef void rota_stop_fn(struct rota_stop *stop, int number, unsigned times);

/** The options of a stop. Call rota_stop_options_init(), then change
 * members. */
struct rota_stop_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** The signals, at most ROTA_STOP_SIGNALS, each once. */
	const int *signals;
	size_t signal_count;

	/** How long the stop of a server may take: rota_server_stop(). */
	uint64_t grace_ns;

	/** Called for each signal when its effect on the server or the loops
	 * has begun, or NULL: to tell a service manager
	 * (rota_notifier_stopping()), and to end what else the program does.
	 * rota_stop_start() ignores it. */
	rota_stop_fn *on_signal;

	/** Called when the server has stopped, or NULL. The watchers of the
	 * signals are closed by then. */
	rota_server_fn *on_stopped;
};

/**
 * Watchers of the signals that stop a program. They are unreferenced: they do
 * not keep the loop alive.
 *
 * Owner:   the caller, who keeps it alive and in place until it is closed: by
 *          rota_stop_close(), by the end of the server, or by the shutdown of
 *          the loop.
 */
struct rota_stop {
	void *data; /* for the caller */
	struct {
		struct rota_signal signals[ROTA_STOP_SIGNALS];
		uint32_t count; /* of open ones */
		uint32_t times;
		int number;                 /* of the last signal */
		struct rota_server *server; /* NULL: it is another kind */
		struct rota_loops *loops;
		rota_stop_fn *fn;
		rota_stop_fn *on_signal; /* or NULL */
		uint64_t grace_ns;
		rota_server_fn *on_stopped;
	} internal; /* private to the library: do not read or write */
};

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_stop_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_stop_options_init_size(struct rota_stop_options *options,
				 size_t size);

/**
 * Set *@options to the defaults: SIGINT and SIGTERM, a grace of 10 seconds, and
 * no callbacks.
 *
 * Thread:  any.
 */
static inline void rota_stop_options_init(struct rota_stop_options *options)
{
	rota_stop_options_init_size(options, sizeof(*options));
}

/**
 * Call @fn for each of the signals, from now on. @options may be NULL: the
 * defaults. Returns 0.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @fn is NULL; there is no signal, there are more than
 *                         ROTA_STOP_SIGNALS, one is there twice or cannot be
 *                         watched; or @options have an invalid size
 *          ROTA_ENOMEM, ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_signal_init()
 *          After any of them nothing is watched, and @stop is closed.
 */
int rota_stop_start(struct rota_stop *stop, struct rota_loop *loop,
		    rota_stop_fn *fn, const struct rota_stop_options *options);

/**
 * Stop @server at the first signal: rota_server_stop(). At the second one,
 * reset what is left: rota_server_reset(). The watchers are closed then, or
 * when the server has stopped: so a further signal has the effect that it had
 * before, which usually is the end of the process. Returns 0.
 *
 * If the program itself has stopped the server before, the first signal does
 * nothing. Then the program calls rota_stop_close() when the server has
 * stopped.
 *
 * Phase:   on_stopped of the options runs in the check phase.
 * Thread:  the loop's: that of @server.
 * Owner:   @server stays alive until it has stopped, or @stop is closed.
 * Errors:  as rota_stop_start(), except for @fn
 */
int rota_stop_server(struct rota_stop *stop, struct rota_server *server,
		     const struct rota_stop_options *options);

/**
 * Stop @loops at the first signal: rota_loops_stop(). At the second one, close
 * what is left: rota_loops_stop_now(); and then the watchers. @loop is one of
 * the set, or another one. When @loop has ended, further signals have the
 * effect that they had before. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   @loops must not be joined before @stop is closed. That is so if
 *          @loop is one of the set.
 * Errors:  as rota_stop_start(), except for @fn
 */
int rota_stop_loops(struct rota_stop *stop, struct rota_loop *loop,
		    struct rota_loops *loops,
		    const struct rota_stop_options *options);

/**
 * Close the watchers. Each signal that no other watcher has gets its previous
 * disposition. If @stop is closed, or all its bytes are 0, do nothing.
 *
 * Thread:  the loop's.
 * Owner:   the memory of @stop is the caller's again, at once.
 */
void rota_stop_close(struct rota_stop *stop);

/**
 * Return the number of the last signal, or 0 if there was none. A program that
 * wants to end as the signal would have ended it restores the default action
 * and raises that number. Its parent then sees the signal; a shell shows 128
 * plus the number.
 *
 * Thread:  the loop's.
 */
int rota_stop_number(const struct rota_stop *stop);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
