/*
 * Closing streams: requests in flight complete, the caller owns the memory
 * again, and the other side sees what it should.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "support/streams.h"

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* Read until the other side's end or error. Returns what peer_takes()
 * returns. */
static ptrdiff_t peer_ends(struct connection *c)
{
	await_end(c->peer);
	return peer_takes(c);
}

/* O2: queued writes complete with ROTA_ECANCELED, in order, just before the
 * handle's own callback. The descriptor is closed on return. */
static void closing_ends_the_writes_and_then_the_stream(void **state)
{
	struct fixture *f = *state;
	struct rota_write a, b, d;
	struct connection c;

	connection_open_small(&c, f, "close");
	assert_int_equal(begin_write(&c, &a, "a", "", 0), 0); /* completed */
	connection_block(&c);
	assert_int_equal(begin_write(&c, &b, "b", "x", 1), 0);
	assert_int_equal(connection_send(&c, 1), 1);
	assert_int_equal(begin_write(&c, &d, "d", "x", 1), 0);

	assert_int_equal(rota_handle_close(&c.tcp.handle, note_closed), 0);
	assert_false(is_open(c.fd));
	assert_string_equal(journal_take(), "");
	turn(f);

	assert_string_equal(journal_take(),
			    "closing: a=0 b=ECANCELED d=ECANCELED close");
	assert_false(rota_loop_alive(f->loop));
	peer_close(&c);
}

/* O2: reads, writes and a shutdown complete once each, and then the stream
 * closes. */
static void closing_ends_requests_of_all_kinds(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct rota_deadline deadline;
	struct rota_write write;
	struct rota_read read;
	struct connection c;
	const char *told;
	char byte;

	connection_open_small(&c, f, "close");
	connection_block(&c);
	assert_int_equal(begin_read(&c, &read, "r", &byte, 1, 1), 0);
	assert_int_equal(begin_write(&c, &write, "w", "x", 1), 0);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	assert_int_equal(rota_request_set_deadline(&write.request, &deadline,
						   rota_loop_now(f->loop) + 1),
			 0);
	assert_int_equal(rota_handle_close(&c.tcp.handle, note_closed), 0);
	run_to_the_end(f);

	told = journal_take();
	assert_int_equal(strncmp(told, "closing: ", 9), 0);
	assert_non_null(strstr(told, " r=ECANCELED"));
	assert_non_null(strstr(told, " w=ECANCELED"));
	assert_non_null(strstr(told, " s=ECANCELED"));
	assert_int_equal(strlen(told), strlen("closing: r=ECANCELED "
					      "w=ECANCELED s=ECANCELED "
					      "close"));
	assert_string_equal(told + strlen(told) - 6, " close");
	peer_close(&c);
}

/* O3: ROTA_EBUSY while a request is in flight, or has not called back yet. */
static void close_now_is_busy_while_a_request_is_in_flight(void **state)
{
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(begin_write(&c, &write, "w", "", 1), 0);
	assert_int_equal(rota_handle_close_now(&c.tcp.handle), ROTA_EBUSY);
	assert_true(is_open(c.fd));
	turn(f);
	assert_string_equal(journal_take(), "pending: w=0");

	assert_int_equal(rota_handle_close_now(&c.tcp.handle), 0);
	assert_false(is_open(c.fd));
	assert_int_equal(peer_ends(&c), 0);
	peer_close(&c);
}

/* O3: sent bytes are not a request. An on_drain that is due is not called. */
static void close_now_drops_what_was_sent(void **state)
{
	struct fixture *f = *state;

	for (unsigned how = 0; how < 3; how++) {
		struct connection *c = test_malloc(sizeof(*c));
		int peer;

		connection_open_small(c, f, NULL);
		rota_stream_on_drain(&c->tcp.stream, count_drain);
		if (how == 0) {
			connection_block(c);
		} else {
			rota_stream_set_watermarks(&c->tcp.stream, 0, 0);
			rota_stream_set_cork(&c->tcp.stream, 1);
			assert_int_equal(connection_send(c, 10), 1);
			if (how == 2) /* then on_drain is due */
				rota_stream_set_cork(&c->tcp.stream, 0);
		}
		peer = c->peer;
		assert_int_equal(rota_handle_close_now(&c->tcp.handle), 0);
		assert_int_equal(c->drains, 0);
		memset(c, '#', sizeof(*c));
		test_free(c);

		assert_false(rota_loop_alive(f->loop));
		turn(f);
		raw_close(peer);
	}
}

