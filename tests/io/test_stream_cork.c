/*
 * Corking: everything that a callback and its ticks write leaves together.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/fault.h"
#include "support/streams.h"

enum { COUNT = 1000, SIZE = 100 };

static struct rota_write writes[COUNT];
static char bytes[COUNT][SIZE];

static unsigned ended; /* calls of count_end() */
static int last_status;

static void count_end(struct rota_write *write, int status)
{
	assert_ptr_equal(write, &writes[ended]);
	ended++;
	last_status = status;
}

/* The kernel's buffers have space for all of it. */
static void open_roomy(struct connection *c, struct fixture *f)
{
	connection_open(c, f, "c");
	raw_buffers(c->fd, 400000);
}

static void set_cork(struct connection *c, int on)
{
	rota_stream_set_cork(&c->tcp.stream, on);
}

/* An immediate that calls @act, as any callback might do it. */
struct doer {
	struct rota_task task;
	struct rota_task tick;
	struct connection *c;
	void (*act)(struct doer *doer);
	unsigned writes_after; /* system calls when the callback returned */
};

static void do_it(struct rota_task *task)
{
	struct doer *doer = rota_container_of(task, struct doer, task);

	doer->act(doer);
	doer->writes_after = count_writes();
}

static void in_a_callback(struct fixture *f, struct connection *c,
			  void (*act)(struct doer *doer))
{
	struct doer doer = { .c = c, .act = act };

	rota_task_init(&doer.task, f->loop);
	rota_task_init(&doer.tick, f->loop);
	assert_int_equal(rota_task_immediate(&doer.task, do_it), 0);
	fault_count_reset();
	turn(f);
	assert_int_equal(doer.writes_after, 0);
}

static void write_many(struct doer *doer)
{
	struct connection *c = doer->c;

	ended = 0;
	for (unsigned i = 0; i < COUNT; i++) {
		struct rota_const_buf buf = { bytes[i], SIZE };

		pattern_fill(bytes[i], SIZE, c->produced);
		assert_int_equal(rota_stream_write(&writes[i], &c->tcp.stream,
						   &buf, 1, count_end),
				 0);
		c->produced += SIZE;
	}
}

static void send_many(struct doer *doer)
{
	for (unsigned i = 0; i < COUNT; i++)
		assert_true(connection_send(doer->c, SIZE) >= 0);
}

/* 1,000 writes of 100 bytes in one callback take at most 2 system calls. */
static void a_callbacks_writes_leave_together(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	open_roomy(&c, f);
	set_cork(&c, 1);

	in_a_callback(f, &c, write_many);

	assert_in_range(count_writes(), 1, 2);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	peer_takes_until(f, &c, (size_t)COUNT * SIZE);
	RUN_UNTIL(f, ended == COUNT);
	assert_int_equal(last_status, 0);
	connection_end(&c);
}

static void a_callbacks_sends_leave_together(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	open_roomy(&c, f);
	set_cork(&c, 1);

	for (unsigned i = 1; i <= 2; i++) { /* the cork stays */
		in_a_callback(f, &c, send_many);

		assert_in_range(count_writes(), 1, 2);
		assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
		peer_takes_until(f, &c, (size_t)i * COUNT * SIZE);
	}
	connection_end(&c);
}

static void send_in_tick(struct rota_task *task)
{
	struct doer *doer = rota_container_of(task, struct doer, tick);

	assert_int_equal(connection_send(doer->c, 10), 0);
}

static void send_and_tick(struct doer *doer)
{
	assert_int_equal(connection_send(doer->c, 10), 0);
	assert_int_equal(rota_task_next_tick(&doer->tick, send_in_tick), 0);
}

/* rota_stream_set_cork(): what the callback's ticks write belongs to it. */
static void the_writes_of_ticks_leave_with_those_of_the_callback(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	set_cork(&c, 1);

	in_a_callback(f, &c, send_and_tick);

	assert_int_equal(count_writes(), 1);
	assert_int_equal(c.produced, 20);
	peer_takes_until(f, &c, 20);
	connection_end(&c);
}

