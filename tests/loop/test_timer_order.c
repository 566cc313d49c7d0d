/*
 * Timers of the same due time are called in the order in which they were
 * started. A timer that repeats at a rate was started once (T9, C5).
 *
 * The random part uses a model: of all due timers, the one with the earliest
 * due time is called first, and of these the one that was started first.
 * ROTA_TEST_SEED repeats it.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <string.h>

static void stop_all_at_number(struct actor *a)
{
	if (a->calls < a->number)
		return;
	rota_timer_stop(&a->timer);
	if (a->other != NULL)
		rota_timer_stop(&a->other->timer);
}

/* T9: A fires every 10 and B every 20. At 20 A comes first, because it was
 * started first. In real time the order is the same. */
static void a_rate_keeps_its_place_by_its_start(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	b.then = stop_all_at_number;
	b.number = 2;
	b.other = &a;
	actor_every(&a, ROTA_MSEC(10), ROTA_REPEAT_RATE);
	actor_every(&b, ROTA_MSEC(20), ROTA_REPEAT_RATE);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a@10 a@20 b@20 a@30 a@40 b@40");
}

/* T9: this includes a timer whose first time was given. */
static void a_first_time_is_a_start_like_any(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, once;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&once, &r, "once");
	actor_timer(&once, ROTA_MSEC(40));
	assert_int_equal(rota_timer_every_at(&b.timer, actor_on_timer,
					     f->start_ns + ROTA_MSEC(40),
					     ROTA_MSEC(20), ROTA_REPEAT_RATE),
			 0);
	b.then = stop_all_at_number;
	b.number = 2;
	b.other = &a;
	actor_every(&a, ROTA_MSEC(30), ROTA_REPEAT_RATE);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a@30 once@40 b@40 b@60");
}

static struct recorder *interval_recorder;

static void on_first(void *arg)
{
	(void)arg;
	record(interval_recorder, "first");
}

static void on_second(void *arg)
{
	(void)arg;
	record(interval_recorder, "second");
}

/* T9 */
static void an_interval_keeps_its_place_by_its_start(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	uint64_t first, second;

	recorder_init(&r, f->loop);
	interval_recorder = &r;
	r.times = 1;
	first = rota_set_interval(f->loop, on_first, NULL, ROTA_MSEC(10));
	second = rota_set_interval(f->loop, on_second, NULL, ROTA_MSEC(20));
	for (int i = 0; i < 2; i++) {
		rota_loop_advance(f->loop, ROTA_MSEC(10));
		rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	}

	assert_string_equal(recorder_take(&r), "first@10 first@20 second@20");

	/* A refresh is a new start. */
	rota_loop_advance(f->loop, ROTA_MSEC(10));
	assert_int_equal(rota_refresh(f->loop, first), 0);
	rota_loop_advance(f->loop, ROTA_MSEC(10));
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_string_equal(recorder_take(&r), "second@40 first@40");
	rota_clear(f->loop, first);
	rota_clear(f->loop, second);
}

/* T9: a pause begins at the end of the callback, which counts as its start. */
static void a_pause_is_a_new_start(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	b.then = stop_all_at_number;
	b.number = 1;
	b.other = &a;
	actor_every(&a, ROTA_MSEC(10), ROTA_REPEAT_DELAY);
	actor_every(&b, ROTA_MSEC(20), ROTA_REPEAT_RATE);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a@10 b@20");
}

/* T9: rota_timer_again() is a start. */
static void again_is_a_new_start(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_every(&a, ROTA_MSEC(10), ROTA_REPEAT_RATE);
	actor_every(&b, ROTA_MSEC(10), ROTA_REPEAT_RATE);
	assert_int_equal(rota_timer_again(&a.timer), 0);
	rota_loop_advance(f->loop, ROTA_MSEC(10));

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_string_equal(recorder_take(&r), "b@10 a@10");
	rota_timer_stop(&a.timer);
	rota_timer_stop(&b.timer);
}

static void restart_all_overdue(struct actor *a)
{
	struct actor *others = a->other;

	actor_timer_at(&others[0], 0);
	assert_int_equal(rota_timer_every_at(&others[1].timer, actor_on_timer,
					     0, ROTA_SEC(100),
					     ROTA_REPEAT_RATE),
			 0);
	actor_timer_at(&others[2], 0);
}

