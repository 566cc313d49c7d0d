/*
 * What the callbacks of a stream may do to it (O4): each may close it, end it,
 * and free its memory, whatever the library is doing. The memory is
 * overwritten, so that any later access is detected.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/streams.h"

enum how { CLOSE, CLOSE_NOW, RESET, END, HOWS };

static enum how how;
static struct fixture *fixture;
static unsigned called; /* calls of the tested callback */
static unsigned closed; /* calls of gone() */
static int peer_fd;     /* peer of the tested connection, or -1 */

static void let_go(struct connection *c)
{
	memset(c, '#', sizeof(*c));
	test_free(c);
	closed++;
}

static void gone(struct rota_handle *handle)
{
	let_go(rota_container_of(handle, struct connection, tcp.handle));
}

/* Close the stream as `how` says. CLOSE_NOW is impossible while a request is in
 * flight. */
static void finish(struct connection *c)
{
	called++;
	assert_int_equal(called, 1);
	switch (how) {
	case CLOSE_NOW:
		assert_int_equal(rota_handle_close_now(&c->tcp.handle), 0);
		let_go(c);
		break;
	case RESET:
		assert_int_equal(rota_stream_close_reset(&c->tcp.stream, gone),
				 0);
		break;
	case END:
		assert_int_equal(rota_stream_end(&c->tcp.stream, gone), 0);
		break;
	default:
		assert_int_equal(rota_handle_close(&c->tcp.handle, gone), 0);
	}
}

static void finish_in_read(struct connection *c, int status,
			   struct rota_buf buf)
{
	(void)buf;
	if (c->arg == NULL || status < 0)
		finish(c);
}

static void finish_in_drain(struct connection *c, int status)
{
	(void)status;
	finish(c);
}

static struct connection *subject;

static void finish_in_write(struct rota_write *write, int status)
{
	(void)write;
	(void)status;
	finish(subject);
}

static void finish_in_shutdown(struct rota_shutdown *shutdown, int status)
{
	(void)shutdown;
	(void)status;
	finish(subject);
}

static void finish_in_read_done(struct rota_read *read, int status)
{
	(void)read;
	(void)status;
	finish(subject);
}

static struct connection *begin(enum how chosen)
{
	how = chosen;
	called = closed = 0;
	subject = test_malloc(sizeof(*subject));
	connection_open_small(subject, fixture, NULL);
	peer_fd = subject->peer;
	return subject;
}

/* The peer reads and discards what there is. */
static void peer_reads(void)
{
	static char bytes[CONNECTION_HOLDS];

	while (peer_fd != -1 && raw_try_read(peer_fd, bytes, sizeof(bytes)) > 0)
		;
}

/* Run until the stream has closed. The other side ends after it, or for END,
 * before it. */
static void expect_gone(void)
{
	RUN_UNTIL(fixture, called == 1);
	if (peer_fd != -1 && how == END)
		raw_shutdown(peer_fd);
	RUN_UNTIL(fixture, (peer_reads(), closed == 1));
	turn(fixture);
	turn(fixture);
	assert_false(rota_loop_alive(fixture->loop));
	if (peer_fd != -1)
		raw_close(peer_fd);
}

static void a_read_callback_may_close_its_stream(void **state)
{
	fixture = *state;
	for (enum how i = 0; i < HOWS; i++) {
		struct connection *c = begin(i);

		c->act = finish_in_read;
		rota_stream_set_cork(&c->tcp.stream, 1);
		connection_read(c);
		peer_has_sent(c, 10);
		expect_gone();
	}
}

/* There is more to read, output is queued, and the stream is writable, so this
 * event is not finished yet. */
static void a_busy_stream_may_be_closed_by_its_read_callback(void **state)
{
	fixture = *state;
	for (enum how i = 0; i < END; i++) {
		struct connection *c = begin(i);

		c->act = finish_in_read;
		connection_read(c);
		connection_block(c);
		turn(fixture);
		peer_has_sent(c, 4000);
		peer_reads();
		expect_gone();
	}
}

static void the_callback_of_the_end_may_close_its_stream(void **state)
{
	fixture = *state;
	for (enum how i = 0; i < HOWS; i++) {
		struct connection *c = begin(i);

		c->act = finish_in_read;
		c->arg = c; /* only at the end */
		connection_read(c);
		peer_sends(c, 10);
		raw_shutdown(peer_fd);
		await_end(c->fd);
		RUN_UNTIL(fixture, called == 1);
		RUN_UNTIL(fixture, closed == 1);
		assert_false(rota_loop_alive(fixture->loop));
		raw_close(peer_fd);
	}
}

