/*
 * The memory that a loop keeps for its streams. In a steady state it does not
 * grow, and after a burst it is freed, except for what docs/ownership.md lists.
 */
#include "support/fixture.h"
#include "support/streams.h"

#include "rota/stream.h"

enum {
	KEPT_CHUNKS = 64,
	CHUNK = 4096,
	KEPT_BLOCKS = 4, /* and the one in use */
	BLOCK_HEAD = 64, /* most bytes before the data */
};

/* Send until much is queued, and let the peer read all of it. */
static void block_and_drain(struct fixture *f, struct connection *c)
{
	connection_block(c);
	peer_takes_until(f, c, c->produced);
	assert_int_equal(c->wrong, 0);
}

static void output_in_a_steady_state_allocates_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	size_t bytes, calls;

	connection_open_small(&c, f, NULL);
	block_and_drain(f, &c);
	/* From now on all that is kept for small pieces is allocated. */
	for (unsigned i = 0; i < 2 * KEPT_CHUNKS; i++)
		assert_true(connection_send(&c, CHUNK / 2) >= 0);
	peer_takes_until(f, &c, c.produced);
	bytes = f->memory.bytes;
	calls = f->memory.calls;

	for (unsigned i = 0; i < 200; i++) {
		for (unsigned k = 0; k < KEPT_CHUNKS / 2; k++)
			assert_true(connection_send(&c, 1000) >= 0);
		peer_takes_until(f, &c, c.produced);
	}

	assert_int_equal(f->memory.bytes, bytes);
	assert_int_equal(f->memory.calls, calls);
	connection_end(&c);
}

/* A send allocates only if its bytes do not fit behind the last one's, to the
 * last byte. */
static void what_was_taken_is_filled_before_more_is(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	size_t sent_before[3]; /* before the nth allocation */

	connection_open(&c, f, NULL);
	rota_stream_set_cork(&c.tcp.stream, 1);
	for (unsigned n = 0; n < 3;) {
		size_t calls = f->memory.calls;

		assert_true(c.produced < 100000);
		assert_true(connection_send(&c, 1) >= 0);
		if (f->memory.calls > calls)
			sent_before[n++] = c.produced - 1;
	}

	assert_int_equal(sent_before[0], 0);
	assert_int_equal(sent_before[2], 2 * sent_before[1]);
	rota_stream_set_cork(&c.tcp.stream, 0);
	peer_takes_until(f, &c, c.produced);
	connection_end(&c);
}

/* Small pieces make many chunks, of which 64 are kept. A large piece has a
 * block of its own. */
static void a_burst_of_output_gives_its_memory_back(void **state)
{
	enum { PIECES = 1000, PIECE = 3000 };
	struct fixture *f = *state;
	struct connection c;
	size_t before;

	connection_open_small(&c, f, NULL);
	connection_read(&c); /* registers it */
	turn(f);
	before = f->memory.bytes;
	for (unsigned burst = 0; burst < 3; burst++) {
		connection_block(&c);
		for (unsigned i = 0; i < PIECES; i++)
			assert_true(connection_send(&c, PIECE) >= 0);
		assert_true(f->memory.bytes - before > PIECES * PIECE);

		peer_takes_until(f, &c, c.produced);

		assert_int_equal(c.wrong, 0);
		assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
		assert_int_equal(f->memory.bytes - before, KEPT_CHUNKS * CHUNK);
	}
	connection_end(&c);
}

/* Output that is queued when a stream closes is a burst, too. */
static void a_close_gives_back_what_was_queued(void **state)
{
	enum { PIECES = 300 };
	struct fixture *f = *state;
	size_t before = 0;

	for (unsigned i = 0; i < 5; i++) {
		struct connection c;

		connection_open_small(&c, f, NULL);
		connection_block(&c);
		for (unsigned k = 0; k < PIECES; k++)
			assert_true(connection_send(&c, CHUNK / 2) >= 0);
		connection_end(&c);
		turn(f);
		if (i == 0)
			before = f->memory.bytes;

		assert_int_equal(f->memory.bytes, before);
		assert_true(before < 2 * (size_t)KEPT_CHUNKS * CHUNK);
	}
}

enum { HOLDS = 40 };

static struct rota_hold *held[HOLDS];
static unsigned held_count;

static void hold_it(struct connection *c, int status, struct rota_buf buf)
{
	(void)buf;
	if (status < 0 || held_count == HOLDS)
		return;
	held[held_count] = rota_buf_keep(&c->tcp.stream);
	assert_non_null(held[held_count]);
	held_count++;
}

/* Keep all HOLDS blocks, and then release them. */
static void hold_and_release(struct fixture *f, struct connection *c,
			     size_t portion)
{
	held_count = 0;
	while (held_count < HOLDS) {
		peer_has_sent(c, portion);
		RUN_UNTIL(f, c->size == c->sent);
	}
	for (unsigned i = 0; i < HOLDS; i++)
		rota_buf_release(held[i]);
}

/* Each portion fills most of a block, which is then replaced. */
static void kept_input_gives_its_memory_back(void **state)
{
	enum { SIZE = 16384 };
	struct fixture own;
	struct connection c;
	size_t before, after;

	(void)state;
	small_loop_begin(&own, SIZE);
	connection_open(&c, &own, NULL);
	connection_read(&c);
	before = own.memory.bytes;
	c.act = hold_it;
	for (unsigned burst = 0; burst < 3; burst++) {
		size_t calls = own.memory.calls;

		hold_and_release(&own, &c, SIZE - 1000);

		assert_true(own.memory.calls - calls >=
			    HOLDS - KEPT_BLOCKS - 1);
		after = own.memory.bytes - before;
		assert_in_range(after, 1,
				(KEPT_BLOCKS + 1) * (SIZE + BLOCK_HEAD));
	}

	assert_int_equal(c.wrong, 0);
	connection_end(&c);
	small_loop_end(&own);
}

static void input_in_a_steady_state_allocates_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	size_t bytes, calls;

	connection_open(&c, f, NULL);
	connection_read(&c);
	c.act = hold_it;
	hold_and_release(f, &c, 500);
	bytes = f->memory.bytes;
	calls = f->memory.calls;

	for (unsigned i = 0; i < 50; i++)
		hold_and_release(f, &c, 500);

	assert_int_equal(f->memory.bytes, bytes);
	assert_int_equal(f->memory.calls, calls);
	connection_end(&c);
}

/* Connections come and go, and leave no memory behind. */
static void connections_that_went_left_nothing(void **state)
{
	struct fixture *f = *state;
	size_t bytes = 0;

	for (unsigned i = 0; i < 200; i++) {
		struct connection c;

		connection_open(&c, f, NULL);
		connection_read(&c);
		peer_has_sent(&c, 100);
		RUN_UNTIL(f, c.size == 100);
		assert_int_equal(connection_send(&c, 100), 0);
		peer_takes_until(f, &c, 100);
		connection_end(&c);
		if (i == 0)
			bytes = f->memory.bytes;
	}

	assert_int_equal(f->memory.bytes, bytes);
}

static const struct CMUnitTest tests[] = {
	REAL(output_in_a_steady_state_allocates_nothing),
	REAL(what_was_taken_is_filled_before_more_is),
	REAL(a_burst_of_output_gives_its_memory_back),
	REAL(a_close_gives_back_what_was_queued),
	REAL(kept_input_gives_its_memory_back),
	REAL(input_in_a_steady_state_allocates_nothing),
	REAL(connections_that_went_left_nothing),
};
FIXTURE_MAIN(tests)
