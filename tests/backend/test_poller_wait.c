/*
 * The contract of backend/poller.h, tested on each poller alone: how long a
 * wait takes, what ends it, and that all ready descriptors are reported in
 * turn.
 */
#include "support/fixture.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "backend/poller.h"
#include "base/clock.h"
#include "support/fault.h"
#include "support/poller.h"
#include "support/probe.h"

enum { READABLE = ROTAI_READABLE };

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

/* C3, C9 */
static void a_wait_is_never_early(void **state)
{
	static const int64_t timeouts[] = { 1,       999,     1000,
					    50000,   999999,  1000000,
					    1000001, 1500000, 2300001 };
	struct poller_test *t = *state;
	struct rotai_ready ready[8];

	for (unsigned i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++)
		for (unsigned k = 0; k < 10; k++) {
			uint64_t began = rotai_clock_monotonic();

			assert_int_equal(poller_wait(t, timeouts[i], ready, 8),
					 0);
			assert_true(rotai_clock_monotonic() - began >=
				    (uint64_t)timeouts[i]);
		}
}

/* C3: of the waits that no test has the time for, what the kernel is asked: no
 * less, and not a millisecond more. */
static void the_kernel_is_asked_for_the_whole_wait(void **state)
{
	static const int64_t timeouts[] = {
		-1,          0,
		1,           999999,
		1000000,     999999999,
		1000000000,  1000000001,
		1999000000,  3600000000000,
		60000000001, 86400000000000,
	};
	struct poller_test *t = *state;
	struct rotai_ready ready[8];

	for (unsigned i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		int64_t wanted = timeouts[i];

		fault_fail_any(1, EINTR);
		assert_int_equal(poller_wait(t, wanted, ready, 8), 0);
		assert_int_equal(fault_clear(), 1);
		if (wanted <= 0)
			assert_int_equal(fault_waited_ns(), wanted);
		else
			assert_in_range(fault_waited_ns(), wanted,
					wanted + 999999);
#if defined(__linux__)
		assert_int_equal(fault_waited_ns(), wanted);
#endif
	}
}

/* How long a wait of 100 us takes. */
static uint64_t time_of_a_short_wait(struct poller_test *t)
{
	struct rotai_ready ready[8];
	uint64_t began = rotai_clock_monotonic();

	assert_int_equal(poller_wait(t, 100000, ready, 8), 0);
	return rotai_clock_monotonic() - began;
}

/* C9: a wait can be shorter than 1 ms. On a busy machine most take longer. */
static void a_short_wait_is_short(void **state)
{
	struct poller_test *t = *state;
	unsigned tries = 0;

#if !defined(__linux__)
	if (poller_test_is(t, "poll"))
		skip_test("poll(2) waits for whole milliseconds");
#endif
	while (tries < 2000 && time_of_a_short_wait(t) >= ROTA_MSEC(1))
		tries++;

	assert_true(tries < 2000);
}

/* C9: without epoll_pwait2(2) waits are rounded up to whole milliseconds, and
 * the missing system call is tried only once. */
static void expect_fallback(struct poller_test *t, int error)
{
	struct rotai_ready ready[8];
	uint64_t began;

	fault_fail_from("epoll_pwait2", 1, error);
	fault_count_reset();
	began = rotai_clock_monotonic();
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(poller_wait(t, 1200000, ready, 8), 0);

	assert_true(rotai_clock_monotonic() - began >= 3 * ROTA_USEC(1200));
	assert_int_equal(fault_count("epoll_pwait2"), 1);
	assert_int_equal(fault_count("epoll_wait"), 3);
	assert_int_equal(fault_clear(), 1);
	fault_fail("epoll_wait", 1, EINTR);
	assert_int_equal(poller_wait(t, 3600000000001, ready, 8), 0);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(fault_waited_ns(), 3600001000000);
	poller_reopen(t);
}

/* What an earlier call has left in errno says nothing about a wait that has
 * found nothing. */
