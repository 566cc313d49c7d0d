/*
 * Watermarks and rota_stream_end(): every queued byte arrives, whatever the
 * watermarks are and however slowly the other side reads. The callbacks are
 * those of the echo server in the README, which users copy.
 */
#include "support/fixture.h"

#include <errno.h>
#include <stdio.h>

#include "support/fault.h"
#include "support/streams.h"

static struct connection *server;
static unsigned drains, closes;

static void on_close(struct rota_handle *handle)
{
	assert_ptr_equal(handle, &server->tcp.handle);
	closes++;
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	if (status == 0)
		status = rota_stream_send(stream, buf->data, buf->size);
	if (status < 0)
		rota_stream_end(stream, on_close);
	else if (status > 0)
		rota_stream_read_stop(stream);
}

static void on_drain(struct rota_stream *stream, int status)
{
	drains++;
	if (status == 0) {
		assert_false(rota_stream_is_ending(stream));
		status = rota_stream_read_start(stream, on_read);
	}
	if (status < 0)
		rota_stream_end(stream, on_close);
}

static void server_begin(struct connection *c, struct fixture *f)
{
	server = c;
	drains = 0;
	closes = 0;
	connection_open_small(c, f, NULL);
	rota_stream_on_drain(&c->tcp.stream, on_drain);
}

static const struct {
	size_t low, high;
} watermarks[] = {
	{ 0, 0 },
	{ 0, 1 },
	{ 1, 1 },
	{ 0, 1 << 20 },
	{ ROTA_LOW_WATERMARK, ROTA_HIGH_WATERMARK },
	{ 1 << 19, 1 << 20 },
	{ 1 << 20, 1 << 20 },
	{ 0, UINT32_MAX },
	{ UINT32_MAX, UINT32_MAX },
};

enum { COUNT = sizeof(watermarks) / sizeof(watermarks[0]) };

static void set_watermarks(struct connection *c, unsigned i)
{
	assert_int_equal(rota_stream_set_watermarks(&c->tcp.stream,
						    watermarks[i].low,
						    watermarks[i].high),
			 0);
}

/* The other side reads slowly. */
static void take_a_little(struct connection *c)
{
	char data[8192];
	ptrdiff_t n = raw_try_read(c->peer, data, sizeof(data));

	if (n <= 0)
		return;
	assert_true(pattern_is(data, (size_t)n, c->taken));
	c->taken += (size_t)n;
}

/* The client sends everything, ends its side, and reads a little in each
 * turn. */
static void an_echo_is_whole_under_every_watermark(void **state)
{
	enum { SIZE = 300000 };
	struct fixture *f = *state;
	struct connection c;

	for (unsigned i = 0; i < COUNT; i++) {
		server_begin(&c, f);
		set_watermarks(&c, i);
		on_drain(&c.tcp.stream, 0);
		c.produced = SIZE;
		RUN_UNTIL(f, (peer_tries_to_send(&c, SIZE - c.sent),
			      take_a_little(&c), c.sent == SIZE));
		raw_shutdown(c.peer);
		RUN_UNTIL(f, (take_a_little(&c), closes > 0));
		/* Some of it may still be in the kernel. */
		peer_takes_to_the_end(f, &c);
		assert_int_equal(c.taken, SIZE);
		peer_close(&c);
	}
}

/* The stream ends while more than the high watermark is queued and on_drain is
 * due. */
static void what_was_queued_at_the_end_arrives(void **state)
{
	enum { SIZE = 1089536 };
	struct fixture *f = *state;
	char *bytes = test_malloc(SIZE);
	struct connection c;

	pattern_fill(bytes, SIZE, 0);
	for (unsigned i = 0; i < COUNT; i++) {
		unsigned before;

		server_begin(&c, f);
		set_watermarks(&c, i);
		assert_in_range(rota_stream_send(&c.tcp.stream, bytes, SIZE), 0,
				1);
		c.produced = SIZE;
		assert_int_equal(rota_stream_end(&c.tcp.stream, on_close), 0);
		before = drains;
		peer_takes_to_the_end(f, &c);
		raw_shutdown(c.peer);
		run_to_the_end(f);

		assert_int_equal(c.taken, SIZE);
		assert_int_equal(drains, before);
		assert_int_equal(closes, 1);
		peer_close(&c);
	}
	test_free(bytes);
}

/* on_drain was due, but had been put off, when the end began. It is not called
 * any more. */
static void a_drain_that_was_put_off_does_not_come_after_the_end(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	server_begin(&c, f);
	set_watermarks(&c, 0);
	connection_block(&c);
	assert_int_equal(connection_send(&c, 1), 1);
	assert_int_equal(rota_stream_set_watermarks(&c.tcp.stream, UINT32_MAX,
						    UINT32_MAX),
			 0); /* now it is due */
	assert_int_equal(rota_stream_end(&c.tcp.stream, on_close), 0);
	turn(f);
	assert_int_equal(drains, 0);
	peer_takes_to_the_end(f, &c);
	assert_int_equal(c.taken, c.produced);
	raw_shutdown(c.peer);
	run_to_the_end(f);

	assert_int_equal(drains, 0);
	assert_int_equal(closes, 1);
	peer_close(&c);
}

/* The same if it becomes due while the stream is ending. */
static void a_change_of_watermarks_drains_nothing_after_the_end(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	server_begin(&c, f);
	set_watermarks(&c, 0);
	connection_block(&c);
	assert_int_equal(connection_send(&c, 1), 1);
	assert_int_equal(rota_stream_end(&c.tcp.stream, on_close), 0);
	assert_int_equal(rota_stream_set_watermarks(&c.tcp.stream, UINT32_MAX,
						    UINT32_MAX),
			 0);
	turn(f);
	peer_takes_to_the_end(f, &c);
	raw_shutdown(c.peer);
	run_to_the_end(f);

	assert_int_equal(c.taken, c.produced);
	assert_int_equal(drains, 0);
	assert_int_equal(closes, 1);
	peer_close(&c);
}

/* on_drain is called with an error if sent bytes are lost. */
static void a_failure_after_the_end_is_told(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	server_begin(&c, f);
	connection_block(&c);
	assert_int_equal(rota_stream_end(&c.tcp.stream, on_close), 0);
	turn(f);
	peer_reset(&c);
	run_to_the_end(f);

	assert_int_equal(drains, 1);
	assert_int_equal(closes, 1);
}

/* What has ended is read no more: not while the rest leaves, in however many
 * pieces. */
static void after_the_end_of_input_nothing_is_read(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_read(&c);
	connection_block(&c);
	raw_shutdown(c.peer);
	RUN_UNTIL(f, c.ends == 1);
	assert_int_equal(c.status, ROTA_EOF);
	assert_int_equal(rota_stream_end(&c.tcp.stream, NULL), 0);

	fault_count_reset();
	peer_takes_to_the_end(f, &c);

	assert_int_equal(c.taken, c.produced);
	assert_true(count_writes() > 0);
	if (!poller_is(f, "epoll")) /* whose edges tell the end again */
		assert_int_equal(count_reads(), 0);
	run_to_the_end(f);
	peer_close(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(after_the_end_of_input_nothing_is_read),
	REAL(an_echo_is_whole_under_every_watermark),
	REAL(what_was_queued_at_the_end_arrives),
	REAL(a_drain_that_was_put_off_does_not_come_after_the_end),
	REAL(a_change_of_watermarks_drains_nothing_after_the_end),
	REAL(a_failure_after_the_end_is_told),
};

FIXTURE_MAIN(tests)
