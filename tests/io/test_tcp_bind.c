/*
 * The address of a TCP handle: bind and its flags, what is refused (D6), and
 * failures. Addresses and options are tested in test_tcp_options.c.
 */
#include "support/fixture.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

#include "support/fault.h"
#include "support/streams_more.h"

static int try_listen(struct rota_tcp *tcp)
{
	return rota_stream_listen(&tcp->stream, 8, server_called);
}

/* Skip the test if the system has no such flag, which it must say. */
static void need_flag(struct fixture *f, unsigned flag)
{
	struct rota_address address;
	struct rota_tcp tcp;
	int status;

	loopback(&address, AF_INET, 0);
	tcp_init(&tcp, f);
	status = rota_tcp_bind(&tcp, &address, flag);
	if (status == ROTA_ENOTSUP) {
		assert_int_equal(handle_fd(&tcp.handle), -1);
		assert_int_equal(rota_tcp_bind(&tcp, &address, 0), 0);
		tcp_end(&tcp);
		skip_elsewhere("the system does not have this");
	}
	tcp_end(&tcp);
}

/* Bind. */

static void expect_bound(struct fixture *f, int family)
{
	struct rota_address address, own, again;
	struct rota_tcp tcp;
	unsigned port;

	loopback(&address, family, 0);
	tcp_init(&tcp, f);

	assert_int_equal(rota_tcp_bind(&tcp, &address, 0), 0);

	assert_int_equal(rota_tcp_own_address(&tcp, &own), 0);
	port = rota_address_port(&own);
	assert_int_not_equal(port, 0);
	loopback(&address, family, port);
	expect_same_address(&own, &address);
	assert_int_equal(try_listen(&tcp), 0);
	assert_int_equal(rota_tcp_own_address(&tcp, &again), 0);
	expect_same_address(&own, &again);
	tcp_end(&tcp);
}

static void port_0_is_one_that_the_system_chooses(void **state)
{
	expect_bound(*state, AF_INET);
}

static void a_handle_can_be_bound_to_an_address_of_version_6(void **state)
{
	need_ip6();
	expect_bound(*state, AF_INET6);
}

static void before_it_is_bound_a_handle_has_no_address(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct rota_tcp tcp;

	tcp_init(&tcp, f);

	assert_int_equal(rota_tcp_own_address(&tcp, &address), ROTA_EBADF);
	assert_int_equal(rota_tcp_peer_address(&tcp, &address), ROTA_EBADF);
	assert_int_equal(rota_tcp_set_nodelay(&tcp, 1), ROTA_EBADF);
	assert_int_equal(rota_tcp_set_keepalive(&tcp, ROTA_SEC(10)),
			 ROTA_EBADF);
	assert_int_equal(rota_stream_detach(&tcp.stream), ROTA_ENOTCONN);
	assert_false(rota_handle_is_active(&tcp.handle));
	assert_int_equal(handle_fd(&tcp.handle), -1);
	tcp_end(&tcp);
}

static int try_bind(struct rota_tcp *tcp, const struct rota_address *address)
{
	return rota_tcp_bind(tcp, address, 0);
}

/* D6, O7: errors in the arguments. */
static void what_is_no_address_is_not_bound_to(void **state)
{
	struct fixture *f = *state;
	struct rota_address address, none = { 0 };
	struct rota_tcp tcp;

	tcp_init(&tcp, f);
	assert_int_equal(try_bind(&tcp, NULL), ROTA_EINVAL);
	assert_int_equal(try_bind(&tcp, &none), ROTA_EINVAL);

	loopback(&address, AF_INET, 0);
	address.size--;
	assert_int_equal(try_bind(&tcp, &address), ROTA_EINVAL);
	loopback(&address, AF_INET, 0);
	address.size = 0;
	assert_int_equal(try_bind(&tcp, &address), ROTA_EINVAL);
	loopback(&address, AF_INET, 0);
	address.size = SIZE_MAX;
	assert_int_equal(try_bind(&tcp, &address), ROTA_EINVAL);
	loopback(&address, AF_INET6, 0);
	address.size = sizeof(struct sockaddr_in);
	assert_int_equal(try_bind(&tcp, &address), ROTA_EINVAL);
	loopback(&address, AF_INET, 0);
	address.is.any.sa_family = AF_UNIX;
	assert_int_equal(try_bind(&tcp, &address), ROTA_EINVAL);

	assert_int_equal(handle_fd(&tcp.handle), -1);
	loopback(&address, AF_INET, 0);
	assert_int_equal(try_bind(&tcp, &address), 0);
	tcp_end(&tcp);
}

