/*
 * Write requests: they leave in order, are gathered, and call back when the
 * kernel has all their bytes. test_stream_write_end.c tests how they complete
 * early.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/fault.h"
#include "support/streams.h"

/* O7: if the kernel takes it at once, it calls back in the next pending phase.
 * Without a cork, and if nothing is queued, it leaves before the loop runs. */
static void a_write_goes_out_at_once_and_calls_back_later(void **state)
{
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;
	char bytes[5];

	connection_open(&c, f, NULL);
	fault_count_reset();
	assert_int_equal(begin_write(&c, &write, "w", "hello", 5), 0);
	assert_int_equal(count_writes(), 1);
	assert_string_equal(journal_take(), "");
	assert_true(rota_request_is_active(&write.request));
	raw_read(c.peer, bytes, 5);
	assert_memory_equal(bytes, "hello", 5);

	run_to_the_end(f); /* L3 */

	assert_string_equal(journal_take(), "pending: w=0");
	assert_false(rota_request_is_active(&write.request));
	connection_end(&c);
}

enum { LINE = 40, LINE_SIZE = 20000 };

/* Count the writes, from the first, that have called back. No other has, and no
 * more bytes are queued than those of the others. */
static unsigned in_order(struct connection *c, const struct rota_write *writes)
{
	unsigned done = 0;

	while (done < LINE && !rota_request_is_active(&writes[done].request))
		done++;
	for (unsigned i = done; i < LINE; i++)
		assert_true(rota_request_is_active(&writes[i].request));
	assert_true(rota_stream_queued(&c->tcp.stream) <=
		    (size_t)(LINE - done) * LINE_SIZE);
	return done;
}

/* The callbacks run in the order of the writes, each when its last byte has
 * been taken, and not before. */
static void writes_call_back_in_order_as_they_leave(void **state)
{
	static char bytes[LINE][LINE_SIZE];
	struct rota_write writes[LINE];
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	for (unsigned i = 0; i < LINE; i++) {
		pattern_fill(bytes[i], LINE_SIZE, (size_t)i * LINE_SIZE);
		assert_int_equal(
			begin_write(&c, &writes[i], "w", bytes[i], LINE_SIZE),
			0);
	}
	assert_true(rota_stream_queued(&c.tcp.stream) > 0);

	RUN_UNTIL(f, (peer_takes(&c), in_order(&c, writes) == LINE));
	peer_takes_until(f, &c, (size_t)LINE * LINE_SIZE);

	journal_take();
	connection_end(&c);
}

/* Write many buffers of @size bytes with one request. */
static void write_in_pieces(struct fixture *f, struct connection *c,
			    size_t count, size_t size)
{
	struct rota_const_buf *bufs = test_malloc(count * sizeof(*bufs));
	char *bytes = test_malloc(count * size);
	struct rota_write write;

	write.request.data = (void *)(uintptr_t) "w";
	pattern_fill(bytes, count * size, c->taken);
	for (size_t i = 0; i < count; i++)
		bufs[i] = (struct rota_const_buf){ bytes + i * size, size };
	assert_int_equal(rota_stream_write(&write, &c->tcp.stream, bufs, count,
					   note_write),
			 0);
	peer_takes_until(f, c, c->taken + count * size);
	RUN_UNTIL(f, !rota_request_is_active(&write.request));

	assert_string_equal(journal_take(), "pending: w=0");
	test_free(bufs);
	test_free(bytes);
}

/* There are more buffers than one system call takes. If a part is taken,
 * writing continues in the middle of a buffer. */
static void a_write_may_have_many_buffers(void **state)
{
	struct fixture *f = *state;
	struct connection c, small;

	connection_open(&c, f, NULL);
	connection_open_small(&small, f, NULL);
	write_in_pieces(f, &c, 2, 10);
	fault_count_reset();
	write_in_pieces(f, &c, 3000, 7);
	assert_true(count_writes() <= 8);
	write_in_pieces(f, &c, 512, 1);
	write_in_pieces(f, &c, 513, 1);
	write_in_pieces(f, &small, 1500, 300);
	write_in_pieces(f, &small, 3, 200001);
	connection_end(&c);
	connection_end(&small);
}

