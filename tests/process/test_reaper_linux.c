/* system: linux */
/* poller: none */
/*
 * The reaper: orphans, children of the program, and children of handles, which
 * it leaves to them.
 */
#include "spawning.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "rota/reaper.h"
#include "support/child.h"
#include "support/fault.h"

struct reaping {
	struct rota_reaper reaper;
	int count;
	int pid;
	int code;
	int wanted; /* ends the run */
};

static void on_reaped(struct rota_reaper *reaper, int pid,
		      const struct rota_exit *exit)
{
	struct reaping *r = rota_container_of(reaper, struct reaping, reaper);

	r->count++;
	r->pid = pid;
	r->code = exit->code;
	if (r->count == r->wanted)
		rota_reaper_stop(reaper);
}

static void reaping_begin(struct reaping *r, struct fixture *f, int wanted)
{
	memset(r, 0, sizeof(*r));
	r->wanted = wanted;
	assert_int_equal(rota_reaper_init(&r->reaper, f->loop), 0);
}

static pid_t fork_exit(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	assert_true(pid > 0);
	return pid;
}

static void children_of_the_program_are_waited_for(void **state)
{
	struct fixture *f = *state;
	struct reaping r;
	pid_t pid = fork_exit(3); /* before the start */

	reaping_begin(&r, f, 1);
	assert_int_equal(rota_reaper_start(&r.reaper, on_reaped, 2),
			 ROTA_EINVAL);
	assert_int_equal(rota_reaper_start(&r.reaper, on_reaped, 0), 0);
	assert_int_equal(rota_reaper_start(&r.reaper, on_reaped, 0),
			 ROTA_EALREADY);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.pid, pid);
	assert_int_equal(r.code, 3);

	r.wanted = 6; /* five more, after the start */
	assert_int_equal(rota_reaper_start(&r.reaper, on_reaped, 0), 0);
	for (int i = 0; i < 5; i++)
		(void)fork_exit(i);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(r.count, 6);
	no_child_is_left();
	assert_int_equal(rota_handle_close_now(&r.reaper.handle), 0);
}

static void run_handles(struct fixture *f)
{
	struct reaping r;
	struct spawning s;

	reaping_begin(&r, f, 0);
	assert_int_equal(rota_reaper_start(&r.reaper, on_reaped, 0), 0);
	rota_handle_unref(&r.reaper.handle);
	for (int i = 0; i < 5; i++) {
		spawning_begin(&s, f, "exit 7");
		spawning_run(&s);
		assert_int_equal(s.exit.error, 0);
		assert_int_equal(s.exit.code, 7);
		assert_true(s.exit.max_resident > 0);
	}
	assert_int_equal(r.count, 0);
	no_child_is_left();
	assert_int_equal(rota_handle_close_now(&r.reaper.handle), 0);
}

static void children_of_handles_are_left_to_them(void **state)
{
	in_all_ways(*state, run_handles);
}

/* The reaper's loop sees the exit first: the handle of another loop gets it. */
static void a_child_of_another_loop_gets_its_exit(void **state)
{
	struct fixture *f = *state;
	struct fixture other = *f;
	struct rota_loop *loop;
	struct reaping r;
	struct spawning s;

	assert_int_equal(rota_loop_new(&loop, NULL), 0);
	other.loop = loop;
	spawning_begin(&s, &other, "exit 7");
	s.stdio[1] = (struct rota_spawn_stdio){ 0 };
	assert_int_equal(spawning_start(&s), 0);
	reaping_begin(&r, f, 1);
	assert_int_equal(rota_reaper_start(&r.reaper, on_reaped, 0), 0);
	/* This one ends later, and the reaper comes to it past the other. */
	(void)fork_exit(3);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(r.code, 3);
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	assert_int_equal(s.exits, 1);
	assert_int_equal(s.exit.error, 0);
	assert_int_equal(s.exit.code, 7);
	spawning_end(&s);
	assert_int_equal(rota_loop_close(loop), 0);
	assert_int_equal(rota_handle_close_now(&r.reaper.handle), 0);
}

