/*
 * loop/wait.c - how long the loop sleeps, and the sleep itself.
 *
 *  1. The length is computed from the clock just before the wait, not from
 *     now_ns, so callbacks that ran before it make no timer late (C4).
 *  2. A loop with a virtual clock does not sleep. It asks the kernel without
 *     waiting. If the kernel has nothing, the clock jumps to the next due time,
 *     which may be a request's deadline. The loop waits for real while a pool
 *     thread works for it, and if there is no due time (C10).
 *  3. The loop sets its inbox to asleep before it sleeps, and to awake after.
 *     So a thread that posts makes a system call only if the loop sleeps.
 *  4. If the loop has a spinner, it first busy-waits for something in the
 *     inbox. It does not if a timer falls due in that time, so no timer is
 *     late. If it hardly ever finds something, it rarely busy-waits: see
 *     base/spin.h.
 *  5. If a program's threads share the loop under a lock, the loop releases the
 *     lock around every wait. Meanwhile is_unlocked is set, and what the other
 *     threads change about descriptors is deferred: see registration.c (6).
 *     What they want done at the end of a callback is done after the wait.
 *  6. Idle hooks, and immediates that queue themselves, would hold a virtual
 *     clock forever. So after ROTA_VIRTUAL_TURNS turns in a row that did
 *     nothing else, the clock jumps all the same.
 *  7. A loop without watches need not ask the kernel if it does not sleep: the
 *     kernel would report nothing, and what other threads post is in the inbox.
 *     This matters if a module has more to do in the next pending phase, such
 *     as files that need no thread: then the question is left out.
 */
#include "base/clock.h"
#include "base/processor.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/renew.h"
#include "loop/turn.h"

static const int64_t LONGEST_NS = INT64_C(24) * 3600 * 1000000000;

/* Whether there are callbacks that may be queued again in every turn. (6) */
ROTAI_INLINE int loop_is_busy(const struct rota_loop *loop)
{
	return !rotai_queue_is_empty(&loop->immediates) ||
	       !rotai_list_is_empty(&loop->hooks[ROTA_HOOK_IDLE]);
}

ROTAI_INLINE int callbacks_are_queued(const struct rota_loop *loop)
{
	return !rotai_queue_is_empty(&loop->ticks) ||
	       !rotai_queue_is_empty(&loop->microtasks) ||
	       !rotai_queue_is_empty(&loop->posts) ||
	       !rotai_list_is_empty(&loop->ended) || loop->extensions_pending ||
	       !rotai_list_is_empty(&loop->closing) ||
	       !rotai_list_is_empty(&loop->closing_ended);
}

int rotai_work_is_queued(const struct rota_loop *loop)
{
	return loop_is_busy(loop) || callbacks_are_queued(loop);
}

static int is_virtual(const struct rota_loop *loop)
{
	return loop->clock == rotai_loop_virtual_clock;
}

/* Whether something that will end holds a virtual clock, so that (6) does not
 * apply. */
static int is_held(const struct rota_loop *loop)
{
	return loop->at_threads > 0 || loop->more_ready ||
	       (loop->after & ROTAI_AFTER_EXTENSIONS) ||
	       callbacks_are_queued(loop);
}

int rota_loop_may_advance(struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	if (!is_virtual(loop))
		return ROTA_ENOTSUP;
	rotai_inbox_take_over(loop);
	return !is_held(loop) &&
	       (!loop_is_busy(loop) || loop->busy_turns >= ROTA_VIRTUAL_TURNS);
}

/* The time until @due_ns, as the time-out of a wait. */
static int64_t until(uint64_t due_ns, uint64_t now_ns)
{
	if (due_ns <= now_ns)
		return 0;
	return due_ns - now_ns > INT64_MAX ? INT64_MAX
					   : (int64_t)(due_ns - now_ns);
}

ROTAI_INLINE int64_t wait_ns(struct rota_loop *loop)
{
	uint64_t due_ns = rotai_wheel_next_due(&loop->wheel);

	if (due_ns == UINT64_MAX ||
	    (loop->run_flags & (ROTA_RUN_NO_TIMERS | ROTA_RUN_ONLY_EVENTS)))
		return -1;
	return until(due_ns, loop->clock(loop)); /* (1) */
}

int64_t rotai_wait_ns(struct rota_loop *loop)
{
	return wait_ns(loop);
}

