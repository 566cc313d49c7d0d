/*
 * After an error the loop sleeps again and does not busy-wait. The tests count
 * how often it calls the kernel while it waits for a timer or for a thread.
 */
#include "support/child.h"
#include "support/fault.h"
#include "support/fixture.h"
#include "support/recorder.h"
#include "support/semaphore.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

static struct rota_stats stats_of(struct rota_loop *loop)
{
	struct rota_stats stats = { .size = sizeof(stats) };

	rota_loop_stats(loop, &stats);
	return stats;
}

static void on_timer(struct rota_timer *timer)
{
	(void)timer;
}

/* How many waits the loop makes for a timer of 20 ms. */
static uint64_t waits_for_a_timer(struct rota_loop *loop)
{
	uint64_t before = stats_of(loop).waits;
	struct rota_timer timer;

	rota_timer_init(&timer, loop);
	rota_timer_start(&timer, on_timer, ROTA_MSEC(20));
	rota_loop_run(loop, ROTA_RUN_ONCE);
	rota_timer_stop(&timer);
	return stats_of(loop).waits - before;
}

/* One wait that sleeps, one after it, and some that return early. */
enum { FEW = 5 };

static void immediate_self(struct actor *a)
{
	a->recorder->size = 0;
	actor_immediate(a);
}

/* O5 */
static void after_a_shutdown_that_timed_out_the_loop_sleeps(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = immediate_self;
	actor_immediate(&a);
	assert_int_equal(rota_loop_shutdown(f->loop, real_now()),
			 ROTA_ETIMEDOUT);
	rota_task_cancel(&a.task);

	assert_in_range(waits_for_a_timer(f->loop), 1, FEW);
}

static void after_a_wait_that_failed_the_loop_sleeps(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_timer(&a, ROTA_SEC(100));
	fault_fail_any(1, ENOMEM);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	rota_timer_stop(&a.timer);

	assert_in_range(waits_for_a_timer(f->loop), 1, FEW);
}

/* The wait may also fail in the middle of a series of ROTA_RUN_ONCE runs. */
static void after_a_wait_that_failed_in_a_cut_turn_the_loop_sleeps(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_timer(&a, ROTA_MSEC(1));
	actor_timer(&b, ROTA_SEC(100));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	fault_fail_any(1, ENOMEM);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	rota_timer_stop(&b.timer);

	assert_in_range(waits_for_a_timer(f->loop), 1, FEW);
}

static void never_told(struct rota_watch *watch, unsigned events)
{
	(void)watch;
	(void)events;
}

/* F2: this runs in the child. */
static void rebuild_and_wait(void *arg)
{
	struct rota_loop *loop = arg;

	fault_fail_any(1, EMFILE);
	EXPECT(rota_loop_fork(loop) == ROTA_EMFILE);
	EXPECT(fault_clear() == 1);
	EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) == ROTA_ECHILD);
	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(waits_for_a_timer(loop) <= FEW);
	EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) == 1);
}

static void after_a_rebuild_that_failed_the_loop_sleeps(void **state)
{
	struct fixture *f = *state;
	struct rota_watch watch;
	int fds[2];

	make_pipe(fds);
	rota_watch_init(&watch, f->loop, fds[0]);
	assert_int_equal(rota_watch_start(&watch, never_told, ROTA_READABLE),
			 0);

	in_a_child(rebuild_and_wait, f->loop);

	assert_in_range(waits_for_a_timer(f->loop), 1, FEW);
	rota_watch_stop(&watch);
	close(fds[0]);
	close(fds[1]);
}

struct job {
	struct rota_work work;
	struct semaphore begun, may_end;
	unsigned calls;
};

static int run_job(struct rota_work *work)
{
	struct job *job = rota_container_of(work, struct job, work);

	semaphore_post(&job->begun); /* it cannot be cancelled any more */
	semaphore_wait(&job->may_end);
	return 0;
}

static void job_done(struct rota_work *work, int status)
{
	assert_int_equal(status, 0);
	rota_container_of(work, struct job, work)->calls++;
}

static void *let_job_end(void *arg)
{
	struct job *job = arg;

	usleep(10000);
	semaphore_post(&job->may_end);
	return NULL;
}

/* A shutdown while a thread works: it sleeps until its deadline, and the next
 * run sleeps, too. */
static void time_out_while_a_thread_is_at_work(struct fixture *f)
{
	struct rota_stats before, after;
	struct job job = { .calls = 0 };
	uint64_t began_ns = real_now();
	pthread_t thread;

	semaphore_init(&job.begun);
	semaphore_init(&job.may_end);
	rota_work_init(&job.work, f->loop);
	assert_int_equal(rota_work_queue(&job.work, ROTA_LANE_BLOCKING, run_job,
					 job_done),
			 0);
	semaphore_wait(&job.begun);
	before = stats_of(f->loop);

	assert_int_equal(
		rota_loop_shutdown(f->loop, rota_loop_update_now(f->loop) +
						    ROTA_MSEC(20)),
		ROTA_ETIMEDOUT);

	after = stats_of(f->loop);
	assert_true(real_now() - began_ns >= ROTA_MSEC(20));
	assert_in_range(after.waits - before.waits, 1, 2 * FEW);
	assert_int_equal(job.calls, 0);

	/* No deadline is left: the loop sleeps until the thread is done. */
	assert_int_equal(pthread_create(&thread, NULL, let_job_end, &job), 0);
	before = stats_of(f->loop);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	after = stats_of(f->loop);
	pthread_join(thread, NULL);
	assert_int_equal(job.calls, 1);
	assert_in_range(after.waits - before.waits, 1, 2 * FEW);
	semaphore_destroy(&job.begun);
	semaphore_destroy(&job.may_end);
}

/* O5 */
static void a_shutdown_sleeps_while_a_thread_is_at_work(void **state)
{
	time_out_while_a_thread_is_at_work(*state);
}

/* O5, C10: the virtual clock does not advance, so the deadline is one of real
 * time. */
static void a_virtual_shutdown_ends_in_real_time_beside_a_thread(void **state)
{
	struct fixture *f = *state;

	time_out_while_a_thread_is_at_work(f);

	assert_int_equal(rota_loop_update_now(f->loop), f->start_ns);
}

static const struct CMUnitTest tests[] = {
	REAL(after_a_shutdown_that_timed_out_the_loop_sleeps),
	REAL(after_a_wait_that_failed_the_loop_sleeps),
	REAL(after_a_wait_that_failed_in_a_cut_turn_the_loop_sleeps),
	REAL(after_a_rebuild_that_failed_the_loop_sleeps),
	REAL(a_shutdown_sleeps_while_a_thread_is_at_work),
	VIRTUAL(a_virtual_shutdown_ends_in_real_time_beside_a_thread),
};
FIXTURE_MAIN(tests)
