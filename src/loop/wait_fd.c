/*
 * loop/wait_fd.c - waits for one descriptor, without a loop.
 *
 * poll(2) may return early, after a signal, or because the system limits the
 * length of a time-out. The clock decides whether the time has passed.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/fd.h"
#include "rota/error.h"
#include "rota/watch.h"

enum {
	ALL_EVENTS =
		ROTA_READABLE | ROTA_PRIORITY | ROTA_WRITABLE | ROTA_DISCONNECT,
};

static short poll_mask_of(unsigned events)
{
	int mask = 0;

	if (events & ROTA_READABLE)
		mask |= POLLIN;
	if (events & ROTA_PRIORITY)
		mask |= POLLPRI;
	if (events & ROTA_WRITABLE)
		mask |= POLLOUT;
	if (events & ROTA_DISCONNECT)
		mask |= ROTAI_POLLRDHUP;
	return (short)mask;
}

/* The events to return for what poll(2) found. After an error or a hang-up
 * these are all that were @asked for. */
static int events_of_mask(int mask, unsigned asked)
{
	unsigned events = 0;

	if (mask & POLLNVAL)
		return ROTA_EBADF;
	if (mask & (POLLERR | POLLHUP))
		return (int)asked;
	if (mask & POLLIN)
		events |= ROTA_READABLE;
	if (mask & POLLPRI)
		events |= ROTA_PRIORITY;
	if (mask & POLLOUT)
		events |= ROTA_WRITABLE;
	if (mask & ROTAI_POLLRDHUP)
		events |= ROTA_DISCONNECT;
	return (int)(events & asked);
}

static int check_wait(int fd, unsigned events, int64_t timeout_ns)
{
	if (events == 0 || (events & ~(unsigned)ALL_EVENTS) || timeout_ns < -1)
		return ROTA_EINVAL;
	if (ROTAI_POLLRDHUP == 0 && (events & ROTA_DISCONNECT))
		return ROTA_ENOTSUP;
	return rotai_fd_can_be_watched(fd);
}

int rota_wait_fd(int fd, unsigned events, int64_t timeout_ns)
{
	struct pollfd polled = { .fd = fd, .events = poll_mask_of(events) };
	uint64_t began_ns = rotai_clock_monotonic();
	int64_t left_ns = timeout_ns;
	int status = check_wait(fd, events, timeout_ns);

	if (status < 0)
		return status;
	for (;;) {
		int n = rotai_fd_poll(&polled, 1, left_ns);
		int error = errno;
		uint64_t passed_ns = rotai_clock_monotonic() - began_ns;

		if (n > 0)
			return events_of_mask(polled.revents, events);
		if (n < 0 && error != EINTR)
			return -error;
		if (timeout_ns < 0)
			continue;
		if (passed_ns >= (uint64_t)timeout_ns) {
			if (n == 0)
				return 0;
			passed_ns = (uint64_t)timeout_ns; /* look once again */
		}
		left_ns = timeout_ns - (int64_t)passed_ns;
	}
}
