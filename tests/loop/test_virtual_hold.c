/*
 * What holds a virtual clock, and what does not (C10).
 *
 * Jobs of pool threads and queued tasks hold it. A request that waits for a
 * peer does not, so its deadline comes.
 */
#include "support/fixture.h"
#include "support/recorder.h"
#include "support/semaphore.h"

#include <pthread.h>
#include <unistd.h>

struct job {
	struct rota_work work;
	struct recorder *recorder;
	struct semaphore may_end;
	struct semaphore *raise; /* raised when it ends */
};

static int run_job(struct rota_work *work)
{
	struct job *job = rota_container_of(work, struct job, work);

	semaphore_wait(&job->may_end);
	return 0;
}

static void job_done(struct rota_work *work, int status)
{
	struct job *job = rota_container_of(work, struct job, work);

	if (status == 0)
		record(job->recorder, "work");
	else
		assert_int_equal(status, ROTA_ECANCELED);
}

static void job_init(struct job *job, struct recorder *r)
{
	job->recorder = r;
	semaphore_init(&job->may_end);
	rota_work_init(&job->work, r->loop);
}

static void job_queue(struct job *job)
{
	assert_int_equal(rota_work_queue(&job->work, ROTA_LANE_BLOCKING,
					 run_job, job_done),
			 0);
}

static void job_end(struct job *job)
{
	semaphore_destroy(&job->may_end);
}

/* A thread of the test, which lets the job end after the loop has slept. */
static void *let_job_end(void *arg)
{
	struct job *job = arg;
	uint64_t until_ns = real_now() + ROTA_MSEC(20);

	while (real_now() < until_ns)
		usleep(1000);
	semaphore_post(&job->may_end);
	return NULL;
}

/* C10 */
static void work_at_a_thread_holds_the_clock(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer;
	struct job job;
	pthread_t thread;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&timer, &r, "timer");
	actor_timer(&timer, ROTA_SEC(1));
	job_init(&job, &r);
	job_queue(&job);
	assert_int_equal(rota_loop_may_advance(f->loop), 0);
	assert_int_equal(pthread_create(&thread, NULL, let_job_end, &job), 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "work@0 timer@1000");
	assert_int_equal(rota_loop_may_advance(f->loop), 1);
	pthread_join(thread, NULL);
	job_end(&job);
}

static void queue_and_ask(struct actor *a)
{
	job_queue((struct job *)(uintptr_t)a->number);
	assert_int_equal(rota_loop_may_advance(a->recorder->loop), 0);
}

/* C10: this includes jobs that a running callback has queued and that are not
 * published yet. */
static void work_that_is_queued_in_a_callback_holds_the_clock(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor first, timer;
	struct job job;

	recorder_init(&r, f->loop);
	r.times = 1;
	job_init(&job, &r);
	actor_init(&first, &r, "first");
	actor_init(&timer, &r, "timer");
	first.then = queue_and_ask;
	first.number = (uintptr_t)&job;
	actor_timer(&first, 0);
	actor_timer(&timer, ROTA_SEC(1));
	semaphore_post(&job.may_end);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "first@0 work@0 timer@1000");
	job_end(&job);
}

/* C10: jobs that were cancelled in time do not hold the clock. */
static void cancelled_work_does_not_hold_the_clock(void **state)
{
	enum { MANY = 64 }; /* more than the pool has threads */
	struct fixture *f = *state;
	static struct job jobs[MANY];
	struct recorder r;
	unsigned cancelled = 0;

	recorder_init(&r, f->loop);
	for (unsigned i = 0; i < MANY; i++) {
		job_init(&jobs[i], &r);
		job_queue(&jobs[i]);
	}
	for (unsigned i = 0; i < MANY; i++)
		cancelled += rota_request_cancel(&jobs[i].work.request) == 0;
	assert_in_range(cancelled, 1, MANY);
	for (unsigned i = 0; i < MANY; i++)
		semaphore_post(&jobs[i].may_end);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(rota_loop_may_advance(f->loop), 1);
	for (unsigned i = 0; i < MANY; i++)
		job_end(&jobs[i]);
}

struct reading {
	struct rota_tcp tcp;
	struct rota_read read;
	struct rota_deadline deadline;
	struct recorder *recorder;
	int peer;
	char byte;
	int status;
};

