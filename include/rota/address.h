/*
 * rota/address.h - where a socket is: an IP address and a port.
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

/** Bytes that any address takes as text, with its 0. */
enum { ROTA_ADDRESS_TEXT_SIZE = 80 };

/** The address of a socket. */
struct rota_address {
	size_t size; /* of the member that is used, in bytes */
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	} is;
};

/**
 * Set @address to the IP address @ip, of version 4 or 6 as it is written, and
 * @port. A version 6 address may end in % and the name or the number of an
 * interface, as link-local ones need. Host names are not looked up.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @ip is no IP address, or @port is above 65535: @address
 *                       is as it was
 */
int rota_address_ip(struct rota_address *address, const char *ip,
		    unsigned port);

/**
 * Set @address to @from, of @size bytes, as the system gives it.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL        it is too short for its family
 *          ROTA_EAFNOSUPPORT  it is of another family than IP
 */
int rota_address_from(struct rota_address *address, const struct sockaddr *from,
		      size_t size);

/**
 * Give the port of @address.
 *
 * Thread:  any.
 */
unsigned rota_address_port(const struct rota_address *address);

/**
 * Write @address to @text, of @size bytes, as "192.0.2.1:80" or
 * "[2001:db8::1]:80". ROTA_ADDRESS_TEXT_SIZE bytes are enough.
 *
 * Thread:  any.
 * Errors:  ROTA_ENOBUFS  it does not fit: @text is as it was
 *          ROTA_EINVAL   @address is none
 */
int rota_address_text(const struct rota_address *address, char *text,
		      size_t size);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
