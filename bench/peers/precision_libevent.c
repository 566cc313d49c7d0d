/*
 * precision_libevent.c - libevent's persistent timer; and the same with
 * EVENT_BASE_FLAG_PRECISE_TIMER, with which it waits on a timerfd.
 */
#include <event2/event.h>

#include "peers/libevent.h"
#include "peers/precision.h"

struct timer {
	struct precision *precision;
	struct event *event;
};

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct timer *timer = arg;

	(void)fd;
	(void)what;
	if (!precision_call(timer->precision, 1))
		event_del(timer->event);
}

static void run_with(struct precision *precision, int flags)
{
	const uint64_t period_us = precision->period_ns / 1000;
	struct timeval period = {
		.tv_sec = (time_t)(period_us / 1000000),
		.tv_usec = (suseconds_t)(period_us % 1000000),
	};
	struct timer timer = { .precision = precision };
	struct event_config *config = event_config_new();
	struct event_base *base;

	libevent_check();
	event_config_set_flag(config, flags);
	base = event_base_new_with_config(config);
	if (!base)
		bench_fail("event_base_new_with_config");
	timer.event = event_new(base, -1, EV_PERSIST, on_timer, &timer);
	precision_begin(precision);
	if (!timer.event || event_add(timer.event, &period))
		bench_fail("event_add");
	event_base_dispatch(base);
}

static void run(struct precision *precision)
{
	run_with(precision, 0);
}

static void run_precise(struct precision *precision)
{
	run_with(precision, EVENT_BASE_FLAG_PRECISE_TIMER);
}

const struct precision_peer precision_libevent = { "libevent, EV_PERSIST",
						   run };

const struct precision_peer precision_libevent_precise = {
	"libevent, EV_PERSIST, precise",
	run_precise,
};
