/*
 * Failures (F3): the life of a stream, from connect to close, in which the nth
 * system call of a kind or the nth allocation fails. In each case every started
 * request calls back once, the stream closes, and nothing is left.
 */
#include "support/fixture.h"

#include <errno.h>
#include <string.h>

#include "support/fault.h"
#include "support/streams.h"

enum { FIRST = 1000, MUCH = 100000 };

/* The client of an echo server. It sends some bytes while it connects, and much
 * by a write and a send; it reads all of it, shuts down, and ends. */
struct life {
	struct fixture *f;
	struct connection c; /* its peer is the echo server */
	struct rota_connect connect;
	struct rota_write write;
	struct rota_shutdown shutdown;
	struct rota_read read;
	char *bytes;
	char answer[FIRST];
	int begun; /* requests */
	int ended; /* callbacks of requests */
	int closed;
	int closing;
};

static struct life life;

static void note_closed_once(struct rota_handle *handle)
{
	(void)handle;
	life.closed++;
}

static void close_life(void)
{
	if (!life.closing)
		assert_int_equal(
			rota_handle_close(&life.c.tcp.handle, note_closed_once),
			0);
	life.closing = 1;
}

/* Whether a call that starts something has succeeded. If not, close. */
static int goes_on(int status)
{
	if (status < 0)
		close_life();
	return status >= 0;
}

static void on_shutdown(struct rota_shutdown *shutdown, int status)
{
	(void)shutdown;
	life.ended++;
	if (status < 0)
		close_life();
	else if (!life.closing)
		goes_on(rota_stream_end(&life.c.tcp.stream, note_closed_once));
}

static void on_write(struct rota_write *write, int status)
{
	(void)write;
	life.ended++;
	if (status < 0)
		close_life();
}

static void on_read(struct connection *c, int status, struct rota_buf buf)
{
	(void)buf;
	if (status < 0)
		close_life();
	else if (c->size == c->produced && !life.closing &&
		 goes_on(rota_stream_shutdown(&life.shutdown, &c->tcp.stream,
					      on_shutdown)))
		life.begun++;
}

static void on_first_answer(struct rota_read *read, int status)
{
	struct rota_const_buf buf = { life.bytes, MUCH };
	struct connection *c = &life.c;

	life.ended++;
	if (status < 0) {
		close_life();
		return;
	}
	if (life.closing)
		return;
	assert_int_equal(read->size, FIRST);
	assert_true(pattern_is(life.answer, FIRST, 0));
	c->size = FIRST;
	c->act = on_read;
	if (!goes_on(rota_stream_read_start(&c->tcp.stream, collect)))
		return;
	pattern_fill(life.bytes, MUCH, c->produced);
	if (!goes_on(rota_stream_write(&life.write, &c->tcp.stream, &buf, 1,
				       on_write)))
		return;
	life.begun++;
	c->produced += MUCH;
	goes_on(connection_send(c, MUCH));
}

static void on_connect(struct rota_connect *connect, int status)
{
	struct rota_buf buf = { life.answer, FIRST };

	(void)connect;
	life.ended++;
	if (!goes_on(status) || life.closing)
		return;
	if (goes_on(rota_stream_read(&life.read, &life.c.tcp.stream, buf, FIRST,
				     on_first_answer)))
		life.begun++;
}

static void on_lost(struct connection *c, int status)
{
	(void)c;
	if (status < 0)
		close_life();
}

/* The echo server, a raw socket. It answers what it can, and ends after the
 * client. */
static void echo(int listener)
{
	static char kept[4 * MUCH];
	static size_t size;
	struct connection *c = &life.c;
	ptrdiff_t n;

	if (c->peer == -1) {
		c->peer = raw_try_accept(listener);
		size = 0;
		if (c->peer == -1)
			return;
	}
	n = raw_try_read(c->peer, kept + size, sizeof(kept) - size);
	if (n > 0)
		size += (size_t)n;
	else if (n != -EAGAIN)
		peer_close(c);
	if (size > 0 && c->peer != -1) {
		n = raw_try_send(c->peer, kept, size);
		if (n > 0)
			memmove(kept, kept + n, size -= (size_t)n);
	}
}

