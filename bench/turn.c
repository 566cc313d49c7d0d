/*
 * turn.c - what does a turn of the loop cost, and a callback that is called
 * soon, with nothing to wait for?
 *
 * Load: a loop that makes turns without finding events, because
 *
 *     idle hook  a callback that is called once a turn keeps it from sleeping
 *     immediate  a callback that runs after the wait has been queued, and
 *                queues itself again
 *     ticks      an idle hook, which also queues 10 callbacks for the same turn
 *     calls      100 callbacks are queued, each of which queues itself again:
 *                the cost of one of them, whatever turn it is in
 *
 * Metrics, per turn or per call:
 *
 *     cpu           ns of this thread, including the kernel's share
 *     instructions  in user space                        exact
 *     calls         system calls; reading the clock is none    exact
 *
 * Subjects: the limit is a plain loop over a callback, an epoll_wait with a
 * timeout of 0, and one reading of the clock: a loop that waits must read the
 * clock once after it. rota, libuv and libev have idle hooks, libevent has not.
 * libuv has nothing like ticks. What libev and libevent offer instead runs
 * after everything else that is pending, while a tick runs before it.
 * peers/turn_*.c say how each is used. All run in one call until the callback
 * is stopped, except for libevent's event_active, which needs one call per
 * turn.
 *
 * Bad news: a turn that is much dearer than its one system call. With --run
 * LOAD SUBJECT TURNS a single subject runs, for other tools:
 *
 *     valgrind --tool=callgrind build/bench/turn --run 'idle hook' rota 100000
 */
#include <stdlib.h>
#include <string.h>

#include "peers/turn.h"
#include "support/bench.h"
#include "support/server.h"
#include "support/trace.h"

enum { SUBJECTS = 8 };

struct load {
	const char *name;
	const char *each;
	const char *ns_each;
	size_t count;   /* for a sample of some 10 ms */
	size_t stepped; /* one instruction at a time */
	const struct turn_peer *subjects[SUBJECTS];
};

static const struct load loads[] = {
	{ "idle hook",
	  "/turn",
	  "ns/turn",
	  40000,
	  10,
	  { &turn_rota_idle, &turn_limit, &turn_libuv_idle, &turn_libev_idle,
	    &turn_libevent_active, &turn_libevent_timer } },
	{ "immediate",
	  "/turn",
	  "ns/turn",
	  40000,
	  10,
	  { &turn_rota_immediate, &turn_limit, &turn_libuv_check,
	    &turn_libev_check, &turn_libev_timer, &turn_libevent_active,
	    &turn_libevent_timer } },
	{ "ticks",
	  "/turn",
	  "ns/turn",
	  40000,
	  10,
	  { &turn_rota_ticks, &turn_limit_ticks, &turn_libev_feed,
	    &turn_libevent_feed } },
	{ "calls",
	  "/call",
	  "ns/call",
	  500000,
	  TURN_CALLS / 2,
	  { &call_rota_tick, &call_rota_microtask, &call_rota_immediate,
	    &call_rota_post, &call_libev, &call_libevent } },
};

enum { LOADS = sizeof(loads) / sizeof(*loads), IDLE_HOOK = 0 };

static void name_series(struct bench_series *series, const struct load *load,
			const char *metric, const char *unit)
{
	bench_series_init(series, metric, unit, "%s", load->name);
	for (size_t i = 0; load->subjects[i]; i++)
		bench_series_name(series, load->subjects[i]->name);
}

/* Processor time. */

struct timing {
	struct bench *bench;
	const struct load *load;
	size_t count;
	struct bench_series cpu;
};

static void time_one(void *arg, size_t index)
{
	struct timing *timing = arg;
	const struct turn_peer *subject = timing->load->subjects[index];
	void *loop = subject->make();
	uint64_t begin_ns;

	subject->run(loop, timing->count / 10);
	begin_ns = bench_thread_ns();
	subject->run(loop, timing->count);
	bench_add(timing->bench, &timing->cpu, index,
		  (double)(bench_thread_ns() - begin_ns) /
			  (double)timing->count);
	subject->free(loop);
}

