/*
 * turn_limit.c - a turn by hand: ask the kernel, read the clock, and call what
 * is due.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "peers/turn.h"
#include "support/bench.h"

enum { EVENTS = 256 };

struct loop {
	int epoll;
	uint64_t now_ns;
	size_t left;
	void (*fn)(struct loop *loop);
	void (*ticks[TURN_TICKS])(struct loop *loop);
	size_t queued;
};

static void *loop_make(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop || (loop->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
		bench_fail("epoll_create1");
	return loop;
}

static void loop_free(void *arg)
{
	struct loop *loop = arg;

	close(loop->epoll);
	free(loop);
}

static void wait_and_read_the_clock(struct loop *loop)
{
	struct epoll_event events[EVENTS];
	struct timespec time;

	if (epoll_wait(loop->epoll, events, EVENTS, 0))
		bench_fail("epoll_wait");
	clock_gettime(CLOCK_MONOTONIC, &time);
	loop->now_ns = (uint64_t)time.tv_sec * UINT64_C(1000000000) +
		       (uint64_t)time.tv_nsec;
}

static void on_turn(struct loop *loop)
{
	loop->left--;
}

static void loop_run(void *arg, size_t count)
{
	struct loop *loop = arg;

	loop->left = count;
	loop->fn = on_turn;
	while (loop->left) {
		loop->fn(loop);
		wait_and_read_the_clock(loop);
	}
}

const struct turn_peer turn_limit = {
	"limit: epoll_wait and clock",
	loop_make,
	loop_run,
	loop_free,
};

static void on_tick(struct loop *loop)
{
	loop->now_ns++;
}

static void on_turn_with_ticks(struct loop *loop)
{
	loop->left--;
	for (size_t i = 0; i < TURN_TICKS; i++)
		loop->ticks[loop->queued++] = on_tick;
}

static void loop_run_ticks(void *arg, size_t count)
{
	struct loop *loop = arg;

	loop->left = count;
	loop->fn = on_turn_with_ticks;
	while (loop->left) {
		loop->fn(loop);
		for (size_t i = 0; i < loop->queued; i++)
			loop->ticks[i](loop);
		loop->queued = 0;
		wait_and_read_the_clock(loop);
	}
}

const struct turn_peer turn_limit_ticks = {
	"limit: epoll_wait, clock and an array",
	loop_make,
	loop_run_ticks,
	loop_free,
};
