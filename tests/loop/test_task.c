/*
 * Tasks: ticks, microtasks, immediates and posts on the loop's own thread.
 *
 * Posts from other threads are tested in test_post.c and test_threads.c, and
 * the budget of ticks in test_budget.c.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <stdlib.h>
#include <unistd.h>

typedef int queue_fn(struct rota_task *task, rota_task_fn *fn);

static queue_fn *const queues[] = {
	rota_task_next_tick,
	rota_task_microtask,
	rota_task_immediate,
	rota_task_post,
};

enum { QUEUE_COUNT = sizeof(queues) / sizeof(queues[0]) };

static void immediate_other(struct actor *a)
{
	actor_immediate(a->other);
}

static void immediate_self(struct actor *a)
{
	if (a->calls < 3)
		actor_immediate(a);
}

static void tick_other(struct actor *a)
{
	actor_tick(a->other);
}

static void microtask_other(struct actor *a)
{
	actor_microtask(a->other);
}

static void cancel_other(struct actor *a)
{
	assert_int_equal(rota_task_cancel(&a->other->task), 0);
}

/* T9 */
static void tasks_of_a_queue_run_in_the_order_they_were_queued(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		assert_int_equal(queues[i](&b.task, actor_on_task), 0);
		assert_int_equal(queues[i](&c.task, actor_on_task), 0);
		assert_int_equal(queues[i](&a.task, actor_on_task), 0);

		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

		assert_string_equal(recorder_take(&r), "b c a");
	}
}

/* O7: no node is called from inside the call that queued it. */
static void no_task_runs_inside_the_call_that_queues_it(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		assert_int_equal(rota_task_is_queued(&a.task), 0);
		assert_int_equal(queues[i](&a.task, actor_on_task), 0);

		assert_int_equal(rota_task_is_queued(&a.task), 1);
		assert_string_equal(recorder_take(&r), "");
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
		assert_string_equal(recorder_take(&r), "a");
	}
}

/* T8 */
static void an_immediate_of_an_immediate_runs_in_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c, prepare;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	actor_init(&prepare, &r, "prepare");
	rota_hook_unref(&prepare.hook);
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	a.then = immediate_other;
	a.other = &b;
	actor_immediate(&a);
	actor_immediate(&c);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "prepare a c prepare b");
	rota_hook_stop(&prepare.hook);
}

/* T8 */
static void an_immediate_that_queues_itself_runs_once_a_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, prepare;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&prepare, &r, "prepare");
	rota_hook_unref(&prepare.hook);
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	a.then = immediate_self;
	actor_immediate(&a);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "prepare a prepare a prepare a");
	rota_hook_stop(&prepare.hook);
}

static void post_self(struct actor *a)
{
	if (a->calls < 3)
		actor_post(a);
}

/* T8 */
static void a_post_that_posts_itself_runs_once_a_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, prepare;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&prepare, &r, "prepare");
	rota_hook_unref(&prepare.hook);
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	a.then = post_self;
	actor_post(&a);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "prepare a prepare a prepare a");
	rota_hook_stop(&prepare.hook);
}

/* T8: a task that is cancelled after it was taken does not run. */
static void a_task_cancelled_by_the_one_before_it_does_not_run(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	a.then = cancel_other;
	a.other = &b;
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		assert_int_equal(queues[i](&a.task, actor_on_task), 0);
		assert_int_equal(queues[i](&b.task, actor_on_task), 0);
		assert_int_equal(queues[i](&c.task, actor_on_task), 0);

		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

		assert_string_equal(recorder_take(&r), "a c");
		assert_int_equal(rota_task_is_queued(&b.task), 0);
	}
}

static void immediate_other_anew(struct actor *a)
{
	cancel_other(a);
	actor_immediate(a->other);
}

/* T8: removed from this turn's queue, it goes into the next turn's. */
static void a_taken_immediate_queued_anew_runs_in_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c, prepare;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	actor_init(&prepare, &r, "prepare");
	rota_hook_unref(&prepare.hook);
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	a.then = immediate_other_anew;
	a.other = &b;
	actor_immediate(&a);
	actor_immediate(&b);
	actor_immediate(&c);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "prepare a c prepare b");
	rota_hook_stop(&prepare.hook);
}

