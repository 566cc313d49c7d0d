/*
 * Who a client is, behind proxies: networks, PROXY headers, Forwarded and
 * X-Forwarded-For.
 *
 * Every PROXY header is fed whole, cut in two at every byte, and byte by byte,
 * and the result is the same. The bytes are in memory of their own.
 */
/* poller: none */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rota_http.h"

enum { TEXT_SIZE = 1024, FIELDS = 64, SMALL_EXTENSIONS = 8 };

static struct rota_const_buf text_of(const char *text)
{
	return rota_bytes(text, strlen(text));
}

static struct rota_http_network network(const char *text)
{
	struct rota_http_network made;

	assert_int_equal(rota_http_network_parse(&made, text_of(text)), 0);
	return made;
}

static int has(const char *text, const char *address)
{
	struct rota_http_network one = network(text);
	struct rota_http_networks list = { &one, 1 };
	struct rota_address parsed;

	assert_int_equal(rota_address_parse(&parsed, address, 0), 0);
	assert_int_equal(rota_http_network_has(&one, &parsed),
			 rota_http_networks_have(&list, &parsed));
	return rota_http_network_has(&one, &parsed);
}

static void a_network_has_the_addresses_with_its_bits(void **state)
{
	(void)state;
	assert_true(has("10.0.0.0/8", "10.255.0.1:80"));
	assert_false(has("10.0.0.0/8", "11.0.0.0"));
	assert_true(has("192.0.2.7", "192.0.2.7"));
	assert_false(has("192.0.2.7", "192.0.2.6"));
	assert_true(has("192.0.2.4/30", "192.0.2.7"));
	assert_false(has("192.0.2.4/30", "192.0.2.8"));
	assert_true(has("192.0.2.128/25", "192.0.2.255"));
	assert_false(has("192.0.2.128/25", "192.0.2.127"));
	assert_true(has("0.0.0.0/0", "255.255.255.255"));
	assert_true(has("2001:db8::/32", "[2001:db8:ffff::1]:1"));
	assert_false(has("2001:db8::/32", "2001:db9::"));
	assert_true(has("::1", "::1"));
	assert_true(has("::1/128", "::1"));
	assert_false(has("::1", "::2"));
	assert_true(has("fe80::/10", "fe80::1%1"));
	assert_true(has("unix", "unix:/run/name"));
	assert_true(has("unix", "unix:"));
	assert_false(has("unix", "127.0.0.1"));
	assert_false(has("0.0.0.0/0", "unix:/run/name"));
	assert_false(has("::/0", "unix:"));
}

static void mapped_addresses_are_those_of_ip4(void **state)
{
	(void)state;
	assert_true(has("10.0.0.0/8", "::ffff:10.1.2.3"));
	assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3"));
	assert_true(has("::ffff:10.0.0.0/104", "::ffff:10.1.2.3"));
	assert_false(has("::ffff:10.0.0.0/104", "11.1.2.3"));
	assert_true(has("::ffff:0:0/96", "11.1.2.3"));
	assert_false(has("::/0", "10.1.2.3"));
	assert_false(has("::/0", "::ffff:10.1.2.3"));
	assert_false(has("0.0.0.0/0", "::1"));
}

static void what_is_no_network_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"/",
		"10.0.0.0/33",
		"10.0.0.1/8",
		"10.0.0.0/",
		"10.0.0.0/08",
		"10.0.0/8",
		"10",
		"::1/129",
		"::1/127",
		"fe80::1%1",
		"fe80::%lo/10",
		"localhost",
		"10.0.0.0/-1",
		"[::1]",
		"10.0.0.0/8/8",
		"10.0.0.0 ",
		" 10.0.0.0",
		"unix/0",
		"1.2.3.4:80",
		"10.0.0.0/8x",
		"::ffff:10.0.0.1/104",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999",
		"1111:2222:3333:4444:5555:6666:123.123.123.1234",
	};
	struct rota_http_network made = network("10.0.0.0/8");
	const struct rota_http_network before = made;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(
			rota_http_network_parse(&made, text_of(texts[i])),
			ROTA_EINVAL);
	assert_memory_equal(&made, &before, sizeof(made));
}

