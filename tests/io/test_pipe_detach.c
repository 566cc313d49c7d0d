/*
 * Taking a pipe out of a loop, and rota_pipe_attach(), which puts it into
 * another.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rota/detached.h"
#include "support/fault.h"
#include "support/pipes.h"

static void a_socket_moves_with_its_bytes(void **state)
{
	enum { MUCH = 1 << 19 };
	static char much[MUCH];
	struct fixture *f = *state;
	struct rota_detached detached;
	struct pipe_end e;
	size_t taken = 0;

	pipe_end_open(&e, f);
	pattern_fill(much, MUCH, 0);
	assert_true(rota_stream_send(&e.pipe.stream, much, MUCH) >= 0);
	assert_int_equal(rota_stream_detach_with(&e.pipe.stream, &detached), 0);
	assert_int_equal(rota_detached_put_back(&detached, "back ", 5), 0);
	memset(&e.pipe, 0xa5, sizeof(e.pipe));

	assert_int_equal(rota_pipe_attach(&e.pipe, f->loop, &detached), 0);
	assert_int_equal(detached.fd, -1);
	raw_put(e.peer, "again");
	pipe_read(&e);
	RUN_UNTIL(f, (taken += raw_drain(e.peer)) == MUCH && e.size == 10);
	assert_string_equal(e.text, "back again");
	pipe_end_close(&e);
}

static void bytes_come_before_descriptors(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct pipe_end e;
	int fd;

	pipe_end_open(&e, f);
	assert_int_equal(rota_stream_detach_with(&e.pipe.stream, &detached), 0);
	assert_int_equal(rota_detached_put_back(&detached, "back ", 5), 0);
	assert_int_equal(rota_pipe_attach(&e.pipe, f->loop, &detached), 0);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 4), 0);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 0), 0);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 4), 0);
	fd = e.peer;
	assert_int_equal(raw_pass(e.peer, "passed", 6, &fd, 1), 6);
	pipe_read(&e);
	RUN_UNTIL(f, e.size == 11);
	assert_string_equal(e.text, "back passed");
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, &fd, 1), 1);
	raw_close(fd);

	/* It goes on as a pipe that keeps descriptors, and then as one that
	 * does not. */
	raw_put(e.peer, "x");
	RUN_UNTIL(f, e.size == 12);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 0), 0);
	fault_count_reset();
	raw_put(e.peer, "y");
	RUN_UNTIL(f, e.size == 13);
	assert_int_equal(fault_count("recvmsg"), 0);
	pipe_end_close(&e);
}

static void waiting_descriptors_keep_a_detach_out(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct pipe_end e;
	int fd;

	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 1), 0);
	pipe_read(&e);
	fd = e.peer;
	assert_int_equal(raw_pass(e.peer, "x", 1, &fd, 1), 1);
	assert_int_equal(raw_pass(e.peer, "x", 1, &fd, 1), 1);
	RUN_UNTIL(f, e.size == 2);
	assert_int_equal(rota_stream_detach(&e.pipe.stream), ROTA_EBUSY);
	assert_int_equal(rota_stream_detach_with(&e.pipe.stream, &detached),
			 ROTA_EBUSY);
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, &fd, 1), 1);
	raw_close(fd);
	/* An error that was not told yet would be lost as well. */
	assert_int_equal(rota_stream_detach(&e.pipe.stream), ROTA_EBUSY);
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, &fd, 1),
			 ROTA_ENOBUFS);
	assert_int_equal(rota_stream_detach(&e.pipe.stream), e.fd);
	raw_close(e.fd);
	pipe_peer_close(&e);
}

static void the_ends_of_a_pipe_move_as_well(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct pipe_end reader, writer;
	char text[8];

	pipe_end_reader(&reader, f);
	assert_int_equal(
		rota_stream_detach_with(&reader.pipe.stream, &detached), 0);
	assert_int_equal(rota_detached_put_back(&detached, "one ", 4), 0);
	assert_int_equal(rota_pipe_attach(&reader.pipe, f->loop, &detached), 0);
	raw_put(reader.peer, "two");
	pipe_peer_close(&reader);
	pipe_read(&reader);
	RUN_UNTIL(f, reader.ends == 1);
	assert_string_equal(reader.text, "one two");
	assert_int_equal(reader.status, ROTA_EOF);
	pipe_end_close(&reader);

	pipe_end_writer(&writer, f);
	assert_int_equal(
		rota_stream_detach_with(&writer.pipe.stream, &detached), 0);
	assert_int_equal(rota_pipe_attach(&writer.pipe, f->loop, &detached), 0);
	assert_int_equal(
		rota_stream_read_start(&writer.pipe.stream, pipe_collect),
		ROTA_EOF);
	assert_int_equal(rota_stream_send(&writer.pipe.stream, "out", 3), 0);
	raw_get(writer.peer, text, 3);
	pipe_end_close(&writer);
}

static void an_end_without_input_gets_no_bytes(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached;
	struct pipe_end e;
	int fd;

	pipe_end_writer(&e, f);
	fd = e.fd;
	assert_int_equal(rota_stream_detach_with(&e.pipe.stream, &detached), 0);
	assert_int_equal(rota_detached_put_back(&detached, "xyz", 3), 0);
	assert_int_equal(rota_pipe_attach(&e.pipe, f->loop, &detached),
			 ROTA_EINVAL);
	assert_int_equal(detached.fd, fd);
	assert_int_equal(detached.unread.size, 3);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
	rota_detached_discard(&detached);
	pipe_peer_close(&e);
}

/* F3 */
static void a_failed_attach_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct rota_detached detached = { .fd = -1 };
	struct rota_pipe pipe;
	struct rota_tcp tcp;
	struct pipe_end e;
	int fd;

	assert_int_equal(rota_pipe_attach(&pipe, f->loop, NULL), ROTA_EINVAL);
	assert_int_equal(rota_pipe_attach(&pipe, f->loop, &detached),
			 ROTA_EINVAL);
	pipe_end_open(&e, f);
	fd = e.fd;
	assert_int_equal(rota_stream_detach_with(&e.pipe.stream, &detached), 0);
	assert_int_equal(rota_detached_put_back(&detached, "back", 4), 0);
	assert_int_equal(rota_tcp_attach(&tcp, f->loop, &detached),
			 ROTA_EINVAL);
	fault_fail("fstat", 1, ENOMEM);
	assert_int_equal(rota_pipe_attach(&e.pipe, f->loop, &detached),
			 ROTA_ENOMEM);
	fault_clear();
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_pipe_attach(&e.pipe, f->loop, &detached),
			 ROTA_ENOMEM);
	f->memory.fail_at = 0;
	assert_int_equal(detached.fd, fd);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
	assert_int_equal(rota_pipe_attach(&e.pipe, f->loop, &detached), 0);
	pipe_end_close(&e);

	detached = (struct rota_detached){ .fd = open("/dev/null", O_RDWR) };
	assert_int_equal(rota_pipe_attach(&pipe, f->loop, &detached),
			 ROTA_EINVAL);
	rota_detached_discard(&detached);
}

static const struct CMUnitTest tests[] = {
	REAL(a_socket_moves_with_its_bytes),
	REAL(bytes_come_before_descriptors),
	REAL(waiting_descriptors_keep_a_detach_out),
	REAL(the_ends_of_a_pipe_move_as_well),
	REAL(an_end_without_input_gets_no_bytes),
	REAL(a_failed_attach_changes_nothing),
};
FIXTURE_MAIN(tests)
