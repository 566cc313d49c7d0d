/* poller: none */
/*
 * The machine, this process and its environment: each answer is compared with
 * the system's own, and each argument that is bad is refused.
 */
#include "support/fixture.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"

extern char **environ; /* no header of macOS declares it */

enum { PATH_SPACE = 16 * 1024, UNTOUCHED = 0x5a };

/* What @command prints, without the end of its line. */
static const char *printed(const char *command)
{
	static char line[4096];
	FILE *stream;

	fflush(NULL);
	stream = popen(command, "r");
	assert_non_null(stream);
	line[0] = '\0';
	if (fgets(line, sizeof(line), stream) == NULL)
		line[0] = '\0';
	(void)pclose(stream);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	assert_int_equal(clock_gettime(clock, &now), 0);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void clocks_agree_with_the_system(void **state)
{
	uint64_t before = clock_ns(CLOCK_REALTIME);
	uint64_t wall = rota_clock_wall();
	uint64_t monotonic = rota_clock_monotonic(), uptime_ns;

	(void)state;
	assert_true(wall >= before && wall <= clock_ns(CLOCK_REALTIME));
	assert_true(rota_clock_monotonic() >= monotonic);
	assert_int_equal(rota_system_uptime(&uptime_ns), 0);
	assert_true(uptime_ns > 0 && uptime_ns < wall);
}

static void names_are_those_of_uname(void **state)
{
	struct rota_uname names = { .size = sizeof(names) };
	struct utsname system;
	char host[ROTA_SYSTEM_HOST_NAME_SIZE];

	(void)state;
	assert_int_equal(uname(&system), 0);
	assert_int_equal(rota_system_uname(&names), 0);
	assert_string_equal(names.system, system.sysname);
	assert_string_equal(names.release, system.release);
	assert_string_equal(names.version, system.version);
	assert_string_equal(names.machine, system.machine);
	assert_int_equal(rota_system_host_name(host, sizeof(host)), 0);
	assert_string_equal(host, printed("uname -n"));
}

static void a_host_name_that_does_not_fit_is_refused(void **state)
{
	char host[ROTA_SYSTEM_HOST_NAME_SIZE], small[256];
	size_t n;

	(void)state;
	assert_int_equal(rota_system_host_name(host, sizeof(host)), 0);
	n = strlen(host);
	memset(small, UNTOUCHED, sizeof(small));
	assert_int_equal(rota_system_host_name(small, n), ROTA_ENOBUFS);
	assert_int_equal(rota_system_host_name(small, 0), ROTA_ENOBUFS);
	assert_int_equal(small[0], UNTOUCHED);
	assert_int_equal(rota_system_host_name(small, n + 1), 0);
	assert_string_equal(small, host);
	fault_fail("gethostname", 1, ENAMETOOLONG);
	assert_int_equal(rota_system_host_name(host, sizeof(host)),
			 ROTA_ENAMETOOLONG);
	fault_fail("gethostname", 1, EINVAL);
	assert_int_equal(rota_system_host_name(host, sizeof(host)),
			 ROTA_ENAMETOOLONG);
	assert_int_equal(fault_clear(), 1);
}

static void memory_and_load_are_plausible(void **state)
{
	struct rota_memory memory = { .size = sizeof(memory) };
	double load[3] = { -1, -1, -1 };

	(void)state;
	assert_int_equal(rota_system_memory(&memory), 0);
	assert_int_equal(memory.total / 1024 / 1024 / 16,
			 (uint64_t)sysconf(_SC_PHYS_PAGES) *
				 (uint64_t)sysconf(_SC_PAGESIZE) / 1024 / 1024 /
				 16);
	assert_in_range(memory.available, 1, memory.total);
	assert_in_range(memory.free, 1, memory.total);
	assert_true(memory.available_here <= memory.available);
	assert_true(memory.swap_free <= memory.swap_total);
	assert_int_equal(rota_system_load(load), 0);
	assert_true(load[0] >= 0 && load[1] >= 0 && load[2] >= 0);
}

static void processors_are_those_that_are_online(void **state)
{
	const struct rota_processors *list;

	(void)state;
	assert_int_equal(rota_system_processors(&list), 0);
	assert_int_equal(list->count, sysconf(_SC_NPROCESSORS_ONLN));
	for (size_t i = 0; i < list->count; i++) {
		assert_non_null(list->processors[i].model);
		assert_true(i == 0 || list->processors[i].number >
					      list->processors[i - 1].number);
		assert_true(list->processors[i].idle_ns +
				    list->processors[i].user_ns >
			    0);
	}
	rota_system_processors_free(list);
	rota_system_processors_free(NULL);
	assert_in_range(rota_self_processors(), 1,
			sysconf(_SC_NPROCESSORS_ONLN));
	assert_int_equal(rota_self_processors(), rota_loops_processors());
}

static void ids_are_those_of_the_system(void **state)
{
	(void)state;
	assert_int_equal(rota_self_id(), getpid());
	assert_int_equal(rota_self_parent(), getppid());
}

/* --- what was used -------------------------------------------------------- */

static struct rota_usage usage_of(enum rota_usage_of of)
{
	struct rota_usage usage = { .size = sizeof(usage) };

	assert_int_equal(rota_self_usage(of, &usage), 0);
	return usage;
}

static void usage_agrees_with_the_clocks(void **state)
{
	struct rota_usage before = usage_of(ROTA_USAGE_PROCESS), after, thread;
	uint64_t begun = cpu_now();

	(void)state;
	while (cpu_now() - begun < ROTA_MSEC(5))
		;
	after = usage_of(ROTA_USAGE_PROCESS);
	thread = usage_of(ROTA_USAGE_THREAD);
	assert_true(after.user_ns + after.system_ns >
		    before.user_ns + before.system_ns);
	assert_true(thread.user_ns + thread.system_ns <=
		    after.user_ns + after.system_ns + ROTA_MSEC(10));
	assert_true(after.most_resident > 0);
	assert_true(after.minor_faults > 0);
}

static void usage_of_children_counts_those_that_were_waited_for(void **state)
{
	struct rota_usage before = usage_of(ROTA_USAGE_CHILDREN), after;

	(void)state;
	assert_string_equal(printed("i=0; while [ $i -lt 2000 ]; do "
				    "i=$((i+1)); done; echo $i"),
			    "2000");
	after = usage_of(ROTA_USAGE_CHILDREN);
	assert_true(after.minor_faults > before.minor_faults);
	assert_true(after.most_resident > 0);
	fault_fail("getrusage", 1, EFAULT);
	assert_int_equal(rota_self_usage(ROTA_USAGE_CHILDREN, &after),
			 ROTA_EFAULT);
	assert_int_equal(fault_clear(), 1);
}

static void resident_memory_is_counted(void **state)
{
	enum { MORE = 8 << 20 };
	uint64_t before, after;
	char *memory;

	(void)state;
	assert_int_equal(rota_self_resident(&before), 0);
	memory = malloc(MORE);
	assert_non_null(memory);
	memset(memory, 1, MORE);
	assert_int_equal(rota_self_resident(&after), 0);
	assert_true(after > before && after - before > MORE / 2);
	free(memory);
}

/* --- the program and its directory ---------------------------------------- */

static void the_executable_is_this_file(void **state)
{
	char path[PATH_SPACE], small[8];
	struct stat found;
	size_t n;

	(void)state;
	assert_int_equal(rota_self_executable(path, sizeof(path)), 0);
	assert_int_equal(path[0], '/');
	assert_non_null(strstr(path, "test_system"));
	assert_int_equal(stat(path, &found), 0);
	memset(small, UNTOUCHED, sizeof(small));
	assert_int_equal(rota_self_executable(small, sizeof(small)),
			 ROTA_ENOBUFS);
	assert_int_equal(small[0], UNTOUCHED);
	n = strlen(path);
	assert_int_equal(rota_self_executable(path, n), ROTA_ENOBUFS);
	assert_int_equal(rota_self_executable(path, n + 1), 0);
}

static void change_and_compare(void *arg)
{
	char found[PATH_SPACE], given[PATH_SPACE];

	(void)arg;
	EXPECT(rota_self_set_directory("/usr") == 0);
	EXPECT(rota_self_directory(found, sizeof(found)) == 0);
	EXPECT(strcmp(found, "/usr") == 0);
	EXPECT(rota_self_directory(found, 4) == ROTA_ENOBUFS);
	EXPECT(rota_self_directory(found, 5) == 0);
	EXPECT(rota_self_set_directory("") == ROTA_ENOENT);
	EXPECT(rota_self_set_directory("/no/such/place") == ROTA_ENOENT);
	EXPECT(rota_self_set_directory("/dev/null") == ROTA_ENOTDIR);
	EXPECT(rota_self_set_directory(NULL) == ROTA_EINVAL);
	EXPECT(rota_self_directory(NULL, 5) == ROTA_EINVAL);
	EXPECT(rota_self_directory(found, sizeof(found)) == 0);
	EXPECT(getcwd(given, sizeof(given)) != NULL);
	EXPECT(strcmp(found, given) == 0);
	fault_fail("getcwd", 1, EACCES);
	EXPECT(rota_self_directory(found, sizeof(found)) == ROTA_EACCES);
	EXPECT(fault_clear() == 1);
	EXPECT(strcmp(found, given) == 0);
}

static void the_directory_can_be_changed(void **state)
{
	(void)state;
	in_a_child(change_and_compare, NULL);
}

static void remove_the_directory(void *arg)
{
	char path[] = "/tmp/rota-gone-XXXXXX", found[64] = "x";

	(void)arg;
	EXPECT(mkdtemp(path) != NULL);
	EXPECT(rota_self_set_directory(path) == 0);
	EXPECT(rmdir(path) == 0);
	EXPECT(rota_self_directory(found, sizeof(found)) == ROTA_ENOENT);
	EXPECT(strcmp(found, "x") == 0);
}

static void a_directory_that_was_removed_has_no_path(void **state)
{
	(void)state;
	in_a_child(remove_the_directory, NULL);
}

enum { LEVELS = 25, LEVEL_NAME = 200 };

/* Make a path of more than PATH_MAX bytes below @top, and store it. */
static void make_long_path(char path[PATH_SPACE], const char *top)
{
	char name[LEVEL_NAME + 1];

	memset(name, 'd', LEVEL_NAME);
	name[LEVEL_NAME] = '\0';
	strcpy(path, top);
	EXPECT(chdir(top) == 0);
	for (int i = 0; i < LEVELS; i++) {
		EXPECT(mkdir(name, 0700) == 0);
		EXPECT(chdir(name) == 0);
		strcat(path, i == 7 ? "///" : "/");
		strcat(path, name);
	}
}

static void visit_a_long_path(void *arg)
{
	static char path[PATH_SPACE], found[PATH_SPACE], bad[PATH_SPACE];
	char top[] = "/tmp/rota-long-XXXXXX", command[64];
	size_t n = strlen(top) + (LEVEL_NAME + 1) * LEVELS;

	(void)arg;
	EXPECT(mkdtemp(top) != NULL);
	make_long_path(path, top);
	EXPECT(chdir("/") == 0);
	EXPECT(rota_self_set_directory(path) == 0);
	EXPECT(rota_self_directory(found, sizeof(found)) == 0);
	EXPECT(strlen(found) == n && n > PATH_MAX);
	EXPECT(rota_self_directory(found, n) == ROTA_ENOBUFS);
	EXPECT(rota_self_directory(found, 100) == ROTA_ENOBUFS);
	EXPECT(rota_self_directory(found, n + 1) == 0);
	fault_fail("malloc", 1, ENOMEM);
	EXPECT(rota_self_directory(found, sizeof(found)) == ROTA_ENOMEM);
	EXPECT(fault_clear() == 1);

	/* What cannot be followed to its end changes nothing. */
	EXPECT(chdir("/usr") == 0);
	strcpy(bad, path);
	strcat(bad, "/none");
	EXPECT(rota_self_set_directory(bad) == ROTA_ENOENT);
	memset(bad, 'x', 5000);
	bad[5000] = '\0';
	EXPECT(rota_self_set_directory(bad) == ROTA_ENAMETOOLONG);
	for (unsigned nth = 1, hit = 1; hit > 0 && nth < 100; nth++) {
		int error;

		EXPECT(chdir("/usr") == 0);
		fault_fail("open", nth, EMFILE);
		error = rota_self_set_directory(path);
		hit = fault_clear();
		EXPECT(error == (hit > 0 ? ROTA_EMFILE : 0));
		EXPECT(rota_self_directory(found, sizeof(found)) == 0);
		EXPECT(hit == 0 || strcmp(found, "/usr") == 0);
	}
	EXPECT(chdir("/") == 0);
	(void)snprintf(command, sizeof(command), "rm -rf %s", top);
	EXPECT(system(command) == 0);
	EXPECT(count_descriptors() < 64);
}

static void a_path_may_be_longer_than_a_call_takes(void **state)
{
	(void)state;
	in_a_child(visit_a_long_path, NULL);
}

/* --- priorities ----------------------------------------------------------- */

static void lower_and_read(void *arg)
{
	int priority = 7;

	(void)arg;
	EXPECT(rota_priority_get(0, &priority) == 0);
	EXPECT(priority == getpriority(PRIO_PROCESS, 0));
	EXPECT(rota_priority_set(0, 19) == 0);
	EXPECT(rota_priority_get(getpid(), &priority) == 0 && priority == 19);
	EXPECT(rota_priority_set(getpid(), 20) == ROTA_EINVAL);
	EXPECT(rota_priority_set(0, -21) == ROTA_EINVAL);
	EXPECT(rota_priority_set(-1, 0) == ROTA_EINVAL);
	EXPECT(rota_priority_get(-1, &priority) == ROTA_EINVAL);
	EXPECT(rota_priority_get(0, NULL) == ROTA_EINVAL);
	EXPECT(rota_priority_get(INT_MAX, &priority) == ROTA_ESRCH);
	EXPECT(rota_priority_set(INT_MAX, 0) == ROTA_ESRCH);
	EXPECT(priority == 19);
	/* -1 is what getpriority(2) returns for errors, too. */
	if (geteuid() == 0) {
		EXPECT(rota_priority_set(0, -1) == 0);
		EXPECT(rota_priority_get(0, &priority) == 0 && priority == -1);
		EXPECT(setuid(65534) == 0);
	}
	EXPECT(rota_priority_set(0, -20) == ROTA_EACCES);
	EXPECT(rota_priority_set(1, 0) == ROTA_EPERM);
}

static void priorities_are_read_and_set(void **state)
{
	(void)state;
	in_a_child(lower_and_read, NULL);
}

/* --- the environment ------------------------------------------------------ */

static void change_the_environment(void *arg)
{
	const struct rota_environment *list = NULL;
	char value[16] = "old";
	char *strange[] = { "A=1", "noequals", "=x",  "=C:=y",
			    "",    "B=",       "A=2", NULL };

	(void)arg;
	EXPECT(rota_environment_set("ROTA_ONE", "1=2") == 0);
	EXPECT(rota_environment_get("ROTA_ONE", value, 3) == ROTA_ENOBUFS);
	EXPECT(strcmp(value, "old") == 0);
	EXPECT(rota_environment_get("ROTA_ONE", value, 4) == 0);
	EXPECT(strcmp(value, "1=2") == 0);
	EXPECT(rota_environment_set("ROTA_ONE", "") == 0);
	EXPECT(rota_environment_get("ROTA_ONE", value, 1) == 0 && !value[0]);
	EXPECT(rota_environment_unset("ROTA_ONE") == 0);
	EXPECT(rota_environment_unset("ROTA_ONE") == 0);
	EXPECT(rota_environment_get("ROTA_ONE", value, 9) == ROTA_ENOENT);
	environ = strange;
	EXPECT(rota_environment_list(&list) == 0 && list->count == 4);
	EXPECT(strcmp(list->variables[0].name, "A") == 0);
	EXPECT(strcmp(list->variables[0].value, "1") == 0);
	EXPECT(strcmp(list->variables[1].name, "=C:") == 0);
	EXPECT(strcmp(list->variables[1].value, "y") == 0);
	EXPECT(strcmp(list->variables[2].value, "") == 0);
	EXPECT(strcmp(list->variables[3].value, "2") == 0);
	rota_environment_free(list);
	environ = NULL;
	EXPECT(rota_environment_list(&list) == 0 && list->count == 0);
	rota_environment_free(list);
	list = NULL;
	fault_fail("malloc", 1, ENOMEM);
	EXPECT(rota_environment_list(&list) == ROTA_ENOMEM && list == NULL);
	EXPECT(fault_clear() == 1);
	rota_environment_free(NULL);
}

static void variables_are_set_read_and_listed(void **state)
{
	(void)state;
	in_a_child(change_the_environment, NULL);
}

static void look_for_directories(void *arg)
{
	char path[64] = "x";
	static const struct {
		const char *variable, *expected;
	} temporary[] = {
		{ "/var/tmp", "/var/tmp" },
		{ "/var/tmp///", "/var/tmp" },
		{ "///", "/" },
		{ "", "/tmp" },
	};

	(void)arg;
	for (size_t i = 0; i < sizeof(temporary) / sizeof(temporary[0]); i++) {
		EXPECT(setenv("TMPDIR", temporary[i].variable, 1) == 0);
		EXPECT(rota_temporary_directory(path, sizeof(path)) == 0);
		EXPECT(strcmp(path, temporary[i].expected) == 0);
	}
	EXPECT(unsetenv("TMPDIR") == 0);
	EXPECT(rota_temporary_directory(path, 4) == ROTA_ENOBUFS);
	EXPECT(rota_temporary_directory(path, 5) == 0);
	EXPECT(strcmp(path, "/tmp") == 0);

	EXPECT(setenv("HOME", "/somewhere", 1) == 0);
	EXPECT(rota_home_directory(path, sizeof(path)) == 0);
	EXPECT(strcmp(path, "/somewhere") == 0);
	EXPECT(rota_home_directory(path, 10) == ROTA_ENOBUFS);
	EXPECT(setenv("HOME", "", 1) == 0);
	EXPECT(rota_home_directory(path, sizeof(path)) == 0);
	EXPECT(strcmp(path, "/somewhere") != 0 && path[0] == '/');
	fault_fail("getpwuid_r", 1, EMFILE);
	EXPECT(rota_home_directory(path, sizeof(path)) == ROTA_EMFILE);
	EXPECT(fault_clear() == 1);
	EXPECT(unsetenv("HOME") == 0);
	EXPECT(rota_home_directory(path, 1) == ROTA_ENOBUFS);
}

static void home_and_temporary_directories_follow_the_rules(void **state)
{
	(void)state;
	in_a_child(look_for_directories, NULL);
}

/* --- random bytes --------------------------------------------------------- */

static void random_bytes_are_all_set(void **state)
{
	static unsigned char bytes[5000];
	unsigned seen = 0;

	(void)state;
	assert_int_equal(rota_random_bytes(NULL, 0), 0);
	for (int round = 0; round < 8; round++) {
		assert_int_equal(rota_random_bytes(bytes, sizeof(bytes)), 0);
		seen |= (unsigned)(bytes[0] != 0) << 0 |
			(unsigned)(bytes[300] != 0) << 1 |
			(unsigned)(bytes[sizeof(bytes) - 1] != 0) << 2;
	}
	assert_int_equal(seen, 7);
}

/* --- bad arguments -------------------------------------------------------- */

static void structs_that_are_too_small_are_refused(void **state)
{
	struct rota_memory memory = { .size = sizeof(memory) - 1 };
	struct rota_usage usage = { .size = sizeof(usage) - 1 };
	struct rota_uname names = { .size = sizeof(names) - 1 };

	(void)state;
	assert_int_equal(rota_system_memory(&memory), ROTA_EINVAL);
	assert_int_equal(rota_self_usage(ROTA_USAGE_PROCESS, &usage),
			 ROTA_EINVAL);
	assert_int_equal(rota_system_uname(&names), ROTA_EINVAL);
	usage.size = sizeof(usage);
	assert_int_equal(rota_self_usage((enum rota_usage_of)3, &usage),
			 ROTA_EINVAL);
	fault_fail("uname", 1, EFAULT);
	names.size = sizeof(names);
	assert_int_equal(rota_system_uname(&names), ROTA_EFAULT);
	assert_int_equal(fault_clear(), 1);
}

static void nulls_and_bad_names_are_refused(void **state)
{
	char value[8];

	(void)state;
	assert_int_equal(rota_system_uptime(NULL), ROTA_EINVAL);
	assert_int_equal(rota_system_memory(NULL), ROTA_EINVAL);
	assert_int_equal(rota_system_load(NULL), ROTA_EINVAL);
	assert_int_equal(rota_system_host_name(NULL, 9), ROTA_EINVAL);
	assert_int_equal(rota_system_uname(NULL), ROTA_EINVAL);
	assert_int_equal(rota_system_processors(NULL), ROTA_EINVAL);
	assert_int_equal(rota_self_usage(ROTA_USAGE_PROCESS, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_self_resident(NULL), ROTA_EINVAL);
	assert_int_equal(rota_self_executable(NULL, 9), ROTA_EINVAL);
	assert_int_equal(rota_home_directory(NULL, 9), ROTA_EINVAL);
	assert_int_equal(rota_temporary_directory(NULL, 9), ROTA_EINVAL);
	assert_int_equal(rota_environment_list(NULL), ROTA_EINVAL);
	assert_int_equal(rota_environment_get("X", NULL, 9), ROTA_EINVAL);
	assert_int_equal(rota_environment_set("X", NULL), ROTA_EINVAL);
	assert_int_equal(rota_random_bytes(NULL, 1), ROTA_EINVAL);
	for (int i = 0; i < 3; i++) {
		static const char *const bad[] = { NULL, "", "A=B" };

		assert_int_equal(rota_environment_get(bad[i], value, 8),
				 ROTA_EINVAL);
		assert_int_equal(rota_environment_set(bad[i], "x"),
				 ROTA_EINVAL);
		assert_int_equal(rota_environment_unset(bad[i]), ROTA_EINVAL);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(clocks_agree_with_the_system),
	cmocka_unit_test(names_are_those_of_uname),
	cmocka_unit_test(a_host_name_that_does_not_fit_is_refused),
	cmocka_unit_test(memory_and_load_are_plausible),
	cmocka_unit_test(processors_are_those_that_are_online),
	cmocka_unit_test(ids_are_those_of_the_system),
	cmocka_unit_test(usage_agrees_with_the_clocks),
	cmocka_unit_test(usage_of_children_counts_those_that_were_waited_for),
	cmocka_unit_test(resident_memory_is_counted),
	cmocka_unit_test(the_executable_is_this_file),
	cmocka_unit_test(the_directory_can_be_changed),
	cmocka_unit_test(a_directory_that_was_removed_has_no_path),
	cmocka_unit_test(a_path_may_be_longer_than_a_call_takes),
	cmocka_unit_test(priorities_are_read_and_set),
	cmocka_unit_test(variables_are_set_read_and_listed),
	cmocka_unit_test(home_and_temporary_directories_follow_the_rules),
	cmocka_unit_test(random_bytes_are_all_set),
	cmocka_unit_test(structs_that_are_too_small_are_refused),
	cmocka_unit_test(nulls_and_bad_names_are_refused),
};
FIXTURE_MAIN(tests)