/* Queued output is gathered. */
static void what_is_queued_is_gathered(void **state)
{
	enum { COUNT = 300 };
	static struct rota_write writes[COUNT];
	static char bytes[COUNT];
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	for (unsigned i = 0; i < COUNT; i++) {
		bytes[i] = pattern_at(c.produced + i);
		assert_int_equal(begin_write(&c, &writes[i], "w", &bytes[i], 1),
				 0);
	}
	c.produced += COUNT;
	fault_count_reset();
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, !rota_request_is_active(&writes[COUNT - 1].request));

	assert_true(count_writes() < COUNT / 3);
	journal_take();
	connection_end(&c);
}

/* rota_stream_write(): a size of 0 is valid. Such a write has its place in the
 * queue, too. */
static void a_write_of_nothing_calls_back_in_its_turn(void **state)
{
	struct fixture *f = *state;
	struct rota_const_buf none[3] = { { NULL, 0 },
					  { NULL, 0 },
					  { NULL, 0 } };
	struct rota_write a, b, d;
	struct connection c;
	char byte;

	connection_open_small(&c, f, NULL);
	a.request.data = (void *)(uintptr_t) "a";
	assert_int_equal(
		rota_stream_write(&a, &c.tcp.stream, none, 3, note_write), 0);
	assert_int_equal(begin_write(&c, &b, "b", "", 0), 0);
	assert_string_equal(journal_take(), "");
	turn(f);
	assert_string_equal(journal_take(), "pending: a=0 b=0");

	connection_block(&c);
	byte = pattern_at(c.produced++);
	assert_int_equal(begin_write(&c, &a, "a", "", 0), 0);
	assert_int_equal(begin_write(&c, &b, "b", &byte, 1), 0);
	assert_int_equal(begin_write(&c, &d, "d", "", 0), 0);
	turn(f);
	assert_string_equal(journal_take(), "");
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, !rota_request_is_active(&d.request));
	assert_string_equal(journal_take(), "pending: a=0 b=0 d=0");
	connection_end(&c);
}

/* The same for empty buffers among others, with more of them in a row than one
 * call takes. */
static void empty_buffers_among_others_are_nothing(void **state)
{
	enum { COUNT = 3000 };
	static struct rota_const_buf bufs[COUNT];
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;
	char bytes[4];

	connection_open(&c, f, NULL);
	pattern_fill(bytes, 4, 0);
	bufs[1500] = (struct rota_const_buf){ bytes, 2 };
	bufs[COUNT - 1] = (struct rota_const_buf){ bytes + 2, 2 };
	write.request.data = (void *)(uintptr_t) "w";

	assert_int_equal(rota_stream_write(&write, &c.tcp.stream, bufs, COUNT,
					   note_write),
			 0);
	peer_takes_until(f, &c, 4);
	turn(f);

	assert_string_equal(journal_take(), "pending: w=0");
	connection_end(&c);
}

/* rota_stream_write() returns errors in its arguments, and then no callback
 * comes (O7). */
