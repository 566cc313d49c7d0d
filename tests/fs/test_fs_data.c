/* poller: none */
/*
 * Vectors, copies between files, and what is stored for certain.
 */
#include "fs/ready.h"

#include <sys/socket.h>

#include "rota/fs_data.h"

enum { MANY = 3000 };

static struct rota_buf_vector vector_of(const struct rota_buf *bufs,
					size_t count)
{
	return (struct rota_buf_vector){ bufs, count };
}

static struct rota_const_buf_vector
const_vector_of(const struct rota_const_buf *bufs, size_t count)
{
	return (struct rota_const_buf_vector){ bufs, count };
}

/* @count buffers of 1, 2, 3, 0, 1, 2... bytes, one after another at @data.
 * Returns how many bytes. */
static size_t cut_up(struct rota_buf *bufs, size_t count, char *data)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		bufs[i] = buf_of(data + at, (i + 1) % 4);
		at += bufs[i].size;
	}
	return at;
}

/* IOV_MAX is 1024 nearly everywhere. */
static void a_vector_of_any_length_is_written_and_read(void **state)
{
	static struct rota_buf bufs[MANY];
	static struct rota_const_buf from[MANY];
	static char data[3 * MANY];
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	size_t size = cut_up(bufs, MANY, data);
	int fd;

	file_test_begin(&t, *state);
	fd = put_open(&t.s, O_RDWR | O_CREAT);
	for (size_t i = 0; i < size; i++)
		data[i] = byte_at(i);
	for (size_t i = 0; i < MANY; i++)
		from[i] = rota_bytes(bufs[i].data, bufs[i].size);

	assert_int_equal(
		DONE(&t.op, rota_fs_writev(fs, on_end, fd,
					   const_vector_of(from, MANY), -1)),
		size);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), size);
	assert_int_equal(
		DONE(&t.op, rota_fs_writev(fs, on_end, fd,
					   const_vector_of(from, MANY), 7)),
		size);
	memset(data, 0, sizeof(data));
	assert_int_equal(DONE(&t.op, rota_fs_readv(fs, on_end, fd,
						   vector_of(bufs, MANY), 7)),
			 size);
	assert_bytes(data, size);
	assert_int_equal(DONE(&t.op, rota_fs_readv(fs, on_end, fd,
						   vector_of(bufs, MANY), 8)),
			 size - 1);
	assert_int_equal(DONE(&t.op, rota_fs_readv(fs, on_end, fd,
						   vector_of(bufs, MANY), -1)),
			 7);
	assert_int_equal(DONE(&t.op, rota_fs_readv(fs, on_end, fd,
						   vector_of(NULL, 0), 0)),
			 0);
	close(fd);
	file_test_end(&t);
}

/* Past 4 GiB, in a file that is a hole. */
static void offsets_have_64_bits(void **state)
{
	const int64_t far = INT64_C(9) << 32;
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	struct rota_file_place from, to;
	char data[3] = "";
	struct rota_buf buf = buf_of(data, 3);
	struct rota_const_buf text = rota_bytes("abc", 3);
	int fd;

	file_test_begin(&t, *state);
	fd = put_open(&t.s, O_RDWR | O_CREAT);
	(void)DONE(&t.op, rota_fs_writev(fs, on_end, fd,
					 const_vector_of(&text, 1), far));
	if (t.op.result != ROTA_EFBIG) {
		assert_int_equal(t.op.result, 3);
		from = (struct rota_file_place){ fd, far };
		to = (struct rota_file_place){ fd, far + 10 };
		assert_int_equal(DONE(&t.op, rota_fs_copy_range(fs, on_end,
								from, to, 3)),
				 3);
		assert_int_equal(DONE(&t.op, rota_fs_readv(fs, on_end, fd,
							   vector_of(&buf, 1),
							   far + 10)),
				 3);
		assert_memory_equal(data, "abc", 3);
	}
	close(fd);
	file_test_end(&t);
}

