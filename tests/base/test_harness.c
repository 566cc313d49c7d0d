/* poller: none */
/* system: linux */
/*
 * The harness itself: a test that asserted nothing does not pass. See
 * tests/support/assertions_wrap.c.
 */
#include "support/child.h"
#include "support/fixture.h"

#include <fcntl.h>
#include <unistd.h>

static void assert_nothing(void **state)
{
	(void)state;
}

static void assert_something(void **state)
{
	assert_null(*state);
}

static void prepare_only(void **state)
{
	int fds[2];

	(void)state;
	make_pipe(fds);
	close(fds[0]);
	close(fds[1]);
}

static void skip_oneself(void **state)
{
	(void)state;
	skip();
}

static int own_setup(void **state)
{
	assert_non_null(*state);
	*state = NULL;
	return 0;
}

static void run_a_group(void *arg)
{
	const struct CMUnitTest group[] = {
		cmocka_unit_test(assert_nothing),
		cmocka_unit_test(assert_something),
		cmocka_unit_test(prepare_only),
		cmocka_unit_test(skip_oneself),
		cmocka_unit_test_prestate_setup_teardown(assert_something,
							 own_setup, NULL, arg),
	};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	/* The test runner would take this output for results of its own
	 * tests. */
	if (null == -1)
		close(STDOUT_FILENO);
	else
		dup2(null, STDOUT_FILENO);
	dup2(STDOUT_FILENO, STDERR_FILENO);
	cmocka_set_test_filter(NULL);
	_exit(cmocka_run_group_tests(group, NULL, NULL) == 2 ? 0 : 1);
}

static void a_test_without_an_assertion_fails(void **state)
{
	char some_state;

	(void)state;
	in_a_child(run_a_group, &some_state);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_test_without_an_assertion_fails),
};
FIXTURE_MAIN(tests)
