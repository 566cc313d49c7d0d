/*
 * Parsers: messages as they are on the wire, and what is read out of them.
 *
 * Every case is fed whole, cut in two at every byte, and byte by byte, and the
 * result is the same. The bytes of each call are in memory of their own, which
 * is overwritten and freed as soon as they have been used.
 */
/* poller: none */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/refusal.h"
#include "rota_http.h"

enum { TEXT_SIZE = 8192, FIELDS = 12, HEAD_SIZE = 512, SHORT_TARGET = 64 };

/* What was read, as text. */
struct result {
	char text[TEXT_SIZE];
	size_t size;
	int is_in_body;
};

static void add(struct result *result, const char *bytes, size_t size)
{
	assert_true(result->size + size < sizeof(result->text));
	if (size > 0)
		memcpy(result->text + result->size, bytes, size);
	result->size += size;
	result->text[result->size] = '\0';
}

static void add_text(struct result *result, const char *text)
{
	add(result, text, strlen(text));
}

static void add_number(struct result *result, unsigned long long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", number);
	add_text(result, text);
}

static void add_buf(struct result *result, struct rota_const_buf buf)
{
	add(result, buf.data, buf.size);
}

/* "GET /path 1.1 {name=value} length 5 keep" */
static void add_head(struct result *result, const struct rota_http_head *head)
{
	static const char *const bodies[] = { "none", "length", "chunked",
					      "close" };
	static const char *const flags[] = { "keep", "expect", "upgrade",
					     "interim" };

	if (head->status != 0) {
		add_number(result, head->status);
	} else {
		add_buf(result, rota_http_head_method(head));
		assert_int_equal(
			rota_http_method_find(rota_http_head_method(head).data,
					      head->method_size),
			head->method);
	}
	add_text(result, " ");
	add_buf(result, rota_http_head_target(head));
	add_text(result, " 1.");
	add_number(result, head->minor);
	add_text(result, " {");
	for (uint32_t i = 0; i < head->count; i++) {
		struct rota_const_buf name = rota_http_head_name(head, i);

		if (i > 0)
			add_text(result, ",");
		add_buf(result, name);
		add_text(result, "=");
		add_buf(result, rota_http_head_value(head, i));
		assert_int_equal(rota_http_name_find(name.data, name.size),
				 head->fields[i].name);
	}
	add_text(result, "} ");
	add_text(result, bodies[head->body]);
	if (head->body == ROTA_HTTP_BODY_LENGTH) {
		add_text(result, " ");
		add_number(result, head->content_length);
	}
	for (unsigned i = 0; i < 4; i++)
		if (head->flags >> i & 1) {
			add_text(result, " ");
			add_text(result, flags[i]);
		}
	add_text(result, "\n");
}

static void add_trailers(struct result *result,
			 const struct rota_http_head *head)
{
	for (uint32_t i = 0; i < head->trailer_count; i++) {
		add_text(result, "~");
		add_buf(result, rota_http_head_trailer_name(head, i));
		add_text(result, "=");
		add_buf(result, rota_http_head_trailer_value(head, i));
		add_text(result, "\n");
	}
}

/* The pieces of a body are one text. */
static void add_event(struct result *result, int event,
		      const struct rota_http_head *head,
		      struct rota_const_buf body)
{
	if (event == ROTA_HTTP_EVENT_BODY) {
		if (!result->is_in_body)
			add_text(result, "[");
		add_buf(result, body);
		result->is_in_body = 1;
		return;
	}
	if (result->is_in_body)
		add_text(result, "]\n");
	result->is_in_body = 0;
	if (event == ROTA_HTTP_EVENT_HEAD)
		add_head(result, head);
	if (event == ROTA_HTTP_EVENT_END) {
		add_trailers(result, head);
		add_text(result, ".\n");
	}
}

static void add_refusal(struct result *result,
			const struct rota_http_parser *parser)
{
	struct rota_http_refusal refusal = rota_http_parser_refusal(parser);

	add_event(result, 0, NULL, (struct rota_const_buf){ 0 });
	add_number(result, (unsigned)refusal.status);
	add_text(result, " ");
	add_text(result, refusal.text);
	assert_int_equal(rota_http_parser_rest(parser).size, 0);
}

struct wire_case {
	const char *wire;
	const char *expected;
	size_t size; /* of the wire; 0: it has no byte 0 */
	enum rota_http_kind kind;
	enum rota_http_method method; /* that a response answers */
};

/* One parser with its memory. */
struct reader {
	struct rota_http_parser parser;
	struct rota_http_head head;
	struct rota_http_field fields[FIELDS];
	struct rota_http_limits limits;
	const struct wire_case *wire_case;
	struct result result;
};

static void begin(struct reader *r, const struct wire_case *wire_case,
		  const struct rota_allocator *allocator)
{
	rota_http_limits_init(&r->limits);
	r->limits.head_size = HEAD_SIZE;
	r->limits.target_size = SHORT_TARGET;
	r->limits.trailer_size = SHORT_TARGET;
	r->limits.extension_size = 16;
	r->limits.body_size = 1000;
	r->wire_case = wire_case;
	r->result.size = 0;
	r->result.text[0] = '\0';
	r->result.is_in_body = 0;
	r->head.fields = r->fields;
	r->head.capacity = FIELDS;
	assert_int_equal(rota_http_parser_init(&r->parser, wire_case->kind,
					       &r->head, &r->limits, allocator),
			 0);
	rota_http_parser_set_method(&r->parser, wire_case->method);
}

