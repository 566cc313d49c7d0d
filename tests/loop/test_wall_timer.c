/*
 * Timers of the wall clock, in virtual time: when they are called, what they
 * are told when the clock is set, and that callbacks may do anything.
 *
 * ROTA_TEST_SEED repeats the random part.
 */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rota/wall_timer.h"

enum { RANDOM = 40 };

static const uint64_t BEGIN_NS = ROTA_SEC(1000000000);

struct alarm {
	struct rota_wall_timer timer;
	uint64_t due_ns;
	uint64_t called_ns; /* 0: not yet */
	int64_t step_ns;    /* the sum of all that it was told */
	unsigned calls;
	unsigned steps;
	struct alarm *other;               /* for `then` */
	void (*then)(struct alarm *alarm); /* in its call; or NULL */
	void (*stepped)(struct alarm *alarm);
};

static char journal[200];
static struct rota_loop *the_loop;

static void write_down(const char *what, uint64_t number)
{
	size_t size = strlen(journal);

	snprintf(journal + size, sizeof(journal) - size, "%s%s%u",
		 size > 0 ? " " : "", what, (unsigned)number);
}

static void on_alarm(struct rota_wall_timer *timer)
{
	struct alarm *a = rota_container_of(timer, struct alarm, timer);

	assert_int_equal(rota_loop_phase(the_loop), ROTA_PHASE_TIMERS);
	assert_false(rota_wall_timer_is_active(timer));
	a->called_ns = rota_wall_now(the_loop);
	assert_true(a->called_ns >= a->due_ns);
	a->calls++;
	write_down("", (uintptr_t)timer->data);
	if (a->then != NULL)
		a->then(a);
}

static void on_alarm_step(struct rota_wall_timer *timer, int64_t step_ns)
{
	struct alarm *a = rota_container_of(timer, struct alarm, timer);

	assert_true(rota_wall_timer_is_active(timer));
	a->steps++;
	a->step_ns += step_ns;
	write_down("s", (uintptr_t)timer->data);
	if (a->stepped != NULL)
		a->stepped(a);
}

static void init_alarm(struct fixture *f, struct alarm *a, unsigned number)
{
	memset(a, 0, sizeof(*a));
	rota_wall_timer_init(&a->timer, f->loop);
	a->timer.data = (void *)(uintptr_t)number;
	the_loop = f->loop;
	journal[0] = 0;
}

static void start_alarm(struct alarm *a, uint64_t due_ns)
{
	a->due_ns = due_ns;
	assert_int_equal(rota_wall_timer_start_at(&a->timer, on_alarm, due_ns),
			 0);
}

static void run_all(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

static void the_virtual_wall_clock_moves_as_the_clock_does(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rota_wall_now(f->loop), BEGIN_NS);
	assert_int_equal(rota_loop_advance(f->loop, ROTA_SEC(5)), 0);
	assert_int_equal(rota_wall_now(f->loop), BEGIN_NS + ROTA_SEC(5));

	assert_int_equal(rota_wall_set(f->loop, 77), 0);
	assert_int_equal(rota_wall_now(f->loop), 77);
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
	assert_int_equal(rota_wall_set(f->loop, UINT64_MAX), ROTA_EINVAL);
	assert_int_equal(rota_wall_now(f->loop), 77);
}

static void alarms_are_called_in_the_order_of_their_times(void **state)
{
	struct fixture *f = *state;
	struct alarm a[5];

	for (unsigned i = 0; i < 5; i++)
		init_alarm(f, &a[i], i);
	start_alarm(&a[0], BEGIN_NS + ROTA_SEC(3600));
	start_alarm(&a[1], BEGIN_NS + ROTA_SEC(1));
	start_alarm(&a[2], BEGIN_NS + ROTA_SEC(3600));
	start_alarm(&a[3], 0);
	start_alarm(&a[4], BEGIN_NS + 1);

	run_all(f);

	assert_string_equal(journal, "3 4 1 0 2");
	assert_int_equal(a[3].called_ns, BEGIN_NS);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(a[i].called_ns, a[i].due_ns);
}

static void start_again_in_an_hour(struct alarm *a)
{
	if (a->calls < 24)
		start_alarm(a, a->due_ns + ROTA_SEC(3600));
}

