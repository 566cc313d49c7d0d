/*
 * http/address.h - IP addresses in what peers send, read without a look at the
 * system.
 */
#ifndef ROTAI_HTTP_ADDRESS_H
#define ROTAI_HTTP_ADDRESS_H

#include "rota/address.h"
#include "rota/buf.h"

/* Set *@address to the IPv4 address @text, with port 0. Returns 0 or
 * ROTA_EINVAL, after which *@address is unchanged. */
int rotai_http_read_ip4(struct rota_address *address,
			struct rota_const_buf text);

/* The same for an IPv6 address, without brackets or scope. */
int rotai_http_read_ip6(struct rota_address *address,
			struct rota_const_buf text);

/* Read a decimal number up to @most, without zeros in front. Returns it, or
 * -1. */
int rotai_http_read_decimal(struct rota_const_buf text, int most);

#endif
