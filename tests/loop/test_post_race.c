/*
 * Posts that race with the callback of the same task, with a change of its
 * reference, and with the end of the loop (F1, O5). Each race runs for some
 * tenths of a second, and fails only if the loop is wrong.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

enum { RACE_MS = 300, TASKS = 64, LINE = 64, SLOW_LINES = 16 };

static uint64_t end_of_race(void)
{
	return real_now() + ROTA_MSEC(RACE_MS);
}

/* Wait until another thread has set the number, even on a single processor. */
static void wait_until(const atomic_uint *number, unsigned value)
{
	for (unsigned i = 1;
	     atomic_load_explicit(number, memory_order_acquire) != value; i++)
		if (i % 1024 == 0)
			sched_yield();
}

struct slow {
	_Alignas(LINE) atomic_uint number;
};

/* A thread repeatedly writes data and posts, and then checks what the last call
 * of the callback has seen. The race window alone would be some ten
 * nanoseconds. So before the data, the thread writes many cache lines that the
 * other processor holds. That delays the data by a microsecond. */
struct sight {
	struct slow slow[SLOW_LINES];
	_Alignas(LINE) struct rota_task warmer; /* reads all of it into cache */
	_Alignas(LINE) struct rota_task reader;
	_Alignas(LINE) struct rota_task asker;
	_Alignas(LINE) atomic_uint data;
	_Alignas(LINE) atomic_uint asked; /* rounds so far */
	_Alignas(LINE) unsigned seen;
	unsigned lost, turns;
	struct rota_hook hook; /* keeps the loop awake */
	struct rota_loop *loop;
	atomic_bool over;
	unsigned strange; /* statuses that are not allowed */
};

static unsigned look(struct sight *s)
{
	return atomic_load_explicit(&s->data, memory_order_relaxed);
}

static void look_at_all(struct sight *s)
{
	for (unsigned i = 0; i < SLOW_LINES; i++)
		(void)atomic_load_explicit(&s->slow[i].number,
					   memory_order_relaxed);
	(void)look(s);
}

static void write_slowly(struct sight *s, unsigned data)
{
	for (unsigned i = 0; i < SLOW_LINES; i++)
		atomic_store_explicit(&s->slow[i].number, data,
				      memory_order_relaxed);
	atomic_store_explicit(&s->data, data, memory_order_relaxed);
}

static void warm(struct rota_task *task)
{
	look_at_all(rota_container_of(task, struct sight, warmer));
}

static void see(struct rota_task *task)
{
	struct sight *s = rota_container_of(task, struct sight, reader);

	s->seen = look(s);
}

/* Posted after the reader, so called after it. */
static void ask(struct rota_task *task)
{
	struct sight *s = rota_container_of(task, struct sight, asker);

	s->lost += s->seen != look(s);
	atomic_fetch_add_explicit(&s->asked, 1, memory_order_release);
}

static void *post_in_bursts(void *arg)
{
	struct sight *s = arg;
	uint64_t end_ns = end_of_race();
	uint64_t seed = 1;
	unsigned data = 0;

	for (unsigned round = 1; real_now() < end_ns; round++) {
		unsigned burst = 1 + (unsigned)random_below(&seed, 40);
		int status;

		rota_task_post(&s->warmer, warm);
		for (unsigned i = 0; i < burst; i++) {
			write_slowly(s, ++data);
			status = rota_task_post(&s->reader, see);
			s->strange += status != 0 && status != ROTA_EALREADY;
		}
		s->strange += rota_task_post(&s->asker, ask) != 0;
		wait_until(&s->asked, round);
	}
	atomic_store(&s->over, 1);
	rota_loop_unref(s->loop);
	return NULL;
}

static void stop_when_over(struct rota_hook *hook)
{
	struct sight *s = rota_container_of(hook, struct sight, hook);

	look_at_all(s);
	if (++s->turns % 64 == 0)
		sched_yield();
	if (atomic_load_explicit(&s->over, memory_order_relaxed))
		rota_hook_stop(hook);
}

