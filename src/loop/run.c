/*
 * loop/run.c - how many turns the loop makes: run, stop, shutdown, and what a
 * host calls between turns.
 *
 *  1. A run calls back for everything it has seen. What it has not seen is left
 *     to the next run. So a run that ends because nothing is left must not look
 *     into the inbox again: a post that came after its last look would be seen,
 *     but not called.
 *  2. A run that sleeps although nothing keeps the loop alive counts itself in
 *     loop->alive.
 */
#include "base/clock.h"
#include "loop/async.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/closing.h"
#include "loop/hook.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "loop/task.h"
#include "loop/timer.h"
#include "loop/turn.h"
#include "loop/wall_timer.h"

enum {
	ALL_RUN_FLAGS = ROTA_RUN_NO_TIMERS | ROTA_RUN_ONLY_EVENTS |
			ROTA_RUN_UNTIL_WOKEN,
	/* The first version of the struct ended here. */
	LEAST_RUN_SIZE = offsetof(struct rota_run, callbacks) + 8,
};

void rota_loop_stop(struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	loop->stopping = 1;
}

/* The error that a run returns now, or 0. */
static int refusal(const struct rota_loop *loop)
{
	int error = rotai_loop_inherited(loop);

	if (error < 0)
		return error;
	return loop->running ? ROTA_EBUSY : 0; /* T6 */
}

static void begin_running(struct rota_loop *loop)
{
	loop->running = 1;
	loop->thread = pthread_self();
	rotai_inbox_wake_up(loop); /* set to asleep for a host (L5) */
	rotai_loop_read_now(loop);
	/* T2. If there will be a pending phase, deferred ticks wait for it. */
	if (ROTAI_UNLIKELY(loop->drain_deferred) && !rota_loop_alive(loop))
		rotai_ticks_run_deferred(loop);
	else if (loop->after != 0)
		rotai_callback_after(loop);
}

static uint64_t count_of_calls(const struct rota_loop *loop)
{
	return loop->calls - loop->hook_calls;
}

/* In rota_loop_run(), @flags are known at compile time, so here and below they
 * cost nothing. */
ROTAI_INLINE int run_turn(struct rota_loop *loop, enum rotai_turn_kind kind,
			  unsigned flags)
{
	return flags & ROTA_RUN_ONLY_EVENTS ? rotai_turn_of_events(loop, kind)
					    : rotai_turn(loop, kind);
}

/* The three modes. Each returns an error; or 0 if it has looked, and there was
 * no reason for another turn (1); or 1. */

/* T2 */
ROTAI_INLINE int run_default(struct rota_loop *loop, unsigned flags)
{
	int status = 0;

	if (flags == 0)
		return rotai_turns(loop);
	while (status == 0 && rotai_may_go_on(loop))
		status = run_turn(loop, ROTAI_TURN_SLEEPS, flags);
	return status;
}

/* T3. @before is the number of callbacks when the run began. */
ROTAI_INLINE int run_once(struct rota_loop *loop, unsigned flags,
			  uint64_t before)
{
	enum rotai_turn_kind kind = count_of_calls(loop) == before
					    ? ROTAI_TURN_ONCE
					    : ROTAI_TURN_NOWAIT;
	int status;

	do {
		if (!rotai_may_go_on(loop))
			return 0;
		status = run_turn(loop, kind, flags);
		kind = ROTAI_TURN_ONCE_MORE;
	} while (status == 0 && count_of_calls(loop) == before);
	return status < 0 ? status : 1;
}

/* T4 */
ROTAI_INLINE int run_nowait(struct rota_loop *loop, unsigned flags)
{
	int status;

	if (!rotai_may_go_on(loop))
		return 0;
	status = run_turn(loop, ROTAI_TURN_NOWAIT, flags);
	return status < 0 ? status : 1;
}

