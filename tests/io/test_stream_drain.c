/*
 * Watermarks: a send reports that more than the high one is queued, and
 * on_drain that no more than the low one is left.
 */
#include "support/fixture.h"

#include "support/streams.h"

static void set_watermarks(struct connection *c, size_t low, size_t high)
{
	assert_int_equal(rota_stream_set_watermarks(&c->tcp.stream, low, high),
			 0);
}

static size_t queued(struct connection *c)
{
	return rota_stream_queued(&c->tcp.stream);
}

static void open_and_block(struct connection *c, struct fixture *f)
{
	connection_open_small(c, f, NULL);
	connection_block(c);
	rota_stream_on_drain(&c->tcp.stream, count_drain);
}

/* rota_stream_send() returns 1 if more than the high watermark is then
 * queued. */
static void a_send_says_when_the_high_watermark_is_passed(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	open_and_block(&c, f);
	set_watermarks(&c, 10, queued(&c) + 100);

	assert_int_equal(connection_send(&c, 99), 0);
	assert_int_equal(connection_send(&c, 1), 0);
	assert_int_equal(connection_send(&c, 1), 1);
	assert_int_equal(connection_send(&c, 1), 1);
	assert_int_equal(connection_send(&c, 0), 1);

	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, c.drains == 1);
	assert_int_equal(connection_send(&c, 1), 0);
	connection_end(&c);
}

static void the_defaults_are_those_of_the_limits(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	rota_stream_set_cork(&c.tcp.stream, 1); /* so all of it is queued */

	assert_int_equal(connection_send(&c, ROTA_HIGH_WATERMARK), 0);
	assert_int_equal(connection_send(&c, 1), 1);

	assert_int_equal(queued(&c), ROTA_HIGH_WATERMARK + 1);
	connection_end(&c);
}

static void expect_low(struct connection *c, int status)
{
	assert_int_equal(status, 0);
	assert_true(queued(c) <= *(size_t *)c->arg);
}

/* on_drain is called once, when at most the low watermark is queued. */
static void on_drain_comes_once_at_the_low_watermark(void **state)
{
	struct fixture *f = *state;
	size_t low = 50000;
	struct connection c;

	open_and_block(&c, f);
	c.act_drain = expect_low;
	c.arg = &low;
	set_watermarks(&c, low, queued(&c));
	assert_int_equal(connection_send(&c, 1), 1);
	assert_int_equal(c.drains, 0);

	while (c.drains == 0) {
		assert_true(queued(&c) > low);
		peer_takes(&c);
		turn(f);
	}
	peer_takes_until(f, &c, c.produced);
	turn(f);

	assert_int_equal(c.drains, 1);
	assert_int_equal(queued(&c), 0);
	connection_end(&c);
}

/* on_drain is called only after a send that returned 1. */
static void on_drain_does_not_come_without_pressure(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	set_watermarks(&c, 0, UINT32_MAX);
	assert_int_equal(connection_send(&c, (size_t)2 * CONNECTION_HOLDS), 0);
	assert_true(queued(&c) > 0);

	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, queued(&c) == 0);
	turn(f);
	turn(f);

	assert_int_equal(c.drains, 0);
	connection_end(&c);
}

/* on_drain is called again after another send that returned 1. */
static void on_drain_comes_again_after_more_pressure(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	open_and_block(&c, f);
	for (unsigned i = 1; i <= 5; i++) {
		peer_takes_until(f, &c, c.produced);
		RUN_UNTIL(f, c.drains >= i);
		assert_int_equal(c.drains, i);
		assert_int_equal(c.drain_status, 0);
		if (i < 5)
			connection_block(&c);
	}

	connection_end(&c);
}

enum { SUM = 3 << 20, PORTION = 10000 };

static size_t most;

static void produce(struct connection *c, int status)
{
	assert_int_equal(status, 0);
	while (c->produced < SUM && connection_send(c, PORTION) == 0)
		;
	if (queued(c) > most)
		most = queued(c);
}

