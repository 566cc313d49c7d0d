/*
 * Connecting: how it ends, and what may be written meanwhile. For its cancels,
 * deadlines and closes see test_tcp_connect_end.c.
 */
#include "support/fixture.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/streams_more.h"

static void tcp_init(struct rota_tcp *tcp, struct fixture *f)
{
	assert_int_equal(rota_tcp_init(tcp, f->loop), 0);
}

static void tcp_end(struct rota_tcp *tcp)
{
	assert_int_equal(rota_handle_close_now(&tcp->handle), 0);
}

static void not_called(struct rota_connect *connect, int status)
{
	(void)connect;
	(void)status;
	fail();
}

static void ignore_read(struct rota_stream *stream, int status,
			const struct rota_buf *buf)
{
	(void)stream;
	(void)status;
	(void)buf;
}

static void expect_unconnected(struct rota_tcp *tcp)
{
	struct rota_stream *stream = &tcp->stream;
	struct rota_address address;

	assert_int_equal(rota_tcp_own_address(tcp, &address), ROTA_EBADF);
	assert_int_equal(rota_tcp_peer_address(tcp, &address), ROTA_EBADF);
	assert_int_equal(rota_stream_read_start(stream, ignore_read),
			 ROTA_ENOTCONN);
	assert_int_equal(rota_stream_send(stream, "x", 1), ROTA_ENOTCONN);
	assert_int_equal(rota_stream_queued(stream), 0);
	assert_false(rota_handle_is_active(&tcp->handle));
	assert_int_equal(handle_fd(&tcp->handle), -1);
}

/* The two ends of a connection of which the loop made the first. */
static void expect_talk(struct fixture *f, struct rota_tcp *tcp,
			struct server *s)
{
	char text[4];
	int fd;

	RUN_UNTIL(f, s->kept > 0);
	fd = s->fds[--s->kept];
	assert_int_equal(rota_stream_send(&tcp->stream, "ping", 4), 0);
	raw_read(fd, text, 4);
	assert_memory_equal(text, "ping", 4);
	raw_close(fd);
}

/* --- success --------------------------------------------------------------------- */

static void expect_success(struct fixture *f, int family)
{
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open_as(&s, f, family, 8);
	tcp_init(&tcp, f);

	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_true(rota_request_is_active(&a.connect.request));
	assert_int_equal(attempt_end(f, &a), 0);

	assert_true(a.phase == ROTA_PHASE_POLL ||
		    a.phase == ROTA_PHASE_PENDING);
	assert_false(rota_request_is_active(&a.connect.request));
	expect_talk(f, &tcp, &s);
	assert_int_equal(a.calls, 1);
	tcp_end(&tcp);
	server_end(&s);
}

/* O1, O7: once, and not inside the call. */
static void a_connect_calls_back_once(void **state)
{
	expect_success(*state, AF_INET);
}

static void a_connect_of_version_6_calls_back_once(void **state)
{
	need_ip6();
	expect_success(*state, AF_INET6);
}

static void a_bound_handle_connects_from_its_address(void **state)
{
	struct fixture *f = *state;
	struct rota_address own, address;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	loopback(&address, AF_INET, 0);
	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_bind(&tcp, &address, 0), 0);
	assert_int_equal(rota_tcp_own_address(&tcp, &own), 0);

	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);

	assert_int_equal(rota_tcp_own_address(&tcp, &address), 0);
	expect_same_address(&address, &own);
	expect_talk(f, &tcp, &s);
	tcp_end(&tcp);
	server_end(&s);
}

/* The address is the caller's again on return. */
static void the_address_is_copied(void **state)
{
	struct fixture *f = *state;
	struct rota_address *address = malloc(sizeof(*address));
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	assert_non_null(address);
	server_open(&s, f, 8);
	*address = s.address;
	tcp_init(&tcp, f);

	assert_int_equal(attempt_begin(&a, &tcp, address), 0);
	memset(address, 0xff, sizeof(*address));
	free(address);

	assert_int_equal(attempt_end(f, &a), 0);
	tcp_end(&tcp);
	server_end(&s);
}

