/*
 * Limited rates of pipes, of connects, and in a forked child; and what happens
 * if memory runs out.
 */
#include "support/fixture.h"

#include <string.h>
#include <unistd.h>

#include "support/child.h"
#include "support/pipes.h"
#include "support/rate.h"
#include "support/streams_more.h"

enum { RATE = 100 * KIB, BURST = 10 * KIB, SIZE = 40 * KIB };

static struct rota_bucket bucket;
static char data[SIZE];

static void bucket_full(struct fixture *f)
{
	bucket_begin(&bucket, f, RATE, BURST);
	pattern_fill(data, SIZE, 0);
}

/* Write to the peer, which is raw, and read it there. */
static void expect_written_slowly(struct fixture *f, struct pipe_end *e)
{
	static char got[SIZE];
	uint64_t begun = time_passed(f);
	size_t taken = 0;

	bucket_full(f);
	assert_int_equal(rota_stream_set_rate(&e->pipe.stream, NULL, &bucket),
			 0);
	assert_true(rota_stream_send(&e->pipe.stream, data, SIZE) >= 0);
	while (taken < SIZE) {
		ssize_t n = read(e->peer, got + taken, SIZE - taken);

		if (n > 0)
			taken += (size_t)n;
		else
			pass_once(f, 0);
	}
	assert_int_equal(time_passed(f) - begun, time_for(SIZE, RATE, BURST));
	assert_memory_equal(got, data, SIZE);
	pipe_end_close(e);
	bucket_end(&bucket);
}

static void expect_read_slowly(struct fixture *f, struct pipe_end *e)
{
	uint64_t begun = time_passed(f);

	bucket_full(f);
	assert_int_equal(rota_stream_set_rate(&e->pipe.stream, &bucket, NULL),
			 0);
	pipe_read(e);
	assert_int_equal(write(e->peer, data, SIZE), SIZE);
	pipe_peer_close(e);
	PASS(f, e->size == SIZE);
	assert_int_equal(time_passed(f) - begun, time_for(SIZE, RATE, BURST));
	assert_int_equal(e->ends, 0);
	PASS(f, e->ends > 0);
	assert_int_equal(e->status, ROTA_EOF);
	pipe_end_close(e);
	bucket_end(&bucket);
}

static void pipes_of_all_kinds_are_limited(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;

	pipe_end_open(&e, f);
	expect_written_slowly(f, &e);
	pipe_end_writer(&e, f);
	expect_written_slowly(f, &e);
	pipe_end_open(&e, f);
	expect_read_slowly(f, &e);
	pipe_end_reader(&e, f);
	expect_read_slowly(f, &e);
}

/* The peer is gone while input waits for tokens: a level-triggered poller would
 * report that without end. */
static void a_waiting_reader_lets_the_loop_sleep(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	uint64_t turns;

	pipe_end_reader(&e, f);
	bucket_begin(&bucket, f, 1, 1);
	assert_int_equal(rota_stream_set_rate(&e.pipe.stream, &bucket, NULL),
			 0);
	pipe_read(&e);
	raw_put(e.peer, "abcde");
	pipe_peer_close(&e);
	turns = stats_of(f->loop).turns;
	PASS(f, e.ends > 0);
	assert_string_equal(e.text, "abcde");
	assert_int_equal(time_passed(f), ROTA_SEC(5));
	assert_in_range(stats_of(f->loop).turns - turns, 5, 40);
	pipe_end_close(&e);
	bucket_end(&bucket);
}

static void drop_input(struct rota_stream *stream, int status,
		       const struct rota_buf *buf)
{
	(void)stream;
	(void)buf;
	assert_int_equal(status, 0);
}

/* The descriptors go with the first byte. */
static void descriptors_wait_for_a_token(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe a, b;
	struct rota_const_buf buf = { data, 2 * KIB };
	struct rota_pass pass;
	int fd = -1;

	bucket_full(f);
	assert_int_equal(rota_pipe_pair(&a, &b, f->loop), 0);
	assert_int_equal(rota_pipe_accept_descriptors(&b, 1), 0);
	assert_int_equal(rota_stream_set_rate(&a.stream, NULL, &bucket), 0);
	assert_true(rota_stream_send(&a.stream, data, BURST) >= 0);
	pass.write.request.data = "pass";
	assert_int_equal(
		rota_pipe_write(&pass, &a, &buf, 1, &(int){ 0 }, 1, note_write),
		0);
	turn(f);
	assert_true(rota_request_is_active(&pass.write.request));
	PASS(f, !rota_request_is_active(&pass.write.request));
	assert_string_equal(journal_take(), "pending: pass=0");
	assert_int_equal(time_passed(f), ROTA_MSEC(20));
	assert_int_equal(rota_stream_read_start(&b.stream, drop_input), 0);
	turn(f);
	turn(f);
	assert_int_equal(rota_pipe_take_descriptors(&b, &fd, 1), 1);
	close(fd);
	assert_int_equal(rota_handle_close_now(&a.handle), 0);
	assert_int_equal(rota_handle_close_now(&b.handle), 0);
	bucket_end(&bucket);
}

