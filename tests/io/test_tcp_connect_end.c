/*
 * The ends of a connect that does not succeed by itself: cancel, deadline,
 * close, and what a callback may do to its handle. A listener that has no room
 * keeps who connects waiting: see jam_open().
 */
#include "support/fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/streams_more.h"

/* A handle that connects to where there is no room. */
struct waiting {
	struct fixture *f;
	struct connection c; /* its tcp */
	struct attempt a;
	struct jam jam;
};

static void connect_closed(struct attempt *a, int status)
{
	journal_note_status(rota_handle_loop(&a->tcp->handle), "connect",
			    status);
}

static void waiting_begin(struct waiting *w, struct fixture *f)
{
	memset(w, 0, sizeof(*w));
	w->f = f;
	w->c.peer = -1;
	w->a.act = connect_closed;
	jam_open(&w->jam, AF_INET);
	assert_int_equal(rota_tcp_init(&w->c.tcp, f->loop), 0);
	rota_handle_set_name(&w->c.tcp.handle, "tcp");
	assert_int_equal(attempt_begin(&w->a, &w->c.tcp, &w->jam.address), 0);
	for (unsigned i = 0; i < 3; i++)
		turn(f);
	assert_int_equal(w->a.calls, 0);
}

static void waiting_end(struct waiting *w)
{
	if (!rota_handle_is_closing(&w->c.tcp.handle))
		assert_int_equal(rota_handle_close_now(&w->c.tcp.handle), 0);
	jam_close(&w->jam);
	assert_string_equal(journal_take(), "");
}

static struct rota_request *request_of(struct waiting *w)
{
	return &w->a.connect.request;
}

/* As if rota_tcp_init() had just been called. */
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

/* --- cancel ---------------------------------------------------------------------- */

/* O6 */
static void a_connect_in_flight_can_be_cancelled(void **state)
{
	struct waiting w;

	waiting_begin(&w, *state);

	assert_int_equal(rota_request_cancel(request_of(&w)), 0);
	assert_int_equal(w.a.calls, 0);
	assert_true(rota_request_is_active(request_of(&w)));
	assert_int_equal(rota_request_cancel(request_of(&w)), ROTA_EALREADY);
	turn(w.f);

	assert_string_equal(journal_take(), "pending: connect=ECANCELED");
	assert_int_equal(rota_request_cancel(request_of(&w)), ROTA_EALREADY);
	run_to_the_end(w.f);
	assert_int_equal(w.a.calls, 1);
	expect_fresh(&w);
	waiting_end(&w);
}

/* O1: what waited for it ends as well. */
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

	assert_int_equal(rota_request_cancel(request_of(&w)), 0);
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

/* O6: of what is written meanwhile, each can be cancelled by itself. */
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

/* --- deadlines ------------------------------------------------------------------- */