static void two_hundred_connect_at_once(void **state)
{
	enum { MANY = 200 };
	struct fixture *f = *state;
	struct attempt *a = test_calloc(MANY, sizeof(*a));
	struct rota_tcp *tcp = test_calloc(MANY, sizeof(*tcp));
	struct server s;

	need_descriptors(2 * MANY);
	server_open(&s, f, 256);
	for (unsigned i = 0; i < MANY; i++) {
		tcp_init(&tcp[i], f);
		assert_int_equal(attempt_begin(&a[i], &tcp[i], &s.address), 0);
	}

	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(attempt_end(f, &a[i]), 0);
	RUN_UNTIL(f, s.accepted == MANY);

	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(a[i].calls, 1);
		tcp_end(&tcp[i]);
	}
	server_end(&s);
	test_free(a);
	test_free(tcp);
}

/* L3: a request keeps the loop alive though its handle does not. */
static void a_connect_in_flight_keeps_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	rota_handle_unref(&s.tcp.handle);
	tcp_init(&tcp, f);
	rota_handle_unref(&tcp.handle);

	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_true(rota_loop_alive(f->loop));
	run_to_the_end(f);

	assert_int_equal(a.calls, 1);
	assert_int_equal(a.status, 0);
	tcp_end(&tcp);
	server_end(&s);
}

/* A connection that nothing is asked of does not. */
static void an_idle_connection_does_not_keep_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	server_end(&s);

	assert_false(rota_handle_is_active(&tcp.handle));
	run_to_the_end(f);
	tcp_end(&tcp);
}

/* --- what arguments show (O7) ----------------------------------------------------- */

static void bad_arguments_are_returned_and_not_called_back(void **state)
{
	struct fixture *f = *state;
	struct rota_address none = { 0 }, address;
	struct rota_connect connect;
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	address = s.address;
	assert_int_equal(rota_tcp_connect(&connect, &tcp, &address, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_tcp_connect(&connect, &tcp, NULL, not_called),
			 ROTA_EINVAL);
	assert_int_equal(rota_tcp_connect(&connect, &tcp, &none, not_called),
			 ROTA_EINVAL);
	address.size--;
	assert_int_equal(rota_tcp_connect(&connect, &tcp, &address, not_called),
			 ROTA_EINVAL);
	address.size = SIZE_MAX;
	assert_int_equal(rota_tcp_connect(&connect, &tcp, &address, not_called),
			 ROTA_EINVAL);
	address = s.address;
	address.is.any.sa_family = AF_UNIX;
	assert_int_equal(rota_tcp_connect(&connect, &tcp, &address, not_called),
			 ROTA_EINVAL);

	for (unsigned i = 0; i < 3; i++)
		turn(f);
	assert_int_equal(s.accepted, 0);
	expect_unconnected(&tcp);
	tcp_end(&tcp);
	server_end(&s);
}

static void connecting_twice_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_connect second;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);

	assert_int_equal(
		rota_tcp_connect(&second, &tcp, &s.address, not_called),
		ROTA_EALREADY);
	assert_int_equal(attempt_end(f, &a), 0);
	assert_int_equal(
		rota_tcp_connect(&second, &tcp, &s.address, not_called),
		ROTA_EISCONN);

	expect_talk(f, &tcp, &s);
	assert_int_equal(s.accepted, 1);
	tcp_end(&tcp);
	server_end(&s);
}

static void what_is_closing_does_not_connect(void **state)
{
	struct fixture *f = *state;
	struct rota_connect connect;
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	assert_int_equal(rota_handle_close(&tcp.handle, NULL), 0);

	assert_int_equal(
		rota_tcp_connect(&connect, &tcp, &s.address, not_called),
		ROTA_EINVAL);

	server_end(&s);
	run_to_the_end(f);
}

/* --- failures ----------------------------------------------------------------------- */

static void expect_refused(struct fixture *f, int family)
{
	struct rota_address nowhere = { 0 };
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;
	int fd;

	nowhere.is.any.sa_family = (sa_family_t)family;
	fd = raw_unheard(&nowhere);
	tcp_init(&tcp, f);

	assert_int_equal(attempt_begin(&a, &tcp, &nowhere), 0);
	assert_int_equal(attempt_end(f, &a), ROTA_ECONNREFUSED);

	/* As if rota_tcp_init() had just been called. */
	turn(f);
	assert_int_equal(a.calls, 1);
	expect_unconnected(&tcp);
	server_open_as(&s, f, family, 8);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	expect_talk(f, &tcp, &s);
	tcp_end(&tcp);
	server_end(&s);
	raw_close(fd);
}

