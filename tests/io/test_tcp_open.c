/*
 * rota_tcp_open(): making a handle of a descriptor. The opposite is tested in
 * test_tcp_detach.c.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/streams_more.h"

/* A socket as socket(2) makes it: blocking. */
static int plain_socket(int family, int type)
{
	int fd = socket(family, type, 0);

	assert_int_not_equal(fd, -1);
	return fd;
}

static void make_blocking(int fd)
{
	assert_int_not_equal(
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), -1);
}

static int is_non_blocking(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

/* What cannot be opened. */

/* @fd still belongs to the caller, and is unchanged. */
static void expect_not_opened(struct fixture *f, int fd, int error)
{
	struct rota_tcp tcp;
	int flags = fcntl(fd, F_GETFL);

	assert_int_equal(rota_tcp_open(&tcp, f->loop, fd), error);

	assert_int_equal(fcntl(fd, F_GETFL), flags);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
}

static void a_number_that_is_not_open_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = plain_socket(AF_INET, SOCK_STREAM);

	close(fd);
	expect_not_opened(f, fd, ROTA_EBADF);
	expect_not_opened(f, -1, ROTA_EBADF);
	expect_not_opened(f, -77, ROTA_EBADF);
	expect_not_opened(f, 1 << 20, ROTA_EBADF);
}

static void what_is_no_socket_is_refused(void **state)
{
	int fds[2], null = open("/dev/null", O_RDWR);

	assert_int_equal(pipe(fds), 0);
	expect_not_opened(*state, fds[0], ROTA_ENOTSOCK);
	expect_not_opened(*state, fds[1], ROTA_ENOTSOCK);
	expect_not_opened(*state, null, ROTA_ENOTSOCK);
	close(fds[0]);
	close(fds[1]);
	close(null);
}

static void what_is_no_stream_socket_is_refused(void **state)
{
	int udp = plain_socket(AF_INET, SOCK_DGRAM);
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	expect_not_opened(*state, udp, ROTA_EINVAL);
	expect_not_opened(*state, fds[0], ROTA_EINVAL);
	close(udp);
	close(fds[0]);
	close(fds[1]);
}

/* They are streams, but not of TCP. */
static void a_unix_socket_is_refused(void **state)
{
	int alone = plain_socket(AF_UNIX, SOCK_STREAM);
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	expect_not_opened(*state, fds[0], ROTA_EINVAL);
	expect_not_opened(*state, alone, ROTA_EINVAL);
	close(alone);
	close(fds[0]);
	close(fds[1]);
}

/* F3: a fresh socket is asked for its own address as well. */
static void an_address_that_is_not_told_is_a_failure(void **state)
{
	struct fixture *f = *state;
	int fd = plain_socket(AF_INET, SOCK_STREAM);
	struct rota_tcp tcp;

	fault_fail("getsockname", 1, ENOBUFS);
	assert_int_equal(rota_tcp_open(&tcp, f->loop, fd), ROTA_ENOBUFS);
	assert_int_equal(fault_clear(), 1);

	assert_false(is_non_blocking(fd));
	assert_int_equal(rota_tcp_open(&tcp, f->loop, fd), 0);
	tcp_end(&tcp);
}

/* F3 */
static void a_failure_leaves_the_descriptor_with_the_caller(void **state)
{
	static const char *const calls[] = { "fcntl", "getsockopt",
					     "setsockopt" };
	struct fixture *f = *state;
	struct rota_tcp tcp;
	int fds[2];

	raw_pair(fds);
	make_blocking(fds[0]);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int status;

		fault_fail(calls[i], 1, ENOBUFS);
		status = rota_tcp_open(&tcp, f->loop, fds[0]);
		if (fault_clear() > 0) {
			assert_int_equal(status, ROTA_ENOBUFS);
			assert_int_equal(rota_loop_dump(f->loop, NULL, NULL),
					 0);
		} else {
			assert_int_equal(status, 0);
			assert_int_equal(rota_stream_detach(&tcp.stream),
					 fds[0]);
		}
	}
	assert_int_equal(rota_tcp_open(&tcp, f->loop, fds[0]), 0);
	tcp_end(&tcp);
	raw_close(fds[1]);
}

