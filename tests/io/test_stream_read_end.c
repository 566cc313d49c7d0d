/*
 * Read requests that complete early: at the end of the input, by a cancel, by a
 * deadline, or when their stream closes. Each calls back once (O1), and reports
 * how many bytes the buffer has.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/streams.h"

/* rota_stream_read(): the buffer has @read->size bytes even if @status is an
 * error. If the input has ended, reads complete in the pending phase, and so do
 * later ones. */
static void the_end_of_the_input_ends_a_read_in_part(void **state)
{
	struct fixture *f = *state;
	struct rota_read a, b, later;
	struct connection c;
	char bytes[16] = "";

	connection_open(&c, f, NULL);
	assert_int_equal(begin_read(&c, &a, "a", bytes, 10, 10), 0);
	assert_int_equal(begin_read(&c, &b, "b", bytes + 10, 1, 1), 0);
	raw_send(c.peer, "abcd", 4);
	raw_shutdown(c.peer);
	await_end(c.fd);
	RUN_UNTIL(f, !rota_request_is_active(&b.request));

	assert_string_equal(journal_take(), "pending: a=EOF b=EOF");
	assert_int_equal(a.size, 4);
	assert_string_equal(bytes, "abcd");
	assert_int_equal(b.size, 0);
	for (unsigned i = 0; i < 2; i++) {
		later.size = 99;
		assert_int_equal(begin_read(&c, &later, "later", bytes, 1, 1),
				 0);
		assert_string_equal(journal_take(), "");
		turn(f);
		assert_string_equal(journal_take(), "pending: later=EOF");
		assert_int_equal(later.size, 0);
	}
	connection_end(&c);
}

/* The same if all requested bytes came just before the end. */
static void a_read_that_is_served_is_not_told_of_the_end(void **state)
{
	struct fixture *f = *state;
	struct rota_read read;
	struct connection c;
	char bytes[4];

	connection_open(&c, f, NULL);
	raw_send(c.peer, "abcd", 4);
	raw_shutdown(c.peer);
	await_end(c.fd);
	assert_int_equal(begin_read(&c, &read, "r", bytes, 4, 4), 0);
	turn(f);
	assert_string_equal(journal_take(), "poll: r=4");

	assert_int_equal(begin_read(&c, &read, "r", bytes, 4, 4), 0);
	run_to_the_end(f);

	assert_int_equal(read.size, 0);
	assert_non_null(strstr(journal_take(), "r=EOF"));
	connection_end(&c);
}

static void a_reset_ends_a_read_with_what_had_come(void **state)
{
	struct fixture *f = *state;
	struct rota_read a, b, later;
	struct connection c;
	char bytes[16] = "";

	connection_open(&c, f, NULL);
	assert_int_equal(begin_read(&c, &a, "a", bytes, 10, 10), 0);
	assert_int_equal(begin_read(&c, &b, "b", bytes + 10, 1, 1), 0);
	peer_says(&c, "abc");
	turn(f);
	assert_string_equal(journal_take(), "");
	peer_reset(&c);
	await_end(c.fd);
	RUN_UNTIL(f, !rota_request_is_active(&b.request));

	assert_string_equal(journal_take(),
			    "pending: a=ECONNRESET b=ECONNRESET");
	assert_int_equal(a.size, 3);
	assert_string_equal(bytes, "abc");
	assert_int_equal(begin_read(&c, &later, "later", bytes, 1, 1), 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: later=EOF");
	connection_end(&c);
}

/* O6: a read that has no bytes yet completes with ROTA_ECANCELED in the pending
 * phase. The others get all input. */
static void a_read_may_be_canceled_anywhere_in_line(void **state)
{
	struct fixture *f = *state;
	struct rota_read reads[4];
	static const char *const names[] = { "0", "1", "2", "3" };
	struct connection c;
	char bytes[5] = "";

	connection_open(&c, f, NULL);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(
			begin_read(&c, &reads[i], names[i], bytes + i, 1, 1),
			0);

	assert_int_equal(rota_request_cancel(&reads[2].request), 0);
	assert_int_equal(rota_request_cancel(&reads[2].request), ROTA_EALREADY);
	assert_int_equal(rota_request_cancel(&reads[0].request), 0);
	assert_string_equal(journal_take(), "");
	peer_says(&c, "xyz");
	turn(f);
	assert_string_equal(journal_take(),
			    "pending: 2=ECANCELED 0=ECANCELED poll: 1=1 3=1");
	assert_int_equal(rota_request_cancel(&reads[1].request), ROTA_EALREADY);
	assert_int_equal(reads[0].size, 0);
	assert_int_equal(bytes[1], 'x');
	assert_int_equal(bytes[3], 'y');
	assert_int_equal(begin_read(&c, &reads[0], "0", bytes, 1, 1), 0);
	turn(f);

	assert_string_equal(journal_take(), "poll: 0=1");
	assert_int_equal(bytes[0], 'z');
	connection_end(&c);
}

/* rota_stream_read(), cancel: a cancelled read reports the bytes in its buffer
 * by its size, and they are not delivered again. */
static void a_read_may_be_canceled_in_part(void **state)
{
	struct fixture *f = *state;
	struct rota_read a, b;
	struct connection c;
	char bytes[16] = "";

	connection_open(&c, f, NULL);
	assert_int_equal(begin_read(&c, &a, "a", bytes, 8, 8), 0);
	peer_says(&c, "abc");
	turn(f);

	assert_int_equal(rota_request_cancel(&a.request), 0);
	assert_int_equal(begin_read(&c, &b, "b", bytes + 8, 2, 2), 0);
	peer_says(&c, "de");
	turn(f);

	assert_string_equal(journal_take(), "pending: a=ECANCELED poll: b=2");
	assert_int_equal(a.size, 3);
	assert_memory_equal(bytes, "abc", 3);
	assert_memory_equal(bytes + 8, "de", 2);
	connection_end(&c);
}

static struct rota_read *victim;

static void cancel_the_victim(struct rota_read *read, int status)
{
	note_read_done(read, status);
	assert_int_equal(rota_request_cancel(&victim->request), 0);
}

/* O4, O6: a read cancels the next one, which would have been served next. */
static void a_read_may_cancel_the_next(void **state)
{
	struct fixture *f = *state;
	struct rota_read a, b, d;
	struct connection c;
	char bytes[3];

	connection_open(&c, f, NULL);
	a.request.data = (void *)(uintptr_t) "a";
	victim = &b;
	assert_int_equal(rota_stream_read(&a, &c.tcp.stream,
					  (struct rota_buf){ bytes, 1 }, 1,
					  cancel_the_victim),
			 0);
	assert_int_equal(begin_read(&c, &b, "b", bytes + 1, 1, 1), 0);
	assert_int_equal(begin_read(&c, &d, "d", bytes + 2, 1, 1), 0);
	peer_says(&c, "xy");
	turn(f);
	turn(f);

	assert_string_equal(journal_take(),
			    "poll: a=1 d=1 pending: b=ECANCELED");
	assert_int_equal(bytes[2], 'y');
	connection_end(&c);
}

/* O8 */
static void a_read_ends_with_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline, other;
	struct rota_read a, b;
	struct connection c;
	char bytes[16];

	connection_open(&c, f, NULL);
	assert_int_equal(begin_read(&c, &a, "a", bytes, 8, 8), 0);
	assert_int_equal(begin_read(&c, &b, "b", bytes + 8, 1, 1), 0);
	assert_int_equal(rota_request_set_deadline(&b.request, &other,
						   rota_loop_now(f->loop) +
							   ROTA_SEC(100)),
			 0);
	peer_says(&c, "abc");
	turn(f);
	assert_int_equal(rota_request_set_deadline(&a.request, &deadline,
						   rota_loop_now(f->loop) + 1),
			 0);
	RUN_UNTIL(f, !rota_request_is_active(&a.request));

	assert_string_equal(journal_take(), "pending: a=ETIMEDOUT");
	assert_int_equal(a.size, 3);
	peer_says(&c, "d");
	run_to_the_end(f); /* the other deadline was stopped */
	assert_string_equal(journal_take(), "poll: b=1");
	assert_int_equal(bytes[8], 'd');
	connection_end(&c);
}

