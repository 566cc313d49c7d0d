/*
 * io/address.c - IP addresses from text and back. Nothing is truncated (D6).
 */
#include "rota/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "rota/error.h"

/* Return the index of the interface with this name or number; 0: there is
 * none. */
static unsigned interface_index(const char *name)
{
	uint64_t index = if_nametoindex(name);

	if (index != 0)
		return (unsigned)index;
	for (; *name >= '0' && *name <= '9'; name++) {
		index = index * 10 + (unsigned)(*name - '0');
		if (index > UINT32_MAX)
			return 0;
	}
	return *name == 0 ? (unsigned)index : 0;
}

static int parse_ip6(struct sockaddr_in6 *to, const char *ip)
{
	char text[INET6_ADDRSTRLEN];
	const char *percent = strchr(ip, '%');
	size_t length = percent != NULL ? (size_t)(percent - ip) : strlen(ip);

	if (length >= sizeof(text))
		return ROTA_EINVAL;
	memcpy(text, ip, length);
	text[length] = 0;
	if (inet_pton(AF_INET6, text, &to->sin6_addr) != 1)
		return ROTA_EINVAL;
	if (percent == NULL)
		return 0;
	to->sin6_scope_id = interface_index(percent + 1);
	return to->sin6_scope_id != 0 ? 0 : ROTA_EINVAL;
}

int rota_address_ip(struct rota_address *address, const char *ip, unsigned port)
{
	struct rota_address made;

	if (ip == NULL || port > UINT16_MAX)
		return ROTA_EINVAL;
	memset(&made, 0, sizeof(made));
	if (inet_pton(AF_INET, ip, &made.is.ip4.sin_addr) == 1) {
		made.size = sizeof(made.is.ip4);
		made.is.ip4.sin_family = AF_INET;
		made.is.ip4.sin_port = htons((uint16_t)port);
	} else {
		memset(&made, 0, sizeof(made));
		if (parse_ip6(&made.is.ip6, ip) < 0)
			return ROTA_EINVAL;
		made.size = sizeof(made.is.ip6);
		made.is.ip6.sin6_family = AF_INET6;
		made.is.ip6.sin6_port = htons((uint16_t)port);
	}
	*address = made;
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
	/* The port has the same offset in both. */
	return ntohs(address->is.ip4.sin_port);
}

int rota_address_text(const struct rota_address *address, char *text,
		      size_t size)
{
	char ip[INET6_ADDRSTRLEN];
	char made[ROTA_ADDRESS_TEXT_SIZE];
	char scope[16] = "";
	int length;

	if (address->is.any.sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &address->is.ip4.sin_addr, ip,
				sizeof(ip));
		length = snprintf(made, sizeof(made), "%s:%u", ip,
				  rota_address_port(address));
	} else if (address->is.any.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &address->is.ip6.sin6_addr, ip,
				sizeof(ip));
		if (address->is.ip6.sin6_scope_id != 0)
			(void)snprintf(scope, sizeof(scope), "%%%u",
				       address->is.ip6.sin6_scope_id);
		length = snprintf(made, sizeof(made), "[%s%s]:%u", ip, scope,
				  rota_address_port(address));
	} else {
		return ROTA_EINVAL;
	}
	if ((size_t)length >= size)
		return ROTA_ENOBUFS;
	memcpy(text, made, (size_t)length + 1);
	return 0;
}