static void flags_of_no_meaning_are_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct rota_tcp tcp;

	loopback(&address, AF_INET, 0);
	tcp_init(&tcp, f);
	for (unsigned bit = 6; bit < 32; bit++)
		assert_int_equal(rota_tcp_bind(&tcp, &address, 1u << bit),
				 ROTA_EINVAL);
	assert_int_equal(rota_tcp_bind(&tcp, &address, UINT_MAX), ROTA_EINVAL);
	assert_int_equal(rota_tcp_bind(&tcp, &address,
				       ROTA_TCP_IP6_ONLY | ROTA_TCP_IP6_AS_IS),
			 ROTA_EINVAL);
	assert_int_equal(handle_fd(&tcp.handle), -1);
	tcp_end(&tcp);
}

static void what_has_an_address_is_not_bound_again(void **state)
{
	struct fixture *f = *state;
	struct rota_address own, address;
	struct attempt a = { 0 };
	struct connection c;
	struct rota_tcp tcp;
	struct server s;
	struct jam jam;

	loopback(&address, AF_INET, 0);
	server_bind(&s, f, AF_INET);
	assert_int_equal(try_bind(&s.tcp, &address), ROTA_EINVAL);
	assert_int_equal(try_listen(&s.tcp), 0);
	assert_int_equal(try_bind(&s.tcp, &address), ROTA_EINVAL);
	assert_int_equal(rota_tcp_own_address(&s.tcp, &own), 0);
	expect_same_address(&own, &s.address);
	server_end(&s);

	connection_open(&c, f, NULL);
	assert_int_equal(try_bind(&c.tcp, &address), ROTA_EINVAL);
	connection_end(&c);

	jam_open(&jam, AF_INET);
	tcp_init(&tcp, f);
	assert_int_equal(attempt_begin(&a, &tcp, &jam.address), 0);
	assert_int_equal(try_bind(&tcp, &address), ROTA_EINVAL);
	assert_int_equal(rota_handle_close(&tcp.handle, NULL), 0);
	assert_int_equal(try_bind(&tcp, &address), ROTA_EINVAL);
	run_to_the_end(f);
	jam_close(&jam);
}

/* The error may come from bind, or from listen if the system detects it only
 * then. */
static void expect_in_use(struct fixture *f, const struct rota_address *address,
			  unsigned flags)
{
	struct rota_address other;
	struct rota_tcp tcp;
	int status;

	tcp_init(&tcp, f);
	status = rota_tcp_bind(&tcp, address, flags);
	if (status == 0)
		status = try_listen(&tcp);
	else { /* unchanged: another address works */
		loopback(&other, AF_INET, 0);
		assert_int_equal(try_bind(&tcp, &other), 0);
		assert_int_equal(try_listen(&tcp), 0);
	}

	assert_int_equal(status, ROTA_EADDRINUSE);
	tcp_end(&tcp);
}

static void a_port_that_is_listened_at_is_in_use(void **state)
{
	struct fixture *f = *state;
	struct server s;

	server_open(&s, f, 8);

	expect_in_use(f, &s.address, 0);
	server_end(&s);

	need_flag(f, ROTA_TCP_REUSE_PORT);
	server_open(&s, f, 8);
	expect_in_use(f, &s.address, ROTA_TCP_REUSE_PORT);
	server_end(&s);
}

