/*
 * Servers: bodies of responses: with a length, chunked, lent, from a file;
 * backpressure; and that each exchange is done exactly once.
 */
/* poller: none */
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define GET     "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define PLAIN   "HTTP/1.1 200 OK\r\n" SITE_DATE
#define CHUNKED PLAIN "Transfer-Encoding: chunked\r\n\r\n"

static void wait_for_test(struct visit *v)
{
	(void)v;
}

static int begin(struct visit *v, uint64_t length)
{
	return rota_http_response_begin(v->exchange, 200, length);
}

static int put(struct visit *v, const char *text)
{
	return rota_http_response_write(v->exchange, bytes_of(text));
}

static int end(struct visit *v)
{
	return rota_http_response_end(v->exchange);
}

/* A site whose handler does nothing, and a guest whose first request is
 * there. */
static struct visit *open_visit(struct site *s, struct guest *g, void *state,
				size_t capacity, const char *request)
{
	site_open(s, state);
	s->act = wait_for_test;
	guest_pair(g, s, capacity);
	assert_int_equal(rota_http_server_serve(s->server, 0, &g->served.stream,
						guest_closed, NULL),
			 0);
	guest_send(g, request);
	assert_int_equal(s->visit_count, 1);
	return &s->visits[0];
}

static void close_visit(struct site *s, struct guest *g)
{
	guest_close(g);
	site_close(s);
}

static void a_response_has_a_length(void **state)
{
	struct site s;
	struct guest g;
	struct visit *v = open_visit(&s, &g, *state, 0, GET);

	assert_int_equal(put(v, "a"), ROTA_EINVAL); /* not begun */
	assert_int_equal(end(v), ROTA_EINVAL);
	assert_int_equal(rota_http_response_begin(v->exchange, 199, 0),
			 ROTA_EINVAL);
	assert_int_equal(begin(v, 6), 0);
	assert_int_equal(begin(v, 6), ROTA_EALREADY);
	assert_int_equal(put(v, "abc"), 0);
	assert_int_equal(put(v, "defg"), ROTA_EMSGSIZE);
	assert_int_equal(put(v, "def"), 0);
	assert_int_equal(end(v), 0);
	assert_int_equal(v->done, 0);
	site_turns(&s);
	assert_int_equal(v->done, 1);
	guest_expect(&g, PLAIN "Content-Length: 6\r\n\r\nabcdef");
	close_visit(&s, &g);
}

static void a_short_response_is_cut(void **state)
{
	struct site s;
	struct guest g;
	struct visit *v = open_visit(&s, &g, *state, 0, GET);

	assert_int_equal(begin(v, 6), 0);
	assert_int_equal(put(v, "abc"), 0);
	assert_int_equal(end(v), ROTA_EMSGSIZE);
	site_turns(&s);
	assert_int_equal(v->done, 1);
	assert_int_equal(v->status, ROTA_ECANCELED);
	assert_int_equal(g.status, ROTA_ECONNRESET);
	close_visit(&s, &g);
}

static void an_unknown_length_is_chunked(void **state)
{
	struct site s;
	struct guest g;
	struct visit *v = open_visit(&s, &g, *state, 0, GET GET);

	assert_int_equal(begin(v, ROTA_HTTP_LENGTH_UNKNOWN), 0);
	assert_int_equal(put(v, "hello"), 0);
	assert_int_equal(put(v, ""), 0);
	site_turns(&s);
	guest_expect(&g, CHUNKED "5\r\nhello\r\n");
	assert_int_equal(put(v, "ab"), 0);
	assert_int_equal(
		rota_http_response_trailer(v->exchange, "T", bytes_of("u")), 0);
	assert_int_equal(rota_http_response_trailer(v->exchange, "T",
						    bytes_of("u\r\nv")),
			 ROTA_EINVAL);
	assert_int_equal(end(v), 0);
	site_turns(&s);
	guest_expect(&g, "2\r\nab\r\n0\r\nT: u\r\n\r\n");
	assert_int_equal(s.visit_count, 2);
	visit_hello(&s.visits[1]);
	close_visit(&s, &g);
}

