/*
 * base/datagram_linux.c - batches, segments and the queue of errors: see
 * recvmmsg(2), sendmmsg(2), udp(7) and IP_RECVERR in ip(7).
 *
 *  1. Kernels before 2.6.33 and 3.0 lack the two calls: then it is one call
 *     for each message.
 *  2. The queue of errors also has those that the call which caused them has
 *     returned already (SO_EE_ORIGIN_LOCAL). They are of no interest.
 */
#include "base/datagram.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "base/control.h"
#include "base/fd.h"
#include "base/socket.h"
#include "base/socket_option.h"
#include "rota/error.h"

/* Not in the headers of every C library. */
enum { UDP_LEVEL = 17, SEGMENT_OPTION = 103, COALESCE_OPTION = 104 };
enum { MEMINFO_OPTION = 55, DROPS = 8, MEMINFO_WORDS = 9 };
enum { ORIGIN_ICMP = 2, ORIGIN_ICMP6 = 3 };

/* struct sock_extended_err of <linux/errqueue.h>: see ip(7). */
struct extended_error {
	uint32_t errnum;
	uint8_t origin, type, code, pad;
	uint32_t info, data;
};

_Static_assert(sizeof(struct rotai_message) == sizeof(struct mmsghdr) &&
		       offsetof(struct rotai_message, size) ==
			       offsetof(struct mmsghdr, msg_len),
	       "the two are the same");

int rotai_messages_receive(int fd, struct rotai_message *messages,
			   unsigned count)
{
	struct mmsghdr *batch = (struct mmsghdr *)(void *)messages;
	int n;

	do {
		n = recvmmsg(fd, batch, count, MSG_DONTWAIT, NULL);
		if (n >= 0)
			return n;
	} while (errno == EINTR);
	return errno == ENOSYS ? rotai_messages_receive_each(fd, messages,
							     count) /* (1) */
			       : -errno;
}

int rotai_messages_send(int fd, struct rotai_message *messages, unsigned count)
{
	struct mmsghdr *batch = (struct mmsghdr *)(void *)messages;
	int n;

	do {
		n = sendmmsg(fd, batch, count, ROTAI_SEND_FLAGS | MSG_DONTWAIT);
		if (n >= 0)
			return n;
	} while (errno == EINTR);
	return errno == ENOSYS
		       ? rotai_messages_send_each(fd, messages, count) /* (1) */
		       : -errno;
}

static void set_ip4(struct rota_address *to, struct in_addr ip)
{
	to->size = sizeof(to->is.ip4);
	memset(&to->is.ip4, 0, sizeof(to->is.ip4));
	to->is.ip4.sin_family = AF_INET;
	to->is.ip4.sin_addr = ip;
}

static void set_ip6(struct rota_address *to, const struct in6_addr *ip,
		    uint32_t interface_index)
{
	to->size = sizeof(to->is.ip6);
	memset(&to->is.ip6, 0, sizeof(to->is.ip6));
	to->is.ip6.sin6_family = AF_INET6;
	to->is.ip6.sin6_addr = *ip;
	if (IN6_IS_ADDR_LINKLOCAL(ip) || IN6_IS_ADDR_MC_LINKLOCAL(ip))
		to->is.ip6.sin6_scope_id = interface_index;
}

static void read_control4(const struct cmsghdr *control,
			  struct rota_received *received)
{
	struct in_pktinfo info;
	unsigned char byte;
	int number;

	switch (control->cmsg_type) {
	case IP_PKTINFO:
		memcpy(&info, CMSG_DATA(control), sizeof(info));
		received->interface_index = (uint32_t)info.ipi_ifindex;
		set_ip4(&received->to, info.ipi_addr);
		set_ip4(&received->own, info.ipi_spec_dst);
		break;
	case IP_TOS:
		memcpy(&byte, CMSG_DATA(control), sizeof(byte));
		received->ecn = byte & 3;
		break;
	case IP_TTL:
		memcpy(&number, CMSG_DATA(control), sizeof(number));
		received->hop_limit = (int16_t)number;
		break;
	}
}

static void read_control6(const struct cmsghdr *control,
			  struct rota_received *received)
{
	struct in6_pktinfo info;
	int number;

