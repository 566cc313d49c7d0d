/*
 * Pumps between two streams of every pair of classes: bytes, backpressure,
 * half-close, errors of either side, stops and closes; and proxies.
 */
#include "support/fixture.h"

#include <errno.h>
#include <string.h>

#include "rota/pump.h"
#include "support/fault.h"
#include "support/link.h"
#include "support/streams_more.h"

enum { LARGE = 1500000, PIECE = 1 << 14 };

/* in.a sends to in.b, which is pumped to out.a, and out.b reads it. */
struct chain {
	struct fixture *f;
	struct link in, out;
	struct rota_pump pump;
	unsigned calls;
	int status;
	size_t most; /* queued at the sink */
};

static struct chain *chain_of(struct rota_pump *pump)
{
	return rota_container_of(pump, struct chain, pump);
}

static void pump_called(struct rota_pump *pump, int status)
{
	chain_of(pump)->calls++;
	chain_of(pump)->status = status;
}

static void chain_open(struct chain *c, struct fixture *f, int in, int out)
{
	c->f = f;
	c->calls = 0;
	c->most = 0;
	link_open(&c->in, f, (enum link_kind)in);
	link_open(&c->out, f, (enum link_kind)out);
}

static int chain_pump(struct chain *c, unsigned flags)
{
	return rota_pump_start(&c->pump, c->in.b.stream, c->out.a.stream, flags,
			       pump_called);
}

/* Close both, and do not run the loop, which the other link may keep alive. */
static void link_drop(struct link *link)
{
	struct rota_handle *handles[] = { &link->a.stream->handle,
					  &link->b.stream->handle };

	for (int i = 0; i < 2; i++)
		if (!rota_handle_is_closing(handles[i]))
			assert_int_equal(rota_handle_close_now(handles[i]), 0);
}

static void chain_end(struct chain *c)
{
	if (rota_request_is_active(&c->pump.request))
		assert_int_equal(rota_pump_stop(&c->pump), 0);
	RUN_UNTIL(c->f, c->calls > 0);
	link_drop(&c->in);
	link_drop(&c->out);
	run_to_the_end(c->f);
}

static void each_pair(struct fixture *f, unsigned flags,
		      void (*test)(struct chain *c))
{
	struct chain c;

	for (int in = 0; in < LINK_KINDS; in++)
		for (int out = 0; out < LINK_KINDS; out++) {
			chain_open(&c, f, in, out);
			assert_int_equal(chain_pump(&c, flags), 0);
			assert_int_equal(c.calls, 0);
			test(&c);
			chain_end(&c);
		}
}

static void measure(struct chain *c)
{
	size_t queued = rota_stream_queued(c->out.a.stream);

	if (queued > c->most)
		c->most = queued;
}

/* Send @size bytes in all, and let what is not taken wait. */
static void feed(struct chain *c, size_t size)
{
	while (c->in.a.sent < size && rota_stream_queued(c->in.a.stream) == 0)
		assert_true(end_send(&c->in.a, size - c->in.a.sent < PIECE
						       ? size - c->in.a.sent
						       : PIECE) >= 0);
}

static void pass_all(struct chain *c, size_t size)
{
	uint64_t until = real_now() + ROTA_SEC(40);

	while (c->out.b.got < size) {
		feed(c, size);
		turn(c->f);
		measure(c);
		out_of_time(until, __FILE__, __LINE__);
	}
	assert_int_equal(c->out.b.wrong, 0);
}

static void check_pass(struct chain *c)
{
	end_start(&c->out.b);
	pass_all(c, LARGE);
	assert_int_equal(c->calls, 0);
	assert_int_equal(rota_stream_shutdown(NULL, c->in.a.stream, NULL) < 0,
			 0);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_int_equal(c->status, 0);
	assert_int_equal(c->pump.side, ROTA_PUMP_NEITHER);
	assert_true(c->pump.bytes == LARGE);
	RUN_UNTIL(c->f, c->out.b.ends > 0);
	assert_int_equal(c->out.b.status, ROTA_EOF);
	assert_int_equal(end_send(&c->out.a, 1), ROTA_EPIPE);
}

