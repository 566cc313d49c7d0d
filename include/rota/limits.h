/*
 * rota/limits.h - how much one turn does before it moves on.
 *
 * What is left over is never dropped: it waits for the next turn, and the
 * wait of that turn is zero.
 */
#ifndef ROTA_LIMITS_H
#define ROTA_LIMITS_H

/** Bounds on the work of one turn. */
enum {
	/** Events that one wait takes from the kernel. */
	ROTA_EVENTS_PER_WAIT = 256,

	/** Waits in one turn. A second one, which does not sleep, is made only
	 * if the one before it came back full. */
	ROTA_WAITS_PER_TURN = 4,

	/** Posted tasks and async sends called in one turn. */
	ROTA_POSTS_PER_TURN = 4096,

	/** Ticks and microtasks run in a row before the rest is put off to the
	 * next pending phase: the default of the loop's tick_budget. */
	ROTA_TICK_BUDGET = 65536,
};

#endif
