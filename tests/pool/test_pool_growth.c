/* poller: none */
/*
 * Options and statistics of pools, for programs that were compiled with the
 * structs of another version: see tests/loop/test_growth.c.
 */
#include "pool/jobs.h"

#include <string.h>

#include "support/edge.h"

/* The structs of the first version, written out. */
struct first_options {
	size_t size;
	unsigned lanes[8][8];
	uint64_t idle_ns;
	size_t stack_size;
	uint64_t spin_ns;
};

struct first_stats {
	size_t size;
	uint64_t counts[4];
	unsigned threads;
	unsigned idle;
};

static int make(const void *options)
{
	struct rota_pool *pool;
	int status = rota_pool_new(&pool, options);

	if (status == 0)
		rota_pool_unref(pool);
	return status;
}

/* A program of the first version passes the size that its header gives. */
static void options_of_the_first_version_are_filled_to_their_end(void **state)
{
	const size_t least = sizeof(struct first_options);
	struct rota_pool_options *o = edge_new(least);

	(void)state;
	rota_pool_options_init_size(o, least);

	assert_int_equal(o->size, least);
	assert_int_equal(o->lanes[IO].max_threads, 4);
	assert_int_equal(o->idle_ns, ROTA_SEC(10));
	assert_int_equal(make(o), 0);
	for (o->size = 0; o->size < least; o->size++)
		assert_int_equal(make(o), ROTA_EINVAL);
	edge_free();
}

static void longer_options_are_filled_with_zeroes(void **state)
{
	struct {
		struct rota_pool_options options;
		unsigned char more[24];
	} *o = edge_new(sizeof(*o));

	(void)state;
	rota_pool_options_init_size(&o->options, sizeof(*o));
	assert_int_equal(o->options.size, sizeof(*o));
	assert_int_equal(make(o), 0);
	for (size_t i = 0; i < sizeof(o->more); i++) {
		assert_int_equal(o->more[i], 0);
		o->more[i] = 1;
		assert_int_equal(make(o), ROTA_EINVAL);
		o->more[i] = 0;
	}
	edge_free();
}

/* A later version may have more lanes, and more options for the lanes that this
 * version knows. */
static void unknown_options_of_a_lane_are_refused(void **state)
{
	struct rota_pool_options options;

	(void)state;
	for (int i = ROTA_LANE_COUNT; i < ROTA_LANE_ROOM; i++) {
		rota_pool_options_init(&options);
		options.lanes[i].max_threads = 1;
		assert_int_equal(make(&options), ROTA_EINVAL);
	}
	for (int i = 0; i < ROTA_LANE_ROOM; i++) {
		for (int j = 0; j < 6; j++) {
			rota_pool_options_init(&options);
			options.lanes[i].reserved[j] = 1;
			assert_int_equal(make(&options), ROTA_EINVAL);
		}
	}
}

static void stats_of_the_first_version_are_filled_to_their_end(void **state)
{
	const size_t least = sizeof(struct first_stats);
	struct rota_pool *pool = pool_of_threads(0, 1);
	struct rota_lane_stats *stats = edge_new(least);

	(void)state;
	for (stats->size = 0; stats->size < least; stats->size++)
		assert_int_equal(rota_pool_stats(pool, IO, stats), ROTA_EINVAL);
	assert_int_equal(rota_pool_stats(pool, IO, stats), 0);
	assert_int_equal(stats->size, least);
	assert_int_equal(stats->queued, 0);
	assert_int_equal(stats->idle, 0);
	edge_free();
	rota_pool_unref(pool);
}

static void longer_stats_end_with_zeroes(void **state)
{
	struct {
		struct rota_lane_stats stats;
		unsigned char more[24];
	} *stats = edge_new(sizeof(*stats));
	static const unsigned char zeroes[sizeof(stats->more)];
	struct rota_pool *pool = pool_of_threads(0, 1);

	(void)state;
	stats->stats.size = sizeof(*stats);
	assert_int_equal(rota_pool_stats(pool, IO, &stats->stats), 0);
	assert_int_equal(stats->stats.size, sizeof(*stats));
	assert_memory_equal(stats->more, zeroes, sizeof(zeroes));
	edge_free();
	rota_pool_unref(pool);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(options_of_the_first_version_are_filled_to_their_end),
	cmocka_unit_test(longer_options_are_filled_with_zeroes),
	cmocka_unit_test(unknown_options_of_a_lane_are_refused),
	cmocka_unit_test(stats_of_the_first_version_are_filled_to_their_end),
	cmocka_unit_test(longer_stats_end_with_zeroes),
};
FIXTURE_MAIN(tests)
