/*
 * rota/wall_timer.h - callbacks at a time of the wall clock: at a date, as for
 * an alarm or a job that runs every night.
 *
 * The timers of rota/timer.h measure how much time passes. They do not notice
 * when the clock is set, and stand still while the machine sleeps. A wall timer
 * is due when the clock of the system (CLOCK_REALTIME, see clock_gettime(2))
 * shows its time, however the clock got there.
 *
 * All times here are nanoseconds since 1970-01-01 00:00 UTC.
 */
#ifndef ROTA_WALL_TIMER_H
#define ROTA_WALL_TIMER_H

#include "rota/timer.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_wall_timer;

/**
 * Called when the clock has reached the time of @timer, which is stopped by
 * then. The callback may stop, start or free any timer, @timer included. For a
 * call at every full hour it starts @timer for the next one.
 *
 * Phase:   timers.
 * Thread:  the loop's.
 */
typedef void rota_wall_timer_fn(struct rota_wall_timer *timer);

/**
 * Called when the clock was set, by @step_ns nanoseconds forward or, if that is
 * negative, backward. @timer is still started, with the same time. Timers that
 * are due by now are called after this. The callback may do what a
 * rota_wall_timer_fn may.
 *
 * Phase:   timers.
 * Thread:  the loop's.
 */
typedef void rota_wall_step_fn(struct rota_wall_timer *timer, int64_t step_ns);

/**
 * A timer of the wall clock. Like a struct rota_timer it is a node: it is
 * stopped and never closed. A started timer keeps the loop alive.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started.
 */
struct rota_wall_timer {
	void *data; /* for the caller */
	struct {
		struct rota_timer timer; /* in a wheel of its own */
		rota_wall_timer_fn *fn;
		rota_wall_step_fn *step_fn;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @timer for use on @loop. It is stopped and referenced. Its data
 * member is left unchanged.
 *
 * Thread:  the loop's.
 */
void rota_wall_timer_init(struct rota_wall_timer *timer,
			  struct rota_loop *loop);

/**
 * Call @fn once, when the wall clock has reached @due_ns. If that time has
 * passed, @timer is due at once, and is called in a later timers phase, never
 * inside this function. With UINT64_MAX it is never due. Timers of the same
 * time are called in the order in which they were started. If @timer is already
 * started, this replaces its time and its function. Returns 0.
 *
 * The call is never early: the clock shows @due_ns or later. If the clock is
 * set forward beyond @due_ns, or the machine sleeps until after it, @timer is
 * called then. If it is set back, @timer waits until the clock is there again.
 *
 * The first timer that is started on a loop takes some memory, which the loop
 * keeps, and on Linux one descriptor (timerfd_create(2)) for all of them, until
 * the last is stopped. Other systems do not report that the clock was set. So
 * there the loop wakes up once a second while wall timers are started, and
 * notices a change by up to a second later.
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn is NULL
 *          ROTA_ENOMEM, ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOSPC: only if no
 *                          other wall timer of the loop is started
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_wall_timer_start_at(struct rota_wall_timer *timer,
			     rota_wall_timer_fn *fn, uint64_t due_ns);

/**
 * Call @fn whenever the clock is set while @timer is started. NULL: do not.
 * That the clock is adjusted little by little, as adjtime(3) does, is no step,
 * nor is a difference of less than 10 ms. On Linux neither is a sleep of the
 * machine; elsewhere it can be told as a step forward. A timer that a callback
 * starts after a step is not told of that step.
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 */
void rota_wall_timer_on_step(struct rota_wall_timer *timer,
			     rota_wall_step_fn *fn);

/**
 * Stop @timer. It is not called any more, and its memory may be freed at once.
 * If it is stopped already, do nothing.
 *
 * Thread:  the loop's.
 */
void rota_wall_timer_stop(struct rota_wall_timer *timer);

/**
 * Return the time of @timer, or UINT64_MAX if it is stopped.
 *
 * Thread:  the loop's.
 */
uint64_t rota_wall_timer_due(const struct rota_wall_timer *timer);

/**
 * Return 1 if @timer is started, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_wall_timer_is_active(const struct rota_wall_timer *timer);

/**
 * Let @timer keep the loop alive while it is started. This is the default.
 *
 * Thread:  the loop's.
 */
void rota_wall_timer_ref(struct rota_wall_timer *timer);

/**
 * Do not let @timer keep the loop alive. Its callbacks then run only while
 * something else does.
 *
 * Thread:  the loop's.
 */
void rota_wall_timer_unref(struct rota_wall_timer *timer);

/**
 * Return 1 if @timer keeps the loop alive while it is started, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_wall_timer_has_ref(const struct rota_wall_timer *timer);

/**
 * Return the time of the wall clock of @loop, by a new reading. A loop with a
 * virtual clock has a virtual wall clock: it begins at 2001-09-09 01:46:40 UTC,
 * which is 1,000,000,000 seconds, and moves as the virtual clock does.
 *
 * Thread:  the loop's.
 */
uint64_t rota_wall_now(struct rota_loop *loop);

/**
 * Set the virtual wall clock of @loop, as an administrator sets that of the
 * system, to test how a program takes it. rota_loop_now() is not affected. Wall
 * timers are told of the step in the next timers phase. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOTSUP  the clock of @loop is not virtual
 *          ROTA_EINVAL   @now_ns is above INT64_MAX
 *          After either nothing has changed.
 */
int rota_wall_set(struct rota_loop *loop, uint64_t now_ns);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
