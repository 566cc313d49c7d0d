/*
 * rota_set_timeout(), rota_set_interval() and rota_set_immediate(), whose
 * memory the library owns.
 */
#include "support/fixture.h"
#include "support/recorder.h"

/* What a callback does, besides recording its call. @id is its own id. */
struct step {
	struct recorder *r;
	const char *name;
	void (*then)(struct step *step);
	uint64_t id;
	uint64_t other;
	uint64_t cost_ns;
	unsigned calls;
	unsigned last; /* clears itself in this call, or 0 */
};

static void take(void *arg)
{
	struct step *s = arg;

	s->calls++;
	record(s->r, s->name);
	if (s->then != NULL)
		s->then(s);
	if (s->cost_ns > 0)
		rota_loop_advance(s->r->loop, s->cost_ns);
	if (s->calls == s->last)
		rota_clear(s->r->loop, s->id);
}

static void never(void *arg)
{
	(void)arg;
	fail_msg("what was cleared or refused has been called");
}

/* O7: it is never called from inside rota_set_timeout(). */
static void a_timeout_is_called_once_after_its_delay(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct step a = { .r = &r, .name = "a" }, b = { .r = &r, .name = "b" },
		    c = { .r = &r, .name = "c" };

	recorder_init(&r, f->loop);
	r.times = 1;
	a.id = rota_set_timeout(f->loop, take, &a, ROTA_MSEC(10));
	b.id = rota_set_timeout(f->loop, take, &b, ROTA_MSEC(5));
	c.id = rota_set_timeout(f->loop, take, &c, 0);
	assert_true(a.id != 0 && b.id != 0 && c.id != 0);
	assert_true(a.id != b.id && b.id != c.id && a.id != c.id);
	assert_string_equal(recorder_take(&r), "");
	assert_int_equal(rota_loop_alive(f->loop), 1);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "c@0 b@5 a@10");
}

/* T9, T1: in the check phase, in the order of setting, after check hooks. */
static void an_immediate_is_called_once_in_the_check_phase(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct step a = { .r = &r, .name = "a" }, b = { .r = &r, .name = "b" },
		    t = { .r = &r, .name = "t" };
	struct actor task, check;

	recorder_init(&r, f->loop);
	recorder_trace(&r);
	actor_init(&task, &r, "task");
	actor_init(&check, &r, "check");
	rota_hook_unref(&check.hook);
	actor_hook(&check, ROTA_HOOK_CHECK);
	assert_true(rota_set_immediate(f->loop, take, &a) != 0);
	actor_immediate(&task);
	assert_true(rota_set_immediate(f->loop, take, &b) != 0);
	assert_true(rota_set_timeout(f->loop, take, &t, 0) != 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r),
			    "timers: t pending: prepare: poll: "
			    "check: check a task b closing:");
	rota_hook_stop(&check.hook);
	rota_loop_trace(f->loop, NULL);
}

/* A period begins with the previous call, and not when that was due. */
static void an_interval_counts_from_the_start_of_its_call(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct step a = { .r = &r, .name = "a", .last = 5 };

	recorder_init(&r, f->loop);
	r.times = 1;
	a.cost_ns = ROTA_MSEC(4);
	a.id = rota_set_interval(f->loop, take, &a, ROTA_MSEC(10));
	rota_loop_advance(f->loop, ROTA_MSEC(13));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a@13 a@23 a@33 a@43 a@53");
}

static void
an_interval_that_costs_more_than_its_period_comes_every_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct step a = { .r = &r, .name = "a", .last = 4 };
	struct actor check;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&check, &r, "-");
	rota_hook_unref(&check.hook);
	actor_hook(&check, ROTA_HOOK_CHECK);
	a.cost_ns = ROTA_MSEC(13);
	a.id = rota_set_interval(f->loop, take, &a, ROTA_MSEC(10));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "-@10 a@10 -@23 a@23 -@36 "
					       "a@36 -@49 a@49 -@62");
	rota_hook_stop(&check.hook);
}

