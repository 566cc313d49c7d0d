/*
 * Failures (F3) of commands and of children on terminals: the first call of a
 * kind fails, then the second, and so on, until all succeed; and the same with
 * allocations, and with too few descriptors. A start that fails leaves nothing;
 * one that succeeds calls back exactly once, and leaves nothing either.
 */
#include "trial.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rota/tty.h"
#include "support/fault.h"

enum { INPUT = 100 * 1024 };

static char input[INPUT];

static void begin(struct trial *t, struct fixture *f)
{
	trial_begin(t, f, "cat; echo end >&2");
	t->options.input = rota_bytes(input, INPUT);
}

/* After a start with the result @error. The faults may go on. */
static void finish(struct trial *t, int error)
{
	if (error == 0) {
		while (t->calls == 0)
			(void)rota_loop_run(t->f->loop, ROTA_RUN_ONCE);
		assert_int_equal(t->calls, 1);
	}
	(void)fault_clear();
	(void)rota_loop_run(t->f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(t->calls, error == 0);
	assert_false(rota_request_is_active(&t->command.request));
	rota_command_free(&t->command);
}

/* All that was written has come, if nothing has failed. */
static void assert_result(const struct trial *t)
{
	assert_int_equal(t->status, 0);
	assert_int_equal(t->command.output.size, INPUT);
	assert_string_equal(t->command.errors.data, "end\n");
}

static void fail_each(struct fixture *f, const char *name, int error)
{
	int descriptors = count_descriptors();

	for (unsigned n = 1; n < 100; n++) {
		struct trial t;
		int result;

		begin(&t, f);
		t.options.flags = n % 2 ? 0 : ROTA_COMMAND_KILL;
		fault_count_reset();
		fault_fail(name, n, error);
		result = trial_start(&t);
		while (result == 0 && t.calls == 0)
			(void)rota_loop_run(f->loop, ROTA_RUN_ONCE);
		if (fault_clear() == 0) {
			assert_int_equal(result, 0);
			assert_result(&t);
			finish(&t, result);
			return;
		}
		finish(&t, result);
		assert_int_equal(count_descriptors(), descriptors);
		no_child_is_left();
	}
}

static void a_command_survives_each_failing_call(void **state)
{
	struct fixture *f = *state;

	fail_each(f, "pipe2", EMFILE);
	fail_each(f, "fcntl", ENOLCK);
	fail_each(f, "fstat", EIO);
	fail_each(f, "calloc", ENOMEM);
	fail_each(f, "realloc", ENOMEM);
	fail_each(f, "clone", EAGAIN);
	fail_each(f, "epoll_ctl", ENOSPC);
	fail_each(f, "write", EIO);
	fail_each(f, "writev", EIO);
	fail_each(f, "read", EIO);
}

static void a_command_survives_each_failing_allocation(void **state)
{
	struct fixture *f = *state;
	int descriptors = count_descriptors();

	for (size_t n = 1; n < 100; n++) {
		struct trial t;
		int result;

		begin(&t, f);
		f->memory.failed = 0;
		f->memory.fail_at = f->memory.calls + n;
		result = trial_start(&t);
		if (result < 0)
			assert_int_equal(result, ROTA_ENOMEM);
		while (result == 0 && t.calls == 0)
			(void)rota_loop_run(f->loop, ROTA_RUN_ONCE);
		f->memory.fail_at = 0;
		if (f->memory.failed == 0) {
			assert_result(&t);
			finish(&t, result);
			return;
		}
		finish(&t, result);
		assert_int_equal(count_descriptors(), descriptors);
		no_child_is_left();
	}
}

/* The output has no memory: the command is ended, and the rest is there. */
static void output_without_memory_ends_the_command(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "echo err >&2; sleep 0.05; echo out; cat");
	assert_int_equal(trial_start(&t), 0);
	while (t.command.errors.size == 0)
		trial_turn(&t);
	fault_fail("realloc", 1, ENOMEM);
	trial_await(&t);
	assert_int_equal(fault_clear(), 1);

	assert_int_equal(t.status, ROTA_ENOMEM);
	assert_string_equal(t.command.output.data, "");
	assert_string_equal(t.command.errors.data, "err\n");
	trial_end(&t);
	no_child_is_left();
}

/* A kernel that cannot send signals to the group of a pidfd: the leader stays a
 * zombie until its group has ended. */
