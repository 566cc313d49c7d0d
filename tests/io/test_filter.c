/*
 * rota/filter.h: what passes through a filter, and when: splits, filters that
 * expand and shrink, backpressure, handshakes and answers from the input.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/codecs.h"
#include "support/half.h"
#include "support/link.h"
#include "support/streams_more.h"

/* Two ends with filters of one class over a link. */
struct pair {
	struct link link;
	struct codec a, b;
};

static void pair_open(struct pair *p, struct fixture *f, enum link_kind kind,
		      const struct rota_filter_class *class_)
{
	link_open(&p->link, f, kind);
	codec_open(&p->a, p->link.a.stream, class_, 0);
	codec_open(&p->b, p->link.b.stream, class_, 0);
	p->link.a.stream = &p->a.stream;
	p->link.b.stream = &p->b.stream;
	p->a.handle.data = &p->link.a;
	p->b.handle.data = &p->link.b;
	rota_stream_on_drain(&p->a.stream, end_drained);
	rota_stream_on_drain(&p->b.stream, end_drained);
}

static void for_each_pair(struct fixture *f,
			  const struct rota_filter_class *class_,
			  void (*test)(struct pair *p))
{
	for (int kind = 0; kind < LINK_KINDS; kind++) {
		struct pair p;

		pair_open(&p, f, (enum link_kind)kind, class_);
		test(&p);
		link_end(&p.link);
		assert_int_equal(p.a.closes + p.b.closes, 2);
	}
}

/* Everything passes both ways, also through filters over filters, and then
 * both ends. */
static void flow_test(struct pair *p)
{
	struct fixture *f = p->link.f;

	end_start(&p->link.a);
	end_start(&p->link.b);
	while (p->link.a.sent < 100000) {
		assert_true(end_send(&p->link.a, 4711) >= 0);
		assert_true(end_send(&p->link.b, 999) >= 0);
		turn(f);
	}
	assert_int_equal(rota_stream_end(&p->a.stream, end_closed), 0);
	RUN_UNTIL(f, p->link.b.ends > 0);
	assert_int_equal(p->link.b.status, ROTA_EOF);
	assert_int_equal(p->link.b.got, p->link.a.sent);
	assert_int_equal(p->link.a.wrong + p->link.b.wrong, 0);
	assert_int_equal(p->link.a.closes, 0);
	assert_int_equal(rota_stream_end(&p->b.stream, end_closed), 0);
	RUN_UNTIL(f, p->link.a.closes + p->link.b.closes == 2);
}

static void runs_pass_and_end(void **state)
{
	for_each_pair(*state, &rle_class, flow_test);
}

static void what_is_kept_and_waits_passes(void **state)
{
	for_each_pair(*state, &shaky_class, flow_test);
}

/* A thousand bytes for one, and one for a thousand. The reader stalls at first:
 * what is held has a bound. */
static void thousand_test(struct pair *p)
{
	struct fixture *f = p->link.f;
	struct rota_stream *below = rota_filter_below(&p->a.filter);

	assert_true(end_send(&p->link.a, 1000) >= 0);
	for (int i = 0; i < 20; i++) {
		turn(f);
		assert_in_range(rota_stream_queued(below), 0,
				ROTA_HIGH_WATERMARK + (100 << 10));
	}
	assert_in_range(p->a.outputs, 1, 100);
	assert_true(rota_stream_queued(&p->a.stream) > 0);
	end_start(&p->link.b);
	RUN_UNTIL(f, p->link.b.got == 1000);
	assert_int_equal(p->link.b.wrong, 0);
	assert_int_equal(rota_stream_shutdown(NULL, &p->a.stream, NULL) < 0, 0);
	RUN_UNTIL(f, p->link.b.ends > 0);
	assert_int_equal(p->link.b.status, ROTA_EOF);
}

static void a_byte_becomes_a_thousand_within_bounds(void **state)
{
	for_each_pair(*state, &thousand_class, thousand_test);
}

/* The stream below takes all: one call makes at most so much. */
static void much_of_little_does_not_stop_the_loop(void **state)
{
	struct fixture *f = *state;
	struct rota_memory_stream a, b;
	struct codec codec;
	static char data[3000];
	size_t most = 0;

	assert_int_equal(rota_memory_stream_pair(&a, &b, f->loop, 1 << 23), 0);
	codec_open(&codec, &a.stream, &thousand_class, 0);
	assert_int_equal(rota_stream_send(&codec.stream, data, sizeof(data)),
			 0);
	for (int turns = 0; b.internal.size < 3000000; turns++) {
		size_t before = b.internal.size;

		turn(f);
		if (b.internal.size - before > most)
			most = b.internal.size - before;
		assert_true(turns < 10);
	}
	assert_in_range(most, 1, ROTA_BYTES_PER_EVENT * 2 + (100 << 10));
	assert_int_equal(rota_handle_close_now(&codec.handle), 0);
	assert_int_equal(rota_handle_close_now(&b.handle), 0);
}

