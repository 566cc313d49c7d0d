/*
 * base/interface.c - the interfaces and their addresses, from getifaddrs(3).
 *
 *  1. getifaddrs(3) lists an interface once for each of its addresses. The
 *     entries are sorted by name, so that those of one interface are together,
 *     and keep their order besides.
 *  2. The list is one block: the interfaces, then the addresses, then the
 *     names.
 *  3. Linux has labels such as "eth0:1" for addresses of eth0. They are not
 *     names of interfaces, and no name has a colon in it.
 *  4. On Linux any interface may have addresses with a peer. For an address
 *     without one, the C libraries store the address itself as that of the
 *     peer, which is also that for broadcasts.
 */
#include "rota/interface.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/interface.h"
#include "rota/error.h"

_Static_assert((int)ROTA_INTERFACE_NAME_SIZE >= (int)IF_NAMESIZE,
	       "every name fits");

/* An entry of the system's list. */
struct found_entry {
	const struct ifaddrs *from;
	size_t name_size; /* without the label (3) */
	size_t place;
};

/* Where the next of each kind is in the block. (2) */
struct made_list {
	struct rota_interface *interface;
	struct rota_interface_address *address;
	char *name;
};

static int is_same_interface(const struct found_entry *a,
			     const struct found_entry *b)
{
	return a->name_size == b->name_size &&
	       memcmp(a->from->ifa_name, b->from->ifa_name, a->name_size) == 0;
}

/* (1) */
static int compare_entries(const void *one, const void *other)
{
	const struct found_entry *a = one, *b = other;
	size_t size = a->name_size < b->name_size ? a->name_size : b->name_size;
	int order = memcmp(a->from->ifa_name, b->from->ifa_name, size);

	if (order != 0)
		return order;
	if (a->name_size != b->name_size)
		return a->name_size < b->name_size ? -1 : 1;
	return a->place < b->place ? -1 : 1;
}

static int compare_interfaces(const void *one, const void *other)
{
	const struct rota_interface *a = one, *b = other;

	return a->index < b->index ? -1 : a->index > b->index;
}

static int has_ip(const struct ifaddrs *from)
{
	return from->ifa_addr != NULL &&
	       (from->ifa_addr->sa_family == AF_INET ||
		from->ifa_addr->sa_family == AF_INET6);
}

static unsigned flags_of(const struct ifaddrs *from)
{
	static const unsigned pairs[][2] = {
		{ IFF_UP, ROTA_INTERFACE_UP },
		{ IFF_RUNNING, ROTA_INTERFACE_RUNNING },
		{ IFF_LOOPBACK, ROTA_INTERFACE_LOOPBACK },
		{ IFF_BROADCAST, ROTA_INTERFACE_BROADCAST },
		{ IFF_MULTICAST, ROTA_INTERFACE_MULTICAST },
		{ IFF_POINTOPOINT, ROTA_INTERFACE_POINT_TO_POINT },
	};
	unsigned flags = 0;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (from->ifa_flags & pairs[i][0])
			flags |= pairs[i][1];
	return flags;
}

/* The size of an address of that family. */
static size_t size_of_family(int family)
{
	return family == AF_INET ? sizeof(struct sockaddr_in)
				 : sizeof(struct sockaddr_in6);
}

/* Read an address whose family is @family, whatever it says itself. */
static void take_address(struct rota_address *to, const struct sockaddr *from,
			 int family)
{
	memset(to, 0, sizeof(*to));
	if (from == NULL)
		return;
	to->size = size_of_family(family);
	memcpy(&to->is, from, rotai_interface_bytes(from, to->size));
	to->is.any.sa_family = (sa_family_t)family;
}

static unsigned bits_of(const struct rota_address *netmask)
{
	const unsigned char *bytes =
		netmask->is.any.sa_family == AF_INET
			? (const unsigned char *)&netmask->is.ip4.sin_addr
			: netmask->is.ip6.sin6_addr.s6_addr;
	unsigned most = netmask->is.any.sa_family == AF_INET ? 32 : 128;
	unsigned n = 0;

	while (n < most && bytes[n / 8] & 128 >> n % 8)
		n++;
	return n;
}

static void fill_address(struct rota_interface_address *to,
			 const struct ifaddrs *from)
{
	int family = from->ifa_addr->sa_family;

	struct rota_address other;

	take_address(&to->address, from->ifa_addr, family);
	take_address(&to->netmask, from->ifa_netmask, family);
	to->prefix = to->netmask.size > 0 ? bits_of(&to->netmask) : 0;
	/* The broadcast address is the same member. */
	take_address(&other, from->ifa_dstaddr, family);
	if (other.size == 0 || rota_address_equal(&other, &to->address))
		return; /* (4) */
	if ((from->ifa_flags & IFF_POINTOPOINT) ||
	    rotai_interface_is_peer(to, &other))
		to->peer = other;
	else if ((from->ifa_flags & IFF_BROADCAST) && family == AF_INET)
		to->broadcast = other;
}

