/*
 * The end of the input: it is reported once and last, after all data that had
 * arrived, whether it is a FIN or a reset, and whether reading was started or
 * stopped meanwhile.
 */
#include "support/fixture.h"

#include "support/streams.h"

static void expect_end(struct fixture *f, struct connection *c, size_t size,
		       int status)
{
	RUN_UNTIL(f, c->ends > 0);
	turn(f);
	turn(f);

	assert_int_equal(c->size, size);
	assert_int_equal(c->wrong, 0);
	assert_int_equal(c->ends, 1);
	assert_int_equal(c->status, status);
}

/* Reading: the end is reported exactly once, and last. */
static void the_end_comes_once_after_all_the_data(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	RUN_UNTIL(f,
		  (peer_tries_to_send(&c, 300000 - c.sent), c.sent == 300000));
	raw_shutdown(c.peer);

	expect_end(f, &c, 300000, ROTA_EOF);
	connection_end(&c);
}

static void an_end_without_data_is_told(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "c");
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, note_read), 0);
	turn(f);
	raw_shutdown(c.peer);
	await_end(c.fd);
	turn(f);
	turn(f);

	assert_string_equal(journal_take(), "poll: c=EOF");
	connection_end(&c);
}

/* Reading: a short read does not show that the end follows. Both may arrive
 * before the one event. */
static void data_and_the_end_may_come_together(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	turn(f);
	peer_sends(&c, 1000);
	raw_shutdown(c.peer);
	await_end(c.fd);

	expect_end(f, &c, 1000, ROTA_EOF);
	connection_end(&c);
}

/* The same for data that exactly fills the loop's buffer. */
static void the_end_may_follow_a_full_buffer(void **state)
{
	struct fixture own;
	struct connection c;

	(void)state;
	small_loop_begin(&own, 512);
	connection_open(&c, &own, NULL);
	connection_read(&c);
	peer_sends(&c, 512);
	raw_shutdown(c.peer);
	await_end(c.fd);

	expect_end(&own, &c, 512, ROTA_EOF);
	connection_end(&c);
	small_loop_end(&own);
}

static void an_end_that_comes_before_reading_is_told(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	peer_sends(&c, 10);
	raw_shutdown(c.peer);
	await_end(c.fd);
	turn(f);
	turn(f);
	assert_int_equal(c.reads + c.ends, 0);

	connection_read(&c);

	expect_end(f, &c, 10, ROTA_EOF);
	connection_end(&c);
}

static void stop_it(struct connection *c, int status, struct rota_buf buf)
{
	(void)status;
	(void)buf;
	rota_stream_read_stop(&c->tcp.stream);
}

/* Reading: the end causes no new event when reading continues. */
static void an_end_that_comes_while_paused_is_told_later(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	c.act = stop_it;
	connection_read(&c);
	peer_has_sent(&c, 10);
	RUN_UNTIL(f, c.reads == 1);
	raw_shutdown(c.peer);
	await_end(c.fd);
	turn(f);
	turn(f);
	assert_int_equal(c.ends, 0);

	connection_read(&c);

	expect_end(f, &c, 10, ROTA_EOF);
	connection_end(&c);
}

/* The same if the end was already there at the stop. */
static void a_stop_between_data_and_end_only_puts_the_end_off(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	c.act = stop_it;
	peer_sends(&c, 10);
	raw_shutdown(c.peer);
	await_end(c.fd);
	connection_read(&c);
	RUN_UNTIL(f, c.reads == 1);
	turn(f);
	turn(f);
	assert_int_equal(c.ends, 0);

	connection_read(&c);

	expect_end(f, &c, 10, ROTA_EOF);
	connection_end(&c);
}

static void start_again(struct connection *c, int status, struct rota_buf buf)
{
	(void)buf;
	if (status < 0)
		assert_int_equal(
			rota_stream_read_start(&c->tcp.stream, collect),
			ROTA_EOF);
}

/* rota_stream_read_start() returns ROTA_EOF when the input has ended, also in
 * the callback that reports the end. Such a stream does not keep the loop alive
 * (L1). */
static void reading_cannot_be_started_after_the_end(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	c.act = start_again;
	connection_read(&c);
	raw_shutdown(c.peer);
	run_to_the_end(f);

	assert_int_equal(c.ends, 1);
	assert_false(rota_handle_is_active(&c.tcp.handle));
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, collect),
			 ROTA_EOF);
	rota_stream_read_stop(&c.tcp.stream);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, collect),
			 ROTA_EOF);
	turn(f);
	assert_int_equal(c.ends, 1);
	connection_end(&c);
}

