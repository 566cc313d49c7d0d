/*
 * Children: what they get, how they end, and what a failed start leaves.
 */
#include "spawning.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rota/reaper.h"
#include "support/child.h"
#include "support/streams_more.h"

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

static void run_swap(struct fixture *f)
{
	struct spawning s;
	int a[2], b[2];
	char text[8] = "";

	spawning_begin(&s, f,
		       "echo 3 >&3; echo 4 >&4; echo 5 >&5; read x; echo $x$?");
	make_pipe(a);
	make_pipe(b);
	/* Each wants the number of the other, if they are small. */
	for (int i = 3; i < 6; i++)
		s.stdio[i].kind = ROTA_SPAWN_STDIO_DESCRIPTOR;
	s.stdio[3].fd = b[1];
	s.stdio[4].fd = a[1];
	s.stdio[5].fd = b[1];
	s.options.stdio_count = 6;
	expect_output(&s, "1\n"); /* the standard input is empty */

	assert_int_equal(read(b[0], text, sizeof(text)), 4);
	assert_memory_equal(text, "3\n5\n", 4);
	assert_int_equal(read(a[0], text, sizeof(text)), 2);
	assert_memory_equal(text, "4\n", 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fcntl(a[i], F_GETFD), FD_CLOEXEC);
		assert_true(fcntl(a[i], F_GETFL) & O_NONBLOCK);
		close(a[i]);
		close(b[i]);
	}
}

static void descriptors_of_the_child_are_permuted(void **state)
{
	in_all_ways(*state, run_swap);
}

/* In a child of the test, where low numbers can be replaced. */
static void exchange_standard_streams(void *arg)
{
	struct rota_spawn_stdio stdio[4] = { { 0 } };
	const char *argv[] = { "sh", "-c",
			       "echo to-2 >&0; echo to-0 >&1; echo to-1 >&2; "
			       "test ! -e /dev/fd/3 || echo open >&2",
			       NULL };
	struct rota_spawn_options options = {
		.size = sizeof(options),
		.file = "sh",
		.argv = (char *const *)argv,
		.stdio = stdio,
		.stdio_count = 4,
	};
	struct rota_process process;
	struct rota_loop *loop;
	char text[16];
	int fds[3][2];

	(void)arg;
	for (int i = 0; i < 3; i++) {
		EXPECT(pipe(fds[i]) == 0);
		EXPECT((fds[i][1] = fcntl(fds[i][1], F_DUPFD, 20)) > 0);
		EXPECT((fds[i][0] = fcntl(fds[i][0], F_DUPFD, 20)) > 0);
	}
	for (int i = 0; i < 3; i++)
		EXPECT(dup2(fds[i][1], i) == i);
	for (int i = 0; i < 3; i++) {
		stdio[i].kind = ROTA_SPAWN_STDIO_DESCRIPTOR;
		stdio[i].fd = (i + 2) % 3;
	}
	stdio[3].kind = ROTA_SPAWN_STDIO_CLOSED;
	EXPECT(rota_loop_new(&loop, NULL) == 0);
	EXPECT(rota_process_init(&process, loop) == 0);
	EXPECT(rota_process_spawn(&process, &options, NULL) == 0);
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	for (int i = 0; i < 3; i++) {
		EXPECT(read(fds[i][0], text, sizeof(text)) == 5);
		EXPECT(text[3] == '0' + i && text[4] == '\n');
	}
}

static void the_three_standard_streams_go_round(void **state)
{
	(void)state;
	in_a_child(exchange_standard_streams, NULL);
}

/* The parent has no standard streams, and its pipes must not become some. */
static void start_without_streams(void *arg)
{
	struct rota_pipe out;
	struct rota_spawn_stdio stdio[3] = { { 0 } };
	const char *argv[] = { "sh", "-c", "exec echo a", NULL };
	struct rota_spawn_options options = {
		.size = sizeof(options),
		.file = "sh",
		.argv = (char *const *)argv,
		.stdio = stdio,
		.stdio_count = 3,
	};
	struct rota_process process;
	struct rota_loop *loop;

	(void)arg;
	stdio[1] = (struct rota_spawn_stdio){ .kind = ROTA_SPAWN_STDIO_PIPE,
					      .flags = ROTA_SPAWN_STDIO_WRITES,
					      .pipe = &out };
	for (int i = 0; i < 3; i++)
		close(i);
	EXPECT(rota_loop_new(&loop, NULL) == 0);
	EXPECT(rota_process_init(&process, loop) == 0);
	EXPECT(rota_process_spawn(&process, &options, NULL) == 0);
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	for (int i = 0; i < 3; i++)
		EXPECT(fcntl(i, F_GETFD) == -1);
	stdio[1].kind = ROTA_SPAWN_STDIO_INHERIT;
	stdio[1].flags = 0;
	EXPECT(rota_process_spawn(&process, &options, NULL) == ROTA_EBADF);
}

