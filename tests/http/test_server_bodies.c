/*
 * Servers: bodies of requests, all at once and in pieces; 100 (Continue);
 * bodies that nobody reads; another protocol behind a request.
 */
/* poller: none */
#include "site.h"

#define POST(fields) "POST /p HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define GET          "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define CHUNKED                                                                \
	POST("Transfer-Encoding: chunked\r\n")                                 \
	"3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nT: u\r\n\r\n"
#define HELLO OK_HEAD("6") "\r\nhello\n"

static void answer_at_the_end(struct visit *v, int status)
{
	if (status == ROTA_EOF || v->site->act == NULL)
		visit_hello(v);
}

static void answer(struct visit *v, int status)
{
	(void)status;
	visit_hello(v);
}

static void read_pieces(struct visit *v)
{
	assert_int_equal(rota_http_request_read(v->exchange, visit_piece, v),
			 0);
	assert_int_equal(rota_http_request_read(v->exchange, visit_piece, v),
			 ROTA_EALREADY);
	assert_int_equal(v->body_ends + v->size, 0); /* never inside */
}

static void read_whole(struct visit *v)
{
	assert_int_equal(
		rota_http_request_read_all(v->exchange, 8, visit_whole, v), 0);
	assert_int_equal(v->body_ends, 0);
}

static void wait_for_test(struct visit *v)
{
	(void)v;
}

static void expect_body(struct visit *v, const char *text)
{
	assert_int_equal(v->size, strlen(text));
	assert_memory_equal(v->body, text, strlen(text));
	assert_int_equal(v->body_ends, 1);
}

static void a_body_comes_in_pieces(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = read_pieces;
	s.act_body = answer_at_the_end;
	guest_open(&g, &s);
	guest_send(&g, CHUNKED GET POST("Content-Length: 5\r\n") "abcde");
	assert_int_equal(s.visit_count, 3);
	expect_body(&s.visits[0], "abcdefgh");
	expect_body(&s.visits[1], "");
	expect_body(&s.visits[2], "abcde");
	assert_int_equal(s.visits[0].body_status, ROTA_EOF);
	guest_expect(&g, HELLO HELLO HELLO);
	guest_close(&g);
	site_close(&s);
}

static void a_body_comes_as_a_whole(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = read_whole;
	s.act_body = answer;
	guest_open(&g, &s);
	guest_send(&g, CHUNKED GET POST("Content-Length: 5\r\n") "abcde");
	expect_body(&s.visits[0], "abcdefgh");
	expect_body(&s.visits[1], "");
	expect_body(&s.visits[2], "abcde");
	assert_int_equal(s.visits[2].body_status, 0);
	guest_expect(&g, HELLO HELLO HELLO);
	guest_close(&g);
	site_close(&s);
}

static void answer_413(struct visit *v, int status)
{
	if (status == 0)
		visit_hello(v);
	else
		assert_int_equal(rota_http_respond_status(v->exchange, 413), 0);
}

/* The limit of the handler's own: it answers. */
static void a_whole_body_has_a_limit(void **state)
{
	static const char *const requests[] = {
		POST("Content-Length: 9\r\n") "123456789" GET,
		POST("Transfer-Encoding: chunked\r\n") "9\r\n123456789\r\n0\r\n"
						       "\r\n" GET,
	};
	struct site s;
	struct guest g;

	site_open(&s, *state);
	for (size_t i = 0; i < 2; i++) {
		s.visit_count = 0;
		s.act = read_whole;
		s.act_body = answer_413;
		guest_open(&g, &s);
		guest_send(&g, requests[i]);
		assert_memory_equal(g.got, "HTTP/1.1 413 ", 13);
		assert_int_equal(s.visits[0].body_status, ROTA_EMSGSIZE);
		assert_int_equal(s.visit_count, 2); /* the rest is dropped */
		assert_int_equal(s.visits[1].body_status, 0);
		guest_close(&g);
	}
	site_close(&s);
}

