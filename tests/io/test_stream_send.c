/*
 * rota_stream_send(): what the kernel takes leaves at once, and the rest is
 * copied and follows. Watermarks are tested in test_stream_drain.c.
 */
#include "support/fixture.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "support/fault.h"
#include "support/streams.h"

/* Writing: without a cork, and if nothing is queued, a send leaves at once, by
 * one system call, before the loop runs. */
static void a_small_send_goes_out_at_once(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	char bytes[100];

	connection_open(&c, f, NULL);
	fault_count_reset();

	assert_int_equal(connection_send(&c, 100), 0);

	assert_int_equal(count_writes(), 1);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	assert_false(rota_loop_alive(f->loop));
	raw_read(c.peer, bytes, 100);
	assert_true(pattern_is(bytes, 100, 0));
	connection_end(&c);
}

/* Writing: what the kernel does not take is copied (connection_send()
 * overwrites its memory at once), and leaves in order as the other side
 * reads. */
static void what_is_not_taken_at_once_is_copied_and_follows(void **state)
{
	static const size_t sizes[] = { 1,    5000, 4096,  100000, 3,
					4095, 1,    65536, 20 };
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t before = rota_stream_queued(&c.tcp.stream);

		assert_int_equal(connection_send(&c, sizes[i]), 1);
		assert_int_equal(rota_stream_queued(&c.tcp.stream),
				 before + sizes[i]);
	}
	turn(f);

	peer_takes_until(f, &c, c.produced);

	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	connection_end(&c);
}

/* Sends and writes leave in the order of the calls. */
static void sends_and_writes_leave_in_one_order(void **state)
{
	enum { ROUNDS = 50 };
	static char bytes[ROUNDS][300];
	struct rota_write writes[ROUNDS];
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t size = 1 + i * 97 % 300;

		pattern_fill(bytes[i], size, c.produced);
		assert_int_equal(
			begin_write(&c, &writes[i], "w", bytes[i], size), 0);
		c.produced += size;
		for (unsigned sends = 0; sends < i % 3; sends++)
			assert_int_equal(connection_send(&c, 1 + i), 1);
	}

	peer_takes_until(f, &c, c.produced);
	turn(f);

	for (unsigned i = 0; i < ROUNDS; i++)
		assert_false(rota_request_is_active(&writes[i].request));
	journal_take();
	connection_end(&c);
}

/* L1: queued bytes alone keep the loop alive. */
static void the_loop_runs_until_all_that_was_sent_has_left(void **state)
{
	struct fixture *f = *state;
	struct connection c, reader;
	int fds[2];

	raw_pair(fds);
	connection_adopt(&c, f, fds[0], -1, NULL);
	connection_adopt(&reader, f, fds[1], -1, NULL);
	connection_read(&reader);
	rota_handle_unref(&reader.tcp.handle);
	assert_false(rota_loop_alive(f->loop));

	assert_int_equal(connection_send(&c, 10 << 20), 1);
	assert_true(rota_loop_alive(f->loop));
	assert_true(rota_handle_is_active(&c.tcp.handle));
	run_to_the_end(f);

	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	assert_false(rota_handle_is_active(&c.tcp.handle));
	rota_handle_ref(&reader.tcp.handle);
	RUN_UNTIL(f, reader.size == c.produced);
	assert_int_equal(reader.wrong, 0);
	connection_end(&c);
	connection_end(&reader);
}

static void a_send_of_nothing_is_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	fault_count_reset();

	assert_int_equal(rota_stream_send(&c.tcp.stream, "", 0), 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, NULL, 0), 0);

	assert_int_equal(count_writes(), 0);
	assert_false(rota_loop_alive(f->loop));
	connection_end(&c);
}

/* rota_stream_send() returns errors in its arguments, for example sizes that no
 * object has. */
