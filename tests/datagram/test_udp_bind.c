/*
 * How UDP sockets are made, bound, connected and disconnected.
 */
#include "support/datagrams.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/fault.h"

static void a_port_has_one_socket_unless_all_share_it(void **state)
{
	struct fixture *f = *state;
	struct post post;
	struct rota_udp a, b;

	post_open(&post, f, AF_INET);
	assert_int_equal(rota_udp_init(&a, f->loop), 0);
	assert_int_equal(rota_udp_init(&b, f->loop), 0);
	assert_int_equal(rota_udp_bind(&a, &post.address, 0), ROTA_EADDRINUSE);
	assert_int_equal(rota_datagram_fd(&a.datagram), ROTA_EBADF);
	assert_int_equal(
		rota_udp_bind(&a, &post.address, ROTA_UDP_REUSE_ADDRESS),
		ROTA_EADDRINUSE);
	post_close(&post);

	assert_int_equal(
		rota_udp_bind(&a, &post.address, ROTA_UDP_REUSE_ADDRESS), 0);
	assert_int_equal(
		rota_udp_bind(&b, &post.address, ROTA_UDP_REUSE_ADDRESS), 0);
	assert_int_equal(rota_udp_bind(&b, &post.address, 0), ROTA_EINVAL);
	assert_int_equal(rota_handle_close_now(&a.handle), 0);
	assert_int_equal(rota_handle_close_now(&b.handle), 0);
}

static void several_sockets_share_what_comes_to_a_port(void **state)
{
	enum { SOCKETS = 4, SENDERS = 32 };
	struct fixture *f = *state;
	struct post posts[SOCKETS];
	struct rota_address from;
	unsigned count = 0, served = 0;

	memset(posts, 0, sizeof(posts));
	assert_int_equal(rota_address_ip(&posts[0].address, "127.0.0.1", 0), 0);
	for (int i = 0; i < SOCKETS; i++) {
		int error;

		posts[i].f = f;
		assert_int_equal(rota_udp_init(&posts[i].udp, f->loop), 0);
		error = rota_udp_bind(&posts[i].udp, &posts[0].address,
				      ROTA_UDP_REUSE_PORT);
		if (error == ROTA_ENOTSUP) {
			post_close(&posts[i]);
			skip_elsewhere("the system does not spread senders");
		}
		assert_int_equal(error, 0);
		if (i == 0)
			assert_int_equal(
				rota_udp_own_address(&posts[0].udp,
						     &posts[0].address),
				0);
		post_receive(&posts[i]);
	}
	for (int i = 0; i < SENDERS; i++) {
		int fd = raw_udp(AF_INET, &from);

		raw_udp_send(fd, &posts[0].address, "x");
		close(fd);
	}
	RUN_UNTIL(f, (count = posts[0].count + posts[1].count + posts[2].count +
			      posts[3].count) == SENDERS);
	for (int i = 0; i < SOCKETS; i++) {
		served += posts[i].count > 0;
		post_close(&posts[i]);
	}

	assert_int_equal(count, SENDERS);
	assert_in_range(served, 2, SOCKETS);
}

static void ip6_gets_ip4_unless_it_is_told_not_to(void **state)
{
	struct fixture *f = *state;
	struct rota_address any, ip4;
	struct post post;
	int fd = raw_udp(AF_INET, &ip4);

	for (int only = 0; only < 2; only++) {
		memset(&post, 0, sizeof(post));
		post.f = f;
		assert_int_equal(rota_address_ip(&any, "::", 0), 0);
		assert_int_equal(rota_udp_init(&post.udp, f->loop), 0);
		assert_int_equal(rota_udp_bind(&post.udp, &any,
					       only ? ROTA_UDP_IP6_ONLY : 0),
				 0);
		assert_int_equal(rota_udp_own_address(&post.udp, &any), 0);
		assert_int_equal(rota_address_ip(&ip4, "127.0.0.1",
						 rota_address_port(&any)),
				 0);
		post_receive(&post);
		raw_udp_send(fd, &ip4, "x");
		for (int i = 0; i < 3; i++)
			turn(f);
		assert_int_equal(post.count, only ? 0 : 1);
		if (!only)
			assert_true(IN6_IS_ADDR_V4MAPPED(
				&post.last.from.is.ip6.sin6_addr));
		post_close(&post);
	}
	close(fd);
}

