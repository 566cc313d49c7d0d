/*
 * Commands: input, output, limits, and how they are ended.
 */
#include "trial.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"

static void collect_all(struct fixture *f)
{
	struct trial t;

	trial_begin(&t, f, "echo out; echo err >&2; exit 7");
	trial_run(&t);

	assert_int_equal(t.status, 0);
	assert_string_equal(t.command.output.data, "out\n");
	assert_int_equal(t.command.output.size, 4);
	assert_string_equal(t.command.errors.data, "err\n");
	assert_int_equal(t.command.exit.code, 7);
	assert_true(t.command.exit.max_resident > 0);
	assert_int_equal(t.command.exit.signal, 0);
	assert_int_equal(t.command.flags, 0);
	trial_end(&t);
	no_child_is_left();
}

static void output_errors_and_exit_are_collected(void **state)
{
	in_all_ways(*state, collect_all);
}

static void nothing_is_an_empty_string(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "cat; exit 0");
	trial_run(&t);

	assert_int_equal(t.status, 0);
	assert_string_equal(t.command.output.data, "");
	assert_string_equal(t.command.errors.data, "");
	assert_int_equal(t.command.output.size, 0);
	trial_end(&t);
	rota_command_free(&t.command);
}

static void joined_outputs_keep_their_order(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "echo 1; echo 2 >&2; echo 3; echo 4 >&2");
	t.options.flags = ROTA_COMMAND_JOIN;
	trial_run(&t);

	assert_int_equal(t.status, 0);
	assert_string_equal(t.command.output.data, "1\n2\n3\n4\n");
	assert_string_equal(t.command.errors.data, "");
	trial_end(&t);
}

static void input_is_written_while_output_is_read(void **state)
{
	enum { SIZE = 10 * 1024 * 1024 };
	char *bytes = malloc(SIZE);
	struct trial t;

	assert_non_null(bytes);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * 31 + i / 251);
	trial_begin(&t, *state, "exec cat");
	t.options.input = rota_bytes(bytes, SIZE);
	t.options.output_limit = SIZE;
	trial_run(&t);

	assert_int_equal(t.status, 0);
	assert_int_equal(t.command.output.size, SIZE);
	assert_memory_equal(t.command.output.data, bytes, SIZE);
	assert_int_equal(t.command.exit.code, 0);
	trial_end(&t);
	free(bytes);
}

static void input_that_is_not_read_is_no_error(void **state)
{
	enum { SIZE = 1024 * 1024 };
	char *bytes = calloc(1, SIZE);
	struct trial t;

	trial_begin(&t, *state, "exec 0<&-; echo done");
	t.options.input = rota_bytes(bytes, SIZE);
	trial_run(&t);

	assert_int_equal(t.status, 0);
	assert_string_equal(t.command.output.data, "done\n");
	assert_int_equal(t.command.exit.code, 0);
	trial_end(&t);
	free(bytes);
}

static void too_much_output_ends_the_command(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "while :; do echo 0123456789; done");
	t.options.output_limit = 1000;
	trial_run(&t);

	assert_int_equal(t.status, ROTA_E2BIG);
	assert_int_equal(t.command.flags, ROTA_COMMAND_OUTPUT_CUT);
	assert_int_equal(t.command.output.size, 1000);
	assert_int_equal(t.command.output.data[1000], 0);
	assert_int_equal(t.command.exit.signal, SIGTERM);
	trial_end(&t);
	no_child_is_left();
}

static void output_at_the_limit_is_not_too_much(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "printf 12345; printf 12345 >&2");
	t.options.output_limit = 5;
	t.options.errors_limit = 4;
	t.options.flags = ROTA_COMMAND_DROP;
	trial_run(&t);

	assert_int_equal(t.status, 0);
	assert_string_equal(t.command.output.data, "12345");
	assert_string_equal(t.command.errors.data, "1234");
	assert_int_equal(t.command.flags, ROTA_COMMAND_ERRORS_CUT);
	trial_end(&t);
}

static void what_is_beyond_may_be_dropped(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "seq 0 20000; echo end >&2");
	t.options.output_limit = 9;
	t.options.flags = ROTA_COMMAND_DROP;
	trial_run(&t);

	assert_int_equal(t.status, 0);
	assert_string_equal(t.command.output.data, "0\n1\n2\n3\n4");
	assert_int_equal(t.command.flags, ROTA_COMMAND_OUTPUT_CUT);
	assert_string_equal(t.command.errors.data, "end\n");
	trial_end(&t);
}

