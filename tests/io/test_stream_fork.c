/*
 * Streams in a forked child (F2): before rota_loop_fork() each call is refused
 * and does not affect the parent. After it the streams continue.
 */
#include "support/fixture.h"

#include <sys/socket.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/streams.h"

struct family {
	struct fixture *f;
	struct connection c;     /* reads, with output queued */
	struct connection idle;  /* was never registered */
	struct connection reads; /* has a read in flight */
	struct rota_read read;
	struct rota_write write;
	char bytes[8];
};

static void family_begin(struct family *all, struct fixture *f)
{
	all->f = f;
	connection_open_small(&all->c, f, "c");
	connection_open(&all->idle, f, "idle");
	connection_open(&all->reads, f, "reads");
	connection_read(&all->c);
	connection_block(&all->c);
	assert_int_equal(begin_write(&all->c, &all->write, "w", "", 0), 0);
	assert_int_equal(
		begin_read(&all->reads, &all->read, "r", all->bytes, 4, 4), 0);
	turn(f);
}

/* In the parent: everything continues as if there were no child. */
static void family_end(struct family *all)
{
	struct fixture *f = all->f;
	struct connection *c = &all->c;

	peer_has_sent(c, 10);
	RUN_UNTIL(f, c->size == 10);
	assert_int_equal(c->wrong, 0);
	peer_takes_until(f, c, c->produced);
	RUN_UNTIL(f, !rota_request_is_active(&all->write.request));
	assert_string_equal(journal_take(), "pending: w=0");
	peer_has_sent(&all->reads, 4);
	RUN_UNTIL(f, !rota_request_is_active(&all->read.request));
	assert_string_equal(journal_take(), "poll: r=4");
	assert_true(pattern_is(all->bytes, 4, 0));
	assert_int_equal(connection_send(&all->idle, 4), 0);
	peer_takes_until(f, &all->idle, 4);
	connection_end(c);
	connection_end(&all->idle);
	connection_end(&all->reads);
}

static unsigned made_calls(void)
{
	return fault_count(NULL) + count_reads() + count_writes() +
	       fault_count("shutdown") + fault_count("setsockopt") +
	       fault_count("getsockopt") + fault_count("socket") +
	       fault_count("close") + fault_count("bind");
}

static void try_everything(void *arg)
{
	const struct rota_const_buf bytes = { "x", 1 };
	struct family *all = arg;
	struct rota_shutdown shutdown;
	struct rota_address address;
	struct rota_connect connect;
	struct rota_deadline deadline;
	struct rota_stream *streams[] = { &all->c.tcp.stream,
					  &all->idle.tcp.stream };
	struct rota_write write;
	struct rota_read read;
	struct rota_tcp tcp;
	char byte = 'x';
	struct rota_buf buf = { &byte, 1 };

	raw_address(all->c.peer, &address);
	fault_count_reset();
	for (unsigned i = 0; i < 2; i++) {
		struct rota_stream *s = streams[i];

		EXPECT(rota_stream_read_start(s, collect) == ROTA_ECHILD);
		EXPECT(rota_stream_read(&read, s, buf, 1, note_read_done) ==
		       ROTA_ECHILD);
		EXPECT(rota_stream_send(s, &byte, 1) == ROTA_ECHILD);
		EXPECT(rota_stream_write(&write, s, &bytes, 1, note_write) ==
		       ROTA_ECHILD);
		EXPECT(rota_stream_try_write(s, &bytes, 1) == ROTA_ECHILD);
		EXPECT(rota_stream_shutdown(&shutdown, s, note_shutdown) ==
		       ROTA_ECHILD);
		EXPECT(rota_stream_end(s, NULL) == ROTA_ECHILD);
		EXPECT(rota_stream_close_reset(s, NULL) == ROTA_ECHILD);
		EXPECT(rota_stream_detach(s) == ROTA_ECHILD);
		EXPECT(rota_handle_close(&s->handle, NULL) == ROTA_ECHILD);
		EXPECT(rota_handle_close_now(&s->handle) == ROTA_ECHILD);
	}
	EXPECT(rota_tcp_init(&tcp, all->f->loop) == ROTA_ECHILD);
	EXPECT(rota_tcp_open(&tcp, all->f->loop, all->c.peer) == ROTA_ECHILD);
	EXPECT(rota_tcp_bind(&all->idle.tcp, &address, 0) == ROTA_ECHILD);
	EXPECT(rota_tcp_connect(&connect, &all->idle.tcp, &address,
				note_connect) == ROTA_ECHILD);
	EXPECT(rota_request_cancel(&all->read.request) == ROTA_ECHILD);
	EXPECT(rota_request_set_deadline(&all->read.request, &deadline, 1) ==
	       ROTA_ECHILD);
	EXPECT(rota_loop_run(all->f->loop, ROTA_RUN_NOWAIT) == ROTA_ECHILD);
	EXPECT(made_calls() == 0);
}

