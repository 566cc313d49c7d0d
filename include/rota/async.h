/*
 * rota/async.h - wake the loop from any thread or signal handler.
 *
 * A send is a flag, not a message: any number of sends before the callback
 * begins make one call. For one call each, see rota_task_post().
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
 * Called after one or more sends. A send made once the callback has begun
 * makes another call.
 *
 * Phase:   poll, after the events of the kernel. The callback may stop or
 *          free any node, @async included.
 */
typedef void rota_async_fn(struct rota_async *async);

/**
 * A wake-up from elsewhere. While started it keeps the loop alive.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started and
 *          while any thread or handler may send.
 */
struct rota_async {
	void *data; /* yours */
	struct {
		struct rota_entry entry;
		rota_async_fn *fn;
		struct rota_link started;
	} internal; /* the library's: neither read nor write it */
};

/**
 * Make @async ready for use on @loop. It starts stopped and referenced.
 *
 * Thread:  any, before the async is shared.
 */
void rota_async_init(struct rota_async *async, struct rota_loop *loop);

/**
 * Call @fn whenever rota_async_send() has been called. Starting a started one
 * replaces @fn.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn is NULL
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_async_start(struct rota_async *async, rota_async_fn *fn);

/**
 * Have the callback called once, soon. What the caller wrote before this call
 * is seen by the callback.
 *
 * Thread:  any, and signal handlers. Other threads hold a reference to the
 *          loop (rota_loop_ref()). errno is left as it was.
 * Errors:  ROTA_EINVAL     it is not started
 *          ROTA_ESHUTDOWN  the loop is shutting down or closed
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_async_send(struct rota_async *async);

/**
 * Stop @async: what was sent and not yet called is dropped. Its memory may go
 * at once if no thread or handler is sending any more. If one might, see to
 * its end after the stop, and then stop once more: that drops what came in
 * between.
 *
 * Thread:  the loop's.
 */
void rota_async_stop(struct rota_async *async);

/**
 * Tell whether @async is started: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_async_is_active(const struct rota_async *async);

/**
 * Let @async, while started, keep the loop alive. That is how it starts.
 *
 * Thread:  the loop's.
 */
void rota_async_ref(struct rota_async *async);

/**
 * Let @async call back only while something else keeps the loop alive.
 *
 * Thread:  the loop's.
 */
void rota_async_unref(struct rota_async *async);

/**
 * Tell whether @async would keep the loop alive: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_async_has_ref(const struct rota_async *async);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
