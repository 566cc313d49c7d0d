/*
 * Lookups of addresses: arguments, results, errors, and lookups that hang.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names/looks.h"
#include "rota/fs.h"
#include "support/fault.h"

enum { MANY = 10, MIB = 1 << 20 };

/* A look at @host with @options must be refused. */
static int refused(struct fixture *f, const char *host, const char *service,
		   const struct rota_lookup_options *options)
{
	struct look look = { .calls = 0 };
	int status = rota_lookup_begin(&look.lookup, f->loop, host, service,
				       options, look_called);

	assert_true(status < 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
	assert_int_equal(look.calls, 0);
	return status;
}

static void numbers_are_answered_in_the_pending_phase(void **state)
{
	static const char *const numbers[][3] = {
		{ "192.0.2.1", "80", "192.0.2.1:80" },
		{ "0.0.0.0", NULL, "0.0.0.0:0" },
		{ "2001:db8::1", "65535", "[2001:db8::1]:65535" },
		{ "::ffff:192.0.2.1", "0", "[::ffff:192.0.2.1]:0" },
		{ "fe80::1%7", "00080", "[fe80::1%7]:80" },
	};
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_VIRTUAL);
	struct look look = { .calls = 0 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		fault_count_reset();
		assert_int_equal(look_begin(&look, f->loop, numbers[i][0],
					    numbers[i][1]),
				 0);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);

		assert_int_equal(look.calls, 1);
		assert_int_equal(look.status, 0);
		assert_int_equal(look.phase, ROTA_PHASE_PENDING);
		assert_int_equal(look.count, 1);
		assert_string_equal(look.first, numbers[i][2]);
		assert_int_equal(fault_count("getaddrinfo"), 0);
	}
	assert_int_equal(lane_stats(pool, BLOCKING).started, 0);
	names_end(pool);
}

static void a_number_needs_no_pool_at_all(void **state)
{
	struct fixture *f = *state;
	struct look look = { .calls = 0 };

	fault_fail("pthread_create", 1, EAGAIN);
	look_must(&look, f->loop, "127.0.0.1");

	assert_int_equal(look_end(&look), 0);
	assert_int_equal(fault_clear(), 0);
}

/* What inet_aton(3) takes besides four decimal numbers is no address here, and
 * such a host is no name. */
static void what_looks_like_a_number_and_is_none_is_refused(void **state)
{
	static const char *const hosts[] = {
		"1",       "127.1",      "127.0.1",
		"0x7f.1",  "0x7f000001", "2130706433",
		"0x",      "1.2.3.4.",   "1.2.3.256",
		"a.5",     "host.0xff",  "1.2.3.4.5",
		"1::2::3", ":",          "host:80",
		"[::1]",   "fe80::1%",   "999999999999999999999",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		assert_int_equal(refused(f, hosts[i], "80", NULL), ROTA_EINVAL);
	assert_int_equal(refused(f, "::1%nowhere", "80", NULL), ROTA_ENODEV);
	fault_fail("if_nametoindex", 1, EMFILE);
	assert_int_equal(refused(f, "fe80::1%lo", "80", NULL), ROTA_EMFILE);
	assert_int_equal(fault_clear(), 1);
}

/* The system would take "+65616" for port 80. */
static void a_port_with_a_sign_is_refused(void **state)
{
	static const char *const services[] = { "+80",    "-1", "+65616",
						"-65456", "+",  "-" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		assert_int_equal(refused(f, "host.test", services[i], NULL),
				 ROTA_EINVAL);
		assert_int_equal(refused(f, "127.0.0.1", services[i], NULL),
				 ROTA_EINVAL);
	}
}

/* Names of which a part is a number are names. */
static void a_name_may_contain_numbers(void **state)
{
	static const char *const hosts[] = {
		"1a",  "7.test", "0x7f.test", "127.0.0.1.test",
		"0xg", "x1.y2",  "1-2",       "3com.test.",
	};
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look look = { .calls = 0 };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		resolver_add(hosts[i], "192.0.2.1");
		look_must(&look, f->loop, hosts[i]);
		assert_int_equal(look_end(&look), 0);
		assert_int_equal(resolver_count(hosts[i]), 1);
	}
	names_end(pool);
}

