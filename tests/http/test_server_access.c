/*
 * What a server knows of its clients behind proxies, and what it writes down
 * about requests.
 *
 * PROXY headers come over TCP: whole, and cut in two at many bytes, or at each
 * one with ROTA_TEST_FULL=1. The result is the same.
 */
/* poller: none */
#include "site.h"

#include <unistd.h>

#include "support/streams_more.h"

enum { GOT_SIZE = 4096, CUT_STEP = 7 };

#define REQUEST "GET /a HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n"

#define FROM_1 "PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n"

static struct rota_http_network listed[1];

static void list_network(size_t index, const char *text)
{
	assert_int_equal(
		rota_http_network_parse(&listed[index], bytes_of(text)), 0);
}

/* Answer with the address of the peer, without its port. */
static void tell_peer(struct rota_http_exchange *exchange, void *arg)
{
	struct rota_address peer;
	char text[ROTA_ADDRESS_TEXT_SIZE] = "not known";

	(void)arg;
	if (rota_http_exchange_peer(exchange, &peer) == 0)
		assert_int_equal(rota_address_text_with(&peer, text,
							sizeof(text),
							ROTA_ADDRESS_NO_PORT),
				 0);
	assert_int_equal(rota_http_respond(exchange, 200, NULL, bytes_of(text)),
			 0);
}

/* A client over TCP. */
struct caller {
	struct rota_tcp tcp;
	struct rota_connect connect;
	char got[GOT_SIZE];
	size_t size;
	int is_connected;
	int has_ended;
	int is_closed;
};

static void on_connected(struct rota_connect *request, int status)
{
	assert_int_equal(status, 0);
	rota_container_of(request, struct caller, connect)->is_connected = 1;
}

static void on_got(struct rota_stream *stream, int status,
		   const struct rota_buf *buf)
{
	struct caller *c = rota_container_of(stream, struct caller, tcp.stream);

	if (status < 0) {
		c->has_ended = 1;
		return;
	}
	assert_true(c->size + buf->size < GOT_SIZE);
	memcpy(c->got + c->size, buf->data, buf->size);
	c->size += buf->size;
}

static void run_until(struct site *s, const int *condition)
{
	while (!*condition)
		assert_true(rota_loop_run(s->f->loop, ROTA_RUN_ONCE) >= 0);
}

static void begin_call(struct site *s, struct caller *c)
{
	struct rota_address address;

	memset(c, 0, sizeof(*c));
	assert_int_equal(rota_http_server_address(s->server, 0, &address), 0);
	assert_int_equal(rota_tcp_init(&c->tcp, s->f->loop), 0);
	assert_int_equal(
		rota_tcp_connect(&c->connect, &c->tcp, &address, on_connected),
		0);
	run_until(s, &c->is_connected);
	assert_int_equal(rota_stream_read_start(&c->tcp.stream, on_got), 0);
}

static void on_caller_closed(struct rota_handle *handle)
{
	rota_container_of(handle, struct caller, tcp.handle)->is_closed = 1;
}

/* Read up to the end. */
static void end_call(struct site *s, struct caller *c)
{
	run_until(s, &c->has_ended);
	assert_int_equal(rota_handle_close(&c->tcp.handle, on_caller_closed),
			 0);
	run_until(s, &c->is_closed);
}

/* Connect, send the bytes in two parts, and read up to the end. */
static void call_server(struct site *s, struct caller *c,
			struct rota_const_buf bytes, size_t cut)
{
	begin_call(s, c);
	if (cut > 0)
		(void)rota_stream_send(&c->tcp.stream, bytes.data, cut);
	if (cut < bytes.size) {
		turn(s->f);
		turn(s->f);
		(void)rota_stream_send(&c->tcp.stream, bytes.data + cut,
				       bytes.size - cut);
	}
	end_call(s, c);
}

static void open_door(struct site *s)
{
	struct rota_address address;

	assert_int_equal(rota_address_ip(&address, "127.0.0.1", 0), 0);
	assert_int_equal(rota_http_server_listen(s->server, &address, 0), 0);
}

static void listen_behind(struct site *s, struct fixture *f,
			  const char *network)
{
	site_init(s, f);
	list_network(0, network);
	s->options.handler = tell_peer;
	s->options.proxies.list = listed;
	s->options.proxies.count = 1;
	site_start(s);
	open_door(s);
}

