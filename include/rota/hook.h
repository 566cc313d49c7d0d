/*
 * rota/hook.h - callbacks once a turn, before or after the wait.
 */
#ifndef ROTA_HOOK_H
#define ROTA_HOOK_H

#include "rota/object.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_hook;

/** When in the turn a hook is called. */
enum rota_hook_kind {
	ROTA_HOOK_IDLE = 1, /* start of prepare; the loop does not sleep */
	ROTA_HOOK_PREPARE,  /* end of prepare, just before the wait */
	ROTA_HOOK_CHECK,    /* start of check, just after poll */
	ROTA_HOOK_POLL,     /* in poll, after the wait, before all events */
};

/** The size of an array that is indexed by enum rota_hook_kind. */
enum { ROTA_HOOK_KIND_COUNT = ROTA_HOOK_POLL + 1 };

/**
 * Called once in every turn. Only an idle hook makes the loop run turns: if
 * there is nothing else to do, the loop sleeps, and the other hooks wait until
 * it wakes up.
 *
 * Phase:   prepare, poll or check, by the kind of the hook. The callback may
 *          start, stop or free any hook, @hook included. A hook that it starts
 *          for the phase that is running is first called in the next turn.
 * Thread:  the loop's.
 */
typedef void rota_hook_fn(struct rota_hook *hook);

/**
 * A callback once a turn. A started hook keeps the loop alive. An idle hook
 * also keeps the loop from sleeping, so stop it when it has nothing to do.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started.
 */
struct rota_hook {
	void *data; /* for the caller */
	struct {
		struct rota_loop *loop;
		struct rota_link started;
		rota_hook_fn *fn;
		uint8_t kind;
		uint8_t flags;
		uint32_t started_in;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @hook for use on @loop. It is stopped and referenced. Its data
 * member is left unchanged.
 *
 * Thread:  the loop's.
 */
void rota_hook_init(struct rota_hook *hook, struct rota_loop *loop);

/**
 * Call @fn once in every turn, at the point that @kind names. Hooks of one kind
 * are called in the order in which they were started. If @hook is already
 * started with the same kind, @fn replaces the previous function, and the hook
 * keeps its place in the order; with another kind it becomes the last of that
 * kind. Returns 0.
 *
 * Phase:   @fn runs in the prepare, the poll or the check phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn is NULL, or @kind is not a kind of hook
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_hook_start(struct rota_hook *hook, rota_hook_fn *fn,
		    enum rota_hook_kind kind);

/**
 * Stop @hook. Its memory may be freed at once. If it is stopped already, do
 * nothing.
 *
 * Thread:  the loop's.
 */
void rota_hook_stop(struct rota_hook *hook);

/**
 * Return 1 if @hook is started, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_hook_is_active(const struct rota_hook *hook);

/**
 * Let @hook keep the loop alive while it is started. This is the default.
 *
 * Thread:  the loop's.
 */
void rota_hook_ref(struct rota_hook *hook);

/**
 * Do not let @hook keep the loop alive. Its callback then runs only while
 * something else does.
 *
 * Thread:  the loop's.
 */
void rota_hook_unref(struct rota_hook *hook);

/**
 * Return 1 if @hook keeps the loop alive while it is started, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_hook_has_ref(const struct rota_hook *hook);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
