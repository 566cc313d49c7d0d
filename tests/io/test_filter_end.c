/*
 * rota/filter.h: how filters end: trailers, errors of either side, closes in
 * every callback, the stream below, the loop's shutdown, and mistakes.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/child.h"
#include "support/half.h"
#include "support/link.h"
#include "support/streams_more.h"

/* Input. */

static void an_end_within_a_record_is_an_error_of_the_filters(void **state)
{
	struct half h;

	half_open(&h, *state, &rle_class, 0);
	half_reads(&h);
	below_gets(&h, "\003a\002", 3);
	assert_int_equal(rota_stream_shutdown(NULL, &h.peer.stream, NULL), 0);
	half_turns(&h);
	assert_string_equal(h.got, "aaa");
	assert_int_equal(h.status, ROTA_EPROTO);
	/* It kills both directions. */
	assert_int_equal(rota_stream_send(&h.codec.stream, "1", 1),
			 ROTA_EPROTO);
	assert_int_equal(rota_stream_send(&h.codec.stream, "1", 1), ROTA_EPIPE);
	assert_int_equal(rota_stream_read_start(&h.codec.stream, half_read),
			 ROTA_EOF);
	half_close(&h);
}

/* What was made before the mistake is read, and the other side is told. */
static void a_filter_that_fails_says_a_last_word(void **state)
{
	struct half h;

	half_open(&h, *state, &shake_class, 0);
	half_reads(&h);
	below_gets_text(&h, "H1");
	below_gets_text(&h, "2X3");
	expect_sent(&h, "Hx");
	assert_string_equal(h.got, "12");
	assert_int_equal(h.status, ROTA_EPROTO);
	assert_int_equal(h.codec.end, ROTA_EPROTO);
	assert_int_equal(h.peer_status, 0);
	assert_int_equal(rota_stream_end(&h.codec.stream, NULL), 0);
	half_turns(&h);
	assert_int_equal(h.peer_status, ROTA_EOF);
	half_close(&h);
}

static void a_filter_fails_while_it_waits(void **state)
{
	struct half h;

	half_open(&h, *state, &shake_class, 0);
	assert_int_equal(rota_stream_send(&h.codec.stream, "1", 1), 0);
	half_turns(&h);
	below_gets_text(&h, "X");
	expect_sent(&h, "Hx");
	assert_int_equal(h.drained, ROTA_EPROTO);
	half_close(&h);
}

/* An error of the stream below is not the filter's: only the input has it. */
static void an_error_below_comes_after_the_bytes(void **state)
{
	struct half h;

	half_open(&h, *state, &plain_class, 0);
	half_reads(&h);
	below_gets_text(&h, "12");
	assert_int_equal(rota_stream_close_reset(&h.peer.stream, NULL), 0);
	half_turns(&h);
	assert_string_equal(h.got, "12");
	assert_int_equal(h.status, ROTA_ECONNRESET);
	assert_int_equal(h.codec.outputs, 0);
	assert_int_equal(rota_stream_send(&h.codec.stream, "1", 1), ROTA_EPIPE);
	half_close(&h);
}

static void a_filter_may_be_opened_over_an_end(void **state)
{
	struct fixture *f = *state;
	struct rota_memory_stream below, peer;
	struct half h = { .f = f };
	struct codec codec;

	assert_int_equal(rota_memory_stream_pair(&below, &peer, f->loop, 0), 0);
	assert_int_equal(rota_stream_shutdown(NULL, &peer.stream, NULL), 0);
	below.handle.data = &h;
	assert_int_equal(rota_stream_read_start(&below.stream, half_read), 0);
	half_turns(&h);
	assert_int_equal(h.status, ROTA_EOF);
	h.status = 0;
	codec_open(&codec, &below.stream, &plain_class, 0);
	codec.handle.data = &h;
	assert_int_equal(rota_stream_read_start(&codec.stream, half_read), 0);
	half_turns(&h);
	assert_int_equal(h.status, ROTA_EOF);
	assert_int_equal(rota_stream_send(&codec.stream, "12", 2), 0);
	assert_int_equal(peer.internal.size, 2);
	assert_int_equal(rota_handle_close_now(&codec.handle), 0);
	assert_int_equal(rota_handle_close_now(&peer.handle), 0);
}

/* Mistakes of the functions. */

