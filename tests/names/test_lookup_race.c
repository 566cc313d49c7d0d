/* poller: none */
/*
 * Loops on several threads, with one pool, look up the same few hosts at the
 * same time. Cancels, deadlines and results coincide, and hosts hang and are
 * released. Each lookup calls back once, with a status that fits; and what was
 * found is right. ROTA_TEST_FULL=1 makes it longer.
 */
#include "support/fixture.h"

#include <stdio.h>
#include <string.h>

#include "names/looks.h"
#include "support/streams_more.h"

enum { LOOPS = 3, HOSTS = 4, LOOKS = 8, ROUNDS = 150, FULL_ROUNDS = 20000 };

struct racer {
	pthread_t thread;
	struct rota_pool *pool;
	uint64_t seed;
	unsigned rounds;
	struct rota_loop *loop;
	struct look looks[LOOKS];
	unsigned results[3]; /* found, cancelled, timed out */
	unsigned wrong;
};

/* A failed assertion of cmocka's would leave the thread: count instead. */
static void racer_check(struct racer *r, int holds)
{
	r->wrong += !holds;
}

static void race_called(struct rota_lookup *lookup, int status,
			const struct rota_address_list *list)
{
	struct look *look = rota_container_of(lookup, struct look, lookup);
	struct racer *r = lookup->request.data;

	look->calls++;
	look->status = status;
	if (status == 0) {
		r->results[0]++;
		racer_check(r, list != NULL && list->count == 1);
		racer_check(r,
			    ntohl(list->addresses[0].is.ip4.sin_addr.s_addr) ==
				    0xc0000200 + look->count);
	} else {
		racer_check(r, list == NULL);
		racer_check(r, status == ROTA_ECANCELED ||
				       status == ROTA_ETIMEDOUT);
		r->results[status == ROTA_ETIMEDOUT ? 2 : 1]++;
	}
}

static void do_something(struct racer *r, struct look *look)
{
	uint64_t what = random_below(&r->seed, 4);
	int status;

	if (look->calls == 0) {
		if (what == 0) {
			status = rota_request_cancel(&look->lookup.request);
			racer_check(r, status == 0 || status == ROTA_EALREADY);
		} else if (what == 1) {
			status = rota_request_set_deadline(
				&look->lookup.request, &look->deadline,
				rota_loop_now(r->loop) +
					random_below(&r->seed, 200000));
			racer_check(r, status == 0 || status == ROTA_EINVAL);
		}
		return;
	}
	look->calls = 0;
	look->count = random_below(&r->seed, HOSTS);
	look->lookup.request.data = r;
	status = rota_lookup_begin(
		&look->lookup, r->loop,
		(const char *const[]){ "a.test", "b.test", "c.test",
				       "d.test" }[look->count],
		"80", NULL, race_called);
	racer_check(r, status == 0);
}

static void *race(void *arg)
{
	struct racer *r = arg;
	struct rota_loop_options options;

	rota_loop_options_init(&options);
	options.pool = r->pool;
	racer_check(r, rota_loop_new(&r->loop, &options) == 0);
	for (int i = 0; i < LOOKS; i++)
		r->looks[i].calls = 1; /* none is in flight */
	for (unsigned i = 0; i < r->rounds; i++) {
		for (int j = 0; j < LOOKS; j++)
			do_something(r, &r->looks[j]);
		racer_check(r, rota_loop_run(r->loop,
					     random_below(&r->seed, 2)
						     ? ROTA_RUN_ONCE
						     : ROTA_RUN_NOWAIT) >= 0);
	}
	racer_check(r, rota_loop_shutdown(r->loop, UINT64_MAX) == 0);
	for (int i = 0; i < LOOKS; i++)
		racer_check(r, r->looks[i].calls == 1);
	return NULL;
}

static void results_cancels_and_deadlines_coincide(void **state)
{
	static const char *const hosts[] = { "a.test", "b.test", "c.test",
					     "d.test" };
	static const char *const ips[] = { "192.0.2.0", "192.0.2.1",
					   "192.0.2.2", "192.0.2.3" };
	static struct racer racers[LOOPS];
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 2, ROTA_CLOCK_MONOTONIC);
	uint64_t seed = random_seed();
	unsigned found = 0;

	memset(racers, 0, sizeof(racers));
	for (int i = 0; i < HOSTS; i++)
		resolver_add(hosts[i], ips[i]);
	for (unsigned i = 0; i < LOOPS; i++) {
		racers[i].pool = pool;
		racers[i].seed = seed + i * 7919 + 1;
		racers[i].rounds = test_is_full() ? FULL_ROUNDS : ROUNDS;
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race,
						&racers[i]),
				 0);
	}
	for (int i = 0; i < 50; i++) {
		resolver_hang(hosts[i % HOSTS]);
		sched_yield();
		resolver_release(hosts[i % HOSTS]);
	}
	for (unsigned i = 0; i < LOOPS; i++) {
		assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
		assert_int_equal(racers[i].wrong, 0);
		found += racers[i].results[0];
	}
	assert_true(found > 0);
	assert_int_equal(lane_stats(pool, BLOCKING).queued, 0);
	names_end(pool);
}

static const struct CMUnitTest tests[] = {
	REAL(results_cancels_and_deadlines_coincide),
};
FIXTURE_MAIN(tests)
