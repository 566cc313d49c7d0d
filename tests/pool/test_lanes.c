/* poller: none */
/*
 * Lanes and their threads: a stuck job delays no other lane, threads are
 * started when there is work, and they end when there is none.
 */
#include "jobs.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "pool/pool.h"
#include "support/probe.h"

enum { MANY = 64 };

static void queue_stuck(struct job *jobs, unsigned count, struct fixture *f,
			enum rota_lane lane, struct gate *gate)
{
	for (unsigned i = 0; i < count; i++) {
		job_init(&jobs[i], f->loop, NULL);
		jobs[i].gate = gate;
		job_queue(&jobs[i], lane);
	}
}

static void run_to_the_end(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

/* Wait until the lane has @count threads, as idle threads end after a while. */
static void await_threads(struct rota_pool *pool, enum rota_lane lane,
			  unsigned count)
{
	while (lane_stats(pool, lane).threads != count)
		sched_yield();
}

static void await_idle(struct rota_pool *pool, enum rota_lane lane,
		       unsigned count)
{
	while (lane_stats(pool, lane).idle != count)
		sched_yield();
}

static void one_lane_does_not_delay_another(void **state)
{
	struct fixture *f = *state;
	struct job *stuck = test_calloc(2 * MANY, sizeof(*stuck));
	struct gate gate;
	struct job a;

	use_pool(f, pool_of_threads(0, 2), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	queue_stuck(stuck, MANY, f, CPU, &gate);
	queue_stuck(stuck + MANY, MANY, f, BLOCKING, &gate);
	job_init(&a, f->loop, "a");
	job_queue(&a, IO);

	run_until_called(&a, 1);

	assert_string_equal(journal_take(), "poll: a=0");
	for (unsigned i = 0; i < 2 * MANY; i++)
		assert_int_equal(stuck[i].calls, 0);
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
	for (unsigned i = 0; i < 2 * MANY; i++)
		assert_int_equal(stuck[i].calls, 1);
	test_free(stuck);
}

static void never_due(struct rota_timer *timer)
{
	(void)timer;
}

/* The loop itself runs the jobs of lanes that have no threads. */
static void after_its_own_jobs_the_loop_sleeps(void **state)
{
	struct fixture *f = *state;
	struct rota_timer timer;
	int64_t timeout_ns = 0;
	struct job a;

	use_pool(f, pool_of_threads(0, 0), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, "a");
	job_queue(&a, CPU);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "pending: a=0");

	rota_timer_init(&timer, f->loop);
	rota_timer_start(&timer, never_due, ROTA_SEC(100));
	assert_int_equal(rota_loop_next_timeout(f->loop, &timeout_ns), 0);
	assert_true(timeout_ns > (int64_t)ROTA_SEC(1));
	rota_timer_stop(&timer);
}

static unsigned calls_of(const struct job *jobs, unsigned count)
{
	unsigned calls = 0;

	for (unsigned i = 0; i < count; i++)
		calls += jobs[i].calls;
	return calls;
}

static unsigned order[MANY];
static atomic_uint ordered;

static int note_order(struct rota_work *work)
{
	unsigned at = atomic_fetch_add(&ordered, 1);

	order[at] = (unsigned)job_of(work)->result;
	return 0;
}

/* T9 */
static void one_thread_works_in_order(void **state)
{
	struct fixture *f = *state;
	struct job jobs[MANY];

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	atomic_store(&ordered, 0);
	for (unsigned i = 0; i < MANY; i++) {
		job_init(&jobs[i], f->loop, NULL);
		jobs[i].result = (int)i;
		assert_int_equal(rota_work_queue(&jobs[i].work, IO, note_order,
						 job_done),
				 0);
	}

	run_to_the_end(f);

	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(order[i], i);
	assert_int_equal(calls_of(jobs, MANY), MANY);
}

/* Threads are started one by one as jobs need them, up to the maximum. */
static void threads_are_made_on_demand(void **state)
{
	enum { THREADS = 3 };
	struct fixture *f = *state;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, THREADS));
	struct job jobs[THREADS + 3];
	struct gate gate;

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	assert_int_equal(lane_stats(pool, IO).threads, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		queue_stuck(&jobs[i], 1, f, IO, &gate);
		gate_await(&gate, i + 1);
		assert_int_equal(lane_stats(pool, IO).threads, i + 1);
	}
	queue_stuck(&jobs[THREADS], 3, f, IO, &gate);

	assert_int_equal(lane_stats(pool, IO).threads, THREADS);
	assert_int_equal(lane_stats(pool, IO).started, THREADS);
	assert_int_equal(lane_stats(pool, BLOCKING).threads, 0);
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
	rota_pool_unref(pool);
}