/* A failure has changed nothing: it can listen when the port is free. */
static void a_listen_that_failed_can_be_made_again(void **state)
{
	struct fixture *f = *state;
	struct server first, second;
	int client;

	server_bind(&first, f, AF_INET);
	memset(&second, 0, sizeof(second));
	second.f = f;
	tcp_init(&second.tcp, f);
	if (try_bind(&second.tcp, &first.address) < 0) {
		tcp_end(&second.tcp);
		server_end(&first);
		print_message("skip: the system lets only one be bound\n");
		skip();
	}
	assert_int_equal(try_listen(&first.tcp), 0);
	assert_int_equal(try_listen(&second.tcp), ROTA_EADDRINUSE);
	assert_false(rota_handle_is_active(&second.tcp.handle));
	assert_int_equal(try_listen(&second.tcp), ROTA_EADDRINUSE);
	server_end(&first);

	assert_int_equal(try_listen(&second.tcp), 0);

	client = raw_client(&first.address);
	RUN_UNTIL(f, second.accepted > 0);
	raw_close(client);
	server_end(&second);
}

static void an_address_of_somebody_else_is_not_available(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct rota_tcp tcp;

	assert_int_equal(rota_address_ip(&address, "198.51.100.7", 0), 0);
	tcp_init(&tcp, f);

	assert_int_equal(try_bind(&tcp, &address), ROTA_EADDRNOTAVAIL);

	assert_int_equal(handle_fd(&tcp.handle), -1);
	loopback(&address, AF_INET, 0);
	assert_int_equal(try_bind(&tcp, &address), 0);
	tcp_end(&tcp);
}

static void reuse_address_is_set(void **state)
{
	struct fixture *f = *state;
	struct server s;

	server_bind(&s, f, AF_INET);

	assert_true(raw_option(handle_fd(&s.tcp.handle), SOL_SOCKET,
			       SO_REUSEADDR) != 0);
	server_end(&s);
}

static void reuse_address_can_be_left_out(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct rota_tcp tcp, other;

	loopback(&address, AF_INET, 0);
	tcp_init(&tcp, f);
	tcp_init(&other, f);

	assert_int_equal(
		rota_tcp_bind(&tcp, &address, ROTA_TCP_NO_REUSE_ADDRESS), 0);

	assert_int_equal(
		raw_option(handle_fd(&tcp.handle), SOL_SOCKET, SO_REUSEADDR),
		0);
	assert_int_equal(rota_tcp_own_address(&tcp, &address), 0);
	assert_int_equal(
		rota_tcp_bind(&other, &address, ROTA_TCP_NO_REUSE_ADDRESS),
		ROTA_EADDRINUSE);
	tcp_end(&tcp);
	tcp_end(&other);
}

static void sockets_that_all_say_so_share_a_port(void **state)
{
	enum { SHARING = 3, CLIENTS = 60 };
	struct fixture *f = *state;
	struct server s[SHARING] = { 0 };
	struct rota_address address;
	int clients[CLIENTS];

	need_flag(f, ROTA_TCP_REUSE_PORT);
	loopback(&address, AF_INET, 0);
	for (unsigned i = 0; i < SHARING; i++) {
		s[i].f = f;
		tcp_init(&s[i].tcp, f);
		assert_int_equal(
			rota_tcp_bind(&s[i].tcp, &address, ROTA_TCP_REUSE_PORT),
			0);
		assert_int_equal(
			rota_stream_listen(&s[i].tcp.stream, 64, server_called),
			0);
		assert_int_equal(rota_tcp_own_address(&s[i].tcp, &address), 0);
	}

	for (unsigned i = 0; i < CLIENTS; i++)
		clients[i] = raw_client(&address);
	RUN_UNTIL(f, s[0].accepted + s[1].accepted + s[2].accepted == CLIENTS);

	for (unsigned i = 0; i < CLIENTS; i++)
		raw_close(clients[i]);
	for (unsigned i = 0; i < SHARING; i++)
		server_end(&s[i]);
}

static void one_that_does_not_say_so_does_not_share(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct rota_tcp tcp;

	need_flag(f, ROTA_TCP_REUSE_PORT);
	loopback(&address, AF_INET, 0);
	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_bind(&tcp, &address, ROTA_TCP_REUSE_PORT), 0);
	assert_int_equal(try_listen(&tcp), 0);
	assert_int_equal(rota_tcp_own_address(&tcp, &address), 0);

	expect_in_use(f, &address, 0);

	tcp_end(&tcp);
}

