/*
 * loop/turn.c - one turn of the loop.
 *
 * This page is the loop's whole order of work. A turn walks six phases; the
 * phase a callback belongs to says what has already happened when it runs:
 *
 *     timers    timers that are due, earliest first
 *     pending   completions that were put off: a request never calls back
 *               from inside the call that started it
 *     prepare   idle hooks, then prepare hooks
 *     poll      wait for the kernel, then call back what is ready and what
 *               other threads have posted
 *     check     check hooks, then immediates
 *     closing   close callbacks; here handles leave the loop
 *
 * What holds in every phase:
 *  1. now_ns changes only at the top of a turn and after the wait, so all
 *     callbacks of one phase agree on the time. Due times and the length of a
 *     wait are computed from the clock itself.
 *  2. A phase takes its queue whole before walking it, in the order it was
 *     filled, or, as hooks, tells what came since. Work that a callback adds
 *     waits for the next turn, so no phase can be kept busy for ever; what a
 *     callback stops leaves the walk.
 *  3. Between any two callbacks the tick queue is run to its end, and then the
 *     microtask queue: see callback.h.
 *  4. ready[] names descriptors, not objects: any callback may free any
 *     object. watches.fds[fd] leads to the watches of today, and a generation
 *     that has moved on drops the event.
 *  5. Little is called on the way to the wait: what guards against speculation
 *     in the kernel has every return after a system call mispredicted, at some
 *     6 ns each (bench/turn.c). So a turn is inline, and has its loop here.
 */
#include "loop/turn.h"

#include "loop/closing.h"
#include "loop/dispatch.h"
#include "loop/hook.h"
#include "loop/posts.h"
#include "loop/request.h"
#include "loop/task.h"
#include "loop/timer.h"

/* How often the user was called, hooks apart: they do not end a run. */
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
	/* What a run of events alone does not call must not keep it awake. */
	return !rotai_work_is_queued(loop) || /* L4 */
	       ((loop->run_flags & ROTA_RUN_ONLY_EVENTS) &&
		!loop->drain_deferred);
}

/* The first wait was full: make some more, without sleeping, and report
 * nothing twice. Returns what the last one did. */
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

/* With @posts 0 only what the kernel reports is called; what has come in stays
 * in line. */
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

/* The first phase: whether the turn is cut after it. (T3) */
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

/* A turn, or, with @begun, the rest of one that was cut. */
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
	rotai_ticks_run_deferred(loop); /* no pending phase will (T10) */
	status = poll_and_dispatch(loop, may_sleep(loop, kind, 0), 0);
	rotai_phase_begin(loop, ROTA_PHASE_NONE);
	return status;
}