/* A limit may be set before the connect, and stays. */
static void a_stream_that_connects_has_its_limit(void **state)
{
	struct fixture *f = *state;
	struct attempt a = { 0 };
	struct connection c = { 0 };
	struct server s;

	server_open(&s, f, 4);
	bucket_begin(&bucket, f, RATE, 1000);
	tcp_init(&c.tcp, f);
	assert_int_equal(rota_stream_set_rate(&s.tcp.stream, &bucket, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_set_rate(&c.tcp.stream, &bucket, &bucket),
			 0);
	assert_int_equal(attempt_begin(&a, &c.tcp, &s.address), 0);
	assert_true(connection_send(&c, 5000) >= 0);
	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, s.kept > 0);
	c.peer = s.fds[0];
	s.kept = 0;
	peer_takes(&c);
	assert_int_equal(c.taken, 1000);
	pass_time(f, time_for(5000, RATE, 1000) + 1);
	await_bytes(c.peer, 4000);
	peer_takes(&c);
	assert_int_equal(c.taken, 5000);
	connection_end(&c);
	server_end(&s);
	bucket_end(&bucket);
}

static void note_connected(struct rota_connect *connect, int status)
{
	assert_int_equal(status, 0);
	*(int *)connect->request.data = 1;
}

/* So has one that races for the best address. */
static void a_stream_that_connects_by_name_has_its_limit(void **state)
{
	struct fixture *f = *state;
	struct rota_host_connect connect;
	struct connection c = { 0 };
	struct server s;
	static int connected;

	connected = 0;
	server_open(&s, f, 4);
	bucket_begin(&bucket, f, RATE, 1000);
	tcp_init(&c.tcp, f);
	assert_int_equal(rota_stream_set_rate(&c.tcp.stream, &bucket, &bucket),
			 0);
	connect.connect.request.data = &connected;
	assert_int_equal(rota_tcp_connect_host(&connect, &c.tcp, "127.0.0.1",
					       rota_address_port(&s.address),
					       NULL, note_connected),
			 0);
	RUN_UNTIL(f, connected && s.kept > 0);
	c.peer = s.fds[0];
	s.kept = 0;
	assert_int_equal(rota_bucket_users(&bucket), 2);
	assert_int_equal(connection_send(&c, 5000), 0);
	peer_takes(&c);
	assert_int_equal(c.taken, 1000);
	pass_time(f, time_for(5000, RATE, 1000) + 1);
	await_bytes(c.peer, 4000);
	peer_takes(&c);
	assert_int_equal(c.taken, 5000);
	connection_end(&c);
	server_end(&s);
	bucket_end(&bucket);
}

/* A child goes on by itself when it has rebuilt the loop. */
static void a_child_that_rebuilds_the_loop_goes_on(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	pid_t child;

	bucket_full(f);
	pipe_end_open(&e, f);
	assert_int_equal(rota_stream_set_rate(&e.pipe.stream, NULL, &bucket),
			 0);
	assert_true(rota_stream_send(&e.pipe.stream, data, BURST + 10) >= 0);
	child = child_fork();
	if (child == 0) {
		EXPECT(rota_stream_set_rate(&e.pipe.stream, NULL, NULL) ==
		       ROTA_ECHILD);
		EXPECT(rota_loop_fork(f->loop) == 0);
		for (unsigned i = 0; i < 20; i++)
			EXPECT(rota_loop_run(f->loop, ROTA_RUN_ONCE) >= 0);
		EXPECT(rota_stream_queued(&e.pipe.stream) == 0);
		child_ends();
	}
	expect_success(child);
	assert_int_equal(raw_drain(e.peer), BURST + 10);
	assert_int_equal(rota_stream_queued(&e.pipe.stream), 10);
	PASS(f, rota_stream_queued(&e.pipe.stream) == 0);
	assert_int_equal(raw_drain(e.peer), 10);
	pipe_end_close(&e);
	bucket_end(&bucket);
}

/* Each allocation fails once: the send or the read says so, or it works. */
static void a_shortage_of_memory_leaks_nothing(void **state)
{
	struct fixture *f = *state;

	for (size_t nth = 1;; nth++) {
		size_t failed = f->memory.failed;
		struct pipe_end e;
		int error;

		bucket_begin(&bucket, f, 1, 1);
		pipe_end_open(&e, f);
		f->memory.fail_at = f->memory.calls + nth;
		error = rota_stream_set_rate(&e.pipe.stream, &bucket, &bucket);
		if (error == 0)
			error = rota_stream_read_start(&e.pipe.stream,
						       pipe_collect);
		if (error == 0)
			error = rota_stream_send(&e.pipe.stream, data, 100);
		assert_true(error == 0 || error == ROTA_ENOMEM);
		turn(f);
		turn(f);
		f->memory.fail_at = 0;
		pipe_end_close(&e);
		bucket_end(&bucket);
		if (f->memory.failed == failed)
			break;
	}
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(pipes_of_all_kinds_are_limited),
	VIRTUAL(a_waiting_reader_lets_the_loop_sleep),
	VIRTUAL(descriptors_wait_for_a_token),
	VIRTUAL(a_stream_that_connects_has_its_limit),
	VIRTUAL(a_stream_that_connects_by_name_has_its_limit),
	VIRTUAL(a_child_that_rebuilds_the_loop_goes_on),
	VIRTUAL(a_shortage_of_memory_leaks_nothing),
};

FIXTURE_MAIN(tests)