static void a_function_that_does_nothing_fails(void **state)
{
	struct half h;

	half_open(&h, *state, &plain_class, 0);
	h.codec.waits = 1;
	half_reads(&h);
	below_gets_text(&h, "1");
	assert_int_equal(h.status, ROTA_EINVAL);
	assert_int_equal(rota_stream_send(&h.codec.stream, "1", 1),
			 ROTA_EINVAL);
	half_close(&h);

	half_open(&h, *state, &plain_class, 0);
	h.codec.waits = 1;
	assert_int_equal(rota_stream_send(&h.codec.stream, "1", 1),
			 ROTA_EINVAL);
	half_close(&h);
}

static void a_function_that_calls_for_itself_does_not_spin(void **state)
{
	struct half h;

	half_open(&h, *state, &plain_class, 0);
	h.codec.said = 1;
	half_reads(&h);
	below_gets_text(&h, "12");
	assert_string_equal(h.got, "12");
	assert_int_equal(rota_stream_send(&h.codec.stream, "3", 1), 0);
	expect_sent(&h, "3");
	assert_in_range(h.codec.inputs + h.codec.outputs, 1, 30);
	half_close(&h);
}

static void wrong_results_fail(void **state)
{
	static const int results[] = { 1, ROTA_EOF, ROTA_EIO };
	static const int expected[] = { ROTA_EINVAL, ROTA_EPIPE, ROTA_EIO };
	struct half h;

	for (int i = 0; i < 3; i++) {
		half_open(&h, *state, &plain_class, 0);
		h.codec.result = results[i];
		assert_int_equal(rota_stream_send(&h.codec.stream, "1", 1),
				 expected[i]);
		half_close(&h);
	}
}

static int made_too_much(struct rota_filter *filter,
			 struct rota_filter_step *step)
{
	(void)filter;
	step->made = step->to.size + 1;
	return 0;
}

static void more_than_there_is_room_for_is_not_believed(void **state)
{
	static const struct rota_filter_class class_ = {
		.size = sizeof(class_),
		.input = made_too_much,
		.output = made_too_much,
	};
	struct half h;

	half_open(&h, *state, &class_, 0);
	half_reads(&h);
	below_gets_text(&h, "1");
	assert_int_equal(h.size, 0);
	assert_int_equal(h.status, ROTA_EINVAL);
	half_close(&h);
}

/* Opening. */

static void wrong_arguments_are_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_filter_class class_ = plain_class;
	struct rota_filter filter;
	struct half h;

	half_open(&h, f, &plain_class, 0);
#define OPEN(class_, flags)                                                    \
	rota_filter_open(&filter, &h.codec.stream, class_, flags)
	assert_int_equal(OPEN(NULL, 0), ROTA_EINVAL);
	assert_int_equal(OPEN(&class_, 2), ROTA_EINVAL);
	class_.size--;
	assert_int_equal(OPEN(&class_, 0), ROTA_EINVAL);
	class_ = plain_class;
	class_.input = NULL;
	assert_int_equal(OPEN(&class_, 0), ROTA_EINVAL);
	class_ = plain_class;
	class_.output = NULL;
	assert_int_equal(OPEN(&class_, 0), ROTA_EINVAL);
	class_ = plain_class;
	class_.room = SIZE_MAX;
	assert_int_equal(OPEN(&class_, 0), ROTA_EINVAL);
	half_reads(&h);
	assert_int_equal(OPEN(&plain_class, 0), ROTA_EBUSY);
	rota_stream_read_stop(&h.codec.stream);
	assert_int_equal(
		rota_filter_open(&filter, &h.below.stream, &plain_class, 0),
		ROTA_EBUSY);
	assert_int_equal(rota_stream_end(&h.codec.stream, NULL), 0);
	assert_int_equal(OPEN(&plain_class, 0), ROTA_EINVAL);
	half_close(&h);
	assert_int_equal(OPEN(&plain_class, 0), ROTA_EINVAL);
#undef OPEN
}

static void a_stream_that_is_not_connected_has_no_filter(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp;
	struct rota_filter filter;

	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);
	assert_int_equal(
		rota_filter_open(&filter, &tcp.stream, &plain_class, 0),
		ROTA_ENOTCONN);
	assert_int_equal(rota_handle_close_now(&tcp.handle), 0);
}

static void pump_called(struct rota_pump *pump, int status)
{
	(void)pump;
	(void)status;
}

