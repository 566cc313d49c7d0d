/*
 * Connects that do not succeed: they are cancelled, their deadline passes, or
 * the handle is closed. A listener whose queue is full keeps a connect waiting:
 * see jam_open().
 */
#include "support/fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "support/fault.h"
#include "support/streams_more.h"

/* As after rota_tcp_init(). */
static void expect_fresh(struct waiting *w)
{
	struct attempt a = { 0 };
	struct server s;

	assert_int_equal(handle_fd(&w->c.tcp.handle), -1);
	assert_false(rota_handle_is_active(&w->c.tcp.handle));
	assert_int_equal(rota_stream_queued(&w->c.tcp.stream), 0);
	server_open(&s, w->f, 8);
	assert_int_equal(attempt_begin(&a, &w->c.tcp, &s.address), 0);
	assert_int_equal(attempt_end(w->f, &a), 0);
	RUN_UNTIL(w->f, s.kept > 0);
	assert_int_equal(rota_stream_send(&w->c.tcp.stream, "x", 1), 0);
	await_bytes(s.fds[0], 1);
	assert_int_equal(rota_handle_close_now(&w->c.tcp.handle), 0);
	server_end(&s);
}

/* Cancel. */

/* O6 */
static void a_connect_in_flight_can_be_cancelled(void **state)
{
	struct waiting w;

	waiting_begin(&w, *state);

	assert_int_equal(rota_request_cancel(waiting_request(&w)), 0);
	assert_int_equal(w.a.calls, 0);
	assert_true(rota_request_is_active(waiting_request(&w)));
	assert_int_equal(rota_request_cancel(waiting_request(&w)),
			 ROTA_EALREADY);
	turn(w.f);

	assert_string_equal(journal_take(), "pending: connect=ECANCELED");
	assert_int_equal(rota_request_cancel(waiting_request(&w)),
			 ROTA_EALREADY);
	run_to_the_end(w.f);
	assert_int_equal(w.a.calls, 1);
	expect_fresh(&w);
	waiting_end(&w);
}

/* A shutdown without a request is reported by on_drain, and then the stream
 * can be connected again, and written. */
static void a_cancel_ends_a_shutdown_without_a_request(void **state)
{
	struct waiting w;

	waiting_begin(&w, *state);
	rota_stream_on_drain(&w.c.tcp.stream, count_drain);
	assert_int_equal(rota_stream_shutdown(NULL, &w.c.tcp.stream, NULL), 1);
	assert_int_equal(rota_request_cancel(waiting_request(&w)), 0);
	turn(w.f);
	assert_string_equal(journal_take(), "pending: connect=ECANCELED");
	turn(w.f);
	assert_int_equal(w.c.drains, 1);
	assert_int_equal(w.c.drain_status, ROTA_ECANCELED);
	run_to_the_end(w.f);
	expect_fresh(&w);
	assert_int_equal(w.c.drains, 1);
	waiting_end(&w);
}

/* O1: what waited for the connection completes, too. */
static void a_cancel_ends_what_was_written_meanwhile(void **state)
{
	struct rota_shutdown shutdown;
	struct rota_write write;
	const char *told_of;
	struct waiting w;

	waiting_begin(&w, *state);
	rota_stream_on_drain(&w.c.tcp.stream, count_drain);
	assert_int_equal(connection_send(&w.c, 100000), 1);
	assert_int_equal(begin_write(&w.c, &write, "write", "abc", 3), 0);
	assert_int_equal(begin_shutdown(&w.c, &shutdown, "shutdown"), 0);

	assert_int_equal(rota_request_cancel(waiting_request(&w)), 0);
	turn(w.f);
	turn(w.f);

	told_of = journal_take();
	assert_non_null(strstr(told_of, "connect=ECANCELED"));
	assert_non_null(strstr(told_of, "write=ECANCELED"));
	assert_non_null(strstr(told_of, "shutdown=ECANCELED"));
	assert_int_equal(w.c.drains, 1);
	assert_true(w.c.drain_status < 0);
	expect_fresh(&w);
	waiting_end(&w);
}

