/*
 * Slack of timers: when the loop wakes up, and in which order timers are
 * called. In virtual time a call is exactly when the loop woke up.
 *
 * The random part compares with a model: the loop sleeps until the first end
 * (due time and slack), and then calls all that are due. No smaller number of
 * times meets all the intervals. ROTA_TEST_SEED repeats it.
 */
#include "support/fixture.h"

#include <string.h>

enum { MANY = 100, RANDOM = 60 };

struct late_timer {
	struct rota_timer timer;
	uint64_t due_ns;
	uint64_t slack_ns;
	uint64_t called_ns; /* 0: not yet */
	unsigned calls;
	unsigned most; /* it stops after so many */
};

/* What the calls of a test have in common. */
static struct {
	uint64_t last_call_ns;
	uint64_t last_due_ns;
	unsigned wakes; /* different times of calls */
	unsigned wrong;
} seen;

static void on_late(struct rota_timer *timer)
{
	struct late_timer *t =
		rota_container_of(timer, struct late_timer, timer);
	uint64_t now_ns = rota_loop_now(timer->internal.loop);

	if (now_ns != seen.last_call_ns)
		seen.wakes++;
	else if (t->due_ns < seen.last_due_ns)
		seen.wrong++; /* C5 */
	if (now_ns < t->due_ns)
		seen.wrong++; /* C3 */
	seen.last_call_ns = now_ns;
	seen.last_due_ns = t->due_ns;
	t->called_ns = now_ns;
	if (++t->calls == t->most)
		rota_timer_stop(timer);
}

static void begin_late(struct fixture *f, struct late_timer *t,
		       uint64_t delay_ns, uint64_t slack_ns)
{
	memset(t, 0, sizeof(*t));
	t->due_ns = f->start_ns + delay_ns;
	t->slack_ns = slack_ns;
	rota_timer_init(&t->timer, f->loop);
	rota_timer_set_slack(&t->timer, slack_ns);
	assert_int_equal(rota_timer_start_at(&t->timer, on_late, t->due_ns), 0);
}

static void run_to_end(struct fixture *f)
{
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(seen.wrong, 0);
}

static void expect_call(struct fixture *f, const struct late_timer *t,
			uint64_t after_ns)
{
	assert_int_equal(t->called_ns - f->start_ns, after_ns);
}

static void timers_that_may_wait_are_called_together(void **state)
{
	struct fixture *f = *state;
	struct late_timer a, b, c;

	begin_late(f, &a, 1000, 500);
	begin_late(f, &b, 1400, 1000);
	begin_late(f, &c, 1501, 1000);

	run_to_end(f);

	expect_call(f, &a, 1500); /* its end */
	expect_call(f, &b, 1500); /* it was due */
	expect_call(f, &c, 2501); /* it was not */
}

/* One that is due later may end the sleep. */
static void a_timer_without_slack_is_not_delayed(void **state)
{
	struct fixture *f = *state;
	struct late_timer a, exact, b;

	begin_late(f, &a, ROTA_MSEC(10), ROTA_SEC(10));
	begin_late(f, &exact, ROTA_SEC(1), 0);
	begin_late(f, &b, ROTA_SEC(2), ROTA_SEC(100));

	run_to_end(f);

	expect_call(f, &a, ROTA_SEC(1));
	expect_call(f, &exact, ROTA_SEC(1));
	expect_call(f, &b, ROTA_SEC(2) + rota_timer_get_slack(&b.timer));
}

/* 100 timers, every 10 ms for a second, each at its own time: without slack the
 * loop wakes up 10,000 times. */
static void a_hundred_timers_wake_the_loop_three_times_a_period(void **state)
{
	struct fixture *f = *state;
	static struct late_timer timers[MANY];
	struct rota_stats stats = { .size = sizeof(stats) };

	for (unsigned i = 0; i < MANY; i++) {
		struct late_timer *t = &timers[i];

		memset(t, 0, sizeof(*t));
		t->most = 100;
		rota_timer_init(&t->timer, f->loop);
		rota_timer_set_slack(&t->timer, ROTA_MSEC(5));
		assert_int_equal(
			rota_timer_every_at(&t->timer, on_late,
					    f->start_ns + ROTA_USEC(100) * i,
					    ROTA_MSEC(10), ROTA_REPEAT_RATE),
			0);
	}

	run_to_end(f);

	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(timers[i].calls, 100);
		assert_int_equal(rota_timer_missed(&timers[i].timer), 0);
	}
	assert_in_range(seen.wakes, 100, 300);
	assert_int_equal(rota_loop_stats(f->loop, &stats), 0);
	assert_in_range(stats.waits, 100, 301);
	assert_int_equal(stats.lateness[0], 100 * MANY);
}

