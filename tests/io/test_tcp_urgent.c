/*
 * Urgent data: sending a byte, a callback for it, and that it disturbs nothing
 * else: no read without bytes, and no loop that does not sleep.
 */
#include "support/fixture.h"

#include <errno.h>
#include <sys/socket.h>

#include "support/fault.h"
#include "support/streams_more.h"

enum { WHILE_MS = 20, FEW_WAITS = 10 };

static void peer_says_urgently(struct connection *c, char byte)
{
	assert_int_equal(send(c->peer, &byte, 1, MSG_OOB), 1);
}

/* Wait until an urgent byte has arrived at the stream's descriptor. */
static void await_urgent(struct connection *c)
{
	uint64_t until = real_now() + ROTA_SEC(40);
	char byte;

	while (recv(c->fd, &byte, 1, MSG_OOB | MSG_PEEK) != 1)
		out_of_time(until, __FILE__, __LINE__);
}

/* The peer takes the urgent byte as soon as it has arrived. */
static char peer_takes_urgent(struct connection *c)
{
	uint64_t until = real_now() + ROTA_SEC(40);
	char byte = 0;

	while (recv(c->peer, &byte, 1, MSG_OOB) != 1)
		out_of_time(until, __FILE__, __LINE__);
	return byte;
}

static void an_urgent_byte_is_sent(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	char text[6];

	connection_open(&c, f, NULL);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "abc", 3), 0);
	assert_int_equal(rota_tcp_send_urgent(&c.tcp, '!'), 0);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "def", 3), 0);

	assert_int_equal(peer_takes_urgent(&c), '!');
	raw_read(c.peer, text, 6);
	assert_memory_equal(text, "abcdef", 6);
	connection_end(&c);
}

/* The byte has its place in the output, so it is not sent ahead of what is
 * queued. */
static void an_urgent_byte_does_not_overtake_what_is_queued(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	connection_block(&c);

	assert_int_equal(rota_tcp_send_urgent(&c.tcp, '!'), ROTA_EAGAIN);

	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, rota_stream_queued(&c.tcp.stream) == 0);
	assert_int_equal(rota_tcp_send_urgent(&c.tcp, '!'), 0);
	assert_int_equal(peer_takes_urgent(&c), '!');
	connection_end(&c);
}

/* The kernel has no room, though nothing is queued here. */
static void an_urgent_byte_may_find_no_room(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	fault_fail("send", 1, EAGAIN);
	assert_int_equal(rota_tcp_send_urgent(&c.tcp, '!'), ROTA_EAGAIN);
	assert_int_equal(fault_clear(), 1);
	fault_fail("send", 1, EINTR);
	assert_int_equal(rota_tcp_send_urgent(&c.tcp, '!'), 0);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(peer_takes_urgent(&c), '!');
	connection_end(&c);
}

static void an_error_of_the_system_fails_the_writing_side(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	fault_fail("send", 1, ENOBUFS);
	assert_int_equal(rota_tcp_send_urgent(&c.tcp, '!'), ROTA_ENOBUFS);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_tcp_send_urgent(&c.tcp, '!'), ROTA_EPIPE);
	assert_int_equal(rota_stream_send(&c.tcp.stream, "x", 1), ROTA_EPIPE);
	connection_end(&c);
}

static void ignore_urgent(struct rota_tcp *tcp, char byte)
{
	(void)tcp;
	(void)byte;
}

static void expect_refused(struct rota_tcp *tcp, int send, int receive)
{
	assert_int_equal(rota_tcp_send_urgent(tcp, '!'), send);
	assert_int_equal(rota_tcp_on_urgent(tcp, ignore_urgent), receive);
}

static void urgent_data_needs_a_connection(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct waiting w;
	struct connection c;
	struct rota_tcp tcp;
	struct server s;

	tcp_init(&tcp, f);
	expect_refused(&tcp, ROTA_ENOTCONN, ROTA_ENOTCONN);
	tcp_end(&tcp);
	server_open(&s, f, 8);
	expect_refused(&s.tcp, ROTA_EINVAL, ROTA_EINVAL);
	server_end(&s);
	waiting_begin(&w, f);
	expect_refused(&w.c.tcp, ROTA_EAGAIN, ROTA_ENOTCONN);
	assert_int_equal(rota_handle_close(&w.c.tcp.handle, NULL), 0);
	run_to_the_end(f);
	(void)journal_take();
	waiting_end(&w);
	connection_open(&c, f, "c");
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(rota_tcp_send_urgent(&c.tcp, '!'), ROTA_EAGAIN);
	rota_stream_set_cork(&c.tcp.stream, 0);
	assert_int_equal(begin_shutdown(&c, &shutdown, "s"), 0);
	assert_int_equal(rota_tcp_send_urgent(&c.tcp, '!'), ROTA_EPIPE);
	assert_int_equal(rota_handle_close(&c.tcp.handle, NULL), 0);
	expect_refused(&c.tcp, ROTA_EINVAL, ROTA_EINVAL);
	run_to_the_end(f);
	(void)journal_take();
	peer_close(&c);
}

