/* poller: none */
/*
 * Opening, closing, reading and writing files on threads of the io lane.
 */
#include "fs/scratch.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "support/fault.h"

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static void
an_open_gives_a_descriptor_that_programs_do_not_inherit(void **state)
{
	struct file_test t;
	struct stat status;
	mode_t umask_before = umask(022);
	int fd;

	file_test_begin(&t, *state);

	fd = (int)do_open(&t.op, t.s.path, O_RDWR | O_CREAT, 0666);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0644);
	assert_int_equal(do_close(&t.op, fd), 0);
	assert_false(is_open(fd));
	umask(umask_before);
	file_test_end(&t);
}

/* O7: errors of the system are only reported by the callback. */
static void an_open_that_fails_says_why(void **state)
{
	struct file_test t;
	char beyond[sizeof(t.s.path) + 8];
	char overlong[5000];

	file_test_begin(&t, *state);
	snprintf(beyond, sizeof(beyond), "%s/x", t.s.path);
	memset(overlong, 'x', sizeof(overlong));
	overlong[sizeof(overlong) - 1] = '\0';

	assert_int_equal(do_open(&t.op, t.s.path, O_RDONLY, 0), ROTA_ENOENT);
	assert_int_equal(do_open(&t.op, "", O_RDONLY, 0), ROTA_ENOENT);
	assert_int_equal(do_open(&t.op, overlong, O_RDONLY, 0),
			 ROTA_ENAMETOOLONG);
	assert_int_equal(do_open(&t.op, t.s.directory, O_WRONLY, 0),
			 ROTA_EISDIR);
	put_file(&t.s, 0);
	assert_int_equal(do_open(&t.op, beyond, O_RDONLY, 0), ROTA_ENOTDIR);
	assert_int_equal(do_open(&t.op, t.s.path, O_CREAT | O_EXCL, 0600),
			 ROTA_EEXIST);

	assert_int_equal(t.op.phase, ROTA_PHASE_POLL);
	file_test_end(&t);
}

/* Address space for more bytes than the system reads or writes in one call. It
 * takes memory only where it is touched. */
#define MUCH ((size_t)3 << 30)

static char *map_much(void)
{
	void *much = mmap(NULL, MUCH, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(much, MAP_FAILED);
	return much;
}

static void reads_go_on_where_the_last_one_ended(void **state)
{
	struct file_test t;
	char data[8];
	int fd;

	file_test_begin(&t, *state);
	put_file(&t.s, 10);
	fd = put_open(&t.s, O_RDONLY);

	assert_int_equal(do_read(&t.op, fd, buf_of(data, 6), -1), 6);
	assert_bytes(data, 6);
	assert_int_equal(do_read(&t.op, fd, buf_of(data, 6), -1), 4);
	assert_int_equal(data[3], byte_at(9));
	assert_int_equal(do_read(&t.op, fd, buf_of(data, 6), -1), 0);

	close(fd);
	file_test_end(&t);
}

static void a_read_at_an_offset_moves_no_position(void **state)
{
	struct file_test t;
	char data[8];
	int fd;

	file_test_begin(&t, *state);
	put_file(&t.s, 10);
	fd = put_open(&t.s, O_RDONLY);

	assert_int_equal(do_read(&t.op, fd, buf_of(data, 8), 7), 3);
	assert_int_equal(data[0], byte_at(7));
	assert_int_equal(do_read(&t.op, fd, buf_of(data, 8), 0), 8);
	assert_bytes(data, 8);
	assert_int_equal(do_read(&t.op, fd, buf_of(data, 8), 10), 0);
	assert_int_equal(do_read(&t.op, fd, buf_of(data, 8), 1000), 0);

	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	close(fd);
	file_test_end(&t);
}

static void reading_and_writing_nothing_is_0(void **state)
{
	struct file_test t;
	char data[1];
	int fd, unreadable;

	file_test_begin(&t, *state);
	put_file(&t.s, 10);
	fd = put_open(&t.s, O_RDWR);
	unreadable = put_open(&t.s, O_WRONLY);

	assert_int_equal(do_read(&t.op, fd, buf_of(data, 0), -1), 0);
	assert_int_equal(do_read(&t.op, fd, buf_of(NULL, 0), 3), 0);
	assert_int_equal(do_read(&t.op, unreadable, buf_of(data, 0), 0), 0);
	assert_int_equal(do_write(&t.op, fd, "", -1), 0);
	assert_int_equal(
		rota_fs_write(&t.op.fs, on_end, fd, rota_bytes(NULL, 0), 3), 0);
	assert_int_equal(outcome(&t.op), 0);

	close(unreadable);
	close(fd);
	file_test_end(&t);
}

/* The system's calls transfer less than 2 GiB. With more, some of them fail. */
static void a_read_of_any_size_gives_what_there_is(void **state)
{
	static const size_t sizes[] = { (size_t)1 << 30, SIZE_MAX / 2,
					SIZE_MAX };
	enum { SIZE = 5000 };
	struct file_test t;
	char *data = map_much();
	int fd;

	file_test_begin(&t, *state);
	put_file(&t.s, SIZE);
	fd = put_open(&t.s, O_RDONLY);

	for (unsigned i = 0; i < 3; i++) {
		memset(data, 0, SIZE);
		assert_int_equal(do_read(&t.op, fd, buf_of(data, sizes[i]), 0),
				 SIZE);
		assert_bytes(data, SIZE);
		lseek(fd, 8, SEEK_SET);
		assert_int_equal(do_read(&t.op, fd, buf_of(data, sizes[i]), -1),
				 SIZE - 8);
	}

	close(fd);
	munmap(data, MUCH);
	file_test_end(&t);
}

static void writes_go_where_they_are_told(void **state)
{
	struct file_test t;
	int fd;

	file_test_begin(&t, *state);
	fd = put_open(&t.s, O_WRONLY | O_CREAT);

	assert_int_equal(do_write(&t.op, fd, "Hello, ", -1), 7);
	assert_int_equal(do_write(&t.op, fd, "world", -1), 5);
	assert_int_equal(do_write(&t.op, fd, "J", 0), 1);
	assert_int_equal(do_write(&t.op, fd, "!", 12), 1);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 12);

	assert_file_is(&t.s, "Jello, world!");
	close(fd);
	file_test_end(&t);
}