static void arguments_of_a_write_are_checked(void **state)
{
	enum { HALF = 2 };
	struct fixture *f = *state;
	struct rota_const_buf bufs[3] = { { "x", 1 }, { "y", 1 }, { "z", 1 } };
	struct rota_stream *stream;
	struct rota_write write;
	struct rota_tcp fresh;
	struct connection c;

	connection_open(&c, f, NULL);
	stream = &c.tcp.stream;
	assert_int_equal(rota_tcp_init(&fresh, f->loop), 0);

	assert_int_equal(
		rota_stream_write(&write, &fresh.stream, bufs, 1, note_write),
		ROTA_ENOTCONN);
	assert_int_equal(rota_stream_write(&write, stream, bufs, 1, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_write(&write, stream, NULL, 1, note_write),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_write(&write, stream, bufs, 0, note_write),
			 ROTA_EINVAL);
#if SIZE_MAX > UINT32_MAX
	assert_int_equal(rota_stream_write(&write, stream, bufs,
					   (size_t)UINT32_MAX + 1, note_write),
			 ROTA_EINVAL);
#endif
	bufs[0].size = bufs[1].size = PTRDIFF_MAX;
	bufs[2].size = 2; /* 0, if all are added up */
	assert_int_equal(rota_stream_write(&write, stream, bufs, 3, note_write),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_try_write(stream, bufs, 3), ROTA_EINVAL);
	bufs[1].size = 1;
	bufs[0].size = SIZE_MAX;
	assert_int_equal(rota_stream_write(&write, stream, bufs, 1, note_write),
			 ROTA_EINVAL);
	bufs[0].size = (size_t)PTRDIFF_MAX + 1;
	assert_int_equal(rota_stream_write(&write, stream, bufs, 1, note_write),
			 ROTA_EINVAL);
	bufs[0].size = bufs[1].size = SIZE_MAX / HALF + 1; /* sum wraps to 0 */
	assert_int_equal(rota_stream_write(&write, stream, bufs, 2, note_write),
			 ROTA_EINVAL);
	bufs[0].size = PTRDIFF_MAX;
	bufs[1].size = 1;
	assert_int_equal(rota_stream_write(&write, stream, bufs, 2, note_write),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_queued(stream), 0);
	turn(f);
	rota_handle_close(&c.tcp.handle, NULL);
	assert_int_equal(begin_write(&c, &write, "w", "x", 1), ROTA_EINVAL);

	run_to_the_end(f);
	assert_string_equal(journal_take(), "");
	assert_int_equal(rota_handle_close_now(&fresh.handle), 0);
	peer_close(&c);
}

enum { CHAIN = 500 };

static struct connection *chain;
static unsigned chained;
static char chain_byte;

static void write_one_more(struct rota_write *write, int status)
{
	struct rota_const_buf buf = { &chain_byte, 1 };
	static unsigned depth;

	assert_int_equal(depth++, 0);
	assert_int_equal(status, 0);
	assert_int_equal(rota_loop_phase(rota_handle_loop(&chain->tcp.handle)),
			 ROTA_PHASE_PENDING);
	chain_byte = pattern_at(++chained);
	if (chained < CHAIN)
		assert_int_equal(rota_stream_write(write, &chain->tcp.stream,
						   &buf, 1, write_one_more),
				 0);
	depth--;
}

/* A request may be started again in its own callback. The struct rota_const_buf
 * of a single buffer is not needed after the call. */
static void a_write_may_be_begun_again_in_its_callback(void **state)
{
	struct fixture *f = *state;
	struct rota_const_buf buf = { &chain_byte, 1 };
	struct rota_write write;
	struct connection c;

	connection_open(&c, f, NULL);
	chain = &c;
	chained = 0;
	chain_byte = pattern_at(0);
	assert_int_equal(rota_stream_write(&write, &c.tcp.stream, &buf, 1,
					   write_one_more),
			 0);
	buf = (struct rota_const_buf){ NULL, 0 };
	run_to_the_end(f);

	assert_int_equal(chained, CHAIN);
	assert_true(stats_of(f->loop).turns >= CHAIN); /* T8 */
	peer_takes_until(f, &c, CHAIN);
	connection_end(&c);
}

/* rota_stream_try_write(): what the kernel takes at once, or ROTA_EAGAIN. */
static void a_try_writes_what_there_is_room_for(void **state)
{
	enum { MUCH = 2 * CONNECTION_HOLDS };
	struct fixture *f = *state;
	char *bytes = test_malloc(MUCH);
	struct rota_const_buf bufs[2];
	struct rota_stream *stream;
	struct connection c;
	size_t sum = 0;
	ptrdiff_t n;

	connection_open_small(&c, f, NULL);
	stream = &c.tcp.stream;
	pattern_fill(bytes, MUCH, 0);
	bufs[0] = (struct rota_const_buf){ bytes, 3 };
	bufs[1] = (struct rota_const_buf){ bytes + 3, 4 };
	assert_int_equal(rota_stream_try_write(stream, bufs, 2), 7);
	sum = 7;
	do {
		bufs[0] = (struct rota_const_buf){ bytes + sum, MUCH - sum };
		n = rota_stream_try_write(stream, bufs, 1);
		if (n > 0)
			sum += (size_t)n;
	} while (n > 0);
	assert_int_equal(n, ROTA_EAGAIN);
	assert_true(sum < CONNECTION_HOLDS);
	assert_int_equal(rota_stream_queued(stream), 0);
	assert_false(rota_loop_alive(f->loop));

	peer_takes_until(f, &c, sum);
	await_room(c.fd);
	bufs[0] = (struct rota_const_buf){ bytes + sum, 1 };
	assert_int_equal(rota_stream_try_write(stream, bufs, 1), 1);
	peer_takes_until(f, &c, sum + 1);
	test_free(bytes);
	connection_end(&c);
}

/* rota_stream_try_write() returns ROTA_EAGAIN if other output is queued or
 * corked, to keep the order. */
static void a_try_does_not_overtake_what_is_in_line(void **state)
{
	struct fixture *f = *state;
	struct rota_const_buf buf = { "x", 1 };
	struct rota_stream *stream;
	struct connection c;
	struct rota_tcp fresh;

	connection_open_small(&c, f, NULL);
	stream = &c.tcp.stream;
	rota_stream_set_cork(stream, 1);
	assert_int_equal(rota_stream_try_write(stream, &buf, 1), ROTA_EAGAIN);
	rota_stream_set_cork(stream, 0);
	connection_block(&c);
	assert_int_equal(rota_stream_try_write(stream, &buf, 1), ROTA_EAGAIN);
	assert_int_equal(rota_stream_try_write(stream, &buf, 0), ROTA_EINVAL);
	assert_int_equal(rota_stream_try_write(stream, NULL, 1), ROTA_EINVAL);
	buf.size = SIZE_MAX;
	assert_int_equal(rota_stream_try_write(stream, &buf, 1), ROTA_EINVAL);

	assert_int_equal(rota_tcp_init(&fresh, f->loop), 0);
	buf.size = 1;
	assert_int_equal(rota_stream_try_write(&fresh.stream, &buf, 1),
			 ROTA_ENOTCONN);
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, rota_stream_queued(stream) == 0);
	buf.size = 0;
	assert_int_equal(rota_stream_try_write(stream, &buf, 1), 0);

	assert_int_equal(rota_handle_close_now(&fresh.handle), 0);
	connection_end(&c);
}