static void a_time_out_ends_the_command(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "exec sleep 1000");
	t.options.timeout_ns = ROTA_MSEC(20);
	trial_run(&t);

	assert_int_equal(t.status, ROTA_ETIMEDOUT);
	assert_int_equal(t.command.exit.signal, SIGTERM);
	trial_end(&t);
	no_child_is_left();
}

/* The child ignores SIGTERM, and so does a child of it that has the output
 * open. */
static void outlast_the_grace(struct fixture *f)
{
	struct trial t;

	trial_begin(&t, f,
		    "trap '' TERM; (while :; do sleep 1000; done) & echo up;"
		    "while :; do sleep 1000; done");
	t.options.grace_ns = ROTA_MSEC(20);
	trial_cancel_when_up(&t);

	assert_int_equal(t.status, ROTA_ECANCELED);
	assert_int_equal(t.command.exit.signal, SIGKILL);
	assert_string_equal(t.command.output.data, "up\n");
	assert_int_equal(t.command.flags, 0);
	trial_end(&t);
	no_child_is_left();
}

static void after_a_grace_the_whole_group_is_killed(void **state)
{
	in_all_ways(*state, outlast_the_grace);
}

/* The leader ends by SIGTERM, and the other does not. */
static void a_grandchild_does_not_outlive_the_grace(void **state)
{
	struct trial t;

	trial_begin(&t, *state,
		    "(trap '' TERM; echo up; while :; do sleep 1000; done) &"
		    "wait");
	t.options.grace_ns = ROTA_MSEC(20);
	t.options.linger_ns = ROTA_SEC(100);
	trial_cancel_when_up(&t);

	assert_int_equal(t.status, ROTA_ECANCELED);
	assert_int_equal(t.command.exit.signal, SIGTERM);
	assert_string_equal(t.command.output.data, "up\n");
	assert_int_equal(t.command.flags, 0);
	trial_end(&t);
}

static void a_stopped_command_ends_as_well(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "kill -STOP $$; exec sleep 1000");
	t.options.timeout_ns = ROTA_MSEC(50);
	t.options.grace_ns = ROTA_SEC(1000);
	trial_run(&t);

	assert_int_equal(t.status, ROTA_ETIMEDOUT);
	assert_int_equal(t.command.exit.signal, SIGTERM);
	trial_end(&t);
}

/* A process that has left the group has the output open. */
static void output_that_others_hold_is_given_up(void **state)
{
	struct rota_spawn_stdio stdio[4];
	struct rota_pipe go;
	struct trial t;
	int pid;

	memset(stdio, 0, sizeof(stdio));
	stdio[3] = (struct rota_spawn_stdio){
		.kind = ROTA_SPAWN_STDIO_PIPE,
		.flags = ROTA_SPAWN_STDIO_READS,
		.pipe = &go,
	};
	trial_begin(&t, *state,
		    "setsid sh -c 'echo $$; exec sleep 1000' &"
		    "read x <&3; exit 3");
	t.spawn.stdio = stdio;
	t.spawn.stdio_count = 4;
	t.options.spawn = &t.spawn;
	t.options.linger_ns = ROTA_MSEC(20);
	assert_int_equal(trial_start(&t), 0);
	while (t.command.output.size == 0)
		trial_turn(&t);
	assert_int_equal(rota_stream_send(&go.stream, "\n", 1), 0);
	trial_await(&t);

	assert_int_equal(t.status, 0);
	assert_int_equal(t.command.exit.code, 3);
	assert_int_equal(t.command.flags, ROTA_COMMAND_OUTPUT_HELD);
	pid = atoi(t.command.output.data);
	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(rota_handle_close_now(&go.handle), 0);
	trial_end(&t);
}

static void output_that_comes_late_is_read(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "(sleep 0.05; echo late) & echo early; exit 0");
	t.options.linger_ns = ROTA_SEC(1000);
	trial_run(&t);

	assert_int_equal(t.status, 0);
	assert_string_equal(t.command.output.data, "early\nlate\n");
	assert_int_equal(t.command.flags, 0);
	trial_end(&t);
}

