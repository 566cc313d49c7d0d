/*
 * Giving up the rights of root: in children, because there is no way back.
 */
/* system: linux */
/* poller: none */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/identity.h"
#include "rota/pool.h"
#include "rota/privileges.h"
#include "support/child.h"
#include "support/fault.h"
#include "support/streams_more.h"

enum { USER = 54321, GROUP = 54322, OTHER = 54323 };

/* Skip the rest of the child unless it is root, with all that root may do. */
static void need_root(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	unsigned needed =
		1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_SYS_CHROOT;

	if (geteuid() != 0 || syscall(SYS_capget, &header, data) < 0 ||
	    (data[0].effective & needed) != needed)
		child_skips();
	if (setgroups(0, NULL) < 0)
		child_skips(); /* a user namespace forbids it */
}

/* Take a capability away from this thread. */
/* Skip the rest of the child if it has other threads: that of the thread
 * sanitizer. Capabilities and their rules belong to a thread. The C library
 * ends a process in which setuid(2) succeeds in some threads only. */
static void need_one_thread(void)
{
	if (rotai_identity_threads() != 1)
		child_skips();
}

static void lose(unsigned capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	EXPECT(syscall(SYS_capget, &header, data) == 0);
	data[0].effective &= ~(1U << capability);
	data[0].permitted &= ~(1U << capability);
	EXPECT(syscall(SYS_capset, &header, data) == 0);
}

static struct rota_privileges_options by_ids(void)
{
	struct rota_privileges_options options;

	rota_privileges_options_init(&options);
	options.user_id = USER;
	options.group_id = GROUP;
	return options;
}

static void expect_ids(uid_t user, gid_t group)
{
	uid_t users[3];
	gid_t groups[3];

	EXPECT(getresuid(&users[0], &users[1], &users[2]) == 0);
	EXPECT(getresgid(&groups[0], &groups[1], &groups[2]) == 0);
	for (int i = 0; i < 3; i++)
		EXPECT(users[i] == user && groups[i] == group);
}

static void expect_groups(const gid_t *groups, int count)
{
	gid_t found[64];
	int n = getgroups(64, found);

	EXPECT(n == count);
	for (int i = 0; i < count && i < n; i++)
		EXPECT(found[i] == groups[i]);
}

static void test_in_child(void (*fn)(void *arg))
{
	if (!in_a_child_or_skip(fn, NULL))
		skip_test("this needs root, and one thread");
}

/* --- what changes --------------------------------------------------------- */

static void drop_by_ids(void *arg)
{
	struct rota_privileges_options options = by_ids();
	enum rota_privileges_step step = ROTA_PRIVILEGES_STEP_OPTIONS;
	const gid_t before[] = { 1, 2, 3 };

	(void)arg;
	need_root();
	EXPECT(setgroups(3, before) == 0);
	options.failed = &step;
	EXPECT(rota_privileges_drop(&options) == 0);
	EXPECT(step == ROTA_PRIVILEGES_STEP_NONE);
	expect_ids(USER, GROUP);
	expect_groups(NULL, 0);
	EXPECT(setuid(0) < 0 && seteuid(0) < 0 && setgid(0) < 0);
	EXPECT(setgroups(3, before) < 0);
	EXPECT(open("/proc/self/mem", O_WRONLY) < 0); /* not dumpable */
	EXPECT(prctl(PR_GET_DUMPABLE) != 1);
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	/* A second drop is refused, and nothing changes. */
	options.user_id = OTHER;
	EXPECT(rota_privileges_drop(&options) == ROTA_EPERM);
	expect_ids(USER, GROUP);
}

static void all_ids_change(void **state)
{
	(void)state;
	test_in_child(drop_by_ids);
}

static void drop_with_groups(void *arg)
{
	static const uint32_t groups[] = { GROUP, OTHER };
	static const gid_t expected[] = { GROUP, OTHER };
	struct rota_privileges_options options = by_ids();

	(void)arg;
	need_root();
	options.groups = groups;
	options.group_count = 2;
	options.flags = ROTA_PRIVILEGES_DUMPABLE;
	EXPECT(rota_privileges_drop(&options) == 0);
	expect_ids(USER, GROUP);
	expect_groups(expected, 2);
	EXPECT(prctl(PR_GET_DUMPABLE) == 1);
}

static void groups_and_flags_are_set(void **state)
{
	(void)state;
	test_in_child(drop_with_groups);
}