/* O7: what the other side says comes by callback alone. */
static void a_connect_that_is_refused_can_be_made_again(void **state)
{
	expect_refused(*state, AF_INET);
}

static void a_connect_of_version_6_that_is_refused_can_be_made_again(
	void **state)
{
	need_ip6();
	expect_refused(*state, AF_INET6);
}

/* It may become anything. */
static void after_a_failure_a_handle_can_be_bound_and_listen(void **state)
{
	struct fixture *f = *state;
	struct rota_address nowhere = { .is.any.sa_family = AF_INET };
	struct attempt a = { 0 };
	struct server s = { .f = f };
	int fd = raw_unheard(&nowhere), client;

	tcp_init(&s.tcp, f);
	assert_int_equal(attempt_begin(&a, &s.tcp, &nowhere), 0);
	assert_int_equal(attempt_end(f, &a), ROTA_ECONNREFUSED);

	loopback(&s.address, AF_INET, 0);
	assert_int_equal(rota_tcp_bind(&s.tcp, &s.address, 0), 0);
	assert_int_equal(rota_stream_listen(&s.tcp.stream, 8, server_called),
			 0);
	assert_int_equal(rota_tcp_own_address(&s.tcp, &s.address), 0);

	client = raw_client(&s.address);
	RUN_UNTIL(f, s.accepted > 0);
	raw_close(client);
	server_end(&s);
	raw_close(fd);
}

/* Bound before or not: what failed leaves it unbound. */
static void a_failure_takes_the_bound_address_along(void **state)
{
	struct fixture *f = *state;
	struct rota_address nowhere = { .is.any.sa_family = AF_INET };
	struct rota_address address;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	int fd = raw_unheard(&nowhere);

	loopback(&address, AF_INET, 0);
	tcp_init(&tcp, f);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rota_tcp_bind(&tcp, &address, 0), 0);
		assert_int_equal(attempt_begin(&a, &tcp, &nowhere), 0);
		assert_int_equal(attempt_end(f, &a), ROTA_ECONNREFUSED);
		expect_unconnected(&tcp);
	}
	tcp_end(&tcp);
	raw_close(fd);
}

static void expect_failure(struct fixture *f, const char *ip, unsigned port)
{
	struct rota_address address;
	struct attempt a = { 0 };
	struct rota_tcp tcp;

	assert_int_equal(rota_address_ip(&address, ip, port), 0);
	tcp_init(&tcp, f);

	assert_int_equal(attempt_begin(&a, &tcp, &address), 0);
	assert_true(attempt_end(f, &a) < 0);

	expect_unconnected(&tcp);
	tcp_end(&tcp);
}

/* O7: also where the system says so at once. */
static void what_cannot_be_reached_is_told_to_the_callback(void **state)
{
	expect_failure(*state, "255.255.255.255", 80);
	expect_failure(*state, "127.255.255.255", 80);
	expect_failure(*state, "127.0.0.1", 0);
}

static void an_address_of_the_other_version_ends_in_one_error(void **state)
{
	struct fixture *f = *state;
	struct rota_address four, six;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	int status;

	need_ip6();
	loopback(&four, AF_INET, 0);
	loopback(&six, AF_INET6, 9);
	tcp_init(&tcp, f);
	assert_int_equal(rota_tcp_bind(&tcp, &four, 0), 0);

	status = attempt_begin(&a, &tcp, &six);
	if (status == 0)
		status = attempt_end(f, &a);

	assert_true(status < 0);
	turn(f);
	tcp_end(&tcp);
}

static void expect_fault(struct fixture *f, const char *call, int error)
{
	int descriptors;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	descriptors = count_descriptors();
	fault_fail(call, 1, error);

	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), -error);

	assert_int_equal(fault_clear(), 1);
	server_drop(&s);
	assert_int_equal(count_descriptors(), descriptors);
	expect_unconnected(&tcp);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	tcp_end(&tcp);
	server_end(&s);
}

