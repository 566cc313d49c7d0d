/* poller: none */
/*
 * Priorities: which of the jobs that wait begin first, and that none waits
 * forever.
 */
#include "jobs.h"

#include "rota/fs.h"

enum { MOST = 200 };

struct scene {
	struct fixture *f;
	struct rota_pool *pool;
	struct gate gate;
	struct job first; /* holds the only thread */
	struct job jobs[MOST];
	unsigned count;
	atomic_uint begun;
	unsigned order[MOST]; /* which job began when */
};

static int run_and_note(struct rota_work *work)
{
	struct scene *s = work->request.data;

	s->order[atomic_fetch_add(&s->begun, 1)] =
		(unsigned)(job_of(work) - s->jobs);
	return job_run(work);
}

static struct scene *scene_new(struct fixture *f, unsigned threads)
{
	struct scene *s = test_calloc(1, sizeof(*s));

	s->f = f;
	s->pool = rota_pool_ref(pool_of_threads(0, threads));
	use_pool(f, s->pool, ROTA_CLOCK_MONOTONIC);
	gate_init(&s->gate);
	job_init(&s->first, f->loop, NULL);
	s->first.gate = &s->gate;
	job_queue(&s->first, CPU);
	gate_await(&s->gate, 1);
	return s;
}

/* Queue the next job, of that priority. */
static struct job *add(struct scene *s, enum rota_priority priority)
{
	struct job *job = &s->jobs[s->count++];

	job_init(job, s->f->loop, NULL);
	job->work.request.data = s;
	assert_int_equal(
		rota_request_set_priority(&job->work.request, priority), 0);
	assert_int_equal(
		rota_work_queue(&job->work, CPU, run_and_note, job_done), 0);
	return job;
}

static void run_all(struct scene *s)
{
	gate_end(&s->gate);
	assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT), 0);
	for (unsigned i = 0; i < s->count; i++)
		assert_int_equal(s->jobs[i].calls, 1);
	assert_int_equal(lane_stats(s->pool, CPU).queued, 0);
}

static void scene_free(struct scene *s)
{
	rota_pool_unref(s->pool);
	test_free(s);
}

static void higher_jobs_begin_first(void **state)
{
	static const unsigned wanted[] = { 3, 5, 1, 4, 0, 2 };
	struct scene *s = scene_new(*state, 1);

	add(s, ROTA_PRIORITY_LOW);
	add(s, ROTA_PRIORITY_NORMAL);
	add(s, ROTA_PRIORITY_LOW);
	add(s, ROTA_PRIORITY_HIGH);
	add(s, ROTA_PRIORITY_NORMAL);
	add(s, ROTA_PRIORITY_HIGH);
	assert_int_equal(lane_stats(s->pool, CPU).queued, 6);

	run_all(s);

	assert_memory_equal(s->order, wanted, sizeof(wanted));
	scene_free(s);
}

/* Where in the order job @index was. */
static unsigned position(const struct scene *s, unsigned index)
{
	unsigned at = 0;

	while (s->order[at] != index)
		at++;
	return at;
}

static void none_waits_forever(void **state)
{
	struct scene *s = scene_new(*state, 1);

	add(s, ROTA_PRIORITY_LOW);
	add(s, ROTA_PRIORITY_NORMAL);
	for (unsigned i = 0; i < 100; i++)
		add(s, ROTA_PRIORITY_HIGH);
	add(s, ROTA_PRIORITY_LOW);

	run_all(s);

	assert_int_equal(position(s, 0), ROTA_PRIORITY_PATIENCE);
	assert_int_equal(position(s, 1), ROTA_PRIORITY_PATIENCE + 1);
	assert_int_equal(position(s, 2), 0);
	assert_in_range(position(s, 102), 2 * ROTA_PRIORITY_PATIENCE,
			2 * ROTA_PRIORITY_PATIENCE + 3);
	scene_free(s);
}

/* A thread takes several normal jobs at a time. One of high priority does not
 * wait for those that have not begun. */