static void everything_passes_and_then_the_end(void **state)
{
	each_pair(*state, 0, check_pass);
}

static void check_open(struct chain *c)
{
	end_start(&c->out.b);
	pass_all(c, 100000);
	assert_int_equal(rota_stream_shutdown(NULL, c->in.a.stream, NULL) < 0,
			 0);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_int_equal(c->status, 0);
	assert_int_equal(c->out.b.ends, 0);
	c->out.a.sent = c->in.a.sent;
	assert_true(end_send(&c->out.a, 10) >= 0); /* it is still open */
	RUN_UNTIL(c->f, c->out.b.got == 100010);
	assert_int_equal(c->out.b.wrong, 0);
}

static void a_sink_may_stay_open(void **state)
{
	each_pair(*state, ROTA_PUMP_KEEP_OPEN, check_open);
}

/* The sink stalls: what is queued stays bounded, and nothing spins. */
static void check_stall(struct chain *c)
{
	size_t passed;

	for (int round = 0; round < 3; round++) {
		rota_stream_read_stop(c->out.b.stream);
		for (int i = 0; i < 200; i++) {
			feed(c, LARGE);
			turn(c->f);
			measure(c);
		}
		passed = c->out.b.got;
		turn(c->f);
		assert_int_equal(c->out.b.got, passed);
		end_start(&c->out.b);
		pass_all(c, passed + 100000 < LARGE ? passed + 100000 : LARGE);
	}
	assert_in_range(c->most, 1, ROTA_HIGH_WATERMARK + ROTA_BUFFER_SIZE);
	pass_all(c, LARGE);
}

static void a_sink_that_stalls_holds_the_source_back(void **state)
{
	each_pair(*state, 0, check_stall);
}

static void check_reset_source(struct chain *c)
{
	end_start(&c->out.b);
	pass_all(c, 1000);
	assert_int_equal(rota_stream_close_reset(c->in.a.stream, NULL), 0);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_int_equal(c->status, ROTA_ECONNRESET);
	assert_int_equal(c->pump.side, ROTA_PUMP_SOURCE);
	assert_int_equal(end_send(&c->out.a, 1), 0); /* it is the user's */
}

static void the_error_of_a_source_is_told(void **state)
{
	each_pair(*state, 0, check_reset_source);
}

static void check_reset_sink(struct chain *c)
{
	assert_int_equal(rota_stream_close_reset(c->out.b.stream, NULL), 0);
	while (c->calls == 0) {
		if (rota_stream_queued(c->in.a.stream) == 0)
			(void)end_send(&c->in.a, PIECE);
		turn(c->f);
	}
	assert_true(c->status == ROTA_EPIPE || c->status == ROTA_ECONNRESET);
	assert_int_equal(c->pump.side, ROTA_PUMP_SINK);
	end_start(&c->in.b); /* it is the user's */
}

static void the_error_of_a_sink_is_told(void **state)
{
	each_pair(*state, 0, check_reset_sink);
}

/* Also while it is held back. */
static void check_reset_pressed(struct chain *c)
{
	for (int i = 0; i < 200; i++) {
		feed(c, 100 * LARGE);
		turn(c->f);
	}
	assert_int_equal(rota_stream_close_reset(c->out.b.stream, NULL), 0);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_true(c->status < 0);
	assert_int_equal(c->pump.side, ROTA_PUMP_SINK);
}

static void the_error_of_a_sink_that_stalls_is_told(void **state)
{
	each_pair(*state, 0, check_reset_pressed);
}

