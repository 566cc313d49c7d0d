/*
 * rota_buf_keep(): the bytes that a read callback keeps do not change until
 * they are released, whatever is read, closed or freed meanwhile.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <string.h>

#include "support/streams.h"

enum { SMALL = ROTA_LEAST_BUFFER_SIZE };

enum { HOLDS = 1000 };

static struct kept {
	struct rota_hold *hold;
	const char *data;
	size_t size;
	size_t offset;
} kept[HOLDS];

static unsigned kept_count;

static void keep(struct connection *c, int status, struct rota_buf buf)
{
	struct kept *k = &kept[kept_count];

	if (status < 0 || kept_count == HOLDS)
		return;
	k->hold = rota_buf_keep(&c->tcp.stream);
	assert_non_null(k->hold);
	k->data = buf.data;
	k->size = buf.size;
	k->offset = c->size - buf.size;
	kept_count++;
}

static void expect_intact(unsigned from)
{
	for (unsigned i = from; i < kept_count; i++)
		assert_true(
			pattern_is(kept[i].data, kept[i].size, kept[i].offset));
}

static void release_all(void)
{
	for (unsigned i = 0; i < kept_count; i++)
		rota_buf_release(kept[i].hold);
	kept_count = 0;
}

/* rota_buf_keep(): the bytes do not change while more is read. Kept bytes take
 * only their own size, except for the buffer that was begun last. */
static void kept_bytes_stay_and_share_buffers(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	size_t before, calls;

	connection_open(&c, f, NULL);
	connection_read(&c);
	peer_has_sent(&c, 100);
	RUN_UNTIL(f, c.size == 100);
	before = f->memory.bytes;
	calls = f->memory.calls;
	c.act = keep;
	while (kept_count < HOLDS) {
		peer_has_sent(&c, 200);
		RUN_UNTIL(f, c.size == c.sent);
	}

	assert_true(f->memory.bytes - before <= 5 * ROTA_BUFFER_SIZE);
	assert_true(f->memory.calls - calls <= 5);
	c.act = NULL;
	RUN_UNTIL(f,
		  (peer_tries_to_send(&c, 700000 - c.sent), c.size == 700000));
	assert_int_equal(c.wrong, 0);
	expect_intact(0);

	release_all();
	connection_end(&c);
}

static uint64_t seed;

static void release_one(void)
{
	size_t at = random_below(&seed, kept_count);

	rota_buf_release(kept[at].hold);
	kept[at] = kept[--kept_count];
}

/* The same, released in another order, with more reading in between. */
static void holds_may_be_released_in_any_order(void **state)
{
	struct fixture own;
	struct connection c;

	(void)state;
	seed = random_seed();
	small_loop_begin(&own, SMALL);
	connection_open(&c, &own, NULL);
	c.act = keep;
	connection_read(&c);
	for (unsigned i = 0; i < 500; i++) {
		peer_has_sent(&c, 1 + random_below(&seed, 300));
		RUN_UNTIL(&own, c.size == c.sent);
		expect_intact(0);
		while (kept_count > 0 && random_below(&seed, 3) > 0)
			release_one();
	}
	assert_int_equal(c.wrong, 0);

	release_all();
	connection_end(&c);
	small_loop_end(&own);
}

/* Release some holds, perhaps keep the buffer, and release some more, even the
 * one just made: the lent bytes do not change. */
static void keep_and_release(struct connection *c, int status,
			     struct rota_buf buf)
{
	size_t offset = c->size - buf.size;

	while (kept_count > 0 && random_below(&seed, 2) == 0)
		release_one();
	if (random_below(&seed, 3) > 0)
		keep(c, status, buf);
	while (kept_count > 0 && random_below(&seed, 3) == 0)
		release_one();
	assert_true(pattern_is(buf.data, buf.size, offset));
}

/* The same inside the callback. */
static void holds_may_be_released_in_a_read_callback(void **state)
{
	struct fixture own;
	struct connection c;

	(void)state;
	seed = random_seed();
	small_loop_begin(&own, SMALL);
	connection_open(&c, &own, NULL);
	c.act = keep_and_release;
	connection_read(&c);
	for (unsigned i = 0; i < 500; i++) {
		peer_has_sent(&c, 1 + random_below(&seed, 150));
		RUN_UNTIL(&own, c.size == c.sent);
		expect_intact(0);
	}
	assert_int_equal(c.wrong, 0);

	release_all();
	connection_end(&c);
	small_loop_end(&own);
}