/* D6 */
static void names_are_whole_or_refused(void **state)
{
	static const size_t lengths[] = { 0, 1, 254, 255, 256, 257, 1025, MIB };
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look look = { .calls = 0 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t length = lengths[i];
		char *host = malloc(length + 1);
		int wanted = length == 0    ? ROTA_EINVAL
			     : length > 255 ? ROTA_ENAMETOOLONG
					    : 0;

		assert_non_null(host);
		memset(host, 'a', length);
		host[length] = 0;
		if (wanted == 0) {
			resolver_add(host, "192.0.2.1");
			look_must(&look, f->loop, host);
			assert_int_equal(look_end(&look), 0);
			assert_int_equal(resolver_count(host), 1);
		} else {
			assert_int_equal(refused(f, host, "80", NULL), wanted);
			assert_int_equal(refused(f, "127.0.0.1", host, NULL),
					 wanted);
		}
		free(host);
	}
	assert_int_equal(resolver_count(NULL), 3);
	names_end(pool);
}

static void control_characters_and_spaces_are_refused(void **state)
{
	struct fixture *f = *state;
	char text[] = "a?b";

	for (int c = 1; c <= 0x7f; c++) {
		if (c > ' ' && c != 0x7f)
			continue;
		text[1] = (char)c;
		assert_int_equal(refused(f, text, "80", NULL), ROTA_EINVAL);
		assert_int_equal(refused(f, "host", text, NULL), ROTA_EINVAL);
	}
}

/* IDNA is the system's: the bytes are passed on as they are. */
static void letters_that_are_not_ascii_are_passed_on(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look look = { .calls = 0 };

	resolver_add("b\xc3\xbc"
		     "cher.test",
		     "192.0.2.1");
	look_must(&look, f->loop,
		  "b\xc3\xbc"
		  "cher.test");

	assert_int_equal(look_end(&look), 0);
	names_end(pool);
}

