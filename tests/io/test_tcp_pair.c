/*
 * rota_tcp_pair(): two sockets that are connected to each other.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/streams_more.h"

static void a_pair_is_connected(void **state)
{
	struct fixture *f = *state;
	struct rota_address own, peer;
	struct connection c;
	int fds[2];

	assert_int_equal(rota_tcp_pair(fds), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
	}

	connection_adopt(&c, f, fds[0], fds[1], NULL);
	connection_expect_talk(f, &c);

	assert_int_equal(rota_tcp_own_address(&c.tcp, &own), 0);
	assert_int_equal(rota_tcp_peer_address(&c.tcp, &peer), 0);
	assert_int_equal(own.is.ip4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	raw_address(fds[1], &own);
	expect_same_address(&own, &peer);
	connection_end(&c);
}

static void both_ends_may_be_handles(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct rota_tcp other;
	int fds[2];

	assert_int_equal(rota_tcp_pair(fds), 0);
	connection_adopt(&c, f, fds[0], -1, NULL);
	assert_int_equal(rota_tcp_open(&other, f->loop, fds[1]), 0);
	connection_read(&c);

	assert_int_equal(rota_stream_send(&other.stream, "hello", 5), 0);
	assert_int_equal(rota_stream_end(&other.stream, NULL), 0);
	RUN_UNTIL(f, c.ends > 0);

	assert_string_equal(c.text, "hello");
	assert_int_equal(rota_stream_end(&c.tcp.stream, NULL), 0);
	run_to_the_end(f);
}

/* F3: each call fails in turn; nothing is left open, and @fds is unchanged. */
static void each_call_may_fail(void **state)
{
	static const char *const names[] = { "socket",      "bind",
					     "getsockname", "listen",
					     "connect",     "accept4",
					     "getpeername" };

	(void)state;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int descriptors = count_descriptors();
		unsigned hit, nth = 0;

		do {
			int fds[2] = { -7, -8 };
			int status;

			fault_fail(names[i], ++nth, EIO);
			status = rota_tcp_pair(fds);
			hit = fault_clear();
			assert_int_equal(status, hit > 0 ? ROTA_EIO : 0);
			if (hit > 0) {
				assert_int_equal(fds[0], -7);
				assert_int_equal(fds[1], -8);
			} else {
				raw_close(fds[0]);
				raw_close(fds[1]);
			}
			assert_int_equal(count_descriptors(), descriptors);
		} while (hit > 0);
		assert_true(nth > 1);
	}
}

/* A signal interrupts a connect, which continues by itself. */
static void calls_may_be_interrupted(void **state)
{
	static const char *const names[] = { "accept4", "ppoll" };
	int fds[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		fault_fail(names[i], 1, EINTR);
		assert_int_equal(rota_tcp_pair(fds), 0);
		(void)fault_clear();
		raw_close(fds[0]);
		raw_close(fds[1]);
	}
}

/* A connection that has gone is not the one that is waited for; nor is one of
 * another process, which connects first. */
struct intruder {
	struct rota_address address;
	int listener;
	int fds[3];
	unsigned count;
};

/* Runs just before the first accept: finds the listener among the descriptors
 * of this process, and connects to it. */
static void intrude(void *arg)
{
	struct intruder *intruder = arg;

	for (int fd = 3; fd < 64 && intruder->count == 0; fd++) {
		int on = 0;
		socklen_t size = sizeof(on);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) < 0 ||
		    !on)
			continue;
		raw_address(fd, &intruder->address);
		for (; intruder->count < 3; intruder->count++)
			intruder->fds[intruder->count] =
				raw_client(&intruder->address);
	}
}

static void nobody_else_gets_between_them(void **state)
{
	struct intruder intruder = { .count = 0 };
	struct rota_address own, peer;
	socklen_t size = sizeof(peer.is);
	int fds[2];

	(void)state;
	/* Before the library's own socket connects. */
	fault_call_before("connect", 1, intrude, &intruder);
	assert_int_equal(rota_tcp_pair(fds), 0);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(intruder.count, 3);

	memset(&peer, 0, sizeof(peer));
	assert_int_equal(getpeername(fds[0], &peer.is.any, &size), 0);
	peer.size = size;
	raw_address(fds[1], &own);
	expect_same_address(&own, &peer);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(raw_end(intruder.fds[i]) <= 0);
		raw_close(intruder.fds[i]);
	}
	raw_close(fds[0]);
	raw_close(fds[1]);
}

static void a_connection_may_be_gone_before_it_is_accepted(void **state)
{
	int fds[2];

	(void)state;
	fault_fail("accept4", 1, ECONNABORTED);
	assert_int_equal(rota_tcp_pair(fds), 0);
	assert_int_equal(fault_clear(), 1);
	raw_close(fds[0]);
	raw_close(fds[1]);
}

static const struct CMUnitTest tests[] = {
	REAL(a_pair_is_connected),
	REAL(both_ends_may_be_handles),
	REAL(each_call_may_fail),
	REAL(calls_may_be_interrupted),
	REAL(nobody_else_gets_between_them),
	REAL(a_connection_may_be_gone_before_it_is_accepted),
};

FIXTURE_MAIN(tests)
