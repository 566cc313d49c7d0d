/*
 * rota/signal.h - signals of the system, as callbacks of a loop.
 *
 * While at least one watcher of a signal is started, in any loop of the
 * process, the library has a handler installed for that signal. The handler
 * counts the delivery for every watcher of the signal and wakes their loops.
 */
#ifndef ROTA_SIGNAL_H
#define ROTA_SIGNAL_H

#include "rota/async.h"
#include "rota/handle.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_signal;

/**
 * Called after the signal was delivered. @count is the number of deliveries
 * since the start of @signal or its last call, at least 1.
 *
 * Every delivery by the kernel is counted. But the kernel merges a standard
 * signal with an equal one that is still pending, and then delivers only one.
 * Real-time signals are not merged: see signal(7).
 *
 * Phase:   poll, after the events of the kernel. Watchers of one loop are
 *          called in the order in which they were started. The callback may
 *          stop, close or free any object, @signal included.
 * Thread:  the loop's.
 */
typedef void rota_signal_fn(struct rota_signal *signal, uint32_t count);

/** A delivery, as sigaction(2) describes it. What the system does not report is
 * 0. A later version may add members at the end. */
struct rota_signal_info {
	size_t size; /* of this struct, set by the caller */

	int64_t value; /* of sigqueue(3): its sival_int */
	int code;      /* si_code */
	int status;    /* of SIGCHLD: si_status */
	int pid;       /* of the sender, or of the child */
	unsigned user; /* the sender's real user id */
};

/** For the library: a receiver of one signal. */
struct rotai_signal_target {
	struct rotai_signal_target *next;
	struct rota_async *async;
	uint32_t count;
	uint32_t since;
};

/**
 * A watcher of one signal. Several watchers, in one loop or in several, may
 * watch the same signal, and each is called. A started watcher is active, so it
 * keeps its loop alive unless it is unreferenced.
 *
 * Owner:   as struct rota_handle
 */
struct rota_signal {
	union {
		struct rota_handle handle;
	};
	struct {
		struct rotai_signal_target target;
		struct rota_link started;
		rota_signal_fn *fn;
		int number; /* of the last start; 0: there was none */
		int once;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @signal as an open handle of @loop. It watches nothing yet.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who ends it by rota_handle_close().
 * Errors:  ROTA_ENOMEM     also if pthread_atfork(3) has no memory
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them @signal is not open and need not be closed.
 */
int rota_signal_init(struct rota_signal *signal, struct rota_loop *loop);

/**
 * Call @fn for each delivery of the signal @number from now on: see
 * rota_signal_fn for how deliveries are counted. If @signal is started for the
 * same number, @fn replaces the previous function and nothing that was counted
 * is lost. If it is started for another number, it is stopped first. Returns 0.
 *
 * The first watcher of a number in the process installs a handler with
 * sigaction(2), with SA_RESTART and SA_ONSTACK; the previous disposition is not
 * called. The stop of the last one restores the previous disposition, unless
 * the program has set another one in the meantime. Other signals are not
 * touched. A signal that all threads block is not delivered.
 *
 * SIGKILL and SIGSTOP cannot be watched. SIGSEGV, SIGBUS, SIGFPE and SIGILL
 * cannot either, because the thread that raised one of them would raise it
 * again.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @fn is NULL; @number is no signal, or one that cannot
 *                         be watched; or @signal is closing or was never
 *                         initialized
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_signal_init()
 *          After any of them @signal is unchanged.
 */
int rota_signal_start(struct rota_signal *signal, rota_signal_fn *fn,
		      int number);

/**
 * As rota_signal_start(), for one call of @fn: @signal is stopped just before
 * it.
 *
 * Phase, Thread, Owner, Errors: as rota_signal_start()
 */
int rota_signal_start_once(struct rota_signal *signal, rota_signal_fn *fn,
			   int number);

/**
 * Stop @signal. Deliveries that were counted and not reported are dropped.
 * Stopping a stopped watcher does nothing. If a thread is in the handler of
 * that signal, this waits until it has left the handler.
 *
 * Thread:  the loop's.
 */
void rota_signal_stop(struct rota_signal *signal);

/**
 * Return the number that @signal is started for, or 0.
 *
 * Thread:  the loop's.
 */
int rota_signal_number(const struct rota_signal *signal);

/**
 * Describe in *@info the latest delivery of the signal that @signal is started
 * for, or, within its callback, was started for. Set @info->size before the
 * call. If several threads of the process handle the signal at the same moment,
 * it is one of these deliveries. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL   @info is NULL, or its size is too small
 *          ROTA_ENODATA  @signal has never been started, or the signal has not
 *                        been delivered since then; after a fork, since
 *                        rota_loop_fork()
 */
int rota_signal_get_info(const struct rota_signal *signal,
			 struct rota_signal_info *info);

/**
 * Return the name of a signal for messages, such as "SIGTERM"; or "unknown",
 * also for real-time signals, which have numbers only.
 *
 * Thread:  any, and signal handlers.
 * Owner:   the string is static.
 */
const char *rota_signal_name(int number);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
