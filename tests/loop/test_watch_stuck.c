/*
 * A poller that cannot start over, because no descriptor is left, while events
 * of a closed descriptor keep coming (F3). Only epoll has to start over.
 */
#include "support/fixture.h"

#include <errno.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"

struct stuck {
	struct fixture *f;
	struct probe other; /* a watch of its own, of a pipe */
	int others[2];
	int fds[2];    /* of another pipe, with a byte in it */
	int duplicate; /* of fds[0], which was closed while it was watched */
};

static void stuck_begin(struct stuck *s, struct fixture *f)
{
	struct probe gone;

	s->f = f;
	make_pipe(s->others);
	probe_init(&s->other, f, s->others[0]);
	probe_start(&s->other, ROTA_READABLE);
	make_pipe(s->fds);
	s->duplicate = dup(s->fds[0]);
	assert_int_not_equal(s->duplicate, -1);
	put_byte(s->fds[1]);
	probe_init(&gone, f, s->fds[0]);
	probe_start(&gone, ROTA_READABLE);
	close(s->fds[0]);
	probe_stop(&gone);
	fault_fail_from("epoll_create1", 1, EMFILE);
	for (unsigned i = 0; i < 3; i++)
		turn(f);
}

static void stuck_end(struct stuck *s)
{
	fault_clear();
	probe_stop(&s->other);
	close(s->others[0]);
	close(s->others[1]);
	close(s->fds[1]);
	close(s->duplicate);
}

/* The loop sleeps for most of the time, and tries again now and then. */
static void a_loop_that_cannot_start_over_sleeps_all_the_same(void **state)
{
	struct fixture *f = *state;
	unsigned tries;
	struct stuck s;

	stuck_begin(&s, f);
	fault_clear();
	fault_fail_from("epoll_create1", 1, EMFILE);

	assert_in_range(waits_within(f, 100), 1, 40);
	tries = fault_clear();

	if (poller_is(f, "epoll"))
		assert_in_range(tries, 1, 40);
	assert_int_equal(s.other.calls, 0);
	stuck_end(&s);
}

/* Once there is a descriptor, it starts over, and then sleeps undisturbed. */
static void it_starts_over_as_soon_as_it_can(void **state)
{
	struct fixture *f = *state;
	struct stuck s;
	uint64_t stale;

	stuck_begin(&s, f);
	waits_within(f, 20);
	fault_clear();
	fault_count_reset();

	waits_within(f, 30);
	stale = stats_of(f->loop).stale;
	assert_in_range(waits_within(f, 20), 1, 8);

	assert_int_equal(stats_of(f->loop).stale, stale);
	assert_int_equal(fault_count("epoll_create1"), poller_is(f, "epoll"));
	put_byte(s.others[1]);
	assert_int_equal(told(f, &s.other), ROTA_READABLE);
	stuck_end(&s);
}

/* The same if the closed file has fallen silent. */
static void it_sleeps_undisturbed_once_the_file_is_silent(void **state)
{
	struct fixture *f = *state;
	struct stuck s;

	stuck_begin(&s, f);
	waits_within(f, 20);
	take_byte(s.duplicate);
	waits_within(f, 30);
	fault_count_reset();

	assert_in_range(waits_within(f, 20), 1, 8);

	assert_int_equal(fault_count("epoll_create1"), 0);
	stuck_end(&s);
}

static void stop_loop(struct probe *probe)
{
	take_byte(probe->watch.internal.fd);
	if (probe->calls == 20)
		rota_loop_stop(probe->loop);
	else
		put_byte(*(int *)probe->arg);
}

/* Events of the other descriptors are called, one after another. */
static void events_are_called_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct stuck s;

	stuck_begin(&s, f);
	s.other.act = stop_loop;
	s.other.arg = &s.others[1];
	put_byte(s.others[1]);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 1);

	assert_int_equal(s.other.calls, 20);
	stuck_end(&s);
}

static void note_rest(void *arg)
{
	*(int64_t *)arg = fault_waited_ns();
}

static void do_nothing(struct rota_timer *timer)
{
	(void)timer;
}

/* C4: a rest ends when the next timer is due. */
static void no_timer_is_late_because_of_a_rest(void **state)
{
	struct fixture *f = *state;
	struct rota_timer timer;
	int64_t asked_ns = -1;
	struct stuck s;

	stuck_begin(&s, f);
	if (!poller_is(f, "epoll")) {
		stuck_end(&s);
		skip_test("only epoll has to start over");
	}
	fault_call_before("ppoll", 1, note_rest, &asked_ns);
	rota_timer_init(&timer, f->loop);
	while (asked_ns < 0) { /* a busy machine is late by itself */
		assert_int_equal(
			rota_timer_start(&timer, do_nothing, ROTA_MSEC(2)), 0);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	}

	assert_in_range(asked_ns, 1, ROTA_MSEC(2));
	stuck_end(&s);
}

/* C10 */
static void a_virtual_clock_goes_on(void **state)
{
	struct fixture *f = *state;
	struct rota_timer timer;
	struct stuck s;

	stuck_begin(&s, f);
	rota_watch_unref(&s.other.watch);
	rota_timer_init(&timer, f->loop);
	assert_int_equal(rota_timer_start(&timer, do_nothing, ROTA_SEC(3600)),
			 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_true(rota_loop_now(f->loop) - f->start_ns >= ROTA_SEC(3600));
	stuck_end(&s);
}

static void count_lock(struct rota_loop *loop, void *arg)
{
	(void)loop;
	++*(unsigned *)arg;
}

/* F1: the lock is released during a rest as well. */
static void a_rest_releases_the_lock(void **state)
{
	struct fixture *f = *state;
	unsigned calls = 0;
	struct stuck s;

	assert_int_equal(
		rota_loop_set_lock(f->loop, count_lock, count_lock, &calls), 0);
	stuck_begin(&s, f);

	assert_in_range(waits_within(f, 50), 1, 30);

	assert_int_equal(calls, 2 * stats_of(f->loop).waits);
	assert_int_equal(rota_loop_set_lock(f->loop, NULL, NULL, NULL), 0);
	assert_in_range(waits_within(f, 50), 1, 30);
	assert_int_equal(s.other.calls, 0);
	stuck_end(&s);
}

static void expect_no_rest(void *arg)
{
	struct stuck *s = arg;
	struct rota_loop *loop = s->f->loop;

	EXPECT(rota_loop_fork(loop) == 0);
	fault_count_reset();
	put_byte(s->others[1]);
	EXPECT(rota_loop_run(loop, ROTA_RUN_ONCE) == 1);
	EXPECT(s->other.calls == 1);
	EXPECT(poller_is(s->f, "poll") || fault_count("ppoll") == 0);
}

/* F2: the poller of a forked child is a new one. */
static void a_forked_child_does_not_rest(void **state)
{
	struct fixture *f = *state;
	struct stuck s;

	stuck_begin(&s, f);
	waits_within(f, 20);
	fault_clear();

	in_a_child(expect_no_rest, &s);

	stuck_end(&s);
}

static const struct CMUnitTest tests[] = {
	REAL(a_loop_that_cannot_start_over_sleeps_all_the_same),
	REAL(it_starts_over_as_soon_as_it_can),
	REAL(it_sleeps_undisturbed_once_the_file_is_silent),
	REAL(events_are_called_meanwhile),
	REAL(no_timer_is_late_because_of_a_rest),
	VIRTUAL(a_virtual_clock_goes_on),
	REAL(a_rest_releases_the_lock),
	REAL(a_forked_child_does_not_rest),
};

FIXTURE_MAIN(tests)
