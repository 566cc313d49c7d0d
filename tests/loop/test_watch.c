/*
 * Watches: what can be watched, and the effects of start, change, pause and
 * stop. Several watches at a time are tested in test_watch_share.c.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/probe.h"

enum {
	READABLE = ROTA_READABLE,
	WRITABLE = ROTA_WRITABLE,
	PRIORITY = ROTA_PRIORITY,
	DISCONNECT = ROTA_DISCONNECT,
};

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

/* D4 */
static void a_watch_is_told_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct probe reader, writer;
	int fds[2];

	make_pipe(fds);
	probe_init(&reader, f, fds[0]);
	probe_init(&writer, f, fds[1]);
	probe_start(&reader, READABLE);
	probe_start(&writer, WRITABLE);

	assert_int_equal(told(f, &reader), 0);
	assert_int_equal(writer.events, WRITABLE);
	put_byte(fds[1]);
	assert_int_equal(told(f, &reader), READABLE);

	probe_stop(&reader);
	probe_stop(&writer);
	close_both(fds);
}

/* D4: watches are level-triggered. */
static void what_is_not_consumed_is_told_again(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	make_pipe(fds);
	probe_init(&reader, f, fds[0]);
	probe_start(&reader, READABLE);
	put_byte(fds[1]);

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(told(f, &reader), READABLE);
	take_byte(fds[0]);
	assert_int_equal(told(f, &reader), 0);
	put_byte(fds[1]);
	assert_int_equal(told(f, &reader), READABLE);

	assert_int_equal(reader.calls, 6);
	probe_stop(&reader);
	close_both(fds);
}

/* T3, L1 */
static void a_started_watch_keeps_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	make_pipe(fds);
	probe_init(&reader, f, fds[0]);
	assert_false(rota_loop_alive(f->loop));
	probe_start(&reader, READABLE);
	put_byte(fds[1]);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_int_equal(reader.calls, 1);
	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);

	probe_stop(&reader);
	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	close_both(fds);
}

/* L2: if unreferenced, it is called only while something else is alive. But it
 * is started, so the loop cannot be closed (O5). */
static void an_unreferenced_watch_does_not_keep_it_alive(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	make_pipe(fds);
	probe_init(&reader, f, fds[0]);
	assert_true(rota_watch_has_ref(&reader.watch));
	rota_watch_unref(&reader.watch);
	rota_watch_unref(&reader.watch);
	probe_start(&reader, READABLE);
	put_byte(fds[1]);

	assert_false(rota_watch_has_ref(&reader.watch));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(reader.calls, 0);
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	assert_true(waits_within(f, 1) > 0);
	assert_true(reader.calls > 0);
	rota_watch_ref(&reader.watch);
	assert_true(rota_loop_alive(f->loop));

	probe_stop(&reader);
	assert_false(rota_loop_alive(f->loop));
	close_both(fds);
}

static void getters_tell_the_state_of_a_watch(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	make_pipe(fds);
	probe_init(&reader, f, fds[0]);

	assert_int_equal(rota_watch_fd(&reader.watch), fds[0]);
	assert_false(rota_watch_is_active(&reader.watch));
	probe_start(&reader, READABLE);
	assert_true(rota_watch_is_active(&reader.watch));
	probe_start(&reader, 0);
	assert_true(rota_watch_is_active(&reader.watch));
	probe_stop(&reader);
	assert_false(rota_watch_is_active(&reader.watch));
	probe_stop(&reader);
	assert_false(rota_watch_is_active(&reader.watch));

	close_both(fds);
}

/* F3: after each error the watch is still stopped. The fixture can close the
 * loop. */
static void arguments_that_mean_nothing_are_refused(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	make_pipe(fds);
	probe_init(&reader, f, fds[0]);

	assert_int_equal(rota_watch_start(&reader.watch, NULL, READABLE),
			 ROTA_EINVAL);
	assert_int_equal(probe_try_start(&reader, 1 << 4), ROTA_EINVAL);
	assert_int_equal(probe_try_start(&reader, READABLE | 1u << 8),
			 ROTA_EINVAL);
	assert_int_equal(probe_try_start(&reader, UINT_MAX), ROTA_EINVAL);
	assert_false(rota_watch_is_active(&reader.watch));

	close_both(fds);
}

