/*
 * Listeners: the arguments of their callback, how many connections a turn
 * accepts, errors of the system, and how they keep the loop alive. Their ends
 * and what they refuse are tested in test_tcp_listen_close.c, the shortage of
 * descriptors in test_tcp_overload.c, and bind in test_tcp_bind.c.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/streams_more.h"

enum { MANY = 300, PER_EVENT = ROTA_ACCEPTS_PER_EVENT };

/* What the callback gets. */

static void expect_connection(struct fixture *f, int family)
{
	struct server s;
	int client;

	server_open_as(&s, f, family, 8);
	client = raw_client(&s.address);

	RUN_UNTIL(f, s.accepted > 0);

	assert_int_equal(s.accepted, 1);
	assert_true(fcntl(s.fds[0], F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(s.fds[0], F_GETFD) & FD_CLOEXEC);
	raw_send(client, "hello", 5);
	await_bytes(s.fds[0], 5);
	raw_close(client);
	server_end(&s);
}

/* The callback owns the descriptor, which is non-blocking and close-on-exec. */
static void
a_connection_is_handed_over_non_blocking_and_close_on_exec(void **state)
{
	expect_connection(*state, AF_INET);
}

static void a_listener_of_version_6_is_handed_connections_too(void **state)
{
	need_ip6();
	expect_connection(*state, AF_INET6);
}

static void open_it_and_another(struct server *s, int status, int fd)
{
	struct rota_tcp *tcp = s->arg;

	assert_int_equal(status, 0);
	assert_int_equal(rota_tcp_open(&tcp[0], s->f->loop, fd), 0);
	assert_int_equal(rota_tcp_open(&tcp[1], s->f->loop, 0), ROTA_ENOTSOCK);
}

/* A descriptor that a listener has accepted is not checked again. Any other
 * descriptor is, whatever its number. */
static void only_what_is_handed_over_is_taken_on_trust(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp[2];
	int stdin_before = dup(0);
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct server s;
	int client;

	assert_int_equal(dup2(nothing, 0), 0);
	server_open(&s, f, 8);
	s.act = open_it_and_another;
	s.arg = tcp;
	client = raw_client(&s.address);

	RUN_UNTIL(f, s.accepted > 0);

	assert_int_equal(rota_handle_close_now(&tcp[0].handle), 0);
	raw_close(client);
	server_end(&s);
	close(nothing);
	close(0);
	if (stdin_before >= 0) {
		assert_int_equal(dup2(stdin_before, 0), 0);
		close(stdin_before);
	}
}

/* T1: the callback runs in the poll phase, with its listener. */
static void nothing_is_handed_over_before_somebody_connects(void **state)
{
	struct fixture *f = *state;
	struct server s;

	server_open(&s, f, 8);
	for (unsigned i = 0; i < 5; i++)
		turn(f);

	assert_int_equal(s.accepted + s.failures, 0);
	assert_int_equal(rota_stream_shed(&s.tcp.stream), 0);
	server_end(&s);
}

/* How many in a turn. */

/* T11: a burst must not take one turn for each connection. */
static void a_hundred_connections_take_three_turns_at_most(void **state)
{
	struct fixture *f = *state;
	int clients[100];
	unsigned turns = 0;
	struct server s;

	server_open(&s, f, 128);
	raw_clients(clients, 100, &s.address);

	while (s.accepted < 100 && turns < 10) {
		unsigned before = s.accepted;

		turn(f);
		turns++;
		assert_in_range(s.accepted - before, 1, PER_EVENT);
	}

	assert_int_equal(s.accepted, 100);
	assert_in_range(turns, 2, 3);
	raw_close_all(clients, 100);
	server_end(&s);
}

/* T11: what is left waits for the next turn, whose wait is zero. A loop that
 * forgot it would sleep forever. */
static void what_is_over_the_limit_waits_one_turn_and_no_longer(void **state)
{
	struct fixture *f = *state;
	int clients[2 * PER_EVENT];
	struct server s;

	server_open(&s, f, 256);
	raw_clients(clients, 2 * PER_EVENT, &s.address);

	while (s.accepted < 2 * PER_EVENT) {
		unsigned before = s.accepted;

		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
		assert_in_range(s.accepted - before, 1, PER_EVENT);
	}

	turn(f);
	assert_int_equal(s.accepted, 2 * PER_EVENT);
	raw_close_all(clients, 2 * PER_EVENT);
	server_end(&s);
}

static void exactly_as_many_as_the_limit_leave_nothing_behind(void **state)
{
	struct fixture *f = *state;
	int clients[PER_EVENT + 1];
	struct server s;

	server_open(&s, f, 128);
	raw_clients(clients, PER_EVENT, &s.address);
	RUN_UNTIL(f, s.accepted >= PER_EVENT);
	turn(f);
	turn(f);
	assert_int_equal(s.accepted, PER_EVENT);

	clients[PER_EVENT] = raw_client(&s.address);
	RUN_UNTIL(f, s.accepted > PER_EVENT);

	assert_int_equal(s.accepted, PER_EVENT + 1);
	raw_close_all(clients, PER_EVENT + 1);
	server_end(&s);
}

/* T11: a burst of connections delays nothing else. */
static void a_busy_listener_lets_others_have_their_turn(void **state)
{
	struct fixture *f = *state;
	struct probe probe;
	struct server s, other;
	int clients[MANY], of_other[MANY], fds[2];

	need_descriptors(4 * MANY);
	server_open(&s, f, 512);
	server_open(&other, f, 512);
	raw_clients(clients, MANY, &s.address);
	raw_clients(of_other, MANY, &other.address);
	make_pipe(fds);
	probe_init(&probe, f, fds[0]);
	probe_start(&probe, ROTA_READABLE);
	put_byte(fds[1]);

	while (s.accepted < MANY || other.accepted < MANY) {
		unsigned first = s.accepted, second = other.accepted;

		assert_int_equal(told(f, &probe), ROTA_READABLE);
		assert_true(s.accepted > first || first == MANY);
		assert_true(other.accepted > second || second == MANY);
		assert_in_range(s.accepted - first, 0, PER_EVENT);
		assert_in_range(other.accepted - second, 0, PER_EVENT);
	}

	probe_stop(&probe);
	raw_close_all(fds, 2);
	raw_close_all(clients, MANY);
	raw_close_all(of_other, MANY);
	server_end(&s);
	server_end(&other);
}

static void drop_at_once(struct server *s, int status, int fd)
{
	(void)s;
	assert_int_equal(status, 0);
	raw_close(fd);
}

/* D1: the next connection of the same batch gets the same number. */
static void a_callback_may_close_what_it_is_given(void **state)
{
	struct fixture *f = *state;
	int clients[20];
	struct server s;

	server_open(&s, f, 32);
	s.act = drop_at_once;
	raw_clients(clients, 20, &s.address);

	RUN_UNTIL(f, s.accepted == 20);

	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(raw_end(clients[i]), 0);
	assert_int_equal(s.failures, 0);
	raw_close_all(clients, 20);
	server_end(&s);
}

/* The listener and its loop. */

/* L1 */
static void a_listener_keeps_the_loop_alive_while_it_listens(void **state)
{
	struct fixture *f = *state;
	struct server s;

	server_bind(&s, f, AF_INET);
	assert_false(rota_handle_is_active(&s.tcp.handle));
	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY); /* O5 */

	assert_int_equal(rota_stream_listen(&s.tcp.stream, 1, server_called),
			 0);

	assert_true(rota_handle_is_active(&s.tcp.handle));
	assert_true(rota_loop_alive(f->loop));
	server_end(&s);
	assert_false(rota_loop_alive(f->loop));
}

