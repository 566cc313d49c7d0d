/* poller: none */
/*
 * rota_wait_fd(): waiting for one descriptor, without a loop.
 */
#include "support/fault.h"
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void what_is_there_is_told_at_once(void **state)
{
	int fds[2];

	(void)state;
	make_socketpair(fds);

	assert_int_equal(rota_wait_fd(fds[0], ROTA_READABLE, 0), 0);
	assert_int_equal(rota_wait_fd(fds[0], ROTA_WRITABLE, -1),
			 ROTA_WRITABLE);
	put_byte(fds[1]);
	assert_int_equal(rota_wait_fd(fds[0], ROTA_READABLE, -1),
			 ROTA_READABLE);
	assert_int_equal(
		rota_wait_fd(fds[0], ROTA_READABLE | ROTA_WRITABLE, -1),
		ROTA_READABLE | ROTA_WRITABLE);
	assert_int_equal(rota_wait_fd(fds[0], ROTA_PRIORITY, 0), 0);

	close(fds[0]);
	close(fds[1]);
}

static void urgent_data_is_priority(void **state)
{
	struct sockaddr_storage address;
	struct sockaddr *name = (struct sockaddr *)(void *)&address;
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fds[2] = { socket(AF_INET, SOCK_STREAM, 0), -1 };

	(void)state;
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, name, &size), 0);
	assert_int_equal(connect(fds[0], name, size), 0);
	fds[1] = accept(listener, NULL, NULL);
	assert_true(fds[1] >= 0);
	assert_int_equal(rota_wait_fd(fds[1], ROTA_PRIORITY, 0), 0);

	assert_int_equal(send(fds[0], "!", 1, MSG_OOB), 1);

	assert_int_equal(rota_wait_fd(fds[1], ROTA_PRIORITY, -1),
			 ROTA_PRIORITY);
	close(listener);
	close(fds[0]);
	close(fds[1]);
}

/* As with a watch, the next read or write gets the error. */
static void a_hang_up_is_all_that_was_asked_for(void **state)
{
	int fds[2];

	(void)state;
	make_pipe(fds);
	close(fds[1]);

	assert_int_equal(rota_wait_fd(fds[0], ROTA_READABLE, -1),
			 ROTA_READABLE);
	assert_int_equal(
		rota_wait_fd(fds[0], ROTA_READABLE | ROTA_WRITABLE, -1),
		ROTA_READABLE | ROTA_WRITABLE);
	close(fds[0]);
}

static void a_half_close_is_a_disconnect(void **state)
{
	int fds[2];
	int told;

	(void)state;
	make_socketpair(fds);
	assert_int_equal(shutdown(fds[1], SHUT_WR), 0);

	told = rota_wait_fd(fds[0], ROTA_READABLE | ROTA_DISCONNECT, -1);

	if (told != ROTA_ENOTSUP)
		assert_int_equal(told, ROTA_READABLE | ROTA_DISCONNECT);
	close(fds[0]);
	close(fds[1]);
}

static void the_wait_is_never_too_short(void **state)
{
	static const int64_t timeouts_ns[] = { 1, 1000, 300000, 1500001,
					       2999999 };
	int fds[2];

	(void)state;
	make_pipe(fds);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t began_ns = real_now();

		assert_int_equal(
			rota_wait_fd(fds[0], ROTA_READABLE, timeouts_ns[i]), 0);

		assert_true(real_now() - began_ns >= (uint64_t)timeouts_ns[i]);
	}
	close(fds[0]);
	close(fds[1]);
}

/* A wait is a single system call, unless a signal interrupts it. */
static void the_wait_does_not_spin(void **state)
{
	int fds[2];

	(void)state;
	make_pipe(fds);
	fault_count_reset();

	assert_int_equal(rota_wait_fd(fds[0], ROTA_READABLE, ROTA_MSEC(5)), 0);

	assert_in_range(fault_count("ppoll"), 1, 2);
	close(fds[0]);
	close(fds[1]);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
	(void)number;
	alarms++;
}

