/*
 * system/usage.c - see usage.h.
 */
#include "system/usage.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/time.h>

static uint64_t usage_ns(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000 +
	       (uint64_t)time->tv_usec * 1000;
}

int rotai_usage_read(int who, struct rota_usage *usage, long *most_resident)
{
	struct rusage used;

	if (getrusage(who, &used) < 0)
		return -errno;
	*usage = (struct rota_usage){
		.user_ns = usage_ns(&used.ru_utime),
		.system_ns = usage_ns(&used.ru_stime),
		.minor_faults = (uint64_t)used.ru_minflt,
		.major_faults = (uint64_t)used.ru_majflt,
		.blocks_read = (uint64_t)used.ru_inblock,
		.blocks_written = (uint64_t)used.ru_oublock,
		.voluntary_switches = (uint64_t)used.ru_nvcsw,
		.involuntary_switches = (uint64_t)used.ru_nivcsw,
	};
	*most_resident = used.ru_maxrss;
	return 0;
}