/* Each system call of several, the first or a later one, may fail. */
static void a_vector_may_fail_in_the_middle(void **state)
{
	static struct rota_const_buf from[MANY];
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	int fd;

	file_test_begin(&t, *state);
	fd = put_open(&t.s, O_RDWR | O_CREAT);
	for (size_t i = 0; i < MANY; i++)
		from[i] = rota_bytes("xy", 2);

	fault_fail("writev", 1, ENOSPC);
	assert_int_equal(
		DONE(&t.op, rota_fs_writev(fs, on_end, fd,
					   const_vector_of(from, MANY), -1)),
		ROTA_ENOSPC);
	assert_int_equal(fault_clear(), 1);
	fault_fail("writev", 2, ENOSPC);
	assert_int_equal(
		DONE(&t.op, rota_fs_writev(fs, on_end, fd,
					   const_vector_of(from, MANY), -1)),
		2048);
	assert_int_equal(fault_clear(), 1);
	fault_fail("writev", 2, EINTR);
	assert_int_equal(
		DONE(&t.op, rota_fs_writev(fs, on_end, fd,
					   const_vector_of(from, MANY), -1)),
		2 * MANY);
	assert_int_equal(fault_clear(), 1);
	close(fd);
	file_test_end(&t);
}

static void a_vector_waits_for_a_pipe(void **state)
{
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	char data[8] = "";
	struct rota_buf bufs[3] = { buf_of(data, 0), buf_of(data, 4),
				    buf_of(data + 4, 4) };
	struct rota_const_buf from[2] = { rota_bytes("ab", 2),
					  rota_bytes("cde", 3) };
	int fds[2];

	file_test_begin(&t, *state);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(
		DONE(&t.op, rota_fs_writev(fs, on_end, fds[1],
					   const_vector_of(from, 2), -1)),
		5);
	assert_int_equal(DONE(&t.op, rota_fs_readv(fs, on_end, fds[0],
						   vector_of(bufs, 3), -1)),
			 4);
	assert_memory_equal(data, "abcd", 4);
	assert_int_equal(DONE(&t.op, rota_fs_readv(fs, on_end, fds[0],
						   vector_of(bufs, 3), 0)),
			 ROTA_ESPIPE);
	assert_int_equal(DONE(&t.op, rota_fs_readv(fs, on_end, fds[0],
						   vector_of(bufs, 1), -1)),
			 0);
	close(fds[0]);
	assert_int_equal(
		DONE(&t.op, rota_fs_writev(fs, on_end, fds[1],
					   const_vector_of(from, 2), -1)),
		ROTA_EPIPE);
	close(fds[1]);
	file_test_end(&t);
}

static void what_is_synced_is_a_file(void **state)
{
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	int fd, fds[2];

	file_test_begin(&t, *state);
	put_file(&t.s, 100);
	fd = put_open(&t.s, O_RDWR);
	make_pipe(fds);
	assert_int_equal(DONE(&t.op, rota_fs_fsync(fs, on_end, fd)), 0);
	assert_int_equal(DONE(&t.op, rota_fs_fdatasync(fs, on_end, fd)), 0);
	assert_true(DONE(&t.op, rota_fs_fsync(fs, on_end, fds[1])) < 0);
	close(fd);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(DONE(&t.op, rota_fs_fsync(fs, on_end, fd)),
			 ROTA_EBADF);
	file_test_end(&t);
}

/* A file with known bytes, and a new one. */
struct two {
	struct file_test t;
	int from, to;
	char to_path[200];
};