static void an_empty_list_has_no_address(void **state)
{
	struct rota_http_networks none = { NULL, 0 };
	struct rota_http_network zero = { .kind = ROTA_HTTP_NETWORK_NONE };
	struct rota_http_network all = network("0.0.0.0/0");
	struct rota_address address;

	(void)state;
	assert_int_equal(rota_address_ip(&address, "0.0.0.0", 0), 0);
	assert_false(rota_http_networks_have(&none, &address));
	assert_false(rota_http_networks_have(NULL, &address));
	assert_false(rota_http_network_has(&zero, &address));
	assert_true(rota_http_network_has(&all, &address));
	address.size = 0;
	assert_false(rota_http_network_has(&all, &address));
}

/* "192.0.2.1:80 192.0.2.2:81 +3": the addresses, and how many bytes are behind
 * the header; or "more", or why it was refused. */
struct outcome {
	char text[TEXT_SIZE];
	size_t used;
};

static void add_address(char *text, const struct rota_address *address)
{
	char name[ROTA_ADDRESS_TEXT_SIZE] = "-";

	if (address->size > 0)
		assert_int_equal(rota_address_text(address, name, sizeof(name)),
				 0);
	strcat(text, name);
	strcat(text, " ");
}

static int feed(struct rota_http_proxy_header *header, struct outcome *outcome,
		const char *bytes, size_t size)
{
	char *own = test_malloc(size > 0 ? size : 1);
	size_t used;
	int result;

	memcpy(own, bytes, size);
	result = rota_http_proxy_header_feed(header, rota_bytes(own, size),
					     &used);
	test_free(own);
	assert_true(used <= size);
	assert_true(result != 0 || used == size);
	outcome->used += used;
	return result;
}

/* Feed the bytes in pieces: up to @cut, then of @step. */
static void read_header(struct outcome *outcome, struct rota_const_buf bytes,
			size_t cut, size_t step)
{
	struct rota_http_proxy_header header;
	size_t at = cut;
	int result;

	memset(outcome, 0, sizeof(*outcome));
	rota_http_proxy_header_init(&header, SMALL_EXTENSIONS);
	result = feed(&header, outcome, bytes.data, cut);
	for (; at < bytes.size && result == 0; at += step)
		result = feed(&header, outcome, bytes.data + at,
			      bytes.size - at < step ? bytes.size - at : step);
	if (result == 0) {
		strcpy(outcome->text, "more");
		assert_null(rota_http_proxy_header_refusal(&header));
		return;
	}
	if (result < 0) {
		assert_int_equal(result, ROTA_EPROTO);
		strcpy(outcome->text, rota_http_proxy_header_refusal(&header));
		assert_int_equal(feed(&header, outcome, "PROXY ", 6), result);
		return;
	}
	assert_int_equal(feed(&header, outcome, "PROXY ", 6), 1);
	add_address(outcome->text, &header.source);
	add_address(outcome->text, &header.destination);
	snprintf(outcome->text + strlen(outcome->text), 32, "v%d +%zu",
		 header.version, bytes.size - outcome->used);
}

/* Read the bytes in every way, and compare. */
static void check_header(struct rota_const_buf bytes, const char *expected)
{
	struct outcome outcome;

	read_header(&outcome, bytes, bytes.size, 1);
	assert_string_equal(outcome.text, expected);
	for (size_t cut = 0; cut < bytes.size; cut++) {
		read_header(&outcome, bytes, cut, bytes.size);
		assert_string_equal(outcome.text, expected);
	}
	read_header(&outcome, bytes, 0, 1);
	assert_string_equal(outcome.text, expected);
}

static void check_line(const char *text, const char *expected)
{
	check_header(text_of(text), expected);
}

static void a_line_has_the_addresses(void **state)
{
	char unknown[TEXT_SIZE];

	(void)state;
	check_line("PROXY TCP4 192.0.2.1 192.0.2.2 1024 80\r\nGET",
		   "192.0.2.1:1024 192.0.2.2:80 v1 +3");
	check_line("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n",
		   "[2001:db8::1]:65535 [::1]:0 v1 +0");
	check_line("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n\r",
		   "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 "
		   "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 v1 +1");
	check_line("PROXY UNKNOWN\r\n", "- - v1 +0");
	check_line("PROXY UNKNOWN what ever\r\nPROXY", "- - v1 +5");
	snprintf(unknown, sizeof(unknown), "PROXY UNKNOWN %91s\r\n", "x");
	check_line(unknown, "- - v1 +0");
	snprintf(unknown, sizeof(unknown), "PROXY UNKNOWN %92s\r\n", "x");
	check_line(unknown, "the PROXY line is longer than 107 bytes");
	check_line("PROXY TCP4 192.0.2.1 192.0.2.2 1024 80\r", "more");
	check_line("", "more");
}