/* F3: a refused change leaves the watch with its old mask. */
static void a_refused_change_leaves_the_watch_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	make_pipe(fds);
	probe_init(&reader, f, fds[0]);
	probe_start(&reader, READABLE);

	assert_int_equal(rota_watch_start(&reader.watch, NULL, WRITABLE),
			 ROTA_EINVAL);
	assert_int_equal(probe_try_start(&reader, 1 << 5), ROTA_EINVAL);
	put_byte(fds[1]);

	assert_int_equal(told(f, &reader), READABLE);
	probe_stop(&reader);
	close_both(fds);
}

/* D2: the call itself returns the error, even for an empty mask. */
static void a_descriptor_that_is_not_open_is_refused(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];
	int bad[6] = { -1, INT_MIN, INT_MAX, 1 << 20, 0, 0 };

	make_pipe(fds);
	close_both(fds);
	bad[4] = fds[0];
	bad[5] = fds[1];

	for (unsigned i = 0; i < 6; i++) {
		probe_init(&reader, f, bad[i]);
		assert_int_equal(probe_try_start(&reader, READABLE),
				 ROTA_EBADF);
		assert_int_equal(probe_try_start(&reader, 0), ROTA_EBADF);
		assert_false(rota_watch_is_active(&reader.watch));
		probe_stop(&reader);
	}

	assert_false(rota_loop_alive(f->loop));
	turn(f);
}

static void close_it(void *arg)
{
	close(*(int *)arg);
}

/* D2: closed between the check and the registration. */
static void a_descriptor_that_is_closed_meanwhile_is_refused(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	if (poller_is(f, "poll"))
		skip_test("poll(2) registers nothing");
	make_pipe(fds);
	probe_init(&reader, f, fds[0]);
	fault_call_before(poller_is(f, "epoll") ? "epoll_ctl" : "kevent", 1,
			  close_it, &fds[0]);

	assert_int_equal(probe_try_start(&reader, READABLE), ROTA_EBADF);

	assert_int_equal(fault_clear(), 1);
	assert_false(rota_watch_is_active(&reader.watch));
	close(fds[1]);
}

static void expect_not_watchable(struct fixture *f, int fd)
{
	struct probe probe;

	assert_int_not_equal(fd, -1);
	probe_init(&probe, f, fd);
	for (unsigned events = 0; events < 16; events++)
		if (!(events & PRIORITY))
			assert_int_equal(probe_try_start(&probe, events),
					 ROTA_EPERM);
	assert_false(rota_watch_is_active(&probe.watch));
	close(fd);
}

/* D4: the same on every poller, even where the kernel would report "ready". */
static void regular_files_and_directories_are_refused(void **state)
{
	struct fixture *f = *state;
	char name[] = "/tmp/rota-test-XXXXXX";

	expect_not_watchable(f, mkstemp(name));
	expect_not_watchable(f, open(name, O_RDONLY | O_CLOEXEC));
	expect_not_watchable(f, open("/", O_RDONLY | O_CLOEXEC));

	unlink(name);
	turn(f);
}

/* D2, F3: a refused watch can be started when its descriptor is valid. */
static void a_refused_watch_can_be_started_later(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	make_pipe(fds);
	close_both(fds);
	probe_init(&reader, f, fds[0]);
	assert_int_equal(probe_try_start(&reader, READABLE), ROTA_EBADF);

	make_pipe(fds);
	assert_int_equal(rota_watch_fd(&reader.watch), fds[0]);
	probe_start(&reader, READABLE);
	put_byte(fds[1]);

	assert_int_equal(told(f, &reader), READABLE);
	probe_stop(&reader);
	close_both(fds);
}

/* The events of a socket whose peer has sent a byte, and if @half_closed has
 * also shut down its writing side. */