static void time_all(struct bench *bench, const struct load *load)
{
	static struct timing timing;

	timing.bench = bench;
	timing.load = load;
	timing.count = bench->quick ? load->count / 2 : load->count;
	name_series(&timing.cpu, load, "cpu", load->ns_each);
	bench_interleave(bench, timing.cpu.subjects, bench->quick ? 9 : 41,
			 time_one, &timing);
	bench_print(bench, &timing.cpu);
	if (load != &loads[IDLE_HOOK])
		return;
	bench_target_ratio(bench, BENCH_NOISY, &timing.cpu, "libuv", 0.85);
	bench_target_ratio(bench, BENCH_NOISY, &timing.cpu, "libev,", 0.75);
	bench_target_ratio(bench, BENCH_NOISY, &timing.cpu, "limit", 1.15);
}

/* Exact counts. */

struct traced {
	const struct turn_peer *subject;
	size_t count;
};

static void run_traced(void *arg)
{
	const struct traced *traced = arg;
	void *loop = traced->subject->make();

	traced->subject->run(loop, TURN_CALLS);
	trace_on();
	traced->subject->run(loop, traced->count);
	trace_off();
}

static struct trace trace_turns(const struct turn_peer *subject,
				enum trace_what what, size_t count)
{
	struct traced traced = { subject, count };
	struct trace trace;

	if (trace_run(&trace, what, run_traced, &traced))
		bench_fail("cannot trace: ptrace(2) is not allowed here");
	return trace;
}

/* The difference between a long run and a short one, so that begin and end do
 * not count. Steps are slow, so the long run is not very long. */
static void count_one(struct bench *bench, struct bench_series *series,
		      size_t index, const struct turn_peer *subject,
		      enum trace_what what, size_t more)
{
	const struct trace few = trace_turns(subject, what, 1);
	const struct trace many = trace_turns(subject, what, 1 + more);

	bench_add_exact(bench, series, index, many.total - few.total,
			many.most - few.total, (double)more);
}

static void count_all(struct bench *bench, const struct load *load)
{
	static struct bench_series calls, instructions;

	name_series(&calls, load, "calls", load->each);
	name_series(&instructions, load, "instructions", load->each);
	for (size_t i = 0; load->subjects[i]; i++) {
		const struct turn_peer *subject = load->subjects[i];

		if (!bench_counts(bench, subject->name))
			continue;
		count_one(bench, &calls, i, subject, TRACE_CALLS, 1000);
		count_one(bench, &instructions, i, subject, TRACE_INSTRUCTIONS,
			  load->stepped);
	}
	bench_print(bench, &calls);
	if (load == &loads[IDLE_HOOK])
		bench_target_figure(bench, BENCH_EXACT, &calls, 1);
	bench_print(bench, &instructions);
}

/* One subject alone, or all. */

static int run_only(const char *name, const char *subject, size_t count)
{
	for (size_t i = 0; i < LOADS; i++) {
		const struct turn_peer *const *peer = loads[i].subjects;
		void *loop;

		if (strcmp(loads[i].name, name))
			continue;
		while (*peer &&
		       strncmp((*peer)->name, subject, strlen(subject)))
			peer++;
		if (!*peer)
			break;
		loop = (*peer)->make();
		(*peer)->run(loop, count);
		(*peer)->free(loop);
		return 0;
	}
	bench_fail("no %s with %s", subject, name);
}

int main(int argc, char **argv)
{
	struct bench bench;

	argc = bench_begin(&bench, "turn", argc, argv);
	if (argc == 5 && !strcmp(argv[1], "--run"))
		return run_only(argv[2], argv[3], (size_t)atol(argv[4]));
	if (argc > 1)
		bench_fail("turn [--quick] [--check] "
			   "[--run LOAD SUBJECT COUNT]");
	for (size_t i = 0; i < LOADS; i++)
		count_all(&bench, &loads[i]);
	if (!bench.check) {
		bench_stay_here();
		for (size_t i = 0; i < LOADS; i++)
			time_all(&bench, &loads[i]);
		bench_go_back();
	}
	return bench_end(&bench);
}
