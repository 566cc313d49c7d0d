/*
 * base/datagram_posix.c - datagrams on all POSIX systems except Linux: one
 * system call for each message, no segments, and no queue of errors.
 *
 * What the headers lack is not reported and not sent. IPv6 has the same names
 * everywhere: see RFC 3542. IPv4 has IP_PKTINFO on Darwin and NetBSD; FreeBSD,
 * OpenBSD and others have IP_RECVDSTADDR and, to send, IP_SENDSRCADDR.
 */
#include "base/datagram.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>

#include "base/control.h"
#include "base/socket.h"
#include "base/socket_option.h"
#include "rota/error.h"

int rotai_messages_receive(int fd, struct rotai_message *messages,
			   unsigned count)
{
	return rotai_messages_receive_each(fd, messages, count);
}

int rotai_messages_send(int fd, struct rotai_message *messages, unsigned count)
{
	return rotai_messages_send_each(fd, messages, count);
}

static void set_ip4(struct rota_address *to, const struct in_addr *ip)
{
	to->size = sizeof(to->is.ip4);
	memset(&to->is.ip4, 0, sizeof(to->is.ip4));
	to->is.ip4.sin_family = AF_INET;
	to->is.ip4.sin_addr = *ip;
}

static void read_control4(const struct cmsghdr *control,
			  struct rota_received *received)
{
	const unsigned char *data = CMSG_DATA(control);

#ifdef IP_PKTINFO
	if (control->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;

		memcpy(&info, data, sizeof(info));
		received->interface_index = (uint32_t)info.ipi_ifindex;
		set_ip4(&received->to, &info.ipi_addr);
		received->own = received->to;
	}
#elif defined(IP_RECVDSTADDR)
	if (control->cmsg_type == IP_RECVDSTADDR) {
		struct in_addr ip;

		memcpy(&ip, data, sizeof(ip));
		set_ip4(&received->to, &ip);
		received->own = received->to;
	}
#endif
#ifdef IP_RECVTOS
	if (control->cmsg_type == IP_RECVTOS)
		received->ecn = data[0] & 3;
#endif
#ifdef IP_RECVTTL
	if (control->cmsg_type == IP_RECVTTL)
		received->hop_limit = data[0];
#endif
	if (received->own.size > 0 &&
	    (IN_MULTICAST(ntohl(received->own.is.ip4.sin_addr.s_addr)) ||
	     received->own.is.ip4.sin_addr.s_addr == htonl(INADDR_BROADCAST)))
		received->own.size = 0;
}

static void read_control6(const struct cmsghdr *control,
			  struct rota_received *received)
{
	struct rota_address *to = &received->to;
	struct in6_pktinfo info;
	int number;

	switch (control->cmsg_type) {
	case IPV6_PKTINFO:
		memcpy(&info, CMSG_DATA(control), sizeof(info));
		received->interface_index = info.ipi6_ifindex;
		to->size = sizeof(to->is.ip6);
		memset(&to->is.ip6, 0, sizeof(to->is.ip6));
		to->is.ip6.sin6_family = AF_INET6;
		to->is.ip6.sin6_addr = info.ipi6_addr;
		if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ||
		    IN6_IS_ADDR_MC_LINKLOCAL(&info.ipi6_addr))
			to->is.ip6.sin6_scope_id = info.ipi6_ifindex;
		if (rotai_ip6_is_own(&info.ipi6_addr))
			received->own = *to;
		break;
	case IPV6_TCLASS:
		memcpy(&number, CMSG_DATA(control), sizeof(number));
		received->ecn = (uint8_t)(number & 3);
		break;
	case IPV6_HOPLIMIT:
		memcpy(&number, CMSG_DATA(control), sizeof(number));
		received->hop_limit = (int16_t)number;
		break;
	}
}

void rotai_control_read(struct msghdr *head, struct rota_received *received)
{
	struct cmsghdr *control;
	struct timeval time;

	for (control = CMSG_FIRSTHDR(head); control != NULL;
	     control = rotai_control_next(head, control)) {
		if (control->cmsg_level == IPPROTO_IP)
			read_control4(control, received);
		else if (control->cmsg_level == IPPROTO_IPV6)
			read_control6(control, received);
		else if (control->cmsg_level == SOL_SOCKET &&
			 control->cmsg_type == SCM_TIMESTAMP) {
			memcpy(&time, CMSG_DATA(control), sizeof(time));
			received->time_ns =
				(uint64_t)time.tv_sec * 1000000000u +
				(uint64_t)time.tv_usec * 1000u;
		}
	}
}

