/*
 * Anonymous pipes and FIFOs: their ends, and what happens when the other end
 * closes.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/pipes.h"
#include "support/probe.h"

enum { MUCH = 1 << 20 };

static char much[MUCH];

static void a_reader_reads_to_the_end(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;

	pipe_end_reader(&e, f);
	pipe_read(&e);
	raw_put(e.peer, "some text");
	RUN_UNTIL(f, e.size == 9);
	assert_string_equal(e.text, "some text");
	assert_int_equal(e.ends, 0);
	pipe_peer_close(&e);
	RUN_UNTIL(f, e.ends == 1);

	assert_int_equal(e.status, ROTA_EOF);
	assert_false(rota_loop_alive(f->loop));
	pipe_end_close(&e);
}

static void what_is_written_comes_out_in_order(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	size_t taken = 0;
	char data[4096];

	pipe_end_writer(&e, f);
	rota_stream_on_drain(&e.pipe.stream, pipe_drained);
	pattern_fill(much, MUCH, 0);
	assert_int_equal(rota_stream_send(&e.pipe.stream, much, MUCH), 1);
	while (taken < MUCH) {
		ptrdiff_t n = raw_try_read(e.peer, data, sizeof(data));

		if (n > 0) {
			assert_true(pattern_is(data, (size_t)n, taken));
			taken += (size_t)n;
		} else {
			turn(f);
		}
	}
	RUN_UNTIL(f, e.drains == 1);
	assert_int_equal(e.drain_status, 0);
	pipe_end_close(&e);
}

/* An end has one direction. */
static void an_end_does_not_work_the_other_way(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	struct rota_const_buf buf = rota_bytes("x", 1);

	pipe_end_reader(&e, f);
	assert_int_equal(rota_stream_send(&e.pipe.stream, "x", 1), ROTA_EPIPE);
	assert_int_equal(rota_stream_try_write(&e.pipe.stream, &buf, 1),
			 ROTA_EPIPE);
	pipe_end_close(&e);
	pipe_end_writer(&e, f);
	assert_int_equal(rota_stream_read_start(&e.pipe.stream, pipe_collect),
			 ROTA_EOF);
	pipe_end_close(&e);
}

static void a_read_request_reads_a_pipe(void **state)
{
	struct fixture *f = *state;
	struct rota_read read = { .request.data = "read" };
	struct pipe_end e;
	char text[8];

	pipe_end_reader(&e, f);
	assert_int_equal(rota_stream_read(&read, &e.pipe.stream,
					  (struct rota_buf){ text, 8 }, 6,
					  note_read_done),
			 0);
	raw_put(e.peer, "abc");
	turn(f);
	raw_put(e.peer, "def");
	RUN_UNTIL(f, !rota_request_is_active(&read.request));
	assert_string_equal(journal_take(), "poll: read=6");
	assert_memory_equal(text, "abcdef", 6);
	pipe_end_close(&e);
}

/* D5, where the reader has gone before the write. */
static void write_to_a_closed_pipe(void *arg)
{
	struct pipe_end *e = arg;

	EXPECT(rota_loop_fork(rota_handle_loop(&e->pipe.handle)) == 0);
	signal(SIGPIPE, SIG_DFL);
	EXPECT(rota_stream_send(&e->pipe.stream, "x", 1) == ROTA_EPIPE);
	EXPECT(rota_stream_send(&e->pipe.stream, "x", 1) == ROTA_EPIPE);
}

static void nobody_reads_and_no_signal_comes(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;

	pipe_end_writer(&e, f);
	pipe_peer_close(&e);
	in_a_child(write_to_a_closed_pipe, &e);
	pipe_end_close(&e);
}

