/*
 * What is sent and written while a handle connects, and what happens to it.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/streams_more.h"

/* O7: first the connect calls back, then the writes, in order. */
static void what_was_written_meanwhile_goes_out_in_order(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct rota_write write;
	struct attempt a = { 0 };
	struct rota_const_buf buf = { "there", 5 };
	struct connection c = { .peer = -1 };
	struct server s;
	char text[16];

	server_open(&s, f, 8);
	tcp_init(&c.tcp, f);
	assert_int_equal(attempt_begin(&a, &c.tcp, &s.address), 0);

	assert_int_equal(rota_stream_send(&c.tcp.stream, "hi ", 3), 0);
	assert_int_equal(begin_write(&c, &write, "write", buf.data, 5), 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "!", 1), 0);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 9);
	assert_int_equal(rota_stream_try_write(&c.tcp.stream, &buf, 1),
			 ROTA_EAGAIN);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, collect),
			 ROTA_ENOTCONN);
	assert_int_equal(begin_shutdown(&c, &shutdown, "shutdown"), 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "?", 1), ROTA_EPIPE);
	assert_string_equal(journal_take(), "");

	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0 && !rota_request_is_active(&shutdown.request));
	assert_string_equal(journal_take(), "pending: write=0 shutdown=0");
	raw_read(s.fds[0], text, 9);
	assert_memory_equal(text, "hi there!", 9);
	assert_int_equal(raw_end(s.fds[0]), 0);
	tcp_end(&c.tcp);
	server_end(&s);
}

/* More than the kernel takes at once: watermarks apply from the beginning. */
static void what_was_sent_meanwhile_is_under_the_watermarks(void **state)
{
	enum { MUCH = 200000 };
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct connection c = { .peer = -1 };
	struct server s;

	server_open(&s, f, 8);
	tcp_init(&c.tcp, f);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	assert_int_equal(attempt_begin(&a, &c.tcp, &s.address), 0);

	assert_int_equal(connection_send(&c, 1000), 0);
	assert_int_equal(connection_send(&c, MUCH), 1);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), MUCH + 1000);
	assert_int_equal(c.drains, 0);

	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0);
	c.peer = s.fds[--s.kept];
	peer_takes_until(f, &c, MUCH + 1000);
	RUN_UNTIL(f, c.drains > 0);
	assert_int_equal(c.drains, 1);
	assert_int_equal(c.drain_status, 0);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	connection_end(&c);
	server_end(&s);
}

static void read_and_send(struct attempt *a, int status)
{
	struct connection *c = a->arg;

	assert_int_equal(status, 0);
	connection_read(c);
	assert_int_equal(rota_stream_send(&c->tcp.stream, "b", 1), 0);
}

/* What the callback sends follows what was sent before. */
static void the_callback_may_read_and_write(void **state)
{
	struct fixture *f = *state;
	struct connection c = { .peer = -1 };
	struct attempt a = { .act = read_and_send, .arg = &c };
	struct server s;
	char text[2];

	server_open(&s, f, 8);
	tcp_init(&c.tcp, f);
	assert_int_equal(attempt_begin(&a, &c.tcp, &s.address), 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "a", 1), 0);

	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0);
	c.peer = s.fds[--s.kept];
	RUN_UNTIL(f, rota_stream_queued(&c.tcp.stream) == 0);
	raw_read(c.peer, text, 2);
	assert_memory_equal(text, "ab", 2);
	raw_send(c.peer, "answer", 6);
	RUN_UNTIL(f, c.size == 6);

	assert_string_equal(c.text, "answer");
	connection_end(&c);
	server_end(&s);
}