static void arguments_of_a_send_are_checked(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct rota_tcp fresh;
	struct rota_stream *stream = &c.tcp.stream;

	connection_open(&c, f, NULL);
	assert_int_equal(rota_tcp_init(&fresh, f->loop), 0);

	assert_int_equal(rota_stream_send(stream, NULL, 1), ROTA_EINVAL);
	fault_count_reset();
	assert_int_equal(rota_stream_send(stream, "x", SIZE_MAX), ROTA_EINVAL);
	assert_int_equal(rota_stream_send(stream, "x", (size_t)PTRDIFF_MAX + 1),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_send(&fresh.stream, "x", 1),
			 ROTA_ENOTCONN);
	assert_int_equal(count_writes(), 0);
	rota_handle_close(&c.tcp.handle, NULL);
	assert_int_equal(rota_stream_send(stream, "x", 1), ROTA_EINVAL);
	assert_int_equal(count_writes(), 0);

	assert_int_equal(rota_handle_close_now(&fresh.handle), 0);
	run_to_the_end(f);
	peer_close(&c);
}

/* send: bytes that are nowhere are no bytes, also where nothing is tried: while
 * the stream connects, is corked, or has output in line. */
static void nowhere_is_refused_in_every_state(void **state)
{
	struct fixture *f = *state;
	struct rota_stream *stream;
	struct connection c;
	size_t queued;

	connection_open_small(&c, f, NULL);
	stream = &c.tcp.stream;
	rota_stream_set_cork(stream, 1);
	assert_int_equal(rota_stream_send(stream, NULL, 1), ROTA_EINVAL);
	assert_int_equal(rota_stream_send(stream, NULL, 0), 0);
	rota_stream_set_cork(stream, 0);
	queued = connection_block(&c);
	assert_int_equal(rota_stream_send(stream, NULL, 1), ROTA_EINVAL);

	assert_int_equal(rota_stream_queued(stream), queued);
	connection_end(&c);
}

/* send: an error of the socket's own is told once, whatever the argument. */
static void an_error_counts_for_more_than_an_argument(void **state)
{
	struct connection c;

	connection_open(&c, *state, NULL);
	fault_fail("send", 1, ECONNRESET);
	assert_int_equal(rota_stream_send(&c.tcp.stream, NULL, 1),
			 ROTA_ECONNRESET);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_stream_send(&c.tcp.stream, NULL, 1), ROTA_EPIPE);
	connection_end(&c);

	connection_open(&c, *state, NULL);
	fault_fail("send", 1, EAGAIN);
	assert_int_equal(rota_stream_send(&c.tcp.stream, NULL, 1), ROTA_EINVAL);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(connection_send(&c, 1), 0);
	connection_end(&c);
}

/* rota_stream_send(): if memory runs out while other output is queued, it takes
 * nothing, and the stream continues. */
static void without_memory_a_send_takes_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	size_t queued;

	connection_open_small(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	queued = connection_block(&c);

	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(connection_send(&c, 100000), ROTA_ENOMEM);
	assert_int_equal(f->memory.failed, 1);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), queued);

	assert_int_equal(connection_send(&c, 100000), 1);
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, c.drains == 1);
	assert_int_equal(c.drain_status, 0);
	connection_end(&c);
}

/* The same for a corked send, no byte of which is in the kernel. */
static void without_memory_a_corked_send_takes_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	rota_stream_set_cork(&c.tcp.stream, 1);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(connection_send(&c, 100000), ROTA_ENOMEM);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	turn(f);

	rota_stream_set_cork(&c.tcp.stream, 0);
	assert_int_equal(connection_send(&c, 100), 0);
	peer_takes_until(f, &c, c.produced);
	connection_end(&c);
}

/* rota_stream_send(): if memory runs out after a part has left, it returns 0,
 * the writing side fails, and on_drain gets the error. Reading continues. */
static void without_memory_after_a_part_the_writing_side_fails(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	connection_read(&c);
	turn(f);
	f->memory.fail_at = f->memory.calls + 1;

	assert_int_equal(connection_send(&c, (size_t)2 * CONNECTION_HOLDS), 0);
	assert_int_equal(f->memory.failed, 1);
	assert_int_equal(c.drains, 0);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	RUN_UNTIL(f, c.drains == 1);
	assert_int_equal(c.drain_status, ROTA_ENOMEM);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	peer_has_sent(&c, 10);
	RUN_UNTIL(f, c.size == 10);
	turn(f);

	assert_int_equal(c.drains, 1);
	assert_int_equal(c.ends, 0);
	peer_takes(&c); /* the part is correct */
	assert_true(c.taken > 0 && c.taken < CONNECTION_HOLDS);
	connection_end(&c);
}