/* A producer that respects the watermarks never has more queued than the high
 * one and one portion, and all its bytes arrive. */
static void a_producer_that_waits_for_on_drain_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	c.act_drain = produce;
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	produce(&c, 0);
	assert_true(c.produced < SUM);

	RUN_UNTIL(f, (peer_takes(&c), c.taken >= SUM && c.taken == c.produced));

	assert_true(most > ROTA_HIGH_WATERMARK);
	assert_true(most <= ROTA_HIGH_WATERMARK + PORTION);
	assert_true(c.drains >= SUM / (ROTA_HIGH_WATERMARK + PORTION));
	connection_end(&c);
}

/* on_drain may be set at any time. NULL means no function. */
static void on_drain_may_be_taken_back(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	open_and_block(&c, f);
	rota_stream_on_drain(&c.tcp.stream, NULL);
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, queued(&c) == 0);
	turn(f);
	turn(f);
	assert_int_equal(c.drains, 0);

	rota_stream_on_drain(&c.tcp.stream, count_drain);
	turn(f);
	assert_int_equal(c.drains, 0);
	connection_block(&c);
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, c.drains == 1);
	connection_end(&c);
}

/* on_drain is called in the poll or the pending phase, never from inside a call
 * of the program (O7). */
static void on_drain_is_never_called_from_inside_a_call(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	set_watermarks(&c, 100, 100);
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(connection_send(&c, 200), 1);

	rota_stream_set_cork(&c.tcp.stream, 0); /* all of it leaves */
	assert_int_equal(queued(&c), 0);
	assert_int_equal(c.drains, 0);
	assert_true(rota_loop_alive(f->loop));
	run_to_the_end(f);

	assert_int_equal(c.drains, 1);
	assert_int_equal(c.drain_status, 0);
	connection_end(&c);
}

/* on_drain is due when more is corked. It is called once, and all output
 * leaves. */
static void a_drain_that_is_due_survives_a_cork(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	set_watermarks(&c, 100, 100);
	for (unsigned i = 1; i <= 3; i++) {
		rota_stream_set_cork(&c.tcp.stream, 1);
		assert_int_equal(connection_send(&c, 200), 1);
		rota_stream_set_cork(&c.tcp.stream, 0);
		rota_stream_set_cork(&c.tcp.stream, 1);
		assert_int_equal(connection_send(&c, 50), 0);
		run_to_the_end(f);
		assert_int_equal(c.drains, i);
		rota_stream_set_cork(&c.tcp.stream, 0);
	}

	peer_takes_until(f, &c, c.produced);
	connection_end(&c);
}

/* A program that waits for on_drain gets the error, even if no byte of its
 * sends is lost any more: the writing side failed in a write behind them. */
