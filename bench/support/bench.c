/*
 * bench.c - repeat, take turns, and print what was measured.
 *
 *  1. The i-th samples of all peers are of the same round.
 *  2. Every second round goes backwards: no peer always follows the same one.
 */
#include "support/bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The first line that @command prints, or "unknown". */
static void first_line(const char *command, char *line, size_t size)
{
	FILE *pipe = popen(command, "r");

	if (!pipe || !fgets(line, (int)size, pipe))
		snprintf(line, size, "unknown");
	line[strcspn(line, "\n")] = '\0';
	if (pipe)
		pclose(pipe);
}

static void print_origin(const char *name)
{
	struct utsname system;
	char commit[80];
	char processor[120];

	first_line("git describe --always --dirty 2>/dev/null", commit,
		   sizeof(commit));
	first_line("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo", processor,
		   sizeof(processor));
	uname(&system);
	printf("# %s: commit %s; %s %s %s, %ld x %s; compiler %s\n", name,
	       commit, system.sysname, system.release, system.machine,
	       sysconf(_SC_NPROCESSORS_ONLN), processor, __VERSION__);
}

int bench_begin(struct bench *bench, const char *name, int argc, char **argv)
{
	int left = 1;

	*bench = (struct bench){ 0 };
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick"))
			bench->quick = true;
		else if (!strcmp(argv[i], "--check"))
			bench->check = true;
		else
			argv[left++] = argv[i];
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	print_origin(name);
	return left;
}

int bench_end(const struct bench *bench)
{
	return bench->check && bench->missed ? 1 : 0;
}

void bench_interleave(struct bench *bench, size_t peers, size_t rounds,
		      bench_run_fn *run, void *arg)
{
	bench->warming = true;
	for (size_t peer = 0; peer < peers; peer++)
		run(arg, peer);
	bench->warming = false;

	for (size_t round = 0; round < rounds; round++) {
		for (size_t i = 0; i < peers; i++)
			run(arg, round % 2 ? peers - 1 - i : i);
	}
}

void bench_add(const struct bench *bench, struct bench_series *series,
	       size_t peer, double value)
{
	if (bench->warming || series->count[peer] == BENCH_SAMPLES)
		return;
	series->sample[peer][series->count[peer]++] = value;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The value that @share of the sorted @values are below. */
static double quantile(const double *values, size_t count, double share)
{
	double place = share * (double)(count - 1);
	size_t below = (size_t)place;
	double rest = place - (double)below;

	if (below + 1 == count)
		return values[below];
	return values[below] + rest * (values[below + 1] - values[below]);
}

static void sort(const double *from, double *to, size_t count)
{
	memcpy(to, from, count * sizeof(*to));
	qsort(to, count, sizeof(*to), compare);
}

double bench_median(const struct bench_series *series, size_t peer)
{
	double values[BENCH_SAMPLES];

	if (!series->count[peer])
		return 0;
	sort(series->sample[peer], values, series->count[peer]);
	return quantile(values, series->count[peer], 0.5);
}

double bench_ratio(const struct bench_series *series, size_t peer)
{
	double values[BENCH_SAMPLES];
	double ratios[BENCH_SAMPLES];
	size_t count = series->count[peer];

	if (series->count[series->base] < count)
		count = series->count[series->base];
	if (!count)
		return 0;
	for (size_t i = 0; i < count; i++)
		ratios[i] = series->sample[peer][i] /
			    series->sample[series->base][i];
	sort(ratios, values, count);
	return quantile(values, count, 0.5);
}

void bench_print_head(void)
{
	printf("%-22s %-18s %10s %-12s %7s %7s\n", "what", "of", "median",
	       "unit", "spread", "ratio");
}

void bench_print(const struct bench_series *series)
{
	for (size_t peer = 0; peer < series->peers; peer++) {
		double values[BENCH_SAMPLES];
		size_t count = series->count[peer];
		double median = bench_median(series, peer);

		if (!count)
			continue;
		sort(series->sample[peer], values, count);
		printf("%-22s %-18s %10.2f %-12s", series->name,
		       series->peer[peer], median, series->unit);
		printf(" %5.1f %%",
		       median > 0 ? 100 *
					    (quantile(values, count, 0.75) -
					     quantile(values, count, 0.25)) /
					    median
				  : 0.0);
		if (series->count[series->base] &&
		    bench_median(series, series->base) > 0)
			printf(" %7.2f\n", bench_ratio(series, peer));
		else
			printf(" %7s\n", "-");
	}
}

void bench_target(struct bench *bench, enum bench_target kind, const char *name,
		  double value, double most)
{
	bool met = value <= most;

	printf("target: %s at most %g: %.2f %s\n", name, most, value,
	       met ? "met" : "MISSED");
	if (!met && kind == BENCH_EXACT)
		bench->missed++;
}

void bench_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(2);
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) +
	       (uint64_t)time.tv_nsec;
}

uint64_t bench_thread_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t bench_process_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t bench_wall_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}
