/*
 * precision_timerfd.c - a periodic timer of the kernel, read in an epoll loop.
 * The read returns how many periods have passed.
 */
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "peers/precision.h"

static struct timespec time_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
				  .tv_nsec = (long)(ns % 1000000000) };
}

static void run(struct precision *precision)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };
	struct itimerspec times;
	uint64_t periods = 0;

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event))
		bench_fail("epoll_ctl");
	precision_begin(precision);
	times.it_value = time_of(precision->first_ns);
	times.it_interval = time_of(precision->period_ns);
	if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &times, NULL))
		bench_fail("timerfd_settime");
	do {
		epoll_wait(epoll, &event, 1, -1);
		if (read(timer, &periods, sizeof(periods)) != sizeof(periods))
			bench_fail("a timerfd that is readable is not");
	} while (precision_call(precision, periods));
}

const struct precision_peer precision_timerfd = { "limit: timerfd", run };
