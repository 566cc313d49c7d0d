/*
 * Finished operations leave nothing behind: nothing that keeps the loop alive
 * or awake, no callback that is lost or comes in the wrong turn, and no input
 * that waits through a sleep.
 */
#include "support/fixture.h"

#include <sys/socket.h>

#include "support/streams.h"

/* O2: removing the cork of a closed stream has no effect. */
static void an_uncork_after_a_close_does_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "c");
	connection_read(&c);
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(connection_send(&c, 10), 0);
	assert_int_equal(rota_handle_close(&c.tcp.handle, NULL), 0);
	rota_stream_set_cork(&c.tcp.stream, 0);
	turn(f);

	assert_false(rota_loop_alive(f->loop));
	peer_close(&c);
}

/* L4 */
static void a_read_after_the_end_lets_the_loop_sleep(void **state)
{
	struct fixture *f = *state;
	struct rota_read read;
	struct connection c;
	char byte;

	connection_open(&c, f, "c");
	connection_read(&c);
	raw_shutdown(c.peer);
	RUN_UNTIL(f, c.ends == 1);
	assert_int_equal(begin_read(&c, &read, "r", &byte, 1, 1), 0);
	turn(f);

	assert_string_equal(journal_take(), "pending: r=EOF");
	assert_true(waits_within(f, 20) < 5);
	connection_end(&c);
}

static struct rota_write write_of_drain;

static void write_in_drain(struct connection *c, int status)
{
	assert_int_equal(status, 0);
	assert_int_equal(begin_write(c, &write_of_drain, "w", "x", 1), 0);
}

/* T8: on_drain runs in the pending phase. A write that it starts, and that
 * leaves at once, calls back in the next one. */
static void what_on_drain_writes_is_called_back_in_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "c");
	c.act_drain = write_in_drain;
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	assert_int_equal(rota_stream_set_watermarks(&c.tcp.stream, 0, 0), 0);
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(connection_send(&c, 10), 1);
	rota_stream_set_cork(&c.tcp.stream, 0);

	turn(f);
	assert_int_equal(c.drains, 1);
	assert_string_equal(journal_take(), "");
	turn(f);
	assert_string_equal(journal_take(), "pending: w=0");
	connection_end(&c);
}

/* O5: the function given to rota_stream_end() is called, and frees the
 * stream. */
static void a_shutdown_of_the_loop_calls_the_function_of_an_end(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "c");
	assert_int_equal(rota_stream_end(&c.tcp.stream, note_closed), 0);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_string_equal(journal_take(), "closing: c");
	peer_close(&c);
}

/* recv(2) stops at the mark of urgent data, so the read is short although more
 * data follows. */
static void what_is_behind_urgent_data_is_not_slept_over(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "c");
	connection_read(&c);
	peer_says(&c, "abc");
	assert_int_equal(send(c.peer, "!", 1, MSG_OOB), 1);
	peer_says(&c, "def");

	RUN_UNTIL(f, c.size == 6);
	assert_string_equal(c.text, "abcdef");
	connection_end(&c);
}

/* A refused call changes nothing. */
static void a_detach_that_is_refused_leaves_the_stream_reading(void **state)
{
	struct fixture *f = *state;
	struct rota_read read;
	struct connection c;
	char byte;

	connection_open(&c, f, "c");
	assert_int_equal(begin_read(&c, &read, "r", &byte, 1, 1), 0);
	turn(f);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EBUSY);
	peer_sends(&c, 1);

	RUN_UNTIL(f, !rota_request_is_active(&read.request));
	assert_string_equal(journal_take(), "poll: r=1");
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(an_uncork_after_a_close_does_nothing),
	REAL(a_read_after_the_end_lets_the_loop_sleep),
	REAL(what_on_drain_writes_is_called_back_in_the_next_turn),
	REAL(a_shutdown_of_the_loop_calls_the_function_of_an_end),
	REAL(what_is_behind_urgent_data_is_not_slept_over),
	REAL(a_detach_that_is_refused_leaves_the_stream_reading),
};

FIXTURE_MAIN(tests)