/* O6: each write that is queued meanwhile can be cancelled separately. */
static void what_is_written_meanwhile_can_be_cancelled(void **state)
{
	struct fixture *f = *state;
	struct rota_write first, second;
	struct connection c = { .peer = -1 };
	struct attempt a = { 0 };
	struct server s;
	char text[8];

	server_open(&s, f, 8);
	assert_int_equal(rota_tcp_init(&c.tcp, f->loop), 0);
	assert_int_equal(attempt_begin(&a, &c.tcp, &s.address), 0);
	assert_int_equal(begin_write(&c, &first, "first", "123", 3), 0);
	assert_int_equal(begin_write(&c, &second, "second", "456", 3), 0);

	assert_int_equal(rota_request_cancel(&first.request), 0);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 3);
	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0 && !rota_request_is_active(&second.request) &&
			     !rota_request_is_active(&first.request));

	raw_read(s.fds[0], text, 3);
	assert_memory_equal(text, "456", 3);
	assert_non_null(strstr(journal_take(), "first=ECANCELED"));
	assert_int_equal(rota_handle_close_now(&c.tcp.handle), 0);
	assert_int_equal(raw_end(s.fds[0]), 0);
	server_end(&s);
}

/* O6: a cancel that comes too late changes nothing. */
static void a_connect_that_has_ended_is_not_cancelled(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);

	assert_int_equal(rota_request_cancel(&a.connect.request),
			 ROTA_EALREADY);
	turn(f);

	assert_int_equal(a.calls, 1);
	assert_int_equal(rota_stream_send(&tcp.stream, "x", 1), 0);
	assert_int_equal(rota_handle_close_now(&tcp.handle), 0);
	server_end(&s);
}

/* Deadlines. */

/* O8 */
static void a_deadline_ends_a_connect_once(void **state)
{
	struct rota_deadline deadline;
	struct waiting w;

	waiting_begin(&w, *state);
	assert_int_equal(rota_request_set_deadline(
				 waiting_request(&w), &deadline,
				 rota_loop_now(w.f->loop) + ROTA_SEC(5)),
			 0);
	assert_int_equal(rota_loop_advance(w.f->loop, ROTA_SEC(5) - 1), 0);
	turn(w.f);
	assert_string_equal(journal_take(), "");

	assert_int_equal(rota_loop_advance(w.f->loop, 1), 0);
	turn(w.f);

	assert_string_equal(journal_take(), "pending: connect=ETIMEDOUT");
	assert_int_equal(rota_loop_advance(w.f->loop, ROTA_SEC(500)), 0);
	run_to_the_end(w.f);
	assert_int_equal(w.a.calls, 1);
	expect_fresh(&w);
	waiting_end(&w);
}

/* O8 */
static void a_deadline_takes_what_was_written_along(void **state)
{
	struct rota_deadline deadline;
	struct rota_write write;
	const char *told_of;
	struct waiting w;

	waiting_begin(&w, *state);
	assert_int_equal(begin_write(&w.c, &write, "write", "abc", 3), 0);
	assert_int_equal(
		rota_request_set_deadline(waiting_request(&w), &deadline, 0),
		0);

	turn(w.f);
	turn(w.f);

	told_of = journal_take();
	assert_non_null(strstr(told_of, "connect=ETIMEDOUT"));
	assert_non_null(strstr(told_of, "write=ECANCELED"));
	expect_fresh(&w);
	waiting_end(&w);
}

/* O8: if the connect completes in time, its deadline is stopped. */
static void a_connect_in_time_has_no_deadline_left(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(
		rota_request_set_deadline(&a.connect.request, &deadline,
					  rota_loop_now(f->loop) + ROTA_SEC(5)),
		0);
	assert_int_equal(attempt_end(f, &a), 0);
	server_end(&s);

	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_advance(f->loop, ROTA_SEC(10)), 0);
	turn(f);

	assert_int_equal(a.calls, 1);
	assert_int_equal(rota_stream_send(&tcp.stream, "x", 1), 0);
	assert_int_equal(rota_handle_close_now(&tcp.handle), 0);
}

/* O8: a write that times out before the connection is established does not end
 * the connect. */
