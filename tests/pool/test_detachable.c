/*
 * Detachable work: a cancel or a deadline completes it at once, even while a
 * thread runs the job. Its context is discarded once, when the job is done.
 */
#include "jobs.h"

#include "support/probe.h"

/* The context of a job. It is not on the stack of a test, as a thread may use
 * it after the test has ended. */
struct context {
	struct gate gate;
	int result;
	int stuck;
	atomic_uint runs;
	atomic_uint canceled;
	atomic_uint discards;
};

static struct context contexts[4];

static int run(void *arg)
{
	struct context *context = arg;

	atomic_fetch_add(&context->runs, 1);
	if (context->stuck)
		gate_pass(&context->gate);
	atomic_store(&context->canceled, (unsigned)rota_work_canceled());
	return context->result;
}

static void discard(void *arg)
{
	struct context *context = arg;

	atomic_fetch_add(&context->discards, 1);
}

static struct context *context_begin(unsigned index)
{
	struct context *context = &contexts[index];

	gate_init(&context->gate);
	context->result = 0;
	context->stuck = 0;
	atomic_store(&context->runs, 0);
	atomic_store(&context->canceled, 0);
	atomic_store(&context->discards, 0);
	return context;
}

static struct context *context_stuck(unsigned index)
{
	struct context *context = context_begin(index);

	context->stuck = 1;
	return context;
}

static int queue(struct job *job, struct context *context)
{
	const struct rota_detachable how = { run, discard, context };

	return rota_work_queue_detachable(&job->work, BLOCKING, &how, job_done);
}

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

static void what_is_not_cancelled_gives_its_context_back(void **state)
{
	struct fixture *f = *state;
	struct context *x = context_begin(0), *y = context_begin(1);
	struct job a, b;

	x->result = 3;
	y->result = ROTA_ENOENT;
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, NULL);
	assert_int_equal(queue(&a, x), 0);
	assert_int_equal(queue(&b, y), 0);
	assert_int_equal(queue(&b, y), ROTA_EBUSY);

	run_to_the_end(f);

	assert_string_equal(journal_take(), "poll: a=3");
	assert_int_equal(b.status, ROTA_ENOENT);
	assert_int_equal(x->runs + y->runs, 2);
	assert_int_equal(x->discards + y->discards, 0);
}

static void never_done(struct rota_work *work, int status)
{
	(void)work;
	(void)status;
	fail();
}

static void bad_arguments_are_refused(void **state)
{
	struct fixture *f = *state;
	struct context *x = context_begin(0);
	const struct rota_detachable good = { run, discard, x };
	const struct rota_detachable no_run = { NULL, discard, x };
	const struct rota_detachable no_discard = { run, NULL, x };
	struct rota_work work;

	rota_work_init(&work, f->loop);

	assert_int_equal(
		rota_work_queue_detachable(&work, IO, NULL, never_done),
		ROTA_EINVAL);
	assert_int_equal(
		rota_work_queue_detachable(&work, IO, &no_run, never_done),
		ROTA_EINVAL);
	assert_int_equal(
		rota_work_queue_detachable(&work, IO, &no_discard, never_done),
		ROTA_EINVAL);
	assert_int_equal(rota_work_queue_detachable(&work, IO, &good, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_work_queue_detachable(
				 &work, (enum rota_lane)ROTA_LANE_COUNT, &good,
				 never_done),
			 ROTA_EINVAL);

	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(x->runs + x->discards, 0);
}

/* O6, O8: the work completes and the loop ends while the thread is still
 * stuck. */
static void what_a_thread_is_at_is_cancelled_at_once(void **state)
{
	struct fixture *f = *state;
	struct context *x = context_stuck(0);
	struct job *a = test_malloc(sizeof(*a));

	job_init(a, f->loop, "a");
	assert_int_equal(queue(a, x), 0);
	gate_await(&x->gate, 1);

	assert_int_equal(job_cancel(a), 0);
	assert_int_equal(job_cancel(a), ROTA_EALREADY);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "pending: a=ECANCELED");
	test_free(a);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;
	assert_int_equal(x->discards, 0);
	gate_end(&x->gate);
	await_count(&x->discards, 1);

	assert_int_equal(x->canceled, 1);
	assert_int_equal(x->runs, 1);
}

/* O8: it completes exactly at its deadline. */
static void a_deadline_ends_it_at_once(void **state)
{
	struct fixture *f = *state;
	struct context *x = context_stuck(0);
	struct rota_deadline deadline;
	struct job a;

	job_init(&a, f->loop, "a");
	assert_int_equal(queue(&a, x), 0);
	due_in(&a, &deadline, ROTA_MSEC(10));
	gate_await(&x->gate, 1);

	rota_loop_advance(f->loop, ROTA_MSEC(9));
	turn(f);
	assert_string_equal(journal_take(), "");
	rota_loop_advance(f->loop, ROTA_MSEC(1));
	turn(f);

	assert_string_equal(journal_take(), "pending: a=ETIMEDOUT");
	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(x->discards, 0);
	gate_end(&x->gate);
	await_count(&x->discards, 1);
}

