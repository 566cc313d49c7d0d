/*
 * rota_pipe_open(): which descriptors are pipes, and in which state; and what
 * is known of a pipe.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/pipes.h"
#include "support/streams_more.h"

/* What cannot be opened. */

static void expect_refused(struct fixture *f, int fd, int error)
{
	struct rota_pipe pipe;
	int flags = fcntl(fd, F_GETFL);

	assert_int_equal(rota_pipe_open(&pipe, f->loop, fd), error);

	assert_int_equal(fcntl(fd, F_GETFL), flags);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
}

static void what_is_no_pipe_is_refused(void **state)
{
	struct fixture *f = *state;
	int null = open("/dev/null", O_RDWR);
	int directory = open("/", O_RDONLY);
	int file = open("Makefile", O_RDONLY);
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	int fds[2];

	expect_refused(f, null, ROTA_EINVAL);
	expect_refused(f, directory, ROTA_EINVAL);
	if (file != -1)
		expect_refused(f, file, ROTA_EINVAL);
	expect_refused(f, tcp, ROTA_EINVAL);
	expect_refused(f, udp, ROTA_EINVAL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	expect_refused(f, fds[0], ROTA_EINVAL);
	close(fds[0]);
	close(fds[1]);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0) {
		expect_refused(f, fds[0], ROTA_EINVAL);
		close(fds[0]);
		close(fds[1]);
	}
	close(null);
	close(directory);
	if (file != -1)
		close(file);
	close(tcp);
	close(udp);
}

static void a_number_that_is_not_open_is_refused(void **state)
{
	struct fixture *f = *state;

	expect_refused(f, -1, ROTA_EBADF);
	expect_refused(f, -77, ROTA_EBADF);
	expect_refused(f, 1 << 20, ROTA_EBADF);
}

static void tcp_refuses_a_unix_socket(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp;
	int fds[2];

	make_socketpair(fds);

	assert_int_equal(rota_tcp_open(&tcp, f->loop, fds[0]), ROTA_EINVAL);

	close(fds[0]);
	close(fds[1]);
}

/* F3 */
static void a_failure_leaves_the_descriptor_with_the_caller(void **state)
{
	static const char *const calls[] = { "fstat", "fcntl", "getsockopt",
					     "getsockname" };
	struct fixture *f = *state;
	int fds[2], pair[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned nth = 1; nth < 5; nth++) {
			int from = i % 2 == 0 ? pair[0] : fds[i / 2 % 2];
			struct rota_pipe pipe;
			int status;

			fault_fail(calls[i], nth, ENOBUFS);
			status = rota_pipe_open(&pipe, f->loop, from);
			if (fault_clear() == 0) {
				assert_int_equal(status, 0);
				assert_int_equal(
					rota_stream_detach(&pipe.stream), from);
				continue;
			}
			if (status == 0) { /* it can do without */
				assert_int_equal(
					rota_stream_detach(&pipe.stream), from);
				continue;
			}
			assert_int_equal(status, ROTA_ENOBUFS);
			assert_int_equal(rota_loop_dump(f->loop, NULL, NULL),
					 0);
		}
	}
	close(fds[0]);
	close(fds[1]);
	close(pair[0]);
	close(pair[1]);
}

static void the_first_pipe_of_a_loop_may_find_no_memory(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe a, b;

	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_pipe_init(&a, f->loop), ROTA_ENOMEM);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_pipe_pair(&a, &b, f->loop), ROTA_ENOMEM);
	f->memory.fail_at = 0;
	assert_int_equal(rota_pipe_pair(&a, &b, f->loop), 0);
	assert_int_equal(rota_handle_close_now(&a.handle), 0);
	assert_int_equal(rota_handle_close_now(&b.handle), 0);
}

/* States. */

static void a_pipe_that_is_opened_is_non_blocking(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	pipe_end_adopt(&e, f, fds[0], fds[1]);

	assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
	assert_string_equal(rota_handle_type(&e.pipe.handle), "pipe");
	assert_int_equal(rota_stream_fd(&e.pipe.stream), fds[0]);
	assert_false(rota_loop_alive(f->loop));
	pipe_end_close(&e);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
}

