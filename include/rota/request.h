/*
 * rota/request.h - what all requests share: cancel, and a deadline.
 *
 * A request is one operation in flight. Its callback comes exactly once, never
 * from inside the call that started it. Every kind of request begins with a
 * struct rota_request, and the functions here take a pointer to that. One that
 * is all zero was never begun, and may be asked and cancelled all the same.
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
 *          begins.
 */
struct rota_request {
	void *data; /* yours */
	struct {
		struct rota_loop *loop;
		const struct rotai_request_class *class_;
		struct rota_link link;
		struct rota_handle *handle;     /* or NULL */
		struct rota_deadline *deadline; /* or NULL */
		int status;
		uint8_t state;
	} internal; /* the library's: neither read nor write it */
};

/**
 * A time by which a request is to have ended.
 *
 * Owner:   the caller, who keeps it alive and in place until the request's
 *          callback begins, or the deadline is cleared.
 */
struct rota_deadline {
	void *data; /* yours */
	struct {
		struct rota_timer timer;
		struct rota_request *request;
	} internal; /* the library's: neither read nor write it */
};

/**
 * Cancel @request: its callback comes with ROTA_ECANCELED.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EALREADY  it has ended, and its callback is on its way with
 *                         its own status, or has been called; a pool thread has
 *                         finished it, and the loop does not know yet; or it
 *                         is all zero, and was never begun
 *          ROTA_EBUSY     a pool thread is at it, or a part is written: it
 *                         goes on
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 */
int rota_request_cancel(struct rota_request *request);

/**
 * Tell whether @request is in flight, or has ended and its callback is still
 * to come: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_request_is_active(const struct rota_request *request);

/**
 * End @request with ROTA_ETIMEDOUT if it has not ended by @due_ns, in the time
 * of rota_loop_now(). A request has one deadline at the most: a new one takes
 * the place of the old. What a pool thread is using ends when the thread lets
 * go of it.
 *
 * Phase:   the request's callback runs in the pending phase.
 * Thread:  the loop's.
 * Owner:   the caller keeps @deadline alive and in place until the request's
 *          callback begins or the deadline is cleared. It needs no init.
 * Errors:  ROTA_EINVAL     the request is not in flight
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_request_set_deadline(struct rota_request *request,
			      struct rota_deadline *deadline, uint64_t due_ns);

/**
 * Take the deadline of @request back. If there is none this does nothing.
 *
 * Thread:  the loop's.
 */
void rota_request_clear_deadline(struct rota_request *request);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