/* An idle thread runs the next job; no new thread is started. */
static void a_thread_that_is_free_is_used_again(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, 4));
	struct job a;

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, NULL);
	for (unsigned i = 0; i < 1000; i++) {
		job_queue(&a, IO);
		run_until_called(&a, i + 1);
	}

	assert_int_equal(lane_stats(pool, IO).started, 1);
	rota_pool_unref(pool);
}

static struct rota_pool *pool_with_idle(unsigned min, unsigned max,
					uint64_t idle_ns)
{
	struct rota_pool_options options;
	struct rota_pool *pool;

	rota_pool_options_init(&options);
	options.lanes[IO] = (struct rota_lane_options){ .min_threads = min,
							.max_threads = max };
	options.idle_ns = idle_ns;
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	return pool;
}

static void use_threads(struct fixture *f, struct rota_pool *pool,
			unsigned count)
{
	struct job jobs[8];
	struct gate gate;

	assert_in_range(count, 1, 8);
	gate_init(&gate);
	for (unsigned i = 0; i < count; i++)
		queue_stuck(&jobs[i], 1, f, IO, &gate);
	gate_await(&gate, count);
	assert_int_equal(lane_stats(pool, IO).threads, count);
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
}

static void threads_end_when_idle(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool =
		rota_pool_ref(pool_with_idle(0, 4, ROTA_MSEC(1)));

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	for (unsigned round = 1; round <= 3; round++) {
		use_threads(f, pool, 4);
		await_threads(pool, IO, 0);
		assert_int_equal(lane_stats(pool, IO).started, 4 * round);
		assert_int_equal(lane_stats(pool, IO).done, 4 * round);
	}

	rota_pool_unref(pool);
}

static void min_threads_stay_once_made(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool =
		rota_pool_ref(pool_with_idle(2, 4, ROTA_MSEC(1)));

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	assert_int_equal(lane_stats(pool, IO).threads, 0);
	use_threads(f, pool, 4);
	await_threads(pool, IO, 2);
	for (unsigned i = 0; i < 20; i++)
		use_threads(f, pool, 2);

	assert_int_equal(lane_stats(pool, IO).threads, 2);
	assert_int_equal(lane_stats(pool, IO).started, 4);
	rota_pool_unref(pool);
}

/* When its last user is gone, all threads end, including the min_threads. */
static void threads_end_with_their_pool(void **state)
{
	struct fixture *f = *state;
	struct rota_pool_options options;
	struct rota_lane_stats stats;
	struct rota_pool *pool;

	rota_pool_options_init(&options);
	options.lanes[IO] = (struct rota_lane_options){ .min_threads = 2,
							.max_threads = 4 };
	options.idle_ns = UINT64_MAX;
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	rotai_pool_hold(pool); /* keeps only the memory */
	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	use_threads(f, pool, 4);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;

	do {
		sched_yield();
		rotai_lane_stats(&pool->lanes[IO], &stats);
	} while (stats.threads > 0);

	assert_int_equal(stats.done, 4);
	rotai_pool_release(pool);
}

/* A thread may use these after the test has ended. */
static struct gate lasting_gate;
static atomic_uint discards;

static int be_stuck(void *context)
{
	gate_pass(context);
	return 0;
}

static void count_discard(void *context)
{
	(void)context;
	atomic_fetch_add(&discards, 1);
}

static void expect_canceled(struct rota_work *work, int status)
{
	(void)work;
	assert_int_equal(status, ROTA_ECANCELED);
}

static void queue_to_be_stuck(struct rota_work *work, struct fixture *f,
			      enum rota_lane lane)
{
	const struct rota_detachable how = { be_stuck, count_discard,
					     &lasting_gate };

	rota_work_init(work, f->loop);
	assert_int_equal(
		rota_work_queue_detachable(work, lane, &how, expect_canceled),
		0);
}

/* The threads end when they are done, and nothing waits for them. The last one
 * frees the memory, which the test keeps until it has looked at it. */
