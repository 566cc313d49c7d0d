/*
 * rota_http/network.h - networks of IP addresses, for lists of peers that are
 * trusted: "10.0.0.0/8".
 *
 * All functions are pure: they allocate nothing and keep nothing.
 */
#ifndef ROTA_HTTP_NETWORK_H
#define ROTA_HTTP_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "rota/address.h"
#include "rota/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** What addresses a struct rota_http_network contains. */
enum rota_http_network_kind {
	ROTA_HTTP_NETWORK_NONE, /* none: all zero */
	ROTA_HTTP_NETWORK_IP4,
	ROTA_HTTP_NETWORK_IP6,
	ROTA_HTTP_NETWORK_UNIX, /* all Unix sockets */
};

/** A network. Set it by rota_http_network_parse(). It may be copied. */
struct rota_http_network {
	uint8_t bytes[16]; /* of the address; IPv4 has the first 4 */
	uint8_t bits;      /* how many of them count */
	uint8_t kind;      /* of enum rota_http_network_kind */
};

/** A list of networks, of the caller's. All zero, it contains no address. */
struct rota_http_networks {
	const struct rota_http_network *list;
	size_t count;
};

/**
 * Set *@network to the one that @text describes: an IP address, or an IP
 * address, a slash and the number of bits that count, or "unix", which is all
 * Unix sockets. Networks of IPv4 addresses that are mapped to IPv6
 * (::ffff:0:0/96 and within) are networks of IPv4. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  it is none of these; or there are more bits than the
 *                       address has; or a bit behind them is set, as in
 *                       10.0.0.1/8; or the address has a scope. *@network is
 *                       unchanged
 */
int rota_http_network_parse(struct rota_http_network *network,
			    struct rota_const_buf text);

/**
 * Return 1 if *@network contains *@address, else 0. An IPv4 address that is
 * mapped to IPv6 counts as IPv4. An address of size 0 is in no network.
 *
 * Thread:  any.
 */
int rota_http_network_has(const struct rota_http_network *network,
			  const struct rota_address *address);

/**
 * Return 1 if one of the @networks contains *@address, else 0. @networks may be
 * NULL: then none does.
 *
 * Thread:  any.
 */
int rota_http_networks_have(const struct rota_http_networks *networks,
			    const struct rota_address *address);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
