/*
 * rota/observe.h - see what the loop does: figures, a list of what is open,
 * and a tracer.
 */
#ifndef ROTA_OBSERVE_H
#define ROTA_OBSERVE_H

#include <stddef.h>
#include <stdint.h>

#include "rota/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

enum { ROTA_LATENESS_BUCKETS = 32 };

/** What a loop has done so far. Indexed by enum rota_phase. A later version
 * may have more at the end. */
struct rota_stats {
	size_t size; /* of this struct, set by the caller */

	uint64_t turns;  /* begun */
	uint64_t waits;  /* asked of the kernel */
	uint64_t sleeps; /* of these, with a time-out that was not 0 */
	uint64_t events; /* descriptors that the kernel said were ready */
	uint64_t stale;  /* of these, dropped: stopped in the same batch */
	uint64_t posts;  /* taken from the inbox */

	/** Drains that ran into the tick budget. */
	uint64_t tick_deferrals;

	/** Callbacks made in each phase, and in none: ticks and microtasks
	 * count where they ran. */
	uint64_t callbacks[ROTA_PHASE_COUNT];

	/** Times each phase began; none for ROTA_PHASE_NONE. */
	uint64_t phases[ROTA_PHASE_COUNT];

	/** Nanoseconds in each phase, the sleep not counted, and asleep: only
	 * if the loop was made with the option measure. */
	uint64_t phase_ns[ROTA_PHASE_COUNT];
	uint64_t idle_ns;

	/** How late timers were called: bucket 0 counts those under 1 us, and
	 * bucket i those from 2^(i-1) us to under 2^i us. */
	uint64_t lateness[ROTA_LATENESS_BUCKETS];
};

/**
 * Fill *@stats, as far as @stats->size says. What only a later version than the
 * library's knows is set to 0. A shutdown ends with the loop gone: for its
 * figures up to there, ask before.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @stats is NULL, or its size is less than that of the
 *                       first version
 */
int rota_loop_stats(const struct rota_loop *loop, struct rota_stats *stats);

/** One thing that keeps a loop alive or open. A later version may have more at
 * the end. */
struct rota_dump_entry {
	size_t size;        /* of what the library has filled: a member that
			     * lies beyond it is not there */
	const void *object; /* the task, timer, hook, async, watch, handle... */
	const char *type;   /* "task", "timer", ... or a handle's own */
	const char *name;   /* a handle's, or NULL; of a node, which sort it is:
			     * "tick", "post", "idle", "paused", ... or NULL */
	const void *data;   /* the object's own data pointer */
	int fd;             /* a watch's or a handle's, or -1 */
	int alive;          /* 1: it keeps the loop alive; 0: only open */
	uint64_t due_ns;    /* a timer's, or UINT64_MAX */
};

/**
 * Called for each thing that a dump finds. It may look, and must not call the
 * library.
 *
 * Phase:   inside rota_loop_dump().
 */
typedef void rota_dump_fn(void *arg, const struct rota_dump_entry *entry);

/**
 * Call @fn(@arg, entry) for all that keeps @loop alive or open. Returns how
 * many there are; @fn may be NULL.
 *
 * Thread:  the loop's.
 */
size_t rota_loop_dump(struct rota_loop *loop, rota_dump_fn *fn, void *arg);

/**
 * What a tracer is told. Any of the functions may be NULL. They must not call
 * the library. A later version may have more functions at the end.
 *
 * Owner:   the caller, who keeps it alive and in place while it is set.
 */
struct rota_tracer {
	size_t size; /* of this struct, set by the caller */
	void *data;  /* yours */

	void (*phase_begin)(struct rota_tracer *tracer, enum rota_phase phase);
	void (*phase_end)(struct rota_tracer *tracer, enum rota_phase phase);

	/** @type as in struct rota_dump_entry; @name is a handle's, or NULL. */
	void (*callback_begin)(struct rota_tracer *tracer, const char *type,
			       const char *name, const void *object);

	/** @object may be gone: its address only tells which it was. */
	void (*callback_end)(struct rota_tracer *tracer, const char *type,
			     const void *object);
};

/**
 * Tell @tracer of every phase and callback from now on; NULL: nobody. With
 * nobody listening it costs one branch each.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  the size of @tracer is less than that of the first
 *                       version, or a function is set that the library does not
 *                       know. The tracer that was set before stays.
 */
int rota_loop_trace(struct rota_loop *loop, struct rota_tracer *tracer);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