static void on_read(struct rota_read *read, int status)
{
	struct reading *reading = rota_container_of(read, struct reading, read);

	reading->status = status;
	record(reading->recorder, "read");
}

static void reading_begin(struct reading *reading, struct recorder *r)
{
	struct rota_buf buf = { &reading->byte, 1 };
	int fds[2];

	assert_int_equal(rota_tcp_pair(fds), 0);
	reading->recorder = r;
	reading->peer = fds[1];
	reading->status = 1;
	assert_int_equal(rota_tcp_open(&reading->tcp, r->loop, fds[0]), 0);
	assert_int_equal(rota_stream_read(&reading->read, &reading->tcp.stream,
					  buf, 1, on_read),
			 0);
}

static void reading_end(struct reading *reading)
{
	assert_int_equal(rota_handle_close_now(&reading->tcp.handle), 0);
	close(reading->peer);
}

/* C10, O8 */
static void the_deadline_of_a_request_comes_in_virtual_time(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct reading reading;

	recorder_init(&r, f->loop);
	r.times = 1;
	reading_begin(&reading, &r);
	assert_int_equal(rota_request_set_deadline(&reading.read.request,
						   &reading.deadline,
						   f->start_ns + ROTA_SEC(30)),
			 0);
	assert_int_equal(rota_loop_may_advance(f->loop), 1);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "read@30000");
	assert_int_equal(reading.status, ROTA_ETIMEDOUT);
	reading_end(&reading);
}

static void put_byte_for_reader(struct actor *a)
{
	put_byte((int)a->number);
}

/* C10 */
static void a_read_that_waits_for_its_peer_does_not_hold_the_clock(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, late;
	struct reading reading;

	recorder_init(&r, f->loop);
	r.times = 1;
	reading_begin(&reading, &r);
	actor_init(&timer, &r, "timer");
	actor_init(&late, &r, "late");
	timer.then = put_byte_for_reader;
	timer.number = (uint64_t)reading.peer;
	actor_timer(&timer, ROTA_SEC(10));
	actor_timer(&late, ROTA_SEC(20));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r),
			    "timer@10000 read@10000 late@20000");
	assert_int_equal(reading.status, 0);
	reading_end(&reading);
}

static void *put_byte_later(void *arg)
{
	const int *fd = arg;

	usleep(5000);
	put_byte(*fd);
	return NULL;
}

/* C10: without a due time there is nothing to jump to. */
static void a_read_without_a_timer_is_waited_for(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct reading reading;
	pthread_t thread;

	recorder_init(&r, f->loop);
	r.times = 1;
	reading_begin(&reading, &r);
	assert_int_equal(
		pthread_create(&thread, NULL, put_byte_later, &reading.peer),
		0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	pthread_join(thread, NULL);
	assert_string_equal(recorder_take(&r), "read@0");
	reading_end(&reading);
}

static void immediate_self(struct actor *a)
{
	a->recorder->size = 0;
	actor_immediate(a);
}

static void cancel_other(struct actor *a)
{
	rota_task_cancel(&a->other->task);
	rota_hook_stop(&a->other->hook);
}

/* C10: time advances although an immediate queues itself again and again. */
static void an_immediate_that_queues_itself_lets_time_move(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor busy, timer;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&busy, &r, "busy");
	actor_init(&timer, &r, "timer");
	busy.then = immediate_self;
	timer.then = cancel_other;
	timer.other = &busy;
	actor_immediate(&busy);
	actor_timer(&timer, ROTA_SEC(5));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "timer@5000");
	assert_int_equal(busy.calls, ROTA_VIRTUAL_TURNS);
}

static void forget(struct actor *a)
{
	a->recorder->size = 0;
}

/* C10: time advances beside an idle hook, in every mode that may sleep. */
static void an_idle_hook_lets_time_move(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor busy, timer;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&busy, &r, "busy");
	actor_init(&timer, &r, "timer");
	busy.then = forget;
	timer.then = cancel_other;
	timer.other = &busy;
	actor_hook(&busy, ROTA_HOOK_IDLE);
	actor_timer(&timer, ROTA_SEC(5));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);

	assert_string_equal(recorder_take(&r), "timer@5000");
	assert_int_equal(busy.calls, ROTA_VIRTUAL_TURNS);
}

static void skip_sleep(struct actor *a)
{
	a->recorder->size = 0;
	rota_loop_skip_sleep(a->recorder->loop);
}

