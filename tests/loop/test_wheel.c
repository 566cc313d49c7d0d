/*
 * Random sets of timers, checked against a reference that searches all of them:
 * the order and the times are right and no timer is lost, whatever was stopped
 * or restarted meanwhile.
 *
 * If the test fails, ROTA_TEST_SEED with the printed seed repeats it.
 */
#include "support/fixture.h"

#include <stdlib.h>

enum { TIMERS = 150 };

struct model;

struct entry {
	struct rota_timer timer;
	struct model *model;
	int active;
	uint64_t due_ns;
	uint64_t order; /* of its last start */
	uint64_t phase; /* it may run in later phases */
	uint64_t started_ns;
};

struct model {
	struct rota_loop *loop;
	uint64_t seed;
	struct entry entries[TIMERS];
	uint64_t starts;
	uint64_t calls;
	uint64_t phase;  /* timers phases that made a call */
	uint64_t now_ns; /* in that phase */
	uint64_t turns;  /* when that phase began */
	unsigned churn;  /* most restarts and stops in a callback */
	uint64_t left;   /* starts left for callbacks to make */
	unsigned bits;   /* delays are below 1 << bits */
	int jumps; /* the clock itself jumps from one due time to the next */
};

/* Each order of magnitude is equally likely. */
static uint64_t random_delay(struct model *m)
{
	unsigned bits = (unsigned)random_below(&m->seed, m->bits + 1);

	return random_below(&m->seed, UINT64_C(1) << bits);
}

static uint64_t turns_of(struct rota_loop *loop)
{
	struct rota_stats stats = { .size = sizeof(stats) };

	rota_loop_stats(loop, &stats);
	return stats.turns;
}

/* The timer that must be called next in the phase, or NULL. */
static struct entry *next_due(struct model *m, uint64_t phase, uint64_t now_ns)
{
	struct entry *best = NULL;

	for (size_t i = 0; i < TIMERS; i++) {
		struct entry *e = &m->entries[i];

		if (!e->active || e->due_ns > now_ns || e->phase >= phase)
			continue;
		if (best == NULL || e->due_ns < best->due_ns ||
		    (e->due_ns == best->due_ns && e->order < best->order))
			best = e;
	}
	return best;
}

static void on_due(struct rota_timer *timer);

static void start_entry(struct entry *e, uint64_t due_ns)
{
	struct model *m = e->model;

	e->active = 1;
	e->due_ns = due_ns;
	e->order = m->starts++;
	e->phase = m->phase;
	e->started_ns = rota_loop_now(m->loop);
	assert_int_equal(rota_timer_start_at(&e->timer, on_due, due_ns), 0);
}

static void start_random(struct entry *e)
{
	struct model *m = e->model;
	uint64_t now_ns = rota_loop_now(m->loop);
	uint64_t delay_ns = random_delay(m);

	switch (random_below(&m->seed, 8)) {
	case 0: /* the due time of another timer */
		start_entry(e,
			    m->entries[random_below(&m->seed, TIMERS)].due_ns);
		break;
	case 1: /* long past */
		start_entry(e, delay_ns < now_ns ? now_ns - delay_ns : 0);
		break;
	default:
		start_entry(e, delay_ns < UINT64_MAX - now_ns
				       ? now_ns + delay_ns
				       : UINT64_MAX);
	}
}

static void stop_entry(struct entry *e)
{
	e->active = 0;
	rota_timer_stop(&e->timer);
}

static void churn(struct model *m)
{
	uint64_t n = random_below(&m->seed, m->churn + 1);

	for (uint64_t i = 0; i < n; i++) {
		struct entry *e = &m->entries[random_below(&m->seed, TIMERS)];

		if (m->left > 0 && random_below(&m->seed, 4) > 0) {
			m->left--;
			start_random(e);
		} else {
			stop_entry(e);
		}
	}
}

/* When a phase begins, the one before must have called all its timers. */
static void begin_phase(struct model *m)
{
	uint64_t turns = turns_of(m->loop);

	if (m->phase > 0 && turns == m->turns)
		return;
	if (m->phase > 0)
		assert_null(next_due(m, m->phase, m->now_ns));
	m->turns = turns;
	m->now_ns = rota_loop_now(m->loop);
	m->phase++;
}

