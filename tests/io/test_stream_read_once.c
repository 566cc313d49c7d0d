/*
 * Read requests: rota_stream_read() into the caller's own memory.
 * test_stream_read_end.c tests how they complete early.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/streams.h"

/* rota_stream_read(): it completes with at least @least bytes, and whatever
 * came with them, up to the size. */
static void a_read_takes_what_is_there_up_to_its_size(void **state)
{
	struct fixture *f = *state;
	struct rota_read read;
	struct connection c;
	char bytes[16] = "";

	connection_open(&c, f, NULL);
	peer_says(&c, "abcdefghij");

	assert_int_equal(begin_read(&c, &read, "r", bytes, 8, 4), 0);
	turn(f);
	assert_string_equal(journal_take(), "poll: r=8");
	assert_memory_equal(bytes, "abcdefgh", 9);
	assert_int_equal(begin_read(&c, &read, "r", bytes, 8, 0), 0);
	turn(f);

	assert_string_equal(journal_take(), "poll: r=2");
	assert_memory_equal(bytes, "ijcdefgh", 9);
	connection_end(&c);
}

static void a_read_waits_for_the_least_that_it_wants(void **state)
{
	struct fixture *f = *state;
	struct rota_read read;
	struct connection c;
	char bytes[16] = "";

	connection_open(&c, f, NULL);
	assert_int_equal(begin_read(&c, &read, "r", bytes, 8, 5), 0);

	peer_says(&c, "abc");
	turn(f);
	turn(f);
	assert_string_equal(journal_take(), "");
	assert_true(rota_request_is_active(&read.request));
	peer_says(&c, "d");
	turn(f);
	assert_string_equal(journal_take(), "");
	peer_says(&c, "efg");
	turn(f);

	assert_string_equal(journal_take(), "poll: r=7");
	assert_string_equal(bytes, "abcdefg");
	assert_false(rota_request_is_active(&read.request));
	connection_end(&c);
}

/* O7: never from inside the call, whether the bytes are there or not. */
static void a_read_never_calls_back_from_inside_the_call(void **state)
{
	struct fixture *f = *state;
	struct rota_read reads[2];
	struct connection c;
	char bytes[2];

	connection_open(&c, f, NULL);
	peer_says(&c, "ab");
	assert_int_equal(begin_read(&c, &reads[0], "0", bytes, 1, 1), 0);
	assert_string_equal(journal_take(), "");
	turn(f);
	journal_take();

	/* By now the second byte has arrived. */
	assert_int_equal(begin_read(&c, &reads[1], "1", bytes, 1, 1), 0);
	assert_string_equal(journal_take(), "");
	turn(f);

	assert_string_equal(journal_take(), "poll: 1=1");
	connection_end(&c);
}

/* rota_stream_read(): several reads are served in order. */
static void reads_are_served_in_their_order(void **state)
{
	struct fixture *f = *state;
	struct rota_read a, b, d;
	char bytes[3][8] = { "", "", "" };
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(begin_read(&c, &a, "a", bytes[0], 4, 4), 0);
	assert_int_equal(begin_read(&c, &b, "b", bytes[1], 4, 1), 0);
	assert_int_equal(begin_read(&c, &d, "d", bytes[2], 4, 2), 0);
	peer_says(&c, "abcdefghij");
	turn(f);

	assert_string_equal(journal_take(), "poll: a=4 b=4 d=2");
	assert_string_equal(bytes[0], "abcd");
	assert_string_equal(bytes[1], "efgh");
	assert_string_equal(bytes[2], "ij");
	connection_end(&c);
}

static void a_large_read_is_assembled_over_many_turns(void **state)
{
	enum { SIZE = 1 << 20 };
	struct fixture *f = *state;
	char *bytes = test_malloc(SIZE);
	struct rota_read read;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(begin_read(&c, &read, "r", bytes, SIZE, SIZE), 0);
	RUN_UNTIL(f, (peer_tries_to_send(&c, SIZE - c.sent),
		      !rota_request_is_active(&read.request)));

	assert_string_equal(journal_take(), "poll: r=1048576");
	assert_true(pattern_is(bytes, SIZE, 0));
	connection_end(&c);
	test_free(bytes);
}

static char one[1];
static unsigned chained;
static struct connection *chain;

static void read_one_more(struct rota_read *read, int status)
{
	static unsigned depth;

	assert_int_equal(depth++, 0);
	assert_int_equal(status, 0);
	assert_int_equal(read->size, 1);
	assert_int_equal(one[0], pattern_at(chained));
	if (++chained < 300)
		assert_int_equal(rota_stream_read(read, &chain->tcp.stream,
						  (struct rota_buf){ one, 1 },
						  1, read_one_more),
				 0);
	depth--;
}

/* A request may be started again in its own callback, while input is left. */
static void a_read_may_be_begun_again_in_its_callback(void **state)
{
	struct fixture *f = *state;
	struct rota_read read;
	struct connection c;

	connection_open(&c, f, NULL);
	chain = &c;
	chained = 0;
	peer_has_sent(&c, 300);
	assert_int_equal(rota_stream_read(&read, &c.tcp.stream,
					  (struct rota_buf){ one, 1 }, 1,
					  read_one_more),
			 0);

	run_to_the_end(f); /* L3: it keeps the loop alive */

	assert_int_equal(chained, 300);
	connection_end(&c);
}

static void flow_from_here(struct rota_read *read, int status)
{
	struct connection *c = read->request.data;

	assert_int_equal(status, 0);
	c->size = read->size;
	connection_read(c);
}

