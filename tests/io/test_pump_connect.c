/*
 * Pumps whose sink is still connecting, to a listener that does not answer.
 */
#include "support/fixture.h"

#include <string.h>

#include "rota/pump.h"
#include "support/streams_more.h"

enum { LARGE = 200000 }; /* more than the high watermark */

struct early {
	struct waiting sink;
	struct rota_memory_stream in, source; /* a pair */
	struct rota_pump pump;
	unsigned calls;
	int status;
};

static void early_called(struct rota_pump *pump, int status)
{
	struct early *e = rota_container_of(pump, struct early, pump);

	e->calls++;
	e->status = status;
}

static void early_begin(struct early *e, struct fixture *f)
{
	e->calls = 0;
	waiting_begin(&e->sink, f);
	assert_int_equal(
		rota_memory_stream_pair(&e->in, &e->source, f->loop, 0), 0);
}

static int early_pump(struct early *e)
{
	return rota_pump_start(&e->pump, &e->source.stream,
			       &e->sink.c.tcp.stream, 0, early_called);
}

static void early_end(struct early *e)
{
	assert_int_equal(rota_handle_close_now(&e->in.handle), 0);
	assert_int_equal(rota_handle_close_now(&e->source.handle), 0);
	(void)journal_take();
	waiting_end(&e->sink);
}

/* The shutdown waits for the connection, and does not end the attempt. */
static void a_sink_may_be_shut_down_before_it_is_connected(void **state)
{
	struct fixture *f = *state;
	struct early e;

	early_begin(&e, f);
	assert_int_equal(early_pump(&e), 0);
	assert_int_equal(rota_stream_shutdown(NULL, &e.sink.c.tcp.stream, NULL),
			 1);
	for (int i = 0; i < 5; i++)
		turn(f);
	assert_int_equal(e.sink.a.calls, 0);
	assert_int_equal(e.calls, 0);

	assert_int_equal(rota_stream_send(&e.in.stream, "x", 1), 0);
	RUN_UNTIL(f, e.calls > 0);
	assert_int_equal(e.status, ROTA_EPIPE);
	assert_int_equal(rota_request_cancel(waiting_request(&e.sink)), 0);
	RUN_UNTIL(f, e.sink.a.calls > 0);
	assert_int_equal(e.sink.a.status, ROTA_ECANCELED);
	early_end(&e);
}

static void fail_to_connect(struct early *e)
{
	struct fixture *f = e->sink.f;

	assert_int_equal(rota_request_cancel(waiting_request(&e->sink)), 0);
	RUN_UNTIL(f, e->calls > 0);
	assert_int_equal(e->status, ROTA_ECANCELED);
	assert_int_equal(e->pump.side, ROTA_PUMP_SINK);
	for (int i = 0; i < 5; i++)
		turn(f);
	assert_int_equal(e->calls, 1);
}

static void a_sink_that_fails_to_connect_ends_the_pump(void **state)
{
	struct early e;

	early_begin(&e, *state);
	assert_int_equal(early_pump(&e), 0);
	fail_to_connect(&e);
	early_end(&e);
}

/* The same when the pump is paused, by a write that is dropped. */
static void a_full_sink_that_fails_to_connect_ends_the_pump(void **state)
{
	static const char zeros[LARGE];
	struct rota_write write;
	struct early e;

	early_begin(&e, *state);
	assert_int_equal(
		begin_write(&e.sink.c, &write, "w", zeros, sizeof(zeros)), 0);
	assert_int_equal(early_pump(&e), 0);
	assert_int_equal(rota_stream_send(&e.in.stream, "x", 1), 0);
	turn(e.sink.f);
	fail_to_connect(&e);
	assert_true(e.pump.bytes == 0);
	early_end(&e);
}

static const struct CMUnitTest tests[] = {
	REAL(a_sink_may_be_shut_down_before_it_is_connected),
	REAL(a_sink_that_fails_to_connect_ends_the_pump),
	REAL(a_full_sink_that_fails_to_connect_ends_the_pump),
};

FIXTURE_MAIN(tests)
