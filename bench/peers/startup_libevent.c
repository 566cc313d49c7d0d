/*
 * startup_libevent.c - libevent's loop, made, run and freed. Without its thread
 * support it has no wake-up descriptor.
 */
#include <event2/event.h>
#include <event2/event_struct.h>

#include "peers/libevent.h"
#include "peers/startup.h"
#include "support/bench.h"

static void *loop_make(void)
{
	struct event_base *base = event_base_new();

	if (!base)
		bench_fail("event_base_new");
	return base;
}

static void loop_free(void *base)
{
	event_base_free(base);
}

static startup_fn *called;

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	called();
}

static void loop_run(void *base, startup_fn *fn)
{
	static const struct timeval at_once = { 0, 0 };
	struct event timer;

	called = fn;
	evtimer_assign(&timer, base, on_timer, NULL);
	evtimer_add(&timer, &at_once);
	event_base_dispatch(base);
}

const struct startup_peer startup_libevent = {
	"libevent, no threads",
	loop_make,
	loop_free,
	loop_run,
};