static void an_alarm_may_start_itself_for_the_next_hour(void **state)
{
	struct fixture *f = *state;
	struct alarm a;

	init_alarm(f, &a, 1);
	a.then = start_again_in_an_hour;
	start_alarm(&a, BEGIN_NS + ROTA_SEC(3600));

	run_all(f);

	assert_int_equal(a.calls, 24);
	assert_int_equal(rota_wall_now(f->loop), BEGIN_NS + ROTA_SEC(86400));
}

static void start_again_in_the_past(struct alarm *a)
{
	if (a->calls < 3)
		start_alarm(a, 5);
}

/* T8 */
static void an_alarm_that_is_due_again_waits_for_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct alarm a;

	init_alarm(f, &a, 1);
	a.then = start_again_in_the_past;
	start_alarm(&a, 0);
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0,
				 1);
		assert_int_equal(a.calls, i);
	}
	assert_int_equal(rota_loop_alive(f->loop), 0);
}

static void start_again_at_zero(struct alarm *a)
{
	if (a->calls < 3)
		start_alarm(a, 0);
}

/* The same at the time 0. */
static void the_wall_clock_may_be_at_zero(void **state)
{
	struct fixture *f = *state;
	struct alarm a;

	init_alarm(f, &a, 1);
	a.then = start_again_at_zero;
	assert_int_equal(rota_wall_set(f->loop, 0), 0);
	start_alarm(&a, 0);
	for (unsigned i = 1; i <= 3; i++) {
		assert_true(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
		assert_int_equal(a.calls, i);
	}
	assert_int_equal(rota_wall_now(f->loop), 0);
	assert_int_equal(rota_loop_alive(f->loop), 0);
}

static void a_start_does_not_put_off_a_step(void **state)
{
	struct fixture *f = *state;
	struct alarm a, b;

	init_alarm(f, &a, 1);
	init_alarm(f, &b, 2);
	rota_wall_timer_on_step(&a.timer, on_alarm_step);
	start_alarm(&a, BEGIN_NS + ROTA_SEC(100));
	assert_int_equal(rota_wall_set(f->loop, BEGIN_NS + ROTA_SEC(50)), 0);
	start_alarm(&b, BEGIN_NS + ROTA_SEC(3600));
	assert_true(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);

	assert_string_equal(journal, "s1");
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
	run_all(f);
	assert_string_equal(journal, "s1 1 2");
	assert_int_equal(a.called_ns, a.due_ns);
	assert_int_equal(b.called_ns, b.due_ns);
}

static void a_step_forward_calls_what_it_passes(void **state)
{
	struct fixture *f = *state;
	struct alarm a, b;

	init_alarm(f, &a, 1);
	init_alarm(f, &b, 2);
	rota_wall_timer_on_step(&a.timer, on_alarm_step);
	rota_wall_timer_on_step(&b.timer, on_alarm_step);
	start_alarm(&a, BEGIN_NS + ROTA_SEC(100));
	start_alarm(&b, BEGIN_NS + ROTA_SEC(5000));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);

	assert_int_equal(rota_wall_set(f->loop, BEGIN_NS + ROTA_SEC(1000)), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);

	assert_string_equal(journal, "s1 s2 1");
	assert_int_equal(a.step_ns, ROTA_SEC(1000));
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
	run_all(f);
	assert_int_equal(b.called_ns, b.due_ns);
	assert_int_equal(rota_loop_now(f->loop) - f->start_ns, ROTA_SEC(4000));
}

static void after_a_step_backward_the_time_comes_once_more(void **state)
{
	struct fixture *f = *state;
	struct alarm a;

	init_alarm(f, &a, 1);
	rota_wall_timer_on_step(&a.timer, on_alarm_step);
	start_alarm(&a, BEGIN_NS + ROTA_SEC(100));
	assert_int_equal(rota_wall_set(f->loop, BEGIN_NS - ROTA_SEC(50)), 0);

	run_all(f);

	assert_string_equal(journal, "s1 1");
	assert_int_equal(a.step_ns, -(int64_t)ROTA_SEC(50));
	assert_int_equal(a.called_ns, a.due_ns);
	assert_int_equal(rota_loop_now(f->loop) - f->start_ns, ROTA_SEC(150));
}

static void restart_an_hour_from_now(struct alarm *a)
{
	start_alarm(a, rota_wall_now(the_loop) + ROTA_SEC(3600));
}