static void send_and_microtask(struct doer *doer)
{
	assert_int_equal(connection_send(doer->c, 10), 0);
	assert_int_equal(rota_task_microtask(&doer->tick, send_in_tick), 0);
}

static void the_writes_of_microtasks_leave_with_them_too(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	set_cork(&c, 1);

	in_a_callback(f, &c, send_and_microtask);

	assert_int_equal(count_writes(), 1);
	assert_int_equal(c.produced, 20);
	peer_takes_until(f, &c, 20);
	connection_end(&c);
}

static void cork_and_uncork(struct doer *doer)
{
	char byte[20];

	set_cork(doer->c, 1);
	assert_int_equal(connection_send(doer->c, 10), 0);
	assert_int_equal(connection_send(doer->c, 10), 0);
	assert_int_equal(count_writes(), 0);
	set_cork(doer->c, 0);
	assert_int_equal(count_writes(), 1);
	raw_read(doer->c->peer, byte, 20);
	fault_count_reset();
}

/* rota_stream_set_cork() with 0 writes it now. */
static void taking_the_cork_out_writes_at_once(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);

	in_a_callback(f, &c, cork_and_uncork);

	assert_int_equal(count_writes(), 0); /* nothing is left to write */
	set_cork(&c, 0);
	assert_int_equal(count_writes(), 0);
	connection_end(&c);
}

/* rota_stream_set_cork(): outside callbacks the output waits until the loop
 * runs, and keeps the loop alive. */
static void outside_callbacks_a_cork_holds_until_the_loop_runs(void **state)
{
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;
	int64_t timeout;
	char byte;

	connection_open(&c, f, NULL);
	set_cork(&c, 1);
	fault_count_reset();
	assert_int_equal(connection_send(&c, 10), 0);
	byte = pattern_at(10);
	assert_int_equal(begin_write(&c, &write, "w", &byte, 1), 0);

	assert_int_equal(count_writes(), 0);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 11);
	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_next_timeout(f->loop, &timeout), 0);
	assert_int_equal(timeout, 0); /* L5 */
	run_to_the_end(f);

	assert_int_equal(count_writes(), 1);
	assert_string_equal(journal_take(), "pending: w=0");
	peer_takes_until(f, &c, 11);
	connection_end(&c);
}

static void echo(struct connection *c, int status, struct rota_buf buf)
{
	assert_int_equal(status, 0);
	for (size_t i = 0; i < buf.size; i++)
		assert_int_equal(
			rota_stream_send(&c->tcp.stream, buf.data + i, 1), 0);
}

/* A read callback writes byte by byte: that is one system call to read, and one
 * to write. */
static void a_corked_echo_is_one_write(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	set_cork(&c, 1);
	c.act = echo;
	connection_read(&c);
	for (unsigned i = 1; i <= 10; i++) {
		peer_has_sent(&c, 500);
		fault_count_reset();
		peer_takes_until(f, &c, (size_t)i * 500);
		assert_int_equal(count_writes(), 1);
		assert_int_equal(count_reads(), 1);
	}

	connection_end(&c);
}

static void write_and_close(struct doer *doer)
{
	write_many(doer);
	assert_int_equal(rota_handle_close(&doer->c->tcp.handle, note_closed),
			 0);
}

/* O2: closed in the callback, it sends nothing. */
static void closing_a_corked_stream_cancels_what_it_holds(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	char byte;

	open_roomy(&c, f);
	set_cork(&c, 1);

	in_a_callback(f, &c, write_and_close);
	turn(f);

	assert_int_equal(ended, COUNT);
	assert_int_equal(last_status, ROTA_ECANCELED);
	assert_string_equal(journal_take(), "closing: c");
	assert_int_equal(count_writes(), 0);
	await_input(c.peer);
	assert_int_equal(raw_try_read(c.peer, &byte, 1), 0);
	peer_close(&c);
}

static void send_and_free(struct doer *doer)
{
	send_many(doer);
	connection_end(doer->c);
	test_free(doer->c);
}