static void a_high_job_goes_before_what_a_thread_has_taken(void **state)
{
	struct scene *s = scene_new(*state, 1);
	struct gate inner;

	gate_init(&inner);
	for (unsigned i = 0; i < 30; i++)
		add(s, ROTA_PRIORITY_NORMAL);
	s->jobs[2].gate = &inner;
	gate_open(&s->gate);
	gate_await(&inner, 1);
	add(s, ROTA_PRIORITY_HIGH);
	gate_end(&inner);

	run_all(s);

	assert_int_equal(position(s, 30), 3);
	for (unsigned i = 3; i < 30; i++)
		assert_int_equal(position(s, i), i + 1);
	scene_free(s);
}

static void jobs_of_any_priority_can_be_cancelled(void **state)
{
	struct scene *s = scene_new(*state, 1);

	for (int priority = -1; priority <= 1; priority++)
		for (unsigned i = 0; i < 3; i++)
			add(s, (enum rota_priority)priority);
	for (unsigned i = 1; i < 9; i += 3)
		assert_int_equal(job_cancel(&s->jobs[i]), 0);

	run_all(s);

	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(s->jobs[i].runs, i % 3 != 1);
		assert_int_equal(s->jobs[i].status,
				 i % 3 != 1 ? 0 : ROTA_ECANCELED);
	}
	assert_int_equal(s->order[0], 6);
	scene_free(s);
}

static void queue_with_priority(struct job *job)
{
	struct scene *s = job->work.request.data;
	struct job *late = add(s, ROTA_PRIORITY_HIGH);

	add(s, ROTA_PRIORITY_LOW);
	assert_int_equal(job_cancel(late), 0); /* it is not submitted yet */
}

static void a_job_that_is_not_submitted_can_be_cancelled(void **state)
{
	struct scene *s = scene_new(*state, 1);

	add(s, ROTA_PRIORITY_NORMAL)->then = queue_with_priority;

	run_all(s);

	assert_int_equal(s->jobs[1].runs, 0);
	assert_int_equal(s->jobs[2].runs, 1);
	scene_free(s);
}

static void file_done(struct rota_fs *fs, int64_t result)
{
	fs->request.data = NULL;
	assert_int_equal(result, 0);
}

/* Of file operations the same is true. */
static void operations_on_files_have_priorities(void **state)
{
	struct fixture *f = *state;
	struct rota_file_info info = { .size = sizeof(info) };
	struct gate gate;
	struct job first;
	struct rota_fs fs;

	use_pool(f, pool_of_threads(1, 1), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	job_init(&first, f->loop, NULL);
	first.gate = &gate;
	job_queue(&first, IO);
	gate_await(&gate, 1);
	rota_fs_init(&fs, f->loop);
	fs.request.data = &fs;
	assert_int_equal(
		rota_request_set_priority(&fs.request, ROTA_PRIORITY_HIGH), 0);
	assert_int_equal(rota_fs_stat(&fs, file_done, "/", &info), 0);
	assert_int_equal(
		rota_request_set_priority(&fs.request, ROTA_PRIORITY_LOW),
		ROTA_EBUSY);

	gate_end(&gate);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_null(fs.request.data);
}

static void bad_priorities_are_refused(void **state)
{
	struct fixture *f = *state;
	struct job a;

	job_init(&a, f->loop, NULL);
	assert_int_equal(rota_request_set_priority(&a.work.request,
						   (enum rota_priority)2),
			 ROTA_EINVAL);
	assert_int_equal(rota_request_set_priority(&a.work.request,
						   (enum rota_priority) - 2),
			 ROTA_EINVAL);
	job_queue(&a, IO);
	assert_int_equal(
		rota_request_set_priority(&a.work.request, ROTA_PRIORITY_LOW),
		ROTA_EBUSY);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.calls, 1);
}

static const struct CMUnitTest tests[] = {
	REAL(higher_jobs_begin_first),
	REAL(none_waits_forever),
	REAL(a_high_job_goes_before_what_a_thread_has_taken),
	REAL(jobs_of_any_priority_can_be_cancelled),
	REAL(a_job_that_is_not_submitted_can_be_cancelled),
	REAL(operations_on_files_have_priorities),
	REAL(bad_priorities_are_refused),
};

FIXTURE_MAIN(tests)
