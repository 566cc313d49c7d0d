/*
 * tests/support/world.c - what the model expects, and the callbacks that are
 * checked against it; see world.h.
 */
#include "world.h"

#include "loop/loop.h"

uint64_t below(struct world *w, uint64_t bound)
{
	return random_below(&w->seed, bound);
}

static int holds(const struct node *n)
{
	return n->active && !n->unreferenced;
}

int model_alive(const struct world *w)
{
	for (unsigned i = 0; i < NODES; i++)
		if (holds(&w->nodes[i]))
			return 1;
	return 0;
}

int model_open(const struct world *w)
{
	for (unsigned i = 0; i < NODES; i++)
		if (w->nodes[i].active)
			return 1;
	return 0;
}

static int is_waiting(const struct node *n, enum queue queue)
{
	return n->active && n->queue == queue;
}

/* Return whether anything waits in @queue before @order. */
static int waits_before(const struct world *w, enum queue queue, uint64_t order)
{
	for (unsigned i = 0; i < NODES; i++)
		if (is_waiting(&w->nodes[i], queue) &&
		    w->nodes[i].order < order)
			return 1;
	return 0;
}

uint64_t turn_now(const struct world *w)
{
	return w->loop->stats.turns; /* cheaper than rota_loop_stats() */
}

/* Check what holds for all callbacks. */
static void enter(struct node *n, enum rota_phase phase)
{
	struct world *w = n->w;

	assert_true(n->active);
	assert_int_equal(rota_loop_phase(w->loop), phase);
	assert_int_equal(w->depth, 0);
	if (w->turn != turn_now(w) || w->phase != phase)
		w->boundary = w->order;
	w->turn = turn_now(w);
	w->phase = phase;
	if (n->queue != TICK && n->queue != MICRO) {
		assert_false(waits_before(w, TICK, UINT64_MAX)); /* T10 */
		assert_false(waits_before(w, MICRO, UINT64_MAX));
		w->in_microtasks = 0;
	}
}

/* T8: it was queued when the phase began, before its first callback. */
static void expect_taken(const struct node *n)
{
	assert_true(n->order <= n->w->boundary);
}

static void act(struct node *n)
{
	struct world *w = n->w;

	n->called = w->turn;
	w->calls++;
	w->depth++;
	for (uint64_t i = below(w, 4); i > 0; i--)
		w->operate(w);
	w->depth--;
}

static void expect_due(struct node *n)
{
	struct world *w = n->w;
	uint64_t now = rota_loop_now(w->loop);

	enter(n, ROTA_PHASE_TIMERS);
	expect_taken(n);
	assert_true(now >= n->due_ns);
	if (w->last_timer_turn == w->turn) {
		assert_true(n->due_ns >= w->last_due);
		if (n->due_ns == w->last_due && n->order != 0)
			assert_true(n->order > w->last_order);
	}
	w->last_timer_turn = w->turn;
	w->last_due = n->due_ns;
	w->last_order = n->order;
}

/* With ROTA_REPEAT_DELAY each period counts as a new start, unless the callback
 * has started the timer itself. */
static void note_next_period(struct node *n)
{
	if (n->active && n->order == 0)
		n->order = ++n->w->order;
}

void on_timer(struct rota_timer *timer)
{
	struct node *n = timer->data;
	uint64_t now = rota_loop_now(n->w->loop), missed;

	expect_due(n);
	assert_int_equal(rota_timer_is_active(timer), n->period_ns != 0);
	if (n->period_ns == 0) {
		n->active = 0;
	} else if (n->repeat == ROTA_REPEAT_RATE) {
		missed = (now - n->due_ns) / n->period_ns;
		assert_int_equal(rota_timer_missed(timer), missed);
		n->due_ns += (missed + 1) * n->period_ns;
	} else {
		n->due_ns = now + n->period_ns;
		n->order = 0;
	}
	act(n);
	note_next_period(n);
}

/* T10: all ticks, then all microtasks, then the ticks that those queued. */
static void expect_drained_in_order(struct node *n)
{
	struct world *w = n->w;

	if (n->queue == TICK) {
		if (w->in_microtasks)
			assert_false(waits_before(w, MICRO, UINT64_MAX));
		w->in_microtasks = 0;
		return;
	}
	if (!w->in_microtasks)
		w->micro_boundary = w->order;
	w->in_microtasks = 1;
	assert_false(waits_before(w, TICK, w->micro_boundary + 1));
}

