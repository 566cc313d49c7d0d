/*
 * base/epoll.h - epoll(7) waits with time-outs in nanoseconds.
 */
#ifndef ROTAI_BASE_EPOLL_H
#define ROTAI_BASE_EPOLL_H

#include <stdint.h>

struct epoll_event;

/* epoll_pwait2(2) with a time-out in nanoseconds, which must not be negative.
 * Returns the number of events, or -1 with the error in errno: ENOSYS on a
 * kernel before Linux 5.11. */
int rotai_epoll_pwait2(int epoll, struct epoll_event *events, int max,
		       int64_t timeout_ns);

#endif
