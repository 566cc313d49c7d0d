/*
 * Random starts, signals, closes and turns, of several handles. A model knows
 * which child runs. Every exit is reported once, unless the handle was closed,
 * and no zombie is left.
 */
#include "spawning.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/streams_more.h"

enum { HANDLES = 5, STEPS = 120, STEPS_FULL = 5000 };

enum state { CLOSED, IDLE, RUNNING };

struct modelled {
	struct rota_process process;
	enum state state;
	int starts;
	int exits;
	int dropped; /* children of closed handles */
	uint64_t *seed;
};

static void on_modelled_exit(struct rota_process *process,
			     const struct rota_exit *exit)
{
	struct modelled *m =
		rota_container_of(process, struct modelled, process);

	assert_int_equal(m->state, RUNNING);
	assert_int_equal(exit->error, 0);
	m->state = IDLE;
	m->exits++;
	if (random_below(m->seed, 4) == 0) {
		assert_int_equal(rota_handle_close_now(&process->handle), 0);
		m->state = CLOSED;
	}
}

static void start_randomly(struct modelled *m)
{
	static const char *const scripts[] = { "exit 3", "read x", "kill -9 $$",
					       "exec sleep 1000" };
	const char *argv[] = { "sh", "-c", scripts[random_below(m->seed, 4)],
			       NULL };
	struct rota_spawn_options options = {
		.size = sizeof(options),
		.file = random_below(m->seed, 8) ? "/bin/sh" : "/no/shell",
		.argv = (char *const *)argv,
		.flags = random_below(m->seed, 2) ? ROTA_SPAWN_NEW_GROUP : 0,
	};
	int error;

	rotai_spawn_way = (enum rotai_spawn_way)random_below(m->seed, 3);
	rotai_exit_way =
		random_below(m->seed, 3) ? ROTAI_EXIT_USUAL : ROTAI_EXIT_THREAD;
	error = rota_process_spawn(&m->process, &options, on_modelled_exit);
	if (m->state == RUNNING) {
		assert_int_equal(error, ROTA_EALREADY);
	} else if (error == 0) {
		m->state = RUNNING;
		m->starts++;
	} else {
		assert_int_equal(error, ROTA_ENOENT);
	}
}

static void close_modelled(struct modelled *m)
{
	if (m->state == RUNNING) {
		/* Nobody else would end a child that sleeps. */
		assert_int_equal(rota_process_kill(&m->process, SIGKILL), 0);
		m->dropped++;
	}
	assert_int_equal(rota_handle_close_now(&m->process.handle), 0);
	m->state = CLOSED;
}

static void take_step(struct fixture *f, struct modelled *m)
{
	unsigned step = (unsigned)random_below(m->seed, 8);
	int error;

	if (m->state == CLOSED) {
		assert_int_equal(rota_process_init(&m->process, f->loop), 0);
		m->state = IDLE;
		return;
	}
	switch (step) {
	case 0:
		close_modelled(m);
		break;
	case 1:
	case 2:
		error = rota_process_kill(&m->process, SIGKILL);
		assert_int_equal(error, m->state == RUNNING ? 0 : ROTA_ESRCH);
		break;
	case 3:
		(void)rota_process_kill_group(&m->process, SIGTERM);
		break;
	case 4:
	case 5:
		rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
		break;
	default:
		start_randomly(m);
	}
}

static int has_child(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void on_time(struct rota_timer *timer)
{
	if (has_child())
		(void)rota_timer_start(timer, on_time, ROTA_USEC(500));
}

static void random_starts_kills_and_closes_lose_nothing(void **state)
{
	struct fixture *f = *state;
	struct modelled all[HANDLES] = { 0 };
	uint64_t seed = random_seed();
	int steps = test_is_full() ? STEPS_FULL : STEPS;
	struct rota_timer timer;

	for (int i = 0; i < HANDLES; i++)
		all[i].seed = &seed;
	for (int i = 0; i < steps; i++)
		take_step(f, &all[random_below(&seed, HANDLES)]);
	for (int i = 0; i < HANDLES; i++)
		if (all[i].state != CLOSED)
			close_modelled(&all[i]);
	rota_timer_init(&timer, f->loop);
	assert_int_equal(rota_timer_start(&timer, on_time, 0), 0);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	for (int i = 0; i < HANDLES; i++)
		assert_int_equal(all[i].starts, all[i].exits + all[i].dropped);
	no_child_is_left();
	rotai_spawn_way = ROTAI_SPAWN_USUAL;
	rotai_exit_way = ROTAI_EXIT_USUAL;
}

static const struct CMUnitTest tests[] = {
	REAL(random_starts_kills_and_closes_lose_nothing),
};

FIXTURE_MAIN(tests)