/* The stream below is taken, and its data member is not. */
static void what_the_filter_uses_is_refused_to_others(void **state)
{
	struct link link;
	struct codec codec;

	for (int kind = 0; kind < LINK_KINDS; kind++) {
		struct rota_stream *below;
		struct rota_read read;
		struct rota_pump pump;
		char byte;

		link_open(&link, *state, (enum link_kind)kind);
		below = link.a.stream;
		codec_open(&codec, below, &plain_class, 0);
		link.a.stream = &codec.stream;
		assert_ptr_equal(rota_filter_below(&codec.filter), below);
		assert_ptr_equal(below->handle.data, &link.a);
		assert_int_equal(rota_stream_read_start(below, end_read),
				 ROTA_EBUSY);
		assert_int_equal(rota_stream_read(&read, below,
						  (struct rota_buf){ &byte, 1 },
						  1, note_read_done),
				 ROTA_EBUSY);
		assert_int_equal(rota_pump_start(&pump, below, link.b.stream, 0,
						 pump_called),
				 ROTA_EBUSY);
		assert_int_equal(rota_pump_start(&pump, link.b.stream, below, 0,
						 pump_called),
				 ROTA_EBUSY);
		assert_int_equal(rota_stream_detach(below),
				 kind == LINK_TCP ? ROTA_EBUSY : ROTA_ENOTSUP);
		assert_int_equal(rota_stream_detach(&codec.stream),
				 ROTA_ENOTSUP);
		codec.handle.data = &link.a;
		end_start(&link.a);
		rota_stream_read_stop(below); /* does nothing */
		assert_true(end_send(&link.b, 100) >= 0);
		RUN_UNTIL(link.f, link.a.got == 100);
		link_end(&link);
	}
}

/* The stream below stays. */

static void a_stream_below_may_stay_open(void **state)
{
	struct half h;
	struct rota_const_buf rest;

	half_open(&h, *state, &rle_class, ROTA_FILTER_KEEP_BELOW);
	rota_stream_on_drain(&h.below.stream, half_drained);
	half_reads(&h);
	below_gets(&h, "\003a\000more", 7);
	assert_string_equal(h.got, "aaa");
	assert_int_equal(h.status, ROTA_EOF);
	rest = rota_filter_rest(&h.codec.filter);
	assert_int_equal(rest.size, 4);
	assert_memory_equal(rest.data, "more", 4);
	assert_int_equal(rota_stream_send(&h.codec.stream, "b", 1), 0);
	assert_int_equal(rota_stream_end(&h.codec.stream, NULL), 0);
	half_turns(&h);
	assert_memory_equal(h.sent, "\001b\000", 3);
	assert_int_equal(h.peer_status, 0);
	assert_int_equal(h.codec.closes, 1);
	assert_null(rota_filter_below(&h.codec.filter));

	/* It can be used again. */
	h.below.handle.data = &h;
	assert_int_equal(rota_stream_read_start(&h.below.stream, half_read), 0);
	below_gets_text(&h, "45");
	assert_string_equal(h.got, "aaa45");
	assert_int_equal(rota_stream_send(&h.below.stream, "6", 1), 0);
	half_turns(&h);
	assert_int_equal(h.sent_size, 4);
	assert_int_equal(rota_handle_close_now(&h.below.handle), 0);
	half_close(&h);
}

static void without_the_flag_nothing_is_left_behind_the_end(void **state)
{
	struct half h;

	half_open(&h, *state, &rle_class, 0);
	half_reads(&h);
	below_gets(&h, "\003a\000more", 7);
	assert_int_equal(h.status, ROTA_EOF);
	assert_int_equal(rota_filter_rest(&h.codec.filter).size, 0);
	half_close(&h);
}

/* Somebody else closes it. */

static void check_gone(struct half *h)
{
	half_turns(h);
	assert_null(rota_filter_below(&h->codec.filter));
	assert_string_equal(h->got, "12");
	assert_int_equal(h->status, ROTA_ECANCELED);
	assert_int_equal(rota_stream_send(&h->codec.stream, "1", 1),
			 ROTA_ECANCELED);
	rota_filter_again(&h->codec.filter, ROTA_READABLE | ROTA_WRITABLE);
	half_turns(h);
	half_close(h);
}

static void a_stream_below_that_is_closed_fails_the_filter(void **state)
{
	struct half h;

	for (int way = 0; way < 3; way++) {
		half_open(&h, *state, &plain_class, 0);
		half_reads(&h);
		below_gets_text(&h, "12");
		if (way == 0)
			assert_int_equal(rota_handle_close_now(&h.below.handle),
					 0);
		else if (way == 1)
			assert_int_equal(
				rota_handle_close(&h.below.handle, NULL), 0);
		else
			assert_int_equal(rota_stream_end(&h.below.stream, NULL),
					 0);
		check_gone(&h);
	}
}