static void http_1_0_gets_no_chunks(void **state)
{
	struct site s;
	struct guest g;
	struct visit *v =
		open_visit(&s, &g, *state, 0,
			   "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

	assert_int_equal(begin(v, ROTA_HTTP_LENGTH_UNKNOWN), 0);
	assert_int_equal(put(v, "hello"), 0);
	assert_int_equal(end(v), 0);
	site_turns(&s);
	guest_expect(&g, PLAIN "Connection: close\r\n\r\nhello");
	assert_int_equal(g.ended, 1);
	close_visit(&s, &g);
}

static void head_and_304_send_no_body(void **state)
{
	struct site s;
	struct guest g;
	struct visit *v = open_visit(&s, &g, *state, 0,
				     "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" GET);

	assert_int_equal(begin(v, 5), 0);
	assert_int_equal(put(v, "hel"), 0);
	assert_int_equal(rota_http_response_lend(v->exchange, bytes_of("lo"),
						 visit_released, v),
			 0);
	assert_int_equal(end(v), 0);
	site_turns(&s);
	assert_int_equal(v->released, 1);
	guest_expect(&g, PLAIN "Content-Length: 5\r\n\r\n");
	v = &s.visits[1];
	assert_int_equal(rota_http_response_begin(v->exchange, 304, 5), 0);
	assert_int_equal(put(v, "hello"), 0);
	assert_int_equal(end(v), 0);
	site_turns(&s);
	guest_expect(&g, "HTTP/1.1 304 Not Modified\r\n" SITE_DATE
			 "Content-Length: 5\r\n\r\n");
	close_visit(&s, &g);
}

static void add_a_field(struct rota_http_exchange *exchange, void *arg)
{
	assert_int_equal(
		rota_http_response_add(exchange, "X-Late", bytes_of(arg)), 0);
}

static void fields_are_set_replaced_and_checked(void **state)
{
	struct site s;
	struct guest g;
	struct visit *v = open_visit(&s, &g, *state, 0, GET);
	struct rota_http_exchange *e = v->exchange;
	struct rota_const_buf value;

	assert_int_equal(rota_http_response_set(e, "A", bytes_of("1")), 0);
	assert_int_equal(rota_http_response_add(e, "B", bytes_of("2")), 0);
	assert_int_equal(rota_http_response_add(e, "b", bytes_of("3")), 0);
	assert_int_equal(rota_http_response_set(e, "a", bytes_of("4")), 0);
	assert_int_equal(rota_http_response_set(e, "C", bytes_of("5")), 0);
	assert_int_equal(rota_http_response_set(e, "C", rota_bytes(NULL, 0)),
			 0);
	assert_int_equal(rota_http_response_set(e, "a b", bytes_of("")),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_response_set(e, "D", bytes_of("x\r\ny")),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_response_set(e, "D", bytes_of(" x")),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_http_response_set(e, "Content-Length", bytes_of("5")),
		ROTA_EINVAL);
	assert_int_equal(rota_http_response_add(e, "Transfer-Encoding",
						bytes_of("chunked")),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_http_response_set(e, "Connection", bytes_of("close")), 0);
	assert_int_equal(rota_http_response_get(e, "B", &value), 0);
	assert_memory_equal(value.data, "2", 1);
	assert_int_equal(rota_http_response_get(e, "C", &value), ROTA_ENOENT);
	assert_int_equal(rota_http_response_on_begin(e, add_a_field,
						     (void *)(uintptr_t) "6"),
			 0);
	assert_int_equal(rota_http_respond(e, 200, NULL, bytes_of("")), 0);
	site_turns(&s);
	guest_expect(&g, "HTTP/1.1 200 OK\r\nB: 2\r\nb: 3\r\na: 4\r\n"
			 "X-Late: 6\r\n" SITE_DATE "Content-Length: 0\r\n"
			 "Connection: close\r\n\r\n");
	close_visit(&s, &g);
}

static void lent_memory_is_released_in_order(void **state)
{
	static char much[100000];
	struct site s;
	struct guest g;
	struct visit *v = open_visit(&s, &g, *state, 4096, GET);

	memset(much, 'm', sizeof(much));
	rota_stream_read_stop(&g.client.stream);
	assert_int_equal(begin(v, sizeof(much) + 6), 0);
	assert_int_equal(put(v, "abc"), 0);
	assert_int_equal(rota_http_response_lend(v->exchange,
						 rota_bytes(much, sizeof(much)),
						 visit_released, v),
			 0);
	assert_int_equal(put(v, "def"), 1);
	assert_int_equal(end(v), 0);
	site_turns(&s);
	assert_int_equal(v->released + v->done, 0);
	assert_int_equal(rota_stream_read_start(&g.client.stream, guest_read),
			 0);
	for (int i = 0; i < 10; i++)
		site_turns(&s);
	assert_int_equal(v->released, 1);
	assert_int_equal(v->release_status, 0);
	assert_int_equal(v->done, 1);
	assert_memory_equal(g.got + g.size - 5, "mmdef", 5);
	close_visit(&s, &g);
}

static void lent_memory_is_released_if_the_peer_goes(void **state)
{
	static char much[100000];
	struct site s;
	struct guest g;
	struct visit *v = open_visit(&s, &g, *state, 4096, GET);

	rota_stream_read_stop(&g.client.stream);
	assert_int_equal(begin(v, sizeof(much)), 0);
	assert_int_equal(rota_http_response_lend(v->exchange,
						 rota_bytes(much, sizeof(much)),
						 visit_released, v),
			 0);
	site_turns(&s);
	guest_leave(&g, 1);
	assert_int_equal(v->released, 1);
	assert_true(v->release_status < 0);
	assert_int_equal(v->done, 1);
	assert_true(v->status < 0);
	close_visit(&s, &g);
}

/* A file of @size bytes without a name. */
static int make_file(size_t size)
{
	static const char digits[] = "0123456789";
	char name[] = "/tmp/rota-http-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(unlink(name), 0);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(write(fd, &digits[i % 10], 1), 1);
	return fd;
}

static void a_file_is_sent_in_its_place(void **state)
{
	struct site s;
	struct guest g;
	struct visit *v = open_visit(&s, &g, *state, 0, GET GET);
	int fd = make_file(20);

	assert_int_equal(begin(v, ROTA_HTTP_LENGTH_UNKNOWN), 0);
	assert_int_equal(put(v, "<"), 0);
	assert_int_equal(rota_http_response_send_file(v->exchange, fd, 5, 7,
						      visit_released, v),
			 0);
	assert_int_equal(put(v, ">"), 0);
	assert_int_equal(end(v), 0);
	for (int i = 0; i < 10000 && v->done == 0; i++)
		(void)rota_loop_run(s.f->loop, ROTA_RUN_ONCE);
	assert_int_equal(v->released, 1);
	assert_int_equal(v->status, 0);
	site_turns(&s);
	guest_expect(&g, CHUNKED "1\r\n<\r\n7\r\n5678901\r\n1\r\n>\r\n"
				 "0\r\n\r\n");
	visit_hello(&s.visits[1]);
	close(fd);
	close_visit(&s, &g);
}

static void a_file_that_is_short_cuts_the_response(void **state)
{
	struct site s;
	struct guest g;
	struct visit *v = open_visit(&s, &g, *state, 0, GET);
	int fd = make_file(20);

	assert_int_equal(begin(v, 30), 0);
	assert_int_equal(rota_http_response_send_file(v->exchange, -1, 0, 30,
						      visit_released, v),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_response_send_file(v->exchange, fd, 0, 30,
						      visit_released, v),
			 0);
	assert_int_equal(end(v), 0);
	for (int i = 0; i < 10000 && v->done == 0; i++)
		(void)rota_loop_run(s.f->loop, ROTA_RUN_ONCE);
	assert_int_equal(v->release_status, ROTA_EOF);
	assert_int_equal(v->status, ROTA_EOF);
	site_turns(&s);
	assert_int_equal(g.status, ROTA_ECONNRESET);
	close(fd);
	close_visit(&s, &g);
}

static void a_peer_that_reads_nothing_costs_a_watermark(void **state)
{
	static char part[10000];
	struct site s;
	struct guest g;
	struct visit *v = open_visit(&s, &g, *state, 4096, GET);
	int result = 0;

	memset(part, 'p', sizeof(part));
	rota_stream_read_stop(&g.client.stream);
	rota_http_response_on_writable(v->exchange, visit_writable, v);
	assert_int_equal(begin(v, ROTA_HTTP_LENGTH_UNKNOWN), 0);
	for (int i = 0; i < 20 && result == 0; i++)
		result = rota_http_response_write(
			v->exchange, rota_bytes(part, sizeof(part)));
	assert_int_equal(result, 1);
	assert_int_equal(
		rota_http_response_write(v->exchange, rota_bytes(part, 1)),
		ROTA_ENOBUFS);
	site_turns(&s);
	assert_int_equal(v->writable, 0);
	assert_true(rota_stream_queued(&g.served.stream) < 90000);

	assert_int_equal(rota_stream_read_start(&g.client.stream, guest_read),
			 0);
	for (int i = 0; i < 10; i++)
		site_turns(&s);
	assert_int_equal(v->writable, 1);
	assert_int_equal(put(v, "x"), 0);
	assert_int_equal(end(v), 0);
	close_visit(&s, &g);
}

/* Requests behind unsent output are not read. */
static void pipelined_requests_wait_for_output(void **state)
{
	static char much[50000];
	struct site s;
	struct guest g;
	struct visit *v;

	v = open_visit(&s, &g, *state, 4096, GET GET GET GET GET);
	rota_stream_read_stop(&g.client.stream);
	for (int i = 0; i < 2; i++, v++) {
		assert_int_equal(s.visit_count, i + 1);
		assert_int_equal(rota_http_respond(v->exchange, 200, NULL,
						   rota_bytes(much, 50000)),
				 0);
		site_turns(&s);
	}
	assert_int_equal(s.visit_count, 2);
	assert_int_equal(s.visits[0].done + s.visits[1].done, 0);
	guest_leave(&g, 1);
	assert_int_equal(s.visits[0].done, 1);
	assert_int_equal(s.visits[1].done, 1);
	assert_true(s.visits[0].status < 0);
	close_visit(&s, &g);
}

/* --- ends in callbacks ---------------------------------------------------- */

/* What a handler does in a callback. */
static void do_abort(struct visit *v)
{
	rota_http_exchange_abort(v->exchange);
}

static void do_respond(struct visit *v)
{
	(void)rota_http_respond(v->exchange, 200, NULL, bytes_of("x"));
}

static void do_begin_and_abort(struct visit *v)
{
	(void)begin(v, 100);
	(void)put(v, "part");
	do_abort(v);
}

static void do_short(struct visit *v)
{
	(void)begin(v, 100);
	(void)end(v);
}

static void do_stop(struct visit *v)
{
	(void)rota_http_server_stop(v->site->server, ROTA_SEC(1),
				    site_on_stopped, v->site);
	do_respond(v);
}

static void do_stop_and_wait(struct visit *v)
{
	(void)rota_http_server_stop(v->site->server, ROTA_SEC(1),
				    site_on_stopped, v->site);
}

static void do_reset(struct visit *v)
{
	rota_http_server_reset(v->site->server);
	do_respond(v);
}

static void (*const doings[])(struct visit *v) = {
	do_abort, do_respond, do_begin_and_abort, do_short,
	do_stop,  do_reset,   do_stop_and_wait,
};

static void (*doing)(struct visit *v);
static int doing_at; /* 0: the handler, 1: a piece, 2: the end, 3: done */

static void act_handler(struct visit *v)
{
	(void)rota_http_request_read(v->exchange, visit_piece, v);
	if (doing_at == 0)
		doing(v);
}

static void act_piece(struct visit *v, int status)
{
	if ((doing_at == 1 && status == 0 && v->size == 3) ||
	    (doing_at == 2 && status == ROTA_EOF))
		doing(v);
	else if (status == ROTA_EOF && doing_at == 3)
		do_respond(v);
}

static void act_done(struct visit *v)
{
	if (doing_at == 3)
		doing(v);
}

static void everything_may_end_in_every_callback(void **state)
{
	static const char request[] = "POST / HTTP/1.1\r\nHost: a\r\n"
				      "Transfer-Encoding: chunked\r\n\r\n"
				      "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
	struct site s;
	struct guest g;

	for (int i = 0; i < 4 * 7; i++) {
		site_open(&s, *state);
		doing_at = i / 7;
		doing = doings[i % 7];
		s.act = act_handler;
		s.act_body = act_piece;
		s.act_done = act_done;
		guest_open(&g, &s);
		guest_send_bytes(&g, request, sizeof(request) - 1);
		guest_send_bytes(&g, request, sizeof(request) - 1);
		site_turns(&s);
		site_pass(&s, ROTA_SEC(2)); /* the end of a stop's grace */
		guest_leave(&g, 0);
		for (unsigned at = 0; at < s.visit_count; at++)
			assert_int_equal(s.visits[at].done, 1);
		if (doing == do_stop || doing == do_stop_and_wait)
			assert_int_equal(s.stopped, 1);
		guest_close(&g);
		site_close(&s);
	}
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_response_has_a_length),
	VIRTUAL(a_short_response_is_cut),
	VIRTUAL(an_unknown_length_is_chunked),
	VIRTUAL(http_1_0_gets_no_chunks),
	VIRTUAL(head_and_304_send_no_body),
	VIRTUAL(fields_are_set_replaced_and_checked),
	VIRTUAL(lent_memory_is_released_in_order),
	VIRTUAL(lent_memory_is_released_if_the_peer_goes),
	VIRTUAL(a_file_is_sent_in_its_place),
	VIRTUAL(a_file_that_is_short_cuts_the_response),
	VIRTUAL(a_peer_that_reads_nothing_costs_a_watermark),
	VIRTUAL(pipelined_requests_wait_for_output),
	VIRTUAL(everything_may_end_in_every_callback),
};

FIXTURE_MAIN(tests)