/* Nothing is lost by a stop: the rest is read by the program. */
static void check_stop(struct chain *c)
{
	for (int i = 0; i < 200; i++) {
		feed(c, 100 * LARGE);
		turn(c->f);
	}
	assert_int_equal(rota_pump_stop(&c->pump), 0);
	assert_int_equal(rota_pump_stop(&c->pump), ROTA_EALREADY);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_int_equal(c->status, ROTA_ECANCELED);
	assert_int_equal(c->pump.side, ROTA_PUMP_NEITHER);

	end_start(&c->out.b);
	RUN_UNTIL(c->f, c->out.b.got == c->pump.bytes);
	c->in.b.got = (size_t)c->pump.bytes;
	end_start(&c->in.b);
	RUN_UNTIL(c->f, c->in.b.got == c->in.a.sent);
	assert_int_equal(c->out.b.wrong + c->in.b.wrong, 0);
	/* on_drain is the program's again. */
	assert_int_equal(c->out.a.drains, 1);
}

static void a_stop_loses_nothing(void **state)
{
	each_pair(*state, 0, check_stop);
}

static void check_close_source(struct chain *c)
{
	assert_int_equal(rota_handle_close(&c->in.b.stream->handle, end_closed),
			 0);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_int_equal(c->status, ROTA_ECANCELED);
	assert_int_equal(c->pump.side, ROTA_PUMP_SOURCE);
}

static void check_close_sink(struct chain *c)
{
	assert_int_equal(rota_handle_close_now(&c->out.a.stream->handle),
			 ROTA_EBUSY);
	assert_int_equal(
		rota_handle_close(&c->out.a.stream->handle, end_closed), 0);
	RUN_UNTIL(c->f, c->out.a.closes > 0);
	assert_int_equal(c->calls, 1);
	assert_int_equal(c->status, ROTA_ECANCELED);
	assert_int_equal(c->pump.side, ROTA_PUMP_SINK);
}

static void check_close_both(struct chain *c)
{
	assert_int_equal(rota_handle_close(&c->in.b.stream->handle, end_closed),
			 0);
	assert_int_equal(
		rota_handle_close(&c->out.a.stream->handle, end_closed), 0);
	RUN_UNTIL(c->f, c->out.a.closes + c->in.b.closes == 2);
	assert_int_equal(c->calls, 1);
	assert_int_equal(c->status, ROTA_ECANCELED);
}

static void check_close_source_now(struct chain *c)
{
	assert_int_equal(rota_handle_close_now(&c->in.b.stream->handle), 0);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_int_equal(c->pump.side, ROTA_PUMP_SOURCE);
}

static void check_end_source(struct chain *c)
{
	assert_int_equal(rota_stream_end(c->in.b.stream, end_closed), 0);
	assert_int_equal(rota_handle_close(&c->in.a.stream->handle, NULL), 0);
	RUN_UNTIL(c->f, c->calls > 0 && c->in.b.closes > 0);
	assert_int_equal(c->status, ROTA_ECANCELED);
	assert_int_equal(c->pump.side, ROTA_PUMP_SOURCE);
}

static void check_end_sink(struct chain *c)
{
	assert_int_equal(rota_stream_end(c->out.a.stream, end_closed), 0);
	assert_int_equal(rota_handle_close(&c->out.b.stream->handle, NULL), 0);
	RUN_UNTIL(c->f, c->calls > 0 && c->out.a.closes > 0);
	assert_int_equal(c->status, ROTA_ECANCELED);
	assert_int_equal(c->pump.side, ROTA_PUMP_SINK);
}

static void a_stream_that_closes_ends_the_pump(void **state)
{
	each_pair(*state, 0, check_close_source);
	each_pair(*state, 0, check_close_sink);
	each_pair(*state, 0, check_close_both);
	each_pair(*state, 0, check_close_source_now);
	each_pair(*state, 0, check_end_source);
	each_pair(*state, 0, check_end_sink);
}

/* The kernel takes little for the sink, however slowly it moves bytes. */
static void limit_kernel(const struct chain *c)
{
	if (c->out.kind != LINK_TCP && c->out.kind != LINK_FILTERED_TCP)
		return;
	raw_buffers(rota_stream_fd(&c->out.a.tcp.stream), 1 << 14);
	raw_buffers(rota_stream_fd(&c->out.b.tcp.stream), 1 << 14);
}

