/*
 * datagram/udp_options.c - the options of UDP sockets.
 *
 * They are options of the socket itself and are stored nowhere else, except
 * whether something is reported with each datagram: only then is there room for
 * the report.
 */
#include <limits.h>

#include "base/socket.h"
#include "datagram/udp.h"

enum { MOST_HOPS = 255 };

_Static_assert((int)ROTA_UDP_REPORT_ADDRESS == (int)ROTAI_REPORT_ADDRESS &&
		       (int)ROTA_UDP_REPORT_ECN == (int)ROTAI_REPORT_ECN &&
		       (int)ROTA_UDP_REPORT_HOP_LIMIT ==
			       (int)ROTAI_REPORT_HOP_LIMIT &&
		       (int)ROTA_UDP_REPORT_TIME == (int)ROTAI_REPORT_TIME &&
		       (int)ROTA_UDP_REPORT_COALESCED ==
			       (int)ROTAI_REPORT_COALESCED,
	       "the bits are those of base/datagram.h");

int rota_udp_report(struct rota_udp *udp, unsigned what)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	enum { FLAGS = ROTAI_DG_REPORTS | ROTAI_DG_COALESCES };
	int error = rotai_udp_may_set(udp);

	if (error == 0 && (what & ~(unsigned)ROTAI_REPORTS) != 0)
		error = ROTA_EINVAL;
	if (error == 0)
		error = rotai_datagram_report(
			rotai_udp_fd(udp),
			rotai_datagram_family(&udp->datagram), what);
	if (error < 0)
		return error;
	udp->datagram.internal.flags &= ~(unsigned)FLAGS;
	if (what != 0)
		udp->datagram.internal.flags |= ROTAI_DG_REPORTS;
	if (what & ROTA_UDP_REPORT_COALESCED)
		udp->datagram.internal.flags |= ROTAI_DG_COALESCES;
	return 0;
}

int rota_udp_can(struct rota_udp *udp, enum rota_udp_ability ability)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_udp_has_socket(udp);

	if (error < 0)
		return error;
	if (ability == ROTA_UDP_SEGMENTS)
		return rotai_datagram_has_segments(rotai_udp_fd(udp));
	if (ability != ROTA_UDP_COALESCING)
		return ROTA_EINVAL;
	return rotai_datagram_can_coalesce(rotai_udp_fd(udp));
}

int rota_udp_set_broadcast(struct rota_udp *udp, int on)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_udp_may_set(udp);

	return error < 0 ? error
			 : rotai_socket_set(rotai_udp_fd(udp), SOL_SOCKET,
					    SO_BROADCAST, on != 0);
}

int rota_udp_set_fragments(struct rota_udp *udp, enum rota_udp_fragments how)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_udp_may_set(udp);

	if (error == 0 && (unsigned)how > ROTA_UDP_PROBE)
		error = ROTA_EINVAL;
	return error < 0 ? error
			 : rotai_datagram_set_fragments(
				   rotai_udp_fd(udp),
				   rotai_datagram_family(&udp->datagram), how);
}

int rota_udp_path_mtu(const struct rota_udp *udp)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_udp_has_socket(udp);

	if (error == 0 &&
	    !rotai_datagram_has(&udp->datagram, ROTAI_DG_CONNECTED))
		error = ROTA_ENOTCONN;
	return error < 0 ? error
			 : rotai_datagram_path_mtu(
				   rotai_udp_fd(udp),
				   rotai_datagram_family(&udp->datagram));
}

/* Set an option that has one name for IPv4 and another for IPv6. */
static int set_ip(struct rota_udp *udp, int option4, int option6, int value)
{
	return rotai_datagram_has(&udp->datagram, ROTAI_DG_IP6)
		       ? rotai_socket_set(rotai_udp_fd(udp), IPPROTO_IPV6,
					  option6, value)
		       : rotai_socket_set(rotai_udp_fd(udp), IPPROTO_IP,
					  option4, value);
}

int rota_udp_set_hop_limit(struct rota_udp *udp, int hop_limit)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_udp_may_set(udp);

	if (error == 0 && (hop_limit < 1 || hop_limit > MOST_HOPS))
		error = ROTA_EINVAL;
	return error < 0 ? error
			 : set_ip(udp, IP_TTL, IPV6_UNICAST_HOPS, hop_limit);
}

/* The options of multicast have a byte for IPv4 on the BSDs, and an int is
 * accepted by Linux alone. */
static int set_multicast(struct rota_udp *udp, int option4, int option6,
			 int value)
{
	unsigned char byte = (unsigned char)value;

	if (rotai_datagram_has(&udp->datagram, ROTAI_DG_IP6))
		return rotai_socket_set(rotai_udp_fd(udp), IPPROTO_IPV6,
					option6, value);
	return setsockopt(rotai_udp_fd(udp), IPPROTO_IP, option4, &byte,
			  sizeof(byte)) < 0
		       ? -errno
		       : 0;
}

int rota_udp_set_multicast_hop_limit(struct rota_udp *udp, int hop_limit)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_udp_may_set(udp);

	if (error == 0 && (hop_limit < 0 || hop_limit > MOST_HOPS))
		error = ROTA_EINVAL;
	return error < 0 ? error
			 : set_multicast(udp, IP_MULTICAST_TTL,
					 IPV6_MULTICAST_HOPS, hop_limit);
}

int rota_udp_set_multicast_loop(struct rota_udp *udp, int on)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_udp_may_set(udp);

	return error < 0 ? error
			 : set_multicast(udp, IP_MULTICAST_LOOP,
					 IPV6_MULTICAST_LOOP, on != 0);
}

int rota_udp_set_multicast_interface(struct rota_udp *udp,
				     unsigned interface_index)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_udp_may_set(udp);

	if (error == 0 && interface_index > INT_MAX)
		error = ROTA_EINVAL;
	if (error < 0)
		return error;
	if (rotai_datagram_has(&udp->datagram, ROTAI_DG_IP6))
		return rotai_socket_set(rotai_udp_fd(udp), IPPROTO_IPV6,
					IPV6_MULTICAST_IF,
					(int)interface_index);
	return rotai_datagram_multicast_from4(rotai_udp_fd(udp),
					      interface_index);
}
