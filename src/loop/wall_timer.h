/*
 * loop/wall_timer.h - timers of the wall clock, for the other files of
 * src/loop.
 */
#ifndef ROTAI_LOOP_WALL_TIMER_H
#define ROTAI_LOOP_WALL_TIMER_H

#include "rota/wall_timer.h"

/* Stop all wall timers. */
void rotai_wall_timers_stop(struct rota_loop *loop);

/* Call @fn for every started wall timer. */
void rotai_wall_timers_each(struct rota_loop *loop,
			    void (*fn)(void *arg,
				       struct rota_wall_timer *timer),
			    void *arg);

#endif
