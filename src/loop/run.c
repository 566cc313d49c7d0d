/*
 * loop/run.c - how many turns: run, stop, shutdown, and turns by hand.
 */
#include "base/clock.h"
#include "loop/async.h"
#include "loop/callback.h"
#include "loop/handle.h"
#include "loop/hook.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "loop/timer.h"
#include "loop/turn.h"

int rota_loop_alive(struct rota_loop *loop)
{
	rotai_inbox_take_over(loop);
	return loop->alive > 0;
}

void rota_loop_stop(struct rota_loop *loop)
{
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
	rotai_loop_read_now(loop);
	if (loop->drain_due)
		rotai_ticks_drain(loop); /* T2 */
}

static int may_go_on(struct rota_loop *loop)
{
	return !loop->stopping && rota_loop_alive(loop);
}

static int run_default(struct rota_loop *loop)
{
	int status = 0;

	while (status == 0 && may_go_on(loop))
		status = rotai_turn(loop, ROTAI_TURN_SLEEPS);
	return status;
}

/* T3. @calls is how often the user had been called when the run began. */
static int run_once(struct rota_loop *loop, uint64_t calls)
{
	enum rotai_turn_kind kind = ROTAI_TURN_ONCE;
	int status;

	if (!may_go_on(loop))
		return 0;
	if (loop->calls - loop->hook_calls != calls)
		return rotai_turn(loop, ROTAI_TURN_NOWAIT);
	do {
		status = rotai_turn(loop, kind);
		kind = ROTAI_TURN_ONCE_MORE;
	} while (status == 0 && loop->calls - loop->hook_calls == calls &&
		 may_go_on(loop));
	return status;
}

static int run_nowait(struct rota_loop *loop)
{
	return may_go_on(loop) ? rotai_turn(loop, ROTAI_TURN_NOWAIT) : 0;
}

int rota_loop_run(struct rota_loop *loop, enum rota_run_mode mode)
{
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
		status = run_default(loop);
	else if (mode == ROTA_RUN_ONCE)
		status = run_once(loop, calls);
	else
		status = run_nowait(loop);
	loop->running = 0;
	loop->stopping = 0;
	return status < 0 ? status : rota_loop_alive(loop);
}

static void stop_everything(struct rota_loop *loop)
{
	rotai_quick_clear(loop);
	rotai_timers_stop(loop);
	rotai_hooks_stop(loop);
	rotai_asyncs_stop(loop);
	rotai_watches_stop(loop);
	rotai_handles_close(loop);
	rotai_requests_cancel(loop);
}

/* Turns until nothing is open: 0, or why it did not come to that. */
static int run_to_the_end(struct rota_loop *loop, uint64_t deadline_ns)
{
	int status;

	while (rotai_loop_is_open(loop)) {
		if (loop->clock(loop) >= deadline_ns ||
		    rotai_clock_monotonic() >= loop->real_limit_ns)
			return ROTA_ETIMEDOUT;
		status = rotai_turn(loop, ROTAI_TURN_SLEEPS);
		if (status < 0)
			return status;
		loop->stopping = 0;
	}
	return 0;
}

static void refuse_posts(struct rota_loop *loop, int refuse)
{
	__atomic_store_n(&loop->inbox.refuses, (uint8_t)refuse,
			 __ATOMIC_RELAXED);
}

int rota_loop_shutdown(struct rota_loop *loop, uint64_t deadline_ns)
{
	uint64_t now_ns;
	int status = refusal(loop);

	if (status < 0)
		return status;
	/* A clock that stands still while requests are in flight must not keep
	 * us for ever: what is left until the deadline passes in real time. */
	now_ns = loop->clock(loop);
	loop->real_limit_ns = UINT64_MAX;
	if (deadline_ns != UINT64_MAX)
		loop->real_limit_ns = rotai_add_saturated(
			rotai_clock_monotonic(),
			deadline_ns > now_ns ? deadline_ns - now_ns : 0);

	loop->shutting_down = 1;
	refuse_posts(loop, 1);
	stop_everything(loop);
	begin_running(loop);
	status = run_to_the_end(loop, deadline_ns);
	loop->running = 0;
	loop->stopping = 0;
	loop->shutting_down = 0;
	loop->real_limit_ns = UINT64_MAX;
	/* Nothing may come in between the last turn and the close: only then
	 * do posts get in again, to a loop that goes on. */
	if (status == 0)
		return rota_loop_close(loop);
	refuse_posts(loop, 0);
	return status;
}

int rota_loop_next_timeout(struct rota_loop *loop, int64_t *timeout_ns)
{
	int error = refusal(loop);
	int refused;

	if (error < 0)
		return error;
	if (timeout_ns == NULL)
		return ROTA_EINVAL;
	refused = rotai_watches_flush(loop, NULL, 0);
	refused += loop->ops->submit(loop->poller);
	if (refused > 0 || rotai_work_is_queued(loop) ||
	    !rotai_inbox_fall_asleep(loop))
		*timeout_ns = 0;
	else
		*timeout_ns = loop->alive > 0 ? rotai_wait_ns(loop) : -1;
	return 0;
}
