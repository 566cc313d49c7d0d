/*
 * The order of input around a read that is cancelled or times out. It may have
 * bytes, and its callback waits for the next pending phase. Later input, the
 * end included, is delivered after it, to any reader.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/streams.h"

/* A stream whose first read has got "abcd" of its 10 bytes. */
struct half_read {
	struct fixture *f;
	struct connection c;
	struct rota_read a, b;
	char bytes_a[10], bytes_b[10];
	char seen[64]; /* all that was delivered, in order */
	struct rota_hook hook;
	void (*act)(struct half_read *h);  /* runs in the hook's callback */
	void (*then)(struct half_read *h); /* runs in that of the first read */
};

static struct half_read *half;

static void see(const char *data, size_t size)
{
	strncat(half->seen, data, size);
}

static void on_a(struct rota_read *read, int status)
{
	see(half->bytes_a, read->size);
	see(status == ROTA_ECANCELED ? "|" : "?", 1);
	if (half->then != NULL)
		half->then(half);
}

static void on_b(struct rota_read *read, int status)
{
	see(half->bytes_b, read->size);
	see(status < 0 ? "$" : ",", 1);
}

static void on_flow(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	(void)stream;
	if (status < 0)
		see("$", 1);
	else
		see(buf->data, buf->size);
}

static void on_close(struct rota_handle *handle)
{
	(void)handle;
	see("!", 1);
}

static void half_read_begin(struct half_read *h, struct fixture *f)
{
	struct rota_buf buf = { h->bytes_a, sizeof(h->bytes_a) };

	memset(h, 0, sizeof(*h));
	half = h;
	h->f = f;
	connection_open(&h->c, f, NULL);
	assert_int_equal(
		rota_stream_read(&h->a, &h->c.tcp.stream, buf, 10, on_a), 0);
	peer_says(&h->c, "abcd");
	turn(f);
	assert_int_equal(h->a.size, 4);
	assert_string_equal(h->seen, "");
}

static void read_b(struct half_read *h)
{
	struct rota_buf buf = { h->bytes_b, sizeof(h->bytes_b) };

	assert_int_equal(
		rota_stream_read(&h->b, &h->c.tcp.stream, buf, 1, on_b), 0);
}

static void flow(struct half_read *h)
{
	assert_int_equal(rota_stream_read_start(&h->c.tcp.stream, on_flow), 0);
}

static void cancel_a(struct half_read *h)
{
	assert_int_equal(rota_request_cancel(&h->a.request), 0);
}

static void on_prepare(struct rota_hook *hook)
{
	rota_hook_stop(hook);
	half->act(half);
}

/* Make a turn that calls @act in its prepare phase: before the poll phase, and
 * after the pending phase. */
static void turn_with(struct half_read *h, void (*act)(struct half_read *h))
{
	h->act = act;
	rota_hook_init(&h->hook, h->f->loop);
	assert_int_equal(
		rota_hook_start(&h->hook, on_prepare, ROTA_HOOK_PREPARE), 0);
	turn(h->f);
}

static void cancel_and_send(struct half_read *h)
{
	peer_says(&h->c, "efgh");
	cancel_a(h);
}

/* O6, T9: the next queued read waits for the bytes before its own. */
static void a_read_behind_a_canceled_one_comes_after_it(void **state)
{
	struct half_read h;

	half_read_begin(&h, *state);
	read_b(&h);

	turn_with(&h, cancel_and_send);
	assert_string_equal(h.seen, "");
	turn(h.f);

	assert_string_equal(h.seen, "abcd|efgh,");
	connection_end(&h.c);
}

static void cancel_and_flow(struct half_read *h)
{
	cancel_and_send(h);
	flow(h);
}

static void a_flow_started_after_a_cancel_comes_after_the_read(void **state)
{
	struct half_read h;

	half_read_begin(&h, *state);

	turn_with(&h, cancel_and_flow);
	assert_string_equal(h.seen, "");
	turn(h.f);

	assert_string_equal(h.seen, "abcd|efgh");
	peer_says(&h.c, "ij");
	turn(h.f);
	assert_string_equal(h.seen, "abcd|efghij");
	connection_end(&h.c);
}

