/*
 * The functions that read parts of messages: names, lists, targets, dates,
 * ranges and entity tags.
 *
 * Texts are in memory that ends behind them, so that a sanitizer sees a read
 * beyond the end.
 */
/* poller: none */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/text.h"
#include "rota_http.h"

enum { TEXT_SIZE = 512 };

/* Copy @text to memory of its own. One text is there at a time. */
static char *held;

static struct rota_const_buf hold(const char *text)
{
	size_t size = strlen(text);

	if (held != NULL)
		test_free(held);
	held = test_malloc(size > 0 ? size : 1);
	memcpy(held, text, size);
	return rota_bytes(held, size);
}

static void release(void)
{
	test_free(held);
	held = NULL;
}

#define assert_buf(buf, text)                                                  \
	do {                                                                   \
		assert_int_equal((buf).size, strlen(text));                    \
		if ((buf).size > 0)                                            \
			assert_memory_equal((buf).data, text, (buf).size);     \
	} while (0)

static void every_known_name_is_found_in_any_case(void **state)
{
	(void)state;
	for (int i = 1; i < ROTA_HTTP_NAME_COUNT; i++) {
		enum rota_http_name name = (enum rota_http_name)i;
		struct rota_const_buf text = hold(rota_http_name_text(name));

		assert_true(text.size > 0);
		assert_int_equal(rota_http_name_find(text.data, text.size),
				 name);
		for (size_t at = 0; at < text.size; at++)
			if (held[at] >= 'a' && held[at] <= 'z')
				held[at] &= ~0x20;
		assert_int_equal(rota_http_name_find(text.data, text.size),
				 name);
	}
	assert_string_equal(rota_http_name_text(ROTA_HTTP_NAME_UNKNOWN), "");
	assert_string_equal(rota_http_name_text(ROTA_HTTP_NAME_COUNT), "");
	release();
}

/* A name with one other byte is never taken for it. */
static void no_other_name_is_found(void **state)
{
	(void)state;
	for (int i = 1; i < ROTA_HTTP_NAME_COUNT; i++) {
		const char *name = rota_http_name_text((enum rota_http_name)i);
		size_t size = strlen(name);
		char text[64];

		for (size_t at = 0; at < size; at++)
			for (int byte = 0; byte < 256; byte++) {
				int found;

				memcpy(text, name, size);
				text[at] = (char)byte;
				if (rotai_http_is_same(text, name, size))
					continue;
				found = (int)rota_http_name_find(text, size);
				assert_int_not_equal(found, i);
			}
		assert_int_not_equal(rota_http_name_find(name, size - 1), i);
	}
	assert_int_equal(rota_http_name_find("", 0), 0);
	assert_int_equal(rota_http_name_find("x", 1), 0);
}

static void methods_are_case_sensitive(void **state)
{
	(void)state;
	for (int i = 1; i < ROTA_HTTP_METHOD_COUNT; i++) {
		const char *text =
			rota_http_method_text((enum rota_http_method)i);

		assert_int_equal(rota_http_method_find(text, strlen(text)), i);
	}
	assert_int_equal(rota_http_method_find("get", 3), ROTA_HTTP_OTHER);
	assert_int_equal(rota_http_method_find("GETS", 4), ROTA_HTTP_OTHER);
	assert_string_equal(rota_http_method_text(ROTA_HTTP_OTHER), "");
	assert_string_equal(rota_http_method_text(ROTA_HTTP_METHOD_COUNT), "");
}

static int is_in(int byte, const char *list)
{
	return byte != 0 && strchr(list, byte) != NULL;
}

static void the_table_of_characters_is_that_of_the_rfcs(void **state)
{
	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		int digit = byte >= '0' && byte <= '9';
		int alpha = (byte >= 'A' && byte <= 'Z') ||
			    (byte >= 'a' && byte <= 'z');
		int hex = digit || is_in(byte, "abcdefABCDEF");
		int both = digit || alpha;
		int classes = 0;

		if (both || is_in(byte, "!#$%&'*+-.^_`|~"))
			classes |= ROTAI_HTTP_TCHAR;
		if (both || is_in(byte, "-._~!$&'()*+,;=%"))
			classes |= ROTAI_HTTP_HOST;
		if (both || is_in(byte, "+-."))
			classes |= ROTAI_HTTP_SCHEME;
		if (both || is_in(byte, "-._~"))
			classes |= ROTAI_HTTP_PLAIN;
		classes |= digit ? ROTAI_HTTP_DIGIT : 0;
		classes |= alpha ? ROTAI_HTTP_ALPHA : 0;
		classes |= hex ? ROTAI_HTTP_HEX : 0;
		assert_int_equal(rotai_http_classes[byte], classes);
	}
}