/* Read-only memory of any type needs no cast. */
static void data_that_cannot_be_changed_can_be_written(void **state)
{
	static const char text[] = "constant ";
	static const unsigned char digits[3] = { '1', '2', '3' };
	const struct rota_const_buf bufs[2] = {
		{ text, sizeof(text) - 1 },
		rota_bytes(digits, sizeof(digits)),
	};
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;
	char got[12];

	connection_open(&c, f, NULL);
	write.request.data = (void *)(uintptr_t) "w";

	assert_int_equal(
		rota_stream_write(&write, &c.tcp.stream, bufs, 2, note_write),
		0);
	run_to_the_end(f);
	assert_int_equal(rota_stream_try_write(&c.tcp.stream, bufs, 2), 12);

	assert_string_equal(journal_take(), "pending: w=0");
	for (int i = 0; i < 2; i++) {
		raw_read(c.peer, got, sizeof(got));
		assert_memory_equal(got, "constant 123", sizeof(got));
	}
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(data_that_cannot_be_changed_can_be_written),
	REAL(a_write_goes_out_at_once_and_calls_back_later),
	REAL(writes_call_back_in_order_as_they_leave),
	REAL(a_write_may_have_many_buffers),
	REAL(what_is_queued_is_gathered),
	REAL(a_write_of_nothing_calls_back_in_its_turn),
	REAL(empty_buffers_among_others_are_nothing),
	REAL(arguments_of_a_write_are_checked),
	REAL(a_write_may_be_begun_again_in_its_callback),
	REAL(a_try_writes_what_there_is_room_for),
	REAL(a_try_does_not_overtake_what_is_in_line),
};

FIXTURE_MAIN(tests)
