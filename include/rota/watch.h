/*
 * rota/watch.h - a callback when a descriptor of the program's is ready.
 *
 * A watch does not read, write or close the descriptor. It reports that the
 * descriptor can be read or written now. It is level-triggered: as long as the
 * descriptor is ready, every turn reports it again.
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

/** The events of a watch. On all known systems the first three have the values
 * of POLLIN, POLLPRI and POLLOUT: see poll(2). */
enum {
	ROTA_READABLE = 1 << 0,   /* read, recv or accept would not block */
	ROTA_PRIORITY = 1 << 1,   /* out-of-band data, where supported */
	ROTA_WRITABLE = 1 << 2,   /* write or send would not block */
	ROTA_DISCONNECT = 1 << 3, /* the peer has shut down its writing side */
};

/**
 * Called when the descriptor is ready. @events has those of the requested
 * events that are there. An error or a hang-up is reported as all requested
 * events, so that the read or write which follows gets the error.
 *
 * Phase:   poll. The callback may stop, restart or free any watch, @watch
 *          included, and close any descriptor whose watches are stopped.
 * Thread:  the loop's.
 */
typedef void rota_watch_fn(struct rota_watch *watch, unsigned events);

/**
 * Interest in the events of one descriptor. Several watches may be for the same
 * descriptor. A started watch keeps the loop alive.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started. The
 *          caller also owns the descriptor, and stops the watch before closing
 *          it.
 */
struct rota_watch {
	void *data; /* for the caller */
	struct {
		struct rota_loop *loop;
		struct rota_watch *next; /* of the same descriptor */
		struct rota_watch *prev;
		rota_watch_fn *fn;
		int fd;
		uint8_t events; /* to report to it */
		uint8_t asked;  /* requested by its owner */
		uint8_t flags;
		uint32_t started_in;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @watch for the descriptor @fd on @loop. It is stopped and
 * referenced. Its data member is left unchanged. Whether @fd can be watched is
 * checked when @watch is started.
 *
 * Thread:  the loop's.
 */
void rota_watch_init(struct rota_watch *watch, struct rota_loop *loop, int fd);

/**
 * Call @fn whenever the descriptor is ready for one of @events. If @watch is
 * already started, this replaces both. With @events 0 the watch is paused: it
 * is not called, and keeps its place among the watches of the descriptor.
 * Returns 0.
 *
 * A start is for the file that the descriptor refers to now, even if the
 * program has closed or replaced the descriptor while the watch was started.
 * Starting a stopped watch registers it with the kernel at once, and reserves
 * all memory that later changes need. Starting a started watch costs one system
 * call before the next wait, however often it is started until then. It fails
 * only for its arguments, in a shutdown, and in a forked child. If the new file
 * cannot be watched, the watch is called once with all requested events.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn is NULL, or @events has undefined bits
 *          ROTA_EBADF      the descriptor is not open
 *          ROTA_EPERM      the descriptor cannot be watched: it is a regular
 *                          file, a directory or, with epoll, a device that is
 *                          always ready, such as /dev/null
 *          ROTA_ENOTSUP    ROTA_PRIORITY or ROTA_DISCONNECT, where the poller
 *                          has no such event
 *          ROTA_ENOMEM     there is not enough memory
 *          ROTA_ENOSPC     the kernel's limit of watches is reached
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them the watch is unchanged. If other watches of the
 *          descriptor are started and the file cannot be watched, each of them
 *          is called once with all events that it has requested.
 */
int rota_watch_start(struct rota_watch *watch, rota_watch_fn *fn,
		     unsigned events);

/**
 * Stop @watch. It is not called any more, even for an event that was already
 * found, and its memory may be freed at once. When the last watch of a
 * descriptor is stopped, the kernel does not report the descriptor any more
 * when this returns, and it may be closed. If @watch is stopped already, do
 * nothing.
 *
 * Thread:  the loop's.
 */
void rota_watch_stop(struct rota_watch *watch);

/**
 * Move the watch @from to @to, for example to the new memory of an array that
 * grows: allocate the new array, move each watch, and free the old array. @from
 * may be started or stopped, and its callback may be running. @to gets
 * everything, the data member and the place among the watches of the descriptor
 * included. Afterwards @from is all zero. If the two are the same, do nothing.
 *
 * Thread:  the loop's.
 * Owner:   @to is overwritten, so it must not be started. From now on the
 *          library uses its memory, and that of @from may be freed.
 */
void rota_watch_move(struct rota_watch *to, struct rota_watch *from);

/**
 * Return the descriptor that @watch was initialized for.
 *
 * Thread:  any.
 */
int rota_watch_fd(const struct rota_watch *watch);

/**
 * Return 1 if @watch is started, 0 if not. A paused watch is started.
 *
 * Thread:  the loop's.
 */
int rota_watch_is_active(const struct rota_watch *watch);

/**
 * Let @watch keep the loop alive while it is started. This is the default.
 *
 * Thread:  the loop's.
 */
void rota_watch_ref(struct rota_watch *watch);

/**
 * Do not let @watch keep the loop alive. Its callback then runs only while
 * something else does.
 *
 * Thread:  the loop's.
 */
void rota_watch_unref(struct rota_watch *watch);

/**
 * Return 1 if @watch keeps the loop alive while it is started, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_watch_has_ref(const struct rota_watch *watch);

/**
 * Wait until the descriptor @fd is ready for one of @events, at least one, or
 * until @timeout_ns nanoseconds have passed. With 0 this only looks; -1 means
 * no limit. Returns the events that are there, or all of @events after an error
 * or a hang-up, or 0 if the time has passed, and never before. The call blocks
 * its thread, and needs no loop. A signal does not end it.
 *
 * Thread:  any.
 * Owner:   the caller keeps @fd open during the call.
 * Errors:  ROTA_EINVAL   @events is 0 or has undefined bits, or @timeout_ns is
 *                        less than -1
 *          ROTA_EBADF    @fd is not open
 *          ROTA_EPERM    @fd is a regular file or a directory, which is always
 *                        ready
 *          ROTA_ENOTSUP  ROTA_DISCONNECT, where poll(2) has no such event
 *          ROTA_ENOMEM   the kernel has not enough memory
 */
int rota_wait_fd(int fd, unsigned events, int64_t timeout_ns);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