static void a_pool_may_be_dropped_while_threads_are_at_work(void **state)
{
	enum { COUNT = 5, AT_WORK = 3 };
	static const enum rota_lane lanes[COUNT] = {
		ROTA_LANE_IO, ROTA_LANE_CPU, ROTA_LANE_CPU,
		ROTA_LANE_IO, ROTA_LANE_CPU, /* these two wait */
	};
	struct fixture *f = *state;
	struct rota_pool *pool = pool_of_threads(1, 1);
	struct rota_work works[COUNT];
	struct rota_lane_stats stats;
	struct job idle;

	pool->lanes[CPU].max = 2;
	rotai_pool_hold(pool); /* keeps only the memory */
	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	gate_init(&lasting_gate);
	atomic_store(&discards, 0);
	job_init(&idle, f->loop, NULL);
	job_queue(&idle, BLOCKING);
	run_until_called(&idle, 1);
	for (unsigned i = 0; i < COUNT; i++)
		queue_to_be_stuck(&works[i], f, lanes[i]);
	gate_await(&lasting_gate, AT_WORK);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(rota_request_cancel(&works[i].request), 0);
	run_to_the_end(f);

	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;

	assert_int_equal(rotai_pool_users(pool), 0);
	assert_int_equal(discards, COUNT - AT_WORK); /* the waiting jobs */
	while (rotai_pool_holders(pool) > 1 + AT_WORK)
		sched_yield(); /* the idle thread ends */
	rotai_lane_stats(&pool->lanes[CPU], &stats);
	assert_int_equal(stats.running, 2);
	gate_end(&lasting_gate);
	while (rotai_pool_holders(pool) > 1)
		sched_yield();
	assert_int_equal(discards, COUNT);
	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++) {
		rotai_lane_stats(&pool->lanes[lane], &stats);
		assert_int_equal(stats.threads, 0);
	}
	rotai_pool_release(pool);
}

/* The same without a reference of the test: the thread that was stuck frees
 * everything. */
static void the_last_thread_frees_its_pool(void **state)
{
	struct fixture *f = *state;
	struct rota_work work;

	use_pool(f, pool_of_threads(1, 1), ROTA_CLOCK_MONOTONIC);
	gate_init(&lasting_gate);
	atomic_store(&discards, 0);
	queue_to_be_stuck(&work, f, IO);
	gate_await(&lasting_gate, 1);
	assert_int_equal(rota_request_cancel(&work.request), 0);
	run_to_the_end(f);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;

	gate_end(&lasting_gate);
	await_count(&discards, 1);
	assert_int_equal(rota_pool_end(UINT64_MAX), 0); /* waits for it */
}

static void a_pool_that_is_not_used_has_no_threads(void **state)
{
	struct rota_pool *pool = pool_of_threads(2, 4);

	(void)state;
	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++) {
		struct rota_lane_stats stats =
			lane_stats(pool, (enum rota_lane)lane);

		assert_int_equal(stats.threads, 0);
		assert_int_equal(stats.started, 0);
		assert_int_equal(stats.queued, 0);
		assert_int_equal(stats.running, 0);
		assert_int_equal(stats.done, 0);
		assert_int_equal(stats.idle, 0);
	}
	rota_pool_unref(pool);
}

static void figures_add_up(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, 2));
	struct rota_lane_stats stats;
	struct gate gate;
	struct job jobs[10];

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	queue_stuck(jobs, 10, f, BLOCKING, &gate);
	gate_await(&gate, 2);
	stats = lane_stats(pool, BLOCKING);
	assert_int_equal(stats.running, 2);
	assert_int_equal(stats.queued, 8);
	assert_int_equal(stats.done, 0);
	assert_int_equal(stats.threads, 2);
	assert_int_equal(stats.idle, 0);

	assert_int_equal(job_cancel(&jobs[9]), 0);
	assert_int_equal(lane_stats(pool, BLOCKING).queued, 7);
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
	stats = lane_stats(pool, BLOCKING);

	assert_int_equal(stats.running, 0);
	assert_int_equal(stats.queued, 0);
	assert_int_equal(stats.done, 9);
	await_idle(pool, BLOCKING, 2);
	rota_pool_unref(pool);
}

static void bad_stats_are_refused(void **state)
{
	struct rota_pool *pool = rota_pool_default();
	struct rota_lane_stats stats = { .size = sizeof(stats) };
	enum rota_lane beyond = (enum rota_lane)ROTA_LANE_COUNT;

	(void)state;
	assert_int_equal(rota_pool_stats(pool, IO, NULL), ROTA_EINVAL);
	assert_int_equal(rota_pool_stats(pool, beyond, &stats), ROTA_EINVAL);
	stats.size = 3;
	assert_int_equal(rota_pool_stats(pool, IO, &stats), ROTA_EINVAL);
}

