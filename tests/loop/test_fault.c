/*
 * Failures (F3): every system call and every allocation may fail. Then the
 * caller gets the error, nothing has changed, nothing leaks, and nothing is
 * lost.
 *
 * The sweeps make the first call of a scenario fail, then the second, and so
 * on, until a run meets no fault. During a sweep the test itself makes no call
 * that support/fault.h intercepts.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/probe.h"

enum { READABLE = ROTA_READABLE, WRITABLE = ROTA_WRITABLE };

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

/* put_byte(), by a call that is not intercepted. */
static void feed(int fd)
{
	struct iovec byte = { .iov_base = "x", .iov_len = 1 };

	assert_int_equal(writev(fd, &byte, 1), 1);
}

static const char *wait_call(struct fixture *f)
{
	if (poller_is(f, "epoll"))
		return "epoll_wait";
	return poller_is(f, "kqueue") ? "kevent" : "ppoll";
}

static void expect_new_fails(struct fixture *f, int system_error,
			     int (*arm)(struct fixture *f, unsigned nth,
					int error),
			     int (*disarm)(struct fixture *f))
{
	struct rota_loop *const untouched = (struct rota_loop *)(void *)f;
	struct rota_loop *loop = untouched;
	struct rota_loop_options options;
	int descriptors = count_descriptors();
	size_t bytes = f->memory.bytes;
	unsigned nth = 0;
	int error;

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	for (;;) {
		error = arm(f, ++nth, system_error);
		assert_int_equal(error, 0);
		error = rota_loop_new(&loop, &options);
		if (disarm(f) == 0)
			break;
		assert_int_equal(error, -system_error);
		assert_ptr_equal(loop, untouched);
		assert_int_equal(count_descriptors(), descriptors);
		assert_int_equal(f->memory.bytes, bytes);
	}
	assert_int_equal(error, 0);
	assert_true(nth > 1);
	assert_int_equal(rota_loop_close(loop), 0);
}

static int arm_call(struct fixture *f, unsigned nth, int error)
{
	(void)f;
	fault_fail_any(nth, error);
	return 0;
}

static int disarm_call(struct fixture *f)
{
	(void)f;
	return (int)fault_clear();
}

static int arm_allocation(struct fixture *f, unsigned nth, int error)
{
	(void)error;
	f->memory.failed = 0;
	f->memory.fail_at = f->memory.calls + nth;
	return 0;
}

static int disarm_allocation(struct fixture *f)
{
	f->memory.fail_at = 0;
	return (int)f->memory.failed;
}

static void making_a_loop_may_fail_at_every_call(void **state)
{
	struct fixture *f = *state;

	expect_new_fails(f, EMFILE, arm_call, disarm_call);
	expect_new_fails(f, ENFILE, arm_call, disarm_call);
	expect_new_fails(f, ENOMEM, arm_call, disarm_call);
}

static void making_a_loop_may_fail_at_every_allocation(void **state)
{
	struct fixture *f = *state;

	expect_new_fails(f, ENOMEM, arm_allocation, disarm_allocation);
}

/* The fork handler is registered with the first loop of a process. Here that
 * was the fixture's loop, so a failure could only be tested in a new process.
 * This test shows that a second loop does not register it again. */
static void forks_are_observed_once(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *loop;

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	fault_count_reset();

	assert_int_equal(rota_loop_new(&loop, &options), 0);

	assert_int_equal(fault_count("pthread_atfork"), 0);
	assert_int_equal(rota_loop_close(loop), 0);
}

static void bad_options_are_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *loop = NULL;
	size_t bytes = f->memory.bytes;

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	assert_int_equal(rota_loop_new(NULL, &options), ROTA_EINVAL);
	assert_int_equal(
		rota_loop_new_version(&loop, &options, ROTA_VERSION + 0x10000),
		ROTA_EINVAL);
	options.size = 3;
	assert_int_equal(rota_loop_new(&loop, &options), ROTA_EINVAL);
	fixture_options(f, (enum rota_clock)77, &options);
	assert_int_equal(rota_loop_new(&loop, &options), ROTA_EINVAL);
	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	options.backend = "abacus";
	assert_int_equal(rota_loop_new(&loop, &options), ROTA_ENOTSUP);

	assert_null(loop);
	assert_int_equal(f->memory.bytes, bytes);
}

/* D2: the first start for a descriptor. Each call and each allocation fails
 * once. */
