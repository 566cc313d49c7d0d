/*
 * How often a listener calls accept(2), and so how many connections it accepts
 * for an event: one, or up to the limit in a row while many are waiting, and
 * never one call more than needed. A call that finds nothing is wasted: on a
 * quiet server that would be half of all calls.
 */
#include "support/fixture.h"

#include <errno.h>

#include "support/fault.h"
#include "support/streams_more.h"

enum { LIMIT = ROTA_ACCEPTS_PER_EVENT };

/* Make a turn. Returns how often it called accept(2). */
static unsigned calls_in_a_turn(struct fixture *f)
{
	fault_count_reset();
	turn(f);
	return fault_count("accept4");
}

static void drop_at_once(struct server *s, int status, int fd)
{
	(void)s;
	assert_int_equal(status, 0);
	raw_close(fd);
}

static void expect_turn(struct server *s, unsigned calls, unsigned accepted)
{
	unsigned before = s->accepted;

	assert_int_equal(calls_in_a_turn(s->f), calls);
	assert_int_equal(s->accepted - before, accepted);
}

static void the_limit_is_the_one_that_is_documented(void **state)
{
	(void)state;
	assert_int_equal(ROTA_ACCEPTS_PER_EVENT, 64);
}

static void one_that_comes_alone_takes_one_call(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int client;

	server_open(&s, f, 8);
	s.act = drop_at_once;
	for (unsigned i = 0; i < 5; i++) {
		client = raw_client(&s.address);
		expect_turn(&s, 1, 1);
		expect_turn(&s, 0, 0);
		raw_close(client);
	}
	server_end(&s);
}

/* First one, then up to the limit in each turn, and at the end one call that
 * finds nothing. */
static void a_crowd_takes_the_limit_for_each_event(void **state)
{
	enum { MANY = 1 + 2 * LIMIT + 7 };
	struct fixture *f = *state;
	int clients[MANY], late;
	struct server s;

	need_descriptors(2 * MANY);
	server_open(&s, f, 256);
	s.act = drop_at_once;
	raw_clients(clients, MANY, &s.address);

	expect_turn(&s, 1, 1);
	expect_turn(&s, LIMIT, LIMIT);
	expect_turn(&s, LIMIT, LIMIT);
	expect_turn(&s, 7 + 1, 7);

	/* The burst is over: a client that connects later counts as a single
	 * one. */
	late = raw_client(&s.address);
	expect_turn(&s, 1, 1);
	expect_turn(&s, 0, 0);
	raw_close(late);
	raw_close_all(clients, MANY);
	raw_clients(clients, 2, &s.address);
	expect_turn(&s, 1, 1);
	expect_turn(&s, 2, 1);
	raw_close_all(clients, 2);
	server_end(&s);
}

/* A burst that ends exactly at the limit is over in the next turn. */
static void after_a_turn_without_an_event_there_is_no_crowd(void **state)
{
	struct fixture *f = *state;
	int clients[1 + LIMIT];
	struct server s;

	server_open(&s, f, 128);
	s.act = drop_at_once;
	raw_clients(clients, 1 + LIMIT, &s.address);
	expect_turn(&s, 1, 1);
	expect_turn(&s, LIMIT, LIMIT);
	expect_turn(&s, 0, 0);
	raw_close_all(clients, 1 + LIMIT);

	raw_clients(clients, 3, &s.address);
	expect_turn(&s, 1, 1);
	expect_turn(&s, 3, 2);
	raw_close_all(clients, 3);
	server_end(&s);
}

/* Connections that have gone count as calls, up to the limit in a burst. The
 * connections queued behind them are served later. */
static void errors_of_connections_are_passed_over_up_to_the_limit(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int client;

	server_open(&s, f, 8);
	client = raw_client(&s.address);
	fault_fail_from("accept4", 1, ECONNABORTED);
	assert_int_equal(calls_in_a_turn(f), 1);
	turn(f);
	assert_int_equal(fault_clear(), 1 + LIMIT); /* none with the reserve */
	assert_int_equal(s.accepted, 0);
	assert_int_equal(s.failures, 1); /* too many errors: it backs off */
	assert_int_equal(s.status, ROTA_ECONNABORTED);

	RUN_UNTIL(f, s.accepted == 1);
	assert_int_equal(rota_stream_shed(&s.tcp.stream), 0);
	raw_close(client);
	server_end(&s);
}

static const struct CMUnitTest tests[] = {
	REAL(the_limit_is_the_one_that_is_documented),
	REAL(one_that_comes_alone_takes_one_call),
	REAL(a_crowd_takes_the_limit_for_each_event),
	REAL(after_a_turn_without_an_event_there_is_no_crowd),
	REAL(errors_of_connections_are_passed_over_up_to_the_limit),
};

FIXTURE_MAIN(tests)
