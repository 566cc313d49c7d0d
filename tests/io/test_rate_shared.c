/*
 * Buckets: what they are made of, how streams share one, how often they wake
 * the loop up, and what they do when a stream leaves.
 */
#include "support/fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/child.h"
#include "support/link.h"
#include "support/rate.h"
#include "support/streams.h"

enum { RATE = 100 * KIB, BURST = 10 * KIB, STREAMS = 8, SIZE = 100 * KIB };

static struct rota_bucket bucket;
static struct link links[STREAMS];

static void open_links(struct fixture *f, enum link_kind kind)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		link_open(&links[i], f, kind);
		end_start(&links[i].b);
	}
}

static void end_links(void)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		(void)rota_handle_close_now(&links[i].a.stream->handle);
		(void)rota_handle_close_now(&links[i].b.stream->handle);
	}
	run_to_the_end(links[0].f);
	bucket_end(&bucket);
}

static size_t got_in_all(void)
{
	size_t got = 0;

	for (unsigned i = 0; i < STREAMS; i++)
		got += links[i].b.got;
	return got;
}

static void limit_all(int reading, int writing)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		if (writing)
			assert_int_equal(rota_stream_set_rate(links[i].a.stream,
							      NULL, &bucket),
					 0);
		if (reading)
			assert_int_equal(rota_stream_set_rate(links[i].b.stream,
							      &bucket, NULL),
					 0);
	}
}

static void send_all(size_t size)
{
	for (unsigned i = 0; i < STREAMS; i++)
		for (size_t sent = 0; sent < size; sent += 10 * KIB)
			assert_true(end_send(&links[i].a, 10 * KIB) >= 0);
}

/* All have the same, except for what the first ones had of the burst, and a
 * share. */
static void expect_fair(void)
{
	size_t least = SIZE_MAX, most = 0;

	for (unsigned i = 0; i < STREAMS; i++) {
		size_t got = links[i].b.got;

		least = got < least ? got : least;
		most = got > most ? got : most;
	}
	assert_in_range(most - least, 0, BURST + 2 * KIB);
}

static void share_test(struct fixture *f, enum link_kind kind, int reading)
{
	uint64_t begun = time_passed(f);

	bucket_begin(&bucket, f, RATE, BURST);
	open_links(f, kind);
	limit_all(reading, !reading);
	assert_int_equal(rota_bucket_users(&bucket), STREAMS);
	send_all(SIZE);
	while (got_in_all() < STREAMS * SIZE) {
		pass_once(f, 0);
		if (time_passed(f) - begun < ROTA_SEC(7))
			expect_fair();
	}
	assert_in_range(time_passed(f) - begun,
			time_for(STREAMS * SIZE, RATE, BURST),
			time_for(STREAMS * SIZE, RATE, BURST) + ROTA_MSEC(10));
	end_links();
}

static void writers_share_a_bucket_in_turn(void **state)
{
	share_test(*state, LINK_TCP, 0);
	share_test(*state, LINK_MEMORY, 0);
}

static void readers_share_a_bucket_in_turn(void **state)
{
	share_test(*state, LINK_TCP, 1);
	share_test(*state, LINK_MEMORY, 1);
}

/* One that sends without a pause does not keep the tokens from another one. */
static void a_greedy_stream_leaves_tokens_to_others(void **state)
{
	struct fixture *f = *state;

	bucket_begin(&bucket, f, RATE, BURST);
	open_links(f, LINK_MEMORY);
	limit_all(0, 1);
	for (unsigned i = 0; i < 50; i++)
		assert_true(end_send(&links[0].a, KIB * 10) >= 0);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t begun = time_passed(f);

		assert_int_equal(end_send(&links[1].a, 500), 0);
		PASS(f, links[1].b.got == links[1].a.sent);
		assert_in_range(time_passed(f) - begun, 0, ROTA_MSEC(20));
	}
	end_links();
}

