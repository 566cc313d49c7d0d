/*
 * rota_stream_end_with(): ending a stream as a request. The request is in
 * flight until the stream closes. It completes once, whatever closes the
 * stream, and has a status.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/streams_more.h"

/* A stream that ends, and what its close callback saw. */
struct ending {
	struct fixture *f;
	struct connection c;
	struct rota_end end;
	struct rota_deadline deadline;
	unsigned closes;
	int status;
	int was_active;
};

static struct ending *current;

static void on_close(struct rota_handle *handle)
{
	struct ending *e = current;

	assert_ptr_equal(handle, &e->c.tcp.handle);
	assert_false(rota_stream_is_ending(&e->c.tcp.stream));
	e->closes++;
	e->status = e->end.status;
	e->was_active = rota_request_is_active(&e->end.request);
	memset(&e->end, 0xa5, sizeof(e->end)); /* the caller owns it */
	memset(&e->deadline, 0xa5, sizeof(e->deadline));
}

static void ending_prepare(struct ending *e, struct fixture *f)
{
	memset(e, 0, sizeof(*e));
	current = e;
	e->f = f;
	e->c.peer = -1;
}

static int end_it(struct ending *e)
{
	return rota_stream_end_with(&e->end, &e->c.tcp.stream, on_close);
}

/* If @much, more is queued than the kernel takes. */
static void ending_begin(struct ending *e, struct fixture *f, int much)
{
	ending_prepare(e, f);
	connection_open_small(&e->c, f, NULL);
	if (much)
		connection_block(&e->c);
	assert_false(rota_stream_is_ending(&e->c.tcp.stream));
	assert_int_equal(end_it(e), 0);
	assert_true(rota_stream_is_ending(&e->c.tcp.stream));
	assert_true(rota_request_is_active(&e->end.request));
}

/* The stream closes by itself, or has closed, with @status. Nothing is left of
 * it. */
static void expect_ended(struct ending *e, int status)
{
	run_to_the_end(e->f);

	assert_int_equal(e->closes, 1);
	assert_int_equal(e->status, status);
	assert_false(e->was_active);
	assert_int_equal(fcntl(e->c.fd, F_GETFD), -1);
	peer_close(&e->c);
}

static void a_polite_end_says_0(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	ending_begin(&e, f, 1);
	assert_true(rota_loop_alive(f->loop));
	peer_takes_to_the_end(f, &e.c);
	assert_int_equal(e.c.taken, e.c.produced);
	turn(f);
	assert_int_equal(e.closes, 0);
	raw_shutdown(e.c.peer);
	expect_ended(&e, 0);

	ending_begin(&e, f, 0); /* the other side ends first */
	raw_shutdown(e.c.peer);
	expect_ended(&e, 0);
}

/* If both sides have ended already, the stream closes within the call. */
static void an_end_of_what_has_ended_says_0(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct ending e;

	ending_prepare(&e, f);
	connection_open(&e.c, f, NULL);
	connection_read(&e.c);
	raw_shutdown(e.c.peer);
	RUN_UNTIL(f, e.c.ends == 1);

	assert_int_equal(end_it(&e), 0);
	assert_false(rota_request_is_active(&e.end.request));
	assert_int_equal(rota_request_set_deadline(&e.end.request, &deadline,
						   rota_loop_now(f->loop)),
			 ROTA_EINVAL);
	assert_int_equal(rota_request_cancel(&e.end.request), ROTA_EALREADY);
	assert_int_equal(e.closes, 0);

	expect_ended(&e, 0);
}

/* O8: when the deadline passes, the stream closes and queued output is lost. */
static void a_deadline_closes_the_stream(void **state)
{
	struct fixture *f = *state;
	struct rota_write write;
	struct ending e;

	for (int much = 0; much < 2; much++) {
		ending_prepare(&e, f);
		connection_open_small(&e.c, f, NULL);
		if (much)
			connection_block(&e.c);
		assert_int_equal(begin_write(&e.c, &write, "w", "x", 1), 0);
		assert_int_equal(end_it(&e), 0);
		turn(f); /* a small write calls back in it */
		assert_int_equal(rota_request_set_deadline(
					 &e.end.request, &e.deadline,
					 rota_loop_now(f->loop) + ROTA_MSEC(1)),
				 0);

		expect_ended(&e, ROTA_ETIMEDOUT);
		assert_string_equal(journal_take(),
				    much ? "closing: w=ECANCELED"
					 : "pending: w=0");
	}
}

