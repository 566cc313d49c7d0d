/* system: linux */
/* poller: none */
/*
 * What Linux tells of a child: its status in /proc, its session, its cgroup;
 * and every step of a start that can be made to fail.
 */
#include "spawning.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/child.h"

enum { NOBODY = 65534, UNUSED = 54321 };

/* A program with one argument, whose output is in a pipe. */
static void begin_program(struct spawning *s, struct fixture *f,
			  const char *file, const char *argument)
{
	spawning_begin(s, f, NULL);
	s->options.file = file;
	s->argv[0] = file;
	s->argv[1] = argument;
	s->argv[2] = NULL;
}

/* The rest of the line of the output that begins with @name. */
static const char *line_of(const struct spawning *s, const char *name)
{
	static char line[256];
	const char *at = strstr(s->text, name);

	assert_non_null(at);
	at += strlen(name);
	at += strspn(at, ":\t ");
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
	return line;
}

static void begin_status(struct spawning *s, struct fixture *f)
{
	begin_program(s, f, "/bin/cat", "/proc/self/status");
}

/* What a line of our own status says. */
static void own_line(const char *format, char value[32])
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, format, value) == 1)
			break;
	fclose(file);
}

static void on_signal(int number)
{
	(void)number;
}

static void run_signals(struct fixture *f)
{
	struct spawning s;
	sigset_t set, before;
	char ignored[32];

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGRTMAX);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGUSR2, on_signal);
	(void)signal(SIGRTMIN + 1, on_signal);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, &before), 0);

	begin_status(&s, f);
	spawning_run(&s);
	assert_string_equal(line_of(&s, "SigBlk"), "0000000000000000");
	assert_string_equal(line_of(&s, "SigIgn"), "0000000000000000");
	assert_string_equal(line_of(&s, "SigCgt"), "0000000000000000");

	own_line("SigIgn:\t%31s", ignored);
	begin_status(&s, f);
	s.options.flags = ROTA_SPAWN_KEEP_MASK | ROTA_SPAWN_KEEP_IGNORED;
	spawning_run(&s);
	assert_string_equal(line_of(&s, "SigBlk"), "8000000000000200");
	assert_string_equal(line_of(&s, "SigIgn"), ignored);
	assert_string_equal(line_of(&s, "SigCgt"), "0000000000000000");

	/* Nothing has changed here. */
	assert_ptr_equal(signal(SIGUSR2, SIG_DFL), on_signal);
	(void)signal(SIGRTMIN + 1, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, &set), 0);
	assert_true(sigismember(&set, SIGUSR1));
}

static void a_child_begins_without_blocked_and_ignored_signals(void **state)
{
	in_all_ways(*state, run_signals);
}

static void run_user(struct fixture *f)
{
	static const unsigned groups[] = { 7, 9 };
	struct spawning s;

	begin_status(&s, f);
	s.options.flags = ROTA_SPAWN_SET_USER | ROTA_SPAWN_SET_GROUP |
			  ROTA_SPAWN_NO_NEW_PRIVILEGES | ROTA_SPAWN_SET_UMASK;
	s.options.user = NOBODY;
	s.options.group = 12345;
	s.options.umask = 0137;
	spawning_run(&s);
	assert_string_equal(line_of(&s, "Uid"), "65534\t65534\t65534\t65534");
	assert_string_equal(line_of(&s, "Gid"), "12345\t12345\t12345\t12345");
	assert_string_equal(line_of(&s, "Groups"), "");
	assert_string_equal(line_of(&s, "NoNewPrivs"), "1");
	assert_string_equal(line_of(&s, "Umask"), "0137");

	begin_status(&s, f);
	s.options.flags = ROTA_SPAWN_SET_USER;
	s.options.user = NOBODY;
	s.options.groups = groups;
	s.options.group_count = 2;
	spawning_run(&s);
	assert_string_equal(line_of(&s, "Groups"), "7 9 ");
	assert_string_equal(line_of(&s, "NoNewPrivs"), "0");
	assert_int_equal(getuid(), 0);
	assert_int_equal(geteuid(), 0);
}

