/*
 * rota_task_post_all(), which posts a chain of tasks: their order, which tasks
 * are skipped, refusals, and that a chain wakes the loop once. Threads are
 * tested in test_post_all_race.c, and memory orders in test_post_order.c.
 */
#include "support/fixture.h"

#include <limits.h>

#include "support/child.h"
#include "support/probe.h"
#include "support/script_poller.h"

enum { TASKS = 8 };

struct chain {
	struct rota_task tasks[TASKS];
	struct rota_task *pointers[TASKS];
	unsigned order[2 * TASKS]; /* indices in the order of calls */
	unsigned calls;
	struct rota_loop *loop;
};

static void note(struct rota_task *task)
{
	struct chain *c = task->data;

	c->order[c->calls++] = (unsigned)(task - c->tasks);
}

static void note_otherwise(struct rota_task *task)
{
	struct chain *c = task->data;

	c->order[c->calls++] = 100 + (unsigned)(task - c->tasks);
}

static void chain_init(struct chain *c, struct rota_loop *loop)
{
	*c = (struct chain){ .loop = loop };
	for (unsigned i = 0; i < TASKS; i++) {
		rota_task_init(&c->tasks[i], loop);
		c->tasks[i].data = c;
		c->pointers[i] = &c->tasks[i];
	}
}

static void expect_at_rest(struct chain *c)
{
	for (unsigned i = 0; i < TASKS; i++)
		assert_false(rota_task_is_queued(&c->tasks[i]));
}

/* F1, T9: the order also holds relative to other posts of the same thread. */
static void a_chain_runs_in_the_order_of_the_array(void **state)
{
	struct fixture *f = *state;
	struct chain c;

	chain_init(&c, f->loop);
	assert_int_equal(rota_task_post(c.pointers[7], note), 0);

	assert_int_equal(rota_task_post_all(c.pointers, 6, note), 6);
	assert_int_equal(rota_task_post(c.pointers[6], note), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(c.calls, 8);
	assert_int_equal(c.order[0], 7);
	for (unsigned i = 1; i < 8; i++)
		assert_int_equal(c.order[i], i - 1);
	expect_at_rest(&c);
	assert_int_equal(stats_of(f->loop).posts, 8);
}

/* F1: a task that is already queued keeps its place and its function. */
static void a_chain_skips_what_is_queued(void **state)
{
	struct fixture *f = *state;
	struct chain c;

	chain_init(&c, f->loop);
	assert_int_equal(rota_task_post(c.pointers[2], note_otherwise), 0);
	assert_int_equal(rota_task_immediate(c.pointers[0], note_otherwise), 0);

	assert_int_equal(rota_task_post_all(c.pointers, 4, note), 2);
	assert_int_equal(rota_task_post_all(c.pointers, 4, note), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(c.calls, 4);
	assert_int_equal(c.order[0], 102);
	assert_int_equal(c.order[1], 1);
	assert_int_equal(c.order[2], 3);
	assert_int_equal(c.order[3], 100);
	expect_at_rest(&c);
}

static void a_task_that_is_twice_in_a_chain_runs_once(void **state)
{
	struct fixture *f = *state;
	struct chain c;

	chain_init(&c, f->loop);
	c.pointers[1] = &c.tasks[0];
	c.pointers[3] = &c.tasks[2];

	assert_int_equal(rota_task_post_all(c.pointers, 4, note), 2);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(c.calls, 2);
	assert_int_equal(c.order[0], 0);
	assert_int_equal(c.order[1], 2);
}

static void a_chain_of_none_does_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rota_task_post_all(NULL, 0, note), 0);
	assert_false(rota_loop_alive(f->loop));
}

static void what_is_no_chain_is_refused(void **state)
{
	struct fixture *f = *state;
	struct chain c;

	chain_init(&c, f->loop);

	assert_int_equal(rota_task_post_all(c.pointers, 2, NULL), ROTA_EINVAL);
	assert_int_equal(
		rota_task_post_all(c.pointers, (size_t)INT_MAX + 1, note),
		ROTA_EINVAL);
	expect_at_rest(&c);
	assert_false(rota_loop_alive(f->loop));
}

/* The tasks before the one of the other loop can still be posted. */
static void tasks_of_two_loops_are_no_chain(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *other;
	struct chain c;

	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	assert_int_equal(rota_loop_new(&other, &options), 0);
	chain_init(&c, f->loop);
	rota_task_init(&c.tasks[5], other);

	assert_int_equal(rota_task_post_all(c.pointers, TASKS, note),
			 ROTA_EINVAL);

	expect_at_rest(&c);
	assert_int_equal(rota_loop_close(other), 0);
	assert_int_equal(rota_task_post_all(c.pointers, 5, note), 5);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(c.calls, 5);
}

