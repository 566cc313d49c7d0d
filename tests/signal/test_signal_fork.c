/*
 * Signals in forked children (F2), and in the programs that they become.
 */
#include "support/fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/probe.h"

struct watcher {
	struct rota_signal signal;
	struct fixture *f;
	uint32_t count;
};

static void on_signal(struct rota_signal *signal, uint32_t count)
{
	rota_container_of(signal, struct watcher, signal)->count += count;
}

static void watch_number(struct watcher *w, struct fixture *f)
{
	*w = (struct watcher){ .f = f };
	assert_int_equal(rota_signal_init(&w->signal, f->loop), 0);
	assert_int_equal(rota_signal_start(&w->signal, on_signal, SIGUSR1), 0);
}

static void use_before_the_fork_call(void *arg)
{
	struct watcher *w = arg;
	struct rota_signal signal;

	raise(SIGUSR1); /* the handler is inherited, the loop is not ours */
	EXPECT(rota_signal_init(&signal, w->f->loop) == ROTA_ECHILD);
	EXPECT(rota_signal_start(&w->signal, on_signal, SIGUSR2) ==
	       ROTA_ECHILD);
	rota_signal_stop(&w->signal);
	EXPECT(rota_signal_number(&w->signal) == SIGUSR1);
	EXPECT(rota_handle_close(&w->signal.handle, NULL) == ROTA_ECHILD);
}

static void until_the_loop_is_rebuilt_nothing_changes(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f);

	in_a_child(use_before_the_fork_call, &w);

	turn(f);
	assert_int_equal(w.count, 0); /* the child's was the child's */
	raise(SIGUSR1);
	turn(f);
	assert_int_equal(w.count, 1);
	assert_int_equal(rota_handle_close_now(&w.signal.handle), 0);
}

static void use_after_the_fork_call(void *arg)
{
	struct watcher *w = arg;

	raise(SIGUSR1); /* of a loop that is not rebuilt: nobody's */
	EXPECT(rota_loop_fork(w->f->loop) == 0);
	rota_loop_run(w->f->loop, ROTA_RUN_NOWAIT);
	EXPECT(w->count == 0); /* what the parent had counted is the parent's */
	raise(SIGUSR1);
	raise(SIGUSR1);
	rota_loop_run(w->f->loop, ROTA_RUN_NOWAIT);
	EXPECT(w->count == 2);
	EXPECT(rota_signal_start(&w->signal, on_signal, SIGUSR2) == 0);
	raise(SIGUSR2);
	rota_loop_run(w->f->loop, ROTA_RUN_NOWAIT);
	EXPECT(w->count == 3);
	EXPECT(rota_handle_close_now(&w->signal.handle) == 0);
	EXPECT(rota_loop_close(w->f->loop) == 0);
}

static void a_rebuilt_loop_watches_in_the_child(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f);
	raise(SIGUSR1);

	in_a_child(use_after_the_fork_call, &w);

	turn(f);
	assert_int_equal(w.count, 1);
	assert_int_equal(rota_handle_close_now(&w.signal.handle), 0);
}

static pid_t forked;
static struct rota_loop *rebuilt_in_callback;

static void fork_in_callback(struct rota_signal *signal, uint32_t count)
{
	struct watcher *w = rota_container_of(signal, struct watcher, signal);

	w->count += count;
	forked = child_fork();
	if (forked != 0)
		return;
	if (w->f->loop == rebuilt_in_callback)
		EXPECT(rota_loop_fork(w->f->loop) == 0);
}

static void fork_in_a_callback(struct fixture *f)
{
	struct watcher a, b;

	watch_number(&a, f);
	assert_int_equal(
		rota_signal_start(&a.signal, fork_in_callback, SIGUSR1), 0);
	watch_number(&b, f);
	raise(SIGUSR1);

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	if (forked == 0) {
		/* The rest of the dispatch is the parent's. */
		EXPECT(b.count == 0);
		if (rebuilt_in_callback == NULL)
			EXPECT(rota_loop_fork(f->loop) == 0);
		rota_signal_start(&a.signal, on_signal, SIGUSR1);
		raise(SIGUSR1);
		rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
		EXPECT(a.count == 2);
		EXPECT(b.count == 1);
		child_ends();
	}

	expect_success(forked);
	assert_int_equal(a.count, 1);
	assert_int_equal(b.count, 1);
	assert_int_equal(rota_handle_close_now(&a.signal.handle), 0);
	assert_int_equal(rota_handle_close_now(&b.signal.handle), 0);
}

