/*
 * Busy-waiting before sleeping: threads wait for jobs, and loops for completed
 * jobs. Here the number of pauses is so high that a busy-wait never ends by
 * itself. So a thread or loop that sleeps has not used it up.
 */
#include "jobs.h"

#include <unistd.h>

#include "base/thread.h"
#include "loop/loop.h"
#include "pool/pool.h"
#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"

static const uint64_t MOMENT = ROTA_USEC(1);

static void spin_for_ever(struct rota_pool *pool)
{
	pool->spin = (struct rotai_spin){ .ns = MOMENT, .pauses = UINT32_MAX };
}

/* Make a pool whose threads and loop busy-wait, however many processors the
 * machine has. The caller gets a reference. */
static struct rota_pool *use_spinning(struct fixture *f, unsigned threads)
{
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, threads));

	spin_for_ever(pool);
	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	return pool;
}

static void run_to_the_end(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

static void await_polling(struct rota_pool *pool)
{
	while (__atomic_load_n(&pool->lanes[IO].polling, __ATOMIC_RELAXED) !=
	       ROTAI_POLLING)
		sched_yield();
}

static void a_thread_that_spins_finds_the_next_job(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = use_spinning(f, 4);
	struct job a;

	job_init(&a, f->loop, NULL);
	for (unsigned i = 1; i <= 100; i++) {
		job_queue(&a, IO);
		run_until_called(&a, i);
		await_polling(pool);
		assert_int_equal(lane_stats(pool, IO).idle, 0);
	}

	assert_int_equal(lane_stats(pool, IO).started, 1);
	rota_pool_unref(pool);
}

/* The others sleep. */
static void one_thread_of_a_lane_spins(void **state)
{
	enum { THREADS = 3 };
	struct fixture *f = *state;
	struct rota_pool *pool = use_spinning(f, THREADS);
	struct job jobs[THREADS];
	struct gate gate;

	gate_init(&gate);
	for (unsigned i = 0; i < THREADS; i++) {
		job_init(&jobs[i], f->loop, NULL);
		jobs[i].gate = &gate;
		job_queue(&jobs[i], IO);
		gate_await(&gate, i + 1);
	}
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);

	await_polling(pool);
	while (lane_stats(pool, IO).idle != THREADS - 1)
		sched_yield();
	rota_pool_unref(pool);
}

/* While one thread busy-waits, another takes two jobs from the queue and is
 * stuck in the first. The busy-waiting thread cannot see the second job, so it
 * is called. */
static void what_another_has_left_calls_who_spins(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = use_spinning(f, 2);
	struct rotai_lane *lane = &pool->lanes[IO];
	struct job a, b;

	job_init(&a, f->loop, NULL);
	job_init(&b, f->loop, NULL);
	job_queue(&a, IO);
	run_until_called(&a, 1);
	await_polling(pool);

	/* Act as a thread that comes back for more jobs, but runs none of
	 * them. */
	pthread_mutex_lock(&lane->lock);
	job_queue(&b, IO);
	rotai_lane_take_in(lane);
	rotai_lane_unlock(lane, ROTAI_LANE_CALL_LAST);
	run_until_called(&b, 1);

	assert_int_equal(b.status, 0);
	rota_pool_unref(pool);
}

static void a_thread_that_spins_ends_with_its_pool(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = use_spinning(f, 1);
	struct rota_lane_stats stats;
	struct job a;

	rotai_pool_hold(pool); /* keeps only the memory */
	job_init(&a, f->loop, NULL);
	job_queue(&a, IO);
	run_until_called(&a, 1);
	await_polling(pool);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;
	rota_pool_unref(pool);

	do {
		sched_yield();
		rotai_lane_stats(&pool->lanes[IO], &stats);
	} while (stats.threads > 0);
	rotai_pool_release(pool);
}

static atomic_uint about_to_wait;

static void note_wait(struct rota_hook *hook)
{
	(void)hook;
	atomic_store(&about_to_wait, 1);
}

/* A job that ends when the loop has been waiting for a while. */
static int end_later(struct rota_work *work)
{
	await_count(&about_to_wait, 1);
	for (unsigned i = 0; i < 1000; i++)
		sched_yield();
	return job_run(work);
}

static void a_loop_that_spins_finds_what_came_back(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = use_spinning(f, 1);
	struct rota_hook hook;
	struct job a;

	atomic_store(&about_to_wait, 0);
	rota_hook_init(&hook, f->loop);
	assert_int_equal(rota_hook_start(&hook, note_wait, ROTA_HOOK_PREPARE),
			 0);
	rota_hook_unref(&hook);
	job_init(&a, f->loop, NULL);
	assert_int_equal(rota_work_queue(&a.work, IO, end_later, job_done), 0);
	fault_count_reset();
	run_to_the_end(f);

	assert_int_equal(a.calls, 1);
	assert_int_equal(stats_of(f->loop).sleeps, 0);
	assert_int_equal(fault_count("write"), 0);
	rota_hook_stop(&hook);
	rota_pool_unref(pool);
}