static void on_drain_tells_those_who_wait_of_an_error(void **state)
{
	struct fixture *f = *state;
	char *bytes = test_calloc(2, CONNECTION_HOLDS);
	struct rota_write write;
	struct connection c;

	connection_open_small(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	set_watermarks(&c, 0, 0);
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(connection_send(&c, 10), 1);
	assert_int_equal(begin_write(&c, &write, "w", bytes,
				     (size_t)2 * CONNECTION_HOLDS),
			 0);
	rota_stream_set_cork(&c.tcp.stream, 0);
	turn(f);
	assert_int_equal(c.drains, 0);
	peer_reset(&c);
	run_to_the_end(f);

	assert_int_equal(c.drains, 1);
	assert_true(c.drain_status < 0);
	journal_take();
	test_free(bytes);
	connection_end(&c);
}

/* rota_stream_set_watermarks(): both may be 0; the low one must not be above
 * the high one. */
static void arguments_of_watermarks_are_checked(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct rota_stream *stream = &c.tcp.stream;

	connection_open(&c, f, NULL);
	set_watermarks(&c, 10, 20);

	assert_int_equal(rota_stream_set_watermarks(stream, 21, 20),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_stream_set_watermarks(stream, 0, (size_t)UINT32_MAX + 1),
		ROTA_EINVAL);
	rota_stream_set_cork(stream, 1);
	assert_int_equal(connection_send(&c, 20), 0); /* they are unchanged */
	assert_int_equal(connection_send(&c, 1), 1);
	set_watermarks(&c, UINT32_MAX, UINT32_MAX);
	assert_int_equal(connection_send(&c, 1), 0);
	set_watermarks(&c, 0, 0);
	assert_int_equal(connection_send(&c, 1), 1);

	connection_end(&c);
}

static void close_now(struct connection *c, int status)
{
	(void)status;
	assert_int_equal(rota_handle_close_now(&c->tcp.handle), 0);
}

/* O3, O4: on_drain closes the stream at once, in the poll and in the pending
 * phase, and after an error. The memory is freed. */
static void on_drain_may_close_its_stream(void **state)
{
	struct fixture *f = *state;

	for (unsigned how = 0; how < 3; how++) {
		struct connection *c = test_malloc(sizeof(*c));
		int peer;

		connection_open_small(c, f, NULL);
		c->act_drain = close_now;
		rota_stream_on_drain(&c->tcp.stream, count_drain);
		if (how == 1) {
			set_watermarks(c, 0, 0);
			rota_stream_set_cork(&c->tcp.stream, 1);
			assert_int_equal(connection_send(c, 1), 1);
			rota_stream_set_cork(&c->tcp.stream, 0);
		} else {
			connection_block(c);
		}
		if (how == 2)
			peer_reset(c);
		RUN_UNTIL(f, ((how == 0 ? peer_takes(c) : 0), c->drains == 1));
		peer = c->peer;
		test_free(c);
		turn(f);
		assert_false(rota_loop_alive(f->loop));
		if (peer != -1)
			raw_close(peer);
	}
}

static void have_it_due(struct rota_read *read, int status)
{
	struct connection *c = read->request.data;

	assert_int_equal(status, 0);
	rota_stream_set_cork(&c->tcp.stream, 1);
	assert_int_equal(connection_send(c, 2), 1);
	rota_stream_set_cork(&c->tcp.stream, 0);
	rota_stream_set_cork(&c->tcp.stream, 1);
}

static void send_one(struct connection *c, int status)
{
	assert_int_equal(status, 0);
	assert_int_equal(connection_send(c, 1), 0);
}

/* on_drain is called once, even if the stream was to be called in the pending
 * phase, was called in the poll phase, and has been corked since. */
static void a_drain_that_was_told_is_not_told_again_after_a_cork(void **state)
{
	struct fixture *f = *state;
	struct rota_read read = { .request.data = NULL };
	struct connection c;
	char byte;

	connection_open(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	set_watermarks(&c, 0, 1);
	c.act_drain = send_one;
	read.request.data = &c;
	assert_int_equal(rota_stream_read(&read, &c.tcp.stream,
					  (struct rota_buf){ &byte, 1 }, 1,
					  have_it_due),
			 0);

	peer_has_sent(&c, 1);
	peer_takes_until(f, &c, 3);
	turn(f);
	turn(f);

	assert_int_equal(c.drains, 1);
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_send_says_when_the_high_watermark_is_passed),
	REAL(the_defaults_are_those_of_the_limits),
	REAL(on_drain_comes_once_at_the_low_watermark),
	REAL(on_drain_does_not_come_without_pressure),
	REAL(on_drain_comes_again_after_more_pressure),
	REAL(a_producer_that_waits_for_on_drain_is_bounded),
	REAL(on_drain_may_be_taken_back),
	REAL(on_drain_is_never_called_from_inside_a_call),
	REAL(a_drain_that_is_due_survives_a_cork),
	REAL(a_drain_that_was_told_is_not_told_again_after_a_cork),
	REAL(on_drain_tells_those_who_wait_of_an_error),
	REAL(arguments_of_watermarks_are_checked),
	REAL(on_drain_may_close_its_stream),
};

FIXTURE_MAIN(tests)