static void other_bad_arguments_are_refused(void **state)
{
	struct fixture *f = *state;
	struct look look = { .calls = 0 };
	struct rota_lookup_options options;

	assert_int_equal(refused(f, NULL, NULL, NULL), ROTA_EINVAL);
	assert_int_equal(refused(f, "host", "65536", NULL), ROTA_EINVAL);
	assert_int_equal(refused(f, "host", "99999999999999999999", NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_lookup_begin(&look.lookup, f->loop, "host", NULL,
					   NULL, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_lookup_begin(&look.lookup, NULL, "host", NULL,
					   NULL, look_called),
			 ROTA_EINVAL);
	rota_lookup_options_init(&options);
	options.family = AF_UNIX;
	assert_int_equal(refused(f, "::1", "80", &options), ROTA_EINVAL);
	rota_lookup_options_init(&options);
	options.socket_type = SOCK_RAW;
	assert_int_equal(refused(f, "::1", "80", &options), ROTA_EINVAL);
	rota_lookup_options_init(&options);
	options.flags = 1 << 7;
	assert_int_equal(refused(f, "::1", "80", &options), ROTA_EINVAL);
	rota_lookup_options_init(&options);
	options.size = 8;
	assert_int_equal(refused(f, "::1", "80", &options), ROTA_EINVAL);
	rota_lookup_options_init(&options);
	options.family = AF_INET;
	assert_int_equal(refused(f, "::1", "80", &options),
			 ROTA_EAI_ADDRFAMILY);
	rota_lookup_options_init(&options);
	options.flags = ROTA_LOOKUP_NUMERIC_HOST;
	assert_int_equal(refused(f, "host", "80", &options), ROTA_EAI_NONAME);
	options.flags = ROTA_LOOKUP_NUMERIC_SERVICE;
	assert_int_equal(refused(f, "::1", "http", &options), ROTA_EAI_NONAME);
}

static void an_address_of_version_4_is_mapped_if_that_is_asked_for(void **state)
{
	struct fixture *f = *state;
	struct look look = { .calls = 0 };
	struct rota_lookup_options options;

	rota_lookup_options_init(&options);
	options.family = AF_INET6;
	options.flags = ROTA_LOOKUP_V4_MAPPED;
	assert_int_equal(rota_lookup_begin(&look.lookup, f->loop, "192.0.2.1",
					   "7", &options, look_called),
			 0);

	assert_int_equal(look_end(&look), 0);
	assert_string_equal(look.first, "[::ffff:192.0.2.1]:7");
}

static char canonical[64];

static void keep_canonical(struct rota_lookup *lookup, int status,
			   const struct rota_address_list *list)
{
	look_called(lookup, status, list);
	assert_non_null(list->canonical_name);
	(void)snprintf(canonical, sizeof(canonical), "%s",
		       list->canonical_name);
}

static void the_canonical_name_is_found(void **state)
{
	static const char *const hosts[] = { "host.test", "192.0.2.7" };
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look look = { .calls = 0 };
	struct rota_lookup_options options;

	resolver_add("host.test", "192.0.2.1");
	rota_lookup_options_init(&options);
	options.flags = ROTA_LOOKUP_CANONICAL_NAME;
	for (int i = 0; i < 2; i++) {
		look.calls = 0;
		assert_int_equal(rota_lookup_begin(&look.lookup, f->loop,
						   hosts[i], NULL, &options,
						   keep_canonical),
				 0);
		assert_int_equal(look_end(&look), 0);
		assert_string_equal(canonical, hosts[i]);
	}
	names_end(pool);
}

static void a_host_has_all_its_addresses_in_order(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look look = { .calls = 0 };

	resolver_add("host.test", "2001:db8::1");
	resolver_add("host.test", "192.0.2.1");
	resolver_add("host.test", "192.0.2.2");
	assert_int_equal(look_begin(&look, f->loop, "host.test", "http"), 0);

	assert_int_equal(look_end(&look), 0);
	assert_int_equal(look.phase, ROTA_PHASE_POLL);
	assert_int_equal(look.count, 3);
	assert_string_equal(look.first, "[2001:db8::1]:80");
	names_end(pool);
}

/* The system itself, without the double. */
static void the_system_knows_this_host(void **state)
{
	struct fixture *f = *state;
	struct look look = { .calls = 0 };

	assert_int_equal(look_begin(&look, f->loop, NULL, "80"), 0);

	assert_int_equal(look_end(&look), 0);
	assert_in_range(look.count, 1, 2);
	assert_true(strcmp(look.first, "127.0.0.1:80") == 0 ||
		    strcmp(look.first, "[::1]:80") == 0);
}

static void each_error_of_the_resolver_has_its_code(void **state)
{
	static const int errors[][2] = {
		{ EAI_AGAIN, ROTA_EAI_AGAIN },
		{ EAI_BADFLAGS, ROTA_EAI_BADFLAGS },
		{ EAI_FAIL, ROTA_EAI_FAIL },
		{ EAI_FAMILY, ROTA_EAI_FAMILY },
		{ EAI_MEMORY, ROTA_ENOMEM },
		{ EAI_NONAME, ROTA_EAI_NONAME },
		{ EAI_OVERFLOW, ROTA_EAI_OVERFLOW },
		{ EAI_SERVICE, ROTA_EAI_SERVICE },
		{ EAI_SOCKTYPE, ROTA_EAI_SOCKTYPE },
		{ 12345, ROTA_EAI_FAIL },
	};
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look look = { .calls = 0 };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		resolver_fail("host.test", errors[i][0]);
		look_must(&look, f->loop, "host.test");
		assert_int_equal(look_end(&look), errors[i][1]);
	}
	resolver_fail("host.test", 0);
	look_must(&look, f->loop, "host.test"); /* has no address */
	assert_int_equal(look_end(&look), ROTA_EAI_NONAME);
	look_must(&look, f->loop, "nowhere.test");
	assert_int_equal(look_end(&look), ROTA_EAI_NONAME);
	assert_int_equal(look_begin(&look, f->loop, "host.test", "gopher"), 0);
	assert_int_equal(look_end(&look), ROTA_EAI_SERVICE);

	fault_fail("getaddrinfo", 1, ENFILE); /* EAI_SYSTEM */
	look_must(&look, f->loop, "host.test");
	assert_int_equal(look_end(&look), ROTA_ENFILE);
	assert_int_equal(fault_clear(), 1);
	resolver_add("host.test", "192.0.2.1");
	fault_fail("getaddrinfo", 1, EINTR); /* is asked again */
	look_must(&look, f->loop, "host.test");
	assert_int_equal(look_end(&look), 0);
	assert_int_equal(fault_clear(), 1);
	names_end(pool);
}

/* O6, O8 */
static void a_lookup_that_hangs_is_cancelled_at_once(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_VIRTUAL);
	struct look *look = malloc(sizeof(*look));

	assert_non_null(look);
	*look = (struct look){ .calls = 0 };
	resolver_hang("stuck.test");
	look_must(look, f->loop, "stuck.test");
	resolver_await(1);

	look_cancel(look);

	assert_int_equal(rota_request_cancel(&look->lookup.request),
			 ROTA_EALREADY);
	memset(look, 0xa5, sizeof(*look));
	free(look);
	assert_int_equal(rota_loop_close(f->loop), 0); /* before the thread */
	f->loop = NULL;
	resolver_await(1);
	names_end(pool);
}

