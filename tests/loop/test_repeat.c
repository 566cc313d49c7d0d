/*
 * Timers that repeat: at a rate, whose grid of due times no callback can shift,
 * or with a delay between the calls.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <stdlib.h>

static void stop_after_number(struct actor *a)
{
	assert_int_equal(rota_timer_is_active(&a->timer), 1);
	if (a->calls == a->number)
		rota_timer_stop(&a->timer);
}

/* C6 */
static void stopping_in_own_callback_ends_the_repeat(void **state)
{
	static const enum rota_repeat repeats[] = { ROTA_REPEAT_RATE,
						    ROTA_REPEAT_DELAY };
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	for (size_t i = 0; i < 2; i++) {
		recorder_init(&r, f->loop);
		r.times = 1;
		actor_init(&a, &r, "a");
		a.then = stop_after_number;
		a.number = 3;
		actor_every(&a, ROTA_MSEC(10), repeats[i]);

		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

		assert_string_equal(recorder_take(&r), "a@10 a@20 a@30");
		assert_int_equal(rota_timer_is_active(&a.timer), 0);
		assert_int_equal(rota_timer_missed(&a.timer), 0);
	}
}

/* Let each call take as long as the script says, and check what was missed. */
static void spend_by_script(struct actor *a)
{
	static const unsigned char costs_ms[] = { 3, 9, 10, 11, 35, 0, 0 };
	static const unsigned char missed[] = { 0, 0, 0, 0, 0, 2, 0 };
	unsigned call = a->calls - 1;

	assert_int_equal(rota_timer_missed(&a->timer), missed[call]);
	rota_loop_advance(a->recorder->loop, ROTA_MSEC(costs_ms[call]));
	if (a->calls == sizeof(costs_ms))
		rota_timer_stop(&a->timer);
}

/* C6: the calls are due at 10, 20, 30... Those of 10, 20 and 30 end in time.
 * That of 40 takes 11 ms, so the call for 50 comes at 51. It ends at 86, so the
 * call for 60 comes then, and counts those for 70 and 80 as missed. */
static void a_rate_keeps_to_its_grid_whatever_callbacks_cost(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	a.then = spend_by_script;
	actor_every(&a, ROTA_MSEC(10), ROTA_REPEAT_RATE);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r),
			    "a@10 a@20 a@30 a@40 a@51 a@86 a@90");
}

static void spend_number(struct actor *a)
{
	rota_loop_advance(a->recorder->loop, a->number);
	if (a->calls == 4)
		rota_timer_stop(&a->timer);
}

/* C6 */
static void a_rate_of_50_with_20_of_work_is_called_every_50(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	a.then = spend_number;
	a.number = ROTA_MSEC(20);
	actor_every(&a, ROTA_MSEC(50), ROTA_REPEAT_RATE);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a@50 a@100 a@150 a@200");
}

/* C6 */
static void a_delay_counts_from_the_end_of_the_callback(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	a.then = spend_number;
	a.number = ROTA_MSEC(20);
	actor_every(&a, ROTA_MSEC(50), ROTA_REPEAT_DELAY);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a@50 a@120 a@190 a@260");
	assert_int_equal(rota_timer_missed(&a.timer), 0);
}

struct grid {
	struct rota_timer timer;
	struct rota_loop *loop;
	uint64_t *seed;
	uint64_t first_ns;
	uint64_t period_ns;
	uint64_t cost_ns; /* upper limit */
	uint64_t served;  /* periods called or missed */
	uint64_t calls;
	uint64_t missed;
};

static void serve(struct rota_timer *timer)
{
	struct grid *g = rota_container_of(timer, struct grid, timer);
	uint64_t now_ns = rota_loop_now(g->loop);
	uint64_t due_ns = g->first_ns + g->served * g->period_ns;
	uint64_t missed = rota_timer_missed(timer);

	assert_true(now_ns >= due_ns);
	assert_true(missed == (now_ns - due_ns) / g->period_ns);
	g->calls++;
	g->missed += missed;
	g->served += 1 + missed;
	if (g->cost_ns > 0)
		rota_loop_advance(g->loop, random_below(g->seed, g->cost_ns));
}