static void what_is_beyond_any_file_is_told(void **state)
{
	struct file_test t;
	char data[4];
	int64_t result;
	int fd;

	file_test_begin(&t, *state);
	fd = put_open(&t.s, O_RDWR | O_CREAT);

	result = do_read(&t.op, fd, buf_of(data, 4), INT64_MAX - 1);
	assert_true(result == 0 || result == ROTA_EINVAL ||
		    result == ROTA_EOVERFLOW);
	result = do_write(&t.op, fd, "x", INT64_MAX - 2);
	assert_true(result == ROTA_EFBIG || result == ROTA_EINVAL);
	result = do_write(&t.op, fd, "xyz", INT64_MAX);
	assert_true(result == ROTA_EFBIG || result == ROTA_EINVAL ||
		    result == ROTA_EOVERFLOW);

	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	close(fd);
	file_test_end(&t);
}

struct drain {
	pthread_t thread;
	int fd;
	size_t size;
	int ordered;
};

/* Read to the end in small pieces. */
static void *drain(void *arg)
{
	struct drain *d = arg;
	char data[3000];
	ssize_t n;

	while ((n = recv(d->fd, data, sizeof(data), 0)) > 0)
		for (ssize_t i = 0; i < n; i++)
			d->ordered &= data[i] == byte_at(d->size++);
	return NULL;
}

static void make_blocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

/* A pipe takes the bytes piece by piece, and one write request writes them
 * all. */
static void a_write_writes_all(void **state)
{
	enum { SIZE = 1 << 20 };
	struct drain d = { .ordered = 1 };
	struct file_test t;
	char *data = malloc(SIZE);
	int fds[2];

	file_test_begin(&t, *state);
	assert_non_null(data);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = byte_at(i);
	make_socketpair(fds);
	make_blocking(fds[0]);
	make_blocking(fds[1]);
	d.fd = fds[0];
	assert_int_equal(pthread_create(&d.thread, NULL, drain, &d), 0);

	assert_int_equal(rota_fs_write(&t.op.fs, on_end, fds[1],
				       rota_bytes(data, SIZE), -1),
			 0);
	assert_int_equal(outcome(&t.op), SIZE);

	close(fds[1]);
	pthread_join(d.thread, NULL);
	assert_int_equal(d.size, SIZE);
	assert_true(d.ordered);
	close(fds[0]);
	free(data);
	file_test_end(&t);
}

