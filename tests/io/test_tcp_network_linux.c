/*
 * TCP options that need a privilege, an interface or a setting of the system.
 * The tests run in a network of their own: a namespace, in which this process
 * has all privileges. See network_namespaces(7). They are skipped if the system
 * does not allow that.
 *
 * The network has a loopback interface, and two others on which nobody answers.
 */
#include "support/fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "support/streams_more.h"

static const char *const devices[2] = { "rota-one", "rota-two" };
static const char *const addresses[2] = { "fe80::1:1", "fe80::2:2" };
static const char fast_open_file[] = "/proc/sys/net/ipv4/tcp_fastopen";

static int set_up(const char *device, int up)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int error;

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s",
		       device);
	request.ifr_flags = (short)(up ? IFF_UP : 0);
	error = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return error;
}

/* A worker of the kernel makes an address usable after it was added. */
static int await_address(const struct in6_ifreq *ip)
{
	struct sockaddr_in6 at = {
		.sin6_family = AF_INET6,
		.sin6_addr = ip->ifr6_addr,
		.sin6_scope_id = (unsigned)ip->ifr6_ifindex,
	};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	int error = -1;

	for (int i = 0; i < 10000 && error < 0; i++) {
		error = bind(fd, (struct sockaddr *)&at, sizeof(at));
		if (error < 0)
			(void)poll(NULL, 0, 1);
	}
	close(fd);
	return error;
}

/* Make an interface that stays when its descriptor is closed. */
static int make_device(const char *device, const char *address)
{
	struct ifreq request = { 0 };
	struct in6_ifreq ip = { .ifr6_prefixlen = 64 };
	int fd = open("/dev/net/tun", O_RDWR);
	int error;

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s",
		       device);
	request.ifr_flags = IFF_TUN | IFF_NO_PI;
	error = ioctl(fd, TUNSETIFF, &request) < 0 ||
		ioctl(fd, TUNSETPERSIST, 1) < 0 || set_up(device, 1) < 0;
	close(fd);
	if (error)
		return -1;
	ip.ifr6_ifindex = (int)if_nametoindex(device);
	(void)inet_pton(AF_INET6, address, &ip.ifr6_addr);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	error = ioctl(fd, SIOCSIFADDR, &ip) < 0 || await_address(&ip) < 0;
	close(fd);
	return error ? -1 : 0;
}

static int has_network, has_devices;

static void make_network(void)
{
	has_network = (unshare(CLONE_NEWNET) == 0 ||
		       unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) &&
		      set_up("lo", 1) == 0;
	has_devices = has_network &&
		      make_device(devices[0], addresses[0]) == 0 &&
		      make_device(devices[1], addresses[1]) == 0;
}

static int network_begin(void **state)
{
	static int is_made;

	if (!is_made)
		make_network();
	is_made = 1;
	return fixture_begin_real(state);
}

#define IN_NETWORK(test)                                                       \
	cmocka_unit_test_setup_teardown(test, network_begin, fixture_end)

static void need_network(void)
{
	if (!has_network)
		skip_test("this user may not make a network namespace");
}

static void need_devices(void)
{
	need_network();
	if (!has_devices)
		skip_test("this system makes no network interfaces");
}

static int option_of(const struct rota_tcp *tcp, int level, int name)
{
	return raw_option(rota_stream_fd(&tcp->stream), level, name);
}

/* Options of the socket. */

static void a_mark_is_set(void **state)
{
	struct rota_tcp tcp;

	need_network();
	tcp_init(&tcp, *state);
	assert_int_equal(rota_tcp_create(&tcp, AF_INET), 0);
	assert_int_equal(rota_tcp_set_mark(&tcp, 0x80000007u), 0);
	assert_int_equal((unsigned)option_of(&tcp, SOL_SOCKET, SO_MARK),
			 0x80000007u);
	assert_int_equal(rota_tcp_set_mark(&tcp, 0), 0);
	assert_int_equal(option_of(&tcp, SOL_SOCKET, SO_MARK), 0);
	tcp_end(&tcp);
}

static void expect_transparent(struct fixture *f, const char *ip)
{
	struct rota_address address, own;
	struct rota_tcp tcp;

	assert_int_equal(rota_address_ip(&address, ip, 4711), 0);
	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_bind(&tcp, &address, 0), ROTA_EADDRNOTAVAIL);
	assert_int_equal(rota_tcp_bind(&tcp, &address, ROTA_TCP_TRANSPARENT),
			 0);
	assert_int_equal(option_of(&tcp, IPPROTO_IP, IP_TRANSPARENT), 1);
	assert_int_equal(rota_tcp_own_address(&tcp, &own), 0);
	expect_same_address(&own, &address);
	assert_int_equal(rota_stream_listen(&tcp.stream, 8, server_called), 0);
	tcp_end(&tcp);
}

static void a_transparent_bind_takes_any_address(void **state)
{
	need_network();
	expect_transparent(*state, "198.51.100.7");
	expect_transparent(*state, "2001:db8::7");
}