/* C10: time advances beside a hook that lets no turn sleep. */
static void a_hook_that_skips_every_sleep_lets_time_move(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor busy, timer;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&busy, &r, "busy");
	actor_init(&timer, &r, "timer");
	busy.then = skip_sleep;
	timer.then = cancel_other;
	timer.other = &busy;
	actor_hook(&busy, ROTA_HOOK_PREPARE);
	actor_timer(&timer, ROTA_SEC(5));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "timer@5000");
}

static void *end_job_after_many_turns(void *arg)
{
	struct job *job = arg;

	semaphore_wait(job->raise);
	semaphore_post(&job->may_end);
	return NULL;
}

static void raise_after_many_calls(struct actor *a)
{
	immediate_self(a);
	if (a->calls == 4 * ROTA_VIRTUAL_TURNS)
		semaphore_post((struct semaphore *)(uintptr_t)a->number);
}

/* C10: time does not advance while a thread is working. */
static void a_busy_loop_with_work_at_a_thread_holds_the_clock(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor busy, timer;
	struct job job;
	struct semaphore many;
	pthread_t thread;

	recorder_init(&r, f->loop);
	semaphore_init(&many);
	job_init(&job, &r);
	job.raise = &many;
	actor_init(&busy, &r, "busy");
	actor_init(&timer, &r, "timer");
	busy.then = raise_after_many_calls;
	busy.number = (uintptr_t)&many;
	timer.then = cancel_other;
	timer.other = &busy;
	actor_immediate(&busy);
	actor_timer(&timer, ROTA_SEC(5));
	job_queue(&job);
	assert_int_equal(
		pthread_create(&thread, NULL, end_job_after_many_turns, &job),
		0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	pthread_join(thread, NULL);
	assert_true(busy.calls > 4 * ROTA_VIRTUAL_TURNS);
	job_end(&job);
	semaphore_destroy(&many);
}

/* C10: a host that advances the clock itself follows the same rule. */
static void a_host_may_ask_whether_to_advance(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, idle, timer;
	int64_t timeout_ns;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&idle, &r, "idle");
	actor_init(&timer, &r, "timer");
	actor_timer(&timer, ROTA_SEC(5));
	assert_int_equal(rota_loop_may_advance(f->loop), 1);
	actor_post(&a);
	assert_int_equal(rota_loop_may_advance(f->loop), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_int_equal(rota_loop_may_advance(f->loop), 1);
	actor_tick(&a);
	assert_int_equal(rota_loop_may_advance(f->loop), 0);
	rota_task_cancel(&a.task);
	idle.then = forget;
	actor_hook(&idle, ROTA_HOOK_IDLE);
	for (unsigned i = 0; i < ROTA_VIRTUAL_TURNS; i++) {
		assert_int_equal(rota_loop_may_advance(f->loop), 0);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	}
	assert_int_equal(rota_loop_update_now(f->loop), f->start_ns);
	assert_int_equal(rota_loop_may_advance(f->loop), 1);
	rota_hook_stop(&idle.hook);

	assert_int_equal(rota_loop_next_timeout(f->loop, &timeout_ns), 0);
	assert_int_equal(timeout_ns, ROTA_SEC(5));
	assert_int_equal(rota_loop_advance(f->loop, (uint64_t)timeout_ns), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);

	assert_string_equal(recorder_take(&r), "timer@5000");
}

static void a_real_clock_may_not_be_advanced(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rota_loop_may_advance(f->loop), ROTA_ENOTSUP);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(work_at_a_thread_holds_the_clock),
	VIRTUAL(work_that_is_queued_in_a_callback_holds_the_clock),
	VIRTUAL(cancelled_work_does_not_hold_the_clock),
	VIRTUAL(the_deadline_of_a_request_comes_in_virtual_time),
	VIRTUAL(a_read_that_waits_for_its_peer_does_not_hold_the_clock),
	VIRTUAL(a_read_without_a_timer_is_waited_for),
	VIRTUAL(an_immediate_that_queues_itself_lets_time_move),
	VIRTUAL(an_idle_hook_lets_time_move),
	VIRTUAL(a_hook_that_skips_every_sleep_lets_time_move),
	VIRTUAL(a_busy_loop_with_work_at_a_thread_holds_the_clock),
	VIRTUAL(a_host_may_ask_whether_to_advance),
	REAL(a_real_clock_may_not_be_advanced),
};
FIXTURE_MAIN(tests)
