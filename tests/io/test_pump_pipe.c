/*
 * Pumps and parts of files with Unix sockets and with anonymous pipes, which
 * raise SIGPIPE by write(2): here it is at its default.
 */
#include "support/fixture.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "rota/pipe.h"
#include "rota/pump.h"
#include "support/fault.h"
#include "support/part.h"

enum { SIZE = 700001 };

static unsigned calls;
static int ended;

static void pump_called(struct rota_pump *pump, int status)
{
	(void)pump;
	calls++;
	ended = status;
}

/* A reader of pipes that checks the pattern. */
static size_t got;

static void on_bytes(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	(void)stream;
	if (status < 0) {
		assert_int_equal(status, ROTA_EOF);
		calls++;
		return;
	}
	assert_true(pattern_is(buf->data, buf->size, got));
	got += buf->size;
}

static void begin(void)
{
	calls = 0;
	got = 0;
	signal(SIGPIPE, SIG_DFL);
}

static void end(void)
{
	signal(SIGPIPE, SIG_IGN);
}

static void close_pipe(struct rota_pipe *pipe)
{
	assert_int_equal(rota_handle_close_now(&pipe->handle), 0);
}

static void a_part_is_sent_to_a_unix_socket(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe a, b;
	struct part part;
	int file = make_file(SIZE);

	begin();
	assert_int_equal(rota_pipe_pair(&a, &b, f->loop), 0);
	for (int way = 0; way < PART_WAYS; way++) {
		got = 0;
		part_go((enum part_way)way);
		assert_int_equal(part_send(&part, &a.stream, file, 0, SIZE), 0);
		assert_int_equal(rota_stream_read_start(&b.stream, on_bytes),
				 0);
		assert_int_equal(part_end(f, &part), 0);
		RUN_UNTIL(f, got == SIZE);
		rota_stream_read_stop(&b.stream);
	}
	fault_clear();
	assert_int_equal(part_send(&part, &a.stream, file, 0, SIZE), 0);
	close_pipe(&b);
	assert_int_equal(part_end(f, &part), ROTA_EPIPE);
	close_pipe(&a);
	close(file);
	end();
}

static void pipe_ends(struct rota_pipe *in, struct rota_pipe *out,
		      struct fixture *f)
{
	int fds[2];

	assert_int_equal(rota_pipe_anonymous(fds, 0), 0);
	assert_int_equal(rota_pipe_open(in, f->loop, fds[0]), 0);
	assert_int_equal(rota_pipe_open(out, f->loop, fds[1]), 0);
}

static void a_part_is_sent_to_a_pipe(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe in, out;
	struct part part;
	int file = make_file(SIZE);

	begin();
	pipe_ends(&in, &out, f);
	for (int way = 0; way < PART_WAYS; way++) {
		got = 0;
		part_go((enum part_way)way);
		assert_int_equal(part_send(&part, &out.stream, file, 0, SIZE),
				 0);
		assert_int_equal(rota_stream_read_start(&in.stream, on_bytes),
				 0);
		assert_int_equal(part_end(f, &part), 0);
		RUN_UNTIL(f, got == SIZE);
		rota_stream_read_stop(&in.stream);
	}
	fault_clear();
	assert_int_equal(part_send(&part, &out.stream, file, 0, SIZE), 0);
	close_pipe(&in);
	assert_int_equal(part_end(f, &part), ROTA_EPIPE);
	close_pipe(&out);
	close(file);
	end();
}

/* A file goes to a pipe, the pipe to a Unix socket, and that to a reader. */
static void pumps_connect_pipes_and_sockets(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe in, out, a, b;
	struct rota_pump pump;
	struct part part;
	int file = make_file(SIZE);

	begin();
	pipe_ends(&in, &out, f);
	assert_int_equal(rota_pipe_pair(&a, &b, f->loop), 0);
	assert_int_equal(
		rota_pump_start(&pump, &in.stream, &a.stream, 0, pump_called),
		0);
	assert_int_equal(part_send(&part, &out.stream, file, 0, SIZE), 0);
	assert_int_equal(rota_stream_end(&out.stream, NULL), 0);
	assert_int_equal(rota_stream_read_start(&b.stream, on_bytes), 0);
	RUN_UNTIL(f, calls == 2); /* the pump, and the end */
	assert_int_equal(ended, 0);
	assert_int_equal(part_end(f, &part), 0);
	assert_int_equal(got, SIZE);
	close_pipe(&a);
	close_pipe(&b);
	close_pipe(&in);
	run_to_the_end(f);
	close(file);
	end();
}

/* The reader of a pipe is gone: the pump ends with the error of its sink. */
static void a_pump_to_a_pipe_without_a_reader_ends(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe in, out, a, b;
	struct rota_pump pump;

	begin();
	pipe_ends(&in, &out, f);
	assert_int_equal(rota_pipe_pair(&a, &b, f->loop), 0);
	assert_int_equal(
		rota_pump_start(&pump, &a.stream, &out.stream, 0, pump_called),
		0);
	close_pipe(&in);
	assert_int_equal(rota_stream_send(&b.stream, "x", 1), 0);
	RUN_UNTIL(f, calls == 1);
	assert_int_equal(ended, ROTA_EPIPE);
	assert_int_equal(pump.side, ROTA_PUMP_SINK);
	close_pipe(&a);
	close_pipe(&b);
	close_pipe(&out);
	end();
}

static const struct CMUnitTest tests[] = {
	REAL(a_part_is_sent_to_a_unix_socket),
	REAL(a_part_is_sent_to_a_pipe),
	REAL(pumps_connect_pipes_and_sockets),
	REAL(a_pump_to_a_pipe_without_a_reader_ends),
};

FIXTURE_MAIN(tests)