static void starting_a_watch_may_fail(void **state)
{
	struct fixture *f = *state;
	struct probe probe;
	unsigned nth = 0;
	int fds[2];
	int error;

	make_socketpair(fds);
	feed(fds[1]);
	probe_init(&probe, f, fds[0]);
	for (;;) {
		fault_fail_any(++nth, ENOSPC);
		error = probe_try_start(&probe, READABLE);
		if (fault_clear() == 0)
			break;
		assert_int_equal(error, ROTA_ENOSPC);
		assert_false(rota_watch_is_active(&probe.watch));
		assert_false(rota_loop_alive(f->loop));
		turn(f);
	}

	assert_int_equal(error, 0);
	assert_int_equal(told(f, &probe), READABLE);
	assert_int_equal(probe.calls, 1);
	probe_stop(&probe);
	close_both(fds);
}

/* D2, F3: with high descriptors the tables must grow. Each step fails once, and
 * started watches are not affected. */
static void tables_that_cannot_grow_are_told(void **state)
{
	enum { HIGHEST = 900, STEP = 60 };
	struct fixture *f = *state;
	struct probe low, high;
	unsigned failures = 0;
	int fds[2], copy;

	need_descriptors(HIGHEST);
	make_pipe(fds);
	feed(fds[1]);
	probe_init(&low, f, fds[0]);
	probe_start(&low, READABLE);
	for (int from = STEP; from < HIGHEST; from += STEP) {
		int error = -1;

		copy = fcntl(fds[0], F_DUPFD_CLOEXEC, from);
		assert_int_not_equal(copy, -1);
		probe_init(&high, f, copy);
		for (unsigned nth = 1; error != 0; nth++) {
			arm_allocation(f, nth, 0);
			error = probe_try_start(&high, READABLE);
			if (disarm_allocation(f) == 0)
				break;
			assert_int_equal(error, ROTA_ENOMEM);
			assert_false(rota_watch_is_active(&high.watch));
			assert_int_equal(told(f, &low), READABLE);
			failures++;
		}
		assert_int_equal(error, 0);
		assert_int_equal(told(f, &high), READABLE);
		probe_stop(&high);
		close(copy);
	}

	assert_true(failures > 5);
	probe_stop(&low);
	close_both(fds);
}

static void count_quick(void *arg)
{
	++*(unsigned *)arg;
}

/* F3: of all nodes, only quick timers allocate. A failure is reported as 0. */
static void quick_timers_that_find_no_memory_say_so(void **state)
{
	enum { COUNT = 300 };
	struct fixture *f = *state;
	unsigned calls = 0, made = 0, failed = 0;
	uint64_t interval = 0;

	for (unsigned i = 0; i < COUNT; i++) {
		arm_allocation(f, 1 + i % 2, 0);
		if (rota_set_timeout(f->loop, count_quick, &calls,
				     ROTA_MSEC(1)) != 0)
			made++;
		if (rota_set_immediate(f->loop, count_quick, &calls) != 0)
			made++;
		failed += (unsigned)disarm_allocation(f);
	}
	while (interval == 0) {
		arm_allocation(f, 1, 0);
		interval = rota_set_interval(f->loop, count_quick, &calls,
					     ROTA_SEC(1));
		if (disarm_allocation(f) == 0)
			assert_true(interval != 0);
		else
			assert_true(interval == 0);
		if (interval == 0)
			interval = rota_set_interval(f->loop, count_quick,
						     &calls, ROTA_SEC(1));
	}
	rota_clear(f->loop, interval);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_true(failed > 0);
	assert_int_equal(calls, made);
}

/* A scenario with everything that the library does, on high descriptors. Each
 * step reports whether it succeeded. If so, its effect must follow. */
struct scenario {
	struct fixture *f;
	struct rota_loop *loop;
	struct probe probes[4];
	struct rota_timer timer;
	struct rota_task tasks[4];
	struct rota_async async;
	int fds[4];
	int expected; /* callbacks of started objects */
	int calls;
};

static struct scenario *playing;

static void on_timer(struct rota_timer *timer)
{
	(void)timer;
	playing->calls++;
}

static void on_task(struct rota_task *task)
{
	(void)task;
	playing->calls++;
}

static void on_async(struct rota_async *async)
{
	playing->calls++;
	rota_async_stop(async);
}

static void on_quick(void *arg)
{
	(void)arg;
	playing->calls++;
}

static void on_readable(struct probe *probe)
{
	playing->calls++;
	probe_stop(probe);
}