/* The elements of a list, each in brackets, and ! for an error. */
static void check_list(const char *text, const char *expected)
{
	struct rota_http_list list = { hold(text) };
	struct rota_const_buf element;
	char seen[TEXT_SIZE] = "";
	int found;

	while ((found = rota_http_list_next(&list, &element)) == 1)
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
			 "[%.*s]", (int)element.size, element.data);
	if (found < 0)
		strcat(seen, "!");
	assert_string_equal(seen, expected);
}

static void lists_are_split_at_commas(void **state)
{
	(void)state;
	check_list("", "");
	check_list(" , ,", "");
	check_list("a", "[a]");
	check_list(",a ,\tb c\t, ", "[a][b c]");
	check_list("\"a,\\\",b\",c", "[\"a,\\\",b\"][c]");
	check_list("a,\"b", "[a]!");
	check_list("\"a\\", "!");
	assert_int_equal(rota_http_list_has(hold("a, Close ,b"), "close"), 1);
	assert_int_equal(rota_http_list_has(hold("a, closed"), "close"), 0);
	assert_int_equal(rota_http_list_has(hold(""), "close"), 0);
	release();
}

static void check_quality(const char *text, const char *expected)
{
	struct rota_http_list list = { hold(text) };
	struct rota_http_quality element;
	char seen[TEXT_SIZE] = "";
	int found;

	while ((found = rota_http_quality_next(&list, &element)) == 1)
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
			 "[%.*s|%.*s|%d]", (int)element.value.size,
			 element.value.data, (int)element.parameters.size,
			 element.parameters.data, element.quality);
	if (found < 0)
		strcat(seen, "!");
	assert_string_equal(seen, expected);
}

static void qualities_are_thousandths(void **state)
{
	(void)state;
	check_quality("a/b", "[a/b||1000]");
	check_quality("a;q=0.5, b ; Q=0.123 ,*;q=0",
		      "[a|;q=0.5|500][b|; Q=0.123|123][*|;q=0|0]");
	check_quality("a;q=1.000;x=\";\"", "[a|;q=1.000;x=\";\"|1000]");
	check_quality("a;;b=1;q=0.", "[a|;;b=1;q=0.|0]");
	check_quality("a;q=1.001", "!");
	check_quality("a;q=0.1234", "!");
	check_quality("a;q=2", "!");
	check_quality("a;q=", "!");
	check_quality("a;q=.5", "!");
	check_quality("a;q=0,5", "[a|;q=0|0][5||1000]");
	check_quality("a;q", "!");
	check_quality("a;=1", "!");
	check_quality("a b", "!");
	check_quality(";q=1", "!");
	check_quality("\"a", "!");
	release();
}

