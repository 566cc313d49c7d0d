/*
 * tests/process/trial.h - a command in a test.
 */
#ifndef TESTS_PROCESS_TRIAL_H
#define TESTS_PROCESS_TRIAL_H

#include "spawning.h"

struct trial {
	struct fixture *f;
	struct rota_command command;
	struct rota_command_options options;
	struct rota_spawn_options spawn;
	const char *argv[4];
	int calls;
	int status;
};

static void trial_on_end(struct rota_command *command, int status)
{
	struct trial *t = rota_container_of(command, struct trial, command);

	assert_int_equal(rota_loop_phase(t->f->loop), ROTA_PHASE_PENDING);
	assert_false(rota_request_is_active(&command->request));
	t->calls++;
	t->status = status;
}

/* A shell that runs @script. */
static inline void trial_begin(struct trial *t, struct fixture *f,
			       const char *script)
{
	memset(t, 0, sizeof(*t));
	t->f = f;
	t->argv[0] = "/bin/sh";
	t->argv[1] = "-c";
	t->argv[2] = script;
	t->options.size = sizeof(t->options);
	t->options.argv = t->argv;
	t->spawn.size = sizeof(t->spawn);
}

static inline int trial_start(struct trial *t)
{
	return rota_command_run(&t->command, t->f->loop, &t->options,
				trial_on_end);
}

static inline void trial_await(struct trial *t)
{
	rota_loop_run(t->f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(t->calls, 1);
}

static inline void trial_run(struct trial *t)
{
	assert_int_equal(trial_start(t), 0);
	assert_int_equal(t->calls, 0);
	trial_await(t);
}

static inline void trial_turn(struct trial *t)
{
	rota_loop_run(t->f->loop, ROTA_RUN_ONCE);
}

/* Start it, and cancel it when it has printed something. */
static inline void trial_cancel_when_up(struct trial *t)
{
	assert_int_equal(trial_start(t), 0);
	while (t->command.output.size == 0)
		trial_turn(t);
	assert_int_equal(rota_request_cancel(&t->command.request), 0);
	trial_await(t);
}

static inline void trial_end(struct trial *t)
{
	rota_command_free(&t->command);
	assert_null(t->command.output.data);
	assert_null(t->command.errors.data);
}

#endif
