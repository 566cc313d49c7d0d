/*
 * Connecting: success and failure. What is written meanwhile is tested in
 * test_tcp_connect_write.c; cancels, deadlines and closes are tested in
 * test_tcp_connect_end.c.
 */
#include "support/fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/fault.h"
#include "support/streams_more.h"

static void not_called(struct rota_connect *connect, int status)
{
	(void)connect;
	(void)status;
	fail();
}

/* Success. */

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
	tcp_expect_talk(f, &tcp, &s);
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
	tcp_expect_talk(f, &tcp, &s);
	tcp_end(&tcp);
	server_end(&s);
}

/* The caller may reuse the address after the call. */
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

/* L3: the request keeps the loop alive even if its handle does not. */
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

/* A connection that does nothing does not keep it alive. */
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

/* Errors in the arguments (O7). */

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
	tcp_expect_fresh(&tcp);
	tcp_end(&tcp);
	server_end(&s);
}

/* The result of the attempt is read once, so not for an event of another
 * kind. */
static void another_event_leaves_the_result(void **state)
{
	struct fixture *f = *state;
	struct rota_watch *watch;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	tcp_init(&tcp, f);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	watch = &tcp.stream.internal.by.watch;

	fault_count_reset();
	watch->internal.fn(watch, ROTA_PRIORITY);
	assert_int_equal(fault_count("getsockopt"), 0);
	assert_int_equal(a.calls, 0);
	assert_int_equal(attempt_end(f, &a), 0);
	assert_int_equal(fault_count("getsockopt"), 1);
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

	tcp_expect_talk(f, &tcp, &s);
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

/* Failures. */

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

	/* As after rota_tcp_init(). */
	turn(f);
	assert_int_equal(a.calls, 1);
	tcp_expect_fresh(&tcp);
	server_open_as(&s, f, family, 8);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	tcp_expect_talk(f, &tcp, &s);
	tcp_end(&tcp);
	server_end(&s);
	raw_close(fd);
}

/* O7: an error of the other side is only reported by the callback. */
static void a_connect_that_is_refused_can_be_made_again(void **state)
{
	expect_refused(*state, AF_INET);
}

static void
a_connect_of_version_6_that_is_refused_can_be_made_again(void **state)
{
	need_ip6();
	expect_refused(*state, AF_INET6);
}

/* Afterwards the handle can be used for anything. */
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

/* A failure leaves the handle unbound, whether it was bound or not. */
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
		tcp_expect_fresh(&tcp);
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

	tcp_expect_fresh(&tcp);
	tcp_end(&tcp);
}

/* O7: the same if the system reports it at once. */
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
	tcp_expect_fresh(&tcp);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	tcp_end(&tcp);
	server_end(&s);
}

/* F3, O7: an error of the system is only reported by the callback. */
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

/* If the result of a connect cannot be read, the connect has failed. */
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
		tcp_expect_fresh(&tcp);
		assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
		assert_int_equal(attempt_end(f, &a), 0);
	}
	tcp_end(&tcp);
	server_end(&s);
}

/* F3: every system call that the loop makes for it may fail. Either the call
 * returns the error or the callback gets it. Then it can be tried again. */
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
			tcp_expect_fresh(&tcp);
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

static const struct CMUnitTest tests[] = {
	REAL(a_connect_calls_back_once),
	REAL(a_connect_of_version_6_calls_back_once),
	REAL(a_bound_handle_connects_from_its_address),
	REAL(the_address_is_copied),
	REAL(two_hundred_connect_at_once),
	REAL(a_connect_in_flight_keeps_the_loop_alive),
	REAL(an_idle_connection_does_not_keep_the_loop_alive),
	REAL(bad_arguments_are_returned_and_not_called_back),
	REAL(another_event_leaves_the_result),
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
};

FIXTURE_MAIN(tests)