/* Wait until the server has stopped, and close the site. */
static void await_stop(struct site *s)
{
	while (s->stopped == 0)
		assert_true(rota_loop_run(s->f->loop, ROTA_RUN_ONCE) >= 0);
	site_close(s);
	assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT), 0);
}

static void stop_listening(struct site *s)
{
	assert_int_equal(rota_http_server_stop(s->server, UINT64_MAX,
					       site_on_stopped, s),
			 0);
	await_stop(s);
}

/* The body of the response, or "" if there is no response. */
static void check_call(struct site *s, struct rota_const_buf bytes, size_t cut,
		       const char *body)
{
	static struct caller c;
	const char *end;

	call_server(s, &c, bytes, cut);
	if (*body == '\0') {
		assert_int_equal(c.size, 0);
		return;
	}
	assert_memory_equal(c.got, "HTTP/1.1 200 OK\r\n", 17);
	end = strstr(c.got, "\r\n\r\n");
	assert_non_null(end);
	assert_string_equal(end + 4, body);
}

static void check_header(struct site *s, struct rota_const_buf bytes,
			 const char *body)
{
	size_t step = test_is_full() ? 1 : CUT_STEP;

	for (size_t cut = bytes.size;; cut -= step) {
		check_call(s, bytes, cut, body);
		if (cut <= step)
			break;
	}
}

static void the_client_of_a_proxy_is_the_peer(void **state)
{
	static const char local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\3abc" REQUEST;
	static const char binary[] =
		"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x10\xc0\0\2\1\xc0\0\2\2"
		"\4\0\0\x50\4\0\1x" REQUEST;
	static struct site s;

	listen_behind(&s, *state, "127.0.0.0/8");
	check_header(&s, bytes_of(FROM_1 REQUEST), "192.0.2.1");
	check_header(&s,
		     bytes_of("PROXY TCP6 2001:db8::1 ::1 1 80\r\n" REQUEST),
		     "2001:db8::1");
	check_header(&s, bytes_of("PROXY UNKNOWN\r\n" REQUEST), "127.0.0.1");
	check_header(&s, rota_bytes(binary, sizeof(binary) - 1), "192.0.2.1");
	check_header(&s, rota_bytes(local, sizeof(local) - 1), "127.0.0.1");
	stop_listening(&s);
}

static void a_proxy_with_a_bad_header_is_hung_up_on(void **state)
{
	static struct site s;
	uint64_t refused;

	listen_behind(&s, *state, "127.0.0.1");
	check_header(&s, bytes_of(REQUEST), "");
	check_header(&s, bytes_of("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n" REQUEST),
		     "");
	check_header(&s, bytes_of("PROXY UNKNOWN\n" REQUEST), "");
	refused = site_stats(&s).refused;
	assert_true(refused >= 3);
	assert_int_equal(site_stats(&s).requests, 0);
	stop_listening(&s);
}

static void other_peers_must_not_send_a_header(void **state)
{
	static struct site s;
	static struct caller c;

	listen_behind(&s, *state, "192.0.2.0/24");
	check_call(&s, bytes_of(REQUEST), sizeof(REQUEST) - 1, "127.0.0.1");
	call_server(&s, &c, bytes_of(FROM_1 REQUEST), 10);
	assert_memory_equal(c.got, "HTTP/1.1 400 ", 13);
	assert_int_equal(site_stats(&s).requests, 1);
	stop_listening(&s);
}

/* Also while the header is awaited, a stop ends the connection. */
static void a_stop_ends_connections_that_have_sent_no_header(void **state)
{
	static struct site s;
	static struct caller c;

	listen_behind(&s, *state, "127.0.0.1");
	begin_call(&s, &c);
	(void)rota_stream_send(&c.tcp.stream, "PROXY ", 6);
	while (site_stats(&s).accepted == 0)
		assert_true(rota_loop_run(s.f->loop, ROTA_RUN_ONCE) >= 0);
	assert_int_equal(site_stats(&s).connections, 1);
	assert_int_equal(rota_http_server_stop(s.server, UINT64_MAX,
					       site_on_stopped, &s),
			 0);
	end_call(&s, &c);
	await_stop(&s);
}

static struct rota_http_exchange *kept;

static void keep_exchange(struct rota_http_exchange *exchange, void *arg)
{
	(void)arg;
	kept = exchange;
}

/* The first client keeps its connection; another one is served, and a second
 * connection of the first one is not. */
