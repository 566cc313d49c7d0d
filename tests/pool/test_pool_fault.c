/* poller: none */
/*
 * Failures (F3): threads that cannot be started, and memory that cannot be
 * allocated.
 */
#include "jobs.h"

#include "support/fault.h"
#include "support/probe.h"

static void run_to_the_end(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

/* Wait until all threads of @pool sleep, so that none is about to start another
 * one and meets the next test's fault. Drops the pool. */
static void settle(struct rota_pool *pool)
{
	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++) {
		struct rota_lane_stats stats;

		do {
			sched_yield();
			stats = lane_stats(pool, (enum rota_lane)lane);
		} while (stats.threads != stats.idle);
	}
	rota_pool_unref(pool);
}

/* The loop's pool client is allocated once, by the loop's allocator. */
static void the_first_work_may_find_no_memory(void **state)
{
	struct fixture *f = *state;
	size_t bytes = f->memory.bytes;
	unsigned failures = 0;
	struct job a;
	int error;

	job_init(&a, f->loop, NULL);
	do {
		f->memory.failed = 0;
		f->memory.fail_at = f->memory.calls + failures + 1;
		error = rota_work_queue(&a.work, IO, job_run, job_done);
		if (f->memory.failed == 0)
			break;
		assert_int_equal(error, ROTA_ENOMEM);
		assert_false(rota_request_is_active(&a.work.request));
		assert_false(rota_loop_alive(f->loop));
		assert_int_equal(f->memory.bytes, bytes);
		failures++;
	} while (failures < 100);
	f->memory.fail_at = 0;

	assert_int_equal(error, 0);
	assert_true(failures > 0);
	run_to_the_end(f);
	bytes = f->memory.bytes;
	for (unsigned i = 0; i < 10; i++) {
		job_queue(&a, CPU);
		run_to_the_end(f);
	}
	assert_int_equal(f->memory.bytes, bytes);
	assert_int_equal(a.calls, 11);
}

static void a_pool_may_find_no_memory(void **state)
{
	struct rota_pool *const untouched = (struct rota_pool *)(void *)state;
	struct rota_pool *pool = untouched;

	(void)state;
	fault_fail("calloc", 1, ENOMEM);
	assert_int_equal(rota_pool_new(&pool, NULL), ROTA_ENOMEM);

	assert_int_equal(fault_clear(), 1);
	assert_ptr_equal(pool, untouched);
}

static int fine(void *context)
{
	(void)context;
	return 0;
}

static void never_discarded(void *context)
{
	(void)context;
	fail();
}

static void detachable_work_may_find_no_memory(void **state)
{
	const struct rota_detachable how = { fine, never_discarded, NULL };
	struct fixture *f = *state;
	struct job a;

	job_init(&a, f->loop, NULL);
	job_queue(&a, IO);
	run_to_the_end(f);
	fault_fail("calloc", 1, ENOMEM);
	assert_int_equal(
		rota_work_queue_detachable(&a.work, IO, &how, job_done),
		ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);

	assert_false(rota_request_is_active(&a.work.request));
	assert_int_equal(
		rota_work_queue_detachable(&a.work, IO, &how, job_done), 0);
	run_to_the_end(f);
	assert_int_equal(a.calls, 2);
}

/* There is no thread and none can be started: each job gets the error in its
 * callback. */
static void without_any_thread_work_ends_with_eagain(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, 4));
	struct job a, b;

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	fault_fail_from("pthread_create", 1, EAGAIN);
	job_queue(&a, IO);
	assert_int_equal(a.calls, 0);
	job_queue(&b, IO);
	assert_int_equal(job_cancel(&b), ROTA_EALREADY);
	run_to_the_end(f);
	assert_int_equal(fault_clear(), 2);

	assert_string_equal(journal_take(), "poll: a=EAGAIN b=EAGAIN");
	assert_int_equal(a.runs + b.runs, 0);
	assert_int_equal(lane_stats(pool, IO).threads, 0);
	assert_int_equal(lane_stats(pool, IO).queued, 0);
	job_queue(&a, IO);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "poll: a=0");
	rota_pool_unref(pool);
}