/* At most a hundred in a second, however many streams wait. */
static void a_bucket_wakes_the_loop_up_seldom(void **state)
{
	struct fixture *f = *state;
	uint64_t turns;
	uint64_t begun = time_passed(f);

	bucket_begin(&bucket, f, RATE, BURST);
	open_links(f, LINK_MEMORY);
	limit_all(0, 1);
	send_all(SIZE);
	turns = stats_of(f->loop).turns;
	PASS(f, time_passed(f) - begun >= ROTA_SEC(5));
	/* Each takes a turn, one in which the clock jumps, and one in which
	 * the other ends read. */
	assert_in_range(stats_of(f->loop).turns - turns, 500, 1510);

	/* And not at all if nobody waits. */
	PASS(f, got_in_all() == STREAMS * SIZE);
	assert_false(rota_timer_is_active(&bucket.internal.timer));
	end_links();
}

/* The tokens of a stream that leaves go to the others. */
static void streams_leave_while_they_wait(void **state)
{
	struct fixture *f = *state;
	uint64_t begun = time_passed(f);
	size_t got;

	bucket_begin(&bucket, f, RATE, BURST);
	open_links(f, LINK_TCP);
	limit_all(0, 1);
	send_all(SIZE);
	pass_time(f, ROTA_SEC(1));
	for (unsigned i = 0; i < STREAMS - 1; i++)
		assert_int_equal(
			rota_handle_close_now(&links[i].a.stream->handle), 0);
	assert_int_equal(rota_bucket_users(&bucket), 1);
	got = got_in_all();
	PASS(f, links[STREAMS - 1].b.got == SIZE);
	assert_in_range(time_passed(f) - begun,
			time_for(SIZE + got - 20 * KIB, RATE, BURST),
			time_for(SIZE + got, RATE, BURST));
	end_links();
}

static void rates_have_to_make_sense(void **state)
{
	struct fixture *f = *state;
	struct rota_rate rate = { sizeof(rate), 0, 10 };
	struct link link;
	struct rota_loop *other;

	assert_int_equal(rota_bucket_init(&bucket, f->loop, NULL), ROTA_EINVAL);
	assert_int_equal(rota_bucket_init(&bucket, f->loop, &rate),
			 ROTA_EINVAL);
	rate.bytes = 1;
	rate.size = sizeof(rate) - 1;
	assert_int_equal(rota_bucket_init(&bucket, f->loop, &rate),
			 ROTA_EINVAL);
	bucket_begin(&bucket, f, 1000, 0);
	assert_true(rota_bucket_tokens(&bucket) == 1000);
	assert_int_equal(rota_bucket_set_rate(&bucket, &rate), ROTA_EINVAL);
	assert_true(rota_bucket_tokens(&bucket) == 1000);
	rate.size = sizeof(rate);
	assert_int_equal(rota_bucket_set_rate(&bucket, &rate), 0);
	assert_true(rota_bucket_tokens(&bucket) == 10);

	/* A bucket of another loop; a stream that is closed. */
	link_open(&link, f, LINK_MEMORY);
	assert_int_equal(rota_loop_new(&other, NULL), 0);
	rate.bytes = 5;
	assert_int_equal(rota_bucket_init(&bucket, other, &rate), 0);
	assert_int_equal(rota_stream_set_rate(link.a.stream, &bucket, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_set_rate(link.a.stream, NULL, &bucket),
			 ROTA_EINVAL);
	assert_int_equal(rota_bucket_users(&bucket), 0);
	assert_int_equal(rota_loop_close(other), 0);
	bucket_begin(&bucket, f, RATE, 0);
	assert_int_equal(rota_handle_close_now(&link.a.stream->handle), 0);
	assert_int_equal(rota_stream_set_rate(link.a.stream, NULL, &bucket),
			 ROTA_EINVAL);
	link_end(&link);

	/* No memory. */
	link_open(&link, f, LINK_MEMORY);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_stream_set_rate(link.a.stream, NULL, &bucket),
			 ROTA_ENOMEM);
	assert_int_equal(rota_bucket_users(&bucket), 0);
	assert_int_equal(rota_stream_set_rate(link.a.stream, NULL, NULL), 0);
	link_end(&link);
	bucket_end(&bucket);
}

