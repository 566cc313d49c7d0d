/*
 * rota_stream_sendfile(): its arguments, its system calls, SIGPIPE, and how
 * much of a file one event sends.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/part.h"
#include "support/streams_more.h"

enum { SIZE = 300000 };

static void on_part(struct rota_sendfile *sendfile, int status)
{
	(void)sendfile;
	(void)status;
	fail();
}

static void check_arguments(struct link *link)
{
	struct rota_stream *stream = link->a.stream;
	struct rota_sendfile s;
	int file = make_file(10);
	int fds[2];
	int fd;

	assert_int_equal(rota_stream_sendfile(&s, stream, file, 0, 1, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_sendfile(&s, stream, file, -1, 1, on_part),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_stream_sendfile(&s, stream, file, 1, INT64_MAX, on_part),
		ROTA_EINVAL);
	assert_int_equal(rota_stream_sendfile(&s, stream, file, 0,
					      ROTA_TO_THE_END - 1, on_part),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_sendfile(&s, stream, -1, 0, 1, on_part),
			 ROTA_EBADF);
	fd = open("/", O_RDONLY | O_CLOEXEC);
	assert_int_equal(rota_stream_sendfile(&s, stream, fd, 0, 1, on_part),
			 ROTA_EISDIR);
	close(fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(rota_stream_sendfile(&s, stream, fd, 0, 1, on_part),
			 ROTA_EINVAL);
	close(fd);
	make_pipe(fds);
	assert_int_equal(
		rota_stream_sendfile(&s, stream, fds[0], 0, 1, on_part),
		ROTA_EINVAL);
	raw_close(fds[0]);
	raw_close(fds[1]);

	assert_int_equal(rota_stream_shutdown(NULL, stream, NULL) < 0, 0);
	assert_int_equal(rota_stream_sendfile(&s, stream, file, 0, 1, on_part),
			 ROTA_EPIPE);
	close(file);
}

static void bad_arguments_are_refused(void **state)
{
	for_each_link(*state, check_arguments);
}

static void a_file_that_is_open_for_writing_alone_is_refused(void **state)
{
	char path[] = "/tmp/rota-test-XXXXXX";
	struct rota_sendfile s;
	struct connection c;
	int fd = mkstemp(path);

	connection_open(&c, *state, NULL);
	assert_true(fd >= 0);
	close(fd);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(
		rota_stream_sendfile(&s, &c.tcp.stream, fd, 0, 1, on_part),
		ROTA_EBADF);
	close(fd);
	connection_end(&c);
}

/* Any of its own calls fails: nothing has changed. */
static void a_check_that_fails_is_the_result(void **state)
{
	static const char *const calls[] = { "fstat", "fcntl" };
	struct rota_sendfile s;
	struct connection c;
	int file = make_file(10);

	connection_open(&c, *state, NULL);
	for (int i = 0; i < 2; i++) {
		fault_fail(calls[i], 1, EIO);
		assert_int_equal(rota_stream_sendfile(&s, &c.tcp.stream, file,
						      0, 1, on_part),
				 ROTA_EIO);
		assert_int_equal(fault_clear(), 1);
	}
	assert_false(rota_loop_alive(((struct fixture *)*state)->loop));
	close(file);
	connection_end(&c);
}

static void check_connecting(struct fixture *f, int64_t size)
{
	struct server server;
	struct rota_tcp tcp;
	struct attempt a = { .calls = 0 };
	struct part part;
	char byte;
	int file = make_file((size_t)size);

	server_open(&server, f, 5);
	tcp_init(&tcp, f);
	assert_int_equal(part_send(&part, &tcp.stream, file, 0, 1),
			 ROTA_ENOTCONN);
	assert_int_equal(attempt_begin(&a, &tcp, &server.address), 0);
	assert_int_equal(part_send(&part, &tcp.stream, file, 0, (uint64_t)size),
			 0);
	assert_int_equal(part_end(f, &part), 0);
	RUN_UNTIL(f, server.kept == 1);
	for (int64_t i = 0; i < size; i++) {
		raw_read(server.fds[0], &byte, 1);
		assert_int_equal(byte, pattern_at((size_t)i));
	}
	tcp_end(&tcp);
	server_end(&server);
	close(file);
}

static void a_part_waits_for_the_connection(void **state)
{
	check_connecting(*state, 10000);
}

/* The header and the first bytes of the file are one packet, or at least the
 * kernel was told that more follows. */
static void a_corked_header_leaves_with_the_part(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct part part;
	char data[3000];
	int file = make_file(SIZE);

	connection_open(&c, f, NULL);
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(connection_send(&c, 100), 0);
	assert_int_equal(part_send(&part, &c.tcp.stream, file, 100, 2000), 0);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 100);
	fault_count_reset();
	assert_int_equal(part_end(f, &part), 0);
	assert_int_equal(fault_count("sendmsg"), 1); /* header and part */
	raw_read(c.peer, data, 2100);
	assert_true(pattern_is(data, 2100, 0));
	close(file);
	connection_end(&c);
}

/* One event sends no more than the limit of one event. */
static void a_fast_peer_does_not_starve_others(void **state)
{
	enum { MUCH = 4 * ROTA_BYTES_PER_EVENT };
	struct fixture *f = *state;
	struct rota_memory_stream a, b;
	struct part part;
	uint64_t before;
	int file = make_file(MUCH);

	assert_int_equal(rota_memory_stream_pair(&a, &b, f->loop, MUCH + 1), 0);
	assert_int_equal(part_send(&part, &a.stream, file, 0, MUCH), 0);
	assert_in_range(part.sendfile.sent, 1, ROTA_BYTES_PER_EVENT);
	while (part.calls == 0) {
		before = part.sendfile.sent;
		turn(f);
		assert_in_range(part.sendfile.sent - before, 0,
				ROTA_BYTES_PER_EVENT);
	}
	assert_int_equal(part.status, 0);
	assert_int_equal(rota_handle_close_now(&a.handle), 0);
	assert_int_equal(rota_handle_close_now(&b.handle), 0);
	close(file);
}