static void a_malformed_line_is_refused(void **state)
{
	static const char *const lines[] = {
		"\r\n",
		"TCP4\r\n",
		"TCP4 192.0.2.1 192.0.2.2 1024\r\n",
		"TCP4 192.0.2.1 192.0.2.2 1024 \r\n",
		"TCP4 192.0.2.1 192.0.2.2 1024 80 \r\n",
		"TCP4 192.0.2.1 192.0.2.2 1024 80 1\r\n",
		"TCP4  192.0.2.1 192.0.2.2 1024 80\r\n",
		"TCP4 192.0.2.1\t192.0.2.2 1024 80\r\n",
		"TCP4 192.0.2.1 192.0.2.2 01024 80\r\n",
		"TCP4 192.0.2.1 192.0.2.2 1024 00\r\n",
		"TCP4 192.0.2.1 192.0.2.2 65536 80\r\n",
		"TCP4 192.0.2.1 192.0.2.2 1024 65536\r\n",
		"TCP4 192.0.2.1 192.0.2.2 +1 80\r\n",
		"TCP4 192.0.2.01 192.0.2.2 1 80\r\n",
		"TCP4 192.0.2.256 192.0.2.2 1 80\r\n",
		"TCP4 192.0.2 192.0.2.2 1 80\r\n",
		"TCP4 ::1 ::1 1 80\r\n",
		"TCP6 192.0.2.1 192.0.2.2 1 80\r\n",
		"TCP6 ::1%1 ::1 1 80\r\n",
		"TCP6 [::1] ::1 1 80\r\n",
		"TCP6 ::1 1::1::1 1 80\r\n",
		"TCP5 ::1 ::1 1 80\r\n",
		"tcp4 192.0.2.1 192.0.2.2 1 80\r\n",
		"UNKNOWNS\r\n",
		"UDP4 192.0.2.1 192.0.2.2 1 80\r\n",
	};
	char line[TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(line, sizeof(line), "PROXY %s", lines[i]);
		check_line(line, "the PROXY line is malformed");
	}
	check_line("PROXY UNKNOWN\n", "the PROXY line does not end with CR LF");
	check_line("PROXY UNKNOWN\r\r\n",
		   "the PROXY line does not end with CR LF");
	check_line("PROXY UNKNOWN \rx\r\n",
		   "the PROXY line does not end with CR LF");
}

static void other_protocols_are_refused_at_once(void **state)
{
	static const char refusal[] =
		"the connection does not begin with a PROXY header";

	(void)state;
	check_line("G", refusal);
	check_line("POST / HTTP/1.1\r\n", refusal);
	check_line("proxy ", refusal);
	check_line("PROXY\t", refusal);
	check_line("\r\nGET / HTTP/1.1\r\n", refusal);
	check_line("\x16\x03\x01", refusal);
	check_line(" PROXY ", refusal);
}

/* A header of version 2 with @size bytes behind the fixed ones, and "GET". */
static struct rota_const_buf binary(int command, int family, size_t length,
				    const char *rest, size_t size)
{
	static char bytes[TEXT_SIZE];

	memcpy(bytes, "\r\n\r\n\0\r\nQUIT\n", 12);
	bytes[12] = (char)command;
	bytes[13] = (char)family;
	bytes[14] = (char)(length >> 8);
	bytes[15] = (char)length;
	memcpy(bytes + 16, rest, size);
	memcpy(bytes + 16 + size, "GET", 3);
	return rota_bytes(bytes, 16 + size + 3);
}

static const char four[] = "\xc0\0\2\1\xc0\0\2\2\4\0\0\x50";
static const char six[] = "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
			  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xff\xff\0\0";