static void play_nodes(struct scenario *s)
{
	for (unsigned i = 0; i < 4; i++)
		rota_task_init(&s->tasks[i], s->loop);
	rota_timer_init(&s->timer, s->loop);
	rota_async_init(&s->async, s->loop);
	s->expected += !rota_timer_start(&s->timer, on_timer, ROTA_USEC(50));
	s->expected += !rota_task_next_tick(&s->tasks[0], on_task);
	s->expected += !rota_task_microtask(&s->tasks[1], on_task);
	s->expected += !rota_task_immediate(&s->tasks[2], on_task);
	s->expected += !rota_task_post(&s->tasks[3], on_task);
	s->expected += !rota_async_start(&s->async, on_async);
	assert_int_equal(rota_async_send(&s->async), 0);
	assert_int_equal(s->expected, 6); /* none of these can fail */
	s->expected +=
		rota_set_timeout(s->loop, on_quick, NULL, ROTA_USEC(90)) != 0;
	s->expected += rota_set_immediate(s->loop, on_quick, NULL) != 0;
}

static void play_watches(struct scenario *s)
{
	struct fixture f = { .loop = s->loop };

	for (unsigned i = 0; i < 4; i++) {
		probe_init(&s->probes[i], &f, s->fds[i]);
		s->probes[i].act = on_readable;
		if (probe_try_start(&s->probes[i], 0) != 0)
			continue;
		s->expected++;
		probe_start(&s->probes[i], WRITABLE);
		probe_start(&s->probes[i], READABLE);
	}
}

/* Run until nothing is alive. A wait that failed is tried again. */
static void play(struct scenario *s)
{
	struct rota_loop_options options;
	int status = -1;

	s->calls = s->expected = 0;
	playing = s;
	fixture_options(s->f, ROTA_CLOCK_MONOTONIC, &options);
	if (rota_loop_new(&s->loop, &options) < 0)
		return;
	play_nodes(s);
	play_watches(s);
	for (unsigned tries = 0; status != 0 && tries < 1000; tries++)
		status = rota_loop_run(s->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(status, 0);
	assert_int_equal(s->calls, s->expected);
	assert_int_equal(rota_loop_close(s->loop), 0);
}

static void scenario_begin(struct scenario *s, struct fixture *f)
{
	int fds[2];

	need_descriptors(700);
	s->f = f;
	make_pipe(fds);
	feed(fds[1]);
	for (int i = 0; i < 4; i++) {
		s->fds[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 20 + i * 200);
		assert_int_not_equal(s->fds[i], -1);
	}
	close_both(fds);
}

static void scenario_end(struct scenario *s)
{
	for (unsigned i = 0; i < 4; i++)
		close(s->fds[i]);
}

static void every_system_call_may_fail(void **state)
{
	static const int errors[] = { ENOMEM, EINTR, EMFILE, ENOSPC, EINVAL };
	struct scenario s;
	unsigned nth;

	scenario_begin(&s, *state);
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		int descriptors = count_descriptors();
		size_t bytes = s.f->memory.bytes;

		for (nth = 1; nth < 1000; nth++) {
			fault_fail_any(nth, errors[i]);
			play(&s);
			if (fault_clear() == 0)
				break;
			assert_int_equal(count_descriptors(), descriptors);
			assert_int_equal(s.f->memory.bytes, bytes);
		}
		assert_in_range(nth, 5, 999);
	}
	scenario_end(&s);
}

static void every_allocation_may_fail(void **state)
{
	struct scenario s;
	size_t bytes;
	unsigned nth;
	int descriptors;

	scenario_begin(&s, *state);
	descriptors = count_descriptors();
	bytes = s.f->memory.bytes;
	for (nth = 1; nth < 1000; nth++) {
		arm_allocation(s.f, nth, 0);
		play(&s);
		if (disarm_allocation(s.f) == 0)
			break;
		assert_int_equal(count_descriptors(), descriptors);
		assert_int_equal(s.f->memory.bytes, bytes);
	}
	assert_in_range(nth, 5, 999);
	scenario_end(&s);
}

static void stop_the_loop(struct rota_timer *timer)
{
	rota_loop_stop(timer->data);
}

/* T2: the run returns the error, and the awaited event comes later. */
static void a_wait_that_fails_is_told_by_run(void **state)
{
	struct fixture *f = *state;
	struct rota_timer timer;
	struct probe probe;
	int fds[2];

	make_pipe(fds);
	probe_init(&probe, f, fds[0]);
	probe_start(&probe, READABLE);
	turn(f);
	feed(fds[1]);
	rota_timer_init(&timer, f->loop);
	timer.data = f->loop;
	assert_int_equal(rota_timer_start(&timer, stop_the_loop, ROTA_SEC(50)),
			 0);

	for (unsigned i = 0; i < 3; i++) {
		fault_fail(wait_call(f), 1, ENOMEM);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT),
				 ROTA_ENOMEM);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(probe.calls, i);
		assert_int_equal(told(f, &probe), READABLE);
	}

	rota_timer_stop(&timer);
	probe_stop(&probe);
	close_both(fds);
}

