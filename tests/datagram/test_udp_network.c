/* system: linux */
/*
 * Two hosts: multicast with its groups, senders and interfaces, broadcasts,
 * errors that come from another host, and paths that take less than the link.
 */
#include "support/datagrams.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/netns.h"

static const int families[] = { AF_INET, AF_INET6 };

static const char *group_of(int family)
{
	return family == AF_INET ? "239.1.2.3" : "ff05::1:2:3";
}

static const char *ip_of(enum host host, int family)
{
	return family == AF_INET ? host_ip4(host) : host_ip6(host);
}

/* Open a socket on that host, bound to any address. */
static void open_on(struct post *post, struct fixture *f, enum host host,
		    int family)
{
	memset(post, 0, sizeof(*post));
	post->f = f;
	visit_host(host);
	assert_int_equal(rota_udp_init(&post->udp, f->loop), 0);
	assert_int_equal(
		rota_address_ip(&post->address,
				family == AF_INET ? "0.0.0.0" : "::", 0),
		0);
	assert_int_equal(rota_udp_bind(&post->udp, &post->address, 0), 0);
	assert_int_equal(rota_udp_own_address(&post->udp, &post->address), 0);
	visit_host(HERE);
	post_receive(post);
}

/* The address @ip with the port of @post. */
static struct rota_address at(const char *ip, const struct post *post)
{
	struct rota_address address;

	assert_int_equal(rota_address_ip(&address, ip,
					 rota_address_port(&post->address)),
			 0);
	return address;
}

static void what_one_host_sends_another_receives(void **state)
{
	struct fixture *f = *state;

	need_hosts(f);
	for (int i = 0; i < 2; i++) {
		struct rota_address to;
		struct post here, there;

		open_on(&here, f, HERE, families[i]);
		open_on(&there, f, THERE, families[i]);
		assert_int_equal(
			rota_udp_report(&there.udp,
					ROTA_UDP_REPORT_ADDRESS |
						ROTA_UDP_REPORT_HOP_LIMIT),
			0);
		to = at(ip_of(THERE, families[i]), &there);
		assert_int_equal(letter_try(&here, &to, "hello"), 1);
		RUN_UNTIL(f, there.count == 1);
		assert_string_equal(there.text, "hello ");
		assert_int_equal(there.last.hop_limit, 64);
		assert_int_equal(there.last.interface_index,
				 host_interface(THERE));
		to = at(ip_of(HERE, families[i]), &here);
		assert_memory_equal(&there.last.from.is, &to.is, to.size);
		post_close(&here);
		post_close(&there);
	}
}

static void members_of_a_group_get_what_is_sent_to_it(void **state)
{
	struct fixture *f = *state;

	need_hosts(f);
	for (int i = 0; i < 2; i++) {
		struct rota_address group;
		struct post here, there;

		open_on(&here, f, HERE, families[i]);
		open_on(&there, f, THERE, families[i]);
		group = at(group_of(families[i]), &there);
		assert_int_equal(
			rota_udp_report(&there.udp,
					ROTA_UDP_REPORT_ADDRESS |
						ROTA_UDP_REPORT_HOP_LIMIT),
			0);
		assert_int_equal(rota_udp_set_multicast_interface(
					 &here.udp, host_interface(HERE)),
				 0);
		assert_int_equal(rota_udp_set_multicast_hop_limit(&here.udp, 5),
				 0);
		assert_int_equal(letter_try(&here, &group, "too early"), 1);
		assert_int_equal(rota_udp_join(&there.udp, &group,
					       host_interface(THERE)),
				 0);
		assert_int_equal(rota_udp_join(&there.udp, &group,
					       host_interface(THERE)),
				 ROTA_EADDRINUSE);
		assert_int_equal(letter_try(&here, &group, "1"), 1);
		RUN_UNTIL(f, there.count == 1);
		assert_string_equal(there.text, "1 ");
		assert_int_equal(there.last.hop_limit, 5);
		group = at(group_of(families[i]), &there);
		if (families[i] == AF_INET) {
			assert_memory_equal(&there.last.to.is.ip4.sin_addr,
					    &group.is.ip4.sin_addr, 4);
			group = at(host_ip4(THERE), &there);
			assert_memory_equal(&there.last.own.is.ip4.sin_addr,
					    &group.is.ip4.sin_addr, 4);
			group = at(group_of(AF_INET), &there);
		} else {
			assert_memory_equal(&there.last.to.is.ip6.sin6_addr,
					    &group.is.ip6.sin6_addr, 16);
			assert_int_equal(there.last.own.size, 0);
		}
		assert_int_equal(rota_udp_leave(&there.udp, &group,
						host_interface(THERE)),
				 0);
		assert_int_equal(letter_try(&here, &group, "too late"), 1);
		for (int k = 0; k < 3; k++)
			turn(f);
		assert_int_equal(there.count, 1);
		post_close(&here);
		post_close(&there);
	}
}