static void a_loop_that_is_awake_calls_what_is_due(void **state)
{
	struct fixture *f = *state;
	struct late_timer a, b;
	int64_t timeout_ns;

	begin_late(f, &a, 1000, ROTA_SEC(1));
	begin_late(f, &b, 2000, ROTA_SEC(1));
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(rota_loop_next_timeout(f->loop, &timeout_ns), 0);
	assert_int_equal(timeout_ns, 1000 + rota_timer_get_slack(&a.timer));

	assert_int_equal(rota_loop_advance(f->loop, 1500), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);

	expect_call(f, &a, 1500);
	assert_int_equal(b.calls, 0);
	assert_int_equal(rota_timer_due_in(&b.timer), 500);
	rota_timer_stop(&b.timer);
}

static void a_slack_can_change_while_the_timer_runs(void **state)
{
	struct fixture *f = *state;
	struct late_timer less, more, none;

	begin_late(f, &less, ROTA_SEC(1), ROTA_SEC(100));
	rota_timer_set_slack(&less.timer, ROTA_USEC(1));
	run_to_end(f);
	expect_call(f, &less, ROTA_SEC(1) + ROTA_USEC(1));

	f->start_ns = rota_loop_now(f->loop);
	begin_late(f, &none, ROTA_SEC(1), ROTA_SEC(100));
	rota_timer_set_slack(&none.timer, 0);
	run_to_end(f);
	expect_call(f, &none, ROTA_SEC(1));

	f->start_ns = rota_loop_now(f->loop);
	begin_late(f, &more, ROTA_SEC(1), 0);
	rota_timer_set_slack(&more.timer, 2000);
	run_to_end(f);
	/* The sleep may end as if it had not changed, and then it is due. */
	assert_in_range(more.called_ns - f->start_ns, ROTA_SEC(1),
			ROTA_SEC(1) + 2000);
}

static void the_slack_stays_until_it_is_set(void **state)
{
	struct fixture *f = *state;
	struct late_timer t;
	struct rota_timer moved, zero = { .data = NULL };

	begin_late(f, &t, 1000, 100);
	run_to_end(f);
	expect_call(f, &t, 1100);

	f->start_ns = rota_loop_now(f->loop);
	t.due_ns = f->start_ns + 1000;
	assert_int_equal(rota_timer_start(&t.timer, on_late, 1000), 0);
	assert_int_equal(rota_timer_again(&t.timer), 0);
	run_to_end(f);
	expect_call(f, &t, 1100);

	rota_timer_move(&moved, &t.timer);
	assert_int_equal(rota_timer_get_slack(&moved), 100);
	assert_int_equal(rota_timer_get_slack(&t.timer), 0);
	rota_timer_init(&moved, f->loop);
	assert_int_equal(rota_timer_get_slack(&moved), 0);
	rota_timer_set_slack(&zero, 77); /* before its init */
	assert_int_equal(rota_timer_get_slack(&zero), 77);
}

static void a_slack_is_rounded_down_by_little(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = random_seed();
	struct rota_timer timer;

	rota_timer_init(&timer, f->loop);
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t slack_ns = i < 2048
					    ? i
					    : random_below(&seed, UINT64_MAX) >>
						      random_below(&seed, 64);
		uint64_t kept_ns;

		rota_timer_set_slack(&timer, slack_ns);
		kept_ns = rota_timer_get_slack(&timer);
		assert_true(kept_ns <= slack_ns);
		assert_true(slack_ns - kept_ns <= slack_ns / 1024);
		if (slack_ns < 2048)
			assert_int_equal(kept_ns, slack_ns);
		rota_timer_set_slack(&timer, kept_ns);
		assert_int_equal(rota_timer_get_slack(&timer), kept_ns);
	}
	rota_timer_set_slack(&timer, UINT64_MAX);
	assert_true(rota_timer_get_slack(&timer) > UINT64_MAX / 1024 * 1023);
}

/* C8: the sum does not wrap. */
static void a_timer_with_endless_slack_waits_for_company(void **state)
{
	struct fixture *f = *state;
	struct late_timer endless, exact;

	begin_late(f, &endless, ROTA_SEC(10), UINT64_MAX);
	begin_late(f, &exact, ROTA_SEC(20), 0);

	run_to_end(f);

	expect_call(f, &endless, ROTA_SEC(20));
}

