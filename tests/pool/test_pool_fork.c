/*
 * Forks (F2): a child has none of the threads. A rebuilt loop cancels the jobs
 * that it had in the pool, and the first loop that is rebuilt makes the pool
 * anew. The parent is not affected.
 */
#include "jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/queue.h"
#include "pool/pool.h"
#include "pool/client.h"
#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"

/* Without this option the thread sanitizer does not allow threads in a
 * child. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0:atexit_sleep_ms=50";
}

/* In one test the child ends inside a job, and then the exit handlers run. The
 * leak sanitizer does not know the stacks of the parent's threads there. */
static pid_t parent;

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return parent != 0 && getpid() != parent;
}

enum { RUNNING, WAITING, ENDED, JOBS };

/* A job that a thread is running, one that waits for it, and one in another
 * lane that has ended but was not called back. */
struct scene {
	struct fixture *f;
	struct rota_pool *pool;
	struct gate gate;
	struct job jobs[JOBS];
	struct job last;
};

static void scene_begin(struct scene *s, struct fixture *f)
{
	s->f = f;
	s->pool = rota_pool_ref(pool_of_threads(0, 1));
	use_pool(f, s->pool, ROTA_CLOCK_MONOTONIC);
	gate_init(&s->gate);
	for (unsigned i = 0; i < JOBS; i++)
		job_init(&s->jobs[i], f->loop, NULL);
	job_init(&s->last, f->loop, NULL);
	s->jobs[RUNNING].gate = &s->gate;
	job_queue(&s->jobs[RUNNING], IO);
	gate_await(&s->gate, 1);
	job_queue(&s->jobs[WAITING], IO);
	job_queue(&s->jobs[ENDED], CPU);
	job_queue(&s->last, CPU);
	await_count(&s->last.runs, 1);
}

static void scene_end(struct scene *s)
{
	gate_end(&s->gate);
	assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT), 0);
	for (unsigned i = 0; i < JOBS; i++) {
		assert_int_equal(s->jobs[i].calls, 1);
		assert_int_equal(s->jobs[i].runs, 1);
		assert_int_equal(s->jobs[i].status, 0);
	}
	rota_pool_unref(s->pool);
}

static int never_run(struct rota_work *work)
{
	(void)work;
	child_failed(__FILE__, __LINE__);
	return 0;
}

static void never_done(struct rota_work *work, int status)
{
	(void)work;
	(void)status;
	child_failed(__FILE__, __LINE__);
}

static int fine(void *context)
{
	(void)context;
	return 0;
}

static void discard_nothing(void *context)
{
	(void)context;
}

static void everything_is_refused(void *arg)
{
	const struct rota_detachable how = { fine, discard_nothing, NULL };
	struct scene *s = arg;
	struct rota_deadline deadline;
	struct rota_work work;

	rota_work_init(&work, s->f->loop);
	EXPECT(rota_work_queue(&work, IO, never_run, never_done) ==
	       ROTA_ECHILD);
	EXPECT(rota_work_queue_detachable(&work, IO, &how, never_done) ==
	       ROTA_ECHILD);
	EXPECT(!rota_request_is_active(&work.request));
	for (unsigned i = 0; i < JOBS; i++) {
		struct rota_request *request = &s->jobs[i].work.request;

		EXPECT(rota_request_cancel(request) == ROTA_ECHILD);
		EXPECT(rota_request_set_deadline(request, &deadline, 0) ==
		       ROTA_ECHILD);
	}
	EXPECT(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT) == ROTA_ECHILD);
}

static void before_a_rebuild_everything_is_refused(void **state)
{
	struct scene s;

	scene_begin(&s, *state);
	in_a_child(everything_is_refused, &s);
	scene_end(&s);
}

static void expect_all_cancelled(struct scene *s)
{
	for (unsigned i = 0; i < JOBS; i++) {
		EXPECT(s->jobs[i].calls == 1);
		EXPECT(s->jobs[i].status == ROTA_ECANCELED);
	}
	EXPECT(s->jobs[WAITING].runs == 0);
}

