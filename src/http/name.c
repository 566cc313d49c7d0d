/*
 * http/name.c - finds the number of a field name.
 *
 *  1. The length and three letters of a name give its slot in a table. No two
 *     known names share a slot: the compiler warns if an initializer
 *     overrides another. The factors of SLOT() were found by trying random
 *     ones.
 *  2. The name is then compared with the one in the slot, in words of eight
 *     bytes. Two bytes are equal if they are the same, or if they differ in
 *     0x20 only and the known one is a letter. Letters have the bit 0x40,
 *     hyphens have not. So an equal name needs no check that it is a token.
 */
#include "rota_http/name.h"

#include <stdint.h>
#include <string.h>

enum { NAME_SLOTS = 512, KNOWN_SIZE = 32 };

#define SLOT(length, first, late, last)                                        \
	((34U * ((length) + (last)) + 44U * (first) + 59U * (late)) %          \
	 NAME_SLOTS)

static const uint8_t slots[NAME_SLOTS] = {
	[SLOT(4U, 'h', 't', 't')] = ROTA_HTTP_NAME_HOST,
	[SLOT(10U, 'c', 'i', 'n')] = ROTA_HTTP_NAME_CONNECTION,
	[SLOT(14U, 'c', 'n', 'h')] = ROTA_HTTP_NAME_CONTENT_LENGTH,
	[SLOT(17U, 't', 'o', 'g')] = ROTA_HTTP_NAME_TRANSFER_ENCODING,
	[SLOT(6U, 'e', 'c', 't')] = ROTA_HTTP_NAME_EXPECT,
	[SLOT(7U, 'u', 'd', 'e')] = ROTA_HTTP_NAME_UPGRADE,
	[SLOT(2U, 't', 'e', 'e')] = ROTA_HTTP_NAME_TE,
	[SLOT(7U, 't', 'e', 'r')] = ROTA_HTTP_NAME_TRAILER,
	[SLOT(10U, 'k', 'i', 'e')] = ROTA_HTTP_NAME_KEEP_ALIVE,
	[SLOT(4U, 'd', 'e', 'e')] = ROTA_HTTP_NAME_DATE,
	[SLOT(6U, 'a', 'p', 't')] = ROTA_HTTP_NAME_ACCEPT,
	[SLOT(14U, 'a', 'r', 't')] = ROTA_HTTP_NAME_ACCEPT_CHARSET,
	[SLOT(15U, 'a', 'd', 'g')] = ROTA_HTTP_NAME_ACCEPT_ENCODING,
	[SLOT(15U, 'a', 'u', 'e')] = ROTA_HTTP_NAME_ACCEPT_LANGUAGE,
	[SLOT(13U, 'a', 'n', 's')] = ROTA_HTTP_NAME_ACCEPT_RANGES,
	[SLOT(3U, 'a', 'e', 'e')] = ROTA_HTTP_NAME_AGE,
	[SLOT(5U, 'a', 'o', 'w')] = ROTA_HTTP_NAME_ALLOW,
	[SLOT(13U, 'a', 't', 'n')] = ROTA_HTTP_NAME_AUTHORIZATION,
	[SLOT(13U, 'c', 't', 'l')] = ROTA_HTTP_NAME_CACHE_CONTROL,
	[SLOT(19U, 'c', 'i', 'n')] = ROTA_HTTP_NAME_CONTENT_DISPOSITION,
	[SLOT(16U, 'c', 'd', 'g')] = ROTA_HTTP_NAME_CONTENT_ENCODING,
	[SLOT(16U, 'c', 'u', 'e')] = ROTA_HTTP_NAME_CONTENT_LANGUAGE,
	[SLOT(16U, 'c', 't', 'n')] = ROTA_HTTP_NAME_CONTENT_LOCATION,
	[SLOT(13U, 'c', 'a', 'e')] = ROTA_HTTP_NAME_CONTENT_RANGE,
	[SLOT(12U, 'c', 'y', 'e')] = ROTA_HTTP_NAME_CONTENT_TYPE,
	[SLOT(6U, 'c', 'i', 'e')] = ROTA_HTTP_NAME_COOKIE,
	[SLOT(4U, 'e', 'g', 'g')] = ROTA_HTTP_NAME_ETAG,
	[SLOT(7U, 'e', 'e', 's')] = ROTA_HTTP_NAME_EXPIRES,
	[SLOT(9U, 'f', 'd', 'd')] = ROTA_HTTP_NAME_FORWARDED,
	[SLOT(4U, 'f', 'm', 'm')] = ROTA_HTTP_NAME_FROM,
	[SLOT(8U, 'i', 'c', 'h')] = ROTA_HTTP_NAME_IF_MATCH,
	[SLOT(17U, 'i', 's', 'e')] = ROTA_HTTP_NAME_IF_MODIFIED_SINCE,
	[SLOT(13U, 'i', 'a', 'h')] = ROTA_HTTP_NAME_IF_NONE_MATCH,
	[SLOT(8U, 'i', 'g', 'e')] = ROTA_HTTP_NAME_IF_RANGE,
	[SLOT(19U, 'i', 's', 'e')] = ROTA_HTTP_NAME_IF_UNMODIFIED_SINCE,
	[SLOT(13U, 'l', 'f', 'd')] = ROTA_HTTP_NAME_LAST_MODIFIED,
	[SLOT(8U, 'l', 'o', 'n')] = ROTA_HTTP_NAME_LOCATION,
	[SLOT(12U, 'm', 'r', 's')] = ROTA_HTTP_NAME_MAX_FORWARDS,
	[SLOT(6U, 'o', 'i', 'n')] = ROTA_HTTP_NAME_ORIGIN,
	[SLOT(6U, 'p', 'm', 'a')] = ROTA_HTTP_NAME_PRAGMA,
	[SLOT(18U, 'p', 'i', 'e')] = ROTA_HTTP_NAME_PROXY_AUTHENTICATE,
	[SLOT(19U, 'p', 'a', 'n')] = ROTA_HTTP_NAME_PROXY_AUTHORIZATION,
	[SLOT(16U, 'p', 't', 'n')] = ROTA_HTTP_NAME_PROXY_CONNECTION,
	[SLOT(5U, 'r', 'g', 'e')] = ROTA_HTTP_NAME_RANGE,
	[SLOT(7U, 'r', 'e', 'r')] = ROTA_HTTP_NAME_REFERER,
	[SLOT(11U, 'r', 't', 'r')] = ROTA_HTTP_NAME_RETRY_AFTER,
	[SLOT(20U, 's', 'c', 't')] = ROTA_HTTP_NAME_SEC_WEBSOCKET_ACCEPT,
	[SLOT(24U, 's', 'n', 's')] = ROTA_HTTP_NAME_SEC_WEBSOCKET_EXTENSIONS,
	[SLOT(17U, 's', 't', 'y')] = ROTA_HTTP_NAME_SEC_WEBSOCKET_KEY,
	[SLOT(22U, 's', 'o', 'l')] = ROTA_HTTP_NAME_SEC_WEBSOCKET_PROTOCOL,
	[SLOT(21U, 's', 'e', 'n')] = ROTA_HTTP_NAME_SEC_WEBSOCKET_VERSION,
	[SLOT(6U, 's', 'e', 'r')] = ROTA_HTTP_NAME_SERVER,
	[SLOT(10U, 's', 'k', 'e')] = ROTA_HTTP_NAME_SET_COOKIE,
	[SLOT(10U, 'u', 'e', 't')] = ROTA_HTTP_NAME_USER_AGENT,
	[SLOT(4U, 'v', 'y', 'y')] = ROTA_HTTP_NAME_VARY,
	[SLOT(3U, 'v', 'a', 'a')] = ROTA_HTTP_NAME_VIA,
	[SLOT(16U, 'w', 'c', 'e')] = ROTA_HTTP_NAME_WWW_AUTHENTICATE,
	[SLOT(15U, 'x', '-', 'r')] = ROTA_HTTP_NAME_X_FORWARDED_FOR,
	[SLOT(16U, 'x', 'h', 't')] = ROTA_HTTP_NAME_X_FORWARDED_HOST,
	[SLOT(17U, 'x', 'p', 'o')] = ROTA_HTTP_NAME_X_FORWARDED_PROTO,
	[SLOT(9U, 'x', '-', 'p')] = ROTA_HTTP_NAME_X_REAL_IP,
	[SLOT(12U, 'x', '-', 'd')] = ROTA_HTTP_NAME_X_REQUEST_ID,
	[SLOT(16U, 'x', 'w', 'h')] = ROTA_HTTP_NAME_X_REQUESTED_WITH,
	[SLOT(30U, 'a', '-', 's')] =
		ROTA_HTTP_NAME_ACCESS_CONTROL_REQUEST_HEADERS,
	[SLOT(29U, 'a', 't', 'd')] =
		ROTA_HTTP_NAME_ACCESS_CONTROL_REQUEST_METHOD,
	[SLOT(27U, 'a', '-', 'n')] = ROTA_HTTP_NAME_ACCESS_CONTROL_ALLOW_ORIGIN,
	[SLOT(23U, 'c', 'p', 'y')] = ROTA_HTTP_NAME_CONTENT_SECURITY_POLICY,
	[SLOT(3U, 'd', 't', 't')] = ROTA_HTTP_NAME_DNT,
	[SLOT(13U, 'l', 't', 'd')] = ROTA_HTTP_NAME_LAST_EVENT_ID,
	[SLOT(4U, 'l', 'k', 'k')] = ROTA_HTTP_NAME_LINK,
	[SLOT(8U, 'p', 't', 'y')] = ROTA_HTTP_NAME_PRIORITY,
	[SLOT(9U, 's', 'a', 'a')] = ROTA_HTTP_NAME_SAVE_DATA,
	[SLOT(9U, 's', '-', 'a')] = ROTA_HTTP_NAME_SEC_CH_UA,
	[SLOT(16U, 's', 'b', 'e')] = ROTA_HTTP_NAME_SEC_CH_UA_MOBILE,
	[SLOT(18U, 's', 't', 'm')] = ROTA_HTTP_NAME_SEC_CH_UA_PLATFORM,
	[SLOT(14U, 's', 'd', 't')] = ROTA_HTTP_NAME_SEC_FETCH_DEST,
	[SLOT(14U, 's', 'm', 'e')] = ROTA_HTTP_NAME_SEC_FETCH_MODE,
	[SLOT(14U, 's', 's', 'e')] = ROTA_HTTP_NAME_SEC_FETCH_SITE,
	[SLOT(14U, 's', 'u', 'r')] = ROTA_HTTP_NAME_SEC_FETCH_USER,
	[SLOT(25U, 's', 'e', 'y')] = ROTA_HTTP_NAME_STRICT_TRANSPORT_SECURITY,
	[SLOT(11U, 't', 'e', 't')] = ROTA_HTTP_NAME_TRACEPARENT,
	[SLOT(25U, 'u', 'e', 's')] = ROTA_HTTP_NAME_UPGRADE_INSECURE_REQUESTS,
	[SLOT(22U, 'x', 'p', 's')] = ROTA_HTTP_NAME_X_CONTENT_TYPE_OPTIONS,
	[SLOT(15U, 'x', 'i', 's')] = ROTA_HTTP_NAME_X_FRAME_OPTIONS,
};