/* F3, O7: what the system says comes by callback alone. */
static void what_the_system_refuses_is_told_to_the_callback(void **state)
{
	struct fixture *f = *state;

	expect_fault(f, "socket", EMFILE);
	expect_fault(f, "socket", ENFILE);
	expect_fault(f, "socket", EAFNOSUPPORT);
	expect_fault(f, "connect", ENETUNREACH);
	expect_fault(f, "connect", EADDRNOTAVAIL);
	expect_fault(f, "connect", EACCES);
	expect_fault(f, "connect", ECONNREFUSED);
	expect_fault(f, "connect", EAGAIN);
}

/* How a connect has ended cannot be asked: that is a failure too. */
static void a_getsockopt_that_fails_is_a_failed_connect(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;
	int status;

	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	fault_fail("getsockopt", 1, ENOBUFS);
	status = attempt_end(f, &a);

	if (fault_clear() > 0) {
		assert_int_equal(status, ROTA_ENOBUFS);
		expect_unconnected(&tcp);
		assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
		assert_int_equal(attempt_end(f, &a), 0);
	}
	tcp_end(&tcp);
	server_end(&s);
}

/* F3: every call that the loop makes for it may fail. Either the call says so,
 * or the callback does; and then it can be made again. */
static void a_connect_may_fail_at_every_call(void **state)
{
	struct fixture *f = *state;
	unsigned nth = 0, hit;
	struct server s;

	server_open(&s, f, 128);
	do {
		int descriptors = count_descriptors(), status;
		struct attempt a = { 0 };
		struct rota_tcp tcp;

		tcp_init(&tcp, f);
		fault_fail_any(++nth, ENOMEM);
		status = attempt_begin(&a, &tcp, &s.address);
		hit = fault_clear();
		if (status == 0)
			status = attempt_end(f, &a);
		if (hit > 0 && status < 0) {
			assert_int_equal(status, ROTA_ENOMEM);
			expect_unconnected(&tcp);
		}
		if (hit == 0)
			assert_int_equal(status, 0);
		tcp_end(&tcp);
		server_drop(&s);
		assert_int_equal(count_descriptors(), descriptors);
	} while (hit > 0);
	server_end(&s);
}

/* F3 */
static void a_connect_may_fail_at_every_allocation(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	unsigned nth = 0;
	struct server s;
	int status;

	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	do {
		f->memory.failed = 0;
		f->memory.fail_at = f->memory.calls + ++nth;
		status = attempt_begin(&a, &tcp, &s.address);
		f->memory.fail_at = 0;
		if (status == 0)
			status = attempt_end(f, &a);
		if (status < 0)
			assert_int_equal(status, ROTA_ENOMEM);
	} while (status < 0 && nth < 100);

	assert_int_equal(status, 0);
	tcp_end(&tcp);
	server_end(&s);
}

/* --- what is written meanwhile ---------------------------------------------------- */

/* O7: first that it is connected, then the rest, in order. */
static void what_was_written_meanwhile_goes_out_in_order(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct rota_write write;
	struct attempt a = { 0 };
	struct rota_buf buf = { (char[]){ "there" }, 5 };
	struct connection c = { .peer = -1 };
	struct server s;
	char text[16];

	server_open(&s, f, 8);
	tcp_init(&c.tcp, f);
	assert_int_equal(attempt_begin(&a, &c.tcp, &s.address), 0);

	assert_int_equal(rota_stream_send(&c.tcp.stream, "hi ", 3), 0);
	assert_int_equal(begin_write(&c, &write, "write", buf.data, 5), 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "!", 1), 0);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 9);
	assert_int_equal(rota_stream_try_write(&c.tcp.stream, &buf, 1),
			 ROTA_EAGAIN);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, ignore_read),
			 ROTA_ENOTCONN);
	assert_int_equal(begin_shutdown(&c, &shutdown, "shutdown"), 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "?", 1), ROTA_EPIPE);
	assert_string_equal(journal_take(), "");

	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0 &&
			     !rota_request_is_active(&shutdown.request));
	assert_string_equal(journal_take(), "pending: write=0 shutdown=0");
	raw_read(s.fds[0], text, 9);
	assert_memory_equal(text, "hi there!", 9);
	assert_int_equal(raw_end(s.fds[0]), 0);
	tcp_end(&c.tcp);
	server_end(&s);
}

