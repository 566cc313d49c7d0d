/*
 * Options of UDP sockets, what is reported with a datagram, and segments.
 */
#include "support/datagrams.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/fault.h"

static const int families[] = { AF_INET, AF_INET6 };

static int option_of(struct post *post, int level4, int name4, int level6,
		     int name6)
{
	int is_ip6 = post->address.is.any.sa_family == AF_INET6;
	int value = 0;
	socklen_t size = sizeof(value);

	assert_int_equal(getsockopt(rota_datagram_fd(&post->udp.datagram),
				    is_ip6 ? level6 : level4,
				    is_ip6 ? name6 : name4, &value, &size),
			 0);
	return size == 1 ? *(unsigned char *)&value : value;
}

static void options_reach_the_socket(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		struct post post;
		struct rota_udp *udp = &post.udp;

		post_open(&post, f, families[i]);
		assert_int_equal(rota_udp_set_hop_limit(udp, 7), 0);
		assert_int_equal(option_of(&post, IPPROTO_IP, IP_TTL,
					   IPPROTO_IPV6, IPV6_UNICAST_HOPS),
				 7);
		assert_int_equal(rota_udp_set_multicast_hop_limit(udp, 0), 0);
		assert_int_equal(option_of(&post, IPPROTO_IP, IP_MULTICAST_TTL,
					   IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
				 0);
		assert_int_equal(rota_udp_set_multicast_loop(udp, 0), 0);
		assert_int_equal(option_of(&post, IPPROTO_IP, IP_MULTICAST_LOOP,
					   IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
				 0);
		assert_int_equal(rota_udp_set_broadcast(udp, 1), 0);
		assert_int_not_equal(option_of(&post, SOL_SOCKET, SO_BROADCAST,
					       SOL_SOCKET, SO_BROADCAST),
				     0);
		assert_int_equal(rota_udp_set_multicast_interface(udp, 0), 0);
		post_close(&post);
	}
}

static void options_need_a_socket_and_right_values(void **state)
{
	struct fixture *f = *state;
	struct rota_address group, source, host;
	uint64_t dropped;
	struct post post;
	struct rota_udp none, *udp = &post.udp;

	assert_int_equal(rota_address_ip(&group, "239.1.2.3", 0), 0);
	assert_int_equal(rota_address_ip(&source, "ff02::1", 0), 0);
	assert_int_equal(rota_address_ip(&host, "127.0.0.1", 0), 0);
	assert_int_equal(rota_udp_init(&none, f->loop), 0);
	assert_int_equal(rota_udp_set_hop_limit(&none, 1), ROTA_EBADF);
	assert_int_equal(rota_udp_set_broadcast(&none, 1), ROTA_EBADF);
	assert_int_equal(rota_udp_set_fragments(&none, ROTA_UDP_FRAGMENT),
			 ROTA_EBADF);
	assert_int_equal(rota_udp_path_mtu(&none), ROTA_EBADF);
	assert_int_equal(rota_udp_join(&none, &group, 0), ROTA_EBADF);
	assert_int_equal(rota_udp_report(&none, 0), ROTA_EBADF);
	assert_int_equal(rota_udp_can(&none, ROTA_UDP_SEGMENTS), ROTA_EBADF);
	assert_int_equal(rota_datagram_dropped(&none.datagram, &dropped),
			 ROTA_EBADF);
	assert_int_equal(rota_datagram_set_send_buffer(&none.datagram, 1),
			 ROTA_EBADF);
	assert_int_equal(rota_handle_close_now(&none.handle), 0);

	post_open(&post, f, AF_INET);
	assert_int_equal(rota_udp_set_hop_limit(udp, 0), ROTA_EINVAL);
	assert_int_equal(rota_udp_set_hop_limit(udp, 256), ROTA_EINVAL);
	assert_int_equal(rota_udp_set_fragments(udp, ROTA_UDP_PROBE + 1),
			 ROTA_EINVAL);
	assert_int_equal(rota_udp_path_mtu(udp), ROTA_ENOTCONN);
	assert_int_equal(rota_udp_set_multicast_hop_limit(udp, -1),
			 ROTA_EINVAL);
	assert_int_equal(rota_udp_set_multicast_hop_limit(udp, 256),
			 ROTA_EINVAL);
	assert_int_equal(rota_udp_set_multicast_interface(udp, UINT32_MAX),
			 ROTA_EINVAL);
	assert_true(rota_udp_set_multicast_interface(udp, 54321) < 0);
	assert_int_equal(rota_udp_join(udp, NULL, 0), ROTA_EINVAL);
	assert_int_equal(rota_udp_join(udp, &source, 0), ROTA_EINVAL);
	assert_int_equal(rota_udp_join(udp, &host, 0), ROTA_EINVAL);
	assert_int_equal(rota_udp_join_source(udp, &group, NULL, 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_udp_join_source(udp, &group, &source, 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_udp_leave(udp, &group, 0), ROTA_EADDRNOTAVAIL);
	assert_int_equal(rota_udp_report(udp, 1 << 20), ROTA_EINVAL);
	assert_int_equal(rota_udp_can(udp, (enum rota_udp_ability)17),
			 ROTA_EINVAL);
	assert_int_equal(rota_datagram_dropped(&udp->datagram, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_datagram_set_send_buffer(&udp->datagram, 0),
			 ROTA_EINVAL);
	post_close(&post);
	assert_int_equal(rota_udp_set_hop_limit(udp, 1), ROTA_EINVAL);
	assert_int_equal(rota_udp_path_mtu(udp), ROTA_EINVAL);
	assert_int_equal(rota_datagram_dropped(&udp->datagram, &dropped),
			 ROTA_EINVAL);
}

static void what_is_reported_comes_with_the_datagram(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		struct rota_outgoing out;
		struct post a, b;

		post_open(&a, f, families[i]);
		post_open(&b, f, families[i]);
		post_receive(&b);
		assert_int_equal(
			rota_udp_report(&b.udp,
					ROTA_UDP_REPORT_ADDRESS |
						ROTA_UDP_REPORT_ECN |
						ROTA_UDP_REPORT_HOP_LIMIT |
						ROTA_UDP_REPORT_TIME),
			0);
		out = to_post(&b.address, "x");
		out.ecn = 2;
		out.hop_limit = 33;
		assert_int_equal(
			rota_datagram_try_send(&a.udp.datagram, &out, 1), 1);
		RUN_UNTIL(f, b.count == 1);
		assert_int_equal(b.last.ecn, 2);
		assert_int_equal(b.last.hop_limit, 33);
		assert_true(b.last.time_ns > UINT64_C(1000000000) * 1000000000);
		assert_int_not_equal(b.last.interface_index, 0);
		assert_int_equal(b.last.to.size, b.address.size);
		assert_int_equal(rota_address_port(&b.last.to), 0);
		assert_int_equal(b.last.own.is.any.sa_family, families[i]);

		assert_int_equal(rota_udp_report(&b.udp, 0), 0);
		assert_int_equal(
			rota_datagram_try_send(&a.udp.datagram, &out, 1), 1);
		RUN_UNTIL(f, b.count == 2);
		assert_int_equal(b.last.ecn, 0);
		assert_int_equal(b.last.hop_limit, -1);
		assert_int_equal(b.last.time_ns, 0);
		assert_int_equal(b.last.to.size, 0);
		post_close(&a);
		post_close(&b);
	}
}

/* A loopback host has many addresses; an answer comes from the one asked. */
static void an_answer_comes_from_the_address_that_was_asked(void **state)
{
	struct fixture *f = *state;
	struct rota_address any, asked, from, got;
	struct rota_outgoing out;
	struct post post;
	int fd = raw_udp(AF_INET, &from);
	char text[8];

	memset(&post, 0, sizeof(post));
	post.f = f;
	assert_int_equal(rota_udp_init(&post.udp, f->loop), 0);
	assert_int_equal(rota_address_ip(&any, "0.0.0.0", 0), 0);
	assert_int_equal(rota_udp_bind(&post.udp, &any, 0), 0);
	assert_int_equal(rota_udp_own_address(&post.udp, &any), 0);
	assert_int_equal(rota_udp_report(&post.udp, ROTA_UDP_REPORT_ADDRESS),
			 0);
	post_receive(&post);
	assert_int_equal(
		rota_address_ip(&asked, "127.0.0.1", rota_address_port(&any)),
		0);
#ifdef __linux__
	assert_int_equal(
		rota_address_ip(&asked, "127.5.6.7", rota_address_port(&any)),
		0);
#endif
	raw_udp_send(fd, &asked, "?");
	RUN_UNTIL(f, post.count == 1);
	out = to_post(&post.last.from, "!");
	out.from = &post.last.own;
	assert_int_equal(rota_datagram_try_send(&post.udp.datagram, &out, 1),
			 1);
	assert_int_equal(raw_udp_take(fd, text, sizeof(text), &got), 1);

	assert_memory_equal(&got.is.ip4.sin_addr, &asked.is.ip4.sin_addr, 4);
	assert_int_equal(rota_address_port(&got), rota_address_port(&asked));
	post_close(&post);
	close(fd);
}

static void dropped_datagrams_are_counted(void **state)
{
	static char data[1000];
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	uint64_t dropped;
	int fd = raw_udp(AF_INET, &from);
	int sent = 0;

	post_open(&post, f, AF_INET);
	if (rota_datagram_dropped(&post.udp.datagram, &dropped) ==
	    ROTA_ENOTSUP) {
		post_close(&post);
		close(fd);
		skip_elsewhere("the system does not tell");
	}
	assert_int_equal(dropped, 0);
	assert_int_equal(
		rota_datagram_set_receive_buffer(&post.udp.datagram, 5000), 0);
	for (; sent < 50; sent++)
		sendto(fd, data, sizeof(data), 0, &post.address.is.any,
		       (socklen_t)post.address.size);
	assert_int_equal(rota_datagram_dropped(&post.udp.datagram, &dropped),
			 0);
	assert_in_range(dropped, 1, 50);
	post_receive(&post);
	RUN_UNTIL(f, post.count + dropped == 50);
	post_close(&post);
	close(fd);
}

static void segments_arrive_as_datagrams_or_together(void **state)
{
	static char data[10 * 100 + 7];
	struct fixture *f = *state;
	struct rota_outgoing out = { .data = data,
				     .size = sizeof(data),
				     .segment_size = 100 };
	struct letter letter = { .calls = 0 };
	struct post a, b;

	memset(data, 'a', sizeof(data));
	post_open(&a, f, AF_INET);
	post_open(&b, f, AF_INET);
	post_receive(&b);
	out.to = &b.address;
	if (rota_udp_can(&a.udp, ROTA_UDP_SEGMENTS) == 0) {
		assert_int_equal(
			rota_datagram_try_send(&a.udp.datagram, &out, 1),
			ROTA_ENOTSUP);
		post_close(&a);
		post_close(&b);
		skip_elsewhere("the system has no segments");
	}
	letter.send.request.data = f->loop;
	assert_int_equal(rota_datagram_send(&letter.send, &a.udp.datagram, &out,
					    letter_called),
			 0);
	RUN_UNTIL(f, b.count == 11 && letter.calls == 1);
	assert_int_equal(letter.status, 0);
	assert_int_equal(b.bytes, sizeof(data));
	assert_int_equal(b.last.size, 7);
	assert_int_equal(b.last.segment_size, 0);

	if (rota_udp_can(&b.udp, ROTA_UDP_COALESCING)) {
		assert_int_equal(
			rota_udp_report(&b.udp, ROTA_UDP_REPORT_COALESCED), 0);
		assert_int_equal(rota_udp_can(&b.udp, ROTA_UDP_COALESCING), 1);
		b.count = 0;
		assert_int_equal(
			rota_datagram_try_send(&a.udp.datagram, &out, 1), 1);
		RUN_UNTIL(f, b.bytes == 2 * sizeof(data));
		assert_int_equal(b.count, 1);
		assert_int_equal(b.last.segment_size, 100);
		assert_int_equal(b.last.size, sizeof(data));

		/* The size is one of a datagram: nothing is cut. */
		assert_int_equal(rota_datagram_receive_up_to(
					 &b.udp.datagram, 100, post_on_receive),
				 0);
		assert_int_equal(
			rota_datagram_try_send(&a.udp.datagram, &out, 1), 1);
		RUN_UNTIL(f, b.count == 2);
		assert_int_equal(b.last.segment_size, 100);
		assert_int_equal(b.last.size, sizeof(data));
		assert_int_equal(b.last.is_truncated, 0);
	}
	post_close(&a);
	post_close(&b);
}

#ifdef __linux__
enum { GRO_LEVEL = 17, GRO_OPTION = 104 }; /* UDP_GRO */

static void lack_a_socket(void *arg)
{
	(void)arg;
	fault_fail("socket", 1, EMFILE);
}

/* A program may have set what is asked for. */
static void asking_what_the_system_can_does_not_change_the_socket(void **state)
{
	struct fixture *f = *state;
	struct rota_address own;
	struct rota_udp udp;
	int fd = raw_udp(AF_INET, &own);
	int value = 1;
	socklen_t size = sizeof(value);

	if (setsockopt(fd, GRO_LEVEL, GRO_OPTION, &value, size) < 0) {
		close(fd);
		skip_elsewhere("the system does not put datagrams together");
	}
	assert_int_equal(rota_udp_open(&udp, f->loop, fd), 0);
	assert_int_equal(rota_udp_can(&udp, ROTA_UDP_COALESCING), 1);
	/* As on an older kernel. */
	fault_fail("getsockopt", 1, ENOPROTOOPT);
	assert_int_equal(rota_udp_can(&udp, ROTA_UDP_COALESCING), 1);
	assert_int_equal(fault_clear(), 1);
	fault_fail_after("getsockopt", 1, ENOPROTOOPT, lack_a_socket, NULL);
	assert_int_equal(rota_udp_can(&udp, ROTA_UDP_COALESCING), ROTA_EMFILE);
	assert_int_equal(fault_clear(), 1);
	if (getsockopt(fd, GRO_LEVEL, GRO_OPTION, &value, &size) == 0)
		assert_int_equal(value, 1);
	assert_int_equal(rota_handle_close_now(&udp.handle), 0);
}
#endif

static void an_address_of_a_wrong_size_is_refused(void **state)
{
	static const size_t sizes[] = { 0, 3, 1000 };
	struct fixture *f = *state;

	for (int i = 0; i < 6; i++) {
		int ip4 = families[i % 2] == AF_INET;
		struct rota_address group, bad_group, host, bad_host;
		struct rota_udp *udp;
		struct post post;

		post_open(&post, f, families[i % 2]);
		udp = &post.udp;
		assert_int_equal(rota_address_ip(&group,
						 ip4 ? "239.1.2.3" : "ff02::9",
						 0),
				 0);
		host = post.address;
		bad_group = group;
		bad_host = host;
		bad_group.size = bad_host.size = sizes[i / 2];
		assert_int_equal(rota_udp_join(udp, &bad_group, 0),
				 ROTA_EINVAL);
		assert_int_equal(rota_udp_leave(udp, &bad_group, 0),
				 ROTA_EINVAL);
		assert_int_equal(
			rota_udp_join_source(udp, &bad_group, &host, 0),
			ROTA_EINVAL);
		assert_int_equal(
			rota_udp_join_source(udp, &group, &bad_host, 0),
			ROTA_EINVAL);
		assert_int_equal(
			rota_udp_block_source(udp, &group, &bad_host, 0),
			ROTA_EINVAL);
		assert_int_equal(rota_udp_connect(udp, &bad_host), ROTA_EINVAL);
		fault_count_reset();
		assert_int_equal(letter_try(&post, &bad_host, "x"),
				 ROTA_EINVAL);
		if (sizes[i / 2] != 3) /* the system knows that one */
			assert_int_equal(fault_count("sendmmsg") +
						 fault_count("sendmsg"),
					 0);
		post_close(&post);
	}
}

/* A report that fails at its nth option changes nothing. */
static void a_report_is_set_completely_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct post post;

	post_open(&post, f, AF_INET6);
	post_receive(&post);
	for (unsigned n = 1;; n++) {
		int error;

		fault_fail("setsockopt", n, ENOMEM);
		error = rota_udp_report(&post.udp,
					ROTA_UDP_REPORT_ADDRESS |
						ROTA_UDP_REPORT_TIME);
		if (fault_clear() == 0) {
			assert_int_equal(error, 0);
			break;
		}
		assert_int_equal(error, ROTA_ENOMEM);
		assert_int_equal(option_of(&post, SOL_SOCKET, SO_TYPE,
					   IPPROTO_IPV6, IPV6_RECVPKTINFO),
				 0);
	}
	post_close(&post);
}

static const struct CMUnitTest tests[] = {
	REAL(options_reach_the_socket),
	REAL(options_need_a_socket_and_right_values),
	REAL(what_is_reported_comes_with_the_datagram),
	REAL(an_answer_comes_from_the_address_that_was_asked),
	REAL(dropped_datagrams_are_counted),
	REAL(segments_arrive_as_datagrams_or_together),
#ifdef __linux__
	REAL(asking_what_the_system_can_does_not_change_the_socket),
#endif
	REAL(an_address_of_a_wrong_size_is_refused),
	REAL(a_report_is_set_completely_or_not_at_all),
};
FIXTURE_MAIN(tests)