static int bound_for_6_only(struct fixture *f, unsigned flags)
{
	struct rota_address address;
	struct rota_tcp tcp;
	int only;

	/* On Linux a socket for version 6 alone can be bound to ::1. This one
	 * is bound to all addresses, but does not listen. */
	assert_int_equal(rota_address_ip(&address, "::", 0), 0);
	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_bind(&tcp, &address, flags), 0);
	only = raw_option(handle_fd(&tcp.handle), IPPROTO_IPV6, IPV6_V6ONLY);
	tcp_end(&tcp);
	return only != 0;
}

/* The system's own default does not matter. */
static void version_6_stands_for_both_unless_the_caller_says_so(void **state)
{
	need_ip6();

	assert_false(bound_for_6_only(*state, 0));
	assert_true(bound_for_6_only(*state, ROTA_TCP_IP6_ONLY));
	need_flag(*state, ROTA_TCP_REUSE_PORT);
	assert_true(bound_for_6_only(*state,
				     ROTA_TCP_IP6_ONLY | ROTA_TCP_REUSE_PORT));
}

/* The program has set the option itself, and it is left as it is. */
static void version_6_can_be_left_as_it_is(void **state)
{
	struct fixture *f = *state;

	need_ip6();
	for (int only = 0; only <= 1; only++) {
		struct rota_address address;
		struct rota_tcp tcp;
		int fd;

		assert_int_equal(rota_address_ip(&address, "::", 0), 0);
		tcp_init(&tcp, f);
		assert_int_equal(rota_tcp_create(&tcp, AF_INET6), 0);
		fd = rota_stream_fd(&tcp.stream);
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
					    &only, sizeof(only)),
				 0);
		assert_int_equal(
			rota_tcp_bind(&tcp, &address, ROTA_TCP_IP6_AS_IS), 0);
		assert_int_equal(raw_option(fd, IPPROTO_IPV6, IPV6_V6ONLY),
				 only);
		tcp_end(&tcp);
	}
}

/* What is left as it is needs no call that may fail. */
static void what_is_left_as_it_is_costs_no_call(void **state)
{
	struct rota_address address;
	struct rota_tcp tcp;

	need_ip6();
	loopback(&address, AF_INET6, 0);
	tcp_init(&tcp, *state);
	fault_count_reset();
	assert_int_equal(
		rota_tcp_bind(&tcp, &address,
			      ROTA_TCP_IP6_AS_IS | ROTA_TCP_NO_REUSE_ADDRESS),
		0);
	assert_int_equal(fault_count("setsockopt"), 0);
	tcp_end(&tcp);
}

/* Addresses of documentation (RFC 5737, RFC 3849), which no host has. */
static void a_free_bind_takes_an_address_of_somebody_else(void **state)
{
	static const char *const addresses[] = { "198.51.100.7",
						 "2001:db8::7" };
	struct fixture *f = *state;

	need_flag(f, ROTA_TCP_FREE_BIND);
	for (unsigned i = 0; i < 2; i++) {
		struct rota_address address, own;
		struct rota_tcp tcp;

		if (i == 1)
			need_ip6();
		assert_int_equal(rota_address_ip(&address, addresses[i], 0), 0);
		tcp_init(&tcp, f);
		assert_int_equal(try_bind(&tcp, &address), ROTA_EADDRNOTAVAIL);
		assert_int_equal(
			rota_tcp_bind(&tcp, &address, ROTA_TCP_FREE_BIND), 0);
		assert_int_equal(rota_tcp_own_address(&tcp, &own), 0);
		assert_int_equal(try_listen(&tcp), 0);
		tcp_end(&tcp);
	}
}

