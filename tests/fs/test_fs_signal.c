/* poller: none */
/*
 * Signals: a write raises no signal, and a system call that a signal interrupts
 * is retried.
 */
#include "fs/scratch.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "support/fault.h"

/* The system also raises SIGXFSZ, which would end the process. */
static void expect_the_limit_told(struct file_test *t, struct rota_loop *loop)
{
	enum { LIMIT = 1 << 20 };
	struct rlimit before, lower;
	struct operation op;
	int fd = put_open(&t->s, O_WRONLY | O_CREAT);

	operation_init(&op, loop);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	lower = before;
	lower.rlim_cur = LIMIT;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &lower), 0);

	assert_int_equal(do_write(&op, fd, "0123456789", LIMIT - 4), 4);
	assert_int_equal(do_write(&op, fd, "456789", LIMIT), ROTA_EFBIG);
	lseek(fd, LIMIT - 2, SEEK_SET);
	assert_int_equal(do_write(&op, fd, "89...", -1), 2);
	assert_int_equal(do_write(&op, fd, "...", -1), ROTA_EFBIG);

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	close(fd);
}

static void expect_the_broken_pipe_told(struct rota_loop *loop)
{
	void (*before)(int) = signal(SIGPIPE, SIG_DFL);
	struct operation op;
	int fds[2];

	operation_init(&op, loop);
	make_pipe(fds);
	close(fds[0]);

	assert_int_equal(do_write(&op, fds[1], "x", -1), ROTA_EPIPE);
	assert_int_equal(do_write(&op, fds[1], "x", -1), ROTA_EPIPE);

	signal(SIGPIPE, before);
	close(fds[1]);
}

/* D5 */
static void a_write_raises_no_signal(void **state)
{
	struct file_test t;

	file_test_begin(&t, *state);
	expect_the_limit_told(&t, t.f->loop);
	expect_the_broken_pipe_told(t.f->loop);
	file_test_end(&t);
}

/* D5: the same on the loop's own thread. Its signal mask is unchanged
 * afterwards. */
static void a_write_without_threads_raises_no_signal(void **state)
{
	struct file_test t;
	struct lane lane;
	sigset_t mask, pending;

	file_test_begin(&t, *state);
	lane_begin(&lane, t.f, ROTA_CLOCK_MONOTONIC, 0);
	expect_the_limit_told(&t, lane.loop);
	expect_the_broken_pipe_told(lane.loop);

	sigemptyset(&mask);
	sigemptyset(&pending);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	sigpending(&pending);
	assert_false(sigismember(&mask, SIGPIPE));
	assert_false(sigismember(&mask, SIGXFSZ));
	assert_false(sigismember(&pending, SIGPIPE));
	assert_false(sigismember(&pending, SIGXFSZ));
	lane_end(&lane);
	file_test_end(&t);
}

/* EINTR is retried. fault_clear() shows that it has occurred. */
static void a_signal_in_between_is_not_noticed(void **state)
{
	struct file_test t;
	char data[4];
	int fd;

	file_test_begin(&t, *state);
	put_file(&t.s, 10);

	fault_fail("open", 1, EINTR);
	fd = (int)do_open(&t.op, t.s.path, O_RDWR, 0);
	assert_int_equal(fault_clear(), 1);
	assert_true(fd > 2);
	fault_fail("read", 1, EINTR);
	assert_int_equal(do_read(&t.op, fd, buf_of(data, 4), -1), 4);
	assert_int_equal(fault_clear(), 1);
	fault_fail("pread", 1, EINTR);
	assert_int_equal(do_read(&t.op, fd, buf_of(data, 4), 0), 4);
	assert_int_equal(fault_clear(), 1);
	fault_fail("pwrite", 1, EINTR);
	assert_int_equal(do_write(&t.op, fd, "xyz", 0), 3);
	assert_int_equal(fault_clear(), 1);

	close(fd);
	file_test_end(&t);
}

/* The lane has no thread, as the wake-up by a pool thread is a write, too. */
static void a_write_goes_on_after_a_signal(void **state)
{
	struct file_test t;
	struct operation op;
	struct lane lane;
	int fd;

	file_test_begin(&t, *state);
	lane_begin(&lane, t.f, ROTA_CLOCK_MONOTONIC, 0);
	operation_init(&op, lane.loop);
	fd = put_open(&t.s, O_WRONLY | O_CREAT);

	fault_fail("write", 1, EINTR);
	assert_int_equal(do_write(&op, fd, "xyz", -1), 3);
	assert_int_equal(fault_clear(), 1);
	fault_fail("write", 1, ENOSPC);
	assert_int_equal(do_write(&op, fd, "xyz", -1), ROTA_ENOSPC);
	assert_int_equal(fault_clear(), 1);

	assert_file_is(&t.s, "xyz");
	close(fd);
	lane_end(&lane);
	file_test_end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(a_write_raises_no_signal),
	REAL(a_write_without_threads_raises_no_signal),
	REAL(a_signal_in_between_is_not_noticed),
	REAL(a_write_goes_on_after_a_signal),
};

FIXTURE_MAIN(tests)
