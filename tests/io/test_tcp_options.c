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

static void keepalive_asks_after_so_many_seconds(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(rota_tcp_set_keepalive(&c.tcp, 60), 0);
	assert_true(option(&c, SOL_SOCKET, SO_KEEPALIVE) != 0);
	assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPINTVL), 1);
	assert_int_equal(option(&c, IPPROTO_TCP, TCP_KEEPCNT), 10);

	assert_int_equal(rota_tcp_set_keepalive(&c.tcp, 1), 0);
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
		assert_int_equal(rota_tcp_set_keepalive(&c.tcp, idles[i]), 0);
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
	static const unsigned idles[] = { 1000000, INT_MAX, 1u << 31,
					  UINT_MAX };
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	for (unsigned i = 0; i < COUNT(idles); i++) {
		assert_int_equal(rota_tcp_set_keepalive(&c.tcp, idles[i]),
				 ROTA_EINVAL);
		assert_true(option(&c, SOL_SOCKET, SO_KEEPALIVE) == 0);
	}
	assert_int_equal(rota_tcp_set_keepalive(&c.tcp, 60), 0);
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
		assert_int_equal(rota_tcp_set_keepalive(&c.tcp, 60),
				 ROTA_ENOBUFS);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(option(&c, SOL_SOCKET, SO_KEEPALIVE), 0);
	}
	assert_int_equal(rota_tcp_set_keepalive(&c.tcp, 60), 0);
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_keepalive_that_failed_does_not_ask),
	REAL(a_connection_has_two_addresses),
	REAL(a_connection_of_version_6_has_two_addresses),
	REAL(what_is_only_bound_has_no_peer),
	REAL(nodelay_can_be_set_and_taken_back),
	REAL(keepalive_asks_after_so_many_seconds),
	REAL(a_keepalive_out_of_range_changes_nothing),
	REAL(the_least_and_the_most_seconds_are_like_others),
	REAL(no_keepalive_leaves_the_times_alone),
};

FIXTURE_MAIN(tests)