/* The input has ended, and the sink takes nothing more: what is queued is more
 * than the kernel has memory for. */
static void begin_finishing(struct chain *c)
{
	limit_kernel(c);
	assert_int_equal(
		rota_stream_set_watermarks(c->out.a.stream, 1 << 20, 1 << 21),
		0);
	while (rota_stream_queued(c->out.a.stream) < 1 << 20)
		assert_true(end_send(&c->out.a, 1 << 14) >= 0);
	assert_int_equal(end_send(&c->in.a, 100), 0);
	assert_int_equal(rota_stream_shutdown(NULL, c->in.a.stream, NULL) < 0,
			 0);
	RUN_UNTIL(c->f, c->pump.internal.source == NULL);
	assert_true(c->pump.bytes == 100);
}

static void check_stop_late(struct chain *c)
{
	begin_finishing(c);
	assert_int_equal(rota_pump_stop(&c->pump), 0);
	assert_int_equal(rota_pump_stop(&c->pump), ROTA_EALREADY);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_int_equal(c->status, ROTA_ECANCELED);
	assert_true(end_send(&c->out.a, 1) >= 0); /* it is not shut down */
}

static void check_deadline_late(struct chain *c)
{
	struct rota_deadline deadline;

	begin_finishing(c);
	assert_int_equal(
		rota_request_set_deadline(&c->pump.request, &deadline,
					  rota_loop_update_now(c->f->loop)),
		0);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_int_equal(c->status, ROTA_ETIMEDOUT);
}

static void check_close_late(struct chain *c)
{
	begin_finishing(c);
	assert_int_equal(
		rota_handle_close(&c->out.a.stream->handle, end_closed), 0);
	RUN_UNTIL(c->f, c->out.a.closes > 0);
	assert_int_equal(c->calls, 1);
	assert_int_equal(c->status, ROTA_ECANCELED);
	assert_int_equal(c->pump.side, ROTA_PUMP_SINK);
}

static void a_pump_can_be_stopped_behind_the_end_of_the_input(void **state)
{
	each_pair(*state, 0, check_stop_late);
	each_pair(*state, ROTA_PUMP_KEEP_OPEN, check_stop_late);
	each_pair(*state, 0, check_deadline_late);
	each_pair(*state, ROTA_PUMP_KEEP_OPEN, check_deadline_late);
	each_pair(*state, 0, check_close_late);
	each_pair(*state, ROTA_PUMP_KEEP_OPEN, check_close_late);
}

static void check_deadline(struct chain *c)
{
	struct rota_deadline deadline;

	assert_int_equal(
		rota_request_set_deadline(&c->pump.request, &deadline,
					  rota_loop_update_now(c->f->loop)),
		0);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_int_equal(c->status, ROTA_ETIMEDOUT);
	assert_int_equal(c->pump.side, ROTA_PUMP_NEITHER);
	assert_int_equal(end_send(&c->out.a, 1), 0);
}

static void a_pump_can_have_a_deadline(void **state)
{
	each_pair(*state, 0, check_deadline);
}

static void on_nothing(struct rota_read *read, int status)
{
	(void)read;
	(void)status;
}

/* What the pump has for itself. */
static void check_busy(struct chain *c)
{
	struct rota_stream *source = c->in.b.stream;
	struct rota_pump other;
	struct rota_read read;
	char byte;
	struct rota_buf buf = { &byte, 1 };

	assert_int_equal(rota_stream_read_start(source, end_read), ROTA_EBUSY);
	assert_int_equal(rota_stream_read(&read, source, buf, 1, on_nothing),
			 ROTA_EBUSY);
	assert_int_equal(
		rota_pump_start(&other, source, c->in.a.stream, 0, pump_called),
		ROTA_EBUSY);
	assert_int_equal(rota_pump_start(&other, c->out.b.stream,
					 c->out.a.stream, 0, pump_called),
			 ROTA_EBUSY);
	rota_stream_read_stop(source); /* does nothing */
	end_start(&c->out.b);
	pass_all(c, 1000);
	rota_stream_on_drain(c->out.a.stream, NULL);
	assert_int_equal(rota_pump_stop(&c->pump), 0);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_null(c->out.a.stream->internal.on.drain);
}