static void a_write_that_fails_after_a_part_tells_the_part(void **state)
{
	static char data[1 << 20];
	struct file_test t;
	int64_t part;
	int fds[2];

	file_test_begin(&t, *state);
	make_pipe(fds); /* non-blocking */

	assert_int_equal(rota_fs_write(&t.op.fs, on_end, fds[1],
				       rota_bytes(data, sizeof(data)), -1),
			 0);
	part = outcome(&t.op);
	assert_in_range(part, 1, sizeof(data) - 1);

	assert_int_equal(do_write(&t.op, fds[1], "x", -1), ROTA_EAGAIN);
	assert_int_equal(t.op.calls, 2);
	close(fds[0]);
	close(fds[1]);
	file_test_end(&t);
}

static void a_descriptor_that_is_not_open_is_told_later(void **state)
{
	enum { NOT_OPEN = 3999 };
	struct file_test t;
	struct rota_file_info info = { .size = sizeof(info) };
	char data[4];

	file_test_begin(&t, *state);

	assert_int_equal(do_read(&t.op, NOT_OPEN, buf_of(data, 4), -1),
			 ROTA_EBADF);
	assert_int_equal(do_read(&t.op, NOT_OPEN, buf_of(data, 4), 0),
			 ROTA_EBADF);
	assert_int_equal(do_write(&t.op, NOT_OPEN, "x", -1), ROTA_EBADF);
	assert_int_equal(do_close(&t.op, NOT_OPEN), ROTA_EBADF);
	assert_int_equal(rota_fs_fstat(&t.op.fs, on_end, NOT_OPEN, &info), 0);
	assert_int_equal(outcome(&t.op), ROTA_EBADF);

	file_test_end(&t);
}

/* F3 */
static void what_the_system_refuses_is_told(void **state)
{
	struct file_test t;
	char data[4];
	int fd;

	file_test_begin(&t, *state);
	put_file(&t.s, 10);
	fd = put_open(&t.s, O_RDWR);

	fault_fail("open", 1, EMFILE);
	assert_int_equal(do_open(&t.op, t.s.path, O_RDONLY, 0), ROTA_EMFILE);
	assert_int_equal(fault_clear(), 1);
	fault_fail("read", 1, EIO);
	assert_int_equal(do_read(&t.op, fd, buf_of(data, 4), -1), ROTA_EIO);
	assert_int_equal(fault_clear(), 1);
	fault_fail("pread", 1, ESPIPE);
	assert_int_equal(do_read(&t.op, fd, buf_of(data, 4), 0), ROTA_ESPIPE);
	assert_int_equal(fault_clear(), 1);
	fault_fail("pwrite", 1, ENOSPC);
	assert_int_equal(do_write(&t.op, fd, "xyz", 0), ROTA_ENOSPC);
	assert_int_equal(fault_clear(), 1);

	close(fd);
	file_test_end(&t);
}

static void a_close_that_fails_has_closed(void **state)
{
	struct file_test t;
	int fd;

	file_test_begin(&t, *state);
	put_file(&t.s, 10);

	fd = put_open(&t.s, O_RDONLY);
	fault_fail("close", 1, EIO);
	assert_int_equal(do_close(&t.op, fd), ROTA_EIO);
	assert_int_equal(fault_clear(), 1);
	assert_false(is_open(fd));

	fd = put_open(&t.s, O_RDONLY);
	fault_fail("close", 1, EINTR);
	assert_int_equal(do_close(&t.op, fd), 0);
	assert_int_equal(fault_clear(), 1);
	assert_false(is_open(fd));
	file_test_end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(an_open_gives_a_descriptor_that_programs_do_not_inherit),
	REAL(an_open_that_fails_says_why),
	REAL(reads_go_on_where_the_last_one_ended),
	REAL(a_read_at_an_offset_moves_no_position),
	REAL(reading_and_writing_nothing_is_0),
	REAL(a_read_of_any_size_gives_what_there_is),
	REAL(writes_go_where_they_are_told),
	REAL(what_is_beyond_any_file_is_told),
	REAL(a_write_writes_all),
	REAL(a_write_that_fails_after_a_part_tells_the_part),
	REAL(a_descriptor_that_is_not_open_is_told_later),
	REAL(what_the_system_refuses_is_told),
	REAL(a_close_that_fails_has_closed),
};

FIXTURE_MAIN(tests)
