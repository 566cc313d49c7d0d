/* poller: none */
/*
 * The lock-free hand-over from loops to pool threads and back: jobs stay in
 * order, can be cancelled on the way, and never wait for a job that is stuck.
 */
#include "jobs.h"

#include "base/list.h"
#include "base/thread.h"
#include "pool/pool.h"
#include "pool/stack.h"
#include "pool/worker.h"
#include "support/probe.h"

static void run_to_the_end(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

enum { LINKS = 40 };

static enum rotai_stack_was push(struct rotai_stack *stack,
				 struct rotai_trail *trail,
				 struct rota_link *links, unsigned count)
{
	struct rotai_chain chain = { NULL, NULL };

	for (unsigned i = 0; i < count; i++)
		rotai_chain_add(&chain, &links[i], trail);
	return rotai_stack_push(stack, &chain);
}

/* T9 */
static void a_stack_gives_what_it_got_in_order(void **state)
{
	struct rotai_trail trail = { .at = 0 };
	struct rota_link links[LINKS], list;
	struct rotai_stack stack;

	(void)state;
	rotai_stack_init(&stack, 1);
	rotai_list_init(&list);
	assert_int_equal(rotai_stack_take(&stack, &list), 0);
	assert_int_equal(push(&stack, &trail, links, 1), ROTAI_STACK_EMPTY);
	assert_int_equal(push(&stack, &trail, links + 1, 3),
			 ROTAI_STACK_FILLED);
	assert_int_equal(rotai_stack_take(&stack, &list), 4);
	assert_true(rotai_stack_is_empty(&stack));
	assert_int_equal(push(&stack, &trail, links + 4, LINKS - 4),
			 ROTAI_STACK_EMPTY);
	assert_int_equal(rotai_stack_take(&stack, &list), LINKS - 4);

	for (unsigned i = 0; i < LINKS; i++)
		assert_ptr_equal(rotai_list_take_first(&list), &links[i]);
	assert_true(rotai_list_is_empty(&list));
}

static void a_stack_that_nobody_watches_says_so_once(void **state)
{
	struct rotai_trail trail = { .at = 0 };
	struct rota_link links[4], list;
	struct rotai_stack stack;

	(void)state;
	rotai_stack_init(&stack, 0);
	rotai_list_init(&list);
	assert_true(rotai_stack_is_empty(&stack));
	assert_int_equal(push(&stack, &trail, links, 1), ROTAI_STACK_UNWATCHED);
	assert_int_equal(push(&stack, &trail, links + 1, 1),
			 ROTAI_STACK_FILLED);
	assert_int_equal(rotai_stack_leave(&stack), 0);
	assert_int_equal(rotai_stack_take(&stack, &list), 2);
	assert_int_equal(rotai_stack_leave(&stack), 1);
	assert_int_equal(rotai_stack_leave(&stack), 1);
	assert_int_equal(rotai_stack_take(&stack, &list), 0);
	rotai_stack_watch(&stack);
	assert_int_equal(push(&stack, &trail, links + 2, 1), ROTAI_STACK_EMPTY);
	rotai_stack_watch(&stack);

	assert_int_equal(rotai_stack_take(&stack, &list), 1);
}

struct burst {
	struct rota_task task;
	struct job *jobs;
	unsigned count;
};

static void queue_burst(struct rota_task *task)
{
	struct burst *burst = rota_container_of(task, struct burst, task);

	for (unsigned i = 0; i < burst->count; i++)
		job_queue(&burst->jobs[i], IO);
}

/* A thread that takes several jobs at once returns them one by one. So finished
 * jobs do not wait for one that never finishes. */
static void what_has_ended_does_not_wait_for_a_later_job(void **state)
{
	enum { COUNT = 8, STUCK = 5 };
	struct fixture *f = *state;
	struct job jobs[COUNT];
	struct burst burst = { .jobs = jobs, .count = COUNT };
	struct gate gate;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	for (unsigned i = 0; i < COUNT; i++)
		job_init(&jobs[i], f->loop, NULL);
	jobs[STUCK].gate = &gate;
	rota_task_init(&burst.task, f->loop);
	assert_int_equal(rota_task_next_tick(&burst.task, queue_burst), 0);
	turn(f);
	gate_await(&gate, 1);

	run_until_called(&jobs[STUCK - 1], 1);

	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(jobs[i].calls, i < STUCK);
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
}

/* O6, T9: the only thread is stuck, so no thread takes in what arrives. */
static void what_has_arrived_is_cancelled(void **state)
{
	struct fixture *f = *state;
	struct job stuck, a, b, c;
	struct gate gate;

	use_pool(f, pool_of_threads(0, 1), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	job_init(&stuck, f->loop, "stuck");
	stuck.gate = &gate;
	job_queue(&stuck, IO);
	gate_await(&gate, 1);
	job_init(&a, f->loop, "a");
	job_init(&b, f->loop, "b");
	job_init(&c, f->loop, "c");
	job_queue(&a, IO);
	job_queue(&b, IO);
	job_queue(&c, IO);

	assert_int_equal(job_cancel(&b), 0);
	assert_int_equal(job_cancel(&stuck), ROTA_EBUSY);
	turn(f);

	assert_int_equal(b.status, ROTA_ECANCELED);
	(void)journal_take();
	gate_open(&gate);
	run_until_called(&c, 1);
	assert_int_equal(a.calls + stuck.calls, 2);
	assert_int_equal(b.runs, 0);
	(void)journal_take();
	gate_end(&gate);
}

/* All threads are busy and one of them is stuck. The other one finds what
 * arrives as soon as it is done; no further thread is woken. */
static void what_arrives_while_all_are_busy_is_found(void **state)
{
	struct fixture *f = *state;
	struct gate gates[2];
	struct job jobs[2], a;

	use_pool(f, pool_of_threads(0, 2), ROTA_CLOCK_MONOTONIC);
	for (unsigned i = 0; i < 2; i++) {
		gate_init(&gates[i]);
		job_init(&jobs[i], f->loop, NULL);
		jobs[i].gate = &gates[i];
		job_queue(&jobs[i], IO);
		gate_await(&gates[i], 1);
	}
	job_init(&a, f->loop, NULL);
	job_queue(&a, IO);
	assert_int_equal(a.runs, 0);

	gate_open(&gates[1]);
	run_until_called(&a, 1);

	assert_int_equal(jobs[0].calls, 0);
	gate_open(&gates[0]);
	run_to_the_end(f);
	gate_end(&gates[0]);
	gate_end(&gates[1]);
}

/* Wait until @threads threads sleep in the lane. */
static void have_sleep(struct fixture *f, struct rota_pool *pool,
		       unsigned threads)
{
	struct job jobs[4];
	struct gate gate;

	gate_init(&gate);
	for (unsigned i = 0; i < threads; i++) {
		job_init(&jobs[i], f->loop, NULL);
		jobs[i].gate = &gate;
		job_queue(&jobs[i], IO);
		gate_await(&gate, i + 1);
	}
	gate_open(&gate);
	run_to_the_end(f);
	gate_end(&gate);
	while (lane_stats(pool, IO).idle != threads)
		sched_yield();
}

/* Pretend that the thread that has slept longest fell asleep on this processor,
 * and no other thread did. Then queue one job. Returns whether that thread ran
 * it; it need not if this thread has moved to another processor. */
static int wakes_the_near_one(struct fixture *f, struct rota_pool *pool)
{
	struct rotai_lane *lane = &pool->lanes[IO];
	struct rotai_worker *near = rotai_worker_of_idle(lane->idle.prev);
	int here = rotai_thread_processor();
	uint64_t begun = near->begun;
	struct rota_link *at;
	struct job a;

	pthread_mutex_lock(&lane->lock);
	for (at = lane->idle.next; at != &lane->idle; at = at->next)
		rotai_worker_of_idle(at)->processor = -1;
	near->processor = here;
	pthread_mutex_unlock(&lane->lock);
	job_init(&a, f->loop, NULL);
	job_queue(&a, IO);
	run_until_called(&a, 1);
	while (lane_stats(pool, IO).idle != 3)
		sched_yield();
	return near->begun == begun + 1;
}

/* The loop is about to sleep, so its processor will be idle. */
static void a_single_job_wakes_a_thread_near_its_loop(void **state)
{
	enum { TRIES = 1000 };
	struct fixture *f = *state;
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(3, 3));
	int tries = 0;

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	have_sleep(f, pool, 3);

	/* This thread may move to another processor in between. */
	while (!wakes_the_near_one(f, pool))
		assert_in_range(++tries, 1, TRIES);
	rota_pool_unref(pool);
}

static const struct CMUnitTest tests[] = {
	REAL(a_stack_gives_what_it_got_in_order),
	REAL(a_stack_that_nobody_watches_says_so_once),
	REAL(what_has_ended_does_not_wait_for_a_later_job),
	REAL(what_has_arrived_is_cancelled),
	REAL(what_arrives_while_all_are_busy_is_found),
	REAL(a_single_job_wakes_a_thread_near_its_loop),
};

FIXTURE_MAIN(tests)
