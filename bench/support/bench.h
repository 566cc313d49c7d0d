/*
 * support/bench.h - repeat, take turns, and report what was measured.
 *
 * A benchmark asks one question of several subjects in one run: rota, its
 * peers, and the limit, which is the same work written by hand for the plain
 * system. bench_interleave() makes them take turns (A B C, C B A, A B C, ...),
 * so that other load on the machine affects all alike. A ratio is the median of
 * the ratios of neighbours, and not the ratio of two medians.
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
	bool warming; /* samples do not count now */
	int missed;   /* exact targets so far */
	FILE *results;
	FILE *targets;
	struct machine_load begin; /* the load before the run */
	double apart;              /* largest difference between repeats */
	char apart_of[2 * BENCH_TEXT];
	FILE *counts; /* exact counts of rota, for the baseline */
};

/* One metric of all subjects, under one load. */
struct bench_series {
	char parameter[BENCH_TEXT]; /* the load: "100 connections" */
	const char *metric;         /* "cpu" */
	const char *unit;           /* "ns/message" */
	const char *subject[BENCH_SUBJECTS];
	size_t subjects;
	size_t ours; /* index of rota, for ratios to the others */
	size_t count[BENCH_SUBJECTS];
	double sample[BENCH_SUBJECTS][BENCH_SAMPLES];
	bool exact; /* one sample each, the least of some repeats */
	double most[BENCH_SUBJECTS]; /* the largest of these */
};

/* Whether other load on the machine can make a target fail. */
enum bench_target { BENCH_EXACT, BENCH_NOISY };

/* Take one sample of @subject. */
typedef void bench_run_fn(void *arg, size_t subject);

/* Read the options: --quick, --check, --counts FILE, to which our exact counts
 * are added, and --results DIRECTORY, into which QUESTION.tsv and
 * QUESTION.targets are written. Print commit, machine and compiler. What is
 * left in @argv, from 1 on, are the program's own arguments; returns how
 * many. */
int bench_begin(struct bench *bench, const char *question, int argc,
		char **argv);

/* Print how much other processes have run meanwhile, and how far our own
 * repeats were apart. Returns the program's exit status. */
int bench_end(const struct bench *bench);

/* Call @run for each of @subjects, once to warm up and then @rounds times. */
void bench_interleave(struct bench *bench, size_t subjects, size_t rounds,
		      bench_run_fn *run, void *arg);

/* Make an empty series. @format and what follows make the parameter. */
void bench_series_init(struct bench_series *series, const char *metric,
		       const char *unit, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Add a subject, with the next index. The first one is ours, unless the caller
 * sets another. */
void bench_series_name(struct bench_series *series, const char *subject);

/* Add @value as a sample of @subject, unless this is the warm-up. */
void bench_add(const struct bench *bench, struct bench_series *series,
	       size_t subject, double value);

/* Add an exact count: the least of some repeats, which is the figure, and the
 * largest, which is the spread. Both are divided by @each. */
void bench_add_exact(struct bench *bench, struct bench_series *series,
		     size_t subject, uint64_t least, uint64_t most,
		     double each);

/* Whether to count for the subject with that name. --check leaves out peers
 * without exact targets: those whose names begin with libevent. */
bool bench_counts(const struct bench *bench, const char *name);

double bench_median(const struct bench_series *series, size_t subject);

/* The median of our samples, each divided by @subject's sample of the same
 * round. */
double bench_ratio(const struct bench_series *series, size_t subject);

/* Print a table with a line for each subject that has samples, and add it to
 * the results. Unless it is of exact counts, a line below it says by how much
 * the medians of the first and the second half of our rounds differ: that is
 * the same measurement, made twice. A ratio that is closer to 1 than that means
 * nothing. */
void bench_print(struct bench *bench, const struct bench_series *series);

/* Check that our ratio to the best of the subjects whose names begin with
 * @against is at most @most. */
void bench_target_ratio(struct bench *bench, enum bench_target kind,
			const struct bench_series *series, const char *against,
			double most);

/* Check that our own median is at most @most. */
void bench_target_figure(struct bench *bench, enum bench_target kind,
			 const struct bench_series *series, double most);

/* Print on stderr what went wrong, and end the program. */
_Noreturn void bench_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Nanoseconds: processor time of this thread and of the whole process, and the
 * monotonic clock. */
uint64_t bench_thread_ns(void);
uint64_t bench_process_ns(void);
uint64_t bench_wall_ns(void);

#endif