/* D5, and it must not spin: where the reader goes while output is queued. */
static void a_reader_that_goes_is_told_to_the_writer(void **state)
{
	struct fixture *f = *state;
	struct rota_write write = { .request.data = "write" };
	struct rota_const_buf buf = rota_bytes(much, MUCH);
	struct pipe_end e;

	pipe_end_writer(&e, f);
	rota_stream_on_drain(&e.pipe.stream, pipe_drained);
	assert_int_equal(
		rota_stream_write(&write, &e.pipe.stream, &buf, 1, note_write),
		0);
	turn(f);
	assert_string_equal(journal_take(), "");
	pipe_peer_close(&e);
	RUN_UNTIL(f, !rota_request_is_active(&write.request));

	assert_string_equal(journal_take(), "pending: write=EPIPE");
	assert_int_equal(rota_stream_send(&e.pipe.stream, "x", 1), ROTA_EPIPE);
	assert_false(rota_loop_alive(f->loop));
	pipe_end_close(&e);
}

static void a_hang_up_does_not_spin(void **state)
{
	struct fixture *f = *state;
	struct pipe_end reader, writer;

	pipe_end_reader(&reader, f);
	pipe_end_writer(&writer, f);
	pipe_read(&reader);
	assert_true(rota_stream_send(&writer.pipe.stream, much, MUCH) >= 0);
	turn(f);
	while (rota_stream_queued(&writer.pipe.stream) > 0) {
		raw_drain(writer.peer);
		turn(f);
	}
	rota_stream_read_stop(&reader.pipe.stream);
	pipe_peer_close(&reader);
	pipe_peer_close(&writer);

	assert_true(waits_within(f, 20) < 10);
	pipe_end_close(&reader);
	pipe_end_close(&writer);
}

static void a_shutdown_gives_the_reader_the_end(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown = { .request.data = "shutdown" };
	struct pipe_end e;
	char text[8];

	pipe_end_writer(&e, f);
	assert_int_equal(rota_stream_send(&e.pipe.stream, "last", 4), 0);
	assert_int_equal(
		rota_stream_shutdown(&shutdown, &e.pipe.stream, note_shutdown),
		0);
	RUN_UNTIL(f, !rota_request_is_active(&shutdown.request));
	assert_string_equal(journal_take(), "pending: shutdown=0");
	raw_get(e.peer, text, 4);
	assert_int_equal(raw_try_read(e.peer, text, 8), 0);

	assert_int_equal(rota_stream_send(&e.pipe.stream, "x", 1), ROTA_EPIPE);
	assert_int_equal(rota_stream_fd(&e.pipe.stream), ROTA_EBADF);
	assert_int_equal(rota_stream_detach(&e.pipe.stream), ROTA_ENOTCONN);
	assert_int_equal(rota_handle_close_now(&e.pipe.handle), 0);
	pipe_peer_close(&e);
}

static int closed; /* handles */

static void count_close(struct rota_handle *handle)
{
	(void)handle;
	closed++;
}

static void an_end_sends_all_and_closes(void **state)
{
	struct fixture *f = *state;
	struct rota_end end;
	struct pipe_end e;
	size_t taken = 0;

	pipe_end_writer(&e, f);
	closed = 0;
	assert_true(rota_stream_send(&e.pipe.stream, much, MUCH) >= 0);
	assert_int_equal(
		rota_stream_end_with(&end, &e.pipe.stream, count_close), 0);
	RUN_UNTIL(f, (taken += raw_drain(e.peer)) == MUCH && closed);
	assert_int_equal(end.status, 0);
	assert_int_equal(raw_try_read(e.peer, much, 1), 0);
	pipe_peer_close(&e);
}

static void the_end_of_a_reader_waits_for_the_writer(void **state)
{
	struct fixture *f = *state;
	struct rota_end end;
	struct pipe_end e;

	pipe_end_reader(&e, f);
	closed = 0;
	assert_int_equal(
		rota_stream_end_with(&end, &e.pipe.stream, count_close), 0);
	raw_put(e.peer, "not read");
	turn(f);
	turn(f);
	assert_int_equal(closed, 0);
	pipe_peer_close(&e);
	RUN_UNTIL(f, closed);
	assert_int_equal(end.status, 0);
}