static void try_all_changes(struct fixture *f, int turns_between,
			    int half_closed)
{
	unsigned there = READABLE | WRITABLE | (half_closed ? DISCONNECT : 0u);
	struct probe probe;
	int fds[2];

	make_socketpair(fds);
	put_byte(fds[1]);
	if (half_closed)
		assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
	for (unsigned change = 0; change < 16 * 16; change++) {
		unsigned from = change % 16, to = change / 16;

		if ((from | to) & PRIORITY)
			continue;
		probe_init(&probe, f, fds[0]);
		probe_start(&probe, from);
		if (turns_between)
			assert_int_equal(told(f, &probe), from & there);
		probe_start(&probe, to);
		assert_int_equal(told(f, &probe), to & there);
		assert_int_equal(told(f, &probe), to & there);
		probe_stop(&probe);
		assert_int_equal(told(f, &probe), 0);
	}
	close_both(fds);
}

/* D4: a start with another mask changes it, from any mask to any other. */
static void a_start_with_another_mask_changes_it(void **state)
{
	struct fixture *f = *state;

	try_all_changes(f, 1, 0);
	try_all_changes(f, 0, 0);
	try_all_changes(f, 1, 1);
	try_all_changes(f, 0, 1);
}

static void count_in_data(struct rota_watch *watch, unsigned events)
{
	(void)events;
	++*(unsigned *)watch->data;
}

/* D4 */
static void a_start_replaces_the_callback(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	unsigned calls = 0;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	probe_init(&reader, f, fds[0]);
	reader.watch.data = &calls;
	probe_start(&reader, READABLE);

	assert_int_equal(
		rota_watch_start(&reader.watch, count_in_data, READABLE), 0);
	turn(f);

	assert_int_equal(reader.calls, 0);
	assert_int_equal(calls, 1);
	probe_stop(&reader);
	close_both(fds);
}

/* D2, D4: starts with the same mask, and changes that are undone before the
 * wait, make one system call for the descriptor, however many there are. They
 * need that call because the file may have changed. */
static void what_does_not_change_costs_one_call(void **state)
{
	struct fixture *f = *state;
	struct probe first, second;
	unsigned calls;
	int fds[2];

	make_socketpair(fds);
	probe_init(&first, f, fds[0]);
	probe_init(&second, f, fds[0]);
	probe_start(&first, READABLE);
	turn(f);
	fault_count_reset();

	probe_start(&first, READABLE);
	probe_start(&first, READABLE | WRITABLE);
	probe_start(&first, 0);
	probe_start(&first, READABLE);
	probe_start(&second, READABLE);
	calls = fault_count(NULL);
	turn(f);

	assert_int_equal(calls, 1);
	assert_int_equal(fault_count("epoll_ctl"), poller_is(f, "epoll"));
	assert_int_equal(fault_count("kevent"), poller_is(f, "kqueue"));
	probe_stop(&first);
	probe_stop(&second);
	close_both(fds);
}

/* D2: a start with an empty mask pauses a watch. No mask hides a pending
 * hang-up from poll(2) and epoll, but it must not keep the loop from
 * sleeping. */
static void a_paused_watch_is_told_nothing_and_does_not_spin(void **state)
{
	struct fixture *f = *state;
	struct probe paused;
	int fds[2];

	make_socketpair(fds);
	put_byte(fds[1]);
	close(fds[1]);
	probe_init(&paused, f, fds[0]);
	probe_start(&paused, READABLE);
	assert_int_equal(told(f, &paused), READABLE);

	probe_start(&paused, 0);

	assert_true(waits_within(f, 5) <= 4);
	assert_int_equal(paused.calls, 1);
	assert_true(rota_loop_alive(f->loop));
	probe_start(&paused, READABLE);
	assert_int_equal(told(f, &paused), READABLE);
	probe_stop(&paused);
	close(fds[0]);
}

/* D2: the same for a watch that was started paused, and a hang-up that comes
 * later. */
static void a_watch_may_be_started_paused(void **state)
{
	struct fixture *f = *state;
	struct probe paused;
	int fds[2];

	make_pipe(fds);
	probe_init(&paused, f, fds[0]);
	probe_start(&paused, 0);
	turn(f);
	put_byte(fds[1]);
	close(fds[1]);

	assert_true(waits_within(f, 5) <= 4);
	assert_int_equal(paused.calls, 0);
	probe_start(&paused, READABLE);
	assert_int_equal(told(f, &paused), READABLE);

	probe_stop(&paused);
	close(fds[0]);
}

