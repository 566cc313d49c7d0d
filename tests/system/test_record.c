/* poller: none */
/*
 * Records of users and groups, for callers that wait: compared with what the
 * system has, and when the system fails.
 */
#include "support/fixture.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"

enum { NO_ID = 3999999999u };

static const char NOBODY[] = "no-such-user-here";

static void a_user_has_the_record_of_the_system(void **state)
{
	const struct passwd *record = getpwuid(getuid());
	const struct rota_user *user, *by_name;

	(void)state;
	if (record == NULL)
		skip_test("this user has no record");
	assert_int_equal(rota_user_by_id(getuid(), 0, &user), 0);
	assert_string_equal(user->name, record->pw_name);
	assert_string_equal(user->full_name, record->pw_gecos);
	assert_string_equal(user->directory, record->pw_dir);
	assert_string_equal(user->shell, record->pw_shell);
	assert_int_equal(user->id, getuid());
	assert_int_equal(user->group, record->pw_gid);
	assert_int_equal(user->group_count, 0);
	assert_null(user->groups);
	assert_int_equal(rota_user_by_name(user->name, 0, &by_name), 0);
	assert_int_equal(by_name->id, getuid());
	assert_ptr_equal(rota_user_ref(user), user);
	rota_user_unref(user);
	assert_string_equal(user->name, by_name->name);
	rota_user_unref(user);
	rota_user_unref(by_name);
	rota_user_unref(NULL);
}

static void the_groups_of_a_user_are_those_of_id(void **state)
{
	const struct rota_user *user;
	char command[128], line[1024] = "", own[1024] = "";
	FILE *stream;

	(void)state;
	assert_int_equal(rota_user_by_id(getuid(), ROTA_USER_GROUPS, &user), 0);
	(void)snprintf(command, sizeof(command), "id -G %s", user->name);
	stream = popen(command, "r");
	assert_non_null(stream);
	assert_non_null(fgets(line, sizeof(line), stream));
	assert_int_equal(pclose(stream), 0);
	for (size_t i = 0; i < user->group_count; i++)
		(void)snprintf(own + strlen(own), sizeof(own) - strlen(own),
			       "%s%u", i > 0 ? " " : "", user->groups[i]);
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(own, line);
	rota_user_unref(user);
}

static void a_group_has_the_record_of_the_system(void **state)
{
	const struct group *record = getgrgid(getgid());
	const struct rota_group *group, *by_name;
	size_t n = 0;

	(void)state;
	if (record == NULL)
		skip_test("this group has no record");
	assert_int_equal(rota_group_by_id(getgid(), &group), 0);
	assert_string_equal(group->name, record->gr_name);
	assert_int_equal(group->id, getgid());
	while (record->gr_mem[n] != NULL) {
		assert_string_equal(group->members[n], record->gr_mem[n]);
		n++;
	}
	assert_int_equal(group->member_count, n);
	assert_int_equal(rota_group_by_name(group->name, &by_name), 0);
	assert_int_equal(by_name->id, getgid());
	assert_ptr_equal(rota_group_ref(group), group);
	rota_group_unref(group);
	rota_group_unref(group);
	rota_group_unref(by_name);
	rota_group_unref(NULL);
}

