/* poller: none */
/*
 * Races: the end of a job, a cancel and a deadline come at about the same time,
 * thousands of times. Whichever wins, each request is called back once, with a
 * status that agrees with what has happened. ROTA_TEST_SEED repeats a failure
 * approximately.
 */
#include "jobs.h"

#include <stdlib.h>

#include "support/probe.h"

enum { JOBS = 48, CASES = 6000, MOST_CASES = 20 * CASES, OFTEN = 50 };

struct race;

struct racer {
	struct rota_work work;
	struct rota_deadline deadline;
	struct rota_timer cancel;
	struct race *race;
	uint64_t spins; /* how long the job takes */
	int detachable;
	int canceled_well; /* a cancel returned 0 */
	int calls;
	int queued;
	atomic_uint runs;
	atomic_uint *discards; /* of this round, or NULL */
};

struct race {
	struct rota_loop *loop;
	uint64_t seed;
	unsigned begun;
	unsigned ended;
	unsigned canceled, late, done;
	unsigned strange;
	unsigned must_discard;
	atomic_uint discarded;
	struct racer racers[JOBS];
};

/* The context of detachable work. Its last user frees it. */
struct context {
	struct race *race;
	uint64_t spins;
};

static void spin(uint64_t count)
{
	for (volatile uint64_t i = 0; i < count; i++)
		;
}

static int run_racer(struct rota_work *work)
{
	struct racer *racer = rota_container_of(work, struct racer, work);

	atomic_fetch_add(&racer->runs, 1);
	spin(racer->spins);
	if (rota_work_canceled())
		return 1;
	return 0;
}

static int run_context(void *arg)
{
	struct context *context = arg;

	spin(context->spins);
	return 0;
}

static void discard_context(void *arg)
{
	struct context *context = arg;

	atomic_fetch_add(&context->race->discarded, 1);
	free(context);
}

static void begin_racer(struct racer *racer);

/* The outcome depends on the machine. The race goes on until each of the three
 * has won often enough and at least CASES have begun. */
static int goes_on(const struct race *race)
{
	return race->begun < CASES ||
	       (race->begun < MOST_CASES &&
		(race->canceled < OFTEN || race->late < OFTEN ||
		 race->done < OFTEN));
}

static void racer_done(struct rota_work *work, int status)
{
	struct racer *racer = rota_container_of(work, struct racer, work);
	struct race *race = racer->race;
	unsigned runs = atomic_load(&racer->runs);

	race->ended++;
	race->strange += ++racer->calls != 1 || !racer->queued;
	racer->queued = 0;
	rota_timer_stop(&racer->cancel);
	race->canceled += status == ROTA_ECANCELED;
	race->late += status == ROTA_ETIMEDOUT;
	race->done += status >= 0;
	race->strange += (status == ROTA_ECANCELED) != racer->canceled_well;
	if (racer->detachable) {
		race->must_discard += status < 0;
		/* The context is the caller's again. */
		if (status >= 0)
			free(work->request.data);
	} else {
		race->strange += status == ROTA_ECANCELED && runs != 0;
		race->strange += status >= 0 && runs != 1;
		race->strange += runs > 1;
	}
	if (goes_on(race))
		begin_racer(racer);
}

static void cancel_racer(struct rota_timer *timer)
{
	struct racer *racer = rota_container_of(timer, struct racer, cancel);
	int status = rota_request_cancel(&racer->work.request);

	racer->canceled_well |= status == 0;
	racer->race->strange +=
		status != 0 && status != ROTA_EBUSY && status != ROTA_EALREADY;
}

static int queue_racer(struct racer *racer, enum rota_lane lane)
{
	struct rota_detachable how = { run_context, discard_context, NULL };
	struct context *context;

	if (!racer->detachable)
		return rota_work_queue(&racer->work, lane, run_racer,
				       racer_done);
	context = malloc(sizeof(*context));
	*context = (struct context){ racer->race, racer->spins };
	how.context = context;
	racer->work.request.data = context;
	return rota_work_queue_detachable(&racer->work, lane, &how, racer_done);
}

static uint64_t random_delay(struct race *race)
{
	return random_below(&race->seed, ROTA_USEC(150));
}

static void begin_racer(struct racer *racer)
{
	struct race *race = racer->race;
	uint64_t now_ns = rota_loop_now(race->loop);
	uint64_t choice = random_below(&race->seed, 16);

	racer->calls = 0;
	racer->canceled_well = 0;
	atomic_store(&racer->runs, 0);
	racer->detachable = choice % 2 == 0;
	racer->spins = random_below(&race->seed, choice < 12 ? 300 : 20000);
	race->begun++;
	racer->queued = 1;
	race->strange +=
		queue_racer(racer, (enum rota_lane)random_below(
					   &race->seed, ROTA_LANE_COUNT)) != 0;
	if (random_below(&race->seed, 2))
		race->strange += rota_request_set_deadline(
					 &racer->work.request, &racer->deadline,
					 now_ns + random_delay(race)) != 0;
	if (random_below(&race->seed, 8) == 0)
		cancel_racer(&racer->cancel); /* not yet published */
	else if (random_below(&race->seed, 2))
		rota_timer_start(&racer->cancel, cancel_racer,
				 random_delay(race));
}

