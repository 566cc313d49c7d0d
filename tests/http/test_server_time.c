/*
 * Servers: deadlines and limits. Each is counted, and answered where the
 * protocol allows it.
 */
/* poller: none */
#include "site.h"

#define GET   "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
#define HELLO OK_HEAD("6") "\r\nhello\n"

static void wait_for_test(struct visit *v)
{
	(void)v;
}

static void read_pieces(struct visit *v)
{
	assert_int_equal(rota_http_request_read(v->exchange, visit_piece, v),
			 0);
}

static void expect_status(struct guest *g, const char *status)
{
	assert_memory_equal(g->got, "HTTP/1.1 ", 9);
	assert_memory_equal(g->got + 9, status, 3);
	assert_non_null(strstr(g->got, "\r\nConnection: close\r\n"));
	if (strcmp(status, "503") == 0)
		assert_non_null(strstr(g->got, "\r\nRetry-After: 5\r\n"));
	assert_int_equal(g->ended, 1);
}

/* As many responses, whatever their dates. */
static void expect_hellos(struct guest *g, int count)
{
	const char *at = g->got;

	for (int i = 0; i < count; i++) {
		at = strstr(at, "\r\n\r\nhello\n");
		assert_non_null(at);
		at += strlen("\r\n\r\nhello\n");
	}
	assert_string_equal(at, "");
	guest_expect(g, g->got);
}

static void a_slow_head_is_answered_408(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);
	site_pass(&s, ROTA_SEC(20));
	assert_int_equal(g.ended, 0); /* no byte has come: it is idle */
	for (int i = 0; i < 9; i++) {
		guest_send(&g, i == 0 ? "GET / HTTP/1.1\r\n" : "x");
		site_pass(&s, ROTA_SEC(1));
	}
	assert_int_equal(g.ended, 0);
	site_pass(&s, ROTA_SEC(1) + 1);
	expect_status(&g, "408");
	assert_int_equal(site_stats(&s).slow_heads, 1);
	assert_int_equal(s.visit_count, 0);
	guest_close(&g);
	site_close(&s);
}

static void the_head_behind_a_request_has_its_own_time(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);
	guest_send(&g, GET "GET");
	site_pass(&s, ROTA_SEC(9));
	guest_send(&g, " / HTTP/1.1\r\nHost: a\r\n\r\nGE");
	site_pass(&s, ROTA_SEC(9));
	expect_hellos(&g, 2);
	site_pass(&s, ROTA_SEC(2));
	expect_status(&g, "408");
	guest_close(&g);
	site_close(&s);
}

static void a_slow_body_is_answered_408(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = read_pieces;
	guest_open(&g, &s);
	guest_send(&g, POST);
	for (int i = 0; i < 5; i++) {
		site_pass(&s, ROTA_SEC(29));
		guest_send(&g, "x"); /* progress */
	}
	assert_int_equal(g.ended, 0);
	site_pass(&s, ROTA_SEC(31));
	expect_status(&g, "408");
	assert_int_equal(s.visits[0].body_status, ROTA_ETIMEDOUT);
	assert_int_equal(s.visits[0].status, ROTA_ETIMEDOUT);
	assert_int_equal(s.visits[0].done, 1);
	assert_int_equal(site_stats(&s).slow_bodies, 1);
	guest_close(&g);
	site_close(&s);
}

static void a_body_has_a_time_in_all(void **state)
{
	struct site s;
	struct guest g;

	site_init(&s, *state);
	s.options.body_ns = ROTA_SEC(60);
	site_start(&s);
	s.act = read_pieces;
	guest_open(&g, &s);
	guest_send(&g, POST);
	for (int i = 0; i < 4 && g.ended == 0; i++) {
		site_pass(&s, ROTA_SEC(20));
		guest_send(&g, "x");
	}
	expect_status(&g, "408");
	guest_close(&g);
	site_close(&s);
}

static void a_slow_handler_is_answered_503(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = wait_for_test;
	guest_open(&g, &s);
	guest_send(&g, GET);
	site_pass(&s, ROTA_SEC(59));
	assert_int_equal(g.ended, 0);
	site_pass(&s, ROTA_SEC(2));
	expect_status(&g, "503");
	assert_int_equal(s.visits[0].status, ROTA_ETIMEDOUT);
	assert_int_equal(site_stats(&s).slow_handlers, 1);
	guest_close(&g);
	site_close(&s);
}