/* T10 */
static void all_ticks_run_before_any_microtask(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t1, t2, t3, m1, m2, timer;

	recorder_init(&r, f->loop);
	actor_init(&t1, &r, "t1");
	actor_init(&t2, &r, "t2");
	actor_init(&t3, &r, "t3");
	actor_init(&m1, &r, "m1");
	actor_init(&m2, &r, "m2");
	actor_init(&timer, &r, "timer");
	t1.then = microtask_other; /* after m1 */
	t1.other = &m2;
	m1.then = tick_other; /* after all microtasks, before the timer */
	m1.other = &t3;
	actor_timer(&timer, 0);
	actor_microtask(&m1);
	actor_tick(&t1);
	actor_tick(&t2);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "t1 t2 m1 m2 t3 timer");
}

/* T10 */
static void a_tick_of_a_tick_runs_behind_those_queued_before(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor t1, t2, t3, microtask;

	recorder_init(&r, f->loop);
	actor_init(&t1, &r, "t1");
	actor_init(&t2, &r, "t2");
	actor_init(&t3, &r, "t3");
	actor_init(&microtask, &r, "microtask");
	t1.then = tick_other;
	t1.other = &t3;
	actor_microtask(&microtask);
	actor_tick(&t1);
	actor_tick(&t2);

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "t1 t2 t3 microtask");
}

/* A callback that queues a microtask and then a tick. They run in the other
 * order. */
struct trio {
	struct actor main;
	struct actor tick;
	struct actor microtask;
};

static void queue_both(struct actor *a)
{
	struct trio *trio = rota_container_of(a, struct trio, main);

	actor_microtask(&trio->microtask);
	actor_tick(&trio->tick);
}

static void trio_init(struct trio *trio, struct recorder *r, const char *name)
{
	actor_init(&trio->main, r, name);
	actor_init(&trio->tick, r, "tick");
	actor_init(&trio->microtask, r, "micro");
	trio->main.then = queue_both;
}

/* T10: between any two callbacks, in every phase. */
static void ticks_and_microtasks_run_between_any_two_callbacks(void **state)
{
	enum { COUNT = 14 };
	static const char *const names[COUNT] = {
		"timer1",   "timer2", "idle1",      "idle2",      "prepare1",
		"prepare2", "watch1", "watch2",     "post1",      "post2",
		"check1",   "check2", "immediate1", "immediate2",
	};
	struct fixture *f = *state;
	struct recorder r;
	struct trio t[COUNT];
	int fds[2];

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < COUNT; i++)
		trio_init(&t[i], &r, names[i]);
	make_pipe(fds);
	put_byte(fds[1]);
	for (size_t i = 0; i < 2; i++) {
		actor_timer(&t[i].main, 0);
		actor_hook(&t[2 + i].main, ROTA_HOOK_IDLE);
		actor_hook(&t[4 + i].main, ROTA_HOOK_PREPARE);
		actor_watch(&t[6 + i].main, fds[0], ROTA_READABLE);
		actor_post(&t[8 + i].main);
		actor_hook(&t[10 + i].main, ROTA_HOOK_CHECK);
		actor_immediate(&t[12 + i].main);
	}

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_string_equal(recorder_take(&r),
			    "timer1 tick micro timer2 tick micro "
			    "idle1 tick micro idle2 tick micro "
			    "prepare1 tick micro prepare2 tick micro "
			    "watch1 tick micro watch2 tick micro "
			    "post1 tick micro post2 tick micro "
			    "check1 tick micro check2 tick micro "
			    "immediate1 tick micro immediate2 tick micro");
	for (size_t i = 0; i < COUNT; i++)
		rota_hook_stop(&t[i].main.hook);
	rota_watch_stop(&t[6].main.watch);
	rota_watch_stop(&t[7].main.watch);
	close(fds[0]);
	close(fds[1]);
}

static void a_queue_call_without_callback_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_task task;

	rota_task_init(&task, f->loop);
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		assert_int_equal(queues[i](&task, NULL), ROTA_EINVAL);
		assert_int_equal(rota_task_is_queued(&task), 0);
	}
	assert_int_equal(rota_loop_alive(f->loop), 0);
}

static void never(struct rota_task *task)
{
	(void)task;
	fail_msg("a task that was refused has run");
}

static void a_queued_task_stays_where_it_is(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		assert_int_equal(queues[i](&a.task, actor_on_task), 0);
		assert_int_equal(queues[i](&b.task, actor_on_task), 0);
		for (size_t j = 0; j < QUEUE_COUNT; j++)
			assert_int_equal(queues[j](&a.task, never),
					 ROTA_EALREADY);

		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

		assert_string_equal(recorder_take(&r), "a b");
	}
}

