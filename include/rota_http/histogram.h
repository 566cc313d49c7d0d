/*
 * rota_http/histogram.h - how long things take: counts of durations in buckets
 * whose limits are fixed.
 *
 * A histogram is written by one thread, and read by any at the same time. So
 * each loop has its own, and a reader adds them up.
 */
#ifndef ROTA_HTTP_HISTOGRAM_H
#define ROTA_HTTP_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

enum {
	/** The first bucket has durations up to 2^10 ns, about 1 us. From there
	 * to 2^37 ns, about 137 s, each power of two is divided into 8 buckets
	 * of equal width, so that a limit is at most an eighth above a duration
	 * of its bucket. The last bucket has all that are longer. */
	ROTA_HTTP_HISTOGRAM_LEAST = 10,
	ROTA_HTTP_HISTOGRAM_MOST = 37,
	ROTA_HTTP_HISTOGRAM_PARTS = 8,
	ROTA_HTTP_HISTOGRAM_COUNT =
		ROTA_HTTP_HISTOGRAM_PARTS *
			(ROTA_HTTP_HISTOGRAM_MOST - ROTA_HTTP_HISTOGRAM_LEAST) +
		2,
};

/**
 * Counts of durations. All zero, it is empty. Others than its writer read it by
 * rota_http_histogram_add().
 *
 * Owner:   the caller. Nothing is to be freed.
 */
struct rota_http_histogram {
	uint64_t counts[ROTA_HTTP_HISTOGRAM_COUNT];
	uint64_t sum_ns; /* of all durations, modulo 2^64 */
};

/**
 * Return the number of the bucket for @duration_ns.
 *
 * Thread:  any.
 */
size_t rota_http_histogram_bucket(uint64_t duration_ns);

/**
 * Return the longest duration, in nanoseconds, of bucket number @bucket;
 * UINT64_MAX for the last one.
 *
 * Thread:  any.
 */
uint64_t rota_http_histogram_limit(size_t bucket);

/**
 * Count @duration_ns.
 *
 * Thread:  the one that writes @histogram.
 */
void rota_http_histogram_record(struct rota_http_histogram *histogram,
				uint64_t duration_ns);

/**
 * Add the counts of @from to those of @to.
 *
 * Thread:  any, even while another one records in @from. @to is written.
 */
void rota_http_histogram_add(struct rota_http_histogram *to,
			     const struct rota_http_histogram *from);

/**
 * Return how many durations were counted.
 *
 * Thread:  the one that writes @histogram.
 */
uint64_t rota_http_histogram_total(const struct rota_http_histogram *histogram);

/**
 * Return the limit of the bucket below which @thousandths of all durations are:
 * 500 is the median, 999 is what one of 1000 exceeds. 0 if none was counted.
 *
 * Thread:  the one that writes @histogram.
 */
uint64_t
rota_http_histogram_quantile(const struct rota_http_histogram *histogram,
			     unsigned thousandths);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