static void a_wait_that_finds_nothing_is_no_error(void **state)
{
	static const int errors[] = { EPERM, ENOSYS, EINTR, EINVAL, EAGAIN };
	struct poller_test *t = *state;
	struct rotai_ready ready[8];

	/* The first wait may find out that the kernel lacks a call. */
	assert_int_equal(poller_wait(t, 999, ready, 8), 0);
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		for (int64_t timeout_ns = 0; timeout_ns < 1000;
		     timeout_ns += 999) {
			fault_count_reset();
			errno = errors[i];
			assert_int_equal(poller_wait(t, timeout_ns, ready, 8),
					 0);
			assert_int_equal(fault_count("epoll_wait") +
						 fault_count("epoll_pwait2") +
						 fault_count("ppoll") +
						 fault_count("kevent"),
					 1);
		}
}

static void without_epoll_pwait2_waits_are_rounded_up(void **state)
{
	struct poller_test *t = *state;

	if (!poller_test_is(t, "epoll"))
		skip_test("only epoll has epoll_pwait2(2)");
	expect_fallback(t, ENOSYS);
	expect_fallback(t, EPERM);
}

/* F3 */
static void an_error_of_the_wait_is_returned(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	assert_int_equal(poller_add(t, fds[0], 1, READABLE), 0);
	assert_int_equal(poller_ready(t, fds[0]), READABLE);

	fault_fail(poller_wait_call(t), 1, ENOMEM);
	assert_int_equal(poller_wait(t, 0, ready, 8), ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	fault_fail(poller_wait_call(t), 1, EINTR);
	assert_int_equal(poller_wait(t, 0, ready, 8), 0);
	assert_int_equal(fault_clear(), 1);

	assert_int_equal(poller_wait(t, 0, ready, 8), 1);
	poller_remove(t, fds[0]);
	close_both(fds);
}

static void expect_quiet(struct poller_test *t)
{
	struct rotai_ready ready[8];
	uint64_t began = rotai_clock_monotonic();

	assert_int_equal(poller_wait(t, 2000000, ready, 8), 0);
	assert_true(rotai_clock_monotonic() - began >= ROTA_MSEC(2));
}

static void a_wake_ends_the_next_wait_and_no_other(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];

	for (unsigned i = 0; i < 3; i++) {
		t->ops->wake(t->poller);
		assert_int_equal(poller_wait(t, -1, ready, 8), 0);
		expect_quiet(t);
	}
}

static void many_wakes_end_one_wait(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];

	for (unsigned i = 0; i < 100000; i++)
		t->ops->wake(t->poller);
	assert_int_equal(poller_wait(t, -1, ready, 8), 0);

	expect_quiet(t);
	t->ops->wake(t->poller);
	assert_int_equal(poller_wait(t, -1, ready, 8), 0);
}

/* Ready descriptors are reported even if a wake-up comes at the same time. */
static void a_wake_hides_nothing(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	assert_int_equal(poller_add(t, fds[0], 1, READABLE), 0);
	assert_int_equal(poller_ready(t, fds[0]), READABLE);

	t->ops->wake(t->poller);
	if (poller_wait(t, -1, ready, 1) == 0)
		assert_int_equal(poller_wait(t, -1, ready, 1), 1);

	assert_int_equal(ready[0].fd, fds[0]);
	poller_remove(t, fds[0]);
	close_both(fds);
}

static void a_wake_leaves_errno_alone(void **state)
{
	struct poller_test *t = *state;

	fault_fail_from("write", 1, EAGAIN);
	errno = ERANGE;
	t->ops->wake(t->poller);
	assert_int_equal(errno, ERANGE);
	fault_clear();
	t->ops->wake(t->poller);
	assert_int_equal(errno, ERANGE);
}

static void *wake_from_here(void *arg)
{
	struct poller_test *t = arg;

	poll(NULL, 0, 2);
	t->ops->wake(t->poller);
	return NULL;
}

static void a_wake_of_another_thread_ends_the_wait(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];
	pthread_t thread;

	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(
			pthread_create(&thread, NULL, wake_from_here, t), 0);
		assert_int_equal(poller_wait(t, -1, ready, 8), 0);
		pthread_join(thread, NULL);
	}
	expect_quiet(t);
}

/* A thread that sends signals to the waiting thread until `done` is set. */
struct disturber {
	pthread_t thread, victim;
	atomic_bool done;
};

static struct poller_test *woken_by_signals;

static void wake_in_handler(int number)
{
	(void)number;
	if (woken_by_signals != NULL)
		woken_by_signals->ops->wake(woken_by_signals->poller);
}

