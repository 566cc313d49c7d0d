/*
 * Lookups of the names of addresses.
 */
#include "support/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "names/looks.h"
#include "support/fault.h"

enum {
	MANY = 10,
	NUMERIC = ROTA_NAME_NUMERIC_HOST | ROTA_NAME_NUMERIC_SERVICE
};

struct naming {
	struct rota_name_lookup lookup;
	struct rota_deadline deadline;
	unsigned calls;
	int status;
	enum rota_phase phase;
	char host[1100];
	char service[64];
};

static void naming_called(struct rota_name_lookup *lookup, int status,
			  const char *host, const char *service)
{
	struct naming *naming =
		rota_container_of(lookup, struct naming, lookup);

	naming->calls++;
	naming->status = status;
	naming->phase = rota_loop_phase(lookup->request.internal.loop);
	assert_int_equal(host != NULL, status == 0);
	assert_int_equal(service != NULL, status == 0);
	(void)snprintf(naming->host, sizeof(naming->host), "%s",
		       host != NULL ? host : "");
	(void)snprintf(naming->service, sizeof(naming->service), "%s",
		       service != NULL ? service : "");
}

static int naming_begin(struct naming *naming, struct rota_loop *loop,
			const char *ip, unsigned flags)
{
	struct rota_address address;

	assert_int_equal(rota_address_ip(&address, ip, 80), 0);
	memset(&naming->lookup, 0x5a, sizeof(naming->lookup));
	naming->calls = 0;
	return rota_name_lookup_begin(&naming->lookup, loop, &address, flags,
				      naming_called);
}

static int naming_end(struct naming *naming)
{
	struct rota_loop *loop = naming->lookup.request.internal.loop;

	assert_int_equal(naming->calls, 0);
	while (naming->calls == 0)
		assert_in_range(rota_loop_run(loop, ROTA_RUN_ONCE), 0, 1);
	return naming->status;
}

static void numbers_need_no_thread(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_VIRTUAL);
	static struct naming naming;

	assert_int_equal(naming_begin(&naming, f->loop, "2001:db8::1", NUMERIC),
			 0);
	assert_int_equal(naming_end(&naming), 0);

	assert_int_equal(naming.phase, ROTA_PHASE_PENDING);
	assert_string_equal(naming.host, "2001:db8::1");
	assert_string_equal(naming.service, "80");
	assert_int_equal(lane_stats(pool, BLOCKING).started, 0);
	names_end(pool);
}

static void an_address_has_a_name(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	static struct naming naming;

	resolver_add("host.test", "192.0.2.1");
	assert_int_equal(naming_begin(&naming, f->loop, "192.0.2.1", 0), 0);
	assert_int_equal(naming_end(&naming), 0);
	assert_int_equal(naming.phase, ROTA_PHASE_POLL);
	assert_string_equal(naming.host, "host.test");
	assert_string_equal(naming.service, "service");

	assert_int_equal(naming_begin(&naming, f->loop, "192.0.2.2", 0), 0);
	assert_int_equal(naming_end(&naming), 0);
	assert_string_equal(naming.host, "192.0.2.2");
	assert_int_equal(
		naming_begin(&naming, f->loop, "192.0.2.2", ROTA_NAME_REQUIRED),
		0);
	assert_int_equal(naming_end(&naming), ROTA_EAI_NONAME);
	names_end(pool);
}

static void the_system_names_loopback(void **state)
{
	struct fixture *f = *state;
	static struct naming naming;

	assert_int_equal(naming_begin(&naming, f->loop, "127.0.0.1",
				      ROTA_NAME_NUMERIC_SERVICE |
					      ROTA_NAME_SHORT |
					      ROTA_NAME_DATAGRAM),
			 0);
	assert_int_equal(naming_end(&naming), 0);
	assert_string_equal(naming.service, "80");
	assert_true(naming.host[0] != 0);
}

