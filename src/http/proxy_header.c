/*
 * http/proxy_header.c - see rota_http/proxy_header.h.
 *
 *  1. Each byte is looked at once, and one after another, so the result does
 *     not depend on how they are cut. A wrong byte of the signature is refused
 *     at once: no peer waits for a deadline because it speaks another protocol.
 *  2. What is needed is gathered in the struct. Extensions are not: they are
 *     skipped as they come.
 *  3. Addresses of datagrams are refused. To take the proxy's own address
 *     instead would give the client what the proxy may do.
 */
#include "rota_http/proxy_header.h"

#include <string.h>

#include "http/address.h"
#include "rota/error.h"

enum header_state { BEGIN, TEXT_LINE, BINARY, ADDRESSES, EXTENSIONS, DONE };

enum {
	LINE_SIZE = 107,      /* of version 1, with its end */
	FIXED_SIZE = 16,      /* of version 2, before the addresses */
	UNIX_NAME_SIZE = 108, /* of a name */
	HIGHEST_PORT = 65535,
};

/* The parts of the fixed bytes of version 2. */
enum { AT_COMMAND = 12, AT_FAMILY = 13, AT_LENGTH = 14 };

enum { LOCAL = 0x20, PROXY = 0x21 };
enum { UNSPEC = 0x00, TCP4 = 0x11, TCP6 = 0x21, UNIX = 0x31 };

enum header_refusal {
	FINE,
	NO_SIGNATURE,
	LONG_LINE,
	BAD_LINE_END,
	BAD_LINE,
	BAD_COMMAND,
	BAD_FAMILY,
	SHORT_ADDRESSES,
	LONG_EXTENSIONS,
};

static const char *const texts[] = {
	[NO_SIGNATURE] = "the connection does not begin with a PROXY header",
	[LONG_LINE] = "the PROXY line is longer than 107 bytes",
	[BAD_LINE_END] = "the PROXY line does not end with CR LF",
	[BAD_LINE] = "the PROXY line is malformed",
	[BAD_COMMAND] = "the PROXY header has an unknown version or command",
	[BAD_FAMILY] = "the PROXY header is not of a stream connection",
	[SHORT_ADDRESSES] = "the PROXY header is too short for its addresses",
	[LONG_EXTENSIONS] = "the extensions of the PROXY header are too long",
};

static const char signature_1[] = "PROXY ";
static const char signature_2[] = "\r\n\r\n\0\r\nQUIT\n";

/* Sizes without the 0 of the strings. */
enum {
	SIGNATURE_1_SIZE = sizeof(signature_1) - 1,
	SIGNATURE_2_SIZE = sizeof(signature_2) - 1,
};

/* Cut the next word off @line. Exactly one space is between words. */
static struct rota_const_buf cut_word(struct rota_const_buf *line)
{
	const char *space = memchr(line->data, ' ', line->size);
	struct rota_const_buf word = *line;

	if (space == NULL) {
		*line = rota_bytes(line->data + line->size, 0);
		return word;
	}
	word.size = (size_t)(space - line->data);
	*line = rota_bytes(space + 1, line->size - word.size - 1);
	return word;
}

static int is_text(struct rota_const_buf word, const char *text)
{
	return word.size == strlen(text) &&
	       memcmp(word.data, text, word.size) == 0;
}

static enum header_refusal read_endpoints(struct rota_http_proxy_header *header,
					  struct rota_const_buf line,
					  int is_ip6)
{
	int (*read)(struct rota_address *, struct rota_const_buf) =
		is_ip6 ? rotai_http_read_ip6 : rotai_http_read_ip4;
	struct rota_address source, destination;
	int ports[2];

	if (read(&source, cut_word(&line)) < 0 ||
	    read(&destination, cut_word(&line)) < 0)
		return BAD_LINE;
	ports[0] = rotai_http_read_decimal(cut_word(&line), HIGHEST_PORT);
	ports[1] = rotai_http_read_decimal(line, HIGHEST_PORT);
	if (ports[0] < 0 || ports[1] < 0)
		return BAD_LINE;
	(void)rota_address_set_port(&source, (unsigned)ports[0]);
	(void)rota_address_set_port(&destination, (unsigned)ports[1]);
	header->source = source;
	header->destination = destination;
	return FINE;
}

