/*
 * rota/timer.h - callbacks after a delay, once or repeatedly.
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
 * Called when @timer is due. The callback may stop, restart or free any timer,
 * @timer included. A timer that fires once is stopped by then; a repeating one
 * has to be stopped before its memory is freed.
 *
 * Phase:   timers.
 * Thread:  the loop's.
 */
typedef void rota_timer_fn(struct rota_timer *timer);

/** From when the period of a repeating timer is counted. */
enum rota_repeat {
	ROTA_REPEAT_RATE,  /* its previous due time: no drift */
	ROTA_REPEAT_DELAY, /* the end of its callback: a pause between calls */
};

/**
 * A timer. Embed it in a struct of your own, and get from one to the other by
 * rota_container_of(). A timer owns nothing of the system's, so it is stopped
 * and never closed. A started timer keeps the loop alive.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started.
 */
struct rota_timer {
	void *data; /* for the caller */
	struct {
		struct rota_link by_due;
		uint64_t due_ns;
		rota_timer_fn *fn;
		uint32_t missed;
		uint8_t flags;
		uint8_t unused;
		uint16_t slack; /* loop/slack.h */
		struct rota_loop *loop;
		uint64_t period_ns;
		uint64_t order; /* among timers of the same due time */
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @timer for use on @loop. It is stopped and referenced. Its data
 * member is left unchanged.
 *
 * Thread:  the loop's.
 */
void rota_timer_init(struct rota_timer *timer, struct rota_loop *loop);

/**
 * Call @fn once, @delay_ns nanoseconds from now. The delay is counted from a
 * new reading of the clock, not from rota_loop_now(), which does not advance
 * while a callback runs. Returns 0.
 *
 * The call is never early. With a delay of 0 the timer is due in the next
 * timers phase, and is never called inside this function. If the due time would
 * be UINT64_MAX or more, the timer is never due, and keeps the loop alive until
 * it is stopped. Timers that are due at the same time are called in the order
 * in which they were started. If @timer is already started, this replaces its
 * due time and its function.
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
 * Call @fn once, when the clock has reached @due_ns, on the scale of
 * rota_loop_now(). This does not read the clock. If the time has passed, the
 * timer is due in the next timers phase. Returns 0.
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 * Errors:  as rota_timer_start()
 */
int rota_timer_start_at(struct rota_timer *timer, rota_timer_fn *fn,
			uint64_t due_ns);

/**
 * Call @fn every @period_ns nanoseconds, for the first time @period_ns from
 * now. Returns 0.
 *
 * With ROTA_REPEAT_RATE the due times are first + k * period forever, however
 * long the callbacks take. Several periods that have passed without a call
 * result in one call, and rota_timer_missed() returns how many were skipped.
 * With ROTA_REPEAT_DELAY each period begins when the previous callback ends.
 *
 * Timers that are due at the same time are called in the order in which they
 * were started. With ROTA_REPEAT_RATE the timer keeps its place in this order,
 * however often it was called; with ROTA_REPEAT_DELAY each period counts as a
 * new start.
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  also if @period_ns is 0, or @repeat is not a value of
 *                       enum rota_repeat; else as rota_timer_start()
 */
int rota_timer_every(struct rota_timer *timer, rota_timer_fn *fn,
		     uint64_t period_ns, enum rota_repeat repeat);

/**
 * As rota_timer_every(), with the first call when the clock has reached
 * @first_ns, on the scale of rota_loop_now().
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 * Errors:  as rota_timer_every()
 */
int rota_timer_every_at(struct rota_timer *timer, rota_timer_fn *fn,
			uint64_t first_ns, uint64_t period_ns,
			enum rota_repeat repeat);

/**
 * Stop @timer. It is not called any more, even if it is due in the phase that
 * is running, and its memory may be freed at once. If it is stopped already, do
 * nothing.
 *
 * Thread:  the loop's.
 */
void rota_timer_stop(struct rota_timer *timer);

/**
 * Start @timer again with its last function, and its last delay or period,
 * which begins now. Use this for an idle time-out that every message puts off.
 * Returns 0.
 *
 * Phase:   the function runs in the timers phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @timer was never started, or was last started by
 *                       rota_timer_start_at(), which has no delay; else as
 *                       rota_timer_start()
 */
int rota_timer_again(struct rota_timer *timer);

/**
 * Let @timer be called up to @slack_ns nanoseconds after its due time, so that
 * the loop can sleep until several timers are due and call them together. It is
 * never called early. The loop sleeps until the first moment at which some
 * timer may not wait longer, and then calls all that are due, in the order of
 * their due times. It also calls them whenever else it is awake. So a slack
 * costs nothing but exactness. The default is 0.
 *
 * Timers without slack are not delayed. With ROTA_REPEAT_RATE the due times
 * keep to the grid, whenever the calls are. A slack of UINT64_MAX means that
 * @timer never ends a sleep by itself.
 *
 * The slack stays until the next call of this function, or of
 * rota_timer_init(). If @timer is started, it holds for the current due time as
 * well. The library may round the slack down, by less than one part in a
 * thousand.
 *
 * Thread:  the loop's.
 */
void rota_timer_set_slack(struct rota_timer *timer, uint64_t slack_ns);

/**
 * Return the slack of @timer, which may have been rounded down.
 *
 * Thread:  the loop's.
 */
uint64_t rota_timer_get_slack(const struct rota_timer *timer);

/**
 * Move the timer @from to @to, for example to the new memory of an array that
 * grows. @from may be started or stopped, and its callback may be running. @to
 * gets everything, the data member and the place among timers of the same due
 * time included. Afterwards @from is all zero. If the two are the same, do
 * nothing.
 *
 * Thread:  the loop's.
 * Owner:   @to is overwritten, so it must not be started. The caller keeps both
 *          alive during the call, and may free @from afterwards.
 */
void rota_timer_move(struct rota_timer *to, struct rota_timer *from);

/**
 * Return how many nanoseconds are left until @timer is due, without its slack,
 * by a new reading of the clock: 0 if it is due, as a repeating timer is in its
 * own callback, and UINT64_MAX if it is stopped or will never be due.
 *
 * Thread:  the loop's.
 */
uint64_t rota_timer_due_in(const struct rota_timer *timer);

/**
 * Return how many periods were skipped just before the current or the last
 * call of @timer. It is 0 for a call that was on time, and at most UINT32_MAX.
 *
 * Thread:  the loop's.
 */
uint64_t rota_timer_missed(const struct rota_timer *timer);

/**
 * Return 1 if @timer is started, 0 if not. In its own callback a timer that
 * fires once is stopped, and a repeating timer is started.
 *
 * Thread:  the loop's.
 */
int rota_timer_is_active(const struct rota_timer *timer);

/**
 * Let @timer keep the loop alive while it is started. This is the default.
 *
 * Thread:  the loop's.
 */
void rota_timer_ref(struct rota_timer *timer);

/**
 * Do not let @timer keep the loop alive. Its callback then runs only while
 * something else does.
 *
 * Thread:  the loop's.
 */
void rota_timer_unref(struct rota_timer *timer);

/**
 * Return 1 if @timer keeps the loop alive while it is started, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_timer_has_ref(const struct rota_timer *timer);

/**
 * Called for rota_set_timeout(), rota_set_interval() and rota_set_immediate(),
 * with the argument that was given there. The callback may clear any id, its
 * own included.
 *
 * Phase:   timers; check for rota_set_immediate().
 * Thread:  the loop's.
 */
typedef void rota_quick_fn(void *arg);

/**
 * Call @fn(@arg) once, @delay_ns nanoseconds from now. This needs no struct of
 * the caller's: the library allocates the memory, and so the call can fail.
 * Returns an id for rota_clear(), or 0 on failure.
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 * Owner:   the library does not use what @arg points to.
 * Errors:  0  @fn is NULL, there is not enough memory, the loop is shutting
 *             down, or this is a forked child before rota_loop_fork(); nothing
 *             has changed
 */
uint64_t rota_set_timeout(struct rota_loop *loop, rota_quick_fn *fn, void *arg,
			  uint64_t delay_ns);

/**
 * Call @fn(@arg) every @period_ns nanoseconds until rota_clear(), for the first
 * time @period_ns from now. Returns an id, or 0 on failure.
 *
 * As with setInterval() of Node.js, each period begins when the previous call
 * begins. The order of timers that are due at the same time differs from
 * Node.js: here an interval keeps the place that it got by rota_set_interval()
 * or by its last rota_refresh(), however often it was called. Node.js queues
 * the interval again after each call, behind timers of the same delay that
 * were set before the end of that call.
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 * Owner:   as rota_set_timeout()
 * Errors:  0  @period_ns is 0; else as rota_set_timeout()
 */
uint64_t rota_set_interval(struct rota_loop *loop, rota_quick_fn *fn, void *arg,
			   uint64_t period_ns);

/**
 * Call @fn(@arg) once, in the next check phase. Returns an id, or 0 on failure.
 *
 * Phase:   @fn runs in the check phase.
 * Thread:  the loop's.
 * Owner:   as rota_set_timeout()
 * Errors:  0  as rota_set_timeout()
 */
uint64_t rota_set_immediate(struct rota_loop *loop, rota_quick_fn *fn,
			    void *arg);

/**
 * Cancel the call or calls for which rota_set_timeout(), rota_set_interval() or
 * rota_set_immediate() returned @id. If these are over, or @id is 0, do
 * nothing: no id is used twice. For an immediate, the time this takes is
 * proportional to the number of tasks queued before it.
 *
 * Thread:  the loop's.
 */
void rota_clear(struct rota_loop *loop, uint64_t id);

/**
 * Start the delay of a time-out, or the period of an interval, again: it begins
 * now. A time-out can be refreshed only until its callback begins; an interval
 * also in its own callback. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOENT     the calls of @id are over, or it is 0
 *          ROTA_EINVAL     @id is of an immediate
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_refresh(struct rota_loop *loop, uint64_t id);

/**
 * Let the calls of @id keep the loop alive. This is the default. For an
 * immediate, the time this takes is proportional to the number of tasks queued
 * before it. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOENT  the calls of @id are over, or it is 0
 */
int rota_ref(struct rota_loop *loop, uint64_t id);

/**
 * Do not let the calls of @id keep the loop alive. They are then made only
 * while something else does. Otherwise as rota_ref().
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