static void open_the_gate(struct rota_task *task)
{
	gate_open(task->data);
}

static void *post(void *arg)
{
	struct rota_task *task = arg;

	await_count(&about_to_wait, 1);
	(void)rota_task_post(task, open_the_gate);
	return NULL;
}

static void a_loop_that_spins_finds_what_was_posted(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = use_spinning(f, 1);
	struct rota_hook hook;
	struct rota_task task;
	struct gate gate;
	struct job a;
	pthread_t thread;

	gate_init(&gate);
	atomic_store(&about_to_wait, 0);
	rota_hook_init(&hook, f->loop);
	assert_int_equal(rota_hook_start(&hook, note_wait, ROTA_HOOK_PREPARE),
			 0);
	rota_hook_unref(&hook);
	rota_task_init(&task, f->loop);
	task.data = &gate;
	job_init(&a, f->loop, NULL);
	a.gate = &gate;
	job_queue(&a, IO);
	assert_int_equal(pthread_create(&thread, NULL, post, &task), 0);
	run_to_the_end(f);

	pthread_join(thread, NULL);
	assert_int_equal(stats_of(f->loop).sleeps, 0);
	rota_hook_stop(&hook);
	gate_end(&gate);
	rota_pool_unref(pool);
}

static void end_it(struct rota_timer *timer)
{
	gate_open(timer->data);
}

/* C4 */
static void a_loop_with_a_timer_to_come_sleeps_until_then(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = use_spinning(f, 1);
	struct rota_timer timer;
	struct gate gate;
	struct job a;

	pool->spin.ns = ROTA_SEC(10);
	gate_init(&gate);
	rota_timer_init(&timer, f->loop);
	timer.data = &gate;
	job_init(&a, f->loop, NULL);
	a.gate = &gate;
	job_queue(&a, IO);
	assert_int_equal(rota_timer_start(&timer, end_it, ROTA_MSEC(1)), 0);

	run_to_the_end(f);

	assert_int_equal(a.calls, 1);
	gate_end(&gate);
	rota_pool_unref(pool);
}

static int be_stuck(void *context)
{
	gate_pass(context);
	return 0;
}

static void discard_nothing(void *context)
{
	(void)context;
}

static void expect_canceled(struct rota_work *work, int status)
{
	(void)work;
	assert_int_equal(status, ROTA_ECANCELED);
}

/* A thread may use this after the test has ended. */
static struct gate lasting_gate;

/* A loop busy-waits only while a thread may still return a result to it. */
static void a_loop_spins_only_for_what_is_at_the_threads(void **state)
{
	const struct rota_detachable how = { be_stuck, discard_nothing,
					     &lasting_gate };
	struct fixture *f = *state;
	struct rota_pool *pool = use_spinning(f, 1);
	struct rota_work stuck;
	struct job waits, a;

	gate_init(&lasting_gate);
	assert_null(f->loop->spin);
	rota_work_init(&stuck, f->loop);
	job_init(&waits, f->loop, NULL);
	job_init(&a, f->loop, NULL);
	assert_int_equal(
		rota_work_queue_detachable(&stuck, IO, &how, expect_canceled),
		0);
	gate_await(&lasting_gate, 1);
	job_queue(&waits, IO);
	assert_non_null(f->loop->spin);

	assert_int_equal(job_cancel(&waits), 0);
	assert_non_null(f->loop->spin);
	assert_int_equal(rota_request_cancel(&stuck.request), 0);
	assert_null(f->loop->spin);

	gate_end(&lasting_gate);
	job_queue(&a, IO);
	assert_non_null(f->loop->spin);
	run_to_the_end(f);
	assert_null(f->loop->spin);
	rota_pool_unref(pool);
}

static void use_it_again(void *arg)
{
	struct fixture *f = arg;
	struct job a;

	EXPECT(rota_loop_fork(f->loop) == 0);
	EXPECT(f->loop->spin == NULL);
	job_init(&a, f->loop, NULL);
	EXPECT(rota_work_queue(&a.work, IO, job_run, job_done) == 0);
	EXPECT(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(a.calls == 1 && a.status == 0);
}

/* F2: the parent's busy-waiting thread does not exist in the child. */
static void a_child_makes_threads_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = use_spinning(f, 1);
	struct gate gate;
	struct job a, b;

	gate_init(&gate);
	job_init(&a, f->loop, NULL);
	job_queue(&a, IO);
	run_until_called(&a, 1);
	await_polling(pool);
	in_a_child(use_it_again, f);

	job_init(&b, f->loop, NULL);
	b.gate = &gate;
	job_queue(&b, IO);
	gate_await(&gate, 1);
	in_a_child(use_it_again, f); /* b is cancelled in it */
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
	assert_int_equal(b.status, 0);
	rota_pool_unref(pool);
}