/* L2 */
static void an_unreferenced_listener_does_not_keep_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int client;

	server_open(&s, f, 8);
	rota_handle_unref(&s.tcp.handle);
	client = raw_client(&s.address);

	run_to_the_end(f);

	assert_int_equal(s.accepted, 0);
	rota_handle_ref(&s.tcp.handle);
	RUN_UNTIL(f, s.accepted > 0);
	raw_close(client);
	server_end(&s);
}

static void nothing(struct rota_timer *timer)
{
	(void)timer;
}

/* L2: it still calls back while something else keeps the loop alive. */
static void an_unreferenced_listener_calls_back_all_the_same(void **state)
{
	struct fixture *f = *state;
	struct rota_timer timer;
	struct server s;
	int client;

	server_open(&s, f, 8);
	rota_handle_unref(&s.tcp.handle);
	rota_timer_init(&timer, f->loop);
	assert_int_equal(rota_timer_start(&timer, nothing, ROTA_SEC(100)), 0);
	client = raw_client(&s.address);

	RUN_UNTIL(f, s.accepted > 0);

	rota_timer_stop(&timer);
	run_to_the_end(f);
	raw_close(client);
	server_end(&s);
}

struct listing {
	unsigned count;
	struct rota_dump_entry last;
};

static void list_one(void *arg, const struct rota_dump_entry *entry)
{
	struct listing *listing = arg;

	listing->count++;
	listing->last = *entry;
}

