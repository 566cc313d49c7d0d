/*
 * memory_libev.c - libev's watchers and timers. libev owns its arrays; the
 * server owns the watchers, which contain the descriptor.
 */
#include <ev.h>
#include <stdlib.h>

#include "peers/echo.h"
#include "peers/memory.h"
#include "support/bench.h"

static void *make(size_t *echoed)
{
	struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL);

	if (!loop)
		bench_fail("ev_loop_new");
	ev_set_userdata(loop, echoed);
	return loop;
}

static void on_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
	size_t *echoed = ev_userdata(loop);

	(void)events;
	echo_once(watcher->fd);
	++*echoed;
}

static void open_io(void *loop, int fd)
{
	ev_io *watcher = malloc(sizeof(*watcher));

	if (!watcher)
		bench_fail("malloc");
	ev_io_init(watcher, on_ready, fd, EV_READ);
	ev_io_start(loop, watcher);
}

static void turn(void *loop)
{
	ev_run(loop, EVRUN_ONCE);
}

const struct memory_peer memory_libev = {
	"libev, ev_io", sizeof(ev_io), false, make, open_io, turn,
};

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
}

static void start_timer(void *loop, uint64_t delay_ms)
{
	ev_timer *timer = malloc(sizeof(*timer));

	if (!timer)
		bench_fail("malloc");
	ev_timer_init(timer, on_timer, (double)delay_ms * 1e-3, 0.);
	ev_timer_start(loop, timer);
}

const struct memory_timer_peer memory_libev_timer = {
	"libev, ev_timer",
	sizeof(ev_timer),
	make,
	start_timer,
};