/* rota_stream_read_start() returns ROTA_EBUSY while a read is in flight. In the
 * callback of the last one none is, and no byte is lost in between. */
static void flowing_may_follow_a_read(void **state)
{
	struct fixture *f = *state;
	struct rota_read read;
	struct connection c;
	char bytes[10];

	connection_open(&c, f, NULL);
	peer_has_sent(&c, 1000);
	read.request.data = &c;
	assert_int_equal(rota_stream_read(&read, &c.tcp.stream,
					  (struct rota_buf){ bytes, 10 }, 10,
					  flow_from_here),
			 0);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, collect),
			 ROTA_EBUSY);
	RUN_UNTIL(f, c.size == 1000);

	assert_true(pattern_is(bytes, 10, 0));
	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

static struct rota_read follower;
static char followed[8];

static void stop_and_read(struct connection *c, int status, struct rota_buf buf)
{
	(void)buf;
	assert_int_equal(status, 0);
	assert_int_equal(begin_read(c, &follower, "r", followed, 4, 4),
			 ROTA_EBUSY);
	rota_stream_read_stop(&c->tcp.stream);
	assert_int_equal(begin_read(c, &follower, "r", followed, 4, 4), 0);
}

/* rota_stream_read() returns ROTA_EBUSY during continuous reading. After a stop
 * it may be started, also inside the callback, and continues there. */
static void a_read_may_follow_flowing(void **state)
{
	struct fixture own;
	struct connection c;

	(void)state;
	small_loop_begin(&own, ROTA_LEAST_BUFFER_SIZE);
	connection_open(&c, &own, NULL);
	c.act = stop_and_read;
	peer_has_sent(&c, ROTA_LEAST_BUFFER_SIZE + 4);
	connection_read(&c);
	RUN_UNTIL(&own,
		  c.reads == 1 && !rota_request_is_active(&follower.request));

	assert_int_equal(c.size, ROTA_LEAST_BUFFER_SIZE);
	assert_string_equal(journal_take(), "poll: r=4");
	assert_true(pattern_is(followed, 4, c.size));
	connection_end(&c);
	small_loop_end(&own);
}

/* rota_stream_read() returns errors in its arguments, and then no callback
 * comes (O7). */
static void arguments_of_a_read_are_checked(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp fresh;
	struct rota_read read;
	struct connection c;
	struct rota_buf buf;
	char bytes[4];

	connection_open(&c, f, NULL);
	assert_int_equal(rota_tcp_init(&fresh, f->loop), 0);
	peer_has_sent(&c, 4);
	buf = (struct rota_buf){ bytes, 4 };

	assert_int_equal(
		rota_stream_read(&read, &fresh.stream, buf, 1, note_read_done),
		ROTA_ENOTCONN);
	assert_int_equal(rota_stream_read(&read, &c.tcp.stream, buf, 1, NULL),
			 ROTA_EINVAL);
	assert_int_equal(begin_read(&c, &read, "r", NULL, 4, 1), ROTA_EINVAL);
	assert_int_equal(begin_read(&c, &read, "r", bytes, 0, 0), ROTA_EINVAL);
	assert_int_equal(begin_read(&c, &read, "r", bytes, 4, 5), ROTA_EINVAL);
	turn(f);
	assert_false(rota_loop_alive(f->loop));
	rota_handle_close(&c.tcp.handle, NULL);
	assert_int_equal(begin_read(&c, &read, "r", bytes, 4, 1), ROTA_EINVAL);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "");
	assert_int_equal(rota_handle_close_now(&fresh.handle), 0);
	peer_close(&c);
}

/* L3: a request keeps the loop alive, even if its handle is unreferenced. */
static void a_read_keeps_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct rota_read read;
	struct connection c;
	char byte;

	connection_open(&c, f, NULL);
	rota_handle_unref(&c.tcp.handle);
	assert_false(rota_loop_alive(f->loop));

	assert_int_equal(begin_read(&c, &read, "r", &byte, 1, 1), 0);
	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_handle_close_now(&c.tcp.handle), ROTA_EBUSY);
	peer_has_sent(&c, 1);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "poll: r=1");
	connection_end(&c);
}

/* Many queued reads: each is served, in time that is linear in their number. */
static void a_long_line_of_reads_is_served(void **state)
{
	enum { COUNT = 2000 };
	static struct rota_read reads[COUNT];
	static char bytes[COUNT];
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	for (unsigned i = 0; i < COUNT; i++) {
		reads[i].request.data = &c;
		assert_int_equal(
			begin_read(&c, &reads[i], "r", &bytes[i], 1, 1), 0);
	}
	for (unsigned i = 0; i < COUNT; i += 100) {
		peer_has_sent(&c, 100);
		RUN_UNTIL(f, !rota_request_is_active(&reads[i + 99].request));
		journal_take();
	}

	assert_true(pattern_is(bytes, COUNT, 0));
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_read_takes_what_is_there_up_to_its_size),
	REAL(a_read_waits_for_the_least_that_it_wants),
	REAL(a_read_never_calls_back_from_inside_the_call),
	REAL(reads_are_served_in_their_order),
	REAL(a_large_read_is_assembled_over_many_turns),
	REAL(a_read_may_be_begun_again_in_its_callback),
	REAL(flowing_may_follow_a_read),
	REAL(a_read_may_follow_flowing),
	REAL(arguments_of_a_read_are_checked),
	REAL(a_read_keeps_the_loop_alive),
	REAL(a_long_line_of_reads_is_served),
};

FIXTURE_MAIN(tests)
