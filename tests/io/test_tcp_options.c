/*
 * Own and peer addresses, and the options of a TCP socket.
 */
#include "support/fixture.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "support/fault.h"
#include "support/streams_more.h"

/* macOS has another name for it. */
#ifndef TCP_KEEPIDLE
#define TCP_KEEPIDLE TCP_KEEPALIVE
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect_both_addresses(struct fixture *f, int family)
{
	struct rota_address own, peer, other;
	struct attempt a = { 0 };
	struct connection c;
	struct rota_tcp tcp;
	struct server s;

	server_open_as(&s, f, family, 8);
	tcp_init(&tcp, f);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(rota_tcp_peer_address(&tcp, &peer), ROTA_ENOTCONN);
	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.accepted > 0);
	connection_adopt(&c, f, s.fds[--s.kept], -1, NULL);

	assert_int_equal(rota_tcp_own_address(&tcp, &own), 0);
	assert_int_equal(rota_tcp_peer_address(&tcp, &peer), 0);
	expect_same_address(&peer, &s.address);
	assert_int_equal(rota_tcp_peer_address(&c.tcp, &other), 0);
	expect_same_address(&other, &own);
	assert_int_equal(rota_tcp_own_address(&c.tcp, &other), 0);
	expect_same_address(&other, &s.address);
	assert_int_equal(rota_tcp_own_address(&tcp, NULL), ROTA_EINVAL);
	assert_int_equal(rota_tcp_peer_address(&tcp, NULL), ROTA_EINVAL);

	tcp_end(&tcp);
	connection_end(&c);
	server_end(&s);
}

static void a_connection_has_two_addresses(void **state)
{
	expect_both_addresses(*state, AF_INET);
}

static void a_connection_of_version_6_has_two_addresses(void **state)
{
	need_ip6();
	expect_both_addresses(*state, AF_INET6);
}

static void what_is_only_bound_has_no_peer(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct server s;

	server_bind(&s, f, AF_INET);

	assert_int_equal(rota_tcp_peer_address(&s.tcp, &address),
			 ROTA_ENOTCONN);
	server_end(&s);
}

static int option(struct connection *c, int level, int name)
{
	return raw_option(c->fd, level, name);
}

static void nodelay_can_be_set_and_taken_back(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(rota_tcp_set_nodelay(&c.tcp, 1), 0);
	assert_true(option(&c, IPPROTO_TCP, TCP_NODELAY) != 0);
	assert_int_equal(rota_tcp_set_nodelay(&c.tcp, 0), 0);
	assert_true(option(&c, IPPROTO_TCP, TCP_NODELAY) == 0);
	assert_int_equal(rota_tcp_set_nodelay(&c.tcp, -7), 0);
	assert_true(option(&c, IPPROTO_TCP, TCP_NODELAY) != 0);
	connection_end(&c);
}

static void keepalive_asks_after_so_long(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(rota_tcp_set_keepalive(&c.tcp, ROTA_SEC(60)), 0);
	assert_true(option(&c, SOL_SOCKET, SO_KEEPALIVE) != 0);
	assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPINTVL), 1);
	assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPCNT), 10);

	assert_int_equal(rota_tcp_set_keepalive(&c.tcp, ROTA_SEC(1)), 0);
	assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPIDLE), 1);

	assert_int_equal(rota_tcp_set_keepalive(&c.tcp, 0), 0);
	assert_true(option(&c, SOL_SOCKET, SO_KEEPALIVE) == 0);
	connection_end(&c);
}

static void the_least_and_the_most_seconds_are_like_others(void **state)
{
	static const unsigned idles[] = { 1, 32767 };
	struct fixture *f = *state;
	struct connection c;

	for (unsigned i = 0; i < COUNT(idles); i++) {
		connection_open(&c, f, NULL);
		assert_int_equal(
			rota_tcp_set_keepalive(&c.tcp, ROTA_SEC(idles[i])), 0);
		assert_true(option(&c, SOL_SOCKET, SO_KEEPALIVE) != 0);
		assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPIDLE),
				 (int)idles[i]);
		assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPINTVL), 1);
		assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPCNT), 10);
		connection_end(&c);
	}
}