static void input_may_be_split_at_every_byte(void **state)
{
	static const char runs[] = "\003a\001b\002c\000";
	struct half h;

	for (size_t at = 0; at < 7; at++) {
		half_open(&h, *state, &rle_class, 0);
		half_reads(&h);
		if (at > 0)
			below_gets(&h, runs, at);
		below_gets(&h, runs + at, 7 - at);
		assert_string_equal(h.got, "aaabcc");
		assert_int_equal(h.status, ROTA_EOF);
		half_close(&h);
	}
}

/* The class is promised room for a run, and the reader has one byte. */
static void a_reader_may_have_less_room_than_a_record(void **state)
{
	struct half h;
	struct rota_read read;
	char byte = 0;

	half_open(&h, *state, &rle_class, 0);
	below_gets(&h, "\003a\002b\000", 5);
	for (int i = 0; i < 6; i++) {
		read.request.data = "r";
		assert_int_equal(rota_stream_read(&read, &h.codec.stream,
						  (struct rota_buf){ &byte, 1 },
						  1, note_read_done),
				 0);
		half_turns(&h);
		if (i < 5)
			assert_int_equal(byte, "aaabb"[i]);
		assert_string_equal(journal_take(),
				    i < 5 ? "pending: r=1" : "pending: r=EOF");
	}
	half_close(&h);
}

static void each_flush_leaves_nothing_behind(void **state)
{
	struct half h;

	half_open(&h, *state, &rle_class, 0);
	assert_int_equal(rota_stream_send(&h.codec.stream, "aab", 3), 0);
	expect_sent(&h, "\002a\001b");
	h.sent_size = 0;
	rota_stream_set_cork(&h.codec.stream, 1);
	assert_int_equal(rota_stream_send(&h.codec.stream, "aa", 2), 0);
	assert_int_equal(rota_stream_send(&h.codec.stream, "bbb", 3), 0);
	assert_int_equal(h.sent_size, 0);
	expect_sent(&h, "\002a\003b");
	half_close(&h);
}

/* rota_buf_keep(): also where the filter has released the block that the bytes
 * are in, just before. */
static struct rota_hold *held;
static struct rota_buf kept;

static void keep_bytes(struct rota_stream *stream, int status,
		       const struct rota_buf *buf)
{
	assert_int_equal(status, 0);
	if (held != NULL)
		return;
	held = rota_buf_keep(stream);
	kept = *buf;
}

static void bytes_that_are_kept_stay(void **state)
{
	static const char later[60];
	struct half h;

	half_open(&h, *state, &plain_class, 0);
	held = NULL;
	assert_int_equal(rota_stream_read_start(&h.codec.stream, keep_bytes),
			 0);
	below_gets_text(&h, "12345");
	assert_non_null(held);
	below_gets(&h, later, sizeof(later));
	assert_int_equal(kept.size, 5);
	assert_memory_equal(kept.data, "12345", 5);
	rota_buf_release(held);
	half_close(&h);
}

/* The side that begins sends its hello by itself, waits for the other one, and
 * nobody has to read for that. */
static void a_handshake_needs_no_reader(void **state)
{
	struct half h;

	half_open(&h, *state, &shake_class, 0);
	rota_filter_again(&h.codec.filter, ROTA_WRITABLE);
	assert_int_equal(h.codec.outputs, 0);
	expect_sent(&h, "H");
	assert_int_equal(rota_stream_send(&h.codec.stream, "12", 2), 0);
	assert_int_equal(rota_stream_queued(&h.codec.stream), 2);
	expect_sent(&h, "H");
	below_gets_text(&h, "H34");
	expect_sent(&h, "H12");
	assert_int_equal(h.size, 0);
	half_reads(&h);
	half_turns(&h);
	assert_string_equal(h.got, "34");
	assert_int_equal(rota_stream_queued(&h.codec.stream), 0);
	half_close(&h);
}

/* A send alone begins it; the other side answers from its input. */
static void both_sides_shake_hands(void **state)
{
	struct pair p;

	for (int kind = 0; kind < LINK_KINDS; kind++) {
		pair_open(&p, *state, (enum link_kind)kind, &shake_class);
		end_start(&p.link.b);
		assert_int_equal(rota_stream_send(&p.a.stream, "1", 1), 0);
		RUN_UNTIL(p.link.f, p.link.b.got == 1);
		assert_int_equal(rota_stream_shutdown(NULL, &p.a.stream, NULL),
				 0);
		RUN_UNTIL(p.link.f, p.link.b.ends > 0);
		assert_int_equal(p.link.b.status, ROTA_EOF);
		link_end(&p.link);
	}
}

static void input_makes_output_of_its_own(void **state)
{
	struct half h;

	half_open(&h, *state, &shake_class, 0);
	half_reads(&h);
	below_gets_text(&h, "H1R2RR3");
	expect_sent(&h, "Hr");
	assert_string_equal(h.got, "123");
	below_gets_text(&h, "R");
	expect_sent(&h, "Hrr");
	half_close(&h);
}

/* The shutdown waits for the handshake, makes its last byte, and then shuts the
 * stream below down. */
