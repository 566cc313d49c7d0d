/*
 * Write requests that complete early: cancelled, timed out, or failed. Each
 * calls back once, and the other side gets what was before it and nothing else.
 *
 * The writes are queued after connection_block(), so that nothing leaves before
 * the peer reads.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/fault.h"
#include "support/streams.h"

/* Start a write of @size bytes of the pattern, in memory from test_malloc(). */
static char *write_pattern(struct connection *c, struct rota_write *write,
			   const char *name, size_t size)
{
	char *bytes = test_malloc(size);

	pattern_fill(bytes, size, c->produced);
	assert_int_equal(begin_write(c, write, name, bytes, size), 0);
	c->produced += size;
	return bytes;
}

static void set_deadline(struct fixture *f, struct rota_request *request,
			 struct rota_deadline *deadline)
{
	assert_int_equal(rota_request_set_deadline(request, deadline,
						   rota_loop_now(f->loop) + 1),
			 0);
}

/* O6: a write none of whose bytes have left completes with ROTA_ECANCELED in
 * the pending phase. The others continue. */
static void a_write_in_line_may_be_canceled(void **state)
{
	struct fixture *f = *state;
	struct rota_write a, b, d;
	struct connection c;
	char *first, *last;
	size_t queued;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	first = write_pattern(&c, &a, "a", 1000);
	assert_int_equal(begin_write(&c, &b, "b", "out of pattern", 14), 0);
	last = write_pattern(&c, &d, "d", 1000);
	queued = rota_stream_queued(&c.tcp.stream);

	assert_int_equal(rota_request_cancel(&b.request), 0);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), queued - 14);
	assert_int_equal(rota_request_cancel(&b.request), ROTA_EALREADY);
	assert_string_equal(journal_take(), "");
	turn(f);
	assert_string_equal(journal_take(), "pending: b=ECANCELED");
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, !rota_request_is_active(&d.request));

	assert_string_equal(journal_take(), "pending: a=0 d=0");
	test_free(first);
	test_free(last);
	connection_end(&c);
}

/* The same for the last in the queue; a new write takes its place. */
static void the_last_write_in_line_may_be_canceled(void **state)
{
	struct fixture *f = *state;
	struct rota_write a, b;
	struct connection c;
	char *bytes;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(begin_write(&c, &a, "a", "none of it", 10), 0);
		assert_int_equal(rota_request_cancel(&a.request), 0);
		turn(f);
		assert_string_equal(journal_take(), "pending: a=ECANCELED");
	}
	bytes = write_pattern(&c, &b, "b", 1000);
	assert_int_equal(connection_send(&c, 1000), 1);
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, !rota_request_is_active(&b.request));

	assert_string_equal(journal_take(), "pending: b=0");
	test_free(bytes);
	connection_end(&c);
}

/* The only write in the queue, corked: nothing leaves at all. */
static void a_corked_write_may_be_canceled(void **state)
{
	struct fixture *f = *state;
	struct rota_write a;
	struct connection c;

	connection_open(&c, f, NULL);
	rota_stream_set_cork(&c.tcp.stream, 1);
	fault_count_reset();
	assert_int_equal(begin_write(&c, &a, "a", "none of it", 10), 0);
	assert_int_equal(rota_request_cancel(&a.request), 0);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "pending: a=ECANCELED");
	assert_int_equal(count_writes(), 0);
	assert_int_equal(connection_send(&c, 10), 0);
	peer_takes_until(f, &c, c.produced);
	connection_end(&c);
}

/* O6: if a part has left, the cancel returns ROTA_EBUSY and the write
 * continues. When all has left, it returns ROTA_EALREADY. */
static void a_write_that_has_begun_cannot_be_canceled(void **state)
{
	struct fixture *f = *state;
	struct rota_write a, b;
	struct connection c;
	char *bytes;

	connection_open_small(&c, f, NULL);
	bytes = write_pattern(&c, &a, "a", (size_t)2 * CONNECTION_HOLDS);
	assert_true(rota_stream_queued(&c.tcp.stream) > 0);

	assert_int_equal(rota_request_cancel(&a.request), ROTA_EBUSY);
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, !rota_request_is_active(&a.request));
	assert_string_equal(journal_take(), "pending: a=0");

	assert_int_equal(begin_write(&c, &b, "b", "x", 1), 0);
	assert_int_equal(rota_request_cancel(&b.request), ROTA_EALREADY);
	turn(f);
	assert_string_equal(journal_take(), "pending: b=0");
	test_free(bytes);
	connection_end(&c);
}