static void no_keepalive_leaves_the_times_alone(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	int interval, count;

	connection_open(&c, f, NULL);
	interval = option(&c, IPPROTO_TCP, TCP_KEEPINTVL);
	count = option(&c, IPPROTO_TCP, TCP_KEEPCNT);
	assert_int_equal(rota_tcp_set_keepalive(&c.tcp, 0), 0);
	assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPINTVL), interval);
	assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPCNT), count);
	connection_end(&c);
}

/* F3 */
static void a_keepalive_out_of_range_changes_nothing(void **state)
{
	static const uint64_t idles[] = {
		1,
		60, /* seconds? */
		ROTA_SEC(1) - 1,
		ROTA_SEC(32767) + 1,
		ROTA_SEC(1000000),
		ROTA_SEC((UINT64_C(1) << 32) + 60),
		UINT64_MAX,
	};
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	for (unsigned i = 0; i < COUNT(idles); i++) {
		assert_int_equal(rota_tcp_set_keepalive(&c.tcp, idles[i]),
				 ROTA_EINVAL);
		assert_true(option(&c, SOL_SOCKET, SO_KEEPALIVE) == 0);
	}
	assert_int_equal(rota_tcp_set_keepalive(&c.tcp, ROTA_SEC(60)), 0);
	for (unsigned i = 0; i < COUNT(idles); i++) {
		assert_int_equal(rota_tcp_set_keepalive(&c.tcp, idles[i]),
				 ROTA_EINVAL);
		assert_true(option(&c, SOL_SOCKET, SO_KEEPALIVE) != 0);
		assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	}
	connection_end(&c);
}

/* F3: the option itself is set in the last step. */
static void a_keepalive_that_failed_does_not_ask(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	for (unsigned nth = 1; nth <= 4; nth++) {
		fault_fail("setsockopt", nth, ENOBUFS);
		assert_int_equal(rota_tcp_set_keepalive(&c.tcp, ROTA_SEC(60)),
				 ROTA_ENOBUFS);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(option(&c, SOL_SOCKET, SO_KEEPALIVE), 0);
	}
	assert_int_equal(rota_tcp_set_keepalive(&c.tcp, ROTA_SEC(60)), 0);
	connection_end(&c);
}

static void expect_times(struct connection *c, int idle, int interval,
			 int count)
{
	assert_true(option(c, SOL_SOCKET, SO_KEEPALIVE) != 0);
	assert_int_equal(option(c, IPPROTO_TCP, TCP_KEEPIDLE), idle);
	assert_int_equal(option(c, IPPROTO_TCP, TCP_KEEPINTVL), interval);
	assert_int_equal(option(c, IPPROTO_TCP, TCP_KEEPCNT), count);
}

/* C1: times are in nanoseconds, and never end early. */
static void keepalive_has_all_three_times(void **state)
{
	struct connection c;

	connection_open(&c, *state, NULL);
	assert_int_equal(rota_tcp_set_keepalive_with(&c.tcp, ROTA_SEC(60),
						     ROTA_SEC(5), 3),
			 0);
	expect_times(&c, 60, 5, 3);
	assert_int_equal(rota_tcp_set_keepalive_with(&c.tcp, ROTA_SEC(1),
						     ROTA_SEC(1), 1),
			 0);
	expect_times(&c, 1, 1, 1);
	assert_int_equal(rota_tcp_set_keepalive_with(&c.tcp, ROTA_SEC(2) + 1,
						     ROTA_MSEC(3001), 9),
			 0);
	expect_times(&c, 3, 4, 9);
	assert_int_equal(rota_tcp_set_keepalive_with(&c.tcp, ROTA_SEC(32767),
						     ROTA_SEC(32767), 127),
			 0);
	expect_times(&c, 32767, 32767, 127);
	assert_int_equal(rota_tcp_set_keepalive(&c.tcp, 0), 0);
	assert_int_equal(option(&c, SOL_SOCKET, SO_KEEPALIVE), 0);
	connection_end(&c);
}