static void a_parent_may_lack_standard_streams(void **state)
{
	if (poller_is(*state, "kqueue"))
		skip_test("the double needs standard streams");
	in_a_child(start_without_streams, NULL);
}

static void on_reads(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	int *sum = stream->handle.data;

	if (status == 0)
		*sum += (int)buf->size;
}

static void a_pair_of_sockets_carries_both_directions(void **state)
{
	struct fixture *f = *state;
	struct spawning s;
	struct rota_pipe both;
	int sum = 0;

	spawning_begin(&s, f, "read x <&3; echo $x$x >&3");
	s.stdio[3] = (struct rota_spawn_stdio){
		.kind = ROTA_SPAWN_STDIO_PIPE,
		.flags = ROTA_SPAWN_STDIO_READS | ROTA_SPAWN_STDIO_WRITES,
		.pipe = &both,
	};
	s.options.stdio_count = 4;
	assert_int_equal(spawning_start(&s), 0);
	both.handle.data = &sum;
	assert_int_equal(rota_stream_read_start(&both.stream, on_reads), 0);
	assert_int_equal(rota_stream_send(&both.stream, "abc\n", 4), 0);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_int_equal(sum, 7);
	assert_int_equal(s.exit.code, 0);
	assert_int_equal(rota_handle_close_now(&both.handle), 0);
	spawning_end(&s);
}

static void a_child_reads_what_is_written_to_its_pipe(void **state)
{
	struct fixture *f = *state;
	struct spawning s;
	struct rota_pipe in;

	/* /dev/stdin can be opened again: it is a pipe. */
	spawning_begin(&s, f, "cat /dev/stdin");
	s.stdio[0] = (struct rota_spawn_stdio){
		.kind = ROTA_SPAWN_STDIO_PIPE,
		.flags = ROTA_SPAWN_STDIO_READS,
		.pipe = &in,
	};
	assert_int_equal(spawning_start(&s), 0);
	assert_int_equal(rota_stream_send(&in.stream, "input", 5), 0);
	assert_int_equal(rota_stream_end(&in.stream, NULL), 0);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(s.text, "input");
	assert_int_equal(s.exits, 1);
	spawning_end(&s);
}