static void two_begin(struct two *two, struct fixture *f, size_t size)
{
	file_test_begin(&two->t, f);
	put_file(&two->t.s, size);
	two->from = put_open(&two->t.s, O_RDWR);
	path_in(&two->t.s, "to", two->to_path, sizeof(two->to_path));
	two->to = open(two->to_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(two->to > 2);
}

static void two_end(struct two *two)
{
	close(two->from);
	close(two->to);
	file_test_end(&two->t);
}

static struct rota_file_place at(int fd, int64_t offset)
{
	return (struct rota_file_place){ fd, offset };
}

static void assert_copied(const struct two *two, int64_t offset, size_t size)
{
	char *data = malloc(size + 1);

	assert_non_null(data);
	assert_int_equal(pread(two->to, data, size + 1, offset), size);
	assert_bytes(data, size);
	free(data);
}

enum { LONG = 300000 };

static void bytes_are_copied_from_place_to_place(void **state)
{
	struct two two;
	struct operation *op = &two.t.op;
	struct rota_fs *fs = &op->fs;

	two_begin(&two, *state, LONG);
	assert_int_equal(
		DONE(op, rota_fs_copy_range(fs, on_end, at(two.from, 0),
					    at(two.to, 5), LONG)),
		LONG);
	assert_copied(&two, 5, LONG);
	assert_int_equal(ftruncate(two.to, 0), 0);
	assert_int_equal(
		DONE(op, rota_fs_copy_range(fs, on_end, at(two.from, -1),
					    at(two.to, -1), SIZE_MAX / 2)),
		LONG);
	assert_copied(&two, 0, LONG);
	assert_int_equal(lseek(two.from, 0, SEEK_CUR), LONG);
	assert_int_equal(lseek(two.to, 0, SEEK_CUR), LONG);
	assert_int_equal(
		DONE(op, rota_fs_copy_range(fs, on_end, at(two.from, -1),
					    at(two.to, -1), 1)),
		0);
	assert_int_equal(
		DONE(op, rota_fs_copy_range(fs, on_end, at(two.from, 0),
					    at(two.to, 0), 0)),
		0);
	two_end(&two);
}

/* By the kernel, or by a buffer. */
static void bytes_are_not_copied_over_themselves(void **state)
{
	struct two two;
	struct operation *op = &two.t.op;
	struct rota_fs *fs = &op->fs;

	two_begin(&two, *state, 1000);
	assert_int_equal(
		DONE(op, rota_fs_copy_range(fs, on_end, at(two.from, 0),
					    at(two.from, 10), 100)),
		ROTA_EINVAL);
	assert_int_equal(lseek(two.from, 10, SEEK_SET), 10);
	assert_int_equal(
		DONE(op, rota_fs_copy_range(fs, on_end, at(two.from, 0),
					    at(two.from, -1), 100)),
		ROTA_EINVAL);
	assert_int_equal(
		DONE(op, rota_fs_copy_range(fs, on_end, at(two.from, 0),
					    at(two.from, 1000), 500)),
		500);
	assert_int_equal(
		DONE(op, rota_fs_copy_range(fs, on_end, at(two.from, 1500),
					    at(two.from, 1600), 500)),
		0);
	two_end(&two);
}

static void a_file_is_sent_to_files_pipes_and_sockets(void **state)
{
	struct two two;
	struct operation *op = &two.t.op;
	struct rota_fs *fs = &op->fs;
	char data[2000];
	int fds[2];

	two_begin(&two, *state, 1000);
	assert_int_equal(lseek(two.to, 10, SEEK_SET), 10);
	assert_int_equal(DONE(op, rota_fs_sendfile(fs, on_end, two.to,
						   at(two.from, 0), SIZE_MAX)),
			 1000);
	assert_copied(&two, 10, 1000);

	assert_int_equal(pipe(fds), 0); /* it blocks */
	assert_int_equal(DONE(op, rota_fs_sendfile(fs, on_end, fds[1],
						   at(two.from, 0), 1000)),
			 1000);
	assert_int_equal(read(fds[0], data, sizeof(data)), 1000);
	assert_bytes(data, 1000);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	assert_int_equal(DONE(op, rota_fs_sendfile(fs, on_end, two.to,
						   at(fds[0], -1), 3)),
			 3);
	close(fds[0]);
	assert_int_equal(DONE(op, rota_fs_sendfile(fs, on_end, fds[1],
						   at(two.from, 0), 1000)),
			 ROTA_EPIPE);
	close(fds[1]);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(DONE(op, rota_fs_sendfile(fs, on_end, fds[1],
						   at(two.from, 0), 1000)),
			 1000);
	assert_int_equal(read(fds[0], data, sizeof(data)), 1000);
	assert_bytes(data, 1000);
	close(fds[0]);
	close(fds[1]);
	two_end(&two);
}

/* O6: a pipe that nobody reads. */
static void a_copy_that_waits_is_cancelled(void **state)
{
	struct two two;
	struct operation *op = &two.t.op;
	int fds[2];

	two_begin(&two, *state, LONG);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(rota_fs_sendfile(&op->fs, on_end, fds[1],
					  at(two.from, 0), LONG),
			 0);
	while (rota_request_cancel(&op->fs.request) == ROTA_EBUSY)
		rota_loop_run(op->loop, ROTA_RUN_NOWAIT);
	if (op->calls == 0)
		(void)outcome(op);
	assert_int_equal(op->result, ROTA_ECANCELED);
	close(fds[0]);
	close(fds[1]);
	two_end(&two);
}

/* O6: between two parts. */
static void a_copy_ends_once_it_is_cancelled(void **state)
{
	struct holder holder;
	struct lane lane;
	struct two two;
	struct operation *op = &two.t.op;
	int fds[2];

	two_begin(&two, *state, 10);
	lane_begin(&lane, *state, ROTA_CLOCK_MONOTONIC, 1);
	operation_init(op, lane.loop);
	make_pipe(fds);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	holder_begin(&holder);
	fault_call_before("pwrite", 1, holder_wait, &holder);
	assert_int_equal(rota_fs_copy_range(&op->fs, on_end, at(fds[0], -1),
					    at(two.to, 0), 10),
			 0);
	until_running(&lane);
	assert_int_equal(rota_request_cancel(&op->fs.request), ROTA_EBUSY);
	holder_let_go(&holder);
	assert_int_equal(outcome(op), ROTA_ECANCELED);
	holder_end(&holder);
	close(fds[0]);
	close(fds[1]);
	lane_end(&lane);
	two_end(&two);
}

/* Its size is 0, but there is something to read. */
static void a_file_of_proc_is_copied(void **state)
{
	struct two two;
	struct operation *op = &two.t.op;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		print_message("skip: there is no /proc\n");
		skip();
	}
	two_begin(&two, *state, 10);
	assert_in_range(DONE(op, rota_fs_copy_range(&op->fs, on_end, at(fd, 0),
						    at(two.to, 0), 1 << 20)),
			100, 100000);
	assert_int_equal(DONE(op, rota_fs_sendfile(&op->fs, on_end, two.to,
						   at(fd, -1), 10)),
			 10);
	close(fd);
	two_end(&two);
}