static void live(struct fixture *f, int listener,
		 const struct rota_address *address)
{
	uint64_t until = real_now() + ROTA_SEC(40);
	struct connection *c = &life.c;
	char *bytes = life.bytes;

	life = (struct life){ .f = f, .bytes = bytes };
	c->peer = -1;
	if (rota_tcp_init(&c->tcp, f->loop) < 0)
		return;
	c->act_drain = on_lost;
	rota_stream_on_drain(&c->tcp.stream, count_drain);
	if (goes_on(rota_tcp_connect(&life.connect, &c->tcp, address,
				     on_connect))) {
		life.begun++;
		goes_on(connection_send(c, FIRST));
	}
	while (life.closed == 0) {
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
		echo(listener);
		out_of_time(until, __FILE__, __LINE__);
	}
	if (c->peer != -1)
		peer_close(c);
}

static void expect_life_is_over(struct fixture *f, size_t bytes,
				int descriptors)
{
	assert_int_equal(life.ended, life.begun);
	assert_true(life.closed <= 1);
	assert_int_equal(life.c.wrong, 0);
	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(f->memory.bytes, bytes);
	assert_int_equal(count_descriptors(), descriptors);
}

struct stage {
	struct rota_address address;
	size_t bytes;
	int descriptors;
	int listener;
};

/* Run one whole life, so that everything that the loop keeps for streams is
 * allocated. Afterwards a connection that was not accepted may be queued at the
 * listener. */
static void stage_begin(struct stage *stage, struct fixture *f)
{
	stage->listener = raw_listen(&stage->address);
	life.bytes = test_malloc(MUCH);
	live(f, stage->listener, &stage->address);
	assert_int_equal(life.begun, 4);
	assert_int_equal(life.c.size, FIRST + 2 * MUCH);
	assert_int_equal(life.closed, 1);
	stage->bytes = f->memory.bytes;
	stage->descriptors = count_descriptors();
}

static void stage_end(struct stage *stage)
{
	test_free(life.bytes);
	raw_close(stage->listener);
}

/* Each life has its own listener, as a failed one may have left a connection
 * behind. */
static void live_once(struct stage *stage, struct fixture *f)
{
	raw_close(stage->listener);
	stage->listener = raw_listen(&stage->address);
	live(f, stage->listener, &stage->address);
}

static void sweep(struct fixture *f, const char *call, int error)
{
	struct stage stage;
	unsigned nth = 0;
	unsigned failed;

	stage_begin(&stage, f);
	do {
		fault_fail(call, ++nth, error);
		live_once(&stage, f);
		failed = fault_clear();
		if (f->memory.bytes > stage.bytes && nth < 20)
			stage.bytes = f->memory.bytes; /* spare memory */
		expect_life_is_over(f, stage.bytes, stage.descriptors);
	} while (failed > 0 && nth < 40);
	assert_int_equal(life.c.size,
			 failed > 0 ? life.c.size : FIRST + 2 * MUCH);
	stage_end(&stage);
}

/* The system calls of a stream, with errors that they may return. */
static void any_call_to_make_a_connection_may_fail(void **state)
{
	static const char *const calls[] = { "socket",      "connect",
					     "getsockopt",  "setsockopt",
					     "getsockname", "getpeername",
					     "fcntl" };
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		sweep(f, calls[i], ENOBUFS);
		sweep(f, calls[i], ENOMEM);
	}
	sweep(f, "socket", EMFILE);
	sweep(f, "connect", ENETUNREACH);
	sweep(f, "connect", ECONNREFUSED);
}