static void every_invalid_option_is_refused(void **state)
{
	struct fixture *f = *state;
	static const unsigned far[] = { 70000 };
	const char *const none[] = { NULL };
	struct spawning s;

	for (int i = 0;; i++) {
		int error = ROTA_EINVAL;

		spawning_begin(&s, f, "");
		switch (i) {
		case 0:
			s.options.size = 8;
			break;
		case 1:
			s.options.file = NULL;
			break;
		case 2:
			s.options.flags = 1u << 31;
			break;
		case 3:
			s.options.reserved = 1;
			break;
		case 4:
			s.options.argv = (char *const *)none;
			break;
		case 5:
			s.options.stdio = NULL;
			break;
		case 6:
			s.stdio[0].kind = (enum rota_spawn_stdio_kind)9;
			break;
		case 7:
			s.stdio[0].flags = ROTA_SPAWN_STDIO_READS;
			break;
		case 8:
			s.stdio[1].flags = 0;
			break;
		case 9:
			s.stdio[1].flags = 8;
			break;
		case 10:
			s.stdio[1].pipe = NULL;
			break;
		case 11:
			s.stdio[0] = s.stdio[1];
			break;
		case 12:
			s.stdio[0].kind = ROTA_SPAWN_STDIO_DESCRIPTOR;
			s.stdio[0].fd = -1;
			error = ROTA_EBADF;
			break;
		case 13:
			s.options.process_group = -1;
			break;
		case 14:
			s.options.flags =
				ROTA_SPAWN_NEW_GROUP | ROTA_SPAWN_NEW_SESSION;
			break;
		case 15:
			s.options.process_group = 1;
			s.options.flags = ROTA_SPAWN_NEW_GROUP;
			break;
		case 16:
			s.options.flags = ROTA_SPAWN_SET_TERMINAL;
			break;
		case 17:
			s.options.flags = ROTA_SPAWN_SET_TERMINAL |
					  ROTA_SPAWN_NEW_SESSION;
			s.options.terminal = 3;
			break;
		case 18:
			s.options.flags = ROTA_SPAWN_SET_USER;
			s.options.user = UINT32_MAX;
			break;
		case 19:
			s.options.flags = ROTA_SPAWN_SET_GROUP;
			s.options.group = UINT32_MAX;
			break;
		case 20:
			s.options.group_count = 1;
			break;
		case 21:
			s.options.flags =
				ROTA_SPAWN_SET_GROUPS | ROTA_SPAWN_KEEP_GROUPS;
			break;
		case 22:
			s.options.limit_count = 1;
			break;
		case 23:
			s.options.processor_count = 1;
			break;
		case 24:
			s.options.processors = far;
			s.options.processor_count = 1;
			break;
		case 25:
			s.options.nice = 41;
			break;
		case 26:
			s.options.umask = 010000;
			break;
		case 27:
			s.options.death_signal = -1;
			break;
		case 28:
			s.options.flags = ROTA_SPAWN_SET_CGROUP;
			s.options.cgroup = -1;
			error = ROTA_EBADF;
			break;
		case 29:
			s.options.stdio_count = 65537;
			break;
		default:
			spawning_end(&s);
			return;
		}
		if (i == 0) { /* the library does not read beyond it */
			assert_int_equal(spawning_start(&s), error);
			spawning_end(&s);
			continue;
		}
		expect_failure(&s, ROTA_SPAWN_STEP_OPTIONS, error);
	}
}

static void steps_have_names(void **state)
{
	(void)state;
	for (int i = 0; i <= ROTA_SPAWN_STEP_EXEC; i++)
		assert_non_null(rota_spawn_step_name((enum rota_spawn_step)i));
	assert_string_equal(rota_spawn_step_name((enum rota_spawn_step)99),
			    "unknown");
	assert_string_equal(rota_spawn_step_name(ROTA_SPAWN_STEP_EXEC), "exec");
}

static void expect_text(const struct rota_exit *exit, int status,
			const char *text)
{
	char found[ROTA_EXIT_TEXT_SIZE];

	assert_int_equal(rota_exit_status(exit), status);
	assert_int_equal(rota_exit_text(exit, found, sizeof(found)), 0);
	assert_string_equal(found, text);
}

static void an_exit_has_a_status_and_a_text(void **state)
{
	struct rota_exit exit = { .size = sizeof(exit), .code = 3 };
	char text[ROTA_EXIT_TEXT_SIZE] = "";

	(void)state;
	expect_text(&exit, 3, "exit status 3");
	exit.code = 0;
	exit.signal = SIGTERM;
	expect_text(&exit, 128 + SIGTERM, "signal 15, SIGTERM");
	exit.signal = SIGSEGV;
	exit.core_dumped = 1;
	expect_text(&exit, 128 + SIGSEGV, "signal 11, SIGSEGV, core dumped");
	exit.signal = 63;
	expect_text(&exit, 128 + 63, "signal 63, core dumped");
	exit = (struct rota_exit){ .error = ROTA_ECHILD };
	expect_text(&exit, ROTA_ECHILD, "exit not known");

	assert_int_equal(rota_exit_text(&exit, text, 5), ROTA_ENOSPC);
	assert_string_equal(text, "exit");
	assert_int_equal(rota_exit_text(&exit, text, 0), ROTA_ENOSPC);
	assert_int_equal(rota_exit_text(&exit, text, 15), 0);
	assert_int_equal(rota_exit_text(&exit, NULL, 5), ROTA_EINVAL);
	assert_int_equal(rota_exit_text(NULL, text, 5), ROTA_EINVAL);
}