static void encodings_are_chosen_by_quality(void **state)
{
	static const struct {
		const char *value;
		const char *coding;
		int quality;
	} cases[] = {
		{ "gzip, br;q=0.9", "gzip", 1000 },
		{ "gzip, BR;q=0.9", "br", 900 },
		{ "gzip", "br", 0 },
		{ "gzip", "identity", 1000 },
		{ "*;q=0.5, gzip;q=0", "gzip", 0 },
		{ "*;q=0.5, gzip;q=0", "br", 500 },
		{ "*;q=0", "identity", 0 },
		{ "identity;q=0", "identity", 0 },
		{ "", "gzip", 0 },
		{ "", "identity", 1000 },
		{ "gzip;q=x", "gzip", 0 },
		{ "gzip;q=x", "identity", 1000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(rota_http_accepts_encoding(
					 hold(cases[i].value), cases[i].coding),
				 cases[i].quality);
	release();
}

static void types_are_chosen_by_the_most_specific_range(void **state)
{
	static const struct {
		const char *value;
		const char *type;
		int quality;
	} cases[] = {
		{ "", "text/html", 1000 },
		{ "text/html", "text/html", 1000 },
		{ "text/plain", "text/html", 0 },
		{ "*/*;q=0.1, text/*;q=0.5, text/html;q=0.2", "text/html",
		  200 },
		{ "*/*;q=0.1, text/*;q=0.5", "text/css", 500 },
		{ "*/*;q=0.1, text/*;q=0.5", "image/png", 100 },
		{ "TEXT/HTML", "text/html", 1000 },
		{ "text/html;level=1, */*;q=0.3", "text/html", 300 },
		{ "text/html; q=0.4", "text/html", 400 },
		{ "text/*x", "text/html", 0 },
		{ "text/html;q=a", "text/html", 0 },
		{ "a", "a", 1000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(rota_http_accepts_type(hold(cases[i].value),
							cases[i].type),
				 cases[i].quality);
	release();
}

static void hosts_are_a_name_and_a_port(void **state)
{
	static const struct {
		const char *text;
		const char *name; /* NULL: it is invalid */
		int port;
	} cases[] = {
		{ "", "", -1 },
		{ "a.b-c", "a.b-c", -1 },
		{ "a:80", "a", 80 },
		{ "a:", "a", -1 },
		{ "a:65535", "a", 65535 },
		{ "a:65536", NULL, 0 },
		{ "a:000080", NULL, 0 },
		{ "a:-1", NULL, 0 },
		{ "a:8:0", NULL, 0 },
		{ ":80", NULL, 0 },
		{ "[::1]", "[::1]", -1 },
		{ "[::1.2.3.4]:8", "[::1.2.3.4]", 8 },
		{ "[::1", NULL, 0 },
		{ "[]", NULL, 0 },
		{ "[g]", NULL, 0 },
		{ "[::1]a", NULL, 0 },
		{ "a/b", NULL, 0 },
		{ "a b", NULL, 0 },
		{ "a@b", NULL, 0 },
		{ "\x80", NULL, 0 },
	};
	struct rota_http_host host;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int error = rota_http_host_parse(&host, hold(cases[i].text));

		assert_int_equal(error,
				 cases[i].name != NULL ? 0 : ROTA_EINVAL);
		if (error < 0)
			continue;
		assert_buf(host.name, cases[i].name);
		assert_int_equal(host.port, cases[i].port);
	}
	release();
}

static void targets_have_four_forms(void **state)
{
	static const struct {
		const char *text;
		enum rota_http_method method;
		const char *parts; /* NULL: it is invalid */
	} cases[] = {
		{ "/", ROTA_HTTP_GET, "0 || -1|/|-" },
		{ "/a?b?c", ROTA_HTTP_GET, "0 || -1|/a|b?c" },
		{ "/?", ROTA_HTTP_GET, "0 || -1|/|" },
		{ "http://a:1/b?c", ROTA_HTTP_GET, "1 http|a:1|a 1|/b|c" },
		{ "h+t://a", ROTA_HTTP_GET, "1 h+t|a|a -1||-" },
		{ "http://a?b", ROTA_HTTP_GET, "1 http|a|a -1||b" },
		{ "a:1", ROTA_HTTP_CONNECT, "2 |a:1|a 1||-" },
		{ "[::]:1", ROTA_HTTP_CONNECT, "2 |[::]:1|[::] 1||-" },
		{ "*", ROTA_HTTP_OPTIONS, "3 || -1||-" },
		{ "*", ROTA_HTTP_GET, NULL },
		{ "**", ROTA_HTTP_OPTIONS, NULL },
		{ "a", ROTA_HTTP_CONNECT, NULL },
		{ ":1", ROTA_HTTP_CONNECT, NULL },
		{ "", ROTA_HTTP_GET, NULL },
		{ "a/b", ROTA_HTTP_GET, NULL },
		{ "://a", ROTA_HTTP_GET, NULL },
		{ "1://a", ROTA_HTTP_GET, NULL },
		{ "http://", ROTA_HTTP_GET, NULL },
		{ "http:///a", ROTA_HTTP_GET, NULL },
		{ "http://a@b/", ROTA_HTTP_GET, NULL },
		{ "http:/a", ROTA_HTTP_GET, NULL },
		{ "/a b", ROTA_HTTP_GET, NULL },
		{ "/a#b", ROTA_HTTP_GET, NULL },
	};
	struct rota_http_target t;
	char seen[TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int error = rota_http_target_parse(&t, hold(cases[i].text),
						   cases[i].method);

		assert_int_equal(error,
				 cases[i].parts != NULL ? 0 : ROTA_EINVAL);
		if (error < 0)
			continue;
		snprintf(seen, sizeof(seen), "%d %.*s|%.*s|%.*s %d|%.*s|%.*s",
			 t.form, (int)t.scheme.size, t.scheme.data,
			 (int)t.authority.size, t.authority.data,
			 (int)t.host.name.size, t.host.name.data, t.host.port,
			 (int)t.path.size, t.path.data, (int)t.query.size,
			 t.query.data);
		if (t.query.data == NULL)
			strcat(seen, "-");
		assert_string_equal(seen, cases[i].parts);
	}
	release();
}

/* Read a head, and then the host that it is for. */
static void check_host_of(const char *wire, const char *name, int port)
{
	struct rota_http_field fields[4];
	struct rota_http_head head = { .fields = fields, .capacity = 4 };
	struct rota_http_parser parser;
	struct rota_http_target target;
	struct rota_const_buf body;

	rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS, &head, NULL, NULL);
	rota_http_parser_feed(&parser, hold(wire));
	assert_int_equal(rota_http_parser_next(&parser, &body),
			 ROTA_HTTP_EVENT_HEAD);

	assert_int_equal(rota_http_head_read_target(&target, &head), 0);

	assert_buf(target.host.name, name);
	assert_int_equal(target.host.port, port);
	rota_http_parser_free(&parser);
}

static void the_authority_of_a_target_counts_instead_of_host(void **state)
{
	(void)state;
	check_host_of("GET / HTTP/1.1\r\nHost: a:1\r\n\r\n", "a", 1);
	check_host_of("GET http://b/ HTTP/1.1\r\nHost: a:1\r\n\r\n", "b", -1);
	check_host_of("CONNECT b:2 HTTP/1.1\r\nHost: a:1\r\n\r\n", "b", 2);
	check_host_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "a", -1);
	check_host_of("GET / HTTP/1.0\r\n\r\n", "", -1);
	release();
}

static void percent_encoding_is_decoded_or_refused(void **state)
{
	char to[TEXT_SIZE];
	struct rota_const_buf text;

	(void)state;
	assert_int_equal(rota_http_decode(to, 5, hold("a%20%4a+%fF")), 5);
	assert_memory_equal(to, "a J+\xff", 5);
	assert_int_equal(rota_http_decode(to, 4, hold("a%20%4a+%fF")),
			 ROTA_EMSGSIZE);
	assert_int_equal(rota_http_decode(to, 9, hold("%")), ROTA_EINVAL);
	assert_int_equal(rota_http_decode(to, 9, hold("a%4")), ROTA_EINVAL);
	assert_int_equal(rota_http_decode(to, 9, hold("%g0")), ROTA_EINVAL);
	assert_int_equal(rota_http_decode(to, 9, hold("%0g")), ROTA_EINVAL);
	assert_int_equal(rota_http_decode(to, 9, hold("%00")), ROTA_EINVAL);
	assert_int_equal(rota_http_decode(to, 9, rota_bytes("\0", 1)),
			 ROTA_EINVAL);
	text = hold("%41%42");
	assert_int_equal(rota_http_decode(held, text.size, text), 2);
	assert_memory_equal(held, "AB", 2);

	assert_int_equal(rota_http_encode(to, 16, hold("/a b%\xff@?")), 16);
	assert_memory_equal(to, "/a%20b%25%FF@%3F", 16);
	assert_int_equal(rota_http_encode(to, 3, hold("/a b")), ROTA_EMSGSIZE);
	assert_int_equal(rota_http_encode(to, 1, hold("")), 0);
	release();
}

static void dates_are_read_in_three_forms(void **state)
{
	static const char *const same[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
		"Mon, 06 Nov 1994 08:49:37 GMT",
	};
	static const char *const bad[] = {
		"",
		"Sun",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 29 Feb 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 94 08:49:37 GMT",
		"Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov  6 08:49:37 1994 GMT",
		"Xun, 06 Nov 1994 08:49:37 GMT",
		"0",
	};
	int64_t seconds = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		assert_int_equal(rota_http_date_parse(&seconds, hold(same[i]),
						      1700000000),
				 0);
		assert_int_equal(seconds, 784111777);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rota_http_date_parse(&seconds, hold(bad[i]),
						      1700000000),
				 ROTA_EINVAL);
	assert_int_equal(seconds, 784111777);
	assert_int_equal(
		rota_http_date_parse(&seconds,
				     hold("Thu, 29 Feb 2024 23:59:60 GMT"), 0),
		0);
	assert_int_equal(seconds, 1709251200);
	release();
}

