/*
 * The standard streams: what a descriptor is, and how each kind is read and
 * written without changing what other processes share.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "rota/stdio.h"
#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"
#include "support/pty.h"
#include "support/streams.h"

enum { LONG_SIZE = 300 * 1024 };

struct standard {
	struct rota_stdio stdio;
	size_t size;
	size_t wrong;
	unsigned ends;
	int status;
	unsigned drains;
	int drain_status;
	unsigned closes;
};

static void on_input(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	struct standard *s =
		rota_container_of(stream, struct standard, stdio.stream);

	if (status < 0) {
		s->ends++;
		s->status = status;
		return;
	}
	s->wrong += !pattern_is(buf->data, buf->size, s->size);
	s->size += buf->size;
}

static void on_drain(struct rota_stream *stream, int status)
{
	struct standard *s =
		rota_container_of(stream, struct standard, stdio.stream);

	s->drains++;
	s->drain_status = status;
}

static void on_closed(struct rota_handle *handle)
{
	rota_container_of(handle, struct standard, stdio.handle)->closes++;
}

static void standard_open(struct standard *s, struct fixture *f, int fd)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(rota_stdio_open(&s->stdio, f->loop, fd), 0);
	rota_stream_on_drain(&s->stdio.stream, on_drain);
}

static void standard_read(struct standard *s)
{
	assert_int_equal(rota_stream_read_start(&s->stdio.stream, on_input), 0);
}

static void standard_close(struct standard *s)
{
	assert_int_equal(rota_handle_close_now(&s->stdio.handle), 0);
}

static void standard_end(struct fixture *f, struct standard *s)
{
	assert_int_equal(rota_stream_end(&s->stdio.stream, on_closed), 0);
	RUN_UNTIL(f, s->closes == 1);
}

/* Send the first @size bytes of the pattern. */
static void standard_send(struct standard *s, size_t size)
{
	static char data[LONG_SIZE];
	int result;

	pattern_fill(data, size, 0);
	result = rota_stream_send(&s->stdio.stream, data, size);
	assert_true(result == 0 || result == 1);
}

/* A blocking pipe, as a shell makes it. */
static void make_plain_pipe(int fds[2])
{
	assert_int_equal(pipe(fds), 0);
}

