/*
 * startup_libev.c - libev's loop, made, run and freed. It has no wake-up
 * descriptor until an ev_async is started.
 */
#include <ev.h>

#include "peers/startup.h"
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

static startup_fn *called;

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	called();
}

static void loop_run(void *loop, startup_fn *fn)
{
	ev_timer timer;

	called = fn;
	ev_timer_init(&timer, on_timer, 0., 0.);
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
}

const struct startup_peer startup_libev = {
	"libev, no ev_async",
	loop_make,
	loop_free,
	loop_run,
};
