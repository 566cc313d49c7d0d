/*
 * rota_stream_shutdown(): the end of the output, and half-closed streams.
 */
#include "support/fixture.h"

#include "support/fault.h"
#include "support/streams.h"

static void expect_peer_at_the_end(struct connection *c)
{
	char byte;

	await_input(c->peer);
	assert_int_equal(raw_try_read(c->peer, &byte, 1), 0);
}

/* O7: it never calls back inside the call, even if the kernel does it at
 * once. */
static void a_shutdown_is_seen_at_once_and_called_back_later(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	expect_peer_at_the_end(&c);
	assert_string_equal(journal_take(), "");
	assert_true(rota_request_is_active(&shutdown.request));

	run_to_the_end(f);

	assert_string_equal(journal_take(), "pending: s=0");
	connection_end(&c);
}

/* rota_stream_shutdown(): when all queued output has left. */
static void a_shutdown_waits_for_what_is_queued(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct rota_write write;
	struct connection c;
	char byte;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	byte = pattern_at(c.produced++);
	assert_int_equal(begin_write(&c, &write, "w", &byte, 1), 0);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	turn(f);
	assert_string_equal(journal_take(), "");

	peer_takes_to_the_end(f, &c);
	RUN_UNTIL(f, !rota_request_is_active(&shutdown.request));

	assert_int_equal(c.taken, c.produced);
	assert_string_equal(journal_take(), "pending: w=0 s=0");
	connection_end(&c);
}

/* rota_stream_shutdown(): reading continues. After the end of the other side
 * one can still write. The halves may close in either order. */
static void each_half_goes_on_without_the_other(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c;

	for (unsigned ours_first = 0; ours_first < 2; ours_first++) {
		connection_open(&c, f, NULL);
		connection_read(&c);
		if (ours_first) {
			assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
			RUN_UNTIL(f,
				  !rota_request_is_active(&shutdown.request));
			peer_has_sent(&c, 1000);
			RUN_UNTIL(f, c.size == 1000);
			raw_shutdown(c.peer);
			RUN_UNTIL(f, c.ends == 1);
		} else {
			raw_shutdown(c.peer);
			RUN_UNTIL(f, c.ends == 1);
			assert_int_equal(connection_send(&c, 1000), 0);
			assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
			peer_takes_to_the_end(f, &c);
			assert_int_equal(c.taken, 1000);
			RUN_UNTIL(f,
				  !rota_request_is_active(&shutdown.request));
		}
		assert_int_equal(c.status, ROTA_EOF);
		assert_string_equal(journal_take(), "pending: s=0");
		assert_false(rota_loop_alive(f->loop));
		connection_end(&c);
	}
}

/* Writing much after the end of the other side, and reading it, with both
 * blocked in between. */
static void much_can_be_written_after_the_others_end(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_read(&c);
	peer_has_sent(&c, 100);
	raw_shutdown(c.peer);
	connection_block(&c);
	RUN_UNTIL(f, c.ends == 1);
	assert_int_equal(c.size, 100);
	connection_block(&c);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);

	peer_takes_to_the_end(f, &c);

	assert_int_equal(c.taken, c.produced);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "pending: s=0");
	connection_end(&c);
}

static void expect_closed_for_writing(struct connection *c, int twice)
{
	struct rota_const_buf buf = { "x", 1 };
	struct rota_shutdown shutdown;
	struct rota_write write;

	assert_int_equal(begin_shutdown(c, &shutdown, "twice"), twice);
	assert_int_equal(connection_send(c, 1), ROTA_EPIPE);
	assert_int_equal(begin_write(c, &write, "none", "x", 1), ROTA_EPIPE);
	assert_int_equal(rota_stream_try_write(&c->tcp.stream, &buf, 1),
			 ROTA_EPIPE);
}

/* rota_stream_shutdown() returns ROTA_EALREADY the second time. Writes after it
 * return ROTA_EPIPE, from the call on, whether it is queued or done. */