static void a_lookup_that_hangs_ends_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_VIRTUAL);
	struct look look = { .calls = 0 };
	uint64_t due_ns = rota_loop_now(f->loop) + ROTA_SEC(5);

	resolver_hang("stuck.test");
	look_must(&look, f->loop, "stuck.test");
	assert_int_equal(rota_request_set_deadline(&look.lookup.request,
						   &look.deadline, due_ns),
			 0);
	resolver_await(1);
	assert_int_equal(rota_loop_advance(f->loop, ROTA_SEC(5) - 1), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	assert_int_equal(look.calls, 0);
	assert_int_equal(rota_loop_advance(f->loop, 1), 0);
	(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_int_equal(look.calls, 1);
	assert_int_equal(look.status, ROTA_ETIMEDOUT);
	assert_int_equal(look.phase, ROTA_PHASE_PENDING);
	names_end(pool);
}

/* The lane has two threads, and both hang. */
static void lookups_behind_those_that_hang_keep_their_deadlines(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 2, ROTA_CLOCK_VIRTUAL);
	struct look stuck[2] = { { .calls = 0 }, { .calls = 0 } };
	struct look behind[MANY];

	resolver_hang("stuck.test");
	resolver_hang("more.test");
	look_must(&stuck[0], f->loop, "stuck.test");
	look_must(&stuck[1], f->loop, "more.test");
	resolver_await(2);
	for (int i = 0; i < MANY; i++) {
		char host[] = "a.test";

		host[0] = (char)('a' + i);
		behind[i] = (struct look){ .calls = 0 };
		look_must(&behind[i], f->loop, host);
		assert_int_equal(rota_request_set_deadline(
					 &behind[i].lookup.request,
					 &behind[i].deadline,
					 rota_loop_now(f->loop) +
						 ROTA_MSEC((unsigned)i + 1)),
				 0);
	}
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(rota_loop_advance(f->loop, ROTA_MSEC(1)), 0);
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
		assert_int_equal(behind[i].calls, 1);
		assert_int_equal(behind[i].status, ROTA_ETIMEDOUT);
	}

	/* They are in no queue any more, and there are no more threads. */
	assert_int_equal(lane_stats(pool, BLOCKING).queued, 0);
	assert_int_equal(lane_stats(pool, BLOCKING).threads, 2);
	assert_int_equal(resolver_count(NULL), 2);
	look_cancel(&stuck[0]);
	look_cancel(&stuck[1]);
	names_end(pool);
}

static void opened(struct rota_fs *fs, int64_t result)
{
	*(int *)fs->request.data = (int)result;
}