static void a_write_may_time_out_before_the_connect(void **state)
{
	struct rota_deadline deadline;
	struct rota_write first, second;
	struct waiting w;

	waiting_begin(&w, *state);
	assert_int_equal(begin_write(&w.c, &first, "first", "abc", 3), 0);
	assert_int_equal(begin_write(&w.c, &second, "second", "abc", 3), 0);
	assert_int_equal(
		rota_request_set_deadline(&first.request, &deadline, 0), 0);
	turn(w.f);
	turn(w.f);

	assert_string_equal(journal_take(), "pending: first=ETIMEDOUT "
					    "second=ECANCELED");
	assert_int_equal(rota_stream_send(&w.c.tcp.stream, "x", 1), ROTA_EPIPE);
	assert_int_equal(w.a.calls, 0);
	assert_int_equal(rota_request_cancel(waiting_request(&w)), 0);
	turn(w.f);
	assert_string_equal(journal_take(), "pending: connect=ECANCELED");
	expect_fresh(&w);
	waiting_end(&w);
}

/* Closes. */

/* O2: first the connect completes, then queued writes, and then the handle. */
static void a_close_ends_a_connect_first(void **state)
{
	struct rota_shutdown shutdown;
	struct rota_write write;
	struct waiting w;

	waiting_begin(&w, *state);
	assert_int_equal(rota_stream_send(&w.c.tcp.stream, "x", 1), 0);
	assert_int_equal(begin_write(&w.c, &write, "write", "abc", 3), 0);
	assert_int_equal(begin_shutdown(&w.c, &shutdown, "shutdown"), 0);

	assert_int_equal(rota_handle_close(&w.c.tcp.handle, note_closed), 0);
	assert_string_equal(journal_take(), "");
	run_to_the_end(w.f);

	assert_string_equal(journal_take(),
			    "closing: connect=ECANCELED write=ECANCELED "
			    "shutdown=ECANCELED tcp");
	waiting_end(&w);
}

static void a_reset_ends_a_connect_as_a_close_does(void **state)
{
	struct waiting w;

	waiting_begin(&w, *state);

	assert_int_equal(rota_stream_close_reset(&w.c.tcp.stream, note_closed),
			 0);
	run_to_the_end(w.f);

	assert_string_equal(journal_take(), "closing: connect=ECANCELED tcp");
	waiting_end(&w);
}

/* O3 */
static void a_connect_in_flight_keeps_close_now_out(void **state)
{
	struct waiting w;

	waiting_begin(&w, *state);

	assert_int_equal(rota_handle_close_now(&w.c.tcp.handle), ROTA_EBUSY);
	assert_int_equal(rota_stream_detach(&w.c.tcp.stream), ROTA_EBUSY);

	assert_int_equal(rota_request_cancel(waiting_request(&w)), 0);
	assert_int_equal(rota_handle_close_now(&w.c.tcp.handle), ROTA_EBUSY);
	turn(w.f);
	assert_string_equal(journal_take(), "pending: connect=ECANCELED");
	waiting_end(&w);
}

/* O2: a request that has completed keeps its status. */
static void a_close_after_a_cancel_leaves_one_end(void **state)
{
	struct waiting w;

	waiting_begin(&w, *state);
	assert_int_equal(rota_request_cancel(waiting_request(&w)), 0);
	assert_int_equal(rota_handle_close(&w.c.tcp.handle, note_closed), 0);
	run_to_the_end(w.f);

	assert_string_equal(journal_take(), "closing: connect=ECANCELED tcp");
	assert_int_equal(w.a.calls, 1);
	waiting_end(&w);
}

static void a_close_in_the_turn_of_the_deadline_leaves_one_end(void **state)
{
	struct rota_deadline deadline;
	struct waiting w;

	waiting_begin(&w, *state);
	assert_int_equal(
		rota_request_set_deadline(waiting_request(&w), &deadline, 0),
		0);
	assert_int_equal(rota_handle_close(&w.c.tcp.handle, note_closed), 0);
	run_to_the_end(w.f);

	assert_int_equal(w.a.calls, 1);
	assert_non_null(strstr(journal_take(), " tcp"));
	waiting_end(&w);
}

/* O5 */
static void a_shutdown_ends_a_connect(void **state)
{
	struct waiting w;

	waiting_begin(&w, *state);

	assert_int_equal(rota_loop_shutdown(w.f->loop, UINT64_MAX), 0);

	w.f->loop = NULL;
	assert_string_equal(journal_take(), "closing: connect=ECANCELED");
	jam_close(&w.jam);
}

