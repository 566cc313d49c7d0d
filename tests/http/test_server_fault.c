/*
 * Failures (F3): whole requests during which one allocation fails, or one
 * system call; and clients that do anything at any time. Each exchange is done
 * once, and nothing leaks.
 */
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/streams_more.h"

#define POST                                                                   \
	"POST / HTTP/1.1\r\nHost: a\r\n"                                       \
	"Transfer-Encoding: chunked\r\n\r\n"
#define BODY      "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nT: u\r\n\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static int file_fd;

static void release(void *arg, int status)
{
	struct visit *v = arg;

	(void)status;
	v->released++;
	assert_int_equal(v->done, 0);
}

static void use_arena(struct visit *v)
{
	char *bytes = rota_http_exchange_allocate(v->exchange, 3000);

	if (bytes != NULL)
		memset(bytes, 'x', 3000);
	(void)rota_http_response_set(v->exchange, "A", bytes_of("b"));
}

static void respond_in_parts(struct visit *v)
{
	struct rota_http_exchange *e = v->exchange;

	use_arena(v);
	if (rota_http_response_begin(e, 200, ROTA_HTTP_LENGTH_UNKNOWN) < 0) {
		rota_http_exchange_abort(e);
		return;
	}
	(void)rota_http_response_write(e, bytes_of("part"));
	if (rota_http_response_lend(e, bytes_of("lent"), release, v) == 0)
		v->lent++;
	if (rota_http_response_send_file(e, file_fd, 0, 10, release, v) == 0)
		v->lent++;
	(void)rota_http_response_trailer(e, "T", bytes_of("u"));
	(void)rota_http_response_end(e);
}

static void on_body(struct visit *v, int status)
{
	(void)status;
	if (v->exchange != NULL && !rota_http_exchange_has_failed(v->exchange))
		respond_in_parts(v);
}

static void handle(struct visit *v)
{
	if (strcmp(v->target, "/whole") == 0)
		(void)rota_http_request_read_all(v->exchange, 5000, visit_whole,
						 v);
	else if (strcmp(v->target, "/later") != 0)
		respond_in_parts(v);
}

static void check_visits(struct site *s)
{
	for (unsigned i = 0; i < s->visit_count && i < SITE_VISITS; i++) {
		struct visit *v = &s->visits[i];

		assert_int_equal(v->released, v->lent);
		if (v->done == 0) /* it could not register */
			assert_non_null(v->exchange);
		else
			assert_int_equal(v->done, 1);
	}
}

/* Orphans whose function could not be registered. */
static void end_orphans(struct site *s)
{
	for (unsigned i = 0; i < s->visit_count; i++)
		if (s->visits[i].done == 0 &&
		    strcmp(s->visits[i].target, "/later") == 0)
			rota_http_exchange_abort(s->visits[i].exchange);
}

/* A client sends all kinds of requests in two pieces. */
static void send_requests(struct site *s, struct guest *g)
{
	static const char *const pieces[] = {
		"POST /whole HTTP/1.1\r\nHost: a\r\n"
		"Transfer-Encoding: chunked\r\nExpect: 100-con",
		"tinue\r\n\r\n5;a=b\r\nhel",
		"lo\r\n6\r\n world\r\n0\r\nT: u\r\n\r\n" GET("/a") GET("/b"),
		GET("/later") GET("/never"),
	};

	for (size_t i = 0; i < 4; i++) {
		guest_send_bytes(g, pieces[i], strlen(pieces[i]));
		for (int n = 0; n < 50; n++)
			turn(s->f);
	}
}

/* Returns whether an allocation has failed. */
static int run_with_fault(struct fixture *f, size_t nth, int of_the_loop)
{
	struct rota_http_server *server = NULL;
	struct site s;
	struct guest g;
	int has_failed;

	site_init(&s, f);
	s.act = handle;
	s.act_body = on_body;
	if (!of_the_loop)
		s.memory.fail_at = nth;
	if (rota_http_server_new(&server, &f->loop, 1, &s.options) < 0) {
		assert_int_equal(s.memory.bytes, 0);
		return 1;
	}
	s.server = server;
	guest_pair(&g, &s, 0);
	if (of_the_loop) {
		f->memory.calls = 0;
		f->memory.failed = 0;
		f->memory.fail_at = nth;
	}
	if (rota_http_server_serve(server, 0, &g.served.stream, guest_closed,
				   NULL) < 0)
		assert_int_equal(
			rota_handle_close(&g.served.handle, guest_closed), 0);
	send_requests(&s, &g);
	guest_leave(&g, 1);
	RUN_UNTIL(f, g.closed == 1);
	f->memory.fail_at = 0;
	end_orphans(&s);
	check_visits(&s);
	has_failed = of_the_loop ? f->memory.failed > 0 : s.memory.failed > 0;
	guest_close(&g);
	site_close(&s);
	return has_failed;
}