static void what_is_wrong_with_a_bind_is_returned(void **state)
{
	struct fixture *f = *state;
	struct rota_address ip4, ip6, far;
	struct rota_udp udp;

	assert_int_equal(rota_address_ip(&ip4, "127.0.0.1", 0), 0);
	assert_int_equal(rota_address_ip(&ip6, "::1", 0), 0);
	assert_int_equal(rota_address_ip(&far, "192.0.2.1", 0), 0);
	assert_int_equal(rota_udp_init(&udp, f->loop), 0);
	assert_int_equal(rota_udp_bind(&udp, NULL, 0), ROTA_EINVAL);
	assert_int_equal(rota_udp_bind(&udp, &ip4, 1 << 30), ROTA_EINVAL);
	assert_int_equal(rota_udp_bind(&udp, &ip6,
				       ROTA_UDP_IP6_ONLY | ROTA_UDP_IP6_AS_IS),
			 ROTA_EINVAL);
	assert_int_equal(rota_udp_bind(&udp, &far, 0), ROTA_EADDRNOTAVAIL);
	assert_int_equal(rota_datagram_fd(&udp.datagram), ROTA_EBADF);
	fault_fail("socket", 1, EMFILE);
	assert_int_equal(rota_udp_bind(&udp, &ip4, 0), ROTA_EMFILE);
	fault_clear();
	assert_int_equal(rota_udp_create(&udp, AF_UNIX), ROTA_EAFNOSUPPORT);
	assert_int_equal(rota_udp_create(&udp, AF_INET), 0);
	assert_int_equal(rota_udp_create(&udp, AF_INET), ROTA_EALREADY);
	assert_int_equal(rota_udp_bind(&udp, &ip6, 0), ROTA_EAFNOSUPPORT);
	assert_int_equal(rota_udp_connect(&udp, &ip6), ROTA_EAFNOSUPPORT);
	fault_fail("bind", 1, EACCES);
	assert_int_equal(rota_udp_bind(&udp, &ip4, ROTA_UDP_REUSE_ADDRESS),
			 ROTA_EACCES);
	fault_clear();
	assert_true(rota_datagram_fd(&udp.datagram) >= 0);
	assert_int_equal(rota_udp_bind(&udp, &ip4, 0), 0);
	assert_int_equal(rota_handle_close(&udp.handle, NULL), 0);
	assert_int_equal(rota_udp_bind(&udp, &ip4, 0), ROTA_EINVAL);
	assert_int_equal(rota_udp_create(&udp, AF_INET), ROTA_EINVAL);
	assert_int_equal(rota_udp_own_address(&udp, &ip4), ROTA_EINVAL);
	turn(f);
}

static void a_connected_socket_talks_to_its_peer_alone(void **state)
{
	struct fixture *f = *state;
	struct rota_address peer, other, got;
	struct post post;
	int fd = raw_udp(AF_INET, &peer);
	int stranger = raw_udp(AF_INET, &other);
	char text[8];

	post_open(&post, f, AF_INET);
	post_receive(&post);
	assert_int_equal(rota_udp_peer_address(&post.udp, &got), ROTA_ENOTCONN);
	assert_int_equal(rota_udp_disconnect(&post.udp), ROTA_ENOTCONN);
	assert_int_equal(rota_udp_connect(&post.udp, &peer), 0);
	assert_int_equal(rota_udp_connect(&post.udp, &peer), ROTA_EISCONN);
	assert_int_equal(rota_udp_peer_address(&post.udp, &got), 0);
	assert_int_equal(rota_address_port(&got), rota_address_port(&peer));
	raw_udp_send(stranger, &post.address, "lost");
	raw_udp_send(fd, &post.address, "1");
	assert_int_equal(letter_try(&post, NULL, "2"), 1);
	assert_int_equal(letter_try(&post, &peer, "3"), ROTA_EISCONN);
	RUN_UNTIL(f, post.count == 1);
	assert_string_equal(post.text, "1 ");
	assert_int_equal(raw_udp_take(fd, text, sizeof(text), NULL), 1);

	assert_int_equal(rota_udp_disconnect(&post.udp), 0);
	assert_int_equal(letter_try(&post, NULL, "2"), ROTA_EDESTADDRREQ);
	assert_int_equal(letter_try(&post, &other, "4"), 1);
	assert_int_equal(raw_udp_take(stranger, text, sizeof(text), &got), 1);
	assert_int_equal(rota_address_port(&got),
			 rota_address_port(&post.address));
	assert_int_equal(rota_udp_connect(&post.udp, &other), 0);
	raw_udp_send(stranger, &post.address, "5");
	RUN_UNTIL(f, post.count == 2);
	assert_string_equal(post.text, "1 5 ");
	post_close(&post);
	close(fd);
	close(stranger);
}

static void a_connect_waits_for_what_is_queued(void **state)
{
	struct fixture *f = *state;
	struct rota_address peer;
	struct letter first, second;
	struct post post;
	int fd = raw_udp(AF_INET, &peer);
	char text[8];

	post_open(&post, f, AF_INET);
	letter_send(&first, &post, &peer, "1");
	fault_fail_from("sendmmsg", 1, EAGAIN);
	if (rota_udp_connect(&post.udp, &peer) == 0)
		assert_int_equal(fault_clear(), 0);
	if (fault_clear() > 0)
		assert_int_equal(rota_udp_connect(&post.udp, &peer), 0);
	assert_int_equal(raw_udp_take(fd, text, sizeof(text), NULL), 1);
	letter_send(&second, &post, NULL, "2");
	assert_int_equal(rota_udp_disconnect(&post.udp), 0);
	assert_int_equal(raw_udp_take(fd, text, sizeof(text), NULL), 1);
	RUN_UNTIL(f, first.calls == 1 && second.calls == 1);
	assert_int_equal(first.status, 0);
	assert_int_equal(second.status, 0);
	post_close(&post);
	close(fd);
}

