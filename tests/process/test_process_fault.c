/*
 * Failures (F3): a child with pipes is started, and the first call of a kind
 * fails, then the second, and so on, until all succeeds; and the same with
 * allocations. A start that fails leaves no child, no descriptor and no memory;
 * one that succeeds reports the exit.
 */
#include "spawning.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "support/fault.h"

static void begin(struct spawning *s, struct rota_pipe *both, struct fixture *f)
{
	spawning_begin(s, f, "read x <&3; echo end");
	s->stdio[3] = (struct rota_spawn_stdio){
		.kind = ROTA_SPAWN_STDIO_PIPE,
		.flags = ROTA_SPAWN_STDIO_READS | ROTA_SPAWN_STDIO_WRITES,
		.pipe = both,
	};
	s->options.stdio_count = 4;
}

/* After the faults: finish the child, or check that there is none. */
static void finish(struct spawning *s, struct rota_pipe *both, int error,
		   int descriptors)
{
	if (error < 0) {
		assert_int_equal(count_descriptors(), descriptors);
		assert_true(s->step != ROTA_SPAWN_STEP_NONE);
		spawning_end(s);
		no_child_is_left();
		return;
	}
	assert_int_equal(
		rota_stream_read_start(&s->out.stream, spawning_on_read), 0);
	assert_int_equal(rota_stream_send(&both->stream, "\n", 1), 0);
	rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(s->exits, 1);
	assert_string_equal(s->text, "end\n");
	assert_int_equal(rota_handle_close_now(&both->handle), 0);
	spawning_end(s);
	no_child_is_left();
}

static void fail_each(struct fixture *f, const char *name, int error)
{
	int descriptors = count_descriptors();

	for (unsigned n = 1;; n++) {
		struct rota_pipe both;
		struct spawning s;
		int result, failed;

		begin(&s, &both, f);
		fault_fail(name, n, error);
		result = rota_process_spawn(&s.process, &s.options,
					    spawning_on_exit);
		failed = (int)fault_clear();
		if (result < 0)
			assert_int_equal(result, failed ? -error : 0);
		finish(&s, &both, result, descriptors);
		if (!failed)
			return;
	}
}

/* What is common is failed in one way only, to save time. */
static void run_calls(struct fixture *f)
{
	if (rotai_spawn_way == ROTAI_SPAWN_FORK) {
		fail_each(f, "fork", EAGAIN);
		fail_each(f, "pipe2", EMFILE);
		fail_each(f, "fcntl", ENOLCK);
		fail_each(f, "pidfd_open", EMFILE);
		return;
	}
	if (rotai_exit_way == ROTAI_EXIT_THREAD) {
		fail_each(f, "clone", EAGAIN);
		fail_each(f, "calloc", ENOMEM);
		fail_each(f, "pthread_create", EAGAIN);
		fail_each(f, "pthread_attr_init", ENOMEM);
		return;
	}
	fail_each(f, "pipe2", EMFILE);
	fail_each(f, "socketpair", ENFILE);
	fail_each(f, "fcntl", ENOLCK);
	fail_each(f, "fstat", EIO);
	fail_each(f, "getsockopt", ENOBUFS);
	if (poller_is(f, "epoll"))
		fail_each(f, "epoll_ctl", ENOSPC);
	if (poller_is(f, "kqueue")) {
		fail_each(f, "kevent", ENOMEM);
		fail_each(f, "kqueue", EMFILE);
	}
}

static void a_call_that_fails_leaves_nothing(void **state)
{
	in_all_ways(*state, run_calls);
}

static void run_allocations(struct fixture *f)
{
	int descriptors = count_descriptors();

	for (size_t n = 1;; n++) {
		struct rota_pipe both;
		struct spawning s;
		int result;

		begin(&s, &both, f);
		f->memory.failed = 0;
		f->memory.fail_at = f->memory.calls + n;
		result = rota_process_spawn(&s.process, &s.options,
					    spawning_on_exit);
		f->memory.fail_at = 0;
		if (result < 0)
			assert_int_equal(result, ROTA_ENOMEM);
		finish(&s, &both, result, descriptors);
		if (result == 0)
			return;
	}
}