/* Without the privilege, which the fault simulates, nothing has changed. */
static void a_transparent_bind_may_be_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct rota_tcp tcp;

	need_flag(f, ROTA_TCP_TRANSPARENT);
	loopback(&address, AF_INET, 0);
	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), 0);
	fault_fail("setsockopt", 2, EPERM);
	assert_int_equal(rota_tcp_bind(&tcp, &address, ROTA_TCP_TRANSPARENT),
			 ROTA_EPERM);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(raw_option(rota_stream_fd(&tcp.stream), SOL_SOCKET,
				    SO_REUSEADDR),
			 0);
	assert_int_equal(try_bind(&tcp, &address), 0);
	tcp_end(&tcp);
}

static void a_socket_of_the_other_version_is_not_bound(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct fixture *f = *state;

	need_ip6();
	for (unsigned i = 0; i < 2; i++) {
		struct rota_address address;
		struct rota_tcp tcp;

		tcp_init(&tcp, f);
		assert_int_equal(rota_tcp_create(&tcp, families[i]), 0);
		loopback(&address, families[1 - i], 0);
		assert_int_equal(try_bind(&tcp, &address), ROTA_EAFNOSUPPORT);
		loopback(&address, families[i], 0);
		fault_fail("getsockname", 1, ENOBUFS);
		assert_int_equal(try_bind(&tcp, &address), ROTA_ENOBUFS);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(try_bind(&tcp, &address), 0);
		tcp_end(&tcp);
	}
}

/* A version 4 address mapped into version 6, so that everything stays on
 * loopback. */
static void version_4_comes_through_version_6(void **state)
{
	struct fixture *f = *state;
	struct rota_address address, own, peer;
	struct connection c;
	struct server s = { .f = f };
	int client;

	need_ip6();
	assert_int_equal(rota_address_ip(&address, "::ffff:127.0.0.1", 0), 0);
	tcp_init(&s.tcp, f);
	assert_true(rota_tcp_bind(&s.tcp, &address, ROTA_TCP_IP6_ONLY) < 0);
	assert_int_equal(try_bind(&s.tcp, &address), 0);
	assert_int_equal(try_listen(&s.tcp), 0);
	assert_int_equal(rota_tcp_own_address(&s.tcp, &own), 0);
	loopback(&address, AF_INET, rota_address_port(&own));

	client = raw_client(&address);
	RUN_UNTIL(f, s.accepted > 0);

	connection_adopt(&c, f, s.fds[--s.kept], client, NULL);
	assert_int_equal(rota_tcp_peer_address(&c.tcp, &peer), 0);
	assert_int_equal(peer.is.any.sa_family, AF_INET6);
	assert_true(IN6_IS_ADDR_V4MAPPED(&peer.is.ip6.sin6_addr));
	connection_end(&c);
	server_end(&s);
}

/* Failures. */

static void expect_bind_fails(struct fixture *f, const char *call, int error)
{
	int descriptors = count_descriptors();
	struct rota_address address;
	struct rota_tcp tcp;

	loopback(&address, AF_INET, 0);
	tcp_init(&tcp, f);
	fault_fail(call, 1, error);

	assert_int_equal(try_bind(&tcp, &address), -error);

	assert_int_equal(fault_clear(), 1);
	assert_int_equal(count_descriptors(), descriptors);
	assert_int_equal(rota_tcp_own_address(&tcp, &address), ROTA_EBADF);
	loopback(&address, AF_INET, 0);
	assert_int_equal(try_bind(&tcp, &address), 0);
	assert_int_equal(try_listen(&tcp), 0);
	tcp_end(&tcp);
}

/* F3: the handle is unchanged, and no descriptor is left. */
static void a_bind_that_failed_has_changed_nothing(void **state)
{
	expect_bind_fails(*state, "socket", EMFILE);
	expect_bind_fails(*state, "socket", ENFILE);
	expect_bind_fails(*state, "socket", ENOMEM);
	expect_bind_fails(*state, "socket", EACCES);
	expect_bind_fails(*state, "bind", EADDRINUSE);
	expect_bind_fails(*state, "bind", EACCES);
	expect_bind_fails(*state, "bind", EADDRNOTAVAIL);
}

