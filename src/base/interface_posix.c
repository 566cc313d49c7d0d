/*
 * base/interface_posix.c - the link layer of interfaces on the BSDs and macOS,
 * where an address says its length.
 */
#include "base/interface.h"

#include <ifaddrs.h>
#include <net/if_dl.h>
#include <string.h>
#include <sys/socket.h>

#include "rota/interface.h"

void rotai_interface_take_link(struct rota_interface *to,
			       const struct ifaddrs *from)
{
	struct sockaddr_dl link;
	size_t at = offsetof(struct sockaddr_dl, sdl_data);

	if (from->ifa_addr == NULL || from->ifa_addr->sa_family != AF_LINK ||
	    from->ifa_addr->sa_len < at)
		return;
	memcpy(&link, from->ifa_addr, at);
	if (link.sdl_index > 0)
		to->index = link.sdl_index;
	at += link.sdl_nlen;
	if (link.sdl_alen > sizeof(to->hardware) ||
	    at + link.sdl_alen > from->ifa_addr->sa_len)
		return;
	to->hardware_size = link.sdl_alen;
	memcpy(to->hardware, (const char *)from->ifa_addr + at, link.sdl_alen);
}

int rotai_interface_is_peer(const struct rota_interface_address *at,
			    const struct rota_address *other)
{
	(void)at;
	(void)other;
	return 0;
}

size_t rotai_interface_bytes(const struct sockaddr *address, size_t most)
{
	return address->sa_len < most ? address->sa_len : most;
}