static void put_address4(struct msghdr *head, const struct rota_outgoing *out)
{
	const struct rota_address *from = out->from;

#ifdef IP_PKTINFO
	struct in_pktinfo info;

	memset(&info, 0, sizeof(info));
	info.ipi_ifindex = out->interface_index;
	if (from != NULL && from->size > 0)
		info.ipi_spec_dst = from->is.ip4.sin_addr;
	rotai_control_put(head, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
#elif defined(IP_SENDSRCADDR)
	if (from != NULL && from->size > 0)
		rotai_control_put(head, IPPROTO_IP, IP_SENDSRCADDR,
				  &from->is.ip4.sin_addr,
				  sizeof(from->is.ip4.sin_addr));
#else
	(void)head;
	(void)from;
#endif
}

void rotai_control_write(struct msghdr *head, char *room,
			 const struct rota_outgoing *out, int family)
{
	int ecn = out->ecn;
	int hop_limit = out->hop_limit;

	head->msg_control = room;
	head->msg_controllen = 0;
	if (out->interface_index != 0 ||
	    (out->from != NULL && out->from->size > 0)) {
		if (family == AF_INET6)
			rotai_control_put_address6(head, out);
		else
			put_address4(head, out);
	}
	if (family == AF_INET6 && ecn != 0)
		rotai_control_put(head, IPPROTO_IPV6, IPV6_TCLASS, &ecn,
				  sizeof(ecn));
	if (family == AF_INET6 && hop_limit != 0)
		rotai_control_put(head, IPPROTO_IPV6, IPV6_HOPLIMIT, &hop_limit,
				  sizeof(hop_limit));
	if (family == AF_INET && ecn != 0)
		rotai_control_put(head, IPPROTO_IP, IP_TOS, &ecn, sizeof(ecn));
	if (family == AF_INET && hop_limit != 0)
		rotai_control_put(head, IPPROTO_IP, IP_TTL, &hop_limit,
				  sizeof(hop_limit));
	if (head->msg_controllen == 0)
		head->msg_control = NULL;
}

int rotai_datagram_has_segments(int fd)
{
	(void)fd;
	return 0;
}

int rotai_datagram_set_coalescing(int fd, int on)
{
	(void)fd;
	(void)on;
	return ROTA_ENOTSUP;
}

static void add_ip4(struct rotai_socket_change *change, unsigned wanted)
{
#ifdef IP_PKTINFO
	rotai_socket_change_add(change, IPPROTO_IP, IP_PKTINFO,
				(wanted & ROTAI_REPORT_ADDRESS) != 0);
#elif defined(IP_RECVDSTADDR)
	rotai_socket_change_add(change, IPPROTO_IP, IP_RECVDSTADDR,
				(wanted & ROTAI_REPORT_ADDRESS) != 0);
#endif
#ifdef IP_RECVTOS
	rotai_socket_change_add(change, IPPROTO_IP, IP_RECVTOS,
				(wanted & ROTAI_REPORT_ECN) != 0);
#else
	if (wanted & ROTAI_REPORT_ECN)
		change->error = ROTA_ENOTSUP;
#endif
#ifdef IP_RECVTTL
	rotai_socket_change_add(change, IPPROTO_IP, IP_RECVTTL,
				(wanted & ROTAI_REPORT_HOP_LIMIT) != 0);
#else
	if (wanted & ROTAI_REPORT_HOP_LIMIT)
		change->error = ROTA_ENOTSUP;
#endif
}

int rotai_datagram_can_coalesce(int fd)
{
	(void)fd;
	return 0;
}

int rotai_datagram_report(int fd, int family, unsigned wanted)
{
	struct rotai_socket_change change = { .wanted = 0 };

	if (wanted & ROTAI_REPORT_COALESCED)
		return ROTA_ENOTSUP;
	if (family == AF_INET6) {
		rotai_socket_change_add(&change, IPPROTO_IPV6, IPV6_RECVPKTINFO,
					(wanted & ROTAI_REPORT_ADDRESS) != 0);
		rotai_socket_change_add(&change, IPPROTO_IPV6, IPV6_RECVTCLASS,
					(wanted & ROTAI_REPORT_ECN) != 0);
		rotai_socket_change_add(&change, IPPROTO_IPV6,
					IPV6_RECVHOPLIMIT,
					(wanted & ROTAI_REPORT_HOP_LIMIT) != 0);
	} else {
		add_ip4(&change, wanted);
	}
	rotai_socket_change_add(&change, SOL_SOCKET, SO_TIMESTAMP,
				(wanted & ROTAI_REPORT_TIME) != 0);
	return rotai_socket_change_make(&change, fd);
}

int rotai_datagram_set_fragments(int fd, int family,
				 enum rota_udp_fragments how)
{
	int value = how == ROTA_UDP_NO_FRAGMENTS;

	if (how == ROTA_UDP_PROBE)
		return ROTA_ENOTSUP;
#ifdef IPV6_DONTFRAG
	if (family == AF_INET6)
		return rotai_socket_set(fd, IPPROTO_IPV6, IPV6_DONTFRAG, value);
#endif
#ifdef IP_DONTFRAG
	if (family == AF_INET)
		return rotai_socket_set(fd, IPPROTO_IP, IP_DONTFRAG, value);
#endif
	(void)fd;
	(void)family;
	(void)value;
	return ROTA_ENOTSUP;
}

int rotai_datagram_path_mtu(int fd, int family)
{
#ifdef IPV6_PATHMTU
	struct ip6_mtuinfo info;
	socklen_t size = sizeof(info);

	if (family == AF_INET6)
		return getsockopt(fd, IPPROTO_IPV6, IPV6_PATHMTU, &info,
				  &size) < 0
			       ? -errno
			       : (int)info.ip6m_mtu;
#endif
	(void)fd;
	(void)family;
	return ROTA_ENOTSUP;
}

int rotai_datagram_keep_errors(int fd, int family, int keep)
{
	(void)fd;
	(void)family;
	(void)keep;
	return ROTA_ENOTSUP;
}

int rotai_datagram_take_error(int fd, struct rota_datagram_error *error,
			      char *room)
{
	(void)fd;
	(void)error;
	(void)room;
	return ROTA_EAGAIN;
}

int rotai_datagram_dropped(int fd, uint64_t *count)
{
	(void)fd;
	(void)count;
	return ROTA_ENOTSUP;
}
