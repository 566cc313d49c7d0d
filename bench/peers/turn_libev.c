/*
 * turn_libev.c - libev's loop with almost nothing to do.
 *
 * The nearest thing to an immediate is a timer of 0, which is called in the
 * next turn, or a check watcher together with an idle watcher. ev_feed_event()
 * calls within the turn, as a tick does, but after everything else that is
 * pending, and it does not keep the loop alive.
 */
#include <ev.h>
#include <stdlib.h>

#include "peers/turn.h"
#include "support/bench.h"

static void *loop_make(void)
{
	struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL);

	if (!loop)
		bench_fail("ev_loop_new");
	return loop;
}

static void loop_free(void *loop)
{
	ev_loop_destroy(loop);
}

static size_t left;

static void on_turn(struct ev_loop *loop, ev_idle *idle, int events)
{
	(void)events;
	if (--left == 0)
		ev_idle_stop(loop, idle);
}

static void run_idle(void *loop, size_t count)
{
	ev_idle idle;

	left = count;
	ev_idle_init(&idle, on_turn);
	ev_idle_start(loop, &idle);
	ev_run(loop, 0);
}

const struct turn_peer turn_libev_idle = {
	"libev, ev_idle",
	loop_make,
	run_idle,
	loop_free,
};

static void on_idle(struct ev_loop *loop, ev_idle *idle, int events)
{
	(void)loop;
	(void)idle;
	(void)events;
}

static void on_check(struct ev_loop *loop, ev_check *check, int events)
{
	(void)events;
	if (--left == 0) {
		ev_idle_stop(loop, check->data);
		ev_check_stop(loop, check);
	}
}

static void run_check(void *loop, size_t count)
{
	ev_idle idle;
	ev_check check;

	left = count;
	ev_idle_init(&idle, on_idle);
	ev_idle_start(loop, &idle);
	ev_check_init(&check, on_check);
	check.data = &idle;
	ev_check_start(loop, &check);
	ev_run(loop, 0);
}

const struct turn_peer turn_libev_check = {
	"libev, ev_check and ev_idle",
	loop_make,
	run_check,
	loop_free,
};

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)events;
	if (--left)
		ev_timer_start(loop, timer);
}

static void run_timer(void *loop, size_t count)
{
	ev_timer timer;

	left = count;
	ev_timer_init(&timer, on_timer, 0., 0.);
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
}

const struct turn_peer turn_libev_timer = {
	"libev, ev_timer of 0",
	loop_make,
	run_timer,
	loop_free,
};

static void on_fed(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	(void)loop;
	(void)watcher;
	(void)events;
}

static void on_turn_with_feeds(struct ev_loop *loop, ev_idle *idle, int events)
{
	ev_prepare *watchers = idle->data;

	for (size_t i = 0; i < TURN_TICKS; i++)
		ev_feed_event(loop, &watchers[i], EV_CUSTOM);
	on_turn(loop, idle, events);
}

static void run_feed(void *loop, size_t count)
{
	ev_prepare watchers[TURN_TICKS];
	ev_idle idle;

	left = count;
	for (size_t i = 0; i < TURN_TICKS; i++)
		ev_prepare_init(&watchers[i], on_fed);
	ev_idle_init(&idle, on_turn_with_feeds);
	idle.data = watchers;
	ev_idle_start(loop, &idle);
	ev_run(loop, 0);
}

const struct turn_peer turn_libev_feed = {
	"libev, ev_idle and ev_feed_event",
	loop_make,
	run_feed,
	loop_free,
};

static void on_call(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	if (left) {
		left--;
		ev_feed_event(loop, watcher, events);
	}
}

static void call(void *loop, size_t count)
{
	ev_prepare watchers[TURN_CALLS];

	left = count;
	for (size_t i = 0; i < TURN_CALLS; i++) {
		ev_prepare_init(&watchers[i], on_call);
		ev_feed_event(loop, &watchers[i], EV_CUSTOM);
	}
	while (ev_pending_count(loop))
		ev_invoke_pending(loop);
}

const struct turn_peer call_libev = {
	"libev, ev_feed_event",
	loop_make,
	call,
	loop_free,
};