static void a_pump_has_its_streams_for_itself(void **state)
{
	each_pair(*state, 0, check_busy);
}

static void check_arguments(struct link *link)
{
	struct rota_stream *a = link->a.stream;
	struct rota_stream *b = link->b.stream;
	struct rota_pump pump;

	assert_int_equal(rota_pump_start(&pump, a, b, 0, NULL), ROTA_EINVAL);
	assert_int_equal(rota_pump_start(&pump, a, b, 2, pump_called),
			 ROTA_EINVAL);
	end_start(&link->a);
	assert_int_equal(rota_pump_start(&pump, a, b, 0, pump_called),
			 ROTA_EBUSY);
	assert_int_equal(rota_stream_shutdown(NULL, b, NULL) < 0, 0);
	assert_int_equal(rota_pump_start(&pump, a, b, 0, pump_called),
			 ROTA_EPIPE);
	RUN_UNTIL(link->f, link->a.ends > 0);
	assert_int_equal(rota_pump_start(&pump, a, a, 0, pump_called),
			 ROTA_EOF);
	assert_int_equal(rota_stream_end(a, NULL), 0);
	assert_int_equal(rota_pump_start(&pump, b, a, 0, pump_called),
			 ROTA_EINVAL);
	assert_int_equal(rota_handle_close(&b->handle, NULL), 0);
	assert_int_equal(rota_pump_start(&pump, a, b, 0, pump_called),
			 ROTA_EINVAL);
}

static void bad_arguments_are_refused(void **state)
{
	for_each_link(*state, check_arguments);
}

static unsigned echo_calls;
static int echo_status;

static void echo_ended(struct rota_pump *pump, int status)
{
	(void)pump;
	echo_calls++;
	echo_status = status;
}

/* A stream that is both source and sink echoes. */
static void check_echo(struct link *link)
{
	struct rota_pump pump;

	echo_calls = 0;
	assert_int_equal(rota_pump_start(&pump, link->b.stream, link->b.stream,
					 0, echo_ended),
			 0);
	end_start(&link->a);
	for (int i = 0; i < 50; i++) {
		assert_true(end_send(&link->a, 10000) >= 0);
		turn(link->f);
	}
	assert_int_equal(rota_stream_shutdown(NULL, link->a.stream, NULL) < 0,
			 0);
	RUN_UNTIL(link->f, link->a.ends > 0);
	assert_int_equal(link->a.got, link->a.sent);
	assert_int_equal(link->a.wrong, 0);
	RUN_UNTIL(link->f, echo_calls > 0);
	assert_int_equal(echo_status, 0);
}

static void a_stream_may_be_pumped_to_itself(void **state)
{
	for_each_link(*state, check_echo);
}

/* Memory for the loop's buffer runs out: the source is still readable. */
static void without_a_buffer_the_pump_ends(void **state)
{
	struct fixture *f = *state;
	struct chain c;

	chain_open(&c, f, LINK_TCP, LINK_MEMORY);
	assert_int_equal(chain_pump(&c, 0), 0);
	assert_int_equal(end_send(&c.in.a, 100), 0);
	f->memory.fail_at = f->memory.calls + 1;
	RUN_UNTIL(f, c.calls > 0);
	f->memory.fail_at = 0;
	assert_int_equal(c.status, ROTA_ENOMEM);
	assert_int_equal(c.pump.side, ROTA_PUMP_SOURCE);
	end_start(&c.in.b);
	RUN_UNTIL(f, c.in.b.got == 100);
	chain_end(&c);
}

/* Proxies. */