static void the_limit_for_an_address_is_that_of_the_client(void **state)
{
	static struct site s;
	static struct caller first, second;

	kept = NULL;
	site_init(&s, *state);
	list_network(0, "127.0.0.1");
	s.options.connections_per_address = 1;
	s.options.handler = keep_exchange;
	s.options.proxies.list = listed;
	s.options.proxies.count = 1;
	site_start(&s);
	open_door(&s);
	begin_call(&s, &first);
	(void)rota_stream_send(&first.tcp.stream, FROM_1 REQUEST,
			       sizeof(FROM_1 REQUEST) - 1);
	while (kept == NULL)
		assert_true(rota_loop_run(s.f->loop, ROTA_RUN_ONCE) >= 0);
	call_server(&s, &second, bytes_of(FROM_1 REQUEST), 3);
	assert_memory_equal(second.got, "HTTP/1.1 503 ", 13);
	assert_int_equal(site_stats(&s).over_address, 1);
	tell_peer(kept, NULL);
	end_call(&s, &first);
	assert_memory_equal(first.got, "HTTP/1.1 200 ", 13);
	stop_listening(&s);
}

/* Whichever allocation fails: a client never gets the address of its proxy. */
static void
a_failing_allocation_gives_nobody_the_address_of_a_proxy(void **state)
{
	static struct site s;
	static struct caller c;
	unsigned failed = 0;
	size_t before;

	listen_behind(&s, *state, "127.0.0.1");
	s.memory.failed = 0;
	do {
		before = s.memory.failed;
		s.memory.fail_at = s.memory.calls + ++failed;
		call_server(&s, &c, bytes_of(FROM_1 REQUEST), 9);
		s.memory.fail_at = 0;
		assert_true(c.size == 0 || strstr(c.got, "192.0.2.1") != NULL ||
			    memcmp(c.got, "HTTP/1.1 503 ", 13) == 0);
	} while (s.memory.failed > before);
	assert_true(failed > 3);
	stop_listening(&s);
}

static char path[64];
static struct rota_http_log *logs[1];
static struct rota_http_histogram durations[1];
static struct rota_http_access access_of_site;

static void open_log(struct site *s, struct fixture *f)
{
	int fd;

	strcpy(path, "/tmp/rota-access-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	memset(durations, 0, sizeof(durations));
	site_init(s, f);
	assert_int_equal(rota_http_log_new(&logs[0], f->loop, path, NULL), 0);
	list_network(0, "10.0.0.0/8");
	access_of_site = (struct rota_http_access){
		.logs = logs,
		.durations = durations,
		.trust = { { listed, 1 }, ROTA_HTTP_X_FORWARDED },
	};
	s->options.on_done = rota_http_access_done;
	s->options.on_done_arg = &access_of_site;
	site_start(s);
}

/* Close the log and the site. The lines are those that are @expected. */
static void check_log(struct site *s, const char *expected)
{
	char content[GOT_SIZE];
	FILE *file;
	size_t size;

	assert_int_equal(rota_http_log_close(logs[0], NULL, NULL), 0);
	assert_int_equal(rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT), 0);
	site_close(s);
	file = fopen(path, "r");
	assert_non_null(file);
	size = fread(content, 1, sizeof(content) - 1, file);
	content[size] = '\0';
	assert_int_equal(fclose(file), 0);
	assert_int_equal(unlink(path), 0);
	assert_string_equal(content, expected);
}

/* A guest whose peer is @address. */
static void guest_from(struct guest *g, struct site *s, const char *address)
{
	struct rota_http_serve_options options;
	struct rota_address peer;

	guest_pair(g, s, 0);
	assert_int_equal(rota_address_parse(&peer, address, 0), 0);
	rota_http_serve_options_init(&options);
	options.peer = &peer;
	assert_int_equal(rota_http_server_serve(s->server, 0, &g->served.stream,
						guest_closed, &options),
			 0);
}

#define TIME "[09/Sep/2001:01:46:40 +0000]"