static void a_year_of_two_digits_is_near_to_now(void **state)
{
	int64_t in_2023 = 1700000000;
	int64_t a, b;

	(void)state;
	rota_http_date_parse(&a, hold("Sunday, 06-Nov-73 08:49:37 GMT"),
			     in_2023);
	rota_http_date_parse(&b, hold("Sun, 06 Nov 2073 08:49:37 GMT"), 0);
	assert_int_equal(a, b);
	rota_http_date_parse(&a, hold("Sunday, 06-Nov-74 08:49:37 GMT"),
			     in_2023);
	rota_http_date_parse(&b, hold("Sun, 06 Nov 1974 08:49:37 GMT"), 0);
	assert_int_equal(a, b);
	rota_http_date_parse(&a, hold("Sunday, 06-Nov-03 08:49:37 GMT"),
			     (int64_t)86400 * 365 * 90); /* in 2059 */
	rota_http_date_parse(&b, hold("Sun, 06 Nov 2103 08:49:37 GMT"), 0);
	assert_int_equal(a, b);
	release();
}

/* Compare with the C library, for some 4000 times of all years. */
static void dates_are_written_and_read_again(void **state)
{
	static const int64_t first = INT64_C(-62167219200);
	static const int64_t last = INT64_C(253402300799);
	char ours[ROTA_HTTP_DATE_SIZE], theirs[ROTA_HTTP_DATE_SIZE + 1];
	int64_t again = 0;

	(void)state;
	for (int64_t at = first; at <= last; at += 78894123) {
		time_t time = (time_t)at;
		struct tm tm;

		rota_http_date_write(ours, at);
		assert_int_equal(
			rota_http_date_parse(&again,
					     rota_bytes(ours, sizeof(ours)), 0),
			0);
		assert_int_equal(again, at);
		if ((int64_t)time != at || at < INT64_C(-30610224000))
			continue; /* the C library has no four digits there */
		gmtime_r(&time, &tm);
		strftime(theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT",
			 &tm);
		assert_memory_equal(ours, theirs, sizeof(ours));
	}
	rota_http_date_write(ours, INT64_MIN);
	assert_memory_equal(ours, "Sat, 01 Jan 0000 00:00:00 GMT", 29);
	rota_http_date_write(ours, INT64_MAX);
	assert_memory_equal(ours, "Fri, 31 Dec 9999 23:59:59 GMT", 29);
}