struct both {
	struct link in, out;
	struct rota_proxy proxy;
};

static void both_open(struct both *b, struct fixture *f, int in, int out)
{
	link_open(&b->in, f, (enum link_kind)in);
	link_open(&b->out, f, (enum link_kind)out);
	assert_int_equal(rota_proxy_start(&b->proxy, b->in.b.stream,
					  b->out.a.stream, end_closed),
			 0);
	end_start(&b->in.a);
	end_start(&b->out.b);
}

static void both_end(struct both *b)
{
	RUN_UNTIL(b->in.f, b->in.b.closes + b->out.a.closes == 2);
	link_drop(&b->in);
	link_drop(&b->out);
	run_to_the_end(b->in.f);
}

static void each_proxy(struct fixture *f, void (*test)(struct both *b))
{
	for (int in = 0; in < LINK_KINDS; in++)
		for (int out = 0; out < LINK_KINDS; out++) {
			struct both b;

			both_open(&b, f, in, out);
			test(&b);
			both_end(&b);
		}
}

static void talk(struct both *b)
{
	for (int i = 0; i < 50; i++) {
		assert_true(end_send(&b->in.a, 12345) >= 0);
		assert_true(end_send(&b->out.b, 10000) >= 0);
		turn(b->in.f);
	}
}

static void check_proxy(struct both *b)
{
	talk(b);
	assert_int_equal(rota_stream_shutdown(NULL, b->in.a.stream, NULL) < 0,
			 0);
	RUN_UNTIL(b->in.f, b->out.b.ends > 0);
	assert_int_equal(b->out.b.got, b->in.a.sent);
	assert_int_equal(b->in.b.closes + b->out.a.closes, 0);
	assert_true(end_send(&b->out.b, 5000) >= 0); /* half-closed */
	assert_int_equal(rota_stream_shutdown(NULL, b->out.b.stream, NULL) < 0,
			 0);
	RUN_UNTIL(b->in.f, b->in.a.ends > 0);
	assert_int_equal(b->in.a.got, b->out.b.sent);
	assert_int_equal(b->in.a.wrong + b->out.b.wrong, 0);
	RUN_UNTIL(b->in.f, b->in.b.closes + b->out.a.closes == 2);
	assert_int_equal(b->proxy.status, 0);
}

static void a_proxy_passes_both_directions(void **state)
{
	each_proxy(*state, check_proxy);
}

static void check_proxy_reset(struct both *b)
{
	talk(b);
	assert_int_equal(rota_stream_close_reset(b->in.a.stream, NULL), 0);
	RUN_UNTIL(b->in.f, b->out.b.ends > 0);
	/* The kernel reports it once: to a read, or to a write. */
	if (b->out.b.status != ROTA_ECONNRESET)
		assert_int_equal(end_send(&b->out.b, 1), ROTA_EPIPE);
	assert_true(b->proxy.status < 0);
}

static void a_proxy_passes_a_reset_on(void **state)
{
	each_proxy(*state, check_proxy_reset);
}

static void check_proxy_closed(struct both *b)
{
	assert_int_equal(rota_handle_close(&b->in.b.stream->handle, end_closed),
			 0);
	RUN_UNTIL(b->in.f, b->in.b.closes + b->out.a.closes == 2);
	assert_int_equal(b->proxy.status, ROTA_ECANCELED);
}

static void check_proxy_both_closed(struct both *b)
{
	assert_int_equal(
		rota_handle_close(&b->out.a.stream->handle, end_closed), 0);
	assert_int_equal(rota_handle_close(&b->in.b.stream->handle, end_closed),
			 0);
	RUN_UNTIL(b->in.f, b->in.b.closes + b->out.a.closes == 2);
	assert_int_equal(b->proxy.status, ROTA_ECANCELED);
	assert_false(rota_request_is_active(&b->proxy.there.request));
	assert_false(rota_request_is_active(&b->proxy.back.request));
}

