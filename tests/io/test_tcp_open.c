/*
 * Taking over a descriptor, and giving it away again: rota_tcp_open() and
 * rota_stream_detach(). For moves to other threads see test_tcp_threads.c.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/streams_more.h"

/* As socket(2) makes it: blocking. */
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

static void tcp_end(struct rota_tcp *tcp)
{
	assert_int_equal(rota_handle_close_now(&tcp->handle), 0);
}

/* --- what cannot be opened ------------------------------------------------------- */

/* @fd stays the caller's, and as it was. */
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

/* F3: the loop's first stream is the one that may find no memory. */
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

/* --- what can --------------------------------------------------------------------- */

/* Reads and writes work both ways. */
static void expect_open(struct connection *c, struct fixture *f)
{
	char text[4];

	connection_read(c);
	raw_send(c->peer, "ping", 4);
	RUN_UNTIL(f, c->size == 4);
	assert_string_equal(c->text, "ping");
	assert_int_equal(rota_stream_send(&c->tcp.stream, "pong", 4), 0);
	raw_read(c->peer, text, 4);
	assert_memory_equal(text, "pong", 4);
}

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
	expect_open(&c, f);
	connection_end(&c);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
}

/* What came before it was opened is there. */
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

/* A peer that has reset already: whatever it sent, one error comes in the end,
 * from whichever call sees it first. */
static void a_connection_that_was_reset_before_ends_in_an_error(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp;
	int fds[2], status;

	raw_pair(fds);
	raw_reset(fds[1]);
	await_end(fds[0]);

	status = rota_tcp_open(&tcp, f->loop, fds[0]);
	if (status < 0) {
		raw_close(fds[0]);
		return;
	}
	status = rota_stream_read_start(&tcp.stream, collect);
	assert_true(status == 0 || status == ROTA_ENOTCONN);
	tcp_end(&tcp);
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

/* Any stream socket will do; only addresses it has none. */
static void a_socket_pair_of_the_system_is_a_stream(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	struct connection c;
	int fds[2];

	make_socketpair(fds);
	connection_adopt(&c, f, fds[0], fds[1], NULL);

	expect_open(&c, f);

	assert_true(rota_tcp_own_address(&c.tcp, &address) < 0);
	assert_true(rota_tcp_peer_address(&c.tcp, &address) < 0);
	raw_shutdown(c.peer);
	RUN_UNTIL(f, c.ends > 0);
	assert_int_equal(c.status, ROTA_EOF);
	connection_end(&c);
}

/* The memory of a handle that was closed may be a handle again. */
static void a_handle_can_be_opened_again_when_it_is_closed(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	for (unsigned i = 0; i < 3; i++) {
		connection_open(&c, f, NULL);
		expect_open(&c, f);
		assert_int_equal(rota_handle_close(&c.tcp.handle, NULL), 0);
		run_to_the_end(f);
		peer_close(&c);
	}
}

/* --- inside a connection's callback ----------------------------------------------- */

struct opener {
	struct fixture *f;
	struct rota_tcp tcp;
	int other; /* the peer of what is opened */
	int status;
};

/* Whatever has taken the number of the accepted connection. */
static int take_number(int fd, int with)
{
	assert_int_equal(dup2(with, fd), fd);
	close(with);
	return fd;
}

static void open_fresh_socket(struct server *s, int status, int fd)
{
	struct opener *o = s->arg;

	assert_int_equal(status, 0);
	fd = take_number(fd, plain_socket(AF_INET, SOCK_STREAM));
	o->status = rota_tcp_open(&o->tcp, o->f->loop, fd);
}

static void open_pipe(struct server *s, int status, int fd)
{
	struct opener *o = s->arg;
	int fds[2];

	assert_int_equal(status, 0);
	assert_int_equal(pipe(fds), 0);
	fd = take_number(fd, fds[0]);
	o->status = rota_tcp_open(&o->tcp, o->f->loop, fd);
	close(fds[1]);
	close(fd);
}

static void open_blocking(struct server *s, int status, int fd)
{
	struct opener *o = s->arg;

	assert_int_equal(status, 0);
	make_blocking(fd);
	o->status = rota_tcp_open(&o->tcp, o->f->loop, fd);
	assert_true(is_non_blocking(fd));
}

static void open_in_call(struct fixture *f, struct opener *o,
			 void (*act)(struct server *, int, int))
{
	struct server s;
	int client;

	*o = (struct opener){ .f = f, .status = 1 };
	server_open(&s, f, 8);
	s.act = act;
	s.arg = o;
	client = raw_client(&s.address);
	RUN_UNTIL(f, o->status != 1);
	raw_close(client);
	server_end(&s);
}

/* The descriptor is the callback's, who may have done anything with it. */
static void the_number_of_a_connection_may_be_another_socket_by_now(
	void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct opener o;
	struct server s;

	open_in_call(f, &o, open_fresh_socket);

	assert_int_equal(o.status, 0);
	assert_int_equal(rota_stream_send(&o.tcp.stream, "x", 1),
			 ROTA_ENOTCONN);
	server_open(&s, f, 8);
	assert_int_equal(attempt_begin(&a, &o.tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	tcp_end(&o.tcp);
	server_end(&s);
}

static void the_number_of_a_connection_may_be_no_socket_by_now(void **state)
{
	struct opener o;

	open_in_call(*state, &o, open_pipe);

	assert_int_equal(o.status, ROTA_ENOTSOCK);
}

static void a_connection_may_have_been_made_blocking_by_now(void **state)
{
	struct opener o;

	open_in_call(*state, &o, open_blocking);

	assert_int_equal(o.status, 0);
	tcp_end(&o.tcp);
}

/* --- detach --------------------------------------------------------------------------- */

static void what_is_detached_is_the_callers(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	char text[4];

	connection_open(&c, f, NULL);
	expect_open(&c, f);
	rota_stream_read_stop(&c.tcp.stream);

	assert_int_equal(rota_stream_detach(&c.tcp.stream), c.fd);

	assert_true(rota_handle_is_closing(&c.tcp.handle));
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EALREADY);
	assert_int_equal(rota_handle_close(&c.tcp.handle, NULL), ROTA_EALREADY);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
	assert_false(rota_loop_alive(f->loop));
	memset(&c.tcp, 0xa5, sizeof(c.tcp)); /* its memory may go */
	raw_send(c.peer, "more", 4);
	turn(f);
	raw_read(c.fd, text, 4);
	assert_memory_equal(text, "more", 4);
	raw_close(c.fd);
	raw_close(c.peer);
}

/* D2: it has left the kernel, so that nothing is told of it any more. */
static void what_is_detached_is_watched_no_more(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	uint64_t waits;

	connection_open(&c, f, NULL);
	expect_open(&c, f);
	rota_stream_read_stop(&c.tcp.stream);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), c.fd);
	raw_send(c.peer, "more", 4);

	/* An event would cut short the one wait that there is. */
	waits = waits_within(f, 5);

	assert_in_range(waits, 1, 4);
	raw_close(c.fd);
	raw_close(c.peer);
}

