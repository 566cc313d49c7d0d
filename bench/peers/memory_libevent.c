/*
 * memory_libevent.c - libevent's events, bufferevents and timers. libevent
 * allocates all of them itself.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "peers/echo.h"
#include "peers/libevent.h"
#include "peers/memory.h"
#include "support/bench.h"

/* There is one loop in the process, and it cannot store a pointer. */
static size_t *echoed;

static void *make(size_t *count)
{
	struct event_base *base;

	libevent_check();
	base = event_base_new();
	if (!base)
		bench_fail("event_base_new");
	echoed = count;
	return base;
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	(void)arg;
	echo_once(fd);
	++*echoed;
}

static void open_event(void *base, int fd)
{
	struct event *event =
		event_new(base, fd, EV_READ | EV_PERSIST, on_ready, NULL);

	if (!event || event_add(event, NULL))
		bench_fail("event_add");
}

static void on_read(struct bufferevent *buffers, void *arg)
{
	(void)arg;
	if (bufferevent_write_buffer(buffers, bufferevent_get_input(buffers)))
		bench_fail("bufferevent_write_buffer");
}

static void on_written(struct bufferevent *buffers, void *arg)
{
	(void)buffers;
	(void)arg;
	++*echoed;
}

static void open_buffers(void *base, int fd)
{
	struct bufferevent *buffers =
		bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);

	if (!buffers)
		bench_fail("bufferevent_socket_new");
	bufferevent_setcb(buffers, on_read, on_written, NULL, NULL);
	if (bufferevent_enable(buffers, EV_READ)) /* writing is enabled */
		bench_fail("bufferevent_enable");
}

static void turn(void *base)
{
	event_base_loop(base, EVLOOP_ONCE);
}

const struct memory_peer memory_libevent = {
	"libevent, event", sizeof(struct event), false, make, open_event, turn,
};

const struct memory_peer memory_bufferevent = {
	"libevent, bufferevent", 0, true, make, open_buffers, turn,
};

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void start_timer(void *base, uint64_t delay_ms)
{
	struct timeval delay = {
		.tv_sec = (time_t)(delay_ms / 1000),
		.tv_usec = (suseconds_t)(delay_ms % 1000 * 1000),
	};
	struct event *timer = evtimer_new(base, on_timer, NULL);

	if (!timer || evtimer_add(timer, &delay))
		bench_fail("evtimer_add");
}

const struct memory_timer_peer memory_libevent_timer = {
	"libevent, event",
	sizeof(struct event),
	make,
	start_timer,
};