static void memory_that_is_zero_is_refused(void **state)
{
	const struct rota_spawn_options options = { .size = sizeof(options),
						    .file = "true" };
	struct rota_process process;
	struct rota_reaper reaper;

	(void)state;
	memset(&process, 0, sizeof(process));
	memset(&reaper, 0, sizeof(reaper));
	assert_int_equal(rota_process_spawn(&process, &options, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_process_watch(&process, 1, spawning_on_exit),
			 ROTA_EINVAL);
	assert_int_equal(rota_process_adopt(&process, 1, spawning_on_exit),
			 ROTA_EINVAL);
	assert_int_equal(rota_process_kill(&process, 0), ROTA_EINVAL);
	assert_int_equal(rota_process_kill_group(&process, 0), ROTA_EINVAL);
	assert_int_equal(rota_process_pid(&process), 0);
	assert_int_equal(rota_handle_close_now(&process.handle), ROTA_EINVAL);
	assert_int_equal(rota_reaper_start(&reaper, NULL, 0), ROTA_EINVAL);
	rota_reaper_stop(&reaper);
}

static void the_exit_callback_may_close_the_process(void **state)
{
	struct spawning s;

	spawning_begin(&s, *state, "echo a");
	s.closes_early = 1;
	expect_output(&s, "a\n");
}

static struct rota_process *again;
static int agains;

static void on_exit_again(struct rota_process *process,
			  const struct rota_exit *exit)
{
	const struct rota_spawn_options *options = process->handle.data;

	assert_int_equal(exit->code, 0);
	assert_ptr_equal(process, again);
	if (++agains < 3)
		assert_int_equal(
			rota_process_spawn(process, options, on_exit_again), 0);
}

static void run_again(struct fixture *f)
{
	const struct rota_spawn_options options = { .size = sizeof(options),
						    .file = "true" };
	struct rota_process process;

	again = &process;
	agains = 0;
	assert_int_equal(rota_process_init(&process, f->loop), 0);
	assert_int_equal(rota_process_pid(&process), 0);
	assert_int_equal(rota_process_kill(&process, 0), ROTA_ESRCH);
	process.handle.data = (void *)&options;
	assert_int_equal(rota_process_spawn(&process, &options, on_exit_again),
			 0);
	assert_int_equal(rota_process_spawn(&process, &options, on_exit_again),
			 ROTA_EALREADY);
	assert_int_equal(rota_process_watch(&process, 1, on_exit_again),
			 ROTA_EALREADY);
	assert_int_equal(rota_process_kill(&process, 0), 0);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(agains, 3);
	assert_int_equal(rota_handle_close_now(&process.handle), 0);
	no_child_is_left();
}

static void a_handle_starts_one_child_after_the_other(void **state)
{
	in_all_ways(*state, run_again);
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

/* Run until no child is left: the loop waits for them while it runs. */
static void run_until_reaped(struct fixture *f)
{
	struct rota_timer timer;

	rota_timer_init(&timer, f->loop);
	assert_int_equal(rota_timer_start(&timer, on_time, 0), 0);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	no_child_is_left();
}

static void run_abandon(struct fixture *f)
{
	struct spawning s;

	spawning_begin(&s, f, "read x");
	s.stdio[0] = s.stdio[1];
	s.stdio[0].flags = ROTA_SPAWN_STDIO_READS;
	s.stdio[1] = (struct rota_spawn_stdio){ 0 };
	assert_int_equal(spawning_start(&s), 0);
	assert_int_equal(rota_handle_close_now(&s.process.handle), 0);
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_true(has_child()); /* it goes on */
	assert_int_equal(rota_handle_close_now(&s.out.handle), 0);
	run_until_reaped(f);
	assert_int_equal(s.exits, 0);
}

static void a_closed_process_leaves_no_zombie(void **state)
{
	in_all_ways(*state, run_abandon);
}

/* Make a loop that starts children. */
static struct rota_loop *make_other_loop(struct fixture *f)
{
	struct rota_loop_options options;
	struct rota_process process;
	struct rota_loop *loop;

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	assert_int_equal(rota_loop_new(&loop, &options), 0);
	assert_int_equal(rota_process_init(&process, loop), 0);
	assert_int_equal(rota_handle_close_now(&process.handle), 0);
	return loop;
}

/* Kill a child, and wait until it has ended; but leave it, unless a thread of
 * the library takes it. */
static void kill_child(int pid)
{
	siginfo_t info;

	assert_int_equal(kill(pid, SIGKILL), 0);
	if (rotai_exit_way == ROTAI_EXIT_USUAL)
		assert_int_equal(
			waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

/* Start a child in a loop of its own, which is closed. Returns the child. */
static int start_orphan(struct fixture *f, int ends_before)
{
	struct rota_loop *loop = make_other_loop(f);
	struct fixture other = *f;
	struct spawning s;
	int pid;

	other.loop = loop;
	spawning_begin(&s, &other, "exec sleep 1000");
	s.stdio[1] = (struct rota_spawn_stdio){ 0 };
	assert_int_equal(spawning_start(&s), 0);
	pid = rota_process_pid(&s.process);
	if (ends_before)
		kill_child(pid);
	assert_int_equal(rota_handle_close_now(&s.process.handle), 0);
	assert_int_equal(rota_loop_close(loop), 0);
	return pid;
}

static void run_orphan(struct fixture *f)
{
	struct spawning s;

	kill_child(start_orphan(f, 0));
	spawning_begin(&s, f, "true");
	spawning_run(&s);
	run_until_reaped(f); /* its thread may do that */
}

/* What the next user of processes does: an initialization, an exit, or the
 * close of a loop. */
static void run_orphan_and_init(struct fixture *f)
{
	struct rota_process process;

	kill_child(start_orphan(f, 0));
	assert_int_equal(rota_process_init(&process, f->loop), 0);
	assert_int_equal(rota_handle_close_now(&process.handle), 0);
	run_until_reaped(f);
}

static void run_orphan_and_exit(struct fixture *f)
{
	struct spawning s;

	spawning_begin(&s, f, "read x");
	s.stdio[0] = s.stdio[1];
	s.stdio[0].flags = ROTA_SPAWN_STDIO_READS;
	s.stdio[1] = (struct rota_spawn_stdio){ 0 };
	assert_int_equal(spawning_start(&s), 0);
	kill_child(start_orphan(f, 0));
	assert_int_equal(rota_handle_close_now(&s.out.handle), 0);
	run_until_reaped(f);
	assert_int_equal(s.exits, 1);
	spawning_end(&s);
}

static void run_orphan_and_close(struct fixture *f)
{
	struct rota_loop *loop = make_other_loop(f);

	kill_child(start_orphan(f, 0));
	assert_int_equal(rota_loop_close(loop), 0);
	run_until_reaped(f);
	(void)start_orphan(f, 1);
	run_until_reaped(f);
}

static void a_child_outlives_its_loop_and_leaves_no_zombie(void **state)
{
	in_all_ways(*state, run_orphan);
	in_all_ways(*state, run_orphan_and_init);
	in_all_ways(*state, run_orphan_and_exit);
	in_all_ways(*state, run_orphan_and_close);
}

static void children_without_a_loop_are_looked_at_in_turn(void **state)
{
	enum { ORPHANS = 20 };
	struct fixture *f = *state;
	struct rota_process process;
	int pids[ORPHANS];

	for (int i = 0; i < ORPHANS; i++)
		pids[i] = start_orphan(f, 0);
	for (int i = 0; i < ORPHANS; i++)
		kill_child(pids[i]);
	for (int i = 0; i < 2; i++) {
		assert_true(has_child());
		assert_int_equal(rota_process_init(&process, f->loop), 0);
		assert_int_equal(rota_handle_close_now(&process.handle), 0);
	}
	no_child_is_left();
}

static void run_kill_on_close(struct fixture *f)
{
	struct spawning s;
	int fds[2];
	char byte;

	/* A member of its group has the pipe, too. */
	make_pipe(fds);
	assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
	spawning_begin(&s, f, "sleep 1000 & wait");
	s.stdio[1] =
		(struct rota_spawn_stdio){ .kind = ROTA_SPAWN_STDIO_DESCRIPTOR,
					   .fd = fds[1] };
	s.options.flags = ROTA_SPAWN_KILL_ON_CLOSE | ROTA_SPAWN_NEW_GROUP;
	assert_int_equal(spawning_start(&s), 0);
	close(fds[1]);
	assert_int_equal(rota_handle_close_now(&s.process.handle), 0);
	assert_int_equal(read(fds[0], &byte, 1), 0); /* all have ended */
	close(fds[0]);
	run_until_reaped(f);
}

static void a_close_can_kill_the_group(void **state)
{
	in_all_ways(*state, run_kill_on_close);
}

static void run_ignored(struct fixture *f)
{
	struct spawning s;

	(void)signal(SIGCHLD, SIG_IGN);
	spawning_begin(&s, f, "exit 3");
	spawning_run(&s);
	assert_int_equal(s.exit.error, ROTA_ECHILD);
	assert_int_equal(s.exit.code, 0);
	spawning_begin(&s, f, "");
	s.options.file = "/no/such/program";
	expect_failure(&s, ROTA_SPAWN_STEP_EXEC, ROTA_ENOENT);
	(void)signal(SIGCHLD, SIG_DFL);
}

static void an_exit_is_reported_although_sigchld_is_ignored(void **state)
{
	in_all_ways(*state, run_ignored);
}

static void run_stolen(struct fixture *f)
{
	struct spawning s;
	int pid;

	spawning_begin(&s, f, "exit 3");
	assert_int_equal(spawning_start(&s), 0);
	pid = rota_process_pid(&s.process);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(s.exits, 1);
	assert_int_equal(s.exit.error, ROTA_ECHILD);
	spawning_end(&s);
}

static void an_exit_that_the_program_has_taken_is_not_known(void **state)
{
	in_all_ways(*state, run_stolen);
}

static void kill_groups(struct fixture *f)
{
	struct spawning s;
	struct rota_pipe in;
	int error;

	spawning_begin(&s, f, "(read x <&3) & echo a; wait");
	s.stdio[3] = (struct rota_spawn_stdio){
		.kind = ROTA_SPAWN_STDIO_PIPE,
		.flags = ROTA_SPAWN_STDIO_READS,
		.pipe = &in, /* its close ends the other one */
	};
	s.options.stdio_count = 4;
	assert_int_equal(spawning_start(&s), 0);
	assert_int_equal(rota_process_kill_group(&s.process, SIGKILL),
			 ROTA_EPERM);
	assert_int_equal(rota_process_kill(&s.process, -1), ROTA_EINVAL);
	assert_int_equal(rota_process_kill(&s.process, 1000), ROTA_EINVAL);
	while (s.size == 0)
		rota_loop_run(f->loop, ROTA_RUN_ONCE);
	assert_int_equal(rota_process_kill(&s.process, SIGKILL), 0);
	while (s.exits == 0)
		rota_loop_run(f->loop, ROTA_RUN_ONCE);
	assert_int_equal(s.input_ended, 0); /* the other one has it still */
	assert_int_equal(rota_handle_close_now(&in.handle), 0);
	spawning_end(&s);

	spawning_begin(&s, f, "sleep 1000 & echo a; wait");
	s.options.flags = ROTA_SPAWN_NEW_GROUP;
	assert_int_equal(spawning_start(&s), 0);
	while (s.size == 0)
		rota_loop_run(f->loop, ROTA_RUN_ONCE);
	assert_int_equal(rota_process_kill_group(&s.process, 1000),
			 ROTA_EINVAL);
	assert_int_equal(rota_process_kill_group(&s.process, SIGTERM), 0);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(s.input_ended, 1);
	assert_int_equal(s.exit.signal, SIGTERM);
	/* The other one may not have been waited for by now. */
	error = rota_process_kill_group(&s.process, SIGTERM);
	assert_true(error == ROTA_ESRCH || error == 0);
	spawning_end(&s);
	no_child_is_left();
}

static void a_group_is_killed_if_it_is_the_child_s_own(void **state)
{
	in_all_ways(*state, kill_groups);
}

static void an_unreferenced_process_lets_the_run_end(void **state)
{
	struct fixture *f = *state;
	struct spawning s;

	spawning_begin(&s, f, "exec sleep 1000");
	s.stdio[1] = (struct rota_spawn_stdio){ 0 };
	assert_int_equal(spawning_start(&s), 0);
	assert_true(rota_handle_is_active(&s.process.handle));
	assert_string_equal(rota_handle_type(&s.process.handle), "process");
	rota_handle_unref(&s.process.handle);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(s.exits, 0);
	assert_int_equal(rota_process_kill(&s.process, SIGKILL), 0);
	rota_handle_ref(&s.process.handle);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(s.exits, 1);
	spawning_end(&s);
}

/* A forked child has the handle, but not the process. */
static void use_after_fork(struct spawning *s)
{
	EXPECT(rota_process_kill(&s->process, SIGKILL) == ROTA_ECHILD);
	EXPECT(rota_process_spawn(&s->process, &s->options, NULL) ==
	       ROTA_ECHILD);
	EXPECT(rota_loop_fork(s->f->loop) == 0);
	EXPECT(rota_process_kill(&s->process, SIGKILL) == ROTA_ESRCH);
	rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT);
	EXPECT(s->exits == 1);
	EXPECT(s->exit.error == ROTA_ECHILD);
	s->exits = 0;
	s->argv[2] = "exit 4";
	s->stdio[0] = (struct rota_spawn_stdio){ 0 };
	EXPECT(rota_process_spawn(&s->process, &s->options, spawning_on_exit) ==
	       0);
	rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT);
	EXPECT(s->exits == 1 && s->exit.code == 4);
}

static void run_fork(struct fixture *f)
{
	struct spawning s, left;
	pid_t child;

	spawning_begin(&left, f, "exec sleep 1000");
	left.stdio[1] = (struct rota_spawn_stdio){ 0 };
	assert_int_equal(spawning_start(&left), 0);
	assert_int_equal(rota_process_kill(&left.process, SIGKILL), 0);
	assert_int_equal(rota_handle_close_now(&left.process.handle), 0);
	spawning_begin(&s, f, "exec sleep 1000");
	s.stdio[1] = (struct rota_spawn_stdio){ 0 };
	assert_int_equal(spawning_start(&s), 0);
	child = child_fork();
	if (child == 0) {
		use_after_fork(&s);
		child_ends();
	}
	expect_success(child);
	assert_int_equal(rota_process_kill(&s.process, SIGKILL), 0);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(s.exits, 1);
	assert_int_equal(s.exit.signal, SIGKILL);
	spawning_end(&s);
	run_until_reaped(f);
}

static void a_forked_child_is_told_that_it_has_no_children(void **state)
{
	in_all_ways(*state, run_fork);
}

enum { MANY = 25, MANY_FULL = 1000 };

static int many_exits[MANY_FULL];

static void on_exit_of_many(struct rota_process *process,
			    const struct rota_exit *exit)
{
	int *exits = process->handle.data;

	++*exits;
	assert_int_equal(exit->code, (exits - many_exits) % 100);
}

static void run_many(struct fixture *f)
{
	int many = test_is_full() ? MANY_FULL : MANY;
	struct rota_process *processes =
		calloc((size_t)many, sizeof(*processes));
	struct rota_spawn_options options = { .size = sizeof(options),
					      .file = "/bin/sh" };

	assert_non_null(processes);
	memset(many_exits, 0, sizeof(many_exits));
	for (int i = 0; i < many; i++) {
		char script[] = "exit 00";
		const char *argv[] = { "sh", "-c", script, NULL };

		script[5] = (char)('0' + i / 10 % 10);
		script[6] = (char)('0' + i % 10);
		options.argv = (char *const *)argv;
		assert_int_equal(rota_process_init(&processes[i], f->loop), 0);
		processes[i].handle.data = &many_exits[i];
		assert_int_equal(rota_process_spawn(&processes[i], &options,
						    on_exit_of_many),
				 0);
	}
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	for (int i = 0; i < many; i++) {
		assert_int_equal(many_exits[i], 1);
		assert_int_equal(rota_handle_close_now(&processes[i].handle),
				 0);
	}
	free(processes);
	no_child_is_left();
}

static void many_children_end_once_each(void **state)
{
	struct fixture *f = *state;

	run_many(f);
	rotai_exit_way = ROTAI_EXIT_THREAD;
	run_many(f);
	rotai_exit_way = ROTAI_EXIT_USUAL;
}

enum { THREADS = 3, ROUNDS = 6 };

static void *spawn_in_thread(void *arg)
{
	struct rota_spawn_options options = { .size = sizeof(options),
					      .file = "true" };
	struct rota_process process;
	struct rota_loop *loop;

	(void)arg;
	if (rota_loop_new(&loop, NULL) < 0 ||
	    rota_process_init(&process, loop) < 0)
		return NULL;
	for (int i = 0; i < ROUNDS; i++) {
		if (rota_process_spawn(&process, &options, NULL) < 0)
			return NULL;
		rota_loop_run(loop, ROTA_RUN_DEFAULT);
	}
	if (rota_handle_close_now(&process.handle) < 0)
		return NULL;
	return rota_loop_close(loop) == 0 ? (void *)&many_exits : NULL;
}

static void several_threads_start_children_at_once(void **state)
{
	pthread_t threads[THREADS];
	void *result;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						spawn_in_thread, NULL),
				 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_ptr_equal(result, &many_exits);
	}
	no_child_is_left();
}

