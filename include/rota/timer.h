/*
 * rota/timer.h - call back after a delay, once or again and again.
 */
#ifndef ROTA_TIMER_H
#define ROTA_TIMER_H

#include "rota/object.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_timer;

/**
 * Called when a timer is due.
 *
 * Phase:   timers. The callback may stop, restart or free any timer, @timer
 *          included: a stopped timer's memory may go at once.
 */
typedef void rota_timer_fn(struct rota_timer *timer);

/** What the next due time of a repeating timer is counted from. */
enum rota_repeat {
	ROTA_REPEAT_RATE,  /* the due time before it: no drift */
	ROTA_REPEAT_DELAY, /* the end of its callback: a pause of that length */
};

/**
 * A timer. Embed it in your own struct and come back with rota_container_of().
 *
 * Owner:   the caller, who keeps it alive and in place while it runs. It owns
 *          nothing of the system's, so it is stopped and never closed.
 */
struct rota_timer {
	void *data; /* yours */
	struct {
		struct rota_link by_due;
		uint64_t due_ns;
		rota_timer_fn *fn;
		uint32_t missed;
		uint8_t flags;
		struct rota_loop *loop;
		uint64_t period_ns;
		uint64_t order; /* among those of the same due time */
	} internal;             /* the library's: neither read nor write it */
};

/**
 * Make @timer ready for use on @loop. It starts stopped and referenced.
 *
 * Thread:  the loop's.
 */
void rota_timer_init(struct rota_timer *timer, struct rota_loop *loop);

/**
 * Call @fn once, @delay_ns nanoseconds from now: from the clock itself, not
 * from rota_loop_now(), which may be old by as much as a callback has run.
 *
 * Never early. A delay of 0 is due in the next timers phase, never inside this
 * call; one that reaches past the end of time (UINT64_MAX) never comes, and
 * keeps the loop alive while it does not. Timers due at the same time run in
 * the order they were started. Starting a running timer replaces its due time
 * and callback.
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn is NULL
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_timer_start(struct rota_timer *timer, rota_timer_fn *fn,
		     uint64_t delay_ns);

/**
 * Call @fn once, when the clock has reached @due_ns, in the time of
 * rota_loop_now(). Reads no clock. A time that has passed is due in the next
 * timers phase.
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 * Errors:  as rota_timer_start()
 */
int rota_timer_start_at(struct rota_timer *timer, rota_timer_fn *fn,
			uint64_t due_ns);

/**
 * Call @fn every @period_ns nanoseconds, first in @period_ns from now.
 *
 * With ROTA_REPEAT_RATE the due times are first + k * period forever, however
 * long the callbacks take; periods that went by unserved make one call, and
 * rota_timer_missed() tells how many they were. With ROTA_REPEAT_DELAY each
 * period is counted from the end of the callback before. Among timers that are
 * due at the same time, one with ROTA_REPEAT_RATE keeps its place by when it
 * was started, however often it has been called since; with ROTA_REPEAT_DELAY
 * each period counts as a new start.
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL, also for a period of 0 or an unknown @repeat; else as
 *          rota_timer_start()
 */
int rota_timer_every(struct rota_timer *timer, rota_timer_fn *fn,
		     uint64_t period_ns, enum rota_repeat repeat);

/**
 * As rota_timer_every(), with the first call at @first_ns, in the time of
 * rota_loop_now().
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 * Errors:  as rota_timer_every()
 */
int rota_timer_every_at(struct rota_timer *timer, rota_timer_fn *fn,
			uint64_t first_ns, uint64_t period_ns,
			enum rota_repeat repeat);

/**
 * Stop @timer at once, also if it is due in the phase that runs now; its
 * memory may go. Stopping a stopped one does nothing.
 *
 * Thread:  the loop's.
 */
void rota_timer_stop(struct rota_timer *timer);

/**
 * Start @timer over: its last delay or its period begins now. For idle
 * time-outs, which every message pushes back.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  it was never started, or last by
 *                       rota_timer_start_at(), which has no delay; else as
 *                       rota_timer_start()
 */
int rota_timer_again(struct rota_timer *timer);

