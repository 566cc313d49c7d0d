/*
 * Servers over TCP, on one and on several loops; limits of connections; and
 * stops, from any thread.
 */
#include "site.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/streams_more.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static void site_listen(struct site *s, struct rota_address *address)
{
	struct rota_address any;

	loopback(&any, AF_INET, 0);
	assert_int_equal(rota_http_server_listen(s->server, &any, 0), 0);
	assert_int_equal(rota_http_server_address(s->server, 0, address), 0);
	assert_int_equal(rota_http_server_address(s->server, 1, address),
			 ROTA_EINVAL);
}

/* What has come over a raw socket. */
struct inbox {
	int fd;
	char got[2048];
	size_t size;
};

/* Read what is there. Returns whether it all ends with @text. */
static int has_come(struct inbox *inbox, const char *text)
{
	size_t wanted = strlen(text);
	ptrdiff_t n = raw_try_read(inbox->fd, inbox->got + inbox->size,
				   sizeof(inbox->got) - inbox->size);

	if (n > 0)
		inbox->size += (size_t)n;
	return inbox->size >= wanted &&
	       memcmp(inbox->got + inbox->size - wanted, text, wanted) == 0;
}

static void expect_at_end(struct site *s, int fd, const char *text)
{
	struct inbox inbox = { .fd = fd };

	RUN_UNTIL(s->f, has_come(&inbox, text));
}

static void wait_for_end(struct site *s, int fd)
{
	char byte;

	RUN_UNTIL(s->f, raw_try_read(fd, &byte, 1) == 0);
}

static void stop_and_close(struct site *s)
{
	assert_int_equal(rota_http_server_stop(s->server, ROTA_SEC(1),
					       site_on_stopped, s),
			 0);
	assert_int_equal(rota_http_server_stop(s->server, 0, NULL, NULL),
			 ROTA_EALREADY);
	RUN_UNTIL(s->f, s->stopped == 1);
	assert_int_equal(rota_http_server_free(s->server), 0);
	assert_int_equal(s->memory.bytes, 0);
	run_to_the_end(s->f);
}

static void a_server_listens_and_stops(void **state)
{
	struct rota_address address;
	struct site s;
	int fd;

	site_open(&s, *state);
	site_listen(&s, &address);
	fd = raw_connect(&address);
	raw_send(fd, GET, strlen(GET));
	expect_at_end(&s, fd, "hello\n");
	assert_int_equal(site_stats(&s).connections, 1);
	assert_int_equal(site_stats(&s).accepted, 1);
	assert_int_equal(rota_http_server_stop(s.server, ROTA_SEC(1),
					       site_on_stopped, &s),
			 0);
	wait_for_end(&s, fd); /* an idle connection ends */
	raw_close(fd);
	RUN_UNTIL(s.f, s.stopped == 1);
	assert_int_equal(rota_http_server_free(s.server), 0);
	assert_int_equal(s.memory.bytes, 0);
	run_to_the_end(s.f);
}

static void wait_for_test(struct visit *v)
{
	(void)v;
}

/* An active connection is answered, and told that it is the last answer. */
static void a_stop_waits_for_responses(void **state)
{
	struct rota_address address;
	struct site s;
	int fd;

	site_open(&s, *state);
	s.act = wait_for_test;
	site_listen(&s, &address);
	fd = raw_connect(&address);
	raw_send(fd, GET, strlen(GET));
	RUN_UNTIL(s.f, s.visit_count == 1);
	assert_int_equal(rota_http_server_stop(s.server, UINT64_MAX,
					       site_on_stopped, &s),
			 0);
	for (int i = 0; i < 10; i++)
		turn(s.f);
	assert_int_equal(s.stopped, 0);
	visit_hello(&s.visits[0]);
	expect_at_end(&s, fd, "Connection: close\r\n\r\nhello\n");
	wait_for_end(&s, fd);
	raw_close(fd);
	RUN_UNTIL(s.f, s.stopped == 1);
	assert_int_equal(s.visits[0].done, 1);
	assert_int_equal(rota_http_server_free(s.server), 0);
	assert_int_equal(s.memory.bytes, 0);
	run_to_the_end(s.f);
}

