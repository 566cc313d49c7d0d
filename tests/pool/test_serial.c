/* poller: none */
/*
 * Serial queues: their jobs run one after another, in order, and each is called
 * back once.
 */
#include "jobs.h"

#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"

enum { MANY = 200 };

struct place {
	struct rota_serial serial;
	struct job jobs[MANY];
	unsigned next;      /* which job must begin next */
	unsigned strange;   /* jobs that began out of turn, or with another */
	atomic_uint inside; /* jobs that run now */
};

static void run_to_the_end(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

static struct place *place_new(struct fixture *f, enum rota_lane lane)
{
	struct place *place = test_calloc(1, sizeof(*place));

	assert_int_equal(rota_serial_init(&place->serial, f->loop, lane), 0);
	for (unsigned i = 0; i < MANY; i++) {
		job_init(&place->jobs[i], f->loop, NULL);
		place->jobs[i].work.request.data = place;
	}
	return place;
}

/* The members of place that are not atomic are safe without a lock, because the
 * queue orders its jobs. */
static int run_in_turn(struct rota_work *work)
{
	struct place *place = work->request.data;
	struct job *job = job_of(work);

	place->strange += atomic_fetch_add(&place->inside, 1) != 0;
	place->strange += (unsigned)(job - place->jobs) < place->next;
	place->next = (unsigned)(job - place->jobs) + 1;
	(void)job_run(work);
	atomic_fetch_sub(&place->inside, 1);
	return job->result;
}

static void place_queue(struct place *place, unsigned index)
{
	assert_int_equal(rota_serial_queue(&place->serial,
					   &place->jobs[index].work,
					   run_in_turn, job_done),
			 0);
}

static void jobs_run_one_after_another_in_order(void **state)
{
	struct fixture *f = *state;
	struct place *place;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(4, 4));

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	place = place_new(f, CPU);
	for (unsigned i = 0; i < MANY; i++) {
		place->jobs[i].result = (int)i;
		place_queue(place, i);
	}
	assert_int_equal(rota_serial_count(&place->serial), MANY);

	run_to_the_end(f);

	assert_int_equal(place->strange, 0);
	assert_int_equal(rota_serial_count(&place->serial), 0);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(place->jobs[i].calls, 1);
		assert_int_equal(place->jobs[i].runs, 1);
		assert_int_equal(place->jobs[i].status, i);
	}
	assert_int_equal(lane_stats(pool, CPU).behind, 0);
	assert_int_equal(lane_stats(pool, CPU).queued, 0);
	rota_pool_unref(pool);
	test_free(place);
}

/* A queue whose job is stuck occupies one thread, and its other jobs none. */
static void a_queue_that_waits_blocks_no_thread(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, 2));
	struct place *place;
	struct gate gate;
	struct job other;

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	place = place_new(f, IO);
	gate_init(&gate);
	place->jobs[0].gate = &gate;
	for (unsigned i = 0; i < 10; i++)
		place_queue(place, i);
	gate_await(&gate, 1);
	job_init(&other, f->loop, NULL);
	job_queue(&other, IO);

	run_until_called(&other, 1);

	assert_int_equal(place->jobs[0].calls, 0);
	assert_int_equal(lane_stats(pool, IO).behind, 9);
	gate_end(&gate);
	run_to_the_end(f);
	assert_int_equal(place->strange, 0);
	assert_int_equal(place->jobs[9].runs, 1);
	rota_pool_unref(pool);
	test_free(place);
}

static void many_queues_share_few_threads(void **state)
{
	enum { QUEUES = 2000, EACH = 3 };
	struct one {
		struct rota_serial serial;
		struct job jobs[EACH];
	} *all = test_calloc(QUEUES, sizeof(*all));
	struct fixture *f = *state;

	use_pool(f, pool_of_threads(1, 3), ROTA_CLOCK_MONOTONIC);
	for (unsigned i = 0; i < QUEUES; i++)
		assert_int_equal(rota_serial_init(&all[i].serial, f->loop, CPU),
				 0);
	for (unsigned j = 0; j < EACH; j++)
		for (unsigned i = 0; i < QUEUES; i++) {
			job_init(&all[i].jobs[j], f->loop, NULL);
			assert_int_equal(rota_serial_queue(&all[i].serial,
							   &all[i].jobs[j].work,
							   job_run, job_done),
					 0);
		}

	run_to_the_end(f);

	for (unsigned i = 0; i < QUEUES; i++)
		for (unsigned j = 0; j < EACH; j++)
			assert_int_equal(all[i].jobs[j].calls, 1);
	if (sizeof(void *) == 8)
		assert_int_equal(sizeof(struct rota_serial), 56);
	test_free(all);
}