static void a_callback_may_fork(void **state)
{
	rebuilt_in_callback = NULL;
	fork_in_a_callback(*state);
}

static void a_callback_may_fork_and_rebuild_the_loop(void **state)
{
	struct fixture *f = *state;

	rebuilt_in_callback = f->loop;
	fork_in_a_callback(f);
}

struct two_loops {
	struct watcher *here;
	struct watcher *there; /* on a loop that the child does not rebuild */
};

/* The memory of the other loop's thread is used for something else. */
static void reuse_memory(void *arg)
{
	struct two_loops *two = arg;
	struct watcher *w = two->here;

	memset(two->there, 0xa5, sizeof(*two->there));
	raise(SIGUSR1);
	EXPECT(rota_loop_fork(w->f->loop) == 0);
	raise(SIGUSR1);
	rota_loop_run(w->f->loop, ROTA_RUN_NOWAIT);
	EXPECT(w->count == 1);
	rota_signal_stop(&w->signal);
	EXPECT(rota_signal_start(&w->signal, on_signal, SIGUSR1) == 0);
	raise(SIGUSR1);
	rota_loop_run(w->f->loop, ROTA_RUN_NOWAIT);
	EXPECT(w->count == 2);
}

static void a_child_forgets_the_loops_of_other_threads(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct fixture other = *f;
	struct watcher here, there;

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	assert_int_equal(rota_loop_new(&other.loop, &options), 0);
	for (int i = 0; i < 2; i++) { /* whichever is the first in the list */
		watch_number(i ? &here : &there, i ? f : &other);
		watch_number(i ? &there : &here, i ? &other : f);
		in_a_child(reuse_memory, &(struct two_loops){ &here, &there });
		raise(SIGUSR1);
		turn(f);
		rota_loop_run(other.loop, ROTA_RUN_NOWAIT);
		assert_int_equal(here.count, 1);
		assert_int_equal(there.count, 1);
		assert_int_equal(rota_handle_close_now(&here.signal.handle), 0);
		assert_int_equal(rota_handle_close_now(&there.signal.handle),
				 0);
	}
	assert_int_equal(rota_loop_close(other.loop), 0);
}

/* The second of two loops is rebuilt after the handler was removed, or after
 * the child has set a disposition of its own. */
static void rebuild_one_after_the_other(void *arg)
{
	struct two_loops *two = arg;
	struct watcher *first = two->here, *second = two->there;

	EXPECT(rota_loop_fork(first->f->loop) == 0);
	EXPECT(rota_handle_close_now(&first->signal.handle) == 0);
	EXPECT(rota_loop_fork(second->f->loop) == 0);
	raise(SIGUSR1);
	rota_loop_run(second->f->loop, ROTA_RUN_NOWAIT);
	EXPECT(second->count == 1);
}

static void rebuild_over_a_disposition(void *arg)
{
	struct two_loops *two = arg;

	signal(SIGUSR1, SIG_IGN);
	EXPECT(rota_loop_fork(two->here->f->loop) == 0);
	raise(SIGUSR1);
	rota_loop_run(two->here->f->loop, ROTA_RUN_NOWAIT);
	EXPECT(two->here->count == 1);
	EXPECT(rota_handle_close_now(&two->here->signal.handle) == 0);
	EXPECT(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
}

static void a_rebuilt_loop_installs_what_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct fixture other = *f;
	struct watcher here, there;

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	assert_int_equal(rota_loop_new(&other.loop, &options), 0);
	watch_number(&here, f);
	watch_number(&there, &other);

	in_a_child(rebuild_one_after_the_other,
		   &(struct two_loops){ &here, &there });
	in_a_child(rebuild_one_after_the_other,
		   &(struct two_loops){ &there, &here });
	in_a_child(rebuild_over_a_disposition,
		   &(struct two_loops){ &here, &there });

	assert_int_equal(rota_handle_close_now(&here.signal.handle), 0);
	assert_int_equal(rota_handle_close_now(&there.signal.handle), 0);
	assert_int_equal(rota_loop_close(other.loop), 0);
}