/* Make the interface that the entries from @at to before @end describe. */
static void fill_interface(struct made_list *list, const struct found_entry *at,
			   const struct found_entry *end)
{
	struct rota_interface *to = list->interface++;
	const struct rota_interface_address **next = &to->addresses;

	memcpy(list->name, at->from->ifa_name, at->name_size);
	to->name = list->name; /* the block is all 0, so there is one behind */
	list->name += at->name_size + 1;
	to->flags = flags_of(at->from);
	for (; at < end; at++) {
		rotai_interface_take_link(to, at->from);
		if (!has_ip(at->from))
			continue;
		fill_address(list->address, at->from);
		*next = list->address;
		next = &list->address++->next;
	}
	if (to->index == 0)
		to->index = if_nametoindex(to->name);
}

/* Make the list from the sorted entries: or NULL. */
static struct rota_interface *make_list(const struct found_entry *entries,
					size_t count)
{
	size_t interfaces = 0, addresses = 0, names = 0;
	struct made_list list;
	struct rota_interface *all;

	for (size_t i = 0; i < count; i++) {
		addresses += (size_t)has_ip(entries[i].from);
		if (i > 0 && is_same_interface(&entries[i - 1], &entries[i]))
			continue;
		interfaces++;
		names += entries[i].name_size + 1;
	}
	all = calloc(1, interfaces * sizeof(*list.interface) +
				addresses * sizeof(*list.address) + names);
	if (all == NULL)
		return NULL;
	list.interface = all;
	list.address = (void *)(all + interfaces);
	list.name = (char *)(list.address + addresses);
	for (size_t i = 0, end; i < count; i = end) {
		end = i + 1;
		while (end < count &&
		       is_same_interface(&entries[i], &entries[end]))
			end++;
		fill_interface(&list, &entries[i], &entries[end]);
	}
	qsort(all, interfaces, sizeof(*all), compare_interfaces);
	for (size_t i = 1; i < interfaces; i++)
		all[i - 1].next = &all[i];
	return all;
}

/* The same from those of the system. Returns 0 or an error. */
static int sort_and_make(const struct rota_interface **made,
			 const struct ifaddrs *from)
{
	struct found_entry *entries;
	struct rota_interface *all;
	size_t count = 0;

	for (const struct ifaddrs *at = from; at != NULL; at = at->ifa_next)
		count++;
	*made = NULL;
	if (count == 0)
		return 0;
	entries = malloc(count * sizeof(*entries));
	if (entries == NULL)
		return ROTA_ENOMEM;
	for (size_t i = 0; i < count; i++, from = from->ifa_next)
		entries[i] = (struct found_entry){
			.from = from,
			.name_size = strcspn(from->ifa_name, ":"),
			.place = i,
		};
	qsort(entries, count, sizeof(*entries), compare_entries);
	all = make_list(entries, count);
	free(entries);
	*made = all;
	return all != NULL ? 0 : ROTA_ENOMEM;
}

int rota_interfaces(const struct rota_interface **list)
{
	const struct rota_interface *made;
	struct ifaddrs *from;
	int error;

	if (list == NULL)
		return ROTA_EINVAL;
	if (getifaddrs(&from) < 0)
		return -errno;
	error = sort_and_make(&made, from);
	if (from != NULL)
		freeifaddrs(from);
	if (error == 0)
		*list = made;
	return error;
}

void rota_interfaces_free(const struct rota_interface *list)
{
	free((void *)(uintptr_t)list);
}

/* The error of a search for an interface: what "there is none" is differs. */
static int search_error(void)
{
	return errno == ENXIO || errno == ENODEV || errno == ENOENT ||
			       errno == EINVAL
		       ? ROTA_ENODEV
		       : -errno;
}

int rota_interface_index(const char *name)
{
	unsigned index;

	if (name == NULL)
		return ROTA_EINVAL;
	/* Some C libraries cut names that are too long. */
	if (strnlen(name, IF_NAMESIZE) == IF_NAMESIZE)
		return ROTA_ENODEV;
	errno = ENODEV;
	index = if_nametoindex(name);
	return index > 0 ? (int)index : search_error();
}

int rota_interface_name(unsigned index, char *name, size_t size)
{
	char found[IF_NAMESIZE];
	size_t length;

	errno = ENXIO;
	if (if_indextoname(index, found) == NULL)
		return search_error();
	length = strlen(found);
	if (length >= size)
		return ROTA_ENOBUFS;
	memcpy(name, found, length + 1);
	return 0;
}
