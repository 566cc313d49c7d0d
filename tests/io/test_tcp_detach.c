/*
 * rota_stream_detach(): taking the descriptor out of a handle, to open it
 * elsewhere. Moves to other threads are tested in test_tcp_threads.c.
 */
#include "support/fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "support/fault.h"
#include "support/streams_more.h"

static void what_is_detached_is_the_callers(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	char text[4];

	connection_open(&c, f, NULL);
	connection_expect_talk(f, &c);
	rota_stream_read_stop(&c.tcp.stream);

	assert_int_equal(rota_stream_detach(&c.tcp.stream), c.fd);

	assert_true(rota_handle_is_closing(&c.tcp.handle));
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EALREADY);
	assert_int_equal(rota_handle_close(&c.tcp.handle, NULL), ROTA_EALREADY);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
	assert_false(rota_loop_alive(f->loop));
	memset(&c.tcp, 0xa5, sizeof(c.tcp)); /* its memory may be freed */
	raw_send(c.peer, "more", 4);
	turn(f);
	raw_read(c.fd, text, 4);
	assert_memory_equal(text, "more", 4);
	raw_close(c.fd);
	raw_close(c.peer);
}

/* D2: the descriptor is removed from the kernel's poller, so nothing more is
 * reported for it. */
static void what_is_detached_is_watched_no_more(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	uint64_t waits;

	connection_open(&c, f, NULL);
	connection_expect_talk(f, &c);
	rota_stream_read_stop(&c.tcp.stream);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), c.fd);
	raw_send(c.peer, "more", 4);

	/* An event would end the only wait early. */
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

	/* The connection continues. */
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

/* A half that was shut down stays so, as that is a property of the socket. */
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

/* O4: inside its own read callback, with more to read. Undelivered input stays
 * with the descriptor. */
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
	d.size = got; /* where the pattern continues */
	connection_read(&d);
	RUN_UNTIL(f, d.size == MUCH);

	assert_int_equal(d.wrong, 0);
	assert_int_equal(c.reads, 1);
	connection_end(&d);
}

/* The stream moves back and forth on one loop. No input and no output is
 * lost. */
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

/* O8, detach: a writing side that has failed stays so. Otherwise the next owner
 * of the descriptor would send bytes after half of a message. */
static void a_failed_writing_side_keeps_a_detach_out(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct rota_write write;
	struct connection c;
	char *bytes = test_calloc(2, CONNECTION_HOLDS);

	connection_open_small(&c, f, NULL);
	assert_int_equal(begin_write(&c, &write, "w", bytes,
				     (size_t)2 * CONNECTION_HOLDS),
			 0);
	assert_int_equal(rota_request_set_deadline(&write.request, &deadline,
						   rota_loop_now(f->loop)),
			 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: w=ETIMEDOUT");

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EPIPE);
		assert_int_equal(rota_stream_send(&c.tcp.stream, "x", 1),
				 ROTA_EPIPE);
		rota_stream_set_cork(&c.tcp.stream, i == 0);
		assert_int_equal(
			rota_stream_set_watermarks(&c.tcp.stream, 0, i), 0);
		turn(f);
	}
	assert_false(rota_handle_is_closing(&c.tcp.handle));
	test_free(bytes);
	connection_end(&c);
}

/* The kernel has reported the error, and would not report it again. */
static void a_side_that_the_system_failed_keeps_a_detach_out(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	fault_fail("send", 1, EPIPE);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "x", 1), ROTA_EPIPE);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EPIPE);
	connection_read(&c); /* reading is not affected */
	peer_sends(&c, 10);
	RUN_UNTIL(f, c.size == 10);
	connection_end(&c);

	connection_open(&c, f, NULL);
	connection_read(&c);
	peer_reset(&c);
	await_end(c.fd);
	RUN_UNTIL(f, c.ends == 1);
	assert_int_equal(c.status, ROTA_ECONNRESET);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EPIPE);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, collect),
			 ROTA_EOF);
	connection_end(&c);
}

/* An end is no failure, neither of reading nor of writing. */
static void a_stream_that_has_ended_can_be_detached(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	raw_shutdown(c.peer);
	RUN_UNTIL(f, c.ends == 1);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	turn(f);
	journal_take();

	assert_int_equal(rota_stream_detach(&c.tcp.stream), c.fd);
	raw_close(c.fd);
	raw_close(c.peer);
}

/* A cancelled shutdown has not happened, but an earlier failure remains. */
static void a_cancel_of_a_shutdown_does_not_mend_a_failure(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct rota_deadline deadline;
	struct rota_write write;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	assert_int_equal(begin_write(&c, &write, "w", "x", 1), 0);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	assert_int_equal(rota_request_set_deadline(&write.request, &deadline,
						   rota_loop_now(f->loop)),
			 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: w=ETIMEDOUT s=ECANCELED");

	assert_int_equal(rota_request_cancel(&shutdown.request), ROTA_EALREADY);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "x", 1), ROTA_EPIPE);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), ROTA_EPIPE);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EPIPE);
	connection_end(&c);
}

static void the_descriptor_can_be_asked_for(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	server_open(&s, f, 8);
	assert_int_equal(rota_stream_fd(&s.tcp.stream),
			 handle_fd(&s.tcp.handle));
	tcp_init(&tcp, f);
	assert_int_equal(rota_stream_fd(&tcp.stream), ROTA_EBADF);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(rota_stream_fd(&tcp.stream), handle_fd(&tcp.handle));
	assert_int_equal(attempt_end(f, &a), 0);

	assert_int_equal(
		raw_option(rota_stream_fd(&tcp.stream), SOL_SOCKET, SO_TYPE),
		SOCK_STREAM);

	tcp_end(&tcp);
	assert_int_equal(rota_stream_fd(&tcp.stream), ROTA_EBADF);
	server_end(&s);
}

static const struct CMUnitTest tests[] = {
	REAL(a_failed_writing_side_keeps_a_detach_out),
	REAL(a_side_that_the_system_failed_keeps_a_detach_out),
	REAL(a_stream_that_has_ended_can_be_detached),
	REAL(a_cancel_of_a_shutdown_does_not_mend_a_failure),
	REAL(the_descriptor_can_be_asked_for),
	REAL(what_is_detached_is_the_callers),
	REAL(what_is_detached_is_watched_no_more),
	REAL(what_is_under_way_keeps_a_detach_out),
	REAL(what_ends_or_closes_is_not_detached),
	REAL(a_detached_half_is_still_half),
	REAL(a_read_callback_may_detach_its_stream),
	REAL(a_stream_may_move_again_and_again),
};

FIXTURE_MAIN(tests)