/* Reading: pending input is delivered before an error, which is reported
 * once. */
static void a_reset_comes_after_all_that_had_arrived(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	peer_has_sent(&c, 50000);
	peer_reset(&c);
	await_end(c.fd);

	connection_read(&c);

	expect_end(f, &c, 50000, ROTA_ECONNRESET);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, collect),
			 ROTA_EOF); /* with any error */
	connection_end(&c);
}

static void a_reset_while_reading_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	peer_has_sent(&c, 5);
	RUN_UNTIL(f, c.size == 5);
	peer_reset(&c);

	expect_end(f, &c, 5, ROTA_ECONNRESET);
	run_to_the_end(f);
	connection_end(&c);
}

/* Like the end, a reset is reported whenever reading is started again. */
static void a_reset_that_comes_while_paused_is_told_later(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	c.act = stop_it;
	connection_read(&c);
	peer_has_sent(&c, 10);
	RUN_UNTIL(f, c.reads == 1);
	peer_has_sent(&c, 10);
	peer_reset(&c);
	await_end(c.fd);
	turn(f);
	turn(f);
	assert_int_equal(c.reads, 1);
	assert_int_equal(c.ends, 0);

	c.act = NULL;
	connection_read(&c);

	expect_end(f, &c, 20, ROTA_ECONNRESET);
	connection_end(&c);
}

/* A reset after a FIN: a reader does not get it, as the end was already
 * reported. */
static void a_reset_after_the_end_is_not_told(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	peer_has_sent(&c, 10);
	raw_shutdown(c.peer);
	expect_end(f, &c, 10, ROTA_EOF);

	assert_int_equal(connection_send(&c, 1), 0);
	await_input(c.peer);
	peer_close(&c); /* unread data: sends a reset */
	turn(f);
	turn(f);

	assert_int_equal(c.ends, 1);
	connection_end(&c);
}

/* No busy-waiting: neither an end nor a reset nor unread data keeps the loop
 * from sleeping. */
static void what_waits_for_a_paused_reader_does_not_wake_the_loop(void **state)
{
	struct fixture *f = *state;
	struct connection c[4];

	for (unsigned i = 0; i < 4; i++) {
		connection_open(&c[i], f, NULL);
		c[i].act = stop_it;
		connection_read(&c[i]);
		if (i < 3)
			peer_has_sent(&c[i], 10);
	}
	RUN_UNTIL(f, c[0].reads + c[1].reads + c[2].reads == 3);
	peer_has_sent(&c[0], 10);
	raw_shutdown(c[1].peer);
	await_end(c[1].fd);
	peer_reset(&c[2]);
	await_end(c[2].fd);
	rota_stream_read_stop(&c[3].tcp.stream);
	peer_reset(&c[3]);
	await_end(c[3].fd);

	assert_true(waits_within(f, 5) <= 5);

	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(c[i].ends, 0);
		connection_end(&c[i]);
	}
}

/* The same if an end or a reset has been reported and the stream is still open,
 * referenced or not. */
static void what_has_ended_does_not_wake_the_loop(void **state)
{
	struct fixture *f = *state;
	struct connection c[2];

	for (unsigned i = 0; i < 2; i++) {
		connection_open(&c[i], f, NULL);
		connection_read(&c[i]);
	}
	raw_shutdown(c[0].peer);
	peer_reset(&c[1]);
	RUN_UNTIL(f, c[0].ends == 1 && c[1].ends == 1);

	assert_true(waits_within(f, 5) <= 5);

	connection_end(&c[0]);
	connection_end(&c[1]);
}

static const struct CMUnitTest tests[] = {
	REAL(the_end_comes_once_after_all_the_data),
	REAL(an_end_without_data_is_told),
	REAL(data_and_the_end_may_come_together),
	REAL(the_end_may_follow_a_full_buffer),
	REAL(an_end_that_comes_before_reading_is_told),
	REAL(an_end_that_comes_while_paused_is_told_later),
	REAL(a_stop_between_data_and_end_only_puts_the_end_off),
	REAL(reading_cannot_be_started_after_the_end),
	REAL(a_reset_comes_after_all_that_had_arrived),
	REAL(a_reset_while_reading_is_told_once),
	REAL(a_reset_that_comes_while_paused_is_told_later),
	REAL(a_reset_after_the_end_is_not_told),
	REAL(what_waits_for_a_paused_reader_does_not_wake_the_loop),
	REAL(what_has_ended_does_not_wake_the_loop),
};

FIXTURE_MAIN(tests)
