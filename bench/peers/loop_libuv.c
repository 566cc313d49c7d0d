/*
 * loop_libuv.c - libuv's loop with next to nothing to do.
 */
#include <stdlib.h>
#include <uv.h>

#include "peers/loop.h"
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

static size_t left;

static void on_turn(uv_idle_t *idle)
{
	if (--left == 0)
		uv_close((uv_handle_t *)idle, NULL);
}

static void loop_turn(void *loop, size_t count)
{
	uv_idle_t idle;

	left = count;
	uv_idle_init(loop, &idle);
	uv_idle_start(&idle, on_turn);
	uv_run(loop, UV_RUN_DEFAULT);
}

const struct loop_peer loop_libuv = {
	"libuv",
	loop_make,
	loop_free,
	loop_turn,
};
