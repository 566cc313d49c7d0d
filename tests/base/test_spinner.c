/* poller: none */
/*
 * The spinner, which decides whether busy-waiting pays. It counts successes and
 * failures and needs no clock.
 */
#include "support/fixture.h"

#include "base/spin.h"

static const struct rotai_spin how = { .ns = 1000, .pauses = 10 };

/* Wait @waits times, with a busy-wait that succeeds if @found. Returns how
 * often the spinner allowed a busy-wait. */
static unsigned wait_often(struct rotai_spinner *spinner, unsigned waits,
			   int found)
{
	unsigned looks = 0;

	for (unsigned i = 0; i < waits; i++) {
		if (!rotai_spinner_tries(spinner))
			continue;
		looks++;
		rotai_spinner_note(spinner, found);
	}
	return looks;
}

static void what_finds_something_goes_on(void **state)
{
	struct rotai_spinner spinner;

	(void)state;
	rotai_spinner_init(&spinner, &how);
	assert_int_equal(wait_often(&spinner, 10000, 1), 10000);

	/* It is enough if half of them succeed. */
	for (unsigned i = 0; i < 10000; i++) {
		assert_true(rotai_spinner_tries(&spinner));
		rotai_spinner_note(&spinner, i % 2 == 0);
	}
}

static void what_finds_nothing_becomes_rare(void **state)
{
	struct rotai_spinner spinner;
	unsigned first;

	(void)state;
	rotai_spinner_init(&spinner, &how);
	first = wait_often(&spinner, 100, 0);
	assert_in_range(first, ROTAI_SPIN_ROUND / 2,
			ROTAI_SPIN_ROUND / 2 + 2 + 3 * ROTAI_SPIN_PROBE);
	(void)wait_often(&spinner, 10000, 0);

	/* Even at its rarest, it is tried now and then. */
	assert_in_range(wait_often(&spinner, 100 * ROTAI_SPIN_MOST, 0), 50,
			100 * ROTAI_SPIN_PROBE);
}

/* Most busy-waits fail, and some succeed. */
static void what_finds_less_than_half_becomes_rare(void **state)
{
	struct rotai_spinner spinner;
	unsigned looks = 0;

	(void)state;
	rotai_spinner_init(&spinner, &how);
	for (unsigned i = 0; i < 100000; i++) {
		if (!rotai_spinner_tries(&spinner))
			continue;
		rotai_spinner_note(&spinner, ++looks % 4 == 0);
	}
	assert_in_range(looks, 1, 10000);
}

static void what_pays_again_is_as_before(void **state)
{
	struct rotai_spinner spinner;

	(void)state;
	rotai_spinner_init(&spinner, &how);
	(void)wait_often(&spinner, 100000, 0);

	(void)wait_often(&spinner, ROTAI_SPIN_MOST + ROTAI_SPIN_PROBE, 1);

	assert_int_equal(wait_often(&spinner, 1000, 1), 1000);
}

/* Try @fails times in vain, and then be refused @refusals times. */
static void expect_fails(struct rotai_spinner *spinner, unsigned fails,
			 unsigned refusals)
{
	for (unsigned i = 0; i < fails; i++) {
		assert_true(rotai_spinner_tries(spinner));
		rotai_spinner_note(spinner, 0);
	}
	for (unsigned i = 0; i < refusals; i++)
		assert_false(rotai_spinner_tries(spinner));
}

static void expect_successes(struct rotai_spinner *spinner, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		assert_true(rotai_spinner_tries(spinner));
		rotai_spinner_note(spinner, 7);
	}
}

/* A round ends as soon as more than half of it has failed. After each round
 * that fails, the pause is twice as long. */
static void each_round_that_fails_doubles_the_pause(void **state)
{
	struct rotai_spinner spinner;

	(void)state;
	rotai_spinner_init(&spinner, &how);
	expect_fails(&spinner, ROTAI_SPIN_ROUND / 2 + 1, ROTAI_SPIN_LEAST);
	for (unsigned pause = 2 * ROTAI_SPIN_LEAST; pause < ROTAI_SPIN_MOST;
	     pause *= 2)
		expect_fails(&spinner, ROTAI_SPIN_PROBE / 2 + 1, pause);
	for (int i = 0; i < 3; i++)
		expect_fails(&spinner, ROTAI_SPIN_PROBE / 2 + 1,
			     ROTAI_SPIN_MOST);
}

/* Half of a round may fail, and the next round counts from 0. */
static void each_round_counts_for_itself(void **state)
{
	struct rotai_spinner spinner;

	(void)state;
	rotai_spinner_init(&spinner, &how);
	for (int i = 0; i < 3; i++) {
		expect_fails(&spinner, ROTAI_SPIN_ROUND / 2, 0);
		expect_successes(&spinner, ROTAI_SPIN_ROUND / 2);
	}
	expect_fails(&spinner, ROTAI_SPIN_ROUND / 2 + 1, ROTAI_SPIN_LEAST);
	expect_fails(&spinner, ROTAI_SPIN_PROBE / 2, 0);
	expect_successes(&spinner, ROTAI_SPIN_PROBE / 2);
	expect_fails(&spinner, ROTAI_SPIN_ROUND / 2 + 1, ROTAI_SPIN_LEAST);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_finds_something_goes_on),
	cmocka_unit_test(what_finds_nothing_becomes_rare),
	cmocka_unit_test(what_finds_less_than_half_becomes_rare),
	cmocka_unit_test(what_pays_again_is_as_before),
	cmocka_unit_test(each_round_that_fails_doubles_the_pause),
	cmocka_unit_test(each_round_counts_for_itself),
};

FIXTURE_MAIN(tests)
