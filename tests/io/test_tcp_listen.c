/*
 * Listeners: what their callback is given, how many in a turn, and what it may
 * do; and what a listener refuses. For the shortage of descriptors see
 * test_tcp_overload.c, for bind test_tcp_bind.c.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/streams_more.h"

enum { MANY = 300, PER_EVENT = ROTA_ACCEPTS_PER_EVENT };

static void connect_many(int *clients, unsigned count,
			 const struct rota_address *address)
{
	for (unsigned i = 0; i < count; i++)
		clients[i] = raw_client(address);
}

static void close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		raw_close(fds[i]);
}

/* --- what the callback is given --------------------------------------------- */

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

/* The callback owns the descriptor, which is born as it should be. */
static void a_connection_is_handed_over_non_blocking_and_close_on_exec(
	void **state)
{
	expect_connection(*state, AF_INET);
}

static void a_listener_of_version_6_is_handed_connections_too(void **state)
{
	need_ip6();
	expect_connection(*state, AF_INET6);
}

/* T1: in the poll phase, with the listener as it is. */
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

/* --- how many in a turn ------------------------------------------------------ */

/* T11, and the finding that one accept a turn makes a burst cost as many
 * turns. */
static void a_hundred_connections_take_three_turns_at_most(void **state)
{
	struct fixture *f = *state;
	int clients[100];
	unsigned turns = 0;
	struct server s;

	server_open(&s, f, 128);
	connect_many(clients, 100, &s.address);

	while (s.accepted < 100 && turns < 10) {
		unsigned before = s.accepted;

		turn(f);
		turns++;
		assert_in_range(s.accepted - before, 1, PER_EVENT);
	}

	assert_int_equal(s.accepted, 100);
	assert_in_range(turns, 2, 3);
	close_all(clients, 100);
	server_end(&s);
}

/* T11: what is left waits for the next turn, whose wait is zero. A loop that
 * does not know of it sleeps for ever. */
static void what_is_over_the_limit_waits_one_turn_and_no_longer(void **state)
{
	struct fixture *f = *state;
	int clients[2 * PER_EVENT];
	struct server s;

	server_open(&s, f, 256);
	connect_many(clients, 2 * PER_EVENT, &s.address);

	while (s.accepted < 2 * PER_EVENT) {
		unsigned before = s.accepted;

		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
		assert_in_range(s.accepted - before, 1, PER_EVENT);
	}

	turn(f);
	assert_int_equal(s.accepted, 2 * PER_EVENT);
	close_all(clients, 2 * PER_EVENT);
	server_end(&s);
}

static void exactly_as_many_as_the_limit_leave_nothing_behind(void **state)
{
	struct fixture *f = *state;
	int clients[PER_EVENT + 1];
	struct server s;

	server_open(&s, f, 128);
	connect_many(clients, PER_EVENT, &s.address);
	RUN_UNTIL(f, s.accepted >= PER_EVENT);
	turn(f);
	turn(f);
	assert_int_equal(s.accepted, PER_EVENT);

	clients[PER_EVENT] = raw_client(&s.address);
	RUN_UNTIL(f, s.accepted > PER_EVENT);

	assert_int_equal(s.accepted, PER_EVENT + 1);
	close_all(clients, PER_EVENT + 1);
	server_end(&s);
}

/* T11: a burst of connections does not keep anybody else waiting. */
static void a_busy_listener_lets_others_have_their_turn(void **state)
{
	struct fixture *f = *state;
	struct probe probe;
	struct server s, other;
	int clients[MANY], of_other[MANY], fds[2];

	need_descriptors(4 * MANY);
	server_open(&s, f, 512);
	server_open(&other, f, 512);
	connect_many(clients, MANY, &s.address);
	connect_many(of_other, MANY, &other.address);
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
	close_all(fds, 2);
	close_all(clients, MANY);
	close_all(of_other, MANY);
	server_end(&s);
	server_end(&other);
}

static void drop_at_once(struct server *s, int status, int fd)
{
	(void)s;
	assert_int_equal(status, 0);
	raw_close(fd);
}

/* D1: the number is used again by the next connection of the same batch. */
static void a_callback_may_close_what_it_is_given(void **state)
{
	struct fixture *f = *state;
	int clients[20];
	struct server s;

	server_open(&s, f, 32);
	s.act = drop_at_once;
	connect_many(clients, 20, &s.address);

	RUN_UNTIL(f, s.accepted == 20);

	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(raw_end(clients[i]), 0);
	assert_int_equal(s.failures, 0);
	close_all(clients, 20);
	server_end(&s);
}

