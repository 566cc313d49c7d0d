/*
 * tests/support/wall.h - a wall clock that a test can set: a double for
 * clock_gettime(2) and timerfd_settime(2), by the linker (wall.flags). The
 * clock of the system itself is not touched.
 */
#ifndef TESTS_SUPPORT_WALL_H
#define TESTS_SUPPORT_WALL_H

#include <stdint.h>

/* Set the wall clock that this process sees forward by @step_ns, or back. The
 * timerfd that was armed last for clock steps reports it, as the kernel does:
 * it becomes readable; or, if it is armed again before it is read, that returns
 * ECANCELED, and it is not readable. */
void wall_step(int64_t step_ns);

/* Return that timerfd. */
int wall_descriptor(void);

/* Have the clock go right again, and forget the timerfd. */
void wall_restore(void);

#endif