/* A connection that is called with urgent bytes. */
struct hearer {
	struct connection c;
	char text[8]; /* the bytes, and a 0 */
	unsigned calls;
	size_t before; /* bytes that had been read at the last call */
	void (*act)(struct hearer *h);
};

static void on_urgent(struct rota_tcp *tcp, char byte)
{
	struct hearer *h = rota_container_of(tcp, struct hearer, c.tcp);

	assert_int_equal(rota_loop_phase(rota_handle_loop(&tcp->handle)),
			 ROTA_PHASE_POLL);
	h->text[h->calls++] = byte;
	h->before = h->c.size;
	if (h->act != NULL)
		h->act(h);
}

static void hearer_open(struct hearer *h, struct fixture *f)
{
	int error;

	*h = (struct hearer){ .calls = 0 };
	connection_open(&h->c, f, "h");
	error = rota_tcp_on_urgent(&h->c.tcp, on_urgent);
	if (error == ROTA_ENOTSUP) {
		connection_end(&h->c);
		skip_test("the poller has no event for it");
	}
	assert_int_equal(error, 0);
}

/* What is read is complete and in order, each byte is called once, and the loop
 * sleeps. */
static void urgent_bytes_are_called_back(void **state)
{
	struct fixture *f = *state;
	struct hearer h;

	hearer_open(&h, f);
	connection_read(&h.c);
	turn(f);
	for (unsigned i = 0; i < 3; i++) {
		peer_sends(&h.c, 100);
		peer_says_urgently(&h.c, (char)('1' + (int)i));
		peer_sends(&h.c, 100);
		RUN_UNTIL(f, h.calls == i + 1 && h.c.size == (i + 1) * 200);
		assert_in_range(waits_within(f, WHILE_MS), 1, FEW_WAITS);
	}

	assert_string_equal(h.text, "123");
	assert_int_equal(h.c.wrong, 0);
	assert_int_equal(rota_tcp_on_urgent(&h.c.tcp, NULL), 0);
	peer_says_urgently(&h.c, '4');
	peer_sends(&h.c, 100);
	RUN_UNTIL(f, h.c.size == 700);
	assert_int_equal(h.calls, 3);
	connection_end(&h.c);
}

/* The byte comes before input that arrived earlier: that is what it is for. */
static void an_urgent_byte_overtakes_input(void **state)
{
	struct fixture *f = *state;
	struct connection alive;
	struct hearer h;

	connection_open(&alive, f, NULL);
	connection_read(&alive); /* the loop is alive without h */
	hearer_open(&h, f);
	turn(f);
	peer_sends(&h.c, 100);
	peer_says_urgently(&h.c, '!');

	RUN_UNTIL(f, h.calls == 1); /* nobody reads */
	assert_in_range(waits_within(f, WHILE_MS), 1, FEW_WAITS);
	assert_int_equal(h.before, 0);
	connection_read(&h.c);
	RUN_UNTIL(f, h.c.size == 100);
	assert_int_equal(h.c.wrong, 0);
	assert_int_equal(h.calls, 1);
	connection_end(&h.c);
	connection_end(&alive);
}

/* It had arrived, and the poller had reported it, before anybody asked. */
static void an_urgent_byte_that_is_there_already_is_called_back(void **state)
{
	struct fixture *f = *state;
	struct hearer h = { .calls = 0 };
	struct connection alive;

	connection_open(&alive, f, NULL);
	connection_read(&alive);
	connection_open(&h.c, f, "h");
	connection_read(&h.c);
	rota_stream_read_stop(&h.c.tcp.stream);
	peer_says_urgently(&h.c, '!');
	await_urgent(&h.c);
	turn(f);
	turn(f);
	if (rota_tcp_on_urgent(&h.c.tcp, on_urgent) == ROTA_ENOTSUP) {
		connection_end(&h.c);
		skip_test("the poller has no event for it");
	}

	RUN_UNTIL(f, h.calls == 1);
	assert_string_equal(h.text, "!");
	assert_in_range(waits_within(f, WHILE_MS), 1, FEW_WAITS);
	connection_end(&h.c);
	connection_end(&alive);
}

static void close_now_in_call(struct hearer *h)
{
	assert_int_equal(rota_handle_close_now(&h->c.tcp.handle), 0);
}