static void check_ranges(const char *text, uint64_t size, const char *expected)
{
	struct rota_http_range ranges[3];
	char seen[TEXT_SIZE] = "";
	int count = rota_http_range_parse(ranges, 3, hold(text), size);

	for (int i = 0; i < count; i++)
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
			 "%llu+%llu ", (unsigned long long)ranges[i].offset,
			 (unsigned long long)ranges[i].size);
	if (count < 0)
		strcat(seen, rota_error_name(count));
	assert_string_equal(seen, expected);
}

static void ranges_are_those_within_the_representation(void **state)
{
	(void)state;
	check_ranges("bytes=0-0", 10, "0+1 ");
	check_ranges("Bytes=2-", 10, "2+8 ");
	check_ranges("bytes=-3", 10, "7+3 ");
	check_ranges("bytes=-30", 10, "0+10 ");
	check_ranges("bytes=5-99999999999999999999999", 10, "5+5 ");
	check_ranges("bytes=0-1 , 3-4,-1", 10, "0+2 3+2 9+1 ");
	check_ranges("bytes=10-,1-1", 10, "1+1 ");
	check_ranges("bytes=10-", 10, "ERANGE");
	check_ranges("bytes=99999999999999999999-", 10, "ERANGE");
	check_ranges("bytes=-0", 10, "ERANGE");
	check_ranges("bytes=0-", 0, "ERANGE");
	check_ranges("bytes=-1", 0, "ERANGE");
	check_ranges("bytes=0-0,1-1,2-2,3-3", 10, "E2BIG");
	check_ranges("bytes=2-1", 10, "EINVAL");
	check_ranges("bytes=-", 10, "EINVAL");
	check_ranges("bytes=1", 10, "EINVAL");
	check_ranges("bytes=1-2-3", 10, "EINVAL");
	check_ranges("bytes=a-b", 10, "EINVAL");
	check_ranges("bytes= 1 - 2", 10, "EINVAL");
	check_ranges("bytes=", 10, "EINVAL");
	check_ranges("bytes=,", 10, "EINVAL");
	check_ranges("bytes=\"", 10, "EINVAL");
	check_ranges("items=0-1", 10, "EINVAL");
	check_ranges("", 10, "EINVAL");
	release();
}

