/*
 * Many children at once: each exit is reported exactly once, as it was, and the
 * calls for each do not grow with their number. With ROTA_TEST_FULL=1 there are
 * 1,000, otherwise 100. 'make bench-check' counts every system call.
 */
#include "spawning.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/probe.h"
#include "support/streams_more.h"

enum { SOME = 100, MANY = 1000, CODES = 200 };

struct one {
	struct rota_process process;
	int wanted;
	int exits;
};

struct many {
	struct one *ones;
	int count;
	int input[2]; /* the children end when it does */
	unsigned calls;
};

static void on_one_exit(struct rota_process *process,
			const struct rota_exit *exit)
{
	struct one *one = rota_container_of(process, struct one, process);

	assert_int_equal(exit->error, 0);
	assert_int_equal(exit->signal, 0);
	assert_int_equal(exit->code, one->wanted);
	one->exits++;
}

static void start_one(struct many *many, struct fixture *f, int index)
{
	struct one *one = &many->ones[index];
	struct rota_spawn_stdio input = { .kind = ROTA_SPAWN_STDIO_DESCRIPTOR,
					  .fd = many->input[0] };
	char code[16];
	const char *argv[] = { "sh", "-c", "read x; exit $0", code, NULL };
	const struct rota_spawn_options options = {
		.size = sizeof(options),
		.file = "/bin/sh",
		.argv = (char *const *)argv,
		.stdio = &input,
		.stdio_count = 1,
	};

	one->wanted = index % CODES;
	snprintf(code, sizeof(code), "%d", one->wanted);
	assert_int_equal(rota_process_init(&one->process, f->loop), 0);
	assert_int_equal(
		rota_process_spawn(&one->process, &options, on_one_exit), 0);
}

/* Leave them to the library: so all have ended when the loop runs. */
static void await_all(const struct many *many)
{
	siginfo_t info;

	for (int i = 0; i < many->count; i++)
		assert_int_equal(
			waitid(P_PID,
			       (id_t)rota_process_pid(&many->ones[i].process),
			       &info, WEXITED | WNOWAIT),
			0);
}

static unsigned counted_calls(void)
{
	static const char *const names[] = { "epoll_ctl", "epoll_wait",
					     "kevent",    "ppoll",
					     "close",     "fcntl",
					     "write",     "pipe2" };
	unsigned calls = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		calls += fault_count(names[i]);
	return calls;
}

/* Start @count children, and run until all exits are reported. */
static void run_crowd(struct many *many, struct fixture *f, int count)
{
	many->count = count;
	many->ones = calloc((size_t)count, sizeof(*many->ones));
	assert_non_null(many->ones);
	make_pipe(many->input);
	assert_int_equal(fcntl(many->input[0], F_SETFL, 0), 0);
	fault_count_reset();
	for (int i = 0; i < count; i++)
		start_one(many, f, i);
	many->calls = counted_calls();
	close(many->input[0]);
	close(many->input[1]);
	await_all(many);
	fault_count_reset();
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	many->calls += counted_calls();
	for (int i = 0; i < count; i++) {
		assert_int_equal(many->ones[i].exits, 1);
		assert_int_equal(
			rota_handle_close_now(&many->ones[i].process.handle),
			0);
	}
	free(many->ones);
}

static void many_children_end_at_once(void **state)
{
	struct fixture *f = *state;
	struct many few, more;
	int count = test_is_full() ? MANY : SOME;

	need_descriptors(2 * (unsigned)count);
	run_crowd(&few, f, count / 10);
	run_crowd(&more, f, count);
	no_child_is_left();
	print_message("%u calls for %d, %u for %d\n", few.calls, few.count,
		      more.calls, more.count);
	assert_true(more.calls <= few.calls * 11); /* for 10 times as many */
}

static const struct CMUnitTest tests[] = {
	REAL(many_children_end_at_once),
};

FIXTURE_MAIN(tests)