/* O2: a second close changes nothing. Calls on a closing stream return an
 * error, and cause no callback. */
static void a_closing_stream_cannot_be_used(void **state)
{
	struct fixture *f = *state;
	struct rota_const_buf buf = { "x", 1 };
	struct rota_shutdown shutdown;
	struct rota_address address;
	struct rota_connect connect;
	struct rota_stream *stream;
	struct rota_write write;
	struct rota_read read;
	struct connection c;
	char byte;

	connection_open(&c, f, "close");
	stream = &c.tcp.stream;
	raw_address(c.peer, &address);
	connection_read(&c);
	assert_int_equal(rota_handle_close(&c.tcp.handle, note_closed), 0);

	for (unsigned closed = 0; closed < 2; closed++) {
		assert_int_equal(rota_handle_close(&c.tcp.handle, NULL),
				 ROTA_EALREADY);
		assert_int_equal(rota_handle_close_now(&c.tcp.handle),
				 ROTA_EALREADY);
		assert_int_equal(rota_stream_close_reset(stream, NULL),
				 ROTA_EALREADY);
		assert_int_equal(rota_stream_detach(stream), ROTA_EALREADY);
		if (closed)
			break;
		assert_int_equal(rota_stream_end(stream, NULL), ROTA_EINVAL);
		assert_int_equal(rota_stream_read_start(stream, collect),
				 ROTA_EINVAL);
		assert_int_equal(begin_read(&c, &read, "r", &byte, 1, 1),
				 ROTA_EINVAL);
		assert_int_equal(connection_send(&c, 1), ROTA_EINVAL);
		assert_int_equal(begin_write(&c, &write, "w", "x", 1),
				 ROTA_EINVAL);
		assert_int_equal(rota_stream_try_write(stream, &buf, 1),
				 ROTA_EINVAL);
		assert_int_equal(begin_shutdown(&c, &shutdown, "s"),
				 ROTA_EINVAL);
		assert_int_equal(rota_stream_listen(stream, 1, NULL),
				 ROTA_EINVAL);
		assert_int_equal(rota_tcp_bind(&c.tcp, &address, 0),
				 ROTA_EINVAL);
		assert_int_equal(rota_tcp_connect(&connect, &c.tcp, &address,
						  note_connect),
				 ROTA_EINVAL);
		assert_int_equal(rota_tcp_set_nodelay(&c.tcp, 1), ROTA_EINVAL);
		assert_int_equal(rota_tcp_own_address(&c.tcp, &address),
				 ROTA_EINVAL);
		assert_int_equal(rota_tcp_peer_address(&c.tcp, &address),
				 ROTA_EINVAL);
		rota_stream_read_stop(stream);
		rota_stream_set_cork(stream, 1);
		rota_stream_set_cork(stream, 0);
		assert_int_equal(rota_stream_queued(stream), 0);
		assert_null(rota_buf_keep(stream));
		turn(f);
	}

	assert_string_equal(journal_take(), "closing: close");
	peer_close(&c);
}

/* rota_handle_close(): the other side reads what has left, and then the end. */
static void the_other_side_reads_what_was_sent_before_a_close(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(connection_send(&c, 10000), 0);
	assert_int_equal(rota_handle_close_now(&c.tcp.handle), 0);

	assert_int_equal(peer_ends(&c), 0);
	assert_int_equal(c.taken, 10000);
	peer_close(&c);
}

/* rota_stream_close_reset(): queued output is lost, and the other side sees a
 * reset. */