/* Returns 0 or an error. */
static int take(struct reader *r)
{
	struct rota_const_buf body = { NULL, 0 };
	int event;

	while ((event = rota_http_parser_next(&r->parser, &body)) > 0)
		add_event(&r->result, event, &r->head, body);
	if (event == ROTA_EPROTO) {
		add_refusal(&r->result, &r->parser);
		assert_int_equal(rota_http_parser_next(&r->parser, &body),
				 ROTA_EPROTO);
	}
	return event;
}

static int feed(struct reader *r, const char *bytes, size_t size)
{
	char *own = test_malloc(size + 1);
	int error;

	memcpy(own, bytes, size);
	assert_int_equal(
		rota_http_parser_feed(&r->parser, rota_bytes(own, size)), 0);
	error = take(r);
	if (error == 0 && rota_http_parser_rest(&r->parser).size > 0) {
		add_event(&r->result, 0, NULL, (struct rota_const_buf){ 0 });
		add_text(&r->result, "rest ");
		add_buf(&r->result, rota_http_parser_rest(&r->parser));
		error = 1;
	}
	memset(own, '@', size);
	test_free(own);
	return error;
}

static void finish(struct reader *r, int error)
{
	if (error == 0) {
		error = rota_http_parser_finish(&r->parser);
		if (error == ROTA_EPROTO)
			add_refusal(&r->result, &r->parser);
		else if (error > 0)
			add_event(&r->result, error, &r->head,
				  (struct rota_const_buf){ 0 });
	}
	rota_http_parser_free(&r->parser);
}

static size_t size_of(const struct wire_case *wire_case)
{
	return wire_case->size > 0 ? wire_case->size : strlen(wire_case->wire);
}

/* Feed the case in pieces of @step bytes, the first of which has @first. */
static void read_in_steps(struct reader *r, const struct wire_case *wire_case,
			  size_t first, size_t step)
{
	size_t size = size_of(wire_case);
	size_t at = 0;
	int error = 0;

	begin(r, wire_case, NULL);
	while (at < size && error == 0) {
		size_t piece = at == 0 ? first : step;

		if (piece > size - at)
			piece = size - at;
		error = feed(r, wire_case->wire + at, piece);
		at += piece;
	}
	/* What follows a rest is not HTTP: the rest depends on the cut. */
	if (error == 1)
		add(&r->result, wire_case->wire + at, size - at);
	finish(r, error);
}

static int refusals_seen[ROTAI_HTTP_REFUSALS];

static void note_refusal(const struct wire_case *wire_case)
{
	const char *text = strrchr(wire_case->expected, '\n');

	text = text != NULL ? text + 1 : wire_case->expected;
	for (int i = 1; i < ROTAI_HTTP_REFUSALS; i++) {
		struct rota_http_refusal refusal = rotai_http_refusal(
			(enum rotai_http_refusal)i, ROTA_HTTP_REQUESTS);

		if (strlen(text) > 4 && strcmp(text + 4, refusal.text) == 0)
			refusals_seen[i]++;
	}
}

static void check_case(const struct wire_case *wire_case)
{
	static struct reader r;
	size_t size = size_of(wire_case);

	read_in_steps(&r, wire_case, size, 1);
	assert_string_equal(r.result.text, wire_case->expected);
	for (size_t cut = 1; cut < size; cut++) {
		read_in_steps(&r, wire_case, cut, size);
		assert_string_equal(r.result.text, wire_case->expected);
	}
	for (size_t step = 1; step < 4; step++) {
		read_in_steps(&r, wire_case, step, step);
		assert_string_equal(r.result.text, wire_case->expected);
	}
	note_refusal(wire_case);
}

#define HOST "Host: a\r\n"
#define GET  "GET / HTTP/1.1\r\n" HOST
#define X10  "xxxxxxxxxx"
#define X50  X10 X10 X10 X10 X10
#define X500 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50
#define SEEN "GET / 1.1 {Host=a} none keep\n.\n"
#define POST "POST / HTTP/1.1\r\n" HOST
#define CHUNKED                                                                \
	POST "Transfer-Encoding: chunked\r\n"                                  \
	     "\r\n"
#define CHUNKED_SEEN                                                           \
	"POST / 1.1 {Host=a,Transfer-Encoding=chunked} chunked keep\n"

