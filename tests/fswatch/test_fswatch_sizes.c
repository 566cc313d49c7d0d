/* poller: none */
/*
 * The budget of a watcher of files: how many bytes its struct may take. And
 * what may be done with one that is all zero.
 */
#include "support/fixture.h"

#include "rota/fswatch.h"

static void a_watcher_keeps_to_its_budget(void **state)
{
	(void)state;
	if (sizeof(void *) != 8)
		skip_test("the budgets are for 64 bits");
	assert_in_range(sizeof(struct rota_fswatch), 1, 80);
}

static void a_watcher_begins_with_its_base(void **state)
{
	struct rota_fswatch watcher;

	(void)state;
	assert_ptr_equal(&watcher.handle, &watcher);
}

static void never_called(struct rota_fswatch *watcher,
			 const struct rota_fswatch_event *event)
{
	(void)watcher;
	(void)event;
	fail();
}

static void one_that_is_all_zero_is_safe(void **state)
{
	struct rota_fswatch watcher = { 0 };

	(void)state;
	rota_fswatch_stop(&watcher);
	assert_null(rota_fswatch_path(&watcher));
	assert_int_equal(rota_fswatch_start(&watcher, never_called, "/", NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_handle_close(&watcher.handle, NULL), ROTA_EINVAL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_watcher_keeps_to_its_budget),
	cmocka_unit_test(a_watcher_begins_with_its_base),
	cmocka_unit_test(one_that_is_all_zero_is_safe),
};
FIXTURE_MAIN(tests)
