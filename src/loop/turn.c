/*
 * loop/turn.c - one turn of the loop.
 *
 * This file shows the whole order in which the loop works. A turn has six
 * phases. The phase of a callback says what has already happened when it runs:
 *
 *     timers    timers that are due, earliest first
 *     pending   completions that were deferred: a request never calls back
 *               from inside the call that started it
 *     prepare   idle hooks, then prepare hooks
 *     poll      wait for the kernel, then call back what is ready and what
 *               other threads have posted
 *     check     check hooks, then immediates
 *     closing   close callbacks; here handles leave the loop
 *
 * In every phase:
 *  1. now_ns changes only at the start of a turn and after the wait, so all
 *     callbacks of one phase see the same time. Due times and the length of a
 *     wait are computed from the clock itself.
 *  2. A phase takes its whole queue before it walks it, in the order in which
 *     the queue was filled. Hooks are the exception: their walk skips those
 *     that were started in the phase. So work that a callback adds to its own
 *     phase waits for the next turn, and no phase can be kept busy forever.
 *     What a callback stops leaves the walk.
 *  3. Between any two callbacks all ticks run, and then all microtasks: see
 *     callback.h.
 *  4. ready[] names descriptors, not objects, so any callback may free any
 *     object. watches.fds[fd] leads to the watches that exist now, and an event
 *     with an old generation is dropped.
 *  5. There are few function calls on the way to the wait. Because of the
 *     kernel's guards against speculation, the processor mispredicts every
 *     return after a system call, at some 6 ns each (bench/turn.c). So a turn
 *     is inline, and the loop that makes turns is in this file.
 */
#include "loop/turn.h"

#include "loop/closing.h"
#include "loop/dispatch.h"
#include "loop/hook.h"
#include "loop/posts.h"
#include "loop/request.h"
#include "loop/task.h"
#include "loop/timer.h"

/* The number of callbacks, without hooks: these do not end a run. */
static uint64_t calls_that_count(const struct rota_loop *loop)
{
	return loop->calls - loop->hook_calls;
}

ROTAI_INLINE int may_sleep(const struct rota_loop *loop,
			   enum rotai_turn_kind kind, int called)
{
	if (kind == ROTAI_TURN_NOWAIT)
		return 0;
	if (kind != ROTAI_TURN_SLEEPS && called)
		return 0;                                             /* T3 */
	if ((loop->stopping | loop->skip_sleep | loop->more_ready) || /* T5 */
	    loop->alive == 0)                                         /* T11 */
		return 0;
	/* A run that handles events only does not call queued work. So that
	 * work must not keep it awake. */
	return !rotai_work_is_queued(loop) || /* L4 */
	       ((loop->run_flags & ROTA_RUN_ONLY_EVENTS) &&
		!loop->drain_deferred);
}

/* The first wait was full: wait again a few times, without sleeping, and report
 * no descriptor twice. Returns the result of the last wait. */
static __attribute__((noinline)) int wait_again(struct rota_loop *loop,
						struct rotai_ready *ready)
{
	int told[(ROTA_WAITS_PER_TURN - 1) * ROTA_EVENTS_PER_WAIT];
	int count = 0;
	int n = ROTA_EVENTS_PER_WAIT;
	int fresh = n;

	for (int waits = 1; waits < ROTA_WAITS_PER_TURN &&
			    n == ROTA_EVENTS_PER_WAIT && fresh == n;
	     waits++) {
		count += rotai_told_mark(loop, ready, n, told + count);
		n = rotai_wait(loop, 0, ready, ROTA_EVENTS_PER_WAIT);
		fresh = rotai_told_drop(loop, ready, n);
		if (fresh > 0)
			rotai_watches_run(loop, ready, fresh); /* (4) */
	}
	rotai_told_forget(loop, told, count);
	return n;
}

/* If @posts is 0, only what the kernel reports is called. Posts are taken over,
 * but stay queued. */