/* D6, F3 */
#define SECOND ROTA_SEC(1)
static void times_out_of_range_change_nothing(void **state)
{
	static const struct {
		uint64_t idle, interval;
		unsigned count;
	} bad[] = {
		{ 0, SECOND, 1 },
		{ SECOND, 0, 1 },
		{ SECOND, SECOND, 0 },
		{ 60, 5, 3 }, /* seconds? */
		{ SECOND - 1, SECOND, 1 },
		{ SECOND, SECOND - 1, 1 },
		{ ROTA_SEC(32767) + 1, SECOND, 1 },
		{ SECOND, ROTA_SEC(32767) + 1, 1 },
		{ SECOND, SECOND, 128 },
		{ UINT64_MAX, UINT64_MAX, 1 },
		{ SECOND, SECOND, UINT_MAX },
		/* The seconds are 1 in 32 bits. */
		{ ROTA_SEC((UINT64_C(1) << 32) + 1), SECOND, 1 },
	};
	struct connection c;

	connection_open(&c, *state, NULL);
	for (int on = 0; on <= 1; on++) {
		for (unsigned i = 0; i < COUNT(bad); i++)
			assert_int_equal(rota_tcp_set_keepalive_with(
						 &c.tcp, bad[i].idle,
						 bad[i].interval, bad[i].count),
					 ROTA_EINVAL);
		if (on)
			expect_times(&c, 7, 8, 9);
		else
			assert_int_equal(option(&c, SOL_SOCKET, SO_KEEPALIVE),
					 0);
		assert_int_equal(rota_tcp_set_keepalive_with(
					 &c.tcp, ROTA_SEC(7), ROTA_SEC(8), 9),
				 0);
	}
	connection_end(&c);
}

/* F3: what was set before the failure is undone. */
static void a_keepalive_that_failed_has_changed_no_time(void **state)
{
	static const char *const calls[] = { "setsockopt", "getsockopt" };
	struct connection c;

	connection_open(&c, *state, NULL);
	assert_int_equal(rota_tcp_set_keepalive_with(&c.tcp, ROTA_SEC(7),
						     ROTA_SEC(8), 9),
			 0);
	for (unsigned i = 0; i < COUNT(calls); i++) {
		for (unsigned nth = 1; nth <= 4; nth++) {
			fault_fail(calls[i], nth, ENOBUFS);
			assert_int_equal(
				rota_tcp_set_keepalive(&c.tcp, ROTA_SEC(60)),
				ROTA_ENOBUFS);
			assert_int_equal(fault_clear(), 1);
			expect_times(&c, 7, 8, 9);
		}
	}
	connection_end(&c);
}

/* Some systems do not have an option. Then the call says so, and the test
 * ends. */
static void need_option(struct connection *c, int status)
{
	if (status != ROTA_ENOTSUP) {
		assert_int_equal(status, 0);
		return;
	}
	connection_end(c);
	skip_elsewhere("the system does not have this");
}

