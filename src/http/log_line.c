/*
 * http/log_line.c - the lines of a log: see rota_http/log.h.
 *
 *  1. Each text has a limit, and the sum of all limits fits into a line. So a
 *     line is never cut at its end, where the fields of the format are.
 *  2. What a peer has sent cannot look like another field or another line:
 *     quotes, backslashes and control characters are escaped. In a text without
 *     quotes, so are spaces.
 */
#include "rota_http/log.h"

#include <string.h>

#include "rota_http/date.h"
#include "rota_http/name.h"

enum {
	METHOD_SIZE = 64,
	USER_SIZE = 256,
	CLIENT_SIZE = ROTA_ADDRESS_TEXT_SIZE * 2,
	CUT_SIZE = 3,     /* "..." */
	ESCAPED_SIZE = 4, /* "\x00" */
	OTHER_SIZE = 128, /* what is around the texts, the numbers and the
			   * time */
};

_Static_assert(CLIENT_SIZE + USER_SIZE + METHOD_SIZE +
			       ROTA_HTTP_LOG_TARGET_SIZE +
			       2 * ROTA_HTTP_LOG_TEXT_SIZE + OTHER_SIZE <=
		       ROTA_HTTP_LOG_LINE_SIZE,
	       "all texts fit (1)");

static char *put_string(char *at, const char *text)
{
	size_t size = strlen(text);

	memcpy(at, text, size);
	return at + size;
}

static char *put_decimal(char *at, uint64_t number)
{
	char digits[20];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	while (count > 0)
		*at++ = digits[--count];
	return at;
}

/* Put a byte of a text, escaped if need be (2). */
static char *put_byte(char *at, char byte, int is_quoted)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char number = (unsigned char)byte;

	if (byte == '"' || byte == '\\') {
		*at++ = '\\';
		*at++ = byte;
	} else if (number < ' ' || number > '~' ||
		   (number == ' ' && !is_quoted)) {
		at = put_string(at, "\\x");
		*at++ = hex[number >> 4];
		*at++ = hex[number & 15];
	} else {
		*at++ = byte;
	}
	return at;
}

/* Put a text in at most @most bytes (1). */
static char *put_escaped(char *at, struct rota_const_buf text, size_t most,
			 int is_quoted)
{
	char *end = at + most - CUT_SIZE - ESCAPED_SIZE;

	for (size_t i = 0; i < text.size; i++) {
		if (at > end)
			return put_string(at, "...");
		at = put_byte(at, text.data[i], is_quoted);
	}
	return at;
}

/* A text without quotes: "-" if there is none. */
static char *put_word(char *at, struct rota_const_buf text, size_t most)
{
	return text.size > 0 ? put_escaped(at, text, most, 0)
			     : put_string(at, "-");
}

/* A text in quotes: "-" if there is none. */
static char *put_quoted(char *at, struct rota_const_buf text)
{
	*at++ = '"';
	at = text.size > 0 ? put_escaped(at, text, ROTA_HTTP_LOG_TEXT_SIZE, 1)
			   : put_string(at, "-");
	*at++ = '"';
	return at;
}

static char *put_client(char *at, const struct rota_address *client)
{
	char text[ROTA_ADDRESS_TEXT_SIZE] = "";

	if (client != NULL && client->size > 0 &&
	    rota_address_text_with(client, text, sizeof(text),
				   ROTA_ADDRESS_NO_PORT) < 0)
		text[0] = '\0';
	return put_word(at, rota_bytes(text, strlen(text)), CLIENT_SIZE);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" is [06/Nov/1994:08:49:37 +0000]. */
static char *put_time(char *at, int64_t seconds)
{
	char date[ROTA_HTTP_DATE_SIZE];

	rota_http_date_write(date, seconds);
	memcpy(at, "[dd/mmm/yyyy:hh:mm:ss +0000]", 28);
	memcpy(at + 1, date + 5, 2);
	memcpy(at + 4, date + 8, 3);
	memcpy(at + 8, date + 12, 4);
	memcpy(at + 13, date + 17, 8);
	return at + 28;
}

/* "GET /path HTTP/1.1", in quotes. */
static char *put_request(char *at, const struct rota_http_log_entry *entry)
{
	*at++ = '"';
	if (entry->method.size > 0) {
		at = put_escaped(at, entry->method, METHOD_SIZE, 0);
		*at++ = ' ';
		at = put_escaped(at, entry->target, ROTA_HTTP_LOG_TARGET_SIZE,
				 1);
		at = put_string(at,
				entry->minor > 0 ? " HTTP/1.1" : " HTTP/1.0");
	} else {
		*at++ = '-';
	}
	*at++ = '"';
	return at;
}

static char *put_common(char *at, const struct rota_http_log_entry *entry)
{
	at = put_client(at, entry->client);
	at = put_string(at, " - ");
	at = put_word(at, entry->user, USER_SIZE);
	*at++ = ' ';
	at = put_time(at, entry->seconds);
	*at++ = ' ';
	at = put_request(at, entry);
	*at++ = ' ';
	if (entry->status >= 100 && entry->status <= 999)
		at = put_decimal(at, (uint64_t)entry->status);
	else
		*at++ = '-';
	*at++ = ' ';
	return put_decimal(at, entry->body_size);
}

void rota_http_log_entry_init(struct rota_http_log_entry *entry,
			      const struct rota_http_head *head)
{
	memset(entry, 0, sizeof(*entry));
	if (head == NULL)
		return;
	entry->method = rota_http_head_method(head);
	entry->target = rota_http_head_target(head);
	entry->minor = head->minor;
	entry->referer = rota_http_head_get(head, ROTA_HTTP_NAME_REFERER);
	entry->agent = rota_http_head_get(head, ROTA_HTTP_NAME_USER_AGENT);
}

size_t rota_http_log_common(char to[ROTA_HTTP_LOG_LINE_SIZE],
			    const struct rota_http_log_entry *entry)
{
	char *at = put_common(to, entry);

	*at++ = '\n';
	return (size_t)(at - to);
}

size_t rota_http_log_combined(char to[ROTA_HTTP_LOG_LINE_SIZE],
			      const struct rota_http_log_entry *entry)
{
	char *at = put_common(to, entry);

	*at++ = ' ';
	at = put_quoted(at, entry->referer);
	*at++ = ' ';
	at = put_quoted(at, entry->agent);
	*at++ = '\n';
	return (size_t)(at - to);
}
