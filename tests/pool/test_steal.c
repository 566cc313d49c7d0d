/* poller: none */
/*
 * No job waits behind one that is stuck. Other threads steal the jobs that the
 * stuck thread has also taken, and these can be cancelled.
 */
#include "jobs.h"

#include "pool/pool.h"
#include "pool/worker.h"
#include "support/probe.h"

enum { MANY = 64 };

static void run_to_the_end(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

struct burst {
	struct rota_task task;
	struct job *jobs;
	unsigned count;
	enum rota_lane lane;
};

static void queue_burst(struct rota_task *task)
{
	struct burst *burst = rota_container_of(task, struct burst, task);

	for (unsigned i = 0; i < burst->count; i++)
		job_queue(&burst->jobs[i], burst->lane);
}

/* Publish the jobs together, so that one thread takes several. */
static void publish_together(struct fixture *f, struct burst *burst)
{
	rota_task_init(&burst->task, f->loop);
	assert_int_equal(rota_task_next_tick(&burst->task, queue_burst), 0);
	turn(f);
}

static unsigned calls_of(const struct job *jobs, unsigned count)
{
	unsigned calls = 0;

	for (unsigned i = 0; i < count; i++)
		calls += jobs[i].calls;
	return calls;
}

static void run_until_so_many_called(struct fixture *f, const struct job *jobs,
				     unsigned count, unsigned calls)
{
	while (calls_of(jobs, count) < calls)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_int_equal(calls_of(jobs, count), calls);
}

/* While a thread is stuck in a job, the other thread steals the other jobs that
 * it has taken. */
static void what_a_stuck_thread_has_taken_is_stolen(void **state)
{
	struct fixture *f = *state;
	struct job jobs[MANY];
	struct burst burst = { .jobs = jobs, .count = MANY, .lane = IO };
	struct gate gate;

	use_pool(f, pool_of_threads(0, 2), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	for (unsigned i = 0; i < MANY; i++)
		job_init(&jobs[i], f->loop, NULL);
	jobs[0].gate = &gate;
	publish_together(f, &burst);
	gate_await(&gate, 1);

	run_until_so_many_called(f, jobs, MANY, MANY - 1);

	assert_int_equal(jobs[0].calls, 0);
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
	assert_int_equal(jobs[0].calls, 1);
}

/* The thread that has taken @job but not begun it. The lane's lock is held. */
static const struct rotai_worker *holder_of(struct rotai_lane *lane,
					    const struct job *job)
{
	struct rotai_item *const *slot = job->work.internal.item.slot;

	for (struct rota_link *at = lane->workers.next; at != &lane->workers;
	     at = at->next) {
		const struct rotai_worker *worker = rotai_worker_of(at);

		for (unsigned i = 0; i < ROTAI_SLOTS; i++)
			if (slot == &worker->slots[i])
				return *slot != NULL ? worker : NULL;
	}
	return NULL;
}

/* Of 16 jobs, the first thread takes its share, 0 to 7, and is stuck in 0. The
 * second thread waits in 8 for that, then runs 8 to 15, finds no more, and
 * steals the oldest half of the remaining 7: 1 to 4. It is stuck in 1. */
static void half_of_what_a_stuck_thread_has_is_stolen(void **state)
{
	enum { COUNT = 16 };
	struct fixture *f = *state;
	struct job jobs[COUNT];
	struct burst burst = { .jobs = jobs, .count = COUNT, .lane = IO };
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, 2));
	const struct rotai_worker *holders[COUNT];
	struct rotai_lane *lane = &pool->lanes[IO];
	struct gate gate, start;

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	gate_init(&start);
	for (unsigned i = 0; i < COUNT; i++)
		job_init(&jobs[i], f->loop, NULL);
	jobs[0].gate = &gate;
	jobs[1].gate = &gate;
	jobs[8].gate = &start;
	publish_together(f, &burst);
	gate_await(&gate, 1);
	gate_await(&start, 1);
	gate_end(&start);
	gate_await(&gate, 2);

	pthread_mutex_lock(&lane->lock);
	for (unsigned i = 0; i < COUNT; i++)
		holders[i] = holder_of(lane, &jobs[i]);
	pthread_mutex_unlock(&lane->lock);
	for (unsigned i = 2; i < 8; i++) {
		assert_int_equal(jobs[i].runs, 0);
		assert_non_null(holders[i]);
		assert_ptr_equal(holders[i], holders[i < 5 ? 2 : 7]);
	}
	assert_ptr_not_equal(holders[2], holders[7]);
	for (unsigned i = 8; i < COUNT; i++)
		assert_int_equal(jobs[i].runs, 1);

	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
	assert_int_equal(calls_of(jobs, COUNT), COUNT);
	rota_pool_unref(pool);
}