/* Shorten @timeout_ns to what the kernel accepts, and to a shutdown's deadline
 * in real time. */
static int64_t limited(const struct rota_loop *loop, int64_t timeout_ns)
{
	int64_t left_ns;

	/* Darwin refuses waits of several years, and 32 bits hold at most 68
	 * years of seconds. Waking up once a day costs next to nothing. */
	if (timeout_ns > LONGEST_NS)
		timeout_ns = LONGEST_NS;
	if (loop->real_limit_ns == UINT64_MAX || timeout_ns == 0)
		return timeout_ns;
	left_ns = until(loop->real_limit_ns, rotai_clock_monotonic());
	return timeout_ns < 0 || left_ns < timeout_ns ? left_ns : timeout_ns;
}

/* (5) */
static int wait_unlocked(struct rota_loop *loop, int64_t timeout_ns,
			 struct rotai_ready *ready, int max)
{
	int n;

	loop->is_unlocked = 1;
	loop->release(loop, loop->lock_arg);
	n = rotai_poller_wait(loop, timeout_ns, ready, max);
	loop->acquire(loop, loop->lock_arg);
	loop->is_unlocked = 0;
	if (loop->after != 0)
		rotai_callback_after(loop);
	return n;
}

static __attribute__((noinline)) int wait_unusually(struct rota_loop *loop,
						    int64_t timeout_ns,
						    struct rotai_ready *ready,
						    int max)
{
	int n;

	if (loop->wait_flags == ROTAI_WAIT_HURRIES && timeout_ns == 0 &&
	    loop->watches.watched == 0) {
		loop->stats.waits--; /* (7) */
		return 0;
	}
	n = loop->wait_flags & ROTAI_WAIT_UNLOCKED
		    ? wait_unlocked(loop, timeout_ns, ready, max)
		    : rotai_poller_wait(loop, timeout_ns, ready, max);
	return loop->wait_flags & ROTAI_WAIT_STUCK
		       ? rotai_stale_drop(loop, ready, n)
		       : n;
}

static inline int wait_poller(struct rota_loop *loop, int64_t timeout_ns,
			      struct rotai_ready *ready, int max)
{
	if (ROTAI_UNLIKELY(loop->wait_flags != 0))
		return wait_unusually(loop, timeout_ns, ready, max);
	return loop->ops->wait(loop->poller, timeout_ns, ready, max);
}

static int sleep_and_count(struct rota_loop *loop, int64_t timeout_ns,
			   struct rotai_ready *ready, int max)
{
	uint64_t from_ns;
	uint64_t slept_ns;
	int n;

	loop->stats.sleeps++;
	if (!loop->measure)
		return wait_poller(loop, timeout_ns, ready, max);
	from_ns = rotai_clock_monotonic();
	n = wait_poller(loop, timeout_ns, ready, max);
	slept_ns = rotai_clock_monotonic() - from_ns;
	loop->stats.idle_ns += slept_ns;
	loop->switched_ns += slept_ns; /* a sleep is not the phase's time */
	return n;
}

/* Ask the kernel what is ready now. */
static int look_for_events(struct rota_loop *loop, struct rotai_ready *ready,
			   int max)
{
	loop->stats.waits++;
	return wait_poller(loop, 0, ready, max);
}

/* Ask the kernel; sleep if @timeout_ns is not 0 and the inbox is empty. (3) */
static int sleep_or_look(struct rota_loop *loop, int64_t timeout_ns,
			 struct rotai_ready *ready, int max)
{
	int n;

	timeout_ns = limited(loop, timeout_ns);
	if (timeout_ns == 0 || !rotai_inbox_fall_asleep(loop))
		return look_for_events(loop, ready, max);
	loop->stats.waits++;
	n = sleep_and_count(loop, timeout_ns, ready, max);
	rotai_inbox_wake_up(loop);
	return n;
}

/* (4) */
static void spin(const struct rota_loop *loop)
{
	uint32_t pauses = loop->spin->how->pauses;

	while (pauses-- > 0 && rotai_inbox_is_empty(&loop->inbox))
		rotai_processor_relax();
	rotai_spinner_note(loop->spin, !rotai_inbox_is_empty(&loop->inbox));
}

/* (2) */
static int wait_virtually(struct rota_loop *loop, int64_t timeout_ns,
			  struct rotai_ready *ready, int max)
{
	int n = look_for_events(loop, ready, max);