static void *send_signals(void *arg)
{
	struct disturber *disturber = arg;

	while (!atomic_load(&disturber->done)) {
		pthread_kill(disturber->victim, SIGUSR1);
		poll(NULL, 0, 1);
	}
	return NULL;
}

static void disturber_begin(struct disturber *disturber)
{
	struct sigaction action = { .sa_handler = wake_in_handler };

	sigaction(SIGUSR1, &action, NULL);
	disturber->victim = pthread_self();
	atomic_init(&disturber->done, 0);
	assert_int_equal(pthread_create(&disturber->thread, NULL, send_signals,
					disturber),
			 0);
}

static void disturber_end(struct disturber *disturber)
{
	atomic_store(&disturber->done, 1);
	pthread_join(disturber->thread, NULL);
	signal(SIGUSR1, SIG_DFL);
}

/* A wait that a signal interrupted reports no events. */
static void a_signal_ends_a_wait_without_an_error(void **state)
{
	struct poller_test *t = *state;
	struct disturber disturber;
	struct rotai_ready ready[8];

	woken_by_signals = NULL;
	disturber_begin(&disturber);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(poller_wait(t, -1, ready, 8), 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(poller_wait(t, 1500000, ready, 8), 0);
	disturber_end(&disturber);
}

/* D2: changes that an interrupted wait has submitted stay in effect. */
static void a_signal_leaves_the_changes_made(void **state)
{
	struct poller_test *t = *state;
	struct disturber disturber;
	struct rotai_ready ready[8];
	int fds[2];

	make_pipe(fds);
	assert_int_equal(poller_add(t, fds[0], 1, 0), 0);
	assert_int_equal(poller_change(t, fds[0], 2, 0, READABLE), 0);
	woken_by_signals = NULL;
	disturber_begin(&disturber);

	assert_int_equal(poller_wait(t, -1, ready, 8), 0);
	disturber_end(&disturber);

	put_byte(fds[1]);
	assert_int_equal(poller_wait(t, 0, ready, 8), 1);
	assert_int_equal(ready[0].fd, fds[0]);
	assert_int_equal(ready[0].generation, 2);
	assert_int_equal(ready[0].events, READABLE);
	poller_remove(t, fds[0]);
	close_both(fds);
}

static void a_wake_may_come_from_a_signal_handler(void **state)
{
	struct poller_test *t = *state;
	struct disturber disturber;
	struct rotai_ready ready[8];

	woken_by_signals = t;
	disturber_begin(&disturber);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(poller_wait(t, -1, ready, 8), 0);
	disturber_end(&disturber);
	woken_by_signals = NULL;
}

/* Who has room for more than a wait reports at most is given no more. */
static void a_wait_reports_no_more_than_the_most(void **state)
{
	enum { MOST = ROTA_EVENTS_PER_WAIT, COUNT = MOST + 3, ROOM = 2 * MOST };
	static const struct rotai_ready untouched = { .fd = -7 };
	static struct rotai_ready ready[ROOM];
	struct poller_test *t = *state;
	int fds[2], copies[COUNT];

	if (poller_test_is(t, "poll"))
		skip_test("poll(2) has room for any number");
	need_descriptors(COUNT);
	make_pipe(fds);
	put_byte(fds[1]);
	for (unsigned i = 0; i < COUNT; i++) {
		copies[i] = dup(fds[0]);
		assert_int_not_equal(copies[i], -1);
		assert_int_equal(poller_add(t, copies[i], i, READABLE), 0);
	}
	for (unsigned i = 0; i < ROOM; i++)
		ready[i] = untouched;

	assert_in_range(poller_wait(t, 0, ready, ROOM), MOST - 1, MOST);

	for (unsigned i = 0; i < MOST - 1; i++)
		assert_int_equal(ready[i].events, READABLE);
	for (unsigned i = MOST; i < ROOM; i++)
		assert_int_equal(ready[i].fd, untouched.fd);
	for (unsigned i = 0; i < COUNT; i++) {
		poller_remove(t, copies[i]);
		close(copies[i]);
	}
	close_both(fds);
}

/* D2: a descriptor that does not fit into the array is reported by a later
 * wait. */
static void more_than_fits_all_get_their_turn(void **state)
{
	enum { COUNT = 40, MAX = 8, ROUNDS = 4 };
	struct poller_test *t = *state;
	struct rotai_ready ready[MAX];
	unsigned reports[COUNT] = { 0 };
	int fds[COUNT][2];

	for (unsigned i = 0; i < COUNT; i++) {
		make_pipe(fds[i]);
		put_byte(fds[i][1]);
		assert_int_equal(poller_add(t, fds[i][0], i, READABLE), 0);
	}

	for (unsigned i = 0; i < ROUNDS * COUNT / MAX; i++) {
		assert_int_equal(poller_wait(t, 0, ready, MAX), MAX);
		for (unsigned k = 0; k < MAX; k++)
			reports[ready[k].generation]++;
	}

	for (unsigned i = 0; i < COUNT; i++) {
		assert_true(reports[i] >= ROUNDS - 1);
		assert_true(reports[i] <= ROUNDS + 1);
		poller_remove(t, fds[i][0]);
		close_both(fds[i]);
	}
}

static int is_readable(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	assert_true(poll(&polled, 1, 0) >= 0);
	return polled.revents != 0;
}

/* L5 */
static void the_poller_s_own_descriptor_tells_of_events(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];
	int own = t->ops->fd(t->poller);
	int fds[2];

	if (poller_test_is(t, "poll")) {
		assert_int_equal(own, ROTA_ENOTSUP);
		return;
	}
	make_pipe(fds);
	assert_int_equal(poller_add(t, fds[0], 1, 0), 0);
	assert_int_equal(poller_change(t, fds[0], 1, 0, READABLE), 0);
	assert_int_equal(t->ops->submit(t->poller), 0);
	assert_false(is_readable(own));

	put_byte(fds[1]);
	assert_true(is_readable(own));
	assert_int_equal(poller_wait(t, 0, ready, 8), 1);
	take_byte(fds[0]);
	assert_int_equal(poller_wait(t, 0, ready, 8), 0);
	assert_false(is_readable(own));
	t->ops->wake(t->poller);
	assert_true(is_readable(own));
	assert_int_equal(poller_wait(t, 0, ready, 8), 0);
	assert_false(is_readable(own));

	poller_remove(t, fds[0]);
	close_both(fds);
}

