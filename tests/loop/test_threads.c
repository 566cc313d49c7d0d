/*
 * Many threads and one loop (F1): no post is lost, none runs twice, and each
 * thread's posts run in order, even while the loop is being closed.
 *
 * ROTA_TEST_FULL=1 makes each thread post a million times. Otherwise the number
 * suits a sanitizer.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/probe.h"

enum { PRODUCERS = 4, WINDOW = 1024 };

static unsigned posts_per_producer(void)
{
	const char *full = getenv("ROTA_TEST_FULL");

	if (full != NULL)
		alarm(600);
	return full != NULL && *full == '1' ? 1000000 : 10000;
}

struct producer {
	pthread_t thread;
	struct race *race;
	struct post *posts; /* WINDOW of them, which are reused */
	unsigned made;
	unsigned refused;
	unsigned strange; /* statuses that are not allowed */

	/* Used by the loop's thread. */
	unsigned run;
	unsigned disorder;
};

struct post {
	struct rota_task task;
	struct producer *producer;
	unsigned number;
	atomic_bool free; /* may be posted again */
};

struct race {
	struct rota_loop *loop;
	struct producer producers[PRODUCERS];
	unsigned count; /* posts of each producer */
	/* After so many posts, a producer waits until all of its posts have
	 * run, and a moment longer; 0 means never. A loop can only be closed in
	 * such a gap. */
	unsigned burst;
};

static void run_post(struct rota_task *task)
{
	struct post *p = rota_container_of(task, struct post, task);
	struct producer *producer = p->producer;

	producer->disorder += p->number != producer->run;
	producer->run++;
	atomic_store_explicit(&p->free, 1, memory_order_release);
}

static void await_all(struct producer *producer)
{
	for (unsigned i = 0; i < WINDOW; i++)
		while (!atomic_load_explicit(&producer->posts[i].free,
					     memory_order_acquire))
			sched_yield();
	for (unsigned i = 0; i < 20; i++)
		sched_yield();
}

/* Post until all posts are made, or the loop refuses one. */
static void *produce(void *arg)
{
	struct producer *producer = arg;
	unsigned count = producer->race->count;
	unsigned burst = producer->race->burst;

	while (producer->made < count && producer->refused == 0) {
		struct post *p = &producer->posts[producer->made % WINDOW];
		int status;

		while (!atomic_load_explicit(&p->free, memory_order_acquire))
			sched_yield();
		atomic_store_explicit(&p->free, 0, memory_order_relaxed);
		p->number = producer->made;
		status = rota_task_post(&p->task, run_post);
		producer->made += status == 0;
		producer->refused += status == ROTA_ESHUTDOWN;
		producer->strange += status != 0 && status != ROTA_ESHUTDOWN;
		if (status != 0)
			atomic_store(&p->free, 1);
		else if (burst != 0 && producer->made % burst == 0)
			await_all(producer);
	}
	rota_loop_unref(producer->race->loop);
	return NULL;
}

static struct race *race_begin(struct rota_loop *loop, unsigned count,
			       unsigned burst)
{
	struct race *race = test_calloc(1, sizeof(*race));

	race->loop = loop;
	race->count = count;
	race->burst = burst;
	for (unsigned i = 0; i < PRODUCERS; i++) {
		struct producer *producer = &race->producers[i];

		producer->race = race;
		producer->posts = test_calloc(WINDOW, sizeof(struct post));
		for (unsigned k = 0; k < WINDOW; k++) {
			rota_task_init(&producer->posts[k].task, loop);
			producer->posts[k].producer = producer;
			atomic_init(&producer->posts[k].free, 1);
		}
	}
	for (unsigned i = 0; i < PRODUCERS; i++) {
		rota_loop_ref(loop);
		assert_int_equal(pthread_create(&race->producers[i].thread,
						NULL, produce,
						&race->producers[i]),
				 0);
	}
	return race;
}

static unsigned total_run(const struct race *race)
{
	unsigned run = 0;

	for (unsigned i = 0; i < PRODUCERS; i++)
		run += race->producers[i].run;
	return run;
}

static void race_join(struct race *race)
{
	for (unsigned i = 0; i < PRODUCERS; i++)
		pthread_join(race->producers[i].thread, NULL);
}