static void grid_start(struct grid *g, struct rota_loop *loop, uint64_t *seed,
		       uint64_t period_ns, uint64_t cost_ns)
{
	*g = (struct grid){ .loop = loop,
			    .seed = seed,
			    .first_ns = rota_loop_now(loop) + period_ns,
			    .period_ns = period_ns,
			    .cost_ns = cost_ns };
	rota_timer_init(&g->timer, loop);
	assert_int_equal(
		rota_timer_every(&g->timer, serve, period_ns, ROTA_REPEAT_RATE),
		0);
}

static void stop_grids(struct actor *a)
{
	rota_loop_stop(a->recorder->loop);
}

/* C6: for an hour there is a call every 10 ms, which takes up to 30 ms. At the
 * end every period is accounted for. */
static void an_hour_of_busy_callbacks_does_not_shift_the_grid(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = random_seed();
	struct recorder r;
	struct actor end;
	struct grid g;

	recorder_init(&r, f->loop);
	actor_init(&end, &r, "end");
	end.then = stop_grids;
	actor_timer(&end, ROTA_SEC(3600));
	grid_start(&g, f->loop, &seed, ROTA_MSEC(10), ROTA_MSEC(30));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 1);

	/* A call that was due before the end may be counted with it. */
	assert_in_range(g.served, 360000, 360006);
	assert_int_equal(g.served, g.calls + g.missed);
	assert_in_range(g.calls, 180000, 360000);
	assert_true(g.missed > 0);
	rota_timer_stop(&g.timer);
}

/* C6: several grids. Each is delayed by the callbacks of the others, too. */
static void grids_of_several_timers_hold_side_by_side(void **state)
{
	static const uint64_t periods_ns[] = { ROTA_USEC(333), ROTA_MSEC(1) + 1,
					       ROTA_MSEC(7), ROTA_MSEC(100),
					       ROTA_SEC(10) };
	enum { COUNT = sizeof(periods_ns) / sizeof(periods_ns[0]) };
	struct fixture *f = *state;
	uint64_t seed = random_seed();
	struct grid grids[COUNT];
	struct recorder r;
	struct actor end;

	recorder_init(&r, f->loop);
	actor_init(&end, &r, "end");
	end.then = stop_grids;
	actor_timer(&end, ROTA_SEC(60));
	for (size_t i = 0; i < COUNT; i++)
		grid_start(&grids[i], f->loop, &seed, periods_ns[i],
			   ROTA_USEC(500));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 1);

	for (size_t i = 0; i < COUNT; i++) {
		struct grid *g = &grids[i];
		uint64_t due_ns = g->first_ns + g->served * g->period_ns;

		assert_true(due_ns > f->start_ns + ROTA_SEC(60) -
					     ROTA_USEC(500) * COUNT);
		rota_timer_stop(&g->timer);
	}
}

/* C6 */
static void the_first_time_of_a_repeat_can_be_told(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	a.then = stop_after_number;
	a.number = 3;
	assert_int_equal(rota_timer_every_at(&a.timer, actor_on_timer,
					     f->start_ns + ROTA_MSEC(4),
					     ROTA_MSEC(10), ROTA_REPEAT_RATE),
			 0);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a@4 a@14 a@24");
}

/* C6: periods that passed before the start count as missed. */
static void a_first_time_that_has_passed_counts_as_missed(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	assert_int_equal(rota_timer_every_at(&a.timer, actor_on_timer,
					     f->start_ns - ROTA_MSEC(25),
					     ROTA_MSEC(10), ROTA_REPEAT_RATE),
			 0);
	rota_loop_run(f->loop, ROTA_RUN_ONCE);
	assert_string_equal(recorder_take(&r), "a@0");
	assert_int_equal(rota_timer_missed(&a.timer), 2);

	rota_loop_run(f->loop, ROTA_RUN_ONCE);

	assert_string_equal(recorder_take(&r), "a@5");
	assert_int_equal(rota_timer_missed(&a.timer), 0);
	rota_timer_stop(&a.timer);
}