/* A listener that is limited to an interface gets what comes from there. */
static void a_device_limits_a_listener(void **state)
{
	static const char *const names[2] = { "lo", "rota-one" };
	struct fixture *f = *state;

	need_devices();
	for (unsigned i = 0; i < 2; i++) {
		struct server s = { .f = f };
		struct attempt a = { 0 };
		struct rota_tcp tcp;

		loopback(&s.address, AF_INET, 0);
		tcp_init(&s.tcp, f);
		assert_int_equal(rota_tcp_create(&s.tcp, AF_INET), 0);
		assert_int_equal(rota_tcp_set_device(&s.tcp, names[i]), 0);
		assert_int_equal(rota_tcp_bind(&s.tcp, &s.address, 0), 0);
		assert_int_equal(
			rota_stream_listen(&s.tcp.stream, 8, server_called), 0);
		assert_int_equal(rota_tcp_own_address(&s.tcp, &s.address), 0);
		tcp_init(&tcp, f);
		assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
		assert_int_equal(attempt_end(f, &a),
				 i == 0 ? 0 : ROTA_ECONNREFUSED);
		if (i == 0)
			tcp_expect_talk(f, &tcp, &s);
		assert_int_equal(rota_tcp_set_device(&s.tcp, NULL), 0);
		tcp_end(&tcp);
		server_end(&s);
	}
}

/* Link-local addresses. */

/* A listener at [::]. */
static void listen_everywhere(struct server *s, struct fixture *f)
{
	*s = (struct server){ .f = f };
	assert_int_equal(rota_address_ip(&s->address, "::", 0), 0);
	tcp_init(&s->tcp, f);
	assert_int_equal(rota_tcp_bind(&s->tcp, &s->address, 0), 0);
	assert_int_equal(rota_stream_listen(&s->tcp.stream, 8, server_called),
			 0);
	assert_int_equal(rota_tcp_own_address(&s->tcp, &s->address), 0);
}

static const char nobody[] = "fe80::99";

/* Connect to @ip, with no scope id, and return the result; or 1 if it is the
 * address that nobody has, and the attempt is under way. If it has connected,
 * the scope id of the peer is stored. */
static int connect_to(struct fixture *f, const char *ip, unsigned port,
		      const char *device, unsigned *scope)
{
	struct rota_address address;
	struct attempt a = { 0 };
	struct rota_tcp tcp;

	tcp_init(&tcp, f);
	assert_int_equal(rota_address_ip(&address, ip, port), 0);
	if (device != NULL) {
		assert_int_equal(rota_tcp_create(&tcp, AF_INET6), 0);
		assert_int_equal(rota_tcp_set_device(&tcp, device), 0);
	}
	assert_int_equal(attempt_begin(&a, &tcp, &address), 0);
	if (strncmp(ip, nobody, sizeof(nobody) - 1) != 0)
		RUN_UNTIL(f, a.calls > 0);
	for (unsigned i = 0; i < 3 && a.calls == 0; i++)
		turn(f);
	if (a.calls == 0) {
		assert_int_equal(rota_handle_close(&tcp.handle, NULL), 0);
		(void)attempt_end(f, &a);
		turn(f);
		return 1;
	}
	if (a.status == 0) {
		assert_int_equal(rota_tcp_peer_address(&tcp, &address), 0);
		*scope = address.is.ip6.sin6_scope_id;
	}
	tcp_end(&tcp);
	return a.status;
}

/* The address is that of one of the interfaces. */
static void a_link_local_address_of_this_host_needs_no_scope(void **state)
{
	struct fixture *f = *state;
	struct server s;

	need_devices();
	listen_everywhere(&s, f);
	for (unsigned i = 0; i < 2; i++) {
		unsigned scope = 0;

		assert_int_equal(connect_to(f, addresses[i],
					    rota_address_port(&s.address), NULL,
					    &scope),
				 0);
		assert_int_equal(scope, if_nametoindex(devices[i]));
	}
	server_end(&s);
}

/* Nobody has fe80::99. With one interface it must be there; with two it may be
 * at either. */
static void a_link_local_address_needs_a_scope_where_it_is_unclear(void **state)
{
	struct fixture *f = *state;
	struct server s;
	unsigned scope;

	need_devices();
	listen_everywhere(&s, f);
	assert_int_equal(connect_to(f, nobody, 9, NULL, &scope), ROTA_EINVAL);
	/* Then it has to be given, or the interface. */
	assert_int_not_equal(
		connect_to(f, "fe80::99%rota-two", 9, NULL, &scope),
		ROTA_EINVAL);
	assert_int_not_equal(connect_to(f, nobody, 9, devices[1], &scope),
			     ROTA_EINVAL);
	assert_int_equal(connect_to(f, addresses[1],
				    rota_address_port(&s.address), devices[1],
				    &scope),
			 0);

	assert_int_equal(set_up(devices[0], 0), 0);
	assert_int_not_equal(connect_to(f, nobody, 9, NULL, &scope),
			     ROTA_EINVAL);
	assert_int_equal(set_up(devices[1], 0), 0);
	assert_true(connect_to(f, nobody, 9, NULL, &scope) < 0);
	assert_int_equal(set_up(devices[0], 1), 0);
	assert_int_equal(set_up(devices[1], 1), 0);
	server_end(&s);
}