static void a_cancel_ends_the_command(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "echo ready; exec sleep 1000");
	assert_int_equal(trial_start(&t), 0);
	while (t.command.output.size == 0)
		trial_turn(&t);
	assert_int_equal(rota_request_cancel(&t.command.request), 0);
	assert_int_equal(rota_request_cancel(&t.command.request),
			 ROTA_EALREADY);
	trial_await(&t);

	assert_int_equal(t.status, ROTA_ECANCELED);
	assert_string_equal(t.command.output.data, "ready\n");
	assert_int_equal(t.command.exit.signal, SIGTERM);
	assert_int_equal(rota_request_cancel(&t.command.request),
			 ROTA_EALREADY);
	trial_end(&t);
}

/* At each turn of its life, and before the first. */
static void a_cancel_works_in_each_stage(void **state)
{
	for (int turns = 0; turns < 8; turns++) {
		struct trial t;
		int status;

		trial_begin(&t, *state, "cat >/dev/null; echo a; echo b >&2");
		t.options.input = rota_bytes("input", 5);
		t.options.flags = ROTA_COMMAND_KILL;
		assert_int_equal(trial_start(&t), 0);
		for (int i = 0; i < turns && t.calls == 0; i++)
			trial_turn(&t);
		status = rota_request_cancel(&t.command.request);
		if (t.calls == 0)
			trial_await(&t);
		assert_int_equal(t.calls, 1);
		if (status == 0)
			assert_int_equal(t.status, ROTA_ECANCELED);
		else
			assert_int_equal(t.status, 0);
		trial_end(&t);
		no_child_is_left();
	}
}

static void a_deadline_of_the_request_ends_the_command(void **state)
{
	struct rota_deadline deadline;
	struct trial t;

	trial_begin(&t, *state, "exec sleep 1000");
	assert_int_equal(trial_start(&t), 0);
	assert_int_equal(rota_request_set_deadline(
				 &t.command.request, &deadline,
				 rota_loop_now(t.f->loop) + ROTA_MSEC(20)),
			 0);
	trial_await(&t);

	assert_int_equal(t.status, ROTA_ETIMEDOUT);
	assert_int_equal(t.command.exit.signal, SIGTERM);
	trial_end(&t);
}

static void kill_needs_no_grace(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "trap '' TERM; exec sleep 1000");
	t.options.timeout_ns = ROTA_MSEC(20);
	t.options.grace_ns = ROTA_SEC(1000);
	t.options.flags = ROTA_COMMAND_KILL;
	trial_run(&t);

	assert_int_equal(t.status, ROTA_ETIMEDOUT);
	assert_int_equal(t.command.exit.signal, SIGKILL);
	trial_end(&t);
}

static void descriptors_of_the_caller_are_used(void **state)
{
	const struct rota_spawn_stdio stdio[4] = {
		[2] = { .kind = ROTA_SPAWN_STDIO_CLOSED },
		[3] = { .kind = ROTA_SPAWN_STDIO_NULL },
	};
	struct trial t;

	trial_begin(&t, *state,
		    "echo a >&3; (echo x >&2) 2>/dev/null || echo closed");
	t.spawn.stdio = stdio;
	t.spawn.stdio_count = 4;
	t.options.spawn = &t.spawn;
	t.argv[2] = "echo a >&3; if [ -e /dev/fd/2 ]; then echo open; "
		    "else echo closed; fi";
	trial_run(&t);

	assert_string_equal(t.command.output.data, "closed\n");
	assert_string_equal(t.command.errors.data, "");
	trial_end(&t);
}

static void a_missing_program_is_an_error_of_the_call(void **state)
{
	struct trial t;
	enum rota_spawn_step step = ROTA_SPAWN_STEP_NONE, own = step;
	int descriptors = count_descriptors();

	trial_begin(&t, *state, "");
	t.argv[0] = "/no/such/program";
	t.spawn.failed = &step;
	t.options.spawn = &t.spawn;
	t.options.input = rota_bytes("x", 1);
	assert_int_equal(trial_start(&t), ROTA_ENOENT);
	assert_int_equal(step, ROTA_SPAWN_STEP_EXEC);
	t.options.flags = ROTA_COMMAND_JOIN;
	t.options.failed = &own;
	assert_int_equal(trial_start(&t), ROTA_ENOENT);
	assert_int_equal(own, ROTA_SPAWN_STEP_EXEC);
	t.options.flags = 8;
	assert_int_equal(trial_start(&t), ROTA_EINVAL);
	assert_int_equal(own, ROTA_SPAWN_STEP_OPTIONS);
	t.options.flags = 0;
	t.argv[0] = "/bin/sh";
	assert_int_equal(trial_start(&t), 0);
	assert_int_equal(own, ROTA_SPAWN_STEP_NONE);
	trial_await(&t);
	rota_command_free(&t.command);

	assert_int_equal(count_descriptors(), descriptors);
	assert_false(rota_request_is_active(&t.command.request));
	no_child_is_left();
}

