/*
 * loop/turn.h - one turn of the loop, and how long it may sleep.
 */
#ifndef ROTAI_LOOP_TURN_H
#define ROTAI_LOOP_TURN_H

#include <stdint.h>

#include "loop/loop.h"

/* Run one turn, or the rest of the one that ended with its timers phase (T3):
 * 0, or why the kernel could not be waited for. */
int rotai_turn(struct rota_loop *loop, enum rotai_turn_kind kind);

/* Wait, and call what the kernel reports, and nothing else. Errors as in
 * rotai_turn(). */
int rotai_turn_of_events(struct rota_loop *loop, enum rotai_turn_kind kind);

/* Run turns until nothing keeps the loop alive or it is stopped (T2). Errors as
 * in rotai_turn(). */
int rotai_turns(struct rota_loop *loop);

/* Whether there is a reason for another turn. */
static inline int rotai_may_go_on(struct rota_loop *loop)
{
	/* What has come in counts as well, and is looked at only if there is
	 * nothing else. */
	return !loop->stopping && (loop->alive > 0 || rota_loop_alive(loop));
}

/* Whether something is queued that runs without the kernel's doing. (L4) */
int rotai_work_is_queued(const struct rota_loop *loop);

/* How long the loop may sleep, by the clock, now: nanoseconds, 0, or -1 for no
 * limit. (C4) */
int64_t rotai_wait_ns(struct rota_loop *loop);

/* Tell the kernel what has changed, wait for it, until a timer is due if the
 * loop may sleep, and fill @ready: how many, or an error. Moves a virtual clock
 * in place of sleeping. (C10) */
int rotai_wait(struct rota_loop *loop, int may_sleep, struct rotai_ready *ready,
	       int max);

/* Tell who wants to know that the phase changes. */
void rotai_phase_observe(struct rota_loop *loop, enum rota_phase phase);

static inline void rotai_phase_begin(struct rota_loop *loop,
				     enum rota_phase phase)
{
	if (ROTAI_UNLIKELY(loop->observed))
		rotai_phase_observe(loop, phase);
	/* Here, and not at every callback. */
	if (loop->calls != loop->calls_at_phase) {
		loop->stats.callbacks[loop->phase] +=
			loop->calls - loop->calls_at_phase;
		loop->calls_at_phase = loop->calls;
	}
	loop->phase = phase;
}

#endif
