/*
 * stopwatch.c - an hour on a stopwatch, in about a millisecond.
 *
 * This program shows virtual time: the clock of the loop jumps to the next due
 * time instead of sleeping. Nothing else is different. So code that waits for
 * minutes takes microseconds in its tests, and due times are exact.
 *
 *     cc stopwatch.c $(pkg-config --cflags --libs rota) -o stopwatch
 *     ./stopwatch
 */
#include <inttypes.h>
#include <rota.h>
#include <stdio.h>
#include <time.h>

struct stopwatch {
	struct rota_loop *loop;
	struct rota_timer tick; /* every second, for an hour */
	struct rota_timer lap;  /* of a runner who gets tired */
	uint64_t start_ns;
	uint64_t lap_ns; /* how long the runner's last lap took */
	unsigned ticks;
	unsigned laps;
};

static void print_time(const struct stopwatch *s, const char *what)
{
	uint64_t ns = rota_loop_now(s->loop) - s->start_ns;
	uint64_t seconds = ns / ROTA_SEC(1);

	printf("%-8s %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%09" PRIu64 "\n",
	       what, seconds / 3600, seconds / 60 % 60, seconds % 60,
	       ns % ROTA_SEC(1));
}

static void on_tick(struct rota_timer *timer)
{
	struct stopwatch *s = rota_container_of(timer, struct stopwatch, tick);

	if (++s->ticks < 3600)
		return;
	print_time(s, "finish");
	rota_timer_stop(&s->tick);
	rota_timer_stop(&s->lap);
}

/* Each lap takes 9 s, 8 ms, 7 us and 6 ns longer than the one before. */
static void on_lap(struct rota_timer *timer)
{
	struct stopwatch *s = rota_container_of(timer, struct stopwatch, lap);
	char name[16];

	snprintf(name, sizeof(name), "lap %u", ++s->laps);
	print_time(s, name);
	s->lap_ns += ROTA_SEC(9) + ROTA_MSEC(8) + ROTA_USEC(7) + 6;
	rota_timer_start(&s->lap, on_lap, s->lap_ns);
}

/* Start both timers. Returns 0, or the error of the one that did not start. */
static int start(struct stopwatch *s, struct rota_loop *loop)
{
	int error;

	*s = (struct stopwatch){
		.loop = loop,
		.start_ns = rota_loop_now(loop),
		.lap_ns = ROTA_SEC(400),
	};
	rota_timer_init(&s->tick, loop);
	rota_timer_init(&s->lap, loop);
	error = rota_timer_every(&s->tick, on_tick, ROTA_SEC(1),
				 ROTA_REPEAT_RATE);
	if (error == 0)
		error = rota_timer_start(&s->lap, on_lap, s->lap_ns);
	return error;
}

static double real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(void)
{
	struct rota_loop_options options;
	struct rota_loop *loop;
	struct stopwatch stopwatch;
	double began = real_ms();
	int error;

	rota_loop_options_init(&options);
	options.clock = ROTA_CLOCK_VIRTUAL;
	error = rota_loop_new(&loop, &options);
	if (error < 0) {
		fprintf(stderr, "stopwatch: %s\n", rota_error_name(error));
		return 1;
	}
	error = start(&stopwatch, loop);
	if (error == 0)
		error = rota_loop_run(loop, ROTA_RUN_DEFAULT);
	if (error < 0) {
		fprintf(stderr, "stopwatch: %s\n", rota_error_name(error));
		return 1;
	}
	printf("%u ticks and %u laps of an hour took %.3f ms\n",
	       stopwatch.ticks, stopwatch.laps, real_ms() - began);
	return rota_loop_close(loop) < 0;
}