static void drop_with_no_new(void *arg)
{
	struct rota_privileges_options options = by_ids();

	(void)arg;
	need_root();
	if (test_is_sanitized())
		child_skips(); /* it may have a thread of its own */
	options.flags = ROTA_PRIVILEGES_NO_NEW;
	EXPECT(rota_privileges_drop(&options) == 0);
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void executed_programs_get_no_more_rights(void **state)
{
	(void)state;
	test_in_child(drop_with_no_new);
}

static void drop_by_name(void *arg)
{
	struct rota_privileges_options options;
	gid_t groups[64];
	int count = 64;

	(void)arg;
	need_root();
	EXPECT(getgrouplist("daemon", 1, groups, &count) >= 0);
	rota_privileges_options_init(&options);
	options.user = "daemon";
	EXPECT(rota_privileges_drop(&options) == 0);
	expect_ids(1, 1);
	expect_groups(groups, count);
}

static void names_are_looked_up(void **state)
{
	(void)state;
	if (getpwnam("daemon") == NULL || getgrnam("daemon") == NULL)
		skip_test("there is no user daemon");
	test_in_child(drop_by_name);
}

static void drop_with_group_by_name(void *arg)
{
	struct rota_privileges_options options;

	(void)arg;
	need_root();
	rota_privileges_options_init(&options);
	options.user_id = USER;
	options.group = "daemon";
	EXPECT(rota_privileges_drop(&options) == 0);
	expect_ids(USER, 1);
	expect_groups(NULL, 0);
}

static void a_group_is_looked_up(void **state)
{
	(void)state;
	if (getpwnam("daemon") == NULL || getgrnam("daemon") == NULL)
		skip_test("there is no user daemon");
	test_in_child(drop_with_group_by_name);
}

static char new_root[] = "/tmp/rota-root-XXXXXX";

static void drop_into_root(void *arg)
{
	struct rota_privileges_options options = by_ids();
	char cwd[64];

	(void)arg;
	need_root();
	options.root = new_root;
	EXPECT(rota_privileges_drop(&options) == 0);
	EXPECT(getcwd(cwd, sizeof(cwd)) != NULL && strcmp(cwd, "/") == 0);
	EXPECT(access("/proc", F_OK) < 0);
	expect_ids(USER, GROUP);
}

static void the_root_directory_changes(void **state)
{
	int has_run;

	(void)state;
	assert_non_null(mkdtemp(new_root));
	has_run = in_a_child_or_skip(drop_into_root, NULL);
	(void)rmdir(new_root);
	if (!has_run)
		skip_test("this needs root");
}

/* --- threads -------------------------------------------------------------- */

enum { JOBS = 8 };

static atomic_uint user_ids[JOBS], group_ids[JOBS], waiting;
static atomic_int may_go_on;
static unsigned jobs_done;

/* The raw calls: what the kernel knows of this thread. Each thread of the pool
 * has one job, because all wait for each other. */
static int wait_and_look(struct rota_work *work)
{
	unsigned index = waiting++;

	(void)work;
	while (!may_go_on)
		usleep(1000);
	user_ids[index] = (unsigned)syscall(SYS_getuid);
	group_ids[index] = (unsigned)syscall(SYS_getgid);
	return 0;
}

static void job_done(struct rota_work *work, int status)
{
	(void)work;
	EXPECT(status == 0);
	jobs_done++;
}

static void drop_with_pool(void *arg)
{
	struct rota_privileges_options options = by_ids();
	struct rota_pool_options pool_options;
	struct rota_loop_options loop_options;
	struct rota_pool *pool;
	struct rota_loop *loop;
	struct rota_work works[JOBS];
	unsigned threads;

	(void)arg;
	need_root();
	rota_pool_options_init(&pool_options);
	EXPECT(rota_pool_new(&pool, &pool_options) == 0);
	rota_loop_options_init(&loop_options);
	loop_options.pool = pool;
	EXPECT(rota_loop_new(&loop, &loop_options) == 0);
	for (int i = 0; i < 2; i++) {
		rota_work_init(&works[i], loop);
		EXPECT(rota_work_queue(&works[i], ROTA_LANE_BLOCKING,
				       wait_and_look, job_done) == 0);
	}
	while (waiting < 2)
		usleep(1000);
	threads = waiting;

	options.flags = ROTA_PRIVILEGES_NO_NEW;
	EXPECT(rota_privileges_drop(&options) == ROTA_EBUSY);
	expect_ids(0, 0);
	options.flags = 0;
	EXPECT(rota_privileges_drop(&options) == 0);
	may_go_on = 1;
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(jobs_done == threads);
	for (unsigned i = 0; i < threads; i++)
		EXPECT(user_ids[i] == USER && group_ids[i] == GROUP);
	EXPECT(rota_loop_close(loop) == 0);
	rota_pool_unref(pool);
}

static void the_threads_of_a_pool_change_too(void **state)
{
	(void)state;
	test_in_child(drop_with_pool);
}

static int idle_thread(void *arg)
{
	(void)arg;
	for (;;)
		syscall(SYS_pause);
	return 0;
}

/* A thread that the C library does not know keeps its ids. */
static void drop_with_a_raw_thread(void *arg)
{
	static char stack[65536] __attribute__((aligned(64)));
	struct rota_privileges_options options = by_ids();

	(void)arg;
	need_root();
	if (test_is_sanitized())
		child_skips();
	EXPECT(clone(idle_thread, stack + sizeof(stack),
		     CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			     CLONE_THREAD,
		     NULL) > 0);
	EXPECT(rota_privileges_drop(&options) == ROTA_ENOTRECOVERABLE);
}

static void a_thread_that_keeps_its_ids_is_found(void **state)
{
	(void)state;
	test_in_child(drop_with_a_raw_thread);
}

/* --- what goes wrong ------------------------------------------------------ */

static void drop_without_rights(void *arg)
{
	enum rota_privileges_step step = ROTA_PRIVILEGES_STEP_NONE;
	struct rota_privileges_options options = by_ids();
	const gid_t groups[] = { 1, 2 };

	(void)arg;
	options.failed = &step;
	if (geteuid() == 0) {
		need_root();
		EXPECT(setgroups(2, groups) == 0);
		EXPECT(setgid(OTHER) == 0 && setuid(OTHER) == 0);
		EXPECT(rota_privileges_drop(&options) == ROTA_EPERM);
		EXPECT(step == ROTA_PRIVILEGES_STEP_GROUPS);
		expect_ids(OTHER, OTHER);
		expect_groups(groups, 2);
		options.root = "/";
		EXPECT(rota_privileges_drop(&options) == ROTA_EPERM);
		EXPECT(step == ROTA_PRIVILEGES_STEP_ROOT);
		expect_ids(OTHER, OTHER);
		return;
	}
	EXPECT(rota_privileges_drop(&options) == ROTA_EPERM);
	EXPECT(getuid() == geteuid());
}

static void an_ordinary_user_may_not(void **state)
{
	(void)state;
	test_in_child(drop_without_rights);
}

/* All steps before the last succeed, and are taken back. */
static void fail_at_the_user(void *arg)
{
	struct rota_privileges_options options = by_ids();
	enum rota_privileges_step step = ROTA_PRIVILEGES_STEP_NONE;
	const gid_t groups[] = { 7, 8, 9 };
	char path[] = "/tmp/rota-root-XXXXXX";
	char before[256], after[256];
	int open_before;

	(void)arg;
	need_root();
	need_one_thread();
	EXPECT(setgroups(3, groups) == 0);
	EXPECT(mkdtemp(path) != NULL);
	EXPECT(getcwd(before, sizeof(before)) != NULL);
	lose(CAP_SETUID);
	options.root = path;
	options.failed = &step;
	open_before = count_descriptors();
	EXPECT(rota_privileges_drop(&options) == ROTA_EPERM);
	EXPECT(step == ROTA_PRIVILEGES_STEP_USER);
	EXPECT(count_descriptors() == open_before);
	expect_ids(0, 0);
	expect_groups(groups, 3);
	EXPECT(getcwd(after, sizeof(after)) != NULL);
	EXPECT(strcmp(before, after) == 0);
	EXPECT(access("/proc/self", F_OK) == 0);
	rmdir(path);
}

static void a_step_that_fails_takes_back_the_others(void **state)
{
	(void)state;
	test_in_child(fail_at_the_user);
}

/* With the rights to come back, which no exec or user takes away. */
static void keep_capabilities(void *arg)
{
	struct rota_privileges_options options = by_ids();

	(void)arg;
	need_root();
	need_one_thread();
	/* SECBIT_NO_SETUID_FIXUP: the capabilities stay. */
	if (prctl(PR_SET_SECUREBITS, 1UL << 2) < 0)
		child_skips();
	EXPECT(rota_privileges_drop(&options) == ROTA_ENOTRECOVERABLE);
	EXPECT(getuid() == USER);
}

static void a_way_back_is_found(void **state)
{
	(void)state;
	test_in_child(keep_capabilities);
}

static enum rota_privileges_step failed;

static void expect_invalid(const struct rota_privileges_options *options)
{
	assert_int_equal(rota_privileges_drop(options), ROTA_EINVAL);
}

static void what_is_invalid_is_refused(void **state)
{
	static const uint32_t groups[] = { UINT32_MAX };
	struct rota_privileges_options options;

	(void)state;
	expect_invalid(NULL);
	rota_privileges_options_init(&options);
	expect_invalid(&options);
	options.user_id = USER;
	expect_invalid(&options); /* there is no group */
	options.group_id = GROUP;
	options.group = "root";
	expect_invalid(&options);
	options.group = NULL;
	options.user = "root";
	expect_invalid(&options);
	options.user_id = -1;
	expect_invalid(&options); /* root */
	options = by_ids();
	options.user_id = 0;
	expect_invalid(&options);
	options.user_id = (int64_t)UINT32_MAX;
	expect_invalid(&options);
	options.user_id = -2;
	expect_invalid(&options);
	options = by_ids();
	options.group_id = (int64_t)UINT32_MAX + 1;
	expect_invalid(&options);
	options = by_ids();
	options.groups = groups;
	options.group_count = 1;
	expect_invalid(&options);
	options.groups = NULL;
	expect_invalid(&options);
	options = by_ids();
	options.flags = 4;
	expect_invalid(&options);
	options = by_ids();
	options.size = 8;
	expect_invalid(&options);
	options = by_ids();
	options.group_id = -1;
	options.group = "there-is-no-such-group";
	assert_int_equal(rota_privileges_drop(&options), ROTA_ENOENT);
	rota_privileges_options_init(&options);
	options.user = "there-is-no-such-user";
	options.failed = &failed;
	assert_int_equal(rota_privileges_drop(&options), ROTA_ENOENT);
	assert_int_equal(failed, ROTA_PRIVILEGES_STEP_LOOKUP);
	options.flags = 4;
	expect_invalid(&options);
	assert_int_equal(failed, ROTA_PRIVILEGES_STEP_OPTIONS);
}

static void steps_have_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= ROTA_PRIVILEGES_STEP_DUMPABLE; i++)
		assert_string_not_equal(
			rota_privileges_step_name((enum rota_privileges_step)i),
			"unknown");
	assert_string_equal(
		rota_privileges_step_name((enum rota_privileges_step)99),
		"unknown");
	assert_string_equal(
		rota_privileges_step_name(ROTA_PRIVILEGES_STEP_USER), "setuid");
}

