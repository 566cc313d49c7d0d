/*
 * work.c - what does a job in the pool cost?
 *
 * Load: empty jobs, of which 1, 64 or 4096 are in flight: each that comes back
 * is queued again by its callback, until enough have been done. rota has a pool
 * with 4 threads in the lane for what computes; libuv's uv_queue_work() has its
 * 4 by default. The threads are there before the clock starts, and stay.
 *
 * Units:
 *
 *     cpu     ns of processor time for each job: the loop's thread and all
 *             others of the process, the kernel's share included
 *     rate    thousands of jobs a second, by the wall's clock
 *     sleeps  times that any thread waited for another, of 1000 jobs: the
 *             context switches that getrusage(2) calls voluntary
 *
 * Bad news: a job dearer than libuv's. With one in flight, what counts is how
 * often threads put each other to sleep; with many, what is done for each
 * besides running it.
 *
 * With --one-processor all threads share one. With more the figures depend on
 * how many of them the system runs at once, and that on what else it does: a
 * job costs more when its memory wanders between processors, and one run may
 * stay with one way and the next with another.
 *
 * `work --run rota --in-flight 64 --jobs 100000` runs one peer and prints
 * nothing, for other tools:
 *
 *     strace -fc build/bench/work --run rota     (which makes threads slower,
 *                                                 and so counts other sleeps)
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "peers/work.h"
#include "support/bench.h"

static const struct work_peer *const peers[] = { &work_libuv, &work_rota };

enum { PEERS = sizeof(peers) / sizeof(*peers), LIBUV = 0, ROTA = 1 };

/* How many are in flight, and how many are done for one sample. */
static const struct {
	size_t in_flight;
	size_t jobs;
} loads[] = {
	{ 1, 10000 },
	{ 64, 200000 },
	{ 4096, 400000 },
};

enum { LOADS = sizeof(loads) / sizeof(*loads) };

struct load {
	struct bench *bench;
	size_t in_flight;
	size_t jobs;
	struct bench_series cpu;
	struct bench_series rate;
	struct bench_series sleeps;
};

static long sleeps_so_far(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

static void run_load(void *arg, size_t peer)
{
	struct load *load = arg;
	const double jobs = (double)load->jobs;
	void *set = peers[peer]->make(load->in_flight);
	uint64_t cpu_ns;
	uint64_t wall_ns;
	long sleeps;

	peers[peer]->run(set, load->in_flight);
	sleeps = sleeps_so_far();
	wall_ns = bench_wall_ns();
	cpu_ns = bench_process_ns();
	peers[peer]->run(set, load->jobs);
	cpu_ns = bench_process_ns() - cpu_ns;
	wall_ns = bench_wall_ns() - wall_ns;
	sleeps = sleeps_so_far() - sleeps;
	peers[peer]->free(set);

	bench_add(load->bench, &load->cpu, peer, (double)cpu_ns / jobs);
	bench_add(load->bench, &load->rate, peer, jobs * 1e6 / (double)wall_ns);
	bench_add(load->bench, &load->sleeps, peer,
		  1000 * (double)sleeps / jobs);
}

static void name_series(struct bench_series *series, const char *name,
			const char *unit)
{
	*series = (struct bench_series){ name, unit, .peers = PEERS,
					 .base = LIBUV };
	for (size_t i = 0; i < PEERS; i++)
		series->peer[i] = peers[i]->name;
}

static void measure(struct bench *bench, size_t index)
{
	static struct load load;
	char names[3][40];

	load.bench = bench;
	load.in_flight = loads[index].in_flight;
	load.jobs = loads[index].jobs / (bench->quick ? 4 : 1);
	snprintf(names[0], sizeof(names[0]), "cpu, %zu", load.in_flight);
	snprintf(names[1], sizeof(names[1]), "rate, %zu", load.in_flight);
	snprintf(names[2], sizeof(names[2]), "sleeps, %zu", load.in_flight);
	name_series(&load.cpu, names[0], "ns/job");
	name_series(&load.rate, names[1], "1000 jobs/s");
	name_series(&load.sleeps, names[2], "/1000 jobs");

	bench_interleave(bench, PEERS, bench->quick ? 7 : 31, run_load, &load);
	bench_print(&load.cpu);
	bench_print(&load.rate);
	bench_print(&load.sleeps);
	snprintf(names[0], sizeof(names[0]), "cpu, rota to libuv, %zu",
		 load.in_flight);
	bench_target(bench, BENCH_NOISY, names[0], bench_ratio(&load.cpu, ROTA),
		     1);
}

struct options {
	const char *run;
	size_t in_flight;
	size_t jobs;
};

/* The threads to come stay on the processor that this one is on. */
static void stay_here(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET((size_t)sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here))
		bench_fail("sched_setaffinity");
}

static void read_options(struct options *options, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--one-processor")) {
			stay_here();
			continue;
		}
		if (!strcmp(argv[i], "--run") && value)
			options->run = value;
		else if (!strcmp(argv[i], "--in-flight") && value)
			options->in_flight = (size_t)atol(value);
		else if (!strcmp(argv[i], "--jobs") && value)
			options->jobs = (size_t)atol(value);
		else
			bench_fail("work [--quick] [--check] [--one-processor] "
				   "[--run NAME [--in-flight N] [--jobs N]]");
		i++;
	}
}

static int run_one(const struct options *options)
{
	for (size_t i = 0; i < PEERS; i++) {
		void *set;

		if (strcmp(peers[i]->name, options->run))
			continue;
		set = peers[i]->make(options->in_flight);
		peers[i]->run(set, options->jobs);
		peers[i]->free(set);
		return 0;
	}
	bench_fail("no peer %s", options->run);
}

int main(int argc, char **argv)
{
	struct options options = { .in_flight = 1, .jobs = 10000 };
	struct bench bench;

	argc = bench_begin(&bench, "work", argc, argv);
	read_options(&options, argc, argv);
	if (options.run)
		return run_one(&options);
	bench_print_head();
	for (size_t i = 0; i < LOADS; i++)
		measure(&bench, i);
	return bench_end(&bench);
}