static void the_callback_of_an_error_may_close_its_stream(void **state)
{
	fixture = *state;
	for (enum how i = 0; i < HOWS; i++) {
		struct connection *c = begin(i);

		c->act = finish_in_read;
		c->arg = c;
		connection_read(c);
		connection_block(c); /* for a write error, too */
		turn(fixture);
		peer_reset(c);
		peer_fd = -1;
		expect_gone();
	}
}

static void a_drain_callback_may_close_its_stream(void **state)
{
	fixture = *state;
	for (enum how i = 0; i < HOWS; i++) {
		struct connection *c = begin(i);

		c->act_drain = finish_in_drain;
		rota_stream_on_drain(&c->tcp.stream, count_drain);
		connection_read(c);
		connection_block(c);
		RUN_UNTIL(fixture, (peer_reads(), called == 1));
		expect_gone();
	}
}

static void a_drain_callback_with_an_error_may_close_its_stream(void **state)
{
	fixture = *state;
	for (enum how i = 0; i < HOWS; i++) {
		struct connection *c = begin(i);

		c->act_drain = finish_in_drain;
		rota_stream_on_drain(&c->tcp.stream, count_drain);
		connection_block(c);
		peer_reset(c);
		peer_fd = -1;
		expect_gone();
	}
}

/* The other request completes after it, in whichever way. */
static void a_write_callback_may_close_its_stream(void **state)
{
	struct rota_const_buf buf = { "x", 1 };
	struct rota_write write;

	fixture = *state;
	for (enum how i = 0; i < HOWS; i++) {
		struct connection *c = begin(i);

		connection_read(c);
		peer_has_sent(c, 10);
		assert_int_equal(rota_stream_write(&write, &c->tcp.stream, &buf,
						   1, finish_in_write),
				 0);
		expect_gone();
	}
}

static void a_shutdown_callback_may_close_its_stream(void **state)
{
	struct rota_shutdown shutdown;

	fixture = *state;
	for (enum how i = 0; i < HOWS; i++) {
		struct connection *c = begin(i);

		peer_has_sent(c, 10);
		assert_int_equal(rota_stream_shutdown(&shutdown, &c->tcp.stream,
						      finish_in_shutdown),
				 0);
		expect_gone();
	}
}

static void the_callback_of_a_read_may_close_its_stream(void **state)
{
	struct rota_read read;
	char bytes[4];

	fixture = *state;
	for (enum how i = 0; i < HOWS; i++) {
		struct connection *c = begin(i);

		peer_has_sent(c, 10);
		assert_int_equal(rota_stream_read(&read, &c->tcp.stream,
						  (struct rota_buf){ bytes, 4 },
						  1, finish_in_read_done),
				 0);
		expect_gone();
	}
}

static void finish_in_tick(struct rota_task *task)
{
	(void)task;
	finish(subject);
}

static struct rota_task tick;

static void queue_a_tick(struct connection *c, int status, struct rota_buf buf)
{
	(void)c;
	(void)status;
	(void)buf;
	if (!called)
		assert_int_equal(rota_task_next_tick(&tick, finish_in_tick), 0);
}

/* T10: ticks run just after a callback, in the middle of the library's work,
 * too. */
static void a_tick_after_a_read_callback_may_close_the_stream(void **state)
{
	fixture = *state;
	for (enum how i = 0; i < HOWS; i++) {
		struct connection *c = begin(i);

		rota_task_init(&tick, fixture->loop);
		c->act = queue_a_tick;
		connection_read(c);
		peer_has_sent(c, 10);
		expect_gone();
	}
}

static const struct CMUnitTest tests[] = {
	REAL(a_read_callback_may_close_its_stream),
	REAL(a_busy_stream_may_be_closed_by_its_read_callback),
	REAL(the_callback_of_the_end_may_close_its_stream),
	REAL(the_callback_of_an_error_may_close_its_stream),
	REAL(a_drain_callback_may_close_its_stream),
	REAL(a_drain_callback_with_an_error_may_close_its_stream),
	REAL(a_write_callback_may_close_its_stream),
	REAL(a_shutdown_callback_may_close_its_stream),
	REAL(the_callback_of_a_read_may_close_its_stream),
	REAL(a_tick_after_a_read_callback_may_close_the_stream),
};

FIXTURE_MAIN(tests)
