/* system: linux */
/*
 * Timers of the wall clock in real time: the timerfd, a clock that is set (by a
 * double: support/wall.h), failing calls, forks, and a system without timerfds.
 */
#include "support/fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rota/wall_timer.h"
#include "support/child.h"
#include "support/fault.h"
#include "support/wall.h"

struct ring {
	struct rota_wall_timer timer;
	uint64_t due_ns;
	int64_t step_ns;
	unsigned calls;
	unsigned steps;
	unsigned early;
};

static void on_ring(struct rota_wall_timer *timer)
{
	struct ring *r = rota_container_of(timer, struct ring, timer);

	r->calls++;
	r->early +=
		rota_wall_now(timer->internal.timer.internal.loop) < r->due_ns;
}

static void on_ring_step(struct rota_wall_timer *timer, int64_t step_ns)
{
	struct ring *r = rota_container_of(timer, struct ring, timer);

	r->steps++;
	r->step_ns += step_ns;
}

static void init_ring(struct rota_loop *loop, struct ring *r)
{
	*r = (struct ring){ .calls = 0 };
	rota_wall_timer_init(&r->timer, loop);
	rota_wall_timer_on_step(&r->timer, on_ring_step);
}

static int start_ring(struct rota_loop *loop, struct ring *r, uint64_t delay_ns)
{
	r->due_ns = rota_wall_now(loop) + delay_ns;
	return rota_wall_timer_start_at(&r->timer, on_ring, r->due_ns);
}

static void a_real_alarm_is_not_early(void **state)
{
	struct fixture *f = *state;
	struct ring a, b, past;
	int before = count_descriptors();

	init_ring(f->loop, &a);
	init_ring(f->loop, &b);
	init_ring(f->loop, &past);
	assert_int_equal(start_ring(f->loop, &a, ROTA_MSEC(4)), 0);
	assert_int_equal(start_ring(f->loop, &b, ROTA_MSEC(2)), 0);
	assert_int_equal(rota_wall_timer_start_at(&past.timer, on_ring, 0), 0);
	assert_int_equal(count_descriptors(), before + 1);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(a.calls + b.calls + past.calls, 3);
	assert_int_equal(a.early + b.early + past.early, 0);
	assert_int_equal(count_descriptors(), before);
	assert_int_equal(rota_wall_set(f->loop, 1), ROTA_ENOTSUP);
}