static void close_both(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static int open_scratch(int flags)
{
	char path[] = "/tmp/rota-stdio-XXXXXX";
	int made = mkstemp(path);
	int fd;

	assert_true(made >= 0);
	fd = open(path, flags | O_CLOEXEC);
	assert_true(fd >= 0);
	close(made);
	unlink(path);
	return fd;
}

static int is_nonblocking(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

/* --- what it is ----------------------------------------------------------- */

static void expect_kind(const char *path, int kind)
{
	int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(rota_stdio_kind(fd), kind);
	close(fd);
}

static void a_descriptor_is_of_a_kind(void **state)
{
	struct fixture *f = *state;
	struct rota_stdio stdio;
	struct pty pty;
	int fds[2];

	expect_kind("/dev/null", ROTA_STDIO_NULL);
	expect_kind("/dev/zero", ROTA_STDIO_DEVICE);
	expect_kind("/", ROTA_STDIO_FILE);
	expect_kind("/etc/passwd", ROTA_STDIO_FILE);
	pty_open(&pty);
	expect_kind(pty.name, ROTA_STDIO_TERMINAL);
	assert_int_equal(rota_stdio_kind(pty.master), ROTA_STDIO_TERMINAL);
	pty_close(&pty);
	make_pipe(fds);
	assert_int_equal(rota_stdio_kind(fds[0]), ROTA_STDIO_PIPE);
	assert_int_equal(rota_stdio_kind(fds[1]), ROTA_STDIO_PIPE);
	close_both(fds);
	make_socketpair(fds);
	assert_int_equal(rota_stdio_kind(fds[0]), ROTA_STDIO_SOCKET);
	close_both(fds);
	fds[0] = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(rota_stdio_kind(fds[0]), ROTA_STDIO_OTHER);
	assert_int_equal(rota_stdio_open(&stdio, f->loop, fds[0]),
			 ROTA_ENOTSUP);
	close(fds[0]);
	assert_int_equal(rota_stdio_kind(fds[0]), ROTA_EBADF);
	assert_int_equal(rota_stdio_open(&stdio, f->loop, fds[0]), ROTA_EBADF);
	assert_int_equal(rota_stdio_kind(-1), ROTA_EBADF);
}

/* --- pipes ---------------------------------------------------------------- */

static void pipe_passes(struct fixture *f, int fds[2])
{
	struct standard in, out;

	standard_open(&in, f, fds[0]);
	standard_open(&out, f, fds[1]);
	assert_null(rota_stdio_tty(&in.stdio));
	standard_read(&in);
	standard_send(&out, LONG_SIZE);
	assert_true(rota_stream_queued(&out.stdio.stream) > 0);
	assert_false(is_nonblocking(fds[0]) || is_nonblocking(fds[1]));
	RUN_UNTIL(f, in.size == LONG_SIZE);
	assert_int_equal(in.wrong, 0);
	standard_end(f, &out);
	turn(f);
	assert_int_equal(in.ends, 0); /* the caller's is still open */
	close(fds[1]);
	RUN_UNTIL(f, in.ends == 1);
	assert_int_equal(in.status, ROTA_EOF);
	assert_false(is_nonblocking(fds[0]));
	standard_close(&in);
	close(fds[0]);
}

static void much_passes_through_a_pipe(void **state)
{
	int fds[2];

	make_plain_pipe(fds);
	pipe_passes(*state, fds);
}

/* As where there is no /proc; and then as on a kernel that cannot be asked not
 * to wait. */
static void much_passes_through_a_pipe_that_is_shared(void **state)
{
	static const char *const calls[] = { "open", "preadv2", "pwritev2" };
	struct fixture *f = *state;
	int fds[2];

	for (unsigned i = 0; i < 3; i++) {
		struct standard in, out;

		make_plain_pipe(fds);
		fault_fail_from("open", 1, ENOENT);
		standard_open(&in, f, fds[0]);
		standard_open(&out, f, fds[1]);
		assert_int_equal(fault_clear(), 2);
		if (i > 0)
			fault_fail_from(calls[i], 1, EOPNOTSUPP);
		standard_send(&out, LONG_SIZE);
		assert_true(rota_stream_queued(&out.stdio.stream) > 0);
		for (unsigned n = 0; n < 10; n++)
			turn(f);
		standard_read(&in);
		RUN_UNTIL(f, in.size == LONG_SIZE);
		assert_int_equal(in.wrong, 0);
		assert_int_equal(rota_stream_queued(&out.stdio.stream), 0);
		for (unsigned n = 0; n < 10; n++)
			turn(f); /* nothing to read: and no wait */
		assert_false(is_nonblocking(fds[0]) || is_nonblocking(fds[1]));
		standard_close(&out);
		close(fds[1]);
		RUN_UNTIL(f, in.ends == 1);
		if (i > 0)
			assert_true(fault_clear() > 0);
		standard_close(&in);
		close(fds[0]);
	}
}

static void expect_epipe(struct fixture *f, int fds[2])
{
	struct standard out;

	standard_open(&out, f, fds[1]);
	close(fds[0]);
	assert_int_equal(rota_stream_send(&out.stdio.stream, "x", 1),
			 ROTA_EPIPE);
	standard_close(&out);
	close(fds[1]);
}

/* D5: also on a description that is shared, and if the reader has gone before
 * the open. */
static void a_pipe_without_a_reader_raises_no_signal(void **state)
{
	int fds[2];

	signal(SIGPIPE, SIG_DFL);
	make_plain_pipe(fds);
	expect_epipe(*state, fds);
	make_plain_pipe(fds);
	fault_fail("open", 1, EACCES);
	expect_epipe(*state, fds);
	fault_clear();
	make_plain_pipe(fds);
	fault_fail("open", 1, EACCES);
	fault_fail_from("pwritev2", 1, EOPNOTSUPP);
	expect_epipe(*state, fds);
	fault_clear();
	make_plain_pipe(fds);
	close(fds[0]);
	fds[0] = dup(fds[1]);
	expect_epipe(*state, fds);
}

/* A FIFO that is opened anew would wait for its first writer. */
static void the_writer_of_a_fifo_may_have_gone(void **state)
{
	struct fixture *f = *state;
	char directory[] = "/tmp/rota-stdio-XXXXXX";
	char path[64];
	struct standard in;
	int fds[2];

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/fifo", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	for (int rest = 0; rest < 2; rest++) {
		fds[0] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		fds[1] = open(path, O_WRONLY | O_CLOEXEC);
		assert_true(fds[0] >= 0 && fds[1] >= 0);
		assert_int_equal(fcntl(fds[0], F_SETFL, O_RDONLY), 0);
		if (rest)
			assert_int_equal(write(fds[1], "\0", 1), 1);
		close(fds[1]);
		standard_open(&in, f, fds[0]);
		standard_read(&in);
		RUN_UNTIL(f, in.ends == 1);
		assert_int_equal(in.status, ROTA_EOF);
		assert_int_equal(in.size, rest);
		standard_close(&in);
		close(fds[0]);
	}
	unlink(path);
	rmdir(directory);
}

static void an_idle_pipe_with_an_end_does_not_spin(void **state)
{
	struct fixture *f = *state;
	struct rota_stats stats = { .size = sizeof(stats) };
	struct standard in;
	int fds[2];

	make_plain_pipe(fds);
	standard_open(&in, f, fds[0]);
	standard_read(&in);
	turn(f);
	rota_stream_read_stop(&in.stdio.stream);
	close(fds[1]);
	for (unsigned i = 0; i < 10; i++)
		turn(f);
	rota_loop_stats(f->loop, &stats);
	assert_in_range(stats.events, 0, 2);
	standard_read(&in);
	RUN_UNTIL(f, in.ends == 1);
	standard_close(&in);
	close(fds[0]);
}

static void one_direction_only(void **state)
{
	struct fixture *f = *state;
	struct standard in, out;
	int fds[2];

	make_plain_pipe(fds);
	standard_open(&in, f, fds[0]);
	standard_open(&out, f, fds[1]);
	assert_int_equal(rota_stream_send(&in.stdio.stream, "x", 1),
			 ROTA_EPIPE);
	assert_int_equal(rota_stream_read_start(&out.stdio.stream, on_input),
			 ROTA_EOF);
	standard_end(f, &in); /* which does not wait for the end */
	standard_end(f, &out);
	close_both(fds);
}

static void close_output_and_read(struct fixture *f, int in[2], int out[2])
{
	struct standard s = { .size = 0 };

	EXPECT(rota_loop_fork(f->loop) == 0);
	EXPECT(dup2(in[0], 0) == 0);
	EXPECT(dup2(out[1], 1) == 1);
	close_both(in);
	close_both(out);
	close(1);
	EXPECT(rota_stdio_open(&s.stdio, f->loop, 0) == 0);
	EXPECT(rota_stream_read_start(&s.stdio.stream, on_input) == 0);
	EXPECT(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(s.size == 1000);
	EXPECT(s.wrong == 0);
	EXPECT(s.status == ROTA_EOF);
	EXPECT(rota_handle_close_now(&s.stdio.handle) == 0);
}

/* A program may close one standard stream and go on with another. */
static void the_output_closes_before_the_input_is_read(void **state)
{
	struct fixture *f = *state;
	int in[2], out[2];
	char data[1000];
	pid_t child;

	make_plain_pipe(in);
	make_plain_pipe(out);
	child = child_fork();
	if (child == 0) {
		close_output_and_read(f, in, out);
		child_ends();
	}
	close(in[0]);
	close(out[1]);
	assert_int_equal(read(out[0], data, 1), 0); /* its end comes first */
	pattern_fill(data, sizeof(data), 0);
	assert_int_equal(write(in[1], data, sizeof(data)), sizeof(data));
	close(in[1]);
	close(out[0]);
	expect_success(child);
}

/* --- sockets -------------------------------------------------------------- */

static void a_socket_is_not_made_nonblocking(void **state)
{
	struct fixture *f = *state;
	struct standard a, b;
	struct linger linger;
	socklen_t size;
	int fds[2];
	char byte;

	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	standard_open(&a, f, fds[0]);
	standard_open(&b, f, fds[1]);
	standard_read(&b);
	standard_send(&a, LONG_SIZE);
	for (unsigned i = 0; i < 10; i++)
		turn(f);
	RUN_UNTIL(f, b.size == LONG_SIZE);
	for (unsigned i = 0; i < 10; i++)
		turn(f);
	assert_int_equal(b.wrong, 0);
	assert_false(is_nonblocking(fds[0]) || is_nonblocking(fds[1]));

	/* What ends is this process's use of it. */
	standard_end(f, &a);
	assert_int_equal(write(fds[0], "x", 1), 1);
	RUN_UNTIL(f, b.size == LONG_SIZE + 1);
	close(fds[0]);
	RUN_UNTIL(f, b.ends == 1);
	assert_int_equal(rota_stream_send(&b.stdio.stream, "x", 1), ROTA_EPIPE);
	assert_int_equal(rota_stream_close_reset(&b.stdio.stream, on_closed),
			 0);
	size = sizeof(linger);
	assert_int_equal(
		getsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, &size), 0);
	assert_int_equal(linger.l_onoff, 0);
	turn(f);
	assert_int_equal(read(fds[1], &byte, 1), 0);
	close(fds[1]);
}

/* The file of a duplicate is still open: the poller must not report it. */
static void expect_forgotten(struct fixture *f, int fd, int other)
{
	struct rota_stats before = { .size = sizeof(before) };
	struct rota_stats stats = { .size = sizeof(stats) };
	struct standard s, awake;
	int fds[2];

	make_plain_pipe(fds);
	standard_open(&awake, f, fds[0]);
	standard_read(&awake);
	standard_open(&s, f, fd);
	standard_read(&s);
	turn(f);
	standard_close(&s);
	rota_loop_stats(f->loop, &before);
	put_byte(other);
	for (unsigned i = 0; i < 3; i++)
		turn(f);
	rota_loop_stats(f->loop, &stats);
	assert_int_equal(stats.events, before.events);
	standard_close(&awake);
	close_both(fds);
}

static void a_duplicate_that_closes_is_forgotten(void **state)
{
	struct pty pty;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	expect_forgotten(*state, fds[0], fds[1]);
	close_both(fds);
	pty_open(&pty);
	expect_forgotten(*state, pty.master, pty.slave);
	pty_close(&pty);
}

static void a_socket_reports_its_errors(void **state)
{
	struct fixture *f = *state;
	struct standard a;
	int fds[2];

	raw_pair(fds);
	standard_open(&a, f, fds[0]);
	standard_read(&a);
	turn(f);
	fault_fail("sendmsg", 1, EINTR);
	assert_int_equal(rota_stream_send(&a.stdio.stream, "x", 1), 0);
	assert_int_equal(fault_clear(), 1);
	raw_reset(fds[1]);
	RUN_UNTIL(f, a.ends == 1);
	assert_int_equal(a.status, ROTA_ECONNRESET);
	standard_close(&a);
	raw_close(fds[0]);
}

/* --- files ---------------------------------------------------------------- */

static void expect_pattern(int fd, size_t from, size_t size)
{
	char data[1000];

	for (size_t at = 0; at < size;) {
		ssize_t n = pread(fd, data, sizeof(data), (off_t)(from + at));

		assert_true(n > 0);
		assert_true(pattern_is(data, (size_t)n, at));
		at += (size_t)n;
	}
}

/* From the position on that others share, and which moves. */
static void a_file_is_written_in_order(void **state)
{
	struct fixture *f = *state;
	struct standard out;
	int fd = open_scratch(O_RDWR);

	assert_int_equal(write(fd, "head", 4), 4);
	standard_open(&out, f, fd);
	assert_false(is_nonblocking(fd));
	standard_send(&out, LONG_SIZE);
	standard_end(f, &out);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 4 + LONG_SIZE);
	expect_pattern(fd, 4, LONG_SIZE);
	close(fd);
}

