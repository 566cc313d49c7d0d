/*
 * The order of callbacks and the arithmetic of times, both on virtual time and
 * on the system's clock.
 */
#include "cross/plain.h"

#include <string.h>
#include <time.h>

enum { NAMES = 64 };

static char journal[NAMES + 1];
static size_t written;

static void note(const void *data)
{
	if (written < NAMES)
		journal[written++] = *(const char *)data;
}

static void on_timer(struct rota_timer *timer)
{
	note(timer->data);
}

static void on_task(struct rota_task *task)
{
	note(task->data);
}

static void begin(void)
{
	memset(journal, 0, sizeof(journal));
	written = 0;
}

static void start(struct rota_timer *timer, struct rota_loop *loop, char *name,
		  uint64_t delay_ns)
{
	rota_timer_init(timer, loop);
	timer->data = name;
	EXPECT(rota_timer_start(timer, on_timer, delay_ns) == 0);
}

/* Timers in each slot of the wheel, and delays that need more than 32 bits. */
static void timers_run_in_the_order_of_their_times(void)
{
	static const uint64_t delays[] = {
		ROTA_SEC(400ULL * 24 * 3600),
		ROTA_USEC(1),
		ROTA_SEC(4),
		0,
		ROTA_MSEC(5),
		ROTA_SEC(5),
		ROTA_MSEC(300),
		ROTA_SEC(3600),
	};
	enum { COUNT = sizeof(delays) / sizeof(delays[0]) };
	struct rota_loop *loop = plain_loop(ROTA_CLOCK_VIRTUAL);
	uint64_t began = rota_loop_now(loop);
	struct rota_timer timers[COUNT];
	char names[COUNT];

	begin();
	for (unsigned i = 0; i < COUNT; i++) {
		names[i] = (char)('a' + i);
		start(&timers[i], loop, &names[i], delays[i]);
	}
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);

	EXPECT(strcmp(journal, "dbegcfha") == 0);
	EXPECT(rota_loop_now(loop) - began == delays[0]);
	EXPECT(rota_loop_close(loop) == 0);
}

static void on_every(struct rota_timer *timer)
{
	unsigned *left = timer->data;

	if (--*left == 0)
		rota_timer_stop(timer);
}

static void a_repeating_timer_does_not_drift(void)
{
	struct rota_loop *loop = plain_loop(ROTA_CLOCK_VIRTUAL);
	uint64_t began = rota_loop_now(loop);
	struct rota_timer timer;
	unsigned left = 1000;

	rota_timer_init(&timer, loop);
	timer.data = &left;
	EXPECT(rota_timer_every(&timer, on_every, 4999999999ULL,
				ROTA_REPEAT_RATE) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);

	EXPECT(left == 0);
	EXPECT(rota_loop_now(loop) - began == 4999999999000ULL);
	EXPECT(rota_loop_close(loop) == 0);
}

/* Tick, microtask, timer, post, immediate: the order is that of
 * docs/turn.md. */
static void tasks_run_in_their_phases(void)
{
	struct rota_loop *loop = plain_loop(ROTA_CLOCK_VIRTUAL);
	struct rota_task tasks[4];
	struct rota_timer timer;

	begin();
	for (unsigned i = 0; i < 4; i++) {
		rota_task_init(&tasks[i], loop);
		tasks[i].data = &"ipmt"[i];
	}
	EXPECT(rota_task_immediate(&tasks[0], on_task) == 0);
	EXPECT(rota_task_post(&tasks[1], on_task) == 0);
	EXPECT(rota_task_microtask(&tasks[2], on_task) == 0);
	EXPECT(rota_task_next_tick(&tasks[3], on_task) == 0);
	start(&timer, loop, (char[]){ "T" }, 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);

	EXPECT(strcmp(journal, "tmTpi") == 0);
	EXPECT(rota_loop_close(loop) == 0);
}

static uint64_t system_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ROTA_SEC(t.tv_sec) + (uint64_t)t.tv_nsec;
}

/* The delay is not a multiple of a millisecond. On Linux that needs
 * epoll_pwait2(2), or the fallback where it is missing. */
static void a_timer_is_not_early(void)
{
	struct rota_loop *loop = plain_loop(ROTA_CLOCK_MONOTONIC);

	for (unsigned i = 1; i <= 5; i++) {
		uint64_t delay_ns = i * ROTA_USEC(700) + 1;
		uint64_t began = system_now();
		struct rota_timer timer;

		begin();
		start(&timer, loop, (char[]){ "x" }, delay_ns);
		EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
		EXPECT(strcmp(journal, "x") == 0);
		EXPECT(system_now() - began >= delay_ns);
	}
	EXPECT(rota_loop_close(loop) == 0);
}

static const struct plain_test tests[] = {
	{ "timers_run_in_the_order_of_their_times",
	  timers_run_in_the_order_of_their_times },
	{ "a_repeating_timer_does_not_drift",
	  a_repeating_timer_does_not_drift },
	{ "tasks_run_in_their_phases", tasks_run_in_their_phases },
	{ "a_timer_is_not_early", a_timer_is_not_early },
};
PLAIN_MAIN(tests)