/* --- ends -------------------------------------------------------------------- */

/* Of a server in memory of its own, which goes with it. */
static unsigned mortal_calls, mortal_closes;

static void mortal_closed(struct rota_handle *handle)
{
	struct server *s = rota_container_of(handle, struct server, tcp.handle);

	mortal_closes++;
	free(s);
}

static void close_in_call(struct server *s, int status, int fd)
{
	assert_int_equal(status, 0);
	raw_close(fd);
	mortal_calls++;
	assert_int_equal(rota_handle_close(&s->tcp.handle, mortal_closed), 0);
}

static void close_and_keep(struct server *s, int status, int fd)
{
	*(int *)s->arg = fd;
	assert_int_equal(status, 0);
	mortal_calls++;
	assert_int_equal(rota_handle_close(&s->tcp.handle, mortal_closed), 0);
}

static void close_now_in_call(struct server *s, int status, int fd)
{
	assert_int_equal(status, 0);
	raw_close(fd);
	mortal_calls++;
	assert_int_equal(rota_handle_close_now(&s->tcp.handle), 0);
	memset(s, 0xa5, sizeof(*s));
	free(s);
}

static void reset_in_call(struct server *s, int status, int fd)
{
	assert_int_equal(status, 0);
	raw_close(fd);
	mortal_calls++;
	assert_int_equal(rota_stream_close_reset(&s->tcp.stream, mortal_closed),
			 0);
}

static void expect_one_call(struct fixture *f,
			    void (*act)(struct server *, int, int))
{
	struct server *s = malloc(sizeof(*s));
	int clients[10];

	assert_non_null(s);
	server_open(s, f, 32);
	s->act = act;
	connect_many(clients, 10, &s->address);
	mortal_calls = mortal_closes = 0;

	run_to_the_end(f);

	assert_int_equal(mortal_calls, 1);
	assert_int_equal(mortal_closes, act != close_now_in_call);
	for (unsigned i = 0; i < 10; i++)
		(void)raw_end(clients[i]);
	close_all(clients, 10);
}

/* O2, O3, O4: nothing more comes, though the backlog is full of them. */
static void a_listener_closed_in_its_callback_is_not_called_again(void **state)
{
	expect_one_call(*state, close_in_call);
}

static void a_listener_closed_now_in_its_callback_is_gone(void **state)
{
	expect_one_call(*state, close_now_in_call);
}

static void a_listener_may_be_closed_by_a_reset(void **state)
{
	expect_one_call(*state, reset_in_call);
}

/* O2: what was handed over is not the listener's any more. */
static void a_connection_outlives_its_listener(void **state)
{
	struct fixture *f = *state;
	struct server *s = malloc(sizeof(*s));
	int fd = -1, client;
	char text[5];

	assert_non_null(s);
	server_open(s, f, 32);
	s->act = close_and_keep;
	s->arg = &fd;
	client = raw_client(&s->address);

	run_to_the_end(f);

	raw_send(fd, "still", 5);
	raw_read(client, text, 5);
	assert_memory_equal(text, "still", 5);
	raw_close(fd);
	raw_close(client);
}

static void close_the_other(struct server *s, int status, int fd)
{
	struct server *other = s->arg;

	assert_int_equal(status, 0);
	server_keep(s, fd);
	if (rota_handle_is_closing(&other->tcp.handle))
		return;
	assert_int_equal(other->accepted, 0);
	assert_int_equal(rota_handle_close_now(&other->tcp.handle), 0);
}

/* D1, O4: its event is in the same batch. */
static void a_listener_closed_by_another_is_not_called(void **state)
{
	struct fixture *f = *state;
	struct server a, b;
	int clients[2];

	server_open(&a, f, 8);
	server_open(&b, f, 8);
	a.act = b.act = close_the_other;
	a.arg = &b;
	b.arg = &a;
	clients[0] = raw_client(&a.address);
	clients[1] = raw_client(&b.address);

	RUN_UNTIL(f, a.accepted + b.accepted > 0);
	turn(f);

	assert_int_equal(a.accepted + b.accepted, 1);
	close_all(clients, 2);
	server_end(&a);
	server_end(&b);
}