/* A deadline that was not reached is not waited for. */
static void an_end_in_time_takes_its_deadline_along(void **state)
{
	struct fixture *f = *state;
	int64_t timeout_ns;
	struct ending e;

	ending_begin(&e, f, 0);
	assert_int_equal(rota_request_set_deadline(&e.end.request, &e.deadline,
						   rota_loop_now(f->loop) +
							   ROTA_SEC(3600)),
			 0);
	raw_shutdown(e.c.peer);

	expect_ended(&e, 0);
	(void)rota_loop_next_timeout(f->loop, &timeout_ns);
	assert_int_equal(timeout_ns, -1);
}

static void a_cancel_closes_the_stream(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	for (int much = 0; much < 2; much++) {
		ending_begin(&e, f, much);
		turn(f);

		assert_int_equal(rota_request_cancel(&e.end.request), 0);
		assert_int_equal(e.closes, 0);
		assert_int_equal(rota_request_cancel(&e.end.request),
				 ROTA_EALREADY);
		assert_false(rota_stream_is_ending(&e.c.tcp.stream));

		expect_ended(&e, ROTA_ECANCELED);
	}
}

static void a_close_ends_the_end(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	ending_begin(&e, f, 1);
	assert_int_equal(rota_handle_close_now(&e.c.tcp.handle), ROTA_EBUSY);
	assert_int_equal(rota_stream_detach(&e.c.tcp.stream), ROTA_EBUSY);
	assert_int_equal(rota_handle_close(&e.c.tcp.handle, on_close), 0);
	assert_false(rota_request_is_active(&e.end.request));
	expect_ended(&e, ROTA_ECANCELED);

	ending_begin(&e, f, 1);
	assert_int_equal(rota_stream_close_reset(&e.c.tcp.stream, on_close), 0);
	expect_ended(&e, ROTA_ECANCELED);
}

/* O5 */
static void a_shutdown_of_the_loop_ends_the_end(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	ending_begin(&e, f, 1);
	assert_int_equal(
		rota_request_set_deadline(&e.end.request, &e.deadline,
					  rota_loop_now(f->loop) + ROTA_SEC(9)),
		0);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_int_equal(e.closes, 1);
	assert_int_equal(e.status, ROTA_ECANCELED);
	raw_close(e.c.peer);
}

static void a_reset_is_told_by_the_end(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	for (int much = 0; much < 2; much++) {
		ending_begin(&e, f, much);
		turn(f);
		peer_reset(&e.c);
		run_to_the_end(f);
		assert_true(e.status == ROTA_ECONNRESET ||
			    e.status == ROTA_EPIPE);
		expect_ended(&e, e.status);
	}
}

/* The connection failed before the end, which then closes the stream at
 * once. */
static void an_end_after_a_failure_says_EPIPE(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	ending_prepare(&e, f); /* reading has failed */
	connection_open(&e.c, f, NULL);
	connection_read(&e.c);
	peer_reset(&e.c);
	await_end(e.c.fd);
	RUN_UNTIL(f, e.c.ends == 1);
	assert_int_equal(e.c.status, ROTA_ECONNRESET);
	assert_int_equal(end_it(&e), 0);
	expect_ended(&e, ROTA_EPIPE);

	ending_prepare(&e, f); /* writing has failed */
	connection_open(&e.c, f, NULL);
	fault_fail("send", 1, EPIPE);
	assert_int_equal(rota_stream_send(&e.c.tcp.stream, "x", 1), ROTA_EPIPE);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(end_it(&e), 0);
	expect_ended(&e, ROTA_EPIPE);
}

static void a_shutdown_that_fails_is_told_by_the_end(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	ending_prepare(&e, f);
	connection_open(&e.c, f, NULL);
	fault_fail("shutdown", 1, ENOTCONN);
	assert_int_equal(end_it(&e), 0);
	assert_int_equal(fault_clear(), 1);
	expect_ended(&e, ROTA_ENOTCONN);
}

/* There is no memory for a buffer, but discarding input needs none. */
static void an_end_without_memory_loses_nothing(void **state)
{
	enum { MUCH = 3 << 20 };
	struct fixture *f = *state;
	struct ending e;

	ending_prepare(&e, f);
	connection_open(&e.c, f, NULL);
	assert_true(connection_send(&e.c, MUCH) >= 0);
	assert_int_equal(end_it(&e), 0);
	raw_send(e.c.peer, "x", 1);
	await_input(e.c.fd);
	f->memory.fail_at = f->memory.calls + 1;
	turn(f);
	turn(f);
	assert_true(f->memory.calls >= f->memory.fail_at);
	f->memory.fail_at = 0;

	raw_shutdown(e.c.peer);
	peer_takes_to_the_end(f, &e.c);
	assert_int_equal(e.c.taken, MUCH);
	expect_ended(&e, 0);
}