	loop->busy_turns = 0;
	if (n != 0)
		return n;
	if (loop->at_threads > 0 || timeout_ns < 0)
		return sleep_or_look(loop, -1, ready, max);
	if (rotai_inbox_is_empty(&loop->inbox))
		(void)rota_loop_advance(loop, (uint64_t)timeout_ns);
	return 0;
}

/* Count a turn on a virtual clock that does not sleep, and in which the kernel
 * has reported @n descriptors. (6) */
static void count_busy_turn(struct rota_loop *loop, int n)
{
	int64_t timeout_ns;

	if (n != 0 || is_held(loop) || !rotai_inbox_is_empty(&loop->inbox) ||
	    !(loop->skip_sleep || loop_is_busy(loop))) {
		loop->busy_turns = 0;
		return;
	}
	loop->busy_turns++;
	if (loop->busy_turns < ROTA_VIRTUAL_TURNS || loop->stopping ||
	    (loop->run_flags & ROTAI_RUN_NOWAIT))
		return;
	timeout_ns = rotai_wait_ns(loop);
	if (timeout_ns > 0)
		(void)rota_loop_advance(loop, (uint64_t)timeout_ns);
}

/* The wait of a turn on a virtual clock that does not sleep. */
static __attribute__((noinline)) int
look_virtually(struct rota_loop *loop, struct rotai_ready *ready, int max)
{
	int n = look_for_events(loop, ready, max);

	count_busy_turn(loop, n);
	return n;
}

/* The flush has put @refused entries into @ready, as far as they fit. Add what
 * is ready now. */
static __attribute__((noinline)) int look_besides(struct rota_loop *loop,
						  int refused,
						  struct rotai_ready *ready,
						  int max)
{
	int shown = refused < max / 2 ? refused : max / 2;
	int n = look_for_events(loop, ready + shown, max - shown);

	if (n < 0)
		rotai_watches_put_back(loop, ready, shown); /* F3 */
	return n < 0 ? n : n + shown;
}

static __attribute__((noinline)) int
sleep_until_due(struct rota_loop *loop, struct rotai_ready *ready, int max)
{
	int64_t timeout_ns = wait_ns(loop); /* (1) */

	if (timeout_ns != 0 && is_virtual(loop))
		return wait_virtually(loop, timeout_ns, ready, max);
	if (ROTAI_UNLIKELY(loop->spin != NULL) &&
	    (timeout_ns < 0 || (uint64_t)timeout_ns > loop->spin->how->ns) &&
	    rotai_spinner_tries(loop->spin)) {
		spin(loop);
		timeout_ns = rotai_wait_ns(loop); /* (1) */
	}
	return sleep_or_look(loop, timeout_ns, ready, max);
}

/* Wait. The poller already has all changes. */
static inline int wait_now(struct rota_loop *loop, int may_sleep,
			   struct rotai_ready *ready, int max)
{
	if (may_sleep)
		return sleep_until_due(loop, ready, max);
	return ROTAI_UNLIKELY(is_virtual(loop))
		       ? look_virtually(loop, ready, max)
		       : look_for_events(loop, ready, max);
}

static __attribute__((noinline)) int tell_and_wait(struct rota_loop *loop,
						   int may_sleep,
						   struct rotai_ready *ready,
						   int max)
{
	int refused;

	/* A watch or a timer of the library's own may have asked for this,
	 * without a callback whose end would do it. */
	if (loop->after & ROTAI_AFTER_EXTENSIONS) {
		rotai_extensions_after(loop);
		may_sleep = may_sleep && !rotai_work_is_queued(loop);
	}
	loop->watches.batch++;
	refused = rotai_watches_flush(loop, ready, max / 2);
	return refused > 0 ? look_besides(loop, refused, ready, max)
			   : wait_now(loop, may_sleep, ready, max);
}

int rotai_wait(struct rota_loop *loop, int may_sleep, struct rotai_ready *ready,
	       int max)
{
	int error = rotai_loop_inherited(loop);

	if (error < 0)
		return error; /* a child, forked in a callback (F2) */
	if (ROTAI_UNLIKELY((loop->after & ROTAI_AFTER_EXTENSIONS) ||
			   rotai_watches_have_news(&loop->watches)))
		return tell_and_wait(loop, may_sleep, ready, max);
	loop->watches.batch++;
	return wait_now(loop, may_sleep, ready, max);
}
