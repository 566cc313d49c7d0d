/*
 * Children: what they get, how they end, and what a failed start leaves.
 */
#include "spawning.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"

/* Each test runs in all ways in which this system can start and watch. */
static const struct {
	enum rotai_spawn_way spawn;
	enum rotai_exit_way exit;
} ways[] = {
	{ ROTAI_SPAWN_USUAL, ROTAI_EXIT_USUAL },
	{ ROTAI_SPAWN_FORK, ROTAI_EXIT_USUAL },
	{ ROTAI_SPAWN_USUAL, ROTAI_EXIT_THREAD },
};

static void in_all_ways(struct fixture *f, void (*test)(struct fixture *f))
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		rotai_spawn_way = ways[i].spawn;
		rotai_exit_way = ways[i].exit;
		test(f);
	}
	rotai_spawn_way = ROTAI_SPAWN_USUAL;
	rotai_exit_way = ROTAI_EXIT_USUAL;
}

static void no_child_is_left(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void run_code(struct fixture *f)
{
	struct spawning s;

	spawning_begin(&s, f, "echo hello; exit 3");
	spawning_run(&s);

	assert_string_equal(s.text, "hello\n");
	assert_int_equal(s.exit.error, 0);
	assert_int_equal(s.exit.code, 3);
	assert_int_equal(s.exit.signal, 0);
	assert_int_equal(s.input_ended, 1);
	assert_true(s.exit.max_resident > 0);
	no_child_is_left();
}

static void a_child_reports_its_status_and_its_output(void **state)
{
	in_all_ways(*state, run_code);
}

static void run_signal(struct fixture *f)
{
	struct spawning s;

	spawning_begin(&s, f, "echo a; exec sleep 1000");
	assert_int_equal(spawning_start(&s), 0);
	while (s.size == 0)
		rota_loop_run(f->loop, ROTA_RUN_ONCE);
	assert_int_equal(rota_process_kill(&s.process, SIGTERM), 0);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_int_equal(s.exits, 1);
	assert_int_equal(s.exit.signal, SIGTERM);
	assert_int_equal(s.exit.code, 0);
	assert_int_equal(rota_process_kill(&s.process, SIGTERM), ROTA_ESRCH);
	assert_true(rota_process_pid(&s.process) > 0);
	spawning_end(&s);
	no_child_is_left();
}

static void a_signal_ends_a_child_and_is_reported(void **state)
{
	in_all_ways(*state, run_signal);
}

static void run_missing(struct fixture *f)
{
	struct spawning s;

	spawning_begin(&s, f, "");
	s.options.file = "/no/such/program";
	expect_failure(&s, ROTA_SPAWN_STEP_EXEC, ROTA_ENOENT);
	no_child_is_left();
}

static void a_missing_program_is_the_error_of_the_call(void **state)
{
	in_all_ways(*state, run_missing);
}

static const struct CMUnitTest tests[] = {
	REAL(a_child_reports_its_status_and_its_output),
	REAL(a_signal_ends_a_child_and_is_reported),
	REAL(a_missing_program_is_the_error_of_the_call),
};

FIXTURE_MAIN(tests)
