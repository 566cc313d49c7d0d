/* poller: none */
/*
 * The budget of a watcher of a signal: how many bytes its struct may take.
 */
#include "support/fixture.h"

#include "rota/signal.h"

static void a_watcher_keeps_to_its_budget(void **state)
{
	(void)state;
	if (sizeof(void *) != 8) {
		print_message("skip: the budgets are for 64 bits\n");
		skip();
	}

	assert_in_range(sizeof(struct rota_signal), 1, 120);
}

static void a_watcher_begins_with_its_base(void **state)
{
	struct rota_signal signal;

	(void)state;
	assert_ptr_equal(&signal.handle, &signal);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_watcher_keeps_to_its_budget),
	cmocka_unit_test(a_watcher_begins_with_its_base),
};
FIXTURE_MAIN(tests)
