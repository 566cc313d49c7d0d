/*
 * Closing a handle that connects: in the callback of its connect, and by
 * rota_stream_end() before that.
 */
#include "support/fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/streams_more.h"

/* What the callback may do to its handle (O4). */

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
	assert_int_equal(
		rota_stream_close_reset(&mortal_of(a)->tcp.stream, free_closed),
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
	close_in_call, reset_in_call, end_in_call, free_in_call, detach_in_call,
};

enum { ACTS = sizeof(acts) / sizeof(acts[0]) };

/* Connect to @address, send something first if @sends, and wait until the
 * callback has closed the handle. */
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

/* The system reports it at once, so it comes in the pending phase. */
static void a_callback_may_end_the_handle_of_an_immediate_failure(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;

	assert_int_equal(rota_address_ip(&address, "255.255.255.255", 80), 0);
	for (unsigned i = 0; i < ACTS; i++)
		expect_death(f, &address, acts[i], 0);
}

/* rota_stream_end() while it connects. */

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
	struct attempt a = { .act = attempt_note };
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

	assert_int_equal(rota_request_cancel(waiting_request(&w)), 0);
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
	assert_int_equal(
		rota_request_set_deadline(waiting_request(&w), &deadline, 0),
		0);
	run_to_the_end(w.f);

	assert_string_equal(journal_take(), "closing: connect=ETIMEDOUT tcp");
	waiting_end(&w);
}

/* The close takes precedence. */
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