/* T8, T9: timers that are already due when the timers phase starts them. */
static void what_is_started_overdue_keeps_the_order_of_starts(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor first, others[3];
	static const char *const names[] = { "a", "b", "c" };

	recorder_init(&r, f->loop);
	actor_init(&first, &r, "first");
	for (unsigned i = 0; i < 3; i++)
		actor_init(&others[i], &r, names[i]);
	first.then = restart_all_overdue;
	first.other = others;
	actor_timer(&first, 0);

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_string_equal(recorder_take(&r), "first");
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_string_equal(recorder_take(&r), "a b c");
	rota_timer_stop(&others[1].timer);
}

enum { TIMERS = 24, STEPS = 4000 };

struct model {
	struct rota_loop *loop;
	uint64_t seed;
	uint64_t starts;
	unsigned calls;
	struct modelled {
		struct model *model;
		struct rota_timer timer;
		uint64_t due_ns, period_ns, start;
		int active;
	} timers[TIMERS];
};

/* Whether @a must be called before @b. */
static int is_before(const struct modelled *a, const struct modelled *b)
{
	return a->due_ns < b->due_ns ||
	       (a->due_ns == b->due_ns && a->start < b->start);
}

static void on_modelled(struct rota_timer *timer)
{
	struct modelled *m = timer->data;
	struct model *model = m->model;

	assert_true(m->active);
	assert_true(m->due_ns <= rota_loop_now(model->loop));
	for (unsigned i = 0; i < TIMERS; i++)
		if (&model->timers[i] != m && model->timers[i].active)
			assert_true(is_before(m, &model->timers[i]));
	model->calls++;
	m->active = m->period_ns != 0;
	m->due_ns += m->period_ns;
}

/* Times are multiples of 10 us, and there are few of them, so many are equal.
 * Some are so late that they are on another level of the wheel. */
static void start_modelled(struct modelled *m)
{
	struct model *model = m->model;
	uint64_t now_ns = rota_loop_update_now(model->loop);
	uint64_t unit_ns = random_below(&model->seed, 4) ? 10000 : 500000;

	now_ns -= now_ns % unit_ns;
	m->start = ++model->starts;
	m->active = 1;
	m->due_ns = now_ns + unit_ns * (1 + random_below(&model->seed, 12));
	m->period_ns = unit_ns * (1 + random_below(&model->seed, 12));
	if (random_below(&model->seed, 2)) {
		m->period_ns = 0;
		rota_timer_start_at(&m->timer, on_modelled, m->due_ns);
	} else {
		rota_timer_every_at(&m->timer, on_modelled, m->due_ns,
				    m->period_ns, ROTA_REPEAT_RATE);
	}
}

/* T9, C5 */
static void random_timers_are_called_by_due_time_and_start(void **state)
{
	struct fixture *f = *state;
	struct model model = { .loop = f->loop, .seed = random_seed() };

	for (unsigned i = 0; i < TIMERS; i++) {
		model.timers[i].model = &model;
		rota_timer_init(&model.timers[i].timer, f->loop);
		model.timers[i].timer.data = &model.timers[i];
	}
	for (unsigned i = 0; i < STEPS; i++) {
		struct modelled *m =
			&model.timers[random_below(&model.seed, TIMERS)];

		if (random_below(&model.seed, 4) == 0) {
			rota_timer_stop(&m->timer);
			m->active = 0;
		} else {
			start_modelled(m);
		}
		/* Advance at most to the next due time, so that none is
		 * missed. */
		for (unsigned n = 0; n < 2; n++) {
			rota_loop_advance(f->loop, 10000);
			rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
		}
	}

	assert_true(model.calls > STEPS);
	for (unsigned i = 0; i < TIMERS; i++)
		rota_timer_stop(&model.timers[i].timer);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_rate_keeps_its_place_by_its_start),
	VIRTUAL(a_first_time_is_a_start_like_any),
	VIRTUAL(an_interval_keeps_its_place_by_its_start),
	VIRTUAL(a_pause_is_a_new_start),
	VIRTUAL(again_is_a_new_start),
	VIRTUAL(what_is_started_overdue_keeps_the_order_of_starts),
	VIRTUAL(random_timers_are_called_by_due_time_and_start),
};
FIXTURE_MAIN(tests)
