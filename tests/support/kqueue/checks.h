/*
 * checks.h - what the tests of the double itself share: a fixture with a kqueue
 * and two connected sockets, and short names for the usual calls.
 */
#ifndef KQD_CHECKS_H
#define KQD_CHECKS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/event.h"

#define NS_PER_MS  INT64_C(1000000)
#define NS_PER_SEC INT64_C(1000000000)

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

struct fixture {
	int kq;
	int pair[2]; /* connected stream sockets */
};

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->kq = kqueue();
	assert_true(f->kq >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f->pair), 0);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	close(f->pair[0]);
	close(f->pair[1]);
	close(f->kq);
	free(f);
	return 0;
}

/* The double finds the path of a file in /proc, to watch it. */
static inline void need_proc(void)
{
	if (access("/proc/self/fd", X_OK) == 0)
		return;
	print_message("skip: there is no /proc\n");
	skip();
}

/* Run only the tests that ROTA_TEST_FILTER matches; if it is empty, all
 * tests. */
static inline void choose_tests(void)
{
	const char *filter = getenv("ROTA_TEST_FILTER");

	if (filter && *filter)
		cmocka_set_test_filter(filter);
}

static inline int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

/* Apply one change: 0; or -1 and errno. */
static inline int change_notes(int kq, int ident, int filter, int flags,
			       unsigned fflags, int64_t data)
{
	struct kevent c;

	EV_SET(&c, ident, filter, flags, fflags, data, NULL);
	return kevent(kq, &c, 1, NULL, 0, NULL);
}

static inline int change(int kq, int ident, int filter, int flags)
{
	return change_notes(kq, ident, filter, flags, 0, 0);
}

static inline int trigger(int kq, int ident)
{
	return change_notes(kq, ident, EVFILT_USER, 0, NOTE_TRIGGER, 0);
}

static inline int poll_events(int kq, struct kevent *events, int max)
{
	static const struct timespec at_once = { 0, 0 };

	return kevent(kq, NULL, 0, events, max, &at_once);
}

/* For a wait that an event ends: only a broken double uses the whole time. */
static inline int wait_events(int kq, struct kevent *events, int max)
{
	static const struct timespec long_enough = { 5, 0 };

	return kevent(kq, NULL, 0, events, max, &long_enough);
}

static inline int count_pending(int kq)
{
	struct kevent events[16];

	return poll_events(kq, events, 16);
}

static inline bool polls_readable(int fd)
{
	struct pollfd answer = { .fd = fd, .events = POLLIN };

	assert_true(poll(&answer, 1, 0) >= 0);
	return (answer.revents & POLLIN) != 0;
}

static inline void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static inline void take(int fd, size_t size)
{
	char buffer[256];

	assert_true(size <= sizeof(buffer));
	assert_int_equal(read(fd, buffer, size), size);
}

#endif
