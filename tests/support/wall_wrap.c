/*
 * tests/support/wall_wrap.c - see wall.h. What the library sees is the time of
 * the system and a shift; what it arms a timerfd with is shifted back.
 */
#include "wall.h"

#include <errno.h>
#include <stddef.h>
#include <sys/select.h>
#include <time.h>

#define WEAK __attribute__((weak))

enum { CANCEL_ON_SET = 1 << 1, ABSOLUTE = 1 << 0 };

static int64_t shift_ns;
static int step_fd = -1;
static int is_untold; /* the last step, unless the timerfd was read */

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
WEAK int __real_timerfd_settime(int fd, int flags,
				const struct itimerspec *setting,
				struct itimerspec *old);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *setting,
			   struct itimerspec *old);

static void add_ns(struct timespec *time, int64_t ns)
{
	int64_t rest = time->tv_nsec + ns % 1000000000;

	time->tv_sec += (time_t)(ns / 1000000000);
	if (rest < 0) {
		rest += 1000000000;
		time->tv_sec--;
	} else if (rest >= 1000000000) {
		rest -= 1000000000;
		time->tv_sec++;
	}
	time->tv_nsec = (long)rest;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	int status = __real_clock_gettime(clock, time);

	if (status == 0 && clock == CLOCK_REALTIME && shift_ns != 0)
		add_ns(time, shift_ns);
	return status;
}

/* Whether @fd is readable now, or with @waits: becomes so. */
static int is_readable(int fd, int waits)
{
	struct timeval none = { 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, waits ? NULL : &none) > 0;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *setting,
			   struct itimerspec *old)
{
	struct itimerspec real = *setting;
	int cancels = 0, status;

	if (flags & CANCEL_ON_SET) {
		cancels = is_untold && fd == step_fd && is_readable(fd, 0);
		is_untold = 0;
		step_fd = fd;
		add_ns(&real.it_value, -shift_ns);
		if (real.it_value.tv_sec < 0)
			real.it_value = (struct timespec){ 0, 1 };
	}
	status = __real_timerfd_settime(fd, flags, &real, old);
	if (status < 0 || !cancels)
		return status;
	errno = ECANCELED;
	return -1;
}

void wall_step(int64_t step_ns)
{
	struct itimerspec soon = { .it_value = { 0, 1 } };

	shift_ns += step_ns;
	if (step_fd < 0)
		return;
	(void)__real_timerfd_settime(step_fd, ABSOLUTE, &soon, NULL);
	is_untold = is_readable(step_fd, 1);
}

int wall_descriptor(void)
{
	return step_fd;
}

void wall_restore(void)
{
	shift_ns = 0;
	step_fd = -1;
	is_untold = 0;
}