/* Every cut of a request with a body gives the same. */
static void the_cuts_of_a_body_do_not_matter(void **state)
{
	static const char text[] = CHUNKED POST("Content-Length: 3\r\n") "xyz";
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act_body = answer_at_the_end;
	for (size_t cut = 1; cut < 2 * sizeof(text) - 2; cut++) {
		size_t at = cut % (sizeof(text) - 1);

		s.visit_count = 0;
		s.act = cut < sizeof(text) ? read_pieces : read_whole;
		s.act_body = cut < sizeof(text) ? answer_at_the_end : answer;
		guest_open(&g, &s);
		guest_send_bytes(&g, text, at);
		for (int i = 0; i < 3; i++)
			turn(s.f);
		guest_send_bytes(&g, text + at, sizeof(text) - 1 - at);
		for (int i = 0; i < 6; i++)
			turn(s.f);
		assert_int_equal(s.visit_count, 2);
		expect_body(&s.visits[0], "abcdefgh");
		expect_body(&s.visits[1], "xyz");
		guest_expect(&g, HELLO HELLO);
		guest_close(&g);
	}
	site_close(&s);
}

static void a_body_waits_until_it_is_asked_for(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = wait_for_test;
	s.act_body = answer_at_the_end;
	guest_open(&g, &s);
	guest_send(&g, POST("Content-Length: 6\r\n") "abc");
	guest_send(&g, "def");
	assert_int_equal(s.visits[0].size, 0);
	read_pieces(&s.visits[0]);
	site_turns(&s);
	expect_body(&s.visits[0], "abcdef");
	guest_expect(&g, HELLO);
	guest_close(&g);
	site_close(&s);
}

static void pause_after_each(struct visit *v, int status)
{
	if (status == 0)
		rota_http_request_pause(v->exchange);
	else
		visit_hello(v);
}

static void a_body_can_be_paused(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = read_pieces;
	s.act_body = pause_after_each;
	guest_open(&g, &s);
	guest_send(&g, CHUNKED);
	assert_int_equal(s.visits[0].size, 3);
	guest_send(&g, GET);
	assert_int_equal(s.visits[0].size, 3);
	rota_http_request_resume(s.visits[0].exchange);
	assert_int_equal(s.visits[0].size, 3);
	site_turns(&s);
	assert_int_equal(s.visits[0].size, 8);
	assert_int_equal(s.visits[0].body_ends, 0);
	rota_http_request_resume(s.visits[0].exchange);
	s.act = visit_hello;
	site_turns(&s);
	expect_body(&s.visits[0], "abcdefgh");
	guest_expect(&g, HELLO HELLO);
	guest_close(&g);
	site_close(&s);
}

static void the_trailers_are_in_the_head_at_the_end(struct visit *v, int status)
{
	const struct rota_http_head *head = rota_http_request_head(v->exchange);

	if (status != ROTA_EOF)
		return;
	assert_int_equal(head->trailer_count, 1);
	assert_memory_equal(rota_http_head_trailer_name(head, 0).data, "T", 1);
	assert_memory_equal(rota_http_head_trailer_value(head, 0).data, "u", 1);
	assert_memory_equal(rota_http_head_target(head).data, "/p", 2);
	visit_hello(v);
}

static void trailers_are_kept(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = read_pieces;
	s.act_body = the_trailers_are_in_the_head_at_the_end;
	guest_open(&g, &s);
	for (const char *at = CHUNKED; *at != '\0'; at++) {
		guest_send_bytes(&g, at, 1);
		turn(s.f);
	}
	site_turns(&s);
	guest_expect(&g, HELLO);
	guest_close(&g);
	site_close(&s);
}

#define EXPECTING POST("Expect: 100-continue\r\nContent-Length: 3\r\n")

static void continue_is_sent_when_the_body_is_asked_for(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = wait_for_test;
	s.act_body = answer_at_the_end;
	guest_open(&g, &s);
	guest_send(&g, EXPECTING);
	guest_expect(&g, "");
	read_pieces(&s.visits[0]);
	site_turns(&s);
	guest_expect(&g, "HTTP/1.1 100 Continue\r\n\r\n");
	guest_send(&g, "abc");
	guest_expect(&g, HELLO);

	/* The body is there already. */
	s.act = read_pieces;
	guest_send(&g, EXPECTING "abc");
	guest_expect(&g, HELLO);
	guest_close(&g);
	site_close(&s);
}

