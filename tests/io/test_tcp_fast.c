/*
 * rota_tcp_connect_fast(): a connect with first output. Whether it leaves with
 * the first packet depends on the system: test_tcp_network_linux.c has that.
 */
#include "support/fixture.h"

#include <errno.h>
#include <string.h>

#include "support/fault.h"
#include "support/streams_more.h"

static int begin_fast(struct attempt *a, struct rota_tcp *tcp,
		      const struct rota_address *address,
		      struct rota_const_buf first)
{
	int status;

	a->calls = 0;
	a->status = 1;
	a->tcp = tcp;
	status = rota_tcp_connect_fast(&a->connect, tcp, address, first,
				       attempt_called);
	assert_int_equal(a->calls, 0); /* O7 */
	return status;
}

/* Skip the test if the system does not have this, or it is switched off. */
static void need_fast_open(struct fixture *f)
{
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;
	int status;

	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	assert_int_equal(begin_fast(&a, &tcp, &s.address, rota_bytes("x", 1)),
			 0);
	status = attempt_end(f, &a);
	if (status == ROTA_ENOTSUP)
		tcp_expect_fresh(&tcp);
	tcp_end(&tcp);
	if (status == 0)
		RUN_UNTIL(f, s.accepted > 0);
	server_end(&s);
	if (status == ROTA_ENOTSUP)
		skip_elsewhere("there is no fast open");
	assert_int_equal(status, 0);
}

/* Run until the server has accepted, and check that exactly the first @size
 * bytes of the pattern arrive, and then the end. */
static void expect_pattern(struct fixture *f, struct server *s, size_t size)
{
	static char bytes[65536];
	size_t done = 0;
	ptrdiff_t n;

	RUN_UNTIL(f, s->kept > 0);
	do {
		turn(f);
		n = raw_try_read(s->fds[0], bytes, sizeof(bytes));
		if (n > 0) {
			assert_true(pattern_is(bytes, (size_t)n, done));
			done += (size_t)n;
		}
	} while (n > 0 || n == -EAGAIN);
	assert_int_equal(n, 0);
	assert_int_equal(done, size);
	server_drop(s);
}

static char pattern[1 << 20];

/* First output, then output that is sent while it connects, then the end:
 * nothing is lost and all is in order. */
static void expect_arrives(struct fixture *f, size_t size)
{
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	pattern_fill(pattern, sizeof(pattern), 0);
	server_open(&s, f, 8);
	tcp_init(&tcp, f);

	assert_int_equal(
		begin_fast(&a, &tcp, &s.address, rota_bytes(pattern, size)), 0);
	memset(pattern, 0, size); /* it is not used after the call */
	assert_true(rota_stream_send(&tcp.stream, pattern + size, 100) >= 0);
	assert_int_equal(attempt_end(f, &a), 0);
	assert_int_equal(a.phase, ROTA_PHASE_POLL);
	assert_int_equal(rota_stream_end(&tcp.stream, NULL), 0);

	expect_pattern(f, &s, size + 100);
	server_end(&s);
	run_to_the_end(f);
}

static void first_output_arrives_before_other_output(void **state)
{
	static const size_t sizes[] = { 1, 100, 1460, 5000, 1000000 };

	need_fast_open(*state);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		expect_arrives(*state, sizes[i]);
}

/* Whatever the kernel takes of it with the first packet. */
static void the_kernel_may_take_none_of_it(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	fault_fail("sendmsg", 1, EINTR); /* it continues, they say */
	assert_int_equal(
		begin_fast(&a, &tcp, &s.address, rota_bytes("first", 5)), 0);
	if (fault_clear() == 0) {
		(void)attempt_end(f, &a);
		tcp_end(&tcp);
		server_end(&s);
		skip_elsewhere("there is no fast open");
	}
	/* The fault has made no attempt. So there is none to wait for. */
	assert_int_equal(rota_stream_queued(&tcp.stream), 5);
	assert_int_equal(rota_request_cancel(&a.connect.request), 0);
	assert_int_equal(attempt_end(f, &a), ROTA_ECANCELED);
	tcp_expect_fresh(&tcp);
	tcp_end(&tcp);
	server_end(&s);
}