/* Tokens are counted to the last one, for every rate. */
static void tokens_are_exact(void **state)
{
	static const uint64_t rates[] = { 1,
					  3,
					  999,
					  1000000007,
					  12345678901,
					  UINT64_C(1) << 40,
					  UINT64_MAX / 3 };
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct rota_rate rate = { sizeof(rate), rates[i], UINT64_MAX };
		uint64_t ns = 0;
		uint64_t seed = 4711;

		bucket_begin(&bucket, f, rates[i], 1);
		/* It has one token, and then only what time brings. */
		assert_int_equal(rota_bucket_set_rate(&bucket, &rate), 0);
		for (unsigned k = 0; k < 50; k++) {
			uint64_t step = random_below(&seed, 50000000);

			assert_true(rota_loop_advance(f->loop, step) >= 0);
			ns += step;
			assert_true(rota_bucket_tokens(&bucket) ==
				    1 + rates[i] / 1000000000 * ns +
					    rates[i] % 1000000000 * ns /
						    1000000000);
		}
	}
}

/* A stream that is detached leaves; what it had read before is read again, and
 * counts. */
static void a_stream_is_detached_while_it_waits(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct connection c;
	uint64_t begun;

	connection_open(&c, f, NULL);
	bucket_begin(&bucket, f, RATE, BURST);
	assert_int_equal(rota_stream_set_rate(&c.tcp.stream, &bucket, &bucket),
			 0);
	connection_read(&c);
	peer_sends(&c, 20 * KIB);
	assert_int_equal(connection_send(&c, 20 * KIB), 0);
	turn(f);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	bucket_end(&bucket);

	assert_true(detached.unsent.size > 0);
	assert_int_equal(rota_detached_put_back(&detached, "abc", 3), 0);
	assert_int_equal(rota_tcp_attach(&c.tcp, f->loop, &detached), 0);
	bucket_begin(&bucket, f, 2, 2);
	begun = time_passed(f);
	assert_int_equal(rota_stream_set_rate(&c.tcp.stream, &bucket, NULL), 0);
	c.size = 0;
	c.wrong = 0;
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, collect), 0);
	PASS(f, c.size == 4);
	assert_memory_equal(c.text, "abc", 3);
	assert_int_equal(time_passed(f) - begun, ROTA_SEC(1));

	/* The bytes that were put back are kept when the limit goes. */
	assert_int_equal(rota_stream_set_rate(&c.tcp.stream, NULL, NULL), 0);
	bucket_end(&bucket);
	peer_takes_until(f, &c, 20 * KIB);
	connection_end(&c);
}

static void put_back_bytes_outlive_the_limit(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	assert_int_equal(rota_detached_put_back(&detached, "abcdef", 6), 0);
	assert_int_equal(rota_tcp_attach(&c.tcp, f->loop, &detached), 0);
	bucket_begin(&bucket, f, 2, 2);
	assert_int_equal(rota_stream_set_rate(&c.tcp.stream, &bucket, NULL), 0);
	connection_read(&c);
	PASS(f, c.size == 2);
	assert_int_equal(rota_stream_set_rate(&c.tcp.stream, NULL, NULL), 0);
	RUN_UNTIL(f, c.size == 6);
	assert_string_equal(c.text, "abcdef");
	bucket_end(&bucket);
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(writers_share_a_bucket_in_turn),
	VIRTUAL(readers_share_a_bucket_in_turn),
	VIRTUAL(a_greedy_stream_leaves_tokens_to_others),
	VIRTUAL(a_bucket_wakes_the_loop_up_seldom),
	VIRTUAL(streams_leave_while_they_wait),
	VIRTUAL(rates_have_to_make_sense),
	VIRTUAL(tokens_are_exact),
	VIRTUAL(a_stream_is_detached_while_it_waits),
	VIRTUAL(put_back_bytes_outlive_the_limit),
};

FIXTURE_MAIN(tests)
