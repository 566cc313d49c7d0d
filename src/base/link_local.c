/*
 * base/link_local.c - see link_local.h.
 *
 * A link-local address (RFC 4007) is unique only on its link. The address is
 * taken to mean
 *
 *  1. the interface that has this very address; or else
 *  2. the interface that has a link-local address; or else
 *  3. the loopback interface that has one, as that of Darwin does;
 *
 * if there is exactly one such interface. If there are more, no interface is
 * better than another, and none is chosen.
 */
#include "base/link_local.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

/* The interfaces that meet one of the conditions. */
struct candidates {
	unsigned index; /* of one of them; 0: there are none */
	int are_many;
};

static void add_candidate(struct candidates *candidates, unsigned index)
{
	if (candidates->index != 0 && candidates->index != index)
		candidates->are_many = 1;
	candidates->index = index;
}

/* Sort the interface of @at into the three kinds. */
static void sort_in(struct candidates kinds[3], const struct ifaddrs *at,
		    const struct in6_addr *wanted)
{
	struct sockaddr_in6 own;
	unsigned index;

	if (at->ifa_addr == NULL || at->ifa_addr->sa_family != AF_INET6 ||
	    !(at->ifa_flags & IFF_UP))
		return;
	memcpy(&own, at->ifa_addr, sizeof(own));
	index = if_nametoindex(at->ifa_name);
	if (!IN6_IS_ADDR_LINKLOCAL(&own.sin6_addr) || index == 0)
		return;
	if (memcmp(&own.sin6_addr, wanted, sizeof(*wanted)) == 0)
		add_candidate(&kinds[0], index);
	add_candidate(&kinds[at->ifa_flags & IFF_LOOPBACK ? 2 : 1], index);
}

/* Return the index of the interface, or 0. */
static unsigned only_interface(const struct in6_addr *wanted)
{
	struct candidates kinds[3] = { 0 };
	struct ifaddrs *all;
	unsigned i;

	if (getifaddrs(&all) < 0)
		return 0;
	for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next)
		sort_in(kinds, at, wanted);
	freeifaddrs(all);
	for (i = 0; i < 2 && kinds[i].index == 0;)
		i++;
	return kinds[i].are_many ? 0 : kinds[i].index;
}

int rotai_link_local_scope(struct sockaddr_in6 *scoped,
			   const struct sockaddr *address, size_t size)
{
	if (address->sa_family != AF_INET6 || size != sizeof(*scoped))
		return 0;
	memcpy(scoped, address, sizeof(*scoped));
	if (!IN6_IS_ADDR_LINKLOCAL(&scoped->sin6_addr) ||
	    scoped->sin6_scope_id != 0)
		return 0;
	scoped->sin6_scope_id = only_interface(&scoped->sin6_addr);
	return scoped->sin6_scope_id != 0;
}
