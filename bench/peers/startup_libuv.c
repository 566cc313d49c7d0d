/*
 * startup_libuv.c - libuv's loop, made, run and freed.
 */
#include <stdlib.h>
#include <uv.h>

#include "peers/startup.h"
#include "support/bench.h"

static void *loop_make(void)
{
	uv_loop_t *loop = malloc(sizeof(*loop));

	if (!loop || uv_loop_init(loop))
		bench_fail("uv_loop_init");
	return loop;
}

static void loop_free(void *loop)
{
	if (uv_loop_close(loop))
		bench_fail("uv_loop_close");
	free(loop);
}

static startup_fn *called;

static void on_timer(uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, NULL);
	called();
}

static void loop_run(void *loop, startup_fn *fn)
{
	uv_timer_t timer;

	called = fn;
	uv_timer_init(loop, &timer);
	uv_timer_start(&timer, on_timer, 0, 0);
	uv_run(loop, UV_RUN_DEFAULT);
}

const struct startup_peer startup_libuv = {
	"libuv",
	loop_make,
	loop_free,
	loop_run,
};