static void close_in_call(struct hearer *h)
{
	assert_int_equal(rota_handle_close(&h->c.tcp.handle, note_closed), 0);
}

static void reset_in_call(struct hearer *h)
{
	assert_int_equal(rota_stream_close_reset(&h->c.tcp.stream, NULL), 0);
}

static void detach_in_call(struct hearer *h)
{
	int fd = rota_stream_detach(&h->c.tcp.stream);

	assert_true(fd >= 0);
	raw_close(fd);
}

/* O4: nothing is read afterwards, and no memory is left. */
static void a_callback_may_end_the_stream(void **state)
{
	static void (*const acts[])(struct hearer *) = {
		close_now_in_call,
		close_in_call,
		reset_in_call,
		detach_in_call,
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 4; i++) {
		struct hearer h;

		hearer_open(&h, f);
		h.act = acts[i];
		connection_read(&h.c);
		turn(f);
		peer_sends(&h.c, 100);
		peer_says_urgently(&h.c, '!');
		await_urgent(&h.c);
		RUN_UNTIL(f, h.calls == 1);
		turn(f);
		assert_int_equal(h.calls, 1);
		peer_close(&h.c);
		(void)journal_take();
	}
}

static void stop_in_call(struct hearer *h)
{
	assert_int_equal(rota_tcp_on_urgent(&h->c.tcp, NULL), 0);
}

static void replace_in_call(struct hearer *h)
{
	assert_int_equal(rota_tcp_on_urgent(&h->c.tcp, ignore_urgent), 0);
}

static void a_callback_may_stop_itself(void **state)
{
	static void (*const acts[])(struct hearer *) = { stop_in_call,
							 replace_in_call };
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct hearer h;

		hearer_open(&h, f);
		h.act = acts[i];
		connection_read(&h.c);
		peer_says_urgently(&h.c, '!');
		RUN_UNTIL(f, h.calls == 1);
		peer_says_urgently(&h.c, '!');
		peer_sends(&h.c, 100);
		RUN_UNTIL(f, h.c.size == 100);
		assert_int_equal(h.calls, 1);
		connection_end(&h.c);
	}
}

static void taking_it_back_twice_is_nothing(void **state)
{
	struct connection c;

	connection_open(&c, *state, NULL);
	assert_int_equal(rota_tcp_on_urgent(&c.tcp, NULL), 0);
	if (rota_tcp_on_urgent(&c.tcp, ignore_urgent) == 0)
		assert_int_equal(rota_tcp_on_urgent(&c.tcp, ignore_urgent), 0);
	assert_int_equal(rota_tcp_on_urgent(&c.tcp, NULL), 0);
	assert_int_equal(rota_tcp_on_urgent(&c.tcp, NULL), 0);
	assert_string_equal(rota_handle_type(&c.tcp.handle), "tcp");
	connection_end(&c);
}

/* F3 */
static void there_may_be_no_memory_for_it(void **state)
{
	struct fixture *f = *state;
	struct hearer h;
	int status;

	hearer_open(&h, f); /* or skip */
	assert_int_equal(rota_tcp_on_urgent(&h.c.tcp, NULL), 0);
	f->memory.fail_at = f->memory.calls + 1;
	status = rota_tcp_on_urgent(&h.c.tcp, on_urgent);
	f->memory.fail_at = 0;
	assert_int_equal(status, ROTA_ENOMEM);
	connection_expect_talk(f, &h.c);
	connection_end(&h.c);
}

static void the_poller_may_refuse_it(void **state)
{
	struct fixture *f = *state;
	struct hearer h;
	size_t bytes;

	if (poller_is(f, "poll"))
		skip_test("poll(2) registers nothing");
	hearer_open(&h, f); /* or skip */
	connection_end(&h.c);
	connection_open(&h.c, f, "h");
	bytes = f->memory.bytes;
	fault_fail(poller_is(f, "epoll") ? "epoll_ctl" : "kevent", 1, ENOSPC);
	assert_int_equal(rota_tcp_on_urgent(&h.c.tcp, on_urgent), ROTA_ENOSPC);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(f->memory.bytes, bytes);
	connection_expect_talk(f, &h.c);
	connection_end(&h.c);
}

/* An error, the end or an inline byte is reported as all that a watch waits
 * for. The loop sleeps all the same. */
static void what_is_no_urgent_byte_lets_the_loop_sleep(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		struct hearer h;

		hearer_open(&h, f);
		turn(f);
		if (i == 0) {
			peer_reset(&h.c);
		} else if (i == 1) {
			peer_sends(&h.c, 10);
			peer_close(&h.c);
		} else {
			assert_int_equal(
				rota_tcp_set_urgent_inline(&h.c.tcp, 1), 0);
			peer_says_urgently(&h.c, '!');
			await_input(h.c.fd);
		}
		assert_in_range(waits_within(f, WHILE_MS), 1, FEW_WAITS);
		assert_int_equal(h.calls, 0);
		connection_end(&h.c);
	}
}

