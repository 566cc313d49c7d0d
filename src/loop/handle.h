/*
 * loop/handle.h - what the modules above build their handles on. See
 * docs/handle.md.
 */
#ifndef ROTAI_LOOP_HANDLE_H
#define ROTAI_LOOP_HANDLE_H

#include "loop/loop.h"
#include "rota/handle.h"

struct rota_request;

struct rotai_handle_class {
	const char *type; /* "tcp", "pipe", ... */

	/* Remove the descriptor from the poller and close it. Finish all
	 * requests in flight with ROTA_ECANCELED, in order, except for those
	 * that a pool thread is working on. Must not call a callback. */
	void (*stop)(struct rota_handle *handle);

	/* Return the descriptor, or -1; for dumps. */
	int (*fd)(const struct rota_handle *handle);

	/* Return whether the handle, which is open, is about to close by
	 * itself, and has the callback for that in internal.close_fn. NULL: it
	 * never does. */
	int (*is_ending)(const struct rota_handle *handle);
};

/* Flags of a handle. At most one of OPEN, CLOSING and CLOSED is set. If none of
 * them is, the handle was never open, and its loop and class may be NULL. */
enum {
	ROTAI_HANDLE_ACTIVE = 1 << 0,
	ROTAI_HANDLE_UNREFERENCED = 1 << 1,
	ROTAI_HANDLE_OPEN = 1 << 2,
	ROTAI_HANDLE_CLOSING = 1 << 3,
	ROTAI_HANDLE_STOPPED = 1 << 4, /* closing; its stop() has returned */
	ROTAI_HANDLE_CLOSED = 1 << 5,
	ROTAI_HANDLE_FLAGS = (1 << 6) - 1,
};

static inline int rotai_handle_has(const struct rota_handle *handle,
				   unsigned flag)
{
	return (handle->internal.flags & flag) != 0;
}

/* Whether @handle keeps the loop alive: handle.c (3). */
static inline int rotai_handle_holds(const struct rota_handle *handle)
{
	return rotai_handle_has(handle, ROTAI_HANDLE_CLOSING) ||
	       (rotai_handle_has(handle, ROTAI_HANDLE_ACTIVE) &&
		!rotai_handle_has(handle, ROTAI_HANDLE_UNREFERENCED));
}

/* Change flags, and the loop's count `alive` accordingly. */
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

/* Make @handle open. A handle's own init or open does this last. */
void rotai_handle_open(struct rota_handle *handle, struct rota_loop *loop,
		       const struct rotai_handle_class *class_);

/* Return 0 if @handle can be used, or the error: ROTA_EINVAL if it is closing
 * or closed, or was never open; else that of rotai_loop_admits(). */
int rotai_handle_usable(const struct rota_handle *handle);

/* Return 0 if @handle can at least be closed, or the error: ROTA_EINVAL if it
 * was never open, or ROTA_ECHILD. */
static inline int rotai_handle_reachable(const struct rota_handle *handle)
{
	return rotai_handle_has(handle, ROTAI_HANDLE_OPEN |
						ROTAI_HANDLE_CLOSING |
						ROTAI_HANDLE_CLOSED)
		       ? rotai_loop_inherited(handle->internal.loop)
		       : ROTA_EINVAL;
}

/* Whether a request of @handle is in flight, or has ended and its callback has
 * not been called. Such a handle cannot be closed at once (O3). */
static inline int rotai_handle_is_busy(const struct rota_handle *handle)
{
	return handle->internal.requests > 0 || handle->internal.ended > 0;
}

/* Set whether @handle is active, that is, does something by itself. */
void rotai_handle_set_active(struct rota_handle *handle, int active);

/* request.c calls these when a request of @handle begins, ends, and is
 * called. */
void rotai_handle_request_begun(struct rota_handle *handle);
void rotai_handle_request_ended(struct rota_handle *handle);
void rotai_handle_request_called(struct rota_handle *handle);

/* Have the closing phase call @handle, which is stopped and whose last request
 * has ended. */
void rotai_handle_join_closing(struct rota_handle *handle);

/* Return the handle of @link, which is in one of the loop's lists. */
struct rota_handle *rotai_handle_of(struct rota_link *link);

#endif