/* F3: the loop's first stream allocates, which may fail. */
static void the_first_stream_of_a_loop_may_find_no_memory(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp;
	unsigned failed = 0;
	int fds[2], status;

	raw_pair(fds);
	do {
		f->memory.failed = 0;
		f->memory.fail_at = f->memory.calls + ++failed;
		status = rota_tcp_open(&tcp, f->loop, fds[0]);
		f->memory.fail_at = 0;
	} while (status == ROTA_ENOMEM && failed < 100);
	assert_true(failed > 1);

	assert_int_equal(status, 0);
	raw_send(fds[1], "x", 1);
	tcp_end(&tcp);
	raw_close(fds[1]);
}

/* What can be opened. */

static void a_connection_that_is_opened_is_set_non_blocking(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	int fds[2];

	raw_pair(fds);
	make_blocking(fds[0]);

	connection_adopt(&c, f, fds[0], fds[1], "opened");

	assert_true(is_non_blocking(fds[0]));
	assert_int_equal(handle_fd(&c.tcp.handle), fds[0]);
	assert_string_equal(rota_handle_type(&c.tcp.handle), "tcp");
	assert_false(rota_loop_alive(f->loop));
	connection_expect_talk(f, &c);
	connection_end(&c);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
}

/* Data that arrived before it was opened is read. */
static void what_has_come_before_is_read(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	int fds[2];

	raw_pair(fds);
	raw_send(fds[1], "early", 5);
	raw_shutdown(fds[1]);
	await_end(fds[0]);

	connection_adopt(&c, f, fds[0], fds[1], NULL);
	connection_read(&c);
	RUN_UNTIL(f, c.ends > 0);

	assert_string_equal(c.text, "early");
	assert_int_equal(c.status, ROTA_EOF);
	connection_end(&c);
}

/* A connection may be reset while it moves from one loop to another. That is an
 * end like any other, and earlier data is read before it. */
static void what_came_before_a_reset_is_read(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	int fds[2];

	raw_pair(fds);
	raw_send(fds[1], "last words", 10);
	raw_reset(fds[1]);
	await_end(fds[0]);

	connection_adopt(&c, f, fds[0], -1, NULL);
	connection_read(&c);
	RUN_UNTIL(f, c.ends > 0);

	assert_string_equal(c.text, "last words");
	assert_int_equal(c.status, ROTA_ECONNRESET);
	turn(f);
	assert_int_equal(c.ends, 1);
	connection_end(&c);
}

static void a_fresh_socket_connects(void **state)
{
	struct fixture *f = *state;
	int fd = plain_socket(AF_INET, SOCK_STREAM);
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	assert_int_equal(rota_tcp_open(&tcp, f->loop, fd), 0);
	assert_true(is_non_blocking(fd));
	assert_int_equal(rota_stream_send(&tcp.stream, "x", 1), ROTA_ENOTCONN);

	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(handle_fd(&tcp.handle), fd);
	assert_int_equal(attempt_end(f, &a), 0);

	assert_int_equal(handle_fd(&tcp.handle), fd);
	assert_int_equal(rota_stream_send(&tcp.stream, "x", 1), 0);
	tcp_end(&tcp);
	server_end(&s);
}

static void a_fresh_socket_can_be_bound(void **state)
{
	struct fixture *f = *state;
	int fd = plain_socket(AF_INET, SOCK_STREAM), client;
	struct server s = { .f = f };

	assert_int_equal(rota_tcp_open(&s.tcp, f->loop, fd), 0);
	assert_int_equal(rota_stream_listen(&s.tcp.stream, 8, server_called),
			 ROTA_EINVAL); /* not yet */
	loopback(&s.address, AF_INET, 0);

	assert_int_equal(rota_tcp_bind(&s.tcp, &s.address, 0), 0);

	assert_int_equal(handle_fd(&s.tcp.handle), fd);
	assert_int_equal(rota_tcp_bind(&s.tcp, &s.address, 0), ROTA_EINVAL);
	assert_int_equal(rota_stream_listen(&s.tcp.stream, 8, server_called),
			 0);
	assert_int_equal(rota_tcp_own_address(&s.tcp, &s.address), 0);
	client = raw_client(&s.address);
	RUN_UNTIL(f, s.accepted > 0);
	raw_close(client);
	server_end(&s);
}