/* The first registration fails. */
static void an_end_that_cannot_be_registered_says_so(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	if (poller_is(f, "poll")) {
		print_message("skip: poll(2) registers nothing\n");
		skip();
	}
	ending_prepare(&e, f);
	connection_open(&e.c, f, NULL);
	fault_fail(poller_is(f, "epoll") ? "epoll_ctl" : "kevent", 1, ENOSPC);
	assert_int_equal(end_it(&e), 0);
	assert_int_equal(fault_clear(), 1);
	expect_ended(&e, ROTA_ENOSPC);
}

static void an_end_of_what_is_not_connected_says_0(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	ending_prepare(&e, f);
	tcp_init(&e.c.tcp, f);
	e.c.fd = -1;

	assert_int_equal(end_it(&e), 0);

	expect_ended(&e, 0);
}

/* Ending a stream that connects. */

static void an_end_waits_for_the_connect(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct server s;
	struct ending e;

	server_open(&s, f, 8);
	ending_prepare(&e, f);
	tcp_init(&e.c.tcp, f);
	assert_int_equal(attempt_begin(&a, &e.c.tcp, &s.address), 0);
	assert_int_equal(rota_stream_send(&e.c.tcp.stream, "hi", 2), 0);
	assert_int_equal(end_it(&e), 0);
	assert_true(rota_stream_is_ending(&e.c.tcp.stream));
	e.c.fd = -1;
	RUN_UNTIL(f, s.kept == 1);
	assert_int_equal(e.closes, 0);
	await_bytes(s.fds[0], 2);
	server_end(&s);

	run_to_the_end(f);
	assert_int_equal(a.status, 0);
	assert_int_equal(e.closes, 1);
	/* The other side has closed without reading the two, so it sent a
	 * reset. */
	assert_true(e.status == 0 || e.status == ROTA_ECONNRESET);
}

static void a_connect_that_fails_is_told_by_the_end(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct rota_address address = { 0 };
	struct ending e;
	int fd;

	address.is.any.sa_family = AF_INET;
	fd = raw_unheard(&address);
	ending_prepare(&e, f);
	tcp_init(&e.c.tcp, f);
	assert_int_equal(attempt_begin(&a, &e.c.tcp, &address), 0);
	assert_int_equal(end_it(&e), 0);
	e.c.fd = -1;
	run_to_the_end(f);

	assert_int_equal(e.closes, 1);
	assert_int_equal(a.status, ROTA_ECONNREFUSED);
	/* Loopback may refuse within the call. Then there is no connection. */
	assert_true(e.status == 0 || e.status == ROTA_ECONNREFUSED);
	raw_close(fd);
}

static void a_connect_and_its_end_may_both_be_cancelled(void **state)
{
	struct fixture *f = *state;
	struct waiting w;
	struct ending e;

	for (int i = 0; i < 3; i++) {
		ending_prepare(&e, f);
		waiting_begin(&w, f);
		assert_int_equal(
			rota_stream_end_with(&e.end, &w.c.tcp.stream, NULL), 0);
		assert_int_equal(
			rota_request_cancel(i == 0 ? waiting_request(&w)
						   : &e.end.request),
			0);
		assert_true(rota_handle_is_closing(&w.c.tcp.handle));
		assert_false(rota_request_is_active(&e.end.request));
		assert_int_equal(e.end.status, ROTA_ECANCELED);
		run_to_the_end(f);
		assert_int_equal(w.a.calls, 1);
		assert_int_equal(w.a.status, ROTA_ECANCELED);
		journal_take();
		w.c.fd = -1;
		waiting_end(&w);
	}
}

/* Other cases. */

static void a_second_end_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_end second = { .status = 77 };
	struct ending e;

	ending_begin(&e, f, 1);
	assert_int_equal(rota_stream_end_with(&second, &e.c.tcp.stream, NULL),
			 ROTA_EALREADY);
	assert_int_equal(rota_stream_end(&e.c.tcp.stream, NULL), ROTA_EALREADY);
	assert_int_equal(rota_request_cancel(&e.end.request), 0);
	assert_int_equal(rota_stream_end_with(&second, &e.c.tcp.stream, NULL),
			 ROTA_EINVAL);

	expect_ended(&e, ROTA_ECANCELED);
	assert_int_equal(second.status, 77);
	assert_false(rota_request_is_active(&second.request));
}

