/*
 * Servers: requests and responses, one after the other and pipelined, and what
 * is refused.
 */
/* poller: none */
#include "site.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"

static void a_request_is_answered(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);

	guest_send(&g, GET("/a"));

	guest_expect(&g, OK_HEAD("6") "\r\nhello\n");
	assert_int_equal(s.visit_count, 1);
	assert_string_equal(s.visits[0].target, "/a");
	assert_int_equal(s.visits[0].done, 1);
	assert_int_equal(s.visits[0].status, 0);
	assert_int_equal(site_stats(&s).idle, 1);
	assert_int_equal(g.ended, 0);

	guest_send(&g, GET("/b"));
	guest_expect(&g, OK_HEAD("6") "\r\nhello\n");
	guest_close(&g);
	assert_int_equal(site_stats(&s).requests, 2);
	assert_int_equal(site_stats(&s).responses[2], 2);
	site_close(&s);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);

	for (int i = 0; i < 40; i++)
		guest_send_bytes(&g, GET("/"), strlen(GET("/")));
	site_turns(&s);

	assert_int_equal(s.visit_count, 40);
	assert_int_equal(g.size, 40 * strlen(OK_HEAD("6") "\r\nhello\n"));
	for (int i = 0; i < 40; i++)
		assert_int_equal(s.visits[i].done, 1);
	guest_close(&g);
	site_close(&s);
}

static void wait_for_test(struct visit *v)
{
	(void)v;
}

static void a_request_waits_for_the_one_before(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = wait_for_test;
	guest_open(&g, &s);

	guest_send(&g, GET("/a") GET("/b"));
	assert_int_equal(s.visit_count, 1);
	assert_string_equal(g.got, "");

	/* The text of the head has been moved. */
	assert_memory_equal(rota_http_head_target(rota_http_request_head(
							  s.visits[0].exchange))
				    .data,
			    "/a", 2);
	visit_hello(&s.visits[0]);
	assert_int_equal(s.visit_count, 1); /* not inside the call */
	site_turns(&s);
	assert_int_equal(s.visit_count, 2);
	assert_string_equal(s.visits[1].target, "/b");
	guest_expect(&g, OK_HEAD("6") "\r\nhello\n");
	visit_hello(&s.visits[1]);
	site_turns(&s);
	guest_expect(&g, OK_HEAD("6") "\r\nhello\n");
	guest_close(&g);
	site_close(&s);
}

static void http_1_0_closes_unless_asked_to_keep(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);
	guest_send(&g, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	guest_expect(&g, OK_HEAD("6") "Connection: keep-alive\r\n\r\nhello\n");
	assert_int_equal(g.ended, 0);
	guest_send(&g, "GET / HTTP/1.0\r\n\r\n");
	guest_expect(&g, OK_HEAD("6") "Connection: close\r\n\r\nhello\n");
	assert_int_equal(g.ended, 1);
	assert_int_equal(g.closed, 1);
	guest_close(&g);
	site_close(&s);
}

static void head_has_no_body(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);
	guest_send(&g, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" GET("/"));
	guest_expect(&g, OK_HEAD("6") "\r\n" OK_HEAD("6") "\r\nhello\n");
	guest_close(&g);
	site_close(&s);
}

static void the_client_may_close(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);
	guest_send(&g,
		   "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	guest_expect(&g, OK_HEAD("6") "Connection: close\r\n\r\nhello\n");
	assert_int_equal(g.closed, 1);
	guest_close(&g);
	site_close(&s);
}

static void
a_refused_request_is_answered_and_the_connection_lingers(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);

	guest_send(&g, GET("/") "GET / HTTP/1.1\r\n\r\n" GET("/never"));

	guest_expect(&g,
		     OK_HEAD("6") "\r\nhello\n"
				  "HTTP/1.1 400 Bad Request\r\n" SITE_DATE
				  "Content-Type: text/plain; charset=utf-8\r\n"
				  "Content-Length: 27\r\n"
				  "Connection: close\r\n\r\n"
				  "the field Host is missing.\n");
	assert_int_equal(s.visit_count, 1);
	assert_int_equal(g.ended, 1); /* its sending side */
	assert_int_equal(g.closed, 0);
	guest_send(&g, "more");
	assert_int_equal(g.closed, 0);
	site_pass(&s, ROTA_SEC(3));
	assert_int_equal(g.closed, 1);
	assert_int_equal(site_stats(&s).refused, 1);
	assert_int_equal(site_stats(&s).responses[4], 1);
	guest_close(&g);
	site_close(&s);
}