static void run_watch(struct fixture *f)
{
	struct spawning s;
	pid_t pid;
	int error;

	spawning_begin(&s, f, "");
	assert_int_equal(rota_process_watch(&s.process, 0, spawning_on_exit),
			 ROTA_EINVAL);
	assert_int_equal(rota_process_watch(&s.process, 1, NULL), ROTA_EINVAL);
	pid = fork();
	if (pid == 0)
		_exit(5);
	error = rota_process_watch(&s.process, pid, spawning_on_exit);
	if (error == ROTA_ENOTSUP) { /* without a pidfd */
		assert_int_equal(
			rota_process_adopt(&s.process, pid, spawning_on_exit),
			0);
		rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	} else {
		assert_int_equal(error, 0);
		rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
		assert_int_equal(waitpid(pid, NULL, WNOHANG), pid);
		assert_int_equal(
			rota_process_watch(&s.process, pid, spawning_on_exit),
			ROTA_ESRCH);
	}
	assert_int_equal(s.exits, 1);
	assert_int_equal(s.exit.error, 0);
	assert_int_equal(s.exit.code, 5);
	assert_int_equal(rota_process_adopt(&s.process, pid, spawning_on_exit),
			 ROTA_ECHILD);
	spawning_end(&s);
}

static void a_child_of_the_program_s_is_watched_and_left(void **state)
{
	in_all_ways(*state, run_watch);
}