static const char *const accepted[][2] = {
	{ GET "\r\n", SEEN },
	{ "\r\n" GET "\r\n", SEEN },
	{ GET "\r\n" GET "\r\n" GET "\r\n", SEEN SEEN SEEN },
	{ GET "\r\n\r\n" GET "\r\n", SEEN SEEN },
	{ "GET / HTTP/1.0\r\n\r\n", "GET / 1.0 {} none\n.\n" },
	{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
	  "GET / 1.0 {Connection=Keep-Alive} none keep\n.\n" },
	{ "GET / HTTP/1.7\r\n" HOST "\r\n",
	  "GET / 1.7 {Host=a} none keep\n.\n" },
	{ "FROB /a?b=%zz|{}\" HTTP/1.1\r\nhOsT:a:1\r\n\r\n",
	  "FROB /a?b=%zz|{}\" 1.1 {hOsT=a:1} none keep\n.\n" },
	{ "GET http://b:1/c?d HTTP/1.1\r\nHost:\r\n\r\n",
	  "GET http://b:1/c?d 1.1 {Host=} none keep\n.\n" },
	{ "OPTIONS * HTTP/1.1\r\nHost:\t [::1]:80 \t\r\n\r\n",
	  "OPTIONS * 1.1 {Host=[::1]:80} none keep\n.\n" },
	{ "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n",
	  "CONNECT b:443 1.1 {Host=b:443} none keep\n.\n" },
	{ GET "Connection: x, CLOSE\r\n\r\n",
	  "GET / 1.1 {Host=a,Connection=x, CLOSE} none\n.\n" },
	{ GET "Connection: close\r\nConnection: keep-alive\r\n\r\n",
	  "GET / 1.1 {Host=a,Connection=close,Connection=keep-alive} none\n"
	  ".\n" },
	{ GET "Connection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n\r\n",
	  "GET / 1.1 {Host=a,Connection=keep-alive, Upgrade,Upgrade=h2c} none "
	  "keep upgrade\n.\n" },
	{ GET "X-Long-Name-That-Nobody-Knows-Of: \x80\xff\t\"c\"\r\nA:\r\n\r\n",
	  "GET / 1.1 {Host=a,X-Long-Name-That-Nobody-Knows-Of=\x80\xff\t\"c\","
	  "A=} none keep\n.\n" },
	{ POST "Content-Length: 0\r\n\r\n" GET "\r\n",
	  "POST / 1.1 {Host=a,Content-Length=0} length 0 keep\n.\n" SEEN },
	{ POST "Content-Length: 005\r\n\r\nhello" GET "\r\n",
	  "POST / 1.1 {Host=a,Content-Length=005} length 5 keep\n[hello]\n"
	  ".\n" SEEN },
	{ POST "Content-Length: 3\r\nExpect: 100-Continue\r\n\r\nabc",
	  "POST / 1.1 {Host=a,Content-Length=3,Expect=100-Continue} length 3 "
	  "keep expect\n[abc]\n.\n" },
	{ GET "Expect: 100-continue\r\n\r\n",
	  "GET / 1.1 {Host=a,Expect=100-continue} none keep\n.\n" },
	{ "GET / HTTP/1.0\r\nExpect: no\r\n\r\n",
	  "GET / 1.0 {Expect=no} none\n.\n" },
	{ CHUNKED "0\r\n\r\n", CHUNKED_SEEN ".\n" },
	{ CHUNKED
	  "5\r\nhello\r\n00A;a=\"b\" ;c\r\n0123456789\r\n000\r\n\r\n" GET
	  "\r\n",
	  CHUNKED_SEEN "[hello0123456789]\n.\n" SEEN },
	{ CHUNKED "1 \t;\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n",
	  CHUNKED_SEEN "[x]\n~A=b\n~C=\n.\n" },
	{ POST "Transfer-Encoding: , CHUNKED ,\r\n\r\n0\r\n\r\n",
	  "POST / 1.1 {Host=a,Transfer-Encoding=, CHUNKED ,} chunked keep\n"
	  ".\n" },
};