/* One of a queue's jobs is cancelled: the one that a thread has, the first,
 * which waits in the lane, and one that waits behind it. */
static void a_job_can_be_cancelled(void **state)
{
	struct fixture *f = *state;
	struct place *place;
	struct gate gate;
	struct job first;

	use_pool(f, pool_of_threads(1, 1), ROTA_CLOCK_MONOTONIC);
	place = place_new(f, IO);
	gate_init(&gate);
	job_init(&first, f->loop, NULL);
	first.gate = &gate;
	job_queue(&first, IO);
	gate_await(&gate, 1);
	for (unsigned i = 0; i < 5; i++)
		place_queue(place, i);

	assert_int_equal(job_cancel(&place->jobs[2]), 0); /* behind */
	assert_int_equal(job_cancel(&place->jobs[0]), 0); /* in the lane */
	assert_int_equal(job_cancel(&place->jobs[0]), ROTA_EALREADY);
	gate_end(&gate);
	run_to_the_end(f);

	assert_int_equal(place->strange, 0);
	for (unsigned i = 0; i < 5; i++) {
		int canceled = i == 0 || i == 2;

		assert_int_equal(place->jobs[i].calls, 1);
		assert_int_equal(place->jobs[i].runs, !canceled);
		assert_int_equal(place->jobs[i].status,
				 canceled ? ROTA_ECANCELED : 0);
	}
	test_free(place);
}

static void a_running_job_is_asked_to_end(void **state)
{
	struct fixture *f = *state;
	struct place *place;
	struct gate gate;

	use_pool(f, pool_of_threads(1, 1), ROTA_CLOCK_MONOTONIC);
	place = place_new(f, IO);
	gate_init(&gate);
	place->jobs[0].gate = &gate;
	for (unsigned i = 0; i < 4; i++)
		place_queue(place, i);
	gate_await(&gate, 1);

	assert_int_equal(rota_serial_cancel(&place->serial), 3);
	assert_int_equal(rota_serial_count(&place->serial), 4);
	place_queue(place, 4); /* it is still open */
	gate_end(&gate);
	run_to_the_end(f);

	assert_int_equal(place->jobs[0].canceled, 1);
	assert_int_equal(place->jobs[0].status, 0);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(place->jobs[i].status, ROTA_ECANCELED);
	assert_int_equal(place->jobs[4].status, 0);
	assert_int_equal(rota_serial_cancel(&place->serial), 0);
	test_free(place);
}

static void a_closed_queue_ends_with_its_last_job(void **state)
{
	struct fixture *f = *state;
	struct place *place;
	struct gate gate;
	struct job first;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	place = place_new(f, IO);
	gate_init(&gate);
	job_init(&first, f->loop, NULL);
	first.gate = &gate;
	job_queue(&first, IO);
	gate_await(&gate, 1);
	place_queue(place, 0);
	place_queue(place, 1);
	assert_int_equal(rota_serial_cancel(&place->serial), 2);
	place_queue(place, 2);
	rota_serial_close(&place->serial);
	rota_serial_close(&place->serial);

	assert_int_equal(rota_serial_queue(&place->serial, &place->jobs[3].work,
					   run_in_turn, job_done),
			 ROTA_ESHUTDOWN);
	gate_end(&gate);
	run_to_the_end(f);

	assert_int_equal(place->jobs[2].status, 0);
	assert_int_equal(place->jobs[2].runs, 1);
	assert_int_equal(place->jobs[3].calls, 0);
	test_free(place);
}

static void free_place(struct job *job)
{
	test_free(job->work.request.data);
}

/* The last callback frees the queue: no thread uses it any more. */
static void the_last_callback_may_free_the_queue(void **state)
{
	struct fixture *f = *state;

	use_pool(f, pool_of_threads(1, 2), ROTA_CLOCK_MONOTONIC);
	for (unsigned round = 0; round < 100; round++) {
		struct place *place = place_new(f, CPU);

		for (unsigned i = 0; i < 3; i++)
			place_queue(place, i);
		place->jobs[2].then = free_place;
		run_to_the_end(f);
	}
}

static void queue_the_next(struct job *job)
{
	struct place *place = job->work.request.data;
	unsigned index = (unsigned)(job - place->jobs);

	if (index + 1 < MANY)
		place_queue(place, index + 1);
}

