/*
 * precision_libuv.c - libuv's uv_timer with a repeat.
 */
#include <uv.h>

#include "peers/precision.h"

static void on_timer(uv_timer_t *timer)
{
	if (!precision_call(timer->data, 1))
		uv_timer_stop(timer);
}

static void run(struct precision *precision)
{
	const uint64_t period_ms = precision->period_ns / 1000000;
	uv_loop_t loop;
	uv_timer_t timer;

	if (uv_loop_init(&loop))
		bench_fail("uv_loop_init");
	uv_timer_init(&loop, &timer);
	timer.data = precision;
	precision_begin(precision);
	uv_update_time(&loop);
	if (uv_timer_start(&timer, on_timer, period_ms, period_ms))
		bench_fail("uv_timer_start");
	uv_run(&loop, UV_RUN_DEFAULT);
}

const struct precision_peer precision_libuv = { "libuv, uv_timer repeat", run };
