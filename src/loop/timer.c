/*
 * loop/timer.c - timers: starting, stopping, and calling those that are due.
 *
 *  1. A started timer is in the wheel; or in the loop's list `due` while the
 *     timers phase walks that list; or it is the one whose callback is
 *     running. Stopping removes it from any of these. A timer that is started
 *     in the timers phase and is due already waits in `due_next_turn` until
 *     the phase ends (T8).
 *  2. A repeating timer is in no list while its callback runs. `timer_called`
 *     points to it. If the callback stops or starts the timer, that clears
 *     `timer_called`, and the loop does not put the timer back (O4).
 *  3. Timers of the same due time run in the order of their member `order`,
 *     and where that is equal, in the order in which they were added to the
 *     wheel. Only a timer that keeps its order while it repeats is added to
 *     the wheel later than others that were started after it. So only the
 *     start of such a timer increments `timer_order`: timers that are started
 *     later get a higher order. Other timers need not count.
 *  4. A relative delay is added to the time on the clock, not to now_ns (C2).
 *     Sums saturate: a due time of UINT64_MAX never comes (C8).
 *  5. A start must not cost more because timers may have slack. So it compares
 *     the due time with special_ns, which it has to do for (1): special_ns is
 *     the time of the timers phase; or UINT64_MAX, once a timer of the loop has
 *     got a slack.
 */
#include "loop/timer.h"

#include <string.h>

#include "base/clock.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/slack.h"

enum {
	/* 1 << 0 is ROTAI_UNREFERENCED */
	TIMER_STARTED = 1 << 1,
	TIMER_OWN = 1 << 2,       /* belongs to the library */
	TIMER_REPEATS = 1 << 3,   /* every period_ns */
	TIMER_PAUSES = 1 << 4,    /* counted from the end of the callback */
	TIMER_HAS_DELAY = 1 << 5, /* again() adds period_ns */
	TIMER_KEPT = 1 << 6, /* keeps its order; the callback restarts it */

	TIMER_HOW = TIMER_REPEATS | TIMER_PAUSES | TIMER_HAS_DELAY | TIMER_KEPT,
};

static int is_started(const struct rota_timer *timer)
{
	return (timer->internal.flags & TIMER_STARTED) != 0;
}

void rota_timer_init(struct rota_timer *timer, struct rota_loop *loop)
{
	ROTAI_LIVE_INIT(&timer->internal.by_due);
	timer->internal.loop = loop;
	timer->internal.by_due.next = NULL;
	timer->internal.fn = NULL;
	timer->internal.due_ns = UINT64_MAX;
	timer->internal.period_ns = 0;
	timer->internal.missed = 0;
	timer->internal.flags = 0;
	timer->internal.unused = 0;
	timer->internal.slack = 0;
	timer->internal.order = 0;
}

/* (1), (2) */
static void take_out_timer(struct rota_loop *loop, struct rota_timer *timer)
{
	if (rotai_link_is_linked(&timer->internal.by_due))
		rotai_list_remove(&timer->internal.by_due);
	if (loop->timer_called == timer)
		loop->timer_called = NULL;
}

static void begin_timer(struct rota_loop *loop, struct rota_timer *timer)
{
	ROTAI_LIVE_BEGIN(ROTAI_LIVE_NODE, "timer", timer,
			 &timer->internal.by_due, loop, &timer->internal.loop);
	rotai_loop_hold(loop, rotai_flags_referenced(timer->internal.flags));
}

/* Add @timer to the wheel, of a loop in which timers may have slack. */
static void add_timer(struct rota_loop *loop, struct rota_timer *timer)
{
	if (ROTAI_UNLIKELY(loop->wheel.has_slack))
		rotai_wheel_add_slack(&loop->wheel, timer);
	else
		rotai_wheel_add(&loop->wheel, timer);
}

/* (1), (5) */
static __attribute__((noinline)) void put_in_specially(struct rota_loop *loop,
						       struct rota_timer *timer)
{
	if (timer->internal.due_ns <= loop->timers_now_ns &&
	    loop->phase == ROTA_PHASE_TIMERS)
		rotai_list_append(&loop->due_next_turn,
				  &timer->internal.by_due);
	else
		add_timer(loop, timer);
}

/* @how includes TIMER_STARTED. */
static void put_in_timer(struct rota_timer *timer, uint64_t due_ns,
			 unsigned how)
{
	struct rota_loop *loop = timer->internal.loop;

	if (is_started(timer))
		take_out_timer(loop, timer);
	else
		begin_timer(loop, timer);
	timer->internal.due_ns = due_ns;
	timer->internal.order = loop->timer_order; /* (3) */
	timer->internal.flags =
		(uint8_t)((timer->internal.flags & ~(unsigned)TIMER_HOW) | how);
	if (ROTAI_UNLIKELY(due_ns <= loop->special_ns))
		put_in_specially(loop, timer);
	else
		rotai_wheel_add(&loop->wheel, timer);
}