static void queue_other_twice(struct job *job)
{
	job_queue(job->other, CPU);
	job_queue(job->other->other, CPU);
}

/* The same for jobs that a callback has queued. */
static void a_burst_ends_with_eagain(void **state)
{
	struct fixture *f = *state;
	struct job a, b, c;

	use_pool(f, pool_of_threads(0, 4), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	job_init(&c, f->loop, "c");
	a.then = queue_other_twice;
	a.other = &b;
	b.other = &c;
	job_queue(&a, IO);
	await_count(&a.runs, 1);

	fault_fail_from("pthread_create", 1, ENOMEM);
	run_to_the_end(f);

	assert_int_equal(fault_clear(), 1);
	assert_string_equal(journal_take(), "poll: a=0 b=EAGAIN c=EAGAIN");
	assert_int_equal(b.runs + c.runs, 0);
}

/* Starting a thread includes an allocation. */
static void a_thread_may_find_no_memory(void **state)
{
	struct fixture *f = *state;
	struct job a;

	use_pool(f, pool_of_threads(0, 4), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, "a");
	fault_fail("calloc", 1, ENOMEM);
	job_queue(&a, IO);
	run_to_the_end(f);

	assert_int_equal(fault_clear(), 1);
	assert_string_equal(journal_take(), "poll: a=EAGAIN");
}

/* So is each call by which one is made: none that fails is passed over, and
 * nothing is left of a thread that was not made. */
static void any_call_that_makes_a_thread_may_fail(void **state)
{
	static const char *const calls[] = { "pthread_condattr_init",
					     "pthread_cond_init",
					     "pthread_attr_init",
					     "pthread_create" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, 4));
		struct job a;

		use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
		job_init(&a, f->loop, "a");
		fault_fail(calls[i], 1, ENOMEM);
		job_queue(&a, IO);
		run_to_the_end(f);
		if (fault_clear() == 1) { /* not every system makes all */
			assert_string_equal(journal_take(), "poll: a=EAGAIN");
			assert_int_equal(a.runs, 0);
			assert_int_equal(lane_stats(pool, IO).started, 0);
		} else {
			assert_int_equal(i, 0);
			assert_string_equal(journal_take(), "poll: a=0");
		}
		job_queue(&a, IO);
		run_to_the_end(f);
		assert_string_equal(journal_take(), "poll: a=0");
		settle(pool);
	}
}

/* A pool has a lock for each lane, and stacks of a size that can be had. */
static void any_call_that_makes_a_pool_may_fail(void **state)
{
	struct rota_pool *pool = NULL;
	struct rota_pool_options options;

	(void)state;
	for (unsigned nth = 1; nth <= ROTA_LANE_COUNT; nth++) {
		fault_fail("pthread_mutex_init", nth, ENOMEM);
		assert_int_equal(rota_pool_new(&pool, NULL), ROTA_ENOMEM);
		assert_int_equal(fault_clear(), 1);
		assert_null(pool);
	}
	rota_pool_options_init(&options);
	options.stack_size = 1 << 20;
	fault_fail("pthread_attr_init", 1, ENOMEM);
	assert_int_equal(rota_pool_new(&pool, &options), ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_null(pool);
}

/* A stuck thread counts as a thread, too. A job that cannot begin waits, and
 * the next publish tries again to start a thread. */
static void with_a_thread_work_waits(void **state)
{
	struct fixture *f = *state;
	struct gate gate;
	struct job stuck, a, b;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, 2));

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	job_init(&stuck, f->loop, NULL);
	stuck.gate = &gate;
	job_queue(&stuck, IO);
	gate_await(&gate, 1);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	fault_fail_from("pthread_create", 1, EAGAIN);
	job_queue(&a, IO);
	assert_int_equal(fault_clear(), 1);
	turn(f);
	assert_int_equal(a.calls, 0);

	job_queue(&b, IO);
	run_until_called(&b, 1);

	assert_string_equal(journal_take(), "poll: a=0 b=0");
	gate_end(&gate);
	run_to_the_end(f);
	settle(pool);
}

struct latecomer {
	struct rota_pool *pool;
	struct gate gate;
	struct job job;
};