/**
 * Move the timer at @from to @to, started or not, its callback under way or
 * not: for an array that grows. @to takes over everything, the caller's data
 * too, at its place among timers of the same due time; what @to was is
 * overwritten, so it must not be started. Afterwards @from is all zero. Both
 * must be memory of the caller's during the call; if they are the same, nothing
 * changes.
 *
 * Thread:  the loop's.
 */
void rota_timer_move(struct rota_timer *to, struct rota_timer *from);

/**
 * Tell how long it is until @timer is due, by the clock itself: 0 if it is
 * due, as a repeating one is in its own callback, and UINT64_MAX if it is
 * stopped or never comes.
 *
 * Thread:  the loop's.
 */
uint64_t rota_timer_due_in(const struct rota_timer *timer);

/**
 * Tell how many periods went by unserved before the call that runs now, or
 * ran last. A call on time counts none. More than UINT32_MAX count as that.
 *
 * Thread:  the loop's.
 */
uint64_t rota_timer_missed(const struct rota_timer *timer);

/**
 * Tell whether @timer is started: 1 or 0. A timer that fires once is stopped
 * when its callback begins; a repeating one is not.
 *
 * Thread:  the loop's.
 */
int rota_timer_is_active(const struct rota_timer *timer);

/**
 * Let @timer, while started, keep the loop alive. That is how it starts.
 *
 * Thread:  the loop's.
 */
void rota_timer_ref(struct rota_timer *timer);

/**
 * Let @timer fire only while something else keeps the loop alive.
 *
 * Thread:  the loop's.
 */
void rota_timer_unref(struct rota_timer *timer);

/**
 * Tell whether @timer would keep the loop alive: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_timer_has_ref(const struct rota_timer *timer);

/**
 * Called by rota_set_timeout() and its kin with the argument given there. The
 * callback may clear any id, its own included.
 *
 * Phase:   timers; check for rota_set_immediate().
 */
typedef void rota_quick_fn(void *arg);

/**
 * Call @fn(@arg) once, @delay_ns from now. For a quick start: the memory is
 * the library's, which is why it can run out.
 *
 * Returns an id for rota_clear(), or 0 if it failed: @fn is NULL, out of
 * memory, the loop shuts down, or a forked child before rota_loop_fork().
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 */
uint64_t rota_set_timeout(struct rota_loop *loop, rota_quick_fn *fn, void *arg,
			  uint64_t delay_ns);

/**
 * Call @fn(@arg) every @period_ns, each period counted from the start of the
 * call before, until rota_clear(). Among timers that are due at the same time
 * it keeps its place by when it was set. Returns an id, or 0 as
 * rota_set_timeout(), also for a period of 0.
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 */
uint64_t rota_set_interval(struct rota_loop *loop, rota_quick_fn *fn, void *arg,
			   uint64_t period_ns);

/**
 * Call @fn(@arg) once, in the next check phase. Returns an id, or 0 as
 * rota_set_timeout().
 *
 * Phase:   @fn runs in the check phase.
 * Thread:  the loop's.
 */
uint64_t rota_set_immediate(struct rota_loop *loop, rota_quick_fn *fn,
			    void *arg);

/**
 * Take back what rota_set_timeout(), rota_set_interval() or
 * rota_set_immediate() gave @id for: it will not be called. One that is gone,
 * or 0, does nothing; an id is not used twice. An immediate costs what
 * rota_task_cancel() does.
 *
 * Thread:  the loop's.
 */
void rota_clear(struct rota_loop *loop, uint64_t id);

/**
 * Start the delay of a time-out, or the period of an interval, over: it begins
 * now. A time-out is gone when its callback begins, and so cannot be refreshed
 * in it; an interval can.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOENT     @id is gone, or 0
 *          ROTA_EINVAL     it is an immediate's
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_refresh(struct rota_loop *loop, uint64_t id);

/**
 * Let what @id was given for keep the loop alive. That is how it starts. For an
 * immediate it costs what rota_task_cancel() does.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOENT  @id is gone, or 0
 */
int rota_ref(struct rota_loop *loop, uint64_t id);

/**
 * Let what @id was given for be called only while something else keeps the loop
 * alive.
 *
 * Thread:  the loop's.
 * Errors:  as rota_ref()
 */
int rota_unref(struct rota_loop *loop, uint64_t id);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