static void a_callback_may_queue_the_next_job(void **state)
{
	struct fixture *f = *state;
	struct place *place;

	use_pool(f, pool_of_threads(1, 2), ROTA_CLOCK_MONOTONIC);
	place = place_new(f, CPU);
	for (unsigned i = 0; i < MANY; i++)
		place->jobs[i].then = queue_the_next;
	place_queue(place, 0);

	run_to_the_end(f);

	assert_int_equal(place->strange, 0);
	assert_int_equal(place->jobs[MANY - 1].calls, 1);
	test_free(place);
}

/* The loop does all the work, a job of a queue in each turn. */
static void without_threads_the_order_is_the_same(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, 0));
	struct place *place;

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	place = place_new(f, CPU);
	for (unsigned i = 0; i < 20; i++)
		place_queue(place, i);
	assert_int_equal(job_cancel(&place->jobs[0]), 0);
	assert_int_equal(job_cancel(&place->jobs[7]), 0);

	run_to_the_end(f);

	assert_int_equal(place->strange, 0);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(place->jobs[i].calls, 1);
		assert_int_equal(place->jobs[i].runs, i != 0 && i != 7);
	}
	place_queue(place, 20);
	place_queue(place, 21);
	assert_int_equal(rota_serial_cancel(&place->serial), 2);
	run_to_the_end(f);
	assert_int_equal(place->jobs[21].status, ROTA_ECANCELED);
	assert_int_equal(lane_stats(pool, CPU).behind, 0);
	rota_pool_unref(pool);
	test_free(place);
}

/* No thread can be started: each job ends by itself. */
static void jobs_that_cannot_run_end_with_eagain(void **state)
{
	struct fixture *f = *state;
	struct place *place;

	use_pool(f, pool_of_threads(0, 2), ROTA_CLOCK_MONOTONIC);
	place = place_new(f, IO);
	fault_fail_from("pthread_create", 1, EAGAIN);
	for (unsigned i = 0; i < 5; i++)
		place_queue(place, i);
	run_to_the_end(f);
	assert_in_range(fault_clear(), 1, 5);

	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(place->jobs[i].calls, 1);
		assert_int_equal(place->jobs[i].runs, 0);
		assert_int_equal(place->jobs[i].status, ROTA_EAGAIN);
	}
	place_queue(place, 5);
	run_to_the_end(f);
	assert_int_equal(place->jobs[5].status, 0);
	test_free(place);
}

static void a_deadline_ends_a_job_that_waits(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct place *place;
	struct gate gate;

	use_pool(f, pool_of_threads(1, 1), ROTA_CLOCK_MONOTONIC);
	place = place_new(f, IO);
	gate_init(&gate);
	place->jobs[0].gate = &gate;
	place_queue(place, 0);
	place_queue(place, 1);
	place_queue(place, 2);
	assert_int_equal(rota_request_set_deadline(&place->jobs[1].work.request,
						   &deadline,
						   rota_loop_now(f->loop)),
			 0);
	run_until_called(&place->jobs[1], 1);

	assert_int_equal(place->jobs[1].status, ROTA_ETIMEDOUT);
	gate_end(&gate);
	run_to_the_end(f);
	assert_int_equal(place->jobs[1].runs, 0);
	assert_int_equal(place->jobs[2].status, 0);
	test_free(place);
}

static void bad_arguments_are_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_serial serial = { .data = NULL };
	struct rota_loop *other;
	struct job a;

	assert_int_equal(rota_serial_cancel(&serial), 0); /* all zero */
	assert_int_equal(rota_serial_cancel(NULL), ROTA_EINVAL);
	assert_int_equal(rota_serial_init(NULL, f->loop, IO), ROTA_EINVAL);
	assert_int_equal(rota_serial_init(&serial, NULL, IO), ROTA_EINVAL);
	assert_int_equal(rota_serial_init(&serial, f->loop, (enum rota_lane)3),
			 ROTA_EINVAL);
	assert_int_equal(rota_serial_init(&serial, f->loop, IO), 0);
	job_init(&a, f->loop, NULL);
	assert_int_equal(rota_serial_queue(NULL, &a.work, job_run, job_done),
			 ROTA_EINVAL);
	assert_int_equal(rota_serial_queue(&serial, &a.work, NULL, job_done),
			 ROTA_EINVAL);
	assert_int_equal(rota_serial_queue(&serial, &a.work, job_run, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_loop_new(&other, NULL), 0);
	job_init(&a, other, NULL);
	assert_int_equal(rota_serial_queue(&serial, &a.work, job_run, job_done),
			 ROTA_EINVAL);
	assert_int_equal(rota_loop_close(other), 0);
	job_init(&a, f->loop, NULL);
	assert_int_equal(rota_serial_queue(&serial, &a.work, job_run, job_done),
			 0);
	assert_int_equal(rota_serial_queue(&serial, &a.work, job_run, job_done),
			 ROTA_EBUSY);
	assert_int_equal(rota_serial_count(&serial), 1);
	run_to_the_end(f);
	assert_int_equal(a.calls, 1);
}