static void an_inherited_stream_refuses_everything(void **state)
{
	struct family all;

	family_begin(&all, *state);

	in_a_child(try_everything, &all);

	family_end(&all);
}

static void stop_and_uncork(void *arg)
{
	struct family *all = arg;

	fault_count_reset();
	rota_stream_read_stop(&all->c.tcp.stream);
	rota_stream_set_cork(&all->c.tcp.stream, 1);
	rota_stream_set_cork(&all->c.tcp.stream, 0);
	rota_stream_set_cork(&all->idle.tcp.stream, 0);
	EXPECT(rota_stream_queued(&all->c.tcp.stream) > 0);
	EXPECT(made_calls() == 0);
}

/* What only changes memory affects only the child. Only the parent writes
 * corked bytes. */
static void a_stop_in_the_child_is_not_the_parents(void **state)
{
	struct family all;

	family_begin(&all, *state);
	rota_stream_set_cork(&all.idle.tcp.stream, 1);
	assert_int_equal(connection_send(&all.idle, 4), 0);
	fault_count_reset();

	in_a_child(stop_and_uncork, &all);

	rota_stream_set_cork(&all.idle.tcp.stream, 0);
	peer_takes_until(*state, &all.idle, 4);
	all.idle.taken = all.idle.produced = 0;
	family_end(&all);
}