/* The close must not wait for the reader. */
static void a_blocked_pipe_closes_at_once(void **state)
{
	struct fixture *f = *state;
	struct rota_write write = { .request.data = "write" };
	struct rota_const_buf buf = rota_bytes(much, MUCH);
	struct pipe_end e, s;

	pipe_end_writer(&e, f);
	pipe_end_open(&s, f);
	closed = 0;
	assert_int_equal(
		rota_stream_write(&write, &e.pipe.stream, &buf, 1, note_write),
		0);
	assert_true(rota_stream_send(&s.pipe.stream, much, MUCH) >= 0);
	assert_int_equal(rota_handle_close(&e.pipe.handle, count_close), 0);
	assert_int_equal(fcntl(e.fd, F_GETFD), -1);
	assert_int_equal(rota_handle_close_now(&s.pipe.handle), 0);
	assert_int_equal(fcntl(s.fd, F_GETFD), -1);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "closing: write=ECANCELED");
	assert_int_equal(closed, 1);
	pipe_peer_close(&e);
	pipe_peer_close(&s);
}

/* libuv's close_fd: the other end closes while it is read. */
static void close_it(struct pipe_end *e, int status, const struct rota_buf *buf)
{
	(void)status;
	(void)buf;
	assert_int_equal(rota_handle_close_now(&e->pipe.handle), 0);
}

static void a_callback_closes_its_pipe(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;

	pipe_end_reader(&e, f);
	e.act = close_it;
	pipe_read(&e);
	raw_put(e.peer, "x");
	pipe_peer_close(&e);
	RUN_UNTIL(f, rota_handle_is_closing(&e.pipe.handle));
	assert_int_equal(e.reads + e.ends, 1);
	pipe_end_close(&e);
}

/* A program that closes its standard output, and reads its standard input, has
 * the numbers 0 and 1 to give away. */
static void read_with_low_numbers(void *arg)
{
	struct pipe_end *e = arg;
	struct rota_loop *loop = rota_handle_loop(&e->pipe.handle);
	struct rota_pipe pipe;
	int fds[2];

	EXPECT(rota_loop_fork(loop) == 0);
	close(0);
	close(1);
	EXPECT(dup(e->peer) == 0);
	EXPECT(rota_pipe_open(&pipe, loop, 0) == 0);
	EXPECT(rota_stream_fd(&pipe.stream) == 0);
	EXPECT(rota_pipe_anonymous(fds, 0) == 0);
	EXPECT(fds[0] > 2 && fds[1] > 2);
	EXPECT(rota_handle_close_now(&pipe.handle) == 0);
	EXPECT(fcntl(0, F_GETFD) == -1);
}

static void standard_descriptors_are_numbers_like_others(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;

	pipe_end_writer(&e, f);
	in_a_child(read_with_low_numbers, &e);
	pipe_end_close(&e);
}

/* FIFOs. */

static int make_fifo(struct pipe_place *place, int flags)
{
	pipe_place_begin(place);
	assert_int_equal(mkfifo(place->path, 0600), 0);
	return open(place->path, flags | O_NONBLOCK | O_CLOEXEC);
}

static int open_fifo(struct pipe_place *place, int flags)
{
	int fd = open(place->path, flags | O_NONBLOCK | O_CLOEXEC);

	assert_int_not_equal(fd, -1);
	return fd;
}

static void a_fifo_waits_for_its_first_writer(void **state)
{
	struct fixture *f = *state;
	struct pipe_place place;
	struct pipe_end e;

	pipe_end_adopt(&e, f, make_fifo(&place, O_RDONLY), -1);
	pipe_read(&e);
	turn(f);
	turn(f);
	assert_int_equal(e.ends, 0);
	e.peer = open_fifo(&place, O_WRONLY);
	raw_put(e.peer, "first");
	RUN_UNTIL(f, e.size == 5);
	pipe_peer_close(&e);
	RUN_UNTIL(f, e.ends == 1);
	assert_int_equal(e.status, ROTA_EOF);

	/* The end is the end, although another writer comes. */
	e.peer = open_fifo(&place, O_WRONLY);
	raw_put(e.peer, "second");
	turn(f);
	turn(f);
	assert_int_equal(e.size, 5);
	assert_int_equal(rota_stream_read_start(&e.pipe.stream, pipe_collect),
			 ROTA_EOF);
	pipe_end_close(&e);
	unlink(place.path);
	pipe_place_end(&place);
}

