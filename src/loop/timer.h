/*
 * loop/timer.h - timers, for the other files of src/loop.
 */
#ifndef ROTAI_LOOP_TIMER_H
#define ROTAI_LOOP_TIMER_H

#include <stdint.h>

#include "loop/loop.h"
#include "rota/timer.h"

/* Call the timers that are due. The wheel may have some. */
void rotai_timers_call(struct rota_loop *loop);

/* Call the timers that are due. */
static inline void rotai_timers_run(struct rota_loop *loop)
{
	if (!rotai_wheel_pass(&loop->wheel, loop->now_ns))
		rotai_timers_call(loop);
}

/* Stop all timers. */
void rotai_timers_stop(struct rota_loop *loop);

/* Call @fn for every started timer. */
void rotai_timers_each(struct rota_loop *loop,
		       void (*fn)(void *arg, struct rota_timer *timer),
		       void *arg);

/* Start a timer that belongs to the library. It does not keep the loop alive,
 * and its call does not count as a callback of the user: it is not in the
 * statistics and does not end ROTA_RUN_ONCE. */
void rotai_timer_start_own(struct rota_timer *timer, rota_timer_fn *fn,
			   uint64_t due_ns);

/* As rota_timer_start(), for a timer that its callback restarts, and that then
 * keeps its position among timers of the same due time. */
int rotai_timer_start_kept(struct rota_timer *timer, rota_timer_fn *fn,
			   uint64_t delay_ns);

/* Restart such a timer in its callback. Its delay begins now. This cannot
 * fail. */
void rotai_timer_restart(struct rota_timer *timer);

/* Whether @timer belongs to the library. */
int rotai_timer_is_own(const struct rota_timer *timer);

#endif
