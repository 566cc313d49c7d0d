/*
 * Messages of HTTP, which are scanned in blocks: neither the order of bytes in
 * a word nor the number of its bits may matter.
 */
#include "cross/plain.h"

#include <string.h>

#include "rota_http.h"

enum { FIELDS = 4, LONGEST = 70 };

static struct rota_http_field fields[FIELDS];
static struct rota_http_head head = { .fields = fields, .capacity = FIELDS };
static struct rota_http_parser parser;

/* Parse a request with a target of half of @length bytes, and a field whose
 * value has @length bytes, with @bad in the middle of it. Returns the event. */
static int parse(size_t length, char bad)
{
	static char wire[4 * LONGEST + 64];
	char text[LONGEST + 1];
	struct rota_const_buf body;

	memset(text, 'x', length);
	text[length] = '\0';
	text[length / 2] = bad;
	snprintf(wire, sizeof(wire),
		 "GET /%.*s HTTP/1.1\r\nHost: a\r\nUser-Agent: %s\r\n\r\n",
		 (int)length / 2, text, text);
	EXPECT(rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS, &head, NULL,
				     NULL) == 0);
	EXPECT(rota_http_parser_feed(&parser, rota_bytes(wire, strlen(wire))) ==
	       0);
	return rota_http_parser_next(&parser, &body);
}

static void lines_of_any_length_are_read(void)
{
	for (size_t length = 1; length < LONGEST; length++) {
		struct rota_const_buf value;

		EXPECT(parse(length, 'y') == ROTA_HTTP_EVENT_HEAD);
		value = rota_http_head_get(&head, ROTA_HTTP_NAME_USER_AGENT);
		EXPECT(value.size == length);
		EXPECT(value.data != NULL && value.data[length / 2] == 'y');
		EXPECT(rota_http_head_target(&head).size == 1 + length / 2);
		rota_http_parser_free(&parser);

		EXPECT(parse(length, '\t') == ROTA_HTTP_EVENT_HEAD);
		rota_http_parser_free(&parser);
		EXPECT(parse(length, '\x01') == ROTA_EPROTO);
		rota_http_parser_free(&parser);
		EXPECT(parse(length, '\x7f') == ROTA_EPROTO);
		rota_http_parser_free(&parser);
	}
}

static void names_are_found(void)
{
	for (int i = 1; i < ROTA_HTTP_NAME_COUNT; i++) {
		const char *text = rota_http_name_text((enum rota_http_name)i);

		EXPECT((int)rota_http_name_find(text, strlen(text)) == i);
	}
	EXPECT(rota_http_name_find("User_Agent", 10) == ROTA_HTTP_NAME_UNKNOWN);
}

static void chunks_are_decoded(void)
{
	static const char wire[] = "POST / HTTP/1.1\r\nHost: a\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n"
				   "A\r\n0123456789\r\n0\r\nA: b\r\n\r\n";
	struct rota_const_buf body = { NULL, 0 };
	size_t size = 0, ends = 0;

	EXPECT(rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS, &head, NULL,
				     NULL) == 0);
	for (size_t i = 0; i < sizeof(wire) - 1; i++) {
		int event;

		EXPECT(rota_http_parser_feed(&parser,
					     rota_bytes(wire + i, 1)) == 0);
		while ((event = rota_http_parser_next(&parser, &body)) > 0) {
			size += event == ROTA_HTTP_EVENT_BODY ? body.size : 0;
			ends += event == ROTA_HTTP_EVENT_END;
		}
		EXPECT(event == 0);
	}
	EXPECT(size == 10);
	EXPECT(ends == 1);
	EXPECT(head.trailer_count == 1);
	rota_http_parser_free(&parser);
}

static void dates_are_read_and_written(void)
{
	char text[ROTA_HTTP_DATE_SIZE];
	int64_t seconds = 0;

	rota_http_date_write(text, INT64_C(4102444800));
	EXPECT(memcmp(text, "Fri, 01 Jan 2100 00:00:00 GMT", sizeof(text)) ==
	       0);
	EXPECT(rota_http_date_parse(&seconds, rota_bytes(text, sizeof(text)),
				    0) == 0);
	EXPECT(seconds == INT64_C(4102444800));
}

static const struct plain_test tests[] = {
	{ "lines_of_any_length_are_read", lines_of_any_length_are_read },
	{ "names_are_found", names_are_found },
	{ "chunks_are_decoded", chunks_are_decoded },
	{ "dates_are_read_and_written", dates_are_read_and_written },
};
PLAIN_MAIN(tests)