/* F3: each system call of an open may fail. */
static void an_open_that_fails_leaves_nothing(void **state)
{
	struct poller_test *t = *state;
	int descriptors = count_descriptors();
	size_t bytes = t->memory.bytes;
	struct rotai_poller *poller;

	for (unsigned nth = 1;; nth++) {
		int error;

		poller = NULL;
		fault_fail_any(nth, EMFILE);
		error = t->ops->open(&poller, &t->memory.allocator);
		if (fault_clear() == 0) {
			assert_int_equal(error, 0);
			break;
		}
		assert_int_equal(error, ROTA_EMFILE);
		assert_null(poller);
		assert_int_equal(count_descriptors(), descriptors);
		assert_int_equal(t->memory.bytes, bytes);
	}

	t->ops->close(poller);
}

static const struct CMUnitTest tests[] = {
	POLLER(a_wait_is_never_early),
	POLLER(the_kernel_is_asked_for_the_whole_wait),
	POLLER(a_short_wait_is_short),
	POLLER(a_wait_that_finds_nothing_is_no_error),
	POLLER(without_epoll_pwait2_waits_are_rounded_up),
	POLLER(an_error_of_the_wait_is_returned),
	POLLER(a_wake_ends_the_next_wait_and_no_other),
	POLLER(many_wakes_end_one_wait),
	POLLER(a_wake_hides_nothing),
	POLLER(a_wake_leaves_errno_alone),
	POLLER(a_wake_of_another_thread_ends_the_wait),
	POLLER(a_signal_ends_a_wait_without_an_error),
	POLLER(a_signal_leaves_the_changes_made),
	POLLER(a_wake_may_come_from_a_signal_handler),
	POLLER(a_wait_reports_no_more_than_the_most),
	POLLER(more_than_fits_all_get_their_turn),
	POLLER(the_poller_s_own_descriptor_tells_of_events),
	POLLER(an_open_that_fails_leaves_nothing),
};

FIXTURE_MAIN(tests)