static const char *const refused[][2] = {
	{ GET "A: \x01\r\n\r\n", "400 a line contains a control character" },
	{ GET "A: \x7f", "400 a line contains a control character" },
	{ "\x16\x03\x01\x02", "400 a line contains a control character" },
	{ GET "A: b\rc\r\n", "400 a CR is not followed by LF" },
	{ GET "A: b\r\r\n", "400 a CR is not followed by LF" },
	{ "\rGET", "400 a CR is not followed by LF" },
	{ "GET / HTTP/1.1\n", "400 a line ends with LF instead of CR LF" },
	{ GET "A: b\n", "400 a line ends with LF instead of CR LF" },
	{ GET "\n", "400 a line ends with LF instead of CR LF" },
	{ "\n" GET, "400 a line ends with LF instead of CR LF" },
	{ "\r\n\r\n" GET,
	  "400 there is an empty line instead of the first line" },
	{ GET "\r\n\r\n\r\n" GET "\r\n",
	  SEEN "400 there is an empty line instead of the first line" },

	{ "G@T / HTTP/1.1\r\n", "400 the method is not a token" },
	{ " GET / HTTP/1.1\r\n", "400 the method is not a token" },
	{ "GET\t/ HTTP/1.1\r\n", "400 the method is not a token" },
	{ "GET\r\n", "400 the request line is not a method, a target and a "
		     "version" },
	{ "GET \r\n", "400 the request line is not a method, a target and a "
		      "version" },
	{ "GET /\r\n", "400 the request line is not a method, a target and a "
		       "version" },
	{ "GET  / HTTP/1.1\r\n", "400 the request line is not a method, a "
				 "target and a version" },
	{ "GET / x HTTP/1.1\r\n", "400 the request line is not a method, a "
				  "target and a version" },
	{ "GET / HTTP/1.1 \r\n", "400 the request line is not a method, a "
				 "target and a version" },
	{ "GET / HTTP/1.10\r\n", "400 the version is malformed" },
	{ "GET / http/1.1\r\n", "400 the version is malformed" },
	{ "GET / HTTP/1,1\r\n", "400 the version is malformed" },
	{ "GET / \r\n", "400 the version is malformed" },
	{ "GET / HTTP/2.0\r\n", "505 the version is not 1.0 or 1.1" },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	  "505 the version is not 1.0 or 1.1" },
	{ "GET / HTTP/0.9\r\n", "505 the version is not 1.0 or 1.1" },
	{ "GET /#a HTTP/1.1\r\n", "400 the target contains a character that "
				  "must be encoded" },
	{ "GET /\x80 HTTP/1.1\r\n", "400 the target contains a character that "
				    "must be encoded" },
	{ "GET /a\tb HTTP/1.1\r\n", "400 the target contains a character that "
				    "must be encoded" },
	{ "GET a HTTP/1.1\r\n" HOST "\r\n",
	  "400 the target is neither a path nor a URL" },
	{ "GET http://b@c/ HTTP/1.1\r\n" HOST "\r\n",
	  "400 the URL in the target is malformed" },
	{ "GET http:///a HTTP/1.1\r\n" HOST "\r\n",
	  "400 the URL in the target is malformed" },
	{ "CONNECT / HTTP/1.1\r\n" HOST "\r\n",
	  "400 the target of CONNECT is not a host and a port" },
	{ "CONNECT a HTTP/1.1\r\n" HOST "\r\n",
	  "400 the target of CONNECT is not a host and a port" },
	{ "GET * HTTP/1.1\r\n" HOST "\r\n",
	  "400 the target * is for OPTIONS alone" },
	{ "GET /" X50 X10 "1234 HTTP/1.1\r\n", "414 the target is too long" },
	{ "GET /" X500 X10, "414 the first line is too long" },
	{ "GET /" X500 X10 " HTTP/1.1\r\n", "414 the first line is too long" },

	{ GET "A: b\r\n c\r\n", "400 a field is folded over several lines" },
	{ GET "A: b\r\n\tc: d\r\n",
	  "400 a field is folded over several lines" },
	{ "GET / HTTP/1.1\r\n " HOST,
	  "400 a field is folded over several lines" },
	{ GET "A\r\n", "400 a field has no colon" },
	{ GET ": a\r\n", "400 a field has no name" },
	{ GET "A : b\r\n", "400 there is white space between the name of a "
			   "field and the colon" },
	{ GET "Content-Length : 3\r\n",
	  "400 there is white space between the name of a field and the "
	  "colon" },
	{ GET "A(b: c\r\n", "400 the name of a field is not a token" },
	{ GET "\x80: c\r\n", "400 the name of a field is not a token" },
	{ GET "A: 2\r\nA: 3\r\nA: 4\r\nA: 5\r\nA: 6\r\nA: 7\r\nA: 8\r\nA: 9\r\n"
	      "A: 10\r\nA: 11\r\nA: 12\r\nA: 13\r\n",
	  "431 there are too many fields" },
	{ GET "A: " X500 "\r\n", "431 the fields are too long" },
	{ GET "A: " X500, "431 the fields are too long" },
	{ GET "A: " X50 X50 X50 X50 X50 X50 X50 X50 X50 "\r\n\r\n",
	  "GET / 1.1 {Host=a,A=" X50 X50 X50 X50 X50 X50 X50 X50 X50
	  "} none keep\n.\n" },

	{ "GET / HTTP/1.1\r\nHos: a\r\n\r\n", "400 the field Host is missing" },
	{ "GET http://a/ HTTP/1.1\r\n\r\n", "400 the field Host is missing" },
	{ GET HOST, "400 the field Host is repeated" },
	{ "GET / HTTP/1.0\r\n" HOST HOST, "400 the field Host is repeated" },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
	  "400 the field Host is malformed" },
	{ "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
	  "400 the field Host is malformed" },
	{ "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
	  "400 the field Host is malformed" },
	{ POST "Content-Length: 3\r\nContent-Length: 3\r\n",
	  "400 the field Content-Length is repeated" },
	{ POST "Content-Length: 3, 3\r\n\r\n",
	  "400 the field Content-Length is not a number" },
	{ POST "Content-Length: +3\r\n\r\n",
	  "400 the field Content-Length is not a number" },
	{ POST "Content-Length:\r\n\r\n",
	  "400 the field Content-Length is not a number" },
	{ POST "Content-Length: 9223372036854775808\r\n\r\n",
	  "400 the field Content-Length is beyond 2^63 - 1" },
	{ POST "Content-Length: 99999999999999999999999\r\n\r\n",
	  "400 the field Content-Length is beyond 2^63 - 1" },
	{ POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
	  "400 there are both Content-Length and Transfer-Encoding" },
	{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	  "400 HTTP/1.0 has no Transfer-Encoding" },
	{ POST "Transfer-Encoding:\r\n\r\n",
	  "400 the field Transfer-Encoding is malformed" },
	{ POST "Transfer-Encoding: \"chunked\r\n\r\n",
	  "400 the field Transfer-Encoding is malformed" },
	{ POST "Transfer-Encoding: \"chunked\"\r\n\r\n",
	  "400 the field Transfer-Encoding is malformed" },
	{ POST "Transfer-Encoding: chunked, gzip\r\n\r\n",
	  "400 chunked is not the last transfer coding" },
	{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
	       "\r\n",
	  "400 chunked is not the last transfer coding" },
	{ POST "Transfer-Encoding: chunked;a=b\r\n\r\n",
	  "400 the transfer coding chunked has a parameter" },
	{ POST "Transfer-Encoding: gzip, chunked\r\n\r\n",
	  "501 the only known transfer coding is chunked" },
	{ POST "Transfer-Encoding: xchunked\r\n\r\n",
	  "501 the only known transfer coding is chunked" },
	{ POST "Transfer-Encoding: identity\r\n\r\n",
	  "501 the only known transfer coding is chunked" },
	{ "CONNECT a:1 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n",
	  "400 CONNECT has no body" },
	{ POST "Expect: something\r\n\r\n",
	  "417 the only known expectation is 100-continue" },
	{ POST "Expect: 100-continue, x\r\n\r\n",
	  "417 the only known expectation is 100-continue" },
	{ POST "Content-Length: 1001\r\n\r\n", "413 the body is too long" },
	{ CHUNKED "3e9\r\n", CHUNKED_SEEN "413 the body is too long" },
	{ CHUNKED "1\r\nx\r\n3e8\r\n",
	  CHUNKED_SEEN "[x]\n413 the body is too long" },

	{ CHUNKED "g", CHUNKED_SEEN "400 the size of a chunk is not a "
				    "hexadecimal number" },
	{ CHUNKED "\r\n", CHUNKED_SEEN "400 the size of a chunk is not a "
				       "hexadecimal number" },
	{ CHUNKED "-1\r\n", CHUNKED_SEEN "400 the size of a chunk is not a "
					 "hexadecimal number" },
	{ CHUNKED "8000000000000000\r\n",
	  CHUNKED_SEEN "400 the size of a chunk is beyond 2^63 - 1, or has "
		       "more than 16 digits" },
	{ CHUNKED "00000000000000001\r\n",
	  CHUNKED_SEEN "400 the size of a chunk is beyond 2^63 - 1, or has "
		       "more than 16 digits" },
	{ CHUNKED "1x\r\n", CHUNKED_SEEN "400 the line of a chunk's size is "
					 "malformed" },
	{ CHUNKED "1 \r\n", CHUNKED_SEEN "400 the line of a chunk's size is "
					 "malformed" },
	{ CHUNKED "1;a\x01\r\n", CHUNKED_SEEN "400 the line of a chunk's size "
					      "is malformed" },
	{ CHUNKED "1\n", CHUNKED_SEEN "400 a line ends with LF instead of "
				      "CR LF" },
	{ CHUNKED "1;a\n", CHUNKED_SEEN "400 a line ends with LF instead of "
					"CR LF" },
	{ CHUNKED "1;a\rb", CHUNKED_SEEN "400 a CR is not followed by LF" },
	{ CHUNKED "1\r\nxy\r\n", CHUNKED_SEEN "[x]\n400 a chunk does not end "
					      "with CR LF" },
	{ CHUNKED "1\r\nx\n", CHUNKED_SEEN "[x]\n400 a chunk does not end "
					   "with CR LF" },
	{ CHUNKED "1\r\nx\rx", CHUNKED_SEEN "[x]\n400 a chunk does not end "
					    "with CR LF" },
	{ CHUNKED "1;" X10 "12345\r\nx\r\n1; " X10,
	  CHUNKED_SEEN "[x]\n413 the chunk extensions are too long" },
	{ CHUNKED "0\r\nA: " X50 X10 X10,
	  CHUNKED_SEEN "431 the trailers are too long" },
	{ CHUNKED "0\r\nA: b\r\n c\r\n",
	  CHUNKED_SEEN "400 a field is folded over several lines" },
	{ CHUNKED "0\r\nA: 3\r\nA: 4\r\nA: 5\r\nA: 6\r\nA: 7\r\nA: 8\r\n"
		  "A: 9\r\nA: 10\r\nA: 1\r\nA: 2\r\nA: 3\r\n",
	  CHUNKED_SEEN "431 the trailers are too long" },
	{ CHUNKED "0\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\n"
		  "a:\r\na:\r\n",
	  CHUNKED_SEEN "431 there are too many fields" },
	{ CHUNKED "0\r\nContent-Length: 1\r\n",
	  CHUNKED_SEEN "400 Host, Content-Length or Transfer-Encoding is a "
		       "trailer" },

	{ "GET", "400 the connection ended within a head" },
	{ "\r", "400 the connection ended within a head" },
	{ GET, "400 the connection ended within a head" },
	{ POST "Content-Length: 3\r\n\r\nab",
	  "POST / 1.1 {Host=a,Content-Length=3} length 3 keep\n[ab]\n"
	  "400 the connection ended within a body" },
	{ CHUNKED "1", CHUNKED_SEEN "400 the connection ended within a body" },
	{ CHUNKED "0\r\n", CHUNKED_SEEN "400 the connection ended within a "
					"body" },
};