/* O8: a write that times out cancels those behind it, and later ones get
 * ROTA_EPIPE. Those before it still leave. Bytes of sends behind it are lost,
 * and on_drain gets the error. */
static void a_deadline_ends_a_write_and_those_behind(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct rota_deadline deadline;
	struct rota_write a, b, d, e;
	struct connection c;
	char *bytes;

	connection_open_small(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	connection_block(&c);
	bytes = write_pattern(&c, &a, "a", 1000);
	assert_int_equal(begin_write(&c, &b, "b", "none", 4), 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "none", 4), 1);
	assert_int_equal(begin_write(&c, &d, "d", "none", 4), 0);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	set_deadline(f, &b.request, &deadline);
	RUN_UNTIL(f, !rota_request_is_active(&shutdown.request));

	assert_string_equal(journal_take(),
			    "pending: b=ETIMEDOUT d=ECANCELED s=ECANCELED");
	RUN_UNTIL(f, c.drains == 1);
	assert_int_equal(c.drain_status, ROTA_ETIMEDOUT);
	assert_int_equal(begin_write(&c, &e, "e", "none", 4), ROTA_EPIPE);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, !rota_request_is_active(&a.request));
	turn(f);
	peer_takes(&c);

	assert_string_equal(journal_take(), "pending: a=0");
	assert_int_equal(c.taken, c.produced);
	test_free(bytes);
	connection_end(&c);
}

/* O8: a write of which a part has left times out, too. Then the caller owns its
 * memory again. */
static void a_deadline_ends_a_write_that_has_begun(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct rota_write a, b;
	struct connection c;
	char *bytes;

	connection_open_small(&c, f, NULL);
	bytes = write_pattern(&c, &a, "a", (size_t)2 * CONNECTION_HOLDS);
	assert_int_equal(begin_write(&c, &b, "b", "x", 1), 0);
	set_deadline(f, &a.request, &deadline);
	RUN_UNTIL(f, !rota_request_is_active(&b.request));

	assert_string_equal(journal_take(), "pending: a=ETIMEDOUT b=ECANCELED");
	memset(bytes, '#', (size_t)2 * CONNECTION_HOLDS);
	test_free(bytes);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	peer_takes(&c);
	turn(f);
	peer_takes(&c);
	assert_true(c.taken > 0 && c.taken < CONNECTION_HOLDS);
	connection_read(&c); /* the other side continues */
	peer_has_sent(&c, 10);
	RUN_UNTIL(f, c.size == 10);
	connection_end(&c);
}

/* O8: exactly once. What has left before its deadline stays sent. */
static void a_deadline_that_is_met_is_nothing(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct rota_write a;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(begin_write(&c, &a, "a", "x", 1), 0);
	assert_int_equal(rota_request_set_deadline(&a.request, &deadline,
						   rota_loop_now(f->loop) +
							   ROTA_SEC(100)),
			 ROTA_EINVAL); /* it is not in flight any more */
	run_to_the_end(f);
	assert_string_equal(journal_take(), "pending: a=0");

	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(begin_write(&c, &a, "a", "x", 1), 0);
	assert_int_equal(rota_request_set_deadline(&a.request, &deadline,
						   rota_loop_now(f->loop) +
							   ROTA_SEC(100)),
			 0);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "pending: a=0");
	connection_end(&c);
}

/* rota_stream_write(): the first request gets the error of the kernel, those
 * behind it are cancelled, and the writing side has failed. */