static void describe_in_child(void *arg)
{
	struct watcher *w = arg;
	struct rota_signal_info info = { .size = sizeof(info) };

	/* A thread of the parent may have been writing it at the fork. */
	EXPECT(rota_signal_get_info(&w->signal, &info) == ROTA_ENODATA);
	EXPECT(rota_loop_fork(w->f->loop) == 0);
	EXPECT(rota_signal_get_info(&w->signal, &info) == ROTA_ENODATA);
	raise(SIGUSR1);
	EXPECT(rota_signal_get_info(&w->signal, &info) == 0);
	EXPECT(info.pid == getpid());
}

static void a_description_is_of_this_process(void **state)
{
	struct fixture *f = *state;
	struct rota_signal_info info = { .size = sizeof(info) };
	struct watcher w;

	watch_number(&w, f);
	raise(SIGUSR1);

	in_a_child(describe_in_child, &w);

	assert_int_equal(rota_signal_get_info(&w.signal, &info), 0);
	assert_int_equal(info.pid, getpid());
	assert_int_equal(rota_handle_close_now(&w.signal.handle), 0);
}

/* A child of vfork(2) uses the parent's memory. */
static void a_delivery_to_a_child_of_vfork_is_not_the_parents(void **state)
{
#if defined(__linux__) && !defined(__SANITIZE_THREAD__)
	struct fixture *f = *state;
	struct watcher w;
	int status;
	pid_t child;

	watch_number(&w, f);

	child = vfork();
	if (child == 0) {
		(void)kill(getpid(), SIGUSR1);
		_exit(0);
	}
	assert_true(child > 0);
	while (waitpid(child, &status, 0) < 0)
		;
	assert_int_equal(status, 0);
	turn(f);
	assert_int_equal(w.count, 0);
	raise(SIGUSR1);
	turn(f);

	assert_int_equal(w.count, 1);
	assert_int_equal(rota_handle_close_now(&w.signal.handle), 0);
#else
	(void)state;
	skip_test("vfork(2) is not used here");
#endif
}

static void a_new_program_has_the_default(void **state)
{
	struct fixture *f = *state;
	struct watcher w;
	int status;
	pid_t child;

	watch_number(&w, f);

	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		execl("/bin/sh", "sh", "-c", "kill -USR1 $$; exit 0",
		      (char *)NULL);
		_exit(1);
	}
	while (waitpid(child, &status, 0) < 0)
		;

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGUSR1);
	assert_int_equal(rota_handle_close_now(&w.signal.handle), 0);
}

static void child_exits_are_counted(void **state)
{
	struct fixture *f = *state;
	struct rota_signal_info info = { .size = sizeof(info) };
	struct watcher w = { .f = f };
	int status;
	pid_t child;

	assert_int_equal(rota_signal_init(&w.signal, f->loop), 0);
	assert_int_equal(rota_signal_start_once(&w.signal, on_signal, SIGCHLD),
			 0);

	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(7);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(w.count, 1);
	assert_int_equal(rota_signal_get_info(&w.signal, &info), 0);
	assert_int_equal(info.pid, child);
	assert_int_equal(info.status, 7);
	assert_int_equal(waitpid(child, &status, 0), child); /* not reaped */
	assert_int_equal(rota_handle_close_now(&w.signal.handle), 0);
}

static const struct CMUnitTest tests[] = {
	REAL(until_the_loop_is_rebuilt_nothing_changes),
	REAL(a_rebuilt_loop_watches_in_the_child),
	REAL(a_callback_may_fork),
	REAL(a_callback_may_fork_and_rebuild_the_loop),
	REAL(a_child_forgets_the_loops_of_other_threads),
	REAL(a_rebuilt_loop_installs_what_is_not_there),
	REAL(a_description_is_of_this_process),
	REAL(a_delivery_to_a_child_of_vfork_is_not_the_parents),
	REAL(a_new_program_has_the_default),
	REAL(child_exits_are_counted),
};
FIXTURE_MAIN(tests)