static int turns_until(struct fixture *f, const size_t *size, size_t wanted)
{
	for (unsigned i = 0; i < 100000 && *size < wanted; i++)
		EXPECT(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
	return *size == wanted;
}

static void go_on(void *arg)
{
	struct family *all = arg;
	struct connection *c = &all->c;
	struct fixture *f = all->f;
	size_t queued = rota_stream_queued(&c->tcp.stream);

	EXPECT(rota_loop_fork(f->loop) == 0);
	EXPECT(send(c->peer, "abc", 3, 0) == 3);
	EXPECT(turns_until(f, &c->size, 3));
	while (queued > 0) {
		char bytes[4096];

		EXPECT(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
		(void)raw_try_read(c->peer, bytes, sizeof(bytes));
		queued = rota_stream_queued(&c->tcp.stream);
	}
	EXPECT(send(all->reads.peer, "abcd", 4, 0) == 4);
	EXPECT(turns_until(f, &all->read.size, 4));
	EXPECT(rota_stream_send(&all->idle.tcp.stream, "x", 1) == 0);
	EXPECT(rota_stream_read_start(&all->idle.tcp.stream, collect) == 0);
	EXPECT(send(all->idle.peer, "abcd", 4, 0) == 4);
	EXPECT(turns_until(f, &all->idle.size, 4));
	EXPECT(rota_handle_close(&c->tcp.handle, NULL) == 0);
	EXPECT(rota_handle_close(&all->reads.tcp.handle, NULL) == 0);
	EXPECT(rota_handle_close(&all->idle.tcp.handle, NULL) == 0);
	EXPECT(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(rota_loop_close(f->loop) == 0);
	EXPECT(f->memory.bytes == 0);
}

/* F2: started reading stays started, and queued output leaves. Here only the
 * child uses the connection. */
static void streams_go_on_in_a_rebuilt_loop(void **state)
{
	struct fixture *f = *state;
	struct family all;

	family_begin(&all, f);

	in_a_child(go_on, &all);

	rota_handle_close(&all.c.tcp.handle, NULL);
	rota_handle_close(&all.reads.tcp.handle, NULL);
	rota_handle_close(&all.idle.tcp.handle, NULL);
	run_to_the_end(f);
	journal_take();
	peer_close(&all.c);
	peer_close(&all.reads);
	peer_close(&all.idle);
}

static void close_all(void *arg)
{
	struct family *all = arg;
	struct fixture *f = all->f;

	EXPECT(rota_loop_fork(f->loop) == 0);
	EXPECT(rota_loop_shutdown(f->loop, UINT64_MAX) == 0);
	EXPECT(f->memory.bytes == 0);
}

/* F2: if a child closes its inherited streams, the parent loses neither a watch
 * nor a connection. */
static void streams_closed_in_a_child_stay_the_parents(void **state)
{
	struct family all;

	family_begin(&all, *state);

	in_a_child(close_all, &all);

	family_end(&all);
}

static pid_t forked;

static void fork_in_read(struct connection *c, int status, struct rota_buf buf)
{
	(void)status;
	(void)buf;
	c->act = NULL;
	forked = child_fork();
	if (forked == 0)
		EXPECT(rota_loop_fork(rota_handle_loop(&c->tcp.handle)) == 0);
}

/* F2: rebuilt inside a read callback, from which both processes return to the
 * turn. */
static void a_read_callback_may_fork(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	c.act = fork_in_read;
	connection_read(&c);
	peer_has_sent(&c, 10);
	RUN_UNTIL(f, c.size == 10);
	if (forked == 0) {
		EXPECT(send(c.peer, "abc", 3, 0) == 3);
		EXPECT(turns_until(f, &c.size, 13));
		EXPECT(rota_handle_close_now(&c.tcp.handle) == 0);
		EXPECT(rota_loop_close(f->loop) == 0);
		child_ends();
	}
	expect_success(forked);

	peer_has_sent(&c, 10);
	RUN_UNTIL(f, c.size == 20);
	connection_end(&c);
}

static void fork_in_drain(struct rota_stream *stream, int status)
{
	(void)stream;
	(void)status;
	forked = child_fork();
	if (forked > 0)
		expect_success(forked); /* it reads first */
}

static void pump_called(struct rota_pump *pump, int status)
{
	*(int *)pump->request.data = status;
}

/* Have on_drain of @sink called in the next turn. */
static void drain_soon(struct rota_stream *sink)
{
	assert_int_equal(rota_stream_set_watermarks(sink, 100, 100), 0);
}

/* Open a pair in memory, one end of which has more queued than its high
 * watermark. */
static void open_full(struct fixture *f, struct rota_memory_stream *sink,
		      struct rota_memory_stream *peer)
{
	assert_int_equal(rota_memory_stream_pair(sink, peer, f->loop, 8), 0);
	assert_int_equal(rota_stream_set_watermarks(&sink->stream, 0, 0), 0);
	assert_int_equal(rota_stream_send(&sink->stream, "0123456789", 10), 1);
}

/* F2: on_drain forks, and a pump was to be told in the same phase. In the
 * child it is told when the loop is rebuilt: it cannot read before. */
static void an_on_drain_may_fork(void **state)
{
	struct fixture *f = *state;
	struct rota_memory_stream one, one_peer, sink, sink_peer;
	struct rota_pump pump;
	struct connection source;
	int status = 1;

	connection_open(&source, f, NULL);
	open_full(f, &one, &one_peer);
	rota_stream_on_drain(&one.stream, fork_in_drain);
	open_full(f, &sink, &sink_peer);
	assert_int_equal(rota_pump_start(&pump, &source.tcp.stream,
					 &sink.stream, 0, pump_called),
			 0);
	pump.request.data = &status;
	drain_soon(&one.stream);
	drain_soon(&sink.stream);
	forked = -1;
	(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT); /* or ROTA_ECHILD */
	if (forked == 0) {
		EXPECT(rota_loop_fork(f->loop) == 0);
		EXPECT(send(source.peer, "abc", 3, 0) == 3);
		for (int i = 0; i < 100 && pump.bytes < 3; i++)
			EXPECT(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
		EXPECT(pump.bytes == 3);
		EXPECT(status == 1);
		child_ends();
	}

	assert_true(forked > 0);
	peer_sends(&source, 5);
	RUN_UNTIL(f, pump.bytes == 5);
	assert_int_equal(rota_pump_stop(&pump), 0);
	RUN_UNTIL(f, status == ROTA_ECANCELED);
	assert_int_equal(rota_handle_close_now(&one.handle), 0);
	assert_int_equal(rota_handle_close_now(&one_peer.handle), 0);
	assert_int_equal(rota_handle_close_now(&sink.handle), 0);
	assert_int_equal(rota_handle_close_now(&sink_peer.handle), 0);
	connection_end(&source);
}

static const struct CMUnitTest tests[] = {
	REAL(an_inherited_stream_refuses_everything),
	REAL(a_stop_in_the_child_is_not_the_parents),
	REAL(streams_go_on_in_a_rebuilt_loop),
	REAL(streams_closed_in_a_child_stay_the_parents),
	REAL(a_read_callback_may_fork),
	REAL(an_on_drain_may_fork),
};

FIXTURE_MAIN(tests)