/* O2: those who were queued are told, and nobody else gets in. */
static void closing_a_listener_ends_what_is_queued(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;
	int client;

	server_open(&s, f, 8);
	address = s.address;
	client = raw_client(&address);
	server_end(&s);

	assert_true(raw_end(client) <= 0);
	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);
	assert_int_equal(attempt_begin(&a, &tcp, &address), 0);
	assert_int_equal(attempt_end(f, &a), ROTA_ECONNREFUSED);
	assert_int_equal(rota_handle_close_now(&tcp.handle), 0);
	raw_close(client);
}

static void a_port_can_be_listened_at_again_at_once(void **state)
{
	struct fixture *f = *state;
	struct server s, again;
	int client;

	server_open(&s, f, 8);
	client = raw_client(&s.address);
	RUN_UNTIL(f, s.accepted > 0);
	/* The side that ends first is the one that has to wait. */
	server_drop(&s);
	assert_int_equal(raw_end(client), 0);
	raw_close(client);
	server_end(&s);

	memset(&again, 0, sizeof(again));
	again.f = f;
	assert_int_equal(rota_tcp_init(&again.tcp, f->loop), 0);
	assert_int_equal(rota_tcp_bind(&again.tcp, &s.address, 0), 0);
	assert_int_equal(rota_stream_listen(&again.tcp.stream, 8,
					    server_called),
			 0);

	client = raw_client(&s.address);
	RUN_UNTIL(f, again.accepted > 0);
	raw_close(client);
	server_end(&again);
}

/* O5 */
static void a_shutdown_closes_listeners(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int client;

	server_open(&s, f, 8);
	client = raw_client(&s.address);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_int_equal(s.accepted, 0);
	assert_true(raw_end(client) <= 0);
	raw_close(client);
}

/* --- what a listener is to the loop ------------------------------------------ */

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

/* L2: it calls back while something else keeps the loop alive. */
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

/* L6: it and nothing of its making. */
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

/* --- what is refused ---------------------------------------------------------- */

static int try_listen(struct rota_tcp *tcp, int backlog)
{
	return rota_stream_listen(&tcp->stream, backlog, server_called);
}

static void a_listener_must_be_bound_first(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp;

	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);

	assert_int_equal(try_listen(&tcp, 8), ROTA_EINVAL);

	assert_false(rota_handle_is_active(&tcp.handle));
	assert_int_equal(rota_handle_close_now(&tcp.handle), 0);
}

static void a_backlog_below_one_is_refused(void **state)
{
	static const int backlogs[] = { 0, -1, -128, INT_MIN };
	struct fixture *f = *state;
	struct server s;

	server_bind(&s, f, AF_INET);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(try_listen(&s.tcp, backlogs[i]), ROTA_EINVAL);
	assert_int_equal(rota_stream_listen(&s.tcp.stream, 8, NULL),
			 ROTA_EINVAL);
	assert_false(rota_handle_is_active(&s.tcp.handle));

	assert_int_equal(try_listen(&s.tcp, INT_MAX), 0);
	server_end(&s);
}

static void listening_twice_is_refused(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int client;

	server_open(&s, f, 8);

	assert_int_equal(try_listen(&s.tcp, 8), ROTA_EALREADY);

	client = raw_client(&s.address);
	RUN_UNTIL(f, s.accepted > 0);
	raw_close(client);
	server_end(&s);
}

static void what_is_connected_or_closing_does_not_listen(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct connection c;
	struct rota_tcp tcp;
	struct jam jam;

	connection_open(&c, f, NULL);
	assert_int_equal(try_listen(&c.tcp, 8), ROTA_EINVAL);
	connection_read(&c);
	peer_says(&c, "on");
	RUN_UNTIL(f, c.size == 2);
	connection_end(&c);

	jam_open(&jam, AF_INET);
	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);
	assert_int_equal(attempt_begin(&a, &tcp, &jam.address), 0);
	assert_int_equal(try_listen(&tcp, 8), ROTA_EINVAL);
	assert_int_equal(rota_handle_close(&tcp.handle, NULL), 0);
	assert_int_equal(try_listen(&tcp, 8), ROTA_EINVAL);
	run_to_the_end(f);
	assert_int_equal(a.calls, 1);
	jam_close(&jam);
}

static void not_called(struct rota_stream *stream, int status,
		       const struct rota_buf *buf)
{
	(void)stream;
	(void)status;
	(void)buf;
	fail();
}

static void no_read(struct rota_read *read, int status)
{
	(void)read;
	(void)status;
	fail();
}

static void no_write(struct rota_write *write, int status)
{
	(void)write;
	(void)status;
	fail();
}

