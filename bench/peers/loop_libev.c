/*
 * loop_libev.c - libev's loop with next to nothing to do.
 */
#include <ev.h>
#include <stdlib.h>

#include "peers/loop.h"
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

static void loop_turn(void *loop, size_t count)
{
	ev_idle idle;

	left = count;
	ev_idle_init(&idle, on_turn);
	ev_idle_start(loop, &idle);
	ev_run(loop, 0);
}

const struct loop_peer loop_libev = {
	"libev",
	loop_make,
	loop_free,
	loop_turn,
};

static void on_call(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	if (left) {
		left--;
		ev_feed_event(loop, watcher, events);
	}
}

/* ev_feed_event() calls in this turn or the next, and keeps nothing alive. */
static void call(size_t count)
{
	struct ev_loop *loop = loop_make();
	ev_prepare watchers[LOOP_CALLS];

	left = count;
	for (size_t i = 0; i < LOOP_CALLS; i++) {
		ev_prepare_init(&watchers[i], on_call);
		ev_feed_event(loop, &watchers[i], EV_CUSTOM);
	}
	while (ev_pending_count(loop))
		ev_invoke_pending(loop);
	loop_free(loop);
}

const struct call_peer call_libev = { "libev feed_event", call };