static void a_child_gets_a_user_and_groups(void **state)
{
	if (getuid() != 0)
		skip_test("not root");
	in_all_ways(*state, run_user);
}

static void run_resources(struct fixture *f)
{
	static const struct rota_spawn_limit limits[] = {
		{ RLIMIT_NOFILE, 77, 99 },
		{ RLIMIT_CORE, 0, UINT64_MAX },
	};
	unsigned processor = (unsigned)sched_getcpu();
	struct spawning s;
	char wanted[64];

	spawning_begin(&s, f,
		       "ulimit -Sn; ulimit -Hn; nice; umask; "
		       "grep Cpus_allowed_list: /proc/self/status");
	s.options.limits = limits;
	s.options.limit_count = 1;
	s.options.nice = 3;
	s.options.flags = ROTA_SPAWN_SET_UMASK;
	s.options.umask = 0;
	s.options.processors = &processor;
	s.options.processor_count = 1;
	snprintf(wanted, sizeof(wanted),
		 "77\n99\n%d\n0000\nCpus_allowed_list:\t%u\n",
		 getpriority(PRIO_PROCESS, 0) + 3, processor);
	expect_output(&s, wanted);
}

static void a_child_gets_limits_and_priorities(void **state)
{
	in_all_ways(*state, run_resources);
}

static void run_environment(struct fixture *f)
{
	static char *const none[] = { NULL };
	static char *const one[] = { (char *)"A=1", (char *)"B", NULL };
	struct spawning s;

	begin_program(&s, f, "/usr/bin/env", NULL);
	s.options.environment = none;
	expect_output(&s, "");
	begin_program(&s, f, "env", NULL); /* by the usual path */
	s.options.environment = one;
	expect_output(&s, "A=1\nB\n");
	spawning_begin(&s, f, "pwd; echo $ROTA_X");
	s.options.directory = "/proc";
	assert_int_equal(setenv("ROTA_X", "x", 1), 0);
	expect_output(&s, "/proc\nx\n");
	assert_int_equal(unsetenv("ROTA_X"), 0);
}

static void a_child_gets_an_environment_and_a_directory(void **state)
{
	in_all_ways(*state, run_environment);
}

/* A directory with a script, a file that is no program, one that may not be
 * executed. */
struct programs {
	char directory[64];
	char path[128];
};

static void put_program(const struct programs *p, const char *name,
			const char *text, mode_t mode)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", p->directory, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void make_programs(struct programs *p)
{
	snprintf(p->directory, sizeof(p->directory), "/tmp/rota-XXXXXX");
	assert_non_null(mkdtemp(p->directory));
	put_program(p, "rota-script", "#!/bin/sh\necho script $1\n", 0700);
	put_program(p, "text", "echo no program\n", 0700);
	put_program(p, "locked", "#!/bin/sh\n", 0600);
}

static void remove_programs(struct programs *p)
{
	static const char *const names[] = { "rota-script", "text", "locked" };

	for (int i = 0; i < 3; i++) {
		snprintf(p->path, sizeof(p->path), "%s/%s", p->directory,
			 names[i]);
		assert_int_equal(unlink(p->path), 0);
	}
	assert_int_equal(rmdir(p->directory), 0);
}

static void search(struct spawning *s, struct fixture *f, struct programs *p,
		   const char *file, const char *format)
{
	static char *environment[2];

	snprintf(p->path, sizeof(p->path), format, p->directory);
	environment[0] = p->path;
	environment[1] = NULL;
	begin_program(s, f, file, "a");
	s->options.environment = environment;
}

