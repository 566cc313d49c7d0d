/*
 * rota_stream_end(): a stream sends its queued output, shuts down, waits for
 * the end of the other side, and closes. Input that arrives meanwhile is tested
 * in test_stream_discard.c.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

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

/* rota_stream_end(): it closes when all queued output has left and the other
 * side has ended. */
static void an_end_waits_for_the_line_and_for_the_other_side(void **state)
{
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;
	char byte;

	connection_open_small(&c, f, "closed");
	connection_block(&c);
	byte = pattern_at(c.produced++);
	assert_int_equal(begin_write(&c, &write, "w", &byte, 1), 0);
	assert_int_equal(end(&c), 0);
	assert_true(rota_loop_alive(f->loop));
	peer_takes_to_the_end(f, &c);
	assert_int_equal(c.taken, c.produced);
	turn(f);
	turn(f);
	assert_string_equal(journal_take(), "pending: w=0");
	assert_true(is_open(c.fd));
	assert_true(rota_loop_alive(f->loop));

	raw_shutdown(c.peer);

	expect_closed(f, &c, "closing: closed");
}

static void end_it(struct connection *c, int status, struct rota_buf buf)
{
	if (status < 0)
		assert_int_equal(end(c), 0);
	else
		assert_true(rota_stream_send(&c->tcp.stream, buf.data,
					     buf.size) >= 0);
}

/* The echo server at the start of the header: it ends in the callback of the
 * input's end. */
static void an_echo_ends_when_its_client_does(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, "closed");
	c.act = end_it;
	connection_read(&c);
	RUN_UNTIL(f, (peer_tries_to_send(&c, 200000 - c.sent), peer_takes(&c),
		      c.sent == 200000));
	raw_shutdown(c.peer);
	peer_takes_to_the_end(f, &c);

	assert_int_equal(c.taken, 200000);
	expect_closed(f, &c, "closing: closed");
}

/* rota_stream_end(): after the end of the input there is nothing to read, also
 * if the poller goes on to report the stream as readable. */
static void after_the_end_of_input_nothing_is_read(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, "closed");
	connection_read(&c);
	(void)connection_block(&c);
	raw_shutdown(c.peer);
	await_end(c.fd);
	RUN_UNTIL(f, c.ends == 1);
	assert_int_equal(end(&c), 0);

	fault_count_reset();
	peer_takes_to_the_end(f, &c);

	assert_int_equal(count_reads(), 0);
	expect_closed(f, &c, "closing: closed");
}

/* rota_stream_end(): after an error it closes at once. */
static void a_reset_closes_a_stream_that_ends(void **state)
{
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;

	connection_open_small(&c, f, "closed");
	connection_block(&c);
	assert_int_equal(begin_write(&c, &write, "w", "x", 1), 0);
	assert_int_equal(end(&c), 0);
	turn(f);
	peer_reset(&c);
	run_to_the_end(f);

	assert_false(rota_request_is_active(&write.request));
	journal_take();
	assert_false(is_open(c.fd));

	connection_open(&c, f, "closed"); /* nothing is queued */
	assert_int_equal(end(&c), 0);
	turn(f);
	peer_reset(&c);
	expect_closed(f, &c, "closing: closed");

	connection_open(&c, f, "closed"); /* it is there already */
	peer_reset(&c);
	await_end(c.fd);
	assert_int_equal(end(&c), 0);
	expect_closed(f, &c, "closing: closed");
}

/* The writing side fails because of a deadline while the stream is ending. */
static void a_deadline_closes_a_stream_that_ends(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct rota_write write;
	struct connection c;
	char *bytes = test_calloc(2, CONNECTION_HOLDS);

	connection_open_small(&c, f, "closed");
	assert_int_equal(begin_write(&c, &write, "w", bytes,
				     (size_t)2 * CONNECTION_HOLDS),
			 0);
	assert_int_equal(rota_request_set_deadline(&write.request, &deadline,
						   rota_loop_now(f->loop) + 1),
			 0);
	assert_int_equal(end(&c), 0);
	RUN_UNTIL(f, !is_open(c.fd));

	run_to_the_end(f);
	assert_non_null(strstr(journal_take(), "closed"));
	test_free(bytes);
	peer_close(&c);
}

static void note_other_close(struct rota_handle *handle)
{
	journal_note(rota_handle_loop(handle), "the other");
}

/* rota_stream_end(): rota_handle_close() can still be called, and takes
 * precedence. */
static void a_close_takes_the_place_of_an_end(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "closed");
	assert_int_equal(end(&c), 0);
	turn(f);

	assert_int_equal(rota_handle_close(&c.tcp.handle, note_other_close), 0);
	assert_false(is_open(c.fd));
	expect_closed(f, &c, "closing: the other");

	connection_open(&c, f, "closed");
	assert_int_equal(end(&c), 0);
	assert_int_equal(rota_handle_close(&c.tcp.handle, NULL), 0);
	expect_closed(f, &c, "");

	connection_open(&c, f, "closed");
	assert_int_equal(end(&c), 0);
	assert_int_equal(rota_handle_close_now(&c.tcp.handle), 0);
	expect_closed(f, &c, "");
}

