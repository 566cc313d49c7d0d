/*
 * base/address.c - addresses from the system and for it, compared and sorted
 * into kinds. Nothing is truncated (D6).
 *
 *  1. An address has one form, whatever the system stored: an IP address has
 *     the size of its struct; a path has a byte 0 behind it, which counts, if
 *     there is space for it; and a Unix socket without a name is a family and
 *     nothing else.
 *  2. Names of Unix sockets are checked in base/unix.c, as those of pipes are.
 */
#include "rota/address.h"

#include <stdint.h>
#include <string.h>

#include "base/unix.h"
#include "rota/error.h"

enum { UNIX_NAME_AT = offsetof(struct sockaddr_un, sun_path) };
enum { UNIX_NAME_SPACE = sizeof(((struct sockaddr_un *)0)->sun_path) };

static int family_of(const struct rota_address *address)
{
	return address->size < sizeof(address->is.any.sa_family)
		       ? AF_UNSPEC
		       : address->is.any.sa_family;
}

int rota_address_unix(struct rota_address *address, const char *name,
		      size_t size)
{
	struct rotai_unix_address made;
	int error;

	if (name == NULL && size > 0)
		return ROTA_EINVAL;
	if (size > 0) {
		error = rotai_unix_address_set(&made, name, size);
		if (error < 0)
			return error;
	} else {
		memset(&made, 0, sizeof(made));
		made.un.sun_family = AF_UNIX;
		made.size = UNIX_NAME_AT;
	}
	memset(address, 0, sizeof(*address));
	address->is.un = made.un;
	address->size = made.size;
	return 0;
}

const char *rota_address_unix_name(const struct rota_address *address,
				   size_t *size)
{
	struct rotai_unix_address own = { .size = 0 };

	if (family_of(address) == AF_UNIX) {
		own.size = address->size;
		own.un = address->is.un;
	}
	(void)rotai_unix_address_name(&own, size);
	return address->is.un.sun_path;
}

/* (1) */
static int set_unix(struct rota_address *address, const struct sockaddr *from,
		    size_t size)
{
	struct rotai_unix_address found = { .size = size };
	const char *name;
	size_t name_size;

	if (size > sizeof(found.un)) {
		/* The byte 0 behind a path, or the end of a larger struct. */
		memcpy(&found.un, from, sizeof(found.un));
		if (found.un.sun_path[0] == 0 && rotai_unix_has_abstract)
			return ROTA_ENAMETOOLONG;
		name = (const char *)from + UNIX_NAME_AT;
		if (strnlen(name, size - UNIX_NAME_AT) > UNIX_NAME_SPACE)
			return ROTA_ENAMETOOLONG;
	} else {
		memset(&found.un, 0, sizeof(found.un));
		memcpy(&found.un, from, size);
	}
	name = rotai_unix_address_name(&found, &name_size);
	memset(address, 0, sizeof(*address));
	address->is.un.sun_family = AF_UNIX;
	memcpy(address->is.un.sun_path, name, name_size);
	address->size = UNIX_NAME_AT + name_size;
	if (name_size > 0 && name[0] != 0 && name_size < UNIX_NAME_SPACE)
		address->size++;
	return 0;
}

int rota_address_from(struct rota_address *address, const struct sockaddr *from,
		      size_t size)
{
	size_t needs;

	if (from == NULL ||
	    size < sizeof(from->sa_family) +
			    offsetof(struct sockaddr, sa_family))
		return ROTA_EINVAL;
	if (from->sa_family == AF_UNIX)
		return set_unix(address, from, size);
	if (from->sa_family == AF_INET)
		needs = sizeof(address->is.ip4);
	else if (from->sa_family == AF_INET6)
		needs = sizeof(address->is.ip6);
	else
		return ROTA_EAFNOSUPPORT;
	if (size < needs)
		return ROTA_EINVAL;
	memset(address, 0, sizeof(*address));
	memcpy(&address->is, from, needs);
	address->size = needs;
	return 0;
}

unsigned rota_address_port(const struct rota_address *address)
{
	switch (family_of(address)) {
	case AF_INET:
		return ntohs(address->is.ip4.sin_port);
	case AF_INET6:
		return ntohs(address->is.ip6.sin6_port);
	default:
		return 0;
	}
}