void on_task(struct rota_task *task)
{
	struct node *n = task->data;
	struct world *w = n->w;

	assert_false(rota_task_is_queued(task));
	assert_false(waits_before(w, n->queue, n->order));
	if (n->queue == IMMEDIATE) {
		enter(n, ROTA_PHASE_CHECK);
		expect_taken(n);
	} else if (n->queue == POSTED) {
		enter(n, ROTA_PHASE_POLL);
		expect_taken(n);
	} else {
		enter(n, rota_loop_phase(w->loop));
		expect_drained_in_order(n);
	}
	n->active = 0;
	n->queue = NONE;
	act(n);
}

void on_async(struct rota_async *async)
{
	struct node *n = async->data;

	assert_int_equal(n->queue, POSTED);
	assert_false(waits_before(n->w, POSTED, n->order));
	enter(n, ROTA_PHASE_POLL);
	expect_taken(n);
	n->queue = NONE;
	act(n);
}

void on_hook(struct rota_hook *hook)
{
	struct node *n = hook->data;
	struct world *w = n->w;

	enter(n, n->hook_kind == ROTA_HOOK_CHECK ? ROTA_PHASE_CHECK
						 : ROTA_PHASE_PREPARE);
	expect_taken(n);
	assert_int_not_equal(n->called, w->turn);
	for (unsigned i = 0; i < NODES; i++) {
		struct node *o = &w->nodes[i];

		if (o->kind == HOOK && o->active && o->order < n->order &&
		    o->hook_kind == n->hook_kind)
			assert_int_equal(o->called, w->turn);
	}
	act(n);
}

int is_readable(const struct slot *slot)
{
	return slot->bytes > 0 || slot->hung_up;
}

void on_watch(struct rota_watch *watch, unsigned events)
{
	struct node *n = watch->data;
	struct slot *slot = n->slot;

	assert_int_not_equal(events, 0);
	assert_int_equal(events & ~n->events, 0);
	enter(n, ROTA_PHASE_POLL);
	assert_int_equal(rota_watch_fd(watch), slot->fds[0]);
	if (events & ROTA_DISCONNECT)
		assert_true(slot->hung_up);
	if (events & ROTA_READABLE)
		assert_true(is_readable(slot) || slot->emptied == n->w->turn);
	act(n);
}

void on_quick(void *arg)
{
	struct node *n = ((struct quick *)arg)->node;
	struct world *w = n->w;

	if (n->queue == IMMEDIATE) {
		assert_false(waits_before(w, IMMEDIATE, n->order));
		enter(n, ROTA_PHASE_CHECK);
		expect_taken(n);
	} else {
		expect_due(n);
	}
	if (n->period_ns == 0 || n->queue == IMMEDIATE) {
		n->active = 0;
		n->queue = NONE;
	} else {
		n->due_ns = rota_loop_now(w->loop) + n->period_ns;
	}
	act(n);
}

static unsigned there(const struct slot *slot)
{
	unsigned events = ROTA_WRITABLE;

	if (is_readable(slot))
		events |= ROTA_READABLE;
	if (slot->hung_up)
		events |= ROTA_DISCONNECT;
	return events;
}

/* Return whether the node had to be called in the last turn: it was started
 * before and is still started. */
static int had_to_be_called(const struct world *w, const struct node *n)
{
	uint64_t turn = turn_now(w);

	if (!n->active || n->since == turn)
		return 0;
	switch (n->kind) {
	case TIMER:
		return n->due_ns <= rota_loop_now(w->loop);
	case QUICK:
		return n->queue == IMMEDIATE ||
		       n->due_ns <= rota_loop_now(w->loop);
	case WATCH:
		return n->called != turn && n->slot->changed != turn &&
		       (n->events & there(n->slot)) != 0;
	case HOOK:
		return n->called != turn;
	default:
		return n->queue != NONE;
	}
}

void expect_complete(const struct world *w)
{
	for (unsigned i = 0; i < NODES; i++)
		if (had_to_be_called(w, &w->nodes[i]))
			fail_msg("node %u of kind %d was left out", i,
				 (int)w->nodes[i].kind);
}