static void shutdown_cancels_what_waits(void **state)
{
	struct fixture *f = *state;
	struct place *place;
	struct gate gate;

	use_pool(f, pool_of_threads(1, 1), ROTA_CLOCK_MONOTONIC);
	place = place_new(f, IO);
	gate_init(&gate);
	place->jobs[0].gate = &gate;
	for (unsigned i = 0; i < 8; i++)
		place_queue(place, i);
	gate_await(&gate, 1);
	assert_int_equal(rota_loop_shutdown(f->loop, 0), ROTA_ETIMEDOUT);
	gate_end(&gate);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_int_equal(place->jobs[0].runs, 1);
	for (unsigned i = 1; i < 8; i++) {
		assert_int_equal(place->jobs[i].calls, 1);
		assert_int_equal(place->jobs[i].status, ROTA_ECANCELED);
	}
	test_free(place);
}

/* A child has no thread: what was queued ends, and the queue works anew. */
static void a_child_uses_its_queue_anew(void **state)
{
	struct fixture *f = *state;
	struct place *place;
	struct gate gate;
	pid_t child;
	int status;

	use_pool(f, pool_of_threads(1, 1), ROTA_CLOCK_MONOTONIC);
	place = place_new(f, IO);
	gate_init(&gate);
	place->jobs[0].gate = &gate;
	for (unsigned i = 0; i < 3; i++)
		place_queue(place, i);
	gate_await(&gate, 1);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (rota_serial_cancel(&place->serial) != ROTA_ECHILD ||
		    rota_loop_fork(f->loop) != 0 ||
		    rota_serial_queue(&place->serial, &place->jobs[5].work,
				      job_run, job_done) != 0 ||
		    rota_serial_queue(&place->serial, &place->jobs[6].work,
				      job_run, job_done) != 0 ||
		    rota_loop_run(f->loop, ROTA_RUN_DEFAULT) != 0)
			_exit(1);
		for (unsigned i = 0; i < 3; i++)
			if (place->jobs[i].status != ROTA_ECANCELED)
				_exit(2);
		_exit(place->jobs[5].status == 0 && place->jobs[6].calls == 1 &&
				      rota_serial_count(&place->serial) == 0
			      ? 0
			      : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);

	assert_int_equal(status, 0);
	gate_end(&gate);
	run_to_the_end(f);
	assert_int_equal(place->jobs[2].status, 0);
	test_free(place);
}

/* The random model: queues, priorities, cancels, deadlines and plain jobs at
 * one time. Each job is called once, those of a queue that ran did so in order
 * and never two at once, and what was cancelled did not run. */
enum { QUEUES = 6, RACERS = 60, CASES = 4000 };

struct line {
	struct rota_serial serial;
	atomic_uint inside;
	uint64_t last; /* the number of the last job that ran */
	unsigned strange;
};

struct runner {
	struct rota_work work;
	struct rota_deadline deadline;
	struct rota_timer cancel;
	struct model *model;
	struct line *line; /* or NULL */
	uint64_t number;
	uint64_t spins;
	int canceled_well;
	atomic_uint runs;
	unsigned calls;
};

struct model {
	struct fixture *f;
	uint64_t seed;
	uint64_t number;
	unsigned begun, ended, canceled, strange;
	struct line lines[QUEUES];
	struct runner runners[RACERS];
};

static struct runner *runner_of(struct rota_work *work)
{
	return rota_container_of(work, struct runner, work);
}

static int run_runner(struct rota_work *work)
{
	struct runner *runner = runner_of(work);
	struct line *line = runner->line;

	atomic_fetch_add(&runner->runs, 1);
	if (line != NULL) {
		line->strange += atomic_fetch_add(&line->inside, 1) != 0;
		line->strange += runner->number <= line->last;
		line->last = runner->number;
	}
	for (volatile uint64_t i = 0; i < runner->spins; i++)
		;
	if (line != NULL)
		atomic_fetch_sub(&line->inside, 1);
	return 0;
}

static void begin_runner(struct runner *runner);