/* Every thread for lookups hangs, and a file operation of the same loop, jobs
 * of the cpu lane and the loop's own work go on: what takes a millisecond is
 * counted in waits, not in time. */
static void a_lookup_that_hangs_delays_no_other_lane(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look look = { .calls = 0 };
	struct rota_fs fs;
	struct job job;
	int fd = 1;

	resolver_hang("stuck.test");
	look_must(&look, f->loop, "stuck.test");
	resolver_await(1);
	rota_fs_init(&fs, f->loop);
	fs.request.data = &fd;
	assert_int_equal(rota_fs_open(&fs, opened, "/", O_RDONLY, 0), 0);
	job_init(&job, f->loop, NULL);
	job_queue(&job, CPU);
	run_until_called(&job, 1);
	while (fd == 1)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	assert_true(fd > 2);
	assert_int_equal(look.calls, 0);
	assert_int_equal(close(fd), 0);
	look_cancel(&look);
	names_end(pool);
}

/* Equal lookups in flight are one call, which each of them may leave. */
static void equal_lookups_share_one_call(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 4, ROTA_CLOCK_MONOTONIC);
	struct look looks[MANY];

	resolver_add("host.test", "192.0.2.1");
	resolver_hang("host.test");
	for (int i = 0; i < MANY; i++) {
		looks[i] = (struct look){ .calls = 0 };
		look_must(&looks[i], f->loop, "host.test");
	}
	resolver_await(1);
	look_cancel(&looks[0]); /* the first */
	look_cancel(&looks[MANY - 1]);
	assert_int_equal(rota_request_set_deadline(&looks[4].lookup.request,
						   &looks[4].deadline, 0),
			 0);
	assert_int_equal(look_end(&looks[4]), ROTA_ETIMEDOUT);
	resolver_release("host.test");
	for (int i = 1; i < MANY - 1; i++) {
		if (i == 4)
			continue;
		assert_int_equal(look_end(&looks[i]), 0);
		assert_ptr_equal(looks[i].list, looks[1].list);
	}

	assert_int_equal(resolver_count("host.test"), 1);
	assert_int_equal(lane_stats(pool, BLOCKING).started, 1);
	look_must(&looks[0], f->loop, "host.test"); /* is asked anew */
	assert_int_equal(look_end(&looks[0]), 0);
	assert_int_equal(resolver_count("host.test"), 2);
	names_end(pool);
}

static void lookups_that_differ_share_nothing(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 8, ROTA_CLOCK_MONOTONIC);
	struct look looks[6];
	struct rota_lookup_options options;

	resolver_add("host.test", "192.0.2.1");
	resolver_hang("host.test");
	memset(looks, 0, sizeof(looks));
	assert_int_equal(look_begin(&looks[0], f->loop, "host.test", "80"), 0);
	assert_int_equal(look_begin(&looks[1], f->loop, "host.test", "81"), 0);
	assert_int_equal(look_begin(&looks[2], f->loop, "host.test", NULL), 0);
	for (int i = 3; i < 6; i++) {
		rota_lookup_options_init(&options);
		options.family = i == 3 ? AF_INET : AF_UNSPEC;
		options.socket_type = i == 4 ? SOCK_DGRAM : SOCK_STREAM;
		options.flags = i == 5 ? ROTA_LOOKUP_CONFIGURED : 0;
		assert_int_equal(rota_lookup_begin(&looks[i].lookup, f->loop,
						   "host.test", "80", &options,
						   look_called),
				 0);
	}
	resolver_await(6);
	resolver_release("host.test");
	for (int i = 0; i < 6; i++)
		assert_int_equal(look_end(&looks[i]), 0);

	assert_int_equal(resolver_count("host.test"), 6);
	names_end(pool);
}