/* rota_stream_send(), on_drain: bytes that were taken are lost with the
 * connection. */
static void a_reset_with_bytes_in_line_is_told_by_on_drain(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	connection_block(&c);
	peer_reset(&c);
	RUN_UNTIL(f, c.drains == 1);
	turn(f);
	turn(f);

	assert_int_equal(c.drains, 1);
	assert_true(c.drain_status == ROTA_ECONNRESET ||
		    c.drain_status == ROTA_EPIPE);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	assert_false(rota_loop_alive(f->loop));
	connection_end(&c);
}

/* The same if reading detects the reset first. */
static void a_reader_does_not_hide_a_reset_from_the_writing_side(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	connection_read(&c);
	connection_block(&c);
	turn(f);
	peer_reset(&c);
	RUN_UNTIL(f, c.drains == 1 && c.ends == 1);

	assert_int_equal(c.status, ROTA_ECONNRESET);
	assert_true(c.drain_status < 0);
	run_to_the_end(f);
	connection_end(&c);
}

/* The call in which the kernel fails returns the error. Later calls return
 * ROTA_EPIPE. */
static void an_error_of_the_system_is_returned(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	peer_reset(&c);
	await_end(c.fd);

	assert_int_equal(connection_send(&c, 1), ROTA_ECONNRESET);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	turn(f);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);

	assert_false(rota_loop_alive(f->loop));
	connection_end(&c);
}

/* D5: no way of writing raises SIGPIPE. Its disposition is the default, so it
 * would end this program. */
static void there_is_no_sigpipe(void **state)
{
	struct fixture *f = *state;
	struct rota_const_buf buf = { "x", 1 };
	struct rota_write write;
	struct connection c[4];

	signal(SIGPIPE, SIG_DFL);
	for (unsigned i = 0; i < 4; i++) {
		connection_open(&c[i], f, NULL);
		connection_read(&c[i]);
		peer_reset(&c[i]);
		RUN_UNTIL(f, c[i].ends == 1); /* the next one returns EPIPE */
	}

	assert_int_equal(connection_send(&c[0], 1), ROTA_EPIPE);
	assert_int_equal(rota_stream_try_write(&c[1].tcp.stream, &buf, 1),
			 ROTA_EPIPE);
	assert_int_equal(begin_write(&c[2], &write, "w", "x", 1), 0);
	rota_stream_set_cork(&c[3].tcp.stream, 1);
	assert_int_equal(connection_send(&c[3], 1), 0);
	turn(f);
	turn(f);

	signal(SIGPIPE, SIG_IGN);
	assert_string_equal(journal_take(), "pending: w=EPIPE");
	for (unsigned i = 0; i < 4; i++)
		connection_end(&c[i]);
}

static const struct CMUnitTest tests[] = {
	REAL(a_small_send_goes_out_at_once),
	REAL(what_is_not_taken_at_once_is_copied_and_follows),
	REAL(sends_and_writes_leave_in_one_order),
	REAL(the_loop_runs_until_all_that_was_sent_has_left),
	REAL(a_send_of_nothing_is_nothing),
	REAL(arguments_of_a_send_are_checked),
	REAL(nowhere_is_refused_in_every_state),
	REAL(an_error_counts_for_more_than_an_argument),
	REAL(without_memory_a_send_takes_nothing),
	REAL(without_memory_a_corked_send_takes_nothing),
	REAL(without_memory_after_a_part_the_writing_side_fails),
	REAL(a_reset_with_bytes_in_line_is_told_by_on_drain),
	REAL(a_reader_does_not_hide_a_reset_from_the_writing_side),
	REAL(an_error_of_the_system_is_returned),
	REAL(there_is_no_sigpipe),
};

FIXTURE_MAIN(tests)
