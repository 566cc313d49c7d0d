/*
 * The statistics of a pool in a forked child. The child has none of the
 * threads, so the figures begin at zero and count what is done in the child.
 */
#include "jobs.h"

#include "support/child.h"

/* Without this option the thread sanitizer does not allow threads in a
 * child. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0:atexit_sleep_ms=50";
}

struct scene {
	struct rota_loop *loop;
	struct rota_pool *pool;
	struct job job;
};

static void expect_counts(struct rota_pool *pool, enum rota_lane lane,
			  unsigned count)
{
	struct rota_lane_stats stats = { .size = sizeof(stats) };

	EXPECT(rota_pool_stats(pool, lane, &stats) == 0);
	EXPECT(stats.queued == 0);
	EXPECT(stats.running == 0);
	EXPECT(stats.done == count);
	EXPECT(stats.started == count);
	EXPECT(stats.threads == count);
}

static void count_in_child(void *arg)
{
	struct scene *s = arg;

	EXPECT(rota_loop_fork(s->loop) == 0);
	for (int i = 0; i < ROTA_LANE_COUNT; i++)
		expect_counts(s->pool, (enum rota_lane)i, 0);

	EXPECT(rota_work_queue(&s->job.work, CPU, job_run, job_done) == 0);
	EXPECT(rota_loop_run(s->loop, ROTA_RUN_DEFAULT) == 0);
	expect_counts(s->pool, IO, 0);
	expect_counts(s->pool, CPU, 1);
}

static void the_figures_of_a_child_begin_at_zero(void **state)
{
	struct fixture *f = *state;
	struct scene s = { .pool = rota_pool_ref(pool_of_threads(1, 1)) };

	use_pool(f, s.pool, ROTA_CLOCK_MONOTONIC);
	s.loop = f->loop;
	job_init(&s.job, f->loop, NULL);
	for (int i = 0; i < ROTA_LANE_COUNT; i++) {
		job_queue(&s.job, (enum rota_lane)i);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	}
	assert_int_equal(lane_stats(s.pool, IO).done, 1);

	in_a_child(count_in_child, &s);

	assert_int_equal(lane_stats(s.pool, CPU).started, 1);
	rota_pool_unref(s.pool);
}

static const struct CMUnitTest tests[] = {
	REAL(the_figures_of_a_child_begin_at_zero),
};

FIXTURE_MAIN(tests)
