/*
 * startup_rota.c - rota's loop, made, run and freed.
 */
#include "peers/startup.h"
#include "rota.h"
#include "support/bench.h"

static void *loop_make(void)
{
	struct rota_loop *loop;

	if (rota_loop_new(&loop, NULL))
		bench_fail("rota_loop_new");
	return loop;
}

static void loop_free(void *loop)
{
	if (rota_loop_close(loop))
		bench_fail("rota_loop_close");
}

static startup_fn *called;

static void on_timer(struct rota_timer *timer)
{
	(void)timer;
	called();
}

static void loop_run(void *loop, startup_fn *fn)
{
	struct rota_timer timer;

	called = fn;
	rota_timer_init(&timer, loop);
	rota_timer_start(&timer, on_timer, 0);
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
}

const struct startup_peer startup_rota = {
	"rota",
	loop_make,
	loop_free,
	loop_run,
};
