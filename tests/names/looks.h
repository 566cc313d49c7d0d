/*
 * tests/names/looks.h - lookups that count how often they call back, for the
 * tests of names. Most use the double of support/resolver.h.
 */
#ifndef TESTS_NAMES_LOOKS_H
#define TESTS_NAMES_LOOKS_H

#include "support/fixture.h"

#include <string.h>

#include "pool/jobs.h"
#include "rota/dns.h"
#include "support/resolver.h"

struct look {
	struct rota_lookup lookup;
	struct rota_deadline deadline;

	/* What it was called with. */
	unsigned calls;
	int status;
	enum rota_phase phase;
	size_t count;
	char first[ROTA_ADDRESS_TEXT_SIZE];   /* address */
	const struct rota_address_list *list; /* for comparison only */

	void (*then)(struct look *look); /* in the callback, or NULL */
	struct look *other;
};

static inline void look_called(struct rota_lookup *lookup, int status,
			       const struct rota_address_list *list)
{
	struct look *look = rota_container_of(lookup, struct look, lookup);

	look->calls++;
	look->status = status;
	look->phase = rota_loop_phase(lookup->request.internal.loop);
	look->list = list;
	look->count = 0;
	look->first[0] = 0;
	assert_int_equal(list != NULL, status == 0);
	if (list != NULL) {
		look->count = list->count;
		assert_int_equal(rota_address_text(&list->addresses[0],
						   look->first,
						   sizeof(look->first)),
				 0);
	}
	if (look->then != NULL)
		look->then(look);
}

/* Begin it, and return the result of the call, which must not call back. */
static inline int look_begin(struct look *look, struct rota_loop *loop,
			     const char *host, const char *service)
{
	int status;

	memset(&look->lookup, 0x5a, sizeof(look->lookup));
	look->calls = 0;
	status = rota_lookup_begin(&look->lookup, loop, host, service, NULL,
				   look_called);
	assert_int_equal(look->calls, 0);
	return status;
}

static inline void look_must(struct look *look, struct rota_loop *loop,
			     const char *host)
{
	assert_int_equal(look_begin(look, loop, host, "80"), 0);
}

/* Run until it has called back, and return its status. */
static inline int look_end(struct look *look)
{
	struct rota_loop *loop = look->lookup.request.internal.loop;

	while (look->calls == 0)
		assert_in_range(rota_loop_run(loop, ROTA_RUN_ONCE), 0, 1);
	assert_int_equal(look->calls, 1);
	return look->status;
}

/* Cancel it: it calls back in the pending phase of the next turn. */
static inline void look_cancel(struct look *look)
{
	struct rota_loop *loop = look->lookup.request.internal.loop;

	assert_int_equal(rota_request_cancel(&look->lookup.request), 0);
	assert_int_equal(look->calls, 0);
	assert_in_range(rota_loop_run(loop, ROTA_RUN_NOWAIT), 0, 1);
	assert_int_equal(look->calls, 1);
	assert_int_equal(look->status, ROTA_ECANCELED);
	assert_int_equal(look->phase, ROTA_PHASE_PENDING);
}

/* Use a pool of its own, with up to @max threads in each lane. The caller drops
 * the reference. */
static inline struct rota_pool *names_begin(struct fixture *f, unsigned max,
					    enum rota_clock clock)
{
	struct rota_pool *pool = pool_of_threads(0, max);

	resolver_begin();
	use_pool(f, rota_pool_ref(pool), clock);
	return pool;
}

static inline void names_end(struct rota_pool *pool)
{
	resolver_end();
	rota_pool_unref(pool);
}

#endif