static void bad_options_are_refused(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "exit 0");
	assert_int_equal(
		rota_command_run(NULL, t.f->loop, &t.options, trial_on_end),
		ROTA_EINVAL);
	assert_int_equal(
		rota_command_run(&t.command, t.f->loop, NULL, trial_on_end),
		ROTA_EINVAL);
	assert_int_equal(
		rota_command_run(&t.command, t.f->loop, &t.options, NULL),
		ROTA_EINVAL);
	t.options.size = 8;
	assert_int_equal(trial_start(&t), ROTA_EINVAL);
	trial_begin(&t, *state, "exit 0");
	t.options.reserved = 1;
	assert_int_equal(trial_start(&t), ROTA_EINVAL);
	trial_begin(&t, *state, "exit 0");
	t.options.flags = 8;
	assert_int_equal(trial_start(&t), ROTA_EINVAL);
	trial_begin(&t, *state, "exit 0");
	t.options.argv = NULL;
	assert_int_equal(trial_start(&t), ROTA_EINVAL);
	trial_begin(&t, *state, "exit 0");
	t.argv[0] = NULL;
	assert_int_equal(trial_start(&t), ROTA_EINVAL);
	trial_begin(&t, *state, "exit 0");
	t.options.input.size = 1;
	assert_int_equal(trial_start(&t), ROTA_EINVAL);
	trial_begin(&t, *state, "exit 0");
	t.options.output_limit = SIZE_MAX;
	assert_int_equal(trial_start(&t), ROTA_EINVAL);
	trial_begin(&t, *state, "exit 0");
	t.options.spawn = &t.spawn;
	t.spawn.process_group = getpid();
	assert_int_equal(trial_start(&t), ROTA_EINVAL);
	t.spawn.process_group = 0;
	t.spawn.stdio_count = 1;
	assert_int_equal(trial_start(&t), ROTA_EINVAL);
	t.spawn.stdio_count = 0;
	t.spawn.size = 8;
	assert_int_equal(trial_start(&t), ROTA_EINVAL);
}