/* The grace ends, and the handler still has an exchange. */
static void a_stop_ends_with_the_last_exchange(void **state)
{
	struct rota_address address;
	struct site s;
	int fd;

	site_open(&s, *state);
	s.act = wait_for_test;
	s.no_done = 1;
	site_listen(&s, &address);
	fd = raw_connect(&address);
	raw_send(fd, GET, strlen(GET));
	RUN_UNTIL(s.f, s.visit_count == 1);
	assert_int_equal(
		rota_http_server_stop(s.server, 0, site_on_stopped, &s), 0);
	RUN_UNTIL(s.f, site_stats(&s).connections == 0);
	for (int i = 0; i < 10; i++)
		turn(s.f);
	assert_int_equal(s.stopped, 0);
	rota_http_exchange_abort(s.visits[0].exchange);
	RUN_UNTIL(s.f, s.stopped == 1);
	raw_close(fd);
	assert_int_equal(rota_http_server_free(s.server), 0);
	assert_int_equal(s.memory.bytes, 0);
	run_to_the_end(s.f);
}

static void too_many_connections_are_answered_503(void **state)
{
	struct rota_address address;
	struct site s;
	int fds[2];

	for (int by_address = 0; by_address < 2; by_address++) {
		site_init(&s, *state);
		if (by_address)
			s.options.connections_per_address = 1;
		else
			s.options.connections = 1;
		site_start(&s);
		site_listen(&s, &address);
		fds[0] = raw_connect(&address);
		RUN_UNTIL(s.f, site_stats(&s).connections == 1);
		fds[1] = raw_connect(&address);
		raw_send(fds[1], GET, strlen(GET));
		expect_at_end(&s, fds[1], "there are too many connections.\n");
		wait_for_end(&s, fds[1]);
		raw_close(fds[1]);
		assert_int_equal(by_address ? site_stats(&s).over_address
					    : site_stats(&s).over_connections,
				 1);
		raw_close(fds[0]);
		RUN_UNTIL(s.f, site_stats(&s).connections == 0);
		fds[0] = raw_connect(&address);
		raw_send(fds[0], GET, strlen(GET));
		expect_at_end(&s, fds[0], "hello\n");
		raw_close(fds[0]);
		stop_and_close(&s);
	}
}

static void a_shutdown_of_the_loop_closes_everything(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct site s;
	int fd;

	site_open(&s, f);
	s.act = wait_for_test;
	site_listen(&s, &address);
	fd = raw_connect(&address);
	raw_send(fd, GET, strlen(GET));
	RUN_UNTIL(s.f, s.visit_count == 1);
	assert_int_equal(rota_http_server_free(s.server), ROTA_EBUSY);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	assert_int_equal(s.visits[0].done, 1);
	assert_int_equal(s.visits[0].status, ROTA_ECANCELED);
	assert_int_equal(rota_http_server_free(s.server), 0);
	assert_int_equal(s.memory.bytes, 0);
	raw_close(fd);
}

/* A Unix socket that the program has bound. */
static void a_unix_socket_is_served(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char directory[] = "/tmp/rota-http-XXXXXX";
	struct site s;
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_non_null(mkdtemp(directory));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
	assert_int_equal(
		bind(listener, (struct sockaddr *)&address, sizeof(address)),
		0);
	site_open(&s, *state);
	assert_int_equal(rota_http_server_listen_fd(s.server, listener), 0);
	assert_int_equal(rota_http_server_listen_fd(s.server, -1), ROTA_EBADF);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, GET, strlen(GET), 0), strlen(GET));
	RUN_UNTIL(s.f, s.visit_count == 1 && s.visits[0].done == 1);
	close(fd);
	close(listener);
	stop_and_close(&s);
	assert_int_equal(unlink(address.sun_path), 0);
	assert_int_equal(rmdir(directory), 0);
}

/* --- several loops -------------------------------------------------------- */

enum { LOOPS = 2, CLIENTS = 8, REQUESTS = 10 };