/* O2: they complete in order, and then the handle. Bytes that arrived are
 * reported. */
static void closing_ends_the_reads_and_then_the_stream(void **state)
{
	struct fixture *f = *state;
	struct rota_read a, b, d;
	struct connection c;
	char bytes[16];

	connection_open(&c, f, "close");
	assert_int_equal(begin_read(&c, &a, "a", bytes, 8, 8), 0);
	assert_int_equal(begin_read(&c, &b, "b", bytes, 1, 1), 0);
	assert_int_equal(begin_read(&c, &d, "d", bytes, 1, 1), 0);
	peer_says(&c, "abc");
	turn(f);

	assert_int_equal(rota_handle_close(&c.tcp.handle, note_closed), 0);
	assert_string_equal(journal_take(), "");
	turn(f);

	assert_string_equal(journal_take(), "closing: a=ECANCELED b=ECANCELED "
					    "d=ECANCELED close");
	assert_int_equal(a.size, 3);
	peer_close(&c);
}

static struct connection *chosen;

static void close_in_read_done(struct rota_read *read, int status)
{
	struct connection *c = chosen;

	note_read_done(read, status);
	assert_int_equal(rota_handle_close(&c->tcp.handle, note_closed), 0);
}

/* O2, O4: the first one's callback closes the stream, with data for the
 * others. */
static void a_read_may_close_its_stream(void **state)
{
	struct fixture *f = *state;
	struct rota_read a, b;
	struct connection c;
	char bytes[2];

	connection_open(&c, f, "close");
	chosen = &c;
	a.request.data = (void *)(uintptr_t) "a";
	assert_int_equal(rota_stream_read(&a, &c.tcp.stream,
					  (struct rota_buf){ bytes, 1 }, 1,
					  close_in_read_done),
			 0);
	assert_int_equal(begin_read(&c, &b, "b", bytes + 1, 1, 1), 0);
	peer_says(&c, "xyz");
	turn(f);

	assert_string_equal(journal_take(),
			    "poll: a=1 closing: b=ECANCELED close");
	peer_close(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(the_end_of_the_input_ends_a_read_in_part),
	REAL(a_read_that_is_served_is_not_told_of_the_end),
	REAL(a_reset_ends_a_read_with_what_had_come),
	REAL(a_read_may_be_canceled_anywhere_in_line),
	REAL(a_read_may_be_canceled_in_part),
	REAL(a_read_may_cancel_the_next),
	REAL(a_read_ends_with_its_deadline),
	REAL(closing_ends_the_reads_and_then_the_stream),
	REAL(a_read_may_close_its_stream),
};

FIXTURE_MAIN(tests)