ROTAI_INLINE int run_as(struct rota_loop *loop, enum rota_run_mode mode,
			unsigned flags, uint64_t before)
{
	if (mode == ROTA_RUN_DEFAULT)
		return run_default(loop, flags);
	return mode == ROTA_RUN_ONCE ? run_once(loop, flags, before)
				     : run_nowait(loop, flags);
}

/* End a run whose turns ended with @status. Returns what the run returns. */
static int end_running(struct rota_loop *loop, int status)
{
	if (status > 0 || (status == 0 && loop->stopping))
		status = rota_loop_alive(loop); /* (1) */
	if (status == 0)
		loop->cut = 0; /* the next run begins with a new turn */
	loop->running = 0;
	loop->stopping = 0;
	return status;
}

ROTAI_INLINE int run_in_mode(struct rota_loop *loop, enum rota_run_mode mode,
			     unsigned flags)
{
	uint64_t before = count_of_calls(loop);
	unsigned held = (flags & ROTA_RUN_UNTIL_WOKEN) != 0;
	int status = 0;

	if (loop->stopping) /* T5 */
		return end_running(loop, 0);
	loop->run_flags =
		(uint8_t)(mode == ROTA_RUN_NOWAIT ? flags | ROTAI_RUN_NOWAIT
						  : flags);
	loop->alive += held; /* (2) */
	begin_running(loop);
	status = run_as(loop, mode, flags, before);
	loop->alive -= held;
	loop->run_flags = 0;
	return end_running(loop, status);
}

int rota_loop_run(struct rota_loop *loop, enum rota_run_mode mode)
{
	ROTAI_ENTER_LOOP(loop);
	int error = refusal(loop);

	if (error < 0)
		return error;
	if ((unsigned)mode > ROTA_RUN_NOWAIT)
		return ROTA_EINVAL;
	return run_in_mode(loop, mode, 0);
}

static int check_run(const struct rota_run *how)
{
	const unsigned char *bytes = (const unsigned char *)how;

	if (how == NULL || how->size < LEAST_RUN_SIZE ||
	    (unsigned)how->mode > ROTA_RUN_NOWAIT ||
	    (how->flags & ~(unsigned)ALL_RUN_FLAGS))
		return ROTA_EINVAL;
	/* Members of a later version, which this one does not know, must be
	 * 0. */
	for (size_t i = sizeof(*how); i < how->size; i++)
		if (bytes[i] != 0)
			return ROTA_EINVAL;
	return 0;
}

int rota_loop_run_with(struct rota_loop *loop, struct rota_run *how)
{
	ROTAI_ENTER_LOOP(loop);
	uint64_t before = count_of_calls(loop);
	int status = refusal(loop);

	if (status == 0)
		status = check_run(how);
	if (status < 0)
		return status;
	status = run_in_mode(loop, how->mode, how->flags);
	how->callbacks = count_of_calls(loop) - before;
	return status;
}

void rota_loop_skip_sleep(struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	loop->skip_sleep = 1;
}

static void stop_nodes(struct rota_loop *loop)
{
	rotai_quick_clear(loop);
	rotai_wall_timers_stop(loop);
	rotai_timers_stop(loop);
	rotai_hooks_stop(loop);
	rotai_asyncs_stop(loop);
	rotai_watches_stop(loop);
}

/* Close the inbox for good if nothing is open. Returns whether it did. A post
 * that came just before counts as open, and one that comes after is refused. */
static int is_at_its_end(struct rota_loop *loop)
{
	return !rotai_loop_is_open(loop) && rotai_inbox_close(&loop->inbox);
}

/* Convert a deadline of the loop's time to the system's time. A virtual clock
 * stands still while a pool thread works for the loop, and while immediates
 * queue themselves and there is no timer to jump to. The system's clock goes
 * on. */