static void what_is_under_way_keeps_a_detach_out(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct rota_write write;
	struct rota_read read;
	struct connection c;
	char text[4];

	connection_open_small(&c, f, NULL);
	assert_int_equal(begin_read(&c, &read, "read", text, 4, 0), 0);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EBUSY);
	assert_int_equal(rota_request_cancel(&read.request), 0);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EBUSY);
	turn(f);
	assert_string_equal(journal_take(), "pending: read=ECANCELED");

	assert_int_equal(begin_write(&c, &write, "write", "abc", 3), 0);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EBUSY);
	turn(f);
	assert_string_equal(journal_take(), "pending: write=0");

	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "def", 3), 0);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EBUSY);
	rota_stream_set_cork(&c.tcp.stream, 0);
	raw_read(c.peer, text, 4);

	connection_block(&c);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EBUSY);
	assert_int_equal(begin_shutdown(&c, &shutdown, "shutdown"), 0);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EBUSY);

	/* And it goes on. */
	raw_read(c.peer, text, 2);
	peer_takes_to_the_end(f, &c);
	RUN_UNTIL(f, !rota_request_is_active(&shutdown.request));
	assert_string_equal(journal_take(), "pending: shutdown=0");
	assert_int_equal(rota_stream_detach(&c.tcp.stream), c.fd);
	raw_close(c.fd);
	raw_close(c.peer);
}

static void nothing_on_close(struct rota_handle *handle)
{
	(void)handle;
}

static void what_ends_or_closes_is_not_detached(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(rota_stream_end(&c.tcp.stream, nothing_on_close), 0);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EBUSY);
	assert_int_equal(rota_handle_close(&c.tcp.handle, nothing_on_close), 0);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EALREADY);
	run_to_the_end(f);
	peer_close(&c);
}

