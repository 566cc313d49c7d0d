/*
 * rota_http/proxy_header.h - the header that a proxy sends before the bytes of
 * its client, to say who the client is: the PROXY protocol of HAProxy, versions
 * 1 and 2.
 *
 * Whether a header comes must be known before, by the address of the peer: a
 * client that may send one can claim any address. So a server has a list of
 * networks whose peers always send one, and all others never do.
 */
#ifndef ROTA_HTTP_PROXY_HEADER_H
#define ROTA_HTTP_PROXY_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "rota/address.h"
#include "rota/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

enum {
	/** Bytes of a header without extensions, at most: 16, and two names of
	 * Unix sockets of 108. */
	ROTA_HTTP_PROXY_HEADER_SIZE = 232,

	/** How many bytes of extensions (TLV) are skipped, by default. */
	ROTA_HTTP_PROXY_EXTENSION_SIZE = 4096,
};

/**
 * Reads a header.
 *
 * Owner:   the caller. Nothing is to be freed.
 */
struct rota_http_proxy_header {
	/** The client, and the address that it has connected to, once the
	 * header is complete. Their size is 0 if the header has none: then the
	 * addresses of the connection itself count. So it is for connections of
	 * the proxy's own (LOCAL), such as checks of health, and if the proxy
	 * does not know the client (UNKNOWN, UNSPEC). */
	struct rota_address source;
	struct rota_address destination;

	uint8_t version; /* 1 or 2 */

	struct {
		uint8_t refusal;
		uint8_t state;
		uint16_t size;         /* of what is in @bytes */
		uint32_t left;         /* to be skipped */
		uint32_t most_skipped; /* the limit */
		char bytes[ROTA_HTTP_PROXY_HEADER_SIZE];
	} internal; /* private to the library: do not read or write */
};

/**
 * Begin to read a header, with at most @extension_size bytes of extensions.
 *
 * Thread:  any.
 */
void rota_http_proxy_header_init(struct rota_http_proxy_header *header,
				 uint32_t extension_size);

/**
 * Read the next @bytes of a connection. *@used is how many of them belong to
 * the header. Returns 1 if the header is complete, with the bytes behind it
 * being the client's; or 0 if more bytes are needed. The result is the same
 * however the bytes are cut. See
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt.
 *
 * Extensions are skipped. After the header is complete, the call returns 1 and
 * uses nothing.
 *
 * Thread:  any.
 * Errors:  ROTA_EPROTO  this is no header, or a malformed one, or its
 *                       extensions are beyond the limit: the connection must be
 *                       closed. Later calls return the same
 */
int rota_http_proxy_header_feed(struct rota_http_proxy_header *header,
				struct rota_const_buf bytes, size_t *used);

/**
 * Return why the header was refused, as a sentence in English without a period;
 * NULL if it was not.
 *
 * Thread:  any.
 */
const char *
rota_http_proxy_header_refusal(const struct rota_http_proxy_header *header);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