/* The client may send the body or not, so the connection ends. */
static void continue_is_not_sent_for_what_nobody_reads(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);
	guest_send(&g, EXPECTING);
	guest_expect(&g, OK_HEAD("6") "Connection: close\r\n\r\nhello\n");
	assert_int_equal(g.ended, 1);
	guest_send(&g, "abc" GET);
	assert_int_equal(s.visit_count, 1);
	guest_close(&g);
	site_close(&s);
}

static void a_body_that_nobody_reads_is_dropped(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);
	guest_send(&g, POST("Content-Length: 3\r\n") "a");
	guest_expect(&g, HELLO);
	guest_send(&g, "bc" GET CHUNKED GET);
	guest_expect(&g, HELLO HELLO HELLO);
	assert_int_equal(s.visit_count, 4);
	guest_close(&g);
	site_close(&s);
}

static void a_long_body_that_nobody_reads_ends_the_connection(void **state)
{
	static char chunk[20000];
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);
	guest_send(&g, POST("Content-Length: 70000\r\n") "a");
	guest_expect(&g, OK_HEAD("6") "Connection: close\r\n\r\nhello\n");
	guest_close(&g);

	guest_open(&g, &s);
	guest_send(&g, POST("Transfer-Encoding: chunked\r\n") "30000\r\n");
	guest_expect(&g, HELLO);
	memset(chunk, 'x', sizeof(chunk));
	for (int i = 0; i < 4; i++) {
		assert_int_equal(g.ended, 0);
		guest_send_bytes(&g, chunk, sizeof(chunk));
		site_turns(&s);
	}
	assert_int_equal(g.ended, 1);
	guest_close(&g);
	assert_int_equal(s.visits[1].done, 1);
	site_close(&s);
}

static void the_server_has_a_limit_for_bodies(void **state)
{
	static const char *const requests[] = {
		POST("Content-Length: 9\r\n") "123456789" GET,
		POST("Transfer-Encoding: chunked\r\n") "9\r\n123456789\r\n",
	};
	struct site s;
	struct guest g;

	site_init(&s, *state);
	s.options.limits.body_size = 8;
	site_start(&s);
	for (size_t i = 0; i < 2; i++) {
		s.act = read_pieces;
		guest_open(&g, &s);
		guest_send(&g, requests[i]);
		assert_memory_equal(g.got, "HTTP/1.1 413 ", 13);
		assert_int_equal(s.visit_count, i);
		guest_close(&g);
	}
	assert_int_equal(s.visits[0].body_status, ROTA_EMSGSIZE);
	assert_int_equal(s.visits[0].done, 1);
	assert_int_equal(s.visits[0].status, ROTA_EMSGSIZE);
	site_close(&s);
}