static void a_sender_hears_itself_unless_the_loop_is_off(void **state)
{
	struct fixture *f = *state;

	need_hosts(f);
	for (int i = 0; i < 2; i++) {
		struct rota_address group;
		struct post post;
		unsigned link = host_interface(HERE);

		open_on(&post, f, HERE, families[i]);
		group = at(group_of(families[i]), &post);
		assert_int_equal(rota_udp_join(&post.udp, &group, link), 0);
		assert_int_equal(
			rota_udp_set_multicast_interface(&post.udp, link), 0);
		assert_int_equal(letter_try(&post, &group, "1"), 1);
		RUN_UNTIL(f, post.count == 1);
		assert_int_equal(rota_udp_set_multicast_loop(&post.udp, 0), 0);
		assert_int_equal(letter_try(&post, &group, "2"), 1);
		assert_int_equal(rota_udp_set_multicast_loop(&post.udp, 1), 0);
		assert_int_equal(letter_try(&post, &group, "3"), 1);
		RUN_UNTIL(f, post.count == 2);

		assert_string_equal(post.text, "1 3 ");
		post_close(&post);
	}
}

/* The interface of one datagram, without an option. */
static void a_datagram_may_name_its_interface(void **state)
{
	struct fixture *f = *state;

	need_hosts(f);
	for (int i = 0; i < 2; i++) {
		struct rota_outgoing out;
		struct rota_address group, from;
		struct post here, there;

		open_on(&here, f, HERE, families[i]);
		open_on(&there, f, THERE, families[i]);
		group = at(group_of(families[i]), &there);
		from = at(ip_of(HERE, families[i]), &here);
		assert_int_equal(rota_udp_join(&there.udp, &group,
					       host_interface(THERE)),
				 0);
		out = to_post(&group, "x");
		out.interface_index = host_interface(HERE);
		out.from = &from;
		assert_int_equal(
			rota_datagram_try_send(&here.udp.datagram, &out, 1), 1);
		RUN_UNTIL(f, there.count == 1);
		assert_memory_equal(&there.last.from.is, &from.is, from.size);
		post_close(&here);
		post_close(&there);
	}
}

static void senders_of_a_group_are_chosen(void **state)
{
	struct fixture *f = *state;

	need_hosts(f);
	for (int i = 0; i < 2; i++) {
		struct rota_address group, here_is, there_is;
		struct post here, there;
		unsigned link = host_interface(THERE);

		open_on(&here, f, HERE, families[i]);
		open_on(&there, f, THERE, families[i]);
		group = at(group_of(families[i]), &there);
		here_is = at(ip_of(HERE, families[i]), &here);
		there_is = at(ip_of(THERE, families[i]), &there);
		assert_int_equal(rota_udp_set_multicast_interface(
					 &here.udp, host_interface(HERE)),
				 0);

		/* Only what comes from another sender. */
		assert_int_equal(rota_udp_join_source(&there.udp, &group,
						      &there_is, link),
				 0);
		assert_int_equal(letter_try(&here, &group, "1"), 1);
		/* And then from this one as well. */
		assert_int_equal(rota_udp_join_source(&there.udp, &group,
						      &here_is, link),
				 0);
		assert_int_equal(letter_try(&here, &group, "2"), 1);
		assert_int_equal(rota_udp_leave_source(&there.udp, &group,
						       &here_is, link),
				 0);
		assert_int_equal(letter_try(&here, &group, "3"), 1);
		assert_int_equal(rota_udp_leave_source(&there.udp, &group,
						       &there_is, link),
				 0);

		/* All but this one. */
		assert_int_equal(rota_udp_join(&there.udp, &group, link), 0);
		assert_int_equal(rota_udp_block_source(&there.udp, &group,
						       &here_is, link),
				 0);
		assert_int_equal(letter_try(&here, &group, "4"), 1);
		assert_int_equal(rota_udp_unblock_source(&there.udp, &group,
							 &here_is, link),
				 0);
		assert_int_equal(letter_try(&here, &group, "5"), 1);
		RUN_UNTIL(f, there.count == 2);

		assert_string_equal(there.text, "2 5 ");
		post_close(&here);
		post_close(&there);
	}
}