static void an_allocation_fails_anywhere(void **state)
{
	file_fd = open("/bin/sh", O_RDONLY);
	assert_true(file_fd >= 0);
	for (int of_the_loop = 0; of_the_loop < 2; of_the_loop++) {
		size_t nth = 1;

		while (run_with_fault(*state, nth, of_the_loop))
			nth++;
		assert_true(of_the_loop || nth > 8);
	}
	close(file_fd);
}

/* --- system calls --------------------------------------------------------- */

/* Read what has come. Returns whether that was the end. */
static int has_ended(int fd)
{
	char bytes[4096];
	ptrdiff_t n = raw_try_read(fd, bytes, sizeof(bytes));

	return n == 0 || (n < 0 && n != -EAGAIN);
}

static unsigned run_with_call(struct fixture *f, const char *name, unsigned nth,
			      int error)
{
	struct rota_address any;
	struct rota_address address;
	struct site s;
	unsigned failed;
	int fd;

	site_init(&s, f);
	s.act = handle;
	s.act_body = on_body;
	s.options.connections_per_address = 10;
	s.options.flags = ROTA_HTTP_NO_DELAY;
	site_start(&s);
	loopback(&any, AF_INET, 0);
	assert_int_equal(rota_http_server_listen(s.server, &any, 0), 0);
	assert_int_equal(rota_http_server_address(s.server, 0, &address), 0);
	fault_fail(name, nth, error);
	fd = raw_connect(&address);
	raw_send(fd, GET("/a") GET("/b") "BAD\r\n",
		 strlen(GET("/a") GET("/b") "BAD\r\n"));
	RUN_UNTIL(f, has_ended(fd));
	failed = fault_clear();
	raw_close(fd);
	RUN_UNTIL(f, site_stats(&s).connections == 0);
	assert_int_equal(
		rota_http_server_stop(s.server, 0, site_on_stopped, &s), 0);
	RUN_UNTIL(f, s.stopped == 1);
	check_visits(&s);
	assert_int_equal(rota_http_server_free(s.server), 0);
	assert_int_equal(s.memory.bytes, 0);
	run_to_the_end(f);
	return failed;
}

static void a_system_call_fails_anywhere(void **state)
{
	static const char *const names[] = {
		"recv",     "send",        "sendmsg",    "shutdown",
		"sendfile", "getpeername", "setsockopt", "accept4",
	};

	file_fd = open("/bin/sh", O_RDONLY);
	assert_true(file_fd >= 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unsigned nth = 1;

		while (nth < 20 && run_with_call(*state, names[i], nth,
						 i == 7 ? EMFILE : EIO) > 0)
			nth++;
	}
	close(file_fd);
}

/* --- at random ------------------------------------------------------------ */

enum { GUESTS = 6, STEPS = 4000 };

struct mob {
	struct site s;
	struct guest guests[GUESTS];
	uint64_t seed;
};

static const char *const texts[] = {
	GET("/a"),
	"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234",
	"56789",
	POST BODY,
	POST "5\r\nhel",
	"lo\r\n0\r\n\r\n",
	"GET /c HTTP/1.0\r\n\r\n",
	"GET / HT",
	"TP/1.1\r\nHost: a\r\n\r\n",
	"BAD\r\n",
	("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
	 "Content-Length: 5\r\n\r\n"),
};

static struct mob *the_mob;