static void a_broken_body_is_refused(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = read_pieces;
	guest_open(&g, &s);
	guest_send(&g,
		   POST("Transfer-Encoding: chunked\r\n") "3\r\nabc\r\nz\r\n");
	assert_memory_equal(g.got, "HTTP/1.1 400 ", 13);
	assert_int_equal(s.visits[0].body_status, ROTA_EPROTO);
	assert_int_equal(s.visits[0].status, ROTA_EPROTO);
	assert_int_equal(s.visits[0].done, 1);
	guest_close(&g);

	/* The same after the response has begun: the peer sees a cut. */
	guest_open(&g, &s);
	guest_send(&g, POST("Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n");
	assert_int_equal(
		rota_http_response_begin(s.visits[1].exchange, 200, 100), 0);
	guest_send(&g, "z\r\n");
	assert_int_equal(s.visits[1].body_status, ROTA_EPROTO);
	assert_int_equal(s.visits[1].done, 1);
	assert_int_equal(g.status, ROTA_ECONNRESET);
	guest_close(&g);

	/* The end of the input within a body. */
	guest_open(&g, &s);
	guest_send(&g, POST("Content-Length: 5\r\n") "abc");
	rota_stream_shutdown(NULL, &g.client.stream, NULL);
	site_turns(&s);
	assert_memory_equal(g.got, "HTTP/1.1 400 ", 13);
	assert_int_equal(s.visits[2].body_status, ROTA_EPROTO);
	guest_close(&g);
	site_close(&s);
}

/* --- another protocol ----------------------------------------------------- */

struct tunnel {
	struct rota_stream *stream;
	rota_close_fn *free_stream;
	char first[32];
	size_t first_size;
	char got[32];
	size_t size;
	int closed;
};

static struct tunnel tunnel;

static void tunnel_closed(struct rota_handle *handle)
{
	tunnel.closed++;
	tunnel.free_stream(handle);
}

static void tunnel_read(struct rota_stream *stream, int status,
			const struct rota_buf *buf)
{
	if (status < 0) {
		rota_stream_end(stream, tunnel_closed);
		return;
	}
	memcpy(tunnel.got + tunnel.size, buf->data, buf->size);
	tunnel.size += buf->size;
	rota_stream_send(stream, buf->data, buf->size);
}

static void take(struct rota_stream *stream, struct rota_const_buf first,
		 rota_close_fn *free_stream, void *arg)
{
	struct visit *v = arg;

	assert_int_equal(v->done, 1);
	tunnel.stream = stream;
	tunnel.free_stream = free_stream;
	memcpy(tunnel.first, first.data, first.size);
	tunnel.first_size = first.size;
	assert_int_equal(rota_stream_read_start(stream, tunnel_read), 0);
}

static void upgrade(struct visit *v)
{
	assert_int_equal(
		rota_http_exchange_take_over(v->exchange, 200, take, v),
		ROTA_EINVAL);
	assert_int_equal(rota_http_response_set(v->exchange, "Upgrade",
						bytes_of("echo")),
			 0);
	assert_int_equal(
		rota_http_exchange_take_over(v->exchange, 101, take, v), 0);
	assert_null(tunnel.stream);
}

#define UPGRADE                                                                \
	"GET /u HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"                \
	"Upgrade: echo\r\n\r\n"

static void upgrade_the_last(struct visit *v)
{
	if (strcmp(v->target, "/u") == 0)
		upgrade(v);
	else
		visit_hello(v);
}

static void an_upgrade_hands_over_the_stream_and_the_bytes(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = upgrade_the_last;
	for (int late = 0; late < 2; late++) {
		memset(&tunnel, 0, sizeof(tunnel));
		if (late)
			s.act = wait_for_test;
		guest_open(&g, &s);
		guest_send(&g, late ? UPGRADE "first" : GET UPGRADE "first");
		if (late) {
			upgrade(&s.visits[2]);
			site_turns(&s);
		}
		assert_int_equal(tunnel.first_size, 5);
		assert_memory_equal(tunnel.first, "first", 5);
		guest_send(&g, "more");
		guest_expect(&g, late ? "HTTP/1.1 101 Switching Protocols\r\n"
					"Upgrade: echo\r\n" SITE_DATE
					"Connection: upgrade\r\n\r\nmore"
				      : HELLO
					 "HTTP/1.1 101 Switching Protocols\r\n"
					 "Upgrade: echo\r\n" SITE_DATE
					 "Connection: upgrade\r\n\r\nmore");
		assert_int_equal(site_stats(&s).connections, 0);
		assert_int_equal(site_stats(&s).taken_over, late + 1);
		guest_close(&g);
		assert_int_equal(tunnel.closed, 1);
	}
	site_close(&s);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_body_comes_in_pieces),
	VIRTUAL(a_body_comes_as_a_whole),
	VIRTUAL(a_whole_body_has_a_limit),
	VIRTUAL(the_cuts_of_a_body_do_not_matter),
	VIRTUAL(a_body_waits_until_it_is_asked_for),
	VIRTUAL(a_body_can_be_paused),
	VIRTUAL(trailers_are_kept),
	VIRTUAL(continue_is_sent_when_the_body_is_asked_for),
	VIRTUAL(continue_is_not_sent_for_what_nobody_reads),
	VIRTUAL(a_body_that_nobody_reads_is_dropped),
	VIRTUAL(a_long_body_that_nobody_reads_ends_the_connection),
	VIRTUAL(the_server_has_a_limit_for_bodies),
	VIRTUAL(a_broken_body_is_refused),
	VIRTUAL(an_upgrade_hands_over_the_stream_and_the_bytes),
};

FIXTURE_MAIN(tests)
