/*
 * What else an id of a quick timer is for: rota_ref(), rota_unref() and
 * rota_refresh().
 */
#include "support/fixture.h"

struct call {
	unsigned calls;
	struct rota_loop *loop;
	uint64_t id;
	int status; /* of refresh in the callback */
};

static void count(void *arg)
{
	struct call *call = arg;

	call->calls++;
}

/* L2 */
static void an_unreferenced_id_does_not_keep_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct call a = { .calls = 0 }, b = a, c = a;
	uint64_t ids[] = {
		rota_set_timeout(f->loop, count, &a, ROTA_MSEC(1)),
		rota_set_interval(f->loop, count, &b, ROTA_MSEC(1)),
		rota_set_immediate(f->loop, count, &c),
	};

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rota_loop_alive(f->loop), 1);
		assert_int_equal(rota_unref(f->loop, ids[i]), 0);
		assert_int_equal(rota_unref(f->loop, ids[i]), 0);
	}

	assert_int_equal(rota_loop_alive(f->loop), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.calls + b.calls + c.calls, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rota_ref(f->loop, ids[i]), 0);
		assert_int_equal(rota_loop_alive(f->loop), 1);
		rota_clear(f->loop, ids[i]);
		assert_int_equal(rota_loop_alive(f->loop), 0);
	}
}

/* L2: it is called while something else is alive. */
static void an_unreferenced_id_calls_back_beside_another(void **state)
{
	struct fixture *f = *state;
	struct call a = { .calls = 0 }, b = a;
	uint64_t id = rota_set_interval(f->loop, count, &a, ROTA_MSEC(1));

	rota_set_timeout(f->loop, count, &b, ROTA_MSEC(5));
	assert_int_equal(rota_unref(f->loop, id), 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	/* Five calls, because it was set first. */
	assert_int_equal(a.calls, 5);
	assert_int_equal(b.calls, 1);
	rota_clear(f->loop, id);
}

/* The memory is reused, but the new id does not inherit the flag. */
static void a_new_id_is_referenced(void **state)
{
	struct fixture *f = *state;
	struct call a = { .calls = 0 };
	uint64_t id = rota_set_timeout(f->loop, count, &a, ROTA_MSEC(1));

	assert_int_equal(rota_unref(f->loop, id), 0);
	rota_clear(f->loop, id);

	id = rota_set_timeout(f->loop, count, &a, ROTA_MSEC(1));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.calls, 1);

	id = rota_set_immediate(f->loop, count, &a);
	assert_int_equal(rota_unref(f->loop, id), 0);
	rota_clear(f->loop, id);
	rota_set_immediate(f->loop, count, &a);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.calls, 2);
}

static void refresh_starts_the_delay_over(void **state)
{
	struct fixture *f = *state;
	struct call a = { .calls = 0 };
	uint64_t id = rota_set_timeout(f->loop, count, &a, ROTA_MSEC(10));

	for (unsigned i = 0; i < 5; i++) {
		rota_loop_advance(f->loop, ROTA_MSEC(9));
		assert_int_equal(rota_refresh(f->loop, id), 0);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	}
	assert_int_equal(a.calls, 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(rota_loop_now(f->loop), f->start_ns + ROTA_MSEC(55));
}

static void refresh_starts_the_period_over(void **state)
{
	struct fixture *f = *state;
	struct call a = { .calls = 0 };
	uint64_t id = rota_set_interval(f->loop, count, &a, ROTA_MSEC(10));

	rota_loop_advance(f->loop, ROTA_MSEC(15));
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_int_equal(a.calls, 1);
	rota_loop_advance(f->loop, ROTA_MSEC(9));
	assert_int_equal(rota_refresh(f->loop, id), 0);
	rota_loop_advance(f->loop, ROTA_MSEC(9));
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_int_equal(a.calls, 1);
	rota_loop_advance(f->loop, ROTA_MSEC(1));
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_int_equal(a.calls, 2);
	rota_clear(f->loop, id);
}

static void refresh_own(void *arg)
{
	struct call *call = arg;

	call->calls++;
	call->status = rota_refresh(call->loop, call->id);
	if (call->calls == 3)
		rota_clear(call->loop, call->id);
}

/* In its callback a timeout does not exist any more, but an interval does. */
static void refresh_in_its_own_callback(void **state)
{
	struct fixture *f = *state;
	struct call a = { .loop = f->loop }, b = a;

	a.id = rota_set_timeout(f->loop, refresh_own, &a, ROTA_MSEC(1));
	b.id = rota_set_interval(f->loop, refresh_own, &b, ROTA_MSEC(1));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(a.calls, 1);
	assert_int_equal(a.status, ROTA_ENOENT);
	assert_int_equal(b.calls, 3);
	assert_int_equal(b.status, 0);
}

static void what_is_gone_or_has_no_delay_is_refused(void **state)
{
	struct fixture *f = *state;
	struct call a = { .calls = 0 };
	uint64_t id = rota_set_timeout(f->loop, count, &a, ROTA_MSEC(1));
	uint64_t immediate = rota_set_immediate(f->loop, count, &a);

	assert_int_equal(rota_refresh(f->loop, immediate), ROTA_EINVAL);
	rota_clear(f->loop, immediate);
	rota_clear(f->loop, id);

	for (unsigned i = 0; i < 4; i++) {
		const uint64_t gone[] = { id, immediate, 0, UINT64_MAX };

		assert_int_equal(rota_refresh(f->loop, gone[i]), ROTA_ENOENT);
		assert_int_equal(rota_ref(f->loop, gone[i]), ROTA_ENOENT);
		assert_int_equal(rota_unref(f->loop, gone[i]), ROTA_ENOENT);
	}
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(an_unreferenced_id_does_not_keep_the_loop_alive),
	VIRTUAL(an_unreferenced_id_calls_back_beside_another),
	VIRTUAL(a_new_id_is_referenced),
	VIRTUAL(refresh_starts_the_delay_over),
	VIRTUAL(refresh_starts_the_period_over),
	VIRTUAL(refresh_in_its_own_callback),
	VIRTUAL(what_is_gone_or_has_no_delay_is_refused),
};
FIXTURE_MAIN(tests)
