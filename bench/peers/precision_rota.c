/*
 * precision_rota.c - rota's rota_timer_every(), which keeps to its grid.
 */
#include "peers/precision.h"
#include "rota.h"

static void on_timer(struct rota_timer *timer)
{
	if (!precision_call(timer->data, 1 + rota_timer_missed(timer)))
		rota_timer_stop(timer);
}

static void run(struct precision *precision)
{
	struct rota_loop *loop;
	struct rota_timer timer;

	if (rota_loop_new(&loop, NULL))
		bench_fail("rota_loop_new");
	rota_timer_init(&timer, loop);
	timer.data = precision;
	precision_begin(precision);
	if (rota_timer_every(&timer, on_timer, precision->period_ns,
			     ROTA_REPEAT_RATE))
		bench_fail("rota_timer_every");
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
}

const struct precision_peer precision_rota = { "rota, rate", run };