#define RESPONSES(answers) 0, ROTA_HTTP_RESPONSES, (answers)

static const struct wire_case responses[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	  "HTTP/1.1 404 Not Found \r\nContent-Length: 0\r\n\r\n",
	  "200 OK 1.1 {Content-Length=2} length 2 keep\n[hi]\n.\n"
	  "404 Not Found  1.1 {Content-Length=0} length 0 keep\n.\n",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1 200\r\n\r\nuntil\r\nthe end",
	  "200  1.1 {} close\n[until\r\nthe end]\n.\n",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.0 200 \xff\r\n\r\n", "200 \xff 1.0 {} close\n.\n",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: b\r\n\r\n"
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "3\r\nabc\r\n0\r\nT: u\r\n\r\n",
	  "100 Continue 1.1 {} none keep interim\n.\n"
	  "103 x 1.1 {Link=b} none keep interim\n.\n"
	  "200 OK 1.1 {Transfer-Encoding=chunked} chunked keep\n[abc]\n~T=u\n"
	  ".\n",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
	  "103 x 1.1 {} none keep interim\n.\n"
	  "200 OK 1.1 {Content-Length=5} none keep\n.\n",
	  RESPONSES(ROTA_HTTP_HEAD) },
	{ "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"
	  "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n",
	  "204 No 1.1 {Content-Length=5} none keep\n.\n"
	  "304 No 1.1 {Content-Length=5} none keep\n.\n",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nHi\n",
	  "101 Go 1.1 {Connection=upgrade,Upgrade=x} none keep upgrade\n.\n"
	  "rest Hi\n",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1 200 Go\r\nContent-Length: 3\r\n\r\nHi\n",
	  "200 Go 1.1 {Content-Length=3} none keep\n.\nrest Hi\n",
	  RESPONSES(ROTA_HTTP_CONNECT) },
	{ "HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nHi\n",
	  "407 No 1.1 {Content-Length=3} length 3 keep\n[Hi\n]\n.\n",
	  RESPONSES(ROTA_HTTP_CONNECT) },
	{ "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nab",
	  "200 OK 1.1 {Connection=close,Content-Length=1} length 1\n[a]\n.\n"
	  "rest b",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "\r\nHTTP/1.1 200 OK\r\n", "502 the status line is malformed",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1 2000 OK\r\n", "502 the status line is malformed",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1 020 OK\r\n", "502 the status line is malformed",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1  200 OK\r\n", "502 the status line is malformed",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/2.0 200 OK\r\n", "502 the version is not 1.0 or 1.1",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "ICY 200 OK\r\n", "502 the version is malformed",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
	  "502 the only known transfer coding is chunked",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
	  "502 the field Content-Length is repeated",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1 200 OK\r\n" X500 X500, "502 the fields are too long",
	  RESPONSES(ROTA_HTTP_GET) },
	{ "HTTP/1.1 200 OK\r\n\r\n" X500 X500 "1",
	  "200 OK 1.1 {} close\n[" X500 X500 "]\n502 the body is too long",
	  RESPONSES(ROTA_HTTP_GET) },
};