/* The bytes are there, and no new event reports them. */
static void reading_may_begin_in_the_callback_of_a_canceled_read(void **state)
{
	struct half_read h;

	half_read_begin(&h, *state);
	h.then = flow;

	turn_with(&h, cancel_and_send);
	turn(h.f);

	assert_string_equal(h.seen, "abcd|efgh");
	connection_end(&h.c);

	half_read_begin(&h, *state);
	h.then = read_b;
	turn_with(&h, cancel_and_send);
	turn(h.f);
	assert_string_equal(h.seen, "abcd|efgh,");
	connection_end(&h.c);
}

/* The same, some turns later. */
static void reading_may_begin_long_after_a_canceled_read(void **state)
{
	struct half_read h;

	half_read_begin(&h, *state);
	turn_with(&h, cancel_and_send);
	for (unsigned i = 0; i < 3; i++)
		turn(h.f);
	assert_string_equal(h.seen, "abcd|");

	flow(&h);
	turn(h.f);

	assert_string_equal(h.seen, "abcd|efgh");
	connection_end(&h.c);
}

static void cancel_at_the_end(struct half_read *h)
{
	raw_send(h->c.peer, "efgh", 4);
	raw_shutdown(h->c.peer);
	await_end(h->c.fd);
	cancel_a(h);
	flow(h);
}

/* The end comes last, even if it arrives before the cancelled read calls
 * back. */
static void the_end_comes_after_a_canceled_read(void **state)
{
	struct half_read h;

	half_read_begin(&h, *state);

	turn_with(&h, cancel_at_the_end);
	assert_string_equal(h.seen, "");
	turn(h.f);
	turn(h.f);

	assert_string_equal(h.seen, "abcd|efgh$");
	connection_end(&h.c);
}

static void cancel_before_the_end(struct half_read *h)
{
	cancel_a(h);
	flow(h);
	raw_shutdown(h->c.peer);
	await_end(h->c.fd);
}

static void cancel_before_a_reset(struct half_read *h)
{
	cancel_a(h);
	read_b(h);
	peer_reset(&h->c);
	await_end(h->c.fd);
}

static void an_end_or_a_reset_alone_comes_after_a_canceled_read(void **state)
{
	struct half_read h;

	half_read_begin(&h, *state);
	turn_with(&h, cancel_before_the_end);
	assert_string_equal(h.seen, "");
	turn(h.f);
	assert_string_equal(h.seen, "abcd|$");
	connection_end(&h.c);

	half_read_begin(&h, *state);
	turn_with(&h, cancel_before_a_reset);
	assert_string_equal(h.seen, "");
	turn(h.f);
	turn(h.f);
	assert_string_equal(h.seen, "abcd|$");
	connection_end(&h.c);
}

static void end_it(struct half_read *h)
{
	cancel_at_the_end(h);
	rota_stream_read_stop(&h->c.tcp.stream);
	assert_int_equal(rota_stream_end(&h->c.tcp.stream, on_close), 0);
}

static void end_without_cancel(struct half_read *h)
{
	raw_send(h->c.peer, "efgh", 4);
	raw_shutdown(h->c.peer);
	await_end(h->c.fd);
	assert_int_equal(rota_stream_end(&h->c.tcp.stream, on_close), 0);
}

/* Input is discarded after the read has called back, and the close comes
 * last. */
static void an_end_of_the_stream_comes_after_a_canceled_read(void **state)
{
	struct half_read h;

	half_read_begin(&h, *state);
	turn_with(&h, end_it);
	run_to_the_end(h.f);
	assert_string_equal(h.seen, "abcd|!");
	raw_close(h.c.peer);

	half_read_begin(&h, *state);
	read_b(&h);
	turn_with(&h, end_without_cancel);
	run_to_the_end(h.f);
	assert_string_equal(h.seen, "abcd|$!");
	raw_close(h.c.peer);
}