/* An error of a closed descriptor that a failed wait could not report must not
 * be reported for the file that gets the number next. */
static void what_a_failed_wait_kept_is_not_the_next_file_s(void **state)
{
	struct fixture *f = *state;
	struct probe probe;
	int fds[2], next[2];

	make_pipe(fds);
	make_pipe(next);
	probe_init(&probe, f, fds[0]);
	probe_start(&probe, READABLE);
	turn(f);
	close(fds[0]);
	probe_start(&probe, READABLE);
	fault_fail(wait_call(f), 1, ENOMEM);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);

	assert_int_equal(dup2(next[0], fds[0]), fds[0]);
	probe_start(&probe, READABLE);
	turn(f);
	assert_int_equal(probe.calls, 0);
	feed(next[1]);
	assert_int_equal(told(f, &probe), READABLE);

	probe_stop(&probe);
	close_both(fds);
	close_both(next);
}

struct disturber {
	pthread_t thread, victim;
	atomic_bool done;
};

static void ignore_signal(int number)
{
	(void)number;
}

static void *disturb(void *arg)
{
	struct disturber *disturber = arg;
	struct timespec pause = { .tv_nsec = 300000 };

	while (!atomic_load(&disturber->done)) {
		pthread_kill(disturber->victim, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void count_timer(struct rota_timer *timer)
{
	++*(unsigned *)timer->data;
}

/* T3, C3: signal handlers interrupt waits. ROTA_RUN_ONCE continues until its
 * timer is called, which is not early. */
static void signals_do_not_end_a_run(void **state)
{
	struct fixture *f = *state;
	struct sigaction action = { .sa_handler = ignore_signal };
	struct disturber disturber = { .victim = pthread_self() };
	struct rota_timer timer;
	unsigned calls = 0;

	sigaction(SIGUSR1, &action, NULL);
	rota_timer_init(&timer, f->loop);
	timer.data = &calls;
	assert_int_equal(
		pthread_create(&disturber.thread, NULL, disturb, &disturber),
		0);
	for (unsigned i = 1; i <= 5; i++) {
		uint64_t began = real_now();

		assert_int_equal(
			rota_timer_start(&timer, count_timer, ROTA_MSEC(5)), 0);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);
		assert_int_equal(calls, i);
		assert_true(real_now() - began >= ROTA_MSEC(5));
	}
	atomic_store(&disturber.done, 1);
	pthread_join(disturber.thread, NULL);
	signal(SIGUSR1, SIG_DFL);
}

/* C9: without epoll_pwait2(2) one wait is rounded up. The loop does not
 * busy-wait for the rest. */
static void expect_rounded_up(struct fixture *f, int error)
{
	struct rota_loop_options options;
	struct rota_timer timer;
	struct rota_loop *loop;
	unsigned calls = 0;

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	assert_int_equal(rota_loop_new(&loop, &options), 0);
	rota_timer_init(&timer, loop);
	timer.data = &calls;
	fault_fail_from("epoll_pwait2", 1, error);
	fault_count_reset();
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(
			rota_timer_start(&timer, count_timer, ROTA_USEC(1500)),
			0);
		assert_int_equal(rota_loop_run(loop, ROTA_RUN_DEFAULT), 0);
	}
	fault_clear();

	assert_int_equal(calls, 3);
	assert_int_equal(fault_count("epoll_pwait2"), 1);
	assert_true(fault_count("epoll_wait") <= 6);
	assert_int_equal(rota_loop_close(loop), 0);
}

static void without_epoll_pwait2_timers_do_not_spin(void **state)
{
	struct fixture *f = *state;

	if (!poller_is(f, "epoll"))
		skip_test("only epoll has epoll_pwait2(2)");
	expect_rounded_up(f, ENOSYS);
	expect_rounded_up(f, EPERM);
}

static const struct CMUnitTest tests[] = {
	REAL(making_a_loop_may_fail_at_every_call),
	REAL(making_a_loop_may_fail_at_every_allocation),
	REAL(forks_are_observed_once),
	REAL(bad_options_are_refused),
	REAL(starting_a_watch_may_fail),
	REAL(tables_that_cannot_grow_are_told),
	VIRTUAL(quick_timers_that_find_no_memory_say_so),
	REAL(every_system_call_may_fail),
	REAL(every_allocation_may_fail),
	REAL(a_wait_that_fails_is_told_by_run),
	REAL(what_a_failed_wait_kept_is_not_the_next_file_s),
	REAL(signals_do_not_end_a_run),
	REAL(without_epoll_pwait2_timers_do_not_spin),
};

FIXTURE_MAIN(tests)
