/* poller: none */
/*
 * The budgets of processes: how many bytes the structs may take.
 */
#include "support/fixture.h"

#include "rota/reaper.h"

static void structs_keep_to_their_budgets(void **state)
{
	(void)state;
	if (sizeof(void *) != 8)
		skip_test("the budgets are for 64 bits");

	assert_in_range(sizeof(struct rota_process), 1, 80);
	assert_in_range(sizeof(struct rota_reaper), 1, 80);
	assert_in_range(sizeof(struct rota_command), 1, 200);
}

static void handles_begin_with_their_base(void **state)
{
	struct rota_process process;
	struct rota_reaper reaper;
	struct rota_command command;

	(void)state;
	assert_ptr_equal(&command.request, &command);
	assert_ptr_equal(&process.handle, &process);
	assert_ptr_equal(&reaper.handle, &reaper);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(structs_keep_to_their_budgets),
	cmocka_unit_test(handles_begin_with_their_base),
};
FIXTURE_MAIN(tests)