static void an_exchange_has_a_deadline_of_its_own(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = wait_for_test;
	guest_open(&g, &s);
	guest_send(&g, GET);
	rota_http_exchange_set_deadline(s.visits[0].exchange, ROTA_SEC(200));
	site_pass(&s, ROTA_SEC(199));
	assert_int_equal(g.ended, 0);
	rota_http_exchange_set_deadline(s.visits[0].exchange, 0);
	site_pass(&s, ROTA_SEC(10000));
	assert_int_equal(g.ended, 0);
	rota_http_exchange_set_deadline(s.visits[0].exchange, ROTA_SEC(1));
	site_turns(&s);
	site_pass(&s, ROTA_SEC(2));
	expect_status(&g, "503");
	guest_close(&g);
	site_close(&s);
}

/* An open response has no deadline, as long as the peer takes it. */
static void an_open_response_may_take_long(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = wait_for_test;
	guest_open(&g, &s);
	guest_send(&g, GET);
	assert_int_equal(rota_http_response_begin(s.visits[0].exchange, 200,
						  ROTA_HTTP_LENGTH_UNKNOWN),
			 0);
	for (int i = 0; i < 10; i++) {
		site_pass(&s, ROTA_SEC(1000));
		assert_int_equal(rota_http_response_write(s.visits[0].exchange,
							  bytes_of("event")),
				 0);
	}
	assert_int_equal(rota_http_response_end(s.visits[0].exchange), 0);
	site_turns(&s);
	assert_int_equal(s.visits[0].status, 0);
	assert_int_equal(g.ended, 0);
	guest_close(&g);
	site_close(&s);
}

static void an_idle_connection_ends(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);
	for (int i = 0; i < 3; i++) {
		site_pass(&s, ROTA_SEC(59));
		guest_send(&g, GET);
	}
	expect_hellos(&g, 3);
	site_pass(&s, ROTA_SEC(61));
	guest_expect(&g, "");
	assert_int_equal(g.ended, 1);
	assert_int_equal(g.closed, 1);
	assert_int_equal(site_stats(&s).idle_ended, 1);
	guest_close(&g);
	site_close(&s);
}

static void a_peer_that_takes_nothing_is_reset(void **state)
{
	static char much[60000];
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = wait_for_test;
	guest_pair(&g, &s, 4096);
	assert_int_equal(rota_http_server_serve(s.server, 0, &g.served.stream,
						guest_closed, NULL),
			 0);
	guest_send(&g, GET);
	rota_stream_read_stop(&g.client.stream);
	assert_int_equal(rota_http_respond(s.visits[0].exchange, 200, NULL,
					   rota_bytes(much, sizeof(much))),
			 0);
	site_turns(&s);
	for (int i = 0; i < 4; i++) { /* it takes some */
		site_pass(&s, ROTA_SEC(25));
		assert_int_equal(
			rota_stream_read_start(&g.client.stream, guest_read),
			0);
		turn(s.f);
		turn(s.f);
		rota_stream_read_stop(&g.client.stream);
		assert_int_equal(s.visits[0].done, 0);
	}
	for (int i = 0; i < 6; i++)
		site_pass(&s, ROTA_SEC(8));
	assert_int_equal(s.visits[0].done, 1);
	assert_int_equal(s.visits[0].status, ROTA_ETIMEDOUT);
	assert_int_equal(site_stats(&s).stalled, 1);
	assert_int_equal(g.closed, 1);
	guest_close(&g);
	site_close(&s);
}

static void a_connection_has_a_number_of_requests(void **state)
{
	struct site s;
	struct guest g;

	site_init(&s, *state);
	s.options.requests = 2;
	site_start(&s);
	guest_open(&g, &s);
	guest_send(&g, GET GET GET);
	guest_expect(&g, HELLO OK_HEAD("6") "Connection: close\r\n\r\nhello\n");
	assert_int_equal(g.ended, 1);
	assert_int_equal(site_stats(&s).request_limit, 1);
	guest_close(&g);
	site_close(&s);
}

static void a_head_has_limits(void **state)
{
	static const char *const requests[] = {
		"GET /01234567890123456789 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\na: b\r\nc: d\r\n\r\n",
		("GET / HTTP/1.1\r\nHost: a\r\na: "
		 "01234567890123456789012345678901234567890123456789\r\n\r\n"),
	};
	struct site s;
	struct guest g;

	site_init(&s, *state);
	s.options.limits.target_size = 10;
	s.options.limits.head_size = 64;
	s.options.field_count = 2;
	site_start(&s);
	for (size_t i = 0; i < 3; i++) {
		guest_open(&g, &s);
		guest_send(&g, requests[i]);
		expect_status(&g, i == 0 ? "414" : "431");
		guest_close(&g);
	}
	assert_int_equal(site_stats(&s).refused, 3);
	site_close(&s);
}

