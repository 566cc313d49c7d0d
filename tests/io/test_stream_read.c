/*
 * Continuous reading: input is delivered in order and complete, however reading
 * is stopped and started. The end of the input is tested in test_stream_eof.c.
 */
#include "support/fixture.h"

#include "support/fault.h"
#include "support/streams.h"

static void read_stop(struct connection *c)
{
	rota_stream_read_stop(&c->tcp.stream);
}

/* Reading: in order, across the sizes of the buffer and of a segment. */
static void bytes_come_in_order_whatever_their_number(void **state)
{
	static const size_t sizes[] = { 1,    2,     3,     255,   256,
					1000, 1460,  4096,  65535, 65536,
					1,    65537, 99999, 200000 };
	struct fixture *f = *state;
	struct connection c;
	size_t sum = 0;

	connection_open(&c, f, NULL);
	connection_read(&c);

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		sum += sizes[i];
		RUN_UNTIL(f, (peer_tries_to_send(&c, sum - c.sent),
			      c.size >= sum));
		assert_int_equal(c.size, sum);
	}

	assert_int_equal(c.wrong, 0);
	assert_int_equal(c.ends, 0);
	connection_end(&c);
}

/* Reading: one byte at a time. */
static void single_bytes_come_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);

	for (unsigned i = 1; i <= 300; i++) {
		peer_has_sent(&c, 1);
		RUN_UNTIL(f, c.reads == i);
		assert_int_equal(c.size, i);
	}

	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

/* There is no read callback before reading is started. It runs in the poll
 * phase, not inside the call that starts reading. */
static void nothing_is_told_before_reading_is_started(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "c");
	peer_has_sent(&c, 10);
	turn(f);
	turn(f);
	assert_string_equal(journal_take(), "");

	assert_int_equal(rota_stream_read_start(&c.tcp.stream, note_read), 0);
	assert_string_equal(journal_take(), "");
	turn(f);

	assert_string_equal(journal_take(), "poll: c=10");
	connection_end(&c);
}

static void stop_it(struct connection *c, int status, struct rota_buf buf)
{
	(void)status;
	(void)buf;
	read_stop(c);
}

/* Reading: input that was already there when reading stopped causes no new
 * event. */
static void what_is_left_at_a_stop_comes_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	unsigned reads = 0;

	connection_open(&c, f, NULL);
	c.act = stop_it;
	RUN_UNTIL(f, peer_tries_to_send(&c, 100000 - c.sent) == 0 &&
			     c.sent == 100000);
	await_bytes(c.fd, ROTA_BUFFER_SIZE);

	while (c.size < 100000) {
		connection_read(&c);
		RUN_UNTIL(f, c.reads == reads + 1);
		turn(f);
		turn(f);
		assert_int_equal(c.reads, ++reads);
	}

	assert_true(reads > 1);
	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

/* Reading: input that arrives while it is stopped is delivered after the
 * restart. */
static void what_comes_while_stopped_is_told_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	c.act = stop_it;

	for (unsigned i = 0; i < 20; i++) {
		connection_read(&c);
		peer_has_sent(&c, 10);
		RUN_UNTIL(f, c.reads == 2 * i + 1);
		peer_has_sent(&c, 7);
		turn(f);
		turn(f);
		assert_int_equal(c.reads, 2 * i + 1);
		connection_read(&c);
		RUN_UNTIL(f, c.reads == 2 * i + 2);
	}

	assert_int_equal(c.size, c.sent);
	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

/* Reading: it is stopped and started outside callbacks, between turns, with no
 * input, with input, and with an event on its way. */
static void stopping_between_turns_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	for (unsigned i = 0; i < 64; i++) {
		connection_read(&c);
		if (i & 1)
			peer_has_sent(&c, 5);
		if (i & 2)
			turn(f);
		read_stop(&c);
		if (i & 4)
			peer_has_sent(&c, 6);
		if (i & 8)
			turn(f);
		if (i & 16) {
			connection_read(&c);
			read_stop(&c);
		}
		if (i & 32)
			turn(f);
	}
	connection_read(&c);
	RUN_UNTIL(f, c.size == c.sent);

	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

static void stop_and_start(struct connection *c, int status,
			   struct rota_buf buf)
{
	(void)status;
	(void)buf;
	read_stop(c);
	connection_read(c);
}

/* Stop and start inside the read callback. */
static void a_callback_may_stop_and_start_reading(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	c.act = stop_and_start;
	connection_read(&c);

	RUN_UNTIL(f,
		  (peer_tries_to_send(&c, 300000 - c.sent), c.size == 300000));

	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

static struct rota_stream *replaced;

static void replace_by_note(struct rota_stream *stream, int status,
			    const struct rota_buf *buf)
{
	replaced = stream;
	assert_int_equal(status, 0);
	assert_int_equal(buf->size, 3);
	assert_int_equal(rota_stream_read_start(stream, note_read), 0);
}

/* rota_stream_read_start(): a second start replaces the function, also inside
 * the callback. */
static void starting_again_replaces_the_callback(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "c");
	connection_read(&c);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, replace_by_note),
			 0);
	peer_has_sent(&c, 3);
	RUN_UNTIL(f, replaced == &c.tcp.stream);
	peer_has_sent(&c, 4);
	turn(f);

	assert_string_equal(journal_take(), "poll: c=4");
	assert_int_equal(c.reads, 0);
	connection_end(&c);
}