/* Errors of both sides, in the copy by a buffer: a pipe forces that. */
static void a_copy_may_fail(void **state)
{
	struct two two;
	struct operation *op = &two.t.op;
	struct rota_fs *fs = &op->fs;
	int fds[2], only_read;

	two_begin(&two, *state, 1000);
	make_pipe(fds); /* does not block */
	fault_fail("malloc", 1, ENOMEM);
	assert_int_equal(DONE(op, rota_fs_copy_range(fs, on_end, at(fds[0], -1),
						     at(two.to, -1), 10)),
			 ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(DONE(op, rota_fs_copy_range(fs, on_end, at(fds[0], -1),
						     at(two.to, -1), 10)),
			 ROTA_EAGAIN);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	fault_fail("pwrite", 1, EIO);
	assert_int_equal(DONE(op, rota_fs_copy_range(fs, on_end, at(fds[0], -1),
						     at(two.to, 0), 3)),
			 ROTA_EIO);
	assert_int_equal(fault_clear(), 1);
	only_read = open(two.to_path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(
		DONE(op, rota_fs_copy_range(fs, on_end, at(two.from, 0),
					    at(only_read, 0), 3)),
		ROTA_EBADF);
	close(only_read);
	close(fds[0]);
	close(fds[1]);
	two_end(&two);
}

static void blocks_are_allocated(void **state)
{
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	struct rota_file_range range = { 1000, 100000 };
	struct stat status;
	int fd;

	file_test_begin(&t, *state);
	fd = put_open(&t.s, O_RDWR | O_CREAT);
	(void)DONE(&t.op, rota_fs_fallocate(fs, on_end, fd, 0, range));
	if (t.op.result != ROTA_ENOTSUP) {
		assert_int_equal(t.op.result, 0);
		assert_int_equal(fstat(fd, &status), 0);
		assert_int_equal(status.st_size, 101000);
		assert_true(status.st_blocks * 512 >= 100000);
	}
	(void)DONE(&t.op, rota_fs_fallocate(fs, on_end, fd, ROTA_FS_PUNCH_HOLE,
					    range));
	if (t.op.result != ROTA_ENOTSUP && t.op.result != ROTA_EOPNOTSUPP) {
		assert_int_equal(t.op.result, 0);
		assert_int_equal(fstat(fd, &status), 0);
		assert_int_equal(status.st_size, 101000);
		assert_true(status.st_blocks * 512 < 50000);
	}
	range.length = INT64_MAX;
	assert_true(DONE(&t.op, rota_fs_fallocate(fs, on_end, fd, 0, range)) <
		    0);
	close(fd);
	file_test_end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(a_vector_of_any_length_is_written_and_read),
	REAL(offsets_have_64_bits),
	REAL(a_vector_may_fail_in_the_middle),
	REAL(a_vector_waits_for_a_pipe),
	REAL(what_is_synced_is_a_file),
	REAL(bytes_are_copied_from_place_to_place),
	REAL(bytes_are_not_copied_over_themselves),
	REAL(a_file_is_sent_to_files_pipes_and_sockets),
	REAL(a_copy_that_waits_is_cancelled),
	REAL(a_copy_ends_once_it_is_cancelled),
	REAL(a_file_of_proc_is_copied),
	REAL(a_copy_may_fail),
	REAL(blocks_are_allocated),
};

FIXTURE_MAIN(tests)
