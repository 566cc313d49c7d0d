/*
 * rota/observe.h - see what a loop does: statistics, a list of what keeps it
 * open, and a tracer.
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

/** The number of buckets in the lateness of struct rota_stats. */
enum { ROTA_LATENESS_BUCKETS = 32 };

/** What a loop has done so far. Arrays by phase are indexed by enum rota_phase.
 * A later version may add members at the end. */
struct rota_stats {
	size_t size; /* of this struct, set by the caller */

	uint64_t turns;  /* begun */
	uint64_t waits;  /* calls that ask the kernel for events */
	uint64_t sleeps; /* of these, calls with a time-out other than 0 */
	uint64_t events; /* descriptors that the kernel reported as ready */
	uint64_t stale;  /* of these, dropped: no watch is for them any more */
	uint64_t posts;  /* posted tasks and sent asyncs that were taken over */

	/** How often the tick budget was used up. */
	uint64_t tick_deferrals;

	/** Callbacks in each phase and, at ROTA_PHASE_NONE, outside a turn.
	 * Ticks and microtasks count in the phase in which they ran. */
	uint64_t callbacks[ROTA_PHASE_COUNT];

	/** How often each phase began; 0 at ROTA_PHASE_NONE. */
	uint64_t phases[ROTA_PHASE_COUNT];

	/** Nanoseconds in each phase without the sleep, and nanoseconds asleep:
	 * only if the loop was made with the option measure. */
	uint64_t phase_ns[ROTA_PHASE_COUNT];
	uint64_t idle_ns;

	/** How late timers were called: bucket 0 counts calls less than 1 us
	 * late, bucket i those from 2^(i-1) us to less than 2^i us, and the
	 * last one also all that were later. */
	uint64_t lateness[ROTA_LATENESS_BUCKETS];

	/** Copies of sent data that wait in the queues of streams, in bytes of
	 * memory: now, and the most there ever was; and how many sends were
	 * refused because of rota_loop_set_output_limit(). */
	uint64_t output_bytes;
	uint64_t output_most;
	uint64_t output_refused;
};

/**
 * Store the statistics of @loop in *@stats, of which @stats->size bytes are
 * written. Members that this version of the library does not know are set to 0.
 * A successful shutdown frees the loop, so call this before. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @stats is NULL, or its size is smaller than in the
 *                       first version: *@stats is unchanged
 */
int rota_loop_stats(const struct rota_loop *loop, struct rota_stats *stats);

/** An object that keeps a loop alive or open. A later version may add members
 * at the end. */
struct rota_dump_entry {
	size_t size;        /* of what the library has filled: a member beyond
			     * it is not there */
	const void *object; /* the task, timer, hook, async, watch, handle... */
	const char *type;   /* "task", "timer", ... or the type of a handle */
	const char *name;   /* of a handle, or NULL; of a node its sort, such as
			     * "tick", "post", "idle" or "paused", or NULL */
	const void *data;   /* the data member of the object */
	int fd;             /* of a watch or a handle, or -1 */
	int alive;          /* 1: it keeps the loop alive; 0: only open */
	uint64_t due_ns;    /* of a timer, or of a wall timer by its clock; or
			     * UINT64_MAX */
};

/**
 * Called for each object of a dump. It must not call the library.
 *
 * Phase:   inside rota_loop_dump().
 * Thread:  the loop's.
 * Owner:   *@entry is valid until the callback returns.
 */
typedef void rota_dump_fn(void *arg, const struct rota_dump_entry *entry);

/**
 * Call @fn(@arg, entry) for each object that keeps @loop alive or open: started
 * nodes, queued tasks, handles that are not closed, and requests whose callback
 * has not run. Returns how many there are. @fn may be NULL.
 *
 * Phase:   @fn runs inside this call.
 * Thread:  the loop's.
 */
size_t rota_loop_dump(struct rota_loop *loop, rota_dump_fn *fn, void *arg);

/**
 * Functions to be called for each phase and callback. Any of them may be NULL.
 * They must not call the library. A later version may add functions at the end.
 *
 * Phase:   any.
 * Thread:  the loop's.
 * Owner:   the caller, who keeps it alive and in place while it is set.
 */
struct rota_tracer {
	size_t size; /* of this struct, set by the caller */
	void *data;  /* for the caller */

	void (*phase_begin)(struct rota_tracer *tracer, enum rota_phase phase);
	void (*phase_end)(struct rota_tracer *tracer, enum rota_phase phase);

	/** @type is as in struct rota_dump_entry. @name is that of a handle, or
	 * NULL. */
	void (*callback_begin)(struct rota_tracer *tracer, const char *type,
			       const char *name, const void *object);

	/** The callback may have freed @object: use the address only to tell
	 * which object it was. */
	void (*callback_end)(struct rota_tracer *tracer, const char *type,
			     const void *object);
};

/**
 * Call the functions of @tracer for every phase and callback from now on; NULL
 * ends the tracing. Without a tracer this costs one branch for each phase and
 * callback. Returns 0.
 *
 * Phase:   the functions run where phases and callbacks begin and end.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  the size of @tracer is smaller than in the first
 *                       version, or a function is set that this version of the
 *                       library does not know: the previous tracer stays
 */
int rota_loop_trace(struct rota_loop *loop, struct rota_tracer *tracer);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