static void a_binary_header_has_the_addresses(void **state)
{
	char extended[24];

	(void)state;
	check_header(binary(0x21, 0x11, 12, four, 12),
		     "192.0.2.1:1024 192.0.2.2:80 v2 +3");
	check_header(binary(0x21, 0x21, 36, six, 36),
		     "[2001:db8::1]:65535 [::1]:0 v2 +3");
	memset(extended, 'x', sizeof(extended));
	memcpy(extended, four, 12);
	check_header(binary(0x21, 0x11, 20, extended, 20),
		     "192.0.2.1:1024 192.0.2.2:80 v2 +3");
	check_header(binary(0x21, 0x11, 21, extended, 21),
		     "the extensions of the PROXY header are too long");
	check_header(binary(0x21, 0x11, 16, four, 12), "more");
}

static void a_local_header_has_no_addresses(void **state)
{
	(void)state;
	check_header(binary(0x20, 0x00, 0, "", 0), "- - v2 +3");
	check_header(binary(0x20, 0x11, 5, "abcde", 5), "- - v2 +3");
	check_header(binary(0x20, 0xff, 0, "", 0), "- - v2 +3");
	check_header(binary(0x21, 0x00, 0, "", 0), "- - v2 +3");
	check_header(binary(0x21, 0x00, 8, "abcdefgh", 8), "- - v2 +3");
	check_header(binary(0x21, 0x00, 9, "abcdefghi", 9),
		     "the extensions of the PROXY header are too long");
}

static void names_of_unix_sockets_are_taken(void **state)
{
	char names[216] = { 0 };

	(void)state;
	check_header(binary(0x21, 0x31, 216, names, 216), "unix: unix: v2 +3");
	strcpy(names, "/run/a");
	strcpy(names + 108, "/run/b");
	check_header(binary(0x21, 0x31, 216, names, 216),
		     "unix:/run/a unix:/run/b v2 +3");
	memset(names, 'x', 108); /* no 0: too long */
	check_header(binary(0x21, 0x31, 216, names, 216),
		     "unix: unix:/run/b v2 +3");
#ifdef __linux__
	memset(names, 0, 108);
	strcpy(names + 1, "abc");
	check_header(binary(0x21, 0x31, 216, names, 216),
		     "unix:@abc unix:/run/b v2 +3");
#endif
}

static void a_malformed_binary_header_is_refused(void **state)
{
	static const int families[] = { 0x01, 0x10, 0x12, 0x13, 0x22,
					0x30, 0x32, 0x41, 0xff };
	static const int commands[] = { 0x00, 0x01, 0x11, 0x22, 0x2f, 0x31 };

	(void)state;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		check_header(binary(0x21, families[i], 36, six, 36),
			     "the PROXY header is not of a stream connection");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		check_header(
			binary(commands[i], 0x11, 12, four, 12),
			"the PROXY header has an unknown version or command");
	check_header(binary(0x21, 0x11, 11, four, 12),
		     "the PROXY header is too short for its addresses");
	check_header(binary(0x21, 0x21, 35, six, 36),
		     "the PROXY header is too short for its addresses");
	check_header(binary(0x21, 0x31, 36, six, 36),
		     "the PROXY header is too short for its addresses");
	check_header(binary(0x21, 0x11, 12, four, 5), "more");
}

/* The trusted hops. */
static struct rota_http_network hops[2];

static struct rota_http_client find(const char *peer, const char *fields,
				    enum rota_http_forwarding forwarding,
				    int expected)
{
	static char own[TEXT_SIZE * 4];
	static struct rota_http_field places[FIELDS];
	struct rota_http_head head = { .fields = places, .capacity = FIELDS };
	struct rota_http_trust trust = { { hops, 2 }, forwarding };
	struct rota_http_parser parser;
	struct rota_http_client client;
	struct rota_const_buf body;
	struct rota_address address;
	int size;

	hops[0] = network("10.0.0.0/8");
	hops[1] = network("2001:db8::/32");
	size = snprintf(own, sizeof(own), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
			fields);
	assert_true(size > 0 && (size_t)size < sizeof(own));
	assert_int_equal(rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS,
					       &head, NULL, NULL),
			 0);
	rota_http_parser_feed(&parser, rota_bytes(own, (size_t)size));
	assert_int_equal(rota_http_parser_next(&parser, &body),
			 ROTA_HTTP_EVENT_HEAD);
	assert_int_equal(rota_address_parse(&address, peer, 0), 0);
	assert_int_equal(
		rota_http_client_find(&client, &head, &address, &trust),
		expected);
	rota_http_parser_free(&parser);
	return client;
}

