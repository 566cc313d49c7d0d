/*
 * support/load.h - what else runs on this machine.
 */
#ifndef BENCH_SUPPORT_LOAD_H
#define BENCH_SUPPORT_LOAD_H

#include <stdint.h>

struct machine_load {
	uint64_t wall_ns;
	uint64_t busy_ns; /* of all processors, since boot */
	uint64_t own_ns;  /* of this process and its ended children */
};

struct machine_load load_so_far(void);

/* How many processors others have kept busy since @begin, on average: 0.5 is
 * half a processor. Negative if the system does not report it. */
double load_of_others(const struct machine_load *begin);

#endif