static void do_anything(struct visit *v)
{
	struct rota_http_exchange *e = v->exchange;
	static char much[30000];

	if (e == NULL)
		return;
	switch (random_below(&the_mob->seed, 14)) {
	case 0:
		rota_http_exchange_abort(e);
		break;
	case 1:
		(void)rota_http_respond(e, 200, NULL, bytes_of("x"));
		break;
	case 2:
		(void)rota_http_response_begin(e, 200,
					       ROTA_HTTP_LENGTH_UNKNOWN);
		break;
	case 3:
		(void)rota_http_response_write(e, rota_bytes(much, 30000));
		break;
	case 4:
		(void)rota_http_response_end(e);
		break;
	case 5:
		(void)rota_http_request_read(e, visit_piece, v);
		break;
	case 6:
		(void)rota_http_request_read_all(e, 8, visit_whole, v);
		break;
	case 7:
		rota_http_request_pause(e);
		break;
	case 8:
		rota_http_request_resume(e);
		break;
	case 9:
		if (rota_http_response_lend(e, rota_bytes(much, 5000), release,
					    v) == 0)
			v->lent++;
		break;
	case 10:
		(void)rota_http_response_begin(e, 200, 4);
		break;
	default:
		break;
	}
}

static void do_anything_in_body(struct visit *v, int status)
{
	(void)status;
	do_anything(v);
}

static void step_guest(struct mob *c, struct guest *g)
{
	uint64_t *seed = &c->seed;
	const char *text;

	if (g->got == NULL) {
		guest_pair(g, &c->s, random_below(seed, 2) ? 0 : 512);
		assert_int_equal(rota_http_server_serve(c->s.server, 0,
							&g->served.stream,
							guest_closed, NULL),
				 0);
	}
	if (!g->is_open) {
		if (g->closed && g->left) {
			free(g->got);
			g->got = NULL;
		}
		return;
	}
	switch (random_below(seed, 24)) {
	case 0:
		g->is_open = 0;
		rota_handle_close(&g->client.handle, guest_left);
		return;
	case 1:
		g->is_open = 0;
		rota_stream_close_reset(&g->client.stream, guest_left);
		return;
	case 2:
		(void)rota_stream_shutdown(NULL, &g->client.stream, NULL);
		return;
	case 3:
		rota_stream_read_stop(&g->client.stream);
		return;
	case 4:
		(void)rota_stream_read_start(&g->client.stream, guest_read);
		return;
	default:
		text = texts[random_below(seed,
					  sizeof(texts) / sizeof(texts[0]))];
		guest_send_bytes(g, text, strlen(text));
		g->size = 0;
	}
}

static void step_visit(struct mob *c)
{
	struct site *s = &c->s;
	unsigned last =
		s->visit_count < SITE_VISITS ? s->visit_count : SITE_VISITS;

	if (last > 0)
		do_anything(&s->visits[random_below(&c->seed, last)]);
}

static void end_mob(struct mob *c)
{
	struct site *s = &c->s;

	for (int i = 0; i < GUESTS; i++)
		if (c->guests[i].got != NULL)
			guest_leave(&c->guests[i], 1);
	/* So much input may wait that the end behind it is not seen. */
	for (int i = 0; i < SITE_VISITS; i++)
		if (s->visits[i].exchange != NULL)
			rota_http_exchange_abort(s->visits[i].exchange);
	for (int i = 0; i < GUESTS; i++)
		if (c->guests[i].got != NULL) {
			RUN_UNTIL(s->f, c->guests[i].closed == 1);
			free(c->guests[i].got);
		}
	for (int i = 0; i < SITE_VISITS; i++)
		assert_null(s->visits[i].exchange);
	assert_true(s->visit_count > SITE_VISITS);
	check_visits(s);
}

static void clients_and_handlers_do_anything(void **state)
{
	static struct mob mob;
	struct mob *c = &mob;

	memset(c, 0, sizeof(*c));
	the_mob = c;
	c->seed = random_seed();
	site_open(&c->s, *state);
	c->s.act = do_anything;
	c->s.act_body = do_anything_in_body;
	for (int i = 0; i < STEPS; i++) {
		step_guest(c, &c->guests[random_below(&c->seed, GUESTS)]);
		step_visit(c);
		if (random_below(&c->seed, 3) == 0)
			turn(c->s.f);
		if (random_below(&c->seed, 50) == 0)
			(void)rota_loop_advance(c->s.f->loop, ROTA_SEC(9));
	}
	end_mob(c);
	site_close(&c->s);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(an_allocation_fails_anywhere),
	REAL(a_system_call_fails_anywhere),
	VIRTUAL(clients_and_handlers_do_anything),
};

FIXTURE_MAIN(tests)