static void on_due(struct rota_timer *timer)
{
	struct entry *e = rota_container_of(timer, struct entry, timer);
	struct model *m = e->model;

	begin_phase(m);
	/* C3, C5, C7, T8, T9: exactly this timer is next. */
	assert_ptr_equal(e, next_due(m, m->phase, m->now_ns));
	if (m->jumps) /* C4: it is not late */
		assert_true(m->now_ns == (e->due_ns > e->started_ns
						  ? e->due_ns
						  : e->started_ns));
	e->active = 0;
	m->calls++;
	churn(m);
}

static void model_begin(struct model *m, struct fixture *f, uint64_t seed)
{
	struct rota_loop_options options;

	*m = (struct model){ .seed = seed };
	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	assert_int_equal(rota_loop_new(&m->loop, &options), 0);
	for (size_t i = 0; i < TIMERS; i++) {
		m->entries[i].model = m;
		rota_timer_init(&m->entries[i].timer, m->loop);
	}
}

static void model_end(struct model *m)
{
	for (size_t i = 0; i < TIMERS; i++)
		rota_timer_stop(&m->entries[i].timer);
	assert_int_equal(rota_loop_close(m->loop), 0);
}

/* Called between runs: no due timer may be left. */
static void expect_none_due(struct model *m)
{
	assert_null(next_due(m, m->phase + 1, rota_loop_now(m->loop)));
	for (size_t i = 0; i < TIMERS; i++)
		assert_int_equal(m->entries[i].active,
				 rota_timer_is_active(&m->entries[i].timer));
}

/* C5, C7: the loop jumps from one due time to the next. */
static void random_sets_run_in_order_as_the_clock_jumps(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = random_seed();
	struct model m;

	for (unsigned bits = 4; bits <= 62; bits += 2) {
		model_begin(&m, f, random_below(&seed, UINT64_MAX) | 1);
		m.bits = bits;
		m.jumps = 1;
		m.churn = 3;
		m.left = 1000;
		for (size_t i = 0; i < TIMERS; i++)
			start_random(&m.entries[i]);
		/* Timers that never fire would keep the loop alive. */
		for (size_t i = 0; i < TIMERS; i++)
			rota_timer_unref(&m.entries[i].timer);

		for (;;) {
			uint64_t last_ns = 0;

			for (size_t i = 0; i < TIMERS; i++)
				if (m.entries[i].active &&
				    m.entries[i].due_ns != UINT64_MAX &&
				    m.entries[i].due_ns >= last_ns)
					last_ns = m.entries[i].due_ns + 1;
			if (last_ns == 0)
				break;
			/* Run until the last timer, which stops the loop. */
			for (size_t i = 0; i < TIMERS; i++)
				if (m.entries[i].active &&
				    m.entries[i].due_ns != UINT64_MAX)
					rota_timer_ref(&m.entries[i].timer);
				else
					rota_timer_unref(&m.entries[i].timer);
			assert_true(rota_loop_run(m.loop, ROTA_RUN_ONCE) >= 0);
		}

		expect_none_due(&m);
		assert_in_range(m.calls, 50, TIMERS + 1000);
		model_end(&m);
	}
}

/* C5: the clock advances in steps from nothing to years, past many due times
 * and past whole levels of any wheel. */
static void random_sets_run_in_order_under_steps_of_any_size(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = random_seed();
	struct model m;

	for (unsigned bits = 4; bits <= 62; bits += 2) {
		model_begin(&m, f, random_below(&seed, UINT64_MAX) | 1);
		m.bits = bits;
		m.churn = 2;
		m.left = 2000;
		for (size_t i = 0; i < TIMERS; i++)
			start_random(&m.entries[i]);

		for (int step = 0; step < 300; step++) {
			rota_loop_advance(m.loop, random_delay(&m));
			churn(&m);
			/* The second turn is for timers that the first one
			 * started. */
			rota_loop_run(m.loop, ROTA_RUN_NOWAIT);
			m.churn = 0;
			rota_loop_run(m.loop, ROTA_RUN_NOWAIT);
			m.churn = 2;
			expect_none_due(&m);
		}
		model_end(&m);
	}
}

