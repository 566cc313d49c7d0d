/*
 * rota_http/metrics.h - writes numbers in the text format of Prometheus,
 * version 0.0.4.
 *
 *     rota_http_metrics_init(&metrics, memory, sizeof(memory));
 *     rota_http_metrics_server(&metrics, &stats);
 *     rota_http_metrics_number(&metrics, ROTA_HTTP_GAUGE, "app_users",
 *                              "Users that are logged in.", users);
 *     size = rota_http_metrics_end(&metrics);
 *
 * The first error is kept, so that it is enough to look at the last result.
 */
#ifndef ROTA_HTTP_METRICS_H
#define ROTA_HTTP_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "rota_http/histogram.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** The type of a response with such a text. */
#define ROTA_HTTP_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** What a number does: it only grows, or it goes up and down. */
enum rota_http_metric_type {
	ROTA_HTTP_COUNTER,
	ROTA_HTTP_GAUGE,
};

/**
 * Writes numbers.
 *
 * Owner:   the caller, and the memory too.
 */
struct rota_http_metrics {
	struct {
		char *begin;
		char *at;
		char *end;
		int error; /* the first one */
	} internal;        /* private to the library: do not read or write */
};

/**
 * Begin to write to @memory, of @size bytes.
 *
 * Thread:  any.
 */
void rota_http_metrics_init(struct rota_http_metrics *metrics, char *memory,
			    size_t size);

/**
 * Begin the metric @name, of which samples follow. @help is one sentence.
 * Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL    @name has other characters than letters, digits, "_"
 *                         and ":", or begins with a digit; or @help has control
 *                         characters
 *          ROTA_EMSGSIZE  the memory is full
 *          Others         an error of an earlier call
 */
int rota_http_metrics_begin(struct rota_http_metrics *metrics,
			    enum rota_http_metric_type type, const char *name,
			    const char *help);

/**
 * Write one sample of the metric @name: @value. @labels are written as they
 * are, such as "code=\"2xx\""; NULL: none. Returns 0.
 *
 * Thread:  any.
 * Errors:  as rota_http_metrics_begin(); ROTA_EINVAL also if @labels have
 *          control characters
 */
int rota_http_metrics_sample(struct rota_http_metrics *metrics,
			     const char *name, const char *labels,
			     uint64_t value);

/**
 * Write a metric with one sample: rota_http_metrics_begin() and
 * rota_http_metrics_sample(). Returns 0.
 *
 * Thread:  any.
 * Errors:  as these two
 */
int rota_http_metrics_number(struct rota_http_metrics *metrics,
			     enum rota_http_metric_type type, const char *name,
			     const char *help, uint64_t value);

/**
 * Write @histogram as a metric in seconds, with a bucket for each power of two
 * of nanoseconds. Returns 0.
 *
 * Thread:  the one that writes @histogram.
 * Errors:  as rota_http_metrics_begin()
 */
int rota_http_metrics_histogram(struct rota_http_metrics *metrics,
				const char *name, const char *help,
				const struct rota_http_histogram *histogram);

/**
 * End the text, and return how many bytes it has.
 *
 * Thread:  any.
 * Errors:  The first error of the calls before: the memory is undefined
 */
ptrdiff_t rota_http_metrics_end(struct rota_http_metrics *metrics);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