static void no_shutdown(struct rota_shutdown *shutdown, int status)
{
	(void)shutdown;
	(void)status;
	fail();
}

/* It stays a listener, whatever it is asked to do. */
static void a_listener_is_no_stream_of_bytes(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct rota_shutdown shutdown;
	struct rota_write write;
	struct rota_read read;
	struct rota_address peer;
	struct rota_stream *stream;
	struct rota_buf buf;
	struct server s;
	char text[] = "text";
	int client;

	server_open(&s, f, 8);
	stream = &s.tcp.stream;
	buf = (struct rota_buf){ text, sizeof(text) };

	assert_int_equal(rota_stream_read_start(stream, not_called),
			 ROTA_EINVAL);
	rota_stream_read_stop(stream);
	assert_int_equal(rota_stream_read(&read, stream, buf, 0, no_read),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_send(stream, text, 4), ROTA_EINVAL);
	assert_int_equal(rota_stream_write(&write, stream, &buf, 1, no_write),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_try_write(stream, &buf, 1), ROTA_EINVAL);
	assert_int_equal(rota_stream_shutdown(&shutdown, stream, no_shutdown),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_end(stream, NULL), ROTA_EINVAL);
	assert_int_equal(attempt_begin(&a, &s.tcp, &s.address), ROTA_EINVAL);
	assert_int_equal(rota_tcp_peer_address(&s.tcp, &peer), ROTA_ENOTCONN);
	assert_int_equal(rota_stream_queued(stream), 0);

	client = raw_client(&s.address);
	RUN_UNTIL(f, s.accepted > 0);
	assert_int_equal(s.accepted, 1);
	raw_close(client);
	server_end(&s);
}

/* --- what the system may do ---------------------------------------------------- */

/* Somebody who has gone again is no error of the listener's. */
static void a_peer_that_reset_before_it_was_accepted_is_no_error(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int clients[3];

	server_open(&s, f, 8);
	connect_many(clients, 3, &s.address);
	raw_reset(clients[1]);

	RUN_UNTIL(f, s.accepted >= 2);
	turn(f);

	/* Linux hands over the one that has gone; a BSD does not. */
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
	connect_many(clients, 5, &s.address);
	fault_fail("accept4", nth, error);

	RUN_UNTIL(f, s.accepted == 5);

	assert_int_equal(fault_clear(), 1);
	assert_int_equal(s.failures, 0);
	assert_int_equal(rota_stream_shed(&s.tcp.stream), 0);
	close_all(clients, 5);
	server_end(&s);
}

/* F3: an error of one connection is not the listener's, and those behind it
 * are not left waiting. */
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

/* Nothing is left behind by any of them. */
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
	REAL(nothing_is_handed_over_before_somebody_connects),
	REAL(a_hundred_connections_take_three_turns_at_most),
	REAL(what_is_over_the_limit_waits_one_turn_and_no_longer),
	REAL(exactly_as_many_as_the_limit_leave_nothing_behind),
	REAL(a_busy_listener_lets_others_have_their_turn),
	REAL(a_callback_may_close_what_it_is_given),
	REAL(a_listener_closed_in_its_callback_is_not_called_again),
	REAL(a_listener_closed_now_in_its_callback_is_gone),
	REAL(a_listener_may_be_closed_by_a_reset),
	REAL(a_connection_outlives_its_listener),
	REAL(a_listener_closed_by_another_is_not_called),
	REAL(closing_a_listener_ends_what_is_queued),
	REAL(a_port_can_be_listened_at_again_at_once),
	REAL(a_shutdown_closes_listeners),
	REAL(a_listener_keeps_the_loop_alive_while_it_listens),
	REAL(an_unreferenced_listener_does_not_keep_the_loop_alive),
	REAL(an_unreferenced_listener_calls_back_all_the_same),
	REAL(a_dump_lists_the_listener),
	REAL(a_listener_must_be_bound_first),
	REAL(a_backlog_below_one_is_refused),
	REAL(listening_twice_is_refused),
	REAL(what_is_connected_or_closing_does_not_listen),
	REAL(a_listener_is_no_stream_of_bytes),
	REAL(a_peer_that_reset_before_it_was_accepted_is_no_error),
	REAL(errors_of_a_single_connection_are_passed_over),
	REAL(a_connection_inherits_nodelay_from_its_listener),
	REAL(thousands_come_and_go),
};

FIXTURE_MAIN(tests)
