/* system: linux */
/*
 * What is left of a start in this process, and numbers of processes that are
 * used again before the library knows of the end of the first one.
 */
#include "spawning.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/child.h"

enum { NOBODY = 65534, CALL_CLOSE_RANGE = 436, LEFT_OPEN = 77 };

/* --- numbers that are used again ------------------------------------------ */

struct ended {
	struct rota_process process;
	struct rota_exit exit;
	int exits;
};

static void on_end(struct rota_process *process, const struct rota_exit *exit)
{
	struct ended *e = rota_container_of(process, struct ended, process);

	e->exits++;
	e->exit = *exit;
}

/* The next process of this namespace gets the number @pid, if it is free. */
static void use_next(pid_t pid)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", (int)pid - 1);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		child_skips();
	close(fd);
}

static void start_shell(struct ended *e, struct rota_loop *loop,
			const char *script)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	const struct rota_spawn_options options = {
		.size = sizeof(options),
		.file = "/bin/sh",
		.argv = (char *const *)argv,
	};

	memset(e, 0, sizeof(*e));
	EXPECT(rota_process_init(&e->process, loop) == 0);
	EXPECT(rota_process_spawn(&e->process, &options, on_end) == 0);
}

static void end_both(struct rota_loop *loop, struct ended *gone,
		     struct ended *next)
{
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	EXPECT(gone->exits == 1);
	EXPECT(gone->exit.error == ROTA_ECHILD);
	EXPECT(gone->exit.code == 0);
	EXPECT(next->exits == 1);
	EXPECT(next->exit.error == 0);
	EXPECT(next->exit.code == 42);
	EXPECT(rota_handle_close_now(&gone->process.handle) == 0);
	EXPECT(rota_handle_close_now(&next->process.handle) == 0);
	EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

/* A child that the program has waited for. */
static void reuse_own_number(struct rota_loop *loop)
{
	struct ended gone, next;
	pid_t pid;

	start_shell(&gone, loop, "exit 1");
	pid = rota_process_pid(&gone.process);
	EXPECT(waitpid(pid, NULL, 0) == pid);
	use_next(pid);
	start_shell(&next, loop, "exit 42");
	if (rota_process_pid(&next.process) != pid)
		child_skips();
	end_both(loop, &gone, &next);
}

/* The same with a child of the program's own, which it waits for itself. */
static void reuse_number_outside(struct rota_loop *loop)
{
	struct ended gone;
	int status;
	pid_t pid, next;

	start_shell(&gone, loop, "exit 1");
	pid = rota_process_pid(&gone.process);
	EXPECT(waitpid(pid, NULL, 0) == pid);
	use_next(pid);
	next = fork();
	if (next == 0)
		_exit(42);
	if (next != pid)
		child_skips();
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	EXPECT(gone.exits == 1 && gone.exit.error == ROTA_ECHILD);
	EXPECT(rota_handle_close_now(&gone.process.handle) == 0);
	EXPECT(waitpid(next, &status, 0) == next);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

/* A child of another process, which the library only watches. */
static void reuse_foreign_number(struct rota_loop *loop)
{
	struct ended gone = { .exits = 0 }, next;
	int ours[2], theirs[2];
	pid_t parent, pid = 0;
	char byte;

	EXPECT(pipe2(ours, O_CLOEXEC) == 0 && pipe2(theirs, O_CLOEXEC) == 0);
	parent = child_fork();
	if (parent == 0) {
		close(theirs[1]);
		pid = fork();
		if (pid == 0)
			_exit(read(theirs[0], &byte, 1) != 0);
		EXPECT(write(ours[1], &pid, sizeof(pid)) == sizeof(pid));
		EXPECT(waitpid(pid, NULL, 0) == pid);
		child_ends();
	}
	EXPECT(read(ours[0], &pid, sizeof(pid)) == sizeof(pid));
	EXPECT(rota_process_init(&gone.process, loop) == 0);
	EXPECT(rota_process_watch(&gone.process, pid, on_end) == 0);
	for (int i = 0; i < 2; i++) {
		close(theirs[i]);
		close(ours[i]);
	}
	EXPECT(waitpid(parent, NULL, 0) == parent);
	use_next(pid);
	start_shell(&next, loop, "exit 42");
	if (rota_process_pid(&next.process) != pid)
		child_skips();
	end_both(loop, &gone, &next);
}

/* In the first process of a namespace. */
static void reuse_numbers(void *arg)
{
	struct rota_loop *loop;

	EXPECT(rota_loop_new(&loop, NULL) == 0);
	if (arg == NULL) {
		reuse_own_number(loop);
	} else {
		reuse_number_outside(loop);
		reuse_foreign_number(loop);
	}
	EXPECT(rota_loop_close(loop) == 0);
}

static void in_a_namespace(void *arg)
{
	int status;
	pid_t first;

	if (unshare(CLONE_NEWPID) < 0)
		child_skips();
	first = child_fork();
	if (first == 0) {
		reuse_numbers(arg);
		child_ends();
	}
	EXPECT(waitpid(first, &status, 0) == first && WIFEXITED(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
}

static void run_reuse(struct fixture *f)
{
	(void)f;
	if (!in_a_child_or_skip(in_a_namespace, NULL))
		skip_test("no number can be chosen");
}

static void an_exit_is_not_taken_from_the_next_user_of_a_number(void **state)
{
	in_all_ways(*state, run_reuse);
}

static void a_pidfd_tells_apart_who_has_a_number(void **state)
{
	if (poller_is(*state, "kqueue"))
		skip_test("a kqueue is no pidfd");
	if (!in_a_child_or_skip(in_a_namespace, *state))
		skip_test("no number can be chosen");
}

static void run_adopt_twice(struct fixture *f)
{
	struct ended first = { .exits = 0 }, second = { .exits = 0 };
	int fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = child_fork();
	if (pid == 0) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) == 0 ? 7 : 1);
	}
	assert_int_equal(rota_process_init(&first.process, f->loop), 0);
	assert_int_equal(rota_process_init(&second.process, f->loop), 0);
	assert_int_equal(rota_process_adopt(&first.process, pid, on_end), 0);
	assert_int_equal(rota_process_adopt(&second.process, pid, on_end),
			 ROTA_EALREADY);
	assert_int_equal(rota_process_pid(&second.process), 0);
	close(fds[0]);
	close(fds[1]);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(first.exits, 1);
	assert_int_equal(first.exit.code, 7);
	assert_int_equal(second.exits, 0);
	assert_int_equal(rota_process_adopt(&second.process, pid, on_end),
			 ROTA_ECHILD);
	assert_int_equal(rota_handle_close_now(&first.process.handle), 0);
	assert_int_equal(rota_handle_close_now(&second.process.handle), 0);
}

static void a_child_is_adopted_once(void **state)
{
	in_all_ways(*state, run_adopt_twice);
}

/* A thread that waits for a byte, and its number. */
struct waiting_thread {
	int fds[2];
	int tell[2];
};

static void *wait_for_byte(void *arg)
{
	struct waiting_thread *t = arg;
	int id = (int)syscall(SYS_gettid);
	char byte;

	(void)!write(t->tell[1], &id, sizeof(id));
	(void)!read(t->fds[0], &byte, 1);
	return NULL;
}

static void a_thread_is_no_process(void **state)
{
	struct fixture *f = *state;
	struct rota_process process;
	struct waiting_thread t;
	pthread_t thread;
	int id;

	assert_int_equal(pipe2(t.fds, O_CLOEXEC), 0);
	assert_int_equal(pipe2(t.tell, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_byte, &t), 0);
	assert_int_equal(read(t.tell[0], &id, sizeof(id)), (int)sizeof(id));
	assert_int_equal(rota_process_init(&process, f->loop), 0);
	assert_int_equal(rota_process_watch(&process, id, on_end), ROTA_ESRCH);
	assert_int_equal(rota_handle_close_now(&process.handle), 0);
	assert_int_equal(write(t.fds[1], "x", 1), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (int i = 0; i < 2; i++) {
		close(t.fds[i]);
		close(t.tell[i]);
	}
}

/* --- what a start leaves in this process ---------------------------------- */

static void run_dumpable(struct fixture *f)
{
	struct spawning s;

	for (int dumpable = 0; dumpable < 2; dumpable++)
		for (int fails = 0; fails < 2; fails++) {
			assert_int_equal(prctl(PR_SET_DUMPABLE, dumpable), 0);
			spawning_begin(&s, f, "exit 0");
			s.options.flags =
				ROTA_SPAWN_SET_USER | ROTA_SPAWN_SET_GROUP;
			s.options.user = NOBODY;
			s.options.group = NOBODY;
			if (fails)
				s.options.file = "/none/none";
			assert_int_equal(spawning_start(&s),
					 fails ? ROTA_ENOENT : 0);
			assert_int_equal(prctl(PR_GET_DUMPABLE), dumpable);
			rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
			spawning_end(&s);
		}
}

static void a_child_with_a_user_leaves_core_dumps_to_its_parent(void **state)
{
	if (getuid() != 0)
		skip_test("not root");
	in_all_ways(*state, run_dumpable);
	assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
}

static void refuse_two(uint32_t first, uint32_t second)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, second, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {
		.len = sizeof(program) / sizeof(program[0]),
		.filter = program,
	};

	EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

static void start_without_lists(void *arg)
{
	const struct rlimit files = { 2L * LEFT_OPEN, 2L * LEFT_OPEN };
	char script[64];
	struct rota_loop *loop;
	struct ended e;

	(void)arg;
	EXPECT(setrlimit(RLIMIT_NOFILE, &files) == 0);
	if (prctl(PR_GET_SECCOMP) < 0)
		child_skips();
	EXPECT(rota_loop_new(&loop, NULL) == 0);
	EXPECT(fcntl(0, F_DUPFD, LEFT_OPEN) == LEFT_OPEN);
	/* Nothing lists the descriptors. */
	refuse_two(CALL_CLOSE_RANGE, SYS_getdents64);
	snprintf(script, sizeof(script), "test -e /proc/self/fd/%d", LEFT_OPEN);
	start_shell(&e, loop, script);
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	EXPECT(e.exit.code == 1);
	EXPECT(rota_handle_close_now(&e.process.handle) == 0);
	EXPECT(rota_loop_close(loop) == 0);
}

static void run_without_lists(struct fixture *f)
{
	(void)f;
	if (!in_a_child_or_skip(start_without_lists, NULL))
		skip_test("no filter");
}

static void descriptors_are_closed_one_by_one_if_need_be(void **state)
{
	in_all_ways(*state, run_without_lists);
}

static void end_without_waitid(void *arg)
{
	struct rota_loop *loop;
	struct ended e;

	(void)arg;
	if (prctl(PR_GET_SECCOMP) < 0)
		child_skips();
	EXPECT(rota_loop_new(&loop, NULL) == 0);
	refuse_two(SYS_waitid, SYS_waitid);
	start_shell(&e, loop, "exit 5");
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	EXPECT(e.exit.code == 5 && e.exit.error == 0);
	EXPECT(rota_handle_close_now(&e.process.handle) == 0);
	EXPECT(rota_loop_close(loop) == 0);
}

/* A kernel or a filter that does not know P_PIDFD. */
static void an_exit_is_known_without_the_call_that_compares(void **state)
{
	(void)state;
	if (!in_a_child_or_skip(end_without_waitid, NULL))
		skip_test("no filter");
}

/* --- options -------------------------------------------------------------- */

static void the_most_descriptors_are_taken(void **state)
{
	enum { MOST = 65536 };
	struct fixture *f = *state;
	struct spawning s;
	struct rota_spawn_stdio *stdio =
		test_calloc(MOST, sizeof(struct rota_spawn_stdio));

	for (size_t i = 0; i < MOST; i++)
		stdio[i].kind = ROTA_SPAWN_STDIO_CLOSED;
	spawning_begin(&s, f, "exit 0");
	s.stdio[1].kind = ROTA_SPAWN_STDIO_NULL;
	s.options.file = "/none/none";
	s.options.stdio = stdio;
	s.options.stdio_count = MOST;
	assert_int_equal(spawning_start(&s), ROTA_ENOENT);
	assert_int_equal(s.step, ROTA_SPAWN_STEP_EXEC);
	spawning_end(&s);
	test_free(stdio);
}

static const struct CMUnitTest tests[] = {
	REAL(an_exit_is_not_taken_from_the_next_user_of_a_number),
	REAL(a_pidfd_tells_apart_who_has_a_number),
	REAL(a_child_is_adopted_once),
	REAL(a_thread_is_no_process),
	REAL(a_child_with_a_user_leaves_core_dumps_to_its_parent),
	REAL(descriptors_are_closed_one_by_one_if_need_be),
	REAL(an_exit_is_known_without_the_call_that_compares),
	REAL(the_most_descriptors_are_taken),
};

FIXTURE_MAIN(tests)