static void a_bound_socket_listens(void **state)
{
	struct fixture *f = *state;
	struct rota_address address = { .is.any.sa_family = AF_INET };
	int fd = raw_unheard(&address), client;
	struct server s = { .f = f };

	assert_int_equal(rota_tcp_open(&s.tcp, f->loop, fd), 0);
	assert_int_equal(rota_tcp_own_address(&s.tcp, &s.address), 0);
	expect_same_address(&s.address, &address);
	assert_int_equal(rota_tcp_bind(&s.tcp, &address, 0), ROTA_EINVAL);

	assert_int_equal(rota_stream_listen(&s.tcp.stream, 8, server_called),
			 0);

	client = raw_client(&address);
	RUN_UNTIL(f, s.accepted > 0);
	raw_close(client);
	server_end(&s);
}

/* The memory of a closed handle may be used for a new one. */
static void a_handle_can_be_opened_again_when_it_is_closed(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	for (unsigned i = 0; i < 3; i++) {
		connection_open(&c, f, NULL);
		connection_expect_talk(f, &c);
		assert_int_equal(rota_handle_close(&c.tcp.handle, NULL), 0);
		run_to_the_end(f);
		peer_close(&c);
	}
}

/* Inside a connection's callback. */

struct opener {
	struct fixture *f;
	struct rota_tcp tcp;
	int status;
};

static void open_accepted(struct server *s, int status, int fd)
{
	struct opener *o = s->arg;

	assert_int_equal(status, 0);
	fault_count_reset();
	o->status = rota_tcp_open(&o->tcp, o->f->loop, fd);
	assert_int_equal(fault_count("fcntl"), 0);
	assert_int_equal(fault_count("getsockopt"), 0);
	assert_true(is_non_blocking(fd));
}

static void what_was_accepted_is_opened_without_a_system_call(void **state)
{
	struct opener o = { .f = *state, .status = 1 };
	struct server s;
	int client;

	server_open(&s, o.f, 8);
	s.act = open_accepted;
	s.arg = &o;
	client = raw_client(&s.address);

	RUN_UNTIL(o.f, o.status != 1);

	assert_int_equal(o.status, 0);
	raw_close(client);
	tcp_end(&o.tcp);
	server_end(&s);
}

/* Flags that a program has set are unchanged. */
static void what_is_opened_keeps_its_other_flags(void **state)
{
	struct fixture *f = *state;
	int fd = plain_socket(AF_INET, SOCK_STREAM);
	struct rota_tcp tcp;
	int flags;

	assert_int_not_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_APPEND),
			     -1);
	flags = fcntl(fd, F_GETFL);
	assert_int_equal(rota_tcp_open(&tcp, f->loop, fd), 0);

	assert_int_equal(fcntl(fd, F_GETFL), flags | O_NONBLOCK);
	assert_int_equal(rota_handle_close_now(&tcp.handle), 0);
}

static const struct CMUnitTest tests[] = {
	REAL(a_number_that_is_not_open_is_refused),
	REAL(what_is_no_socket_is_refused),
	REAL(what_is_no_stream_socket_is_refused),
	REAL(a_unix_socket_is_refused),
	REAL(an_address_that_is_not_told_is_a_failure),
	REAL(a_failure_leaves_the_descriptor_with_the_caller),
	REAL(the_first_stream_of_a_loop_may_find_no_memory),
	REAL(a_connection_that_is_opened_is_set_non_blocking),
	REAL(what_is_opened_keeps_its_other_flags),
	REAL(what_has_come_before_is_read),
	REAL(what_came_before_a_reset_is_read),
	REAL(a_fresh_socket_connects),
	REAL(a_fresh_socket_can_be_bound),
	REAL(a_bound_socket_listens),
	REAL(a_handle_can_be_opened_again_when_it_is_closed),
	REAL(what_was_accepted_is_opened_without_a_system_call),
};

FIXTURE_MAIN(tests)