static void cancel_takes_a_task_out_of_any_queue(void **state)
{
	struct fixture *f = *state;
	struct rota_task task;

	rota_task_init(&task, f->loop);
	assert_int_equal(rota_task_cancel(&task), ROTA_ENOENT);
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		assert_int_equal(queues[i](&task, never), 0);
		assert_int_equal(rota_loop_alive(f->loop), 1);

		assert_int_equal(rota_task_cancel(&task), 0);

		assert_int_equal(rota_task_is_queued(&task), 0);
		assert_int_equal(rota_task_cancel(&task), ROTA_ENOENT);
		assert_int_equal(rota_loop_alive(f->loop), 0);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	}
}

static void cancel_leaves_the_other_tasks_in_order(void **state)
{
	enum { COUNT = 5 };
	static const char *const names[COUNT] = { "0", "1", "2", "3", "4" };
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[COUNT];

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < COUNT; i++)
		actor_init(&actors[i], &r, names[i]);
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		for (size_t j = 0; j < COUNT; j++)
			queues[i](&actors[j].task, actor_on_task);

		rota_task_cancel(&actors[0].task);
		rota_task_cancel(&actors[4].task);
		rota_task_cancel(&actors[2].task);
		queues[i](&actors[0].task, actor_on_task);

		rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
		assert_string_equal(recorder_take(&r), "1 3 0");
	}
}

static void free_self(struct rota_task *task)
{
	unsigned *calls = task->data;

	(*calls)++;
	free(task);
}

/* O4 */
static void a_task_frees_itself_in_its_callback(void **state)
{
	struct fixture *f = *state;
	unsigned calls = 0;

	for (size_t i = 0; i < QUEUE_COUNT; i++)
		for (size_t j = 0; j < 3; j++) {
			struct rota_task *task = malloc(sizeof(*task));

			assert_non_null(task);
			rota_task_init(task, f->loop);
			task->data = &calls;
			assert_int_equal(queues[i](task, free_self), 0);
		}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(calls, 3 * QUEUE_COUNT);
}

static void free_both(struct rota_task *task)
{
	struct rota_task *other = task->data;

	assert_int_equal(rota_task_cancel(other), 0);
	free(other);
	free(task);
}

/* O4 */
static void a_task_frees_the_one_behind_it(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor last;

	recorder_init(&r, f->loop);
	actor_init(&last, &r, "last");
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		struct rota_task *first = malloc(sizeof(*first));
		struct rota_task *second = malloc(sizeof(*second));

		assert_non_null(first);
		assert_non_null(second);
		rota_task_init(first, f->loop);
		rota_task_init(second, f->loop);
		first->data = second;
		assert_int_equal(queues[i](first, free_both), 0);
		assert_int_equal(queues[i](second, never), 0);
		assert_int_equal(queues[i](&last.task, actor_on_task), 0);

		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

		assert_string_equal(recorder_take(&r), "last");
	}
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(tasks_of_a_queue_run_in_the_order_they_were_queued),
	VIRTUAL(no_task_runs_inside_the_call_that_queues_it),
	VIRTUAL(an_immediate_of_an_immediate_runs_in_the_next_turn),
	VIRTUAL(an_immediate_that_queues_itself_runs_once_a_turn),
	VIRTUAL(a_post_that_posts_itself_runs_once_a_turn),
	VIRTUAL(a_task_cancelled_by_the_one_before_it_does_not_run),
	VIRTUAL(a_taken_immediate_queued_anew_runs_in_the_next_turn),
	VIRTUAL(all_ticks_run_before_any_microtask),
	VIRTUAL(a_tick_of_a_tick_runs_behind_those_queued_before),
	VIRTUAL(ticks_and_microtasks_run_between_any_two_callbacks),
	VIRTUAL(a_queue_call_without_callback_is_refused),
	VIRTUAL(a_queued_task_stays_where_it_is),
	VIRTUAL(cancel_takes_a_task_out_of_any_queue),
	VIRTUAL(cancel_leaves_the_other_tasks_in_order),
	VIRTUAL(a_task_frees_itself_in_its_callback),
	VIRTUAL(a_task_frees_the_one_behind_it),
};
FIXTURE_MAIN(tests)
