/*
 * base/address_text.c - addresses from text and back. Nothing is truncated
 * (D6).
 *
 *  1. What may be a host name is refused with an error of its own, so that a
 *     program can look it up, or say that it must be looked up. As in the URL
 *     standard, a name whose last label is a number is not a host name but a
 *     wrong IPv4 address.
 *  2. A scope that consists of digits is the number of an interface, even if an
 *     interface has that name. So text that has the number is read as the same
 *     address on every machine.
 *  3. Text that is written is printable ASCII. The name of an interface that is
 *     not, or that could end the scope, is replaced by its number.
 */
#include "base/address_text.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "rota/error.h"
#include "rota/interface.h"

enum { HOST_SIZE = 256 }; /* a host name has at most 253 bytes */
enum { LABEL_SIZE = 63 }; /* RFC 1035 */
enum { UNIX_SIZE = 128 }; /* more than any name of a Unix socket has */
enum { ESCAPE_SIZE = 4 }; /* \xNN */

static const char unix_prefix[] = "unix:";

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Return the digit's value, or -1. */
static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80; /* of another script */
}

int rotai_label_is_number(const char *label, size_t size)
{
	int is_hex = size >= 2 && label[0] == '0' &&
		     (label[1] == 'x' || label[1] == 'X');

	for (size_t i = is_hex ? 2 : 0; i < size; i++)
		if (is_hex ? hex_value(label[i]) < 0 : !is_digit(label[i]))
			return 0;
	return 1;
}

static int is_label(const char *label, size_t size)
{
	if (size == 0 || size > LABEL_SIZE || label[0] == '-' ||
	    label[size - 1] == '-')
		return 0;
	for (size_t i = 0; i < size; i++)
		if (!is_digit(label[i]) && !is_letter(label[i]) &&
		    label[i] != '-')
			return 0;
	return 1;
}

/* (1) */
static int is_host_name(const char *text)
{
	for (;;) {
		size_t size = strcspn(text, ".");

		if (!is_label(text, size))
			return 0;
		if (text[size] == 0 || text[size + 1] == 0)
			return !rotai_label_is_number(text, size);
		text += size + 1;
	}
}

/* Read a number of the @size digits: 0; ROTA_EINVAL, if they are none; or
 * ROTA_ERANGE. */
static int read_number(uint32_t *number, const char *digits, size_t size,
		       uint32_t max)
{
	uint64_t value = 0;

	if (size == 0)
		return ROTA_EINVAL;
	for (size_t i = 0; i < size; i++)
		if (!is_digit(digits[i]))
			return ROTA_EINVAL;
	for (size_t i = 0; i < size; i++) {
		value = value * 10 + (unsigned)(digits[i] - '0');
		if (value > max)
			return ROTA_ERANGE;
	}
	*number = (uint32_t)value;
	return 0;
}

/* (2) */
static int read_scope(uint32_t *scope, const char *text)
{
	uint32_t number = 0;

	if (is_digit(*text) && text[strspn(text, "0123456789")] == 0) {
		if (read_number(&number, text, strlen(text), UINT32_MAX) < 0)
			return ROTA_EINVAL;
	} else if (*text != 0) {
		int found = rota_interface_index(text);

		if (found < 0)
			return found;
		number = (uint32_t)found;
	}
	*scope = number;
	return number != 0 ? 0 : ROTA_EINVAL;
}

static int read_ip6(struct sockaddr_in6 *to, const char *ip)
{
	char text[INET6_ADDRSTRLEN];
	size_t length = strcspn(ip, "%");

	if (length >= sizeof(text))
		return ROTA_EINVAL;
	memcpy(text, ip, length);
	text[length] = 0;
	if (inet_pton(AF_INET6, text, &to->sin6_addr) != 1)
		return ROTA_EINVAL;
	return ip[length] == 0
		       ? 0
		       : read_scope(&to->sin6_scope_id, ip + length + 1);
}

