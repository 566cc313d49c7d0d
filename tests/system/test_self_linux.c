/* poller: none */
/* system: linux */
/*
 * This process where Linux has its own ways: the file that it executes, which
 * may be renamed and removed, and its share of the processors and of memory.
 * The program executes copies of itself: see main().
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "system/machine.h"

enum { PATH_SPACE = 4096 + 64 };

/* --- the file that is executed -------------------------------------------- */

static int executes(const char *expected)
{
	char path[PATH_SPACE];

	return rota_self_executable(path, sizeof(path)) == 0 &&
	       strcmp(path, expected) == 0;
}

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	EXPECT(fd >= 0);
	close(fd);
}

/* In the copy @path, which has the directory for itself. */
static void rename_and_remove(const char *path)
{
	char moved[PATH_SPACE];

	(void)snprintf(moved, sizeof(moved), "%s.moved", path);
	EXPECT(executes(path));
	EXPECT(rename(path, moved) == 0);
	EXPECT(executes(moved));
	make_file(path); /* another one under the old name */
	EXPECT(executes(moved));
	EXPECT(unlink(moved) == 0);
	EXPECT(executes(moved));
	make_file(moved); /* an upgrade */
	EXPECT(executes(moved));
	EXPECT(unlink(moved) == 0);
	EXPECT(unlink(path) == 0);
}

static void execute_copy(void *arg)
{
	char self[PATH_SPACE], command[3 * PATH_SPACE];
	char act[] = "rename";
	char *arguments[] = { self, act, arg, NULL };

	EXPECT(rota_self_executable(self, sizeof(self)) == 0);
	(void)snprintf(command, sizeof(command), "cp '%s' '%s'", self,
		       (char *)arg);
	EXPECT(system(command) == 0);
	execv(arg, arguments);
	child_failed(__FILE__, __LINE__); /* it was not executed */
}

static void in_a_copy_called(const char *name)
{
	char directory[] = "/tmp/rota-copy-XXXXXX", path[PATH_SPACE];

	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	in_a_child(execute_copy, path);
	assert_int_equal(rmdir(directory), 0);
}

static void a_program_is_found_where_it_was_last(void **state)
{
	(void)state;
	in_a_copy_called("program");
}

static void a_program_may_be_called_as_if_it_were_deleted(void **state)
{
	(void)state;
	in_a_copy_called("program (deleted)");
	in_a_copy_called(" (deleted)");
}

static void without_proc_the_program_is_not_known(void **state)
{
	char path[PATH_SPACE] = "x";

	(void)state;
	assert_int_equal(
		rotai_machine_executable("/nowhere", path, sizeof(path)),
		ROTA_ENOENT);
	fault_fail("readlink", 1, EACCES);
	assert_int_equal(rota_self_executable(path, sizeof(path)), ROTA_EACCES);
	assert_int_equal(fault_clear(), 1);
	assert_string_equal(path, "x");
}

/* --- processors ----------------------------------------------------------- */

static void use_one_processor(void *arg)
{
	cpu_set_t one;

	(void)arg;
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		child_skips();
	EXPECT(rota_self_processors() == 1);
	EXPECT(rota_loops_processors() == 1);
}

static void processors_are_those_that_may_be_used(void **state)
{
	char line[32] = "";
	FILE *stream;

	(void)state;
	fflush(NULL);
	stream = popen("nproc", "r");
	assert_non_null(stream);
	assert_non_null(fgets(line, sizeof(line), stream));
	assert_int_equal(pclose(stream), 0);
	assert_in_range(rota_self_processors(), 1, atoi(line));
	if (!in_a_child_or_skip(use_one_processor, NULL))
		skip_test("sched_setaffinity() is not allowed");
}

/* --- a control group of its own ------------------------------------------- */

static int put_into(const char *group, const char *name, const char *text)
{
	char path[256];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", group, name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return 0;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

/* Version 2. */
static void enter_limits(void *arg)
{
	struct rota_memory memory = { .size = sizeof(memory) };
	const char *group = arg;

	if (!put_into(group, "cpu.max", "50000 100000") ||
	    !put_into(group, "memory.max", "67108864") ||
	    !put_into(group, "cgroup.procs", "0"))
		child_skips();
	EXPECT(rota_self_processors() == 1);
	EXPECT(rota_system_memory(&memory) == 0);
	EXPECT(memory.limit == 67108864);
	EXPECT(memory.available_here <= 67108864);
	EXPECT(memory.available_here > 0);
	EXPECT(put_into(group, "memory.max", "max"));
	EXPECT(rota_system_memory(&memory) == 0);
	EXPECT(memory.limit != 67108864);
}

/* Version 1. */
static void enter_quota(void *arg)
{
	const char *group = arg;

	if (!put_into(group, "cpu.cfs_period_us", "100000") ||
	    !put_into(group, "cpu.cfs_quota_us", "50000") ||
	    !put_into(group, "cgroup.procs", "0"))
		child_skips();
	EXPECT(rota_self_processors() == 1);
}

/* Run @enter in a child, with a new group below @mount. Returns whether it
 * could enter that. */
static int in_a_group(const char *mount, void (*enter)(void *arg))
{
	char group[128];
	int done;

	(void)snprintf(group, sizeof(group), "%s/rota-test-%d", mount,
		       (int)getpid());
	if (mkdir(group, 0755) < 0)
		return 0;
	done = in_a_child_or_skip(enter, group);
	assert_int_equal(rmdir(group), 0);
	return done;
}

static void a_real_control_group_limits_this_process(void **state)
{
	int done = 0;

	(void)state;
	done += in_a_group("/sys/fs/cgroup", enter_limits);
	done += in_a_group("/sys/fs/cgroup/unified", enter_limits);
	done += in_a_group("/sys/fs/cgroup/cpu", enter_quota);
	if (!done)
		skip_test("there is no control group that may be used");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_program_is_found_where_it_was_last),
	cmocka_unit_test(a_program_may_be_called_as_if_it_were_deleted),
	cmocka_unit_test(without_proc_the_program_is_not_known),
	cmocka_unit_test(processors_are_those_that_may_be_used),
	cmocka_unit_test(a_real_control_group_limits_this_process),
};

static int run_group(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "rename") == 0) {
		rename_and_remove(argv[2]);
		child_ends();
	}
	return run_filtered(tests, sizeof(tests) / sizeof(tests[0]), run_group);
}