/* Return how often the model wakes up, and note when each timer is called. */
static unsigned model_wakes(const struct late_timer *timers,
			    uint64_t calls[RANDOM])
{
	unsigned wakes = 0;

	memset(calls, 0, RANDOM * sizeof(calls[0]));
	for (;;) {
		uint64_t least_ns = UINT64_MAX;

		for (unsigned i = 0; i < RANDOM; i++) {
			uint64_t end_ns = timers[i].due_ns + timers[i].slack_ns;

			if (calls[i] == 0 && end_ns < least_ns)
				least_ns = end_ns;
		}
		if (least_ns == UINT64_MAX)
			return wakes;
		wakes++;
		for (unsigned i = 0; i < RANDOM; i++)
			if (calls[i] == 0 && timers[i].due_ns <= least_ns)
				calls[i] = least_ns;
	}
}

static void random_timers_are_called_as_the_model_says(void **state)
{
	static struct late_timer timers[RANDOM];
	struct fixture *f = *state;
	uint64_t seed = random_seed(), calls[RANDOM];

	for (unsigned round = 0; round < 150; round++) {
		unsigned bits = 8 + (unsigned)random_below(&seed, 34);
		unsigned wakes;

		f->start_ns = rota_loop_now(f->loop);
		for (unsigned i = 0; i < RANDOM; i++) {
			uint64_t slack_ns =
				random_below(&seed, 3)
					? random_below(&seed, 1ull << bits)
					: 0;

			begin_late(f, &timers[i],
				   1 + random_below(&seed, 1ull << bits),
				   slack_ns);
			timers[i].slack_ns =
				rota_timer_get_slack(&timers[i].timer);
		}
		wakes = model_wakes(timers, calls);

		run_to_end(f);

		assert_int_equal(seen.wakes, wakes);
		for (unsigned i = 0; i < RANDOM; i++)
			assert_int_equal(timers[i].called_ns, calls[i]);
	}
}

/* Stops, restarts and changes of slack may cost wake-ups, but no timer is early
 * or too late. */
static void after_random_changes_no_timer_is_too_late(void **state)
{
	static struct late_timer timers[RANDOM];
	struct fixture *f = *state;
	uint64_t seed = random_seed();

	for (unsigned round = 0; round < 100; round++) {
		f->start_ns = rota_loop_now(f->loop);
		for (unsigned i = 0; i < RANDOM; i++)
			begin_late(f, &timers[i],
				   1 + random_below(&seed, ROTA_MSEC(50)),
				   random_below(&seed, ROTA_MSEC(10)));
		for (unsigned i = 0; i < RANDOM; i++) {
			struct late_timer *t =
				&timers[random_below(&seed, RANDOM)];

			if (random_below(&seed, 2)) {
				rota_timer_set_slack(
					&t->timer,
					random_below(&seed, ROTA_MSEC(10)));
				continue;
			}
			rota_timer_stop(&t->timer);
			t->due_ns = f->start_ns +
				    random_below(&seed, ROTA_MSEC(50));
			assert_int_equal(rota_timer_start_at(&t->timer, on_late,
							     t->due_ns),
					 0);
		}

		run_to_end(f);

		for (unsigned i = 0; i < RANDOM; i++) {
			assert_int_equal(timers[i].calls, 1);
			assert_true(
				timers[i].called_ns <=
				timers[i].due_ns +
					rota_timer_get_slack(&timers[i].timer));
		}
	}
}

/* In real time: one sleep, since all are due when the first may not wait. */
static void a_real_loop_sleeps_once_for_all(void **state)
{
	static struct late_timer timers[MANY];
	struct fixture *f = *state;
	struct rota_stats stats = { .size = sizeof(stats) };

	f->start_ns = rota_loop_now(f->loop);
	for (unsigned i = 0; i < MANY; i++)
		begin_late(f, &timers[i], ROTA_USEC(100) * (i + 1),
			   ROTA_MSEC(20));

	run_to_end(f);

	assert_int_equal(rota_loop_stats(f->loop, &stats), 0);
	assert_in_range(stats.sleeps, 0, 1);
	assert_in_range(seen.wakes, 1, 2);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(timers_that_may_wait_are_called_together),
	VIRTUAL(a_timer_without_slack_is_not_delayed),
	VIRTUAL(a_hundred_timers_wake_the_loop_three_times_a_period),
	VIRTUAL(a_loop_that_is_awake_calls_what_is_due),
	VIRTUAL(a_slack_can_change_while_the_timer_runs),
	VIRTUAL(the_slack_stays_until_it_is_set),
	VIRTUAL(a_slack_is_rounded_down_by_little),
	VIRTUAL(a_timer_with_endless_slack_waits_for_company),
	VIRTUAL(random_timers_are_called_as_the_model_says),
	VIRTUAL(after_random_changes_no_timer_is_too_late),
	REAL(a_real_loop_sleeps_once_for_all),
};

FIXTURE_MAIN(tests)