static void arguments_of_an_end_are_checked(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "closed");
	assert_int_equal(rota_stream_end(&c.tcp.stream, NULL), 0);
	assert_int_equal(end(&c), ROTA_EALREADY);
	turn(f);
	assert_int_equal(end(&c), ROTA_EALREADY);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	assert_int_equal(rota_handle_close(&c.tcp.handle, NULL), 0);
	assert_int_equal(end(&c), ROTA_EINVAL);

	run_to_the_end(f);
	assert_string_equal(journal_take(), "");
	peer_close(&c);
}

/* Input that arrives from then on is discarded. */
static void an_end_cancels_the_reads_under_way(void **state)
{
	struct fixture *f = *state;
	struct rota_read reads[2];
	struct connection c;
	char byte;

	connection_open(&c, f, "closed");
	assert_int_equal(begin_read(&c, &reads[0], "a", &byte, 1, 1), 0);
	assert_int_equal(begin_read(&c, &reads[1], "b", &byte, 1, 1), 0);
	assert_int_equal(end(&c), 0);
	raw_shutdown(c.peer);

	expect_closed(f, &c,
		      "pending: a=ECANCELED b=ECANCELED closing: closed");
}

/* If the program has shut down the writing side, the end only waits for the
 * other side. A queued shutdown calls back first. */
static void an_end_may_follow_a_shutdown(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c;

	connection_open_small(&c, f, "closed");
	connection_block(&c);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	assert_int_equal(end(&c), 0);
	peer_takes_to_the_end(f, &c);
	assert_int_equal(c.taken, c.produced);
	RUN_UNTIL(f, !rota_request_is_active(&shutdown.request));
	assert_string_equal(journal_take(), "pending: s=0");
	assert_true(is_open(c.fd));
	raw_shutdown(c.peer);

	expect_closed(f, &c, "closing: closed");
}

/* A corked stream that ends: corked output leaves, and then the end, whether
 * the callback returns or the cork is removed. */
static void a_corked_stream_ends_like_any_other(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	for (unsigned uncork = 0; uncork < 2; uncork++) {
		connection_open(&c, f, "closed");
		rota_stream_set_cork(&c.tcp.stream, 1);
		assert_int_equal(connection_send(&c, 100), 0);
		assert_int_equal(end(&c), 0);
		if (uncork)
			rota_stream_set_cork(&c.tcp.stream, 0);
		peer_takes_to_the_end(f, &c);
		assert_int_equal(c.taken, 100);
		raw_shutdown(c.peer);
		expect_closed(f, &c, "closing: closed");
	}
}

/* A request that is cancelled in the queue does not stop the end. */
static void a_cancel_does_not_stop_an_end(void **state)
{
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;

	connection_open(&c, f, "closed");
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(begin_write(&c, &write, "w", "none", 4), 0);
	assert_int_equal(end(&c), 0);
	assert_int_equal(rota_request_cancel(&write.request), 0);
	peer_takes_to_the_end(f, &c);
	assert_int_equal(c.taken, 0);
	raw_shutdown(c.peer);

	expect_closed(f, &c, "pending: w=ECANCELED closing: closed");
}

static void close_it(struct rota_timer *timer)
{
	struct connection *c = timer->data;

	assert_int_equal(rota_handle_close(&c->tcp.handle, note_other_close),
			 0);
}

/* rota_stream_end(): a program that does not want to wait forever calls
 * rota_handle_close() in a timer. */
static void a_timer_closes_a_stream_whose_other_side_stays(void **state)
{
	struct fixture *f = *state;
	struct rota_timer timer;
	struct connection c;

	connection_open(&c, f, "closed");
	rota_timer_init(&timer, f->loop);
	timer.data = &c;
	assert_int_equal(end(&c), 0);
	assert_int_equal(rota_timer_start(&timer, close_it, ROTA_MSEC(1)), 0);

	expect_closed(f, &c, "closing: the other");
}

/* A stream that is not connected has nothing to wait for. */
static void an_end_of_what_is_not_connected_closes_it(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp fresh;

	assert_int_equal(rota_tcp_init(&fresh, f->loop), 0);
	rota_handle_set_name(&fresh.handle, "closed");

	assert_int_equal(rota_stream_end(&fresh.stream, note_closed), 0);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "closing: closed");
}

static const struct CMUnitTest tests[] = {
	REAL(an_end_waits_for_the_line_and_for_the_other_side),
	REAL(an_echo_ends_when_its_client_does),
	REAL(after_the_end_of_input_nothing_is_read),
	REAL(a_reset_closes_a_stream_that_ends),
	REAL(a_deadline_closes_a_stream_that_ends),
	REAL(a_close_takes_the_place_of_an_end),
	REAL(arguments_of_an_end_are_checked),
	REAL(an_end_cancels_the_reads_under_way),
	REAL(an_end_may_follow_a_shutdown),
	REAL(a_corked_stream_ends_like_any_other),
	REAL(a_cancel_does_not_stop_an_end),
	REAL(a_timer_closes_a_stream_whose_other_side_stays),
	REAL(an_end_of_what_is_not_connected_closes_it),
};

FIXTURE_MAIN(tests)
