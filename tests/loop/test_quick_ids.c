/*
 * The ids of rota_set_timeout() and its kin when one item's are used up, which
 * takes 2^32 uses of it.
 *
 * quick.c is made part of this file, in place of the library's, so that the
 * test can count faster.
 */
/* poller: none */
#include "support/fixture.h"

#include "loop/quick.c"

static void count(void *arg)
{
	++*(unsigned *)arg;
}

static void an_item_whose_ids_are_used_up_is_not_used_again(void **state)
{
	struct fixture *f = *state;
	unsigned calls = 0;
	uint64_t first, last, next;

	first = rota_set_timeout(f->loop, count, &calls, ROTA_SEC(1));
	rota_clear(f->loop, first);
	f->loop->quick.items[0]->uses = UINT32_MAX;
	last = rota_set_timeout(f->loop, count, &calls, ROTA_SEC(1));
	assert_int_equal((uint32_t)last, (uint32_t)first);
	assert_int_equal(last >> 32, UINT32_MAX);
	rota_clear(f->loop, last);

	next = rota_set_timeout(f->loop, count, &calls, ROTA_SEC(1));
	rota_clear(f->loop, first);
	rota_clear(f->loop, last);

	assert_int_not_equal((uint32_t)next, (uint32_t)first);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(calls, 1);
}

/* Also if it ends by its call. */
static void the_last_use_of_an_item_is_called_like_any_other(void **state)
{
	struct fixture *f = *state;
	unsigned calls = 0;
	uint64_t first, last;

	first = rota_set_immediate(f->loop, count, &calls);
	f->loop->quick.items[0]->uses = UINT32_MAX;
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(calls, 1);

	last = rota_set_immediate(f->loop, count, &calls);
	rota_clear(f->loop, first);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_not_equal((uint32_t)last, (uint32_t)first);
	assert_int_equal(calls, 2);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(an_item_whose_ids_are_used_up_is_not_used_again),
	VIRTUAL(the_last_use_of_an_item_is_called_like_any_other),
};
FIXTURE_MAIN(tests)
