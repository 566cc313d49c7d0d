/* poller: none */
/*
 * The limits of a lane, changed while it runs; and the statistics of the second
 * version, with how long jobs waited.
 */
#include "jobs.h"

#include <string.h>

#include "support/fault.h"

enum { JOBS = 12 };

struct scene {
	struct fixture *f;
	struct rota_pool *pool;
	struct gate gate;
	struct job jobs[JOBS];
};

static struct scene *scene_new(struct fixture *f, struct rota_pool *pool)
{
	struct scene *s = test_calloc(1, sizeof(*s));

	s->f = f;
	s->pool = rota_pool_ref(pool);
	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	gate_init(&s->gate);
	for (unsigned i = 0; i < JOBS; i++) {
		job_init(&s->jobs[i], f->loop, NULL);
		s->jobs[i].gate = &s->gate;
	}
	return s;
}

static void queue_jobs(struct scene *s, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		job_queue(&s->jobs[i], CPU);
}

static void scene_end(struct scene *s)
{
	gate_end(&s->gate);
	assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT), 0);
	rota_pool_unref(s->pool);
	test_free(s);
}

static void set_lane(struct scene *s, unsigned min, unsigned max)
{
	assert_int_equal(rota_pool_set_lane(s->pool, CPU, min, max), 0);
}

static void await_threads(struct scene *s, unsigned count)
{
	while (lane_stats(s->pool, CPU).threads != count)
		sched_yield();
}

static void more_threads_start_at_once_for_jobs_that_wait(void **state)
{
	struct scene *s = scene_new(*state, pool_of_threads(0, 1));
	struct rota_lane_stats stats;

	queue_jobs(s, JOBS);
	gate_await(&s->gate, 1);
	assert_int_equal(lane_stats(s->pool, CPU).queued, JOBS - 1);

	set_lane(s, 2, 4);

	gate_await(&s->gate, 4);
	stats = lane_stats(s->pool, CPU);
	assert_int_equal(stats.threads, 4);
	assert_int_equal(stats.min_threads, 2);
	assert_int_equal(stats.max_threads, 4);
	assert_int_equal(stats.queued, JOBS - 4);
	assert_in_range(stats.peak, 1, JOBS);
	scene_end(s);
}

static void threads_that_sleep_end_at_once(void **state)
{
	struct scene *s = scene_new(*state, pool_of_threads(4, 4));

	queue_jobs(s, 4);
	gate_await(&s->gate, 4);
	gate_open(&s->gate);
	assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT), 0);
	while (lane_stats(s->pool, CPU).idle != 4)
		sched_yield();

	set_lane(s, 1, 1);

	assert_int_equal(lane_stats(s->pool, CPU).threads, 1);
	assert_int_equal(lane_stats(s->pool, CPU).idle, 1);
	queue_jobs(s, JOBS);
	assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(lane_stats(s->pool, CPU).done, 4 + JOBS);
	assert_int_equal(lane_stats(s->pool, CPU).started, 4);
	scene_end(s);
}

static void threads_that_work_end_when_their_jobs_are_done(void **state)
{
	struct scene *s = scene_new(*state, pool_of_threads(0, 4));

	queue_jobs(s, JOBS);
	gate_await(&s->gate, 4);

	set_lane(s, 0, 2);

	assert_int_equal(lane_stats(s->pool, CPU).threads, 4);
	gate_end(&s->gate);
	assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT), 0);
	await_threads(s, 2);
	for (unsigned i = 0; i < JOBS; i++)
		assert_int_equal(s->jobs[i].calls, 1);
	gate_init(&s->gate);
	scene_end(s);
}

/* A thread that sleeps without a limit, because it is one of the minimum, ends
 * when the minimum is lowered. */
static void a_lower_minimum_concerns_threads_that_sleep(void **state)
{
	struct rota_pool_options options;
	struct rota_pool *pool;
	struct scene *s;

	rota_pool_options_init(&options);
	options.lanes[ROTA_LANE_CPU] =
		(struct rota_lane_options){ .min_threads = 2,
					    .max_threads = 2 };
	options.idle_ns = 1;
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	s = scene_new(*state, pool);
	queue_jobs(s, 2);
	gate_await(&s->gate, 2);
	gate_open(&s->gate);
	assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT), 0);
	while (lane_stats(s->pool, CPU).idle != 2)
		sched_yield();

	set_lane(s, 0, 2);

	await_threads(s, 0);
	scene_end(s);
}

/* The limits change all the time, and no job is left behind. */
static void no_job_is_missed(void **state)
{
	enum { ROUNDS = 300 };
	struct scene *s = scene_new(*state, pool_of_threads(0, 4));

	gate_open(&s->gate);
	for (unsigned round = 0; round < ROUNDS; round++) {
		set_lane(s, 0, 1 + round % 4);
		queue_jobs(s, 1 + round % JOBS);
		set_lane(s, 0, 1 + round * 7 % 5);
		assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT),
				 0);
		assert_int_equal(s->jobs[0].calls, round + 1);
	}
	scene_end(s);
}

static void bad_limits_are_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *none = pool_of_threads(0, 0);
	struct rota_pool *pool = pool_of_threads(1, 2);

	(void)f;
	assert_int_equal(rota_pool_set_lane(pool, (enum rota_lane)3, 0, 1),
			 ROTA_EINVAL);
	assert_int_equal(rota_pool_set_lane(pool, CPU, 2, 1), ROTA_EINVAL);
	assert_int_equal(rota_pool_set_lane(pool, CPU, 0, 0), ROTA_ENOTSUP);
	assert_int_equal(rota_pool_set_lane(none, CPU, 0, 1), ROTA_ENOTSUP);
	assert_int_equal(lane_stats(pool, CPU).min_threads, 1);
	assert_int_equal(lane_stats(pool, CPU).max_threads, 2);
	assert_int_equal(lane_stats(none, CPU).max_threads, 0);
	rota_pool_unref(none);
	rota_pool_unref(pool);
}

