/*
 * base/datagram.c - what is the same on all systems, and the ways without
 * batches.
 */
#include "base/datagram.h"

#include <string.h>

#include "base/control.h"
#include "base/socket.h"
#include "rota/error.h"

int rotai_messages_receive_each(int fd, struct rotai_message *messages,
				unsigned count)
{
	unsigned done = 0;
	ssize_t n;

	while (done < count) {
		n = recvmsg(fd, &messages[done].head, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		messages[done++].size = (unsigned)n;
	}
	return done > 0 ? (int)done : -errno;
}

int rotai_messages_send_each(int fd, struct rotai_message *messages,
			     unsigned count)
{
	unsigned done = 0;
	ssize_t n;

	while (done < count) {
		n = sendmsg(fd, &messages[done].head, ROTAI_SEND_FLAGS);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		messages[done++].size = (unsigned)n;
	}
	return done > 0 ? (int)done : -errno;
}

int rotai_ip6_is_own(const struct in6_addr *ip)
{
	struct in_addr ip4;

	if (!IN6_IS_ADDR_V4MAPPED(ip))
		return !IN6_IS_ADDR_MULTICAST(ip);
	memcpy(&ip4, &ip->s6_addr[12], sizeof(ip4));
	return !IN_MULTICAST(ntohl(ip4.s_addr)) &&
	       ip4.s_addr != htonl(INADDR_BROADCAST);
}

void rotai_control_put_address6(struct msghdr *head,
				const struct rota_outgoing *out)
{
	struct in6_pktinfo info;

	memset(&info, 0, sizeof(info));
	info.ipi6_ifindex = out->interface_index;
	if (out->from != NULL && out->from->size > 0)
		info.ipi6_addr = out->from->is.ip6.sin6_addr;
	rotai_control_put(head, IPPROTO_IPV6, IPV6_PKTINFO, &info,
			  sizeof(info));
}

#ifdef __OpenBSD__
/* It knows the interface by its address only. */
int rotai_datagram_multicast_from4(int fd, unsigned interface_index)
{
	struct in_addr any = { .s_addr = INADDR_ANY };

	if (interface_index != 0)
		return ROTA_ENOTSUP;
	return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &any, sizeof(any)) <
			       0
		       ? -errno
		       : 0;
}
#else
int rotai_datagram_multicast_from4(int fd, unsigned interface_index)
{
	struct ip_mreqn request;

	memset(&request, 0, sizeof(request));
	request.imr_ifindex = (int)interface_index;
	return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request,
			  sizeof(request)) < 0
		       ? -errno
		       : 0;
}
#endif

int rotai_datagram_dissolve(int fd)
{
	struct sockaddr none;

	memset(&none, 0, sizeof(none));
	none.sa_family = AF_UNSPEC;
	if (connect(fd, &none, sizeof(none)) == 0)
		return 0;
	/* Darwin and the BSDs disconnect, and report the address as wrong. */
	return errno == EAFNOSUPPORT || errno == EINVAL ? 0 : -errno;
}

int rotai_datagram_disconnect(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	} before, after;
	socklen_t size = sizeof(before);
	int error;

	if (getsockname(fd, &before.any, &size) < 0)
		return -errno;
	error = rotai_datagram_dissolve(fd);
	if (error < 0)
		return error;
	size = sizeof(after);
	if (getsockname(fd, &after.any, &size) < 0 || after.ip4.sin_port != 0)
		return 0;
	/* Linux takes the port away if the system has chosen it. It is at the
	 * same place in both kinds of addresses. */
	after.ip4.sin_port = before.ip4.sin_port;
	return bind(fd, &after.any, size) < 0 ? -errno : 0;
}