static int start(struct rota_timer *timer, rota_timer_fn *fn, uint64_t due_ns,
		 unsigned how)
{
	int error = rotai_loop_admits(timer->internal.loop);

	if (ROTAI_UNLIKELY(error < 0))
		return error;
	if (ROTAI_UNLIKELY(fn == NULL))
		return ROTA_EINVAL;
	timer->internal.fn = fn;
	put_in_timer(timer, due_ns, how | TIMER_STARTED);
	return 0;
}

/* The same for a timer that keeps its order. */
static int start_repeating(struct rota_timer *timer, rota_timer_fn *fn,
			   uint64_t due_ns, unsigned how)
{
	int status = start(timer, fn, due_ns, how);

	if (status == 0)
		timer->internal.loop->timer_order++; /* (3) */
	return status;
}

static uint64_t after(const struct rota_timer *timer, uint64_t delay_ns)
{
	struct rota_loop *loop = timer->internal.loop;

	return rotai_add_saturated(loop->clock(loop), delay_ns); /* (4) */
}

int rota_timer_start(struct rota_timer *timer, rota_timer_fn *fn,
		     uint64_t delay_ns)
{
	ROTAI_ENTER("timer", timer, timer->internal.loop);
	int status = start(timer, fn, after(timer, delay_ns), TIMER_HAS_DELAY);

	if (status == 0)
		timer->internal.period_ns = delay_ns;
	return status;
}

int rota_timer_start_at(struct rota_timer *timer, rota_timer_fn *fn,
			uint64_t due_ns)
{
	ROTAI_ENTER("timer", timer, timer->internal.loop);
	return start(timer, fn, due_ns, 0);
}

int rota_timer_every_at(struct rota_timer *timer, rota_timer_fn *fn,
			uint64_t first_ns, uint64_t period_ns,
			enum rota_repeat repeat)
{
	ROTAI_ENTER("timer", timer, timer->internal.loop);
	unsigned how = TIMER_HAS_DELAY | TIMER_REPEATS;
	int status;

	if (repeat == ROTA_REPEAT_DELAY)
		how |= TIMER_PAUSES;
	else if (repeat != ROTA_REPEAT_RATE)
		return ROTA_EINVAL;
	if (period_ns == 0)
		return ROTA_EINVAL;
	status = start_repeating(timer, fn, first_ns, how);
	if (status == 0)
		timer->internal.period_ns = period_ns;
	return status;
}

int rotai_timer_start_kept(struct rota_timer *timer, rota_timer_fn *fn,
			   uint64_t delay_ns)
{
	int status = start_repeating(timer, fn, after(timer, delay_ns),
				     TIMER_HAS_DELAY | TIMER_KEPT);

	if (status == 0)
		timer->internal.period_ns = delay_ns;
	return status;
}

int rota_timer_every(struct rota_timer *timer, rota_timer_fn *fn,
		     uint64_t period_ns, enum rota_repeat repeat)
{
	ROTAI_ENTER("timer", timer, timer->internal.loop);
	return rota_timer_every_at(timer, fn, after(timer, period_ns),
				   period_ns, repeat);
}

void rota_timer_stop(struct rota_timer *timer)
{
	ROTAI_ENTER_LIVE("timer", timer, &timer->internal.by_due,
			 timer->internal.loop);
	struct rota_loop *loop = timer->internal.loop;

	if (!is_started(timer))
		return;
	take_out_timer(loop, timer);
	ROTAI_LIVE_END(&timer->internal.by_due);
	timer->internal.flags &= (uint8_t)~TIMER_STARTED;
	rotai_loop_release(loop, rotai_flags_referenced(timer->internal.flags));
}

/* rota_timer_again() for all timers except those that run once after a
 * delay. */
static int again_repeating(struct rota_timer *timer, unsigned how)
{
	if (!(how & TIMER_HAS_DELAY))
		return ROTA_EINVAL;
	return start_repeating(timer, timer->internal.fn,
			       after(timer, timer->internal.period_ns), how);
}

int rota_timer_again(struct rota_timer *timer)
{
	ROTAI_ENTER("timer", timer, timer->internal.loop);
	unsigned how = timer->internal.flags & TIMER_HOW;

	if (ROTAI_UNLIKELY(how != TIMER_HAS_DELAY))
		return again_repeating(timer, how);
	return start(timer, timer->internal.fn,
		     after(timer, timer->internal.period_ns), TIMER_HAS_DELAY);
}