static void a_lingering_connection_has_a_bound_of_bytes(void **state)
{
	static char much[40000];
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);
	guest_send(&g, "BAD\r\n");
	memset(much, 'x', sizeof(much));
	guest_send_bytes(&g, much, sizeof(much));
	site_turns(&s);
	assert_int_equal(g.closed, 0);
	guest_send_bytes(&g, much, sizeof(much));
	site_turns(&s);
	assert_int_equal(g.closed, 1);
	guest_close(&g);
	site_close(&s);
}

static void connect_is_refused_unless_the_server_handles_it(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	guest_open(&g, &s);
	guest_send(&g, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
	assert_memory_equal(g.got, "HTTP/1.1 501 ", 13);
	assert_int_equal(s.visit_count, 0);
	guest_leave(&g, 0);
	guest_close(&g);
	site_close(&s);
}

/* A request in pieces of every kind gets the same answer. */
static void the_cuts_of_a_request_do_not_matter(void **state)
{
	static const char text[] = "\r\n" GET("/a") "HEAD /b HTTP/1.1\r\n"
						    "Host: a\r\n\r\n";
	static const char expected[] =
		OK_HEAD("6") "\r\nhello\n" OK_HEAD("6") "\r\n";
	struct site s;
	struct guest g;

	site_open(&s, *state);
	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		guest_open(&g, &s);
		guest_send_bytes(&g, text, cut);
		site_turns(&s);
		guest_send_bytes(&g, text + cut, sizeof(text) - 1 - cut);
		site_turns(&s);
		guest_expect(&g, expected);
		guest_close(&g);
	}
	guest_open(&g, &s);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		guest_send_bytes(&g, text + i, 1);
		turn(s.f);
		turn(s.f);
	}
	site_turns(&s);
	guest_expect(&g, expected);
	guest_close(&g);
	site_close(&s);
}

static void a_client_that_ends_its_side_is_answered(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = wait_for_test;
	guest_open(&g, &s);
	guest_send(&g, GET("/"));
	assert_int_equal(rota_stream_shutdown(NULL, &g.client.stream, NULL), 0);
	site_turns(&s);
	assert_int_equal(s.visits[0].done, 0);
	visit_hello(&s.visits[0]);
	site_turns(&s);
	guest_expect(&g, OK_HEAD("6") "\r\nhello\n");
	assert_int_equal(s.visits[0].done, 1);
	assert_int_equal(s.visits[0].status, 0);
	assert_int_equal(g.closed, 1);
	guest_close(&g);
	site_close(&s);
}

static void the_end_of_the_input_may_mean_that_the_peer_has_gone(void **state)
{
	struct site s;
	struct guest g;

	site_init(&s, *state);
	s.options.flags = ROTA_HTTP_END_IS_GONE;
	site_start(&s);
	s.act = wait_for_test;
	guest_open(&g, &s);
	guest_send(&g, GET("/"));
	assert_int_equal(rota_stream_shutdown(NULL, &g.client.stream, NULL), 0);
	site_turns(&s);
	assert_int_equal(s.visits[0].done, 1);
	assert_int_equal(s.visits[0].status, ROTA_ECONNRESET);
	guest_close(&g);
	site_close(&s);
}

