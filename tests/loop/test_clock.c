/*
 * Timers on the real clock: they are never early, they are not late because the
 * clock was not read, and the loop does not busy-wait. Everything that does not
 * need the kernel is in test_timer.c.
 *
 * A machine may be slow, so upper bounds on measured times are generous.
 */
#include "support/fixture.h"
#include "support/recorder.h"

static struct rota_stats stats_of(struct rota_loop *loop)
{
	struct rota_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_loop_stats(loop, &stats), 0);
	return stats;
}

struct shot {
	struct rota_timer timer;
	uint64_t due_ns; /* no later than the timer's own */
	unsigned *fired;
};

static void fire(struct rota_timer *timer)
{
	struct shot *shot = rota_container_of(timer, struct shot, timer);

	assert_true(real_now() >= shot->due_ns);
	(*shot->fired)++;
}

static void shot_start(struct shot *shot, uint64_t delay_ns)
{
	shot->due_ns = real_now() + delay_ns;
	assert_int_equal(rota_timer_start(&shot->timer, fire, delay_ns), 0);
}

/* C3 */
static void of_many_short_timers_none_is_early(void **state)
{
	enum { COUNT = 2000 };
	struct fixture *f = *state;
	uint64_t seed = random_seed();
	static struct shot shots[COUNT];
	unsigned fired = 0;

	for (size_t i = 0; i < COUNT; i++) {
		shots[i].fired = &fired;
		rota_timer_init(&shots[i].timer, f->loop);
		shot_start(&shots[i], random_below(&seed, ROTA_MSEC(8)));
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(fired, COUNT);
}

/* C3: the loop is polled in a tight loop, and the clock is read again just
 * before each start. */
static void a_timer_that_is_polled_for_is_not_early(void **state)
{
	struct fixture *f = *state;
	unsigned fired = 0;
	struct shot shot = { .fired = &fired };

	rota_timer_init(&shot.timer, f->loop);
	for (unsigned i = 0; i < 50; i++) {
		rota_loop_update_now(f->loop);
		shot_start(&shot, ROTA_USEC(200));
		while (fired == i)
			rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	}
	assert_int_equal(stats_of(f->loop).sleeps, 0);
}

static void be_busy_until_number(struct actor *a)
{
	while (real_now() < a->number)
		;
}

static void note_time(struct actor *a)
{
	a->number = real_now();
}

/* Measure a timer of 50 ms, with another callback busy from 10 to 40 ms. */
static uint64_t time_beside_a_busy_one(struct rota_loop *loop)
{
	struct recorder r;
	struct actor busy, timer;
	uint64_t began_ns = real_now();

	recorder_init(&r, loop);
	actor_init(&busy, &r, "busy");
	actor_init(&timer, &r, "timer");
	busy.then = be_busy_until_number;
	busy.number = began_ns + ROTA_MSEC(40);
	timer.then = note_time;
	actor_timer(&busy, ROTA_MSEC(10));
	actor_timer(&timer, ROTA_MSEC(50));
	assert_int_equal(rota_loop_run(loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "busy timer");
	return timer.number - began_ns;
}

/* C4: with an old reading of the clock it would come after 80 ms. A busy
 * machine may delay it, but not in every try. */
static void a_timer_is_on_time_although_another_was_busy(void **state)
{
	struct fixture *f = *state;
	uint64_t elapsed_ns;
	int tries = 0;

	do {
		elapsed_ns = time_beside_a_busy_one(f->loop);
		print_message("50 ms came after %llu us\n",
			      (unsigned long long)elapsed_ns / 1000);
		assert_true(elapsed_ns >= ROTA_MSEC(50));
	} while (elapsed_ns >= ROTA_MSEC(70) && ++tries < 20);

	assert_true(elapsed_ns < ROTA_MSEC(70));
}

static void start_self_until_sleeps(struct actor *a)
{
	assert_true(real_now() - a->recorder->start_ns >=
		    a->calls * ROTA_USEC(300));
	a->recorder->size = 0;
	if (stats_of(a->recorder->loop).sleeps < a->number)
		actor_timer(a, ROTA_USEC(300));
}

/* C9: each wait sleeps, and no wake-up finds that nothing is due. On a busy
 * machine a timer may be due before the loop can sleep, so the test continues
 * until the loop has slept often enough. */
static void a_wait_of_microseconds_is_one_sleep(void **state)
{
	struct fixture *f = *state;
	struct rota_stats stats;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = start_self_until_sleeps;
	a.number = 20;
	actor_timer(&a, ROTA_USEC(300));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	stats = stats_of(f->loop);
	assert_int_equal(stats.sleeps, 20);
	assert_true(a.calls >= 20);
	assert_in_range(stats.turns, a.calls, a.calls + 1);
	assert_in_range(stats.waits, a.calls, a.calls + 1);
}

/* C9: a sleeping process uses no processor time. */
static void a_wait_does_not_spin(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	uint64_t spent_ns = cpu_now();

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_timer(&a, ROTA_MSEC(30) + 1);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	spent_ns = cpu_now() - spent_ns;
	print_message("30 ms of sleep cost %llu us\n",
		      (unsigned long long)spent_ns / 1000);
	assert_true(spent_ns < ROTA_MSEC(15));
	assert_in_range(stats_of(f->loop).waits, 1, 2);
}

/* C9: stopped timers cause no needless wake-ups, or almost none. */
static void a_stopped_timer_wakes_the_loop_once_at_most(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor stopped, timer;

	recorder_init(&r, f->loop);
	actor_init(&stopped, &r, "stopped");
	actor_init(&timer, &r, "timer");
	actor_timer(&stopped, ROTA_MSEC(2));
	actor_timer(&timer, ROTA_MSEC(6));
	rota_timer_stop(&stopped.timer);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "timer");
	assert_in_range(stats_of(f->loop).sleeps, 0, 2);
}

/* C9: a wait that is longer than the kernel can represent is shortened, and
 * does not wrap. */
static void a_timer_of_centuries_does_not_keep_a_short_one_waiting(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor far, near;

	recorder_init(&r, f->loop);
	actor_init(&far, &r, "far");
	actor_init(&near, &r, "near");
	actor_timer(&far, UINT64_MAX / 2);
	actor_timer(&near, ROTA_MSEC(2));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	assert_string_equal(recorder_take(&r), "near");
	rota_timer_stop(&far.timer);
}

/* C2: rota_loop_now() is the reading after the wait. It does not change while
 * the clock advances. */
static void now_is_a_reading_of_the_monotonic_clock(void **state)
{
	struct fixture *f = *state;
	uint64_t before_ns = real_now();
	uint64_t told_ns = rota_loop_update_now(f->loop);
	uint64_t after_ns = real_now();

	assert_true(before_ns <= told_ns && told_ns <= after_ns);
	assert_int_equal(rota_loop_now(f->loop), told_ns);
	assert_int_equal(rota_loop_advance(f->loop, 1), ROTA_ENOTSUP);
	assert_int_equal(rota_loop_now(f->loop), told_ns);
}

/* C2 */
static void now_is_read_after_the_wait(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor check, timer;
	uint64_t began_ns = real_now();

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&check, &r, "check");
	actor_init(&timer, &r, "timer");
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&timer, ROTA_MSEC(3));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	assert_int_equal(check.calls, 1);
	assert_true(rota_loop_now(f->loop) >= began_ns + ROTA_MSEC(3));
	rota_hook_stop(&check.hook);
}

static const struct CMUnitTest tests[] = {
	REAL(of_many_short_timers_none_is_early),
	REAL(a_timer_that_is_polled_for_is_not_early),
	REAL(a_timer_is_on_time_although_another_was_busy),
	REAL(a_wait_of_microseconds_is_one_sleep),
	REAL(a_wait_does_not_spin),
	REAL(a_stopped_timer_wakes_the_loop_once_at_most),
	REAL(a_timer_of_centuries_does_not_keep_a_short_one_waiting),
	REAL(now_is_a_reading_of_the_monotonic_clock),
	REAL(now_is_read_after_the_wait),
};
FIXTURE_MAIN(tests)
