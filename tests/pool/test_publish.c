/*
 * How jobs get to the threads and back. Jobs that a callback queues are
 * published together when the callback ends. Completed jobs wake a sleeping
 * loop once.
 */
#include "jobs.h"

#include "loop/loop.h"
#include "loop/request.h"
#include "pool/item.h"
#include "support/fault.h"
#include "support/probe.h"

enum { MANY = 64 };

static void run_to_the_end(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

struct scene {
	struct fixture *f;
	struct rota_pool *pool;
	struct rota_task task, tick, micro;
	struct job job;
	int queued_in_tick;
};

static unsigned waiting(struct scene *s)
{
	struct rota_lane_stats stats = lane_stats(s->pool, IO);

	return (unsigned)(stats.queued + stats.running + stats.done);
}

static void scene_begin(struct scene *s, struct fixture *f)
{
	*s = (struct scene){ .f = f };
	s->pool = rota_pool_ref(pool_of_threads(0, 1));
	use_pool(f, s->pool, ROTA_CLOCK_MONOTONIC);
	rota_task_init(&s->task, f->loop);
	rota_task_init(&s->tick, f->loop);
	rota_task_init(&s->micro, f->loop);
	job_init(&s->job, f->loop, NULL);
}

static void scene_end(struct scene *s)
{
	run_to_the_end(s->f);
	assert_int_equal(s->job.calls, 1);
	rota_pool_unref(s->pool);
}

static void look_in_microtask(struct rota_task *task)
{
	struct scene *s = rota_container_of(task, struct scene, micro);

	assert_int_equal(waiting(s), 0);
}

static void queue_in_tick(struct rota_task *task)
{
	struct scene *s = rota_container_of(task, struct scene, tick);

	if (s->queued_in_tick)
		job_queue(&s->job, IO);
	assert_int_equal(waiting(s), 0);
	rota_task_microtask(&s->micro, look_in_microtask);
}

static void queue_in_callback(struct rota_task *task)
{
	struct scene *s = rota_container_of(task, struct scene, task);

	if (!s->queued_in_tick)
		job_queue(&s->job, IO);
	assert_int_equal(waiting(s), 0);
	rota_task_next_tick(&s->tick, queue_in_tick);
}

static void look_after_callback(struct rota_task *task)
{
	struct scene *s = task->data;

	assert_int_equal(waiting(s), 1);
}

static void play(struct scene *s)
{
	struct rota_task after;

	rota_task_init(&after, s->f->loop);
	after.data = s;
	assert_int_equal(rota_task_immediate(&s->task, queue_in_callback), 0);
	assert_int_equal(rota_task_immediate(&after, look_after_callback), 0);
	turn(s->f);
}

static void a_callback_publishes_at_its_end(void **state)
{
	struct scene s;

	scene_begin(&s, *state);
	play(&s);
	scene_end(&s);
}

static void ticks_belong_to_the_callback(void **state)
{
	struct scene s;

	scene_begin(&s, *state);
	s.queued_in_tick = 1;
	play(&s);
	scene_end(&s);
}

static void outside_callbacks_it_is_published_at_once(void **state)
{
	struct scene s;

	scene_begin(&s, *state);

	job_queue(&s.job, IO);

	assert_int_equal(waiting(&s), 1);
	await_count(&s.job.runs, 1);
	scene_end(&s);
}

/* A tick that was queued outside of callbacks runs in the next run. What it
 * queues is published then. */
static void a_tick_outside_callbacks_publishes_too(void **state)
{
	struct scene s;

	scene_begin(&s, *state);
	s.queued_in_tick = 1;
	rota_task_next_tick(&s.tick, queue_in_tick);
	run_to_the_end(*state);
	scene_end(&s);
}

static void queue_other(struct job *job)
{
	job_queue(job->other, CPU);
}

/* This includes the callback of work that is the last callback of a turn. */
static void a_callback_of_work_publishes_more(void **state)
{
	struct fixture *f = *state;
	struct job jobs[20];

	for (unsigned i = 0; i < 20; i++) {
		job_init(&jobs[i], f->loop, NULL);
		jobs[i].other = &jobs[i + 1 < 20 ? i + 1 : 0];
		jobs[i].then = i + 1 < 20 ? queue_other : NULL;
	}
	job_queue(&jobs[0], CPU);

	run_to_the_end(f);

	assert_int_equal(jobs[19].calls, 1);
}

/* A request of a higher module, in several steps. The end of a step calls no
 * callback of the user. */
struct steps {
	struct rota_request request;
	struct rotai_item item;
	atomic_uint runs;
	unsigned wanted;
	unsigned calls;
};

static void count_call(struct rota_request *request)
{
	rota_container_of(request, struct steps, request)->calls++;
}

static int steps_are_busy(struct rota_request *request, int status)
{
	(void)request;
	(void)status;
	return ROTA_EBUSY;
}

static const struct rotai_request_class steps_class = {
	.type = "steps",
	.call = count_call,
	.cancel = steps_are_busy,
};

static void run_step(struct rotai_item *item)
{
	struct steps *steps = rota_container_of(item, struct steps, item);

	atomic_fetch_add(&steps->runs, 1);
}

static void step_ended(struct rotai_item *item, int error)
{
	struct steps *steps = rota_container_of(item, struct steps, item);

	assert_int_equal(error, 0);
	if (steps->runs < steps->wanted)
		rotai_item_queue(item, steps->request.internal.loop, IO,
				 run_step, step_ended);
	else
		rotai_request_finish(&steps->request, 0);
}

static void take_steps(struct fixture *f, unsigned count)
{
	struct steps steps = { .wanted = count };

	assert_int_equal(rotai_item_prepare(f->loop), 0);
	rotai_request_begin(&steps.request, f->loop, NULL, &steps_class);
	rotai_item_queue(&steps.item, f->loop, IO, run_step, step_ended);
	run_to_the_end(f);
	assert_int_equal(steps.runs, count);
	assert_int_equal(steps.calls, 1);
}

/* An item that is queued when another one ends is published, too, though no
 * callback of the user follows. */
static void the_end_of_an_item_may_queue_it_again(void **state)
{
	struct fixture *f = *state;

	take_steps(f, 5);
	use_pool(f, pool_of_threads(0, 0), ROTA_CLOCK_MONOTONIC);
	take_steps(f, 5);
}

static void sleep_in_poll(struct fixture *f, struct job *last)
{
	while (last->calls == 0)
		rota_loop_run(f->loop, ROTA_RUN_ONCE);
}

/* There is one wake-up for all jobs that ended while the loop slept or was
 * about to sleep. */
static void a_batch_wakes_the_loop_once(void **state)
{
	struct fixture *f = *state;
	struct job jobs[MANY];
	struct gate gate;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	for (unsigned i = 0; i < MANY; i++)
		job_init(&jobs[i], f->loop, NULL);
	jobs[0].gate = &gate;
	for (unsigned i = 0; i < MANY; i++)
		job_queue(&jobs[i], IO);
	gate_await(&gate, 1);

	/* The loop is not asleep, so nothing wakes it. */
	fault_count_reset();
	gate_end(&gate);
	await_count(&jobs[MANY - 1].runs, 1);
	sleep_in_poll(f, &jobs[MANY - 1]);
	run_to_the_end(f);

	assert_in_range(fault_count("write"), 0, 1);
}

/* A burst wakes the loop at most once for each time that it sleeps. */
static void wake_ups_are_no_more_than_sleeps(void **state)
{
	enum { ROUNDS = 50 };
	struct fixture *f = *state;
	struct job jobs[MANY];

	for (unsigned i = 0; i < MANY; i++)
		job_init(&jobs[i], f->loop, NULL);
	fault_count_reset();
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < MANY; i++)
			job_queue(&jobs[i], CPU);
		run_to_the_end(f);
	}

	assert_true(fault_count("write") <= stats_of(f->loop).sleeps);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(jobs[i].calls, ROUNDS);
}