static void the_memory_of_a_server_has_a_limit(void **state)
{
	struct site s;
	struct guest g;
	uint64_t before;

	site_init(&s, *state);
	s.options.memory = 1 << 20;
	site_start(&s);
	guest_open(&g, &s);
	guest_send(&g, GET);
	guest_expect(&g, HELLO);
	before = site_stats(&s).memory;
	s.act = wait_for_test;
	guest_send(&g, GET);
	assert_null(rota_http_exchange_allocate(s.visits[1].exchange, 1 << 20));
	assert_non_null(
		rota_http_exchange_allocate(s.visits[1].exchange, 900000));
	assert_true(site_stats(&s).memory > before + 900000);
	visit_hello(&s.visits[1]);
	site_turns(&s);
	assert_int_equal(site_stats(&s).memory, before);
	guest_close(&g);
	site_close(&s);
}

static void options_are_checked(void **state)
{
	struct fixture *f = *state;
	struct rota_http_server_options options;
	struct rota_http_server *server = NULL;

	rota_http_server_options_init(&options);
	assert_int_equal(rota_http_server_new(&server, &f->loop, 1, &options),
			 ROTA_EINVAL);
	options.handler = site_handle;
	assert_int_equal(rota_http_server_new(NULL, &f->loop, 1, &options),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_server_new(&server, &f->loop, 0, &options),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_server_new(&server, &f->loop, 1, NULL),
			 ROTA_EINVAL);
	options.field_count = 0;
	assert_int_equal(rota_http_server_new(&server, &f->loop, 1, &options),
			 ROTA_EINVAL);
	options.field_count = 1;
	options.flags = 1 << 10;
	assert_int_equal(rota_http_server_new(&server, &f->loop, 1, &options),
			 ROTA_EINVAL);
	options.flags = 0;
	options.limits.head_size = 1;
	assert_int_equal(rota_http_server_new(&server, &f->loop, 1, &options),
			 ROTA_EINVAL);
	options.limits.head_size = 100;
	options.size--;
	assert_int_equal(rota_http_server_new(&server, &f->loop, 1, &options),
			 ROTA_EINVAL);
	options.size++;
	assert_null(server);
	assert_int_equal(rota_http_server_new(&server, &f->loop, 1, &options),
			 0);
	assert_int_equal(rota_http_server_free(server), 0);
	assert_int_equal(rota_http_server_free(NULL), 0);
}

/* An idle connection: the goal is 400 bytes, with what the loop has for it. */
static void an_idle_connection_is_small(void **state)
{
	struct site s;
	struct guest g;
	uint64_t before;

	site_open(&s, *state);
	guest_open(&g, &s);
	guest_send(&g, GET);
	before = site_stats(&s).memory;
	guest_close(&g);
	/* The stream is the test's here; a struct rota_tcp has 192 bytes. */
	assert_true(before - site_stats(&s).memory + sizeof(struct rota_tcp) <=
		    400);
	site_close(&s);
}

static void a_request_allocates_nothing(void **state)
{
	struct site s;
	struct guest g;
	size_t calls;

	site_open(&s, *state);
	guest_open(&g, &s);
	guest_send(&g, GET GET GET);
	calls = s.memory.calls;
	for (int i = 0; i < 10; i++)
		guest_send(&g, GET GET GET);
	assert_int_equal(s.visit_count, 33);
	assert_int_equal(s.memory.calls, calls);
	guest_close(&g);
	site_close(&s);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_slow_head_is_answered_408),
	VIRTUAL(the_head_behind_a_request_has_its_own_time),
	VIRTUAL(a_slow_body_is_answered_408),
	VIRTUAL(a_body_has_a_time_in_all),
	VIRTUAL(a_slow_handler_is_answered_503),
	VIRTUAL(an_exchange_has_a_deadline_of_its_own),
	VIRTUAL(an_open_response_may_take_long),
	VIRTUAL(an_idle_connection_ends),
	VIRTUAL(a_peer_that_takes_nothing_is_reset),
	VIRTUAL(a_connection_has_a_number_of_requests),
	VIRTUAL(a_head_has_limits),
	VIRTUAL(the_memory_of_a_server_has_a_limit),
	VIRTUAL(options_are_checked),
	VIRTUAL(an_idle_connection_is_small),
	VIRTUAL(a_request_allocates_nothing),
};

FIXTURE_MAIN(tests)
