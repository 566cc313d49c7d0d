/*
 * http/metrics.c - see rota_http/metrics.h.
 *
 *  1. What does not fit is not written, and is an error for all later calls.
 */
#include "rota_http/metrics.h"

#include <string.h>

#include "http/scan.h"
#include "http/text.h"
#include "rota/error.h"

enum { DIGITS_SIZE = 20, FRACTION_SIZE = 9 };

static int keep_first(struct rota_http_metrics *metrics, int error)
{
	if (metrics->internal.error == 0)
		metrics->internal.error = error;
	return metrics->internal.error;
}

static void add_bytes(struct rota_http_metrics *metrics, const char *bytes,
		      size_t size)
{
	if (metrics->internal.error < 0)
		return;
	if ((size_t)(metrics->internal.end - metrics->internal.at) < size) {
		(void)keep_first(metrics, ROTA_EMSGSIZE);
		return;
	}
	memcpy(metrics->internal.at, bytes, size);
	metrics->internal.at += size;
}

static void add_text(struct rota_http_metrics *metrics, const char *text)
{
	add_bytes(metrics, text, strlen(text));
}

static void add_number(struct rota_http_metrics *metrics, uint64_t number)
{
	char digits[DIGITS_SIZE];
	char *end = digits + sizeof(digits);
	char *at = end;

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	add_bytes(metrics, at, (size_t)(end - at));
}

/* Nanoseconds as seconds: exact, with nine digits behind the point. */
static void add_seconds(struct rota_http_metrics *metrics, uint64_t ns)
{
	uint64_t unit = UINT64_C(1000000000);
	uint64_t rest = ns % unit;
	char fraction[1 + FRACTION_SIZE];

	fraction[0] = '.';
	for (size_t i = FRACTION_SIZE; i > 0; i--) {
		fraction[i] = (char)('0' + rest % 10);
		rest /= 10;
	}
	add_number(metrics, ns / unit);
	add_bytes(metrics, fraction, sizeof(fraction));
}

static int is_name(const char *name)
{
	if (rotai_http_is(*name, ROTAI_HTTP_DIGIT) || *name == '\0')
		return 0;
	for (; *name != '\0'; name++)
		if (!rotai_http_is(*name,
				   ROTAI_HTTP_ALPHA | ROTAI_HTTP_DIGIT) &&
		    *name != '_' && *name != ':')
			return 0;
	return 1;
}

/* Whether the text stays within its line, and its backslashes within it. */
static int is_one_line(const char *text)
{
	const char *end = text + strlen(text);

	return rotai_http_scan_line(text, end) == end;
}

static void add_head(struct rota_http_metrics *metrics, const char *name,
		     const char *help, const char *type)
{
	add_text(metrics, "# HELP ");
	add_text(metrics, name);
	add_text(metrics, " ");
	for (; *help != '\0'; help++)
		add_bytes(metrics, *help == '\\' ? "\\\\" : help,
			  *help == '\\' ? 2 : 1);
	add_text(metrics, "\n# TYPE ");
	add_text(metrics, name);
	add_text(metrics, " ");
	add_text(metrics, type);
	add_text(metrics, "\n");
}

void rota_http_metrics_init(struct rota_http_metrics *metrics, char *memory,
			    size_t size)
{
	metrics->internal.begin = memory;
	metrics->internal.at = memory;
	metrics->internal.end = memory + size;
	metrics->internal.error = 0;
}

int rota_http_metrics_begin(struct rota_http_metrics *metrics,
			    enum rota_http_metric_type type, const char *name,
			    const char *help)
{
	if (!is_name(name) || !is_one_line(help))
		return keep_first(metrics, ROTA_EINVAL);
	add_head(metrics, name, help,
		 type == ROTA_HTTP_COUNTER ? "counter" : "gauge");
	return metrics->internal.error;
}

int rota_http_metrics_sample(struct rota_http_metrics *metrics,
			     const char *name, const char *labels,
			     uint64_t value)
{
	if (!is_name(name) || (labels != NULL && !is_one_line(labels)))
		return keep_first(metrics, ROTA_EINVAL);
	add_text(metrics, name);
	if (labels != NULL) {
		add_text(metrics, "{");
		add_text(metrics, labels);
		add_text(metrics, "}");
	}
	add_text(metrics, " ");
	add_number(metrics, value);
	add_text(metrics, "\n");
	return metrics->internal.error;
}

int rota_http_metrics_number(struct rota_http_metrics *metrics,
			     enum rota_http_metric_type type, const char *name,
			     const char *help, uint64_t value)
{
	(void)rota_http_metrics_begin(metrics, type, name, help);
	return rota_http_metrics_sample(metrics, name, NULL, value);
}

/* name_bucket{le="0.000001024"} 7 */
static void add_bucket(struct rota_http_metrics *metrics, const char *name,
		       uint64_t limit_ns, uint64_t count)
{
	add_text(metrics, name);
	add_text(metrics, "_bucket{le=\"");
	if (limit_ns == UINT64_MAX)
		add_text(metrics, "+Inf");
	else
		add_seconds(metrics, limit_ns);
	add_text(metrics, "\"} ");
	add_number(metrics, count);
	add_text(metrics, "\n");
}

int rota_http_metrics_histogram(struct rota_http_metrics *metrics,
				const char *name, const char *help,
				const struct rota_http_histogram *histogram)
{
	uint64_t count = 0;

	if (!is_name(name) || !is_one_line(help))
		return keep_first(metrics, ROTA_EINVAL);
	add_head(metrics, name, help, "histogram");
	for (size_t i = 0; i < ROTA_HTTP_HISTOGRAM_COUNT; i++) {
		count += histogram->counts[i];
		if (i % ROTA_HTTP_HISTOGRAM_PARTS == 0 ||
		    i == ROTA_HTTP_HISTOGRAM_COUNT - 1)
			add_bucket(metrics, name, rota_http_histogram_limit(i),
				   count);
	}
	add_text(metrics, name);
	add_text(metrics, "_sum ");
	add_seconds(metrics, histogram->sum_ns);
	add_text(metrics, "\n");
	add_text(metrics, name);
	add_text(metrics, "_count ");
	add_number(metrics, count);
	add_text(metrics, "\n");
	return metrics->internal.error;
}

ptrdiff_t rota_http_metrics_end(struct rota_http_metrics *metrics)
{
	if (metrics->internal.error < 0)
		return metrics->internal.error;
	return metrics->internal.at - metrics->internal.begin;
}