static void the_rest_of_a_group_is_killed_without_pidfds(void **state)
{
	struct trial t;

	trial_begin(&t, *state,
		    "(trap '' TERM; echo up; while :; do sleep 1000; done) &"
		    "wait");
	t.options.grace_ns = ROTA_MSEC(20);
	t.options.linger_ns = ROTA_SEC(100);
	fault_fail_from("pidfd_send_signal", 1, EINVAL);
	trial_cancel_when_up(&t);
	(void)fault_clear();

	assert_int_equal(t.status, ROTA_ECANCELED);
	assert_int_equal(t.command.exit.signal, SIGTERM);
	assert_true(t.command.exit.max_resident > 0);
	assert_int_equal(t.command.flags, 0);
	trial_end(&t);
	no_child_is_left();
}

/* Allow @count more descriptors than are open. */
static void allow_descriptors(int count)
{
	struct rlimit limit;
	int next = dup(0);

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = count < 0 ? limit.rlim_max : (rlim_t)(next + count);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void too_few_descriptors_fail_a_command_and_leave_nothing(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;
	int descriptors = count_descriptors();
	int result = ROTA_EMFILE;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int count = 0; result != 0; count++) {
		struct trial t;

		begin(&t, f);
		allow_descriptors(count);
		result = trial_start(&t);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		if (result < 0)
			assert_int_equal(result, ROTA_EMFILE);
		finish(&t, result);
		assert_int_equal(count_descriptors(), descriptors);
	}
	no_child_is_left();
}

static void begin_terminal(struct spawning *s, struct rota_tty *tty,
			   struct fixture *f)
{
	spawning_begin(s, f, "exit 6");
	for (int i = 0; i < 3; i++)
		s->stdio[i] = (struct rota_spawn_stdio){
			.kind = ROTA_SPAWN_STDIO_TERMINAL,
			.tty = tty,
		};
}

/* Start a child on a terminal. Returns the error of the start. */
static int try_terminal(struct spawning *s, struct rota_tty *tty,
			int descriptors)
{
	int result =
		rota_process_spawn(&s->process, &s->options, spawning_on_exit);

	(void)fault_clear();
	if (result == 0) {
		rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT);
		assert_int_equal(s->exits, 1);
		assert_int_equal(s->exit.code, 6);
		assert_int_equal(rota_handle_close_now(&tty->handle), 0);
	}
	assert_int_equal(rota_handle_close_now(&s->process.handle), 0);
	assert_int_equal(count_descriptors(), descriptors);
	no_child_is_left();
	return result;
}

static void fail_each_of_terminal(struct fixture *f, const char *name,
				  int error)
{
	int descriptors = count_descriptors();
	struct rota_tty tty;
	struct spawning s;
	unsigned n = 0;
	int result;

	do {
		begin_terminal(&s, &tty, f);
		fault_fail(name, ++n, error);
		result = try_terminal(&s, &tty, descriptors);
		if (result < 0)
			assert_int_equal(result, -error);
	} while (result < 0 && n < 100);
}

static void a_terminal_survives_each_failing_call(void **state)
{
	struct fixture *f = *state;
	int descriptors;
	struct rota_tty tty;
	struct spawning s;

	fail_each_of_terminal(f, "fcntl", ENOLCK);
	fail_each_of_terminal(f, "ioctl", EIO);
	fail_each_of_terminal(f, "clone", EAGAIN);
	fail_each_of_terminal(f, "calloc", ENOMEM);

	/* A kernel without TIOCGPTPEER: the slave has a name. */
	descriptors = count_descriptors();
	begin_terminal(&s, &tty, f);
	fault_fail("ioctl", 1, EINVAL);
	assert_int_equal(try_terminal(&s, &tty, descriptors), 0);
}

static void too_few_descriptors_fail_a_terminal_and_leave_nothing(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;
	int descriptors = count_descriptors();
	int result = ROTA_EMFILE;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int count = 0; result != 0; count++) {
		struct rota_tty tty;
		struct spawning s;

		begin_terminal(&s, &tty, f);
		allow_descriptors(count);
		result = rota_process_spawn(&s.process, &s.options,
					    spawning_on_exit);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		if (result < 0) {
			assert_int_equal(result, ROTA_EMFILE);
		} else {
			rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
			assert_int_equal(rota_handle_close_now(&tty.handle), 0);
		}
		assert_int_equal(rota_handle_close_now(&s.process.handle), 0);
		assert_int_equal(count_descriptors(), descriptors);
	}
	no_child_is_left();
}

static const struct CMUnitTest tests[] = {
	REAL(a_command_survives_each_failing_call),
	REAL(a_command_survives_each_failing_allocation),
	REAL(output_without_memory_ends_the_command),
	REAL(the_rest_of_a_group_is_killed_without_pidfds),
	REAL(too_few_descriptors_fail_a_command_and_leave_nothing),
	REAL(a_terminal_survives_each_failing_call),
	REAL(too_few_descriptors_fail_a_terminal_and_leave_nothing),
};

FIXTURE_MAIN(tests)
