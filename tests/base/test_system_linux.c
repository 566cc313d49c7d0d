/* poller: none */
/*
 * What the library asks the system for: the clock, threads, processors,
 * descriptors and sockets.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/epoll.h"
#include "base/fd.h"
#include "base/socket.h"
#include "base/thread.h"
#include "rota/error.h"
#include "support/fault.h"

enum { SECOND = 1000000000 };

static void the_clock_is_the_monotonic_one_of_the_system(void **state)
{
	uint64_t before_ns = real_now();
	uint64_t now_ns = rotai_clock_monotonic();

	(void)state;
	assert_in_range(now_ns, before_ns, real_now());
}

static void sums_of_times_saturate(void **state)
{
	(void)state;
	assert_int_equal(rotai_add_saturated(7, 0), 7);
	assert_int_equal(rotai_add_saturated(UINT64_MAX - 1, 1), UINT64_MAX);
	assert_int_equal(rotai_add_saturated(UINT64_MAX - 1, 9), UINT64_MAX);
}

static void a_stack_may_have_any_size_that_there_is(void **state)
{
	(void)state;
	assert_int_equal(rotai_thread_check_stack(0), 0);
	assert_int_equal(rotai_thread_check_stack(1 << 20), 0);
	assert_int_equal(rotai_thread_check_stack((1 << 20) + 1), 0);
	assert_int_equal(rotai_thread_check_stack(1), ROTA_EINVAL);
	assert_int_equal(rotai_thread_check_stack(SIZE_MAX), ROTA_EINVAL);
}

static void a_thread_has_the_name_that_it_was_given(void **state)
{
	char before[16], name[16];

	(void)state;
	pthread_getname_np(pthread_self(), before, sizeof(before));
	rotai_thread_set_name("rota-test");
	pthread_getname_np(pthread_self(), name, sizeof(name));
	rotai_thread_set_name(before);
	assert_string_equal(name, "rota-test");
}

/* Let this thread run on one processor only; *@before is for the way back. */
static void keep_one_processor(cpu_set_t *before)
{
	cpu_set_t one;

	assert_int_equal(sched_getaffinity(0, sizeof(*before), before), 0);
	CPU_ZERO(&one);
	for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, before))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void only_processors_that_may_be_used_are_counted(void **state)
{
	cpu_set_t before;
	unsigned count;

	(void)state;
	keep_one_processor(&before);
	count = rotai_thread_processors();
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(count, 1);
	assert_int_equal(rotai_thread_processors(), CPU_COUNT(&before));
}

static void one_processor_does_not_busy_wait(void **state)
{
	struct rotai_spin spin;
	cpu_set_t before;

	(void)state;
	keep_one_processor(&before);
	spin = rotai_thread_spin(1000000);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(spin.pauses, 0);
	assert_int_equal(spin.ns, 1000000);
}

static void a_busy_wait_has_as_many_pauses_as_its_time(void **state)
{
	struct rotai_spin spin;

	(void)state;
	if (rotai_thread_processors() == 1)
		skip_test("there is only one processor");
	assert_int_equal(rotai_thread_spin(0).pauses, 0);
	assert_true(rotai_thread_spin(1).pauses > 0);
	spin = rotai_thread_spin(1000000);
	assert_int_equal(spin.ns, 1000000);
	/* No pause takes less than a tenth of a nanosecond, and not even a
	 * busy machine needs a second for a thousand of them. */
	assert_in_range(spin.pauses, 2, 10000000);
}

static void a_wait_for_a_condition_is_never_short(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition;
	uint64_t began_ns;

	(void)state;
	assert_int_equal(rotai_condition_init(&condition), 0);
	pthread_mutex_lock(&lock);
	do
		began_ns = rotai_clock_monotonic();
	while (rotai_condition_wait(&condition, &lock, ROTA_MSEC(1)) != 0);
	assert_true(rotai_clock_monotonic() - began_ns >= ROTA_MSEC(1));
	pthread_mutex_unlock(&lock);
	pthread_cond_destroy(&condition);
}

/* The system's time-outs have seconds, and nanoseconds below a second. */
static void a_time_out_may_have_any_length(void **state)
{
	static const int64_t lengths[] = { 1, SECOND - 1, SECOND, SECOND + 1,
					   2 * SECOND + 1LL };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct pollfd polled = {
		.fd = eventfd(1, EFD_CLOEXEC),
		.events = POLLIN,
	};

	(void)state;
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, polled.fd, &event), 0);
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		assert_int_equal(rotai_fd_poll(&polled, 1, lengths[i]), 1);
		assert_int_equal(fault_waited_ns(), lengths[i]);
		if (rotai_epoll_pwait2(epoll, &event, 1, lengths[i]) < 0) {
			assert_int_equal(errno, ENOSYS);
			continue;
		}
		assert_int_equal(fault_waited_ns(), lengths[i]);
	}
	close(epoll);
	close(polled.fd);
}

