/*
 * support/load.h - what else runs on this machine.
 */
#ifndef BENCH_SUPPORT_LOAD_H
#define BENCH_SUPPORT_LOAD_H

#include <stdint.h>

struct machine_load {
	uint64_t wall_ns;
	uint64_t busy_ns; /* of all processors, since the system started */
	uint64_t own_ns;  /* of this process and its children that ended */
};

struct machine_load load_so_far(void);

/* How many processors others have kept busy since @begin, on the average: 0.5 is
 * half of one. Negative: the system does not say. */
double load_of_others(const struct machine_load *begin);

#endif
