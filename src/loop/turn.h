/*
 * loop/turn.h - one turn of the loop, and how long it may sleep.
 */
#ifndef ROTAI_LOOP_TURN_H
#define ROTAI_LOOP_TURN_H

#include <stdint.h>

#include "loop/loop.h"

/* Run one turn, or the rest of one that ended after its timers phase (T3).
 * Returns 0, or the error of the wait. */
int rotai_turn(struct rota_loop *loop, enum rotai_turn_kind kind);

/* Wait, and call what the kernel reports, and nothing else. Returns as
 * rotai_turn() does. */
int rotai_turn_of_events(struct rota_loop *loop, enum rotai_turn_kind kind);

/* Run turns until nothing keeps the loop alive, or it is stopped (T2). Returns
 * as rotai_turn() does. */
int rotai_turns(struct rota_loop *loop);

/* Whether there is a reason for another turn. */
static inline int rotai_may_go_on(struct rota_loop *loop)
{
	/* The inbox counts as well, but is looked into only if nothing else
	 * keeps the loop alive. */
	return !loop->stopping && (loop->alive > 0 || rota_loop_alive(loop));
}

/* Whether something is queued that will run without an event of the kernel.
 * (L4) */
int rotai_work_is_queued(const struct rota_loop *loop);

/* How long the loop may sleep, computed from the clock now: nanoseconds, 0, or
 * -1 for no limit. (C4) */
int64_t rotai_wait_ns(struct rota_loop *loop);

/* Pass all changes to the kernel, wait, and fill @ready. If the loop may sleep,
 * it sleeps until a timer is due. Returns how many entries were filled, or an
 * error. A virtual clock is moved instead of sleeping. (C10) */
int rotai_wait(struct rota_loop *loop, int may_sleep, struct rotai_ready *ready,
	       int max);

/* Report that the phase changes, to the statistics and the tracer. */
void rotai_phase_observe(struct rota_loop *loop, enum rota_phase phase);

static inline void rotai_phase_begin(struct rota_loop *loop,
				     enum rota_phase phase)
{
	if (ROTAI_UNLIKELY(loop->observed))
		rotai_phase_observe(loop, phase);
	/* Counted here, and not at every callback. */
	if (loop->calls != loop->calls_at_phase) {
		loop->stats.callbacks[loop->phase] +=
			loop->calls - loop->calls_at_phase;
		loop->calls_at_phase = loop->calls;
	}
	loop->phase = phase;
}

#endif
