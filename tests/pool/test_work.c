/*
 * The work requests of programs: their callbacks, cancellation and deadlines.
 */
#include "jobs.h"

#include <stdlib.h>

#include "support/probe.h"

static void due_in(struct job *job, struct rota_deadline *deadline,
		   uint64_t delay_ns)
{
	uint64_t now_ns = rota_loop_now(job->work.request.internal.loop);

	assert_int_equal(rota_request_set_deadline(&job->work.request, deadline,
						   now_ns + delay_ns),
			 0);
}

static void run_to_the_end(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

/* O1, L3 */
static void work_is_done_and_calls_back_once(void **state)
{
	struct fixture *f = *state;
	struct job a, b, c;

	job_init(&a, f->loop, "a");
	a.result = 7;
	job_init(&b, f->loop, NULL);
	b.result = ROTA_ENOENT;
	job_init(&c, f->loop, NULL);
	job_queue(&a, IO);
	job_queue(&b, BLOCKING);
	job_queue(&c, CPU);
	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	assert_true(rota_request_is_active(&a.work.request));

	run_to_the_end(f);

	assert_string_equal(journal_take(), "poll: a=7");
	assert_int_equal(b.status, ROTA_ENOENT);
	assert_int_equal(c.status, 0);
	assert_int_equal(a.runs + b.runs + c.runs, 3);
	assert_int_equal(a.calls + b.calls + c.calls, 3);
	assert_false(rota_request_is_active(&a.work.request));
}

/* O7: this holds even if a thread finished the job long before. */
static void no_callback_comes_from_inside_the_call(void **state)
{
	struct fixture *f = *state;
	struct job a;

	job_init(&a, f->loop, "a");
	job_queue(&a, CPU);
	await_count(&a.runs, 1);

	assert_int_equal(a.calls, 0);
	run_to_the_end(f);
	assert_int_equal(a.calls, 1);
	(void)journal_take();
}

static int never_run(struct rota_work *work)
{
	(void)work;
	abort();
}

static void never_done(struct rota_work *work, int status)
{
	(void)work;
	(void)status;
	abort();
}

/* O7: an error in the arguments is returned by the call itself. */
static void bad_arguments_are_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_work work;

	rota_work_init(&work, f->loop);

	assert_int_equal(rota_work_queue(&work, IO, NULL, never_done),
			 ROTA_EINVAL);
	assert_int_equal(rota_work_queue(&work, IO, never_run, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_work_queue(&work, (enum rota_lane)ROTA_LANE_COUNT,
					 never_run, never_done),
			 ROTA_EINVAL);
	assert_int_equal(rota_work_queue(&work, (enum rota_lane) - 1, never_run,
					 never_done),
			 ROTA_EINVAL);

	assert_false(rota_request_is_active(&work.request));
	assert_int_equal(rota_request_cancel(&work.request), ROTA_EALREADY);
	assert_false(rota_loop_alive(f->loop));
}

static void work_that_is_queued_is_busy(void **state)
{
	struct fixture *f = *state;
	struct gate gate;
	struct job a;

	gate_init(&gate);
	job_init(&a, f->loop, NULL);
	a.gate = &gate;
	job_queue(&a, IO);

	assert_int_equal(rota_work_queue(&a.work, CPU, never_run, never_done),
			 ROTA_EBUSY);
	gate_await(&gate, 1);
	assert_int_equal(rota_work_queue(&a.work, CPU, never_run, never_done),
			 ROTA_EBUSY);
	gate_end(&gate);
	run_to_the_end(f);

	assert_int_equal(a.calls, 1);
	assert_int_equal(a.runs, 1);
}

static void queue_again(struct job *job)
{
	if (job->calls < 3)
		job_queue(job, IO);
}

/* O1: the caller owns the work again when its callback begins. */
static void a_callback_may_queue_its_work_again(void **state)
{
	struct fixture *f = *state;
	struct job a;

	job_init(&a, f->loop, NULL);
	a.then = queue_again;
	job_queue(&a, IO);
	run_to_the_end(f);

	assert_int_equal(a.calls, 3);
	assert_int_equal(a.runs, 3);
}

static void free_job(struct job *job)
{
	test_free(job);
}

/* O4 */
static void a_callback_may_free_its_work(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 20; i++) {
		struct job *job = test_malloc(sizeof(*job));

		job_init(job, f->loop, NULL);
		job->then = free_job;
		job_queue(job, (enum rota_lane)(i % ROTA_LANE_COUNT));
	}

	run_to_the_end(f);
}

