/*
 * pool.c - what does a job in the pool cost?
 *
 * Load: empty jobs, of which 1, 64 or 4096 are in flight. Each callback queues
 * its job again, until enough are done. rota has a pool with 4 threads in the
 * lane for computations; libuv's uv_queue_work() has 4 threads by default. All
 * threads exist before the clock starts, and stay. By default rota would make
 * only one thread for one job at a time, and the price would depend on where
 * the system places it: see below.
 *
 * With "spin", rota's threads and its loop busy-wait for 20 us before they
 * sleep (spin_ns in the pool's options). libuv has no such option, so its
 * threads behave as always.
 *
 * "bare" is a pool by hand with as many threads. Its jobs cannot be cancelled.
 *
 * Units:
 *
 *     cpu     ns of processor time for each job: of the loop's thread and all
 *             other threads of the process, including the kernel's share
 *     rate    thousands of jobs per second of real time
 *     sleeps  per 1000 jobs, how often a thread waited for another one: the
 *             context switches that getrusage(2) calls voluntary
 *
 * Bad news: a job that is dearer than libuv's. With one job in flight, the
 * price depends on how often threads put each other to sleep; with many, on the
 * work for each job besides running it. With spin and one job in flight no
 * thread should sleep.
 *
 * With --one-processor all threads share one processor, and there is no spin.
 * With more processors the figures depend on how many of them the system uses
 * at once, and that depends on other load. A job costs more if its memory moves
 * between processors, and one run may stay in one state and the next run in
 * another.
 *
 * `pool --run rota --in-flight 64 --jobs 100000` runs one peer and prints
 * nothing, for other tools:
 *
 *     strace -fc build/bench/pool --run rota     (which slows threads down, and
 *                                                 so counts other sleeps)
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "peers/pool.h"
#include "support/bench.h"

enum { LIBUV, BARE, ROTA, PEERS };

/* How many jobs are in flight and how many make one sample, which rota peer
 * runs beside libuv, and the target for its ratio to libuv. */
static const struct {
	size_t in_flight;
	size_t jobs;
	const struct pool_peer *rota;
	double most;
	double most_of_bare; /* 0: there is no target */
} loads[] = {
	{ 1, 10000, &pool_rota, 1, 0 },
	{ 1, 10000, &pool_rota_spin, 0.1, 0 },
	{ 64, 200000, &pool_rota, 0.8, 0 },
	{ 4096, 400000, &pool_rota, 0.1, 1.3 },
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
	load.peers[BARE] = &pool_bare;
	load.peers[ROTA] = loads[index].rota;
	name_series(&load.cpu, "cpu", "ns/job", &load);
	name_series(&load.rate, "rate", "1000 jobs/s", &load);
	name_series(&load.sleeps, "sleeps", "/1000 jobs", &load);

	bench_interleave(bench, PEERS, bench->quick ? 7 : 31, run_load, &load);
	bench_print(bench, &load.cpu);
	bench_target_ratio(bench, BENCH_NOISY, &load.cpu, "libuv",
			   loads[index].most);
	if (loads[index].most_of_bare > 0)
		bench_target_ratio(bench, BENCH_NOISY, &load.cpu, "bare",
				   loads[index].most_of_bare);
	bench_print(bench, &load.rate);
	bench_print(bench, &load.sleeps);
}

struct options {
	const char *run;
	size_t in_flight;
	size_t jobs;
};

/* Threads that start from now on stay on this processor. */
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
	static const struct pool_peer *const all[] = { &pool_libuv, &pool_bare,
						       &pool_rota,
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