/* The sleep is as long as it may be: nothing looks at the clock meanwhile. */
static void a_step_wakes_a_loop_that_sleeps_for_a_day(void **state)
{
	struct fixture *f = *state;
	struct ring day, week;

	init_ring(f->loop, &day);
	init_ring(f->loop, &week);
	assert_int_equal(start_ring(f->loop, &day, ROTA_SEC(86400)), 0);
	assert_int_equal(start_ring(f->loop, &week, ROTA_SEC(604800)), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_int_equal(day.calls + day.steps, 0);

	wall_step(ROTA_SEC(90000));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	while (day.calls == 0)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	assert_int_equal(day.steps, 1);
	assert_in_range(day.step_ns, ROTA_SEC(89999), ROTA_SEC(90001));
	assert_int_equal(day.early, 0);
	assert_int_equal(week.steps, 1);
	assert_int_equal(week.calls, 0);

	/* And back: it is as far away as ever. */
	wall_step(-(int64_t)ROTA_SEC(90000));
	while (week.steps < 2)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_int_equal(week.calls, 0);
	rota_wall_timer_stop(&week.timer);
	wall_restore();
}

/* After the machine has slept, the descriptor reports without a step. */
static void a_report_without_a_step_is_not_told(void **state)
{
	struct fixture *f = *state;
	struct ring a, soon;

	init_ring(f->loop, &a);
	init_ring(f->loop, &soon);
	assert_int_equal(start_ring(f->loop, &a, ROTA_SEC(86400)), 0);
	wall_step(0);
	assert_int_equal(start_ring(f->loop, &soon, ROTA_MSEC(1)), 0);
	while (soon.calls == 0)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	assert_int_equal(a.steps + a.calls + soon.steps, 0);
	rota_wall_timer_stop(&a.timer);
	wall_restore();
}

/* The timerfd reports the step once: to who arms it, if that is before it is
 * read. */
static void a_start_after_a_step_does_not_hide_it(void **state)
{
	struct fixture *f = *state;
	struct ring day, hour;

	init_ring(f->loop, &day);
	init_ring(f->loop, &hour);
	assert_int_equal(start_ring(f->loop, &day, ROTA_SEC(86400)), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	wall_step(ROTA_SEC(100));
	assert_int_equal(start_ring(f->loop, &hour, ROTA_SEC(3600)), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);

	assert_int_equal(day.steps, 1);
	assert_in_range(day.step_ns, ROTA_SEC(99), ROTA_SEC(101));
	assert_int_equal(hour.steps, 1);
	assert_int_equal(day.calls + hour.calls, 0);
	rota_wall_timer_stop(&day.timer);
	rota_wall_timer_stop(&hour.timer);
	wall_restore();
}

/* How many files the loop watches with epoll: see proc(5). */
static unsigned count_watched(struct rota_loop *loop)
{
	char path[64], line[256];
	unsigned count = 0;
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d",
		 rota_loop_backend_fd(loop));
	stream = fopen(path, "r");
	assert_non_null(stream);
	while (fgets(line, sizeof(line), stream) != NULL)
		count += strncmp(line, "tfd:", 4) == 0;
	fclose(stream);
	return count;
}

/* A forked child has such a descriptor. */
static void a_timerfd_with_other_descriptors_is_not_watched_on(void **state)
{
	struct fixture *f = *state;
	struct ring a;
	int copy;

	if (!poller_is(f, "epoll"))
		skip_test("only epoll keeps the file");
	init_ring(f->loop, &a);
	assert_int_equal(start_ring(f->loop, &a, ROTA_SEC(86400)), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	copy = dup(wall_descriptor());
	assert_true(copy >= 0);
	rota_wall_timer_stop(&a.timer);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
	/* Only now: after a look the loop removes what it closes. */
	assert_int_equal(count_watched(f->loop), 1); /* the wake-ups */
	close(copy);
	wall_restore();
}

static void expect_start_fails(struct fixture *f, const char *call, int error)
{
	int before = count_descriptors();
	struct ring a;

	init_ring(f->loop, &a);
	fault_fail(call, 1, error);
	assert_int_equal(start_ring(f->loop, &a, 0), -error);
	assert_int_equal(fault_clear(), 1);
	assert_false(rota_wall_timer_is_active(&a.timer));
	assert_int_equal(rota_loop_alive(f->loop), 0);
	assert_int_equal(count_descriptors(), before);
	assert_int_equal(start_ring(f->loop, &a, 0), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.calls, 1);
}

static void a_start_that_fails_changes_nothing(void **state)
{
	struct fixture *f = *state;

	expect_start_fails(f, "timerfd_create", EMFILE);
	expect_start_fails(f, "timerfd_create", ENFILE);
	expect_start_fails(f, "timerfd_create", ENOMEM);
	if (poller_is(f, "epoll"))
		expect_start_fails(f, "epoll_ctl", ENOSPC);
}

/* Then the loop looks at the clock by itself. */
static void without_a_timerfd_alarms_and_steps_come_all_the_same(void **state)
{
	struct fixture *f = *state;
	int before = count_descriptors();
	struct ring a, day;

	init_ring(f->loop, &a);
	init_ring(f->loop, &day);
	fault_fail("timerfd_create", 1, ENOSYS);
	assert_int_equal(start_ring(f->loop, &a, ROTA_MSEC(2)), 0);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(start_ring(f->loop, &day, ROTA_SEC(86400)), 0);
	assert_int_equal(count_descriptors(), before);
	while (a.calls == 0)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_int_equal(a.early, 0);

	wall_step(ROTA_SEC(86401));
	assert_int_equal(start_ring(f->loop, &a, 0), 0); /* look soon */
	while (day.calls == 0)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE) >= 0, 1);
	assert_int_equal(day.steps, 1);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	wall_restore();
}