static void any_call_to_read_may_fail(void **state)
{
	struct fixture *f = *state;

	sweep(f, "recv", ECONNRESET);
	sweep(f, "recv", ENOBUFS);
	sweep(f, "recv", ENOMEM);
	sweep(f, "recv", ETIMEDOUT);
}

static void any_call_to_write_may_fail(void **state)
{
	static const char *const calls[] = { "send", "sendmsg", "shutdown" };
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		sweep(f, calls[i], ECONNRESET);
		sweep(f, calls[i], EPIPE);
		sweep(f, calls[i], ENOBUFS);
		sweep(f, calls[i], ENOMEM);
	}
	sweep(f, "close", EIO);
}

/* A system call that a signal interrupts is made again, and all bytes
 * arrive. */
static void calls_cut_short_by_a_signal_are_made_again(void **state)
{
	static const char *const calls[] = { "recv",  "send",     "sendmsg",
					     "close", "shutdown", "epoll_wait",
					     "ppoll" };
	struct fixture *f = *state;
	struct stage stage;

	stage_begin(&stage, f);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (unsigned nth = 1; nth <= 20; nth++) {
			fault_fail(calls[i], nth, EINTR);
			live_once(&stage, f);
			fault_clear();
			assert_int_equal(life.begun, 4);
			assert_int_equal(life.ended, 4);
			assert_int_equal(life.c.size, FIRST + 2 * MUCH);
			assert_int_equal(life.c.status, 0);
		}
	stage_end(&stage);
}

/* D2: the first registration may fail, in the call itself. Later changes cannot
 * fail. */
static void the_poller_may_fail(void **state)
{
	struct fixture *f = *state;

	sweep(f, poller_is(f, "kqueue") ? "kevent" : "epoll_ctl", ENOMEM);
	sweep(f, poller_is(f, "kqueue") ? "kevent" : "epoll_ctl", ENOSPC);
}

static void any_allocation_may_fail(void **state)
{
	struct rota_address address;
	size_t failed, nth = 0;
	int listener;

	(void)state;
	life.bytes = test_malloc(MUCH);
	do {
		struct fixture own;
		int descriptors;

		small_loop_begin(&own, ROTA_BUFFER_SIZE);
		listener = raw_listen(&address);
		descriptors = count_descriptors();
		own.memory.fail_at = own.memory.calls + ++nth;
		live(&own, listener, &address);
		failed = own.memory.failed;
		own.memory.fail_at = 0;
		expect_life_is_over(&own, own.memory.bytes, descriptors);
		raw_close(listener);
		small_loop_end(&own);
	} while (failed > 0);

	assert_true(nth > 2);
	assert_int_equal(life.c.size, FIRST + 2 * MUCH);
	test_free(life.bytes);
}

enum way { SEND, WRITE, TRY_WRITE, CORKED_SEND, WAYS };

/* What the call itself returns. */
static ptrdiff_t put(struct connection *c, enum way way,
		     struct rota_write *write)
{
	struct rota_const_buf buf = { "x", 1 };

	switch (way) {
	case WRITE:
		return begin_write(c, write, "w", "x", 1);
	case TRY_WRITE:
		return rota_stream_try_write(&c->tcp.stream, &buf, 1);
	default:
		return rota_stream_send(&c->tcp.stream, "x", 1);
	}
}

/* ROTA_EPIPE: the writing side has failed, by whatever call, and then nothing
 * more is tried; the reading side goes on. */