static void a_pair_talks_in_both_directions(void **state)
{
	struct fixture *f = *state;
	struct pipe_end a = { .peer = -1 }, b = { .peer = -1 };

	assert_int_equal(rota_pipe_pair(&a.pipe, &a.pipe, f->loop),
			 ROTA_EINVAL);
	assert_int_equal(rota_pipe_pair(&a.pipe, &b.pipe, f->loop), 0);
	pipe_read(&a);
	pipe_read(&b);
	assert_int_equal(rota_stream_send(&a.pipe.stream, "to b", 4), 0);
	assert_int_equal(rota_stream_send(&b.pipe.stream, "to a", 4), 0);
	RUN_UNTIL(f, a.size == 4 && b.size == 4);

	assert_string_equal(a.text, "to a");
	assert_string_equal(b.text, "to b");
	assert_int_equal(rota_stream_shutdown(NULL, &a.pipe.stream, NULL), 0);
	RUN_UNTIL(f, b.ends == 1);
	assert_int_equal(b.status, ROTA_EOF);
	pipe_end_close(&a);
	pipe_end_close(&b);
}

static void no_end_of_a_pair_is_open_after_a_failure(void **state)
{
	static const char *const calls[] = { "socketpair", "fcntl" };
	struct fixture *f = *state;
	struct rota_pipe a, b;

	for (unsigned i = 0; i < 2; i++) {
		int status;

		fault_fail(calls[i], 1, EMFILE);
		status = rota_pipe_pair(&a, &b, f->loop);
		if (fault_clear() > 0) {
			assert_int_equal(status, ROTA_EMFILE);
			assert_int_equal(rota_loop_dump(f->loop, NULL, NULL),
					 0);
		} else {
			assert_int_equal(rota_handle_close_now(&a.handle), 0);
			assert_int_equal(rota_handle_close_now(&b.handle), 0);
		}
	}
}

static void a_socket_without_a_name_is_neither_bound_nor_connected(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	struct rota_pipe_name name;

	pipe_end_adopt(&e, f, socket(AF_UNIX, SOCK_STREAM, 0), -1);
	assert_int_equal(rota_stream_read_start(&e.pipe.stream, pipe_collect),
			 ROTA_ENOTCONN);
	assert_int_equal(rota_pipe_peer_name(&e.pipe, &name), ROTA_ENOTCONN);
	assert_int_equal(rota_pipe_own_name(&e.pipe, &name), 0);
	assert_int_equal(name.size, 0);
	pipe_end_close(&e);
}

static struct pipe_end accepted;

static void open_accepted(struct rota_stream *stream, int status, int fd)
{
	struct rota_tcp tcp;
	struct fixture *f = stream->handle.data;

	assert_int_equal(status, 0);
	/* It is not one of TCP, although a listener has just accepted it. */
	assert_int_equal(rota_tcp_open(&tcp, f->loop, fd), ROTA_EINVAL);
	fault_count_reset();
	pipe_end_adopt(&accepted, f, fd, -1);
	assert_int_equal(fault_count(NULL) + fault_count("getsockopt") +
				 fault_count("getpeername"),
			 0);
}

/* A listener that the program has got from elsewhere is left as it is. */
static void a_listener_is_handed_in(void **state)
{
	struct fixture *f = *state;
	struct pipe_place place;
	struct pipe_end e;
	int client;

	pipe_place_begin(&place);
	pipe_end_adopt(&e, f, raw_unix_listen(place.path, 5), -1);
	e.pipe.handle.data = f;
	client = raw_unix_connect(place.path);
	assert_int_equal(rota_stream_listen(&e.pipe.stream, 5, open_accepted),
			 0);
	RUN_UNTIL(f, accepted.fd > 0);

	pipe_read(&accepted);
	raw_put(client, "hello");
	RUN_UNTIL(f, accepted.size == 5);
	assert_string_equal(accepted.text, "hello");
	pipe_end_close(&accepted);
	accepted.fd = 0;
	pipe_end_close(&e);
	raw_close(client);
	assert_int_equal(unlink(place.path), 0);
	pipe_place_end(&place);
}

