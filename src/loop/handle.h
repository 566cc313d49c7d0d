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

/* Flags of a handle. At most one of OPEN, CLOSING and CLOSED is set. With none
 * of them the handle was never open, and its loop and class may be NULL. */
enum {
	ROTAI_HANDLE_ACTIVE = 1 << 0,
	ROTAI_HANDLE_UNREFERENCED = 1 << 1,
	ROTAI_HANDLE_OPEN = 1 << 2,
	ROTAI_HANDLE_CLOSING = 1 << 3,
	ROTAI_HANDLE_STOPPED = 1 << 4, /* closing: its class has run stop */
	ROTAI_HANDLE_CLOSED = 1 << 5,
	ROTAI_HANDLE_FLAGS = (1 << 6) - 1,
};

static inline int rotai_handle_has(const struct rota_handle *handle,
				   unsigned flag)
{
	return (handle->internal.flags & flag) != 0;
}

/* Whether it counts in the loop's alive: handle.c (3). */
static inline int rotai_handle_holds(const struct rota_handle *handle)
{
	return rotai_handle_has(handle, ROTAI_HANDLE_CLOSING) ||
	       (rotai_handle_has(handle, ROTAI_HANDLE_ACTIVE) &&
		!rotai_handle_has(handle, ROTAI_HANDLE_UNREFERENCED));
}

/* Change flags, and the loop's count with them. */
static inline void rotai_handle_set_flags(struct rota_handle *handle,
					  unsigned clear, unsigned set)
{
	int held = rotai_handle_holds(handle);
	int holds;

	handle->internal.flags =
		((handle->internal.flags & ~clear) | set) & ROTAI_HANDLE_FLAGS;
	holds = rotai_handle_holds(handle);
	if (held != holds)
		handle->internal.loop->alive += holds ? 1 : UINT64_MAX;
}

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

/* @handle is stopped, and its last request has ended: have the closing phase
 * call it. */
void rotai_handle_join_closing(struct rota_handle *handle);

/* The handle of a link in the loop's lists. */
struct rota_handle *rotai_handle_of(struct rota_link *link);

#endif