/* Make a pipe one of whose ends, @low, has the number 0. The descriptor that
 * had it is *@saved. */
static void make_low_pipe(int ends[2], int low, int *saved)
{
	int made[2];

	*saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	assert_true(*saved > STDERR_FILENO);
	close(STDIN_FILENO);
	make_pipe(made);
	assert_int_equal(made[0], 0);
	ends[low] = made[0];
	ends[1 - low] = made[1];
}

static void restore_input(int saved)
{
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	close(saved);
}

static void both_ends_are_raised(void **state)
{
	(void)state;
	for (int low = 0; low < 2; low++) {
		int before = count_descriptors();
		int ends[2];
		int saved;

		make_low_pipe(ends, low, &saved);
		assert_int_equal(rotai_fd_raise_both(ends), 0);
		assert_true(ends[0] > STDERR_FILENO);
		assert_true(ends[1] > STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		restore_input(saved);
		assert_int_equal(count_descriptors(), before);
	}
}

static void if_one_cannot_be_raised_both_are_closed(void **state)
{
	static const int errors[] = { EINVAL, EMFILE };

	(void)state;
	for (int i = 0; i < 4; i++) {
		int before = count_descriptors();
		int ends[2];
		int saved;

		make_low_pipe(ends, i / 2, &saved);
		fault_fail("fcntl", 1, errors[i % 2]);
		assert_int_equal(rotai_fd_raise_both(ends), ROTA_EMFILE);
		assert_int_equal(fault_clear(), 1);
		restore_input(saved);
		assert_int_equal(count_descriptors(), before);
	}
}

static void a_socket_that_is_taken_over_does_not_block(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fault_fail("fcntl", 2, EIO);
	assert_int_equal(rotai_socket_take_over(fds[0]), ROTA_EIO);
	assert_int_equal(fault_clear(), 1);
	assert_false(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	errno = EIO;
	assert_int_equal(rotai_socket_take_over(fds[0]), 0);
	assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(rotai_socket_take_over(fds[0]), 0);
	assert_int_equal(rotai_socket_shutdown(fds[0]), 0);
	close(fds[0]);
	close(fds[1]);
}

/* On a Unix socket without a path, which only Linux has. */
static void a_connect_may_be_done_at_once(void **state)
{
	struct sockaddr_storage address;
	struct sockaddr *name = (struct sockaddr *)(void *)&address;
	socklen_t size = sizeof(address);
	int listener = rotai_socket_new(AF_UNIX);
	int client = rotai_socket_new(AF_UNIX);

	(void)state;
	memset(&address, 0, sizeof(address));
	name->sa_family = AF_UNIX;
	assert_int_equal(bind(listener, name, sizeof(name->sa_family)), 0);
	assert_int_equal(getsockname(listener, name, &size), 0);
	errno = EIO;
	assert_int_equal(rotai_socket_listen(listener, 1), 0);
	fault_fail("connect", 1, EINTR);
	assert_int_equal(rotai_socket_connect(client, name, size),
			 ROTA_EINPROGRESS);
	assert_int_equal(fault_clear(), 1);
	errno = EIO;
	assert_int_equal(rotai_socket_connect(client, name, size), 0);
	assert_int_equal(rotai_socket_error(client), 0);
	close(client);
	close(listener);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_clock_is_the_monotonic_one_of_the_system),
	cmocka_unit_test(sums_of_times_saturate),
	cmocka_unit_test(a_stack_may_have_any_size_that_there_is),
	cmocka_unit_test(a_thread_has_the_name_that_it_was_given),
	cmocka_unit_test(only_processors_that_may_be_used_are_counted),
	cmocka_unit_test(one_processor_does_not_busy_wait),
	cmocka_unit_test(a_busy_wait_has_as_many_pauses_as_its_time),
	cmocka_unit_test(a_wait_for_a_condition_is_never_short),
	cmocka_unit_test(a_time_out_may_have_any_length),
	cmocka_unit_test(both_ends_are_raised),
	cmocka_unit_test(if_one_cannot_be_raised_both_are_closed),
	cmocka_unit_test(a_socket_that_is_taken_over_does_not_block),
	cmocka_unit_test(a_connect_may_be_done_at_once),
};
FIXTURE_MAIN(tests)
