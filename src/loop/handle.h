/*
 * loop/handle.h - what the rooms above build their handles on. See
 * docs/handle.md.
 */
#ifndef ROTAI_LOOP_HANDLE_H
#define ROTAI_LOOP_HANDLE_H

#include "loop/loop.h"
#include "rota/handle.h"

struct rota_request;

struct rotai_handle_class {
	const char *type; /* "tcp", "pipe", ... */

	/* Leave the kernel and close the descriptor; finish, in order, all
	 * requests in flight with ROTA_ECANCELED, but for those that a pool
	 * thread holds. Calls no callback. */
	void (*stop)(struct rota_handle *handle);

	/* The descriptor, or -1; for dumps. */
	int (*fd)(const struct rota_handle *handle);

	/* Whether the handle, which is open, will close by itself, and keeps
	 * the callback for that in internal.close_fn. NULL: it never does. */
	int (*is_ending)(const struct rota_handle *handle);
};

/* @handle is open from now on: the last thing that a handle's own init or
 * open does. */
void rotai_handle_open(struct rota_handle *handle, struct rota_loop *loop,
		       const struct rotai_handle_class *class_);

/* 0, or why @handle cannot be used: ROTA_EINVAL if it is closing or closed, or
 * was never open; else as rotai_loop_admits(). */
int rotai_handle_usable(const struct rota_handle *handle);

/* 0, or why nothing can be done with @handle, not even to close it: ROTA_EINVAL
 * if it was never open, or ROTA_ECHILD. */
int rotai_handle_reachable(const struct rota_handle *handle);

/* Whether a request of @handle is in flight, or has ended and is not called
 * back: then it cannot go at once (O3). */
int rotai_handle_is_busy(const struct rota_handle *handle);

/* @handle begins or ends to do something by itself. */
void rotai_handle_set_active(struct rota_handle *handle, int active);

/* What request.c tells of the requests of @handle. */
void rotai_handle_request_begun(struct rota_handle *handle);
void rotai_handle_request_ended(struct rota_handle *handle);
void rotai_handle_request_called(struct rota_handle *handle);

/* The handle of a link in the loop's lists. */
struct rota_handle *rotai_handle_of(struct rota_link *link);

/* The closing phase, with something to do. */
void rotai_closing_call(struct rota_loop *loop);

/* Call back for what has closed: the closing phase. */
static inline void rotai_closing_run(struct rota_loop *loop)
{
	if (!rotai_list_is_empty(&loop->closing) ||
	    !rotai_list_is_empty(&loop->closing_ended))
		rotai_closing_call(loop);
}

/* Close every handle that is open. */
void rotai_handles_close(struct rota_loop *loop);

#endif