static unsigned pause_of(struct rotai_lane *lane)
{
	unsigned pause;

	pthread_mutex_lock(&lane->lock);
	pause = lane->spinner.pause;
	pthread_mutex_unlock(&lane->lock);
	return pause;
}

/* Each job comes when the thread has given up and sleeps. */
static void a_thread_that_finds_nothing_polls_less(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = use_spinning(f, 1);
	struct rotai_lane *lane = &pool->lanes[IO];
	unsigned calls = 0;
	struct job a;

	pool->spin.pauses = 1;
	job_init(&a, f->loop, NULL);
	while (pause_of(lane) < 64) {
		job_queue(&a, IO);
		run_until_called(&a, ++calls);
		while (lane_stats(pool, IO).idle != 1)
			sched_yield();
	}
	/* 9 waits that fail; then 16 waits and 3 tries, and 32 waits and 3
	 * tries. */
	assert_int_equal(calls, 9 + 16 + 3 + 32 + 3);

	/* The thread tries again, and now it succeeds. */
	pool->spin.pauses = UINT32_MAX;
	while (pause_of(lane) > 0) {
		assert_in_range(calls, 63, 200);
		job_queue(&a, IO);
		run_until_called(&a, ++calls);
	}
	await_polling(pool);
	rota_pool_unref(pool);
}

static void do_nothing_with_it(struct rota_watch *watch, unsigned events)
{
	(void)watch;
	(void)events;
}

/* The kernel ends each wait, so the busy-wait for completed jobs finds
 * nothing. */
static void a_loop_that_finds_nothing_spins_less(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = use_spinning(f, 1);
	const struct rotai_spinner *spinner;
	struct rota_watch watch;
	struct gate gate;
	struct job a;
	int fds[2];

	pool->spin.pauses = 1;
	gate_init(&gate);
	make_pipe(fds);
	put_byte(fds[1]);
	rota_watch_init(&watch, f->loop, fds[0]);
	assert_int_equal(
		rota_watch_start(&watch, do_nothing_with_it, ROTA_READABLE), 0);
	job_init(&a, f->loop, NULL);
	a.gate = &gate;
	job_queue(&a, IO);
	gate_await(&gate, 1);
	spinner = f->loop->spin;
	assert_non_null(spinner);

	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(spinner->pause, 0);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	}

	assert_int_equal(spinner->pause, ROTAI_SPIN_LEAST);
	assert_int_equal(spinner->skip, ROTAI_SPIN_LEAST);
	for (unsigned i = 0; i < ROTAI_SPIN_LEAST + 3; i++)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_int_equal(spinner->pause, 2 * ROTAI_SPIN_LEAST);
	rota_watch_stop(&watch);
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
	close(fds[0]);
	close(fds[1]);
	rota_pool_unref(pool);
}

static void a_spin_of_more_than_a_millisecond_is_refused(void **state)
{
	struct rota_pool_options options;
	struct rota_pool *pool = NULL;

	(void)state;
	rota_pool_options_init(&options);
	assert_int_equal(options.spin_ns, 0);
	options.spin_ns = ROTA_MSEC(1) + 1;
	assert_int_equal(rota_pool_new(&pool, &options), ROTA_EINVAL);
	options.spin_ns = UINT64_MAX;
	assert_int_equal(rota_pool_new(&pool, &options), ROTA_EINVAL);
	assert_null(pool);

	options.spin_ns = ROTA_MSEC(1);
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	assert_int_equal(pool->spin.pauses > 0, rotai_thread_processors() > 1);
	rota_pool_unref(pool);
}

static void without_the_option_nobody_spins(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(0, 1));
	struct job a;

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	assert_int_equal(pool->spin.pauses, 0);
	job_init(&a, f->loop, NULL);
	job_queue(&a, IO);
	assert_null(f->loop->spin);
	run_to_the_end(f);
	while (lane_stats(pool, IO).idle != 1)
		sched_yield();
	rota_pool_unref(pool);
}

static const struct CMUnitTest tests[] = {
	REAL(a_thread_that_spins_finds_the_next_job),
	REAL(one_thread_of_a_lane_spins),
	REAL(what_another_has_left_calls_who_spins),
	REAL(a_thread_that_spins_ends_with_its_pool),
	REAL(a_thread_that_finds_nothing_polls_less),
	REAL(a_loop_that_finds_nothing_spins_less),
	REAL(a_loop_that_spins_finds_what_came_back),
	REAL(a_loop_that_spins_finds_what_was_posted),
	REAL(a_loop_with_a_timer_to_come_sleeps_until_then),
	REAL(a_loop_spins_only_for_what_is_at_the_threads),
	REAL(a_child_makes_threads_of_its_own),
	REAL(a_spin_of_more_than_a_millisecond_is_refused),
	REAL(without_the_option_nobody_spins),
};

FIXTURE_MAIN(tests)