static void a_connect_makes_the_socket(void **state)
{
	struct fixture *f = *state;
	struct rota_address peer, own;
	struct rota_udp udp;
	int fd = raw_udp(AF_INET6, &peer);

	assert_int_equal(rota_udp_init(&udp, f->loop), 0);
	fault_fail("connect", 1, ENETUNREACH);
	assert_int_equal(rota_udp_connect(&udp, &peer), ROTA_ENETUNREACH);
	fault_clear();
	assert_int_equal(rota_datagram_fd(&udp.datagram), ROTA_EBADF);
	assert_int_equal(rota_udp_connect(&udp, &peer), 0);
	assert_int_equal(rota_udp_own_address(&udp, &own), 0);
	assert_int_not_equal(rota_address_port(&own), 0);
	assert_int_equal(rota_handle_close_now(&udp.handle), 0);
	close(fd);
}

static void open_takes_sockets_in_any_state(void **state)
{
	struct fixture *f = *state;
	struct rota_address a, b, got;
	struct post post;
	int fds[2] = { raw_udp(AF_INET, &a), raw_udp(AF_INET6, &b) };
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	int local = socket(AF_UNIX, SOCK_DGRAM, 0);

	memset(&post, 0, sizeof(post));
	post.f = f;
	assert_int_equal(rota_udp_open(&post.udp, f->loop, -1), ROTA_EBADF);
	assert_int_equal(rota_udp_open(&post.udp, f->loop, 0), ROTA_ENOTSOCK);
	assert_int_equal(rota_udp_open(&post.udp, f->loop, tcp), ROTA_EINVAL);
	assert_int_equal(rota_udp_open(&post.udp, f->loop, local), ROTA_EINVAL);
	assert_int_equal(fcntl(tcp, F_GETFL) & O_NONBLOCK, 0);
	close(tcp);
	close(local);

	assert_int_equal(rota_udp_open(&post.udp, f->loop, fds[0]), 0);
	assert_int_not_equal(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(rota_udp_bind(&post.udp, &a, 0), ROTA_EINVAL);
	assert_int_equal(rota_udp_create(&post.udp, AF_INET), ROTA_EALREADY);
	post_receive(&post);
	assert_int_equal(letter_try(&post, &a, "to myself"), 1);
	RUN_UNTIL(f, post.count == 1);
	post_close(&post);

	memset(&post, 0, sizeof(post));
	post.f = f;
	assert_int_equal(connect(fds[1], &b.is.any, (socklen_t)b.size), 0);
	assert_int_equal(rota_udp_open(&post.udp, f->loop, fds[1]), 0);
	assert_int_equal(rota_udp_peer_address(&post.udp, &got), 0);
	assert_int_equal(letter_try(&post, &b, "x"), ROTA_EISCONN);
	post_receive(&post);
	assert_int_equal(letter_try(&post, NULL, "to myself"), 1);
	RUN_UNTIL(f, post.count == 1);
	post_close(&post);
}

static void handles_are_called_udp(void **state)
{
	struct fixture *f = *state;
	struct rota_udp udp;

	assert_int_equal(rota_udp_init(&udp, f->loop), 0);
	assert_string_equal(rota_handle_type(&udp.handle), "udp");
	assert_ptr_equal(&udp.handle, &udp);
	assert_ptr_equal(&udp.datagram.handle, &udp.handle);
	assert_int_equal(rota_handle_close_now(&udp.handle), 0);
	assert_int_equal(rota_handle_close(&udp.handle, NULL), ROTA_EALREADY);
}

static void budgets_are_kept(void **state)
{
	struct fixture *f = *state;
	size_t before = f->memory.bytes;
	struct rota_udp udp;

	if (sizeof(void *) != 8)
		skip_test("the budgets are for 64 bits");
	assert_in_range(sizeof(struct rota_udp), 1, 200);
	assert_in_range(sizeof(struct rota_send), 1, 320);
	assert_in_range(sizeof(struct rota_outgoing), 1, 56);
	assert_in_range(sizeof(struct rota_received), 1, 408);
	assert_int_equal(rota_udp_init(&udp, f->loop), 0);
	assert_in_range(f->memory.bytes - before, 1, 20 * 1024);
	assert_int_equal(rota_handle_close_now(&udp.handle), 0);
}

static const struct CMUnitTest tests[] = {
	REAL(a_port_has_one_socket_unless_all_share_it),
	REAL(several_sockets_share_what_comes_to_a_port),
	REAL(ip6_gets_ip4_unless_it_is_told_not_to),
	REAL(what_is_wrong_with_a_bind_is_returned),
	REAL(a_connected_socket_talks_to_its_peer_alone),
	REAL(a_connect_waits_for_what_is_queued),
	REAL(a_connect_makes_the_socket),
	REAL(open_takes_sockets_in_any_state),
	REAL(handles_are_called_udp),
	REAL(budgets_are_kept),
};
FIXTURE_MAIN(tests)