static void cancel_and_close(struct half_read *h)
{
	cancel_and_send(h);
	assert_int_equal(rota_handle_close(&h->c.tcp.handle, on_close), 0);
}

static void a_close_comes_after_a_canceled_read(void **state)
{
	struct half_read h;

	half_read_begin(&h, *state);
	read_b(&h);
	turn_with(&h, cancel_and_close);
	run_to_the_end(h.f);
	assert_string_equal(h.seen, "abcd|$!");
	raw_close(h.c.peer);
}

static void close_now(struct half_read *h)
{
	assert_int_equal(rota_handle_close_now(&h->c.tcp.handle), 0);
	memset(&h->c.tcp, 0xa5, sizeof(h->c.tcp)); /* O3 */
}

static void a_stream_may_go_in_the_callback_of_a_canceled_read(void **state)
{
	struct half_read h;

	half_read_begin(&h, *state);
	h.then = close_now;
	turn_with(&h, cancel_and_send);
	run_to_the_end(h.f);
	assert_string_equal(h.seen, "abcd|");
	raw_close(h.c.peer);
}

/* The stream only waits for the callback in the next turn. The loop does not
 * busy-wait, and later input is delivered. */
static void after_a_canceled_read_the_loop_sleeps(void **state)
{
	struct half_read h;
	uint64_t turns;

	half_read_begin(&h, *state);
	turn_with(&h, cancel_and_flow);
	turn(h.f);
	turns = stats_of(h.f->loop).turns;

	assert_true(waits_within(h.f, 20) <= 4);
	assert_true(stats_of(h.f->loop).turns - turns <= 5);

	assert_string_equal(h.seen, "abcd|efgh");
	connection_end(&h.c);
}

/* A deadline completes the read in the turn in which it passes: before the poll
 * phase. */
static void a_read_whose_time_is_up_comes_before_what_follows(void **state)
{
	struct rota_deadline deadline;
	struct half_read h;

	half_read_begin(&h, *state);
	read_b(&h);
	assert_int_equal(rota_request_set_deadline(&h.a.request, &deadline,
						   rota_loop_now(h.f->loop)),
			 0);
	peer_says(&h.c, "efgh");

	turn(h.f);

	assert_string_equal(h.seen, "abcd?efgh,");
	connection_end(&h.c);
}

/* Writing continues while bytes wait to be delivered. */
static void cancel_and_write(struct half_read *h)
{
	cancel_and_flow(h);
	assert_int_equal(rota_stream_send(&h->c.tcp.stream, "x", 1), 0);
}

static void a_canceled_read_does_not_hold_up_what_is_written(void **state)
{
	struct half_read h;
	char byte;

	half_read_begin(&h, *state);
	turn_with(&h, cancel_and_write);
	raw_read(h.c.peer, &byte, 1);
	assert_int_equal(byte, 'x');
	turn(h.f);
	assert_string_equal(h.seen, "abcd|efgh");
	connection_end(&h.c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_read_behind_a_canceled_one_comes_after_it),
	REAL(a_flow_started_after_a_cancel_comes_after_the_read),
	REAL(reading_may_begin_in_the_callback_of_a_canceled_read),
	REAL(reading_may_begin_long_after_a_canceled_read),
	REAL(the_end_comes_after_a_canceled_read),
	REAL(an_end_or_a_reset_alone_comes_after_a_canceled_read),
	REAL(an_end_of_the_stream_comes_after_a_canceled_read),
	REAL(a_close_comes_after_a_canceled_read),
	REAL(a_stream_may_go_in_the_callback_of_a_canceled_read),
	REAL(after_a_canceled_read_the_loop_sleeps),
	REAL(a_read_whose_time_is_up_comes_before_what_follows),
	REAL(a_canceled_read_does_not_hold_up_what_is_written),
};

FIXTURE_MAIN(tests)