static void bad_arguments_are_refused(void **state)
{
	struct fixture *f = *state;
	static struct naming naming;
	struct rota_address address;

	assert_int_equal(naming_begin(&naming, f->loop, "::1", 1 << 5),
			 ROTA_EINVAL);
	assert_int_equal(rota_address_ip(&address, "::1", 80), 0);
	assert_int_equal(rota_name_lookup_begin(&naming.lookup, f->loop,
						&address, 0, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_name_lookup_begin(&naming.lookup, NULL, &address,
						0, naming_called),
			 ROTA_EINVAL);
	assert_int_equal(rota_name_lookup_begin(&naming.lookup, f->loop, NULL,
						0, naming_called),
			 ROTA_EINVAL);
	address.size = 3;
	assert_int_equal(rota_name_lookup_begin(&naming.lookup, f->loop,
						&address, 0, naming_called),
			 ROTA_EINVAL);
	address.size = sizeof(address.is.ip6);
	address.is.any.sa_family = AF_UNIX;
	assert_int_equal(rota_name_lookup_begin(&naming.lookup, f->loop,
						&address, 0, naming_called),
			 ROTA_EINVAL);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
	assert_int_equal(naming.calls, 0);
}

static void errors_of_the_resolver_have_their_codes(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	static struct naming naming;

	resolver_add("host.test", "192.0.2.1");
	resolver_fail("host.test", EAI_AGAIN);
	assert_int_equal(naming_begin(&naming, f->loop, "192.0.2.1", 0), 0);
	assert_int_equal(naming_end(&naming), ROTA_EAI_AGAIN);
	fault_fail("getnameinfo", 1, EMFILE);
	assert_int_equal(naming_begin(&naming, f->loop, "192.0.2.1", 0), 0);
	assert_int_equal(naming_end(&naming), ROTA_EMFILE);
	fault_fail("getnameinfo", 1, EIO);
	assert_int_equal(naming_begin(&naming, f->loop, "192.0.2.1", NUMERIC),
			 0);
	assert_int_equal(naming_end(&naming), ROTA_EIO);
	resolver_fail("host.test", 0);
	fault_fail("getnameinfo", 1, EINTR);
	assert_int_equal(naming_begin(&naming, f->loop, "192.0.2.1", 0), 0);
	assert_int_equal(naming_end(&naming), 0);
	assert_int_equal(fault_clear(), 1);
	names_end(pool);
}

static void equal_lookups_share_one_call(void **state)
{
	static struct naming namings[MANY];
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 4, ROTA_CLOCK_MONOTONIC);

	resolver_add("host.test", "192.0.2.1");
	resolver_hang("host.test");
	for (int i = 0; i < MANY; i++)
		assert_int_equal(
			naming_begin(&namings[i], f->loop, "192.0.2.1", 0), 0);
	resolver_await(1);
	assert_int_equal(rota_request_cancel(&namings[0].lookup.request), 0);
	assert_int_equal(naming_end(&namings[0]), ROTA_ECANCELED);
	assert_int_equal(namings[0].phase, ROTA_PHASE_PENDING);
	resolver_release("host.test");
	for (int i = 1; i < MANY; i++) {
		while (namings[i].calls == 0)
			assert_in_range(rota_loop_run(f->loop, ROTA_RUN_ONCE),
					0, 1);
		assert_string_equal(namings[i].host, "host.test");
	}

	assert_int_equal(resolver_count("host.test"), 1);
	names_end(pool);
}

static void a_lookup_that_hangs_ends_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_VIRTUAL);
	static struct naming naming;

	resolver_add("stuck.test", "192.0.2.1");
	resolver_hang("stuck.test");
	assert_int_equal(naming_begin(&naming, f->loop, "192.0.2.1", 0), 0);
	resolver_await(1);
	assert_int_equal(rota_request_set_deadline(
				 &naming.lookup.request, &naming.deadline,
				 rota_loop_now(f->loop) + ROTA_SEC(1)),
			 0);
	assert_int_equal(rota_loop_advance(f->loop, ROTA_SEC(1)), 0);

	assert_int_equal(naming_end(&naming), ROTA_ETIMEDOUT);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	names_end(pool);
}

/* F3 */
static void each_allocation_may_fail(void **state)
{
	static const char *const names[] = { "malloc", "calloc" };
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	static struct naming naming;
	unsigned failed = 0;

	resolver_add("host.test", "192.0.2.1");
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(naming_begin(&naming, f->loop, "192.0.2.1", 0),
			 ROTA_ENOMEM);
	f->memory.fail_at = 0;
	assert_int_equal(naming_begin(&naming, f->loop, "192.0.2.1", 0), 0);
	assert_int_equal(naming_end(&naming), 0);
	for (int i = 0; i < 2; i++)
		for (unsigned nth = 1, hit = 1; hit > 0; nth++) {
			int status;

			fault_fail(names[i], nth, ENOMEM);
			status = naming_begin(&naming, f->loop, "192.0.2.1", 0);
			if (status == 0)
				status = naming_end(&naming);
			hit = fault_clear();
			failed += hit;
			assert_int_equal(status, hit > 0 ? ROTA_ENOMEM : 0);
		}
	assert_true(failed >= 1);
	names_end(pool);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(numbers_need_no_thread),
	REAL(an_address_has_a_name),
	REAL(the_system_names_loopback),
	VIRTUAL(bad_arguments_are_refused),
	REAL(errors_of_the_resolver_have_their_codes),
	REAL(equal_lookups_share_one_call),
	VIRTUAL(a_lookup_that_hangs_ends_at_its_deadline),
	REAL(each_allocation_may_fail),
};
FIXTURE_MAIN(tests)
