/*
 * tests/support/wall_wrap.c - see wall.h. What the library sees is the time of
 * the system and a shift; what it arms a timerfd with is shifted back.
 */
#include "wall.h"

#include <stddef.h>
#include <time.h>

#define WEAK __attribute__((weak))

enum { CANCEL_ON_SET = 1 << 1, ABSOLUTE = 1 << 0 };

static int64_t shift_ns;
static int step_fd = -1;

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

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *setting,
			   struct itimerspec *old)
{
	struct itimerspec real = *setting;

	if (flags & CANCEL_ON_SET) {
		step_fd = fd;
		add_ns(&real.it_value, -shift_ns);
		if (real.it_value.tv_sec < 0)
			real.it_value = (struct timespec){ 0, 1 };
	}
	return __real_timerfd_settime(fd, flags, &real, old);
}

void wall_step(int64_t step_ns)
{
	struct itimerspec soon = { .it_value = { 0, 1 } };

	shift_ns += step_ns;
	if (step_fd >= 0)
		(void)__real_timerfd_settime(step_fd, ABSOLUTE, &soon, NULL);
}

void wall_restore(void)
{
	shift_ns = 0;
	step_fd = -1;
}
