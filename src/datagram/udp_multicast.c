/*
 * datagram/udp_multicast.c - multicast groups and the senders in them, by the
 * functions of RFC 3678, which are the same for IPv4 and IPv6.
 */
#include <string.h>

#include "datagram/udp.h"

static int is_group(const struct rota_address *address)
{
	if (address->is.any.sa_family == AF_INET)
		return IN_MULTICAST(ntohl(address->is.ip4.sin_addr.s_addr));
	return IN6_IS_ADDR_MULTICAST(&address->is.ip6.sin6_addr);
}

/* Return 0 if the addresses are right. @source may be NULL, if it is not
 * needed. */
static int check_group(const struct rota_udp *udp,
		       const struct rota_address *group,
		       const struct rota_address *source, int needs_source)
{
	int family = rotai_datagram_family(&udp->datagram);

	if (!rotai_udp_is_ip(group) || group->is.any.sa_family != family ||
	    !is_group(group))
		return ROTA_EINVAL;
	if (!needs_source)
		return 0;
	return !rotai_udp_is_ip(source) || source->is.any.sa_family != family
		       ? ROTA_EINVAL
		       : 0;
}

static int level_of(const struct rota_udp *udp)
{
	return rotai_datagram_has(&udp->datagram, ROTAI_DG_IP6) ? IPPROTO_IPV6
								: IPPROTO_IP;
}

static int change_group(struct rota_udp *udp, int option,
			const struct rota_address *group,
			unsigned interface_index)
{
	struct group_req request;
	int error = rotai_udp_may_set(udp);

	if (error == 0)
		error = check_group(udp, group, NULL, 0);
	if (error < 0)
		return error;
	memset(&request, 0, sizeof(request));
	request.gr_interface = interface_index;
	memcpy(&request.gr_group, &group->is, group->size);
	return setsockopt(rotai_udp_fd(udp), level_of(udp), option, &request,
			  sizeof(request)) < 0
		       ? -errno
		       : 0;
}

static int change_source(struct rota_udp *udp, int option,
			 const struct rota_address *group,
			 const struct rota_address *source,
			 unsigned interface_index)
{
	struct group_source_req request;
	int error = rotai_udp_may_set(udp);

	if (error == 0)
		error = check_group(udp, group, source, 1);
	if (error < 0)
		return error;
	memset(&request, 0, sizeof(request));
	request.gsr_interface = interface_index;
	memcpy(&request.gsr_group, &group->is, group->size);
	memcpy(&request.gsr_source, &source->is, source->size);
	return setsockopt(rotai_udp_fd(udp), level_of(udp), option, &request,
			  sizeof(request)) < 0
		       ? -errno
		       : 0;
}

int rota_udp_join(struct rota_udp *udp, const struct rota_address *group,
		  unsigned interface_index)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	return change_group(udp, MCAST_JOIN_GROUP, group, interface_index);
}

int rota_udp_leave(struct rota_udp *udp, const struct rota_address *group,
		   unsigned interface_index)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	return change_group(udp, MCAST_LEAVE_GROUP, group, interface_index);
}

int rota_udp_join_source(struct rota_udp *udp, const struct rota_address *group,
			 const struct rota_address *source,
			 unsigned interface_index)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	return change_source(udp, MCAST_JOIN_SOURCE_GROUP, group, source,
			     interface_index);
}

int rota_udp_leave_source(struct rota_udp *udp,
			  const struct rota_address *group,
			  const struct rota_address *source,
			  unsigned interface_index)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	return change_source(udp, MCAST_LEAVE_SOURCE_GROUP, group, source,
			     interface_index);
}

int rota_udp_block_source(struct rota_udp *udp,
			  const struct rota_address *group,
			  const struct rota_address *source,
			  unsigned interface_index)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	return change_source(udp, MCAST_BLOCK_SOURCE, group, source,
			     interface_index);
}

int rota_udp_unblock_source(struct rota_udp *udp,
			    const struct rota_address *group,
			    const struct rota_address *source,
			    unsigned interface_index)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	return change_source(udp, MCAST_UNBLOCK_SOURCE, group, source,
			     interface_index);
}