static int option_of(const struct rota_tcp *tcp, int level, int name)
{
	return raw_option(rota_stream_fd(&tcp->stream), level, name);
}

/* A socket of the program, opened as a handle. The nth call of that name fails,
 * and the options of the socket must be unchanged. */
static void expect_options_stay(struct fixture *f, int family, const char *call,
				unsigned nth)
{
	struct rota_address address;
	struct rota_tcp tcp;
	int fd = socket(family, SOCK_STREAM, 0);
	int is_6 = family == AF_INET6;
	int only_6 = 0;

	assert_int_not_equal(fd, -1);
	if (is_6)
		only_6 = raw_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	assert_int_equal(rota_tcp_open(&tcp, f->loop, fd), 0);
	loopback(&address, family, 0);
	fault_fail(call, nth, ENOBUFS);

	assert_int_equal(
		rota_tcp_bind(&tcp, &address,
			      ROTA_TCP_REUSE_PORT |
				      (only_6 ? 0 : ROTA_TCP_IP6_ONLY)),
		ROTA_ENOBUFS);

	assert_int_equal(fault_clear(), 1);
	assert_int_equal(option_of(&tcp, SOL_SOCKET, SO_REUSEADDR), 0);
	assert_int_equal(option_of(&tcp, SOL_SOCKET, SO_REUSEPORT), 0);
	if (is_6)
		assert_int_equal(option_of(&tcp, IPPROTO_IPV6, IPV6_V6ONLY),
				 only_6);
	assert_int_equal(try_bind(&tcp, &address), 0);
	assert_true(option_of(&tcp, SOL_SOCKET, SO_REUSEADDR) != 0);
	tcp_end(&tcp);
}

/* F3: the caller can continue to use a socket that was opened as a handle. */
static void a_bind_that_failed_has_set_no_option(void **state)
{
	struct fixture *f = *state;

	need_flag(f, ROTA_TCP_REUSE_PORT);
	for (unsigned nth = 1; nth <= 2; nth++) {
		expect_options_stay(f, AF_INET, "setsockopt", nth);
		expect_options_stay(f, AF_INET, "getsockopt", nth);
	}
	expect_options_stay(f, AF_INET, "bind", 1);
	need_ip6();
	for (unsigned nth = 1; nth <= 3; nth++) {
		expect_options_stay(f, AF_INET6, "setsockopt", nth);
		expect_options_stay(f, AF_INET6, "getsockopt", nth);
	}
	expect_options_stay(f, AF_INET6, "bind", 1);
}

/* Connecting to it is refused. */
static void expect_deaf(const struct rota_tcp *tcp)
{
	assert_int_equal(option_of(tcp, SOL_SOCKET, SO_ACCEPTCONN), 0);
	assert_int_equal(rota_stream_shed(&tcp->stream), 0);
	assert_false(rota_handle_is_active(&tcp->handle));
}

/* A handle whose listen has failed may connect instead, and is registered like
 * any other that connects. */
static void what_could_not_listen_can_connect(void **state)
{
	static const char *const calls[] = { "listen", "epoll_ctl", "kevent" };
	struct fixture *f = *state;
	struct server s, other;

	for (unsigned i = 0; i < 3; i++) {
		struct attempt a = { 0 };

		if ((i == 1 && !poller_is(f, "epoll")) ||
		    (i == 2 && !poller_is(f, "kqueue")))
			continue;
		server_open(&other, f, 8);
		server_bind(&s, f, AF_INET);
		fault_fail(calls[i], 1, ENOMEM);
		assert_int_equal(try_listen(&s.tcp), ROTA_ENOMEM);
		assert_int_equal(fault_clear(), 1);
		expect_deaf(&s.tcp);

		assert_int_equal(attempt_begin(&a, &s.tcp, &other.address), 0);
		assert_int_equal(attempt_end(f, &a), 0);
		tcp_expect_talk(f, &s.tcp, &other);
		server_end(&s);
		server_end(&other);
	}
}

