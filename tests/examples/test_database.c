/*
 * The embedded database on a serial queue. A further program of the database's
 * own need not be installed: the second run counts the rows of the first.
 */
#include "program.h"

static char file[sizeof(directory) + 16];
static char arguments[sizeof(file) + 16];

static int run_with(const char *count)
{
	int status;

	snprintf(file, sizeof(file), "%s/readings.db", directory);
	snprintf(arguments, sizeof(arguments), "%s %s", file, count);
	status = run_program("", "database", arguments);
	if (status == 77) {
		fputs(output, stdout);
		puts("skip: there is no SQLite");
		skip();
	}
	return status;
}

static void it_adds_rows_in_order(void **state)
{
	(void)state;
	need_poller();
	assert_int_equal(run_with("100"), 0);
	assert_non_null(strstr(output, "database: 100 rows, sum 4950; "));
	assert_int_equal(run_with("3"), 0);
	assert_non_null(strstr(output, "database: 103 rows, sum 4953; "));
}

static void what_fails_is_reported(void **state)
{
	(void)state;
	need_poller();
	(void)run_with("0");
	assert_int_equal(run_program("", "database", "/nowhere/at/all.db 5"),
			 1);
	assert_non_null(strstr(output, "database: /nowhere/at/all.db: "));
	assert_int_equal(run_program("", "database", ""), 2);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(it_adds_rows_in_order, make_directory,
					remove_directory),
	cmocka_unit_test_setup_teardown(what_fails_is_reported, make_directory,
					remove_directory),
};
FIXTURE_MAIN(tests)
