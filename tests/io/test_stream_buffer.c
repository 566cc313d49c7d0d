/*
 * The buffers that the loop lends to read callbacks: when one exists, and its
 * size. Kept bytes are tested in test_stream_keep.c.
 */
#include "support/fixture.h"

#include "support/streams.h"

enum { SMALL = ROTA_LEAST_BUFFER_SIZE };

/* Reading: an idle connection has no buffer. */
static void idle_streams_own_no_memory_to_speak_of(void **state)
{
	enum { COUNT = 50 };
	struct fixture *f = *state;
	static struct connection c[COUNT];
	size_t before;

	connection_open(&c[0], f, NULL);
	connection_read(&c[0]);
	peer_has_sent(&c[0], 10);
	RUN_UNTIL(f, c[0].size == 10);
	before = f->memory.bytes;
	for (unsigned i = 1; i < COUNT; i++) {
		connection_open(&c[i], f, NULL);
		connection_read(&c[i]);
		peer_has_sent(&c[i], 10);
		RUN_UNTIL(f, c[i].size == 10);
	}

	assert_true(f->memory.bytes - before < (size_t)COUNT * 200);

	for (unsigned i = 0; i < COUNT; i++)
		connection_end(&c[i]);
}

static void echo(struct connection *c, int status, struct rota_buf buf)
{
	assert_int_equal(status, 0);
	assert_int_equal(rota_stream_send(&c->tcp.stream, buf.data, buf.size),
			 0);
}

/* Reading steadily allocates nothing, and nor does writing the answer. */
static void a_steady_echo_allocates_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	char bytes[1000];
	size_t calls = 0;

	connection_open(&c, f, NULL);
	c.act = echo;
	connection_read(&c);
	for (unsigned i = 0; i < 200; i++) {
		if (i == 10)
			calls = f->memory.calls;
		peer_sends(&c, 1000);
		RUN_UNTIL(f, c.size == c.sent);
		raw_read(c.peer, bytes, sizeof(bytes));
	}

	assert_int_equal(f->memory.calls, calls);
	connection_end(&c);
}

static size_t largest;

static void note_largest(struct connection *c, int status, struct rota_buf buf)
{
	(void)c;
	(void)status;
	if (buf.size > largest)
		largest = buf.size;
}

/* The option buffer_size. */
static void buffers_are_as_large_as_the_loop_was_told(void **state)
{
	static const size_t sizes[] = { SMALL, 1000, 100000 };
	struct connection c;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct fixture own;

		small_loop_begin(&own, sizes[i]);
		connection_open(&c, &own, NULL);
		c.act = note_largest;
		largest = 0;
		connection_read(&c);
		RUN_UNTIL(&own, (peer_tries_to_send(&c, 500000 - c.sent),
				 c.size == 500000));
		assert_int_equal(c.wrong, 0);
		assert_true(largest <= sizes[i]);
		if (i < 2)
			assert_int_equal(largest, sizes[i]);
		connection_end(&c);
		small_loop_end(&own);
	}
}

static void a_buffer_size_out_of_range_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *loop = NULL;

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	options.buffer_size = SMALL - 1;
	assert_int_equal(rota_loop_new(&loop, &options), ROTA_EINVAL);
	options.buffer_size = 0;
	assert_int_equal(rota_loop_new(&loop, &options), ROTA_EINVAL);
	assert_null(loop);
}

/* rota_read_fn: if no buffer can be allocated, it is called once with
 * ROTA_ENOMEM. Then reading can be started again, and nothing is lost. */
static void without_memory_for_a_buffer_reading_can_go_on_later(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	turn(f);
	f->memory.fail_at = f->memory.calls + 1;
	peer_has_sent(&c, 100);
	RUN_UNTIL(f, c.ends == 1);
	turn(f);
	turn(f);

	assert_int_equal(f->memory.failed, 1);
	assert_int_equal(c.status, ROTA_ENOMEM);
	assert_int_equal(c.ends, 1);
	assert_int_equal(c.size, 0);
	assert_false(rota_handle_is_active(&c.tcp.handle));
	connection_read(&c);
	RUN_UNTIL(f, c.size == 100);
	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(idle_streams_own_no_memory_to_speak_of),
	REAL(a_steady_echo_allocates_nothing),
	REAL(buffers_are_as_large_as_the_loop_was_told),
	REAL(a_buffer_size_out_of_range_is_refused),
	REAL(without_memory_for_a_buffer_reading_can_go_on_later),
};

FIXTURE_MAIN(tests)