/* F1: no task was posted, and all belong to the caller. */
static void a_closed_loop_refuses_a_chain(void **state)
{
	struct fixture *f = *state;
	struct rota_loop *held = rota_loop_ref(f->loop);
	struct chain c;

	chain_init(&c, held);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;

	assert_int_equal(rota_task_post_all(c.pointers, TASKS, note),
			 ROTA_ESHUTDOWN);
	expect_at_rest(&c);
	assert_int_equal(rota_task_post_all(c.pointers, TASKS, note),
			 ROTA_ESHUTDOWN);

	expect_at_rest(&c);
	assert_int_equal(c.calls, 0);
	rota_loop_unref(held);
}

static void post_all_late(struct rota_task *task)
{
	struct chain *c = task->data;

	/* Without the shutdown, this would post itself and one more task. */
	assert_int_equal(rota_task_post_all(c->pointers, 2, note),
			 ROTA_ESHUTDOWN);
	expect_at_rest(c);
	c->calls++;
}

/* O5 */
static void a_shutdown_refuses_a_chain(void **state)
{
	struct fixture *f = *state;
	struct chain c;

	chain_init(&c, f->loop);
	assert_int_equal(rota_task_post(c.pointers[0], post_all_late), 0);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_int_equal(c.calls, 1);
}

static void post_in_child(void *arg)
{
	struct chain *c = arg;

	EXPECT(rota_task_post_all(c->pointers, TASKS, note) == ROTA_ECHILD);
	EXPECT(!rota_task_is_queued(&c->tasks[0]));
	EXPECT(rota_loop_fork(c->loop) == 0);
	EXPECT(rota_task_post_all(c->pointers, TASKS, note) == TASKS);
	EXPECT(rota_loop_run(c->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(c->calls == TASKS);
}

/* F2 */
static void a_forked_child_refuses_a_chain(void **state)
{
	struct fixture *f = *state;
	struct chain c;

	chain_init(&c, f->loop);

	in_a_child(post_in_child, &c);
}

/* L1, L2 */
static void each_task_of_a_chain_keeps_the_loop_alive_by_itself(void **state)
{
	struct fixture *f = *state;
	struct chain c;

	chain_init(&c, f->loop);
	rota_task_unref(&c.tasks[0]);
	rota_task_unref(&c.tasks[1]);
	assert_int_equal(rota_task_post_all(c.pointers, 3, note), 3);

	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_task_cancel(&c.tasks[2]), 0);

	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	assert_int_equal(rota_task_cancel(&c.tasks[0]), 0);
	assert_int_equal(rota_task_cancel(&c.tasks[1]), 0);
	expect_at_rest(&c);
}

static void post_a_chain(struct script *s, int64_t timeout_ns)
{
	struct chain *c = s->arg;

	(void)timeout_ns;
	s->on_wait = NULL;
	assert_int_equal(rota_task_post_all(c->pointers, TASKS, note), TASKS);
}

static void nothing(struct rota_timer *timer)
{
	(void)timer;
}

/* F1: it wakes the loop once, as several posts do. */
static void a_chain_wakes_a_sleeping_loop_once(void **state)
{
	struct rota_timer timer;
	struct chain c;
	struct script s;

	script_begin(&s, *state);
	rota_timer_init(&timer, s.loop);
	assert_int_equal(rota_timer_start(&timer, nothing, ROTA_SEC(1)), 0);
	chain_init(&c, s.loop);
	s.arg = &c;
	s.on_wait = post_a_chain;

	assert_int_equal(rota_loop_run(s.loop, ROTA_RUN_ONCE), 1);

	assert_int_equal(s.wakes, 1);
	assert_int_equal(c.calls, TASKS);
	rota_timer_stop(&timer);
	script_end(&s);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_chain_runs_in_the_order_of_the_array),
	VIRTUAL(a_chain_skips_what_is_queued),
	VIRTUAL(a_task_that_is_twice_in_a_chain_runs_once),
	VIRTUAL(a_chain_of_none_does_nothing),
	VIRTUAL(what_is_no_chain_is_refused),
	VIRTUAL(tasks_of_two_loops_are_no_chain),
	VIRTUAL(a_closed_loop_refuses_a_chain),
	VIRTUAL(a_shutdown_refuses_a_chain),
	VIRTUAL(a_forked_child_refuses_a_chain),
	VIRTUAL(each_task_of_a_chain_keeps_the_loop_alive_by_itself),
	REAL(a_chain_wakes_a_sleeping_loop_once),
};

FIXTURE_MAIN(tests)
