/*
 * loop/observe.c - statistics and tracers.
 */
#include "rota/observe.h"

#include "base/clock.h"
#include "base/sized.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/turn.h"

/* The first version of each struct ended here. */
enum {
	LEAST_LOOP_STATS = ROTAI_SIZE_UP_TO(struct rota_stats, lateness),
	LEAST_TRACER_SIZE = ROTAI_SIZE_UP_TO(struct rota_tracer, callback_end),
};

ROTAI_SIZED(struct rota_stats, output_refused);
ROTAI_SIZED(struct rota_tracer, callback_end);

/* Arrays inside structs cannot grow. */
_Static_assert(ROTA_PHASE_COUNT == 7 && ROTA_LATENESS_BUCKETS == 32,
	       "the arrays of struct rota_stats keep their lengths");

/* Compute how often each phase began, so that no phase has to count. Every turn
 * begins every phase, except those that the present turn has not reached, and
 * those of a turn that ended after its timers phase. */
static void count_phases(const struct rota_loop *loop, uint64_t *phases)
{
	for (unsigned i = ROTA_PHASE_TIMERS; i < ROTA_PHASE_COUNT; i++) {
		phases[i] = loop->stats.turns;
		if (i > ROTA_PHASE_TIMERS)
			phases[i] -= loop->cut_turns;
		if (loop->phase != ROTA_PHASE_NONE && i > loop->phase &&
		    !(loop->run_flags & ROTA_RUN_ONLY_EVENTS))
			phases[i]--;
	}
	phases[ROTA_PHASE_POLL] += loop->event_turns;
}

int rota_loop_stats(const struct rota_loop *loop, struct rota_stats *stats)
{
	ROTAI_ENTER_LOOP(loop);
	struct rota_stats now = loop->stats;

	now.callbacks[loop->phase] += loop->calls - loop->calls_at_phase;
	count_phases(loop, now.phases);
	return rotai_sized_give(stats, LEAST_LOOP_STATS, &now, sizeof(now));
}

int rota_loop_trace(struct rota_loop *loop, struct rota_tracer *tracer)
{
	ROTAI_ENTER_LOOP(loop);
	int error = 0;

	if (tracer != NULL)
		error = rotai_sized_check(tracer, LEAST_TRACER_SIZE,
					  sizeof(*tracer));
	if (error < 0)
		return error;
	loop->tracer = tracer;
	loop->observed = loop->measure || tracer != NULL;
	return 0;
}

/* Whether @tracer has @function. If the caller was compiled for an earlier
 * version, its struct may end before that member, which must not be read
 * then. */
#define TELLS(tracer, function)                                                \
	(ROTAI_SIZE_HAS((tracer)->size, struct rota_tracer, function) &&       \
	 (tracer)->function != NULL)

void rotai_trace_begin(struct rota_loop *loop, const char *type,
		       const char *name, const void *object)
{
	struct rota_tracer *tracer = loop->tracer;

	if (TELLS(tracer, callback_begin))
		tracer->callback_begin(tracer, type, name, object);
}

void rotai_trace_end(struct rota_loop *loop, const char *type,
		     const void *object)
{
	struct rota_tracer *tracer = loop->tracer;

	if (TELLS(tracer, callback_end))
		tracer->callback_end(tracer, type, object);
}

static void measure_switch(struct rota_loop *loop)
{
	uint64_t now_ns = rotai_clock_monotonic();

	if (loop->phase != ROTA_PHASE_NONE)
		loop->stats.phase_ns[loop->phase] += now_ns - loop->switched_ns;
	loop->switched_ns = now_ns;
}

static void trace_switch(struct rota_loop *loop, enum rota_phase phase)
{
	struct rota_tracer *tracer = loop->tracer;

	if (loop->phase != ROTA_PHASE_NONE && TELLS(tracer, phase_end))
		tracer->phase_end(tracer, loop->phase);
	if (phase != ROTA_PHASE_NONE && TELLS(tracer, phase_begin))
		tracer->phase_begin(tracer, phase);
}

void rotai_phase_observe(struct rota_loop *loop, enum rota_phase phase)
{
	if (loop->measure)
		measure_switch(loop);
	if (loop->tracer != NULL)
		trace_switch(loop, phase);
}