int rota_address_ip(struct rota_address *address, const char *ip, unsigned port)
{
	struct rota_address made;
	int error;

	if (ip == NULL || port > UINT16_MAX)
		return ROTA_EINVAL;
	if (strnlen(ip, HOST_SIZE) == HOST_SIZE)
		return ROTA_ENAMETOOLONG;
	memset(&made, 0, sizeof(made));
	if (inet_pton(AF_INET, ip, &made.is.ip4.sin_addr) == 1) {
		made.size = sizeof(made.is.ip4);
		made.is.ip4.sin_family = AF_INET;
	} else {
		memset(&made, 0, sizeof(made));
		error = read_ip6(&made.is.ip6, ip);
		if (error < 0)
			return is_host_name(ip) ? ROTA_ENOTNUMERIC : error;
		made.size = sizeof(made.is.ip6);
		made.is.ip6.sin6_family = AF_INET6;
	}
	(void)rota_address_set_port(&made, port);
	*address = made;
	return 0;
}

/* Read the byte at *@text, which may be escaped, and move on: the byte, or
 * ROTA_EINVAL. */
static int read_byte(const char **text)
{
	const char *at = *text;
	int high, low;

	if (at[0] != '\\') {
		*text += 1;
		return (unsigned char)at[0];
	}
	if (at[1] == '\\') {
		*text += 2;
		return '\\';
	}
	high = at[1] == 'x' ? hex_value(at[2]) : -1;
	low = high < 0 ? -1 : hex_value(at[3]);
	if (low < 0)
		return ROTA_EINVAL;
	*text += ESCAPE_SIZE;
	return high << 4 | low;
}

static int parse_unix(struct rota_address *address, const char *text)
{
	char name[UNIX_SIZE];
	size_t size = 0;

	if (*text == '@') {
		name[size++] = 0;
		text++;
	}
	while (*text != 0) {
		int byte = read_byte(&text);

		if (byte < 0)
			return byte;
		if (size == sizeof(name))
			return ROTA_ENAMETOOLONG;
		if (byte == 0 && size == 0)
			return ROTA_EINVAL; /* a path, not an abstract name */
		name[size++] = (char)byte;
	}
	return rota_address_unix(address, name, size);
}

/* Find the host and the port in @text: *@port is NULL if there is none. Returns
 * 0 or an error. */
static int split(const char *text, const char **host, size_t *host_size,
		 const char **port)
{
	const char *end = strchr(text, ':');

	*host = text;
	*port = NULL;
	if (*text == '[') {
		end = strrchr(text, ']');
		if (end == NULL || (end[1] != 0 && end[1] != ':') ||
		    memchr(text, ':', (size_t)(end - text)) == NULL)
			return ROTA_EINVAL;
		*host = text + 1;
		if (end[1] == ':')
			*port = end + 2;
	} else if (end != NULL && strchr(end + 1, ':') == NULL) {
		*port = end + 1;
	} else {
		end = text + strlen(text);
	}
	*host_size = (size_t)(end - *host);
	return 0;
}

int rota_address_parse(struct rota_address *address, const char *text,
		       unsigned default_port)
{
	struct rota_address made;
	char ip[HOST_SIZE];
	const char *host, *port_text;
	uint32_t port = default_port;
	size_t size;
	int error;

	if (text == NULL || default_port > UINT16_MAX)
		return ROTA_EINVAL;
	if (strncmp(text, unix_prefix, sizeof(unix_prefix) - 1) == 0)
		return parse_unix(address, text + sizeof(unix_prefix) - 1);
	error = split(text, &host, &size, &port_text);
	if (error < 0)
		return error;
	if (size >= sizeof(ip))
		return ROTA_ENAMETOOLONG;
	memcpy(ip, host, size);
	ip[size] = 0;
	error = rota_address_ip(&made, ip, 0);
	if (error == 0 && port_text != NULL)
		error = read_number(&port, port_text, strlen(port_text),
				    UINT16_MAX);
	if (error < 0)
		return error;
	(void)rota_address_set_port(&made, port);
	*address = made;
	return 0;
}

/* (3) */
static int is_plain(char c)
{
	return c > ' ' && c <= '~' && c != '%' && c != ']' && c != '[';
}