static void a_step_may_start_the_alarm_for_another_time(void **state)
{
	struct fixture *f = *state;
	struct alarm a;

	init_alarm(f, &a, 1);
	rota_wall_timer_on_step(&a.timer, on_alarm_step);
	a.stepped = restart_an_hour_from_now;
	start_alarm(&a, BEGIN_NS + ROTA_SEC(100));
	assert_int_equal(rota_wall_set(f->loop, BEGIN_NS + ROTA_SEC(200)), 0);

	run_all(f);

	assert_string_equal(journal, "s1 1");
	assert_int_equal(a.called_ns, BEGIN_NS + ROTA_SEC(3800));
}

static void set_clock_back(struct alarm *a)
{
	if (a->calls + a->steps == 1)
		assert_int_equal(rota_wall_set(the_loop, BEGIN_NS), 0);
}

static void a_callback_may_set_the_virtual_clock(void **state)
{
	struct fixture *f = *state;
	struct alarm a, b;

	init_alarm(f, &a, 1);
	init_alarm(f, &b, 2);
	rota_wall_timer_on_step(&b.timer, on_alarm_step);
	a.then = set_clock_back;
	b.stepped = set_clock_back; /* by nothing: that is no step */
	start_alarm(&a, BEGIN_NS + ROTA_SEC(10));
	start_alarm(&b, BEGIN_NS + ROTA_SEC(11));

	run_all(f);

	assert_string_equal(journal, "1 s2 2");
	assert_int_equal(b.step_ns, -(int64_t)ROTA_SEC(10));
	assert_int_equal(rota_loop_now(f->loop) - f->start_ns, ROTA_SEC(21));
}

static void stop_and_poison_other(struct alarm *a)
{
	if (a->other == NULL)
		return;
	rota_wall_timer_stop(&a->other->timer);
	memset(a->other, 0xa5, sizeof(*a->other));
	free(a->other);
	a->other = NULL;
}

/* O4 */
static void a_callback_may_free_any_alarm(void **state)
{
	struct fixture *f = *state;

	for (int in_step = 0; in_step < 2; in_step++) {
		struct alarm a, *b = malloc(sizeof(*b));

		assert_non_null(b);
		init_alarm(f, &a, 1);
		init_alarm(f, b, 2);
		a.other = b;
		if (in_step) {
			rota_wall_timer_on_step(&a.timer, on_alarm_step);
			rota_wall_timer_on_step(&b->timer, on_alarm_step);
			a.stepped = stop_and_poison_other;
		} else {
			a.then = stop_and_poison_other;
		}
		start_alarm(&a, rota_wall_now(f->loop) + 10);
		start_alarm(b, rota_wall_now(f->loop) + 10);
		if (in_step)
			assert_int_equal(rota_wall_set(f->loop, BEGIN_NS * 2),
					 0);
		run_all(f);
		assert_string_equal(journal, in_step ? "s1 1" : "1");
	}
}

static void what_is_stopped_is_not_called(void **state)
{
	struct fixture *f = *state;
	struct alarm a, zero;

	memset(&zero, 0, sizeof(zero));
	rota_wall_timer_stop(&zero.timer);
	assert_int_equal(rota_wall_timer_due(&zero.timer), UINT64_MAX);
	assert_false(rota_wall_timer_is_active(&zero.timer));

	init_alarm(f, &a, 1);
	assert_int_equal(rota_wall_timer_due(&a.timer), UINT64_MAX);
	start_alarm(&a, BEGIN_NS + 10);
	assert_int_equal(rota_wall_timer_due(&a.timer), BEGIN_NS + 10);
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	rota_wall_timer_stop(&a.timer);
	rota_wall_timer_stop(&a.timer);
	run_all(f);
	assert_int_equal(a.calls, 0);
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
}

static void an_alarm_that_is_unreferenced_does_not_keep_the_loop(void **state)
{
	struct fixture *f = *state;
	struct alarm a;

	init_alarm(f, &a, 1);
	start_alarm(&a, BEGIN_NS + 10);
	assert_true(rota_wall_timer_has_ref(&a.timer));
	rota_wall_timer_unref(&a.timer);
	assert_false(rota_wall_timer_has_ref(&a.timer));
	run_all(f);
	assert_int_equal(a.calls, 0);
	rota_wall_timer_ref(&a.timer);
	run_all(f);
	assert_int_equal(a.calls, 1);
}