/* Run new jobs in the child, on threads of the child. */
static void use_in_child(struct rota_loop *loop)
{
	struct job jobs[6];

	for (unsigned i = 0; i < 6; i++) {
		job_init(&jobs[i], loop, NULL);
		EXPECT(rota_work_queue(&jobs[i].work, (enum rota_lane)(i % 3),
				       job_run, job_done) == 0);
	}
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	for (unsigned i = 0; i < 6; i++) {
		EXPECT(jobs[i].calls == 1);
		EXPECT(jobs[i].status == 0);
		EXPECT(jobs[i].runs == 1);
	}
}

static void rebuild_and_go_on(void *arg)
{
	struct scene *s = arg;
	struct rota_loop *loop = s->f->loop;
	struct rota_lane_stats stats = { .size = sizeof(stats) };

	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(rota_pool_stats(s->pool, IO, &stats) == 0);
	EXPECT(stats.threads == 0);
	EXPECT(stats.queued == 0);
	EXPECT(stats.running == 0);
	EXPECT(s->jobs[RUNNING].calls == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	expect_all_cancelled(s);
	use_in_child(loop);
	EXPECT(rota_loop_close(loop) == 0);
	rota_pool_unref(s->pool);
}

static void a_rebuilt_loop_has_its_work_cancelled(void **state)
{
	struct scene s;

	scene_begin(&s, *state);
	in_a_child(rebuild_and_go_on, &s);
	scene_end(&s);
}

static void fork_again(void *arg)
{
	struct scene *s = arg;
	pid_t child;
	int status;

	EXPECT(rota_loop_fork(s->f->loop) == 0);
	child = child_fork();
	if (child == 0) {
		EXPECT(rota_loop_run(s->f->loop, ROTA_RUN_NOWAIT) ==
		       ROTA_ECHILD);
		rebuild_and_go_on(s);
		child_ends();
	}
	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	EXPECT(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT) == 0);
	expect_all_cancelled(s);
	use_in_child(s->f->loop);
}

static void a_child_may_fork_again(void **state)
{
	struct scene s;

	scene_begin(&s, *state);
	in_a_child(fork_again, &s);
	scene_end(&s);
}

/* The loop that is rebuilt first makes the pool anew, but leaves the other
 * loop's jobs to that loop. */
static void each_loop_ends_its_own(void *arg)
{
	struct scene *s = arg;
	struct rota_loop *other = s->last.other->work.request.internal.loop;
	struct job *others = s->last.other;

	EXPECT(rota_loop_fork(s->f->loop) == 0);
	EXPECT(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT) == 0);
	expect_all_cancelled(s);
	use_in_child(s->f->loop);
	EXPECT(others->calls == 0);
	EXPECT(rota_loop_run(other, ROTA_RUN_DEFAULT) == ROTA_ECHILD);

	EXPECT(rota_loop_fork(other) == 0);
	EXPECT(rota_loop_run(other, ROTA_RUN_DEFAULT) == 0);
	EXPECT(others->calls == 1);
	EXPECT(others->status == ROTA_ECANCELED);
	use_in_child(other);
	use_in_child(s->f->loop);
}

static void loops_that_share_a_pool_fork_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *other;
	struct scene s;
	struct job a;

	scene_begin(&s, f);
	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	options.pool = s.pool;
	assert_int_equal(rota_loop_new(&other, &options), 0);
	job_init(&a, other, NULL);
	s.last.other = &a;
	job_queue(&a, IO); /* behind the stuck job */

	in_a_child(each_loop_ends_its_own, &s);

	gate_open(&s.gate);
	assert_int_equal(rota_loop_run(other, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.status, 0);
	assert_int_equal(rota_loop_close(other), 0);
	scene_end(&s);
}

static void only_exit(void *arg)
{
	(void)arg;
}

static void only_exec(void *arg)
{
	(void)arg;
	execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
	child_failed(__FILE__, __LINE__); /* it was not executed */
}

static void look_and_exit(void *arg)
{
	struct scene *s = arg;
	struct rota_lane_stats stats = { .size = sizeof(stats) };

	EXPECT(rota_pool_stats(s->pool, IO, &stats) == 0);
	EXPECT(stats.threads == 0);
}

/* F2: a child that calls nothing may exit, even if the parent's locks are
 * held. */