/* Read the line, which is complete. */
static enum header_refusal read_line(struct rota_http_proxy_header *header)
{
	struct rota_const_buf line =
		rota_bytes(header->internal.bytes + SIGNATURE_1_SIZE,
			   header->internal.size - SIGNATURE_1_SIZE - 2U);
	struct rota_const_buf word = cut_word(&line);

	if (is_text(word, "UNKNOWN")) /* what follows does not matter */
		return FINE;
	if (!is_text(word, "TCP4") && !is_text(word, "TCP6"))
		return BAD_LINE;
	return read_endpoints(header, line, is_text(word, "TCP6"));
}

static enum header_refusal take_of_line(struct rota_http_proxy_header *header)
{
	size_t size = header->internal.size;
	const char *bytes = header->internal.bytes;
	int is_end = bytes[size - 1] == '\n';

	if (is_end != (bytes[size - 2] == '\r'))
		return BAD_LINE_END;
	if (is_end) {
		header->internal.state = DONE;
		return read_line(header);
	}
	return size < LINE_SIZE ? FINE : LONG_LINE;
}

static uint8_t fixed_byte(const struct rota_http_proxy_header *header,
			  size_t at)
{
	return (uint8_t)header->internal.bytes[at];
}

/* How many bytes the addresses have; 0 if none count. */
static uint32_t size_of_addresses(const struct rota_http_proxy_header *header)
{
	if (fixed_byte(header, AT_COMMAND) == LOCAL)
		return 0;
	switch (fixed_byte(header, AT_FAMILY)) {
	case TCP4:
		return 2 * (4 + 2);
	case TCP6:
		return 2 * (16 + 2);
	case UNIX:
		return 2 * UNIX_NAME_SIZE;
	default:
		return 0;
	}
}

static void store_ip(struct rota_address *address, const char *ip, size_t size,
		     const char *port)
{
	memset(address, 0, sizeof(*address));
	if (size == 4) {
		struct sockaddr_in from = { .sin_family = AF_INET };

		memcpy(&from.sin_addr, ip, 4);
		memcpy(&from.sin_port, port, 2);
		(void)rota_address_from(address, (const struct sockaddr *)&from,
					sizeof(from));
	} else {
		struct sockaddr_in6 from = { .sin6_family = AF_INET6 };

		memcpy(&from.sin6_addr, ip, 16);
		memcpy(&from.sin6_port, port, 2);
		(void)rota_address_from(address, (const struct sockaddr *)&from,
					sizeof(from));
	}
}

/* Store the name of a Unix socket. One that this system cannot have, such as
 * one that is too long, counts as no name. */
static void store_unix(struct rota_address *address, const char *name)
{
	size_t size = UNIX_NAME_SIZE;

	if (name[0] != '\0')
		size = strnlen(name, UNIX_NAME_SIZE);
	else
		while (size > 0 && name[size - 1] == '\0')
			size--;
	if (rota_address_unix(address, name, size) < 0)
		(void)rota_address_unix(address, NULL, 0);
}

static void store_addresses(struct rota_http_proxy_header *header)
{
	const char *at = header->internal.bytes + FIXED_SIZE;
	size_t size = fixed_byte(header, AT_FAMILY) == TCP4 ? 4 : 16;

	if (header->internal.size == FIXED_SIZE)
		return;
	if (fixed_byte(header, AT_FAMILY) == UNIX) {
		store_unix(&header->source, at);
		store_unix(&header->destination, at + UNIX_NAME_SIZE);
		return;
	}
	store_ip(&header->source, at, size, at + 2 * size);
	store_ip(&header->destination, at + size, size, at + 2 * size + 2);
}

