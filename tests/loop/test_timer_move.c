/*
 * Timers that are moved in memory, as in an array that grows.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <stdlib.h>
#include <string.h>

/* This is not the actor's own callback. It finds the actor by `data`, as only
 * the timer moves. */
static void on_moved(struct rota_timer *timer)
{
	struct actor *a = timer->data;

	a->calls++;
	record(a->recorder, a->name);
	if (a->then != NULL)
		a->then(a);
}

static void start(struct actor *a, uint64_t delay_ns)
{
	a->timer.data = a;
	assert_int_equal(rota_timer_start(&a->timer, on_moved, delay_ns), 0);
}

static void expect_zero(const struct rota_timer *timer)
{
	static const struct rota_timer zero;

	assert_memory_equal(timer, &zero, sizeof(zero));
}

static void a_started_timer_moves_with_its_place(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c;
	struct rota_timer to;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	start(&a, ROTA_MSEC(5));
	start(&b, ROTA_MSEC(5));
	start(&c, ROTA_MSEC(5));

	rota_timer_move(&to, &b.timer);

	expect_zero(&b.timer);
	assert_int_equal(rota_timer_is_active(&to), 1);
	assert_ptr_equal(to.data, &b);
	rota_timer_stop(&b.timer); /* all zero: does nothing */
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "a b c");
}

static void a_stopped_timer_keeps_what_again_needs(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	struct rota_timer to;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	start(&a, ROTA_MSEC(5));
	rota_timer_stop(&a.timer);
	rota_timer_unref(&a.timer);

	rota_timer_move(&to, &a.timer);

	assert_int_equal(rota_timer_is_active(&to), 0);
	assert_int_equal(rota_timer_has_ref(&to), 0);
	rota_timer_ref(&to);
	assert_int_equal(rota_timer_again(&to), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "a@5");
}

static void a_timer_that_never_comes_moves_too(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	struct rota_timer to;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	start(&a, UINT64_MAX);

	rota_timer_move(&to, &a.timer);
	rota_timer_move(&to, &to);

	assert_int_equal(rota_loop_alive(f->loop), 1);
	rota_timer_stop(&to);
	assert_int_equal(rota_loop_alive(f->loop), 0);
}

static void a_timer_of_zeroes_moves_too(void **state)
{
	struct rota_timer from, to;

	(void)state;
	memset(&from, 0, sizeof(from));
	memset(&to, 1, sizeof(to));

	rota_timer_move(&to, &from);

	expect_zero(&to);
}

static struct rota_timer moved_to;

static void move_itself(struct actor *a)
{
	if (a->calls == 1)
		rota_timer_move(&moved_to, &a->timer);
	else
		rota_timer_stop(&moved_to);
}

/* O4: it is moved in its own callback, and continues to repeat. */
static void a_repeating_timer_moves_in_its_callback(void **state)
{
	static const enum rota_repeat repeats[] = { ROTA_REPEAT_RATE,
						    ROTA_REPEAT_DELAY };
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct recorder r;
		struct actor a;

		recorder_init(&r, f->loop);
		r.times = 1;
		actor_init(&a, &r, "a");
		a.then = move_itself;
		a.timer.data = &a;
		assert_int_equal(rota_timer_every(&a.timer, on_moved,
						  ROTA_MSEC(10), repeats[i]),
				 0);

		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

		assert_string_equal(recorder_take(&r), "a@10 a@20");
		expect_zero(&a.timer);
	}
}

static void move_and_stop(struct actor *a)
{
	rota_timer_move(&moved_to, &a->timer);
	rota_timer_stop(&moved_to);
}

static void a_timer_that_moved_in_its_callback_may_be_stopped(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = move_and_stop;
	a.timer.data = &a;
	assert_int_equal(rota_timer_every(&a.timer, on_moved, ROTA_MSEC(10),
					  ROTA_REPEAT_RATE),
			 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a");
}

static void move_due_sibling(struct actor *a)
{
	rota_timer_move(&moved_to, &a->other->timer);
}

/* C7: a timer that is due in the current phase is still called. */
static void a_due_sibling_moves_and_is_called(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	a.then = move_due_sibling;
	a.other = &b;
	start(&a, ROTA_MSEC(5));
	start(&b, ROTA_MSEC(5));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a b");
	expect_zero(&b.timer);
}

struct counted {
	struct rota_timer timer;
	unsigned calls;
};

static void count(struct rota_timer *timer)
{
	rota_container_of(timer, struct counted, timer)->calls++;
}

/* An array that grows while its timers are running. */
static void timers_of_an_array_that_grows_all_fire(void **state)
{
	enum { MANY = 500 };
	struct fixture *f = *state;
	struct counted *array = NULL;
	uint64_t seed = random_seed();

	for (size_t n = 0; n < MANY; n++) {
		struct counted *larger = calloc(n + 1, sizeof(*larger));

		assert_non_null(larger);
		for (size_t i = 0; i < n; i++)
			rota_timer_move(&larger[i].timer, &array[i].timer);
		free(array);
		array = larger;
		rota_timer_init(&array[n].timer, f->loop);
		rota_timer_start(&array[n].timer, count,
				 ROTA_MSEC(random_below(&seed, 100000)));
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(array[i].calls, 1);
	free(array);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_started_timer_moves_with_its_place),
	VIRTUAL(a_stopped_timer_keeps_what_again_needs),
	VIRTUAL(a_timer_that_never_comes_moves_too),
	VIRTUAL(a_timer_of_zeroes_moves_too),
	VIRTUAL(a_repeating_timer_moves_in_its_callback),
	VIRTUAL(a_timer_that_moved_in_its_callback_may_be_stopped),
	VIRTUAL(a_due_sibling_moves_and_is_called),
	VIRTUAL(timers_of_an_array_that_grows_all_fire),
};
FIXTURE_MAIN(tests)