/* F1: a task is posted many times, and its callback sees the data of the last
 * post. */
static void who_finds_a_task_posted_is_seen_by_its_callback(void **state)
{
	struct fixture *f = *state;
	static struct sight s;
	pthread_t thread;

	s = (struct sight){ .loop = rota_loop_ref(f->loop) };
	rota_task_init(&s.warmer, f->loop);
	rota_task_init(&s.reader, f->loop);
	rota_task_init(&s.asker, f->loop);
	rota_hook_init(&s.hook, f->loop);
	assert_int_equal(
		rota_hook_start(&s.hook, stop_when_over, ROTA_HOOK_IDLE), 0);
	assert_int_equal(pthread_create(&thread, NULL, post_in_bursts, &s), 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	pthread_join(thread, NULL);

	assert_int_equal(s.lost, 0);
	assert_int_equal(s.strange, 0);
	assert_true(atomic_load(&s.asked) > 0);
}

/* One task that is posted again and again. */
struct storm {
	struct rota_task task;
	struct rota_loop *loop;
	pthread_t thread, target;
	atomic_uint posted, called;
	atomic_bool over;
};

static struct storm *_Atomic in_handler; /* NULL: the race is over */

static void count_call(struct rota_task *task)
{
	struct storm *s = rota_container_of(task, struct storm, task);

	atomic_fetch_add_explicit(&s->called, 1, memory_order_relaxed);
}

static void post_one(struct storm *s)
{
	if (rota_task_post(&s->task, count_call) == 0)
		atomic_fetch_add_explicit(&s->posted, 1, memory_order_relaxed);
}

static void post_in_handler(int number)
{
	struct storm *s = atomic_load(&in_handler);

	(void)number;
	if (s != NULL)
		post_one(s);
}

/* It pauses, because the race needs moments when the task is not queued. */
static void *post_at_times(void *arg)
{
	struct storm *s = arg;
	uint64_t seed = 1;

	while (!atomic_load(&s->over)) {
		atomic_uint pause = 0;
		uint64_t steps = random_below(&seed, 2000);

		post_one(s);
		while (atomic_fetch_add_explicit(&pause, 1,
						 memory_order_relaxed) < steps)
			;
	}
	rota_loop_unref(s->loop);
	return NULL;
}

static void *send_signals(void *arg)
{
	struct storm *s = arg;

	while (!atomic_load(&s->over)) {
		pthread_kill(s->target, SIGUSR1);
		sched_yield();
	}
	rota_loop_unref(s->loop);
	return NULL;
}

static void storm_begin(struct storm *s, struct rota_loop *loop,
			void *(*fn)(void *arg))
{
	*s = (struct storm){ .loop = rota_loop_ref(loop),
			     .target = pthread_self() };
	rota_task_init(&s->task, loop);
	atomic_store(&in_handler, s);
	assert_int_equal(pthread_create(&s->thread, NULL, fn, s), 0);
}

/* Change the reference until the race is over, with a turn from time to
 * time. */
static void change_the_reference(struct storm *s)
{
	uint64_t end_ns = end_of_race();

	while (real_now() < end_ns) {
		for (unsigned i = 0; i < 20; i++) {
			rota_task_unref(&s->task);
			rota_task_ref(&s->task);
		}
		assert_true(rota_loop_run(s->loop, ROTA_RUN_NOWAIT) >= 0);
	}
	atomic_store(&s->over, 1);
	pthread_join(s->thread, NULL);
}

static void expect_nothing_left(struct storm *s, struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_true(atomic_load(&s->posted) > 0);
	assert_int_equal(atomic_load(&s->called), atomic_load(&s->posted));
	assert_false(rota_task_is_queued(&s->task));
	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;
}

/* L1, O5: whether the post sees the task referenced or not is unspecified, but
 * the loop counts it once. */
static void a_reference_that_races_a_post_is_counted_once(void **state)
{
	struct fixture *f = *state;
	struct storm s;

	storm_begin(&s, f->loop, post_at_times);

	change_the_reference(&s);

	expect_nothing_left(&s, f);
}

/* L1, O5: a signal handler interrupts the loop's own thread between any two
 * steps. */
static void
a_reference_that_races_a_signal_handler_is_counted_once(void **state)
{
	struct fixture *f = *state;
	struct storm s;

	signal(SIGUSR1, post_in_handler);
	storm_begin(&s, f->loop, send_signals);

	change_the_reference(&s);

	atomic_store(&in_handler, NULL);
	signal(SIGUSR1, SIG_IGN); /* one may still be pending */
	expect_nothing_left(&s, f);
}

/* A thread that posts to each loop that it gets, until the loop refuses. */
struct end_race {
	pthread_t thread;
	_Atomic(struct rota_loop *) loop; /* NULL: the thread is done */
	atomic_bool over;
	struct rota_task tasks[TASKS];
	unsigned accepted, strange; /* of this round */

	unsigned called; /* used by the loop */
};

static void count_in_round(struct rota_task *task)
{
	struct end_race *race = task->data;

	race->called++;
}

static void post_until_refused(struct end_race *race)
{
	for (unsigned i = 0;; i++) {
		struct rota_task *task = &race->tasks[i % TASKS];
		int status = rota_task_post(task, count_in_round);

		race->accepted += status == 0;
		race->strange += status != 0 && status != ROTA_EALREADY &&
				 status != ROTA_ESHUTDOWN;
		if (status != 0 && status != ROTA_EALREADY)
			break;
	}
}

static void *post_to_each_loop(void *arg)
{
	struct end_race *race = arg;

	while (!atomic_load(&race->over)) {
		struct rota_loop *loop = atomic_load(&race->loop);

		if (loop == NULL) {
			sched_yield();
			continue;
		}
		post_until_refused(race);
		rota_loop_unref(loop);
		atomic_store(&race->loop, NULL);
	}
	return NULL;
}

static void race_a_shutdown(struct end_race *race, struct fixture *f,
			    unsigned delay)
{
	atomic_uint pause = 0;
	struct rota_loop_options options;
	struct rota_loop *loop;

	race->accepted = race->strange = race->called = 0;
	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	assert_int_equal(rota_loop_new(&loop, &options), 0);
	for (unsigned i = 0; i < TASKS; i++) {
		rota_task_init(&race->tasks[i], loop);
		race->tasks[i].data = race;
	}
	atomic_store(&race->loop, rota_loop_ref(loop));
	while (atomic_fetch_add_explicit(&pause, 1, memory_order_relaxed) <
	       delay)
		;

	assert_int_equal(rota_loop_shutdown(loop, UINT64_MAX), 0);

	while (atomic_load(&race->loop) != NULL)
		sched_yield();
	assert_int_equal(race->called, race->accepted);
	assert_int_equal(race->strange, 0);
}

/* O5, F1: accepted posts have run, and all others were refused. The narrowest
 * moment is tested in test_shutdown_end.c. */
static void a_shutdown_is_not_kept_from_its_end_by_posts(void **state)
{
	static struct end_race race;
	uint64_t end_ns = end_of_race();
	uint64_t seed = 1;

	race = (struct end_race){ .called = 0 };
	assert_int_equal(
		pthread_create(&race.thread, NULL, post_to_each_loop, &race),
		0);

	while (real_now() < end_ns)
		race_a_shutdown(&race, *state,
				(unsigned)random_below(&seed, 300));

	atomic_store(&race.over, 1);
	pthread_join(race.thread, NULL);
}

static const struct CMUnitTest tests[] = {
	REAL(who_finds_a_task_posted_is_seen_by_its_callback),
	REAL(a_reference_that_races_a_post_is_counted_once),
	REAL(a_reference_that_races_a_signal_handler_is_counted_once),
	REAL(a_shutdown_is_not_kept_from_its_end_by_posts),
};
FIXTURE_MAIN(tests)
