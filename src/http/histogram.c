/*
 * http/histogram.c - see rota_http/histogram.h.
 *
 *  1. Only one thread writes, so it reads and stores without a locked
 *     instruction. The accesses are atomic for the readers alone. No order
 *     among them matters, since each count is a fact of its own.
 */
#include "rota_http/histogram.h"

enum {
	LEAST = ROTA_HTTP_HISTOGRAM_LEAST,
	MOST = ROTA_HTTP_HISTOGRAM_MOST,
	PARTS = ROTA_HTTP_HISTOGRAM_PARTS,
	PART_BITS = 3,
	LAST = ROTA_HTTP_HISTOGRAM_COUNT - 1,
	THOUSAND = 1000,
};

_Static_assert(1 << PART_BITS == PARTS, "parts are a power of two");

static uint64_t load_count(const uint64_t *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

/* (1) */
static void increase_count(uint64_t *count, uint64_t number)
{
	__atomic_store_n(count, load_count(count) + number, __ATOMIC_RELAXED);
}

size_t rota_http_histogram_bucket(uint64_t duration_ns)
{
	/* A limit belongs to the bucket that it ends. */
	uint64_t below = duration_ns > 0 ? duration_ns - 1 : 0;
	unsigned power;

	if (below >> LEAST == 0)
		return 0;
	if (below >> MOST != 0)
		return LAST;
	power = 63U - (unsigned)__builtin_clzll(below);
	return 1 + (power - LEAST) * PARTS +
	       (size_t)(below >> (power - PART_BITS) & (PARTS - 1));
}

uint64_t rota_http_histogram_limit(size_t bucket)
{
	size_t power, part;

	if (bucket == 0)
		return UINT64_C(1) << LEAST;
	if (bucket >= LAST)
		return UINT64_MAX;
	power = LEAST + (bucket - 1) / PARTS;
	part = (bucket - 1) % PARTS;
	return (UINT64_C(1) << power) +
	       ((uint64_t)(part + 1) << (power - PART_BITS));
}

void rota_http_histogram_record(struct rota_http_histogram *histogram,
				uint64_t duration_ns)
{
	size_t bucket = rota_http_histogram_bucket(duration_ns);

	increase_count(&histogram->counts[bucket], 1);
	increase_count(&histogram->sum_ns, duration_ns);
}

void rota_http_histogram_add(struct rota_http_histogram *to,
			     const struct rota_http_histogram *from)
{
	for (size_t i = 0; i < ROTA_HTTP_HISTOGRAM_COUNT; i++)
		increase_count(&to->counts[i], load_count(&from->counts[i]));
	increase_count(&to->sum_ns, load_count(&from->sum_ns));
}

uint64_t rota_http_histogram_total(const struct rota_http_histogram *histogram)
{
	uint64_t total = 0;

	for (size_t i = 0; i < ROTA_HTTP_HISTOGRAM_COUNT; i++)
		total += histogram->counts[i];
	return total;
}

uint64_t
rota_http_histogram_quantile(const struct rota_http_histogram *histogram,
			     unsigned thousandths)
{
	uint64_t total = rota_http_histogram_total(histogram);
	uint64_t wanted, seen = 0;
	size_t bucket = 0;

	if (total == 0)
		return 0;
	if (thousandths > THOUSAND)
		thousandths = THOUSAND;
	wanted = total / THOUSAND * thousandths +
		 (total % THOUSAND * thousandths + THOUSAND - 1) / THOUSAND;
	for (; bucket < LAST; bucket++) {
		seen += histogram->counts[bucket];
		if (seen >= wanted && seen > 0)
			break;
	}
	return rota_http_histogram_limit(bucket);
}
