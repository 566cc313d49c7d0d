/*
 * count.c - see count.h.
 */
#include "support/count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_count(struct bench *bench, struct bench_series *series, size_t index,
		 const struct bench_counted *counted, enum trace_what what)
{
	struct trace trace;

	if (trace_run(&trace, what, counted->fn, counted->arg))
		bench_fail("cannot trace: ptrace(2) is not allowed here");
	if (what == TRACE_CALLS) {
		printf("  %-28s", counted->name);
		trace_print_calls(stdout, &trace, counted->units);
		printf("\n");
	}
	bench_add_exact(bench, series, index, trace.total, trace.most,
			(double)counted->units);
}

void bench_read_serve(struct bench_serve *serve, const char *program, int argc,
		      char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--serve") && i + 1 < argc)
			serve->name = argv[++i];
		else if (!strcmp(argv[i], "--messages") && i + 1 < argc)
			serve->messages = (size_t)atol(argv[++i]);
		else
			bench_fail("%s [--quick] [--check] "
				   "[--serve NAME [--messages N]]",
				   program);
	}
}

int bench_serves(const struct bench_serve *serve, const char *name)
{
	return strcmp(serve->name, name) == 0;
}