ROTAI_INLINE int poll_and_dispatch(struct rota_loop *loop, int sleeps,
				   int posts)
{
	struct rotai_ready ready[ROTA_EVENTS_PER_WAIT];
	int n = rotai_wait(loop, sleeps, ready, ROTA_EVENTS_PER_WAIT);

	loop->skip_sleep = 0;
	rotai_loop_read_now(loop);
	if (posts) {
		rotai_posts_take(loop); /* (2) */
		rotai_hooks_run(loop, ROTA_HOOK_POLL);
	} else {
		rotai_inbox_take_over(loop);
	}
	if (n > 0)
		rotai_watches_run(loop, ready, n); /* (4) */
	if (ROTAI_UNLIKELY(n == ROTA_EVENTS_PER_WAIT))
		n = wait_again(loop, ready);
	loop->more_ready = n == ROTA_EVENTS_PER_WAIT;

	if (posts)
		rotai_posts_run(loop);
	return n < 0 ? n : 0;
}

/* The timers phase. Returns whether the turn ends after it. (T3) */
ROTAI_INLINE int timers(struct rota_loop *loop, enum rotai_turn_kind kind,
			uint64_t before)
{
	loop->stats.turns++;
	if (loop->calls != loop->calls_at_now)
		rotai_loop_read_now(loop);

	rotai_phase_begin(loop, ROTA_PHASE_TIMERS);
	rotai_timers_run(loop);
	if (kind != ROTAI_TURN_ONCE_MORE || loop->stopping || /* T5 */
	    calls_that_count(loop) == before)
		return 0;
	loop->cut = 1;
	loop->cut_turns++;
	return 1;
}

/* Make a turn; or, if @begun, the rest of one that ended after its timers
 * phase. */
ROTAI_INLINE int turn(struct rota_loop *loop, enum rotai_turn_kind kind,
		      int begun)
{
	uint64_t before = calls_that_count(loop);
	int called;
	int status = 0;

	if (!begun && timers(loop, kind, before))
		goto end;

	rotai_phase_begin(loop, ROTA_PHASE_PENDING);
	rotai_pending_run(loop);

	rotai_phase_begin(loop, ROTA_PHASE_PREPARE);
	rotai_hooks_run(loop, ROTA_HOOK_IDLE);
	rotai_hooks_run(loop, ROTA_HOOK_PREPARE);

	rotai_phase_begin(loop, ROTA_PHASE_POLL);
	called = calls_that_count(loop) != before;
	status = poll_and_dispatch(loop, may_sleep(loop, kind, called), 1);

	rotai_phase_begin(loop, ROTA_PHASE_CHECK);
	rotai_immediates_take(loop); /* (2) */
	rotai_hooks_run(loop, ROTA_HOOK_CHECK);
	rotai_immediates_run(loop);

	rotai_phase_begin(loop, ROTA_PHASE_CLOSING);
	rotai_closing_run(loop);

end:
	rotai_phase_begin(loop, ROTA_PHASE_NONE);
	return status;
}

int rotai_turn(struct rota_loop *loop, enum rotai_turn_kind kind)
{
	int begun = loop->cut;

	loop->cut = 0;
	loop->cut_turns -= (unsigned)begun;
	return turn(loop, kind, begun);
}

int rotai_turns(struct rota_loop *loop)
{
	int status = 0;

	while (status == 0 && rotai_may_go_on(loop))
		status = ROTAI_UNLIKELY(loop->cut)
				 ? rotai_turn(loop, ROTAI_TURN_SLEEPS)
				 : turn(loop, ROTAI_TURN_SLEEPS, 0);
	return status;
}

int rotai_turn_of_events(struct rota_loop *loop, enum rotai_turn_kind kind)
{
	int status;

	loop->event_turns++;
	rotai_phase_begin(loop, ROTA_PHASE_POLL);
	rotai_ticks_run_deferred(loop); /* there is no pending phase (T10) */
	status = poll_and_dispatch(loop, may_sleep(loop, kind, 0), 0);
	rotai_phase_begin(loop, ROTA_PHASE_NONE);
	return status;
}
