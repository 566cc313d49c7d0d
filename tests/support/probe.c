/*
 * tests/support/probe.c - see probe.h.
 */
#include "probe.h"

#include <sys/resource.h>

static void called(struct rota_watch *watch, unsigned events)
{
	struct probe *probe = rota_container_of(watch, struct probe, watch);

	uint64_t now = stats_of(probe->loop).turns;

	if (probe->turn != now)
		probe->events = 0;
	probe->turn = now;
	probe->events |= events;
	probe->calls++;
	if (probe->act != NULL)
		probe->act(probe);
}

void probe_init(struct probe *probe, struct fixture *f, int fd)
{
	*probe = (struct probe){ .loop = f->loop };
	rota_watch_init(&probe->watch, f->loop, fd);
}

void probe_start(struct probe *probe, unsigned events)
{
	assert_int_equal(probe_try_start(probe, events), 0);
}

int probe_try_start(struct probe *probe, unsigned events)
{
	return rota_watch_start(&probe->watch, called, events);
}

void probe_stop(struct probe *probe)
{
	rota_watch_stop(&probe->watch);
}

void turn(struct fixture *f)
{
	assert_true(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
}

unsigned told(struct fixture *f, struct probe *probe)
{
	unsigned calls = probe->calls;

	turn(f);
	return probe->calls == calls ? 0 : probe->events;
}

struct stopwatch {
	struct rota_timer timer;
	int rang;
};

static void stop_the_run(struct rota_timer *timer)
{
	struct stopwatch *watch =
		rota_container_of(timer, struct stopwatch, timer);

	watch->rang = 1;
	rota_loop_stop(timer->data);
}

/* Run until a timer of @ms milliseconds stops the run. */
static void run_for(struct rota_loop *loop, unsigned ms)
{
	struct stopwatch watch = { .rang = 0 };

	rota_timer_init(&watch.timer, loop);
	watch.timer.data = loop;
	assert_int_equal(
		rota_timer_start(&watch.timer, stop_the_run, ROTA_MSEC(ms)), 0);
	assert_true(rota_loop_run(loop, ROTA_RUN_DEFAULT) >= 0);
	assert_true(watch.rang);
}

uint64_t waits_within(struct fixture *f, unsigned ms)
{
	struct rota_stats before, after;

	/* On a busy machine the timer may be due before the loop can sleep:
	 * then nothing was measured. */
	do {
		before = stats_of(f->loop);
		run_for(f->loop, ms);
		after = stats_of(f->loop);
		assert_true(after.waits > before.waits);
	} while (after.sleeps == before.sleeps);
	return after.waits - before.waits;
}

struct rota_stats stats_of(struct rota_loop *loop)
{
	struct rota_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_loop_stats(loop, &stats), 0);
	return stats;
}

void need_descriptors(unsigned count)
{
	rlim_t wanted = (rlim_t)count_descriptors() + count + 64;
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
		skip_test("RLIMIT_NOFILE is too low");
	}
}