/* If each retry had a thread of its own, they would soon have all. */
static void a_retry_joins_the_call_that_hangs(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 4, ROTA_CLOCK_MONOTONIC);
	struct look look = { .calls = 0 };

	resolver_add("stuck.test", "192.0.2.1");
	resolver_hang("stuck.test");
	for (int i = 0; i < MANY; i++) {
		look_must(&look, f->loop, "stuck.test");
		resolver_await(1);
		look_cancel(&look);
	}
	look_must(&look, f->loop, "stuck.test");
	resolver_release("stuck.test");

	assert_int_equal(look_end(&look), 0);
	assert_int_equal(resolver_count("stuck.test"), 1);
	names_end(pool);
}

/* Two loops with one pool, on one thread. */
static void loops_with_one_pool_share_calls(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 4, ROTA_CLOCK_MONOTONIC);
	struct rota_loop_options options;
	struct rota_loop *loop;
	struct look first = { .calls = 0 }, second = { .calls = 0 };

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	options.pool = pool;
	assert_int_equal(rota_loop_new(&loop, &options), 0);
	resolver_add("host.test", "192.0.2.1");
	resolver_hang("host.test");
	look_must(&first, loop, "host.test");
	look_must(&second, f->loop, "host.test");
	resolver_await(1);
	look_cancel(&first); /* the one that began the call, and its loop go */
	assert_int_equal(rota_loop_close(loop), 0);
	resolver_release("host.test");

	assert_int_equal(look_end(&second), 0);
	assert_int_equal(resolver_count("host.test"), 1);
	names_end(pool);
}

static const struct rota_address_list *kept;

static void keep_list(struct look *look)
{
	kept = rota_address_list_ref(look->list);
}

static void a_list_may_be_kept_beyond_its_loop(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look look = { .then = keep_list };

	resolver_add("host.test", "192.0.2.1");
	look_must(&look, f->loop, "host.test");
	assert_int_equal(look_end(&look), 0);
	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;

	assert_int_equal(kept->count, 1);
	assert_int_equal(rota_address_port(&kept->addresses[0]), 80);
	assert_null(kept->canonical_name);
	rota_address_list_unref(kept);
	names_end(pool);
}

static void begin_again(struct look *look)
{
	look->then = NULL;
	assert_int_equal(rota_lookup_begin(&look->lookup,
					   look->lookup.request.internal.loop,
					   "host.test", "80", NULL,
					   look_called),
			 0);
}

static void a_lookup_may_begin_again_in_its_callback(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look look = { .then = begin_again };

	resolver_add("host.test", "192.0.2.1");
	look_must(&look, f->loop, "127.0.0.1");
	while (look.calls < 2)
		assert_in_range(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0, 1);

	assert_int_equal(look.status, 0);
	names_end(pool);
}

static void without_threads_the_loop_looks_up_itself(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 0, ROTA_CLOCK_VIRTUAL);
	struct look looks[2] = { { .calls = 0 }, { .calls = 0 } };

	resolver_add("host.test", "192.0.2.1");
	look_must(&looks[0], f->loop, "host.test");
	look_must(&looks[1], f->loop, "host.test");
	look_cancel(&looks[1]);

	assert_int_equal(look_end(&looks[0]), 0);
	assert_int_equal(looks[0].phase, ROTA_PHASE_PENDING);
	assert_int_equal(resolver_count("host.test"), 1);
	names_end(pool);
}

static void if_no_thread_can_be_started_all_who_wait_are_told(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look look = { .calls = 0 };

	resolver_add("host.test", "192.0.2.1");
	fault_fail("pthread_create", 1, EAGAIN);
	look_must(&look, f->loop, "host.test");
	assert_int_equal(look_end(&look), ROTA_EAGAIN);
	assert_int_equal(fault_clear(), 1);

	look_must(&look, f->loop, "host.test");
	assert_int_equal(look_end(&look), 0);
	names_end(pool);
}

/* O5 */
static void a_shutdown_does_not_wait_for_a_lookup(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look looks[2] = { { .calls = 0 }, { .calls = 0 } };

	resolver_hang("stuck.test");
	look_must(&looks[0], f->loop, "stuck.test");
	look_must(&looks[1], f->loop, "behind.test");
	resolver_await(1);

	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_int_equal(looks[0].calls + looks[1].calls, 2);
	assert_int_equal(looks[0].status, ROTA_ECANCELED);
	assert_int_equal(looks[1].status, ROTA_ECANCELED);
	names_end(pool);
}

