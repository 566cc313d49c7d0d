/*
 * loop/run.c - how many turns: run, stop, shutdown, and turns by hand.
 */
#include "base/clock.h"
#include "loop/async.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/handle.h"
#include "loop/hook.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "loop/timer.h"
#include "loop/turn.h"

int rota_loop_alive(struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	rotai_inbox_take_over(loop);
	return loop->alive > 0;
}

void rota_loop_stop(struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	loop->stopping = 1;
}

/* Why the loop cannot be run now, or 0. */
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
	rotai_inbox_wake_up(loop); /* a host may have had it asleep (L5) */
	rotai_loop_read_now(loop);
	if (loop->after != 0)
		rotai_callback_after(loop); /* T2 */
}

/* T3. @calls is how often the user had been called when the run began. */
static int run_once(struct rota_loop *loop, uint64_t calls)
{
	enum rotai_turn_kind kind = ROTAI_TURN_ONCE;
	int status;

	if (!rotai_may_go_on(loop))
		return 0;
	if (loop->calls - loop->hook_calls != calls)
		return rotai_turn(loop, ROTAI_TURN_NOWAIT);
	do {
		status = rotai_turn(loop, kind);
		kind = ROTAI_TURN_ONCE_MORE;
	} while (status == 0 && loop->calls - loop->hook_calls == calls &&
		 rotai_may_go_on(loop));
	return status;
}

static int run_nowait(struct rota_loop *loop)
{
	return rotai_may_go_on(loop) ? rotai_turn(loop, ROTAI_TURN_NOWAIT) : 0;
}

int rota_loop_run(struct rota_loop *loop, enum rota_run_mode mode)
{
	ROTAI_ENTER_LOOP(loop);
	uint64_t calls = loop->calls - loop->hook_calls;
	int status = refusal(loop);

	if (status < 0)
		return status;
	if ((unsigned)mode > ROTA_RUN_NOWAIT)
		return ROTA_EINVAL;
	if (loop->stopping) { /* T5 */
		loop->stopping = 0;
		return rota_loop_alive(loop);
	}
	begin_running(loop);
	if (mode == ROTA_RUN_DEFAULT)
		status = rotai_turns(loop);
	else if (mode == ROTA_RUN_ONCE)
		status = run_once(loop, calls);
	else
		status = run_nowait(loop);
	loop->running = 0;
	loop->stopping = 0;
	return status < 0 ? status : rota_loop_alive(loop);
}

static void stop_nodes(struct rota_loop *loop)
{
	rotai_quick_clear(loop);
	rotai_timers_stop(loop);
	rotai_hooks_stop(loop);
	rotai_asyncs_stop(loop);
	rotai_watches_stop(loop);
}

/* Close the inbox for good if nothing is open: whether that is so. A post that
 * came just before is open, and one that comes after is refused. */
static int is_at_its_end(struct rota_loop *loop)
{
	return !rotai_loop_is_open(loop) && rotai_inbox_close(&loop->inbox);
}

/* When a deadline in the loop's time is reached in that of the system, which
 * goes on while a virtual clock stands still for a request in flight. */
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
 * virtual one stands still, from @seen_ns on: else a process that waits for a
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

/* Turns until nothing is open: 0, or why it did not come to that. */
static int run_to_the_end(struct rota_loop *loop, uint64_t deadline_ns)
{
	uint64_t seen_ns = UINT64_MAX;
	int status;

	for (;;) {
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
	__atomic_store_n(&loop->inbox.refuses, (uint8_t)refuses,
			 __ATOMIC_RELAXED);
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

int rota_loop_next_timeout(struct rota_loop *loop, int64_t *timeout_ns)
{
	ROTAI_ENTER_LOOP(loop);
	int error = refusal(loop);
	int refused;

	if (error < 0)
		return error;
	if (timeout_ns == NULL)
		return ROTA_EINVAL;
	if (loop->after & ROTAI_AFTER_ANNEXES)
		rotai_annexes_after(loop);
	refused = rotai_watches_flush(loop, NULL, 0);
	refused += loop->ops->submit(loop->poller);
	if (!rota_loop_alive(loop))
		*timeout_ns = -1; /* there is no turn to make */
	else if (refused > 0 || rotai_work_is_queued(loop))
		*timeout_ns = 0;
	else
		*timeout_ns = rotai_wait_ns(loop);
	/* What comes in from here on makes the descriptor readable. */
	if (!rotai_inbox_fall_asleep(loop))
		*timeout_ns = 0;
	return 0;
}