#ifdef TCP_USER_TIMEOUT
static void a_user_timeout_is_in_milliseconds(void **state)
{
	static const struct {
		uint64_t ns;
		int ms;
	} cases[] = {
		{ ROTA_SEC(30), 30000 },
		{ ROTA_MSEC(1), 1 },
		{ ROTA_MSEC(5) + 1, 6 },
		{ ROTA_MSEC(INT_MAX), INT_MAX },
		{ 0, 0 },
	};
	static const uint64_t bad[] = {
		1,
		20, /* seconds? */
		ROTA_MSEC(1) - 1,
		ROTA_MSEC(INT_MAX) + 1,
		ROTA_MSEC(UINT64_C(1) << 32),
		UINT64_MAX,
	};
	struct connection c;

	connection_open(&c, *state, NULL);
	for (unsigned i = 0; i < COUNT(cases); i++) {
		assert_int_equal(rota_tcp_set_user_timeout(&c.tcp, cases[i].ns),
				 0);
		assert_int_equal(option(&c, IPPROTO_TCP, TCP_USER_TIMEOUT),
				 cases[i].ms);
	}
	assert_int_equal(rota_tcp_set_user_timeout(&c.tcp, ROTA_SEC(1)), 0);
	for (unsigned i = 0; i < COUNT(bad); i++)
		assert_int_equal(rota_tcp_set_user_timeout(&c.tcp, bad[i]),
				 ROTA_EINVAL);
	assert_int_equal(option(&c, IPPROTO_TCP, TCP_USER_TIMEOUT), 1000);
	connection_end(&c);
}
#else
static void a_user_timeout_is_in_milliseconds(void **state)
{
	struct connection c;

	connection_open(&c, *state, NULL);
	assert_int_equal(rota_tcp_set_user_timeout(&c.tcp, ROTA_SEC(1)),
			 ROTA_ENOTSUP);
	connection_end(&c);
}
#endif

static void a_priority_is_set(void **state)
{
	struct connection c;

	connection_open(&c, *state, NULL);
	need_option(&c, rota_tcp_set_priority(&c.tcp, 6));
#ifdef SO_PRIORITY
	assert_int_equal(option(&c, SOL_SOCKET, SO_PRIORITY), 6);
	assert_int_equal(rota_tcp_set_priority(&c.tcp, -1), ROTA_EINVAL);
	assert_int_equal(option(&c, SOL_SOCKET, SO_PRIORITY), 6);
	fault_fail("setsockopt", 1, EPERM);
	assert_int_equal(rota_tcp_set_priority(&c.tcp, 7), ROTA_EPERM);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_tcp_set_priority(&c.tcp, 0), 0);
	assert_int_equal(option(&c, SOL_SOCKET, SO_PRIORITY), 0);
#endif
	connection_end(&c);
}

/* With the privilege: see test_tcp_network_linux.c. */
static void a_mark_may_need_a_privilege(void **state)
{
	struct connection c;

	connection_open(&c, *state, NULL);
	fault_fail("setsockopt", 1, EPERM);
	if (rota_tcp_set_mark(&c.tcp, 1) != ROTA_ENOTSUP)
		assert_int_equal(fault_clear(), 1);
	(void)fault_clear();
	connection_end(&c);
}

static void a_listener_may_be_fast_to_open(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct server s;
	int client;

	server_open(&s, f, 8);
	if (rota_tcp_set_fast_open(&s.tcp, 16) == ROTA_ENOTSUP) {
		server_end(&s);
		skip_elsewhere("the system does not have this");
	}
	assert_int_equal(rota_tcp_set_fast_open(&s.tcp, 0), 0);
	assert_int_equal(rota_tcp_set_fast_open(&s.tcp, INT_MAX + 1u),
			 ROTA_EINVAL);
	assert_int_equal(rota_tcp_set_fast_open(&s.tcp, 1), 0);
	client = raw_client(&s.address);
	RUN_UNTIL(f, s.accepted > 0);
	raw_close(client);
	server_end(&s);
	server_bind(&s, f, AF_INET); /* or before it listens */
	assert_int_equal(rota_tcp_set_fast_open(&s.tcp, 16), 0);
	server_end(&s);

	connection_open(&c, f, NULL);
	assert_int_equal(rota_tcp_set_fast_open(&c.tcp, 16), ROTA_EINVAL);
	connection_end(&c);
}

