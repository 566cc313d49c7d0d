/*
 * loop/timer.h - timers, to the files beside timer.c.
 */
#ifndef ROTAI_LOOP_TIMER_H
#define ROTAI_LOOP_TIMER_H

#include <stdint.h>

#include "loop/loop.h"
#include "rota/timer.h"

/* Call the timers that are due; some are started. */
void rotai_timers_call(struct rota_loop *loop);

/* Call the timers that are due. */
static inline void rotai_timers_run(struct rota_loop *loop)
{
	if (!rotai_wheel_pass(&loop->wheel, loop->now_ns))
		rotai_timers_call(loop);
}

/* Stop them all. */
void rotai_timers_stop(struct rota_loop *loop);

/* Call @fn for every started timer. */
void rotai_timers_each(struct rota_loop *loop,
		       void (*fn)(void *arg, struct rota_timer *timer),
		       void *arg);

/* Start a timer of the library's own. It keeps nothing alive, and its call is
 * not one of the user's: it neither ends ROTA_RUN_ONCE nor is it counted. */
void rotai_timer_start_own(struct rota_timer *timer, rota_timer_fn *fn,
			   uint64_t due_ns);

/* As rota_timer_start(), for a timer that is to be restarted in its callback
 * and then keeps its place among those of the same due time. */
int rotai_timer_start_kept(struct rota_timer *timer, rota_timer_fn *fn,
			   uint64_t delay_ns);

/* Start such a one over in its callback: its delay begins now. Cannot be
 * refused. */
void rotai_timer_restart(struct rota_timer *timer);

/* Whether a timer is the library's own. */
int rotai_timer_is_own(const struct rota_timer *timer);

#endif
