/*
 * rota_stream_detach_with(): a connection moves to another handle with all that
 * belongs to it.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/streams_more.h"

static void attach(struct connection *c, struct fixture *f,
		   struct rota_detached *detached)
{
	int fd = detached->fd;
	int peer = c->peer;

	*c = (struct connection){ .fd = fd,
				  .peer = peer,
				  .sent = c->sent,
				  .produced = c->produced,
				  .taken = c->taken };
	assert_int_equal(rota_tcp_attach(&c->tcp, f->loop, detached), 0);
	assert_int_equal(detached->fd, -1);
	assert_null(detached->unread.data);
	assert_null(detached->unsent.data);
}

static void unsent_bytes_go_with_it(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct connection c;
	size_t queued;

	connection_open_small(&c, f, NULL);
	queued = connection_block(&c);
	assert_true(queued > 0);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EBUSY);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	assert_true(rota_handle_is_closing(&c.tcp.handle));
	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(detached.fd, c.fd);
	assert_int_equal(detached.unsent.size, queued);
	assert_int_equal(detached.error, 0);

	attach(&c, f, &detached);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), queued);
	assert_true(rota_loop_alive(f->loop));
	assert_true(connection_send(&c, 1000) >= 0); /* behind it */
	peer_takes_until(f, &c, c.produced);
	connection_end(&c);
}

/* The sender was told to wait for on_drain, and the new handle calls it. */
static void who_was_pressed_is_drained(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct connection c;

	connection_open_small(&c, f, NULL);
	while (connection_send(&c, 4096) == 0)
		continue;
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	attach(&c, f, &detached);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, c.drains > 0);
	assert_int_equal(c.drain_status, 0);
	connection_end(&c);
}

static void who_was_to_be_drained(struct fixture *f, struct connection *c)
{
	struct rota_detached detached;

	assert_int_equal(rota_stream_detach_with(&c->tcp.stream, &detached), 0);
	assert_int_equal(detached.unsent.size, 0);
	attach(c, f, &detached);
	rota_stream_on_drain(&c->tcp.stream, count_drain);
	assert_true(rota_loop_alive(f->loop));
	RUN_UNTIL(f, c->drains > 0);
	assert_int_equal(c->drain_status, 0);
	for (int i = 0; i < 3; i++)
		turn(f);
	assert_int_equal(c->drains, 1);
	assert_false(rota_loop_alive(f->loop));
	connection_end(c);
}

/* The output has left, and on_drain was about to be called: the new handle does
 * that as well. */