static void check_client(const char *peer, const char *fields,
			 enum rota_http_forwarding forwarding,
			 const char *expected)
{
	int is_error = strcmp(expected, "malformed") == 0;
	struct rota_http_client client =
		find(peer, fields, forwarding, is_error ? ROTA_EINVAL : 0);
	char text[TEXT_SIZE] = "";

	if (is_error) {
		assert_int_equal(client.address.size, 0);
		assert_null(client.scheme.data);
		assert_null(client.host.data);
		return;
	}
	add_address(text, &client.address);
	snprintf(text + strlen(text), 256, "%.*s %.*s %d",
		 (int)client.scheme.size,
		 client.scheme.data != NULL ? client.scheme.data : "",
		 (int)client.host.size,
		 client.host.data != NULL ? client.host.data : "", client.hops);
	assert_string_equal(text, expected);
}

static void check_forwarded(const char *peer, const char *fields,
			    const char *expected)
{
	check_client(peer, fields, ROTA_HTTP_FORWARDED, expected);
}

static void check_x(const char *peer, const char *fields, const char *expected)
{
	check_client(peer, fields, ROTA_HTTP_X_FORWARDED, expected);
}

static void only_trusted_peers_are_believed(void **state)
{
	(void)state;
	check_forwarded("192.0.2.9:1",
			"Forwarded: for=192.0.2.1;proto=https\r\n",
			"192.0.2.9:1   0");
	check_forwarded("10.0.0.1:1",
			"Forwarded: for=192.0.2.1;proto=https\r\n",
			"192.0.2.1:0 https  1");
	check_forwarded("::ffff:10.0.0.1", "Forwarded: for=192.0.2.1\r\n",
			"192.0.2.1:0   1");
	check_forwarded("10.0.0.1:1", "X-Forwarded-For: 192.0.2.1\r\n",
			"10.0.0.1:1   0");
	check_x("10.0.0.1:1", "Forwarded: for=192.0.2.1\r\n", "10.0.0.1:1   0");
	check_x("192.0.2.9:1",
		"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n",
		"192.0.2.9:1   0");
	check_client("10.0.0.1:1", "X-Forwarded-For: 192.0.2.1\r\n",
		     ROTA_HTTP_NOT_FORWARDED, "10.0.0.1:1   0");
}

static void the_last_untrusted_address_is_the_client(void **state)
{
	(void)state;
	check_forwarded("10.0.0.1:1",
			"Forwarded: for=10.0.0.7, for=192.0.2.1;host=a, "
			"for=10.0.0.2;host=b\r\n",
			"192.0.2.1:0  a 2");
	check_forwarded("10.0.0.1:1",
			"Forwarded: for=10.0.0.7, for=192.0.2.1;host=a\r\n"
			"Forwarded: for=10.0.0.2;host=b\r\n",
			"192.0.2.1:0  a 2");
	check_forwarded("10.0.0.1:1",
			"Forwarded: for=10.0.0.3, for=10.0.0.2\r\n",
			"10.0.0.3:0   2");
	check_x("10.0.0.1:1",
		"X-Forwarded-For: 10.0.0.7, 192.0.2.1\r\n"
		"X-Forwarded-For: 10.0.0.2\r\n",
		"192.0.2.1:0   2");
	/* What is before it is not even looked at. */
	check_forwarded("10.0.0.1:1", "Forwarded: ???, for=192.0.2.1\r\n",
			"192.0.2.1:0   1");
	check_forwarded("10.0.0.1:1",
			"Forwarded: for=\"x\r\nForwarded: for=192.0.2.1\r\n",
			"192.0.2.1:0   1");
	check_x("10.0.0.1:1", "X-Forwarded-For: garbage, 192.0.2.1\r\n",
		"192.0.2.1:0   1");
}