static void each_request_has_a_line(void **state)
{
	static struct site s;
	struct guest g, h;

	open_log(&s, *state);
	guest_from(&g, &s, "192.0.2.7:80");
	guest_send(&g, "GET /1 HTTP/1.1\r\nHost: a\r\nUser-Agent: u\r\n\r\n"
		       "HEAD /2 HTTP/1.0\r\nReferer: \"r\r\n\r\n");
	guest_close(&g);
	guest_from(&h, &s, "10.0.0.1");
	guest_send(&h, "GET /3 HTTP/1.1\r\nHost: a\r\n"
		       "X-Forwarded-For: 9.9.9.9, 192.0.2.9\r\n\r\n");
	guest_send(&h, "GET /4 HTTP/1.1\r\nHost: a\r\n"
		       "X-Forwarded-For: x\r\n\r\n");
	guest_send(&h, "GET /5 HTTP/1.1\r\nHost : a\r\n\r\n");
	guest_close(&h);
	assert_int_equal(rota_http_histogram_total(&durations[0]), 4);
	check_log(&s, "192.0.2.7 - - " TIME " \"GET /1 HTTP/1.1\" 200 6 \"-\" "
		      "\"u\"\n"
		      "192.0.2.7 - - " TIME " \"HEAD /2 HTTP/1.0\" 200 0 "
		      "\"\\\"r\" \"-\"\n"
		      "192.0.2.9 - - " TIME " \"GET /3 HTTP/1.1\" 200 6 \"-\" "
		      "\"-\"\n"
		      "- - - " TIME " \"GET /4 HTTP/1.1\" 200 6 \"-\" \"-\"\n"
		      "10.0.0.1 - - " TIME " \"-\" 400 64 \"-\" \"-\"\n");
}

static void keep_waiting(struct visit *v)
{
	(void)v;
}

/* The address and the head are still known. */
static void a_request_whose_peer_has_gone_has_a_line(void **state)
{
	static struct site s;
	struct guest g;

	open_log(&s, *state);
	s.act = keep_waiting;
	guest_from(&g, &s, "192.0.2.7:80");
	guest_send(&g, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
	guest_leave(&g, 1);
	guest_close(&g);
	check_log(&s, "192.0.2.7 - - " TIME " \"GET /1 HTTP/1.1\" - 0 \"-\" "
		      "\"-\"\n");
}

static void show_metrics(struct rota_http_exchange *exchange, void *arg)
{
	(void)arg;
	rota_http_metrics_handler(exchange, &access_of_site);
}

static void the_numbers_of_a_server_are_shown(void **state)
{
	static struct site s;
	struct guest g;

	memset(durations, 0, sizeof(durations));
	access_of_site = (struct rota_http_access){ .durations = durations };
	site_init(&s, *state);
	s.options.handler = show_metrics;
	s.options.on_done = rota_http_access_done;
	s.options.on_done_arg = &access_of_site;
	site_start(&s);
	guest_open(&g, &s);
	guest_send(&g, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	g.size = 0;
	guest_send(&g, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");

	assert_non_null(strstr(g.got, "\r\nContent-Type: text/plain; "
				      "version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(strstr(g.got, "rota_http_responses_total{code=\"2xx\"}"
				      " 1\n"));
	assert_non_null(strstr(g.got, "\nrota_http_requests_total 2\n"));
	assert_non_null(strstr(g.got, "\nrota_http_connections 1\n"));
	assert_non_null(strstr(
		g.got, "\nrota_http_request_duration_seconds_count 1\n"));
	guest_close(&g);
	site_close(&s);
}

/* The largest numbers fit. */
static void all_numbers_have_space(void **state)
{
	struct rota_http_server_stats stats;
	struct rota_http_histogram histogram;
	struct rota_http_metrics metrics;
	static char text[8192];

	(void)state;
	memset(&stats, 0xff, sizeof(stats));
	memset(&histogram, 0xff, sizeof(histogram));
	rota_http_metrics_init(&metrics, text, sizeof(text));
	assert_int_equal(rota_http_metrics_server(&metrics, &stats), 0);
	assert_int_equal(rota_http_metrics_histogram(
				 &metrics, "rota_http_request_duration_seconds",
				 "From the head of a request to the end of its "
				 "response.",
				 &histogram),
			 0);
	assert_true(rota_http_metrics_end(&metrics) > 0);
}

static const struct CMUnitTest tests[] = {
	REAL(the_client_of_a_proxy_is_the_peer),
	REAL(a_proxy_with_a_bad_header_is_hung_up_on),
	REAL(other_peers_must_not_send_a_header),
	REAL(a_stop_ends_connections_that_have_sent_no_header),
	REAL(the_limit_for_an_address_is_that_of_the_client),
	REAL(a_failing_allocation_gives_nobody_the_address_of_a_proxy),
	VIRTUAL(each_request_has_a_line),
	VIRTUAL(a_request_whose_peer_has_gone_has_a_line),
	VIRTUAL(the_numbers_of_a_server_are_shown),
	VIRTUAL(all_numbers_have_space),
};

FIXTURE_MAIN(tests)