static void a_file_may_be_appended_to(void **state)
{
	struct fixture *f = *state;
	struct standard out;
	int fd = open_scratch(O_RDWR | O_APPEND);

	assert_int_equal(write(fd, "head", 4), 4);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	standard_open(&out, f, fd);
	standard_send(&out, 1000);
	standard_end(f, &out);
	expect_pattern(fd, 4, 1000);
	close(fd);
}

static void a_file_is_read_from_its_position(void **state)
{
	struct fixture *f = *state;
	static char data[LONG_SIZE];
	struct standard in;
	int fd = open_scratch(O_RDWR);

	pattern_fill(data, LONG_SIZE, 0);
	assert_int_equal(write(fd, "head", 4), 4);
	assert_int_equal(write(fd, data, LONG_SIZE), LONG_SIZE);
	assert_int_equal(lseek(fd, 4, SEEK_SET), 4);
	standard_open(&in, f, fd);
	standard_read(&in);
	RUN_UNTIL(f, in.ends == 1);
	assert_int_equal(in.status, ROTA_EOF);
	assert_int_equal(in.size, LONG_SIZE);
	assert_int_equal(in.wrong, 0);
	assert_int_equal(rota_stream_fd(&in.stdio.stream), ROTA_EBADF);
	standard_close(&in);
	close(fd);
}

