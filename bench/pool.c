/*
 * pool.c - what does a job in the pool cost?
 *
 * Load: empty jobs, of which 1, 64 or 4096 are in flight: each that comes back
 * is queued again by its callback, until enough have been done. rota has a pool
 * with 4 threads in the lane for what computes; libuv's uv_queue_work() has its
 * 4 by default. The threads are there before the clock starts, and stay. By
 * itself rota would have made one alone for one job at a time; where the system
 * puts that one decides what it costs: see below.
 *
 * With "spin", rota's threads and its loop look for more for 20 us before they
 * sleep (spin_ns in the pool's options), and libuv's, which have nothing of the
 * kind, do what they always do.
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
 * besides running it. With spin and one in flight nobody is to sleep.
 *
 * With --one-processor all threads share one, and there is no spin. With more
 * the figures depend on how many of them the system runs at once, and that on
 * what else it does: a job costs more when its memory wanders between
 * processors, and one run may stay with one way and the next with another.
 *
 * `pool --run rota --in-flight 64 --jobs 100000` runs one peer and prints
 * nothing, for other tools:
 *
 *     strace -fc build/bench/pool --run rota     (which makes threads slower,
 *                                                 and so counts other sleeps)
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "peers/pool.h"
#include "support/bench.h"

enum { LIBUV, ROTA, PEERS };

/* How many are in flight, how many are done for one sample, by whom beside
 * libuv, and what that may cost, of libuv's. */
static const struct {
	size_t in_flight;
	size_t jobs;
	const struct pool_peer *rota;
	double most;
} loads[] = {
	{ 1, 10000, &pool_rota, 1 },
	{ 1, 10000, &pool_rota_spin, 0.1 },
	{ 64, 200000, &pool_rota, 0.8 },
	{ 4096, 400000, &pool_rota, 0.1 },
};

enum { LOADS = sizeof(loads) / sizeof(*loads) };

struct load {
	struct bench *bench;
	const struct pool_peer *peers[PEERS];
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
	const struct pool_peer *one = load->peers[peer];
	void *set = one->make(load->in_flight);
	uint64_t cpu_ns;
	uint64_t wall_ns;
	long sleeps;

	one->run(set, load->in_flight);
	sleeps = sleeps_so_far();
	wall_ns = bench_wall_ns();
	cpu_ns = bench_process_ns();
	one->run(set, load->jobs);
	cpu_ns = bench_process_ns() - cpu_ns;
	wall_ns = bench_wall_ns() - wall_ns;
	sleeps = sleeps_so_far() - sleeps;
	one->free(set);

	bench_add(load->bench, &load->cpu, peer, (double)cpu_ns / jobs);
	bench_add(load->bench, &load->rate, peer, jobs * 1e6 / (double)wall_ns);
	bench_add(load->bench, &load->sleeps, peer,
		  1000 * (double)sleeps / jobs);
}

static void name_series(struct bench_series *series, const char *metric,
			const char *unit, const struct load *load)
{
	const char *spin = load->peers[ROTA] == &pool_rota_spin ? ", spin" : "";

	bench_series_init(series, metric, unit, "%zu in flight%s",
			  load->in_flight, spin);
	for (size_t i = 0; i < PEERS; i++)
		bench_series_name(series, load->peers[i]->name);
	series->ours = ROTA;
}

static void measure(struct bench *bench, size_t index)
{
	static struct load load;

	load.bench = bench;
	load.in_flight = loads[index].in_flight;
	load.jobs = loads[index].jobs / (bench->quick ? 4 : 1);
	load.peers[LIBUV] = &pool_libuv;
	load.peers[ROTA] = loads[index].rota;
	name_series(&load.cpu, "cpu", "ns/job", &load);
	name_series(&load.rate, "rate", "1000 jobs/s", &load);
	name_series(&load.sleeps, "sleeps", "/1000 jobs", &load);

	bench_interleave(bench, PEERS, bench->quick ? 7 : 31, run_load, &load);
	bench_print(bench, &load.cpu);
	bench_target_ratio(bench, BENCH_NOISY, &load.cpu, "libuv",
			   loads[index].most);
	bench_print(bench, &load.rate);
	bench_print(bench, &load.sleeps);
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

static int processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		bench_fail("sched_getaffinity");
	return CPU_COUNT(&set);
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
			bench_fail("pool [--quick] [--check] [--one-processor] "
				   "[--run NAME [--in-flight N] [--jobs N]]");
		i++;
	}
}

static int run_one(const struct options *options)
{
	static const struct pool_peer *const all[] = { &pool_libuv, &pool_rota,
						       &pool_rota_spin };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		void *set;

		if (strcmp(all[i]->name, options->run))
			continue;
		set = all[i]->make(options->in_flight);
		all[i]->run(set, options->jobs);
		all[i]->free(set);
		return 0;
	}
	bench_fail("no peer %s", options->run);
}

int main(int argc, char **argv)
{
	struct options options = { .in_flight = 1, .jobs = 10000 };
	struct bench bench;

	argc = bench_begin(&bench, "pool", argc, argv);
	read_options(&options, argc, argv);
	if (options.run)
		return run_one(&options);
	for (size_t i = 0; i < LOADS && !bench.check; i++)
		if (loads[i].rota != &pool_rota_spin || processors() > 1)
			measure(&bench, i);
	return bench_end(&bench);
}