static void who_was_about_to_be_drained_is_drained(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(rota_stream_set_watermarks(&c.tcp.stream, 0, 0), 0);
	assert_int_equal(connection_send(&c, 100), 1);
	rota_stream_set_cork(&c.tcp.stream, 0);
	assert_int_equal(c.drains, 0);
	who_was_to_be_drained(f, &c);

	/* The same with the report of a shutdown. */
	connection_open(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(connection_send(&c, 100), 0);
	assert_int_equal(rota_stream_shutdown(NULL, &c.tcp.stream, NULL), 1);
	rota_stream_set_cork(&c.tcp.stream, 0);
	who_was_to_be_drained(f, &c);
}

static void corked_bytes_go_with_it(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct connection c;

	connection_open(&c, f, NULL);
	rota_stream_set_cork(&c.tcp.stream, 1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(connection_send(&c, 1000), 0);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	turn(f);
	attach(&c, f, &detached);
	peer_takes_until(f, &c, 5000);
	connection_end(&c);
}

/* A program has read more than was for it, and the next reader gets that. */
static void what_was_put_back_is_read_first(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	peer_has_sent(&c, 3000);
	RUN_UNTIL(f, c.size == 3000);
	peer_has_sent(&c, 500);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	assert_int_equal(detached.unread.size, 0);
	{
		char bytes[3000];

		pattern_fill(bytes, sizeof(bytes), 0);
		assert_int_equal(
			rota_detached_put_back(&detached, bytes + 1000, 2000),
			0);
		assert_int_equal(rota_detached_put_back(&detached, "", 0), 0);
		assert_int_equal(rota_detached_put_back(&detached, bytes, 1000),
				 0);
	}
	assert_int_equal(detached.unread.size, 3000);

	attach(&c, f, &detached);
	connection_read(&c);
	RUN_UNTIL(f, c.size == 3500);
	assert_int_equal(c.wrong, 0);
	peer_has_sent(&c, 100); /* and by the usual way again */
	RUN_UNTIL(f, c.size == 3600);
	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

/* As a read request: in parts, and the rest goes with a second detach. */
static void unread_bytes_go_on_with_it(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct rota_read read;
	struct connection c;
	char text[8];

	connection_open(&c, f, NULL);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	assert_int_equal(rota_detached_put_back(&detached, "one two", 7), 0);
	attach(&c, f, &detached);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EBUSY);
	assert_int_equal(begin_read(&c, &read, "read", text, 4, 4), 0);
	turn(f);
	assert_string_equal(journal_take(), "poll: read=4");
	assert_memory_equal(text, "one ", 4);

	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	assert_int_equal(detached.unread.size, 3);
	attach(&c, f, &detached);
	raw_send(c.peer, "three", 5);
	await_bytes(c.fd, 5);
	assert_int_equal(begin_read(&c, &read, "read", text, 8, 8), 0);
	turn(f);
	assert_string_equal(journal_take(), "poll: read=8");
	assert_memory_equal(text, "twothree", 8);
	connection_end(&c);
}

/* The end that the first handle has read comes behind what was put back. */
static void an_end_comes_last(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct connection c;

	connection_open(&c, f, NULL);
	peer_sends(&c, 10);
	raw_shutdown(c.peer);
	connection_read(&c);
	RUN_UNTIL(f, c.ends > 0);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	attach(&c, f, &detached);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, collect),
			 ROTA_EOF);

	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	{
		char bytes[10];

		pattern_fill(bytes, sizeof(bytes), 0);
		assert_int_equal(rota_detached_put_back(&detached, bytes, 10),
				 0);
	}
	attach(&c, f, &detached);
	connection_read(&c);
	RUN_UNTIL(f, c.ends > 0);
	assert_int_equal(c.status, ROTA_EOF);
	assert_int_equal(c.size, 10);
	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

static void what_is_shut_down_stays_so(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct rota_shutdown shutdown;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(rota_stream_shutdown(NULL, &c.tcp.stream, NULL), 0);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	attach(&c, f, &detached);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	assert_int_equal(begin_shutdown(&c, &shutdown, "shutdown"),
			 ROTA_EALREADY);
	assert_int_equal(raw_end(c.peer), 0);
	connection_end(&c);
}

/* It waits for output that is queued, and on_drain reports it. */
static void a_shutdown_that_waits_goes_with_it(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	assert_int_equal(rota_stream_shutdown(NULL, &c.tcp.stream, NULL), 1);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	attach(&c, f, &detached);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	peer_takes_to_the_end(f, &c);
	assert_int_equal(c.taken, c.produced);
	RUN_UNTIL(f, c.drains > 0);
	assert_int_equal(c.drain_status, 0);
	connection_end(&c);
}

/* A side that has failed has failed on the other loop as well. */
static void a_failed_side_goes_with_it(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct connection c;

	connection_open(&c, f, NULL);
	fault_fail("send", 1, EPIPE);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_stream_detach(&c.tcp.stream), ROTA_EPIPE);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	assert_int_equal(detached.error, ROTA_EPIPE);
	attach(&c, f, &detached);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	peer_has_sent(&c, 10); /* but reading goes on */
	connection_read(&c);
	RUN_UNTIL(f, c.size == 10);
	connection_end(&c);
}

static void what_is_discarded_is_freed(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	assert_int_equal(rota_detached_put_back(&detached, "abc", 3), 0);
	rota_detached_discard(&detached);
	assert_int_equal(detached.fd, -1);
	rota_detached_discard(&detached);
	assert_int_equal(rota_detached_put_back(&detached, "abc", 3),
			 ROTA_EINVAL);
	peer_close(&c); /* the fixture finds what is left */
}

/* A handle that closes before it has read them. */
static void unread_bytes_are_freed(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	assert_int_equal(rota_detached_put_back(&detached, "abc", 3), 0);
	attach(&c, f, &detached);
	connection_end(&c); /* the fixture finds what is left */
}

