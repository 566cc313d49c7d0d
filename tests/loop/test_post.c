/*
 * Posts, as far as one thread can test them: order, refusals, cancelling, and
 * what wakes a loop. test_threads.c has many threads.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <stdlib.h>

#include "support/fault.h"
#include "support/probe.h"
#include "support/script_poller.h"

struct record {
	unsigned count;
	unsigned numbers[ROTA_POSTS_PER_TURN * 2 + 100];
};

struct post {
	struct rota_task task;
	struct record *record;
	unsigned number;
	unsigned again;      /* posts of itself still to make */
	struct post *victim; /* the callback cancels it */
	int status;          /* of the callback's own call */
};

static void run_post(struct rota_task *task)
{
	struct post *p = rota_container_of(task, struct post, task);

	p->record->numbers[p->record->count++] = p->number;
	if (p->again > 0) {
		p->again--;
		p->status = rota_task_post(task, run_post);
	}
	if (p->victim != NULL)
		p->status = rota_task_cancel(&p->victim->task);
}

static void init(struct post *p, struct rota_loop *loop, struct record *record,
		 unsigned number)
{
	*p = (struct post){ .record = record, .number = number };
	rota_task_init(&p->task, loop);
}

/* A callback that must not run. */
static void run_wrongly(struct rota_task *task)
{
	(void)task;
	fail_msg("a refused call took effect");
}

static int post(struct post *p)
{
	return rota_task_post(&p->task, run_post);
}

/* F1, T9 */
static void posts_run_once_and_in_order(void **state)
{
	struct fixture *f = *state;
	struct record record = { .count = 0 };
	struct post posts[100];

	for (unsigned i = 0; i < 100; i++) {
		init(&posts[i], f->loop, &record, i);
		assert_int_equal(post(&posts[i]), 0);
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(record.count, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(record.numbers[i], i);
	assert_int_equal(stats_of(f->loop).posts, 100);
}

struct phase_seen {
	struct rota_task task;
	struct rota_loop *loop;
	enum rota_phase phase;
};

static void note_phase(struct rota_task *task)
{
	struct phase_seen *seen =
		rota_container_of(task, struct phase_seen, task);

	seen->phase = rota_loop_phase(seen->loop);
}

/* F1 */
static void a_post_runs_in_the_poll_phase(void **state)
{
	struct fixture *f = *state;
	struct phase_seen seen = { .loop = f->loop };

	rota_task_init(&seen.task, f->loop);
	assert_int_equal(rota_task_post(&seen.task, NULL), ROTA_EINVAL);
	assert_false(rota_task_is_queued(&seen.task));
	assert_int_equal(rota_task_post(&seen.task, note_phase), 0);
	assert_true(rota_task_is_queued(&seen.task));

	rota_loop_run(f->loop, ROTA_RUN_ONCE);

	assert_int_equal(seen.phase, ROTA_PHASE_POLL);
}

/* F1: the task stays in the queue in which it is. */
static void a_task_that_is_queued_is_refused(void **state)
{
	struct fixture *f = *state;
	struct record record = { .count = 0 };
	struct post first, second;

	init(&first, f->loop, &record, 1);
	init(&second, f->loop, &record, 2);
	assert_int_equal(post(&first), 0);
	assert_int_equal(post(&second), 0);

	assert_int_equal(rota_task_post(&first.task, run_wrongly),
			 ROTA_EALREADY);
	assert_int_equal(rota_task_next_tick(&first.task, run_wrongly),
			 ROTA_EALREADY);
	assert_int_equal(rota_task_microtask(&first.task, run_wrongly),
			 ROTA_EALREADY);
	assert_int_equal(rota_task_immediate(&first.task, run_wrongly),
			 ROTA_EALREADY);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_int_equal(record.count, 2);
	assert_int_equal(record.numbers[0], 1);
	assert_int_equal(rota_task_immediate(&first.task, run_post), 0);
	assert_int_equal(rota_task_post(&first.task, run_wrongly),
			 ROTA_EALREADY);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(record.count, 3);
}

/* F1: a callback may post its own task again. It runs in the next turn (T8). */
static void a_callback_may_post_itself_again(void **state)
{
	struct fixture *f = *state;
	struct record record = { .count = 0 };
	struct post p;

	init(&p, f->loop, &record, 0);
	p.again = 3;
	assert_int_equal(post(&p), 0);

	for (unsigned i = 1; i <= 4; i++) {
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT),
				 i < 4);
		assert_int_equal(record.count, i);
		assert_int_equal(p.status, 0);
	}
}