static void expect_listen_fails(struct fixture *f, const char *call, int error)
{
	struct server s;
	int client;

	server_bind(&s, f, AF_INET);
	fault_fail(call, 1, error);

	assert_int_equal(try_listen(&s.tcp), -error);

	assert_int_equal(fault_clear(), 1);
	expect_deaf(&s.tcp);
	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(try_listen(&s.tcp), 0);
	client = raw_client(&s.address);
	RUN_UNTIL(f, s.accepted > 0);
	raw_close(client);
	server_end(&s);
}

static void a_listen_that_the_system_refuses_has_changed_nothing(void **state)
{
	struct fixture *f = *state;

	expect_listen_fails(f, "listen", EADDRINUSE);
	if (poller_is(f, "epoll")) {
		expect_listen_fails(f, "epoll_ctl", ENOSPC);
		expect_listen_fails(f, "epoll_ctl", ENOMEM);
	}
	if (poller_is(f, "kqueue"))
		expect_listen_fails(f, "kevent", ENOMEM);
}

/* F3: every allocation of a listen may fail. */
static void a_listen_without_memory_has_changed_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned nth = 0;
	struct server s;
	int status;

	server_bind(&s, f, AF_INET);
	do {
		f->memory.failed = 0;
		f->memory.fail_at = f->memory.calls + ++nth;
		status = try_listen(&s.tcp);
		f->memory.fail_at = 0;
		if (f->memory.failed > 0) {
			assert_int_equal(status, ROTA_ENOMEM);
			expect_deaf(&s.tcp);
			assert_false(rota_loop_alive(f->loop));
		}
	} while (status == ROTA_ENOMEM && nth < 100);

	assert_int_equal(status, 0);
	server_end(&s);
}

/* O2 */
static void what_is_closing_has_no_address_and_no_options(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct server s;

	server_open(&s, f, 8);
	assert_int_equal(rota_handle_close(&s.tcp.handle, NULL), 0);

	assert_int_equal(rota_tcp_own_address(&s.tcp, &address), ROTA_EINVAL);
	assert_int_equal(rota_tcp_peer_address(&s.tcp, &address), ROTA_EINVAL);
	assert_int_equal(rota_tcp_set_nodelay(&s.tcp, 1), ROTA_EINVAL);
	assert_int_equal(rota_tcp_set_keepalive(&s.tcp, ROTA_SEC(1)),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_detach(&s.tcp.stream), ROTA_EALREADY);
	assert_int_equal(try_listen(&s.tcp), ROTA_EINVAL);
	run_to_the_end(f);
}

static const struct CMUnitTest tests[] = {
	REAL(port_0_is_one_that_the_system_chooses),
	REAL(a_handle_can_be_bound_to_an_address_of_version_6),
	REAL(before_it_is_bound_a_handle_has_no_address),
	REAL(what_is_no_address_is_not_bound_to),
	REAL(flags_of_no_meaning_are_refused),
	REAL(what_has_an_address_is_not_bound_again),
	REAL(a_port_that_is_listened_at_is_in_use),
	REAL(a_listen_that_failed_can_be_made_again),
	REAL(an_address_of_somebody_else_is_not_available),
	REAL(reuse_address_is_set),
	REAL(reuse_address_can_be_left_out),
	REAL(sockets_that_all_say_so_share_a_port),
	REAL(one_that_does_not_say_so_does_not_share),
	REAL(version_6_stands_for_both_unless_the_caller_says_so),
	REAL(version_6_can_be_left_as_it_is),
	REAL(what_is_left_as_it_is_costs_no_call),
	REAL(a_free_bind_takes_an_address_of_somebody_else),
	REAL(a_transparent_bind_may_be_refused),
	REAL(a_socket_of_the_other_version_is_not_bound),
	REAL(version_4_comes_through_version_6),
	REAL(a_bind_that_failed_has_changed_nothing),
	REAL(a_bind_that_failed_has_set_no_option),
	REAL(what_could_not_listen_can_connect),
	REAL(a_listen_that_the_system_refuses_has_changed_nothing),
	REAL(a_listen_without_memory_has_changed_nothing),
	REAL(what_is_closing_has_no_address_and_no_options),
};

FIXTURE_MAIN(tests)