static void drop_with_bad_root(void *arg)
{
	struct rota_privileges_options options = by_ids();

	(void)arg;
	need_root();
	options.root = "/there/is/no/such";
	EXPECT(rota_privileges_drop(&options) == ROTA_ENOENT);
	options.root = "/etc/passwd";
	EXPECT(rota_privileges_drop(&options) == ROTA_ENOTDIR);
	expect_ids(0, 0);
}

static void a_root_directory_has_to_exist(void **state)
{
	(void)state;
	test_in_child(drop_with_bad_root);
}

static void drop_without_memory(void *arg)
{
	struct rota_privileges_options options = by_ids();

	(void)arg;
	need_root();
	for (unsigned i = 1; i < 10; i++) {
		int error;

		fault_fail("realloc", i, ENOMEM);
		error = rota_privileges_drop(&options);
		if (fault_clear() == 0) {
			EXPECT(error == 0 && i > 1);
			return;
		}
		EXPECT(error == ROTA_ENOMEM);
		expect_ids(0, 0);
	}
	EXPECT(0);
}

static void without_memory_nothing_changes(void **state)
{
	(void)state;
	test_in_child(drop_without_memory);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(all_ids_change),
	VIRTUAL(groups_and_flags_are_set),
	VIRTUAL(executed_programs_get_no_more_rights),
	VIRTUAL(names_are_looked_up),
	VIRTUAL(a_group_is_looked_up),
	VIRTUAL(the_root_directory_changes),
	VIRTUAL(the_threads_of_a_pool_change_too),
	VIRTUAL(a_thread_that_keeps_its_ids_is_found),
	VIRTUAL(an_ordinary_user_may_not),
	VIRTUAL(a_step_that_fails_takes_back_the_others),
	VIRTUAL(a_way_back_is_found),
	VIRTUAL(what_is_invalid_is_refused),
	VIRTUAL(a_root_directory_has_to_exist),
	VIRTUAL(without_memory_nothing_changes),
	VIRTUAL(steps_have_names),
};

FIXTURE_MAIN(tests)