static void each_request_ends_once_whoever_wins(void **state)
{
	struct fixture *f = *state;
	struct race *race = test_calloc(1, sizeof(*race));
	struct rota_pool *pool = rota_pool_ref(pool_of_threads(1, 3));

	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	race->loop = f->loop;
	race->seed = random_seed();
	for (unsigned i = 0; i < JOBS; i++) {
		struct racer *racer = &race->racers[i];

		racer->race = race;
		rota_work_init(&racer->work, f->loop);
		rota_timer_init(&racer->cancel, f->loop);
		begin_racer(racer);
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(race->strange, 0);
	assert_int_equal(race->begun, race->ended);
	assert_true(race->begun >= CASES);
	assert_int_equal(race->ended, race->canceled + race->late + race->done);
	assert_true(race->canceled >= OFTEN);
	assert_true(race->late >= OFTEN);
	assert_true(race->done >= OFTEN);
	await_count(&race->discarded, race->must_discard);
	for (int lane = 0; lane < ROTA_LANE_COUNT; lane++)
		assert_int_equal(lane_stats(pool, (enum rota_lane)lane).queued,
				 0);
	rota_pool_unref(pool);
	test_free(race);
}

/* Loops come and go on one pool, while its threads also run the jobs of other
 * loops. A loop is closed after a run, or shut down with jobs in flight. */
struct visitor {
	pthread_t thread;
	struct rota_pool *pool;
	unsigned seed;
	unsigned strange;
};

static void count_done(struct rota_work *work, int status)
{
	(void)status;
	++*(unsigned *)work->request.data;
}

static int run_short(struct rota_work *work)
{
	(void)work;
	spin(100);
	return 0;
}

static void *visit(void *arg)
{
	enum { ROUNDS = 60, WORKS = 12 };
	struct visitor *visitor = arg;
	uint64_t seed = visitor->seed;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct rota_work works[WORKS];
		struct rota_loop_options options;
		struct rota_loop *loop;
		unsigned calls = 0;

		rota_loop_options_init(&options);
		options.pool = visitor->pool;
		visitor->strange += rota_loop_new(&loop, &options) != 0;
		for (unsigned i = 0; i < WORKS; i++) {
			rota_work_init(&works[i], loop);
			works[i].request.data = &calls;
			visitor->strange +=
				rota_work_queue(
					&works[i],
					(enum rota_lane)random_below(&seed, 2),
					run_short, count_done) != 0;
		}
		if (round % 2) {
			rota_loop_run(loop, ROTA_RUN_DEFAULT);
			visitor->strange += rota_loop_close(loop) != 0;
		} else {
			visitor->strange +=
				rota_loop_shutdown(loop, UINT64_MAX) != 0;
		}
		visitor->strange += calls != WORKS;
	}
	return NULL;
}

static void loops_may_come_and_go(void **state)
{
	enum { VISITORS = 3 };
	struct rota_pool *pool = pool_of_threads(0, 3);
	struct visitor visitors[VISITORS];

	(void)state;
	for (unsigned i = 0; i < VISITORS; i++) {
		visitors[i] = (struct visitor){ .pool = pool, .seed = i + 1 };
		assert_int_equal(pthread_create(&visitors[i].thread, NULL,
						visit, &visitors[i]),
				 0);
	}
	for (unsigned i = 0; i < VISITORS; i++) {
		pthread_join(visitors[i].thread, NULL);
		assert_int_equal(visitors[i].strange, 0);
	}
	rota_pool_unref(pool);
}

/* Idle threads end at once, while new jobs arrive: no job is left in the
 * queue. */
static void no_work_is_missed_by_threads_that_end(void **state)
{
	enum { ROUNDS = 400 };
	struct fixture *f = *state;
	struct rota_pool_options options;
	unsigned queued[3] = { 0, 0, 0 };
	struct rota_pool *pool;
	struct job jobs[3];

	rota_pool_options_init(&options);
	options.idle_ns = 0;
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	use_pool(f, pool, ROTA_CLOCK_MONOTONIC);
	for (unsigned i = 0; i < 3; i++)
		job_init(&jobs[i], f->loop, NULL);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		for (unsigned i = 0; i < 1 + round % 3; i++) {
			job_queue(&jobs[i], IO);
			queued[i]++;
		}
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(jobs[i].runs, queued[i]);
			assert_int_equal(jobs[i].calls, queued[i]);
			assert_int_equal(jobs[i].status, queued[i] ? 0 : 1);
		}
		spin(round * 37 % 3000);
	}

	assert_int_equal(queued[0], ROUNDS);
}

static const struct CMUnitTest tests[] = {
	REAL(each_request_ends_once_whoever_wins),
	REAL(loops_may_come_and_go),
	REAL(no_work_is_missed_by_threads_that_end),
};

FIXTURE_MAIN(tests)
