/*
 * rota/address.h - the address of a socket: an IP address and a port.
 */
#ifndef ROTA_ADDRESS_H
#define ROTA_ADDRESS_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Enough bytes for any address as text, its terminating 0 included. */
enum { ROTA_ADDRESS_TEXT_SIZE = 80 };

/**
 * The address of an IPv4 or IPv6 socket, as the system's calls take it. It
 * holds no pointers and may be copied.
 */
struct rota_address {
	size_t size; /* of the member in use, in bytes */
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	} is;
};

/**
 * Set *@address to the IP address @ip and the port @port, which is in host byte
 * order. @ip is the text of an IPv4 or IPv6 address, as inet_pton(3) reads it.
 * An IPv6 address may end in % and the name or number of an interface
 * (RFC 4007), which link-local addresses need. Host names are not looked up.
 * Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @ip is NULL or no IP address, or @port is above 65535:
 *                       *@address is unchanged
 */
int rota_address_ip(struct rota_address *address, const char *ip,
		    unsigned port);

/**
 * Set *@address to the address of @size bytes at @from, as the system stores
 * it: see accept(2) and getsockname(2). Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL        @from is NULL, or @size is too small for the
 *                             family of the address
 *          ROTA_EAFNOSUPPORT  the family is neither IPv4 nor IPv6
 *          After either *@address is unchanged.
 */
int rota_address_from(struct rota_address *address, const struct sockaddr *from,
		      size_t size);

/**
 * Return the port of *@address, in host byte order.
 *
 * Thread:  any.
 */
unsigned rota_address_port(const struct rota_address *address);

/**
 * Write *@address as text to @text, which has room for @size bytes:
 * "192.0.2.1:80" or "[2001:db8::1]:80" (RFC 5952, section 6), with a
 * terminating 0. ROTA_ADDRESS_TEXT_SIZE bytes are always enough. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_ENOBUFS  the text does not fit
 *          ROTA_EINVAL   *@address is neither an IPv4 nor an IPv6 address
 *          After either the memory at @text is unchanged.
 */
int rota_address_text(const struct rota_address *address, char *text,
		      size_t size);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