static void nodes_are_of_several_forms(void **state)
{
	(void)state;
	check_forwarded("10.0.0.1", "Forwarded: For=\"[2001:db9::1]:4711\"\r\n",
			"[2001:db9::1]:4711   1");
	check_forwarded("10.0.0.1", "Forwarded: FOR=\"192.0.2.1:80\"; by=x\r\n",
			"192.0.2.1:80   1");
	check_forwarded("10.0.0.1", "Forwarded: for=\"192.0.2.1:_x\" ;; \r\n",
			"192.0.2.1:0   1");
	check_forwarded("10.0.0.1",
			"Forwarded: for=\"[2001:db8::9]\";a=\"\\\"\"\r\n",
			"[2001:db8::9]:0   1");
	check_forwarded("10.0.0.1", "Forwarded: for=unknown;host=\"a:80\"\r\n",
			"-  a:80 1");
	check_forwarded("10.0.0.1", "Forwarded: for=_gazonk-1.x\r\n", "-   1");
	check_forwarded("10.0.0.1", "Forwarded: for=\"_a:_b\"\r\n", "-   1");
	check_forwarded("10.0.0.1", "Forwarded: for=\"unknown:12\"\r\n",
			"-   1");
	check_forwarded("10.0.0.1", "Forwarded: proto=https\r\n", "- https  1");
	/* Nobody is believed behind a client that is not known. */
	check_forwarded("10.0.0.1", "Forwarded: for=10.0.0.9, for=_hidden\r\n",
			"-   1");
	check_x("10.0.0.1", "X-Forwarded-For: 2001:db9::1\r\n",
		"[2001:db9::1]:0   1");
	check_x("10.0.0.1", "X-Forwarded-For: [2001:db9::1]:80\r\n",
		"[2001:db9::1]:80   1");
	check_x("10.0.0.1", "X-Forwarded-For: ,192.0.2.1:81,\r\n",
		"192.0.2.1:81   1");
	check_x("10.0.0.1", "X-Forwarded-For: 10.0.0.9, unknown\r\n", "-   1");
}

static void malformed_fields_of_trusted_peers_give_nothing(void **state)
{
	static const char *const elements[] = {
		"for",
		"for=",
		"=a",
		"for=\"",
		"for=\"a",
		"for=\"\"",
		"for=1.2.3",
		"for=1.2.3.4:80",
		"for=[::1]",
		"for=\"::1\"",
		"for=\"[::1\"",
		"for=\"[::1]x\"",
		"for=\"[::1]:\"",
		"for=1.2.3.4 for=1.2.3.4",
		"for=1.2.3.4;for=1.2.3.4",
		"for=\"1.2.3.4:65536\"",
		"for=\"1.2.3.4:080\"",
		"for=\"[1.2.3.4]\"",
		"for=\"[fe80::1%1]\"",
		"for=\"1.2.3.\\4\"",
		"for=1.2.3.4;proto=1",
		"for=1.2.3.4;proto=a/b",
		"for=1.2.3.4;host=a/b",
		"for=1.2.3.4;host=\"\"",
		"for=1.2.3.4;host=\"a\\b\"",
		"for=1.2.3.4;;x",
		"for = 1.2.3.4",
		"for=_",
		"for=_a/b",
		"for=unknown:x",
		"for=1.2.3.4\"",
		"for=\"1.2.3.4\"x",
		"for=10.0.0.01",
	};
	char field[TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
		snprintf(field, sizeof(field), "Forwarded: %s\r\n",
			 elements[i]);
		check_forwarded("10.0.0.1", field, "malformed");
		snprintf(field, sizeof(field),
			 "Forwarded: %s\r\nForwarded: for=10.0.0.2\r\n",
			 elements[i]);
		check_forwarded("10.0.0.1", field, "malformed");
	}
	check_x("10.0.0.1", "X-Forwarded-For: 1.2.3\r\n", "malformed");
	check_x("10.0.0.1", "X-Forwarded-For: a, 10.0.0.2\r\n", "malformed");
	check_x("10.0.0.1", "X-Forwarded-For: \"10.0.0.2\"\r\n", "malformed");
	check_x("10.0.0.1", "X-Forwarded-For: fe80::1%1\r\n", "malformed");
	check_x("10.0.0.1", "X-Forwarded-For: 1.2.3.4:x\r\n", "malformed");
}