/* What came before it was opened, and the end behind it, are read. */
static void a_peer_that_is_gone_has_left_its_last_words(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	int fds[2];

	make_socketpair(fds);
	raw_put(fds[1], "bye");
	raw_close(fds[1]);
	pipe_end_adopt(&e, f, fds[0], -1);
	pipe_read(&e);
	RUN_UNTIL(f, e.ends == 1);
	assert_string_equal(e.text, "bye");
	assert_int_equal(e.status, ROTA_EOF);
	pipe_end_close(&e);
}

/* Anonymous pipes. */

static void an_anonymous_pipe_is_for_a_child(void **state)
{
	int fds[2] = { -7, -7 };

	(void)state;
	assert_int_equal(rota_pipe_anonymous(NULL, 0), ROTA_EINVAL);
	assert_int_equal(rota_pipe_anonymous(fds, 4), ROTA_EINVAL);
	assert_int_equal(fds[0], -7);
	for (unsigned flags = 0; flags < 4; flags++) {
		assert_int_equal(rota_pipe_anonymous(fds, flags), 0);
		for (unsigned i = 0; i < 2; i++) {
			assert_true(fds[i] > 2);
			assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
			assert_int_equal(
				(fcntl(fds[i], F_GETFL) & O_NONBLOCK) != 0,
				(flags >> i) & 1);
		}
		raw_put(fds[1], "x");
		assert_int_equal(close(fds[0]), 0);
		assert_int_equal(close(fds[1]), 0);
	}
}

static void a_failed_anonymous_pipe_leaves_nothing(void **state)
{
	int fds[2] = { -7, -7 };

	(void)state;
	fault_fail("pipe2", 1, EMFILE);
	assert_int_equal(rota_pipe_anonymous(fds, 0), ROTA_EMFILE);
	fault_clear();
	for (unsigned nth = 1; nth <= 4; nth++) {
		fault_fail("fcntl", nth, ENOMEM);
		assert_int_equal(rota_pipe_anonymous(fds, 0), ROTA_ENOMEM);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(fds[1], -7);
	}
}

static void a_socket_pair_is_for_a_child(void **state)
{
	int fds[2] = { -7, -7 };

	(void)state;
	assert_int_equal(rota_pipe_socketpair(NULL, 0), ROTA_EINVAL);
	assert_int_equal(rota_pipe_socketpair(fds, 4), ROTA_EINVAL);
	assert_int_equal(fds[0], -7);
	for (unsigned flags = 0; flags < 4; flags++) {
		assert_int_equal(rota_pipe_socketpair(fds, flags), 0);
		for (unsigned i = 0; i < 2; i++) {
			assert_true(fds[i] > 2);
			assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
			assert_int_equal(
				(fcntl(fds[i], F_GETFL) & O_NONBLOCK) != 0,
				(flags >> i) & 1);
			raw_put(fds[i], "x");
		}
		assert_int_equal(close(fds[0]), 0);
		assert_int_equal(close(fds[1]), 0);
	}
}

static void a_failed_socket_pair_leaves_nothing(void **state)
{
	int fds[2] = { -7, -7 };

	(void)state;
	fault_fail("socketpair", 1, EMFILE);
	assert_int_equal(rota_pipe_socketpair(fds, 0), ROTA_EMFILE);
	fault_clear();
	for (unsigned nth = 1; nth <= 4; nth++) {
		fault_fail("fcntl", nth, ENOMEM);
		assert_int_equal(rota_pipe_socketpair(fds, 0), ROTA_ENOMEM);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(fds[1], -7);
	}
}

/* Credentials. */

