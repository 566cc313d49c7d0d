/*
 * bench.c - repeat, take turns, and report what was measured.
 *
 *   1. The i-th samples of all subjects are of the same round.
 *   2. Every second round goes backwards, so that no subject always comes after
 *      the same one.
 *   3. A spread is the distance between the quartiles, in percent of the
 *      median. For an exact count it is that of the largest from the least.
 */
#include "support/bench.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* Get the first line that @command prints, or "unknown". */
static void first_line(const char *command, char *line, size_t size)
{
	FILE *pipe = popen(command, "r");

	if (!pipe || !fgets(line, (int)size, pipe))
		snprintf(line, size, "unknown");
	line[strcspn(line, "\n")] = '\0';
	if (pipe)
		pclose(pipe);
}

static void print_origin(const char *question)
{
	struct utsname system;
	char commit[80];
	char processor[120];

	first_line("git describe --always --dirty 2>/dev/null", commit,
		   sizeof(commit));
	first_line("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo", processor,
		   sizeof(processor));
	uname(&system);
	printf("\n# %s: commit %s; %s %s %s, %ld x %s; compiler %s\n", question,
	       commit, system.sysname, system.release, system.machine,
	       sysconf(_SC_NPROCESSORS_ONLN), processor, __VERSION__);
}

static FILE *open_in(const char *directory, const char *question,
		     const char *suffix)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.%s", directory, question, suffix);
	file = fopen(path, "w");
	if (!file)
		bench_fail("cannot write %s", path);
	setvbuf(file, NULL, _IOLBF, 0);
	return file;
}

int bench_begin(struct bench *bench, const char *question, int argc,
		char **argv)
{
	const char *directory = NULL;
	const char *counts = NULL;
	int left = 1;

	*bench = (struct bench){ .question = question };
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick"))
			bench->quick = true;
		else if (!strcmp(argv[i], "--check"))
			bench->check = true;
		else if (!strcmp(argv[i], "--results") && i + 1 < argc)
			directory = argv[++i];
		else if (!strcmp(argv[i], "--counts") && i + 1 < argc)
			counts = argv[++i];
		else
			argv[left++] = argv[i];
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	print_origin(question);
	bench->begin = load_so_far();
	if (directory) {
		bench->results = open_in(directory, question, "tsv");
		bench->targets = open_in(directory, question, "targets");
	}
	if (counts) {
		bench->counts = fopen(counts, "ae");
		if (!bench->counts)
			bench_fail("cannot write %s", counts);
		/* Forked children must not flush it again. */
		setvbuf(bench->counts, NULL, _IOLBF, 0);
	}
	return left;
}

/* If other processes use this much of a processor, times are noisy. */
static const double QUIET = 0.1;

static void tell_conditions(const struct bench *bench)
{
	double others = load_of_others(&bench->begin);

	if (others >= 0)
		printf("\n# load: others kept %.2f processors busy%s\n", others,
		       others > QUIET ? ": ANOTHER LOAD IS ON THE MACHINE, do "
					"not trust figures of time"
				      : "");
	if (*bench->apart_of)
		printf("# repeat: our own repeats differ by up to %.1f %% "
		       "(%s)\n",
		       bench->apart, bench->apart_of);
}

int bench_end(const struct bench *bench)
{
	if (!bench->check)
		tell_conditions(bench);
	if (bench->results)
		fclose(bench->results);
	if (bench->targets)
		fclose(bench->targets);
	if (bench->counts)
		fclose(bench->counts);
	return bench->check && bench->missed ? 1 : 0;
}

void bench_interleave(struct bench *bench, size_t subjects, size_t rounds,
		      bench_run_fn *run, void *arg)
{
	bench->warming = true;
	for (size_t subject = 0; subject < subjects; subject++)
		run(arg, subject);
	bench->warming = false;

	for (size_t round = 0; round < rounds; round++) {
		for (size_t i = 0; i < subjects; i++)
			run(arg, round % 2 ? subjects - 1 - i : i); /* (2) */
	}
}

void bench_series_init(struct bench_series *series, const char *metric,
		       const char *unit, const char *format, ...)
{
	va_list arguments;

	*series = (struct bench_series){ .metric = metric, .unit = unit };
	va_start(arguments, format);
	vsnprintf(series->parameter, sizeof(series->parameter), format,
		  arguments);
	va_end(arguments);
}

void bench_series_name(struct bench_series *series, const char *subject)
{
	if (series->subjects == BENCH_SUBJECTS)
		bench_fail("more than %d subjects", BENCH_SUBJECTS);
	series->subject[series->subjects++] = subject;
}

void bench_add(const struct bench *bench, struct bench_series *series,
	       size_t subject, double value)
{
	if (bench->warming || series->count[subject] == BENCH_SAMPLES)
		return;
	series->sample[subject][series->count[subject]++] = value;
}

static bool is_ours(const char *name)
{
	return !strncmp(name, "rota", 4);
}

bool bench_counts(const struct bench *bench, const char *name)
{
	return !bench->check || strncmp(name, "libevent", 8) != 0;
}

