/*
 * base/wall.c - readings of the clocks of wall.h.
 */
#include "base/wall.h"

#include <time.h>

#ifdef CLOCK_BOOTTIME
enum { REFERENCE = CLOCK_BOOTTIME };
#else
enum { REFERENCE = CLOCK_MONOTONIC };
#endif

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t = { 0 };

	/* Linux before 2.6.39 has no CLOCK_BOOTTIME. */
	if (clock_gettime(clock, &t) < 0)
		(void)clock_gettime(CLOCK_MONOTONIC, &t);
	if (t.tv_sec < 0)
		return 0; /* before 1970 */
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t rotai_wall_clock(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t rotai_wall_reference(void)
{
	return read_clock(REFERENCE);
}