/* A request of the program's is in flight below. */
static void a_stream_below_that_is_busy_closes_first(void **state)
{
	struct fixture *f = *state;
	static char data[100000];
	struct rota_const_buf buf = { data, sizeof(data) };
	struct rota_write write;
	struct half h;

	half_open(&h, f, &plain_class, 0);
	write.request.data = "w";
	assert_int_equal(
		rota_stream_write(&write, &h.below.stream, &buf, 1, note_write),
		0);
	rota_handle_set_name(&h.codec.handle, "filter");
	assert_int_equal(rota_handle_close(&h.codec.handle, note_closed), 0);
	rota_stream_read_stop(&h.peer.stream);
	half_turns(&h);
	assert_string_equal(journal_take(), "closing: w=ECANCELED filter");
	half_close(&h);
}

/* rota_loop_shutdown() closes the stream below first, as it is the older. */
static void the_loop_shuts_down(void **state)
{
	struct fixture *f = *state;
	struct half h;

	half_open(&h, f, &plain_class, 0);
	half_reads(&h);
	rota_handle_set_name(&h.below.handle, "below");
	rota_handle_set_name(&h.codec.handle, "filter");
	rota_handle_on_shutdown(&h.below.handle, note_closed);
	rota_handle_on_shutdown(&h.codec.handle, note_closed);
	assert_int_equal(rota_stream_send(&h.peer.stream, "12", 2), 0);
	rota_filter_again(&h.codec.filter, ROTA_WRITABLE);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	assert_string_equal(journal_take(), "closing: below filter");
	assert_int_equal(h.codec.closes, 1);
	assert_int_equal(h.status, 0);
	f->loop = NULL;
}

/* Closing in each callback. The structs are overwritten at once. */

struct closer {
	struct half h;
	struct rota_read read;
	struct rota_write write;
	struct rota_shutdown shutdown;
	char byte;
	unsigned calls;
};

static void close_it(struct closer *c)
{
	c->calls++;
	assert_int_equal(rota_handle_close_now(&c->h.codec.handle), 0);
	memset(&c->h.codec.stream, 0xa5, sizeof(c->h.codec.stream));
	memset(&c->h.codec.filter.internal, 0xa5,
	       sizeof(c->h.codec.filter.internal));
	memset(&c->h.below, 0xa5, sizeof(c->h.below));
}

static void close_in_read(struct rota_stream *stream, int status,
			  const struct rota_buf *buf)
{
	(void)status;
	(void)buf;
	close_it(rota_container_of(stream, struct closer, h.codec.stream));
}

static void close_in_drain(struct rota_stream *stream, int status)
{
	(void)status;
	close_it(rota_container_of(stream, struct closer, h.codec.stream));
}

static void close_in_read_done(struct rota_read *read, int status)
{
	(void)status;
	close_it(rota_container_of(read, struct closer, read));
}

static void close_in_write(struct rota_write *write, int status)
{
	(void)status;
	close_it(rota_container_of(write, struct closer, write));
}

static void close_in_shutdown(struct rota_shutdown *shutdown, int status)
{
	(void)status;
	close_it(rota_container_of(shutdown, struct closer, shutdown));
}

static void begin_to_close(struct closer *c, int way)
{
	struct rota_stream *stream = &c->h.codec.stream;
	struct rota_const_buf buf = { "1", 1 };
	static char much[300000];

	if (way <= 1)
		assert_int_equal(rota_stream_read_start(stream, close_in_read),
				 0);
	else if (way == 2)
		assert_int_equal(
			rota_stream_read(&c->read, stream,
					 (struct rota_buf){ &c->byte, 1 }, 1,
					 close_in_read_done),
			0);
	else if (way == 3)
		assert_int_equal(rota_stream_write(&c->write, stream, &buf, 1,
						   close_in_write),
				 0);
	else if (way == 4)
		assert_int_equal(rota_stream_shutdown(&c->shutdown, stream,
						      close_in_shutdown),
				 0);
	else
		assert_int_equal(rota_stream_send(stream, much, sizeof(much)),
				 1);
	if (way == 0 || way == 2)
		assert_int_equal(rota_stream_send(&c->h.peer.stream, "12", 2),
				 0);
	if (way == 1)
		c->h.codec.result = ROTA_EPROTO;
	if (way == 1)
		assert_int_equal(rota_stream_send(&c->h.peer.stream, "X", 1),
				 0);
}

static void drop_all(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	(void)stream;
	(void)status;
	(void)buf;
}