/* O6 */
static void work_that_has_not_begun_is_cancelled(void **state)
{
	struct fixture *f = *state;
	struct gate gate;
	struct job stuck, a, b;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	job_init(&stuck, f->loop, NULL);
	stuck.gate = &gate;
	job_queue(&stuck, IO);
	gate_await(&gate, 1);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	job_queue(&a, IO);
	job_queue(&b, IO);

	assert_int_equal(job_cancel(&a), 0);
	assert_int_equal(job_cancel(&a), ROTA_EALREADY);
	assert_int_equal(a.calls, 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: a=ECANCELED");
	assert_int_equal(job_cancel(&a), ROTA_EALREADY);
	gate_end(&gate);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "poll: b=0");
	assert_int_equal(a.runs, 0);
	assert_int_equal(a.calls, 1);
}

static void cancel_other(struct job *job)
{
	job_queue(job->other, IO);
	assert_int_equal(job_cancel(job->other), 0);
}

/* O6: no thread has seen what the callback itself has queued. */
static void work_that_is_not_published_is_cancelled(void **state)
{
	struct fixture *f = *state;
	struct job a, b;

	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	a.then = cancel_other;
	a.other = &b;
	job_queue(&a, IO);

	run_to_the_end(f);

	assert_string_equal(journal_take(), "poll: a=0 pending: b=ECANCELED");
	assert_int_equal(b.runs, 0);
}

/* O6: the job can see the cancel, and completes with its own status. */
static void work_that_a_thread_is_at_is_busy(void **state)
{
	struct fixture *f = *state;
	struct gate gate;
	struct job a, b;

	gate_init(&gate);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, NULL);
	a.gate = &gate;
	b.gate = &gate;
	a.result = 5;
	job_queue(&a, IO);
	job_queue(&b, IO);
	gate_await(&gate, 2);

	assert_int_equal(job_cancel(&a), ROTA_EBUSY);
	assert_int_equal(job_cancel(&a), ROTA_EBUSY);
	turn(f);
	assert_int_equal(a.calls, 0);
	gate_end(&gate);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "poll: a=5");
	assert_int_equal(a.canceled, 1);
	assert_int_equal(b.canceled, 0);
	assert_int_equal(rota_work_canceled(), 0);
}

/* O6: the thread is done, and the callback is queued. */
static void work_that_has_ended_is_not_cancelled(void **state)
{
	struct fixture *f = *state;
	struct job a, b;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	job_queue(&a, IO);
	job_queue(&b, IO);
	await_count(&b.runs, 1); /* on the same thread, so a has ended */

	assert_int_equal(job_cancel(&a), ROTA_EALREADY);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "poll: a=0 b=0");
	assert_int_equal(job_cancel(&a), ROTA_EALREADY);
}

static void cancel_ended_other(struct job *job)
{
	assert_int_equal(job_cancel(job->other), ROTA_EALREADY);
}

/* O6: the same in the callback of a job that came back together with it. */
static void work_that_came_back_is_not_cancelled(void **state)
{
	struct fixture *f = *state;
	struct job a, b, c;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	job_init(&c, f->loop, "c");
	a.then = cancel_ended_other;
	a.other = &b;
	job_queue(&a, IO);
	job_queue(&b, IO);
	job_queue(&c, IO);
	await_count(&c.runs, 1);

	run_to_the_end(f);

	assert_string_equal(journal_take(), "poll: a=0 b=0 c=0");
}