void rota_timer_move(struct rota_timer *to, struct rota_timer *from)
{
	ROTAI_ENTER_LIVE("timer", from, &from->internal.by_due,
			 from->internal.loop);
	struct rota_loop *loop = from->internal.loop;

	if (to == from)
		return;
	ROTAI_LIVE_CHECK_INIT(&to->internal.by_due);
	*to = *from;
	if (is_started(to)) {
		ROTAI_LIVE_END(&from->internal.by_due);
		ROTAI_LIVE_BEGIN(ROTAI_LIVE_NODE, "timer", to,
				 &to->internal.by_due, loop,
				 &to->internal.loop);
	}
	if (rotai_link_is_linked(&from->internal.by_due))
		rotai_list_replace(&to->internal.by_due,
				   &from->internal.by_due);
	if (loop != NULL && loop->timer_called == from)
		loop->timer_called = to; /* (2) */
	memset(from, 0, sizeof(*from));
}

void rotai_timer_restart(struct rota_timer *timer)
{
	struct rota_loop *loop = timer->internal.loop;
	uint64_t next_order = loop->timer_order;

	loop->timer_order = timer->internal.order; /* (3): it keeps its order */
	put_in_timer(timer, after(timer, timer->internal.period_ns),
		     (timer->internal.flags & TIMER_HOW) | TIMER_STARTED);
	loop->timer_order = next_order;
}

void rota_timer_set_slack(struct rota_timer *timer, uint64_t slack_ns)
{
	ROTAI_ENTER_LIVE("timer", timer, &timer->internal.by_due,
			 timer->internal.loop);
	struct rota_loop *loop = timer->internal.loop;

	timer->internal.slack = rotai_slack_encode(slack_ns);
	if (loop == NULL)
		return;
	if (timer->internal.slack != 0) {
		loop->wheel.has_slack = 1;
		loop->special_ns = UINT64_MAX; /* (5) */
	}
	if (is_started(timer))
		rotai_wheel_slack_changed(&loop->wheel, timer);
}

uint64_t rota_timer_get_slack(const struct rota_timer *timer)
{
	ROTAI_ENTER_LIVE("timer", timer, &timer->internal.by_due,
			 timer->internal.loop);
	return rotai_slack_decode(timer->internal.slack);
}

uint64_t rota_timer_due_in(const struct rota_timer *timer)
{
	ROTAI_ENTER_LIVE("timer", timer, &timer->internal.by_due,
			 timer->internal.loop);
	struct rota_loop *loop = timer->internal.loop;
	uint64_t due_ns = timer->internal.due_ns;
	uint64_t now_ns;

	if (!is_started(timer) || due_ns == UINT64_MAX)
		return UINT64_MAX;
	now_ns = loop->clock(loop);
	return due_ns > now_ns ? due_ns - now_ns : 0;
}

uint64_t rota_timer_missed(const struct rota_timer *timer)
{
	ROTAI_ENTER_LIVE("timer", timer, &timer->internal.by_due,
			 timer->internal.loop);
	return timer->internal.missed;
}

int rota_timer_is_active(const struct rota_timer *timer)
{
	ROTAI_ENTER_LIVE("timer", timer, &timer->internal.by_due,
			 timer->internal.loop);
	return is_started(timer);
}

void rota_timer_ref(struct rota_timer *timer)
{
	ROTAI_ENTER_LIVE("timer", timer, &timer->internal.by_due,
			 timer->internal.loop);
	rotai_flags_refer(&timer->internal.flags, timer->internal.loop,
			  is_started(timer), 1);
}

void rota_timer_unref(struct rota_timer *timer)
{
	ROTAI_ENTER_LIVE("timer", timer, &timer->internal.by_due,
			 timer->internal.loop);
	rotai_flags_refer(&timer->internal.flags, timer->internal.loop,
			  is_started(timer), 0);
}

int rota_timer_has_ref(const struct rota_timer *timer)
{
	ROTAI_ENTER_LIVE("timer", timer, &timer->internal.by_due,
			 timer->internal.loop);
	return rotai_flags_referenced(timer->internal.flags);
}

void rotai_timer_start_own(struct rota_timer *timer, rota_timer_fn *fn,
			   uint64_t due_ns)
{
	rota_timer_unref(timer);
	timer->internal.flags |= TIMER_OWN;
	timer->internal.fn = fn;
	put_in_timer(timer, due_ns, TIMER_STARTED);
}

int rotai_timer_is_own(const struct rota_timer *timer)
{
	return (timer->internal.flags & TIMER_OWN) != 0;
}

/* What the slack allows is not late. */
static void count_lateness(struct rota_loop *loop,
			   const struct rota_timer *timer)
{
	uint64_t now_ns = loop->measure ? loop->clock(loop) : loop->now_ns;
	uint64_t due_ns = ROTAI_UNLIKELY(loop->wheel.has_slack)
				  ? rotai_slack_end(timer)
				  : timer->internal.due_ns;
	uint64_t late_us = now_ns > due_ns ? (now_ns - due_ns) / 1000 : 0;
	unsigned bucket = 0;

	if (late_us > 0)
		bucket = 64u - (unsigned)__builtin_clzll(late_us);
	if (bucket >= ROTA_LATENESS_BUCKETS)
		bucket = ROTA_LATENESS_BUCKETS - 1;
	loop->stats.lateness[bucket]++;
}