/* Two loops, each in its own thread, share a pool. */
struct sharer {
	pthread_t thread;
	struct fixture *f;
	struct rota_pool *pool;
	struct job jobs[MANY];
	unsigned calls;
	unsigned rounds;
	unsigned strange;
};

static void queue_until_done(struct job *job)
{
	struct sharer *sharer = job->work.request.data;

	sharer->calls++;
	if (job->calls < sharer->rounds &&
	    rota_work_queue(&job->work, (enum rota_lane)(job->calls % 3),
			    job_run, job_done) != 0)
		sharer->strange++;
}

static void *share(void *arg)
{
	struct sharer *sharer = arg;
	struct rota_loop_options options;
	struct rota_loop *loop;

	rota_loop_options_init(&options);
	options.pool = sharer->pool;
	sharer->strange += rota_loop_new(&loop, &options) != 0;
	for (unsigned i = 0; i < MANY; i++) {
		struct job *job = &sharer->jobs[i];

		job_init(job, loop, NULL);
		job->then = queue_until_done;
		job->work.request.data = sharer;
		sharer->strange += rota_work_queue(&job->work, ROTA_LANE_IO,
						   job_run, job_done) != 0;
	}
	sharer->strange += rota_loop_run(loop, ROTA_RUN_DEFAULT) != 0;
	sharer->strange += rota_loop_close(loop) != 0;
	return NULL;
}

static void loops_may_share_a_pool(void **state)
{
	enum { LOOPS = 2, ROUNDS = 100 };
	struct rota_pool *pool = pool_of_threads(0, 2);
	struct sharer *sharers = test_calloc(LOOPS, sizeof(*sharers));
	uint64_t done = 0;

	(void)state;
	for (unsigned i = 0; i < LOOPS; i++) {
		sharers[i].pool = pool;
		sharers[i].rounds = ROUNDS;
		assert_int_equal(pthread_create(&sharers[i].thread, NULL, share,
						&sharers[i]),
				 0);
	}
	for (unsigned i = 0; i < LOOPS; i++)
		pthread_join(sharers[i].thread, NULL);

	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++)
		done += lane_stats(pool, (enum rota_lane)lane).done;
	assert_int_equal(done, LOOPS * MANY * ROUNDS);
	for (unsigned i = 0; i < LOOPS; i++) {
		assert_int_equal(sharers[i].strange, 0);
		assert_int_equal(sharers[i].calls, MANY * ROUNDS);
	}
	rota_pool_unref(pool);
	test_free(sharers);
}