/* O6: no thread ever sees it. */
static void what_has_not_begun_is_cancelled_and_discarded(void **state)
{
	struct fixture *f = *state;
	struct context *x = context_stuck(0), *y = context_begin(1);
	struct job a, b;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, NULL);
	assert_int_equal(queue(&a, x), 0);
	gate_await(&x->gate, 1);
	job_init(&b, f->loop, "b");
	assert_int_equal(queue(&b, y), 0);

	assert_int_equal(job_cancel(&b), 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: b=ECANCELED");
	assert_int_equal(y->discards, 1);
	gate_end(&x->gate);
	run_to_the_end(f);

	assert_int_equal(y->runs, 0);
	assert_int_equal(y->discards, 1);
	assert_int_equal(x->discards, 0);
}

/* The result is on its way back: a cancel fails, and a deadline that passes is
 * still reported. */
static void what_has_ended_is_not_let_go_of(void **state)
{
	struct fixture *f = *state;
	struct context *x = context_begin(0), *y = context_begin(1);
	struct context *last = context_begin(2);
	struct rota_deadline deadline;
	struct job a, b, c;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	x->result = 6;
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	job_init(&c, f->loop, NULL);
	assert_int_equal(queue(&a, x), 0);
	assert_int_equal(queue(&b, y), 0);
	due_in(&b, &deadline, 0);
	assert_int_equal(queue(&c, last), 0);
	await_count(&last->runs, 1);

	assert_int_equal(job_cancel(&a), ROTA_EALREADY);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "poll: a=6 b=ETIMEDOUT");
	assert_int_equal(x->discards, 0);
	assert_int_equal(y->discards, 1);
}

/* The status alone says who owns the context. */
static void a_status_that_means_discard_does_so_always(void **state)
{
	static const int statuses[] = { ROTA_ECANCELED, ROTA_ETIMEDOUT,
					ROTA_EAGAIN };
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		struct context *x = context_begin(i);
		struct job a;

		x->result = statuses[i];
		job_init(&a, f->loop, NULL);
		assert_int_equal(queue(&a, x), 0);
		run_to_the_end(f);

		assert_int_equal(a.status, statuses[i]);
		assert_int_equal(x->runs, 1);
		assert_int_equal(x->discards, 1);
	}
}

/* O5: a shutdown does not wait for the thread. */
static void a_shutdown_does_not_wait_for_it(void **state)
{
	struct fixture *f = *state;
	struct context *x = context_stuck(0);
	struct job a;

	job_init(&a, f->loop, "a");
	assert_int_equal(queue(&a, x), 0);
	gate_await(&x->gate, 1);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_string_equal(journal_take(), "pending: a=ECANCELED");
	assert_int_equal(x->discards, 0);
	gate_end(&x->gate);
	await_count(&x->discards, 1);
}

static void without_threads_the_loop_does_the_work(void **state)
{
	struct fixture *f = *state;
	struct context *x = context_begin(0), *y = context_begin(1);
	struct job a, b;

	use_pool(f, pool_of_threads(0, 0), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	assert_int_equal(queue(&a, x), 0);
	assert_int_equal(queue(&b, y), 0);
	assert_int_equal(job_cancel(&b), 0);

	run_to_the_end(f);

	assert_string_equal(journal_take(), "pending: a=0 b=ECANCELED");
	assert_int_equal(x->runs, 1);
	assert_int_equal(x->discards, 0);
	assert_int_equal(y->runs, 0);
	assert_int_equal(y->discards, 1);
}

/* The loop detaches the job at about the moment when the thread is done.
 * Whichever comes first, the context has exactly one end. A busy machine runs
 * fewer rounds. */
static void letting_go_and_ending_race(void **state)
{
	enum { ROUNDS = 2000, LEAST_ROUNDS = 50 };
	struct fixture *f = *state;
	struct context *x = context_begin(0);
	uint64_t until_ns = real_now() + ROTA_SEC(5);
	unsigned given_back = 0;
	unsigned canceled = 0;
	unsigned i;

	for (i = 0; i < LEAST_ROUNDS || (i < ROUNDS && real_now() < until_ns);
	     i++) {
		struct job a;

		atomic_store(&x->runs, 0);
		job_init(&a, f->loop, NULL);
		assert_int_equal(queue(&a, x), 0);
		if (i % 2)
			await_count(&x->runs, 1);
		for (unsigned k = 0; k < i % 7; k++)
			sched_yield();
		(void)job_cancel(&a);
		run_to_the_end(f);
		assert_int_equal(a.calls, 1);
		canceled += a.status == ROTA_ECANCELED;
		given_back += a.status == 0;
	}

	await_count(&x->discards, canceled);
	assert_int_equal(given_back + canceled, i);
}

static const struct CMUnitTest tests[] = {
	REAL(what_is_not_cancelled_gives_its_context_back),
	REAL(bad_arguments_are_refused),
	REAL(what_a_thread_is_at_is_cancelled_at_once),
	VIRTUAL(a_deadline_ends_it_at_once),
	REAL(what_has_not_begun_is_cancelled_and_discarded),
	REAL(what_has_ended_is_not_let_go_of),
	REAL(a_status_that_means_discard_does_so_always),
	REAL(a_shutdown_does_not_wait_for_it),
	REAL(without_threads_the_loop_does_the_work),
	REAL(letting_go_and_ending_race),
};

FIXTURE_MAIN(tests)