static void a_child_may_exit(void **state)
{
	struct scene s;
	pid_t child;

	scene_begin(&s, *state);
	in_a_child(only_exit, &s);
	in_a_child(only_exec, &s);
	in_a_child(look_and_exit, &s);
	fflush(NULL);
	child = child_fork();
	if (child == 0)
		exit(0);
	expect_success(child);
	scene_end(&s);
}

/* The lock may be held forever in the child: no thread of the child takes
 * it. */
static void a_lock_that_is_held_at_the_fork_does_no_harm(void **state)
{
	struct scene s;
	pid_t child;

	scene_begin(&s, *state);
	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++)
		pthread_mutex_lock(&s.pool->lanes[lane].lock);
	child = child_fork();
	if (child == 0) {
		everything_is_refused(&s);
		rebuild_and_go_on(&s);
		child_ends();
	}
	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++)
		pthread_mutex_unlock(&s.pool->lanes[lane].lock);
	expect_success(child);
	scene_end(&s);
}

static void use_new_loop(void *arg)
{
	struct rota_loop *loop;

	(void)arg;
	EXPECT(rota_loop_new(&loop, NULL) == 0);
	use_in_child(loop);
	EXPECT(rota_loop_close(loop) == 0);
}

static void rebuild_and_send_again(void *arg)
{
	struct scene *s = arg;
	struct rotai_pool_client *side = rotai_pool_client_get(s->f->loop);

	/* The state that a thread leaves between setting the flag and the
	 * push. */
	(void)rotai_entry_claim(&side->async.internal.entry);
	rebuild_and_go_on(s);
}

/* At the moment of the fork a thread was waking the loop. In the child it does
 * not finish that, but new threads wake the loop. */
static void a_send_that_was_cut_short_is_forgotten(void **state)
{
	struct scene s;

	scene_begin(&s, *state);
	assert_int_equal(rota_loop_run(s.f->loop, ROTA_RUN_ONCE), 1);
	assert_int_equal(s.jobs[ENDED].calls, 1);
	job_queue(&s.jobs[ENDED], IO); /* behind the stuck job */
	s.jobs[ENDED].calls = 0;
	atomic_store(&s.jobs[ENDED].runs, 0);
	in_a_child(rebuild_and_send_again, &s);
	scene_end(&s);
}

/* The parent's loop is not rebuilt: the child uses the default pool. */
static void a_child_may_make_loops_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct gate gate;
	struct job a;

	gate_init(&gate);
	job_init(&a, f->loop, NULL);
	a.gate = &gate;
	job_queue(&a, IO);
	gate_await(&gate, 1);

	in_a_child(use_new_loop, NULL);

	gate_end(&gate);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.calls, 1);
}

static pid_t forked;

static void fork_here(struct job *job)
{
	struct rota_loop *loop = job->work.request.internal.loop;

	job_queue(job->other, IO); /* not published yet */
	forked = child_fork();
	if (forked == 0) {
		EXPECT(rota_loop_fork(loop) == 0);
	}
}

static void expect_cancelled(struct job *job)
{
	EXPECT(job->calls == 1);
	EXPECT(job->status == ROTA_ECANCELED);
}

/* The callback of one of several completed jobs forks. In the child the others
 * are cancelled, and so is the job that was queued before the fork. */
static void a_callback_may_fork_and_rebuild(void **state)
{
	struct fixture *f = *state;
	struct job a, b, c, d;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, NULL);
	job_init(&b, f->loop, NULL);
	job_init(&c, f->loop, NULL);
	job_init(&d, f->loop, NULL);
	a.then = fork_here;
	a.other = &d;
	job_queue(&a, IO);
	job_queue(&b, IO);
	job_queue(&c, IO);
	await_count(&c.runs, 1);
	forked = -1;
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	if (forked == 0) {
		EXPECT(a.calls == 1 && a.status == 0);
		expect_cancelled(&b);
		expect_cancelled(&c);
		expect_cancelled(&d);
		EXPECT(d.runs == 0);
		use_in_child(f->loop);
		EXPECT(rota_loop_close(f->loop) == 0);
		child_ends();
	}

	expect_success(forked);
	assert_int_equal(a.calls + b.calls + c.calls + d.calls, 4);
	assert_int_equal(b.status, 0);
	assert_int_equal(d.status, 0);
}