static void a_shutdown_kills_the_command(void **state)
{
	struct fixture *f = *state;

	for (int turns = 0; turns < 3; turns++) {
		struct trial t;
		struct fixture own = *f;
		struct rota_loop_options options;

		fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
		assert_int_equal(rota_loop_new(&own.loop, &options), 0);
		trial_begin(&t, &own, "trap '' TERM; cat; sleep 1000");
		t.options.input = rota_bytes("x", 1);
		assert_int_equal(trial_start(&t), 0);
		for (int i = 0; i < turns; i++)
			rota_loop_run(own.loop, ROTA_RUN_NOWAIT);
		assert_int_equal(rota_loop_shutdown(own.loop, UINT64_MAX), 0);
		assert_int_equal(t.calls, 1);
		assert_int_equal(t.status, ROTA_ECANCELED);
		trial_end(&t);
	}
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

static void child_ends_its_command(void *arg)
{
	struct trial *t = arg;

	EXPECT(rota_request_cancel(&t->command.request) == ROTA_ECHILD);
	EXPECT(rota_loop_fork(t->f->loop) == 0);
	rota_loop_run(t->f->loop, ROTA_RUN_DEFAULT);
	EXPECT(t->calls == 1);
	EXPECT(t->status == ROTA_ECANCELED);
	EXPECT(t->command.exit.error == ROTA_ECHILD);
	rota_command_free(&t->command);
}

static void a_forked_child_leaves_the_command_to_its_parent(void **state)
{
	struct trial t;

	trial_begin(&t, *state,
		    "read x; echo \"got $x\"; cat >/dev/null; exit 4");
	t.options.input = rota_bytes("line\n", 5);
	assert_int_equal(trial_start(&t), 0);
	in_a_child(child_ends_its_command, &t);
	trial_await(&t);

	assert_int_equal(t.status, 0);
	assert_string_equal(t.command.output.data, "got line\n");
	assert_int_equal(t.command.exit.code, 4);
	trial_end(&t);
}

static void child_drops_its_command(void *arg)
{
	struct trial *t = arg;

	EXPECT(rota_loop_fork(t->f->loop) == 0);
	rota_loop_run(t->f->loop, ROTA_RUN_DEFAULT);
	EXPECT(t->calls == 1);
	EXPECT(t->status == ROTA_ECANCELED);
	rota_command_free(&t->command);
}

/* The command has ended, and its group has not. */
static void a_forked_child_kills_no_group_of_its_parent(void **state)
{
	struct trial t;

	trial_begin(&t, *state,
		    "(sleep 0.15; echo late) &"
		    "exit 5");
	t.options.linger_ns = ROTA_SEC(1000);
	assert_int_equal(trial_start(&t), 0);
	while (t.command.exit.code != 5)
		trial_turn(&t);
	in_a_child(child_drops_its_command, &t);
	trial_await(&t);

	assert_int_equal(t.status, 0);
	assert_string_equal(t.command.output.data, "late\n");
	trial_end(&t);
}

static void run_again(struct rota_command *command, int status)
{
	struct trial *t = rota_container_of(command, struct trial, command);

	assert_int_equal(status, 0);
	assert_string_equal(command->output.data, "x\n");
	rota_command_free(command);
	if (++t->calls < 3)
		assert_int_equal(rota_command_run(command, t->f->loop,
						  &t->options, run_again),
				 0);
}

static void a_command_may_start_again_in_its_callback(void **state)
{
	struct trial t;

	trial_begin(&t, *state, "echo x");
	assert_int_equal(
		rota_command_run(&t.command, t.f->loop, &t.options, run_again),
		0);
	rota_loop_run(t.f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(t.calls, 3);
}

static void a_command_that_was_never_run_may_be_asked_and_freed(void **state)
{
	struct rota_command command;

	(void)state;
	memset(&command, 0, sizeof(command));
	assert_false(rota_request_is_active(&command.request));
	assert_int_equal(rota_request_cancel(&command.request), ROTA_EALREADY);
	rota_command_free(&command);
}

static void options_of_a_later_version_are_accepted_if_zero(void **state)
{
	struct {
		struct rota_command_options options;
		uint64_t later;
	} longer;
	struct trial t;

	trial_begin(&t, *state, "exit 0");
	longer.options = t.options;
	longer.options.size = sizeof(longer);
	longer.later = 1;
	assert_int_equal(rota_command_run(&t.command, t.f->loop,
					  &longer.options, trial_on_end),
			 ROTA_EINVAL);
	longer.later = 0;
	assert_int_equal(rota_command_run(&t.command, t.f->loop,
					  &longer.options, trial_on_end),
			 0);
	trial_await(&t);
	trial_end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(output_errors_and_exit_are_collected),
	REAL(nothing_is_an_empty_string),
	REAL(joined_outputs_keep_their_order),
	REAL(input_is_written_while_output_is_read),
	REAL(input_that_is_not_read_is_no_error),
	REAL(too_much_output_ends_the_command),
	REAL(output_at_the_limit_is_not_too_much),
	REAL(what_is_beyond_may_be_dropped),
	REAL(a_time_out_ends_the_command),
	REAL(after_a_grace_the_whole_group_is_killed),
	REAL(a_grandchild_does_not_outlive_the_grace),
	REAL(a_stopped_command_ends_as_well),
	REAL(output_that_others_hold_is_given_up),
	REAL(output_that_comes_late_is_read),
	REAL(a_cancel_ends_the_command),
	REAL(a_cancel_works_in_each_stage),
	REAL(a_deadline_of_the_request_ends_the_command),
	REAL(kill_needs_no_grace),
	REAL(descriptors_of_the_caller_are_used),
	REAL(a_missing_program_is_an_error_of_the_call),
	REAL(bad_options_are_refused),
	REAL(a_shutdown_kills_the_command),
	REAL(a_forked_child_leaves_the_command_to_its_parent),
	REAL(a_forked_child_kills_no_group_of_its_parent),
	REAL(a_command_may_start_again_in_its_callback),
	REAL(a_command_that_was_never_run_may_be_asked_and_freed),
	REAL(options_of_a_later_version_are_accepted_if_zero),
};

FIXTURE_MAIN(tests)
