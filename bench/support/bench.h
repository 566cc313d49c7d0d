/*
 * support/bench.h - repeat, take turns, and tell what was measured.
 *
 * A benchmark asks one question of several subjects in one run: rota, its
 * peers, and the limit, which is the same work written by hand for the bare
 * system. bench_interleave() has them take turns (A B C, C B A, A B C, ...), so
 * that what the machine does meanwhile hits all alike, and a ratio is the
 * median of the ratios of neighbours, not the ratio of two medians.
 */
#ifndef BENCH_SUPPORT_BENCH_H
#define BENCH_SUPPORT_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "support/load.h"

enum { BENCH_SUBJECTS = 12, BENCH_SAMPLES = 256, BENCH_TEXT = 64 };

/* One run of a program. */
struct bench {
	const char *question;
	bool quick;   /* --quick: a few seconds, rough figures */
	bool check;   /* --check: exact counts alone, exit with 1 if a target
		       * is missed */
	bool warming; /* what is measured now does not count */
	int missed;   /* exact targets so far */
	FILE *results;
	FILE *targets;
	struct machine_load begin; /* what ran on the machine until then */
	double apart; /* the most of what bench_print() says of repeats */
	char apart_of[2 * BENCH_TEXT];
	FILE *counts; /* exact ones of ours, for the baseline */
};

/* One metric of all subjects, under one load. */
struct bench_series {
	char parameter[BENCH_TEXT]; /* the load: "100 connections" */
	const char *metric;         /* "cpu" */
	const char *unit;           /* "ns/message" */
	const char *subject[BENCH_SUBJECTS];
	size_t subjects;
	size_t ours; /* whose ratios to all others are told */
	size_t count[BENCH_SUBJECTS];
	double sample[BENCH_SUBJECTS][BENCH_SAMPLES];
	bool exact; /* one sample of each, the least of some repeats */
	double most[BENCH_SUBJECTS]; /* of these repeats */
};

/* Whether a target can be missed by a busy machine alone. */
enum bench_target { BENCH_EXACT, BENCH_NOISY };

/* Take one sample of @subject. */
typedef void bench_run_fn(void *arg, size_t subject);

/* Read --quick, --check, --counts FILE, to which our exact counts are added,
 * and --results DIRECTORY, into which QUESTION.tsv and QUESTION.targets go, and
 * print commit, machine and compiler. What is left in
 * @argv, from 1 on, is the program's own; returns how many. */
int bench_begin(struct bench *bench, const char *question, int argc,
		char **argv);

/* Say how much others have run meanwhile, and how far our own repeats were
 * apart. Returns the program's exit status. */
int bench_end(const struct bench *bench);

/* Call @run for each of @subjects, once to warm up and then @rounds times. */
void bench_interleave(struct bench *bench, size_t subjects, size_t rounds,
		      bench_run_fn *run, void *arg);

/* An empty series. @format and what follows make the parameter. */
void bench_series_init(struct bench_series *series, const char *metric,
		       const char *unit, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* One more subject, of the next index. The first one is ours, unless the caller
 * says otherwise. */
void bench_series_name(struct bench_series *series, const char *subject);

/* Keep @value as a sample of @subject, unless this is the warm-up. */
void bench_add(const struct bench *bench, struct bench_series *series,
	       size_t subject, double value);

/* Keep an exact count: the least of some repeats, which is the figure, and the
 * largest, which is the spread. Each is divided by @each. */
void bench_add_exact(struct bench *bench, struct bench_series *series,
		     size_t subject, uint64_t least, uint64_t most,
		     double each);

/* Whether to count for the subject of that name: --check leaves out peers that
 * no exact target is about, and they are those named libevent. */
bool bench_counts(const struct bench *bench, const char *name);

double bench_median(const struct bench_series *series, size_t subject);

/* The median of our samples, each divided by @subject's of the same round. */
double bench_ratio(const struct bench_series *series, size_t subject);

/* Print a table, a line for each subject that has samples, and keep the same in
 * the results. Below it, unless it is of exact counts: by how much the median
 * of the first half of our rounds differs from that of the second, which is the
 * same measurement made again. A ratio closer to 1 than that says nothing. */
void bench_print(struct bench *bench, const struct bench_series *series);

/* Say whether our ratio to the best of the subjects whose names begin with
 * @against is at most @most. */
void bench_target_ratio(struct bench *bench, enum bench_target kind,
			const struct bench_series *series, const char *against,
			double most);

/* Say whether our own median is at most @most. */
void bench_target_figure(struct bench *bench, enum bench_target kind,
			 const struct bench_series *series, double most);

/* Say on stderr what went wrong, and end the program. */
_Noreturn void bench_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Nanoseconds of processor time, of this thread and of the whole process, and
 * of the monotonic clock. */
uint64_t bench_thread_ns(void);
uint64_t bench_process_ns(void);
uint64_t bench_wall_ns(void);

#endif