/* The grandchild is no child of ours. */
static void a_foreign_process_is_watched(void **state)
{
	struct fixture *f = *state;
	struct spawning s;
	struct spawning w;

	spawning_begin(&s, f, "sleep 1000 & echo $!; wait");
	spawning_begin(&w, f, "");
	assert_int_equal(spawning_start(&s), 0);
	while (strchr(s.text, '\n') == NULL)
		rota_loop_run(f->loop, ROTA_RUN_ONCE);
	assert_int_equal(
		rota_process_watch(&w.process, atoi(s.text), spawning_on_exit),
		0);
	assert_int_equal(rota_process_kill(&w.process, SIGKILL), 0);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(w.exits, 1);
	assert_int_equal(w.exit.error, ROTA_ECHILD);
	assert_int_equal(s.exits, 1);
	spawning_end(&s);
	spawning_end(&w);
}

static void a_loop_that_shuts_down_closes_its_processes(void **state)
{
	struct fixture *f = *state;
	struct spawning s;

	spawning_begin(&s, f, "exec sleep 1000");
	s.stdio[1] = (struct rota_spawn_stdio){ 0 };
	s.options.flags = ROTA_SPAWN_KILL_ON_CLOSE;
	assert_int_equal(spawning_start(&s), 0);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	assert_int_equal(s.exits, 0);
	/* No loop does that, unless it was dead before the loop had gone. */
	assert_true(waitpid(-1, NULL, 0) > 0 || errno == ECHILD);
}

