/*
 * rota/async.h - wake the loop from any thread or signal handler.
 *
 * A send sets a flag. It does not queue a message: any number of sends before
 * the callback begins result in one call. If each needs a call of its own, use
 * rota_task_post().
 */
#ifndef ROTA_ASYNC_H
#define ROTA_ASYNC_H

#include "rota/object.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_async;

/**
 * Called after one or more sends. A send that is made after the callback has
 * begun results in another call.
 *
 * Phase:   poll, after the events of the kernel. The callback may stop or
 *          free any node (see rota/object.h), @async included.
 * Thread:  the loop's.
 */
typedef void rota_async_fn(struct rota_async *async);

/**
 * A wake-up that other threads and signal handlers can send. A started async
 * keeps the loop alive.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started and
 *          while any thread or signal handler may send.
 */
struct rota_async {
	void *data; /* for the caller */
	struct {
		struct rota_entry entry;
		rota_async_fn *fn;
		struct rota_link started;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @async for use on @loop. It is stopped and referenced. Its data
 * member is left unchanged.
 *
 * Thread:  any, before the async is shared.
 */
void rota_async_init(struct rota_async *async, struct rota_loop *loop);

/**
 * Call @fn after each rota_async_send() from now on. If @async is already
 * started, @fn replaces the previous function. Returns 0.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn is NULL
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_async_start(struct rota_async *async, rota_async_fn *fn);

/**
 * Have the loop call the callback once, soon. If an earlier send still waits
 * for its call, that call serves both. The callback sees everything that
 * the caller wrote to memory before the send. Returns 0.
 *
 * Thread:  any, and signal handlers. Other threads must hold a reference to the
 *          loop (rota_loop_ref()). errno is left unchanged.
 * Errors:  ROTA_EINVAL     @async is not started
 *          ROTA_ESHUTDOWN  the loop is shutting down or closed
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_async_send(struct rota_async *async);

/**
 * Stop @async, and drop a send whose call has not begun. If no thread or
 * signal handler can be in the middle of a send, the memory of @async may be
 * freed at once. Otherwise make sure first that nobody sends any more, and then
 * call rota_async_stop() again: the second call drops a send that was made in
 * between.
 *
 * Thread:  the loop's.
 */
void rota_async_stop(struct rota_async *async);

/**
 * Return 1 if @async is started, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_async_is_active(const struct rota_async *async);

/**
 * Let @async keep the loop alive while it is started. This is the default.
 *
 * Thread:  the loop's.
 */
void rota_async_ref(struct rota_async *async);

/**
 * Do not let @async keep the loop alive. Its callback then runs only while
 * something else does.
 *
 * Thread:  the loop's.
 */
void rota_async_unref(struct rota_async *async);

/**
 * Return 1 if @async keeps the loop alive while it is started, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_async_has_ref(const struct rota_async *async);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