static void run_search(struct fixture *f)
{
	struct programs p;
	struct spawning s;

	make_programs(&p);
	search(&s, f, &p, "rota-script", "PATH=/nowhere:%s:/bin");
	expect_output(&s, "script a\n");
	search(&s, f, &p, "rota-script", "PATH=/dev/null:%s");
	expect_output(&s, "script a\n");
	search(&s, f, &p, "rota-script", "PATH=/nowhere:"); /* here */
	s.options.directory = p.directory;
	expect_output(&s, "script a\n");
	search(&s, f, &p, "rota-script", "PATH=");
	s.options.directory = p.directory;
	expect_output(&s, "script a\n");
	search(&s, f, &p, "rota-script", "PATH=/bin:/nowhere");
	expect_failure(&s, ROTA_SPAWN_STEP_EXEC, ROTA_ENOENT);
	search(&s, f, &p, "rota-script", "PATH=%s");
	s.options.flags = ROTA_SPAWN_NO_SEARCH;
	expect_failure(&s, ROTA_SPAWN_STEP_EXEC, ROTA_ENOENT);
	search(&s, f, &p, "locked", "PATH=%s:/nowhere");
	expect_failure(&s, ROTA_SPAWN_STEP_EXEC, ROTA_EACCES);
	search(&s, f, &p, "text", "PATH=%s:/bin"); /* no shell is tried */
	expect_failure(&s, ROTA_SPAWN_STEP_EXEC, ROTA_ENOEXEC);
	search(&s, f, &p, "", "PATH=%s");
	expect_failure(&s, ROTA_SPAWN_STEP_EXEC, ROTA_ENOENT);
	remove_programs(&p);
}

static void a_program_is_searched_in_the_path_of_the_child(void **state)
{
	in_all_ways(*state, run_search);
}

static void fail_at(struct fixture *f, enum rota_spawn_step step, int error,
		    void (*set)(struct spawning *s))
{
	struct spawning s;

	spawning_begin(&s, f, "echo no");
	set(&s);
	expect_failure(&s, step, error);
	no_child_is_left();
}

static void set_bad_descriptor(struct spawning *s)
{
	s->stdio[3] =
		(struct rota_spawn_stdio){ .kind = ROTA_SPAWN_STDIO_DESCRIPTOR,
					   .fd = 999 };
	s->options.stdio_count = 4;
}

static void set_no_terminal(struct spawning *s)
{
	s->options.flags = ROTA_SPAWN_NEW_SESSION | ROTA_SPAWN_SET_TERMINAL;
}

static void set_bad_limit(struct spawning *s)
{
	static const struct rota_spawn_limit limit = { 9999, 1, 1 };

	s->options.limits = &limit;
	s->options.limit_count = 1;
}

static void set_far_processor(struct spawning *s)
{
	static const unsigned far = 65535;

	s->options.processors = &far;
	s->options.processor_count = 1;
}

static void set_no_group(struct spawning *s)
{
	s->options.process_group = INT_MAX;
}

static void set_no_directory(struct spawning *s)
{
	s->options.directory = "/no/such/directory";
}

static void set_bad_death(struct spawning *s)
{
	s->options.death_signal = 999;
}

static void set_long_argument(struct spawning *s)
{
	static char long_one[256 * 1024];

	memset(long_one, 'a', sizeof(long_one) - 1);
	s->argv[2] = long_one;
}

static void set_bad_cgroup(struct spawning *s)
{
	s->options.flags = ROTA_SPAWN_SET_CGROUP;
	s->options.cgroup = 999;
}

static void run_failures(struct fixture *f)
{
	fail_at(f, ROTA_SPAWN_STEP_STDIO, ROTA_EBADF, set_bad_descriptor);
	fail_at(f, ROTA_SPAWN_STEP_TERMINAL, ROTA_ENOTTY, set_no_terminal);
	fail_at(f, ROTA_SPAWN_STEP_LIMITS, ROTA_EINVAL, set_bad_limit);
	fail_at(f, ROTA_SPAWN_STEP_AFFINITY, ROTA_EINVAL, set_far_processor);
	fail_at(f, ROTA_SPAWN_STEP_JOB, ROTA_EPERM, set_no_group);
	fail_at(f, ROTA_SPAWN_STEP_DIRECTORY, ROTA_ENOENT, set_no_directory);
	fail_at(f, ROTA_SPAWN_STEP_DEATH, ROTA_EINVAL, set_bad_death);
	fail_at(f, ROTA_SPAWN_STEP_EXEC, ROTA_E2BIG, set_long_argument);
	fail_at(f, ROTA_SPAWN_STEP_CGROUP, ROTA_EBADF, set_bad_cgroup);
}

