/*
 * rota/handle.h - what all handles share.
 *
 * A handle owns something of the system's, so it ends by being closed. Every
 * kind of handle begins with a struct rota_handle, and the functions here take
 * a pointer to that.
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
 * Called when a handle is closed for good: its memory is the caller's again.
 *
 * Phase:   closing. The last callback of @handle, after those of its requests.
 */
typedef void rota_close_fn(struct rota_handle *handle);

/**
 * The base of every handle.
 *
 * Owner:   the caller, who keeps it alive and in place until the callback of
 *          rota_handle_close(), or the return of rota_handle_close_now().
 */
struct rota_handle {
	void *data; /* yours */
	struct {
		struct rota_loop *loop;
		const struct rotai_handle_class *class_;
		struct rota_link open;
		rota_close_fn *close_fn;
		const char *name;
		uint32_t requests;
		uint32_t ended : 26;
		uint32_t flags : 6;
	} internal; /* the library's: neither read nor write it */
};

/**
 * Close @handle. Its descriptor is closed and out of the kernel on return.
 * Nothing calls back from then on but, in the closing phase, the handle's
 * requests, with ROTA_ECANCELED or their own status if they had ended, and
 * just after the last of them @fn, which may be NULL. If a pool thread is
 * using a request, @fn waits until it lets go.
 *
 * Phase:   @fn runs in the closing phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EALREADY  it is closing or closed; nothing has changed
 *          ROTA_EINVAL    it is all zero, and was never open
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 */
int rota_handle_close(struct rota_handle *handle, rota_close_fn *fn);

/**
 * Close @handle at once: on return nothing of it is left with the loop, there
 * is no callback, and its memory may go, inside its own callback too.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EBUSY     a request is in flight; nothing has changed
 *          ROTA_EALREADY  it is closing or closed; nothing has changed
 *          ROTA_EINVAL    it is all zero, and was never open
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 */
int rota_handle_close_now(struct rota_handle *handle);

/**
 * Have @fn called as the close callback if rota_loop_shutdown() closes @handle,
 * so that memory of its own can be freed there. NULL, as at first: no callback.
 * A function given to rota_handle_close() or to another call that ends the
 * handle takes the place of @fn, NULL too. For a handle that is on its way to
 * its end, or closing, this does nothing.
 *
 * Phase:   @fn runs in the closing phase.
 * Thread:  the loop's.
 */
void rota_handle_on_shutdown(struct rota_handle *handle, rota_close_fn *fn);

/**
 * Tell whether @handle does anything by itself, such as reading or listening:
 * 1 or 0. An active handle that is referenced keeps the loop alive.
 *
 * Thread:  the loop's.
 */
int rota_handle_is_active(const struct rota_handle *handle);

/**
 * Tell whether @handle is closing or closed: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_handle_is_closing(const struct rota_handle *handle);

/**
 * Let @handle, while active, keep the loop alive. That is how it starts.
 *
 * Thread:  the loop's.
 */
void rota_handle_ref(struct rota_handle *handle);

/**
 * Let @handle call back only while something else keeps the loop alive. Its
 * requests in flight and its closing keep the loop alive all the same.
 *
 * Thread:  the loop's.
 */
void rota_handle_unref(struct rota_handle *handle);

/**
 * Tell whether @handle would keep the loop alive: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_handle_has_ref(const struct rota_handle *handle);

/**
 * Name @handle for dumps and tracers; NULL takes the name back.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who keeps @name alive as long as the handle.
 */
void rota_handle_set_name(struct rota_handle *handle, const char *name);

/**
 * Give the name of @handle, or NULL.
 *
 * Thread:  the loop's.
 */
const char *rota_handle_name(const struct rota_handle *handle);

/**
 * Give the kind of @handle: "tcp", "pipe", ...; NULL if it was never open.
 *
 * Thread:  any.
 * Owner:   the string is static.
 */
const char *rota_handle_type(const struct rota_handle *handle);

/**
 * Give the loop of @handle; NULL if it was never open.
 *
 * Thread:  any.
 */
struct rota_loop *rota_handle_loop(const struct rota_handle *handle);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