static void fork_and_return(struct job *job)
{
	(void)job;
	forked = child_fork();
}

/* The callbacks behind it do not run in the child, and are told when it has
 * rebuilt the loop. */
static void after_a_fork_no_other_callback_runs(void **state)
{
	struct fixture *f = *state;
	struct job a, b;
	int status = 0;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, NULL);
	job_init(&b, f->loop, NULL);
	a.then = fork_and_return;
	job_queue(&a, IO);
	job_queue(&b, IO);
	await_count(&b.runs, 1);
	forked = -1;
	while (forked == -1)
		status = rota_loop_run(f->loop, ROTA_RUN_ONCE);
	if (forked == 0) {
		while (status >= 0)
			status = rota_loop_run(f->loop, ROTA_RUN_ONCE);
		EXPECT(status == ROTA_ECHILD);
		EXPECT(a.calls == 1 && b.calls == 0);
		EXPECT(rota_loop_fork(f->loop) == 0);
		EXPECT(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) == 0);
		expect_cancelled(&b);
		child_ends();
	}
	expect_success(forked);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.status, 0);
}

static struct rota_pool *locked;

/* In the child the lock is held forever. */
static void fork_with_lock(void)
{
	pthread_mutex_lock(&locked->lanes[IO].lock);
	forked = child_fork();
	if (forked != 0)
		pthread_mutex_unlock(&locked->lanes[IO].lock);
}

static void fork_only(struct job *job)
{
	job_queue(job->other, IO);
	fork_with_lock();
}

/* If the loop is not rebuilt, the run ends without taking a lock of the
 * parent's. The job that was queued before the fork is not published. */
static void a_callback_may_fork_and_return(void **state)
{
	struct fixture *f = *state;
	struct gate gate;
	struct job stuck, a, b;
	int status;

	locked = rota_pool_ref(pool_of_threads(0, 1));
	use_pool(f, locked, ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	job_init(&stuck, f->loop, NULL);
	job_init(&a, f->loop, NULL);
	job_init(&b, f->loop, NULL);
	stuck.gate = &gate;
	job_queue(&stuck, IO);
	gate_await(&gate, 1);
	a.then = fork_only;
	a.other = &b;
	job_queue(&a, CPU);
	await_count(&a.runs, 1);
	forked = -1;
	do
		status = rota_loop_run(f->loop, ROTA_RUN_ONCE);
	while (forked == -1);
	if (forked == 0) {
		while (status >= 0)
			status = rota_loop_run(f->loop, ROTA_RUN_ONCE);
		EXPECT(status == ROTA_ECHILD);
		EXPECT(b.calls == 0 && b.runs == 0);
		EXPECT(rota_loop_fork(f->loop) == 0);
		EXPECT(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) == 0);
		expect_cancelled(&b);
		expect_cancelled(&stuck);
		child_ends();
	}

	expect_success(forked);
	gate_end(&gate);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(b.status, 0);
	assert_int_equal(stuck.status, 0);
	rota_pool_unref(locked);
}

static void fork_in_timer(struct rota_timer *timer)
{
	(void)timer;
	fork_with_lock();
}

/* The same in the timers phase, where a deadline follows. */
static void a_deadline_after_a_fork_takes_no_lock(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct rota_timer timer;
	struct gate gate;
	struct job stuck;
	int status;

	locked = rota_pool_ref(pool_of_threads(0, 1));
	use_pool(f, locked, ROTA_CLOCK_VIRTUAL);
	gate_init(&gate);
	job_init(&stuck, f->loop, NULL);
	stuck.gate = &gate;
	job_queue(&stuck, IO);
	gate_await(&gate, 1);
	rota_timer_init(&timer, f->loop);
	assert_int_equal(rota_timer_start(&timer, fork_in_timer, 0), 0);
	assert_int_equal(rota_request_set_deadline(&stuck.work.request,
						   &deadline,
						   rota_loop_now(f->loop)),
			 0);
	status = rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	if (forked == 0) {
		EXPECT(status == ROTA_ECHILD);
		EXPECT(rota_loop_fork(f->loop) == 0);
		EXPECT(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) == 0);
		expect_cancelled(&stuck);
		child_ends();
	}

	expect_success(forked);
	gate_end(&gate);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(stuck.status, ROTA_ETIMEDOUT);
	rota_pool_unref(locked);
}

