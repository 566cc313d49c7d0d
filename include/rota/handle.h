/*
 * rota/handle.h - what all handles have in common.
 *
 * A handle owns something of the system's, such as a descriptor, so it has to
 * be closed. Every kind of handle begins with a struct rota_handle, and the
 * functions here take a pointer to that.
 */
#ifndef ROTA_HANDLE_H
#define ROTA_HANDLE_H

#include "rota/object.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_handle;
struct rotai_handle_class;

/**
 * Called when @handle is closed. Its memory is the caller's again and may be
 * freed.
 *
 * Phase:   closing. It is the last callback of @handle, after those of its
 *          requests.
 * Thread:  the loop's.
 */
typedef void rota_close_fn(struct rota_handle *handle);

/**
 * The base of every handle.
 *
 * Owner:   the caller, who keeps it alive and in place until the callback of
 *          rota_handle_close(), or the return of rota_handle_close_now().
 */
struct rota_handle {
	void *data; /* for the caller */
	struct {
		struct rota_loop *loop;
		const struct rotai_handle_class *class_;
		struct rota_link open;
		rota_close_fn *close_fn;
		const char *name;
		uint32_t requests;
		uint32_t ended : 26;
		uint32_t flags : 6;
	} internal; /* private to the library: do not read or write */
};

/**
 * Close @handle. When this returns, its descriptor is closed and the kernel
 * does not report it any more. The remaining callbacks run in the closing
 * phase: first those of its requests, with ROTA_ECANCELED or, if they had
 * completed before, with their own status; then @fn, directly after the last of
 * them. If a pool thread is using a request, @fn waits until the thread is done
 * with it. Returns 0.
 *
 * @fn may be NULL. Then nothing reports when the memory of @handle may be
 * freed, other than the end of the loop.
 *
 * Phase:   @fn runs in the closing phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EALREADY  @handle is closing or closed
 *          ROTA_EINVAL    @handle is all zero: it was never open
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_handle_close(struct rota_handle *handle, rota_close_fn *fn);

/**
 * Close @handle at once, without a callback. When this returns 0, the loop does
 * not know @handle any more, and its memory may be freed, also inside its own
 * callback.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EBUSY     a request of @handle is in flight, or its callback is
 *                         still to come
 *          ROTA_EALREADY  @handle is closing or closed
 *          ROTA_EINVAL    @handle is all zero: it was never open
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_handle_close_now(struct rota_handle *handle);

/**
 * Call @fn as the close callback if rota_loop_shutdown() closes @handle, so
 * that the program can free its memory there. NULL, the default, means no
 * callback. A function that is passed to rota_handle_close(), or to another
 * call that ends the handle, replaces @fn, even if it is NULL. This does
 * nothing to a handle that is closing, or for which rota_stream_end() was
 * called.
 *
 * Phase:   @fn runs in the closing phase.
 * Thread:  the loop's.
 */
void rota_handle_on_shutdown(struct rota_handle *handle, rota_close_fn *fn);

/**
 * Return 1 if @handle is active, 0 if not. It is active while it does something
 * by itself, such as reading or listening. An active handle that is referenced
 * keeps the loop alive.
 *
 * Thread:  the loop's.
 */
int rota_handle_is_active(const struct rota_handle *handle);

/**
 * Return 1 if @handle is closing or closed, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_handle_is_closing(const struct rota_handle *handle);

/**
 * Let @handle keep the loop alive while it is active. This is the default.
 *
 * Thread:  the loop's.
 */
void rota_handle_ref(struct rota_handle *handle);

/**
 * Do not let @handle keep the loop alive. Its callbacks then run only while
 * something else does. Its requests in flight, and its closing, keep the loop
 * alive all the same.
 *
 * Thread:  the loop's.
 */
void rota_handle_unref(struct rota_handle *handle);

/**
 * Return 1 if @handle keeps the loop alive while it is active, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_handle_has_ref(const struct rota_handle *handle);

/**
 * Set the name that dumps and tracers show for @handle (see rota/observe.h);
 * NULL removes it.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who keeps @name alive as long as the handle.
 */
void rota_handle_set_name(struct rota_handle *handle, const char *name);

/**
 * Return the name of @handle, or NULL if it has none.
 *
 * Thread:  the loop's.
 * Owner:   the pointer is the one that rota_handle_set_name() was given.
 */
const char *rota_handle_name(const struct rota_handle *handle);

/**
 * Return the type of @handle, such as "tcp", or NULL if it was never open.
 *
 * Thread:  any.
 * Owner:   the string is static.
 */
const char *rota_handle_type(const struct rota_handle *handle);

/**
 * Return the loop of @handle, or NULL if it was never open.
 *
 * Thread:  any.
 * Owner:   this takes no reference to the loop.
 */
struct rota_loop *rota_handle_loop(const struct rota_handle *handle);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