/* A handle that closes leaves the threads their memory. */
static void a_file_may_close_in_the_middle(void **state)
{
	struct fixture *f = *state;
	struct standard *s;
	int fd = open_scratch(O_RDWR);

	s = calloc(1, sizeof(*s));
	assert_non_null(s);
	standard_open(s, f, fd);
	standard_read(s);
	standard_send(s, 1000);
	turn(f);
	standard_close(s);
	memset(s, 0xa5, sizeof(*s));
	free(s);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	expect_pattern(fd, 0, 1000); /* what was accepted is written */
	close(fd);
}

static void an_end_does_not_read_on(void **state)
{
	struct fixture *f = *state;
	static char data[LONG_SIZE];
	struct standard in;
	int fd = open_scratch(O_RDWR);

	assert_int_equal(write(fd, data, LONG_SIZE), LONG_SIZE);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	standard_open(&in, f, fd);
	standard_end(f, &in);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	standard_open(&in, f, fd);
	standard_read(&in);
	RUN_UNTIL(f, in.size > 0);
	standard_end(f, &in);
	assert_in_range(lseek(fd, 0, SEEK_CUR), 1, 2 * 64 * 1024);
	close(fd);
}

/* O8: the end has the error, and on_drain is called with it. */
static void a_full_disk_is_reported(void **state)
{
	struct fixture *f = *state;
	struct standard out;
	struct rota_end end = { .status = 1 };
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		skip_test("there is no /dev/full");
	standard_open(&out, f, fd);
	standard_send(&out, 1000);
	RUN_UNTIL(f, out.drains == 1);
	assert_int_equal(out.drain_status, ROTA_ENOSPC);
	assert_int_equal(rota_stream_send(&out.stdio.stream, "x", 1),
			 ROTA_EPIPE);
	standard_close(&out);

	standard_open(&out, f, fd);
	standard_send(&out, LONG_SIZE);
	assert_int_equal(
		rota_stream_end_with(&end, &out.stdio.stream, on_closed), 0);
	RUN_UNTIL(f, out.closes == 1);
	assert_int_equal(end.status, ROTA_ENOSPC);
	close(fd);
}

