/*
 * base/wall.h - the wall clock, and how the system reports that it was set.
 */
#ifndef ROTAI_BASE_WALL_H
#define ROTAI_BASE_WALL_H

#include <stdint.h>

/* Nanoseconds since 1970. */
uint64_t rotai_wall_clock(void);

/* A clock that goes on while the machine sleeps, if the system has one, and
 * that nobody sets: the wall clock is compared with it. */
uint64_t rotai_wall_reference(void);

/* Return a descriptor that becomes readable when the wall clock reaches a time,
 * or is set; or an error. ROTA_ENOTSUP: the system has none. */
int rotai_wall_open(void);

/* Have @fd report the time @due_ns, and that the clock is set. Returns whether
 * it has not reported yet that the clock was set: it does not do so any
 * more. */
int rotai_wall_arm(int fd, uint64_t due_ns);

/* Take what @fd reports, so that it is not readable any more. */
void rotai_wall_take(int fd);

#endif
