/* poller: none */
/*
 * The end of the default pool. test_unload_linux.c shows that the library can
 * then be unloaded.
 */
#include "jobs.h"

#include <limits.h>

#include "pool/pool.h"
#include "support/child.h"

static void do_one(struct rota_loop *loop, int status)
{
	struct job a;

	job_init(&a, loop, NULL);
	job_queue(&a, IO);
	assert_int_equal(rota_loop_run(loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.status, status);
}

/* Close the fixture's loop and make a new one. */
static void renew_loop(struct fixture *f)
{
	struct rota_loop_options options;

	if (f->loop != NULL)
		assert_int_equal(rota_loop_close(f->loop), 0);
	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	assert_int_equal(rota_loop_new(&f->loop, &options), 0);
}

static void end_the_pool(struct fixture *f)
{
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;
	assert_int_equal(rota_pool_end(UINT64_MAX), 0);
}

static void it_does_not_end_while_it_is_in_use(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool;

	do_one(f->loop, 0);
	assert_int_equal(rota_pool_end(UINT64_MAX), ROTA_EBUSY);
	do_one(f->loop, 0);
	pool = rota_pool_ref(rota_pool_default());
	assert_int_equal(lane_stats(pool, IO).done, 2);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;

	assert_int_equal(rota_pool_end(UINT64_MAX), ROTA_EBUSY);
	rota_pool_unref(pool);

	assert_int_equal(rota_pool_end(UINT64_MAX), 0);
	assert_int_equal(rota_pool_end(0), 0); /* there is no pool */
}

static void a_new_one_is_made_after_its_end(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 20; i++) {
		renew_loop(f);
		do_one(f->loop, 0);
		assert_int_equal(lane_stats(rota_pool_default(), IO).started,
				 1);
		end_the_pool(f);
	}
	assert_int_equal(lane_stats(rota_pool_default(), IO).started, 0);
	assert_int_equal(rota_pool_end(0), 0);
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

static struct gate lasting_gate;

static void leave_one_stuck(struct fixture *f)
{
	const struct rota_detachable how = { be_stuck, discard_nothing,
					     &lasting_gate };
	struct rota_work work;

	gate_init(&lasting_gate);
	rota_work_init(&work, f->loop);
	assert_int_equal(
		rota_work_queue_detachable(&work, IO, &how, expect_canceled),
		0);
	gate_await(&lasting_gate, 1);
	assert_int_equal(rota_request_cancel(&work.request), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;
}

/* A new pool is made meanwhile. It ends together with the old one. */
static void an_end_that_timed_out_can_be_made_again(void **state)
{
	struct fixture *f = *state;

	leave_one_stuck(f);
	assert_int_equal(rota_pool_end(0), ROTA_ETIMEDOUT);
	assert_int_equal(rota_pool_end(real_now()), ROTA_ETIMEDOUT);
	renew_loop(f);
	do_one(f->loop, 0);
	assert_int_equal(rota_pool_end(0), ROTA_ETIMEDOUT);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;

	gate_end(&lasting_gate);

	assert_int_equal(rota_pool_end(UINT64_MAX), 0);
}

static atomic_int begun;

static void *end_in_a_thread(void *arg)
{
	int *result = arg;

	atomic_store(&begun, 1);
	do
		*result = rota_pool_end(UINT64_MAX);
	while (*result == ROTA_EBUSY); /* both calls ran at once */
	return NULL;
}

/* Two threads end the pool: one waits, and the other gets ROTA_EBUSY. */
static void one_thread_ends_it_at_a_time(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;
	int result = 1;
	int status;

	leave_one_stuck(f);
	atomic_store(&begun, 0);
	assert_int_equal(
		pthread_create(&thread, NULL, end_in_a_thread, &result), 0);
	while (!atomic_load(&begun))
		sched_yield();
	while ((status = rota_pool_end(0)) == ROTA_ETIMEDOUT)
		sched_yield(); /* the other call has not begun yet */
	assert_int_equal(status, ROTA_EBUSY);

	gate_end(&lasting_gate);

	pthread_join(thread, NULL);
	assert_int_equal(result, 0);
	assert_int_equal(rota_pool_end(UINT64_MAX), 0);
}

static void it_waits_for_the_threads_of_pools_that_were_dropped(void **state)
{
	struct fixture *f = *state;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	leave_one_stuck(f);
	assert_int_equal(rota_pool_end(0), ROTA_ETIMEDOUT);

	gate_end(&lasting_gate);

	assert_int_equal(rota_pool_end(UINT64_MAX), 0);
}

/* Threads of a pool in use may stay idle for any time. */
static void it_does_not_wait_for_pools_in_use(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *other = rota_pool_ref(pool_of_threads(1, 1));

	do_one(f->loop, 0);
	use_pool(f, other, ROTA_CLOCK_MONOTONIC);
	do_one(f->loop, 0);

	assert_int_equal(rota_pool_end(UINT64_MAX), 0);

	assert_int_equal(lane_stats(other, IO).threads, 1);
	do_one(f->loop, 0);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;
	rota_pool_unref(other);
	assert_int_equal(rota_pool_end(UINT64_MAX), 0);
}

static void end_in_the_child(void *arg)
{
	struct fixture *f = arg;
	struct job a;

	EXPECT(rota_pool_end(UINT64_MAX) == ROTA_EBUSY);
	EXPECT(rota_loop_fork(f->loop) == 0);
	job_init(&a, f->loop, NULL);
	EXPECT(rota_work_queue(&a.work, IO, job_run, job_done) == 0);
	EXPECT(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(a.status == 0);
	EXPECT(rota_loop_close(f->loop) == 0);
	EXPECT(rota_pool_end(UINT64_MAX) == 0);
}

static void end_what_was_ending(void *arg)
{
	(void)arg;
	EXPECT(rota_pool_end(UINT64_MAX) == 0);
}

/* F2: the child does not wait for the parent's threads. */
static void a_child_ends_a_pool_of_its_own(void **state)
{
	struct fixture *f = *state;

	do_one(f->loop, 0);
	in_a_child(end_in_the_child, f);
	do_one(f->loop, 0);

	leave_one_stuck(f);
	assert_int_equal(rota_pool_end(0), ROTA_ETIMEDOUT);
	in_a_child(end_what_was_ending, NULL);
	gate_end(&lasting_gate);
	assert_int_equal(rota_pool_end(UINT64_MAX), 0);
}

/* F3: without a key, whose destructor reports that a thread has left, no thread
 * is started. */
static void without_a_key_no_thread_is_made(void **state)
{
	struct fixture *f = *state;
	pthread_key_t keys[PTHREAD_KEYS_MAX];
	int count = 0;

	end_the_pool(f);
	while (count < PTHREAD_KEYS_MAX &&
	       pthread_key_create(&keys[count], NULL) == 0)
		count++;
	renew_loop(f);
	do_one(f->loop, ROTA_EAGAIN);

	pthread_key_delete(keys[--count]);
	do_one(f->loop, 0);

	while (count > 0)
		pthread_key_delete(keys[--count]);
	end_the_pool(f);
}

static const struct CMUnitTest tests[] = {
	REAL(it_does_not_end_while_it_is_in_use),
	REAL(a_new_one_is_made_after_its_end),
	REAL(an_end_that_timed_out_can_be_made_again),
	REAL(one_thread_ends_it_at_a_time),
	REAL(it_waits_for_the_threads_of_pools_that_were_dropped),
	REAL(it_does_not_wait_for_pools_in_use),
	REAL(a_child_ends_a_pool_of_its_own),
	REAL(without_a_key_no_thread_is_made),
};

FIXTURE_MAIN(tests)
