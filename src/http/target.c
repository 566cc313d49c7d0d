/*
 * http/target.c - see rota_http/target.h.
 */
#include "rota_http/target.h"

#include <string.h>

#include "http/scan.h"
#include "http/text.h"
#include "rota/error.h"

enum { LARGEST_PORT = 65535, ADDRESS_SIZE = 64 };

static struct rota_const_buf between(const char *data, const char *end)
{
	return rota_bytes(data, (size_t)(end - data));
}

/* Read the port, which begins with a colon, if there is one. */
static int read_port(struct rota_http_host *host, const char *at,
		     const char *end)
{
	int port = 0;

	host->port = -1;
	if (at == end)
		return 0;
	if (*at++ != ':' || end - at > 5)
		return ROTA_EINVAL;
	if (at == end) /* RFC 3986, 3.2.3: it may be empty */
		return 0;
	for (; at < end; at++) {
		if (!rotai_http_is(*at, ROTAI_HTTP_DIGIT))
			return ROTA_EINVAL;
		port = 10 * port + (*at - '0');
	}
	if (port > LARGEST_PORT)
		return ROTA_EINVAL;
	host->port = port;
	return 0;
}

/* The end of "[address]", without a look at whether it is a good address;
 * NULL if it has other characters than one. */
static const char *skip_address(const char *at, const char *end)
{
	const char *begin = ++at;

	while (at < end &&
	       (rotai_http_is(*at, ROTAI_HTTP_HEX) || *at == ':' || *at == '.'))
		at++;
	if (at == end || *at != ']' || at == begin || at - begin > ADDRESS_SIZE)
		return NULL;
	return at + 1;
}

int rota_http_host_parse(struct rota_http_host *host,
			 struct rota_const_buf text)
{
	const char *at = text.data;
	const char *end;

	host->name = text;
	host->port = -1;
	if (text.size == 0)
		return 0;
	end = at + text.size;
	if (*at == '[')
		at = skip_address(at, end);
	else
		while (at < end && rotai_http_is(*at, ROTAI_HTTP_HOST))
			at++;
	if (at == NULL || (at == text.data && at < end))
		return ROTA_EINVAL;
	host->name = between(text.data, at);
	return read_port(host, at, end);
}

/* Split "/path?query". */
static void read_path(struct rota_http_target *target, const char *at,
		      const char *end)
{
	const char *mark = rotai_http_scan_byte(at, '?', end, end);

	target->path = between(at, mark);
	if (mark < end)
		target->query = between(mark + 1, end);
}

static int read_absolute(struct rota_http_target *target, const char *at,
			 const char *end)
{
	const char *begin = at;

	target->form = ROTA_HTTP_ABSOLUTE_FORM;
	while (at < end && rotai_http_is(*at, ROTAI_HTTP_SCHEME))
		at++;
	target->scheme = between(begin, at);
	if (end - at < 3 || memcmp(at, "://", 3) != 0 ||
	    !rotai_http_is(*begin, ROTAI_HTTP_ALPHA))
		return ROTA_EINVAL;
	begin = at += 3;
	while (at < end && *at != '/' && *at != '?')
		at++;
	target->authority = between(begin, at);
	if (at == begin ||
	    rota_http_host_parse(&target->host, target->authority) < 0)
		return ROTA_EINVAL;
	read_path(target, at, end);
	return 0;
}

int rota_http_target_parse(struct rota_http_target *target,
			   struct rota_const_buf text,
			   enum rota_http_method method)
{
	const char *at = text.data;
	const char *end;

	*target = (struct rota_http_target){ .host.port = -1 };
	if (text.size == 0)
		return ROTA_EINVAL;
	end = at + text.size;
	if (rotai_http_scan_target(at, end) < end)
		return ROTA_EINVAL;
	if (method == ROTA_HTTP_CONNECT) {
		target->form = ROTA_HTTP_AUTHORITY_FORM;
		target->authority = text;
		return rota_http_host_parse(&target->host, text) == 0 &&
				       target->host.port >= 0
			       ? 0
			       : ROTA_EINVAL;
	}
	if (*at == '/') {
		target->form = ROTA_HTTP_ORIGIN_FORM;
		read_path(target, at, end);
		return 0;
	}
	if (*at == '*' && text.size == 1) {
		target->form = ROTA_HTTP_ASTERISK_FORM;
		return method == ROTA_HTTP_OPTIONS ? 0 : ROTA_EINVAL;
	}
	return read_absolute(target, at, end);
}

int rota_http_head_read_target(struct rota_http_target *target,
			       const struct rota_http_head *head)
{
	int error = rota_http_target_parse(target, rota_http_head_target(head),
					   (enum rota_http_method)head->method);

	if (error < 0 || target->authority.data != NULL)
		return error;
	target->authority = rota_http_head_get(head, ROTA_HTTP_NAME_HOST);
	return rota_http_host_parse(&target->host, target->authority);
}

ptrdiff_t rota_http_decode(char *to, size_t size, struct rota_const_buf text)
{
	size_t used = 0;

	for (size_t i = 0; i < text.size; i++) {
		char byte = text.data[i];

		if (byte == '%') {
			if (text.size - i < 3 ||
			    !rotai_http_is(text.data[i + 1], ROTAI_HTTP_HEX) ||
			    !rotai_http_is(text.data[i + 2], ROTAI_HTTP_HEX))
				return ROTA_EINVAL;
			byte = (char)(rotai_http_hex(text.data[i + 1]) << 4 |
				      rotai_http_hex(text.data[i + 2]));
			i += 2;
		}
		if (byte == '\0')
			return ROTA_EINVAL;
		if (used == size)
			return ROTA_EMSGSIZE;
		to[used++] = byte;
	}
	return (ptrdiff_t)used;
}

static int is_of_path(char byte)
{
	return rotai_http_is(byte, ROTAI_HTTP_PLAIN) ||
	       (byte != '\0' && strchr("/!$&'()*+,;=:@", byte) != NULL);
}

ptrdiff_t rota_http_encode(char *to, size_t size, struct rota_const_buf text)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t used = 0;

	for (size_t i = 0; i < text.size; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		size_t need = is_of_path((char)byte) ? 1 : 3;

		if (size - used < need)
			return ROTA_EMSGSIZE;
		if (need == 1) {
			to[used++] = (char)byte;
			continue;
		}
		to[used++] = '%';
		to[used++] = digits[byte >> 4];
		to[used++] = digits[byte & 15];
	}
	return (ptrdiff_t)used;
}