static void a_reset_ends_all_writes_in_line(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct rota_write a, b, d;
	struct connection c;
	const char *told;
	char *bytes;

	connection_open_small(&c, f, NULL);
	bytes = write_pattern(&c, &a, "a", (size_t)2 * CONNECTION_HOLDS);
	assert_int_equal(begin_write(&c, &b, "b", "x", 1), 0);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	peer_reset(&c);
	RUN_UNTIL(f, !rota_request_is_active(&shutdown.request));

	told = journal_take();
	assert_true(strcmp(told, "pending: a=ECONNRESET b=ECANCELED "
				 "s=ECANCELED") == 0 ||
		    strcmp(told, "pending: a=EPIPE b=ECANCELED "
				 "s=ECANCELED") == 0);
	assert_int_equal(begin_write(&c, &d, "d", "x", 1), ROTA_EPIPE);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), ROTA_EPIPE);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	run_to_the_end(f);
	test_free(bytes);
	connection_end(&c);
}

/* The same if the kernel fails at the first attempt: only the callback gets the
 * error (O7). */
static void an_error_of_the_system_is_told_to_the_callback(void **state)
{
	struct fixture *f = *state;
	struct rota_write a, b;
	struct connection c;

	connection_open(&c, f, NULL);
	peer_reset(&c);
	await_end(c.fd);

	assert_int_equal(begin_write(&c, &a, "a", "x", 1), 0);
	assert_int_equal(begin_write(&c, &b, "b", "x", 1), ROTA_EPIPE);
	assert_string_equal(journal_take(), "");
	run_to_the_end(f);

	assert_string_equal(journal_take(), "pending: a=ECONNRESET");
	connection_end(&c);
}

/* A write error discards no input. */
static void input_can_be_read_after_a_write_has_failed(void **state)
{
	struct fixture *f = *state;
	struct rota_write a;
	struct connection c;

	connection_open(&c, f, NULL);
	peer_has_sent(&c, 1000);
	fault_fail_from("sendmsg", 1, ENETDOWN);
	assert_int_equal(begin_write(&c, &a, "a", "x", 1), 0);
	turn(f);
	fault_clear();
	assert_string_equal(journal_take(), "pending: a=ENETDOWN");
	raw_shutdown(c.peer);

	connection_read(&c);
	RUN_UNTIL(f, c.ends == 1);

	assert_int_equal(c.size, 1000);
	assert_int_equal(c.status, ROTA_EOF);
	connection_end(&c);
}

static struct rota_write *victim;

static void cancel_the_victim(struct rota_write *write, int status)
{
	note_write(write, status);
	assert_int_equal(rota_request_cancel(&victim->request), 0);
}

/* O4: a callback cancels another write that is still queued. */
static void a_write_may_cancel_another(void **state)
{
	struct fixture *f = *state;
	struct rota_const_buf buf = { "x", 1 };
	struct rota_write a, b;
	struct connection c;

	connection_open_small(&c, f, NULL);
	victim = &b;
	a.request.data = (void *)(uintptr_t) "a";
	assert_int_equal(rota_stream_write(&a, &c.tcp.stream, &buf, 1,
					   cancel_the_victim),
			 0);
	c.taken = 1; /* "x" is not part of the pattern */
	raw_read(c.peer, &(char){ 0 }, 1);
	c.produced = 1;
	connection_block(&c);
	assert_int_equal(begin_write(&c, &b, "b", "none", 4), 0);
	turn(f);
	turn(f);

	assert_string_equal(journal_take(), "pending: a=0 b=ECANCELED");
	peer_takes_until(f, &c, c.produced);
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_write_in_line_may_be_canceled),
	REAL(the_last_write_in_line_may_be_canceled),
	REAL(a_corked_write_may_be_canceled),
	REAL(a_write_that_has_begun_cannot_be_canceled),
	REAL(a_deadline_ends_a_write_and_those_behind),
	REAL(a_deadline_ends_a_write_that_has_begun),
	REAL(a_deadline_that_is_met_is_nothing),
	REAL(a_reset_ends_all_writes_in_line),
	REAL(an_error_of_the_system_is_told_to_the_callback),
	REAL(input_can_be_read_after_a_write_has_failed),
	REAL(a_write_may_cancel_another),
};

FIXTURE_MAIN(tests)