/* T11: posts over the limit run in the next turn, which does not sleep. */
static void posts_per_turn_are_limited(void **state)
{
	enum { COUNT = ROTA_POSTS_PER_TURN + 50 };
	struct fixture *f = *state;
	struct record *record = test_calloc(1, sizeof(*record));
	struct post *posts = test_calloc(COUNT, sizeof(*posts));

	for (unsigned i = 0; i < COUNT; i++) {
		init(&posts[i], f->loop, record, i);
		assert_int_equal(post(&posts[i]), 0);
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_int_equal(record->count, ROTA_POSTS_PER_TURN);
	assert_int_equal(post(&posts[0]), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(record->count, COUNT + 1);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(record->numbers[i], i);
	assert_int_equal(record->numbers[COUNT], 0);
	test_free(posts);
	test_free(record);
}

/* F1 */
static void a_cancelled_post_does_not_run(void **state)
{
	struct fixture *f = *state;
	struct record record = { .count = 0 };
	struct post posts[5];

	for (unsigned i = 0; i < 5; i++) {
		init(&posts[i], f->loop, &record, i);
		assert_int_equal(post(&posts[i]), 0);
	}

	assert_int_equal(rota_task_cancel(&posts[0].task), 0);
	assert_int_equal(rota_task_cancel(&posts[2].task), 0);
	assert_int_equal(rota_task_cancel(&posts[4].task), 0);
	assert_int_equal(rota_task_cancel(&posts[2].task), ROTA_ENOENT);
	assert_false(rota_task_is_queued(&posts[2].task));
	assert_int_equal(post(&posts[2]), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(record.count, 3);
	assert_int_equal(record.numbers[0], 1);
	assert_int_equal(record.numbers[1], 3);
	assert_int_equal(record.numbers[2], 2);
	assert_int_equal(rota_task_cancel(&posts[1].task), ROTA_ENOENT);
}

/* F1, T8: a post that was already taken from the inbox does not run either. */
static void a_post_may_cancel_those_behind_it(void **state)
{
	struct fixture *f = *state;
	struct record record = { .count = 0 };
	struct post posts[3];

	for (unsigned i = 0; i < 3; i++) {
		init(&posts[i], f->loop, &record, i);
		assert_int_equal(post(&posts[i]), 0);
	}
	posts[0].victim = &posts[1];
	posts[2].victim = &posts[0];

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(record.count, 2);
	assert_int_equal(record.numbers[1], 2);
	assert_int_equal(posts[0].status, 0);
	assert_int_equal(posts[2].status, ROTA_ENOENT);
}

/* O1: when a task runs, it belongs to the caller again. */
static void free_itself(struct rota_task *task)
{
	struct post *p = rota_container_of(task, struct post, task);

	p->record->count++;
	test_free(p);
}

static void a_task_may_be_freed_in_its_callback(void **state)
{
	struct fixture *f = *state;
	struct record record = { .count = 0 };

	for (unsigned i = 0; i < 10; i++) {
		struct post *p = test_malloc(sizeof(*p));

		init(p, f->loop, &record, i);
		assert_int_equal(rota_task_post(&p->task, free_itself), 0);
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(record.count, 10);
}

/* L1, L2, O5 */
static void a_post_keeps_the_loop_alive_and_open(void **state)
{
	struct fixture *f = *state;
	struct record record = { .count = 0 };
	struct post p;

	init(&p, f->loop, &record, 0);
	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(post(&p), 0);

	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	assert_int_equal(rota_task_cancel(&p.task), 0);

	assert_false(rota_loop_alive(f->loop));
	rota_task_unref(&p.task);
	assert_false(rota_task_has_ref(&p.task));
	assert_int_equal(post(&p), 0);
	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	rota_task_ref(&p.task);
	assert_true(rota_loop_alive(f->loop));
	rota_task_unref(&p.task);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
	assert_int_equal(rota_task_is_queued(&p.task), record.count == 0);
	rota_task_cancel(&p.task);
}

/* F1: after the loop has closed, the task belongs to the caller. The reference
 * keeps the loop's memory valid. */
static void a_closed_loop_refuses_posts(void **state)
{
	struct fixture *f = *state;
	struct record record = { .count = 0 };
	struct rota_loop *held = rota_loop_ref(f->loop);
	struct post p;

	init(&p, held, &record, 0);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;

	assert_int_equal(post(&p), ROTA_ESHUTDOWN);
	assert_false(rota_task_is_queued(&p.task));
	assert_int_equal(post(&p), ROTA_ESHUTDOWN);
	assert_true(f->memory.bytes > 0);
	rota_loop_unref(held);

	assert_int_equal(record.count, 0);
	assert_int_equal(f->memory.bytes, 0);
}

struct at_shutdown {
	struct rota_task task;
	struct post *late;
	int status;
};

static void post_late(struct rota_task *task)
{
	struct at_shutdown *s =
		rota_container_of(task, struct at_shutdown, task);

	s->status = post(s->late);
}

/* O5: earlier posts run, and later ones are refused. */
static void a_shutdown_runs_posts_and_refuses_more(void **state)
{
	struct fixture *f = *state;
	struct record record = { .count = 0 };
	struct post early, late;
	struct at_shutdown s = { .late = &late };

	init(&early, f->loop, &record, 1);
	init(&late, f->loop, &record, 2);
	rota_task_init(&s.task, f->loop);
	assert_int_equal(rota_task_post(&s.task, post_late), 0);
	assert_int_equal(post(&early), 0);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_int_equal(s.status, ROTA_ESHUTDOWN);
	assert_int_equal(record.count, 1);
	assert_int_equal(record.numbers[0], 1);
}

/* F1: a post to a loop that is awake makes no system call. Nor does a post
 * before the loop runs, because the loop checks its inbox before it sleeps. */
static void posts_to_a_loop_that_is_awake_make_no_call(void **state)
{
	struct fixture *f = *state;
	struct record record = { .count = 0 };
	struct post posts[10];
	unsigned calls;

	for (unsigned i = 0; i < 10; i++)
		init(&posts[i], f->loop, &record, i);
	posts[9].again = 5;
	fault_count_reset();

	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(post(&posts[i]), 0);
	calls = fault_count(NULL);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_int_equal(calls, 0);
	assert_int_equal(record.count, 15);
	assert_int_equal(fault_count("write"), 0);
	assert_int_equal(fault_count(NULL), stats_of(f->loop).waits);
}

static void post_all(struct script *s, int64_t timeout_ns)
{
	struct post *posts = s->arg;

	(void)timeout_ns;
	s->on_wait = NULL;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(post(&posts[i]), 0);
}

static void nothing(struct rota_timer *timer)
{
	(void)timer;
}

/* F1: while the loop sleeps, the first of several posts wakes it, and no other
 * does. (The scripted poller posts inside its wait, as another thread
 * would.) */
static void a_row_of_posts_wakes_a_sleeping_loop_once(void **state)
{
	struct record record = { .count = 0 };
	struct rota_timer timer;
	struct post posts[10];
	struct script s;

	script_begin(&s, *state);
	rota_timer_init(&timer, s.loop);
	assert_int_equal(rota_timer_start(&timer, nothing, ROTA_SEC(1)), 0);
	for (unsigned i = 0; i < 10; i++)
		init(&posts[i], s.loop, &record, i);
	s.arg = posts;

	for (unsigned round = 1; round <= 3; round++) {
		s.on_wait = post_all;
		assert_int_equal(rota_loop_run(s.loop, ROTA_RUN_ONCE), 1);
		assert_int_equal(s.wakes, round);
		assert_int_equal(record.count, round * 10);
	}

	rota_timer_stop(&timer);
	script_end(&s);
}

static void post_now(struct rota_timer *timer)
{
	struct post *p = timer->data;

	p->status = post(p);
}

/* F1: once it has slept the loop is awake. A callback that posts to its own
 * loop needs no wake-up. */
static void a_loop_that_has_slept_is_awake(void **state)
{
	struct record record = { .count = 0 };
	struct rota_timer timer;
	struct script s;
	struct post p;

	script_begin(&s, *state);
	init(&p, s.loop, &record, 0);
	rota_timer_init(&timer, s.loop);
	timer.data = &p;
	assert_int_equal(rota_timer_start(&timer, post_now, ROTA_MSEC(5)), 0);

	assert_int_equal(rota_loop_run(s.loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(record.count, 1);
	assert_string_equal(script_take(&s), "wait 5000000, wait 0");
	assert_int_equal(s.wakes, 0);
	script_end(&s);
}

/* F1: a wait that does not sleep needs no wake-up. */
static void a_wait_that_does_not_sleep_is_not_woken(void **state)
{
	struct record record = { .count = 0 };
	struct rota_timer timer;
	struct post posts[10];
	struct script s;

	script_begin(&s, *state);
	rota_timer_init(&timer, s.loop);
	assert_int_equal(rota_timer_start(&timer, nothing, ROTA_SEC(1)), 0);
	for (unsigned i = 0; i < 10; i++)
		init(&posts[i], s.loop, &record, i);
	s.arg = posts;
	s.on_wait = post_all;

	assert_true(rota_loop_run(s.loop, ROTA_RUN_NOWAIT) >= 0);

	assert_int_equal(s.wakes, 0);
	assert_int_equal(record.count, 10);
	rota_timer_stop(&timer);
	script_end(&s);
}

/* C4, F1: a loop with queued posts does not sleep. */
static void a_loop_with_a_post_does_not_sleep(void **state)
{
	struct record record = { .count = 0 };
	struct script s;
	struct post p;

	script_begin(&s, *state);
	init(&p, s.loop, &record, 0);
	assert_int_equal(post(&p), 0);

	assert_int_equal(rota_loop_run(s.loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(script_take(&s), "wait 0");
	assert_int_equal(s.wakes, 0);
	script_end(&s);
}

static void *post_from_a_thread(void *arg)
{
	struct post *p = arg;

	p->status = post(p);
	return NULL;
}

/* F1: the same with a real kernel. */
static void a_post_of_another_thread_wakes_the_loop(void **state)
{
	struct fixture *f = *state;
	struct record record = { .count = 0 };
	struct rota_timer timer;
	struct post posts[20];
	pthread_t thread;

	rota_timer_init(&timer, f->loop);
	assert_int_equal(rota_timer_start(&timer, nothing, ROTA_SEC(50)), 0);
	for (unsigned i = 0; i < 20; i++) {
		init(&posts[i], f->loop, &record, i);
		assert_int_equal(pthread_create(&thread, NULL,
						post_from_a_thread, &posts[i]),
				 0);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
		pthread_join(thread, NULL);
		assert_int_equal(posts[i].status, 0);
		assert_int_equal(record.count, i + 1);
	}

	rota_timer_stop(&timer);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(posts_run_once_and_in_order),
	VIRTUAL(a_post_runs_in_the_poll_phase),
	VIRTUAL(a_task_that_is_queued_is_refused),
	VIRTUAL(a_callback_may_post_itself_again),
	VIRTUAL(posts_per_turn_are_limited),
	VIRTUAL(a_cancelled_post_does_not_run),
	VIRTUAL(a_post_may_cancel_those_behind_it),
	VIRTUAL(a_task_may_be_freed_in_its_callback),
	VIRTUAL(a_post_keeps_the_loop_alive_and_open),
	VIRTUAL(a_closed_loop_refuses_posts),
	VIRTUAL(a_shutdown_runs_posts_and_refuses_more),
	REAL(posts_to_a_loop_that_is_awake_make_no_call),
	REAL(a_row_of_posts_wakes_a_sleeping_loop_once),
	REAL(a_loop_that_has_slept_is_awake),
	REAL(a_wait_that_does_not_sleep_is_not_woken),
	REAL(a_loop_with_a_post_does_not_sleep),
	REAL(a_post_of_another_thread_wakes_the_loop),
};

FIXTURE_MAIN(tests)