static void connect_on_shutdown(struct attempt *a, int status)
{
	struct rota_tcp *other = a->arg;
	struct rota_loop *loop = rota_handle_loop(&a->tcp->handle);

	assert_int_equal(status, ROTA_ECANCELED);
	assert_int_equal(rota_tcp_init(other, loop), ROTA_ESHUTDOWN);
	assert_int_equal(rota_tcp_open(other, loop, 0), ROTA_ESHUTDOWN);
}

/* O5: no new handle can be opened. */
static void a_loop_that_shuts_down_makes_no_new_handles(void **state)
{
	struct rota_tcp other;
	struct waiting w;

	waiting_begin(&w, *state);
	w.a.act = connect_on_shutdown;
	w.a.arg = &other;

	assert_int_equal(rota_loop_shutdown(w.f->loop, UINT64_MAX), 0);

	w.f->loop = NULL;
	assert_int_equal(w.a.calls, 1);
	jam_close(&w.jam);
}

/* A signal. */

struct interrupted {
	struct rota_tcp tcp;
	const struct rota_address *address;
};

/* An interrupted connect(2) continues in the background. */
static void begin_to_connect(void *arg)
{
	struct interrupted *i = arg;

	assert_int_equal(connect(rota_stream_fd(&i->tcp.stream),
				 &i->address->is.any,
				 (socklen_t)i->address->size),
			 -1);
	assert_int_equal(errno, EINPROGRESS);
}

static int interrupt(struct fixture *f, struct interrupted *i,
		     const struct rota_address *address)
{
	struct attempt a = { 0 };
	int status;

	tcp_init(&i->tcp, f);
	i->address = address;
	fault_fail_after("connect", 1, EINTR, begin_to_connect, i);
	fault_count_reset();
	assert_int_equal(attempt_begin(&a, &i->tcp, address), 0);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(fault_count("connect"), 2); /* it is not repeated */
	status = attempt_end(f, &a);
	assert_int_equal(a.calls, 1);
	return status;
}

/* connect(2): a call that a signal has interrupted has not failed, and must not
 * be made again. */
static void a_connect_that_is_interrupted_goes_on(void **state)
{
	struct fixture *f = *state;
	struct rota_address nowhere = { 0 };
	struct interrupted i;
	struct server s;
	int fd;

	server_open(&s, f, 8);
	assert_int_equal(interrupt(f, &i, &s.address), 0);
	tcp_expect_talk(f, &i.tcp, &s);
	tcp_end(&i.tcp);
	server_end(&s);

	nowhere.is.any.sa_family = AF_INET;
	fd = raw_unheard(&nowhere);
	assert_int_equal(interrupt(f, &i, &nowhere), ROTA_ECONNREFUSED);
	tcp_expect_fresh(&i.tcp);
	tcp_end(&i.tcp);
	raw_close(fd);
}

static const struct CMUnitTest tests[] = {
	REAL(a_connect_that_is_interrupted_goes_on),
	VIRTUAL(a_connect_in_flight_can_be_cancelled),
	VIRTUAL(a_cancel_ends_what_was_written_meanwhile),
	VIRTUAL(a_cancel_ends_a_shutdown_without_a_request),
	REAL(what_is_written_meanwhile_can_be_cancelled),
	REAL(a_connect_that_has_ended_is_not_cancelled),
	VIRTUAL(a_deadline_ends_a_connect_once),
	VIRTUAL(a_deadline_takes_what_was_written_along),
	VIRTUAL(a_connect_in_time_has_no_deadline_left),
	VIRTUAL(a_write_may_time_out_before_the_connect),
	VIRTUAL(a_close_ends_a_connect_first),
	VIRTUAL(a_reset_ends_a_connect_as_a_close_does),
	VIRTUAL(a_connect_in_flight_keeps_close_now_out),
	VIRTUAL(a_close_after_a_cancel_leaves_one_end),
	VIRTUAL(a_close_in_the_turn_of_the_deadline_leaves_one_end),
	VIRTUAL(a_shutdown_ends_a_connect),
	VIRTUAL(a_loop_that_shuts_down_makes_no_new_handles),
};

FIXTURE_MAIN(tests)