static void stop_the_sibling(struct connection *c, int status,
			     struct rota_buf buf)
{
	(void)status;
	(void)buf;
	read_stop(c->arg);
}

/* D4: a stop takes effect at once, even for events of the same batch. The input
 * is delivered later. */
static void a_stop_holds_for_a_sibling_in_the_batch(void **state)
{
	struct fixture *f = *state;
	struct connection c[2];

	for (unsigned i = 0; i < 2; i++) {
		connection_open(&c[i], f, NULL);
		c[i].act = stop_the_sibling;
		c[i].arg = &c[1 - i];
		connection_read(&c[i]);
		peer_has_sent(&c[i], 5);
	}

	turn(f);
	turn(f);
	assert_int_equal(c[0].reads + c[1].reads, 1);
	c[0].act = c[1].act = NULL;
	connection_read(&c[0]);
	connection_read(&c[1]);
	RUN_UNTIL(f, c[0].size == 5 && c[1].size == 5);

	assert_int_equal(c[0].wrong + c[1].wrong, 0);
	connection_end(&c[0]);
	connection_end(&c[1]);
}

/* Reading: input that arrives while the stream only waits to write is not
 * lost. */
static void input_that_comes_while_output_is_blocked_is_told(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	turn(f);
	peer_has_sent(&c, 100);
	turn(f);
	turn(f);
	assert_int_equal(c.reads, 0);

	connection_read(&c);
	RUN_UNTIL(f, c.size == 100);
	peer_takes_until(f, &c, c.produced);
	peer_has_sent(&c, 100);
	RUN_UNTIL(f, c.size == 200);

	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

static void read_stop_on_anything_does_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct rota_tcp fresh;

	connection_open(&c, f, "c");
	assert_int_equal(rota_tcp_init(&fresh, f->loop), 0);

	read_stop(&c);
	rota_stream_read_stop(&fresh.stream);
	connection_read(&c);
	read_stop(&c);
	read_stop(&c);
	rota_handle_close(&c.tcp.handle, note_closed);
	read_stop(&c);
	turn(f);

	assert_string_equal(journal_take(), "closing: c");
	assert_int_equal(rota_handle_close_now(&fresh.handle), 0);
	peer_close(&c);
}

/* rota_stream_read_start() returns errors in its arguments (O7) and then
 * changes nothing. */
static void arguments_of_read_start_are_checked(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct rota_tcp fresh;

	connection_open(&c, f, NULL);
	assert_int_equal(rota_tcp_init(&fresh, f->loop), 0);

	assert_int_equal(rota_stream_read_start(&fresh.stream, collect),
			 ROTA_ENOTCONN);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, NULL),
			 ROTA_EINVAL);
	assert_false(rota_handle_is_active(&c.tcp.handle));
	connection_read(&c);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, NULL),
			 ROTA_EINVAL);
	peer_has_sent(&c, 3);
	RUN_UNTIL(f, c.size == 3);
	rota_handle_close(&c.tcp.handle, NULL);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, collect),
			 ROTA_EINVAL);

	assert_int_equal(rota_handle_close_now(&fresh.handle), 0);
	run_to_the_end(f);
	peer_close(&c);
}

static void echo(struct connection *c, int status, struct rota_buf buf)
{
	assert_int_equal(status, 0);
	assert_int_equal(rota_stream_send(&c->tcp.stream, buf.data, buf.size),
			 0);
}

/* There is one wait per batch, one recv and one send per echo, and no change of
 * the registration. */
static void an_echo_costs_one_call_to_read_and_one_to_write(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	char byte;

	connection_open(&c, f, NULL);
	c.act = echo;
	connection_read(&c);
	peer_has_sent(&c, 1);
	RUN_UNTIL(f, c.size == 1);
	raw_read(c.peer, &byte, 1);

	fault_count_reset();
	for (unsigned i = 0; i < 100; i++) {
		peer_has_sent(&c, 1);
		RUN_UNTIL(f, c.size == c.sent);
		raw_read(c.peer, &byte, 1);
	}

	assert_int_equal(count_reads(), 100);
	assert_int_equal(count_writes(), 100);
	assert_int_equal(fault_count("epoll_ctl"), 0);
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(bytes_come_in_order_whatever_their_number),
	REAL(single_bytes_come_one_by_one),
	REAL(nothing_is_told_before_reading_is_started),
	REAL(what_is_left_at_a_stop_comes_after_a_restart),
	REAL(what_comes_while_stopped_is_told_after_a_restart),
	REAL(stopping_between_turns_loses_nothing),
	REAL(a_callback_may_stop_and_start_reading),
	REAL(starting_again_replaces_the_callback),
	REAL(a_stop_holds_for_a_sibling_in_the_batch),
	REAL(input_that_comes_while_output_is_blocked_is_told),
	REAL(read_stop_on_anything_does_nothing),
	REAL(arguments_of_read_start_are_checked),
	REAL(an_echo_costs_one_call_to_read_and_one_to_write),
};

FIXTURE_MAIN(tests)