static void a_call_that_does_not_repeat_has_missed_none(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_every(&a, ROTA_MSEC(10), ROTA_REPEAT_RATE);
	rota_loop_advance(f->loop, ROTA_MSEC(35));
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_int_equal(rota_timer_missed(&a.timer), 2);

	actor_timer(&a, ROTA_MSEC(10));
	rota_loop_advance(f->loop, ROTA_MSEC(35));
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_int_equal(a.calls, 2);
	assert_int_equal(rota_timer_missed(&a.timer), 0);
}

/* C8: the count may exceed 32 bits. */
static void
missed_counts_more_than_32_bits_or_says_as_much_as_it_can(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	uint64_t periods = UINT64_C(1) << 33;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_every(&a, 1000, ROTA_REPEAT_RATE);
	rota_loop_advance(f->loop, periods * 1000 + 7);

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_int_equal(a.calls, 1);
	assert_true(rota_timer_missed(&a.timer) == periods - 1 ||
		    rota_timer_missed(&a.timer) == UINT32_MAX);
	assert_int_equal(rota_timer_due_in(&a.timer), 993);
	rota_timer_stop(&a.timer);
}

/* C8 */
static void a_repeat_past_the_end_of_time_never_comes_again(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	assert_int_equal(rota_timer_every_at(&a.timer, actor_on_timer,
					     UINT64_MAX - 2, UINT64_MAX,
					     ROTA_REPEAT_RATE),
			 0);
	assert_int_equal(rota_timer_every_at(&b.timer, actor_on_timer,
					     UINT64_MAX - 2, 10,
					     ROTA_REPEAT_DELAY),
			 0);
	actor_every(&c, UINT64_MAX, ROTA_REPEAT_RATE);
	rota_loop_advance(f->loop, UINT64_MAX);

	for (int i = 0; i < 3; i++)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);

	assert_string_equal(recorder_take(&r), "a b");
	assert_int_equal(rota_timer_is_active(&a.timer), 1);
	assert_true(rota_timer_due_in(&a.timer) == UINT64_MAX);
	assert_true(rota_timer_due_in(&b.timer) == UINT64_MAX);
	rota_timer_stop(&a.timer);
	rota_timer_stop(&b.timer);
	rota_timer_stop(&c.timer);
}

static void a_repeat_without_sense_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_timer t;

	rota_timer_init(&t, f->loop);
	assert_int_equal(rota_timer_every(&t, NULL, 1, ROTA_REPEAT_RATE),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_timer_every(&t, actor_on_timer, 0, ROTA_REPEAT_RATE),
		ROTA_EINVAL);
	assert_int_equal(
		rota_timer_every(&t, actor_on_timer, 1, (enum rota_repeat)2),
		ROTA_EINVAL);
	assert_int_equal(rota_timer_every_at(&t, NULL, 0, 1, ROTA_REPEAT_RATE),
			 ROTA_EINVAL);
	assert_int_equal(rota_timer_every_at(&t, actor_on_timer, 0, 0,
					     ROTA_REPEAT_DELAY),
			 ROTA_EINVAL);
	assert_int_equal(rota_timer_every_at(&t, actor_on_timer, 0, 1,
					     (enum rota_repeat) - 1),
			 ROTA_EINVAL);
	assert_int_equal(rota_timer_is_active(&t), 0);
	assert_int_equal(rota_timer_again(&t), ROTA_EINVAL);
}

static void again_in_second_call(struct actor *a)
{
	rota_loop_advance(a->recorder->loop, ROTA_MSEC(3));
	if (a->calls == 2)
		assert_int_equal(rota_timer_again(&a->timer), 0);
	if (a->calls == 4)
		rota_timer_stop(&a->timer);
}

static void again_begins_a_new_grid(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	a.then = again_in_second_call;
	actor_every(&a, ROTA_MSEC(10), ROTA_REPEAT_RATE);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a@10 a@20 a@33 a@43");
}

static void again_starts_a_stopped_repeat(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	a.then = stop_after_number;
	a.number = 2;
	assert_int_equal(rota_timer_every_at(&a.timer, actor_on_timer,
					     f->start_ns + ROTA_MSEC(1),
					     ROTA_MSEC(10), ROTA_REPEAT_RATE),
			 0);
	rota_timer_stop(&a.timer);
	rota_loop_advance(f->loop, ROTA_MSEC(2));
	assert_int_equal(rota_timer_again(&a.timer), 0);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "a@12 a@22");
}