static void what_is_in_flight_keeps_it_out(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached = { .fd = 4711 };
	struct rota_write write;
	struct rota_read read;
	struct rota_tcp fresh;
	struct connection c;
	char text[4];

	connection_open_small(&c, f, NULL);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, NULL),
			 ROTA_EINVAL);
	assert_int_equal(begin_read(&c, &read, "read", text, 4, 0), 0);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached),
			 ROTA_EBUSY);
	assert_int_equal(rota_request_cancel(&read.request), 0);
	turn(f);
	connection_block(&c);
	assert_int_equal(begin_write(&c, &write, "write", "abc", 3), 0);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached),
			 ROTA_EBUSY);
	assert_int_equal(rota_stream_end(&c.tcp.stream, NULL), 0);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached),
			 ROTA_EBUSY);
	assert_int_equal(rota_handle_close(&c.tcp.handle, NULL), 0);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached),
			 ROTA_EALREADY);
	turn(f);
	(void)journal_take();
	assert_int_equal(rota_tcp_init(&fresh, f->loop), 0);
	assert_int_equal(rota_stream_detach_with(&fresh.stream, &detached),
			 ROTA_ENOTCONN);
	assert_int_equal(rota_handle_close_now(&fresh.handle), 0);
	assert_int_equal(detached.fd, 4711);
	raw_close(c.peer);
}

/* Without memory everything stays where it is. */
static void a_failed_move_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct rota_tcp tcp;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	fault_fail("realloc", 1, ENOMEM);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached),
			 ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_stream_detach_with(&c.tcp.stream, &detached), 0);
	fault_fail("realloc", 1, ENOMEM);
	assert_int_equal(rota_detached_put_back(&detached, "abc", 3),
			 ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_detached_put_back(&detached, NULL, 3),
			 ROTA_EINVAL);
	assert_int_equal(rota_detached_put_back(&detached, "", SIZE_MAX),
			 ROTA_EINVAL);
	assert_int_equal(detached.unread.size, 0);

	/* With what was put back already it is more than a size can say. */
	assert_int_equal(rota_detached_put_back(&detached, "a", 1), 0);
	assert_int_equal(rota_detached_put_back(&detached, "", PTRDIFF_MAX),
			 ROTA_ENOMEM);
	assert_int_equal(detached.unread.size, 1);

	fault_fail("fcntl", 1, EPERM);
	assert_int_equal(rota_tcp_attach(&tcp, f->loop, &detached), ROTA_EPERM);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_tcp_attach(&tcp, f->loop, NULL), ROTA_EINVAL);
	assert_int_equal(rota_detached_put_back(&detached, "abc", 3), 0);
	for (unsigned nth = 1; nth <= 2; nth++) {
		f->memory.fail_at = f->memory.calls + nth;
		assert_int_equal(rota_tcp_attach(&tcp, f->loop, &detached),
				 ROTA_ENOMEM);
		assert_int_equal(detached.fd, c.fd);
		assert_true(detached.unsent.size > 0);
		assert_int_equal(detached.unread.size, 4);
	}
	rota_detached_discard(&detached);
	raw_close(c.peer);
}

/* A process may have closed its standard input. */
static void descriptor_0_is_one(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached = { .fd = 0 };
	int input = dup(STDIN_FILENO);
	struct rota_tcp tcp;
	int pair[2];

	raw_pair(pair);
	assert_int_equal(dup2(pair[0], STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(rota_detached_put_back(&detached, "back", 4), 0);
	assert_int_equal(rota_tcp_attach(&tcp, f->loop, &detached), 0);
	assert_int_equal(rota_stream_fd(&tcp.stream), STDIN_FILENO);
	assert_int_equal(rota_stream_detach_with(&tcp.stream, &detached), 0);
	assert_int_equal(detached.fd, STDIN_FILENO);
	assert_int_equal(detached.unread.size, 4);
	rota_detached_discard(&detached);
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), -1);

	if (input >= 0) {
		assert_int_equal(dup2(input, STDIN_FILENO), STDIN_FILENO);
		raw_close(input);
	}
	raw_close(pair[0]);
	raw_close(pair[1]);
}

static const struct CMUnitTest tests[] = {
	REAL(unsent_bytes_go_with_it),
	REAL(who_was_pressed_is_drained),
	REAL(who_was_about_to_be_drained_is_drained),
	REAL(corked_bytes_go_with_it),
	REAL(what_was_put_back_is_read_first),
	REAL(unread_bytes_go_on_with_it),
	REAL(an_end_comes_last),
	REAL(what_is_shut_down_stays_so),
	REAL(a_shutdown_that_waits_goes_with_it),
	REAL(a_failed_side_goes_with_it),
	REAL(what_is_discarded_is_freed),
	REAL(unread_bytes_are_freed),
	REAL(what_is_in_flight_keeps_it_out),
	REAL(a_failed_move_changes_nothing),
	REAL(descriptor_0_is_one),
};
FIXTURE_MAIN(tests)