/* The same for a socket: its buffers are large, and the peer reads. One turn
 * may have two events: one of the kernel, and the one that is made. */
static void a_fast_socket_does_not_starve_others(void **state)
{
	enum { MUCH = 4 * ROTA_BYTES_PER_EVENT };
	struct fixture *f = *state;
	struct connection c;
	struct part part;
	uint64_t before;
	int file = make_file(MUCH);

	connection_open(&c, f, NULL);
	raw_buffers(c.fd, MUCH);
	raw_buffers(c.peer, MUCH);
	assert_int_equal(part_send(&part, &c.tcp.stream, file, 0, MUCH), 0);
	c.produced = MUCH;
	while (part.calls == 0) {
		(void)peer_takes(&c);
		before = part.sendfile.sent;
		turn(f);
		assert_in_range(part.sendfile.sent - before, 0,
				2 * ROTA_BYTES_PER_EVENT);
	}
	assert_int_equal(part.status, 0);
	peer_takes_until(f, &c, MUCH);
	close(file);
	connection_end(&c);
}

static void send_to_reset_peer(struct fixture *f, size_t size, int *status)
{
	struct connection c;
	struct part part;
	int file = make_file(SIZE);

	connection_open_small(&c, f, NULL);
	assert_true(part_send(&part, &c.tcp.stream, file, 0, size) == 0);
	peer_reset(&c);
	*status = part_end(f, &part);
	connection_end(&c);
	/* The first call after the reset gets ECONNRESET, the next EPIPE. */
	connection_open(&c, f, NULL);
	peer_close(&c);
	if (connection_send(&c, 1) == 0) {
		await_end(c.fd);
		(void)part_send(&part, &c.tcp.stream, file, 0, size);
		if (rota_request_is_active(&part.sendfile.request))
			*status = part_end(f, &part);
		assert_true(*status < 0);
	}
	connection_end(&c);
	close(file);
}

/* D5: with SIGPIPE at its default, which would end the process. */
static void no_part_raises_sigpipe(void **state)
{
	void (*before)(int) = signal(SIGPIPE, SIG_DFL);
	static const size_t sizes[] = { 1000, SIZE };
	sigset_t set;
	int status = 0;

	for (int i = 0; i < 2; i++) {
		send_to_reset_peer(*state, sizes[i], &status);
		assert_true(status < 0);
		sigpending(&set);
		assert_false(sigismember(&set, SIGPIPE));
		pthread_sigmask(SIG_BLOCK, NULL, &set);
		assert_false(sigismember(&set, SIGPIPE));
	}
	signal(SIGPIPE, before);
}

/* sendfile(2) itself raises it: without the guard this test would end. */
static void sendfile_to_a_socket_that_is_shut_down_is_an_error(void **state)
{
	void (*before)(int) = signal(SIGPIPE, SIG_DFL);
	struct fixture *f = *state;
	struct connection c;
	struct part part;
	int file = make_file(SIZE);

	connection_open(&c, f, NULL);
	raw_shutdown(c.fd);
	assert_int_equal(part_send(&part, &c.tcp.stream, file, 0, SIZE), 0);
	assert_int_equal(part_end(f, &part), ROTA_EPIPE);
	assert_true(part.sendfile.sent == 0);
	connection_end(&c);
	close(file);
	signal(SIGPIPE, before);
}

/* A file of the system, which has no size, and may refuse sendfile(2). */
static void a_file_without_a_size_is_sent_to_its_end(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct part part;
	char data[65536];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		skip_test("there is no /proc");
	connection_open(&c, f, NULL);
	assert_int_equal(
		part_send(&part, &c.tcp.stream, fd, 0, ROTA_TO_THE_END), 0);
	assert_int_equal(part_end(f, &part), 0);
	assert_in_range(part.sendfile.sent, 100, sizeof(data));
	raw_read(c.peer, data, (size_t)part.sendfile.sent);
	assert_memory_equal(data, "Name:", 5);
	close(fd);
	connection_end(&c);
}

static void the_position_of_the_file_does_not_change(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct part part;
	int file = make_file(SIZE);

	connection_open(&c, f, NULL);
	assert_int_equal(lseek(file, 7, SEEK_SET), 7);
	assert_int_equal(part_send(&part, &c.tcp.stream, file, 0, SIZE), 0);
	c.produced = SIZE;
	peer_takes_until(f, &c, SIZE);
	assert_int_equal(part_end(f, &part), 0);
	assert_int_equal(lseek(file, 0, SEEK_CUR), 7);
	close(file);
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(bad_arguments_are_refused),
	REAL(a_file_that_is_open_for_writing_alone_is_refused),
	REAL(a_check_that_fails_is_the_result),
	REAL(a_part_waits_for_the_connection),
	REAL(a_corked_header_leaves_with_the_part),
	REAL(a_fast_peer_does_not_starve_others),
	REAL(a_fast_socket_does_not_starve_others),
	REAL(no_part_raises_sigpipe),
	REAL(sendfile_to_a_socket_that_is_shut_down_is_an_error),
	REAL(a_file_without_a_size_is_sent_to_its_end),
	REAL(the_position_of_the_file_does_not_change),
};

FIXTURE_MAIN(tests)