static void keep_twice(struct connection *c, int status, struct rota_buf buf)
{
	keep(c, status, buf);
	keep(c, status, buf);
	c->act = NULL;
}

/* rota_buf_keep(): each call makes a hold of its own. */
static void what_is_kept_twice_is_released_twice(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	c.act = keep_twice;
	connection_read(&c);
	peer_has_sent(&c, 50);
	RUN_UNTIL(f, kept_count == 2);
	rota_buf_release(kept[0].hold);
	RUN_UNTIL(f,
		  (peer_tries_to_send(&c, 300000 - c.sent), c.size == 300000));

	expect_intact(1);

	rota_buf_release(kept[1].hold);
	kept_count = 0;
	connection_end(&c);
}

static struct connection *bystander;
static struct rota_task tick;
static unsigned ticks;

static void keep_in_tick(struct rota_task *task)
{
	struct connection *c = task->data;

	assert_null(rota_buf_keep(&c->tcp.stream));
	ticks++;
}

static void keep_nothing(struct connection *c, int status, struct rota_buf buf)
{
	(void)buf;
	assert_null(rota_buf_keep(&bystander->tcp.stream));
	if (status < 0)
		assert_null(rota_buf_keep(&c->tcp.stream));
	tick.data = c;
	assert_int_equal(rota_task_next_tick(&tick, keep_in_tick), 0);
}

/* rota_buf_keep() returns NULL if no buffer is lent, as in a tick after the
 * read callback. */
static void there_is_nothing_to_keep_outside_a_read_callback(void **state)
{
	struct fixture *f = *state;
	struct connection c, other;

	connection_open(&c, f, NULL);
	connection_open(&other, f, NULL);
	bystander = &other;
	assert_null(rota_buf_keep(&c.tcp.stream));
	c.act = keep_nothing;
	rota_task_init(&tick, f->loop);
	ticks = 0;
	connection_read(&c);
	peer_sends(&c, 10);
	raw_shutdown(c.peer);
	await_end(c.fd);
	RUN_UNTIL(f, c.ends == 1);

	assert_int_equal(ticks, c.reads + c.ends);
	assert_null(rota_buf_keep(&c.tcp.stream));

	connection_end(&c);
	connection_end(&other);
}

static void keep_and_go(struct connection *c, int status, struct rota_buf buf)
{
	keep(c, status, buf);
	connection_end(c);
	memset(c, '#', sizeof(*c));
	test_free(c);
}

/* rota_buf_release(): the stream may have been closed. */
static void what_is_kept_outlives_its_stream(void **state)
{
	struct fixture *f = *state;
	struct connection *c = test_malloc(sizeof(*c));

	connection_open(c, f, NULL);
	c->act = keep_and_go;
	connection_read(c);
	peer_has_sent(c, 1000);
	RUN_UNTIL(f, kept_count == 1);
	turn(f);

	expect_intact(0);

	release_all();
}

static void *release_in_thread(void *arg)
{
	rota_buf_release(arg);
	return NULL;
}

/* rota_buf_release(): the loop may have been closed. Then any thread may call
 * it. */
static void what_is_kept_outlives_the_loop(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	pthread_t thread;

	connection_open(&c, f, NULL);
	c.act = keep;
	connection_read(&c);
	peer_has_sent(&c, 1000);
	RUN_UNTIL(f, kept_count == 1);
	peer_has_sent(&c, 1000);
	RUN_UNTIL(f, kept_count == 2);
	connection_end(&c);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;

	expect_intact(0);
	assert_true(f->memory.bytes > 0);
	rota_buf_release(kept[0].hold);
	expect_intact(1);
	assert_int_equal(
		pthread_create(&thread, NULL, release_in_thread, kept[1].hold),
		0);
	pthread_join(thread, NULL);

	kept_count = 0;
	assert_int_equal(f->memory.bytes, 0);
}

static const struct CMUnitTest tests[] = {
	REAL(kept_bytes_stay_and_share_buffers),
	REAL(holds_may_be_released_in_any_order),
	REAL(holds_may_be_released_in_a_read_callback),
	REAL(what_is_kept_twice_is_released_twice),
	REAL(there_is_nothing_to_keep_outside_a_read_callback),
	REAL(what_is_kept_outlives_its_stream),
	REAL(what_is_kept_outlives_the_loop),
};

FIXTURE_MAIN(tests)