static void once_instead(struct actor *a)
{
	if (a->calls == 2)
		actor_timer(a, ROTA_MSEC(1));
}

/* C7 */
static void a_start_in_own_callback_takes_the_place_of_the_repeat(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	a.then = once_instead;
	actor_every(&a, ROTA_MSEC(10), ROTA_REPEAT_RATE);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a@10 a@20 a@21");
}

static void other_rhythm(struct actor *a)
{
	if (a->calls == 1)
		actor_every(a, ROTA_MSEC(3), ROTA_REPEAT_DELAY);
	if (a->calls == 3)
		rota_timer_stop(&a->timer);
	rota_loop_advance(a->recorder->loop, ROTA_MSEC(1));
}

/* C7: the new period begins with the start, and not with the callback's end. */
static void a_repeat_started_in_own_callback_holds(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	a.then = other_rhythm;
	actor_every(&a, ROTA_MSEC(10), ROTA_REPEAT_RATE);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a@10 a@13 a@17");
}

static void free_self(struct rota_timer *timer)
{
	rota_timer_stop(timer);
	free(timer);
}

/* O4: after the callback the library does not use the timer to start a
 * period. */
static void a_repeating_timer_is_freed_in_its_callback(void **state)
{
	static const enum rota_repeat repeats[] = { ROTA_REPEAT_RATE,
						    ROTA_REPEAT_DELAY };
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		struct rota_timer *timer = malloc(sizeof(*timer));

		assert_non_null(timer);
		rota_timer_init(timer, f->loop);
		rota_timer_every(timer, free_self, ROTA_MSEC(1), repeats[i]);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	}
}

/* T9: a repeat at a rate keeps its place from its start. A delay is a new
 * start, so it comes after timers of the same due time. */
static void repeats_of_one_grid_keep_their_order(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	actor_every(&a, ROTA_MSEC(10), ROTA_REPEAT_RATE);
	actor_every(&b, ROTA_MSEC(10), ROTA_REPEAT_DELAY);
	actor_every(&c, ROTA_MSEC(5), ROTA_REPEAT_RATE);

	rota_loop_advance(f->loop, ROTA_MSEC(10));
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_string_equal(recorder_take(&r), "c@10 a@10 b@10");
	assert_int_equal(rota_timer_missed(&c.timer), 1);
	rota_loop_run(f->loop, ROTA_RUN_ONCE);
	rota_loop_run(f->loop, ROTA_RUN_ONCE);

	assert_string_equal(recorder_take(&r), "c@15 a@20 c@20 b@20");
	rota_timer_stop(&a.timer);
	rota_timer_stop(&b.timer);
	rota_timer_stop(&c.timer);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(stopping_in_own_callback_ends_the_repeat),
	VIRTUAL(a_rate_keeps_to_its_grid_whatever_callbacks_cost),
	VIRTUAL(a_rate_of_50_with_20_of_work_is_called_every_50),
	VIRTUAL(a_delay_counts_from_the_end_of_the_callback),
	VIRTUAL(an_hour_of_busy_callbacks_does_not_shift_the_grid),
	VIRTUAL(grids_of_several_timers_hold_side_by_side),
	VIRTUAL(the_first_time_of_a_repeat_can_be_told),
	VIRTUAL(a_first_time_that_has_passed_counts_as_missed),
	VIRTUAL(a_call_that_does_not_repeat_has_missed_none),
	VIRTUAL(missed_counts_more_than_32_bits_or_says_as_much_as_it_can),
	VIRTUAL(a_repeat_past_the_end_of_time_never_comes_again),
	VIRTUAL(a_repeat_without_sense_is_refused),
	VIRTUAL(again_begins_a_new_grid),
	VIRTUAL(again_starts_a_stopped_repeat),
	VIRTUAL(a_start_in_own_callback_takes_the_place_of_the_repeat),
	VIRTUAL(a_repeat_started_in_own_callback_holds),
	VIRTUAL(a_repeating_timer_is_freed_in_its_callback),
	VIRTUAL(repeats_of_one_grid_keep_their_order),
};
FIXTURE_MAIN(tests)