static void a_file_that_fails_says_so(void **state)
{
	struct fixture *f = *state;
	struct standard in;
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	standard_open(&in, f, fd);
	standard_read(&in);
	RUN_UNTIL(f, in.ends == 1);
	assert_int_equal(in.status, ROTA_EISDIR);
	assert_int_equal(rota_stream_send(&in.stdio.stream, "x", 1),
			 ROTA_EPIPE);
	standard_close(&in);
	close(fd);
}

static void use_file_in_a_child(void *arg)
{
	struct standard *s = arg;
	struct rota_loop *loop = s->stdio.handle.internal.loop;

	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(rota_stream_send(&s->stdio.stream, "abc", 3) == 0);
	EXPECT(rota_stream_end(&s->stdio.stream, on_closed) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(s->closes == 1);
	EXPECT(rota_loop_close(loop) == 0);
}

/* F2: what the parent's thread writes is not written again. */
static void a_child_continues_with_a_file(void **state)
{
	struct fixture *f = *state;
	struct standard out;
	int fd = open_scratch(O_RDWR);

	standard_open(&out, f, fd);
	standard_send(&out, 1000);
	in_a_child(use_file_in_a_child, &out);
	standard_end(f, &out);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 1003);
	close(fd);
}

static void a_shutdown_of_the_loop_closes_files(void **state)
{
	struct fixture *f = *state;
	struct standard a;
	int fd = open_scratch(O_RDWR);

	standard_open(&a, f, fd);
	standard_read(&a);
	standard_send(&a, LONG_SIZE);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	close(fd);
}

static struct rota_pool *pool_of_threads(unsigned threads)
{
	struct rota_pool_options options;
	struct rota_pool *pool;

	rota_pool_options_init(&options);
	options.lanes[ROTA_LANE_IO].max_threads = threads;
	assert_int_equal(rota_pool_new(&pool, &options), 0);
	return pool;
}