/* L6: the dump lists the listener, and nothing that it uses internally. */
static void a_dump_lists_the_listener(void **state)
{
	struct fixture *f = *state;
	struct listing listing = { 0 };
	struct server s;

	server_open(&s, f, 8);
	rota_handle_set_name(&s.tcp.handle, "front door");
	s.tcp.handle.data = &listing;

	assert_int_equal(rota_loop_dump(f->loop, list_one, &listing), 1);

	assert_ptr_equal(listing.last.object, &s.tcp.handle);
	assert_string_equal(listing.last.type, "tcp");
	assert_string_equal(listing.last.name, "front door");
	assert_ptr_equal(listing.last.data, &listing);
	assert_true(fcntl(listing.last.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(listing.last.alive, 1);
	rota_handle_unref(&s.tcp.handle);
	rota_loop_dump(f->loop, list_one, &listing);
	assert_int_equal(listing.last.alive, 0);
	server_end(&s);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
}

/* Errors of the system. */

/* A peer that has gone again is not an error of the listener. */
static void a_peer_that_reset_before_it_was_accepted_is_no_error(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int clients[3];

	server_open(&s, f, 8);
	raw_clients(clients, 3, &s.address);
	raw_reset(clients[1]);

	RUN_UNTIL(f, s.accepted >= 2);
	turn(f);

	/* Linux returns the one that has gone; a BSD does not. */
	assert_in_range(s.accepted, 2, 3);
	assert_int_equal(s.failures, 0);
	raw_close(clients[0]);
	raw_close(clients[2]);
	server_end(&s);
}

static void expect_skipped(struct fixture *f, int error, unsigned nth)
{
	int clients[5];
	struct server s;

	server_open(&s, f, 8);
	raw_clients(clients, 5, &s.address);
	fault_fail("accept4", nth, error);

	RUN_UNTIL(f, s.accepted == 5);

	assert_int_equal(fault_clear(), 1);
	assert_int_equal(s.failures, 0);
	assert_int_equal(rota_stream_shed(&s.tcp.stream), 0);
	raw_close_all(clients, 5);
	server_end(&s);
}

/* F3: an error of one connection does not affect the listener, and does not
 * delay the connections behind it. */
static void errors_of_a_single_connection_are_passed_over(void **state)
{
	static const int errors[] = { ECONNABORTED, EPROTO, EINTR };

	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		expect_skipped(*state, errors[i], 1);
		expect_skipped(*state, errors[i], 3);
		expect_skipped(*state, errors[i], 5);
	}
}

static void a_connection_inherits_nodelay_from_its_listener(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int client;

	server_open(&s, f, 8);
	assert_int_equal(rota_tcp_set_nodelay(&s.tcp, 1), 0);
	client = raw_client(&s.address);

	RUN_UNTIL(f, s.accepted > 0);

	assert_true(raw_option(s.fds[0], IPPROTO_TCP, TCP_NODELAY) != 0);
	raw_close(client);
	server_end(&s);
}

/* None of them leaves anything behind. */
static void thousands_come_and_go(void **state)
{
	struct fixture *f = *state;
	unsigned count = test_is_full() ? 20000 : 1000;
	size_t bytes;
	struct server s;

	server_open(&s, f, 128);
	s.act = drop_at_once;
	bytes = f->memory.bytes;

	for (unsigned i = 0; i < count; i++) {
		int client = raw_client(&s.address);

		RUN_UNTIL(f, s.accepted == i + 1);
		assert_int_equal(raw_end(client), 0);
		raw_close(client);
	}

	assert_true(f->memory.bytes <= bytes + 65536);
	assert_int_equal(s.failures, 0);
	server_end(&s);
}

static const struct CMUnitTest tests[] = {
	REAL(a_connection_is_handed_over_non_blocking_and_close_on_exec),
	REAL(a_listener_of_version_6_is_handed_connections_too),
	REAL(only_what_is_handed_over_is_taken_on_trust),
	REAL(nothing_is_handed_over_before_somebody_connects),
	REAL(a_hundred_connections_take_three_turns_at_most),
	REAL(what_is_over_the_limit_waits_one_turn_and_no_longer),
	REAL(exactly_as_many_as_the_limit_leave_nothing_behind),
	REAL(a_busy_listener_lets_others_have_their_turn),
	REAL(a_callback_may_close_what_it_is_given),
	REAL(a_listener_keeps_the_loop_alive_while_it_listens),
	REAL(an_unreferenced_listener_does_not_keep_the_loop_alive),
	REAL(an_unreferenced_listener_calls_back_all_the_same),
	REAL(a_dump_lists_the_listener),
	REAL(a_peer_that_reset_before_it_was_accepted_is_no_error),
	REAL(errors_of_a_single_connection_are_passed_over),
	REAL(a_connection_inherits_nodelay_from_its_listener),
	REAL(thousands_come_and_go),
};

FIXTURE_MAIN(tests)