static void clear_takes_back_what_is_not_yet_called(void **state)
{
	struct fixture *f = *state;

	rota_clear(f->loop, rota_set_timeout(f->loop, never, NULL, 0));
	rota_clear(f->loop, rota_set_interval(f->loop, never, NULL, 1));
	rota_clear(f->loop, rota_set_immediate(f->loop, never, NULL));

	assert_int_equal(rota_loop_alive(f->loop), 0);
	rota_loop_advance(f->loop, ROTA_SEC(1));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
}

static void clear_other(struct step *s)
{
	rota_clear(s->r->loop, s->other);
}

/* C7, T8 */
static void clear_holds_for_a_sibling_of_the_same_phase(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct step a = { .r = &r, .name = "a" }, b = { .r = &r, .name = "b" };

	recorder_init(&r, f->loop);
	a.then = clear_other;
	rota_set_timeout(f->loop, take, &a, ROTA_MSEC(1));
	a.other = rota_set_timeout(f->loop, never, NULL, ROTA_MSEC(1));
	rota_set_timeout(f->loop, take, &b, ROTA_MSEC(1));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "a b");

	rota_set_immediate(f->loop, take, &a);
	a.other = rota_set_immediate(f->loop, never, NULL);
	rota_set_immediate(f->loop, take, &b);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "a b");
}

static void a_callback_may_clear_its_own_id(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct step a = { .r = &r, .name = "a", .last = 1 };
	struct step b = { .r = &r, .name = "b", .last = 1 };
	struct step c = { .r = &r, .name = "c", .last = 2 };

	recorder_init(&r, f->loop);
	r.times = 1;
	a.id = rota_set_immediate(f->loop, take, &a);
	b.id = rota_set_timeout(f->loop, take, &b, ROTA_MSEC(1));
	c.id = rota_set_interval(f->loop, take, &c, ROTA_MSEC(2));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a@0 b@1 c@2 c@4");
}

static void set_again_and_clear_old(struct step *s)
{
	uint64_t old = s->id;

	if (s->calls == 3)
		return;
	s->id = rota_set_timeout(s->r->loop, take, s, ROTA_MSEC(1));
	assert_true(s->id != 0);
	assert_true(s->id != old);
	rota_clear(s->r->loop, old);
}

/* An id is for one call. Clearing it again must not affect the next timer, even
 * if that has reused the memory. */
static void an_id_that_is_gone_clears_nothing(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct step a = { .r = &r, .name = "a" };

	recorder_init(&r, f->loop);
	a.then = set_again_and_clear_old;
	a.id = rota_set_timeout(f->loop, take, &a, ROTA_MSEC(1));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a a a");
}

static void clear_of_what_was_never_an_id_does_nothing(void **state)
{
	static const uint64_t ids[] = { 0,          1,          2,
					UINT32_MAX, UINT64_MAX, 1ull << 32,
					1ull << 63, 4711 };
	struct fixture *f = *state;
	struct recorder r;
	struct step a = { .r = &r, .name = "a" };

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		rota_clear(f->loop, ids[i]);
	a.id = rota_set_timeout(f->loop, take, &a, 0);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (ids[i] != a.id)
			rota_clear(f->loop, ids[i]);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a");
}

static void no_id_is_given_twice(void **state)
{
	enum { COUNT = 3000 };
	struct fixture *f = *state;
	static uint64_t ids[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		switch (i % 3) {
		case 0:
			ids[i] = rota_set_timeout(f->loop, never, NULL, 1);
			break;
		case 1:
			ids[i] = rota_set_interval(f->loop, never, NULL, 1);
			break;
		default:
			ids[i] = rota_set_immediate(f->loop, never, NULL);
		}
		assert_true(ids[i] != 0);
		for (size_t j = 0; j < i; j++)
			if (ids[j] == ids[i])
				fail_msg("id %zu is that of %zu", i, j);
		if (i % 5 != 0)
			rota_clear(f->loop, ids[i]);
	}
	for (size_t i = 0; i < COUNT; i++)
		rota_clear(f->loop, ids[i]);

	assert_int_equal(rota_loop_alive(f->loop), 0);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
}