/* Accepted posts have run, once and in order. */
static void race_end(struct race *race)
{
	for (unsigned i = 0; i < PRODUCERS; i++) {
		struct producer *producer = &race->producers[i];

		assert_int_equal(producer->run, producer->made);
		assert_int_equal(producer->disorder, 0);
		assert_int_equal(producer->strange, 0);
		test_free(producer->posts);
	}
	test_free(race);
}

static void nothing(struct rota_async *async)
{
	(void)async;
}

/* F1 */
static void no_post_is_lost_or_out_of_order(void **state)
{
	struct fixture *f = *state;
	struct race *race = race_begin(f->loop, posts_per_producer(), 0);
	struct rota_async awake; /* keeps the loop alive */

	rota_async_init(&awake, f->loop);
	assert_int_equal(rota_async_start(&awake, nothing), 0);

	while (total_run(race) < race->count * PRODUCERS)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	race_join(race);

	assert_int_equal(stats_of(f->loop).posts, race->count * PRODUCERS);
	rota_async_stop(&awake);
	assert_false(rota_loop_alive(f->loop));
	for (unsigned i = 0; i < PRODUCERS; i++)
		assert_int_equal(race->producers[i].refused, 0);
	race_end(race);
}

/* F1, O5: rota_loop_close() succeeds only if nothing is queued. From then on
 * all posts are refused. The threads' references keep the loop's memory
 * valid. */
static void a_close_in_between_loses_nothing(void **state)
{
	struct fixture *f = *state;

	for (unsigned round = 0; round < 10; round++) {
		struct rota_loop_options options;
		struct rota_loop *loop;
		struct race *race;
		unsigned some = 50 + round * 20;
		int status;

		fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
		assert_int_equal(rota_loop_new(&loop, &options), 0);
		race = race_begin(loop, 10000000, 7 + round);
		while (total_run(race) < some)
			rota_loop_run(loop, ROTA_RUN_NOWAIT);
		do {
			rota_loop_run(loop, ROTA_RUN_NOWAIT);
			status = rota_loop_close(loop);
		} while (status == ROTA_EBUSY);
		assert_int_equal(status, 0);
		race_join(race);

		for (unsigned i = 0; i < PRODUCERS; i++)
			assert_int_equal(race->producers[i].refused, 1);
		race_end(race);
	}
}

/* O5: the same with a shutdown, which runs the posts that it still finds. */
static void a_shutdown_in_between_loses_nothing(void **state)
{
	struct fixture *f = *state;

	for (unsigned round = 0; round < 10; round++) {
		struct rota_loop_options options;
		struct rota_loop *loop;
		struct race *race;

		fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
		assert_int_equal(rota_loop_new(&loop, &options), 0);
		race = race_begin(loop, 10000000, 0);
		while (total_run(race) < 50 + round * 20)
			rota_loop_run(loop, ROTA_RUN_NOWAIT);
		assert_int_equal(rota_loop_shutdown(loop, UINT64_MAX), 0);
		race_join(race);

		for (unsigned i = 0; i < PRODUCERS; i++)
			assert_int_equal(race->producers[i].refused, 1);
		race_end(race);
	}
}

/* One task that all threads post as often as they can. */
struct shared {
	struct rota_task task;
	struct rota_loop *loop;
	atomic_uint accepted;
	atomic_uint done;
	unsigned run;
	unsigned count;
};

static void run_shared(struct rota_task *task)
{
	rota_container_of(task, struct shared, task)->run++;
}

static void *post_shared(void *arg)
{
	struct shared *s = arg;

	for (unsigned i = 0; i < s->count; i++) {
		int status = rota_task_post(&s->task, run_shared);

		if (status == 0)
			atomic_fetch_add(&s->accepted, 1);
		else if (status != ROTA_EALREADY)
			abort();
	}
	atomic_fetch_add(&s->done, 1);
	return NULL;
}

/* F1: a queued task is refused. It runs as often as it was accepted. */
static void a_task_of_many_threads_runs_as_often_as_accepted(void **state)
{
	struct fixture *f = *state;
	struct shared s = { .loop = f->loop, .count = 10000 };
	pthread_t threads[PRODUCERS];

	rota_task_init(&s.task, f->loop);
	for (unsigned i = 0; i < PRODUCERS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, post_shared, &s), 0);
	while (atomic_load(&s.done) < PRODUCERS)
		rota_loop_run(f->loop, ROTA_RUN_DEFAULT);
	for (unsigned i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_int_equal(s.run, atomic_load(&s.accepted));
	assert_true(s.run > 0);
}