static void an_interface_must_be_there(void **state)
{
	static const char too_long[] = "lo12345678901234567890";
	struct fixture *f = *state;
	struct rota_tcp tcp;

	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), 0);
	if (rota_tcp_set_device(&tcp, NULL) == ROTA_ENOTSUP) {
		tcp_end(&tcp);
		skip_elsewhere("the system does not have this");
	}
	assert_int_equal(rota_tcp_set_device(&tcp, ""), 0);
	assert_int_equal(rota_tcp_set_device(&tcp, "no-such-device"),
			 ROTA_ENODEV);
	/* D6: it is not cut short to a name that may exist. */
	assert_int_equal(rota_tcp_set_device(&tcp, too_long), ROTA_ENODEV);
	fault_fail("setsockopt", 1, EPERM);
	assert_int_equal(rota_tcp_set_device(&tcp, "lo"), ROTA_EPERM);
	assert_int_equal(fault_clear(), 1);
	tcp_end(&tcp);
}

static void urgent_data_can_be_inline(void **state)
{
	struct connection c;

	connection_open(&c, *state, NULL);
	assert_int_equal(rota_tcp_set_urgent_inline(&c.tcp, 7), 0);
	assert_true(option(&c, SOL_SOCKET, SO_OOBINLINE) != 0);
	assert_int_equal(rota_tcp_set_urgent_inline(&c.tcp, 0), 0);
	assert_int_equal(option(&c, SOL_SOCKET, SO_OOBINLINE), 0);
	connection_end(&c);
}

/* All functions that set an option return the same errors. */
static void expect_all(struct rota_tcp *tcp, int error)
{
	assert_int_equal(rota_tcp_set_nodelay(tcp, 1), error);
	assert_int_equal(rota_tcp_set_keepalive(tcp, 1), error);
	assert_int_equal(rota_tcp_set_keepalive(tcp, 0), error);
	assert_int_equal(rota_tcp_set_keepalive_with(tcp, 1, 1, 1), error);
	assert_int_equal(rota_tcp_set_user_timeout(tcp, 1), error);
	assert_int_equal(rota_tcp_set_fast_open(tcp, 1), error);
	assert_int_equal(rota_tcp_set_device(tcp, ""), error);
	assert_int_equal(rota_tcp_set_mark(tcp, 1), error);
	assert_int_equal(rota_tcp_set_priority(tcp, 1), error);
	assert_int_equal(rota_tcp_set_urgent_inline(tcp, 1), error);
}

static void options_need_a_socket(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp;

	tcp_init(&tcp, f);
	expect_all(&tcp, ROTA_EBADF);
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), 0);
	assert_int_equal(rota_handle_close(&tcp.handle, NULL), 0);
	expect_all(&tcp, ROTA_EINVAL);
	run_to_the_end(f);
	expect_all(&tcp, ROTA_EINVAL);
}

/* Other options are set through the descriptor. */
static void the_descriptor_takes_any_other_option(void **state)
{
	struct connection c;
	int size = 1 << 16;

	connection_open(&c, *state, NULL);
	assert_int_equal(setsockopt(rota_stream_fd(&c.tcp.stream), SOL_SOCKET,
				    SO_RCVBUF, &size, sizeof(size)),
			 0);
	assert_true(option(&c, SOL_SOCKET, SO_RCVBUF) >= size);
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(keepalive_has_all_three_times),
	REAL(times_out_of_range_change_nothing),
	REAL(a_keepalive_that_failed_has_changed_no_time),
	REAL(a_user_timeout_is_in_milliseconds),
	REAL(a_priority_is_set),
	REAL(a_mark_may_need_a_privilege),
	REAL(a_listener_may_be_fast_to_open),
	REAL(an_interface_must_be_there),
	REAL(urgent_data_can_be_inline),
	REAL(options_need_a_socket),
	REAL(the_descriptor_takes_any_other_option),
	REAL(a_keepalive_that_failed_does_not_ask),
	REAL(a_connection_has_two_addresses),
	REAL(a_connection_of_version_6_has_two_addresses),
	REAL(what_is_only_bound_has_no_peer),
	REAL(nodelay_can_be_set_and_taken_back),
	REAL(keepalive_asks_after_so_long),
	REAL(a_keepalive_out_of_range_changes_nothing),
	REAL(the_least_and_the_most_seconds_are_like_others),
	REAL(no_keepalive_leaves_the_times_alone),
};

FIXTURE_MAIN(tests)
