/*
 * rota_tcp_create(): a socket, and its options, before it is bound or
 * connected.
 */
#include "support/fixture.h"

#include <errno.h>
#include <netinet/tcp.h>

#include "support/fault.h"
#include "support/streams_more.h"

static int option_of(const struct rota_tcp *tcp, int level, int name)
{
	return raw_option(rota_stream_fd(&tcp->stream), level, name);
}

static void expect_connects_with_options(struct fixture *f, int family)
{
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;
	int fd;

	server_open_as(&s, f, family, 8);
	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_create(&tcp, family), 0);
	fd = rota_stream_fd(&tcp.stream);
	assert_true(fd >= 0);
	assert_false(rota_handle_is_active(&tcp.handle));
	assert_int_equal(rota_tcp_set_nodelay(&tcp, 1), 0);
	assert_int_equal(
		rota_tcp_set_keepalive_with(&tcp, ROTA_SEC(7), ROTA_SEC(3), 4),
		0);
	assert_int_equal(rota_stream_send(&tcp.stream, "x", 1), ROTA_ENOTCONN);
	assert_int_equal(rota_stream_listen(&tcp.stream, 1, server_called),
			 ROTA_EINVAL); /* not bound */

	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);

	assert_int_equal(rota_stream_fd(&tcp.stream), fd);
	assert_true(option_of(&tcp, IPPROTO_TCP, TCP_NODELAY) != 0);
	assert_true(option_of(&tcp, SOL_SOCKET, SO_KEEPALIVE) != 0);
	assert_int_equal(option_of(&tcp, IPPROTO_TCP, TCP_KEEPINTVL), 3);
	assert_int_equal(option_of(&tcp, IPPROTO_TCP, TCP_KEEPCNT), 4);
	tcp_expect_talk(f, &tcp, &s);
	tcp_end(&tcp);
	server_end(&s);
}

static void options_may_be_set_before_a_connect(void **state)
{
	expect_connects_with_options(*state, AF_INET);
	need_ip6();
	expect_connects_with_options(*state, AF_INET6);
}

static void options_may_be_set_before_a_bind(void **state)
{
	struct fixture *f = *state;
	struct server s = { .f = f };
	int client;

	tcp_init(&s.tcp, f);
	assert_int_equal(rota_tcp_create(&s.tcp, AF_INET), 0);
	assert_int_equal(rota_tcp_set_nodelay(&s.tcp, 1), 0);
	loopback(&s.address, AF_INET, 0);
	assert_int_equal(rota_tcp_bind(&s.tcp, &s.address, 0), 0);
	assert_int_equal(rota_tcp_own_address(&s.tcp, &s.address), 0);
	assert_int_equal(rota_stream_listen(&s.tcp.stream, 8, server_called),
			 0);

	client = raw_client(&s.address);
	RUN_UNTIL(f, s.kept > 0);

	assert_true(raw_option(s.fds[0], IPPROTO_TCP, TCP_NODELAY) != 0);
	raw_close(client);
	server_end(&s);
}

static void a_handle_has_one_socket(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp;
	struct connection c;
	struct server s;

	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), 0);
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), ROTA_EALREADY);
	assert_int_equal(rota_tcp_create(&tcp, AF_INET6), ROTA_EALREADY);
	tcp_end(&tcp);
	server_open(&s, f, 8);
	assert_int_equal(rota_tcp_create(&s.tcp, AF_INET), ROTA_EALREADY);
	server_end(&s);
	connection_open(&c, f, NULL);
	assert_int_equal(rota_tcp_create(&c.tcp, AF_INET), ROTA_EALREADY);
	connection_end(&c);
}

static void a_socket_of_another_family_is_not_made(void **state)
{
	static const int families[] = { AF_UNSPEC, AF_UNIX, -1, 12345 };
	struct rota_tcp tcp;

	tcp_init(&tcp, *state);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rota_tcp_create(&tcp, families[i]),
				 ROTA_EAFNOSUPPORT);
	tcp_expect_fresh(&tcp);
	tcp_end(&tcp);
}

/* F3 */
static void a_socket_may_be_refused(void **state)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, EAFNOSUPPORT };
	struct rota_tcp tcp;

	tcp_init(&tcp, *state);
	for (unsigned i = 0; i < 4; i++) {
		fault_fail("socket", 1, errors[i]);
		assert_int_equal(rota_tcp_create(&tcp, AF_INET), -errors[i]);
		assert_int_equal(fault_clear(), 1);
		tcp_expect_fresh(&tcp);
	}
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), 0);
	tcp_end(&tcp);
}

/* The socket is closed, so its options are gone as well. */
static void a_connect_that_fails_takes_the_options_along(void **state)
{
	struct fixture *f = *state;
	struct rota_address address = { .is.any.sa_family = AF_INET };
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	int unheard = raw_unheard(&address);

	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), 0);
	assert_int_equal(rota_tcp_set_nodelay(&tcp, 1), 0);
	assert_int_equal(attempt_begin(&a, &tcp, &address), 0);
	assert_int_equal(attempt_end(f, &a), ROTA_ECONNREFUSED);

	tcp_expect_fresh(&tcp);
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), 0);
	assert_int_equal(option_of(&tcp, IPPROTO_TCP, TCP_NODELAY), 0);
	tcp_end(&tcp);
	raw_close(unheard);
}

/* O2, O5 */
static void what_is_closing_gets_no_socket(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp;

	tcp_init(&tcp, f);
	assert_int_equal(rota_handle_close(&tcp.handle, NULL), 0);
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), ROTA_EINVAL);
	run_to_the_end(f);
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), ROTA_EINVAL);
}

/* A socket that was made belongs to the handle: the fixture finds it if it
 * stays open. */
static void a_close_closes_the_socket(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp;

	tcp_init(&tcp, f);
	rota_handle_set_name(&tcp.handle, "tcp");
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), 0);
	assert_int_equal(rota_stream_end(&tcp.stream, note_closed), 0);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "closing: tcp");
}

static const struct CMUnitTest tests[] = {
	REAL(options_may_be_set_before_a_connect),
	REAL(options_may_be_set_before_a_bind),
	REAL(a_handle_has_one_socket),
	REAL(a_socket_of_another_family_is_not_made),
	REAL(a_socket_may_be_refused),
	REAL(a_connect_that_fails_takes_the_options_along),
	REAL(what_is_closing_gets_no_socket),
	REAL(a_close_closes_the_socket),
};

FIXTURE_MAIN(tests)
