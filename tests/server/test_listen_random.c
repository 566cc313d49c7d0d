/*
 * Listen groups: random programs. Clients come and go, groups and servers end,
 * loops make turns in any order and shut down. What
 * is accepted ends when its client goes, and nothing leaks.
 *
 * ROTA_TEST_SEED repeats a run; ROTA_TEST_FULL=1 makes more of them.
 */
#include "support/fixture.h"

#include "server/crew.h"

enum { LOOPS = 3, GUESTS = 24, STEPS = 150 };

static struct crew crew;
static int guests[GUESTS]; /* -1: none */

static void come(uint64_t *seed)
{
	unsigned i = (unsigned)random_below(seed, GUESTS);

	if (guests[i] < 0 && crew.group != NULL)
		guests[i] = raw_begin_connect(&crew.address);
}

static void go(uint64_t *seed)
{
	unsigned i = (unsigned)random_below(seed, GUESTS);

	if (guests[i] >= 0)
		raw_close(guests[i]);
	guests[i] = -1;
}

static void make_turn(uint64_t *seed)
{
	struct hand *h = &crew.hands[random_below(seed, LOOPS)];

	if (h->loop != NULL)
		assert_true(rota_loop_run(h->loop, ROTA_RUN_NOWAIT) >= 0);
}

static void reset_one(uint64_t *seed)
{
	struct hand *h = &crew.hands[random_below(seed, LOOPS)];
	struct rota_connection *first;

	if (h->loop == NULL)
		return;
	first = rota_server_next(&h->server, NULL);
	if (first != NULL)
		(void)rota_connection_reset(first);
}

static void end_server(uint64_t *seed)
{
	struct hand *h = &crew.hands[random_below(seed, LOOPS)];

	if (h->loop != NULL && random_below(seed, 8) == 0)
		(void)rota_server_stop(&h->server, 0, NULL);
}

static void end_loop(struct fixture *f, uint64_t *seed)
{
	unsigned i = (unsigned)random_below(seed, LOOPS);

	if (crew.hands[i].loop != NULL && random_below(seed, 150) == 0)
		shut_down(&crew, f, i);
}

/* Close the group, and open another one. */
static void open_again(uint64_t *seed)
{
	struct rota_address any;

	if (random_below(seed, 6) != 0)
		return;
	if (crew.group != NULL)
		rota_listen_group_close(crew.group);
	crew.group = NULL;
	for (unsigned i = 0; i < LOOPS; i++)
		if (crew.hands[i].loop == NULL)
			return; /* a server without a loop cannot be used */
	loopback(&any, AF_INET, 0);
	assert_int_equal(
		rota_listen_group_tcp(&crew.group, &crew.options, &any, 0), 0);
	assert_int_equal(rota_listen_group_address(crew.group, &crew.address),
			 0);
}

static void take_step(struct fixture *f, uint64_t *seed)
{
	static void (*const steps[])(uint64_t * seed) = {
		come,      come,      come,       come,
		go,        reset_one, end_server, open_again,
		make_turn, make_turn, make_turn,  make_turn,
	};

	steps[random_below(seed, sizeof(steps) / sizeof(steps[0]))](seed);
	end_loop(f, seed);
}

static void random_programs_leave_nothing(void **state)
{
	unsigned programs = test_is_full() ? 3000 : 15;
	uint64_t seed = random_seed();
	struct fixture *f = *state;

	for (unsigned n = 0; n < programs; n++) {
		if (n > 0)
			fixture_begin_real(state), f = *state;
		crew_begin(&crew, f, LOOPS, (enum rota_listen_strategy)(n % 3),
			   (size_t)random_below(&seed, 3) * 4);
		crew_open(&crew);
		for (unsigned i = 0; i < GUESTS; i++)
			guests[i] = -1;
		for (unsigned i = 0; i < STEPS; i++)
			take_step(f, &seed);
		for (unsigned i = 0; i < GUESTS; i++)
			if (guests[i] >= 0)
				raw_close(guests[i]);
		crew_turns(&crew, 20);
		crew_end(&crew, f);
		if (n < programs - 1)
			assert_int_equal(fixture_end(state), 0);
	}
}

static const struct CMUnitTest tests[] = {
	REAL(random_programs_leave_nothing),
};

FIXTURE_MAIN(tests)