static void bad_options_are_refused(void **state)
{
	struct rota_pool_options options;
	struct rota_pool *pool = NULL;
	struct {
		struct rota_pool_options options;
		char more[8];
	} later = { .more = "" };

	(void)state;
	assert_int_equal(rota_pool_new(NULL, NULL), ROTA_EINVAL);
	rota_pool_options_init(&options);
	options.size = 3;
	assert_int_equal(rota_pool_new(&pool, &options), ROTA_EINVAL);
	rota_pool_options_init(&options);
	options.lanes[IO] = (struct rota_lane_options){ .min_threads = 3,
							.max_threads = 2 };
	assert_int_equal(rota_pool_new(&pool, &options), ROTA_EINVAL);
	rota_pool_options_init(&options);
	options.stack_size = 1;
	assert_int_equal(rota_pool_new(&pool, &options), ROTA_EINVAL);
	options.stack_size = SIZE_MAX;
	assert_int_equal(rota_pool_new(&pool, &options), ROTA_EINVAL);
	rota_pool_options_init(&later.options);
	later.options.size = sizeof(later);
	later.more[3] = 1;
	assert_int_equal(rota_pool_new(&pool, &later.options), ROTA_EINVAL);
	assert_null(pool);

	later.more[3] = 0;
	assert_int_equal(rota_pool_new(&pool, &later.options), 0);
	rota_pool_unref(pool);
}

static void there_is_one_default_pool(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = rota_pool_default();
	uint64_t done = lane_stats(pool, CPU).done;
	struct job a;

	assert_non_null(pool);
	assert_ptr_equal(rota_pool_default(), pool);
	job_init(&a, f->loop, NULL);
	job_queue(&a, CPU);
	run_to_the_end(f);

	assert_int_equal(lane_stats(pool, CPU).done, done + 1);
}

struct seen {
	struct rota_work work;
	char name[32];
	sigset_t blocked;
	size_t stack_size;
};

static int look_around(struct rota_work *work)
{
	struct seen *seen = rota_container_of(work, struct seen, work);

	pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
#ifdef __linux__
	pthread_attr_t attributes;

	pthread_getattr_np(pthread_self(), &attributes);
	pthread_attr_getstacksize(&attributes, &seen->stack_size);
	pthread_attr_destroy(&attributes);
#endif
#if defined(__linux__) || defined(__APPLE__)
	pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
#endif
	return 0;
}

static void nothing(struct rota_work *work, int status)
{
	(void)work;
	(void)status;
}

static void threads_are_named_and_left_alone_by_signals(void **state)
{
	static const char *const names[] = { "rota-io-0", "rota-block-0",
					     "rota-cpu-0" };
	struct fixture *f = *state;
	struct rota_pool_options options;
	struct rota_pool *pool;
	struct seen seen = { .name = "" };

	rota_pool_options_init(&options);
	options.stack_size = 300001;
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	rota_work_init(&seen.work, f->loop);
	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++) {
		assert_int_equal(rota_work_queue(&seen.work,
						 (enum rota_lane)lane,
						 look_around, nothing),
				 0);
		run_to_the_end(f);
#if defined(__linux__) || defined(__APPLE__)
		assert_string_equal(seen.name, names[lane]);
#endif
		assert_true(sigismember(&seen.blocked, SIGINT));
		assert_true(sigismember(&seen.blocked, SIGTERM));
		assert_true(sigismember(&seen.blocked, SIGCHLD));
		assert_true(sigismember(&seen.blocked, SIGPIPE));
		assert_true(sigismember(&seen.blocked, SIGUSR1));
		assert_false(sigismember(&seen.blocked, SIGSEGV));
		assert_false(sigismember(&seen.blocked, SIGBUS));
#ifdef __linux__
		assert_in_range(seen.stack_size, 300001, 1 << 20);
#endif
	}
	pthread_sigmask(SIG_SETMASK, NULL, &seen.blocked);
	assert_false(sigismember(&seen.blocked, SIGTERM));
	(void)names;
}

static const struct CMUnitTest tests[] = {
	REAL(one_lane_does_not_delay_another),
	REAL(one_thread_works_in_order),
	REAL(threads_are_made_on_demand),
	REAL(a_thread_that_is_free_is_used_again),
	REAL(threads_end_when_idle),
	REAL(min_threads_stay_once_made),
	REAL(after_its_own_jobs_the_loop_sleeps),
	REAL(threads_end_with_their_pool),
	REAL(a_pool_may_be_dropped_while_threads_are_at_work),
	REAL(the_last_thread_frees_its_pool),
	REAL(a_pool_that_is_not_used_has_no_threads),
	REAL(figures_add_up),
	REAL(bad_stats_are_refused),
	REAL(bad_options_are_refused),
	REAL(there_is_one_default_pool),
	REAL(threads_are_named_and_left_alone_by_signals),
};

FIXTURE_MAIN(tests)
