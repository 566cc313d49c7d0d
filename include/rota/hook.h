/*
 * rota/hook.h - call back once a turn, before or after the wait.
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

/** Where in the turn a hook is called. */
enum rota_hook_kind {
	ROTA_HOOK_IDLE = 1, /* in prepare, first; the loop does not sleep */
	ROTA_HOOK_PREPARE,  /* in prepare, last thing before the wait */
	ROTA_HOOK_CHECK,    /* in check, first thing after the poll phase */
	ROTA_HOOK_POLL,     /* in poll, after the wait, before any callback */
};

enum { ROTA_HOOK_KIND_COUNT = ROTA_HOOK_POLL + 1 };

/**
 * Called once in every turn. Only an idle hook makes turns: with nothing else
 * to do the loop sleeps, and the other hooks wait.
 *
 * Phase:   prepare, poll or check. The callback may start, stop or free any
 *          hook, @hook included; one of its own phase that it starts is first
 *          called in the next turn.
 */
typedef void rota_hook_fn(struct rota_hook *hook);

/**
 * A call in every turn. While started it keeps the loop alive; an idle hook
 * also keeps it from sleeping, so stop it when there is nothing left to do.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started.
 */
struct rota_hook {
	void *data; /* yours */
	struct {
		struct rota_loop *loop;
		struct rota_link started;
		rota_hook_fn *fn;
		uint8_t kind;
		uint8_t flags;
		uint32_t started_in;
	} internal; /* the library's: neither read nor write it */
};

/**
 * Make @hook ready for use on @loop. It starts stopped and referenced.
 *
 * Thread:  the loop's.
 */
void rota_hook_init(struct rota_hook *hook, struct rota_loop *loop);

/**
 * Call @fn once in every turn, in the place that @kind names, after the hooks
 * of that kind that were started before. Starting a started hook with the same
 * kind replaces @fn and keeps its place; with another kind it goes last there.
 *
 * Phase:   @fn runs in the prepare, the poll or the check phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn is NULL or @kind is none; nothing has changed
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_hook_start(struct rota_hook *hook, rota_hook_fn *fn,
		    enum rota_hook_kind kind);

/**
 * Stop @hook at once; its memory may go. Stopping a stopped one does nothing.
 *
 * Thread:  the loop's.
 */
void rota_hook_stop(struct rota_hook *hook);

/**
 * Tell whether @hook is started: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_hook_is_active(const struct rota_hook *hook);

/**
 * Let @hook, while started, keep the loop alive. That is how it starts.
 *
 * Thread:  the loop's.
 */
void rota_hook_ref(struct rota_hook *hook);

/**
 * Let @hook call back only while something else keeps the loop alive.
 *
 * Thread:  the loop's.
 */
void rota_hook_unref(struct rota_hook *hook);

/**
 * Tell whether @hook would keep the loop alive: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_hook_has_ref(const struct rota_hook *hook);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
