/*
 * loop_libevent.c - libevent's loop with next to nothing to do.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "peers/libevent.h"
#include "peers/loop.h"
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

static void on_call(evutil_socket_t fd, short what, void *event)
{
	(void)fd;
	(void)what;
	if (left) {
		left--;
		event_active(event, EV_READ, 1);
	}
}

static void activate(struct event *events, size_t count,
		     struct event_base *base)
{
	for (size_t i = 0; i < count; i++) {
		event_assign(&events[i], base, -1, 0, on_call, &events[i]);
		event_active(&events[i], EV_READ, 1);
	}
}

/* An event that activates itself may be called again in the same turn, so each
 * turn is one of its own. */
static void loop_turn(void *base, size_t count)
{
	struct event event;

	left = 0;
	event_assign(&event, base, -1, 0, on_call, &event);
	while (count--) {
		event_active(&event, EV_READ, 1);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

const struct loop_peer loop_libevent = {
	"libevent",
	loop_make,
	loop_free,
	loop_turn,
};

static void call(size_t count)
{
	struct event_base *base = loop_make();
	struct event events[LOOP_CALLS];

	left = count;
	activate(events, LOOP_CALLS, base);
	event_base_loop(base, 0);
	loop_free(base);
}

const struct call_peer call_libevent = { "libevent active", call };