static void runner_done(struct rota_work *work, int status)
{
	struct runner *runner = runner_of(work);
	struct model *model = runner->model;
	unsigned runs = atomic_load(&runner->runs);

	model->ended++;
	rota_timer_stop(&runner->cancel);
	model->strange += ++runner->calls != 1;
	model->strange += runs > 1;
	model->strange += status == ROTA_ECANCELED && runs != 0;
	model->strange += status == 0 && runs != 1;
	model->strange += (status == ROTA_ECANCELED) != runner->canceled_well;
	model->canceled += status == ROTA_ECANCELED;
	if (model->begun < CASES)
		begin_runner(runner);
}

static void cancel_runner(struct rota_timer *timer)
{
	struct runner *runner = rota_container_of(timer, struct runner, cancel);

	if (rota_request_cancel(&runner->work.request) == 0)
		runner->canceled_well = 1;
}

static int queue_runner(struct runner *runner)
{
	if (runner->line == NULL)
		return rota_work_queue(&runner->work, CPU, run_runner,
				       runner_done);
	return rota_serial_queue(&runner->line->serial, &runner->work,
				 run_runner, runner_done);
}

static void begin_runner(struct runner *runner)
{
	struct model *model = runner->model;
	uint64_t which = random_below(&model->seed, QUEUES + 2);
	int level = (int)random_below(&model->seed, 3) - 1;

	runner->line = which < QUEUES ? &model->lines[which] : NULL;
	runner->number = ++model->number;
	runner->spins = random_below(&model->seed, 400);
	runner->canceled_well = 0;
	runner->calls = 0;
	atomic_store(&runner->runs, 0);
	model->begun++;
	model->strange +=
		rota_request_set_priority(&runner->work.request,
					  (enum rota_priority)level) != 0;
	model->strange += queue_runner(runner) != 0;
	if (random_below(&model->seed, 4) == 0)
		rota_timer_start(&runner->cancel, cancel_runner,
				 random_below(&model->seed, ROTA_USEC(100)));
	else if (random_below(&model->seed, 8) == 0)
		cancel_runner(&runner->cancel);
	else if (random_below(&model->seed, 8) == 0)
		model->strange +=
			rota_request_set_deadline(
				&runner->work.request, &runner->deadline,
				rota_loop_now(model->f->loop) +
					random_below(&model->seed,
						     ROTA_USEC(100))) != 0;
}

static void a_random_model_holds(void **state)
{
	struct fixture *f = *state;
	struct model *model = test_calloc(1, sizeof(*model));
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, 3));

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	model->f = f;
	model->seed = random_seed();
	for (unsigned i = 0; i < QUEUES; i++)
		assert_int_equal(
			rota_serial_init(&model->lines[i].serial, f->loop, CPU),
			0);
	for (unsigned i = 0; i < RACERS; i++) {
		struct runner *runner = &model->runners[i];

		runner->model = model;
		rota_work_init(&runner->work, f->loop);
		rota_timer_init(&runner->cancel, f->loop);
		begin_runner(runner);
	}
	while (rota_loop_alive(f->loop)) {
		unsigned max = 1 + (unsigned)random_below(&model->seed, 4);

		assert_int_equal(rota_pool_set_lane(pool, CPU, 0, max), 0);
		assert_in_range(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0, 1);
	}

	assert_int_equal(model->strange, 0);
	assert_int_equal(model->begun, model->ended);
	assert_true(model->canceled > 0);
	for (unsigned i = 0; i < QUEUES; i++) {
		assert_int_equal(model->lines[i].strange, 0);
		assert_int_equal(rota_serial_count(&model->lines[i].serial), 0);
	}
	assert_int_equal(lane_stats(pool, CPU).queued, 0);
	assert_int_equal(lane_stats(pool, CPU).behind, 0);
	rota_pool_unref(pool);
	test_free(model);
}

static const struct CMUnitTest tests[] = {
	REAL(jobs_run_one_after_another_in_order),
	REAL(a_queue_that_waits_blocks_no_thread),
	REAL(many_queues_share_few_threads),
	REAL(a_job_can_be_cancelled),
	REAL(a_running_job_is_asked_to_end),
	REAL(a_closed_queue_ends_with_its_last_job),
	REAL(the_last_callback_may_free_the_queue),
	REAL(a_callback_may_queue_the_next_job),
	REAL(without_threads_the_order_is_the_same),
	REAL(jobs_that_cannot_run_end_with_eagain),
	REAL(a_deadline_ends_a_job_that_waits),
	REAL(bad_arguments_are_refused),
	REAL(shutdown_cancels_what_waits),
	REAL(a_child_uses_its_queue_anew),
	REAL(a_random_model_holds),
};

FIXTURE_MAIN(tests)