static void a_wrong_start_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct alarm a;

	init_alarm(f, &a, 1);
	assert_int_equal(rota_wall_timer_start_at(&a.timer, NULL, 1),
			 ROTA_EINVAL);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_wall_timer_start_at(&a.timer, on_alarm, 1),
			 ROTA_ENOMEM);
	f->memory.fail_at = 0;
	assert_false(rota_wall_timer_is_active(&a.timer));
	assert_int_equal(rota_loop_alive(f->loop), 0);
	start_alarm(&a, BEGIN_NS + 10);
	assert_int_equal(rota_wall_timer_start_at(&a.timer, NULL, 1),
			 ROTA_EINVAL);
	assert_int_equal(rota_wall_timer_due(&a.timer), BEGIN_NS + 10);
	run_all(f);
	assert_int_equal(a.calls, 1);
}

static void see_dumped(void *arg, const struct rota_dump_entry *entry)
{
	const struct alarm *a = arg;

	assert_string_equal(entry->type, "wall timer");
	assert_ptr_equal(entry->object, &a->timer);
	assert_int_equal(entry->due_ns, a->due_ns);
	assert_int_equal(entry->alive, 1);
}

/* L6 */
static void a_dump_lists_it_and_a_shutdown_stops_it(void **state)
{
	struct fixture *f = *state;
	struct alarm a;

	init_alarm(f, &a, 1);
	start_alarm(&a, UINT64_MAX);
	assert_int_equal(rota_loop_dump(f->loop, see_dumped, &a), 1);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	assert_false(rota_wall_timer_is_active(&a.timer));
}

/* Compared with a model: each is called once, at its due time or when it was
 * passed by a step, and never before. */
static void random_alarms_and_steps_agree_with_the_model(void **state)
{
	static struct alarm all[RANDOM];
	struct fixture *f = *state;
	uint64_t seed = random_seed();

	for (unsigned round = 0; round < 60; round++) {
		uint64_t wall_ns = rota_wall_now(f->loop);
		unsigned left = RANDOM;

		for (unsigned i = 0; i < RANDOM; i++) {
			init_alarm(f, &all[i], i);
			start_alarm(&all[i],
				    wall_ns + random_below(&seed, 10000));
		}
		while (left > 0) {
			uint64_t to_ns;

			if (random_below(&seed, 3) == 0) {
				wall_ns = wall_ns + random_below(&seed, 4000) -
					  2000;
				assert_int_equal(
					rota_wall_set(f->loop, wall_ns), 0);
			}
			to_ns = random_below(&seed, 3000);
			assert_int_equal(rota_loop_advance(f->loop, to_ns), 0);
			wall_ns += to_ns;
			assert_true(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >=
				    0);
			left = 0;
			for (unsigned i = 0; i < RANDOM; i++) {
				assert_true(all[i].calls == (all[i].due_ns <=
							     wall_ns) ||
					    all[i].calls == 1);
				left += all[i].calls == 0;
			}
		}
	}
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(the_virtual_wall_clock_moves_as_the_clock_does),
	VIRTUAL(alarms_are_called_in_the_order_of_their_times),
	VIRTUAL(an_alarm_may_start_itself_for_the_next_hour),
	VIRTUAL(an_alarm_that_is_due_again_waits_for_the_next_turn),
	VIRTUAL(the_wall_clock_may_be_at_zero),
	VIRTUAL(a_start_does_not_put_off_a_step),
	VIRTUAL(a_step_forward_calls_what_it_passes),
	VIRTUAL(after_a_step_backward_the_time_comes_once_more),
	VIRTUAL(a_step_may_start_the_alarm_for_another_time),
	VIRTUAL(a_callback_may_set_the_virtual_clock),
	VIRTUAL(a_callback_may_free_any_alarm),
	VIRTUAL(what_is_stopped_is_not_called),
	VIRTUAL(an_alarm_that_is_unreferenced_does_not_keep_the_loop),
	VIRTUAL(a_wrong_start_changes_nothing),
	VIRTUAL(a_dump_lists_it_and_a_shutdown_stops_it),
	VIRTUAL(random_alarms_and_steps_agree_with_the_model),
};

FIXTURE_MAIN(tests)