struct known_name {
	char text[KNOWN_SIZE];
	size_t size;
};

static const struct known_name known[ROTA_HTTP_NAME_COUNT] = {
	[ROTA_HTTP_NAME_HOST] = { "host", 4 },
	[ROTA_HTTP_NAME_CONNECTION] = { "connection", 10 },
	[ROTA_HTTP_NAME_CONTENT_LENGTH] = { "content-length", 14 },
	[ROTA_HTTP_NAME_TRANSFER_ENCODING] = { "transfer-encoding", 17 },
	[ROTA_HTTP_NAME_EXPECT] = { "expect", 6 },
	[ROTA_HTTP_NAME_UPGRADE] = { "upgrade", 7 },
	[ROTA_HTTP_NAME_TE] = { "te", 2 },
	[ROTA_HTTP_NAME_TRAILER] = { "trailer", 7 },
	[ROTA_HTTP_NAME_KEEP_ALIVE] = { "keep-alive", 10 },
	[ROTA_HTTP_NAME_DATE] = { "date", 4 },
	[ROTA_HTTP_NAME_ACCEPT] = { "accept", 6 },
	[ROTA_HTTP_NAME_ACCEPT_CHARSET] = { "accept-charset", 14 },
	[ROTA_HTTP_NAME_ACCEPT_ENCODING] = { "accept-encoding", 15 },
	[ROTA_HTTP_NAME_ACCEPT_LANGUAGE] = { "accept-language", 15 },
	[ROTA_HTTP_NAME_ACCEPT_RANGES] = { "accept-ranges", 13 },
	[ROTA_HTTP_NAME_AGE] = { "age", 3 },
	[ROTA_HTTP_NAME_ALLOW] = { "allow", 5 },
	[ROTA_HTTP_NAME_AUTHORIZATION] = { "authorization", 13 },
	[ROTA_HTTP_NAME_CACHE_CONTROL] = { "cache-control", 13 },
	[ROTA_HTTP_NAME_CONTENT_DISPOSITION] = { "content-disposition", 19 },
	[ROTA_HTTP_NAME_CONTENT_ENCODING] = { "content-encoding", 16 },
	[ROTA_HTTP_NAME_CONTENT_LANGUAGE] = { "content-language", 16 },
	[ROTA_HTTP_NAME_CONTENT_LOCATION] = { "content-location", 16 },
	[ROTA_HTTP_NAME_CONTENT_RANGE] = { "content-range", 13 },
	[ROTA_HTTP_NAME_CONTENT_TYPE] = { "content-type", 12 },
	[ROTA_HTTP_NAME_COOKIE] = { "cookie", 6 },
	[ROTA_HTTP_NAME_ETAG] = { "etag", 4 },
	[ROTA_HTTP_NAME_EXPIRES] = { "expires", 7 },
	[ROTA_HTTP_NAME_FORWARDED] = { "forwarded", 9 },
	[ROTA_HTTP_NAME_FROM] = { "from", 4 },
	[ROTA_HTTP_NAME_IF_MATCH] = { "if-match", 8 },
	[ROTA_HTTP_NAME_IF_MODIFIED_SINCE] = { "if-modified-since", 17 },
	[ROTA_HTTP_NAME_IF_NONE_MATCH] = { "if-none-match", 13 },
	[ROTA_HTTP_NAME_IF_RANGE] = { "if-range", 8 },
	[ROTA_HTTP_NAME_IF_UNMODIFIED_SINCE] = { "if-unmodified-since", 19 },
	[ROTA_HTTP_NAME_LAST_MODIFIED] = { "last-modified", 13 },
	[ROTA_HTTP_NAME_LOCATION] = { "location", 8 },
	[ROTA_HTTP_NAME_MAX_FORWARDS] = { "max-forwards", 12 },
	[ROTA_HTTP_NAME_ORIGIN] = { "origin", 6 },
	[ROTA_HTTP_NAME_PRAGMA] = { "pragma", 6 },
	[ROTA_HTTP_NAME_PROXY_AUTHENTICATE] = { "proxy-authenticate", 18 },
	[ROTA_HTTP_NAME_PROXY_AUTHORIZATION] = { "proxy-authorization", 19 },
	[ROTA_HTTP_NAME_PROXY_CONNECTION] = { "proxy-connection", 16 },
	[ROTA_HTTP_NAME_RANGE] = { "range", 5 },
	[ROTA_HTTP_NAME_REFERER] = { "referer", 7 },
	[ROTA_HTTP_NAME_RETRY_AFTER] = { "retry-after", 11 },
	[ROTA_HTTP_NAME_SEC_WEBSOCKET_ACCEPT] = { "sec-websocket-accept", 20 },
	[ROTA_HTTP_NAME_SEC_WEBSOCKET_EXTENSIONS] = { "sec-websocket-"
						      "extensions",
						      24 },
	[ROTA_HTTP_NAME_SEC_WEBSOCKET_KEY] = { "sec-websocket-key", 17 },
	[ROTA_HTTP_NAME_SEC_WEBSOCKET_PROTOCOL] = { "sec-websocket-protocol",
						    22 },
	[ROTA_HTTP_NAME_SEC_WEBSOCKET_VERSION] = { "sec-websocket-version",
						   21 },
	[ROTA_HTTP_NAME_SERVER] = { "server", 6 },
	[ROTA_HTTP_NAME_SET_COOKIE] = { "set-cookie", 10 },
	[ROTA_HTTP_NAME_USER_AGENT] = { "user-agent", 10 },
	[ROTA_HTTP_NAME_VARY] = { "vary", 4 },
	[ROTA_HTTP_NAME_VIA] = { "via", 3 },
	[ROTA_HTTP_NAME_WWW_AUTHENTICATE] = { "www-authenticate", 16 },
	[ROTA_HTTP_NAME_X_FORWARDED_FOR] = { "x-forwarded-for", 15 },
	[ROTA_HTTP_NAME_X_FORWARDED_HOST] = { "x-forwarded-host", 16 },
	[ROTA_HTTP_NAME_X_FORWARDED_PROTO] = { "x-forwarded-proto", 17 },
	[ROTA_HTTP_NAME_X_REAL_IP] = { "x-real-ip", 9 },
	[ROTA_HTTP_NAME_X_REQUEST_ID] = { "x-request-id", 12 },
	[ROTA_HTTP_NAME_X_REQUESTED_WITH] = { "x-requested-with", 16 },
	[ROTA_HTTP_NAME_ACCESS_CONTROL_REQUEST_HEADERS] = { "access-control-"
							    "request-headers",
							    30 },
	[ROTA_HTTP_NAME_ACCESS_CONTROL_REQUEST_METHOD] = { "access-control-"
							   "request-method",
							   29 },
	[ROTA_HTTP_NAME_ACCESS_CONTROL_ALLOW_ORIGIN] = { "access-control-allow-"
							 "origin",
							 27 },
	[ROTA_HTTP_NAME_CONTENT_SECURITY_POLICY] = { "content-security-policy",
						     23 },
	[ROTA_HTTP_NAME_DNT] = { "dnt", 3 },
	[ROTA_HTTP_NAME_LAST_EVENT_ID] = { "last-event-id", 13 },
	[ROTA_HTTP_NAME_LINK] = { "link", 4 },
	[ROTA_HTTP_NAME_PRIORITY] = { "priority", 8 },
	[ROTA_HTTP_NAME_SAVE_DATA] = { "save-data", 9 },
	[ROTA_HTTP_NAME_SEC_CH_UA] = { "sec-ch-ua", 9 },
	[ROTA_HTTP_NAME_SEC_CH_UA_MOBILE] = { "sec-ch-ua-mobile", 16 },
	[ROTA_HTTP_NAME_SEC_CH_UA_PLATFORM] = { "sec-ch-ua-platform", 18 },
	[ROTA_HTTP_NAME_SEC_FETCH_DEST] = { "sec-fetch-dest", 14 },
	[ROTA_HTTP_NAME_SEC_FETCH_MODE] = { "sec-fetch-mode", 14 },
	[ROTA_HTTP_NAME_SEC_FETCH_SITE] = { "sec-fetch-site", 14 },
	[ROTA_HTTP_NAME_SEC_FETCH_USER] = { "sec-fetch-user", 14 },
	[ROTA_HTTP_NAME_STRICT_TRANSPORT_SECURITY] = { "strict-transport-"
						       "security",
						       25 },
	[ROTA_HTTP_NAME_TRACEPARENT] = { "traceparent", 11 },
	[ROTA_HTTP_NAME_UPGRADE_INSECURE_REQUESTS] = { "upgrade-insecure-"
						       "requests",
						       25 },
	[ROTA_HTTP_NAME_X_CONTENT_TYPE_OPTIONS] = { "x-content-type-options",
						    22 },
	[ROTA_HTTP_NAME_X_FRAME_OPTIONS] = { "x-frame-options", 15 },
};