/* F3. Memory of the loop, and of the library. */
static void each_allocation_may_fail(void **state)
{
	static const char *const names[] = { "malloc", "calloc", "realloc" };
	struct fixture *f = *state;
	struct rota_pool *pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	struct look look = { .calls = 0 };
	unsigned failed = 0;

	resolver_add("host.test", "192.0.2.1");
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(look_begin(&look, f->loop, "host.test", "80"),
			 ROTA_ENOMEM);
	f->memory.fail_at = 0;
	look_must(&look, f->loop, "host.test"); /* starts a thread */
	assert_int_equal(look_end(&look), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (unsigned nth = 1, hit = 1; hit > 0; nth++) {
			int status;

			fault_fail(names[i], nth, ENOMEM);
			status = look_begin(&look, f->loop, "host.test", "80");
			if (status == 0)
				status = look_end(&look);
			hit = fault_clear();
			failed += hit;
			assert_int_equal(status, hit > 0 ? ROTA_ENOMEM : 0);
		}
	assert_true(failed >= 2); /* the question, and the answer */
	fault_fail("malloc", 1, ENOMEM);
	assert_int_equal(look_begin(&look, f->loop, "127.0.0.1", "80"),
			 ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	names_end(pool);
}

/* The struct as a program of a later version has it. */
struct later_options {
	struct rota_lookup_options known;
	uint64_t more;
};

static void
options_of_a_later_version_are_taken_if_they_are_not_set(void **state)
{
	struct fixture *f = *state;
	struct look look = { .calls = 0 };
	struct later_options later;

	rota_lookup_options_init_size(&later.known, sizeof(later));
	assert_int_equal(later.more, 0);
	assert_int_equal(rota_lookup_begin(&look.lookup, f->loop, "::1", NULL,
					   &later.known, look_called),
			 0);
	assert_int_equal(look_end(&look), 0);
	later.more = 1;
	assert_int_equal(refused(f, "::1", NULL, &later.known), ROTA_EINVAL);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(numbers_are_answered_in_the_pending_phase),
	VIRTUAL(a_number_needs_no_pool_at_all),
	VIRTUAL(what_looks_like_a_number_and_is_none_is_refused),
	REAL(a_port_with_a_sign_is_refused),
	REAL(a_name_may_contain_numbers),
	REAL(names_are_whole_or_refused),
	VIRTUAL(control_characters_and_spaces_are_refused),
	REAL(letters_that_are_not_ascii_are_passed_on),
	VIRTUAL(other_bad_arguments_are_refused),
	VIRTUAL(an_address_of_version_4_is_mapped_if_that_is_asked_for),
	REAL(the_canonical_name_is_found),
	REAL(a_host_has_all_its_addresses_in_order),
	REAL(the_system_knows_this_host),
	REAL(each_error_of_the_resolver_has_its_code),
	VIRTUAL(a_lookup_that_hangs_is_cancelled_at_once),
	VIRTUAL(a_lookup_that_hangs_ends_at_its_deadline),
	VIRTUAL(lookups_behind_those_that_hang_keep_their_deadlines),
	REAL(a_lookup_that_hangs_delays_no_other_lane),
	REAL(equal_lookups_share_one_call),
	REAL(lookups_that_differ_share_nothing),
	REAL(a_retry_joins_the_call_that_hangs),
	REAL(loops_with_one_pool_share_calls),
	REAL(a_list_may_be_kept_beyond_its_loop),
	REAL(a_lookup_may_begin_again_in_its_callback),
	VIRTUAL(without_threads_the_loop_looks_up_itself),
	REAL(if_no_thread_can_be_started_all_who_wait_are_told),
	REAL(a_shutdown_does_not_wait_for_a_lookup),
	REAL(each_allocation_may_fail),
	VIRTUAL(options_of_a_later_version_are_taken_if_they_are_not_set),
};
FIXTURE_MAIN(tests)