static void a_broadcast_needs_its_option(void **state)
{
	struct fixture *f = *state;
	struct rota_address all;
	struct post here, there;

	need_hosts(f);
	open_on(&here, f, HERE, AF_INET);
	open_on(&there, f, THERE, AF_INET);
	assert_int_equal(rota_udp_report(&there.udp, ROTA_UDP_REPORT_ADDRESS),
			 0);
	all = at("10.77.0.255", &there);
	assert_int_equal(letter_try(&here, &all, "x"), ROTA_EACCES);
	assert_int_equal(rota_udp_set_broadcast(&here.udp, 1), 0);
	assert_int_equal(letter_try(&here, &all, "all"), 1);
	RUN_UNTIL(f, there.count == 1);

	assert_string_equal(there.text, "all ");
	assert_memory_equal(&there.last.to.is.ip4.sin_addr,
			    &all.is.ip4.sin_addr, 4);
	all = at(host_ip4(THERE), &there);
	assert_memory_equal(&there.last.own.is.ip4.sin_addr,
			    &all.is.ip4.sin_addr, 4);
	post_close(&here);
	post_close(&there);
}

/* A socket of IPv6 is not told which address it has there. */
static void a_broadcast_to_a_socket_of_ip6_has_no_own_address(void **state)
{
	struct fixture *f = *state;
	struct rota_outgoing out;
	struct rota_address to;
	struct post here, there;

	need_hosts(f);
	open_on(&here, f, HERE, AF_INET);
	open_on(&there, f, THERE, AF_INET6);
	assert_int_equal(rota_udp_report(&there.udp, ROTA_UDP_REPORT_ADDRESS),
			 0);
	assert_int_equal(rota_udp_set_broadcast(&here.udp, 1), 0);
	to = at(host_ip4(THERE), &there);
	assert_int_equal(letter_try(&here, &to, "one"), 1);
	RUN_UNTIL(f, there.count == 1);
	assert_int_equal(there.last.own.size, sizeof(to.is.ip6));
	assert_memory_equal(&there.last.own.is.ip6.sin6_addr.s6_addr[12],
			    &to.is.ip4.sin_addr, 4);

	to = at("255.255.255.255", &there);
	out = to_post(&to, "all");
	out.interface_index = host_interface(HERE);
	assert_int_equal(rota_datagram_try_send(&here.udp.datagram, &out, 1),
			 1);
	RUN_UNTIL(f, there.count == 2);
	assert_memory_equal(&there.last.to.is.ip6.sin6_addr.s6_addr[12],
			    &to.is.ip4.sin_addr, 4);
	assert_int_equal(there.last.own.size, 0);
	post_close(&here);
	post_close(&there);
}

static void another_host_refuses_a_datagram(void **state)
{
	struct fixture *f = *state;

	need_hosts(f);
	for (int i = 0; i < 2; i++) {
		struct rota_address to, from;
		struct post post;

		open_on(&post, f, HERE, families[i]);
		assert_int_equal(rota_datagram_on_error(&post.udp.datagram,
							post_on_error),
				 0);
		assert_int_equal(
			rota_address_ip(&to, ip_of(THERE, families[i]), 9), 0);
		assert_int_equal(letter_try(&post, &to, "knock"), 1);
		RUN_UNTIL(f, post.notes == 1);
		assert_int_equal(post.note[0].status, ROTA_ECONNREFUSED);
		assert_string_equal(post.noted[0], "knock");
		assert_memory_equal(&post.note[0].to.is, &to.is, to.size);
		assert_int_equal(
			rota_address_ip(&from, ip_of(THERE, families[i]), 0),
			0);
		assert_memory_equal(&post.note[0].from.is, &from.is, from.size);
		assert_in_range(waits_within(f, 10), 1, 4);
		post_close(&post);
	}
}

/* Nobody answers for the address, and no route leads beyond. */
static void an_address_that_is_not_there_is_reported(void **state)
{
	struct fixture *f = *state;
	struct rota_address to;
	struct post post;

	need_hosts(f);
	open_on(&post, f, HERE, AF_INET);
	assert_int_equal(
		rota_datagram_on_error(&post.udp.datagram, post_on_error), 0);
	assert_int_equal(rota_address_ip(&to, "192.0.2.1", 9), 0);
	assert_int_equal(letter_try(&post, &to, "x"), ROTA_ENETUNREACH);
	turn(f);
	assert_int_equal(post.notes, 0); /* the call has returned it */
	visit_host(HERE);
	set_link_up(0);
	assert_int_equal(rota_address_ip(&to, host_ip4(THERE), 9), 0);
	assert_true(letter_try(&post, &to, "x") < 0);
	set_link_up(1);
	post_close(&post);
}

enum { NARROW = 1300, WIDE = 1500 };

/* A network behind THERE, which routes by a path that takes less than the
 * link. */
static const char *far_of(int family)
{
	return family == AF_INET ? "10.88.0.1" : "fd88::1";
}

static int try_size(struct post *post, size_t size)
{
	static const char bytes[WIDE];
	struct rota_outgoing out = { .data = bytes, .size = size };

	return rota_datagram_try_send(&post->udp.datagram, &out, 1);
}