static uint64_t real_time_of(struct rota_loop *loop, uint64_t deadline_ns)
{
	uint64_t now_ns = loop->clock(loop);

	if (deadline_ns == UINT64_MAX)
		return UINT64_MAX;
	return rotai_add_saturated(rotai_clock_monotonic(),
				   deadline_ns > now_ns ? deadline_ns - now_ns
							: 0);
}

/* Whether the deadline has passed. The system's clock counts only while a
 * virtual clock stands still at *@seen_ns. Otherwise a process that waits for a
 * processor would run out of virtual time. */
static int is_past(struct rota_loop *loop, uint64_t deadline_ns,
		   uint64_t *seen_ns)
{
	uint64_t now_ns = loop->clock(loop);

	if (now_ns >= deadline_ns)
		return 1;
	if (now_ns == *seen_ns)
		return rotai_clock_monotonic() >= loop->real_limit_ns;
	*seen_ns = now_ns;
	loop->real_limit_ns = real_time_of(loop, deadline_ns);
	return 0;
}

/* Make turns until nothing is open. Returns 0, or the error that prevented
 * it. */
static int run_to_the_end(struct rota_loop *loop, uint64_t deadline_ns)
{
	uint64_t seen_ns = UINT64_MAX;
	int status;

	for (;;) {
		/* A callback may have forked. Then the child leaves the rest to
		 * the parent. */
		status = rotai_loop_inherited(loop);
		if (status < 0)
			return status;
		/* A callback of the last turn may have opened a handle. */
		rotai_handles_close(loop);
		rotai_requests_cancel(loop);
		if (is_at_its_end(loop))
			return 0;
		if (is_past(loop, deadline_ns, &seen_ns))
			return ROTA_ETIMEDOUT;
		status = rotai_turn(loop, ROTAI_TURN_SLEEPS);
		if (status < 0)
			return status;
		loop->stopping = 0;
	}
}

static void refuse(struct rota_loop *loop, int refuses)
{
	loop->shutting_down = refuses != 0;
	rotai_inbox_refuse(&loop->inbox, refuses);
}

int rota_loop_shutdown(struct rota_loop *loop, uint64_t deadline_ns)
{
	ROTAI_ENTER_LOOP(loop);
	int status = refusal(loop);

	if (status < 0)
		return status;
	refuse(loop, 1);
	stop_nodes(loop);
	begin_running(loop);
	status = run_to_the_end(loop, deadline_ns);
	loop->running = 0;
	loop->stopping = 0;
	if (status == 0) {
		rota_loop_unref(loop);
		return 0;
	}
	loop->real_limit_ns = UINT64_MAX;
	refuse(loop, 0);
	return status;
}

/* Whether the next run has ticks or microtasks to drain, even if nothing keeps
 * the loop alive. (T2) */
static int drain_is_due(const struct rota_loop *loop)
{
	return !rotai_queue_is_empty(&loop->ticks) ||
	       !rotai_queue_is_empty(&loop->microtasks);
}

int rota_loop_next_timeout(struct rota_loop *loop, int64_t *timeout_ns)
{
	ROTAI_ENTER_LOOP(loop);
	int error = refusal(loop);
	int refused;

	if (error < 0)
		return error;
	if (timeout_ns == NULL)
		return ROTA_EINVAL;
	if (loop->after & ROTAI_AFTER_EXTENSIONS)
		rotai_extensions_after(loop);
	refused = rotai_watches_flush(loop, NULL, 0);
	refused += loop->ops->submit(loop->poller);
	if (!rota_loop_alive(loop)) /* a run would make no turn */
		*timeout_ns = drain_is_due(loop) ? 0 : -1;
	else if (refused > 0 || loop->skip_sleep || loop->more_ready ||
		 rotai_work_is_queued(loop))
		*timeout_ns = 0;
	else
		*timeout_ns = rotai_wait_ns(loop);
	/* A post that comes from here on makes the poller's descriptor
	 * readable. */
	if (!rotai_inbox_fall_asleep(loop))
		*timeout_ns = 0;
	return 0;
}