static void signals_do_not_end_the_wait(void **state)
{
	struct sigaction action = { .sa_handler = count_alarm };
	struct sigaction before;
	struct itimerval every_ms = { { 0, 1000 }, { 0, 1000 } };
	struct itimerval none = { { 0, 0 }, { 0, 0 } };
	uint64_t began_ns = real_now();
	int fds[2];
	int status;

	(void)state;
	make_pipe(fds);
	alarms = 0;
	alarm(0); /* an alarm of the fixture would use this signal */
	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &every_ms, NULL);

	status = rota_wait_fd(fds[0], ROTA_READABLE, ROTA_MSEC(20));

	setitimer(ITIMER_REAL, &none, NULL);
	sigaction(SIGALRM, &before, NULL);
	assert_int_equal(status, 0);
	assert_true(alarms > 0);
	assert_true(real_now() - began_ns >= ROTA_MSEC(20));
	close(fds[0]);
	close(fds[1]);
}

static void an_interrupted_wait_finds_what_came(void **state)
{
	int fds[2];

	(void)state;
	make_pipe(fds);
	put_byte(fds[1]);

	for (int64_t timeout_ns = -1; timeout_ns <= 1; timeout_ns++) {
		fault_fail("ppoll", 1, EINTR);
		assert_int_equal(
			rota_wait_fd(fds[0], ROTA_READABLE, timeout_ns),
			ROTA_READABLE);
		assert_int_equal(fault_clear(), 1);
	}
	close(fds[0]);
	close(fds[1]);
}

static void *put_byte_later(void *arg)
{
	const int *fd = arg;

	usleep(2000);
	put_byte(*fd);
	return NULL;
}

static void without_a_limit_it_waits_until_it_comes(void **state)
{
	pthread_t thread;
	int fds[2];

	(void)state;
	make_pipe(fds);
	assert_int_equal(pthread_create(&thread, NULL, put_byte_later, &fds[1]),
			 0);

	assert_int_equal(rota_wait_fd(fds[0], ROTA_READABLE, -1),
			 ROTA_READABLE);

	pthread_join(thread, NULL);
	close(fds[0]);
	close(fds[1]);
}

static void what_makes_no_sense_is_refused(void **state)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int directory = open("/", O_RDONLY | O_CLOEXEC);
	int fds[2];

	(void)state;
	make_pipe(fds);
	assert_int_equal(rota_wait_fd(fds[0], 0, 0), ROTA_EINVAL);
	assert_int_equal(rota_wait_fd(fds[0], 1u << 4, 0), ROTA_EINVAL);
	assert_int_equal(rota_wait_fd(fds[0], ROTA_READABLE, -2), ROTA_EINVAL);
	assert_int_equal(rota_wait_fd(-1, ROTA_READABLE, 0), ROTA_EBADF);
	if (file >= 0)
		assert_int_equal(rota_wait_fd(file, ROTA_READABLE, 0),
				 ROTA_EPERM);
	assert_int_equal(rota_wait_fd(directory, ROTA_READABLE, 0), ROTA_EPERM);
	fault_fail("ppoll", 1, ENOMEM);
	assert_int_equal(rota_wait_fd(fds[0], ROTA_READABLE, -1), ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(rota_wait_fd(fds[0], ROTA_READABLE, 0), ROTA_EBADF);
	close(file);
	close(directory);
}

static const struct CMUnitTest tests[] = {
	REAL(what_is_there_is_told_at_once),
	REAL(urgent_data_is_priority),
	REAL(a_hang_up_is_all_that_was_asked_for),
	REAL(a_half_close_is_a_disconnect),
	REAL(the_wait_is_never_too_short),
	REAL(the_wait_does_not_spin),
	REAL(signals_do_not_end_the_wait),
	REAL(an_interrupted_wait_finds_what_came),
	REAL(without_a_limit_it_waits_until_it_comes),
	REAL(what_makes_no_sense_is_refused),
};
FIXTURE_MAIN(tests)