static void make_narrow_path(void)
{
	static int is_made;

	for (int i = 0; i < 2 && !is_made; i++) {
		unsigned char bits = families[i] == AF_INET ? 24 : 64;
		const char *net =
			families[i] == AF_INET ? "10.88.0.0" : "fd88::";

		visit_host(THERE);
		if (i == 0)
			set_forwarding(1);
		add_route(families[i], net, bits, ip_of(HERE, families[i]),
			  NARROW);
		visit_host(HERE);
		add_route(families[i], net, bits, ip_of(THERE, families[i]), 0);
	}
	is_made = 1;
}

/* A router reports that a datagram was too long. From then on the system knows,
 * and refuses the next one; but not as a probe. */
static void a_path_that_takes_less_is_found_and_known(void **state)
{
	struct fixture *f = *state;

	need_hosts(f);
	make_narrow_path();
	for (int i = 0; i < 2; i++) {
		size_t headers = families[i] == AF_INET ? 28 : 48;
		struct rota_address to;
		struct post post;

		open_on(&post, f, HERE, families[i]);
		assert_int_equal(rota_address_ip(&to, far_of(families[i]), 7),
				 0);
		assert_int_equal(rota_udp_connect(&post.udp, &to), 0);
		assert_int_equal(rota_datagram_on_error(&post.udp.datagram,
							post_on_error),
				 0);
		assert_int_equal(rota_udp_set_fragments(&post.udp,
							ROTA_UDP_NO_FRAGMENTS),
				 0);
		assert_int_equal(rota_udp_path_mtu(&post.udp), WIDE);
		assert_int_equal(try_size(&post, WIDE - headers), 1);
		RUN_UNTIL(f, post.notes == 1);
		assert_int_equal(post.note[0].status, ROTA_EMSGSIZE);
		assert_int_equal(post.note[0].mtu, NARROW);
		assert_int_equal(rota_udp_path_mtu(&post.udp), NARROW);

		assert_int_equal(try_size(&post, NARROW - headers + 1),
				 ROTA_EMSGSIZE);
		assert_int_equal(try_size(&post, NARROW - headers), 1);
		assert_int_equal(
			rota_udp_set_fragments(&post.udp, ROTA_UDP_PROBE), 0);
		assert_int_equal(try_size(&post, WIDE - headers), 1);
		RUN_UNTIL(f, post.notes == 2);
		assert_int_equal(post.note[1].mtu, NARROW);
		assert_int_equal(try_size(&post, WIDE - headers + 1),
				 ROTA_EMSGSIZE);
		assert_int_equal(
			rota_udp_set_fragments(&post.udp, ROTA_UDP_FRAGMENT),
			0);
		assert_int_equal(try_size(&post, WIDE), 1);
		turn(f);
		assert_int_equal(post.notes, 2);
		assert_int_equal(post.errors, 0);
		post_close(&post);
	}
}

/* The options of both protocols that an IPv6 socket may use are set, or none
 * is. */
static void fragments_are_set_completely_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	int fd, value;
	socklen_t size = sizeof(value);
	struct post post;
	unsigned n = 1;

	post_open(&post, f, AF_INET6);
	fd = rota_datagram_fd(&post.udp.datagram);
	for (;; n++) {
		fault_fail("setsockopt", n, ENOMEM);
		if (rota_udp_set_fragments(&post.udp, ROTA_UDP_NO_FRAGMENTS) ==
		    0)
			break;
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER,
					    &value, &size),
				 0);
		assert_int_equal(value, IP_PMTUDISC_WANT);
	}
	fault_clear();
	assert_int_equal(n, 3);
	assert_int_equal(
		getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, &size), 0);
	assert_int_equal(value, IP_PMTUDISC_DO);
	assert_int_equal(
		getsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &value, &size),
		0);
	assert_int_equal(value, IP_PMTUDISC_DO);
	post_close(&post);
}

static const struct CMUnitTest tests[] = {
	REAL(what_one_host_sends_another_receives),
	REAL(members_of_a_group_get_what_is_sent_to_it),
	REAL(a_sender_hears_itself_unless_the_loop_is_off),
	REAL(a_datagram_may_name_its_interface),
	REAL(senders_of_a_group_are_chosen),
	REAL(a_broadcast_needs_its_option),
	REAL(a_broadcast_to_a_socket_of_ip6_has_no_own_address),
	REAL(another_host_refuses_a_datagram),
	REAL(a_path_that_takes_less_is_found_and_known),
	/* The link goes down, and loses its routes. */
	REAL(an_address_that_is_not_there_is_reported),
	REAL(fragments_are_set_completely_or_not_at_all),
};
FIXTURE_MAIN(tests)