static void a_shutdown_waits_for_the_input(void **state)
{
	struct half h;

	half_open(&h, *state, &shake_class, 0);
	assert_int_equal(rota_stream_send(&h.codec.stream, "1", 1), 0);
	assert_int_equal(rota_stream_shutdown(NULL, &h.codec.stream, NULL), 1);
	expect_sent(&h, "H");
	assert_int_equal(h.peer_status, 0);
	assert_int_equal(h.drained, 0);
	below_gets_text(&h, "H");
	expect_sent(&h, "H1Z");
	assert_int_equal(h.peer_status, ROTA_EOF);
	assert_int_equal(h.drained, 1);
	half_close(&h);
}

/* output() waits, and the input ends: it is called once more. */
static void an_end_wakes_a_direction_that_waits(void **state)
{
	struct half h;

	half_open(&h, *state, &shake_class, 0);
	assert_int_equal(rota_stream_send(&h.codec.stream, "1", 1), 0);
	half_turns(&h);
	assert_int_equal(rota_stream_shutdown(NULL, &h.peer.stream, NULL), 0);
	half_turns(&h);
	assert_int_equal(rota_stream_send(&h.codec.stream, "1", 1), ROTA_EPIPE);
	assert_int_equal(rota_stream_read_start(&h.codec.stream, half_read), 0);
	half_turns(&h);
	assert_int_equal(h.status, ROTA_EILSEQ);
	half_close(&h);
}

static void drop_bytes(struct rota_stream *stream, int status,
		       const struct rota_buf *buf)
{
	(void)stream;
	(void)buf;
	assert_int_equal(status, 0);
}

/* Above the high watermark below, nothing more is taken; and it is noticed when
 * the stream below has drained, also if the program has filled it. */
static void the_watermarks_below_decide(void **state)
{
	struct fixture *f = *state;
	struct rota_memory_stream below, peer;
	struct codec codec;
	static char data[3000];

	assert_int_equal(rota_memory_stream_pair(&below, &peer, f->loop, 1000),
			 0);
	assert_int_equal(rota_stream_set_watermarks(&below.stream, 10, 1500),
			 0);
	assert_int_equal(rota_stream_send(&below.stream, data, 2600), 1);
	codec_open(&codec, &below.stream, &plain_class, 0);
	assert_int_equal(rota_stream_send(&codec.stream, "1", 1), 0);
	turn(f);
	assert_int_equal(rota_stream_queued(&codec.stream), 1);
	assert_int_equal(codec.outputs, 0);
	assert_int_equal(rota_stream_read_start(&peer.stream, drop_bytes), 0);
	RUN_UNTIL(f, rota_stream_queued(&codec.stream) == 0);
	assert_int_equal(rota_handle_close_now(&codec.handle), 0);
	assert_int_equal(rota_handle_close_now(&peer.handle), 0);
}

/* A framer reads the filter, and the data members below stay the user's. */
static void count_record(struct rota_framer *framer, int status,
			 const struct rota_record *record)
{
	struct half *h = framer->data;

	if (status < 0) {
		h->status = status;
		return;
	}
	memcpy(h->got + h->size, record->data, record->size);
	h->size += record->size;
	h->got[h->size++] = '|';
}

static void a_framer_reads_records_from_a_filter(void **state)
{
	struct half h;
	struct rota_framer framer = { .data = &h };
	struct rota_frame_options options;

	for (size_t at = 0; at < 9; at++) {
		half_open(&h, *state, &rle_class, 0);
		h.below.handle.data = &options;
		rota_frame_options_init(&options, ROTA_FRAME_LINE);
		memset(&framer.internal, 0, sizeof(framer.internal));
		assert_int_equal(rota_frame_start(&framer, &h.codec.stream,
						  &options, count_record),
				 0);
		below_gets(&h, "\003a\001\n\002b\002\n", at);
		below_gets(&h, &"\003a\001\n\002b\002\n"[at], 8 - at);
		below_gets(&h, "", 1);
		assert_string_equal(h.got, "aaa|bb||");
		assert_int_equal(h.status, ROTA_EOF);
		assert_ptr_equal(h.below.handle.data, &options);
		half_close(&h);
	}
}

static const struct CMUnitTest tests[] = {
	REAL(runs_pass_and_end),
	REAL(what_is_kept_and_waits_passes),
	REAL(a_byte_becomes_a_thousand_within_bounds),
	VIRTUAL(much_of_little_does_not_stop_the_loop),
	VIRTUAL(input_may_be_split_at_every_byte),
	VIRTUAL(a_reader_may_have_less_room_than_a_record),
	VIRTUAL(each_flush_leaves_nothing_behind),
	VIRTUAL(bytes_that_are_kept_stay),
	VIRTUAL(a_handshake_needs_no_reader),
	REAL(both_sides_shake_hands),
	VIRTUAL(input_makes_output_of_its_own),
	VIRTUAL(a_shutdown_waits_for_the_input),
	VIRTUAL(an_end_wakes_a_direction_that_waits),
	VIRTUAL(the_watermarks_below_decide),
	VIRTUAL(a_framer_reads_records_from_a_filter),
};
FIXTURE_MAIN(tests)
