/*
 * turn_libevent.c - libevent's loop with almost nothing to do.
 *
 * libevent has no idle callbacks. A loop that must not sleep has a timer of 0,
 * or an event that is made active before each turn. An event that made itself
 * active would be called again in the same turn, and so without end. Within a
 * turn, event_active() is the nearest thing to a tick.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "peers/libevent.h"
#include "peers/turn.h"
#include "support/bench.h"

static void *loop_make(void)
{
	struct event_base *base;

	libevent_check();
	base = event_base_new();
	if (!base)
		bench_fail("event_base_new");
	return base;
}

static void loop_free(void *base)
{
	event_base_free(base);
}

static size_t left;

static void on_nothing(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void run_active(void *base, size_t count)
{
	struct event event;

	event_assign(&event, base, -1, 0, on_nothing, NULL);
	while (count--) {
		event_active(&event, EV_READ, 1);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

const struct turn_peer turn_libevent_active = {
	"libevent, event_active",
	loop_make,
	run_active,
	loop_free,
};

static void on_timer(evutil_socket_t fd, short what, void *event)
{
	static const struct timeval at_once = { 0, 0 };

	(void)fd;
	(void)what;
	if (--left)
		evtimer_add(event, &at_once);
}

static void run_timer(void *base, size_t count)
{
	struct event event;

	left = count + 1;
	evtimer_assign(&event, base, on_timer, &event);
	on_timer(-1, 0, &event);
	event_base_dispatch(base);
}

const struct turn_peer turn_libevent_timer = {
	"libevent, timer of 0",
	loop_make,
	run_timer,
	loop_free,
};

struct turn {
	struct event timer;
	struct event ticks[TURN_TICKS];
};

static void on_turn_with_ticks(evutil_socket_t fd, short what, void *arg)
{
	struct turn *turn = arg;

	for (size_t i = 0; i < TURN_TICKS; i++)
		event_active(&turn->ticks[i], EV_READ, 1);
	on_timer(fd, what, &turn->timer);
}

static void run_feed(void *base, size_t count)
{
	struct turn turn;

	left = count + 1;
	for (size_t i = 0; i < TURN_TICKS; i++)
		event_assign(&turn.ticks[i], base, -1, 0, on_nothing, NULL);
	evtimer_assign(&turn.timer, base, on_turn_with_ticks, &turn);
	on_timer(-1, 0, &turn.timer);
	event_base_dispatch(base);
}

const struct turn_peer turn_libevent_feed = {
	"libevent, timer of 0 and event_active",
	loop_make,
	run_feed,
	loop_free,
};

static void on_call(evutil_socket_t fd, short what, void *event)
{
	(void)fd;
	(void)what;
	if (left) {
		left--;
		event_active(event, EV_READ, 1);
	}
}

static void call(void *base, size_t count)
{
	struct event events[TURN_CALLS];

	left = count;
	for (size_t i = 0; i < TURN_CALLS; i++) {
		event_assign(&events[i], base, -1, 0, on_call, &events[i]);
		event_active(&events[i], EV_READ, 1);
	}
	event_base_loop(base, 0);
}

const struct turn_peer call_libevent = {
	"libevent, event_active",
	loop_make,
	call,
	loop_free,
};