static void after_an_end_it_is_not_called(void **state)
{
	struct fixture *f = *state;
	struct hearer h;

	hearer_open(&h, f);
	connection_read(&h.c);
	turn(f);
	assert_int_equal(rota_stream_end(&h.c.tcp.stream, NULL), 0);
	peer_says_urgently(&h.c, '!');
	peer_sends(&h.c, 10);
	turn(f);
	peer_close(&h.c);
	run_to_the_end(f);
	assert_int_equal(h.calls, 0);
}

/* L1 */
static void it_does_not_keep_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct hearer h;

	hearer_open(&h, f);
	assert_false(rota_loop_alive(f->loop));
	run_to_the_end(f);
	connection_end(&h.c);
}

/* A shutdown of the loop closes the stream, and frees what belongs to it. */
static void a_shutdown_of_the_loop_ends_it(void **state)
{
	struct fixture *f = *state;
	struct hearer h;

	hearer_open(&h, f);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	peer_close(&h.c);
}

static void expect_sleeps_and_reads(struct fixture *f, struct connection *c,
				    unsigned reads)
{
	assert_in_range(waits_within(f, WHILE_MS), 1, FEW_WAITS);
	assert_int_equal(c->reads + c->ends, reads);
}

/* Without a callback, an urgent byte by itself is no input, and the loop
 * sleeps. */
static void an_urgent_byte_alone_calls_no_reader(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	turn(f);
	peer_says_urgently(&c, '!');
	await_urgent(&c);
	expect_sleeps_and_reads(f, &c, 0);
	connection_end(&c);
}

/* The same for a stream that is not read: all remains in the kernel. */
static void an_urgent_byte_for_nobody_lets_the_loop_sleep(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	rota_stream_read_stop(&c.tcp.stream);
	peer_says(&c, "ab");
	for (unsigned i = 0; i < 5; i++)
		peer_says_urgently(&c, '!');
	expect_sleeps_and_reads(f, &c, 0);
	connection_end(&c);
}

static void urgent_bytes_can_be_inline(void **state)
{
	struct fixture *f = *state;
	struct hearer h;

	hearer_open(&h, f);
	assert_int_equal(rota_tcp_set_urgent_inline(&h.c.tcp, 1), 0);
	connection_read(&h.c);
	for (const char *at = "hello"; *at != 0; at++)
		peer_says_urgently(&h.c, *at);

	RUN_UNTIL(f, h.c.size == 5);
	assert_string_equal(h.c.text, "hello");
	assert_in_range(waits_within(f, WHILE_MS), 1, FEW_WAITS);
	peer_says(&h.c, " you");
	RUN_UNTIL(f, h.c.size == 9);
	assert_string_equal(h.c.text, "hello you");
	assert_int_equal(h.calls, 0);

	assert_int_equal(rota_tcp_set_urgent_inline(&h.c.tcp, 0), 0);
	assert_int_equal(rota_tcp_on_urgent(&h.c.tcp, on_urgent), 0);
	peer_says_urgently(&h.c, '!');
	RUN_UNTIL(f, h.calls == 1);
	assert_string_equal(h.text, "!");
	assert_int_equal(h.c.size, 9);
	connection_end(&h.c);
}

static const struct CMUnitTest tests[] = {
	REAL(an_urgent_byte_is_sent),
	REAL(an_urgent_byte_does_not_overtake_what_is_queued),
	REAL(an_urgent_byte_may_find_no_room),
	REAL(an_error_of_the_system_fails_the_writing_side),
	REAL(urgent_data_needs_a_connection),
	REAL(urgent_bytes_are_called_back),
	REAL(an_urgent_byte_overtakes_input),
	REAL(an_urgent_byte_that_is_there_already_is_called_back),
	REAL(a_callback_may_end_the_stream),
	REAL(a_callback_may_stop_itself),
	REAL(taking_it_back_twice_is_nothing),
	REAL(there_may_be_no_memory_for_it),
	REAL(the_poller_may_refuse_it),
	REAL(what_is_no_urgent_byte_lets_the_loop_sleep),
	REAL(after_an_end_it_is_not_called),
	REAL(it_does_not_keep_the_loop_alive),
	REAL(a_shutdown_of_the_loop_ends_it),
	REAL(an_urgent_byte_alone_calls_no_reader),
	REAL(an_urgent_byte_for_nobody_lets_the_loop_sleep),
	REAL(urgent_bytes_can_be_inline),
};

FIXTURE_MAIN(tests)
