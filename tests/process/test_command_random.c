/*
 * Commands at random: several at a time are started, cancelled, given deadlines
 * and left to themselves, while the loop makes some turns. Each calls back
 * exactly once, with a status that what was done to it allows, and leaves
 * nothing.
 */
#include "trial.h"

#include <signal.h>
#include <string.h>

enum { TRIALS = 5, STEPS = 200 };

struct player {
	struct trial t;
	struct rota_deadline deadline;
	int is_running;
	int may_be_cancelled;
	int may_time_out;
};

static struct player players[TRIALS];
static unsigned started, ended;

static void on_end(struct rota_command *command, int status)
{
	struct player *p = rota_container_of(command, struct player, t.command);

	assert_true(p->is_running);
	assert_true(status == 0 || status == ROTA_E2BIG ||
		    (status == ROTA_ECANCELED && p->may_be_cancelled) ||
		    (status == ROTA_ETIMEDOUT && p->may_time_out));
	assert_int_equal(command->exit.error, 0);
	if (status == 0)
		assert_int_equal(command->exit.signal, 0);
	rota_command_free(command);
	p->is_running = 0;
	ended++;
}

static void start_player(struct player *p, struct fixture *f, uint64_t *seed)
{
	static const char *const scripts[] = {
		"exit 0",
		"cat; echo end >&2",
		"exec 0<&-; sleep 0.02; echo x",
		"trap '' TERM; echo a; sleep 0.05",
		"while :; do echo many; done",
		"(sleep 0.01; echo late) & exit 1",
	};
	static char input[100000];

	memset(p, 0, sizeof(*p));
	trial_begin(&p->t, f, scripts[random_below(seed, 6)]);
	p->t.options.flags =
		(uint32_t)random_below(seed, 8) & ~(unsigned)ROTA_COMMAND_DROP;
	p->t.options.input = rota_bytes(input, random_below(seed, 100000));
	p->t.options.output_limit = 100000;
	p->t.options.grace_ns = ROTA_MSEC(10);
	if (random_below(seed, 3) == 0) {
		p->t.options.timeout_ns = ROTA_USEC(random_below(seed, 30000));
		p->may_time_out = 1;
	}
	p->is_running = 1;
	started++;
	assert_int_equal(
		rota_command_run(&p->t.command, f->loop, &p->t.options, on_end),
		0);
}

static void do_something(struct player *p, struct fixture *f, uint64_t *seed)
{
	if (!p->is_running) {
		start_player(p, f, seed);
		return;
	}
	switch (random_below(seed, 4)) {
	case 0:
		if (rota_request_cancel(&p->t.command.request) == 0)
			p->may_be_cancelled = 1;
		break;
	case 1:
		p->may_time_out = 1;
		(void)rota_request_set_deadline(
			&p->t.command.request, &p->deadline,
			rota_loop_now(f->loop) +
				ROTA_USEC(random_below(seed, 20000)));
		break;
	default:
		rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	}
}

static void each_command_calls_back_once(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = random_seed();
	int descriptors = count_descriptors();

	started = 0;
	ended = 0;
	memset(players, 0, sizeof(players));
	for (int i = 0; i < STEPS; i++)
		do_something(&players[random_below(&seed, TRIALS)], f, &seed);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_int_equal(ended, started);
	assert_int_equal(count_descriptors(), descriptors);
	no_child_is_left();
}

static const struct CMUnitTest tests[] = {
	REAL(each_command_calls_back_once),
};

FIXTURE_MAIN(tests)