/* O8 */
static void a_deadline_ends_a_connect_once(void **state)
{
	struct rota_deadline deadline;
	struct waiting w;

	waiting_begin(&w, *state);
	assert_int_equal(
		rota_request_set_deadline(request_of(&w), &deadline,
					  rota_loop_now(w.f->loop) +
						  ROTA_SEC(5)),
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
	assert_int_equal(rota_request_set_deadline(request_of(&w), &deadline,
						   0),
			 0);

	turn(w.f);
	turn(w.f);

	told_of = journal_take();
	assert_non_null(strstr(told_of, "connect=ETIMEDOUT"));
	assert_non_null(strstr(told_of, "write=ECANCELED"));
	expect_fresh(&w);
	waiting_end(&w);
}

/* O8: a connect that ends in time takes its deadline along. */
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
	assert_int_equal(rota_request_set_deadline(&a.connect.request,
						   &deadline,
						   rota_loop_now(f->loop) +
							   ROTA_SEC(5)),
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

/* O8: a write that times out before the connection is there leaves that be. */
static void a_write_may_time_out_before_the_connect(void **state)
{
	struct rota_deadline deadline;
	struct rota_write first, second;
	struct waiting w;

	waiting_begin(&w, *state);
	assert_int_equal(begin_write(&w.c, &first, "first", "abc", 3), 0);
	assert_int_equal(begin_write(&w.c, &second, "second", "abc", 3), 0);
	assert_int_equal(rota_request_set_deadline(&first.request, &deadline,
						   0),
			 0);
	turn(w.f);
	turn(w.f);

	assert_string_equal(journal_take(), "pending: first=ETIMEDOUT "
					    "second=ECANCELED");
	assert_int_equal(rota_stream_send(&w.c.tcp.stream, "x", 1),
			 ROTA_EPIPE);
	assert_int_equal(w.a.calls, 0);
	assert_int_equal(rota_request_cancel(request_of(&w)), 0);
	turn(w.f);
	assert_string_equal(journal_take(), "pending: connect=ECANCELED");
	expect_fresh(&w);
	waiting_end(&w);
}

/* --- closes ---------------------------------------------------------------------- */

/* O2: its own end, then those of what was written, then the handle's. */
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

	assert_int_equal(rota_request_cancel(request_of(&w)), 0);
	assert_int_equal(rota_handle_close_now(&w.c.tcp.handle), ROTA_EBUSY);
	turn(w.f);
	assert_string_equal(journal_take(), "pending: connect=ECANCELED");
	waiting_end(&w);
}

/* O2: what had ended keeps its own status. */
static void a_close_after_a_cancel_leaves_one_end(void **state)
{
	struct waiting w;

	waiting_begin(&w, *state);
	assert_int_equal(rota_request_cancel(request_of(&w)), 0);
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
	assert_int_equal(rota_request_set_deadline(request_of(&w), &deadline,
						   0),
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

/* O5: nothing new begins. */
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

/* --- what the callback may do to its handle (O4) ---------------------------------- */

struct mortal {
	struct rota_tcp tcp;
	struct attempt a;
};

static unsigned deaths;

static struct mortal *mortal_of(struct attempt *a)
{
	return rota_container_of(a, struct mortal, a);
}

static void free_closed(struct rota_handle *handle)
{
	deaths++;
	free(rota_container_of(handle, struct mortal, tcp.handle));
}

static void close_in_call(struct attempt *a, int status)
{
	(void)status;
	assert_int_equal(
		rota_handle_close(&mortal_of(a)->tcp.handle, free_closed), 0);
}

static void reset_in_call(struct attempt *a, int status)
{
	(void)status;
	assert_int_equal(rota_stream_close_reset(&mortal_of(a)->tcp.stream,
						 free_closed),
			 0);
}

static void end_in_call(struct attempt *a, int status)
{
	(void)status;
	assert_int_equal(
		rota_stream_end(&mortal_of(a)->tcp.stream, free_closed), 0);
}

static void free_in_call(struct attempt *a, int status)
{
	struct mortal *m = mortal_of(a);

	(void)status;
	assert_int_equal(rota_handle_close_now(&m->tcp.handle), 0);
	deaths++;
	memset(m, 0xa5, sizeof(*m));
	free(m);
}

static void detach_in_call(struct attempt *a, int status)
{
	struct mortal *m = mortal_of(a);
	int fd = rota_stream_detach(&m->tcp.stream);

	if (status < 0) {
		assert_int_equal(fd, ROTA_ENOTCONN);
		free_in_call(a, status);
		return;
	}
	assert_true(fd >= 0);
	raw_close(fd);
	deaths++;
	memset(m, 0xa5, sizeof(*m));
	free(m);
}

static void (*const acts[])(struct attempt *, int) = {
	close_in_call, reset_in_call,  end_in_call,
	free_in_call,  detach_in_call,
};

enum { ACTS = sizeof(acts) / sizeof(acts[0]) };

/* Connects to @address, having sent something if @sends, and waits for the
 * death that its callback brings. */
static void expect_death(struct fixture *f, const struct rota_address *address,
			 void (*act)(struct attempt *, int), int sends)
{
	struct mortal *m = malloc(sizeof(*m));

	assert_non_null(m);
	memset(m, 0, sizeof(*m));
	deaths = 0;
	assert_int_equal(rota_tcp_init(&m->tcp, f->loop), 0);
	m->a.act = act;
	assert_int_equal(attempt_begin(&m->a, &m->tcp, address), 0);
	if (sends)
		assert_int_equal(rota_stream_send(&m->tcp.stream, "x", 1), 0);
	RUN_UNTIL(f, deaths > 0);
	assert_int_equal(deaths, 1);
}

static void answer_the_end(struct server *s, int status, int fd)
{
	(void)s;
	assert_int_equal(status, 0);
	raw_shutdown(fd);
	server_keep(s, fd);
}

static void a_callback_may_end_the_handle_that_has_connected(void **state)
{
	struct fixture *f = *state;
	struct server s;

	server_open(&s, f, 64);
	s.act = answer_the_end;
	for (unsigned i = 0; i < ACTS; i++) {
		expect_death(f, &s.address, acts[i], 0);
		expect_death(f, &s.address, acts[i], 1);
	}
	RUN_UNTIL(f, s.accepted == 2 * ACTS);
	server_end(&s);
}

static void a_callback_may_end_the_handle_that_was_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_address nowhere = { .is.any.sa_family = AF_INET };
	int fd = raw_unheard(&nowhere);

	for (unsigned i = 0; i < ACTS; i++) {
		expect_death(f, &nowhere, acts[i], 0);
		expect_death(f, &nowhere, acts[i], 1);
	}
	raw_close(fd);
}

/* The system says so at once: the pending phase. */
static void a_callback_may_end_the_handle_of_an_immediate_failure(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;

	assert_int_equal(rota_address_ip(&address, "255.255.255.255", 80), 0);
	for (unsigned i = 0; i < ACTS; i++)
		expect_death(f, &address, acts[i], 0);
}

/* --- rota_stream_end() meanwhile --------------------------------------------------- */

static unsigned ended;

static void count_end(struct rota_handle *handle)
{
	(void)handle;
	ended++;
}

static void an_end_meanwhile_waits_for_the_connection(void **state)
{
	struct fixture *f = *state;
	struct connection c = { .peer = -1 };
	struct attempt a = { 0 };
	struct server s;
	char text[5];

	ended = 0;
	server_open(&s, f, 8);
	assert_int_equal(rota_tcp_init(&c.tcp, f->loop), 0);
	assert_int_equal(attempt_begin(&a, &c.tcp, &s.address), 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "adieu", 5), 0);

	assert_int_equal(rota_stream_end(&c.tcp.stream, count_end), 0);
	assert_int_equal(rota_stream_end(&c.tcp.stream, count_end),
			 ROTA_EALREADY);
	RUN_UNTIL(f, s.kept > 0);
	raw_read(s.fds[0], text, 5);
	assert_memory_equal(text, "adieu", 5);
	assert_int_equal(raw_end(s.fds[0]), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	assert_int_equal(ended, 0);
	raw_shutdown(s.fds[0]);
	RUN_UNTIL(f, ended > 0);

	assert_int_equal(ended, 1);
	server_end(&s);
}

static void an_end_meanwhile_ends_with_a_failure(void **state)
{
	struct fixture *f = *state;
	struct rota_address nowhere = { .is.any.sa_family = AF_INET };
	struct connection c = { .peer = -1 };
	struct attempt a = { .act = connect_closed };
	int fd = raw_unheard(&nowhere);

	assert_int_equal(rota_tcp_init(&c.tcp, f->loop), 0);
	rota_handle_set_name(&c.tcp.handle, "tcp");
	assert_int_equal(attempt_begin(&a, &c.tcp, &nowhere), 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "adieu", 5), 0);

	assert_int_equal(rota_stream_end(&c.tcp.stream, note_closed), 0);
	run_to_the_end(f);

	assert_int_equal(a.calls, 1);
	assert_string_equal(journal_take(),
			    "closing: connect=ECONNREFUSED tcp");
	raw_close(fd);
}

static void an_end_meanwhile_ends_with_a_cancel(void **state)
{
	struct waiting w;

	waiting_begin(&w, *state);
	assert_int_equal(rota_stream_end(&w.c.tcp.stream, note_closed), 0);
	turn(w.f);
	assert_string_equal(journal_take(), "");

	assert_int_equal(rota_request_cancel(request_of(&w)), 0);
	run_to_the_end(w.f);

	assert_string_equal(journal_take(), "closing: connect=ECANCELED tcp");
	waiting_end(&w);
}

static void an_end_meanwhile_ends_with_a_deadline(void **state)
{
	struct rota_deadline deadline;
	struct waiting w;

	waiting_begin(&w, *state);
	assert_int_equal(rota_stream_end(&w.c.tcp.stream, note_closed), 0);
	assert_int_equal(rota_request_set_deadline(request_of(&w), &deadline,
						   0),
			 0);
	run_to_the_end(w.f);

	assert_string_equal(journal_take(), "closing: connect=ETIMEDOUT tcp");
	waiting_end(&w);
}

/* The close is what counts. */
static void a_close_overtakes_an_end_meanwhile(void **state)
{
	struct waiting w;

	ended = 0;
	waiting_begin(&w, *state);
	assert_int_equal(rota_stream_end(&w.c.tcp.stream, count_end), 0);

	assert_int_equal(rota_handle_close(&w.c.tcp.handle, note_closed), 0);
	run_to_the_end(w.f);

	assert_int_equal(ended, 0);
	assert_string_equal(journal_take(), "closing: connect=ECANCELED tcp");
	waiting_end(&w);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_connect_in_flight_can_be_cancelled),
	VIRTUAL(a_cancel_ends_what_was_written_meanwhile),
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
	REAL(a_callback_may_end_the_handle_that_has_connected),
	REAL(a_callback_may_end_the_handle_that_was_refused),
	REAL(a_callback_may_end_the_handle_of_an_immediate_failure),
	REAL(an_end_meanwhile_waits_for_the_connection),
	REAL(an_end_meanwhile_ends_with_a_failure),
	VIRTUAL(an_end_meanwhile_ends_with_a_cancel),
	VIRTUAL(an_end_meanwhile_ends_with_a_deadline),
	VIRTUAL(a_close_overtakes_an_end_meanwhile),
};

FIXTURE_MAIN(tests)