static void what_cannot_be_set_gives_no_id(void **state)
{
	struct fixture *f = *state;

	assert_true(rota_set_timeout(f->loop, NULL, f, 1) == 0);
	assert_true(rota_set_interval(f->loop, NULL, f, 1) == 0);
	assert_true(rota_set_interval(f->loop, never, f, 0) == 0);
	assert_true(rota_set_immediate(f->loop, NULL, f) == 0);

	assert_int_equal(rota_loop_alive(f->loop), 0);
}

/* F3 */
static void out_of_memory_gives_no_id_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct step a = { .r = &r, .name = "a" };
	unsigned failures = 0;

	recorder_init(&r, f->loop);
	for (size_t nth = 1;; nth++) {
		uint64_t id;

		f->memory.fail_at = f->memory.calls + nth;
		id = rota_set_timeout(f->loop, take, &a, 0);
		f->memory.fail_at = 0;
		if (id != 0)
			break;
		failures++;
		assert_int_equal(rota_loop_alive(f->loop), 0);
		assert_in_range(nth, 1, 10);
	}

	assert_true(failures > 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "a");
}

/* C8 */
static void a_timeout_past_the_end_of_time_never_comes(void **state)
{
	struct fixture *f = *state;
	uint64_t id = rota_set_timeout(f->loop, never, NULL, UINT64_MAX);
	uint64_t other = rota_set_interval(f->loop, never, NULL, UINT64_MAX);

	rota_loop_advance(f->loop, UINT64_MAX);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);

	rota_clear(f->loop, id);
	assert_int_equal(rota_loop_alive(f->loop), 1);
	rota_clear(f->loop, other);
	assert_int_equal(rota_loop_alive(f->loop), 0);
}

static void set_self_as_immediate(struct step *s)
{
	if (s->calls < 3)
		rota_set_immediate(s->r->loop, take, s);
}

/* T8 */
static void
an_immediate_set_by_an_immediate_comes_in_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct step a = { .r = &r, .name = "a" };
	struct actor prepare;

	recorder_init(&r, f->loop);
	actor_init(&prepare, &r, "-");
	rota_hook_unref(&prepare.hook);
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	a.then = set_self_as_immediate;
	rota_set_immediate(f->loop, take, &a);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "- a - a - a");
	rota_hook_stop(&prepare.hook);
}

/* O5: timers that are set prevent a close. A shutdown clears them and frees all
 * memory. */
static void shutdown_takes_back_all_that_was_set(void **state)
{
	struct fixture *f = *state;

	assert_true(rota_set_timeout(f->loop, never, NULL, 1) != 0);
	assert_true(rota_set_interval(f->loop, never, NULL, 1) != 0);
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 2);
	rota_loop_advance(f->loop, ROTA_SEC(1));

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_timeout_is_called_once_after_its_delay),
	VIRTUAL(an_immediate_is_called_once_in_the_check_phase),
	VIRTUAL(an_interval_counts_from_the_start_of_its_call),
	VIRTUAL(an_interval_that_costs_more_than_its_period_comes_every_turn),
	VIRTUAL(clear_takes_back_what_is_not_yet_called),
	VIRTUAL(clear_holds_for_a_sibling_of_the_same_phase),
	VIRTUAL(a_callback_may_clear_its_own_id),
	VIRTUAL(an_id_that_is_gone_clears_nothing),
	VIRTUAL(clear_of_what_was_never_an_id_does_nothing),
	VIRTUAL(no_id_is_given_twice),
	VIRTUAL(what_cannot_be_set_gives_no_id),
	VIRTUAL(out_of_memory_gives_no_id_and_changes_nothing),
	VIRTUAL(a_timeout_past_the_end_of_time_never_comes),
	VIRTUAL(an_immediate_set_by_an_immediate_comes_in_the_next_turn),
	VIRTUAL(shutdown_takes_back_all_that_was_set),
};
FIXTURE_MAIN(tests)
