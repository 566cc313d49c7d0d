/*
 * turn_libuv.c - libuv's loop with almost nothing to do.
 *
 * libuv calls nothing soon except once per turn. The nearest thing to an
 * immediate is a check handle, which is called after the wait, and an idle
 * handle that keeps the loop from sleeping.
 */
#include <stdlib.h>
#include <uv.h>

#include "peers/turn.h"
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

static void run_idle(void *loop, size_t count)
{
	uv_idle_t idle;

	left = count;
	uv_idle_init(loop, &idle);
	uv_idle_start(&idle, on_turn);
	uv_run(loop, UV_RUN_DEFAULT);
}

const struct turn_peer turn_libuv_idle = {
	"libuv, uv_idle",
	loop_make,
	run_idle,
	loop_free,
};

static void on_idle(uv_idle_t *idle)
{
	(void)idle;
}

static void on_check(uv_check_t *check)
{
	if (--left == 0) {
		uv_close(check->data, NULL);
		uv_close((uv_handle_t *)check, NULL);
	}
}

static void run_check(void *loop, size_t count)
{
	uv_idle_t idle;
	uv_check_t check;

	left = count;
	uv_idle_init(loop, &idle);
	uv_idle_start(&idle, on_idle);
	uv_check_init(loop, &check);
	check.data = &idle;
	uv_check_start(&check, on_check);
	uv_run(loop, UV_RUN_DEFAULT);
}

const struct turn_peer turn_libuv_check = {
	"libuv, uv_check and uv_idle",
	loop_make,
	run_check,
	loop_free,
};