static void fall_asleep_and_publish(void *arg)
{
	struct latecomer *late = arg;

	gate_open(&late->gate);
	while (lane_stats(late->pool, IO).idle != 1)
		sched_yield();
	job_queue(&late->job, IO); /* it relies on who is on the way */
}

/* The only other one fell asleep meanwhile, and something came after that: it
 * is woken. */
static void who_fell_asleep_comes_for_one_that_was_not_made(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct latecomer late;
	struct rota_loop *other;
	struct job stuck, a;

	late.pool = rota_pool_ref(pool_of_threads(0, 2));
	use_pool(f, late.pool, ROTA_CLOCK_MONOTONIC);
	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	options.pool = late.pool;
	assert_int_equal(rota_loop_new(&other, &options), 0);
	gate_init(&late.gate);
	job_init(&stuck, f->loop, NULL);
	stuck.gate = &late.gate;
	job_init(&a, f->loop, NULL);
	job_init(&late.job, other, NULL);
	job_queue(&stuck, IO);
	gate_await(&late.gate, 1);

	fault_fail_after("pthread_create", 1, EAGAIN, fall_asleep_and_publish,
			 &late);
	job_queue(&a, IO);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_loop_run(other, ROTA_RUN_DEFAULT), 0);
	run_to_the_end(f);

	assert_int_equal(late.job.status, 0);
	assert_int_equal(a.status, 0);
	assert_int_equal(lane_stats(late.pool, IO).started, 1);
	assert_int_equal(rota_loop_close(other), 0);
	gate_end(&late.gate);
	settle(late.pool);
}

static atomic_uint discards;

static void count_discard(void *context)
{
	(void)context;
	atomic_fetch_add(&discards, 1);
}

static void detachable_work_that_was_refused_is_discarded(void **state)
{
	const struct rota_detachable how = { fine, count_discard, NULL };
	struct fixture *f = *state;
	struct job a;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	atomic_store(&discards, 0);
	job_init(&a, f->loop, "a");
	fault_fail("pthread_create", 1, EAGAIN);
	assert_int_equal(
		rota_work_queue_detachable(&a.work, IO, &how, job_done), 0);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(job_cancel(&a), ROTA_EALREADY);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "poll: a=EAGAIN");
	assert_int_equal(discards, 1);
}

/* Starting any one of the threads may fail. Each job is still run, or gets an
 * error. */
static void any_thread_may_fail_to_be_made(void **state)
{
	enum { COUNT = 40 };
	struct fixture *f = *state;
	struct job jobs[COUNT];

	for (unsigned nth = 1; nth <= 6; nth++) {
		struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, 4));
		unsigned refused = 0;

		use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
		fault_fail("pthread_create", nth, EAGAIN);
		for (unsigned i = 0; i < COUNT; i++) {
			job_init(&jobs[i], f->loop, NULL);
			job_queue(&jobs[i], CPU);
		}
		run_to_the_end(f);
		(void)fault_clear();
		for (unsigned i = 0; i < COUNT; i++) {
			assert_int_equal(jobs[i].calls, 1);
			assert_int_equal(jobs[i].runs, jobs[i].status == 0);
			refused += jobs[i].status == ROTA_EAGAIN;
		}
		assert_int_equal(refused, nth == 1);
		settle(pool);
	}
}

static const struct CMUnitTest tests[] = {
	REAL(the_first_work_may_find_no_memory),
	REAL(a_pool_may_find_no_memory),
	REAL(detachable_work_may_find_no_memory),
	REAL(without_any_thread_work_ends_with_eagain),
	REAL(a_burst_ends_with_eagain),
	REAL(a_thread_may_find_no_memory),
	REAL(any_call_that_makes_a_thread_may_fail),
	REAL(any_call_that_makes_a_pool_may_fail),
	REAL(with_a_thread_work_waits),
	REAL(who_fell_asleep_comes_for_one_that_was_not_made),
	REAL(detachable_work_that_was_refused_is_discarded),
	REAL(any_thread_may_fail_to_be_made),
};

FIXTURE_MAIN(tests)
