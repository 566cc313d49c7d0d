/*
 * base/clock.c - see clock.h.
 *
 * Darwin's CLOCK_MONOTONIC counts in microseconds and goes on while the machine
 * sleeps. The time-outs of kevent(2) do not. CLOCK_UPTIME_RAW is the clock that
 * agrees with them.
 */
#include "base/clock.h"

#include <time.h>

#ifdef CLOCK_UPTIME_RAW
enum { CLOCK = CLOCK_UPTIME_RAW };
#else
enum { CLOCK = CLOCK_MONOTONIC };
#endif

uint64_t rotai_clock_monotonic(void)
{
	struct timespec t = { 0 };

	/* This cannot fail: the clock exists wherever this compiles. */
	(void)clock_gettime(CLOCK, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}
