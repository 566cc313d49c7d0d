/*
 * load.c - what else runs on this machine.
 *
 * The busy time of the system is in /proc/stat, usually in ticks of 10 ms. We
 * subtract the time of this process and of its children that have ended.
 * Servers and clients that still run count as other load, so call this when
 * they have ended.
 */
#include "support/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/bench.h"

static const uint64_t SECOND_NS = 1000000000;

/* User, nice, system, irq, softirq, steal; without idle and iowait. */
static uint64_t busy_ns(void)
{
	uint64_t ticks[8] = { 0 };
	FILE *file = fopen("/proc/stat", "r");
	int count = 0;

	if (file) {
		count = fscanf(file,
			       "cpu %" SCNu64 " %" SCNu64 " %" SCNu64
			       " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			       " %" SCNu64,
			       &ticks[0], &ticks[1], &ticks[2], &ticks[3],
			       &ticks[4], &ticks[5], &ticks[6], &ticks[7]);
		fclose(file);
	}
	if (count < 8)
		return 0;
	return (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] +
		ticks[7]) *
	       (SECOND_NS / (uint64_t)sysconf(_SC_CLK_TCK));
}

static uint64_t used_ns(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		       SECOND_NS +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) *
		       1000;
}

struct machine_load load_so_far(void)
{
	return (struct machine_load){
		.wall_ns = bench_wall_ns(),
		.busy_ns = busy_ns(),
		.own_ns = used_ns(RUSAGE_SELF) + used_ns(RUSAGE_CHILDREN),
	};
}

double load_of_others(const struct machine_load *begin)
{
	const struct machine_load now = load_so_far();
	const double wall = (double)(now.wall_ns - begin->wall_ns);
	const double busy = (double)(now.busy_ns - begin->busy_ns);
	const double own = (double)(now.own_ns - begin->own_ns);

	if (!now.busy_ns || wall <= 0)
		return -1;
	return busy > own ? (busy - own) / wall : 0;
}