/* Values that many threads raise. An async signals each change. */
struct gauge {
	struct rota_async async;
	atomic_uint values[PRODUCERS];
	unsigned seen[PRODUCERS];
	unsigned count;
	unsigned calls;
	atomic_uint next;
};

static void read_gauge(struct rota_async *async)
{
	struct gauge *g = rota_container_of(async, struct gauge, async);

	g->calls++;
	for (unsigned i = 0; i < PRODUCERS; i++)
		g->seen[i] = atomic_load_explicit(&g->values[i],
						  memory_order_relaxed);
}

static void *raise_gauge(void *arg)
{
	struct gauge *g = arg;
	unsigned me = atomic_fetch_add(&g->next, 1);

	for (unsigned i = 1; i <= g->count; i++) {
		atomic_store_explicit(&g->values[me], i, memory_order_relaxed);
		if (rota_async_send(&g->async) != 0)
			abort();
	}
	return NULL;
}

static int is_complete(const struct gauge *g)
{
	for (unsigned i = 0; i < PRODUCERS; i++)
		if (g->seen[i] != g->count)
			return 0;
	return 1;
}

/* What was written before a send is visible to the callback, so coalescing
 * never loses a final value. (If it did, the loop would sleep forever.) */
static void no_final_value_is_lost_by_an_async(void **state)
{
	struct fixture *f = *state;
	struct gauge g = { .count = posts_per_producer() };
	pthread_t threads[PRODUCERS];

	rota_async_init(&g.async, f->loop);
	assert_int_equal(rota_async_start(&g.async, read_gauge), 0);
	for (unsigned i = 0; i < PRODUCERS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, raise_gauge, &g), 0);

	while (!is_complete(&g))
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	for (unsigned i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);

	assert_true(g.calls <= g.count * PRODUCERS);
	rota_async_stop(&g.async);
}

/* An async that threads send all the time, while the loop stops and starts
 * it. */
struct flicker {
	struct rota_async async;
	atomic_bool done;
	int started;
	unsigned calls;
	unsigned wrong; /* calls while stopped */
};

static void flicker_called(struct rota_async *async)
{
	struct flicker *x = rota_container_of(async, struct flicker, async);

	x->calls++;
	x->wrong += !x->started;
}

static void *send_always(void *arg)
{
	struct flicker *x = arg;

	while (!atomic_load(&x->done)) {
		int status = rota_async_send(&x->async);

		if (status != 0 && status != ROTA_EINVAL)
			abort();
	}
	return NULL;
}

/* A send that is in progress when the async is stopped is dropped, whenever it
 * arrives. */
static void an_async_may_be_stopped_while_threads_send(void **state)
{
	struct fixture *f = *state;
	struct flicker x = { .calls = 0 };
	struct rota_async awake;
	pthread_t threads[2];

	rota_async_init(&awake, f->loop);
	assert_int_equal(rota_async_start(&awake, nothing), 0);

	rota_async_init(&x.async, f->loop);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, send_always, &x), 0);
	for (unsigned i = 0; i < 300 || x.calls < 10; i++) {
		assert_int_equal(rota_async_start(&x.async, flicker_called), 0);
		x.started = 1;
		sched_yield();
		turn(f);
		rota_async_stop(&x.async);
		x.started = 0;
		turn(f);
	}
	atomic_store(&x.done, 1);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	turn(f);
	rota_async_stop(&awake);

	assert_int_equal(x.wrong, 0);
	assert_true(x.calls > 0);
}

static const struct CMUnitTest tests[] = {
	REAL(no_post_is_lost_or_out_of_order),
	REAL(a_close_in_between_loses_nothing),
	REAL(a_shutdown_in_between_loses_nothing),
	REAL(a_task_of_many_threads_runs_as_often_as_accepted),
	REAL(no_final_value_is_lost_by_an_async),
	REAL(an_async_may_be_stopped_while_threads_send),
};

FIXTURE_MAIN(tests)
