/*
 * base/wall_linux.c - timerfd_create(2) with TFD_TIMER_CANCEL_ON_SET, which
 * Linux 3.0 has: the descriptor becomes readable when the clock is set, and
 * after the machine has slept.
 */
#include "base/wall.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "rota/error.h"

#ifndef TFD_TIMER_CANCEL_ON_SET
#define TFD_TIMER_CANCEL_ON_SET (1 << 1)
#endif

int rotai_wall_open(void)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		return errno == ENOSYS || errno == EINVAL ? ROTA_ENOTSUP
							  : -errno;
	return rotai_fd_raise(fd);
}

int rotai_wall_arm(int fd, uint64_t due_ns)
{
	static const uint64_t SECOND_NS = UINT64_C(1000000000);
	struct itimerspec at = { 0 };

	/* A time of 0 would stop it. The kernel takes times above INT64_MAX for
	 * INT64_MAX, and no clock comes there. */
	if (due_ns == 0)
		due_ns = 1;
	at.it_value.tv_sec = (time_t)(due_ns / SECOND_NS);
	at.it_value.tv_nsec = (long)(due_ns % SECOND_NS);
	/* ECANCELED: the clock was set before. It is armed all the same, but
	 * not readable: the kernel reports a step once. */
	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
			       &at, NULL) < 0 &&
	       errno == ECANCELED;
}

void rotai_wall_take(int fd)
{
	uint64_t count;

	/* ECANCELED: the clock was set. A look at the clocks shows by how
	 * much. */
	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
}
