/*
 * Listeners: closing them, in their own callback and elsewhere, and what they
 * refuse.
 */
#include "support/fixture.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "support/streams_more.h"

/* Closing. */

/* A server in its own allocation, which is closed and freed in the call with
 * this number. */
static unsigned fatal_call, calls, closes;
static void (*fatal_act)(struct server *s);

static void mortal_closed(struct rota_handle *handle)
{
	closes++;
	free(rota_container_of(handle, struct server, tcp.handle));
}

static void close_in_call(struct server *s)
{
	assert_int_equal(rota_handle_close(&s->tcp.handle, mortal_closed), 0);
}

static void reset_in_call(struct server *s)
{
	assert_int_equal(rota_stream_close_reset(&s->tcp.stream, mortal_closed),
			 0);
}

static void close_now_in_call(struct server *s)
{
	assert_int_equal(rota_handle_close_now(&s->tcp.handle), 0);
	memset(s, 0xa5, sizeof(*s));
	free(s);
	closes++;
}

static void count_to_the_fatal_call(struct server *s, int status, int fd)
{
	assert_int_equal(status, 0);
	raw_close(fd);
	if (++calls == fatal_call)
		fatal_act(s);
}

/* Many connections are queued, so the callback would be called often if the
 * close did not take effect. */
static void expect_no_call_after(struct fixture *f, unsigned nth,
				 void (*act)(struct server *s))
{
	enum { MANY = 20 };
	struct server *s = malloc(sizeof(*s));
	int clients[MANY];

	assert_non_null(s);
	server_open(s, f, 32);
	s->act = count_to_the_fatal_call;
	raw_clients(clients, MANY, &s->address);
	calls = closes = 0;
	fatal_call = nth;
	fatal_act = act;

	run_to_the_end(f);

	assert_int_equal(calls, nth);
	assert_int_equal(closes, 1);
	for (unsigned i = 0; i < MANY; i++)
		(void)raw_end(clients[i]);
	raw_close_all(clients, MANY);
}

/* O2, O3, O4: the callback is not called again, though many connections are
 * queued in the same batch. */
static void a_listener_closed_in_its_callback_is_not_called_again(void **state)
{
	for (unsigned nth = 1; nth <= 6; nth++)
		expect_no_call_after(*state, nth, close_in_call);
}

static void a_listener_closed_now_in_its_callback_is_gone(void **state)
{
	for (unsigned nth = 1; nth <= 6; nth++)
		expect_no_call_after(*state, nth, close_now_in_call);
}

static void a_listener_may_be_closed_by_a_reset(void **state)
{
	for (unsigned nth = 1; nth <= 6; nth++)
		expect_no_call_after(*state, nth, reset_in_call);
}

static void close_and_keep(struct server *s, int status, int fd)
{
	*(int *)s->arg = fd;
	assert_int_equal(status, 0);
	assert_int_equal(rota_handle_close(&s->tcp.handle, mortal_closed), 0);
}

/* O2: an accepted connection does not belong to the listener. */
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
	raw_close_all(clients, 2);
	server_end(&a);
	server_end(&b);
}

/* O2: the peers in the queue see an end, and no other can connect. */
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
	/* TIME_WAIT is on the side that ends first. */
	server_drop(&s);
	assert_int_equal(raw_end(client), 0);
	raw_close(client);
	server_end(&s);

	memset(&again, 0, sizeof(again));
	again.f = f;
	assert_int_equal(rota_tcp_init(&again.tcp, f->loop), 0);
	assert_int_equal(rota_tcp_bind(&again.tcp, &s.address, 0), 0);
	assert_int_equal(
		rota_stream_listen(&again.tcp.stream, 8, server_called), 0);

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

/* What is refused. */

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

/* No call that it refuses changes that it is a listener. */
static void a_listener_is_no_stream_of_bytes(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct rota_shutdown shutdown;
	struct rota_write write;
	struct rota_read read;
	struct rota_address peer;
	struct rota_stream *stream;
	struct rota_const_buf bytes;
	struct rota_buf buf;
	struct server s;
	char text[] = "text";
	int client;

	server_open(&s, f, 8);
	stream = &s.tcp.stream;
	buf = (struct rota_buf){ text, sizeof(text) };
	bytes = rota_bytes(text, sizeof(text));

	assert_int_equal(rota_stream_read_start(stream, not_called),
			 ROTA_EINVAL);
	rota_stream_read_stop(stream);
	assert_int_equal(rota_stream_read(&read, stream, buf, 0, no_read),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_send(stream, text, 4), ROTA_EINVAL);
	assert_int_equal(rota_stream_write(&write, stream, &bytes, 1, no_write),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_try_write(stream, &bytes, 1), ROTA_EINVAL);
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

static const struct CMUnitTest tests[] = {
	REAL(a_listener_closed_in_its_callback_is_not_called_again),
	REAL(a_listener_closed_now_in_its_callback_is_gone),
	REAL(a_listener_may_be_closed_by_a_reset),
	REAL(a_connection_outlives_its_listener),
	REAL(a_listener_closed_by_another_is_not_called),
	REAL(closing_a_listener_ends_what_is_queued),
	REAL(a_port_can_be_listened_at_again_at_once),
	REAL(a_shutdown_closes_listeners),
	REAL(a_listener_must_be_bound_first),
	REAL(a_backlog_below_one_is_refused),
	REAL(listening_twice_is_refused),
	REAL(what_is_connected_or_closing_does_not_listen),
	REAL(a_listener_is_no_stream_of_bytes),
};

FIXTURE_MAIN(tests)