static unsigned by_shard[LOOPS];

static void hello(struct rota_http_exchange *exchange, void *arg)
{
	(void)arg;
	__atomic_fetch_add(&by_shard[rota_http_exchange_shard(exchange)], 1,
			   __ATOMIC_RELAXED);
	assert_int_equal(rota_http_respond(exchange, 200, "text/plain",
					   bytes_of("hello\n")),
			 0);
}

struct clients {
	struct rota_http_server *server;
	struct rota_address address;
};

/* Blocking clients, in a thread of their own, which then stops the server. */
static void *run_clients(void *arg)
{
	struct clients *c = arg;
	int fds[CLIENTS];
	char got[64];
	size_t answer = strlen(OK_HEAD("6") "\r\nhello\n");
	size_t size;

	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fds[i], &c->address.is.any,
			    sizeof(c->address.is.ip4)) < 0)
			abort();
	}
	for (int n = 0; n < REQUESTS; n++)
		for (int i = 0; i < CLIENTS; i++) {
			if (send(fds[i], GET, strlen(GET), 0) < 0)
				abort();
			for (size = 0; size < answer;) {
				ssize_t part = recv(fds[i], got,
						    answer - size < sizeof(got)
							    ? answer - size
							    : sizeof(got),
						    0);
				if (part <= 0)
					abort();
				size += (size_t)part;
			}
		}
	if (rota_http_server_stop(c->server, ROTA_SEC(10), NULL, NULL) < 0)
		abort();
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	return NULL;
}

static void several_loops_serve_and_another_thread_stops_them(void **state)
{
	struct rota_http_server_options options;
	struct rota_loop *loops[LOOPS];
	struct rota_loop_options loop_options;
	struct rota_http_server_stats stats = { .size = sizeof(stats) };
	struct rota_address any;
	struct clients clients;
	pthread_t thread;

	(void)state;
	memset(by_shard, 0, sizeof(by_shard));
	rota_loop_options_init(&loop_options);
	for (int i = 0; i < LOOPS; i++)
		assert_int_equal(rota_loop_new(&loops[i], &loop_options), 0);
	rota_http_server_options_init(&options);
	options.handler = hello;
	assert_int_equal(
		rota_http_server_new(&clients.server, NULL, LOOPS, &options),
		0);
	loopback(&any, AF_INET, 0);
	assert_int_equal(rota_http_server_listen(clients.server, &any, 0),
			 ROTA_EINVAL); /* not attached */
	assert_int_equal(rota_http_server_run(clients.server), ROTA_EINVAL);
	for (size_t i = 0; i < LOOPS; i++)
		assert_int_equal(
			rota_http_server_attach(clients.server, i, loops[i]),
			0);
	assert_int_equal(rota_http_server_attach(clients.server, 0, loops[0]),
			 ROTA_EALREADY);
	assert_int_equal(rota_http_server_listen(clients.server, &any, 0), 0);
	assert_int_equal(
		rota_http_server_address(clients.server, 0, &clients.address),
		0);
	assert_int_equal(pthread_create(&thread, NULL, run_clients, &clients),
			 0);
	assert_int_equal(rota_http_server_run(clients.server), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(rota_http_server_get_stats(clients.server, &stats), 0);
	assert_int_equal(stats.requests, CLIENTS * REQUESTS);
	assert_int_equal(by_shard[0] + by_shard[1], CLIENTS * REQUESTS);
	assert_int_equal(rota_http_server_free(clients.server), 0);
	for (int i = 0; i < LOOPS; i++)
		assert_int_equal(rota_loop_shutdown(loops[i], UINT64_MAX), 0);
}

static const struct CMUnitTest tests[] = {
	REAL(a_server_listens_and_stops),
	REAL(a_stop_waits_for_responses),
	REAL(a_stop_ends_with_the_last_exchange),
	REAL(too_many_connections_are_answered_503),
	REAL(a_unix_socket_is_served),
	REAL(a_shutdown_of_the_loop_closes_everything),
	REAL(several_loops_serve_and_another_thread_stops_them),
};

FIXTURE_MAIN(tests)