static void a_close_by_reset_is_seen_by_the_other_side(void **state)
{
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;

	connection_open_small(&c, f, "close");
	connection_read(&c);
	connection_block(&c);
	assert_int_equal(begin_write(&c, &write, "w", "x", 1), 0);

	assert_int_equal(rota_stream_close_reset(&c.tcp.stream, note_closed),
			 0);
	assert_false(is_open(c.fd));
	turn(f);

	assert_string_equal(journal_take(), "closing: w=ECANCELED close");
	assert_int_equal(peer_ends(&c), -ECONNRESET);
	assert_int_equal(rota_stream_close_reset(&c.tcp.stream, note_closed),
			 ROTA_EALREADY);
	peer_close(&c);
}

/* The same for a stream that is not connected, or has been shut down. */
static void anything_may_be_closed_by_reset(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct rota_tcp fresh;
	struct connection c;

	assert_int_equal(rota_tcp_init(&fresh, f->loop), 0);
	rota_handle_set_name(&fresh.handle, "fresh");
	connection_open(&c, f, "c");
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);

	assert_int_equal(rota_stream_close_reset(&fresh.stream, note_closed),
			 0);
	assert_int_equal(rota_stream_close_reset(&c.tcp.stream, NULL), 0);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "closing: fresh s=0");
	peer_close(&c);
}

/* T9: streams close in the order of the calls, whatever they were doing. */
static void streams_close_in_the_order_asked_for(void **state)
{
	static const char *const names[] = { "0", "1", "2" };
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c[3];

	for (unsigned i = 0; i < 3; i++)
		connection_open_small(&c[i], f, names[i]);
	connection_read(&c[2]);
	connection_block(&c[1]);
	assert_int_equal(begin_write(&c[1], &write, "w", "x", 1), 0);

	rota_handle_close(&c[2].tcp.handle, note_closed);
	rota_handle_close(&c[1].tcp.handle, note_closed);
	rota_handle_close(&c[0].tcp.handle, note_closed);
	turn(f);

	assert_string_equal(journal_take(), "closing: 2 w=ECANCELED 1 0");
	for (unsigned i = 0; i < 3; i++)
		peer_close(&c[i]);
}

static void free_connection(struct rota_handle *handle)
{
	struct connection *c =
		rota_container_of(handle, struct connection, tcp.handle);

	note_closed(handle);
	peer_close(c);
	memset(c, '#', sizeof(*c));
	test_free(c);
}

/* O2: the caller owns the memory in the close callback, and may open another
 * stream in it at once. */
static void a_stream_may_be_freed_in_its_close_callback(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		struct connection *c = test_malloc(sizeof(*c));

		connection_open_small(c, f, "close");
		connection_read(c);
		connection_block(c);
		turn(f);
		rota_handle_close(&c->tcp.handle, free_connection);
	}

	run_to_the_end(f);

	assert_string_equal(journal_take(), "closing: close close close");
}

/* O5: the loop cannot be closed while a stream is open, active or not. */
static void a_loop_with_an_open_stream_cannot_be_closed(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	connection_read(&c);
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	rota_handle_close(&c.tcp.handle, NULL);
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	run_to_the_end(f);

	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;
	peer_close(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(closing_ends_the_writes_and_then_the_stream),
	REAL(closing_ends_requests_of_all_kinds),
	REAL(close_now_is_busy_while_a_request_is_in_flight),
	REAL(close_now_drops_what_was_sent),
	REAL(a_closing_stream_cannot_be_used),
	REAL(the_other_side_reads_what_was_sent_before_a_close),
	REAL(a_close_by_reset_is_seen_by_the_other_side),
	REAL(anything_may_be_closed_by_reset),
	REAL(streams_close_in_the_order_asked_for),
	REAL(a_stream_may_be_freed_in_its_close_callback),
	REAL(a_loop_with_an_open_stream_cannot_be_closed),
};

FIXTURE_MAIN(tests)