static void arguments_of_a_fast_connect_are_checked(void **state)
{
	struct fixture *f = *state;
	struct rota_const_buf x = { "x", 1 };
	struct rota_connect connect;
	struct rota_address address, none = { 0 };
	struct rota_tcp tcp;

	loopback(&address, AF_INET, 9);
	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_connect_fast(&connect, &tcp, &address,
					       rota_bytes(NULL, 1),
					       attempt_called),
			 ROTA_EINVAL);
	assert_int_equal(rota_tcp_connect_fast(&connect, &tcp, &address,
					       rota_bytes("x", 0),
					       attempt_called),
			 ROTA_EINVAL);
	assert_int_equal(rota_tcp_connect_fast(&connect, &tcp, &address,
					       rota_bytes("x", SIZE_MAX),
					       attempt_called),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_tcp_connect_fast(&connect, &tcp, &address, x, NULL),
		ROTA_EINVAL);
	assert_int_equal(
		rota_tcp_connect_fast(&connect, &tcp, &none, x, attempt_called),
		ROTA_EINVAL);
	tcp_expect_fresh(&tcp);
	tcp_end(&tcp);
	assert_int_equal(rota_tcp_connect_fast(&connect, &tcp, &address, x,
					       attempt_called),
			 ROTA_EINVAL);
}

/* What was queued is gone with the attempt. */
static void a_fast_connect_may_be_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_address address = { .is.any.sa_family = AF_INET };
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	int unheard;

	need_fast_open(f);
	unheard = raw_unheard(&address);
	tcp_init(&tcp, f);
	assert_int_equal(
		begin_fast(&a, &tcp, &address, rota_bytes(pattern, 5000)), 0);
	assert_int_equal(attempt_end(f, &a), ROTA_ECONNREFUSED);
	tcp_expect_fresh(&tcp);
	tcp_end(&tcp);
	raw_close(unheard);
}

/* F3: also what was not taken may find no memory. */
static void a_fast_connect_may_fail_at_every_step(void **state)
{
	static const char *const calls[] = { "socket", "sendmsg", "epoll_ctl",
					     "kevent" };
	struct fixture *f = *state;
	struct server s;
	size_t failed = 0;

	need_fast_open(f);
	server_open(&s, f, 64);
	for (unsigned i = 0; i <= 4; i++) {
		int descriptors = count_descriptors();
		struct attempt a = { 0 };
		struct rota_tcp tcp;
		int status;

		tcp_init(&tcp, f);
		if (i < 4)
			fault_fail(calls[i], 1, EIO);
		else /* larger than any chunk that is kept */
			f->memory.fail_at = f->memory.calls + 1;
		assert_int_equal(begin_fast(&a, &tcp, &s.address,
					    rota_bytes(pattern, 1000000)),
				 0);
		f->memory.fail_at = 0;
		if (i == 4 || fault_clear() > 0) {
			failed++;
			status = attempt_end(f, &a);
			assert_int_equal(status,
					 i < 4 ? ROTA_EIO : ROTA_ENOMEM);
			assert_int_equal(a.phase, ROTA_PHASE_PENDING);
			tcp_expect_fresh(&tcp);
			tcp_end(&tcp);
		} else {
			assert_int_equal(rota_handle_close(&tcp.handle, NULL),
					 0);
			assert_int_equal(attempt_end(f, &a), ROTA_ECANCELED);
		}
		server_drop(&s);
		assert_true(count_descriptors() <= descriptors);
	}
	assert_true(failed >= 3);
	server_end(&s);
}

/* A handle without a socket of its own, a bound one and one that was made early
 * do the same. */
static void a_bound_handle_connects_fast_from_its_address(void **state)
{
	struct fixture *f = *state;
	struct rota_address own, peer;
	socklen_t size = sizeof(peer.is);
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	need_fast_open(f);
	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	loopback(&own, AF_INET, 0);
	assert_int_equal(rota_tcp_bind(&tcp, &own, 0), 0);
	assert_int_equal(rota_tcp_own_address(&tcp, &own), 0);
	assert_int_equal(begin_fast(&a, &tcp, &s.address, rota_bytes("x", 1)),
			 0);
	assert_int_equal(begin_fast(&a, &tcp, &s.address, rota_bytes("x", 1)),
			 ROTA_EALREADY);
	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0);
	memset(&peer, 0, sizeof(peer));
	assert_int_equal(getpeername(s.fds[0], &peer.is.any, &size), 0);
	peer.size = size;
	expect_same_address(&peer, &own);
	assert_int_equal(rota_tcp_connect_fast(&a.connect, &tcp, &s.address,
					       rota_bytes("x", 1),
					       attempt_called),
			 ROTA_EISCONN);
	tcp_end(&tcp);
	server_end(&s);
}

static const struct CMUnitTest tests[] = {
	REAL(first_output_arrives_before_other_output),
	REAL(the_kernel_may_take_none_of_it),
	REAL(arguments_of_a_fast_connect_are_checked),
	REAL(a_fast_connect_may_be_refused),
	REAL(a_fast_connect_may_fail_at_every_step),
	REAL(a_bound_handle_connects_fast_from_its_address),
};

FIXTURE_MAIN(tests)
