/* poller: none */
/*
 * Size budgets of nodes and handles, which programs embed in their own structs
 * by the hundred thousand.
 */
#include "support/fixture.h"

/* How much padding they have depends on the size of a pointer. */
static int is_64_bit(void)
{
	if (sizeof(void *) == 8)
		return 1;
	print_message("skip: the budgets are for pointers of 64 bits\n");
	return 0;
}

static void nodes_keep_to_their_budgets(void **state)
{
	(void)state;
	if (!is_64_bit())
		skip();

	assert_in_range(sizeof(struct rota_watch), 1, 56);
	assert_in_range(sizeof(struct rota_timer), 1, 80);
	assert_in_range(sizeof(struct rota_wall_timer), 1, 96);
	assert_in_range(sizeof(struct rota_task), 1, 32);
	assert_in_range(sizeof(struct rota_async), 1, 48);
	assert_in_range(sizeof(struct rota_hook), 1, 48);
}

static void handles_keep_to_their_budgets(void **state)
{
	(void)state;
	if (!is_64_bit())
		skip();

	assert_in_range(sizeof(struct rota_handle), 1, 64);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nodes_keep_to_their_budgets),
	cmocka_unit_test(handles_keep_to_their_budgets),
};
FIXTURE_MAIN(tests)
