/*
 * rota/request.h - what all requests have in common: cancel, and a deadline.
 *
 * A request is one operation in flight. Its callback runs exactly once, and
 * never inside the call that started it. Every kind of request begins with a
 * struct rota_request, and the functions here take a pointer to that. A request
 * that is all zero was never started. It may be queried and cancelled all the
 * same.
 *
 * Do not start a request that is in flight: its memory is in a queue. The
 * library does not check that, the debug library does (docs/threads.md). In its
 * callback a request may be started again, or freed.
 */
#ifndef ROTA_REQUEST_H
#define ROTA_REQUEST_H

#include "rota/object.h"
#include "rota/timer.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_handle;
struct rota_deadline;
struct rotai_request_class;

/**
 * The base of every request.
 *
 * Owner:   the caller, who keeps it alive and in place until its callback
 *          begins. The callback may free it.
 */
struct rota_request {
	void *data; /* for the caller */
	struct {
		struct rota_loop *loop;
		const struct rotai_request_class *class_;
		struct rota_link link;
		struct rota_handle *handle;     /* or NULL */
		struct rota_deadline *deadline; /* or NULL */
		int status;
		uint8_t state;
		uint8_t priority; /* in a pool, if it uses one */
	} internal; /* private to the library: do not read or write */
};

/**
 * A time at which a request is cancelled if it has not completed. It needs no
 * initialization.
 *
 * Owner:   the caller, who keeps it alive and in place until the request's
 *          callback begins, or until the deadline is cleared or replaced.
 */
struct rota_deadline {
	void *data; /* for the caller */
	struct {
		struct rota_timer timer;
		struct rota_request *request;
	} internal; /* private to the library: do not read or write */
};

/**
 * Cancel @request: its callback runs later, with ROTA_ECANCELED. Returns 0.
 *
 * Phase:   the callback runs in the pending phase. If a pool thread has to stop
 *          waiting first, it runs in the poll phase: see struct rota_fs.
 * Thread:  the loop's.
 * Errors:  ROTA_EALREADY  @request has completed: its callback still runs with
 *                         its own status, or has run. This includes requests
 *                         that a pool thread has finished, although the
 *                         loop does not know it yet, and requests that were
 *                         never started
 *          ROTA_EBUSY     a pool thread is working on it, or a part of a write
 *                         is written: it goes on
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 */
int rota_request_cancel(struct rota_request *request);

/**
 * Return 1 if @request is in flight, or has completed and its callback has not
 * run yet; 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_request_is_active(const struct rota_request *request);

/**
 * Complete @request with ROTA_ETIMEDOUT if it has not completed at @due_ns, on
 * the scale of rota_loop_now(). A request has at most one deadline: this
 * replaces a previous one. If a pool thread is working on the request, it
 * completes when the thread is done. A write completes even if a part of it is
 * written already. Returns 0.
 *
 * Phase:   the request's callback runs in the pending phase; if a pool thread
 *          was working on it, in the poll phase.
 * Thread:  the loop's.
 * Owner:   the caller keeps @deadline alive and in place until the request's
 *          callback begins, or until the deadline is cleared or replaced.
 * Errors:  ROTA_EINVAL     @request is not in flight. It may have completed
 *                          already, with its callback still to come
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them a previous deadline stays.
 */
int rota_request_set_deadline(struct rota_request *request,
			      struct rota_deadline *deadline, uint64_t due_ns);

/**
 * Clear the deadline of @request. If it has none, do nothing.
 *
 * Thread:  the loop's.
 */
void rota_request_clear_deadline(struct rota_request *request);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