static void a_peer_is_known(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe_credentials c = { .size = sizeof(c) };
	struct pipe_end e;

	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_get_credentials(&e.pipe, &c), 0);
	assert_true(c.pid == getpid() || c.pid == -1);
	assert_int_equal(c.uid, geteuid());
	assert_int_equal(c.gid, getegid());

	assert_int_equal(rota_pipe_get_credentials(&e.pipe, NULL), ROTA_EINVAL);
	c.size = sizeof(size_t);
	assert_int_equal(rota_pipe_get_credentials(&e.pipe, &c), ROTA_EINVAL);
#ifdef __linux__
	c.size = sizeof(c);
	fault_fail("getsockopt", 1, ENOBUFS);
	assert_int_equal(rota_pipe_get_credentials(&e.pipe, &c), ROTA_ENOBUFS);
	assert_int_equal(fault_clear(), 1);
#endif
	pipe_end_close(&e);
	c.size = sizeof(c);
	assert_int_equal(rota_pipe_get_credentials(&e.pipe, &c), ROTA_EINVAL);
}

static void a_process_has_a_descriptor(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	int fd;

	pipe_end_open(&e, f);
	fd = rota_pipe_pidfd(&e.pipe);
	if (fd != ROTA_ENOTSUP) {
		assert_true(fd > 2);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
	fault_fail("getsockopt", 1, EMFILE);
	fd = rota_pipe_pidfd(&e.pipe);
	if (fault_clear() > 0)
		assert_int_equal(fd, ROTA_EMFILE);
	fault_fail("getsockopt", 1, ENOPROTOOPT);
	fd = rota_pipe_pidfd(&e.pipe);
	fault_clear();
	assert_int_equal(fd, ROTA_ENOTSUP);
	/* So say some versions of Linux of a process that was waited for. */
	fault_fail("getsockopt", 1, EINVAL);
	fd = rota_pipe_pidfd(&e.pipe);
	if (fault_clear() > 0)
		assert_int_equal(fd, ROTA_ESRCH);
	pipe_end_close(&e);
	assert_int_equal(rota_pipe_pidfd(&e.pipe), ROTA_EINVAL);
}

static void what_is_no_socket_has_no_name_and_no_peer(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe_credentials c = { .size = sizeof(c) };
	struct rota_pipe_name name;
	struct rota_pipe fresh;
	struct pipe_end e;

	pipe_end_reader(&e, f);
	assert_int_equal(rota_pipe_own_name(&e.pipe, &name), ROTA_ENOTSOCK);
	assert_int_equal(rota_pipe_peer_name(&e.pipe, &name), ROTA_ENOTSOCK);
	assert_int_equal(rota_pipe_get_credentials(&e.pipe, &c), ROTA_ENOTSOCK);
	assert_int_equal(rota_pipe_pidfd(&e.pipe), ROTA_ENOTSOCK);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 1),
			 ROTA_ENOTSUP);
	assert_int_equal(rota_pipe_bind(&e.pipe, "x", 1, NULL), ROTA_EINVAL);
	pipe_end_close(&e);

	assert_int_equal(rota_pipe_init(&fresh, f->loop), 0);
	assert_int_equal(rota_pipe_own_name(&fresh, &name), ROTA_EBADF);
	assert_int_equal(rota_pipe_peer_name(&fresh, &name), ROTA_ENOTCONN);
	assert_int_equal(rota_pipe_get_credentials(&fresh, &c), ROTA_ENOTCONN);
	assert_int_equal(rota_pipe_accept_descriptors(&fresh, 1),
			 ROTA_ENOTCONN);
	assert_int_equal(rota_handle_close_now(&fresh.handle), 0);
}