/* More than the system takes at once: watermarks hold from the beginning. */
static void what_was_sent_meanwhile_is_under_the_watermarks(void **state)
{
	enum { MUCH = 200000 };
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct connection c = { .peer = -1 };
	struct server s;

	server_open(&s, f, 8);
	tcp_init(&c.tcp, f);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	assert_int_equal(attempt_begin(&a, &c.tcp, &s.address), 0);

	assert_int_equal(connection_send(&c, 1000), 0);
	assert_int_equal(connection_send(&c, MUCH), 1);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), MUCH + 1000);
	assert_int_equal(c.drains, 0);

	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0);
	c.peer = s.fds[--s.kept];
	peer_takes_until(f, &c, MUCH + 1000);
	RUN_UNTIL(f, c.drains > 0);
	assert_int_equal(c.drains, 1);
	assert_int_equal(c.drain_status, 0);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	connection_end(&c);
	server_end(&s);
}

static void read_and_send(struct attempt *a, int status)
{
	struct connection *c = a->arg;

	assert_int_equal(status, 0);
	connection_read(c);
	assert_int_equal(rota_stream_send(&c->tcp.stream, "b", 1), 0);
}

/* What the callback sends comes behind what was sent before. */
static void the_callback_may_read_and_write(void **state)
{
	struct fixture *f = *state;
	struct connection c = { .peer = -1 };
	struct attempt a = { .act = read_and_send, .arg = &c };
	struct server s;
	char text[2];

	server_open(&s, f, 8);
	tcp_init(&c.tcp, f);
	assert_int_equal(attempt_begin(&a, &c.tcp, &s.address), 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "a", 1), 0);

	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0);
	c.peer = s.fds[--s.kept];
	RUN_UNTIL(f, rota_stream_queued(&c.tcp.stream) == 0);
	raw_read(c.peer, text, 2);
	assert_memory_equal(text, "ab", 2);
	raw_send(c.peer, "answer", 6);
	RUN_UNTIL(f, c.size == 6);

	assert_string_equal(c.text, "answer");
	connection_end(&c);
	server_end(&s);
}

/* O1: each is told, once, and nothing is left in line. */
static void a_failure_ends_what_was_written_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct rota_address nowhere = { .is.any.sa_family = AF_INET };
	struct rota_shutdown shutdown;
	struct rota_write first, second;
	struct connection c = { .peer = -1 };
	struct attempt a = { 0 };
	int fd = raw_unheard(&nowhere);
	struct server s;
	const char *told_of;

	tcp_init(&c.tcp, f);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	assert_int_equal(attempt_begin(&a, &c.tcp, &nowhere), 0);
	assert_int_equal(begin_write(&c, &first, "first", "one", 3), 0);
	assert_int_equal(connection_send(&c, 100000), 1);
	assert_int_equal(begin_write(&c, &second, "second", "two", 3), 0);
	assert_int_equal(begin_shutdown(&c, &shutdown, "shutdown"), 0);

	assert_int_equal(attempt_end(f, &a), ROTA_ECONNREFUSED);
	RUN_UNTIL(f, !rota_request_is_active(&shutdown.request));

	told_of = journal_take();
	assert_non_null(strstr(told_of, "first=E"));
	assert_non_null(strstr(told_of, "second=E"));
	assert_non_null(strstr(told_of, "shutdown=E"));
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	assert_int_equal(c.drains, 1); /* what was sent is lost */
	assert_true(c.drain_status < 0);
	turn(f);
	assert_string_equal(journal_take(), "");
	expect_unconnected(&c.tcp);

	/* Nothing of it clings to the next attempt. */
	server_open(&s, f, 8);
	assert_int_equal(attempt_begin(&a, &c.tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "x", 1), 0);
	await_bytes(s.fds[0], 1);
	tcp_end(&c.tcp);
	server_end(&s);
	raw_close(fd);
}