struct forked {
	struct fixture *f;
	struct ring a;
	int fails;
};

static void use_in_child(void *arg)
{
	struct forked *in = arg;
	struct rota_loop *loop = in->f->loop;

	EXPECT(rota_wall_timer_start_at(&in->a.timer, on_ring, 0) ==
	       ROTA_ECHILD);
	if (in->fails)
		fault_fail("timerfd_create", 1, EMFILE);
	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(fault_clear() == (unsigned)in->fails);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(in->a.calls == 1 && in->a.early == 0);
}

static void step_in_child(void *arg)
{
	struct forked *in = arg;
	struct rota_loop *loop = in->f->loop;

	EXPECT(rota_loop_fork(loop) == 0);
	for (int i = 0; i < 2; i++)
		EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) == 1);
	EXPECT(in->a.steps == 1 && in->a.calls == 0);
}

/* The child's timerfd does not know of it. */
static void a_rebuilt_loop_finds_a_step_from_before_the_fork(void **state)
{
	struct forked in = { .f = *state };

	init_ring(in.f->loop, &in.a);
	assert_int_equal(start_ring(in.f->loop, &in.a, ROTA_SEC(86400)), 0);
	wall_step(ROTA_SEC(100));
	in_a_child(step_in_child, &in);
	rota_wall_timer_stop(&in.a.timer);
	wall_restore();
}

/* F2: the child has a timerfd of its own, or does without. */
static void a_rebuilt_loop_rings_and_so_does_the_parent(void **state)
{
	struct forked in = { .f = *state };

	for (in.fails = 0; in.fails < 2; in.fails++) {
		init_ring(in.f->loop, &in.a);
		assert_int_equal(start_ring(in.f->loop, &in.a, ROTA_MSEC(3)),
				 0);
		in_a_child(use_in_child, &in);
		assert_int_equal(in.a.calls, 0);
		assert_int_equal(rota_loop_run(in.f->loop, ROTA_RUN_DEFAULT),
				 0);
		assert_int_equal(in.a.calls, 1);
	}
}

static void stop_in_child(void *arg)
{
	struct forked *in = arg;

	rota_wall_timer_stop(&in->a.timer);
	EXPECT(!rota_wall_timer_is_active(&in->a.timer));
}

/* A stop in a child that does not rebuild the loop leaves the parent's timerfd
 * as it is. */