/* C5: near the largest value of the clock. */
static void random_sets_run_in_order_near_the_end_of_time(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = random_seed();
	struct model m;

	for (unsigned bits = 4; bits <= 44; bits += 4) {
		model_begin(&m, f, random_below(&seed, UINT64_MAX) | 1);
		m.bits = bits;
		m.churn = 2;
		m.left = 300;
		rota_loop_advance(m.loop, UINT64_MAX - ROTA_SEC(1) -
						  (UINT64_C(1) << bits));
		rota_loop_update_now(m.loop);
		for (size_t i = 0; i < TIMERS; i++)
			start_random(&m.entries[i]);

		for (int step = 0; step < 100; step++) {
			rota_loop_advance(m.loop, random_delay(&m));
			churn(&m);
			rota_loop_run(m.loop, ROTA_RUN_NOWAIT);
			m.churn = 0;
			rota_loop_run(m.loop, ROTA_RUN_NOWAIT);
			m.churn = 2;
			expect_none_due(&m);
		}
		rota_loop_advance(m.loop, UINT64_MAX);
		m.churn = 0;
		rota_loop_run(m.loop, ROTA_RUN_NOWAIT);
		expect_none_due(&m);
		for (size_t i = 0; i < TIMERS; i++)
			assert_true(!m.entries[i].active ||
				    m.entries[i].due_ns == UINT64_MAX);
		model_end(&m);
	}
}

struct member {
	struct rota_timer timer;
	unsigned *next;
	unsigned number;
};

static void expect_turn(struct rota_timer *timer)
{
	struct member *member = rota_container_of(timer, struct member, timer);

	assert_int_equal(member->number, (*member->next)++);
}

/* T9: timers of one due time, started ever closer to it, and so on ever lower
 * levels of the wheel. */
static void equal_due_times_keep_their_order_across_levels(void **state)
{
	enum { COUNT = 60 };
	struct fixture *f = *state;
	struct member members[COUNT];
	uint64_t due_ns = f->start_ns + (UINT64_C(1) << COUNT);
	unsigned next = 0;

	for (unsigned i = 0; i < COUNT; i++) {
		uint64_t now_ns = due_ns - (UINT64_C(1) << (COUNT - i));

		rota_loop_advance(f->loop, now_ns - rota_loop_now(f->loop));
		rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
		assert_int_equal(rota_loop_update_now(f->loop), now_ns);
		members[i].next = &next;
		members[i].number = i;
		rota_timer_init(&members[i].timer, f->loop);
		rota_timer_start_at(&members[i].timer, expect_turn, due_ns);
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(next, COUNT);
	assert_true(rota_loop_now(f->loop) == due_ns);
}

static void count_call(struct rota_timer *timer)
{
	unsigned *calls = timer->data;

	(*calls)++;
}

/* C8: one timer for each power of two, alone in the loop. The jump is exact to
 * the nanosecond, whatever the level. */
static void a_wait_is_exact_at_any_distance(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = random_seed();
	unsigned calls = 0;

	for (unsigned i = 0; i < 20 * 60; i++) {
		uint64_t delay_ns =
			random_below(&seed, UINT64_C(1) << (i % 60));
		struct rota_loop_options options;
		struct rota_timer timer;
		struct rota_loop *loop;
		uint64_t began_ns;

		fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
		assert_int_equal(rota_loop_new(&loop, &options), 0);
		rota_loop_advance(loop, random_below(&seed, ROTA_SEC(100)));
		began_ns = rota_loop_update_now(loop);
		rota_timer_init(&timer, loop);
		timer.data = &calls;
		rota_timer_start(&timer, count_call, delay_ns);
		rota_loop_run(loop, ROTA_RUN_DEFAULT);
		assert_int_equal(calls, i + 1);
		assert_true(rota_loop_now(loop) - began_ns == delay_ns);
		assert_int_equal(rota_loop_close(loop), 0);
	}
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(random_sets_run_in_order_as_the_clock_jumps),
	VIRTUAL(random_sets_run_in_order_under_steps_of_any_size),
	VIRTUAL(random_sets_run_in_order_near_the_end_of_time),
	VIRTUAL(equal_due_times_keep_their_order_across_levels),
	VIRTUAL(a_wait_is_exact_at_any_distance),
};
FIXTURE_MAIN(tests)