static void an_allocation_that_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct rota_process process;

	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_process_init(&process, f->loop), ROTA_ENOMEM);
	f->memory.fail_at = 0;
	in_all_ways(f, run_allocations);
}

/* The child runs already when no thread can be started for it. */
static void a_child_that_cannot_be_watched_is_killed(void **state)
{
	struct fixture *f = *state;
	struct spawning s;

	rotai_exit_way = ROTAI_EXIT_THREAD;
	spawning_begin(&s, f, "exec sleep 1000");
	s.stdio[1] = (struct rota_spawn_stdio){ 0 };
	fault_fail("pthread_create", 1, EAGAIN);
	assert_int_equal(spawning_start(&s), ROTA_EAGAIN);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(s.step, ROTA_SPAWN_STEP_PREPARE);
	rotai_exit_way = ROTAI_EXIT_USUAL;
	spawning_end(&s);
	no_child_is_left();
}

/* A watch falls back to a thread, for a child of ours; a foreign process has
 * none. */
static void a_foreign_process_needs_a_pidfd(void **state)
{
	struct fixture *f = *state;
	struct spawning s;

	if (poller_is(f, "kqueue"))
		skip_test("a kqueue serves as well");
	spawning_begin(&s, f, "");
	fault_fail("pidfd_open", 1, ENOSYS);
	assert_int_equal(
		rota_process_watch(&s.process, getppid(), spawning_on_exit),
		ROTA_ENOTSUP);
	if (fault_clear() == 0)
		skip_test("there are no pidfds");
	assert_int_equal(
		rota_process_watch(&s.process, getppid(), spawning_on_exit), 0);
	assert_int_equal(s.exits, 0);
	spawning_end(&s);
}

static void a_signal_is_sent_without_a_pidfd(void **state)
{
	struct fixture *f = *state;
	struct spawning s;

	for (int group = 0; group < 2; group++) {
		spawning_begin(&s, f, "exec sleep 1000");
		s.stdio[1] = (struct rota_spawn_stdio){ 0 };
		s.options.flags = ROTA_SPAWN_NEW_GROUP;
		assert_int_equal(spawning_start(&s), 0);
		fault_fail("pidfd_send_signal", 1, ENOSYS);
		assert_int_equal(
			group ? rota_process_kill_group(&s.process, SIGTERM)
			      : rota_process_kill(&s.process, SIGTERM),
			0);
		(void)fault_clear();
		rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
		assert_int_equal(s.exit.signal, SIGTERM);
		fault_fail("pidfd_send_signal", 1, EINVAL); /* Linux 6.8 */
		if (rota_process_kill_group(&s.process, SIGTERM) != ROTA_ESRCH)
			fail();
		(void)fault_clear();
		spawning_end(&s);
	}
}

/* Without close_range(2) the descriptors are listed. */
static void descriptors_are_closed_without_close_range(void **state)
{
	struct fixture *f = *state;
	struct spawning s;
	int fds[40];

	for (int i = 0; i < 40; i++)
		assert_true((fds[i] = dup(2)) >= 0);
	for (int way = 0; way < 2; way++) {
		spawning_begin(&s, f, "exec ls /dev/fd/");
		rotai_spawn_way = way ? ROTAI_SPAWN_FORK : ROTAI_SPAWN_USUAL;
		fault_fail("close_range", 1, EINVAL);
		expect_output(&s, "0\n1\n2\n3\n");
		(void)fault_clear();
	}
	rotai_spawn_way = ROTAI_SPAWN_USUAL;
	for (int i = 0; i < 40; i++)
		close(fds[i]);
}

static const struct CMUnitTest tests[] = {
	REAL(a_call_that_fails_leaves_nothing),
	REAL(an_allocation_that_fails_leaves_nothing),
	REAL(a_child_that_cannot_be_watched_is_killed),
	REAL(a_foreign_process_needs_a_pidfd),
	REAL(a_signal_is_sent_without_a_pidfd),
	REAL(descriptors_are_closed_without_close_range),
};

FIXTURE_MAIN(tests)
