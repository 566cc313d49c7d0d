/*
 * http/address.c - see address.h.
 *
 *  1. rota_address_ip() also takes a scope, which is a name of an interface of
 *     this machine: a peer cannot mean one. So the characters are checked
 *     before.
 */
#include "http/address.h"

#include <string.h>

#include "http/text.h"
#include "rota/error.h"

/* The longest text of an IPv6 address, and a 0 behind it. */
enum { IP_SIZE = 46 };

static int read_plain_ip(struct rota_address *address,
			 struct rota_const_buf text, int is_ip6)
{
	char copy[IP_SIZE];

	if (text.size == 0 || text.size >= sizeof(copy))
		return ROTA_EINVAL;
	for (size_t i = 0; i < text.size; i++) {
		char byte = text.data[i];

		if (byte != '.' &&
		    !rotai_http_is(byte, is_ip6 ? ROTAI_HTTP_HEX
						: ROTAI_HTTP_DIGIT) &&
		    (byte != ':' || !is_ip6))
			return ROTA_EINVAL;
		copy[i] = byte;
	}
	copy[text.size] = '\0';
	if (is_ip6 && memchr(copy, ':', text.size) == NULL)
		return ROTA_EINVAL;
	return rota_address_ip(address, copy, 0) == 0 ? 0 : ROTA_EINVAL;
}

int rotai_http_read_ip4(struct rota_address *address,
			struct rota_const_buf text)
{
	return read_plain_ip(address, text, 0);
}

int rotai_http_read_ip6(struct rota_address *address,
			struct rota_const_buf text)
{
	return read_plain_ip(address, text, 1);
}

int rotai_http_read_decimal(struct rota_const_buf text, int most)
{
	int number = 0;

	if (text.size == 0 || text.size > 5 ||
	    (text.data[0] == '0' && text.size > 1))
		return -1;
	for (size_t i = 0; i < text.size; i++) {
		if (!rotai_http_is(text.data[i], ROTAI_HTTP_DIGIT))
			return -1;
		number = 10 * number + (text.data[i] - '0');
	}
	return number <= most ? number : -1;
}