/* A client cannot open a string that swallows what its proxy appends. */
static void an_open_string_makes_the_client_unknown(void **state)
{
	(void)state;
	check_forwarded("10.0.0.1",
			"Forwarded: for=\"10.0.0.2, for=1.2.3.4\r\n",
			"malformed");
	check_forwarded("10.0.0.1",
			"Forwarded: for=10.0.0.2;a=\"x, "
			"for=\"[2001:db9::1]:80\"\r\n",
			"malformed");
	check_forwarded("10.0.0.1",
			"Forwarded: for=10.0.0.2;a=\"x\\, "
			"for=\"[2001:db9::1]:80\"\r\n",
			"malformed");
}

static void other_fields_have_a_scheme_and_a_host(void **state)
{
	(void)state;
	check_x("10.0.0.1:1", "X-Forwarded-Proto: https\r\n",
		"10.0.0.1:1 https  0");
	check_x("10.0.0.1",
		"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n"
		"X-Forwarded-Host: a.example:81\r\n",
		"1.2.3.4:0 https a.example:81 1");
	check_x("10.0.0.1",
		"X-Forwarded-For: 1.2.3.4, 10.0.0.2\r\n"
		"X-Forwarded-Proto: https, http\r\nX-Forwarded-Host: b\r\n",
		"1.2.3.4:0 https b 2");
	check_x("10.0.0.1",
		"X-Forwarded-For: 9.9.9.9, 1.2.3.4\r\n"
		"X-Forwarded-Proto: a\r\nX-Forwarded-Proto: b\r\n"
		"X-Forwarded-Host: a,b,c\r\n",
		"1.2.3.4:0 b  1");
	check_x("10.0.0.1",
		"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: a b\r\n"
		"X-Forwarded-Host: a/b\r\n",
		"1.2.3.4:0   1");
	check_x("10.0.0.1",
		"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: \"\r\n",
		"1.2.3.4:0   1");
}

static void the_number_of_hops_is_bounded(void **state)
{
	char fields[TEXT_SIZE * 3] = "X-Forwarded-For: 1.2.3.4";

	(void)state;
	for (int i = 1; i < ROTA_HTTP_MOST_HOPS; i++)
		strcat(fields, ", 10.0.0.1");
	strcat(fields, "\r\n");
	check_x("10.0.0.1", fields, "1.2.3.4:0   32");

	strcpy(fields, "X-Forwarded-For: 1.2.3.4");
	for (int i = 0; i < 2 * ROTA_HTTP_MOST_HOPS; i++)
		strcat(fields, ", 10.0.0.1");
	strcat(fields, "\r\n");
	check_x("10.0.0.1", fields, "malformed");
	strcpy(fields, "");
	for (int i = 0; i < ROTA_HTTP_MOST_HOPS + 1; i++)
		strcat(fields, "X-Forwarded-For: 10.0.0.1\r\n");
	check_x("10.0.0.1", fields, "malformed");
}

static void sizes_are_within_their_budgets(void **state)
{
	(void)state;
	if (sizeof(void *) != 8)
		skip_test("the budgets are for pointers of 64 bits");
	assert_true(sizeof(struct rota_http_network) <= 18);
	assert_true(sizeof(struct rota_http_proxy_header) <= 504);
	assert_true(sizeof(struct rota_http_histogram) <= 1752);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_network_has_the_addresses_with_its_bits),
	VIRTUAL(mapped_addresses_are_those_of_ip4),
	VIRTUAL(what_is_no_network_is_refused),
	VIRTUAL(an_empty_list_has_no_address),
	VIRTUAL(a_line_has_the_addresses),
	VIRTUAL(a_malformed_line_is_refused),
	VIRTUAL(other_protocols_are_refused_at_once),
	VIRTUAL(a_binary_header_has_the_addresses),
	VIRTUAL(a_local_header_has_no_addresses),
	VIRTUAL(names_of_unix_sockets_are_taken),
	VIRTUAL(a_malformed_binary_header_is_refused),
	VIRTUAL(only_trusted_peers_are_believed),
	VIRTUAL(the_last_untrusted_address_is_the_client),
	VIRTUAL(nodes_are_of_several_forms),
	VIRTUAL(malformed_fields_of_trusted_peers_give_nothing),
	VIRTUAL(an_open_string_makes_the_client_unknown),
	VIRTUAL(other_fields_have_a_scheme_and_a_host),
	VIRTUAL(the_number_of_hops_is_bounded),
	VIRTUAL(sizes_are_within_their_budgets),
};

FIXTURE_MAIN(tests)