static void connect_reaches_a_handler_that_wants_it(void **state)
{
	struct site s;
	struct guest g;

	site_init(&s, *state);
	s.options.flags = ROTA_HTTP_HANDLES_CONNECT;
	site_start(&s);
	guest_open(&g, &s);
	guest_send(&g, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
	assert_string_equal(s.visits[0].target, "a:80");
	assert_memory_equal(g.got, "HTTP/1.1 200 ", 13);
	guest_close(&g);
	site_close(&s);
}

static void what_was_read_before_is_served(void **state)
{
	struct rota_http_serve_options options;
	struct rota_address peer;
	struct rota_address found;
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = wait_for_test;
	guest_pair(&g, &s, 0);
	assert_int_equal(rota_address_ip(&peer, "192.0.2.1", 5), 0);
	rota_http_serve_options_init(&options);
	options.first = bytes_of("GET /fir");
	options.peer = &peer;
	options.is_secure = 1;
	assert_int_equal(rota_http_server_serve(s.server, 1, &g.served.stream,
						guest_closed, &options),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_server_serve(s.server, 0, &g.served.stream,
						NULL, &options),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_server_serve(s.server, 0, &g.served.stream,
						guest_closed, &options),
			 0);
	guest_send(&g, "st HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_string_equal(s.visits[0].target, "/first");
	assert_int_equal(rota_http_exchange_peer(s.visits[0].exchange, &found),
			 0);
	assert_true(rota_address_equal(&peer, &found));
	assert_int_equal(rota_http_exchange_is_secure(s.visits[0].exchange), 1);
	visit_hello(&s.visits[0]);
	guest_close(&g);
	site_close(&s);
}

static void a_peer_that_has_gone_is_told_before_the_answer(void **state)
{
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = wait_for_test;
	guest_open(&g, &s);
	guest_send(&g, GET("/"));
	guest_leave(&g, 1);
	assert_int_equal(s.visits[0].done, 1);
	assert_true(s.visits[0].status < 0);
	assert_int_equal(site_stats(&s).gone, 1);
	guest_close(&g);
	site_close(&s);
}

/* Without a function of on_done the exchange stays until the handler ends. */
static void an_exchange_outlives_its_peer_for_the_handler(void **state)
{
	static void (*const ends[])(struct rota_http_exchange *) = {
		rota_http_exchange_abort,
	};
	struct site s;
	struct guest g;

	site_open(&s, *state);
	s.act = wait_for_test;
	s.no_done = 1;
	for (int way = 0; way < 4; way++) {
		struct rota_http_exchange *e;

		s.visit_count = 0;
		s.visits[0].exchange = NULL;
		guest_open(&g, &s);
		guest_send(&g, GET("/"));
		guest_leave(&g, 1);
		e = s.visits[0].exchange;
		assert_int_equal(rota_http_exchange_has_failed(e), 1);
		assert_int_equal(site_stats(&s).exchanges, 1);
		assert_int_equal(rota_http_response_write(e, bytes_of("a")),
				 ROTA_ECANCELED);
		assert_int_equal(rota_http_response_begin(e, 200, 5),
				 ROTA_ECANCELED);
		assert_string_equal(s.visits[0].target, "/");
		if (way == 0)
			ends[0](e);
		else if (way == 1)
			assert_int_equal(rota_http_response_end(e),
					 ROTA_ECANCELED);
		else if (way == 2)
			assert_int_equal(
				rota_http_respond(e, 200, NULL, bytes_of("")),
				ROTA_ECANCELED);
		else
			assert_int_equal(rota_http_respond_status(e, 404),
					 ROTA_ECANCELED);
		assert_int_equal(site_stats(&s).exchanges, 0);
		guest_close(&g);
	}
	site_close(&s);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_request_is_answered),
	VIRTUAL(pipelined_requests_are_answered_in_order),
	VIRTUAL(a_request_waits_for_the_one_before),
	VIRTUAL(http_1_0_closes_unless_asked_to_keep),
	VIRTUAL(head_has_no_body),
	VIRTUAL(the_client_may_close),
	VIRTUAL(a_refused_request_is_answered_and_the_connection_lingers),
	VIRTUAL(a_lingering_connection_has_a_bound_of_bytes),
	VIRTUAL(connect_is_refused_unless_the_server_handles_it),
	VIRTUAL(the_cuts_of_a_request_do_not_matter),
	VIRTUAL(a_client_that_ends_its_side_is_answered),
	VIRTUAL(the_end_of_the_input_may_mean_that_the_peer_has_gone),
	VIRTUAL(connect_reaches_a_handler_that_wants_it),
	VIRTUAL(what_was_read_before_is_served),
	VIRTUAL(a_peer_that_has_gone_is_told_before_the_answer),
	VIRTUAL(an_exchange_outlives_its_peer_for_the_handler),
};

FIXTURE_MAIN(tests)