static void nothing_can_be_written_after_a_shutdown(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	expect_closed_for_writing(&c, ROTA_EALREADY);
	peer_takes_to_the_end(f, &c);
	expect_closed_for_writing(&c, ROTA_EALREADY);
	run_to_the_end(f);
	expect_closed_for_writing(&c, ROTA_EALREADY);

	assert_int_equal(c.taken, c.produced);
	assert_string_equal(journal_take(), "pending: s=0");
	connection_end(&c);
}

static void arguments_of_a_shutdown_are_checked(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct rota_tcp fresh;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(rota_tcp_init(&fresh, f->loop), 0);

	assert_int_equal(
		rota_stream_shutdown(&shutdown, &fresh.stream, note_shutdown),
		ROTA_ENOTCONN);
	assert_int_equal(rota_stream_shutdown(&shutdown, &c.tcp.stream, NULL),
			 ROTA_EINVAL);
	assert_int_equal(connection_send(&c, 1), 0); /* nothing has changed */
	rota_handle_close(&c.tcp.handle, NULL);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), ROTA_EINVAL);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "");
	assert_int_equal(rota_handle_close_now(&fresh.handle), 0);
	peer_close(&c);
}

/* Only the callback gets an error of the kernel (O7). */
static void an_error_of_the_system_is_told_to_the_callback(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c;

	connection_open(&c, f, NULL);
	peer_reset(&c);
	await_end(c.fd);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "pending: s=ENOTCONN");
	connection_end(&c);
}

/* O6: a queued shutdown may be cancelled. */
static void a_shutdown_in_line_may_be_canceled(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);

	assert_int_equal(rota_request_cancel(&shutdown.request), 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: s=ECANCELED");
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, rota_stream_queued(&c.tcp.stream) == 0);

	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	peer_takes_to_the_end(f, &c);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "pending: s=0");
	connection_end(&c);
}

/* O8 */
static void a_shutdown_in_line_ends_with_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct rota_deadline deadline;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	assert_int_equal(rota_request_set_deadline(&shutdown.request, &deadline,
						   rota_loop_now(f->loop) + 1),
			 0);
	RUN_UNTIL(f, !rota_request_is_active(&shutdown.request));

	assert_string_equal(journal_take(), "pending: s=ETIMEDOUT");
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	peer_takes_until(f, &c, c.produced); /* the output before it */
	run_to_the_end(f);
	connection_end(&c);
}

/* A corked shutdown leaves after what was written before it. */
static void a_corked_shutdown_follows_what_is_held(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c;

	connection_open(&c, f, NULL);
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(connection_send(&c, 100), 0);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "pending: s=0");
	peer_takes_to_the_end(f, &c);
	assert_int_equal(c.taken, 100);
	connection_end(&c);

	connection_open(&c, f, NULL);
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	rota_stream_set_cork(&c.tcp.stream, 0);
	expect_peer_at_the_end(&c);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "pending: s=0");
	connection_end(&c);
}

/* O2 */
static void closing_ends_a_shutdown_in_line(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c;

	connection_open_small(&c, f, "close");
	connection_block(&c);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);

	assert_int_equal(rota_handle_close_now(&c.tcp.handle), ROTA_EBUSY);
	assert_int_equal(rota_handle_close(&c.tcp.handle, note_closed), 0);
	turn(f);

	assert_string_equal(journal_take(), "closing: s=ECANCELED close");
	peer_close(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_shutdown_is_seen_at_once_and_called_back_later),
	REAL(a_shutdown_waits_for_what_is_queued),
	REAL(each_half_goes_on_without_the_other),
	REAL(much_can_be_written_after_the_others_end),
	REAL(nothing_can_be_written_after_a_shutdown),
	REAL(arguments_of_a_shutdown_are_checked),
	REAL(an_error_of_the_system_is_told_to_the_callback),
	REAL(a_shutdown_in_line_may_be_canceled),
	REAL(a_shutdown_in_line_ends_with_its_deadline),
	REAL(a_corked_shutdown_follows_what_is_held),
	REAL(closing_ends_a_shutdown_in_line),
};

FIXTURE_MAIN(tests)
