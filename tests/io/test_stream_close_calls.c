/*
 * Which calls of the poller the close of a stream makes: none, as a rule. If
 * its file lives on elsewhere and has events, the poller starts over (D2).
 */
#include "support/fixture.h"

#include <unistd.h>

#include "support/fault.h"
#include "support/streams_more.h"

/* Open a connection that reads and is registered, and return a duplicate of
 * its descriptor. */
static int open_twice(struct connection *c, struct fixture *f)
{
	int duplicate;

	connection_open(c, f, NULL);
	duplicate = dup(c->fd);
	assert_int_not_equal(duplicate, -1);
	connection_read(c);
	turn(f);
	return duplicate;
}

static void close_stream(struct connection *c)
{
	assert_int_equal(rota_handle_close_now(&c->tcp.handle), 0);
}

static void peer_writes(struct connection *c)
{
	raw_send(c->peer, "left", 4);
}

static unsigned calls_of_poller(void)
{
	return fault_count("epoll_ctl") + fault_count("kevent") +
	       fault_count("epoll_create1");
}

/* O2: the close itself removes the descriptor from the kernel. */
static void a_close_needs_no_call_of_the_poller(void **state)
{
	struct fixture *f = *state;
	struct connection a, b;

	connection_open(&a, f, NULL);
	connection_open(&b, f, NULL);
	connection_read(&a);
	connection_read(&b);
	turn(f);
	fault_count_reset();

	close_stream(&a);
	assert_int_equal(rota_handle_close(&b.tcp.handle, NULL), 0);

	assert_int_equal(calls_of_poller(), 0);
	assert_in_range(waits_within(f, 5), 1, 8);
	assert_int_equal(stats_of(f->loop).stale, 0);
	peer_close(&a);
	peer_close(&b);
}

/* The same for a failed connect, and for one that is cancelled. */
static void a_failed_connect_needs_no_call_of_the_poller(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct rota_tcp tcp;
	struct waiting w;
	struct attempt a = { .act = NULL };
	int owner;

	loopback(&address, AF_INET, 0);
	owner = raw_unheard(&address);
	tcp_init(&tcp, f);
	waiting_begin(&w, f);
	fault_count_reset();

	assert_int_equal(rota_request_cancel(waiting_request(&w)), 0);
	assert_int_equal(calls_of_poller(), 0);

	assert_int_equal(attempt_begin(&a, &tcp, &address), 0);
	assert_int_equal(attempt_end(f, &a), ROTA_ECONNREFUSED);
	assert_in_range(fault_count("epoll_ctl"), 0, 1); /* to register it */
	assert_string_equal(journal_take(), "pending: connect=ECANCELED");
	waiting_end(&w);
	tcp_end(&tcp);
	raw_close(owner);
}

/* D2: what is detached lives on, and has left the kernel on return. */
static void a_detach_removes_the_descriptor(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	turn(f);
	rota_stream_read_stop(&c.tcp.stream);
	fault_count_reset();

	assert_int_equal(rota_stream_detach(&c.tcp.stream), c.fd);

	assert_int_equal(fault_count("epoll_ctl"), poller_is(f, "epoll"));
	peer_writes(&c);
	assert_in_range(waits_within(f, 5), 1, 8);
	assert_int_equal(stats_of(f->loop).stale, 0);
	raw_close(c.fd);
	peer_close(&c);
}

/* A file that tells nothing costs nothing. */
static void a_silent_file_costs_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c, other;
	int duplicate = open_twice(&c, f);

	connection_open(&other, f, NULL);
	connection_read(&other);
	close_stream(&c);
	fault_count_reset();

	for (unsigned i = 0; i < 10; i++) {
		peer_has_sent(&other, 10);
		turn(f);
	}

	assert_int_equal(fault_count("epoll_create1"), 0);
	close(duplicate);
	peer_close(&c);
	connection_end(&other);
}

/* After a new start the next closes are careful, so that a program whose files
 * all live on does not start over with each close. */
static void a_new_start_makes_the_next_closes_careful(void **state)
{
	enum { ROUNDS = 300 };
	struct fixture *f = *state;
	struct connection other;

	connection_open(&other, f, NULL);
	connection_read(&other);
	fault_count_reset();

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct connection c;
		int duplicate = open_twice(&c, f);

		close_stream(&c);
		peer_writes(&c);
		turn(f);
		turn(f);
		assert_int_equal(c.reads + c.ends, 0);
		close(duplicate);
		peer_close(&c);
	}

	if (poller_is(f, "epoll")) {
		assert_in_range(fault_count("epoll_create1"), 2, ROUNDS / 60);
		assert_in_range(fault_count("epoll_ctl"), 2 * ROUNDS - 20,
				2 * ROUNDS + 20);
	}
	connection_expect_talk(f, &other);
	connection_end(&other);
}

static struct connection *victim;

static void close_victim(struct connection *c, int status, struct rota_buf buf)
{
	(void)c;
	(void)status;
	(void)buf;
	if (victim == NULL)
		return;
	close_stream(victim);
	victim = NULL;
}

/* An event of the batch in which its stream was closed says nothing about the
 * file. */
static void a_close_in_the_batch_starts_nothing_over(void **state)
{
	struct fixture *f = *state;
	struct connection a, b;

	connection_open(&a, f, NULL);
	connection_open(&b, f, NULL);
	connection_read(&a);
	connection_read(&b);
	turn(f);
	/* The one whose event comes first closes the other. */
	for (unsigned i = 0; i < 2; i++) {
		a.act = i == 0 ? close_victim : NULL;
		b.act = i == 1 ? close_victim : NULL;
		victim = i == 0 ? &b : &a;
		if (i == 1) {
			connection_open(&b, f, NULL);
			connection_read(&b);
			b.act = close_victim;
			turn(f);
		}
		fault_count_reset();
		peer_has_sent(&a, 10);
		peer_has_sent(&b, 10);
		RUN_UNTIL(f, victim == NULL);
		turn(f);
		assert_int_equal(fault_count("epoll_create1"), 0);
		if (i == 0)
			peer_close(&b);
	}
	peer_close(&a);
	assert_in_range(waits_within(f, 5), 1, 8);
	assert_int_equal(fault_count("epoll_create1"), 0);
	connection_end(&b);
}

/* L5: the host's instance of epoll(7) would lose a new one. */
static void with_a_host_a_close_removes_the_descriptor(void **state)
{
	struct fixture *f = *state;
	struct connection c, other;
	int duplicate;

	if (rota_loop_backend_fd(f->loop) < 0)
		skip_test("the poller has no descriptor");
	connection_open(&other, f, NULL);
	connection_read(&other);
	duplicate = open_twice(&c, f);
	fault_count_reset();
	close_stream(&c);
	assert_int_equal(fault_count("epoll_ctl"), poller_is(f, "epoll"));
	peer_writes(&c);
	for (unsigned i = 0; i < 3; i++)
		turn(f);

	assert_int_equal(stats_of(f->loop).stale, 0);
	assert_int_equal(fault_count("epoll_create1"), 0);
	close(duplicate);
	peer_close(&c);
	connection_end(&other);
}

static const struct CMUnitTest tests[] = {
	REAL(a_close_needs_no_call_of_the_poller),
	REAL(a_failed_connect_needs_no_call_of_the_poller),
	REAL(a_detach_removes_the_descriptor),
	REAL(a_silent_file_costs_nothing),
	REAL(a_new_start_makes_the_next_closes_careful),
	REAL(a_close_in_the_batch_starts_nothing_over),
	REAL(with_a_host_a_close_removes_the_descriptor),
};

FIXTURE_MAIN(tests)
