/*
 * Histograms of durations, and numbers in the text format of Prometheus.
 */
/* poller: none */
#include "support/fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "rota_http.h"

enum { TEXT_SIZE = 4096, RECORDED = 20000 };

static void every_duration_is_within_the_limits_of_its_bucket(void **state)
{
	uint64_t seed = random_seed();

	(void)state;
	assert_int_equal(rota_http_histogram_limit(0), 1024);
	assert_int_equal(
		rota_http_histogram_limit(ROTA_HTTP_HISTOGRAM_COUNT - 2),
		UINT64_C(1) << 37);
	assert_true(rota_http_histogram_limit(ROTA_HTTP_HISTOGRAM_COUNT) ==
		    UINT64_MAX);
	assert_int_equal(rota_http_histogram_bucket(0), 0);
	assert_int_equal(rota_http_histogram_bucket(UINT64_MAX),
			 ROTA_HTTP_HISTOGRAM_COUNT - 1);
	for (size_t i = 0; i + 1 < ROTA_HTTP_HISTOGRAM_COUNT; i++) {
		uint64_t limit = rota_http_histogram_limit(i);

		assert_true(limit < rota_http_histogram_limit(i + 1));
		assert_int_equal(rota_http_histogram_bucket(limit), i);
		assert_int_equal(rota_http_histogram_bucket(limit + 1), i + 1);
	}
	for (int i = 0; i < 10000; i++) {
		uint64_t ns = random_below(&seed, UINT64_C(1) << 37) >>
			      random_below(&seed, 27);
		size_t bucket = rota_http_histogram_bucket(ns);
		uint64_t limit = rota_http_histogram_limit(bucket);

		assert_true(ns <= limit);
		assert_true(ns <= 1024 || limit - ns <= ns / 8);
		assert_true(bucket == 0 ||
			    ns > rota_http_histogram_limit(bucket - 1));
	}
}

static void quantiles_are_limits_of_buckets(void **state)
{
	struct rota_http_histogram histogram = { { 0 }, 0 };

	(void)state;
	assert_int_equal(rota_http_histogram_quantile(&histogram, 500), 0);
	for (int i = 0; i < 999; i++)
		rota_http_histogram_record(&histogram, 1000);
	rota_http_histogram_record(&histogram, 1000000);
	assert_int_equal(rota_http_histogram_total(&histogram), 1000);
	assert_int_equal(histogram.sum_ns, 999 * 1000 + 1000000);
	assert_int_equal(rota_http_histogram_quantile(&histogram, 0), 1024);
	assert_int_equal(rota_http_histogram_quantile(&histogram, 500), 1024);
	assert_int_equal(rota_http_histogram_quantile(&histogram, 999), 1024);
	assert_int_equal(rota_http_histogram_quantile(&histogram, 1000),
			 1 << 20);
	assert_int_equal(rota_http_histogram_quantile(&histogram, 2000),
			 1 << 20);
	rota_http_histogram_record(&histogram, UINT64_MAX);
	assert_true(rota_http_histogram_quantile(&histogram, 1000) ==
		    UINT64_MAX);
}

static void *record(void *arg)
{
	struct rota_http_histogram *histogram = arg;

	for (int i = 0; i < RECORDED; i++)
		rota_http_histogram_record(histogram, (uint64_t)i);
	return NULL;
}

static void histograms_are_added_while_others_record(void **state)
{
	static struct rota_http_histogram shards[2], sum;
	pthread_t threads[2];
	uint64_t before = 0;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, record, &shards[i]),
			0);
	for (int i = 0; i < 20; i++) {
		memset(&sum, 0, sizeof(sum));
		for (int k = 0; k < 2; k++)
			rota_http_histogram_add(&sum, &shards[k]);
		assert_true(rota_http_histogram_total(&sum) >= before);
		before = rota_http_histogram_total(&sum);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	memset(&sum, 0, sizeof(sum));
	for (int i = 0; i < 2; i++)
		rota_http_histogram_add(&sum, &shards[i]);
	assert_int_equal(rota_http_histogram_total(&sum), 2 * RECORDED);
	assert_int_equal(sum.sum_ns, (uint64_t)RECORDED * (RECORDED - 1));
}