/* The half that was shut down stays so: it is the socket's. */
static void a_detached_half_is_still_half(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c, d;

	connection_open(&c, f, NULL);
	assert_int_equal(begin_shutdown(&c, &shutdown, "shutdown"), 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: shutdown=0");
	assert_int_equal(rota_stream_detach(&c.tcp.stream), c.fd);

	connection_adopt(&d, f, c.fd, c.peer, NULL);
	connection_read(&d);
	raw_send(d.peer, "other way", 9);
	RUN_UNTIL(f, d.size == 9);

	assert_string_equal(d.text, "other way");
	assert_int_equal(raw_end(d.peer), 0);
	connection_end(&d);
}

static void detach_it(struct connection *c, int status, struct rota_buf buf)
{
	(void)status;
	(void)buf;
	*(int *)c->arg = rota_stream_detach(&c->tcp.stream);
}

/* O4: inside its own read callback, with more to read. What was not yet
 * delivered stays with the descriptor. */
static void a_read_callback_may_detach_its_stream(void **state)
{
	struct fixture *f = *state;
	enum { MUCH = 200000 };
	struct connection c, d;
	int fd = 0;
	size_t got;

	connection_open(&c, f, NULL);
	c.act = detach_it;
	c.arg = &fd;
	peer_sends(&c, MUCH);
	connection_read(&c);
	RUN_UNTIL(f, c.reads > 0);
	assert_int_equal(fd, c.fd);
	assert_int_equal(c.reads, 1);
	assert_int_equal(c.wrong, 0);
	got = c.size;

	connection_adopt(&d, f, fd, c.peer, NULL);
	d.size = got; /* where the pattern goes on */
	connection_read(&d);
	RUN_UNTIL(f, d.size == MUCH);

	assert_int_equal(d.wrong, 0);
	assert_int_equal(c.reads, 1);
	connection_end(&d);
}

/* Back and forth on one loop: nothing is lost of what comes or goes. */
static void a_stream_may_move_again_and_again(void **state)
{
	enum { MOVES = 200, PART = 3000 };
	struct fixture *f = *state;
	struct connection c, next;

	connection_open(&c, f, NULL);
	for (unsigned i = 0; i < MOVES; i++) {
		peer_sends(&c, PART);
		connection_read(&c);
		if (i % 3 != 0)
			RUN_UNTIL(f, c.size > 0 && c.size >= c.sent - PART);
		rota_stream_read_stop(&c.tcp.stream);
		assert_int_equal(connection_send(&c, PART), 0);
		peer_takes_until(f, &c, c.produced);
		assert_int_equal(rota_stream_detach(&c.tcp.stream), c.fd);

		connection_adopt(&next, f, c.fd, c.peer, NULL);
		next.sent = c.sent;
		next.size = c.size;
		next.produced = c.produced;
		next.taken = c.taken;
		memset(&c, 0xa5, sizeof(c));
		assert_int_equal(rota_stream_detach(&next.tcp.stream), next.fd);
		c = next;
		assert_int_equal(rota_tcp_open(&c.tcp, f->loop, c.fd), 0);
	}
	connection_read(&c);
	RUN_UNTIL(f, c.size == c.sent);

	assert_int_equal(c.size, MOVES * PART);
	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_number_that_is_not_open_is_refused),
	REAL(what_is_no_socket_is_refused),
	REAL(what_is_no_stream_socket_is_refused),
	REAL(a_failure_leaves_the_descriptor_with_the_caller),
	REAL(the_first_stream_of_a_loop_may_find_no_memory),
	REAL(a_connection_that_is_opened_is_set_non_blocking),
	REAL(what_has_come_before_is_read),
	REAL(a_connection_that_was_reset_before_ends_in_an_error),
	REAL(a_fresh_socket_connects),
	REAL(a_fresh_socket_can_be_bound),
	REAL(a_bound_socket_listens),
	REAL(a_socket_pair_of_the_system_is_a_stream),
	REAL(a_handle_can_be_opened_again_when_it_is_closed),
	REAL(the_number_of_a_connection_may_be_another_socket_by_now),
	REAL(the_number_of_a_connection_may_be_no_socket_by_now),
	REAL(a_connection_may_have_been_made_blocking_by_now),
	REAL(what_is_detached_is_the_callers),
	REAL(what_is_detached_is_watched_no_more),
	REAL(what_is_under_way_keeps_a_detach_out),
	REAL(what_ends_or_closes_is_not_detached),
	REAL(a_detached_half_is_still_half),
	REAL(a_read_callback_may_detach_its_stream),
	REAL(a_stream_may_move_again_and_again),
};

FIXTURE_MAIN(tests)
