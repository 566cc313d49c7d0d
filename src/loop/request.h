/*
 * loop/request.h - what the modules above build their requests on.
 *
 * A request goes through three states:
 *
 *     begin      in flight: the kernel, a pool or a peer works on it
 *     finish     ended: its status is known, its callback is still to come
 *     call       at rest: it is the caller's again, and its callback runs
 *
 * Call rotai_request_finish() where a request ends inside a call of the user,
 * or at any other time: the callback runs in the next pending phase, or, if the
 * handle is closing, in the closing phase. Call rotai_request_complete() only
 * in the poll and pending phases: the callback runs at once.
 */
#ifndef ROTAI_LOOP_REQUEST_H
#define ROTAI_LOOP_REQUEST_H

#include "loop/loop.h"
#include "rota/request.h"

struct rotai_request_class {
	const char *type; /* "write", "work", ... */

	/* Call the user's callback with @request->internal.status. */
	void (*call)(struct rota_request *request);

	/* End @request early: finish it with @status, now or when a thread is
	 * done with it, and return 0. Or return why that is not possible:
	 * ROTA_EBUSY, it goes on; ROTA_EALREADY, it has ended, and its callback
	 * will run. If @status is ROTA_ETIMEDOUT, the request should end with
	 * that status in both of these cases, if it still can. */
	int (*cancel)(struct rota_request *request, int status);

	/* In a forked child: finish @request, because the thread that would end
	 * it does not exist there. It may finish others as well. Or do nothing,
	 * if no thread is working on it. NULL: threads never work on such a
	 * request. */
	void (*forked)(struct rota_request *request);
};

/* Put @request in flight. @handle may be NULL. */
void rotai_request_begin(struct rota_request *request, struct rota_loop *loop,
			 struct rota_handle *handle,
			 const struct rotai_request_class *class_);

/* End @request with @status, and have its callback called later. */
void rotai_request_finish(struct rota_request *request, int status);

/* End @request with @status, and call its callback now, or, if its handle is
 * closing, in the closing phase. In the poll and pending phases only. */
void rotai_request_complete(struct rota_request *request, int status);

/* End @request without calling a callback. It is the caller's from now on. */
void rotai_request_drop(struct rota_request *request, int status);

/* Call the callback of a request that has ended and was taken out of its
 * list. */
void rotai_request_call(struct rota_request *request);

/* Return the request of @link, which is in one of the loop's lists. */
struct rota_request *rotai_request_of(struct rota_link *link);

/* Run the pending phase. There is something to do. */
void rotai_pending_call(struct rota_loop *loop);

/* Run the pending phase: ticks that were put off, extensions, and requests that
 * have ended. */
static inline void rotai_pending_run(struct rota_loop *loop)
{
	if (loop->extensions_pending || loop->drain_deferred ||
	    !rotai_list_is_empty(&loop->ended))
		rotai_pending_call(loop);
}

/* In a forked child: end every request in flight that a thread of the parent
 * would have ended. */
void rotai_requests_forked(struct rota_loop *loop);

/* Cancel every request in flight that has no handle. */
void rotai_requests_cancel(struct rota_loop *loop);

#endif