static struct rota_loop *loop_with_pool(struct fixture *f,
					struct rota_pool *pool)
{
	struct rota_loop_options options;
	struct rota_loop *loop;

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	options.pool = pool;
	assert_int_equal(rota_loop_new(&loop, &options), 0);
	return loop;
}

/* It does the work itself, in its pending phase. */
static struct rota_loop *loop_without_threads(struct fixture *f)
{
	struct rota_pool *pool = pool_of_threads(0);
	struct rota_loop *loop = loop_with_pool(f, pool);

	rota_pool_unref(pool);
	return loop;
}

/* No thread has begun the write when the shutdown begins. */
static void a_shutdown_of_the_loop_writes_what_was_accepted(void **state)
{
	struct rota_loop *loop = loop_without_threads(*state);
	struct standard out;
	int fd = open_scratch(O_RDWR);

	assert_int_equal(rota_stdio_open(&out.stdio, loop, fd), 0);
	standard_send(&out, 1000);
	assert_int_equal(rota_stream_queued(&out.stdio.stream), 0);
	assert_int_equal(rota_loop_shutdown(loop, UINT64_MAX), 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 1000);
	expect_pattern(fd, 0, 1000);
	close(fd);
}

/* There is no stream any more that could get the error. */
static void a_shutdown_of_the_loop_ends_a_write_that_fails(void **state)
{
	struct rota_loop *loop = loop_without_threads(*state);
	struct standard out;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0) {
		assert_int_equal(rota_stdio_open(&out.stdio, loop, fd), 0);
		standard_send(&out, 1000);
		close(fd);
	}
	assert_int_equal(rota_loop_shutdown(loop, UINT64_MAX), 0);
}

static int held_fds[2];

static int hold_thread(struct rota_work *work)
{
	char byte;

	(void)work;
	while (read(held_fds[0], &byte, 1) < 0)
		;
	return 0;
}

static void on_work(struct rota_work *work, int status)
{
	(void)work;
	assert_int_equal(status, 0);
}

