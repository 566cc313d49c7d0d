/*
 * support/bench.h - repeat, take turns, and print what was measured.
 *
 * A benchmark compares peers in one run. bench_interleave() has them take
 * turns (A B C, C B A, A B C, ...), so that what the machine does meanwhile
 * hits all alike, and a ratio is the median of the ratios of neighbours, not
 * the ratio of two medians.
 */
#ifndef BENCH_SUPPORT_BENCH_H
#define BENCH_SUPPORT_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_PEERS = 10, BENCH_SAMPLES = 256 };

/* One run of a program. */
struct bench {
	bool quick;   /* --quick: a few seconds, rough figures */
	bool check;   /* --check: exit with 1 if an exact target is missed */
	bool warming; /* what is measured now does not count */
	int missed;   /* exact targets so far */
};

/* One question: the same unit, asked of several peers. */
struct bench_series {
	const char *name;
	const char *unit;
	const char *peer[BENCH_PEERS];
	size_t peers;
	size_t base; /* the peer that the ratios are to */
	size_t count[BENCH_PEERS];
	double sample[BENCH_PEERS][BENCH_SAMPLES];
};

/* Whether a target can be missed by a busy machine alone. */
enum bench_target { BENCH_EXACT, BENCH_NOISY };

/* Take one sample of the peer @peer. */
typedef void bench_run_fn(void *arg, size_t peer);

/* Read --quick and --check, and print commit, machine and compiler. What is
 * left in @argv, from 1 on, is the program's own; returns how many. */
int bench_begin(struct bench *bench, const char *name, int argc, char **argv);

/* The program's exit status. */
int bench_end(const struct bench *bench);

/* Call @run for each of @peers, once to warm up and then @rounds times. */
void bench_interleave(struct bench *bench, size_t peers, size_t rounds,
		      bench_run_fn *run, void *arg);

/* Keep @value as a sample of @peer, unless this is the warm-up. */
void bench_add(const struct bench *bench, struct bench_series *series,
	       size_t peer, double value);

double bench_median(const struct bench_series *series, size_t peer);

/* The median of @peer's samples, each divided by the base's of its round. */
double bench_ratio(const struct bench_series *series, size_t peer);

/* Print a line for each peer that has samples. */
void bench_print(const struct bench_series *series);

/* Print the line that names the columns of bench_print(). */
void bench_print_head(void);

/* Say whether @value is at most @most. */
void bench_target(struct bench *bench, enum bench_target kind, const char *name,
		  double value, double most);

/* Say on stderr what went wrong, and end the program. */
_Noreturn void bench_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Nanoseconds of processor time, of this thread and of the whole process, and
 * of the monotonic clock. */
uint64_t bench_thread_ns(void);
uint64_t bench_process_ns(void);
uint64_t bench_wall_ns(void);

#endif