int rota_address_set_port(struct rota_address *address, unsigned port)
{
	int family = family_of(address);

	if (port > UINT16_MAX)
		return ROTA_EINVAL;
	if (family == AF_INET)
		address->is.ip4.sin_port = htons((uint16_t)port);
	else if (family == AF_INET6)
		address->is.ip6.sin6_port = htons((uint16_t)port);
	else
		return ROTA_EINVAL;
	return 0;
}

static int is_same_name(const struct rota_address *a,
			const struct rota_address *b)
{
	size_t a_size, b_size;
	const char *a_name = rota_address_unix_name(a, &a_size);
	const char *b_name = rota_address_unix_name(b, &b_size);

	return a_size > 0 && a_size == b_size &&
	       memcmp(a_name, b_name, a_size) == 0;
}

int rota_address_equal(const struct rota_address *a,
		       const struct rota_address *b)
{
	int family = family_of(a);

	if (family_of(b) != family)
		return 0;
	switch (family) {
	case AF_INET:
		return a->is.ip4.sin_port == b->is.ip4.sin_port &&
		       a->is.ip4.sin_addr.s_addr == b->is.ip4.sin_addr.s_addr;
	case AF_INET6:
		return a->is.ip6.sin6_port == b->is.ip6.sin6_port &&
		       a->is.ip6.sin6_scope_id == b->is.ip6.sin6_scope_id &&
		       memcmp(&a->is.ip6.sin6_addr, &b->is.ip6.sin6_addr,
			      sizeof(a->is.ip6.sin6_addr)) == 0;
	case AF_UNIX:
		return is_same_name(a, b);
	default:
		return 0;
	}
}

int rota_address_is_mapped(const struct rota_address *address)
{
	return family_of(address) == AF_INET6 &&
	       IN6_IS_ADDR_V4MAPPED(&address->is.ip6.sin6_addr);
}

/* Return the IPv4 address in host byte order that *@address is, or that is
 * mapped to it; -1: it is none. */
static int64_t ip4_of(const struct rota_address *address)
{
	uint32_t ip4;

	if (family_of(address) == AF_INET)
		return ntohl(address->is.ip4.sin_addr.s_addr);
	if (!rota_address_is_mapped(address))
		return -1;
	memcpy(&ip4, &address->is.ip6.sin6_addr.s6_addr[12], sizeof(ip4));
	return ntohl(ip4);
}

int rota_address_unmap(struct rota_address *address)
{
	struct rota_address made;

	if (!rota_address_is_mapped(address))
		return 0;
	memset(&made, 0, sizeof(made));
	made.size = sizeof(made.is.ip4);
	made.is.ip4.sin_family = AF_INET;
	made.is.ip4.sin_port = address->is.ip6.sin6_port;
	made.is.ip4.sin_addr.s_addr = htonl((uint32_t)ip4_of(address));
	*address = made;
	return 1;
}

int rota_address_is_loopback(const struct rota_address *address)
{
	int64_t ip4 = ip4_of(address);

	if (ip4 >= 0)
		return ip4 >> 24 == 127;
	return family_of(address) == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&address->is.ip6.sin6_addr);
}

int rota_address_is_any(const struct rota_address *address)
{
	int64_t ip4 = ip4_of(address);

	if (ip4 >= 0)
		return ip4 == 0;
	return family_of(address) == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&address->is.ip6.sin6_addr);
}

int rota_address_is_multicast(const struct rota_address *address)
{
	int64_t ip4 = ip4_of(address);

	if (ip4 >= 0)
		return ip4 >> 28 == 14;
	return family_of(address) == AF_INET6 &&
	       IN6_IS_ADDR_MULTICAST(&address->is.ip6.sin6_addr);
}

int rota_address_is_link_local(const struct rota_address *address)
{
	int64_t ip4 = ip4_of(address);

	if (ip4 >= 0)
		return ip4 >> 16 == (169 << 8 | 254);
	return family_of(address) == AF_INET6 &&
	       IN6_IS_ADDR_LINKLOCAL(&address->is.ip6.sin6_addr);
}