/* O3, O4 */
static void a_corked_stream_may_be_freed_in_the_callback(void **state)
{
	struct fixture *f = *state;
	struct connection *c = test_malloc(sizeof(*c));

	connection_open(c, f, NULL);
	set_cork(c, 1);

	in_a_callback(f, c, send_and_free);
	turn(f);

	assert_int_equal(count_writes(), 0);
	assert_false(rota_loop_alive(f->loop));
}

static struct connection several[6];

static void send_on_several(struct doer *doer)
{
	(void)doer;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(connection_send(&several[i], 10), 0);
	connection_end(&several[0]);
	connection_end(&several[2]);
	connection_end(&several[4]);
	for (unsigned i = 1; i < 6; i += 2)
		assert_int_equal(connection_send(&several[i], 10), 0);
}

/* Several streams are corked at a time. The first, the last and one in between
 * are closed. */
static void corked_streams_do_not_disturb_each_other(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 6; i++) {
		connection_open(&several[i], f, NULL);
		set_cork(&several[i], 1);
	}

	in_a_callback(f, &several[0], send_on_several);

	assert_int_equal(count_writes(), 3);
	for (unsigned i = 1; i < 6; i += 2) {
		peer_takes_until(f, &several[i], i == 5 ? 10 : 20);
		connection_end(&several[i]);
	}
}

/* A cork on a blocked stream: output that was queued continues to leave, and
 * new output follows. */
static void a_cork_on_a_blocked_stream_stops_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);
	set_cork(&c, 1);
	assert_int_equal(connection_send(&c, 1000), 1);
	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, rota_stream_queued(&c.tcp.stream) == 0);
	assert_int_equal(connection_send(&c, 1000), 0);
	set_cork(&c, 0);
	connection_block(&c);
	set_cork(&c, 1);
	set_cork(&c, 0);
	peer_takes_until(f, &c, c.produced);

	run_to_the_end(f);
	connection_end(&c);
}

static void a_closed_stream_holds_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	set_cork(&c, 1);
	assert_int_equal(connection_send(&c, SIZE), 0);
	assert_int_equal(rota_handle_close(&c.tcp.handle, NULL), 0);
	set_cork(&c, 0);
	run_to_the_end(f);

	assert_int_equal(c.drains, 0);
	connection_end(&c);
}

/* Streams that are corked wait in a queue, and any of them may be closed. */
static void a_stream_that_is_closed_holds_up_no_other(void **state)
{
	struct fixture *f = *state;
	struct connection c[3];

	for (unsigned closed = 0; closed < 2; closed++) {
		for (unsigned i = 0; i < 3; i++) {
			connection_open(&c[i], f, NULL);
			set_cork(&c[i], 1);
		}
		assert_int_equal(connection_send(&c[0], SIZE), 0);
		assert_int_equal(connection_send(&c[1], SIZE), 0);
		assert_int_equal(rota_handle_close(&c[closed].tcp.handle, NULL),
				 0);
		assert_int_equal(connection_send(&c[2], SIZE), 0);
		peer_takes_until(f, &c[1 - closed], SIZE);
		peer_takes_until(f, &c[2], SIZE);
		run_to_the_end(f);
		for (unsigned i = 0; i < 3; i++)
			connection_end(&c[i]);
	}
}

static const struct CMUnitTest tests[] = {
	REAL(a_callbacks_writes_leave_together),
	REAL(a_callbacks_sends_leave_together),
	REAL(the_writes_of_ticks_leave_with_those_of_the_callback),
	REAL(the_writes_of_microtasks_leave_with_them_too),
	REAL(taking_the_cork_out_writes_at_once),
	REAL(outside_callbacks_a_cork_holds_until_the_loop_runs),
	REAL(a_corked_echo_is_one_write),
	REAL(closing_a_corked_stream_cancels_what_it_holds),
	REAL(a_corked_stream_may_be_freed_in_the_callback),
	REAL(corked_streams_do_not_disturb_each_other),
	REAL(a_cork_on_a_blocked_stream_stops_nothing),
	REAL(a_closed_stream_holds_nothing),
	REAL(a_stream_that_is_closed_holds_up_no_other),
};

FIXTURE_MAIN(tests)