/* How many more periods have passed since the due time. One call is made for
 * all of them. */
static uint64_t count_missed(const struct rota_loop *loop,
			     struct rota_timer *timer)
{
	uint64_t missed = (loop->now_ns - timer->internal.due_ns) /
			  timer->internal.period_ns;

	timer->internal.missed =
		missed > UINT32_MAX ? UINT32_MAX : (uint32_t)missed;
	return missed;
}

static uint64_t next_due(struct rota_timer *timer, uint64_t missed)
{
	uint64_t period_ns = timer->internal.period_ns;

	if (timer->internal.flags & TIMER_PAUSES) {
		timer->internal.order = timer->internal.loop->timer_order;
		return after(timer, period_ns);
	}
	/* The missed periods ended before now, so this sum does not wrap. */
	return rotai_add_saturated(timer->internal.due_ns + missed * period_ns,
				   period_ns);
}

static void call_repeating(struct rota_loop *loop, struct rota_timer *timer)
{
	uint64_t missed = count_missed(loop, timer);

	loop->timer_called = timer; /* (2) */
	timer->internal.fn(timer);
	timer = loop->timer_called;
	if (timer == NULL)
		return;
	ROTAI_LIVE_CHECK(&timer->internal.by_due);
	loop->timer_called = NULL;
	timer->internal.due_ns = next_due(timer, missed);
	add_timer(loop, timer);
}

static void call_once(struct rota_loop *loop, struct rota_timer *timer)
{
	ROTAI_LIVE_END(&timer->internal.by_due);
	timer->internal.flags &= (uint8_t)~TIMER_STARTED;
	timer->internal.missed = 0;
	rotai_loop_release(loop, rotai_flags_referenced(timer->internal.flags));
	timer->internal.fn(timer);
}

static void call_timer(struct rota_loop *loop, struct rota_timer *timer)
{
	if (timer->internal.flags & TIMER_OWN) {
		/* A callback of this phase has forked: what the library would
		 * do is still the parent's (F2). */
		if (ROTAI_UNLIKELY(rotai_loop_inherited(loop) < 0))
			rotai_list_append(&loop->due_next_turn,
					  &timer->internal.by_due);
		else
			call_once(loop, timer);
		return;
	}
	count_lateness(loop, timer);
	rotai_callback_begin(loop, "timer", NULL, timer);
	if (timer->internal.flags & TIMER_REPEATS)
		call_repeating(loop, timer);
	else
		call_once(loop, timer);
	rotai_callback_end(loop, "timer", timer);
}

static struct rota_timer *timer_of_link(struct rota_link *link)
{
	return rota_container_of(link, struct rota_timer, internal.by_due);
}

void rotai_timers_call(struct rota_loop *loop)
{
	uint64_t now_ns = loop->now_ns;
	struct rota_link *link;

	if (ROTAI_UNLIKELY(loop->run_flags & ROTA_RUN_NO_TIMERS))
		return;
	loop->timers_now_ns = now_ns; /* a callback may update now_ns */
	if (!loop->wheel.has_slack)
		loop->special_ns = now_ns; /* (5) */

	/* Collect slot by slot, so that a timer is still in the cache when it
	 * is called. */
	while (rotai_wheel_collect(&loop->wheel, now_ns, &loop->due))
		while ((link = rotai_list_take_first(&loop->due)) != NULL)
			call_timer(loop, timer_of_link(link));
	while ((link = rotai_list_take_first(&loop->due_next_turn)) != NULL)
		add_timer(loop, timer_of_link(link));
}

static void timers_each_in(struct rota_link *timers,
			   void (*fn)(void *arg, struct rota_timer *timer),
			   void *arg)
{
	struct rota_link *at = timers->next;

	while (at != timers) {
		struct rota_link *next = at->next;

		fn(arg, timer_of_link(at));
		at = next;
	}
}

void rotai_timers_each(struct rota_loop *loop,
		       void (*fn)(void *arg, struct rota_timer *timer),
		       void *arg)
{
	timers_each_in(&loop->due, fn, arg);
	timers_each_in(&loop->due_next_turn, fn, arg);
	if (loop->timer_called != NULL)
		fn(arg, loop->timer_called);
	rotai_wheel_each(&loop->wheel, fn, arg);
}

static void stop_one(void *arg, struct rota_timer *timer)
{
	(void)arg;
	rota_timer_stop(timer);
}

void rotai_timers_stop(struct rota_loop *loop)
{
	rotai_timers_each(loop, stop_one, NULL);
}