static int matches(const char *list, const char *tag, int is_strong)
{
	struct rota_http_etag etag;

	assert_int_equal(
		rota_http_etag_parse(&etag, rota_bytes(tag, strlen(tag))), 0);
	return rota_http_etag_list_has(hold(list), &etag, is_strong);
}

static void entity_tags_match_strongly_or_weakly(void **state)
{
	static const char *const bad[] = { "",        "a",        "\"",
					   "\"a",     "a\"",      "w/\"a\"",
					   "W/a",     "\"a\"b\"", "\" \"",
					   "\"\x7f\"" };
	struct rota_http_etag etag;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rota_http_etag_parse(&etag, hold(bad[i])),
				 ROTA_EINVAL);
	assert_int_equal(rota_http_etag_parse(&etag, hold("W/\"\x80!\"")), 0);
	assert_int_equal(etag.is_weak, 1);
	assert_int_equal(matches("\"a\"", "\"a\"", 1), 1);
	assert_int_equal(matches("\"a\"", "\"b\"", 0), 0);
	assert_int_equal(matches("\"aa\"", "\"a\"", 0), 0);
	assert_int_equal(matches("\"a\"", "W/\"a\"", 1), 0);
	assert_int_equal(matches("W/\"a\"", "\"a\"", 1), 0);
	assert_int_equal(matches("W/\"a\"", "\"a\"", 0), 1);
	assert_int_equal(matches(",\"a\" ,W/\"b,\\\", ", "\"b,\\\"", 0), 1);
	assert_int_equal(matches("\"a\", b", "\"a\"", 0), 0);
	assert_int_equal(matches("\"a\" \"b\"", "\"a\"", 0), 0);
	assert_int_equal(matches("*", "\"a\"", 1), 1);
	assert_int_equal(matches("", "\"a\"", 1), 0);
	release();
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(every_known_name_is_found_in_any_case),
	VIRTUAL(no_other_name_is_found),
	VIRTUAL(methods_are_case_sensitive),
	VIRTUAL(the_table_of_characters_is_that_of_the_rfcs),
	VIRTUAL(lists_are_split_at_commas),
	VIRTUAL(qualities_are_thousandths),
	VIRTUAL(encodings_are_chosen_by_quality),
	VIRTUAL(types_are_chosen_by_the_most_specific_range),
	VIRTUAL(hosts_are_a_name_and_a_port),
	VIRTUAL(targets_have_four_forms),
	VIRTUAL(the_authority_of_a_target_counts_instead_of_host),
	VIRTUAL(percent_encoding_is_decoded_or_refused),
	VIRTUAL(dates_are_read_in_three_forms),
	VIRTUAL(a_year_of_two_digits_is_near_to_now),
	VIRTUAL(dates_are_written_and_read_again),
	VIRTUAL(ranges_are_those_within_the_representation),
	VIRTUAL(entity_tags_match_strongly_or_weakly),
};

FIXTURE_MAIN(tests)