/* O5: a loop may close as soon as its last job was called back, and then frees
 * its memory and descriptors. The thread that woke it may not have returned
 * yet. The fixture checks for leaks. */
static void a_loop_may_close_at_once_after_its_last_job(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_pool *pool = pool_of_threads(0, 2);
	size_t bytes = f->memory.bytes;
	int descriptors = count_descriptors();

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	options.pool = pool;
	for (unsigned round = 0; round < 200; round++) {
		struct rota_loop *loop;
		struct job a;

		assert_int_equal(rota_loop_new(&loop, &options), 0);
		job_init(&a, loop, NULL);
		job_queue(&a, IO);
		assert_int_equal(rota_loop_run(loop, ROTA_RUN_DEFAULT), 0);
		assert_int_equal(rota_loop_close(loop), 0);
		assert_int_equal(f->memory.bytes, bytes);
	}

	assert_int_equal(count_descriptors(), descriptors);
	rota_pool_unref(pool);
}

/* A thread that is delayed while it wakes the loop. */
struct sleeper {
	struct gate gate;
	pthread_t helper;
	atomic_uint closing;
	atomic_uint closed;
	unsigned closed_early;
};

static void be_held_up(void *arg)
{
	struct sleeper *sleeper = arg;

	gate_pass(&sleeper->gate);
}

/* Let the thread continue when the loop has been about to close for a while. */
static void *let_it_go_on(void *arg)
{
	struct sleeper *sleeper = arg;

	await_count(&sleeper->closing, 1);
	for (unsigned i = 0; i < 1000; i++)
		sched_yield();
	sleeper->closed_early = atomic_load(&sleeper->closed);
	gate_open(&sleeper->gate);
	return NULL;
}

static void keep_time(struct rota_timer *timer)
{
	(void)timer;
}

/* Reads the inbox as a thread that posts does. */
static int end_when_it_sleeps(struct rota_work *work)
{
	const struct rotai_inbox *inbox = &work->request.internal.loop->inbox;

	while (__atomic_load_n(&inbox->head, __ATOMIC_RELAXED) !=
	       ROTAI_INBOX_ASLEEP)
		sched_yield();
	return 0;
}

/* A timer wakes the loop, which finds the completed job without the wake-up,
 * and closes. Returns whether a thread was delayed; it was not if the timer
 * came first. */
static int close_while_held_up(struct fixture *f, struct rota_pool *pool)
{
	struct sleeper sleeper = { .closed_early = 0 };
	struct rota_loop_options options;
	struct rota_timer timer;
	struct rota_loop *loop;
	struct job a;
	int held;

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	options.pool = pool;
	assert_int_equal(rota_loop_new(&loop, &options), 0);
	gate_init(&sleeper.gate);
	fault_call_before("write", 1, be_held_up, &sleeper);
	rota_timer_init(&timer, loop);
	rota_timer_unref(&timer);
	assert_int_equal(rota_timer_every(&timer, keep_time, ROTA_MSEC(1),
					  ROTA_REPEAT_RATE),
			 0);
	job_init(&a, loop, NULL);
	assert_int_equal(
		rota_work_queue(&a.work, IO, end_when_it_sleeps, job_done), 0);
	assert_int_equal(rota_loop_run(loop, ROTA_RUN_DEFAULT), 0);
	rota_timer_stop(&timer);

	assert_int_equal(
		pthread_create(&sleeper.helper, NULL, let_it_go_on, &sleeper),
		0);
	atomic_store(&sleeper.closing, 1);
	assert_int_equal(rota_loop_close(loop), 0);
	atomic_store(&sleeper.closed, 1);

	pthread_join(sleeper.helper, NULL);
	held = fault_clear() == 1;
	assert_false(held && sleeper.closed_early);
	gate_end(&sleeper.gate);
	return held;
}

/* O5: if the thread takes longer, the loop's memory is not freed before it has
 * returned. */
static void a_loop_that_closes_waits_for_who_wakes_it(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool;

	if (poller_is(f, "kqueue"))
		skip_test("kqueue is woken by the call that it waits in");
	pool = pool_of_threads(0, 1);
	while (!close_while_held_up(f, pool))
		;
	rota_pool_unref(pool);
}

static const struct CMUnitTest tests[] = {
	REAL(a_callback_publishes_at_its_end),
	REAL(ticks_belong_to_the_callback),
	REAL(outside_callbacks_it_is_published_at_once),
	REAL(a_tick_outside_callbacks_publishes_too),
	REAL(a_callback_of_work_publishes_more),
	REAL(the_end_of_an_item_may_queue_it_again),
	REAL(a_batch_wakes_the_loop_once),
	REAL(wake_ups_are_no_more_than_sleeps),
	REAL(loops_may_share_a_pool),
	REAL(a_loop_may_close_at_once_after_its_last_job),
	REAL(a_loop_that_closes_waits_for_who_wakes_it),
};

FIXTURE_MAIN(tests)
