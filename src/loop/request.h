/*
 * loop/request.h - what the rooms above build their requests on.
 *
 * A request goes through three states:
 *
 *     begin      in flight: the kernel, a pool or a peer is at it
 *     finish     ended, its status known, its callback still to come
 *     call       called back, and the caller's again
 *
 * rotai_request_finish() is for ends that come inside the user's own calls, or
 * anywhere in between: the callback comes in the next pending phase, or, if
 * the handle is closing, in the closing phase. rotai_request_complete() is for
 * the poll and pending phases themselves: the callback comes at once.
 */
#ifndef ROTAI_LOOP_REQUEST_H
#define ROTAI_LOOP_REQUEST_H

#include "loop/loop.h"
#include "rota/request.h"

struct rotai_request_class {
	const char *type; /* "write", "work", ... */

	/* Call the user's callback with @request->internal.status. */
	void (*call)(struct rota_request *request);

	/* End @request early: finish it with @status, now or when a thread has
	 * left it, and return 0. Or return why that cannot be: ROTA_EBUSY, it
	 * goes on; ROTA_EALREADY, it has ended, and its callback is on its way.
	 * With ROTA_ETIMEDOUT, either is to end with that status when it
	 * can. */
	int (*cancel)(struct rota_request *request, int status);

	/* In a forked child there is no thread that would end @request: finish
	 * it. NULL: no thread is at it ever. */
	void (*forked)(struct rota_request *request);
};

/* @request is in flight from now on. @handle may be NULL. */
void rotai_request_begin(struct rota_request *request, struct rota_loop *loop,
			 struct rota_handle *handle,
			 const struct rotai_request_class *class_);

/* @request has ended with @status. */
void rotai_request_finish(struct rota_request *request, int status);

/* @request has ended with @status: call back now, or, if its handle is closing,
 * in the closing phase. In the poll and pending phases only. */
void rotai_request_complete(struct rota_request *request, int status);

/* @request has ended, and has no callback: it is the caller's from now on. */
void rotai_request_drop(struct rota_request *request, int status);

/* Call back a request that has ended and was taken out of its list. */
void rotai_request_call(struct rota_request *request);

/* The request of a link in the loop's lists. */
struct rota_request *rotai_request_of(struct rota_link *link);

/* The pending phase, with something to do. */
void rotai_pending_call(struct rota_loop *loop);

/* Put off ticks, and requests that have ended: the pending phase. */
static inline void rotai_pending_run(struct rota_loop *loop)
{
	if (loop->extensions_pending || loop->drain_deferred ||
	    !rotai_list_is_empty(&loop->ended))
		rotai_pending_call(loop);
}

/* End every request in flight that threads of the parent would have ended. */
void rotai_requests_forked(struct rota_loop *loop);

/* Cancel every request in flight that has no handle. */
void rotai_requests_cancel(struct rota_loop *loop);

#endif