/* Write % and the scope to @text, or nothing if there is none. */
static void write_scope(char *text, size_t size, uint32_t scope, unsigned flags)
{
	char name[ROTA_INTERFACE_NAME_SIZE];
	size_t n = 0;

	if (scope == 0) {
		text[0] = 0;
		return;
	}
	if ((flags & ROTA_ADDRESS_SCOPE_NAME) &&
	    rota_interface_name(scope, name, sizeof(name)) == 0)
		while (is_plain(name[n]))
			n++;
	if (n > 0 && name[n] == 0 && strspn(name, "0123456789") < n)
		(void)snprintf(text, size, "%%%s", name);
	else
		(void)snprintf(text, size, "%%%lu", (unsigned long)scope);
}

static size_t write_ip6(char *text, size_t size,
			const struct rota_address *address, unsigned flags)
{
	char ip[INET6_ADDRSTRLEN];
	char scope[ROTA_INTERFACE_NAME_SIZE + 1];

	(void)inet_ntop(AF_INET6, &address->is.ip6.sin6_addr, ip, sizeof(ip));
	write_scope(scope, sizeof(scope), address->is.ip6.sin6_scope_id, flags);
	if (flags & ROTA_ADDRESS_NO_PORT)
		return (size_t)snprintf(text, size, "%s%s", ip, scope);
	return (size_t)snprintf(text, size, "[%s%s]:%u", ip, scope,
				rota_address_port(address));
}

static size_t write_ip4(char *text, size_t size,
			const struct rota_address *address, unsigned flags)
{
	char ip[INET_ADDRSTRLEN];

	(void)inet_ntop(AF_INET, &address->is.ip4.sin_addr, ip, sizeof(ip));
	if (flags & ROTA_ADDRESS_NO_PORT)
		return (size_t)snprintf(text, size, "%s", ip);
	return (size_t)snprintf(text, size, "%s:%u", ip,
				rota_address_port(address));
}

static size_t write_escaped(char *text, char c)
{
	static const char digits[] = "0123456789abcdef";

	text[0] = '\\';
	text[1] = 'x';
	text[2] = digits[(unsigned char)c >> 4];
	text[3] = digits[(unsigned char)c & 15];
	return ESCAPE_SIZE;
}

static size_t write_unix(char *text, const struct rota_address *address)
{
	size_t size, n = sizeof(unix_prefix) - 1, i = 0;
	const char *name = rota_address_unix_name(address, &size);

	memcpy(text, unix_prefix, n);
	if (size > 0 && name[0] == 0) {
		text[n++] = '@';
		i = 1;
	} else if (size > 0 && name[0] == '@') {
		n += write_escaped(text + n, '@');
		i = 1;
	}
	for (; i < size; i++) {
		if (name[i] < ' ' || name[i] > '~') {
			n += write_escaped(text + n, name[i]);
			continue;
		}
		if (name[i] == '\\')
			text[n++] = '\\';
		text[n++] = name[i];
	}
	text[n] = 0;
	return n;
}

int rota_address_text_with(const struct rota_address *address, char *text,
			   size_t size, unsigned flags)
{
	char made[ROTA_ADDRESS_TEXT_SIZE];
	int family = address->size < sizeof(address->is.any.sa_family)
			     ? AF_UNSPEC
			     : address->is.any.sa_family;
	size_t length;

	if (flags & ~((unsigned)ROTA_ADDRESS_SCOPE_NAME | ROTA_ADDRESS_NO_PORT))
		return ROTA_EINVAL;
	if (family == AF_INET)
		length = write_ip4(made, sizeof(made), address, flags);
	else if (family == AF_INET6)
		length = write_ip6(made, sizeof(made), address, flags);
	else if (family == AF_UNIX)
		length = write_unix(made, address);
	else
		return ROTA_EINVAL;
	if (length >= size)
		return ROTA_ENOBUFS;
	memcpy(text, made, length + 1);
	return 0;
}

int rota_address_text(const struct rota_address *address, char *text,
		      size_t size)
{
	return rota_address_text_with(address, text, size, 0);
}
