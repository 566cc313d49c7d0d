/* poller: none */
/*
 * Size budgets: every request that a pool thread may work on embeds an item,
 * and the caller's structs embed the requests.
 */
#include "support/fixture.h"

#include "rota/dns.h"
#include "rota/pool.h"
#include "rota/random.h"
#include "rota/user.h"

static void items_keep_to_their_budget(void **state)
{
	(void)state;
	if (sizeof(void *) != 8) {
		print_message(
			"skip: the budgets are for pointers of 64 bits\n");
		skip();
	}

	assert_in_range(sizeof(struct rotai_item), 1, 56);
	assert_in_range(sizeof(struct rota_work), 1, 168);
	assert_in_range(sizeof(struct rota_lookup), 1, 152);
	assert_in_range(sizeof(struct rota_name_lookup), 1, 144);
	assert_in_range(sizeof(struct rota_user_lookup), 1, 144);
	assert_in_range(sizeof(struct rota_group_lookup), 1, 144);
	assert_in_range(sizeof(struct rota_random), 1, 160);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(items_keep_to_their_budget),
};
FIXTURE_MAIN(tests)