static void a_proxy_whose_stream_is_closed_closes_the_other(void **state)
{
	each_proxy(*state, check_proxy_closed);
	each_proxy(*state, check_proxy_both_closed);
}

static void check_proxy_refused(struct link *link)
{
	struct link other;
	struct rota_proxy proxy;

	link_open(&other, link->f, link->kind);
	assert_int_equal(rota_proxy_start(&proxy, link->a.stream,
					  link->a.stream, end_closed),
			 ROTA_EINVAL);
	end_start(&other.a); /* the second pump cannot start */
	assert_int_equal(rota_proxy_start(&proxy, link->b.stream,
					  other.a.stream, end_closed),
			 ROTA_EBUSY);
	end_start(&link->b); /* nothing has changed */
	assert_int_equal(end_send(&link->a, 100), 0);
	RUN_UNTIL(link->f, link->b.got == 100);
	assert_int_equal(rota_handle_close_now(&other.a.stream->handle), 0);
	rota_stream_read_stop(link->b.stream);
	link_end(&other);
}

static void a_proxy_that_is_refused_changes_nothing(void **state)
{
	for_each_link(*state, check_proxy_refused);
}

/* The program shuts the sink down under the pump, which is paused: it ends. */
static void check_shut_sink(struct chain *c)
{
	end_fill(&c->in.a, LARGE);
	for (int i = 0; i < 20; i++)
		turn(c->f); /* nobody reads: all is full */
	assert_int_equal(c->calls, 0);
	assert_in_range(rota_stream_shutdown(NULL, c->out.a.stream, NULL), 0,
			1);
	end_start(&c->out.b);
	RUN_UNTIL(c->f, c->calls > 0);
	assert_int_equal(c->status, ROTA_EPIPE);
}

static void a_sink_that_is_shut_down_ends_the_pump(void **state)
{
	each_pair(*state, 0, check_shut_sink);
}

/* The same when on_drain is only about to be called. */
static void a_sink_that_is_about_to_drain_ends_the_pump(void **state)
{
	struct fixture *f = *state;
	struct chain c;

	chain_open(&c, f, LINK_TCP, LINK_TCP);
	assert_int_equal(chain_pump(&c, 0), 0);
	rota_stream_set_watermarks(c.out.a.stream, 1, 1);
	rota_stream_set_cork(c.out.a.stream, 1);
	assert_int_equal(end_send(&c.in.a, 1000), 0);
	while (rota_stream_queued(c.out.a.stream) > 0 || c.pump.bytes == 0)
		turn(f);
	assert_int_equal(end_send(&c.in.a, 1000), 0);
	(void)rota_stream_shutdown(NULL, c.out.a.stream, NULL);
	RUN_UNTIL(f, c.calls > 0);
	assert_int_equal(c.status, ROTA_EPIPE);
	chain_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_sink_that_is_shut_down_ends_the_pump),
	REAL(a_sink_that_is_about_to_drain_ends_the_pump),
	REAL(everything_passes_and_then_the_end),
	REAL(a_sink_may_stay_open),
	REAL(a_sink_that_stalls_holds_the_source_back),
	REAL(the_error_of_a_source_is_told),
	REAL(the_error_of_a_sink_is_told),
	REAL(the_error_of_a_sink_that_stalls_is_told),
	REAL(a_stop_loses_nothing),
	REAL(a_stream_that_closes_ends_the_pump),
	REAL(a_pump_can_be_stopped_behind_the_end_of_the_input),
	REAL(a_pump_can_have_a_deadline),
	REAL(a_pump_has_its_streams_for_itself),
	REAL(bad_arguments_are_refused),
	REAL(a_stream_may_be_pumped_to_itself),
	REAL(without_a_buffer_the_pump_ends),
	REAL(a_proxy_passes_both_directions),
	REAL(a_proxy_passes_a_reset_on),
	REAL(a_proxy_whose_stream_is_closed_closes_the_other),
	REAL(a_proxy_that_is_refused_changes_nothing),
};

FIXTURE_MAIN(tests)