void bench_add_exact(struct bench *bench, struct bench_series *series,
		     size_t subject, uint64_t least, uint64_t most, double each)
{
	series->exact = true;
	series->count[subject] = 1;
	series->sample[subject][0] = (double)least / each;
	series->most[subject] = (double)most / each;
	if (bench->counts && is_ours(series->subject[subject]))
		fprintf(bench->counts, "%s\t%s\t%s\t%s\t%.10g\t%.10g\n",
			bench->question, series->parameter,
			series->subject[subject], series->metric,
			series->sample[subject][0], series->most[subject]);
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The value below which @share of the sorted @values are. */
static double quantile(const double *values, size_t count, double share)
{
	double place = share * (double)(count - 1);
	size_t below = (size_t)place;
	double rest = place - (double)below;

	if (below + 1 == count)
		return values[below];
	return values[below] + rest * (values[below + 1] - values[below]);
}

struct summary {
	double median;
	double spread; /* (3) */
};

static struct summary summarize(const double *samples, size_t count)
{
	double values[BENCH_SAMPLES];
	struct summary summary = { 0, 0 };

	if (!count)
		return summary;
	memcpy(values, samples, count * sizeof(*values));
	qsort(values, count, sizeof(*values), compare);
	summary.median = quantile(values, count, 0.5);
	if (summary.median > 0)
		summary.spread = 100 *
				 (quantile(values, count, 0.75) -
				  quantile(values, count, 0.25)) /
				 summary.median;
	return summary;
}

double bench_median(const struct bench_series *series, size_t subject)
{
	return summarize(series->sample[subject], series->count[subject])
		.median;
}

/* Our samples, each divided by @subject's sample of the same round: (1). */
static struct summary summarize_ratio(const struct bench_series *series,
				      size_t subject)
{
	const double *ours = series->sample[series->ours];
	const double *theirs = series->sample[subject];
	size_t count = series->count[subject];
	double ratios[BENCH_SAMPLES];
	size_t kept = 0;

	if (series->count[series->ours] < count)
		count = series->count[series->ours];
	for (size_t i = 0; i < count; i++)
		if (theirs[i] > 0)
			ratios[kept++] = ours[i] / theirs[i];
	return summarize(ratios, kept);
}

double bench_ratio(const struct bench_series *series, size_t subject)
{
	return summarize_ratio(series, subject).median;
}

static void keep_result(struct bench *bench, const struct bench_series *series,
			size_t subject, struct summary own,
			struct summary ratio)
{
	if (!bench->results)
		return;
	fprintf(bench->results,
		"%s\t%s\t%s\t%s\t%.6g\t%.2f\t%zu\t%s\t%.4f\t%.2f\n",
		bench->question, series->parameter, series->subject[subject],
		series->metric, own.median, own.spread, series->count[subject],
		series->unit, ratio.median, ratio.spread);
}

static void tell_repeat(struct bench *bench, const struct bench_series *series)
{
	const double *samples = series->sample[series->ours];
	const size_t half = series->count[series->ours] / 2;
	double first;
	double apart;

	if (series->exact || half < 2)
		return;
	first = summarize(samples, half).median;
	if (first <= 0)
		return;
	apart = 100 * (summarize(samples + half, half).median - first) / first;
	printf("  ours again: %+.1f %%\n", apart);
	apart = apart < 0 ? -apart : apart;
	if (apart <= bench->apart)
		return;
	bench->apart = apart;
	snprintf(bench->apart_of, sizeof(bench->apart_of), "%s: %s",
		 series->parameter, series->metric);
}

void bench_print(struct bench *bench, const struct bench_series *series)
{
	char title[3 * BENCH_TEXT];

	snprintf(title, sizeof(title), "%s: %s, %s", series->parameter,
		 series->metric, series->unit);
	printf("\n%-48s %10s %8s %8s %8s\n", title, "median", "spread", "ratio",
	       "spread");
	for (size_t i = 0; i < series->subjects; i++) {
		struct summary own =
			summarize(series->sample[i], series->count[i]);
		struct summary ratio = summarize_ratio(series, i);

		if (!series->count[i])
			continue;
		if (series->exact && own.median > 0)
			own.spread = 100 * (series->most[i] - own.median) /
				     own.median;
		printf("  %-46s %10.2f %6.1f %%", series->subject[i],
		       own.median, own.spread);
		if (i != series->ours && ratio.median > 0)
			printf(" %8.3f %6.1f %%", ratio.median, ratio.spread);
		printf("\n");
		keep_result(bench, series, i, own, ratio);
	}
	tell_repeat(bench, series);
}

static void tell_target(struct bench *bench, enum bench_target kind,
			const struct bench_series *series, const char *against,
			double most, double figure)
{
	bool met = figure <= most;

	printf("  target: %s, %s%s: at most %g: %.3f %s\n", series->metric,
	       *against ? "ratio to " : "ours", against, most, figure,
	       met ? "met" : "MISSED");
	if (!met && kind == BENCH_EXACT)
		bench->missed++;
	if (bench->targets)
		fprintf(bench->targets, "%s\t%s\t%s\t%s\t%g\t%.3f\t%s\n",
			bench->question, series->parameter, series->metric,
			*against ? against : "-", most, figure,
			met ? "met" : "MISSED");
}

void bench_target_ratio(struct bench *bench, enum bench_target kind,
			const struct bench_series *series, const char *against,
			double most)
{
	double worst = 0;

	for (size_t i = 0; i < series->subjects; i++) {
		double ratio = bench_ratio(series, i);

		if (i != series->ours && ratio > worst &&
		    !strncmp(series->subject[i], against, strlen(against)))
			worst = ratio;
	}
	if (worst > 0)
		tell_target(bench, kind, series, against, most, worst);
}

void bench_target_figure(struct bench *bench, enum bench_target kind,
			 const struct bench_series *series, double most)
{
	tell_target(bench, kind, series, "", most,
		    bench_median(series, series->ours));
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
