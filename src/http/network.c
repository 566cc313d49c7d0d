/*
 * http/network.c - see rota_http/network.h.
 *
 *  1. A network of IPv6 contains no IPv4 address, mapped or not: "::/0" trusts
 *     no IPv4 peer. Only a network within ::ffff:0:0/96 is about IPv4, and is
 *     stored as such.
 */
#include "rota_http/network.h"

#include <string.h>

#include "http/address.h"
#include "http/text.h"
#include "rota/error.h"

enum { BITS_OF_IP4 = 32, BITS_OF_IP6 = 128, BITS_OF_MAPPED = 96 };

/* Store the address in @network. Returns how many bits it has. */
static int store_bytes(struct rota_http_network *network,
		       const struct rota_address *address)
{
	if (address->is.any.sa_family == AF_INET) {
		network->kind = ROTA_HTTP_NETWORK_IP4;
		memcpy(network->bytes, &address->is.ip4.sin_addr, 4);
		return BITS_OF_IP4;
	}
	network->kind = ROTA_HTTP_NETWORK_IP6;
	memcpy(network->bytes, &address->is.ip6.sin6_addr, 16);
	return BITS_OF_IP6;
}

/* Whether the bits of @a and @b are equal, the first @bits of them. */
static int is_same_up_to(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8;
	unsigned rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return 0;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

/* Whether no bit behind those that count is set. */
static int is_begin(const struct rota_http_network *network)
{
	for (unsigned bit = network->bits; bit < BITS_OF_IP6; bit++)
		if (network->bytes[bit / 8] & 0x80U >> bit % 8)
			return 0;
	return 1;
}

/* Turn a network of mapped addresses to one of IPv4 (1). */
static void unmap_network(struct rota_http_network *network,
			  struct rota_address *address)
{
	if (network->bits < BITS_OF_MAPPED || !rota_address_unmap(address))
		return;
	memset(network->bytes, 0, sizeof(network->bytes));
	(void)store_bytes(network, address);
	network->bits = (uint8_t)(network->bits - BITS_OF_MAPPED);
}

int rota_http_network_parse(struct rota_http_network *network,
			    struct rota_const_buf text)
{
	struct rota_http_network parsed = { .kind = ROTA_HTTP_NETWORK_UNIX };
	struct rota_const_buf ip = text;
	struct rota_address address;
	const char *slash;
	int bits;

	if (text.size == 0)
		return ROTA_EINVAL;
	if (rotai_http_is_word(text.data, text.size, "unix")) {
		*network = parsed;
		return 0;
	}
	slash = memchr(text.data, '/', text.size);
	if (slash != NULL)
		ip.size = (size_t)(slash - text.data);
	if (rotai_http_read_ip4(&address, ip) < 0 &&
	    rotai_http_read_ip6(&address, ip) < 0)
		return ROTA_EINVAL;
	bits = store_bytes(&parsed, &address);
	if (slash != NULL)
		bits = rotai_http_read_decimal(
			rota_bytes(slash + 1, text.size - ip.size - 1), bits);
	if (bits < 0)
		return ROTA_EINVAL;
	parsed.bits = (uint8_t)bits;
	if (!is_begin(&parsed))
		return ROTA_EINVAL;
	if (parsed.kind == ROTA_HTTP_NETWORK_IP6)
		unmap_network(&parsed, &address);
	*network = parsed;
	return 0;
}

int rota_http_network_has(const struct rota_http_network *network,
			  const struct rota_address *address)
{
	struct rota_http_network other = { 0 };
	struct rota_address unmapped = *address;

	if (address->size == 0)
		return 0;
	if (address->is.any.sa_family == AF_UNIX)
		return network->kind == ROTA_HTTP_NETWORK_UNIX;
	if (network->kind != ROTA_HTTP_NETWORK_IP4 &&
	    network->kind != ROTA_HTTP_NETWORK_IP6)
		return 0;
	(void)rota_address_unmap(&unmapped);
	(void)store_bytes(&other, &unmapped);
	return other.kind == network->kind &&
	       is_same_up_to(other.bytes, network->bytes, network->bits);
}

int rota_http_networks_have(const struct rota_http_networks *networks,
			    const struct rota_address *address)
{
	if (networks != NULL)
		for (size_t i = 0; i < networks->count; i++)
			if (rota_http_network_has(&networks->list[i], address))
				return 1;
	return 0;
}