static uint64_t load_8(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static uint32_t load_4(const char *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* What differs between eight bytes and known ones, but for the case (2). */
static uint64_t differ_8(const char *name, const char *text)
{
	const uint64_t letters = UINT64_C(0x4040404040404040);
	uint64_t ours = load_8(text);

	return (load_8(name) ^ ours) & ~((ours & letters) >> 1);
}

static uint32_t differ_4(const char *name, const char *text)
{
	uint32_t ours = load_4(text);

	return (load_4(name) ^ ours) & ~((ours & 0x40404040U) >> 1);
}

/* The last word overlaps the one before it. */
static int is_known_name(const char *name, const char *text, size_t size)
{
	size_t at = 0;

	if (size >= 8) {
		for (; at + 8 < size; at += 8)
			if (differ_8(name + at, text + at) != 0)
				return 0;
		return differ_8(name + size - 8, text + size - 8) == 0;
	}
	if (size >= 4)
		return (differ_4(name, text) |
			differ_4(name + size - 4, text + size - 4)) == 0;
	for (; at < size; at++)
		if (((name[at] ^ text[at]) & ~((text[at] & 0x40) >> 1)) != 0)
			return 0;
	return 1;
}

enum rota_http_name rota_http_name_find(const char *text, size_t size)
{
	unsigned first, late, last;
	enum rota_http_name found;

	if (size < 2 || size >= KNOWN_SIZE)
		return ROTA_HTTP_NAME_UNKNOWN;
	first = (unsigned char)text[0] | 0x20U;
	late = (unsigned char)text[size * 3 / 4] | 0x20U;
	last = (unsigned char)text[size - 1] | 0x20U;
	found = (enum rota_http_name)slots[SLOT(size, first, late, last)];
	if (known[found].size != size ||
	    !is_known_name(text, known[found].text, size))
		return ROTA_HTTP_NAME_UNKNOWN;
	return found;
}

const char *rota_http_name_text(enum rota_http_name name)
{
	return (unsigned)name < ROTA_HTTP_NAME_COUNT ? known[name].text : "";
}