static const struct CMUnitTest tests[] = {
	REAL(a_child_reports_its_status_and_its_output),
	REAL(a_signal_ends_a_child_and_is_reported),
	REAL(a_missing_program_is_the_error_of_the_call),
	REAL(descriptors_of_the_child_are_permuted),
	REAL(the_three_standard_streams_go_round),
	REAL(a_parent_may_lack_standard_streams),
	REAL(a_pair_of_sockets_carries_both_directions),
	REAL(a_child_reads_what_is_written_to_its_pipe),
	REAL(every_invalid_option_is_refused),
	REAL(steps_have_names),
	REAL(an_exit_has_a_status_and_a_text),
	REAL(memory_that_is_zero_is_refused),
	REAL(the_exit_callback_may_close_the_process),
	REAL(a_handle_starts_one_child_after_the_other),
	REAL(a_closed_process_leaves_no_zombie),
	REAL(a_child_outlives_its_loop_and_leaves_no_zombie),
	REAL(children_without_a_loop_are_looked_at_in_turn),
	REAL(a_close_can_kill_the_group),
	REAL(an_exit_is_reported_although_sigchld_is_ignored),
	REAL(an_exit_that_the_program_has_taken_is_not_known),
	REAL(a_group_is_killed_if_it_is_the_child_s_own),
	REAL(an_unreferenced_process_lets_the_run_end),
	REAL(a_forked_child_is_told_that_it_has_no_children),
	REAL(many_children_end_once_each),
	REAL(several_threads_start_children_at_once),
	REAL(a_child_of_the_program_s_is_watched_and_left),
	REAL(a_foreign_process_is_watched),
	REAL(a_loop_that_shuts_down_closes_its_processes),
};

FIXTURE_MAIN(tests)