/* Contexts of detachable jobs at the time of a fork. */
static struct gate detached_gate;
static atomic_uint discards[3];

static int be_stuck(void *context)
{
	if (context == &discards[0])
		gate_pass(&detached_gate);
	return 0;
}

static void count_discard(void *context)
{
	atomic_fetch_add((atomic_uint *)context, 1);
}

static void rebuild_and_look(void *arg)
{
	struct job *jobs = arg;
	struct rota_loop *loop = jobs[0].work.request.internal.loop;

	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	for (unsigned i = 0; i < 3; i++)
		expect_cancelled(&jobs[i]);
	EXPECT(discards[0] == 0); /* a job was using it */
	EXPECT(discards[1] == 1);
	EXPECT(discards[2] == 1);
	EXPECT(rota_loop_close(loop) == 0);
}

static void what_is_detachable_is_discarded_if_it_is_whole(void **state)
{
	static const enum rota_lane lanes[] = { ROTA_LANE_IO, ROTA_LANE_IO,
						ROTA_LANE_CPU };
	struct fixture *f = *state;
	struct job jobs[3], last;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	gate_init(&detached_gate);
	for (unsigned i = 0; i < 3; i++) {
		struct rota_detachable how = { be_stuck, count_discard,
					       &discards[i] };

		atomic_store(&discards[i], 0);
		job_init(&jobs[i], f->loop, NULL);
		assert_int_equal(rota_work_queue_detachable(&jobs[i].work,
							    lanes[i], &how,
							    job_done),
				 0);
		if (i == 0)
			gate_await(&detached_gate, 1);
	}
	job_init(&last, f->loop, NULL);
	job_queue(&last, CPU);
	await_count(&last.runs, 1);

	in_a_child(rebuild_and_look, jobs);

	gate_end(&detached_gate);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(jobs[i].status, 0);
		assert_int_equal(discards[i], 0);
	}
}

static void without_threads_it_is_the_same(void *arg)
{
	struct job *job = arg;
	struct rota_loop *loop = job->work.request.internal.loop;

	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	expect_cancelled(job);
	EXPECT(job->runs == 0);
	use_in_child(loop);
}

static void work_of_the_loop_itself_is_cancelled_too(void **state)
{
	struct fixture *f = *state;
	struct job a;

	use_pool(f, pool_of_threads(0, 0), ROTA_CLOCK_MONOTONIC);
	job_init(&a, f->loop, NULL);
	job_queue(&a, IO);

	in_a_child(without_threads_it_is_the_same, &a);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.status, 0);
}

enum { RACED = 32 };

/* Two threads of a child that look at the same pools. */
struct lookers {
	struct rota_pool *pools[RACED];
	atomic_uint lined_up;
	atomic_uint looked;
};

/* Detached, as its number may be that of a thread that was the parent's, which
 * the thread sanitizer does not like of others. */
static void start_detached(void *(*run)(void *arg), void *arg)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	EXPECT(pthread_create(&thread, &attributes, run, arg) == 0);
	pthread_attr_destroy(&attributes);
}

static void look_at(struct lookers *l, unsigned index)
{
	struct rota_lane_stats stats = { .size = sizeof(stats) };

	EXPECT(rota_pool_stats(l->pools[index], IO, &stats) == 0);
	EXPECT(stats.threads == 0);
	atomic_fetch_add(&l->looked, 1);
}

static void *look_at_first(void *arg)
{
	look_at(arg, 0);
	return NULL;
}

/* While the first one makes the pool anew. It has to wait for that; and if it
 * does not, it is soon done. */
static void look_meanwhile(void *arg)
{
	enum { A_WHILE = 2000 };
	struct lookers *l = arg;

	start_detached(look_at_first, l);
	for (unsigned i = 0; i < A_WHILE && !atomic_load(&l->looked); i++)
		sched_yield();
	EXPECT(atomic_load(&l->looked) == 0);
}

