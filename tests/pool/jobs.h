/*
 * tests/pool/jobs.h - jobs for pools, and gates. A job that reaches a gate is
 * stuck until the test opens the gate.
 *
 *     struct gate gate;
 *     struct job job;
 *
 *     gate_init(&gate);
 *     job_init(&job, f->loop, "a");
 *     job.gate = &gate;
 *     job_queue(&job, ROTA_LANE_IO);
 *     gate_await(&gate, 1);           a thread runs the job, and is stuck
 *     gate_open(&gate);
 */
#ifndef TESTS_POOL_JOBS_H
#define TESTS_POOL_JOBS_H

#include "support/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "rota/pool.h"
#include "support/journal.h"

static const enum rota_lane IO = ROTA_LANE_IO;
static const enum rota_lane BLOCKING = ROTA_LANE_BLOCKING;
static const enum rota_lane CPU = ROTA_LANE_CPU;

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned waiting; /* jobs that are stuck */
	int open;
};

static inline void gate_init(struct gate *gate)
{
	pthread_mutex_init(&gate->lock, NULL);
	pthread_cond_init(&gate->changed, NULL);
	gate->waiting = 0;
	gate->open = 0;
}

/* Called by a job: wait until the gate opens. */
static inline void gate_pass(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->waiting++;
	pthread_cond_broadcast(&gate->changed);
	while (!gate->open)
		pthread_cond_wait(&gate->changed, &gate->lock);
	gate->waiting--;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

/* Called by the test: wait until @count jobs are stuck. */
static inline void gate_await(struct gate *gate, unsigned count)
{
	pthread_mutex_lock(&gate->lock);
	while (gate->waiting != count)
		pthread_cond_wait(&gate->changed, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

/* Let all stuck jobs continue. Later jobs pass at once. */
static inline void gate_open(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->open = 1;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

/* Let all jobs continue, and wait until those that are stuck have passed.
 * Later jobs pass at once, as long as the memory is there: so the lock is not
 * destroyed. It holds nothing that has to be freed. */
static inline void gate_end(struct gate *gate)
{
	gate_open(gate);
	gate_await(gate, 0);
}

struct job {
	struct rota_work work;
	const char *name;              /* NULL: not in the journal */
	struct gate *gate;             /* NULL: the job does not wait */
	int result;                    /* of the job */
	void (*then)(struct job *job); /* runs in the callback, or NULL */
	struct job *other;             /* for @then */

	/* What has happened. */
	atomic_uint runs;
	atomic_uint canceled; /* the final rota_work_canceled() */
	unsigned calls;
	int status;
};

static inline struct job *job_of(struct rota_work *work)
{
	return rota_container_of(work, struct job, work);
}

static inline int job_run(struct rota_work *work)
{
	struct job *job = job_of(work);

	atomic_fetch_add(&job->runs, 1);
	if (job->gate != NULL)
		gate_pass(job->gate);
	atomic_store(&job->canceled, (unsigned)rota_work_canceled());
	return job->result;
}

static inline void job_done(struct rota_work *work, int status)
{
	struct job *job = job_of(work);

	job->calls++;
	job->status = status;
	if (job->name != NULL)
		journal_note_status(work->request.internal.loop, job->name,
				    status);
	if (job->then != NULL)
		job->then(job);
}

static inline void job_init(struct job *job, struct rota_loop *loop,
			    const char *name)
{
	*job = (struct job){ .name = name, .status = 1 };
	rota_work_init(&job->work, loop);
}

static inline void job_queue(struct job *job, enum rota_lane lane)
{
	assert_int_equal(rota_work_queue(&job->work, lane, job_run, job_done),
			 0);
}

static inline int job_cancel(struct job *job)
{
	return rota_request_cancel(&job->work.request);
}

static inline struct rota_lane_stats lane_stats(struct rota_pool *pool,
						enum rota_lane lane)
{
	struct rota_lane_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_pool_stats(pool, lane, &stats), 0);
	return stats;
}

/* Make a pool with @min to @max threads in each lane. */
static inline struct rota_pool *pool_of_threads(unsigned min, unsigned max)
{
	struct rota_pool_options options;
	struct rota_pool *pool;

	rota_pool_options_init(&options);
	for (int i = 0; i < ROTA_LANE_COUNT; i++)
		options.lanes[i] =
			(struct rota_lane_options){ .min_threads = min,
						    .max_threads = max };
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	return pool;
}

/* Replace the fixture's loop by one that uses @pool, and drop the caller's
 * reference to the pool. */
static inline void use_pool(struct fixture *f, struct rota_pool *pool,
			    enum rota_clock clock)
{
	struct rota_loop_options options;

	assert_int_equal(rota_loop_close(f->loop), 0);
	fixture_options(f, clock, &options);
	options.pool = pool;
	assert_int_equal(rota_loop_new(&f->loop, &options), 0);
	rota_pool_unref(pool);
}

/* Run the loop until @job was called back @calls times. */
static inline void run_until_called(struct job *job, unsigned calls)
{
	struct rota_loop *loop = job->work.request.internal.loop;

	while (job->calls < calls)
		assert_in_range(rota_loop_run(loop, ROTA_RUN_ONCE), 0, 1);
}

/* Wait until other threads have raised @count to @wanted. */
static inline void await_count(atomic_uint *count, unsigned wanted)
{
	while (atomic_load(count) != wanted)
		sched_yield();
}

#endif