static void a_stop_in_a_child_does_not_disturb_the_parent(void **state)
{
	struct forked in = { .f = *state };

	init_ring(in.f->loop, &in.a);
	assert_int_equal(start_ring(in.f->loop, &in.a, ROTA_MSEC(3)), 0);
	in_a_child(stop_in_child, &in);
	assert_int_equal(rota_loop_run(in.f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(in.a.calls, 1);
}

static void use_virtual_in_child(void *arg)
{
	struct forked *in = arg;
	struct rota_loop *loop = in->f->loop;

	fault_count_reset();
	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(in->a.calls == 1 && in->a.early == 0);
	EXPECT(fault_count("timerfd_create") == 0);
}

static void a_rebuilt_virtual_loop_needs_no_timerfd(void **state)
{
	struct forked in = { .f = *state };

	init_ring(in.f->loop, &in.a);
	assert_int_equal(start_ring(in.f->loop, &in.a, ROTA_SEC(3600)), 0);
	in_a_child(use_virtual_in_child, &in);
	rota_wall_timer_stop(&in.a.timer);
}

/* The timerfd reports by an error that the clock was set. A signal may come in
 * between. */
static void a_timerfd_is_read_once_and_after_a_signal_again(void **state)
{
	static const int errors[] = { EINTR, ECANCELED };
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		struct ring a;

		init_ring(f->loop, &a);
		assert_int_equal(start_ring(f->loop, &a, 0), 0);
		fault_count_reset();
		if (errors[i] == EINTR)
			fault_fail("read", 1, EINTR);
		else
			fault_fail_from("read", 1, ECANCELED);
		assert_in_range(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0, 1);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(fault_count("read"),
				 errors[i] == EINTR ? 2 : 1);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
		assert_int_equal(a.calls, 1);
	}
}

/* Two alarms that are due all the time. The first that is called forks, and in
 * the child rebuilds the loop. */
struct pair_of_rings {
	struct fixture *f;
	struct ring of[2];
	int in_step; /* fork when told of a step */
	pid_t child; /* -1: not yet */
};

static struct pair_of_rings *the_pair;

static void fork_and_rebuild(void)
{
	if (the_pair->child != -1)
		return;
	the_pair->child = child_fork();
	if (the_pair->child == 0)
		EXPECT(rota_loop_fork(the_pair->f->loop) == 0);
	else
		expect_success(the_pair->child);
}

static void on_pair_ring(struct rota_wall_timer *timer)
{
	on_ring(timer);
	if (!the_pair->in_step)
		fork_and_rebuild();
	(void)rota_wall_timer_start_at(timer, on_pair_ring, 1);
}

static void on_pair_step(struct rota_wall_timer *timer, int64_t step_ns)
{
	on_ring_step(timer, step_ns);
	fork_and_rebuild();
}

/* Run two turns, in the first of which the callback forks. A child gets the
 * alarms as if it had been the parent. */
static void run_pair(struct fixture *f, int in_step)
{
	struct pair_of_rings pair = { .f = f, .in_step = in_step, .child = -1 };

	the_pair = &pair;
	for (int i = 0; i < 2; i++) {
		init_ring(f->loop, &pair.of[i]);
		rota_wall_timer_on_step(&pair.of[i].timer, on_pair_step);
		(void)rota_wall_timer_start_at(&pair.of[i].timer, on_pair_ring,
					       1);
	}
	if (in_step)
		(void)rota_wall_set(f->loop, rota_wall_now(f->loop) + 1000);
	for (unsigned turn = 1; turn <= 2; turn++) {
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
		for (int i = 0; i < 2 && pair.child == 0; i++) {
			EXPECT(pair.of[i].calls == turn);
			EXPECT(pair.of[i].steps == (unsigned)in_step);
		}
	}
	if (pair.child == 0)
		child_ends();
	assert_int_equal(pair.of[0].calls + pair.of[1].calls, 4);
	assert_int_equal(pair.of[0].steps + pair.of[1].steps, 2 * in_step);
	for (int i = 0; i < 2; i++)
		rota_wall_timer_stop(&pair.of[i].timer);
}

/* F2, T8 */
static void a_callback_may_fork_and_rebuild_the_loop(void **state)
{
	run_pair(*state, 0);
}

static void a_step_function_may_fork_and_rebuild_the_loop(void **state)
{
	run_pair(*state, 1);
}

static const struct CMUnitTest tests[] = {
	REAL(a_real_alarm_is_not_early),
	REAL(a_step_wakes_a_loop_that_sleeps_for_a_day),
	REAL(a_report_without_a_step_is_not_told),
	REAL(a_start_after_a_step_does_not_hide_it),
	REAL(a_timerfd_with_other_descriptors_is_not_watched_on),
	REAL(a_start_that_fails_changes_nothing),
	REAL(without_a_timerfd_alarms_and_steps_come_all_the_same),
	REAL(a_rebuilt_loop_rings_and_so_does_the_parent),
	REAL(a_rebuilt_loop_finds_a_step_from_before_the_fork),
	REAL(a_stop_in_a_child_does_not_disturb_the_parent),
	VIRTUAL(a_callback_may_fork_and_rebuild_the_loop),
	VIRTUAL(a_step_function_may_fork_and_rebuild_the_loop),
	VIRTUAL(a_rebuilt_virtual_loop_needs_no_timerfd),
	REAL(a_timerfd_is_read_once_and_after_a_signal_again),
};

FIXTURE_MAIN(tests)