/* O5 */
static void a_loop_can_be_closed_with_a_stopped_watch(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	make_pipe(fds);
	probe_init(&reader, f, fds[0]);
	probe_start(&reader, READABLE);
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	probe_stop(&reader);

	assert_int_equal(rota_loop_close(f->loop), 0);

	f->loop = NULL;
	close_both(fds);
}

static void start_a_watch(struct rota_task *task)
{
	struct probe *probe = task->data;

	assert_int_equal(probe_try_start(probe, READABLE), ROTA_ESHUTDOWN);
	probe->calls++;
}

/* O5: a shutdown stops watches, and none can be started. */
static void a_shutdown_stops_watches_and_refuses_new_ones(void **state)
{
	struct fixture *f = *state;
	struct probe first, second;
	struct rota_task task;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	probe_init(&first, f, fds[0]);
	probe_init(&second, f, fds[0]);
	probe_start(&first, READABLE);
	rota_task_init(&task, f->loop);
	task.data = &second;
	assert_int_equal(rota_task_immediate(&task, start_a_watch), 0);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_int_equal(first.calls, 0);
	assert_int_equal(second.calls, 1);
	assert_false(rota_watch_is_active(&first.watch));
	close_both(fds);
}

/* Signals that neither cmocka nor a sanitizer handles. */
static const int signals[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE,
			       SIGALRM, SIGTERM, SIGUSR1, SIGUSR2,
			       SIGCHLD, SIGURG,  SIGIO };

enum { SIGNAL_COUNT = sizeof(signals) / sizeof(signals[0]) };

static void read_actions(struct sigaction actions[])
{
	for (unsigned i = 0; i < SIGNAL_COUNT; i++)
		assert_int_equal(sigaction(signals[i], NULL, &actions[i]), 0);
}

/* D5: linking and using the library changes no signal disposition. */
static void no_disposition_is_touched(void **state)
{
	struct sigaction before[SIGNAL_COUNT], after[SIGNAL_COUNT];
	struct rota_loop_options options;
	struct fixture f = { 0 };
	struct probe reader;
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	read_actions(before);

	rota_loop_options_init(&options);
	assert_int_equal(rota_loop_new(&f.loop, &options), 0);
	make_pipe(fds);
	put_byte(fds[1]);
	probe_init(&reader, &f, fds[0]);
	probe_start(&reader, READABLE);
	turn(&f);
	read_actions(after);
	probe_stop(&reader);
	assert_int_equal(rota_loop_close(f.loop), 0);

	for (unsigned i = 0; i < SIGNAL_COUNT; i++)
		assert_true(before[i].sa_handler == after[i].sa_handler);
	read_actions(after);
	for (unsigned i = 0; i < SIGNAL_COUNT; i++)
		assert_true(before[i].sa_handler == after[i].sa_handler);
	signal(SIGPIPE, SIG_IGN);
	close_both(fds);
}

static const struct CMUnitTest tests[] = {
	REAL(a_watch_is_told_what_is_there),
	REAL(what_is_not_consumed_is_told_again),
	REAL(a_started_watch_keeps_the_loop_alive),
	REAL(an_unreferenced_watch_does_not_keep_it_alive),
	REAL(getters_tell_the_state_of_a_watch),
	REAL(arguments_that_mean_nothing_are_refused),
	REAL(a_refused_change_leaves_the_watch_as_it_was),
	REAL(a_descriptor_that_is_not_open_is_refused),
	REAL(a_descriptor_that_is_closed_meanwhile_is_refused),
	REAL(regular_files_and_directories_are_refused),
	REAL(a_refused_watch_can_be_started_later),
	REAL(a_start_with_another_mask_changes_it),
	REAL(a_start_replaces_the_callback),
	REAL(what_does_not_change_costs_one_call),
	REAL(a_paused_watch_is_told_nothing_and_does_not_spin),
	REAL(a_watch_may_be_started_paused),
	REAL(a_loop_can_be_closed_with_a_stopped_watch),
	REAL(a_shutdown_stops_watches_and_refuses_new_ones),
	cmocka_unit_test(no_disposition_is_touched),
};

FIXTURE_MAIN(tests)