static struct wire_case request_case(const char *const texts[2])
{
	return (struct wire_case){ .wire = texts[0], .expected = texts[1] };
}

static void check_requests(const char *const cases[][2], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct wire_case request = request_case(cases[i]);

		check_case(&request);
	}
}

static void good_requests_are_read_however_they_are_cut(void **state)
{
	(void)state;
	check_requests(accepted, sizeof(accepted) / sizeof(accepted[0]));
}

static int has_test_of_its_own(int refusal)
{
	return refusal == ROTAI_HTTP_LONG_NAME ||
	       refusal == ROTAI_HTTP_BAD_STATUS_LINE;
}

static void bad_requests_are_refused_however_they_are_cut(void **state)
{
	const struct wire_case nul = {
		.wire = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n",
		.expected = "400 a line contains a byte 0",
		.size = 29,
	};

	(void)state;
	check_case(&nul);
	check_requests(refused, sizeof(refused) / sizeof(refused[0]));
	for (int i = 1; i < ROTAI_HTTP_REFUSALS; i++)
		if (refusals_seen[i] == 0 && !has_test_of_its_own(i))
			fail_msg("no case is refused because %s",
				 rotai_http_refusal((enum rotai_http_refusal)i,
						    ROTA_HTTP_REQUESTS)
					 .text);
}

static void responses_are_read_however_they_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++)
		check_case(&responses[i]);
}

/* A head of that name's size needs more than the limit of the other cases. */
static void a_name_of_64_kib_is_refused(void **state)
{
	static struct reader r;
	static const struct wire_case none = { .wire = "" };
	size_t size = 70000;
	char *name = test_malloc(size);

	(void)state;
	begin(&r, &none, NULL);
	r.limits.head_size = 100000;
	memset(name, 'x', size);
	memcpy(name + size - 4, ":\r\n", 3);

	assert_int_equal(feed(&r, GET, sizeof(GET) - 1), 0);
	assert_int_equal(feed(&r, name, size - 1), ROTA_EPROTO);
	assert_string_equal(r.result.text,
			    "431 the name of a field is too long");
	finish(&r, 1);
	test_free(name);
}

static void one_piece_needs_no_memory(void **state)
{
	static struct reader r;
	static const struct wire_case whole = {
		.wire = CHUNKED "1\r\nx\r\n0\r\nA: b\r\n\r\n" GET "\r\n",
	};
	struct counting_allocator memory;

	(void)state;
	counting_allocator_init(&memory);
	begin(&r, &whole, &memory.allocator);

	assert_int_equal(feed(&r, whole.wire, strlen(whole.wire)), 0);

	assert_int_equal(memory.calls, 0);
	assert_string_equal(r.result.text, CHUNKED_SEEN "[x]\n~A=b\n.\n" SEEN);
	finish(&r, 0);
}

/* The bytes of a head in pieces grow with what has arrived, and are freed once
 * the message has ended. */
static void pieces_need_memory_until_the_message_ends(void **state)
{
	static struct reader r;
	static const struct wire_case none = { .wire = "" };
	struct counting_allocator memory;

	(void)state;
	counting_allocator_init(&memory);
	begin(&r, &none, &memory.allocator);

	assert_int_equal(feed(&r, "GET / HTT", 9), 0);
	assert_in_range(memory.bytes, 9, 1024);
	assert_int_equal(feed(&r, "P/1.1\r\nHost: a\r\n\r\n", 18), 0);

	assert_int_equal(memory.bytes, 0);
	assert_string_equal(r.result.text, SEEN);
	finish(&r, 0);
}