static void orphans_come_to_a_subreaper(void **state)
{
	struct fixture *f = *state;
	struct reaping r;
	struct spawning s;
	int is_one;

	reaping_begin(&r, f, 1);
	assert_int_equal(
		rota_reaper_start(&r.reaper, on_reaped, ROTA_REAPER_SUBREAPER),
		0);
	spawning_begin(&s, f, "(sh -c 'exit 9' &) ; exit 0");
	spawning_run(&s);
	if (r.count == 0)
		rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(r.code, 9);
	assert_int_equal(prctl(PR_GET_CHILD_SUBREAPER, &is_one), 0);
	assert_int_equal(is_one, 0); /* as it was */
	assert_int_equal(rota_handle_close_now(&r.reaper.handle), 0);
	no_child_is_left();
}

static void reap_as_first(void *arg)
{
	struct fixture f = { 0 };
	struct reaping r = { .wanted = 1 };
	pid_t pid;

	(void)arg;
	if (unshare(CLONE_NEWPID) < 0)
		child_skips();
	pid = fork();
	if (pid == 0) {
		const char *argv[] = { "sh", "-c", "(sleep 0.01 &)", NULL };
		struct rota_spawn_options options = {
			.size = sizeof(options),
			.file = "sh",
			.argv = (char *const *)argv,
			.death_signal = SIGKILL,
		};
		struct rota_process process;

		EXPECT(getpid() == 1);
		EXPECT(rota_loop_new(&f.loop, NULL) == 0);
		EXPECT(rota_reaper_init(&r.reaper, f.loop) == 0);
		EXPECT(rota_reaper_start(&r.reaper, on_reaped, 0) == 0);
		EXPECT(rota_process_init(&process, f.loop) == 0);
		EXPECT(rota_process_spawn(&process, &options, NULL) == 0);
		rota_loop_run(f.loop, ROTA_RUN_DEFAULT);
		EXPECT(r.count == 1 && r.pid != rota_process_pid(&process));
		EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
		child_ends();
	}
	EXPECT(waitpid(pid, &r.code, 0) == pid && r.code == 0);
}

static void process_1_of_a_namespace_reaps_orphans(void **state)
{
	(void)state;
	if (!in_a_child_or_skip(reap_as_first, NULL))
		skip_test("no PID namespace can be made here");
}

static void a_start_that_fails_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct sigaction now;
	struct reaping r;

	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_reaper_init(&r.reaper, f->loop), ROTA_ENOMEM);
	f->memory.fail_at = 0;
	reaping_begin(&r, f, 0);
	for (unsigned n = 1; n <= 3; n++) {
		fault_fail("sigaction", n, EFAULT);
		assert_int_equal(rota_reaper_start(&r.reaper, on_reaped, 0),
				 -EFAULT);
		assert_int_equal(fault_clear(), 1);
		assert_false(rota_handle_is_active(&r.reaper.handle));
	}
	assert_int_equal(rota_reaper_start(&r.reaper, NULL, 0), 0);
	rota_reaper_stop(&r.reaper);
	rota_reaper_stop(&r.reaper);
	assert_int_equal(sigaction(SIGCHLD, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, SIG_DFL);
	assert_int_equal(rota_handle_close_now(&r.reaper.handle), 0);
}

static void after_fork(struct reaping *r, struct fixture *f)
{
	EXPECT(rota_reaper_start(&r->reaper, on_reaped, 0) == ROTA_ECHILD);
	EXPECT(rota_loop_fork(f->loop) == 0);
	r->wanted = 1;
	if (fork() == 0)
		_exit(4);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	EXPECT(r->count == 1 && r->code == 4);
}

static void a_forked_child_reaps_its_own_children(void **state)
{
	struct fixture *f = *state;
	struct reaping r;
	pid_t child;

	reaping_begin(&r, f, 1);
	assert_int_equal(rota_reaper_start(&r.reaper, on_reaped, 0), 0);
	child = child_fork();
	if (child == 0) {
		after_fork(&r, f);
		child_ends();
	}
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(r.pid, child);
	assert_int_equal(r.code, 0);
	assert_int_equal(rota_handle_close_now(&r.reaper.handle), 0);
}

static const struct CMUnitTest tests[] = {
	REAL(children_of_the_program_are_waited_for),
	REAL(children_of_handles_are_left_to_them),
	REAL(a_child_of_another_loop_gets_its_exit),
	REAL(orphans_come_to_a_subreaper),
	REAL(process_1_of_a_namespace_reaps_orphans),
	REAL(a_start_that_fails_changes_nothing),
	REAL(a_forked_child_reaps_its_own_children),
};

FIXTURE_MAIN(tests)