static void what_there_is_not_is_an_error(void **state)
{
	const struct rota_user *user = (void *)&user, *same = user;
	const struct rota_group *group = (void *)&group;

	(void)state;
	assert_int_equal(rota_user_by_id(NO_ID, 0, &user), ROTA_ENOENT);
	assert_int_equal(rota_user_by_name(NOBODY, 0, &user), ROTA_ENOENT);
	assert_int_equal(rota_group_by_id(NO_ID, &group), ROTA_ENOENT);
	assert_int_equal(rota_group_by_name(NOBODY, &group), ROTA_ENOENT);
	assert_int_equal(rota_user_by_name("", 0, &user), ROTA_EINVAL);
	assert_int_equal(rota_user_by_name(NULL, 0, &user), ROTA_EINVAL);
	assert_int_equal(rota_user_by_name("root", 2, &user), ROTA_EINVAL);
	assert_int_equal(rota_user_by_name("root", 0, NULL), ROTA_EINVAL);
	assert_int_equal(rota_user_by_id(0, 2, &user), ROTA_EINVAL);
	assert_int_equal(rota_user_by_id(0, 0, NULL), ROTA_EINVAL);
	assert_int_equal(rota_group_by_name("", &group), ROTA_EINVAL);
	assert_int_equal(rota_group_by_name(NULL, &group), ROTA_EINVAL);
	assert_int_equal(rota_group_by_name("root", NULL), ROTA_EINVAL);
	assert_int_equal(rota_group_by_id(0, NULL), ROTA_EINVAL);
	assert_ptr_equal(user, same);
}

static void errors_of_the_system_are_told_apart(void **state)
{
	static const int absent[] = { ENOENT, ESRCH, EBADF, EPERM };
	static const int failed[] = { EIO, EMFILE, ENFILE, ENOMEM };
	const struct rota_user *user = NULL;
	const struct rota_group *group = NULL;

	(void)state;
	for (int i = 0; i < 4; i++) {
		fault_fail("getpwuid_r", 1, absent[i]);
		assert_int_equal(rota_user_by_id(0, 0, &user), ROTA_ENOENT);
		fault_fail("getpwnam_r", 1, failed[i]);
		assert_int_equal(rota_user_by_name("root", 0, &user),
				 -failed[i]);
		fault_fail("getgrnam_r", 1, absent[i]);
		assert_int_equal(rota_group_by_name("root", &group),
				 ROTA_ENOENT);
		fault_fail("getgrgid_r", 1, failed[i]);
		assert_int_equal(rota_group_by_id(0, &group), -failed[i]);
	}
	assert_null(user);
	assert_null(group);
	/* A record that never fits. */
	fault_fail_from("getpwuid_r", 1, ERANGE);
	assert_int_equal(rota_user_by_id(0, 0, &user), ROTA_ERANGE);
	assert_in_range(fault_clear(), 2, 20);
	/* The next size fits; and an interrupted call is made again. */
	fault_fail("getpwuid_r", 1, ERANGE);
	assert_int_equal(rota_user_by_id(0, 0, &user), 0);
	rota_user_unref(user);
	fault_fail("getgrgid_r", 1, EINTR);
	assert_int_equal(rota_group_by_id(0, &group), 0);
	rota_group_unref(group);
	assert_int_equal(fault_clear(), 1);
}

static void a_list_of_groups_that_never_fits_is_refused(void **state)
{
	const struct rota_user *user = NULL;

	(void)state;
	fault_fail("getgrouplist", 1, EAGAIN);
	assert_int_equal(rota_user_by_id(0, ROTA_USER_GROUPS, &user), 0);
	assert_in_range(user->group_count, 1, 64);
	rota_user_unref(user);
	user = NULL;
	fault_fail_from("getgrouplist", 1, EAGAIN);
	assert_int_equal(rota_user_by_id(0, ROTA_USER_GROUPS, &user),
			 ROTA_ERANGE);
	assert_in_range(fault_clear(), 2, 32);
	fault_fail("getgrouplist", 1, ENOMEM);
	assert_int_equal(rota_user_by_id(0, ROTA_USER_GROUPS, &user),
			 ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_null(user);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_user_has_the_record_of_the_system),
	cmocka_unit_test(the_groups_of_a_user_are_those_of_id),
	cmocka_unit_test(a_group_has_the_record_of_the_system),
	cmocka_unit_test(what_there_is_not_is_an_error),
	cmocka_unit_test(errors_of_the_system_are_told_apart),
	cmocka_unit_test(a_list_of_groups_that_never_fits_is_refused),
};
FIXTURE_MAIN(tests)
