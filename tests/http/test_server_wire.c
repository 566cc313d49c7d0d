/*
 * Bytes in, a status and the end of the connection out: what a server refuses.
 *
 * Every case is sent whole, and cut in two at several bytes, or at each one
 * with ROTA_TEST_FULL=1. Behind it there is a good request, which must not be
 * answered.
 */
/* poller: none */
#include "site.h"

#include "support/streams_more.h"

enum { CUT_STEP = 11, SHORT_TARGET = 64, SHORT_HEAD = 512, FEW_FIELDS = 8 };

#define GET     "GET / HTTP/1.1\r\n"
#define POST    "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define BEHIND  "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n"
#define TEN     "xxxxxxxxxx"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* A case: what is sent, and the status of the answer. */
struct wire {
	const char *bytes;
	size_t size;
	int status;
};

#define WIRE(status, text)                                                     \
	{                                                                      \
		text, sizeof(text) - 1, status                                 \
	}

/* The head is refused: no handler is called. */
static const struct wire heads[] = {
	WIRE(400, "GET / HTTP/1.1\nHost: a\n\n"),
	WIRE(400, "GET / HTTP/1.1\rHost: a\r\n\r\n"),
	WIRE(400, GET "Host: a\r\nA: b\0c\r\n\r\n"),
	WIRE(400, GET "Host: a\r\nA: b\x01\r\n\r\n"),
	WIRE(400, "\r\n\r\n" GET "Host: a\r\n\r\n"),
	WIRE(400, "\r\nG(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
	WIRE(400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
	WIRE(400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
	WIRE(400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
	WIRE(400, "GET /\r\nHost: a\r\n\r\n"),
	WIRE(400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
	WIRE(400, "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"),
	WIRE(400, "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n"),
	WIRE(400, "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
	WIRE(400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
	WIRE(400, "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"),
	WIRE(400, "GET / HTTP/1.x\r\nHost: a\r\n\r\n"),
	WIRE(400, "GET / http/1.1\r\nHost: a\r\n\r\n"),
	WIRE(400, "PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n"),
	WIRE(400, GET "\r\n"),
	WIRE(400, GET "Host: a\r\nHost: a\r\n\r\n"),
	WIRE(400, GET "Host: a b\r\n\r\n"),
	WIRE(400, GET "Host : a\r\n\r\n"),
	WIRE(400, GET "Host: a\r\nA b\r\n\r\n"),
	WIRE(400, GET "Host: a\r\n: b\r\n\r\n"),
	WIRE(400, GET "Host: a\r\nA(: b\r\n\r\n"),
	WIRE(400, GET "Host: a\r\nA: b\r\n c\r\n\r\n"),
	WIRE(400, POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
	WIRE(400, POST "Content-Length: 1, 1\r\n\r\n"),
	WIRE(400, POST "Content-Length: +1\r\n\r\n"),
	WIRE(400, POST "Content-Length: 0x1\r\n\r\n"),
	WIRE(400, POST "Content-Length:\r\n\r\n"),
	WIRE(400, POST "Content-Length: 9223372036854775808\r\n\r\n"),
	WIRE(400, POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"
		       "\r\n"),
	WIRE(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
	WIRE(400, POST "Transfer-Encoding: chunked, gzip\r\n\r\n"),
	WIRE(400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
	WIRE(400, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		  "\r\n"),
	WIRE(413, POST "Content-Length: 101\r\n\r\n"),
	WIRE(414, "GET /" HUNDRED " HTTP/1.1\r\nHost: a\r\n\r\n"),
	WIRE(417, POST "Expect: a\r\nContent-Length: 1\r\n\r\n"),
	WIRE(431, GET "Host: a\r\nA: " HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
		      "\r\n\r\n"),
	WIRE(431, GET "Host: a\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n"
		      "A:\r\n\r\n"),
	WIRE(501, POST "Transfer-Encoding: gzip\r\n\r\n"),
	WIRE(501, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
	WIRE(505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
};

/* The body is refused, while the handler reads it. */
static const struct wire bodies[] = {
	WIRE(400, CHUNKED "x\r\n"),
	WIRE(400, CHUNKED "\r\n"),
	WIRE(400, CHUNKED "-1\r\n"),
	WIRE(400, CHUNKED "1\na\r\n"),
	WIRE(400, CHUNKED "1\r\nab\r\n"),
	WIRE(400, CHUNKED "1\r\na\n0\r\n\r\n"),
	WIRE(400, CHUNKED "8000000000000000\r\n"),
	WIRE(400, CHUNKED "10000000000000000\r\n"),
	WIRE(400, CHUNKED "1;a\x01\r\na\r\n"),
	WIRE(400, CHUNKED "0\r\nContent-Length: 1\r\n\r\n"),
	WIRE(400, CHUNKED "0\r\nA : b\r\n\r\n"),
	WIRE(413, CHUNKED "65\r\n"),
};

static void read_whole(struct visit *v)
{
	assert_int_equal(rota_http_request_read(v->exchange, visit_piece, v),
			 0);
}

static void wire_open(struct site *s, struct fixture *f)
{
	site_init(s, f);
	s->options.limits.target_size = SHORT_TARGET;
	s->options.limits.head_size = SHORT_HEAD;
	s->options.limits.body_size = 100;
	s->options.field_count = FEW_FIELDS;
	s->act = read_whole;
	site_start(s);
}

/* Send the bytes in two parts, and more behind them. */
static void send_wire(struct guest *g, const struct wire *wire, size_t cut)
{
	if (cut > 0) {
		guest_send_bytes(g, wire->bytes, cut);
		site_turns(g->site);
	}
	guest_send_bytes(g, wire->bytes + cut, wire->size - cut);
	guest_send(g, BEHIND);
}

/* One answer, which says that the connection ends, and then its end. */
static void check_answer(const struct guest *g, const struct wire *wire)
{
	char begin[32];
	const char *body = strstr(g->got, "\r\n\r\n");

	snprintf(begin, sizeof(begin), "HTTP/1.1 %d ", wire->status);
	assert_memory_equal(g->got, begin, strlen(begin));
	assert_null(strstr(g->got + 1, "HTTP/1.1 "));
	assert_non_null(strstr(g->got, "\r\nConnection: close\r\n"));
	assert_non_null(body);
	assert_true(strlen(body) > 4 + 4);
	assert_int_equal(g->ended, 1);
	assert_int_equal(g->status, ROTA_EOF);
}

static void check_wire(struct site *s, const struct wire *wire,
		       unsigned handlers)
{
	size_t step = test_is_full() ? 1 : CUT_STEP;

	for (size_t cut = wire->size;; cut -= step) {
		struct guest g;

		s->visit_count = 0;
		guest_open(&g, s);
		send_wire(&g, wire, cut);
		check_answer(&g, wire);
		assert_int_equal(s->visit_count, handlers);
		guest_close(&g);
		if (cut < step)
			break;
	}
}

static void heads_are_refused_and_nothing_behind_them_is_read(void **state)
{
	static struct site s;
	size_t count = sizeof(heads) / sizeof(heads[0]);

	wire_open(&s, *state);
	for (size_t i = 0; i < count; i++)
		check_wire(&s, &heads[i], 0);
	assert_int_equal(site_stats(&s).requests, 0);
	assert_true(site_stats(&s).refused >= count);
	site_close(&s);
}

static void bodies_are_refused_and_nothing_behind_them_is_read(void **state)
{
	static struct site s;

	wire_open(&s, *state);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		check_wire(&s, &bodies[i], 1);
	site_close(&s);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(heads_are_refused_and_nothing_behind_them_is_read),
	VIRTUAL(bodies_are_refused_and_nothing_behind_them_is_read),
};

FIXTURE_MAIN(tests)
