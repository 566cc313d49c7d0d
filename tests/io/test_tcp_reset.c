/*
 * rota_stream_close_reset() of TCP connections, in all the states that they can
 * have; and what the two ends of a connection see when both of them end it.
 */
#include "support/fixture.h"

#include <errno.h>
#include <sys/socket.h>

#include "support/streams_more.h"

/* Wait for the reset at the raw socket @fd. A socket that has read the end may
 * report it as EPIPE. */
static void expect_reset(int fd)
{
	int error;

	await_end(fd);
	error = raw_option(fd, SOL_SOCKET, SO_ERROR);
	assert_true(error == ECONNRESET || error == EPIPE);
}

/* A connection that this end has made. */
static void what_has_connected_is_reset(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	rota_handle_set_name(&tcp.handle, "tcp");
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0);

	assert_int_equal(rota_stream_close_reset(&tcp.stream, note_closed), 0);
	assert_int_equal(rota_stream_close_reset(&tcp.stream, note_closed),
			 ROTA_EALREADY);
	turn(f);

	assert_string_equal(journal_take(), "closing: tcp");
	assert_int_equal(raw_end(s.fds[0]), -ECONNRESET);
	server_end(&s);
}

static void accepted_open(struct connection *c, struct fixture *f,
			  struct server *s)
{
	server_open(s, f, 8);
	c->peer = raw_client(&s->address);
	RUN_UNTIL(f, s->kept > 0);
	connection_adopt(c, f, s->fds[--s->kept], c->peer, "c");
}

static void what_was_accepted_is_reset(void **state)
{
	struct fixture *f = *state;
	struct connection c = { 0 };
	struct server s;

	accepted_open(&c, f, &s);
	connection_read(&c);
	assert_int_equal(rota_stream_close_reset(&c.tcp.stream, NULL), 0);
	assert_int_equal(raw_end(c.peer), -ECONNRESET);
	turn(f);
	assert_int_equal(c.ends, 0);
	peer_close(&c);
	server_end(&s);
}

/* The peer has read the end, and now sees the reset. */
static void what_was_shut_down_is_reset(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c = { 0 };
	struct server s;

	accepted_open(&c, f, &s);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: s=0");
	assert_int_equal(raw_end(c.peer), 0);

	assert_int_equal(rota_stream_close_reset(&c.tcp.stream, note_closed),
			 0);
	expect_reset(c.peer);
	turn(f);
	assert_string_equal(journal_take(), "closing: c");
	peer_close(&c);
	server_end(&s);
}

/* The program has shut the socket down by itself. */
static void what_the_program_shut_down_is_reset(void **state)
{
	struct fixture *f = *state;
	struct connection c = { 0 };
	struct server s;

	accepted_open(&c, f, &s);
	raw_shutdown(c.fd);
	assert_int_equal(raw_end(c.peer), 0);

	assert_int_equal(rota_stream_close_reset(&c.tcp.stream, NULL), 0);
	expect_reset(c.peer);
	turn(f);
	peer_close(&c);
	server_end(&s);
}

/* The shutdown waits for output that is queued: both are lost. */
static void what_is_about_to_shut_down_is_reset(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c;

	connection_open_small(&c, f, "c");
	connection_block(&c);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);

	assert_int_equal(rota_stream_close_reset(&c.tcp.stream, note_closed),
			 0);
	turn(f);
	assert_string_equal(journal_take(), "closing: s=ECANCELED c");
	assert_true(raw_end(c.peer) == -ECONNRESET);
	peer_close(&c);
}

/* It is in the middle of rota_stream_end(). */
static void what_is_ending_is_reset(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "c");
	assert_int_equal(rota_stream_end(&c.tcp.stream, NULL), 0);
	turn(f);
	assert_int_equal(raw_end(c.peer), 0);
	assert_int_equal(rota_stream_close_reset(&c.tcp.stream, note_closed),
			 0);
	expect_reset(c.peer);
	turn(f);
	assert_string_equal(journal_take(), "closing: c");
	peer_close(&c);
}

/* The peer resets: reading ends with the error, once, and then nothing can be
 * read or written. */