/* The same if every job that begins is stuck, until no thread is left. Then as
 * many jobs are stuck as the lane may have threads. */
static void as_many_jobs_begin_as_there_may_be_threads(void **state)
{
	enum { THREADS = 5 };
	struct fixture *f = *state;
	struct job jobs[MANY];
	struct burst burst = { .jobs = jobs, .count = MANY, .lane = CPU };
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, THREADS));
	struct gate gate;

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	for (unsigned i = 0; i < MANY; i++) {
		job_init(&jobs[i], f->loop, NULL);
		jobs[i].gate = &gate;
	}
	publish_together(f, &burst);

	gate_await(&gate, THREADS);

	assert_int_equal(lane_stats(pool, CPU).threads, THREADS);
	assert_int_equal(lane_stats(pool, CPU).running, THREADS);
	assert_int_equal(lane_stats(pool, CPU).queued, MANY - THREADS);
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(jobs[i].calls, 1);
	rota_pool_unref(pool);
}

/* Jobs that a thread has stolen are stolen from it if it gets stuck in turn. */
static void what_was_stolen_is_stolen_again(void **state)
{
	enum { COUNT = 24 };
	struct fixture *f = *state;
	struct job jobs[COUNT];
	struct burst burst = { .jobs = jobs, .count = COUNT, .lane = IO };

	for (unsigned round = 0; round < 20; round++) {
		struct gate gate;

		use_pool(f, pool_of_threads(0, 3), ROTA_CLOCK_MONOTONIC);
		gate_init(&gate);
		for (unsigned i = 0; i < COUNT; i++)
			job_init(&jobs[i], f->loop, NULL);
		jobs[round % 4].gate = &gate;
		jobs[8 + round % 9].gate = &gate;
		publish_together(f, &burst);
		run_until_so_many_called(f, jobs, COUNT, COUNT - 2);
		gate_await(&gate, 2);
		gate_open(&gate);
		run_to_the_end(f);
		gate_end(&gate);
	}
}

/* O6: jobs that a stuck thread has taken but not begun can be cancelled. */
static void what_a_stuck_thread_has_taken_is_cancelled(void **state)
{
	enum { COUNT = 8 };
	struct fixture *f = *state;
	struct job jobs[COUNT];
	struct burst burst = { .jobs = jobs, .count = COUNT, .lane = IO };
	struct gate gate;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	for (unsigned i = 0; i < COUNT; i++)
		job_init(&jobs[i], f->loop, NULL);
	jobs[0].gate = &gate;
	publish_together(f, &burst);
	gate_await(&gate, 1);

	for (unsigned i = 1; i < COUNT; i += 2)
		assert_int_equal(job_cancel(&jobs[i]), 0);
	turn(f);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(jobs[i].status, i % 2 ? ROTA_ECANCELED : 1);
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);

	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(jobs[i].runs, i % 2 == 0);
}

static const struct CMUnitTest tests[] = {
	REAL(what_a_stuck_thread_has_taken_is_stolen),
	REAL(half_of_what_a_stuck_thread_has_is_stolen),
	REAL(as_many_jobs_begin_as_there_may_be_threads),
	REAL(what_was_stolen_is_stolen_again),
	REAL(what_a_stuck_thread_has_taken_is_cancelled),
};

FIXTURE_MAIN(tests)
