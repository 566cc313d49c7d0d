/*
 * rota_http/forwarded.h - who has sent a request that came through proxies: the
 * fields Forwarded (RFC 7239) and X-Forwarded-For.
 *
 * Anybody may send these fields. What they say counts as far as it comes from
 * proxies that are trusted.
 */
#ifndef ROTA_HTTP_FORWARDED_H
#define ROTA_HTTP_FORWARDED_H

#include <stddef.h>
#include <stdint.h>

#include "rota_http/head.h"
#include "rota_http/network.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** How many trusted proxies a request may have come through. */
enum { ROTA_HTTP_MOST_HOPS = 32 };

/** Which fields the proxies set. One kind alone is read: a proxy that sets one
 * of them may leave the other one as the client has sent it. */
enum rota_http_forwarding {
	ROTA_HTTP_NOT_FORWARDED, /* none is read */

	/** Forwarded, with for, proto and host. */
	ROTA_HTTP_FORWARDED,

	/** X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host. All
	 * proxies must set the last two, or remove them. */
	ROTA_HTTP_X_FORWARDED,
};

/** Which proxies are trusted. All zero, none is. */
struct rota_http_trust {
	struct rota_http_networks hops; /* of proxies */
	enum rota_http_forwarding forwarding;
};

/** Who has sent a request, and what it has asked for. */
struct rota_http_client {
	/** Its address; the port is 0 if it is not known. The size is 0 if the
	 * address is not known: such an address is in no network. */
	struct rota_address address;

	/** The scheme and the host of the request, as the first trusted proxy
	 * has seen them. Without data: nobody has said so. */
	struct rota_const_buf scheme;
	struct rota_const_buf host;

	/** How many addresses were taken from the fields. */
	uint8_t hops;
};

/**
 * Store in *@client who has sent the request @head, which @peer has handed
 * over. If @peer is trusted, the last address of the fields is its client; if
 * that is trusted too, the address before it, and so on. Returns 0. The client
 * is not known if a trusted proxy says so, by "unknown" or a name of its own.
 *
 * Thread:  any.
 * Owner:   scheme and host are parts of the bytes of @head.
 * Errors:  ROTA_EINVAL  what a trusted proxy says is malformed, or there are
 *                       more than ROTA_HTTP_MOST_HOPS. *@client has no address,
 *                       scheme and host: a malformed field never makes it a
 *                       trusted one
 */
int rota_http_client_find(struct rota_http_client *client,
			  const struct rota_http_head *head,
			  const struct rota_address *peer,
			  const struct rota_http_trust *trust);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