/* Go on if the addresses are complete. */
static void pass_addresses(struct rota_http_proxy_header *header)
{
	if (header->internal.size < FIXED_SIZE + size_of_addresses(header))
		return;
	store_addresses(header);
	header->internal.state = header->internal.left > 0 ? EXTENSIONS : DONE;
}

/* Read the fixed bytes, which are complete. */
static enum header_refusal
read_fixed_bytes(struct rota_http_proxy_header *header)
{
	uint8_t command = fixed_byte(header, AT_COMMAND);
	uint8_t family = fixed_byte(header, AT_FAMILY);
	uint32_t length = (uint32_t)fixed_byte(header, AT_LENGTH) << 8 |
			  fixed_byte(header, AT_LENGTH + 1);
	uint32_t addresses = size_of_addresses(header);

	if (command != LOCAL && command != PROXY)
		return BAD_COMMAND;
	if (command == PROXY && addresses == 0 && family != UNSPEC)
		return BAD_FAMILY; /* (3) */
	if (length < addresses)
		return SHORT_ADDRESSES;
	header->internal.left = length - addresses;
	if (header->internal.left > header->internal.most_skipped)
		return LONG_EXTENSIONS;
	header->internal.state = ADDRESSES;
	pass_addresses(header);
	return FINE;
}

static enum header_refusal
take_of_signature(struct rota_http_proxy_header *header)
{
	int is_2 = header->internal.bytes[0] == signature_2[0];
	const char *signature = is_2 ? signature_2 : signature_1;
	size_t whole = is_2 ? SIGNATURE_2_SIZE : SIGNATURE_1_SIZE;
	size_t last = header->internal.size - 1U;

	if (header->internal.bytes[last] != signature[last])
		return NO_SIGNATURE;
	if (header->internal.size == whole) {
		header->version = is_2 ? 2 : 1;
		header->internal.state = is_2 ? BINARY : TEXT_LINE;
	}
	return FINE;
}

/* Take one more byte (1). */
static enum header_refusal take(struct rota_http_proxy_header *header,
				char byte)
{
	header->internal.bytes[header->internal.size++] = byte;
	switch (header->internal.state) {
	case BEGIN:
		return take_of_signature(header);
	case TEXT_LINE:
		return take_of_line(header);
	case BINARY:
		return header->internal.size < FIXED_SIZE
			       ? FINE
			       : read_fixed_bytes(header);
	default:
		pass_addresses(header);
		return FINE;
	}
}

/* Skip extensions. Returns how many bytes (2). */
static size_t skip_extensions(struct rota_http_proxy_header *header,
			      size_t size)
{
	if (size > header->internal.left)
		size = header->internal.left;
	header->internal.left -= (uint32_t)size;
	if (header->internal.left == 0)
		header->internal.state = DONE;
	return size;
}

void rota_http_proxy_header_init(struct rota_http_proxy_header *header,
				 uint32_t extension_size)
{
	memset(header, 0, sizeof(*header));
	header->internal.most_skipped = extension_size;
}

int rota_http_proxy_header_feed(struct rota_http_proxy_header *header,
				struct rota_const_buf bytes, size_t *used)
{
	size_t at = 0;

	*used = 0;
	while (at < bytes.size && header->internal.refusal == FINE &&
	       header->internal.state != DONE) {
		if (header->internal.state == EXTENSIONS)
			at += skip_extensions(header, bytes.size - at);
		else
			header->internal.refusal =
				(uint8_t)take(header, bytes.data[at++]);
	}
	if (header->internal.refusal != FINE)
		return ROTA_EPROTO;
	*used = at;
	return header->internal.state == DONE;
}

const char *
rota_http_proxy_header_refusal(const struct rota_http_proxy_header *header)
{
	return texts[header->internal.refusal];
}