static void connect_again(struct attempt *a, int status)
{
	struct server *s = a->arg;

	if (status == 0)
		return;
	assert_int_equal(status, ROTA_ECONNREFUSED);
	assert_int_equal(rota_tcp_connect(&a->connect, a->tcp, &s->address,
					  attempt_called),
			 0);
}

/* In the callback itself, with the same request. */
static void the_callback_of_a_failure_may_connect_again(void **state)
{
	struct fixture *f = *state;
	struct rota_address nowhere = { .is.any.sa_family = AF_INET };
	struct attempt a = { .act = connect_again };
	int fd = raw_unheard(&nowhere);
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	a.arg = &s;
	tcp_init(&tcp, f);
	assert_int_equal(attempt_begin(&a, &tcp, &nowhere), 0);

	RUN_UNTIL(f, a.calls == 2);

	assert_int_equal(a.status, 0);
	expect_talk(f, &tcp, &s);
	tcp_end(&tcp);
	server_end(&s);
	raw_close(fd);
}

/* The other side has spoken and gone before we look. */
static void a_peer_that_goes_at_once_was_connected_to(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	int listener = raw_listen(&address);
	struct connection c = { .peer = -1 };
	struct attempt a = { 0 };
	int fd;

	tcp_init(&c.tcp, f);
	assert_int_equal(attempt_begin(&a, &c.tcp, &address), 0);
	fd = raw_accept(listener);
	raw_send(fd, "bye", 3);
	raw_close(fd);

	assert_int_equal(attempt_end(f, &a), 0);
	connection_read(&c);
	RUN_UNTIL(f, c.ends > 0);

	assert_int_equal(c.status, ROTA_EOF);
	assert_string_equal(c.text, "bye");
	connection_end(&c);
	raw_close(listener);
}

/* A reset before we look: one error, from the connect or from the read. */
static void a_peer_that_resets_at_once_is_one_error(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	int listener = raw_listen(&address);
	struct connection c = { .peer = -1 };
	struct attempt a = { 0 };
	int status;

	tcp_init(&c.tcp, f);
	assert_int_equal(attempt_begin(&a, &c.tcp, &address), 0);
	raw_reset(raw_accept(listener));

	status = attempt_end(f, &a);
	if (status == 0) {
		connection_read(&c);
		RUN_UNTIL(f, c.ends > 0);
		status = c.status;
	}

	assert_int_equal(status, ROTA_ECONNRESET);
	turn(f);
	assert_in_range(c.ends, 0, 1);
	connection_end(&c);
	raw_close(listener);
}

static const struct CMUnitTest tests[] = {
	REAL(a_connect_calls_back_once),
	REAL(a_connect_of_version_6_calls_back_once),
	REAL(a_bound_handle_connects_from_its_address),
	REAL(the_address_is_copied),
	REAL(two_hundred_connect_at_once),
	REAL(a_connect_in_flight_keeps_the_loop_alive),
	REAL(an_idle_connection_does_not_keep_the_loop_alive),
	REAL(bad_arguments_are_returned_and_not_called_back),
	REAL(connecting_twice_is_refused),
	REAL(what_is_closing_does_not_connect),
	REAL(a_connect_that_is_refused_can_be_made_again),
	REAL(a_connect_of_version_6_that_is_refused_can_be_made_again),
	REAL(after_a_failure_a_handle_can_be_bound_and_listen),
	REAL(a_failure_takes_the_bound_address_along),
	REAL(what_cannot_be_reached_is_told_to_the_callback),
	REAL(an_address_of_the_other_version_ends_in_one_error),
	REAL(what_the_system_refuses_is_told_to_the_callback),
	REAL(a_getsockopt_that_fails_is_a_failed_connect),
	REAL(a_connect_may_fail_at_every_call),
	REAL(a_connect_may_fail_at_every_allocation),
	REAL(what_was_written_meanwhile_goes_out_in_order),
	REAL(what_was_sent_meanwhile_is_under_the_watermarks),
	REAL(the_callback_may_read_and_write),
	REAL(a_failure_ends_what_was_written_meanwhile),
	REAL(the_callback_of_a_failure_may_connect_again),
	REAL(a_peer_that_goes_at_once_was_connected_to),
	REAL(a_peer_that_resets_at_once_is_one_error),
};

FIXTURE_MAIN(tests)