/* L1: the only thread works for another loop, so the read does not begin. */
static void a_stop_leaves_no_read_of_a_file(void **state)
{
	struct rota_pool *pool = pool_of_threads(1);
	struct rota_loop *other = loop_with_pool(*state, pool);
	struct rota_loop *loop = loop_with_pool(*state, pool);
	struct rota_work work;
	struct standard in = { .size = 0 };
	int fd = open_scratch(O_RDWR);

	make_plain_pipe(held_fds);
	rota_work_init(&work, other);
	assert_int_equal(
		rota_work_queue(&work, ROTA_LANE_IO, hold_thread, on_work), 0);
	assert_int_equal(write(fd, "\0", 1), 1);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(rota_stdio_open(&in.stdio, loop, fd), 0);
	standard_read(&in);
	for (unsigned i = 0; i < 10; i++)
		rota_loop_run(loop, ROTA_RUN_NOWAIT);
	rota_stream_read_stop(&in.stdio.stream);
	assert_int_equal(rota_loop_run(loop, ROTA_RUN_DEFAULT), 0);
	put_byte(held_fds[1]);
	assert_int_equal(rota_loop_run(other, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	standard_read(&in);
	assert_int_equal(rota_loop_run(loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(in.size, 1);
	assert_int_equal(in.status, ROTA_EOF);
	standard_close(&in);
	assert_int_equal(rota_loop_close(loop), 0);
	assert_int_equal(rota_loop_close(other), 0);
	rota_pool_unref(pool);
	close_both(held_fds);
	close(fd);
}

/* Each start needs a read of its own, also if the last one still ends. */
static void reading_stops_and_starts(void **state)
{
	struct fixture *f = *state;
	static char data[LONG_SIZE];
	struct standard in;
	int fd = open_scratch(O_RDWR);

	pattern_fill(data, LONG_SIZE, 0);
	assert_int_equal(write(fd, data, LONG_SIZE), LONG_SIZE);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	standard_open(&in, f, fd);
	for (unsigned i = 0; in.ends == 0; i++) {
		standard_read(&in);
		for (unsigned n = 0; n < i % 3; n++)
			turn(f);
		rota_stream_read_stop(&in.stdio.stream);
		if (i % 2 == 0 && in.ends == 0)
			standard_read(&in);
		turn(f);
	}
	assert_int_equal(in.status, ROTA_EOF);
	assert_int_equal(in.size, LONG_SIZE);
	assert_int_equal(in.wrong, 0);
	standard_close(&in);
	close(fd);
}

/* --- devices -------------------------------------------------------------- */

static void the_null_device_takes_everything(void **state)
{
	struct fixture *f = *state;
	struct standard s;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	standard_open(&s, f, fd);
	standard_read(&s);
	standard_send(&s, LONG_SIZE);
	assert_int_equal(rota_stream_queued(&s.stdio.stream), 0);
	turn(f);
	assert_int_equal(s.ends, 1);
	assert_int_equal(s.status, ROTA_EOF);
	standard_end(f, &s);
	close(fd);
}

static void a_device_is_read_by_a_thread(void **state)
{
	struct fixture *f = *state;
	struct standard in;
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	standard_open(&in, f, fd);
	standard_read(&in);
	RUN_UNTIL(f, in.size > 100000);
	standard_end(f, &in);
	close(fd);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

/* L1: a thread waits for input. */
static void a_stop_ends_the_read_of_a_device(void **state)
{
	struct fixture *f = *state;
	struct standard in;
	int fd = open("/dev/kmsg", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0) {
		close(fd);
		skip_test("there is no /dev/kmsg");
	}
	standard_open(&in, f, fd);
	standard_read(&in);
	for (unsigned i = 0; i < 10; i++)
		turn(f);
	rota_stream_read_stop(&in.stdio.stream);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	standard_close(&in);
	close(fd);
}

/* --- terminals ------------------------------------------------------------ */

static void a_terminal_has_its_mode(void **state)
{
	struct fixture *f = *state;
	struct standard s;
	struct pty pty;

	pty_open(&pty);
	standard_open(&s, f, pty.slave);
	assert_ptr_equal(rota_stdio_tty(&s.stdio), &s.stdio.tty);
	assert_int_equal(rota_tty_set_mode(&s.stdio.tty, ROTA_TTY_RAW), 0);
	assert_int_equal(pty_local_flags(&pty), 0);
	standard_end(f, &s);
	assert_int_equal(pty_local_flags(&pty), ICANON | ECHO | ISIG);
	pty_close(&pty);
}

/* --- what others share ---------------------------------------------------- */

struct session {
	struct fixture *f;
	int fds[3];
};

/* Use all three, and be killed in the middle. */
static void use_and_be_killed(struct session *session)
{
	static struct rota_stdio stdio[3];

	EXPECT(rota_loop_fork(session->f->loop) == 0);
	for (int i = 0; i < 3; i++)
		EXPECT(rota_stdio_open(&stdio[i], session->f->loop,
				       session->fds[i]) == 0);
	EXPECT(rota_stream_read_start(&stdio[0].stream, on_input) == 0);
	EXPECT(rota_stream_send(&stdio[1].stream, "x", 1) == 0);
	EXPECT(rota_stream_send(&stdio[2].stream, "x", 1) == 0);
	rota_loop_run(session->f->loop, ROTA_RUN_NOWAIT);
	for (int i = 0; i < 3; i++)
		EXPECT(!is_nonblocking(session->fds[i]));
	EXPECT(0 == kill(getpid(), SIGKILL));
}

static void kill_a_user_of(struct session *session)
{
	int flags[3], status;
	pid_t child;

	for (int i = 0; i < 3; i++)
		flags[i] = fcntl(session->fds[i], F_GETFL);
	child = child_fork();
	if (child == 0) {
		use_and_be_killed(session);
		child_ends();
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fcntl(session->fds[i], F_GETFL), flags[i]);
}

static void a_killed_program_leaves_no_flags(void **state)
{
	struct session session = { .f = *state };
	struct pty pty;
	int in[2], out[2];

	pty_open(&pty);
	make_plain_pipe(in);
	make_plain_pipe(out);
	session.fds[0] = pty.slave;
	session.fds[1] = pty.slave;
	session.fds[2] = pty.slave;
	kill_a_user_of(&session);
	session.fds[0] = in[0];
	session.fds[1] = out[1];
	kill_a_user_of(&session);
	close_both(in);
	close_both(out);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, in), 0);
	session.fds[0] = in[0];
	session.fds[1] = in[0];
	session.fds[2] = open_scratch(O_WRONLY);
	kill_a_user_of(&session);
	close(session.fds[2]);
	close_both(in);
	pty_close(&pty);
}

/* --- errors --------------------------------------------------------------- */

static void try_open(struct fixture *f, int fd, const char *call)
{
	struct rota_stdio stdio;
	int before = count_descriptors();

	for (unsigned nth = 1;; nth++) {
		int result;

		fault_fail(call, nth, EMFILE);
		result = rota_stdio_open(&stdio, f->loop, fd);
		if (fault_clear() == 0)
			break;
		if (result == 0)
			rota_handle_close_now(&stdio.handle);
		assert_true(result == 0 || result == ROTA_EMFILE);
		assert_int_equal(count_descriptors(), before);
	}
	assert_int_equal(rota_handle_close_now(&stdio.handle), 0);
	assert_int_equal(count_descriptors(), before);
}

static void an_open_that_fails_leaves_nothing(void **state)
{
	static const char *const calls[] = { "fstat", "fcntl", "open",
					     "getsockopt", "stat" };
	struct fixture *f = *state;
	struct rota_stdio stdio;
	int fds[2];
	int file = open_scratch(O_RDWR);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int stream[2];

	make_plain_pipe(fds);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
	for (unsigned i = 0; i < 5; i++) {
		try_open(f, fds[0], calls[i]);
		try_open(f, fds[1], calls[i]);
		try_open(f, file, calls[i]);
		if (i != 3)
			try_open(f, stream[0], calls[i]);
		try_open(f, null, calls[i]);
	}
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_stdio_open(&stdio, f->loop, file), ROTA_ENOMEM);
	f->memory.fail_at = 0;
	close_both(fds);
	close_both(stream);
	close(file);
	close(null);
}

/* Once a file is open, no send fails for lack of memory. */
static void an_open_file_needs_no_more_memory(void **state)
{
	struct fixture *f = *state;
	struct rota_stdio stdio;
	int file = open_scratch(O_RDWR);
	int result = ROTA_ENOMEM;

	for (unsigned nth = 1; result < 0; nth++) {
		f->memory.fail_at = f->memory.calls + nth;
		result = rota_stdio_open(&stdio, f->loop, file);
		assert_true(result == 0 || result == ROTA_ENOMEM);
	}
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_stream_send(&stdio.stream, "abc", 3), 0);
	f->memory.fail_at = 0;
	assert_int_equal(rota_handle_close_now(&stdio.handle), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(lseek(file, 0, SEEK_CUR), 3);
	close(file);
}

static const struct CMUnitTest tests[] = {
	REAL(a_descriptor_is_of_a_kind),
	REAL(much_passes_through_a_pipe),
	REAL(much_passes_through_a_pipe_that_is_shared),
	REAL(a_pipe_without_a_reader_raises_no_signal),
	REAL(the_writer_of_a_fifo_may_have_gone),
	REAL(an_idle_pipe_with_an_end_does_not_spin),
	REAL(one_direction_only),
	REAL(the_output_closes_before_the_input_is_read),
	REAL(a_socket_is_not_made_nonblocking),
	REAL(a_duplicate_that_closes_is_forgotten),
	REAL(a_socket_reports_its_errors),
	REAL(a_file_is_written_in_order),
	REAL(a_file_may_be_appended_to),
	REAL(a_file_is_read_from_its_position),
	REAL(a_file_may_close_in_the_middle),
	REAL(an_end_does_not_read_on),
	REAL(a_full_disk_is_reported),
	REAL(a_file_that_fails_says_so),
	REAL(a_child_continues_with_a_file),
	REAL(a_shutdown_of_the_loop_closes_files),
	REAL(a_shutdown_of_the_loop_writes_what_was_accepted),
	REAL(a_shutdown_of_the_loop_ends_a_write_that_fails),
	REAL(a_stop_leaves_no_read_of_a_file),
	REAL(reading_stops_and_starts),
	REAL(the_null_device_takes_everything),
	REAL(a_device_is_read_by_a_thread),
	REAL(a_stop_ends_the_read_of_a_device),
	REAL(a_terminal_has_its_mode),
	REAL(a_killed_program_leaves_no_flags),
	REAL(an_open_that_fails_leaves_nothing),
	REAL(an_open_file_needs_no_more_memory),
};
FIXTURE_MAIN(tests)