static void a_parser_is_freed_within_a_head(void **state)
{
	static struct reader r;
	static const struct wire_case none = { .wire = "" };
	struct counting_allocator memory;

	(void)state;
	counting_allocator_init(&memory);
	begin(&r, &none, &memory.allocator);
	assert_int_equal(feed(&r, "GET / HTT", 9), 0);
	assert_true(memory.bytes > 0);

	rota_http_parser_free(&r.parser);
	assert_int_equal(memory.bytes, 0);
	rota_http_parser_free(&r.parser);
}

/* Fails the nth allocation, and tries again. */
static void a_shortage_of_memory_loses_nothing(void **state)
{
	static struct reader r;
	static const struct wire_case wire_case = {
		.wire = CHUNKED "1\r\nx\r\n0\r\nA: b\r\n\r\n" GET "\r\n",
	};
	struct rota_const_buf body = { NULL, 0 };
	size_t failed = 1;

	(void)state;
	for (size_t nth = 1; failed > 0; nth++) {
		struct counting_allocator memory;

		counting_allocator_init(&memory);
		memory.fail_at = nth;
		begin(&r, &wire_case, &memory.allocator);
		for (const char *at = wire_case.wire; *at != '\0'; at++) {
			int event = 1;

			assert_int_equal(rota_http_parser_feed(
						 &r.parser, rota_bytes(at, 1)),
					 0);
			while (event > 0 || event == ROTA_ENOMEM) {
				event = rota_http_parser_next(&r.parser, &body);
				if (event > 0)
					add_event(&r.result, event, &r.head,
						  body);
			}
			assert_int_equal(event, 0);
		}
		assert_string_equal(r.result.text,
				    CHUNKED_SEEN "[x]\n~A=b\n.\n" SEEN);
		failed = memory.failed;
		finish(&r, 0);
		assert_int_equal(memory.bytes, 0);
		assert_true(nth < 20);
	}
}

static void a_copied_head_outlives_its_bytes(void **state)
{
	struct rota_http_field fields[2], copies[4];
	struct rota_http_head head = { .fields = fields, .capacity = 2 };
	struct rota_http_parser parser;
	struct rota_const_buf body;
	char wire[] = GET "X-A: b\r\n\r\n";
	char memory[sizeof(wire)];

	(void)state;
	assert_int_equal(rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS,
					       &head, NULL, NULL),
			 0);
	rota_http_parser_feed(&parser, rota_bytes(wire, sizeof(wire) - 1));
	assert_int_equal(rota_http_parser_next(&parser, &body),
			 ROTA_HTTP_EVENT_HEAD);
	assert_int_equal(rota_http_head_copy(&head, memory, copies, 1),
			 ROTA_EINVAL);

	assert_int_equal(rota_http_head_copy(&head, memory, copies, 4), 0);
	memset(wire, '@', sizeof(wire));
	memset(fields, 0, sizeof(fields));

	assert_memory_equal(rota_http_head_get(&head, ROTA_HTTP_NAME_HOST).data,
			    "a", 1);
	assert_int_equal(rota_http_head_find_text(&head, "x-A", 3, 0), 1);
	assert_int_equal(rota_http_head_find_text(&head, "x-b", 3, 0), -1);
	assert_int_equal(rota_http_head_find(&head, ROTA_HTTP_NAME_UNKNOWN, 0),
			 1);
	assert_int_equal(rota_http_head_find(&head, ROTA_HTTP_NAME_DATE, 0),
			 -1);
	assert_int_equal(
		rota_http_head_find(&head, ROTA_HTTP_NAME_X_FRAME_OPTIONS, 0),
		-1);
	assert_null(rota_http_head_get(&head, ROTA_HTTP_NAME_DATE).data);
	assert_int_equal(rota_http_parser_next(&parser, &body),
			 ROTA_HTTP_EVENT_END);
	assert_int_equal(rota_http_parser_next(&parser, &body), 0);
	rota_http_parser_free(&parser);
}

static void a_head_is_given_between_messages_only(void **state)
{
	struct rota_http_field fields[2];
	struct rota_http_head head = { .fields = fields, .capacity = 2 };
	struct rota_http_parser parser;
	struct rota_const_buf body;

	(void)state;
	rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS, NULL, NULL, NULL);
	assert_int_equal(rota_http_parser_next(&parser, &body), 0);
	rota_http_parser_feed(&parser, rota_bytes("GET /", 5));

	assert_int_equal(rota_http_parser_next(&parser, &body), ROTA_EINVAL);
	assert_int_equal(rota_http_parser_is_idle(&parser), 1);
	assert_int_equal(rota_http_parser_set_head(&parser, &head), 0);
	assert_int_equal(rota_http_parser_next(&parser, &body), 0);

	assert_int_equal(rota_http_parser_is_idle(&parser), 0);
	assert_int_equal(rota_http_parser_set_head(&parser, NULL), ROTA_EBUSY);
	rota_http_parser_free(&parser);
	assert_int_equal(parser.internal.own_capacity, 0);
}