static void a_step_that_fails_is_the_error_of_the_call(void **state)
{
	in_all_ways(*state, run_failures);
}

/* In a child of the test, which becomes an ordinary user. */
static int try_as_user(struct rota_loop *loop,
		       struct rota_spawn_options *options,
		       enum rota_spawn_step *step)
{
	struct rota_process process;
	int error;

	options->size = sizeof(*options);
	options->file = "/bin/true";
	options->failed = step;
	EXPECT(rota_process_init(&process, loop) == 0);
	error = rota_process_spawn(&process, options, NULL);
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	EXPECT(rota_handle_close_now(&process.handle) == 0);
	EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	return error;
}

static void start_as_user(void *arg)
{
	static const struct rota_spawn_limit more = { RLIMIT_NOFILE, 1 << 20,
						      1 << 20 };
	struct rlimit none = { 0 }, processes;
	struct rota_spawn_options options;
	enum rota_spawn_step step;
	struct rota_loop *loop;
	struct rlimit files = { 64, 64 };

	(void)arg;
	EXPECT(setrlimit(RLIMIT_NOFILE, &files) == 0);
	EXPECT(setresgid(UNUSED, UNUSED, UNUSED) == 0);
	EXPECT(setresuid(UNUSED, UNUSED, UNUSED) == 0);
	EXPECT(rota_loop_new(&loop, NULL) == 0);

	options = (struct rota_spawn_options){ .flags = ROTA_SPAWN_SET_USER };
	EXPECT(try_as_user(loop, &options, &step) == ROTA_EPERM);
	EXPECT(step == ROTA_SPAWN_STEP_GROUPS);
	options =
		(struct rota_spawn_options){ .flags = ROTA_SPAWN_SET_USER |
						      ROTA_SPAWN_KEEP_GROUPS };
	EXPECT(try_as_user(loop, &options, &step) == ROTA_EPERM);
	EXPECT(step == ROTA_SPAWN_STEP_USER);
	options =
		(struct rota_spawn_options){ .flags = ROTA_SPAWN_SET_GROUP |
						      ROTA_SPAWN_KEEP_GROUPS };
	EXPECT(try_as_user(loop, &options, &step) == ROTA_EPERM);
	EXPECT(step == ROTA_SPAWN_STEP_GROUP);
	options = (struct rota_spawn_options){ .nice = -5 };
	EXPECT(try_as_user(loop, &options, &step) == ROTA_EACCES);
	EXPECT(step == ROTA_SPAWN_STEP_NICE);
	options = (struct rota_spawn_options){ .limits = &more,
					       .limit_count = 1 };
	EXPECT(try_as_user(loop, &options, &step) == ROTA_EPERM);
	EXPECT(step == ROTA_SPAWN_STEP_LIMITS);
	options = (struct rota_spawn_options){ 0 };
	EXPECT(try_as_user(loop, &options, &step) == 0);

	EXPECT(getrlimit(RLIMIT_NPROC, &processes) == 0);
	none.rlim_max = processes.rlim_max;
	EXPECT(setrlimit(RLIMIT_NPROC, &none) == 0);
	EXPECT(try_as_user(loop, &options, &step) == ROTA_EAGAIN);
	EXPECT(step == ROTA_SPAWN_STEP_START);
	EXPECT(setrlimit(RLIMIT_NPROC, &processes) == 0);
	EXPECT(try_as_user(loop, &options, &step) == 0);
}

