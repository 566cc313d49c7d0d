/*
 * precision_libev.c - libev's ev_timer with a repeat, and its ev_periodic. The
 * latter uses the time of day, so its first call is due at the next multiple of
 * the period, and not when the others' is.
 */
#include <ev.h>

#include "peers/precision.h"

static struct ev_loop *make_loop(struct precision *precision)
{
	struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL);

	if (!loop)
		bench_fail("ev_loop_new");
	ev_set_userdata(loop, precision);
	precision_begin(precision);
	ev_now_update(loop);
	return loop;
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)events;
	if (!precision_call(ev_userdata(loop), 1))
		ev_timer_stop(loop, timer);
}

static void run_timer(struct precision *precision)
{
	const double period = (double)precision->period_ns * 1e-9;
	struct ev_loop *loop = make_loop(precision);
	ev_timer timer;

	ev_timer_init(&timer, on_timer, period, period);
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
}

const struct precision_peer precision_libev_timer = { "libev, ev_timer repeat",
						      run_timer };

struct grid {
	ev_periodic periodic;
	double period;
	double before; /* when the previous call was due */
	double due;
};

/* In the callback, the watcher already has the next due time. A call that is
 * late by more than a period skips some. */
static void on_periodic(struct ev_loop *loop, ev_periodic *periodic, int events)
{
	struct grid *grid = (void *)periodic;
	double periods = (grid->due - grid->before) / grid->period;

	(void)events;
	grid->before = grid->due;
	grid->due = ev_periodic_at(periodic);
	if (!precision_call(ev_userdata(loop), (uint64_t)(periods + 0.5)))
		ev_periodic_stop(loop, periodic);
}

static void run_periodic(struct precision *precision)
{
	struct grid grid = { .period = (double)precision->period_ns * 1e-9 };
	struct ev_loop *loop = make_loop(precision);

	ev_periodic_init(&grid.periodic, on_periodic, 0., grid.period, NULL);
	ev_periodic_start(loop, &grid.periodic);
	grid.due = ev_periodic_at(&grid.periodic);
	grid.before = grid.due - grid.period;
	precision->first_ns =
		bench_wall_ns() + (uint64_t)((grid.due - ev_time()) * 1e9);
	ev_run(loop, 0);
}

const struct precision_peer precision_libev_periodic = { "libev, ev_periodic",
							 run_periodic };
