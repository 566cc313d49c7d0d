/*
 * rota_stream_end(): input that arrives while a stream ends is discarded. So
 * the other side can continue to send, and gets everything that was sent to it.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>

#include "support/fault.h"
#include "support/streams.h"

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static int end(struct connection *c)
{
	return rota_stream_end(&c->tcp.stream, note_closed);
}

/* Run until the stream has closed, which must happen by itself. */
static void expect_closed(struct fixture *f, struct connection *c,
			  const char *told)
{
	run_to_the_end(f);

	assert_string_equal(journal_take(), told);
	assert_true(rota_handle_is_closing(&c->tcp.handle));
	assert_false(is_open(c->fd));
	peer_close(c);
}

static void nobody_reads(struct connection *c, int status, struct rota_buf buf)
{
	(void)c;
	(void)status;
	(void)buf;
	fail();
}

/* rota_stream_end(): any amount of input is discarded meanwhile, and the other
 * side gets everything that was sent to it. */
static void an_end_throws_away_input_and_loses_no_output(void **state)
{
	enum { MUCH = 3 << 20 };
	struct fixture *f = *state;
	struct connection c;
	ptrdiff_t n = 1;

	connection_open(&c, f, "closed");
	peer_has_sent(&c, 50000); /* never read */
	assert_true(connection_send(&c, MUCH) >= 0);
	c.act = nobody_reads;
	connection_read(&c);
	assert_int_equal(end(&c), 0);

	RUN_UNTIL(f, (peer_tries_to_send(&c, MUCH - c.sent), c.sent == MUCH));
	RUN_UNTIL(f, (n = peer_takes(&c)) != -EAGAIN);
	assert_int_equal(n, 0);
	assert_int_equal(c.taken, MUCH);
	raw_shutdown(c.peer);

	expect_closed(f, &c, "closing: closed");
}

/* The same if the other side closes without having read: there is no reset
 * before it has read all of our output. */
static void input_that_was_never_read_makes_no_reset(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "closed");
	peer_sends(&c, 50000);
	raw_shutdown(c.peer);
	await_end(c.fd);
	assert_int_equal(connection_send(&c, 1000), 0);
	assert_int_equal(end(&c), 0);
	RUN_UNTIL(f, !is_open(c.fd));

	peer_takes_to_the_end(f, &c);

	assert_int_equal(c.taken, 1000);
	expect_closed(f, &c, "closing: closed");
}

static void end_in_data(struct connection *c, int status, struct rota_buf buf)
{
	(void)buf;
	assert_int_equal(status, 0);
	assert_int_equal(c->reads, 1);
	assert_int_equal(end(c), 0);
}

/* rota_stream_end(): the read callback is not called after it, even if a read
 * callback has called it. */
static void an_end_in_a_read_callback_ends_reading(void **state)
{
	struct fixture own;
	struct connection c;

	(void)state;
	small_loop_begin(&own, ROTA_LEAST_BUFFER_SIZE);
	connection_open(&c, &own, "closed");
	c.act = end_in_data;
	peer_sends(&c, 5000);
	raw_shutdown(c.peer);
	await_end(c.fd);
	connection_read(&c);

	expect_closed(&own, &c, "closing: closed");
	assert_int_equal(c.ends, 0);
	small_loop_end(&own);
}

static void stop_it(struct connection *c, int status, struct rota_buf buf)
{
	(void)status;
	(void)buf;
	rota_stream_read_stop(&c->tcp.stream);
}

/* Input that was already there when reading stopped causes no event after the
 * end. */
static void an_end_finds_what_a_stop_left(void **state)
{
	struct fixture own;
	struct connection c;

	(void)state;
	small_loop_begin(&own, ROTA_LEAST_BUFFER_SIZE);
	connection_open(&c, &own, "closed");
	c.act = stop_it;
	peer_sends(&c, 50000);
	raw_shutdown(c.peer);
	await_end(c.fd);
	connection_read(&c);
	RUN_UNTIL(&own, c.reads == 1);
	turn(&own);
	assert_int_equal(end(&c), 0);

	expect_closed(&own, &c, "closing: closed");
	assert_int_equal(c.reads + c.ends, 1);
	small_loop_end(&own);
}

/* The other side reads nothing before it has sent all, and both have more
 * queued than the kernel's buffers hold. */
static void an_end_makes_room_while_its_output_is_blocked(void **state)
{
	enum { MUCH = 500000 };
	struct fixture own;
	struct connection c;

	(void)state;
	small_loop_begin(&own, ROTA_LEAST_BUFFER_SIZE);
	connection_open_small(&c, &own, "closed");
	c.act = stop_it;
	peer_tries_to_send(&c, MUCH);
	await_bytes(c.fd, (size_t)2 * ROTA_LEAST_BUFFER_SIZE);
	connection_read(&c);
	RUN_UNTIL(&own, c.reads == 1);
	connection_block(&c);
	turn(&own);
	turn(&own);
	fault_count_reset();
	assert_int_equal(end(&c), 0);
	turn(&own);
	assert_true(count_reads() > 0); /* this needed no new input */

	RUN_UNTIL(&own,
		  (peer_tries_to_send(&c, MUCH - c.sent), c.sent == MUCH));
	raw_shutdown(c.peer);
	peer_takes_to_the_end(&own, &c);

	assert_int_equal(c.taken, c.produced);
	expect_closed(&own, &c, "closing: closed");
	small_loop_end(&own);
}

static const struct CMUnitTest tests[] = {
	REAL(an_end_throws_away_input_and_loses_no_output),
	REAL(input_that_was_never_read_makes_no_reset),
	REAL(an_end_in_a_read_callback_ends_reading),
	REAL(an_end_finds_what_a_stop_left),
	REAL(an_end_makes_room_while_its_output_is_blocked),
};

FIXTURE_MAIN(tests)
