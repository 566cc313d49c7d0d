/*
 * rota/clock.h - the clocks of the system. A loop has a clock of its own: see
 * rota_loop_now().
 */
#ifndef ROTA_CLOCK_H
#define ROTA_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * Return nanoseconds since a fixed time in the past, by a clock that nobody
 * sets: the clock that the timers of a loop with ROTA_CLOCK_MONOTONIC use. It
 * stands still while the machine sleeps.
 *
 * Thread:  any, and signal handlers.
 */
uint64_t rota_clock_monotonic(void);

/**
 * Return nanoseconds since the begin of 1970 (UTC), without leap seconds: see
 * CLOCK_REALTIME in clock_gettime(2). The administrator, or a service that
 * keeps the time, may set this clock forwards and back.
 *
 * Thread:  any, and signal handlers.
 */
uint64_t rota_clock_wall(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