/* O8 */
static void a_deadline_ends_what_has_not_begun(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct gate gate;
	struct job stuck, a;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_VIRTUAL);
	gate_init(&gate);
	job_init(&stuck, f->loop, NULL);
	stuck.gate = &gate;
	job_queue(&stuck, IO);
	gate_await(&gate, 1);
	job_init(&a, f->loop, "a");
	job_queue(&a, IO);
	due_in(&a, &deadline, ROTA_MSEC(10));

	rota_loop_advance(f->loop, ROTA_MSEC(9));
	turn(f);
	assert_string_equal(journal_take(), "");
	rota_loop_advance(f->loop, ROTA_MSEC(1));
	turn(f);
	assert_string_equal(journal_take(), "pending: a=ETIMEDOUT");
	gate_end(&gate);
	run_to_the_end(f);

	assert_int_equal(a.runs, 0);
	assert_int_equal(a.calls, 1);
}

/* O8: the memory is in use, so the work completes when the thread is done. */
static void a_deadline_of_what_a_thread_is_at_ends_it_later(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct gate gate;
	struct job a;

	gate_init(&gate);
	job_init(&a, f->loop, "a");
	a.gate = &gate;
	a.result = 5;
	job_queue(&a, IO);
	due_in(&a, &deadline, ROTA_MSEC(10));
	gate_await(&gate, 1);

	rota_loop_advance(f->loop, ROTA_MSEC(10));
	turn(f);
	turn(f);
	assert_string_equal(journal_take(), "");
	gate_end(&gate);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "poll: a=ETIMEDOUT");
	assert_int_equal(a.canceled, 1);
}

/* O8: a completion before the deadline stops the deadline. */
static void a_deadline_after_the_end_does_nothing(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct job a;

	job_init(&a, f->loop, "a");
	job_queue(&a, IO);
	due_in(&a, &deadline, ROTA_MSEC(10));

	run_to_the_end(f);
	assert_string_equal(journal_take(), "poll: a=0");
	rota_loop_advance(f->loop, ROTA_MSEC(20));
	turn(f);

	assert_string_equal(journal_take(), "");
	assert_int_equal(a.calls, 1);
}

/* C10: a virtual clock does not advance while a thread works. */
static void virtual_time_waits_for_work(void **state)
{
	struct fixture *f = *state;
	struct job a;
	uint64_t before = rota_loop_now(f->loop);

	job_init(&a, f->loop, NULL);
	job_queue(&a, BLOCKING);
	run_to_the_end(f);

	assert_int_equal(rota_loop_now(f->loop), before);
	assert_int_equal(a.calls, 1);
}

/* In lanes without threads, the loop itself runs the jobs, in order, in its
 * pending phase. */
