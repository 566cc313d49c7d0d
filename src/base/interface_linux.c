/*
 * base/interface_linux.c - the link layer of interfaces: packet(7).
 */
#include "base/interface.h"

#include <ifaddrs.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>

#include "rota/interface.h"

void rotai_interface_take_link(struct rota_interface *to,
			       const struct ifaddrs *from)
{
	struct sockaddr_ll link;
	size_t at = offsetof(struct sockaddr_ll, sll_addr);

	if (from->ifa_addr == NULL || from->ifa_addr->sa_family != AF_PACKET)
		return;
	memcpy(&link, from->ifa_addr, sizeof(link));
	if (link.sll_ifindex > 0)
		to->index = (unsigned)link.sll_ifindex;
	/* The C libraries leave space for 24 bytes: InfiniBand has 20. Loopback
	 * has six bytes 0, which are no address. */
	if (link.sll_halen > 24 || (to->flags & ROTA_INTERFACE_LOOPBACK))
		return;
	to->hardware_size = link.sll_halen;
	memcpy(to->hardware, (const char *)from->ifa_addr + at, link.sll_halen);
}

/* getifaddrs(3) does not say which of the two it is. A network has a broadcast
 * address if it has more than two addresses: the bits of the host are all 1, or
 * all 0 (RFC 1122, section 3.3.6). */
int rotai_interface_is_peer(const struct rota_interface_address *at,
			    const struct rota_address *other)
{
	uint32_t own, mask, all;

	if (other->is.any.sa_family != AF_INET)
		return 1;
	own = at->address.is.ip4.sin_addr.s_addr;
	mask = at->netmask.is.ip4.sin_addr.s_addr;
	all = other->is.ip4.sin_addr.s_addr;
	return all != INADDR_BROADCAST &&
	       (at->prefix > 30 ||
		(all != (own | ~mask) && all != (own & mask)));
}

size_t rotai_interface_bytes(const struct sockaddr *address, size_t most)
{
	(void)address;
	return most;
}