static void a_pipe_of_zeroes_is_safe(void **state)
{
	struct rota_pipe_credentials c = { .size = sizeof(c) };
	struct rota_pipe_name name;
	struct rota_pipe pipe;
	struct rota_pass pass;
	struct rota_connect connect;
	int fds[1];

	(void)state;
	memset(&pipe, 0, sizeof(pipe));
	assert_int_equal(rota_pipe_own_name(&pipe, &name), ROTA_EINVAL);
	assert_int_equal(rota_pipe_peer_name(&pipe, &name), ROTA_EINVAL);
	assert_int_equal(rota_pipe_get_credentials(&pipe, &c), ROTA_EINVAL);
	assert_int_equal(rota_pipe_pidfd(&pipe), ROTA_EINVAL);
	assert_int_equal(rota_pipe_accept_descriptors(&pipe, 1), ROTA_EINVAL);
	assert_int_equal(rota_pipe_take_descriptors(&pipe, fds, 1),
			 ROTA_EINVAL);
	assert_int_equal(rota_pipe_descriptors(&pipe), 0);
	assert_int_equal(rota_pipe_bind(&pipe, "x", 1, NULL), ROTA_EINVAL);
	assert_int_equal(
		rota_pipe_connect(&connect, &pipe, "x", 1, note_connect),
		ROTA_EINVAL);
	assert_int_equal(rota_pipe_write(&pass, &pipe, NULL, 0, NULL, 0, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_handle_close(&pipe.handle, NULL), ROTA_EINVAL);
}

/* F2 */
static void use_in_child(void *arg)
{
	struct pipe_end *e = arg;
	struct rota_loop *loop = rota_handle_loop(&e->pipe.handle);
	struct rota_const_buf buf = rota_bytes("x", 1);
	struct rota_pipe other, another;
	struct rota_connect connect;
	struct rota_pass pass;
	int fds[1] = { 0 };

	EXPECT(rota_pipe_init(&other, loop) == ROTA_ECHILD);
	EXPECT(rota_pipe_open(&other, loop, e->fd) == ROTA_ECHILD);
	EXPECT(rota_pipe_pair(&other, &another, loop) == ROTA_ECHILD);
	EXPECT(rota_pipe_bind(&e->pipe, "x", 1, NULL) == ROTA_ECHILD);
	EXPECT(rota_pipe_connect(&connect, &e->pipe, "x", 1, note_connect) ==
	       ROTA_ECHILD);
	EXPECT(rota_pipe_pidfd(&e->pipe) == ROTA_ECHILD);
	EXPECT(rota_pipe_accept_descriptors(&e->pipe, 1) == ROTA_ECHILD);
	EXPECT(rota_pipe_take_descriptors(&e->pipe, fds, 1) == ROTA_ECHILD);
	EXPECT(rota_pipe_write(&pass, &e->pipe, &buf, 1, fds, 1, note_write) ==
	       ROTA_ECHILD);
	EXPECT(rota_handle_close(&e->pipe.handle, NULL) == ROTA_ECHILD);
}

static void a_forked_child_leaves_it_alone(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;

	pipe_end_open(&e, f);
	in_a_child(use_in_child, &e);
	pipe_read(&e);
	raw_put(e.peer, "still");
	RUN_UNTIL(f, e.size == 5);
	pipe_end_close(&e);
}

static const struct CMUnitTest tests[] = {
	REAL(what_is_no_pipe_is_refused),
	REAL(a_number_that_is_not_open_is_refused),
	REAL(tcp_refuses_a_unix_socket),
	REAL(a_failure_leaves_the_descriptor_with_the_caller),
	REAL(the_first_pipe_of_a_loop_may_find_no_memory),
	REAL(a_pipe_that_is_opened_is_non_blocking),
	REAL(a_pair_talks_in_both_directions),
	REAL(no_end_of_a_pair_is_open_after_a_failure),
	REAL(a_socket_without_a_name_is_neither_bound_nor_connected),
	REAL(a_listener_is_handed_in),
	REAL(a_peer_that_is_gone_has_left_its_last_words),
	REAL(an_anonymous_pipe_is_for_a_child),
	REAL(a_failed_anonymous_pipe_leaves_nothing),
	REAL(a_socket_pair_is_for_a_child),
	REAL(a_failed_socket_pair_leaves_nothing),
	REAL(a_peer_is_known),
	REAL(a_process_has_a_descriptor),
	REAL(what_is_no_socket_has_no_name_and_no_peer),
	REAL(a_pipe_of_zeroes_is_safe),
	REAL(a_forked_child_leaves_it_alone),
};
FIXTURE_MAIN(tests)