static void a_write_that_fails_is_the_last(void **state)
{
	struct fixture *f = *state;

	for (enum way way = 0; way < WAYS; way++) {
		struct rota_shutdown shutdown;
		struct rota_write write;
		struct rota_end end;
		struct connection c;
		ptrdiff_t status;

		connection_open(&c, f, NULL);
		connection_read(&c);
		rota_stream_set_cork(&c.tcp.stream, way == CORKED_SEND);
		fault_fail(way == SEND ? "send" : "sendmsg", 1, ENOBUFS);
		status = put(&c, way, &write);
		rota_stream_set_cork(&c.tcp.stream, 0);
		assert_int_equal(fault_clear(), 1);
		turn(f);

		if (way == WRITE || way == CORKED_SEND)
			assert_int_equal(status, 0);
		else
			assert_int_equal(status, ROTA_ENOBUFS);
		assert_string_equal(journal_take(),
				    way == WRITE ? "pending: w=ENOBUFS" : "");
		fault_count_reset();
		for (enum way next = 0; next < WAYS; next++)
			assert_int_equal(put(&c, next, &write), ROTA_EPIPE);
		assert_int_equal(begin_shutdown(&c, &shutdown, "s"),
				 ROTA_EPIPE);
		assert_int_equal(count_writes(), 0);
		assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
		peer_has_sent(&c, 10);
		turn(f);
		assert_int_equal(c.size, 10);
		assert_int_equal(
			rota_stream_end_with(&end, &c.tcp.stream, NULL), 0);
		run_to_the_end(f);
		assert_int_equal(end.status, ROTA_EPIPE);
		peer_close(&c);
	}
}

/* Fill what the system holds, behind the stream's back: it has asked the poller
 * for nothing yet. */
static void fill_the_system(struct connection *c)
{
	static char bytes[CONNECTION_HOLDS];
	ptrdiff_t n;

	do {
		pattern_fill(bytes, sizeof(bytes), c->produced);
		n = raw_try_send(c->fd, bytes, sizeof(bytes));
		if (n > 0)
			c->produced += (size_t)n;
	} while (n > 0);
}

/* send: what the poller has no room to wait for is not taken, and the next
 * send begins anew. */
static void a_send_that_cannot_wait_takes_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	unsigned failed;
	int status;

	if (poller_is(f, "poll"))
		skip_test("poll(2) registers nothing");
	connection_open_small(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	do {
		fill_the_system(&c);
		fault_fail(poller_is(f, "kqueue") ? "kevent" : "epoll_ctl", 1,
			   ENOMEM);
		status = connection_send(&c, 1);
		failed = fault_clear();
	} while (status == 0 && failed == 0); /* it had found room */
	assert_int_equal(status, ROTA_ENOMEM);
	assert_int_equal(failed, 1);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	assert_false(rota_loop_alive(f->loop));
	turn(f);
	assert_int_equal(c.drains, 0);

	assert_int_equal(connection_send(&c, 1), 0);
	peer_takes_until(f, &c, c.produced);
	run_to_the_end(f);

	assert_int_equal(c.drains, 0);
	connection_end(&c);
}

/* send: if some of it has gone, on_drain is told that the rest will not. */
static void a_send_that_has_begun_and_cannot_wait_fails(void **state)
{
	enum { MUCH_MORE = 4 * CONNECTION_HOLDS };
	struct fixture *f = *state;
	struct connection c;

	if (poller_is(f, "poll"))
		skip_test("poll(2) registers nothing");
	connection_open_small(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	fault_fail(poller_is(f, "kqueue") ? "kevent" : "epoll_ctl", 1, ENOMEM);
	assert_int_equal(connection_send(&c, MUCH_MORE), 0);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(c.drains, 0); /* O7 */
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	turn(f);

	assert_int_equal(c.drains, 1);
	assert_int_equal(c.drain_status, ROTA_ENOMEM);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	assert_false(rota_loop_alive(f->loop));
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(any_call_to_make_a_connection_may_fail),
	REAL(any_call_to_read_may_fail),
	REAL(any_call_to_write_may_fail),
	REAL(a_write_that_fails_is_the_last),
	REAL(a_send_that_cannot_wait_takes_nothing),
	REAL(a_send_that_has_begun_and_cannot_wait_fails),
	REAL(calls_cut_short_by_a_signal_are_made_again),
	REAL(the_poller_may_fail),
	REAL(any_allocation_may_fail),
};

FIXTURE_MAIN(tests)