static void an_ordinary_user_gets_the_step_that_needs_privileges(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip_test("not root");
	in_a_child(start_as_user, NULL);
	rotai_spawn_way = ROTAI_SPAWN_FORK;
	in_a_child(start_as_user, NULL);
	rotai_spawn_way = ROTAI_SPAWN_USUAL;
}

/* The limit does not bind root: only the program of the new user. */
static void too_many_processes_of_the_user_fail_at_exec(void **state)
{
	static const struct rota_spawn_limit limit = { RLIMIT_NPROC, 0, 0 };
	struct fixture *f = *state;
	struct spawning s, more;

	if (getuid() != 0)
		skip_test("not root");
	/* One process that the user has is more than none. */
	spawning_begin(&s, f, "exec sleep 1000");
	s.stdio[1] = (struct rota_spawn_stdio){ 0 };
	s.options.flags = ROTA_SPAWN_SET_USER;
	s.options.user = UNUSED;
	assert_int_equal(spawning_start(&s), 0);
	spawning_begin(&more, f, "echo no");
	more.options.flags = ROTA_SPAWN_SET_USER;
	more.options.user = UNUSED;
	more.options.limits = &limit;
	more.options.limit_count = 1;
	expect_failure(&more, ROTA_SPAWN_STEP_EXEC, ROTA_EAGAIN);
	assert_int_equal(rota_process_kill(&s.process, SIGKILL), 0);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	spawning_end(&s);
	no_child_is_left();
}