	switch (control->cmsg_type) {
	case IPV6_PKTINFO:
		memcpy(&info, CMSG_DATA(control), sizeof(info));
		received->interface_index = info.ipi6_ifindex;
		set_ip6(&received->to, &info.ipi6_addr, info.ipi6_ifindex);
		if (rotai_ip6_is_own(&info.ipi6_addr))
			received->own = received->to;
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

static void read_other(const struct cmsghdr *control,
		       struct rota_received *received)
{
	struct timespec time;
	int number;

	if (control->cmsg_level == SOL_SOCKET &&
	    control->cmsg_type == SO_TIMESTAMPNS) {
		memcpy(&time, CMSG_DATA(control), sizeof(time));
		received->time_ns = (uint64_t)time.tv_sec * 1000000000u +
				    (uint64_t)time.tv_nsec;
	} else if (control->cmsg_level == UDP_LEVEL &&
		   control->cmsg_type == COALESCE_OPTION) {
		memcpy(&number, CMSG_DATA(control), sizeof(number));
		received->segment_size = (uint32_t)number;
	}
}

void rotai_control_read(struct msghdr *head, struct rota_received *received)
{
	struct cmsghdr *control;

	for (control = CMSG_FIRSTHDR(head); control != NULL;
	     control = rotai_control_next(head, control)) {
		if (control->cmsg_level == IPPROTO_IP)
			read_control4(control, received);
		else if (control->cmsg_level == IPPROTO_IPV6)
			read_control6(control, received);
		else
			read_other(control, received);
	}
}

static void put_address4(struct msghdr *head, const struct rota_outgoing *out)
{
	struct in_pktinfo info = { .ipi_ifindex = (int)out->interface_index };

	if (out->from != NULL && out->from->size > 0)
		info.ipi_spec_dst = out->from->is.ip4.sin_addr;
	rotai_control_put(head, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
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
	/* A socket of IPv6 may send by IPv4. The kernel heeds what is of the
	 * protocol that it uses. */
	if (ecn != 0) {
		rotai_control_put(head, IPPROTO_IP, IP_TOS, &ecn, sizeof(ecn));
		if (family == AF_INET6)
			rotai_control_put(head, IPPROTO_IPV6, IPV6_TCLASS, &ecn,
					  sizeof(ecn));
	}
	if (hop_limit != 0) {
		rotai_control_put(head, IPPROTO_IP, IP_TTL, &hop_limit,
				  sizeof(hop_limit));
		if (family == AF_INET6)
			rotai_control_put(head, IPPROTO_IPV6, IPV6_HOPLIMIT,
					  &hop_limit, sizeof(hop_limit));
	}
	if (out->segment_size != 0)
		rotai_control_put(head, UDP_LEVEL, SEGMENT_OPTION,
				  &out->segment_size,
				  sizeof(out->segment_size));
}

int rotai_datagram_has_segments(int fd)
{
	int value;
	socklen_t size = sizeof(value);

	return getsockopt(fd, UDP_LEVEL, SEGMENT_OPTION, &value, &size) == 0;
}

/* Kernels before 5.16 set this option, and do not tell what it is. */
int rotai_datagram_set_coalescing(int fd, int on)
{
	int error = rotai_socket_set(fd, UDP_LEVEL, COALESCE_OPTION, on);

	return error == ROTA_ENOPROTOOPT ? ROTA_ENOTSUP : error;
}

int rotai_datagram_can_coalesce(int fd)
{
	int value, other, error;
	socklen_t size = sizeof(value);

	if (getsockopt(fd, UDP_LEVEL, COALESCE_OPTION, &value, &size) == 0)
		return 1;
	/* A kernel before 5.16 has to be asked with a socket that nobody
	 * else uses, as what this one has could not be restored. */
	other = rotai_socket_new_of(AF_INET, SOCK_DGRAM);
	if (other < 0)
		return other;
	error = rotai_datagram_set_coalescing(other, 1);
	rotai_fd_close(other);
	return error == 0;
}

int rotai_datagram_report(int fd, int family, unsigned wanted)
{
	struct rotai_socket_change change = { .wanted = 0 };
	int ip6 = family == AF_INET6;
	int coalesces, error;

#define ADD(level, name, report)                                               \
	rotai_socket_change_add(&change, level, name, (wanted & (report)) != 0)
	/* The addresses of IPv4 come in the form of IPv6 to its sockets. */
	if (ip6)
		ADD(IPPROTO_IPV6, IPV6_RECVPKTINFO, ROTAI_REPORT_ADDRESS);
	else
		ADD(IPPROTO_IP, IP_PKTINFO, ROTAI_REPORT_ADDRESS);
	ADD(IPPROTO_IP, IP_RECVTOS, ROTAI_REPORT_ECN);
	ADD(IPPROTO_IP, IP_RECVTTL, ROTAI_REPORT_HOP_LIMIT);
	if (ip6) {
		ADD(IPPROTO_IPV6, IPV6_RECVTCLASS, ROTAI_REPORT_ECN);
		ADD(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, ROTAI_REPORT_HOP_LIMIT);
	}
	ADD(SOL_SOCKET, SO_TIMESTAMPNS, ROTAI_REPORT_TIME);
#undef ADD
	error = rotai_socket_change_make(&change, fd);
	if (error < 0)
		return error;
	coalesces = (wanted & ROTAI_REPORT_COALESCED) != 0;
	error = rotai_datagram_set_coalescing(fd, coalesces);
	if (error == ROTA_ENOTSUP && !coalesces)
		return 0;
	if (error < 0)
		rotai_socket_change_undo(&change, fd);
	return error;
}

int rotai_datagram_keep_errors(int fd, int family, int keep)
{
	struct rotai_socket_change change = { .wanted = 0 };

	rotai_socket_change_add(&change, IPPROTO_IP, IP_RECVERR, keep);
	if (family == AF_INET6)
		rotai_socket_change_add(&change, IPPROTO_IPV6, IPV6_RECVERR,
					keep);
	return rotai_socket_change_make(&change, fd);
}

int rotai_datagram_set_fragments(int fd, int family,
				 enum rota_udp_fragments how)
{
	/* Those of IPv6 have the same numbers. */
	static const int values[] = {
		[ROTA_UDP_FRAGMENT] = IP_PMTUDISC_WANT,
		[ROTA_UDP_NO_FRAGMENTS] = IP_PMTUDISC_DO,
		[ROTA_UDP_PROBE] = IP_PMTUDISC_PROBE,
	};
	struct rotai_socket_change change = { .wanted = 0 };

	rotai_socket_change_add(&change, IPPROTO_IP, IP_MTU_DISCOVER,
				values[how]);
	if (family == AF_INET6)
		rotai_socket_change_add(&change, IPPROTO_IPV6,
					IPV6_MTU_DISCOVER, values[how]);
	return rotai_socket_change_make(&change, fd);
}

int rotai_datagram_path_mtu(int fd, int family)
{
	int mtu;
	socklen_t size = sizeof(mtu);
	int error =
		family == AF_INET6
			? getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &size)
			: getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &size);

	return error < 0 ? -errno : mtu;
}

/* Store what the system says about an error: 1, or 0 as the caller does. */
static int read_error(struct msghdr *head, struct rota_datagram_error *error)
{
	struct cmsghdr *control;
	struct extended_error found;
	const struct sockaddr *from;

	for (control = CMSG_FIRSTHDR(head); control != NULL;
	     control = rotai_control_next(head, control)) {
		int is_ip4 = control->cmsg_level == IPPROTO_IP &&
			     control->cmsg_type == IP_RECVERR;
		int is_ip6 = control->cmsg_level == IPPROTO_IPV6 &&
			     control->cmsg_type == IPV6_RECVERR;

		if (!is_ip4 && !is_ip6)
			continue;
		memcpy(&found, CMSG_DATA(control), sizeof(found));
		if (found.origin != ORIGIN_ICMP && found.origin != ORIGIN_ICMP6)
			return 0; /* (2) */
		error->status = -(int)found.errnum;
		error->type = found.type;
		error->code = found.code;
		if (found.errnum == EMSGSIZE && found.info <= UINT16_MAX)
			error->mtu = (uint16_t)found.info;
		from = (const struct sockaddr *)(const void
							 *)(CMSG_DATA(control) +
							    sizeof(found));
		(void)rota_address_from(&error->from, from,
					from->sa_family == AF_INET6
						? sizeof(struct sockaddr_in6)
						: sizeof(struct sockaddr_in));
		return 1;
	}
	return 0;
}

int rotai_datagram_take_error(int fd, struct rota_datagram_error *error,
			      char *room)
{
	union {
		struct cmsghdr align;
		char bytes[512];
	} control;
	struct iovec part = { room, ROTAI_ERROR_BYTES };
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	memset(error, 0, sizeof(*error));
	do {
		head.msg_name = &error->to.is;
		head.msg_namelen = sizeof(error->to.is);
		head.msg_control = &control;
		head.msg_controllen = sizeof(control);
		n = recvmsg(fd, &head, MSG_ERRQUEUE | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return ROTA_EAGAIN;
	error->to.size = head.msg_namelen;
	if (n > 0) {
		error->data = room;
		error->size = (size_t)n;
	}
	return read_error(&head, error);
}

int rotai_datagram_dropped(int fd, uint64_t *count)
{
	uint32_t words[MEMINFO_WORDS] = { 0 };
	socklen_t size = sizeof(words);

	if (getsockopt(fd, SOL_SOCKET, MEMINFO_OPTION, words, &size) < 0)
		return errno == ENOPROTOOPT ? ROTA_ENOTSUP : -errno;
	if (size < sizeof(words))
		return ROTA_ENOTSUP;
	*count = words[DROPS];
	return 0;
}
