/*
 * base/clock.h - the system's monotonic clock, and sums that saturate.
 */
#ifndef ROTAI_BASE_CLOCK_H
#define ROTAI_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some fixed time. All waits are measured by this clock. */
uint64_t rotai_clock_monotonic(void);

/* a + b, or UINT64_MAX if the sum would wrap. (C8) */
static inline uint64_t rotai_add_saturated(uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;

	return sum < a ? UINT64_MAX : sum;
}

#endif