static void start_at_the_limit(void *arg)
{
	struct fixture *f = arg;
	struct rlimit files;
	struct spawning s;
	int descriptors = count_descriptors();
	int first = 0;

	spawning_begin(&s, f, "true");
	EXPECT(getrlimit(RLIMIT_NOFILE, &files) == 0);
	while (fcntl(first, F_GETFD) >= 0)
		first++;
	/* With more and more descriptors, until it works. */
	for (int n = 0;; n++) {
		int error;

		files.rlim_cur = (rlim_t)(first + n);
		EXPECT(setrlimit(RLIMIT_NOFILE, &files) == 0);
		error = rota_process_spawn(&s.process, &s.options, NULL);
		if (error == 0)
			break;
		EXPECT(error == ROTA_EMFILE);
		EXPECT(n < 20);
		files.rlim_cur = files.rlim_max;
		EXPECT(setrlimit(RLIMIT_NOFILE, &files) == 0);
		EXPECT(count_descriptors() == descriptors);
	}
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static void start_at_the_limit_in_a_child(void *arg)
{
	struct fixture f = { 0 };

	(void)arg;
	EXPECT(rota_loop_new(&f.loop, NULL) == 0);
	start_at_the_limit(&f);
}

static void start_at_the_limit_as_user(void *arg)
{
	struct rota_privileges_options options;

	rota_privileges_options_init(&options);
	options.user_id = UNUSED;
	options.group_id = UNUSED;
	options.flags = ROTA_PRIVILEGES_DUMPABLE; /* for /proc/self/fd */
	EXPECT(rota_privileges_drop(&options) == 0);
	start_at_the_limit_in_a_child(arg);
}

static void the_limit_of_descriptors_leaks_none(void **state)
{
	if (poller_is(*state, "kqueue"))
		skip_test("the double has descriptors of its own");
	in_a_child(start_at_the_limit_in_a_child, NULL);
	if (getuid() == 0)
		in_a_child(start_at_the_limit_as_user, NULL);
	rotai_exit_way = ROTAI_EXIT_THREAD;
	in_a_child(start_at_the_limit_in_a_child, NULL);
	rotai_exit_way = ROTAI_EXIT_USUAL;
	rotai_spawn_way = ROTAI_SPAWN_FORK;
	in_a_child(start_at_the_limit_in_a_child, NULL);
	rotai_spawn_way = ROTAI_SPAWN_USUAL;
}

static void run_descriptors(struct fixture *f)
{
	struct spawning s;
	int fds[10];

	for (int i = 0; i < 10; i++)
		assert_true((fds[i] = dup(2)) >= 0); /* inheritable */
	begin_program(&s, f, "/bin/ls", "/proc/self/fd");
	expect_output(&s, "0\n1\n2\n3\n"); /* the last is the directory */
	begin_program(&s, f, "/bin/ls", "/proc/self/fd");
	s.options.flags = ROTA_SPAWN_KEEP_DESCRIPTORS;
	spawning_run(&s);
	for (int i = 0; i < 10; i++) {
		char name[16];

		snprintf(name, sizeof(name), "\n%d\n", fds[i]);
		assert_non_null(strstr(s.text, name));
		assert_int_equal(fcntl(fds[i], F_GETFD), 0);
		close(fds[i]);
	}
}

static void a_child_gets_no_other_descriptor(void **state)
{
	in_all_ways(*state, run_descriptors);
}

static void run_blocking(struct fixture *f)
{
	struct spawning s;

	/* Flags in octal; 04000 is O_NONBLOCK. */
	spawning_begin(&s, f, "grep flags /proc/self/fdinfo/1");
	expect_output(&s, "flags:\t01\n");
}

static void the_child_s_end_of_a_pipe_blocks(void **state)
{
	in_all_ways(*state, run_blocking);
}

static int field_of_stat(const struct spawning *s, int n)
{
	const char *at = strrchr(s->text, ')');

	for (; n > 2; n--)
		at = strchr(at + 1, ' ');
	return atoi(at + 1);
}

static void run_session(struct fixture *f)
{
	struct spawning s;
	int pid;

	for (unsigned i = 0; i < 3; i++) {
		begin_program(&s, f, "/bin/cat", "/proc/self/stat");
		s.options.flags = i; /* none, NEW_SESSION, NEW_GROUP */
		assert_int_equal(spawning_start(&s), 0);
		pid = rota_process_pid(&s.process);
		rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
		assert_int_equal(field_of_stat(&s, 5),
				 i == 0 ? getpgrp() : pid);
		assert_int_equal(field_of_stat(&s, 6),
				 i == 1 ? pid : getsid(0));
		spawning_end(&s);
	}
	begin_program(&s, f, "/bin/cat", "/proc/self/stat");
	s.options.process_group = getpgrp();
	spawning_run(&s);
	assert_int_equal(field_of_stat(&s, 5), getpgrp());
}

static void a_child_leads_a_session_or_a_group(void **state)
{
	in_all_ways(*state, run_session);
}

static void run_terminal(struct fixture *f)
{
	struct spawning s;
	struct stat status;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int slave, number;

	if (master < 0)
		skip_test("no terminals");
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(fstat(slave, &status), 0);
	begin_program(&s, f, "/bin/cat", "/proc/self/stat");
	s.stdio[0] =
		(struct rota_spawn_stdio){ .kind = ROTA_SPAWN_STDIO_DESCRIPTOR,
					   .fd = slave };
	s.options.flags = ROTA_SPAWN_NEW_SESSION | ROTA_SPAWN_SET_TERMINAL;
	spawning_run(&s);
	number = field_of_stat(&s, 7);
	assert_int_equal((number & 0xff) | ((number >> 12) & 0xfff00),
			 status.st_rdev & 0xff);
	assert_true(field_of_stat(&s, 8) > 0); /* it is in the foreground */
	close(slave);
	close(master);
}

static void a_session_gets_a_controlling_terminal(void **state)
{
	in_all_ways(*state, run_terminal);
}

/* A process of its own starts a child and ends. */
static void start_and_end(void *arg)
{
	struct rota_spawn_stdio stdio[4] = { { 0 } };
	const char *argv[] = { "sleep", "1000", NULL };
	struct rota_spawn_options options = {
		.size = sizeof(options),
		.file = "sleep",
		.argv = (char *const *)argv,
		.stdio = stdio,
		.stdio_count = 4,
		.death_signal = SIGKILL,
	};
	struct rota_process process;
	struct rota_loop *loop;

	stdio[3].kind = ROTA_SPAWN_STDIO_DESCRIPTOR;
	stdio[3].fd = *(int *)arg;
	EXPECT(rota_loop_new(&loop, NULL) == 0);
	EXPECT(rota_process_init(&process, loop) == 0);
	EXPECT(rota_process_spawn(&process, &options, NULL) == 0);
}

static void run_death(struct fixture *f)
{
	int fds[2];
	char byte;

	(void)f;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	in_a_child(start_and_end, &fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
}

static void a_child_dies_with_its_parent(void **state)
{
	in_all_ways(*state, run_death);
}

/* Returns a descriptor of a new cgroup, and its path; or -1. */
static int make_cgroup(char path[PATH_MAX])
{
	static const char *const roots[] = { "/sys/fs/cgroup",
					     "/sys/fs/cgroup/unified" };
	char probe[PATH_MAX];

	for (int i = 0; i < 2; i++) {
		snprintf(probe, sizeof(probe), "%s/cgroup.controllers",
			 roots[i]);
		if (access(probe, F_OK) < 0)
			continue;
		snprintf(path, PATH_MAX, "%s/rota-test-%d", roots[i],
			 (int)getpid());
		if (mkdir(path, 0700) == 0)
			return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
}

static void run_cgroup(struct fixture *f)
{
	struct spawning s;
	char path[PATH_MAX];
	int cgroup = make_cgroup(path);

	if (cgroup < 0)
		skip_test("no cgroup can be made here");
	spawning_begin(&s, f, "cat /proc/self/cgroup; sleep 1000 & wait");
	s.options.flags = ROTA_SPAWN_SET_CGROUP;
	s.options.cgroup = cgroup;
	assert_int_equal(spawning_start(&s), 0);
	while (s.size == 0)
		rota_loop_run(f->loop, ROTA_RUN_ONCE);
	assert_non_null(strstr(s.text, strrchr(path, '/')));
	assert_int_equal(rota_cgroup_kill(cgroup), 0);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(s.exit.signal, SIGKILL);
	assert_int_equal(s.input_ended, 1);
	spawning_end(&s);
	close(cgroup);
	while (rmdir(path) < 0)
		assert_int_equal(errno, EBUSY); /* they are on their way out */
}

static void a_child_begins_in_its_cgroup_which_is_killed(void **state)
{
	int fds[2];
	int directory;

	assert_int_equal(rota_cgroup_kill(-1), ROTA_EBADF);
	make_pipe(fds);
	assert_int_equal(rota_cgroup_kill(fds[0]), ROTA_ENOTDIR);
	close(fds[0]);
	close(fds[1]);
	directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(rota_cgroup_kill(directory), ROTA_ENOENT);
	close(directory);
	in_all_ways(*state, run_cgroup);
}

static const struct CMUnitTest tests[] = {
	REAL(a_child_begins_without_blocked_and_ignored_signals),
	REAL(a_child_gets_a_user_and_groups),
	REAL(a_child_gets_limits_and_priorities),
	REAL(a_child_gets_an_environment_and_a_directory),
	REAL(a_program_is_searched_in_the_path_of_the_child),
	REAL(a_step_that_fails_is_the_error_of_the_call),
	REAL(an_ordinary_user_gets_the_step_that_needs_privileges),
	REAL(too_many_processes_of_the_user_fail_at_exec),
	REAL(the_limit_of_descriptors_leaks_none),
	REAL(a_child_gets_no_other_descriptor),
	REAL(the_child_s_end_of_a_pipe_blocks),
	REAL(a_child_leads_a_session_or_a_group),
	REAL(a_session_gets_a_controlling_terminal),
	REAL(a_child_dies_with_its_parent),
	REAL(a_child_begins_in_its_cgroup_which_is_killed),
};

FIXTURE_MAIN(tests)
