/*
 * rota/watch.h - call back when a descriptor that somebody else owns is ready.
 *
 * A watch reads, writes and closes nothing: it tells that the descriptor could
 * be read or written now. It is level triggered: what is not consumed is told
 * again by the next wait, in the next turn or, where very many are ready, in
 * this one.
 */
#ifndef ROTA_WATCH_H
#define ROTA_WATCH_H

#include "rota/object.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_watch;

/** What a watch can ask for and be told. The first three have the values of
 * POLLIN, POLLPRI and POLLOUT, wherever we have seen poll(2). */
enum {
	ROTA_READABLE = 1 << 0,   /* read, recv or accept would not block */
	ROTA_PRIORITY = 1 << 1,   /* out-of-band data (where the system can) */
	ROTA_WRITABLE = 1 << 2,   /* write or send would not block */
	ROTA_DISCONNECT = 1 << 3, /* the peer has closed its writing half */
};

/**
 * Called when the descriptor is ready. @events holds what was asked for and is
 * there. An error or a hang-up shows as everything that was asked for, so that
 * the read or write which follows finds out by itself.
 *
 * Phase:   poll. The callback may stop, restart or free any watch, @watch
 *          included, and close any descriptor once its watches are stopped.
 */
typedef void rota_watch_fn(struct rota_watch *watch, unsigned events);

/**
 * Interest in one descriptor. Several watches may share one; the kernel is
 * asked for the union.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started,
 *          and who owns the descriptor. Stop the watch before closing that.
 */
struct rota_watch {
	void *data; /* yours */
	struct {
		struct rota_loop *loop;
		struct rota_watch *next; /* on the same descriptor */
		struct rota_watch *prev;
		rota_watch_fn *fn;
		int fd;
		uint8_t events; /* that it is told */
		uint8_t asked;  /* that it has asked for */
		uint8_t flags;
		uint32_t started_in;
	} internal; /* the library's: neither read nor write it */
};

/**
 * Make @watch ready for use on @loop for the descriptor @fd. It starts stopped
 * and referenced. Whether @fd can be watched is told by the start.
 *
 * Thread:  the loop's.
 */
void rota_watch_init(struct rota_watch *watch, struct rota_loop *loop, int fd);

/**
 * Call @fn whenever the descriptor is ready for one of @events. Starting a
 * started watch replaces both. With @events 0 the watch is paused: it keeps
 * its place and is told nothing.
 *
 * A start watches the file that the descriptor refers to now, even if the
 * program has closed or replaced that under a started watch. The start of a
 * stopped watch asks the kernel at once, and reserves all that later changes
 * need. Starting a started one costs one system call before the next wait,
 * however often it is done by then. It can fail only for its arguments, in a
 * shutdown, and in a forked child: an error of the new file is reported once,
 * as everything that was asked for.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn is NULL, or @events has bits of no meaning
 *          ROTA_EBADF      the descriptor is not open
 *          ROTA_EPERM      it cannot be watched: a regular file, a directory,
 *                          and with epoll a device that is always ready, such
 *                          as /dev/null
 *          ROTA_ENOTSUP    ROTA_PRIORITY or ROTA_DISCONNECT, where the poller
 *                          has no such event
 *          ROTA_ENOMEM     out of memory; ROTA_ENOSPC: out of kernel watches
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them the watch is as it was before the call. If others
 *          of the descriptor are started, the error is theirs as well: they
 *          are told once, as of a restart.
 */
int rota_watch_start(struct rota_watch *watch, rota_watch_fn *fn,
		     unsigned events);

/**
 * Stop @watch at once, also for an event that is already on its way; its
 * memory may go. With the last watch of a descriptor, that has left the kernel
 * on return and may be closed. Stopping a stopped one does nothing.
 *
 * Thread:  the loop's.
 */
void rota_watch_stop(struct rota_watch *watch);

/**
 * Have @to be what @from is, started or not, in its place among the watches of
 * its descriptor. For watches in an array that grows: allocate the new one,
 * move each watch, and free the old. May be called in any callback, also that
 * of @from. @from is then as all zero, and @to->data as @from->data was. Moving
 * one onto itself does nothing.
 *
 * Thread:  the loop's.
 * Owner:   the memory of @to, which holds no started watch, is used from now
 *          on; that of @from may go.
 */
void rota_watch_move(struct rota_watch *to, struct rota_watch *from);

/**
 * Tell which descriptor @watch is for.
 *
 * Thread:  any.
 */
int rota_watch_fd(const struct rota_watch *watch);

/**
 * Tell whether @watch is started: 1 or 0. A paused one is.
 *
 * Thread:  the loop's.
 */
int rota_watch_is_active(const struct rota_watch *watch);

/**
 * Let @watch, while started, keep the loop alive. That is how it starts.
 *
 * Thread:  the loop's.
 */
void rota_watch_ref(struct rota_watch *watch);

/**
 * Let @watch call back only while something else keeps the loop alive.
 *
 * Thread:  the loop's.
 */
void rota_watch_unref(struct rota_watch *watch);

/**
 * Tell whether @watch would keep the loop alive: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_watch_has_ref(const struct rota_watch *watch);

/**
 * Wait until the descriptor @fd is ready for one of @events, at least one bit,
 * or until @timeout_ns nanoseconds are over: 0 only looks, -1 is no limit.
 * Returns the events that are there, all of @events for an error or a hang-up,
 * or 0 when the time is over, never early. The wait blocks the thread and needs
 * no loop; a signal does not end it.
 *
 * Thread:  any.
 * Owner:   the caller keeps @fd open during the call.
 * Errors:  ROTA_EINVAL   @events is 0 or has bits of no meaning, or @timeout_ns
 *                        is less than -1
 *          ROTA_EBADF    the descriptor is not open
 *          ROTA_EPERM    a regular file or a directory, which is always ready
 *          ROTA_ENOTSUP  ROTA_DISCONNECT, where poll(2) has no such event
 *          ROTA_ENOMEM   of the kernel
 */
int rota_wait_fd(int fd, unsigned events, int64_t timeout_ns);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