static void numbers_are_written_as_text(void **state)
{
	static const char expected[] = "# HELP a_total One \\\\ sentence.\n"
				       "# TYPE a_total counter\n"
				       "a_total 18446744073709551615\n"
				       "# HELP b:c Now.\n"
				       "# TYPE b:c gauge\n"
				       "b:c{code=\"2xx\"} 0\n"
				       "b:c{code=\"3xx\"} 7\n";
	char *memory = test_malloc(sizeof(expected) - 1);
	struct rota_http_metrics metrics;

	(void)state;
	for (size_t size = 0; size < sizeof(expected); size++) {
		rota_http_metrics_init(&metrics, memory, size);
		rota_http_metrics_number(&metrics, ROTA_HTTP_COUNTER, "a_total",
					 "One \\ sentence.", UINT64_MAX);
		rota_http_metrics_begin(&metrics, ROTA_HTTP_GAUGE, "b:c",
					"Now.");
		rota_http_metrics_sample(&metrics, "b:c", "code=\"2xx\"", 0);
		rota_http_metrics_sample(&metrics, "b:c", "code=\"3xx\"", 7);
		if (size < sizeof(expected) - 1)
			assert_int_equal(rota_http_metrics_end(&metrics),
					 ROTA_EMSGSIZE);
	}
	assert_int_equal(rota_http_metrics_end(&metrics), sizeof(expected) - 1);
	assert_memory_equal(memory, expected, sizeof(expected) - 1);
	test_free(memory);
}

static void what_would_break_the_text_is_refused(void **state)
{
	static const char *const names[] = { "", "1a", "a-b", "a b", "a\n" };
	struct rota_http_histogram histogram = { { 0 }, 0 };
	struct rota_http_metrics metrics;
	char memory[TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		rota_http_metrics_init(&metrics, memory, sizeof(memory));
		assert_int_equal(rota_http_metrics_number(&metrics,
							  ROTA_HTTP_GAUGE,
							  names[i], "", 0),
				 ROTA_EINVAL);
		assert_int_equal(rota_http_metrics_histogram(&metrics, names[i],
							     "", &histogram),
				 ROTA_EINVAL);
	}
	rota_http_metrics_init(&metrics, memory, sizeof(memory));
	assert_int_equal(
		rota_http_metrics_begin(&metrics, ROTA_HTTP_GAUGE, "a", "b\nc"),
		ROTA_EINVAL);
	assert_int_equal(rota_http_metrics_number(&metrics, ROTA_HTTP_GAUGE,
						  "a", "b", 0),
			 ROTA_EINVAL);
	rota_http_metrics_init(&metrics, memory, sizeof(memory));
	assert_int_equal(rota_http_metrics_sample(&metrics, "a", "b\n", 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_metrics_end(&metrics), ROTA_EINVAL);
}

static void a_histogram_is_written_in_seconds(void **state)
{
	struct rota_http_histogram histogram = { { 0 }, 0 };
	struct rota_http_metrics metrics;
	char memory[TEXT_SIZE];
	ptrdiff_t size;

	(void)state;
	rota_http_histogram_record(&histogram, 1024);
	rota_http_histogram_record(&histogram, 1025);
	rota_http_histogram_record(&histogram, UINT64_C(2000000000));
	rota_http_histogram_record(&histogram, UINT64_C(200000000000));
	rota_http_metrics_init(&metrics, memory, sizeof(memory));
	assert_int_equal(
		rota_http_metrics_histogram(&metrics, "d", "Help.", &histogram),
		0);
	size = rota_http_metrics_end(&metrics);
	assert_true(size > 0 && (size_t)size < sizeof(memory));
	memory[size] = '\0';
	assert_non_null(strstr(memory, "# TYPE d histogram\n"
				       "d_bucket{le=\"0.000001024\"} 1\n"
				       "d_bucket{le=\"0.000002048\"} 2\n"));
	assert_non_null(strstr(memory, "d_bucket{le=\"1.073741824\"} 2\n"
				       "d_bucket{le=\"2.147483648\"} 3\n"));
	assert_non_null(strstr(memory, "d_bucket{le=\"137.438953472\"} 3\n"
				       "d_bucket{le=\"+Inf\"} 4\n"
				       "d_sum 202.000002049\nd_count 4\n"));
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(every_duration_is_within_the_limits_of_its_bucket),
	VIRTUAL(quantiles_are_limits_of_buckets),
	VIRTUAL(histograms_are_added_while_others_record),
	VIRTUAL(numbers_are_written_as_text),
	VIRTUAL(what_would_break_the_text_is_refused),
	VIRTUAL(a_histogram_is_written_in_seconds),
};

FIXTURE_MAIN(tests)
