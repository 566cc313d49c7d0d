/* poller: none */
/*
 * Writing to a pipe that nobody reads, without SIGPIPE (D5). Each test runs in
 * a child, where the signal is as a new program finds it: it would end the
 * child.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/sigpipe.h"
#include "support/child.h"
#include "support/fault.h"

typedef ssize_t write_fn(int fd, const struct iovec *bufs, size_t count);

static void set_default(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int is_pending(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && sigismember(&set, SIGPIPE);
}

static int is_blocked(void)
{
	sigset_t set;

	return sigprocmask(SIG_SETMASK, NULL, &set) == 0 &&
	       sigismember(&set, SIGPIPE);
}

static void block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Write a byte to a pipe that nobody reads. */
static ssize_t write_to_nobody(write_fn *fn)
{
	char byte = 'x';
	struct iovec buf = { &byte, 1 };
	ssize_t n;
	int fds[2];

	EXPECT(pipe(fds) == 0);
	close(fds[0]);
	n = fn(fds[1], &buf, 1);
	close(fds[1]);
	return n;
}

static void at_its_default(void *arg)
{
	write_fn *const *fn = arg;

	set_default();
	EXPECT(write_to_nobody(*fn) == ROTA_EPIPE);
	EXPECT(!is_pending());
	EXPECT(!is_blocked());
}

static void when_ignored(void *arg)
{
	write_fn *const *fn = arg;
	struct sigaction action;

	set_default();
	signal(SIGPIPE, SIG_IGN);
	EXPECT(write_to_nobody(*fn) == ROTA_EPIPE);
	EXPECT(!is_pending());
	EXPECT(!is_blocked());
	EXPECT(sigaction(SIGPIPE, NULL, &action) == 0 &&
	       action.sa_handler == SIG_IGN);
}

/* The program may wait for its own signal: that one stays. */
static void when_blocked(void *arg)
{
	write_fn *const *fn = arg;

	set_default();
	block();
	raise(SIGPIPE);
	EXPECT(write_to_nobody(*fn) == ROTA_EPIPE);
	EXPECT(is_pending());
	EXPECT(is_blocked());
}

static unsigned handled;

static void handle(int number)
{
	(void)number;
	handled++;
}

static void with_a_handler(void *arg)
{
	write_fn *const *fn = arg;

	set_default();
	signal(SIGPIPE, handle);
	EXPECT(write_to_nobody(*fn) == ROTA_EPIPE);
	EXPECT(handled == 0);
	raise(SIGPIPE);
	EXPECT(handled == 1);
}

static void in_each_case(write_fn *fn)
{
	in_a_child(at_its_default, &fn);
	in_a_child(when_ignored, &fn);
	in_a_child(when_blocked, &fn);
	in_a_child(with_a_handler, &fn);
}

static void no_signal_comes_with_epipe(void **state)
{
	(void)state;
	in_each_case(rotai_sigpipe_writev);
}

static void no_signal_comes_where_the_kernel_has_no_flag(void **state)
{
	(void)state;
	in_each_case(rotai_sigpipe_writev_masked);
}

/* As sendfile(2) and splice(2) use it. */
static ssize_t write_guarded(int fd, const struct iovec *bufs, size_t count)
{
	struct rotai_sigpipe guard;
	ssize_t n;

	rotai_sigpipe_block(&guard);
	n = writev(fd, bufs, (int)count);
	if (n < 0)
		n = -errno;
	rotai_sigpipe_restore(&guard, n);
	return n;
}

static void any_call_can_be_guarded(void **state)
{
	(void)state;
	in_each_case(write_guarded);
}

static void write_to_somebody(write_fn *fn, ssize_t expected)
{
	char text[] = "text", read_back[8];
	struct iovec bufs[2] = { { text, 2 }, { text + 2, 2 } };
	int fds[2];

	EXPECT(pipe(fds) == 0);
	EXPECT(fn(fds[1], bufs, 2) == expected);
	EXPECT(expected < 0 || read(fds[0], read_back, 8) == expected);
	close(fds[0]);
	close(fds[1]);
}

/* A kernel that refuses the flag is asked only once. */
static void refuse_the_flag(void *arg)
{
	const int *error = arg;

	set_default();
	fault_fail_from("pwritev2", 1, *error);
	write_to_somebody(rotai_sigpipe_writev, 4);
	write_to_somebody(rotai_sigpipe_writev, 4);
	EXPECT(write_to_nobody(rotai_sigpipe_writev) == ROTA_EPIPE);
	EXPECT(fault_clear() <= 1);
	EXPECT(!is_pending());
}

static void a_kernel_without_the_flag_is_asked_once(void **state)
{
	static int errors[] = { EOPNOTSUPP, EINVAL, ENOSYS, EPERM };

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		in_a_child(refuse_the_flag, &errors[i]);
}

/* What is wrong with the call itself does not count against the flag. */
static void make_a_bad_call(void *arg)
{
	struct iovec buf = { NULL, SIZE_MAX };
	int fds[2];

	(void)arg;
	set_default();
	EXPECT(pipe(fds) == 0);
	EXPECT(rotai_sigpipe_writev(fds[1], &buf, 1) == ROTA_EINVAL);
	buf.iov_len = 0;
	EXPECT(rotai_sigpipe_writev(-1, &buf, 1) == ROTA_EBADF);
	fault_count_reset();
	write_to_somebody(rotai_sigpipe_writev, 4);
	EXPECT(fault_count("pwritev2") == 1);
}

static void a_bad_call_is_told_as_it_is(void **state)
{
	(void)state;
	in_a_child(make_a_bad_call, NULL);
}

static void interrupt(void *arg)
{
	write_fn *const *fn = arg;

	set_default();
	fault_fail("pwritev2", 1, EINTR);
	write_to_somebody(*fn, 4);
	fault_clear();
	fault_fail("writev", 1, EINTR);
	write_to_somebody(*fn, 4);
	fault_clear();
}

static void a_write_is_retried_after_eintr(void **state)
{
	write_fn *with_flag = rotai_sigpipe_writev;
	write_fn *masked = rotai_sigpipe_writev_masked;

	(void)state;
	in_a_child(interrupt, &with_flag);
	in_a_child(interrupt, &masked);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(no_signal_comes_with_epipe),
	cmocka_unit_test(no_signal_comes_where_the_kernel_has_no_flag),
	cmocka_unit_test(any_call_can_be_guarded),
	cmocka_unit_test(a_kernel_without_the_flag_is_asked_once),
	cmocka_unit_test(a_bad_call_is_told_as_it_is),
	cmocka_unit_test(a_write_is_retried_after_eintr),
};
FIXTURE_MAIN(tests)