static void without_threads_the_loop_does_the_work(void **state)
{
	struct fixture *f = *state;
	struct job a, b, c;

	use_pool(f, pool_of_threads(0, 0), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	job_init(&c, f->loop, "c");
	a.result = 3;
	job_queue(&a, CPU);
	job_queue(&b, IO);
	job_queue(&c, BLOCKING);
	assert_int_equal(job_cancel(&b), 0);
	assert_int_equal(a.runs, 0);

	run_to_the_end(f);

	assert_string_equal(journal_take(), "pending: a=3 c=0 b=ECANCELED");
	assert_int_equal(b.runs, 0);
	assert_int_equal(a.runs + c.runs, 2);
}

static void cancel_waiting_other(struct job *job)
{
	assert_int_equal(job->other->runs, 0);
	assert_int_equal(job_cancel(job->other), 0);
}

/* O6: this is possible until the job begins. */
static void without_threads_a_callback_may_cancel_the_next(void **state)
{
	struct fixture *f = *state;
	struct job a, b;

	use_pool(f, pool_of_threads(0, 0), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	a.then = cancel_waiting_other;
	a.other = &b;
	job_queue(&a, IO);
	job_queue(&b, IO);

	run_to_the_end(f);

	assert_string_equal(journal_take(), "pending: a=0 b=ECANCELED");
}

/* T8: jobs that are queued in this phase wait for the next turn, which does not
 * sleep. */
static void without_threads_work_is_taken_whole(void **state)
{
	struct fixture *f = *state;
	struct job a;

	use_pool(f, pool_of_threads(0, 0), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, NULL);
	a.then = queue_again;
	job_queue(&a, IO);

	turn(f);
	assert_int_equal(a.calls, 1);
	turn(f);
	assert_int_equal(a.calls, 2);
	run_to_the_end(f);

	assert_int_equal(a.calls, 3);
	assert_int_equal(stats_of(f->loop).sleeps, 0);
}

/* O5: jobs that have not begun are cancelled, and the shutdown waits for the
 * others. */
static void a_shutdown_waits_for_threads(void **state)
{
	struct fixture *f = *state;
	struct gate gate;
	struct job a, b;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	a.gate = &gate;
	job_queue(&a, IO);
	gate_await(&gate, 1);
	job_queue(&b, IO);

	assert_int_equal(rota_loop_shutdown(f->loop, 0), ROTA_ETIMEDOUT);
	turn(f);
	assert_string_equal(journal_take(), "pending: b=ECANCELED");
	gate_open(&gate);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_string_equal(journal_take(), "poll: a=0");
	assert_int_equal(b.runs, 0);
	gate_end(&gate);
}

static void queue_at_shutdown(struct job *job)
{
	assert_int_equal(
		rota_work_queue(&job->other->work, IO, never_run, never_done),
		ROTA_ESHUTDOWN);
}

/* O5 */
static void a_shutdown_refuses_work(void **state)
{
	struct fixture *f = *state;
	struct job a, b;

	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, NULL);
	a.then = queue_at_shutdown;
	a.other = &b;
	job_queue(&a, IO);
	(void)job_cancel(&a);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_int_equal(a.calls, 1);
	(void)journal_take();
}

/* T11: what one turn does not call back, the next turn does, without
 * sleeping. */
static void completions_of_a_turn_are_limited(void **state)
{
	enum { COUNT = ROTA_POOL_COMPLETIONS_PER_TURN + 100 };
	struct fixture *f = *state;
	struct job *jobs = test_calloc(COUNT + 1, sizeof(*jobs));
	unsigned calls = 0;
	uint64_t turns;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	for (unsigned i = 0; i <= COUNT; i++) {
		job_init(&jobs[i], f->loop, NULL);
		job_queue(&jobs[i], IO);
	}
	await_count(&jobs[COUNT].runs, 1);

	turns = stats_of(f->loop).turns;
	turn(f);
	for (unsigned i = 0; i < COUNT; i++)
		calls += jobs[i].calls;
	assert_int_equal(calls, ROTA_POOL_COMPLETIONS_PER_TURN);
	assert_int_equal(stats_of(f->loop).turns, turns + 1);
	turn(f);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(jobs[i].calls, 1);
	run_to_the_end(f);

	test_free(jobs);
}

static const struct CMUnitTest tests[] = {
	REAL(work_is_done_and_calls_back_once),
	REAL(no_callback_comes_from_inside_the_call),
	REAL(bad_arguments_are_refused),
	REAL(work_that_is_queued_is_busy),
	REAL(a_callback_may_queue_its_work_again),
	REAL(a_callback_may_free_its_work),
	REAL(work_that_has_not_begun_is_cancelled),
	REAL(work_that_is_not_published_is_cancelled),
	REAL(work_that_a_thread_is_at_is_busy),
	REAL(work_that_has_ended_is_not_cancelled),
	REAL(work_that_came_back_is_not_cancelled),
	REAL(a_deadline_ends_what_has_not_begun),
	VIRTUAL(a_deadline_of_what_a_thread_is_at_ends_it_later),
	VIRTUAL(a_deadline_after_the_end_does_nothing),
	VIRTUAL(virtual_time_waits_for_work),
	REAL(without_threads_the_loop_does_the_work),
	REAL(without_threads_a_callback_may_cancel_the_next),
	REAL(without_threads_work_is_taken_whole),
	REAL(a_shutdown_waits_for_threads),
	REAL(a_shutdown_refuses_work),
	REAL(completions_of_a_turn_are_limited),
};

FIXTURE_MAIN(tests)