static void no_request_is_an_end_all_the_same(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	ending_prepare(&e, f);
	connection_open_small(&e.c, f, NULL);
	connection_block(&e.c);
	assert_int_equal(rota_stream_end_with(NULL, &e.c.tcp.stream, on_close),
			 0);
	assert_true(rota_stream_is_ending(&e.c.tcp.stream));
	peer_takes_to_the_end(f, &e.c);
	assert_int_equal(e.c.taken, e.c.produced);
	raw_shutdown(e.c.peer);
	expect_ended(&e, 0);
}

/* L3: the request keeps the loop alive, even if the handle does not. */
static void an_end_keeps_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	ending_begin(&e, f, 0);
	rota_handle_unref(&e.c.tcp.handle);
	assert_true(rota_loop_alive(f->loop));
	raw_shutdown(e.c.peer);
	expect_ended(&e, 0);
}

/* O8: when the deadline of a write passes, the writes before it still leave. */
static void what_is_before_a_write_that_timed_out_leaves(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct rota_write write;
	struct ending e;

	ending_prepare(&e, f);
	connection_open_small(&e.c, f, NULL);
	connection_block(&e.c);
	assert_int_equal(begin_write(&e.c, &write, "w", "x", 1), 0);
	assert_int_equal(rota_request_set_deadline(&write.request, &deadline,
						   rota_loop_now(f->loop)),
			 0);
	assert_int_equal(end_it(&e), 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: w=ETIMEDOUT");
	assert_int_equal(e.closes, 0);
	peer_takes_to_the_end(f, &e.c);
	assert_int_equal(e.c.taken, e.c.produced);

	expect_ended(&e, ROTA_ETIMEDOUT);
}

static void end_in_the_child(void *arg)
{
	struct ending *e = arg;
	struct rota_end end = { .status = 77 };

	EXPECT(rota_stream_end_with(&end, &e->c.tcp.stream, NULL) ==
	       ROTA_ECHILD);
	EXPECT(rota_request_cancel(&e->end.request) == ROTA_ECHILD);
	EXPECT(rota_stream_is_ending(&e->c.tcp.stream));
	EXPECT(e->closes == 0);
	EXPECT(rota_loop_fork(e->f->loop) == 0);
	EXPECT(rota_request_is_active(&e->end.request));
	EXPECT(rota_handle_close(&e->c.tcp.handle, on_close) == 0);
	EXPECT(rota_loop_run(e->f->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(e->closes == 1);
	EXPECT(e->status == ROTA_ECANCELED);
}

/* F2 */
static void a_forked_child_closes_its_own_alone(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	ending_begin(&e, f, 1);

	in_a_child(end_in_the_child, &e);

	assert_int_equal(e.closes, 0);
	peer_takes_to_the_end(f, &e.c);
	assert_int_equal(e.c.taken, e.c.produced);
	raw_shutdown(e.c.peer);
	expect_ended(&e, 0);
}

static void name_it(void *arg, const struct rota_dump_entry *entry)
{
	if (strcmp(entry->type, "end") == 0)
		++*(unsigned *)arg;
}

/* L6 */
static void an_end_is_in_the_dump(void **state)
{
	struct fixture *f = *state;
	struct ending e;
	unsigned count = 0;

	ending_begin(&e, f, 0);
	rota_loop_dump(f->loop, name_it, &count);
	assert_int_equal(count, 1);
	raw_shutdown(e.c.peer);
	expect_ended(&e, 0);
}

static const struct CMUnitTest tests[] = {
	REAL(a_polite_end_says_0),
	REAL(an_end_of_what_has_ended_says_0),
	REAL(a_deadline_closes_the_stream),
	REAL(an_end_in_time_takes_its_deadline_along),
	REAL(a_cancel_closes_the_stream),
	REAL(a_close_ends_the_end),
	REAL(a_shutdown_of_the_loop_ends_the_end),
	REAL(a_reset_is_told_by_the_end),
	REAL(an_end_after_a_failure_says_EPIPE),
	REAL(a_shutdown_that_fails_is_told_by_the_end),
	REAL(an_end_without_memory_loses_nothing),
	REAL(an_end_that_cannot_be_registered_says_so),
	REAL(an_end_of_what_is_not_connected_says_0),
	REAL(an_end_waits_for_the_connect),
	REAL(a_connect_that_fails_is_told_by_the_end),
	REAL(a_connect_and_its_end_may_both_be_cancelled),
	REAL(a_second_end_is_refused),
	REAL(no_request_is_an_end_all_the_same),
	REAL(an_end_keeps_the_loop_alive),
	REAL(what_is_before_a_write_that_timed_out_leaves),
	REAL(a_forked_child_closes_its_own_alone),
	REAL(an_end_is_in_the_dump),
};

FIXTURE_MAIN(tests)