/* Fast open. */

/* The switch of the system: 1 for clients, 2 for listeners. */
static void switch_fast_open(char bits)
{
	int fd = open(fast_open_file, O_WRONLY);
	int failed = fd < 0 || write(fd, &bits, 1) != 1;

	if (fd >= 0)
		close(fd);
	if (failed)
		skip_test("fast open cannot be switched on");
}

/* Connect with "ping" as first output. Returns whether it left with the first
 * packet. */
static int connect_fast(struct fixture *f, struct server *s)
{
	struct attempt a = { .status = 1 };
	struct tcp_info info;
	socklen_t size = sizeof(info);
	struct rota_tcp tcp;
	char text[9];

	a.tcp = &tcp;
	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_connect_fast(&a.connect, &tcp, &s->address,
					       rota_bytes("ping", 4),
					       attempt_called),
			 0);
	assert_int_equal(rota_stream_send(&tcp.stream, "-pong", 5), 0);
	assert_int_equal(rota_stream_read_start(&tcp.stream, collect),
			 ROTA_ENOTCONN); /* not before the peer has answered */
	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s->kept > 0);
	raw_read(s->fds[0], text, 9);
	assert_memory_equal(text, "ping-pong", 9);
	assert_int_equal(getsockopt(rota_stream_fd(&tcp.stream), IPPROTO_TCP,
				    TCP_INFO, &info, &size),
			 0);
	tcp_end(&tcp);
	server_drop(s);
	return (info.tcpi_options & TCPI_OPT_SYN_DATA) != 0;
}

/* The first connection brings the cookie. */
static void first_output_leaves_with_the_first_packet(void **state)
{
	struct fixture *f = *state;
	struct server s;

	need_network();
	switch_fast_open('3');
	server_bind(&s, f, AF_INET);
	assert_int_equal(rota_tcp_set_fast_open(&s.tcp, 16), 0);
	assert_int_equal(rota_stream_listen(&s.tcp.stream, 8, server_called),
			 0);

	assert_false(connect_fast(f, &s));
	assert_true(connect_fast(f, &s));
	assert_true(connect_fast(f, &s));
	server_end(&s);
}

static unsigned closed;

static void count_closed(struct rota_handle *handle)
{
	(void)handle;
	closed++;
}

/* A shutdown before the peer has answered would drop what is on its way. */
static void an_end_at_once_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct server s;

	need_network();
	switch_fast_open('3');
	server_bind(&s, f, AF_INET);
	assert_int_equal(rota_tcp_set_fast_open(&s.tcp, 16), 0);
	assert_int_equal(rota_stream_listen(&s.tcp.stream, 8, server_called),
			 0);
	closed = 0;
	for (unsigned i = 0; i < 3; i++) {
		struct attempt a = { .status = 1 };
		struct rota_tcp tcp;
		char text[4];

		a.tcp = &tcp;
		tcp_init(&tcp, f);
		assert_int_equal(rota_tcp_connect_fast(
					 &a.connect, &tcp, &s.address,
					 rota_bytes("ping", 4), attempt_called),
				 0);
		assert_int_equal(rota_stream_end(&tcp.stream, count_closed), 0);
		RUN_UNTIL(f, s.kept > 0 && a.calls > 0);
		assert_int_equal(a.status, 0);
		raw_read(s.fds[0], text, 4);
		assert_memory_equal(text, "ping", 4);
		assert_int_equal(raw_end(s.fds[0]), 0);
		server_drop(&s);
		RUN_UNTIL(f, closed > i);
	}
	server_end(&s);
}

/* It is not silently left out. */
static void fast_open_may_be_switched_off(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { .status = 1 };
	struct rota_tcp tcp;
	struct server s;

	need_network();
	switch_fast_open('0');
	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	a.tcp = &tcp;
	assert_int_equal(rota_tcp_connect_fast(&a.connect, &tcp, &s.address,
					       rota_bytes("ping", 4),
					       attempt_called),
			 0);
	assert_int_equal(attempt_end(f, &a), ROTA_ENOTSUP);
	assert_int_equal(a.phase, ROTA_PHASE_PENDING);
	tcp_expect_fresh(&tcp);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0);
	tcp_end(&tcp);
	server_end(&s);
}

static const struct CMUnitTest tests[] = {
	IN_NETWORK(a_mark_is_set),
	IN_NETWORK(a_transparent_bind_takes_any_address),
	IN_NETWORK(a_device_limits_a_listener),
	IN_NETWORK(a_link_local_address_of_this_host_needs_no_scope),
	IN_NETWORK(a_link_local_address_needs_a_scope_where_it_is_unclear),
	IN_NETWORK(first_output_leaves_with_the_first_packet),
	IN_NETWORK(an_end_at_once_loses_nothing),
	IN_NETWORK(fast_open_may_be_switched_off),
};

FIXTURE_MAIN(tests)