static void any_callback_may_close_the_filter(void **state)
{
	static struct closer c;

	for (int way = 0; way < 6; way++) {
		memset(&c, 0, sizeof(c));
		half_open(&c.h, *state, &plain_class, 0);
		assert_int_equal(
			rota_stream_read_start(&c.h.peer.stream, drop_all), 0);
		rota_stream_on_drain(&c.h.codec.stream, close_in_drain);
		begin_to_close(&c, way);
		for (int i = 0; i < 30; i++)
			turn(c.h.f);
		assert_int_equal(c.calls, 1);
		assert_int_equal(rota_handle_close_now(&c.h.peer.handle), 0);
		run_to_the_end(c.h.f);
	}
}

/* A forked child closes what is the parent's, and nothing reaches the peer. */
static void a_forked_child_closes_its_filter(void **state)
{
	struct fixture *f = *state;
	struct link link;
	struct codec codec;
	pid_t pid;

	link_open(&link, f, LINK_TCP);
	codec_open(&codec, link.a.stream, &plain_class, 0);
	codec.handle.data = &link.a;
	link.a.stream = &codec.stream;
	end_start(&link.a);
	turn(f);
	rota_filter_again(&codec.filter, ROTA_WRITABLE);
	pid = child_fork();
	if (pid == 0) {
		EXPECT(rota_filter_open(&codec.filter, link.b.stream,
					&plain_class, 0) == ROTA_ECHILD);
		EXPECT(rota_loop_fork(f->loop) == 0);
		EXPECT(rota_handle_close_now(&codec.handle) == 0);
		EXPECT(rota_handle_close_now(&link.b.stream->handle) == 0);
		EXPECT(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) == 0);
		child_ends();
	}
	expect_success(pid);
	assert_true(end_send(&link.b, 100) >= 0);
	RUN_UNTIL(f, link.a.got == 100);
	link_end(&link);
}

/* The memory of the filter may go with the close. */
static void a_filter_that_is_to_go_on_may_be_closed(void **state)
{
	struct half h;

	half_open(&h, *state, &plain_class, 0);
	rota_filter_again(&h.codec.filter, ROTA_READABLE | ROTA_WRITABLE);
	assert_int_equal(rota_handle_close_now(&h.codec.handle), 0);
	memset(&h.codec, 0x5a, sizeof(h.codec));
	half_turns(&h);
	assert_int_equal(rota_handle_close_now(&h.peer.handle), 0);
}

/* Input that waits for the other direction is offered once more when that has
 * ended. */
static void the_end_of_the_output_wakes_the_input(void **state)
{
	struct half h;

	half_open(&h, *state, &plain_class, 0);
	half_reads(&h);
	h.codec.result = ROTA_EAGAIN;
	below_gets_text(&h, "1");
	assert_int_equal(h.size, 0);
	h.codec.result = ROTA_EOF;
	assert_int_equal(rota_stream_shutdown(NULL, &h.codec.stream, NULL), 0);
	h.codec.result = 0;
	half_turns(&h);
	assert_string_equal(h.got, "1");
	half_close(&h);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(an_end_within_a_record_is_an_error_of_the_filters),
	VIRTUAL(a_filter_that_fails_says_a_last_word),
	VIRTUAL(a_filter_fails_while_it_waits),
	VIRTUAL(an_error_below_comes_after_the_bytes),
	VIRTUAL(a_filter_may_be_opened_over_an_end),
	VIRTUAL(a_function_that_does_nothing_fails),
	VIRTUAL(a_function_that_calls_for_itself_does_not_spin),
	VIRTUAL(wrong_results_fail),
	VIRTUAL(more_than_there_is_room_for_is_not_believed),
	VIRTUAL(wrong_arguments_are_refused),
	REAL(a_stream_that_is_not_connected_has_no_filter),
	REAL(what_the_filter_uses_is_refused_to_others),
	VIRTUAL(a_stream_below_may_stay_open),
	VIRTUAL(without_the_flag_nothing_is_left_behind_the_end),
	VIRTUAL(a_stream_below_that_is_closed_fails_the_filter),
	VIRTUAL(a_stream_below_that_is_busy_closes_first),
	VIRTUAL(the_loop_shuts_down),
	VIRTUAL(any_callback_may_close_the_filter),
	REAL(a_forked_child_closes_its_filter),
	VIRTUAL(a_filter_that_is_to_go_on_may_be_closed),
	VIRTUAL(the_end_of_the_output_wakes_the_input),
};
FIXTURE_MAIN(tests)