static struct rota_pool *pool_that_records(unsigned threads)
{
	struct rota_pool_options options;
	struct rota_pool *pool;

	rota_pool_options_init(&options);
	options.record_waits = 1;
	options.lanes[ROTA_LANE_CPU].max_threads = threads;
	memcpy(options.thread_prefix, "longprefix", sizeof("longprefix"));
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	return pool;
}

static uint64_t waits(const struct rota_lane_stats *stats, int from)
{
	uint64_t count = 0;

	for (int i = from; i < ROTA_WAIT_BUCKETS; i++)
		count += stats->waits[i];
	return count;
}

static void waits_are_counted(void **state)
{
	struct scene *s = scene_new(*state, pool_that_records(1));
	struct rota_lane_stats stats;
	uint64_t queued_ns;

	queue_jobs(s, JOBS);
	gate_await(&s->gate, 1);
	/* All are queued. The newest one is to wait for so long, too. */
	queued_ns = lane_stats(s->pool, CPU).oldest_ns;
	do
		stats = lane_stats(s->pool, CPU);
	while (stats.oldest_ns < queued_ns + ROTA_MSEC(3));
	assert_int_equal(waits(&stats, 0), 1);
	gate_end(&s->gate);
	assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT), 0);

	stats = lane_stats(s->pool, CPU);
	assert_int_equal(stats.oldest_ns, 0);
	assert_int_equal(waits(&stats, 0), JOBS);
	/* Those that waited behind the first one waited for 2^21 ns. */
	assert_true(waits(&stats, 12) >= JOBS - 1);
	gate_init(&s->gate);
	scene_end(s);
}

/* Threads that have ended leave their counts. */
static void counts_outlive_their_threads(void **state)
{
	struct scene *s = scene_new(*state, pool_that_records(3));
	struct rota_lane_stats stats;

	gate_open(&s->gate);
	for (unsigned round = 0; round < 10; round++) {
		queue_jobs(s, JOBS);
		set_lane(s, 0, 1 + round % 3);
		assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT),
				 0);
	}
	stats = lane_stats(s->pool, CPU);
	assert_int_equal(waits(&stats, 0), 10 * JOBS);
	assert_int_equal(stats.done, 10 * JOBS);
	scene_end(s);
}

static void nothing_is_recorded_unless_asked_for(void **state)
{
	struct scene *s = scene_new(*state, pool_of_threads(0, 1));
	struct rota_lane_stats stats;

	queue_jobs(s, JOBS);
	gate_await(&s->gate, 1);
	stats = lane_stats(s->pool, CPU);
	assert_int_equal(stats.oldest_ns, 0);
	assert_int_equal(waits(&stats, 0), 0);
	scene_end(s);
}

/* The members of the first version, and not more. */
static void stats_of_the_first_version_are_filled_to_their_end(void **state)
{
	struct rota_pool *pool = pool_of_threads(0, 1);
	struct rota_lane_stats stats;

	(void)state;
	memset(&stats, 0xee, sizeof(stats));
	stats.size = offsetof(struct rota_lane_stats, min_threads);
	assert_int_equal(rota_pool_stats(pool, CPU, &stats), 0);
	assert_int_equal(stats.queued, 0);
	assert_int_equal(stats.idle, 0);
	assert_int_equal(stats.min_threads, 0xeeeeeeee);
	rota_pool_unref(pool);
}

static void bad_options_are_refused(void **state)
{
	struct rota_pool_options options;
	struct rota_pool *pool;

	(void)state;
	rota_pool_options_init(&options);
	options.record_waits = 2;
	assert_int_equal(rota_pool_new(&pool, &options), ROTA_EINVAL);
	options.record_waits = 1;
	memset(options.thread_prefix, 'a', sizeof(options.thread_prefix));
	assert_int_equal(rota_pool_new(&pool, &options), ROTA_EINVAL);
	options.thread_prefix[15] = '\0';
	options.size = offsetof(struct rota_pool_options, record_waits);
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	rota_pool_unref(pool);
}

#if defined(__linux__) || defined(__APPLE__)

static int see_name(struct rota_work *work)
{
	pthread_getname_np(pthread_self(), work->request.data, 16);
	return 0;
}

static void nothing(struct rota_work *work, int status)
{
	(void)work;
	(void)status;
}

static void a_long_prefix_is_cut(void **state)
{
	struct fixture *f = *state;
	char name[16] = "";
	struct rota_work work;

	use_pool(f, pool_that_records(1), ROTA_CLOCK_MONOTONIC);
	rota_work_init(&work, f->loop);
	work.request.data = name;
	assert_int_equal(rota_work_queue(&work, BLOCKING, see_name, nothing),
			 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(name, "longpre-block-0");
}

#else

static void a_long_prefix_is_cut(void **state)
{
	(void)state; /* other systems have no names */
}

#endif

static const struct CMUnitTest tests[] = {
	REAL(more_threads_start_at_once_for_jobs_that_wait),
	REAL(threads_that_sleep_end_at_once),
	REAL(threads_that_work_end_when_their_jobs_are_done),
	REAL(a_lower_minimum_concerns_threads_that_sleep),
	REAL(no_job_is_missed),
	REAL(bad_limits_are_refused),
	REAL(waits_are_counted),
	REAL(counts_outlive_their_threads),
	REAL(nothing_is_recorded_unless_asked_for),
	REAL(stats_of_the_first_version_are_filled_to_their_end),
	REAL(bad_options_are_refused),
	REAL(a_long_prefix_is_cut),
};

FIXTURE_MAIN(tests)
