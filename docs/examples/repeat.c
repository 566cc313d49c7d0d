/*
 * repeat.c - print three numbers, one a second.
 *
 * Shows a timer that repeats, and that a run ends when nothing is started any
 * more.
 *
 *     cc repeat.c $(pkg-config --cflags --libs rota) -o repeat && ./repeat
 */
#include <rota.h>
#include <stdio.h>

static void on_timer(struct rota_timer *timer)
{
	static int count;

	printf("%d\n", ++count);
	if (count == 3)
		rota_timer_stop(timer); /* nothing is left: the run ends */
}

int main(void)
{
	struct rota_loop *loop;
	struct rota_timer timer;

	if (rota_loop_new(&loop, NULL) < 0)
		return 1;
	rota_timer_init(&timer, loop);
	rota_timer_every(&timer, on_timer, ROTA_SEC(1), ROTA_REPEAT_RATE);
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	return rota_loop_close(loop) < 0;
}