static void after_a_reset_there_is_neither_reading_nor_writing(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	peer_reset(&c);
	RUN_UNTIL(f, c.ends > 0);

	assert_int_equal(c.status, ROTA_ECONNRESET);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, collect),
			 ROTA_EOF);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "x", 1), ROTA_EPIPE);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "x", 1), ROTA_EPIPE);
	turn(f);
	assert_int_equal(c.ends, 1);
	connection_end(&c);
}

/* Both ends shut down at the same time, and both see the end of the other. */
static void both_ends_may_shut_down_at_once(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdowns[2];
	struct connection c[2];
	int fds[2];

	assert_int_equal(rota_tcp_pair(fds), 0);
	for (unsigned i = 0; i < 2; i++) {
		connection_adopt(&c[i], f, fds[i], -1, NULL);
		connection_read(&c[i]);
		assert_int_equal(rota_stream_send(&c[i].tcp.stream, "last", 4),
				 0);
		assert_int_equal(begin_shutdown(&c[i], &shutdowns[i], "s"), 0);
	}

	RUN_UNTIL(f, c[0].ends + c[1].ends == 2);

	assert_string_equal(journal_take(), "pending: s=0 s=0");
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(c[i].status, ROTA_EOF);
		assert_string_equal(c[i].text, "last");
		connection_end(&c[i]);
	}
}

/* A write goes to a peer that is there no more. The first one may succeed: it
 * is what brings the reset. */
static void a_write_to_a_peer_that_has_gone_ends_with_an_error(void **state)
{
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;
	const char *told;

	connection_open(&c, f, NULL);
	peer_sends(&c, 1); /* it is not read, */
	peer_close(&c);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "x", 1), 0);
	await_end(c.fd);
	while (rota_stream_try_write(&c.tcp.stream,
				     (struct rota_const_buf[]){ { "x", 1 } },
				     1) >= 0)
		turn(f);

	assert_int_equal(begin_write(&c, &write, "w", "x", 1), ROTA_EPIPE);
	told = journal_take();
	assert_string_equal(told, "");
	connection_end(&c);
}

/* What a callback of a write sees of the queue: the bytes behind it. */
enum { ROW = 8, EACH_ROW = 300000 };

static size_t seen[ROW];
static unsigned seen_count;

static void look_at_queue(struct rota_write *write, int status)
{
	struct rota_stream *stream = write->request.data;

	assert_int_equal(status, 0);
	seen[seen_count++] = rota_stream_queued(stream);
}

static void writes_in_a_row_see_the_queue_shrink(void **state)
{
	static char bytes[EACH_ROW], taken[EACH_ROW];
	struct fixture *f = *state;
	struct rota_const_buf buf = { bytes, sizeof(bytes) };
	struct rota_write writes[ROW];
	struct connection c;
	size_t queued = 0;

	connection_open_small(&c, f, NULL);
	seen_count = 0;
	for (unsigned i = 0; i < ROW; i++) {
		writes[i].request.data = &c.tcp.stream;
		assert_int_equal(rota_stream_write(&writes[i], &c.tcp.stream,
						   &buf, 1, look_at_queue),
				 0);
		assert_true(rota_stream_queued(&c.tcp.stream) > queued);
		queued = rota_stream_queued(&c.tcp.stream);
	}
	while (seen_count < ROW) {
		turn(f);
		while (raw_try_read(c.peer, taken, sizeof(taken)) > 0)
			continue;
	}

	for (unsigned i = 0; i < ROW; i++)
		assert_true(seen[i] <= (ROW - 1 - i) * (size_t)EACH_ROW);
	assert_int_equal(seen[ROW - 1], 0);
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(what_has_connected_is_reset),
	REAL(what_was_accepted_is_reset),
	REAL(what_was_shut_down_is_reset),
	REAL(what_the_program_shut_down_is_reset),
	REAL(what_is_about_to_shut_down_is_reset),
	REAL(what_is_ending_is_reset),
	REAL(after_a_reset_there_is_neither_reading_nor_writing),
	REAL(both_ends_may_shut_down_at_once),
	REAL(a_write_to_a_peer_that_has_gone_ends_with_an_error),
	REAL(writes_in_a_row_see_the_queue_shrink),
};

FIXTURE_MAIN(tests)
