/*
 * support/count.h - what programs that count exactly have in common: a series
 * of counts, and the option to run one subject alone for other tools.
 */
#ifndef BENCH_SUPPORT_COUNT_H
#define BENCH_SUPPORT_COUNT_H

#include <stddef.h>

#include "support/bench.h"
#include "support/trace.h"

/* Trace @fn(@arg), which handles @units messages or the like, and add what one
 * of them costs to the series, for the subject @index of that name. System
 * calls are also printed. */
struct bench_counted {
	const char *name;
	void (*fn)(void *arg);
	void *arg;
	size_t units;
};

void bench_count(struct bench *bench, struct bench_series *series, size_t index,
		 const struct bench_counted *counted, enum trace_what what);

/* The options --serve NAME and --messages N, besides those of bench_begin(). */
struct bench_serve {
	const char *name; /* NULL: not asked for */
	size_t messages;
};

void bench_read_serve(struct bench_serve *serve, const char *program, int argc,
		      char **argv);

/* Whether the subject of that name is asked for. */
int bench_serves(const struct bench_serve *serve, const char *name);

#endif