/* O1: each request calls back once, and nothing is left in the queue. */
static void a_failure_ends_what_was_written_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct rota_address nowhere = { .is.any.sa_family = AF_INET };
	struct rota_shutdown shutdown;
	struct rota_write first, second;
	struct connection c = { .peer = -1 };
	struct attempt a = { 0 };
	int fd = raw_unheard(&nowhere);
	struct server s;
	const char *told_of;

	tcp_init(&c.tcp, f);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	assert_int_equal(attempt_begin(&a, &c.tcp, &nowhere), 0);
	assert_int_equal(begin_write(&c, &first, "first", "one", 3), 0);
	assert_int_equal(connection_send(&c, 100000), 1);
	assert_int_equal(begin_write(&c, &second, "second", "two", 3), 0);
	assert_int_equal(begin_shutdown(&c, &shutdown, "shutdown"), 0);

	assert_int_equal(attempt_end(f, &a), ROTA_ECONNREFUSED);
	RUN_UNTIL(f, !rota_request_is_active(&shutdown.request));

	told_of = journal_take();
	assert_non_null(strstr(told_of, "first=E"));
	assert_non_null(strstr(told_of, "second=E"));
	assert_non_null(strstr(told_of, "shutdown=E"));
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	assert_int_equal(c.drains, 1); /* what was sent is lost */
	assert_true(c.drain_status < 0);
	turn(f);
	assert_string_equal(journal_take(), "");
	tcp_expect_fresh(&c.tcp);

	/* Nothing of it remains for the next attempt. */
	server_open(&s, f, 8);
	assert_int_equal(attempt_begin(&a, &c.tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "x", 1), 0);
	await_bytes(s.fds[0], 1);
	tcp_end(&c.tcp);
	server_end(&s);
	raw_close(fd);
}

static void connect_again(struct attempt *a, int status)
{
	struct server *s = a->arg;

	if (status == 0)
		return;
	assert_int_equal(status, ROTA_ECONNREFUSED);
	assert_int_equal(rota_tcp_connect(&a->connect, a->tcp, &s->address,
					  attempt_called),
			 0);
}

/* It connects again in the callback, with the same request. */
static void the_callback_of_a_failure_may_connect_again(void **state)
{
	struct fixture *f = *state;
	struct rota_address nowhere = { .is.any.sa_family = AF_INET };
	struct attempt a = { .act = connect_again };
	int fd = raw_unheard(&nowhere);
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	a.arg = &s;
	tcp_init(&tcp, f);
	assert_int_equal(attempt_begin(&a, &tcp, &nowhere), 0);

	RUN_UNTIL(f, a.calls == 2);

	assert_int_equal(a.status, 0);
	tcp_expect_talk(f, &tcp, &s);
	tcp_end(&tcp);
	server_end(&s);
	raw_close(fd);
}

/* The other side has sent and closed before the loop notices the connection. */
static void a_peer_that_goes_at_once_was_connected_to(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	int listener = raw_listen(&address);
	struct connection c = { .peer = -1 };
	struct attempt a = { 0 };
	int fd;

	tcp_init(&c.tcp, f);
	assert_int_equal(attempt_begin(&a, &c.tcp, &address), 0);
	fd = raw_accept(listener);
	raw_send(fd, "bye", 3);
	raw_close(fd);

	assert_int_equal(attempt_end(f, &a), 0);
	connection_read(&c);
	RUN_UNTIL(f, c.ends > 0);

	assert_int_equal(c.status, ROTA_EOF);
	assert_string_equal(c.text, "bye");
	connection_end(&c);
	raw_close(listener);
}

/* A reset comes before the loop notices the connection. There is one error, of
 * the connect or of the read. */
static void a_peer_that_resets_at_once_is_one_error(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	int listener = raw_listen(&address);
	struct connection c = { .peer = -1 };
	struct attempt a = { 0 };
	int status;

	tcp_init(&c.tcp, f);
	assert_int_equal(attempt_begin(&a, &c.tcp, &address), 0);
	raw_reset(raw_accept(listener));

	status = attempt_end(f, &a);
	if (status == 0) {
		connection_read(&c);
		RUN_UNTIL(f, c.ends > 0);
		status = c.status;
	}

	assert_int_equal(status, ROTA_ECONNRESET);
	turn(f);
	assert_in_range(c.ends, 0, 1);
	connection_end(&c);
	raw_close(listener);
}

static const struct CMUnitTest tests[] = {
	REAL(what_was_written_meanwhile_goes_out_in_order),
	REAL(what_was_sent_meanwhile_is_under_the_watermarks),
	REAL(the_callback_may_read_and_write),
	REAL(a_failure_ends_what_was_written_meanwhile),
	REAL(the_callback_of_a_failure_may_connect_again),
	REAL(a_peer_that_goes_at_once_was_connected_to),
	REAL(a_peer_that_resets_at_once_is_one_error),
};

FIXTURE_MAIN(tests)