static void look_one_during_the_other(void *arg)
{
	struct lookers *l = arg;

	fault_count_reset();
	fault_call_before("pthread_mutex_init", 2, look_meanwhile, l);
	look_at(l, 0);
	EXPECT(fault_clear() == 1);
	await_count(&l->looked, 2);
	/* Of each lane, and of the shared jobs. */
	EXPECT(fault_count("pthread_mutex_init") == ROTA_LANE_COUNT + 1);
}

/* Both go on to each at the same time: who slept would come too late. */
static void *look_at_all(void *arg)
{
	struct lookers *l = arg;

	for (unsigned i = 0; i < RACED; i++) {
		unsigned rounds = 0;

		atomic_fetch_add(&l->lined_up, 1);
		while (atomic_load(&l->lined_up) < 2 * (i + 1))
			if (++rounds % 1000 == 0)
				sched_yield();
		look_at(l, i);
	}
	return NULL;
}

static void look_at_once(void *arg)
{
	struct lookers *l = arg;

	fault_count_reset();
	start_detached(look_at_all, l);
	(void)look_at_all(l);
	await_count(&l->looked, 2 * RACED);
	EXPECT(fault_count("pthread_mutex_init") ==
	       RACED * (ROTA_LANE_COUNT + 1));
}

/* The first that comes makes the pool anew, and the others wait for that. */
static void one_thread_of_a_child_makes_the_pool_anew(void **state)
{
	enum { TIMES = 40 };
	struct lookers l = { .looked = 0 };
	struct scene s;

	scene_begin(&s, *state);
	l.pools[0] = s.pool;
	for (unsigned i = 1; i < RACED; i++)
		l.pools[i] = pool_of_threads(0, 1);

	in_a_child(look_one_during_the_other, &l);
	for (unsigned i = 0; i < TIMES; i++)
		in_a_child(look_at_once, &l);

	for (unsigned i = 1; i < RACED; i++)
		rota_pool_unref(l.pools[i]);
	scene_end(&s);
}

static int fork_in_job(struct rota_work *work)
{
	(void)work;
	forked = child_fork();
	return 0;
}

/* If a job forks and returns in the child, the child ends: it must not run the
 * parent's other jobs, and must not wait for more. */
static void expect_that_forks_end(struct fixture *f, unsigned min_threads)
{
	struct job a, b;

	use_pool(f, pool_of_threads(min_threads, 1), ROTA_CLOCK_MONOTONIC);
	parent = getpid();
	job_init(&a, f->loop, NULL);
	job_init(&b, f->loop, NULL);
	assert_int_equal(rota_work_queue(&a.work, IO, fork_in_job, job_done),
			 0);
	job_queue(&b, IO);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	expect_success(forked);
	assert_int_equal(a.calls + b.calls, 2);
}

static void a_job_that_forks_does_not_do_others_twice(void **state)
{
	expect_that_forks_end(*state, 0);
}

/* One that would never end for want of work. */
static void a_thread_that_is_to_stay_does_not_in_the_child(void **state)
{
	expect_that_forks_end(*state, 1);
}

static const struct CMUnitTest tests[] = {
	REAL(before_a_rebuild_everything_is_refused),
	REAL(a_rebuilt_loop_has_its_work_cancelled),
	REAL(a_child_may_fork_again),
	REAL(loops_that_share_a_pool_fork_one_by_one),
	REAL(a_child_may_exit),
	REAL(a_lock_that_is_held_at_the_fork_does_no_harm),
	REAL(a_send_that_was_cut_short_is_forgotten),
	REAL(a_child_may_make_loops_of_its_own),
	REAL(a_callback_may_fork_and_rebuild),
	REAL(a_callback_may_fork_and_return),
	REAL(after_a_fork_no_other_callback_runs),
	REAL(a_deadline_after_a_fork_takes_no_lock),
	REAL(what_is_detachable_is_discarded_if_it_is_whole),
	REAL(work_of_the_loop_itself_is_cancelled_too),
	REAL(one_thread_of_a_child_makes_the_pool_anew),
	REAL(a_job_that_forks_does_not_do_others_twice),
	REAL(a_thread_that_is_to_stay_does_not_in_the_child),
};

FIXTURE_MAIN(tests)