static void a_fifo_that_is_open_both_ways_has_no_end(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown = { .request.data = "shutdown" };
	struct pipe_place place;
	struct rota_end end;
	struct pipe_end e;

	pipe_end_adopt(&e, f, make_fifo(&place, O_RDWR), -1);
	closed = 0;
	pipe_read(&e);
	for (unsigned i = 0; i < 3; i++) { /* one writer after the other */
		e.peer = open_fifo(&place, O_WRONLY);
		raw_put(e.peer, "abc");
		RUN_UNTIL(f, e.size == 3 * i + 3);
		pipe_peer_close(&e);
		turn(f);
	}
	assert_int_equal(rota_stream_send(&e.pipe.stream, "own", 3), 0);
	RUN_UNTIL(f, e.size == 12);
	assert_int_equal(e.ends, 0);
	assert_string_equal(e.text, "abcabcabcown");

	assert_int_equal(
		rota_stream_shutdown(&shutdown, &e.pipe.stream, note_shutdown),
		0);
	RUN_UNTIL(f, !rota_request_is_active(&shutdown.request));
	assert_string_equal(journal_take(), "pending: shutdown=ENOTSUP");
	pipe_end_close(&e);

	pipe_end_adopt(&e, f, open_fifo(&place, O_RDWR), -1);
	closed = 0;
	assert_int_equal(
		rota_stream_end_with(&end, &e.pipe.stream, count_close), 0);
	RUN_UNTIL(f, closed);
	assert_int_equal(end.status, ROTA_ENOTSUP);
	unlink(place.path);
	pipe_place_end(&place);
}

/* F3 */
static void the_errors_of_the_system_are_told(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown = { .request.data = "shutdown" };
	struct pipe_end e;

	pipe_end_reader(&e, f);
	pipe_read(&e);
	raw_put(e.peer, "x");
	fault_fail("read", 1, EINTR);
	RUN_UNTIL(f, e.size == 1);
	fault_clear();
	raw_put(e.peer, "x");
	fault_fail("read", 1, EIO);
	RUN_UNTIL(f, e.ends == 1);
	fault_clear();
	assert_int_equal(e.status, ROTA_EIO);
	pipe_end_close(&e);

	pipe_end_writer(&e, f);
	fault_fail("fcntl", 1, ENOMEM);
	assert_int_equal(
		rota_stream_shutdown(&shutdown, &e.pipe.stream, note_shutdown),
		0);
	fault_clear();
	RUN_UNTIL(f, !rota_request_is_active(&shutdown.request));
	assert_string_equal(journal_take(), "pending: shutdown=ENOMEM");
	pipe_end_close(&e);
}

static const struct CMUnitTest tests[] = {
	REAL(a_reader_reads_to_the_end),
	REAL(what_is_written_comes_out_in_order),
	REAL(an_end_does_not_work_the_other_way),
	REAL(a_read_request_reads_a_pipe),
	REAL(nobody_reads_and_no_signal_comes),
	REAL(a_reader_that_goes_is_told_to_the_writer),
	REAL(a_hang_up_does_not_spin),
	REAL(a_shutdown_gives_the_reader_the_end),
	REAL(an_end_sends_all_and_closes),
	REAL(the_end_of_a_reader_waits_for_the_writer),
	REAL(a_blocked_pipe_closes_at_once),
	REAL(a_callback_closes_its_pipe),
	REAL(standard_descriptors_are_numbers_like_others),
	REAL(a_fifo_waits_for_its_first_writer),
	REAL(a_fifo_that_is_open_both_ways_has_no_end),
	REAL(the_errors_of_the_system_are_told),
};
FIXTURE_MAIN(tests)