static void invalid_arguments_change_nothing(void **state)
{
	struct rota_http_parser parser;
	struct rota_http_limits limits;
	struct rota_const_buf body;
	struct {
		struct rota_http_limits limits;
		char more[8];
	} later;

	(void)state;
	rota_http_limits_init(&limits);
	assert_int_equal(rota_http_parser_init(&parser, (enum rota_http_kind)2,
					       NULL, &limits, NULL),
			 ROTA_EINVAL);
	limits.head_size = 63;
	assert_int_equal(rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS,
					       NULL, &limits, NULL),
			 ROTA_EINVAL);
	limits.head_size = 64;
	limits.trailer_size = 1;
	assert_int_equal(rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS,
					       NULL, &limits, NULL),
			 ROTA_EINVAL);
	limits.trailer_size = 2;
	limits.size--;
	assert_int_equal(rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS,
					       NULL, &limits, NULL),
			 ROTA_EINVAL);
	rota_http_limits_init_size(&later.limits, sizeof(later));
	assert_int_equal(rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS,
					       NULL, &later.limits, NULL),
			 0);
	later.more[7] = 1;
	assert_int_equal(rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS,
					       NULL, &later.limits, NULL),
			 ROTA_EINVAL);

	rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS, NULL, NULL, NULL);
	assert_int_equal(rota_http_parser_feed(&parser, rota_bytes(NULL, 1)),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_parser_feed(&parser, rota_bytes("G", 1)), 0);
	assert_int_equal(rota_http_parser_feed(&parser, rota_bytes("E", 1)),
			 ROTA_EBUSY);
	assert_int_equal(rota_http_parser_finish(&parser), ROTA_EBUSY);
	assert_int_equal(rota_http_parser_next(&parser, &body), ROTA_EINVAL);
	assert_int_equal(rota_http_parser_limit_body(&parser, 1), ROTA_EINVAL);
	assert_int_equal(rota_http_parser_rest(&parser).size, 1);
	assert_int_equal(rota_http_parser_refusal(&parser).status, 0);
	rota_http_parser_free(&parser);
}

/* docs/ownership.md lists these. */
static void sizes_are_within_their_budgets(void **state)
{
	(void)state;
	assert_in_range(sizeof(struct rota_http_parser), 1, 96);
	assert_in_range(sizeof(struct rota_http_head), 1, 80);
	assert_in_range(sizeof(struct rota_http_field), 1, 16);
}

static void a_body_has_a_limit_of_its_own(void **state)
{
	static struct reader r;
	static const struct wire_case none = { .wire = "" };
	struct rota_const_buf body;

	(void)state;
	begin(&r, &none, NULL);
	feed(&r, POST "Content-Length: 5\r\n\r\n", 47);
	assert_int_equal(rota_http_parser_limit_body(&r.parser, 4),
			 ROTA_EMSGSIZE);
	assert_int_equal(rota_http_parser_limit_body(&r.parser, 5), 0);
	assert_int_equal(feed(&r, "hello", 5), 0);
	rota_http_parser_free(&r.parser);

	begin(&r, &none, NULL);
	feed(&r, CHUNKED, sizeof(CHUNKED) - 1);
	assert_int_equal(rota_http_parser_limit_body(&r.parser, 3), 0);
	assert_int_equal(feed(&r, "3\r\nabc\r\n", 8), 0);
	assert_int_equal(feed(&r, "1\r\n", 3), ROTA_EPROTO);
	assert_int_equal(rota_http_parser_refusal(&r.parser).status, 413);
	assert_int_equal(rota_http_parser_feed(&r.parser, rota_bytes("x", 1)),
			 0);
	assert_int_equal(rota_http_parser_next(&r.parser, &body), ROTA_EPROTO);
	assert_int_equal(rota_http_parser_finish(&r.parser), ROTA_EPROTO);
	rota_http_parser_free(&r.parser);
}

/* Change bytes of good messages at random: whatever is read, it does not depend
 * on how the bytes are cut. */
static void mutants_are_read_alike_however_they_are_cut(void **state)
{
	static const char bytes[] = "\r\n\r\n :\t;,\0\x7f\x80"
				    "0aZ/";
	static struct reader a, b;
	char wire[TEXT_SIZE / 4];
	unsigned long long random = 88172645463325252ULL;
	size_t count = sizeof(accepted) / sizeof(accepted[0]);

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct wire_case mutant =
			request_case(accepted[(size_t)round % count]);
		size_t size = size_of(&mutant);

		memcpy(wire, mutant.wire, size);
		for (int i = 0; i < 1 + round % 3; i++) {
			size_t at;

			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			at = random / 64 % size;
			if (random % 4 == 0 && size > 2) {
				memmove(wire + at, wire + at + 1,
					size - at - 1);
				size--;
			} else {
				wire[at] = bytes[random / 4 % 16];
			}
		}
		mutant.wire = wire;
		mutant.size = size;
		read_in_steps(&a, &mutant, size, 1);
		read_in_steps(&b, &mutant, random % size + 1,
			      round % 8 == 0 ? 1 : size);
		assert_int_equal(a.result.size, b.result.size);
		assert_memory_equal(a.result.text, b.result.text,
				    a.result.size);
	}
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(good_requests_are_read_however_they_are_cut),
	VIRTUAL(bad_requests_are_refused_however_they_are_cut),
	VIRTUAL(responses_are_read_however_they_are_cut),
	VIRTUAL(a_name_of_64_kib_is_refused),
	VIRTUAL(one_piece_needs_no_memory),
	VIRTUAL(pieces_need_memory_until_the_message_ends),
	VIRTUAL(a_parser_is_freed_within_a_head),
	VIRTUAL(a_shortage_of_memory_loses_nothing),
	VIRTUAL(a_copied_head_outlives_its_bytes),
	VIRTUAL(a_head_is_given_between_messages_only),
	VIRTUAL(invalid_arguments_change_nothing),
	VIRTUAL(sizes_are_within_their_budgets),
	VIRTUAL(a_body_has_a_limit_of_its_own),
	VIRTUAL(mutants_are_read_alike_however_they_are_cut),
};

FIXTURE_MAIN(tests)
