/*
 * fs/file.c - open, close, read and write.
 *
 *  1. A cancelled operation leaks no descriptor. If an open was cancelled, the
 *     descriptor that it has made is closed. If a close was cancelled before a
 *     pool thread ran it, the loop's thread closes the descriptor: see
 *     rotai_skip_close().
 *  2. A write of output that a stream has accepted is not cancelled by
 *     rota_loop_shutdown(), and begins even while the loop is shutting down:
 *     nobody else has the bytes.
 */
#include "rota/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "fs/accepted.h"
#include "fs/attempt.h"
#include "fs/fifo.h"
#include "fs/operation.h"
#include "fs/quiet.h"
#include "fs/slow.h"
#include "fs/table.h"
#include "rota/error.h"

/* Bytes for one system call. Linux transfers at most 2 GiB less a page; macOS
 * fails for more than 2 GiB less one byte. */
enum { MOST_AT_ONCE = 1 << 30 };

_Static_assert(sizeof(off_t) == sizeof(int64_t),
	       "files may be large: build with -D_FILE_OFFSET_BITS=64");

static size_t at_most(size_t size)
{
	return size < MOST_AT_ONCE ? size : MOST_AT_ONCE;
}

/* Open a file whose open need not wait. Use O_NONBLOCK, and clear it
 * afterwards: the file may have been replaced since its type was checked, or
 * somebody may have a lease on it. */
static int64_t open_file(const struct rota_fs *fs)
{
	int flags = fs->internal.flags;
	int fd = rotai_file_open(fs, flags | O_NONBLOCK, fs->internal.mode);
	int error;

	if (fd == ROTA_EAGAIN && (flags & O_NONBLOCK) == 0)
		return ROTAI_FS_MOVES;
	if (fd < 0)
		return fd;
	error = rotai_file_admit(fs, fd);
	if (error == 0)
		error = rotai_file_restore(fd, flags);
	return error < 0 ? error : fd;
}

static void run_open(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	int blocks = (fs->internal.flags & O_NONBLOCK) == 0;
	struct stat status;

	/* If there is no such file, open(2) may create it, or return the
	 * error. */
	if (rotai_file_look(fs, &status) < 0)
		status.st_mode = S_IFREG;
	if (rotai_is_special(status.st_mode) && fs->internal.files_only)
		fs->internal.result = ROTA_EPERM;
	else if (rotai_is_special(status.st_mode) &&
		 (blocks || !S_ISFIFO(status.st_mode)))
		fs->internal.result = ROTAI_FS_MOVES;
	else
		fs->internal.result = open_file(fs);
}

/* Open in the blocking lane. How long the open of a device waits depends on its
 * driver. */
static int open_slowly(struct rota_fs *fs)
{
	int flags = fs->internal.flags;
	unsigned mode = fs->internal.mode;
	struct stat status;
	int error;
	int fd;

	if (rotai_file_look(fs, &status) < 0 || !S_ISFIFO(status.st_mode) ||
	    (flags & O_NONBLOCK) != 0) {
		fd = rotai_file_open(fs, flags, mode);
		error = fd < 0 ? fd : rotai_file_admit(fs, fd);
		return error < 0 ? error : fd;
	}
	if (fs->internal.files_only)
		return ROTA_EPERM;
	fd = rotai_fifo_open(fs, flags, mode);
	error = fd < 0 ? fd : rotai_file_restore(fd, flags);
	return error < 0 ? error : fd;
}

static void run_open_slowly(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	fs->internal.result = open_slowly(fs);
}

/* Only for reading: opening a file for writing may wait for its file system,
 * which somebody has frozen. */
static void attempt_open(struct rota_fs *fs)
{
	int flags = fs->internal.flags;
	struct rotai_known known;
	int error = 0;
	int fd;

	if ((flags & ~(O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) != O_RDONLY)
		return;
	fd = rotai_attempt_open(fs, flags | O_NONBLOCK, &known);
	if (fd == ROTA_EAGAIN)
		return;
	if (fd >= 0)
		error = rotai_file_admit(fs, fd);
	if (fd >= 0 && error == 0)
		error = rotai_file_restore(fd, flags);
	fs->internal.result = error < 0 ? error : fd;
}

static void discard_open(struct rota_fs *fs)
{
	rotai_fd_close((int)fs->internal.result); /* (1) */
}

static const struct rotai_fs_operation open_operation = {
	.class_ = ROTAI_FS_CLASS("fs_open"),
	.run = run_open,
	.attempt = attempt_open,
	.run_slowly = run_open_slowly,
	.discard = discard_open,
	.makes_fd = 1,
};

int rota_fs_open(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		 int flags, unsigned mode)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error < 0)
		return error;
	if (path == NULL)
		return ROTA_EINVAL;
	error = rotai_fs_take_paths(fs, path, NULL);
	if (error < 0)
		return error;
	fs->internal.flags = flags;
	fs->internal.mode = mode;
	rotai_fs_begin(fs, fn, &open_operation);
	return 0;
}

int rota_fs_close(struct rota_fs *fs, rota_fs_fn *fn, int fd)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd };

	return rotai_fs_start(fs, fn, ROTAI_FS_CLOSE, &a);
}

/* A file with positions does not wait, with the exceptions of slow.c (2); one
 * without refuses offsets. */
static int has_no_offset(const struct rota_fs *fs)
{
	return fs->internal.offset < 0 && fs->internal.size > 0;
}

/* Read what is missing after the first @done bytes. */
static ssize_t read_part(const struct rota_fs *fs, size_t done)
{
	char *target = (char *)fs->internal.target + done;
	size_t size = at_most(fs->internal.size) - done;

	if (fs->internal.offset < 0)
		return read(fs->internal.fd, target, size);
	return pread(fs->internal.fd, target, size,
		     fs->internal.offset + (int64_t)done);
}

static void run_read(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	size_t done = rotai_fs_done(fs->internal.result);
	ssize_t n = 0;

	if (has_no_offset(fs) && rotai_read_may_wait(fs->internal.fd)) {
		fs->internal.result = ROTAI_FS_MOVES;
		return;
	}
	if (fs->internal.size > 0)
		do
			n = read_part(fs, done);
		while (n < 0 && errno == EINTR);
	if (n < 0 && done == 0)
		fs->internal.result = -errno;
	else
		fs->internal.result = (int64_t)done + (n < 0 ? 0 : n);
}

/* Read what is in the page cache. A read that comes up short has reached the
 * end of the file, or a page that is missing: the next one shows which. */
static void attempt_read(struct rota_fs *fs)
{
	size_t size = fs->internal.size;
	size_t done = 0;
	ssize_t n;

	if (fs->internal.offset < 0 || !rotai_attempt_take(fs, size))
		return;
	do {
		n = rotai_file_read_now(
			fs->internal.fd, (char *)fs->internal.target + done,
			size - done, fs->internal.offset + (int64_t)done);
		if (n > 0)
			done += (size_t)n;
	} while (n > 0 && done < size);
	if (n >= 0)
		fs->internal.result = (int64_t)done;
	else if (done > 0)
		fs->internal.result = ROTAI_FS_PARTLY(done);
}

static void run_read_slowly(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	fs->internal.result = rotai_read_slowly(
		fs, fs->internal.fd, fs->internal.target, fs->internal.size);
}

static const struct rotai_fs_operation read_operation = {
	.class_ = ROTAI_FS_CLASS("fs_read"),
	.run = run_read,
	.attempt = attempt_read,
	.run_slowly = run_read_slowly,
};

/* Check and store the arguments that a read and a write have in common. */
static int take_arguments(struct rota_fs *fs, int fd, const char *data,
			  size_t size, int64_t offset)
{
	if (fd < 0)
		return ROTA_EBADF;
	if (offset < -1 || (data == NULL && size > 0))
		return ROTA_EINVAL;
	fs->internal.fd = fd;
	fs->internal.size = size;
	fs->internal.offset = offset;
	return 0;
}

int rota_fs_read(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		 struct rota_buf buf, int64_t offset)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error == 0)
		error = take_arguments(fs, fd, buf.data, buf.size, offset);
	if (error < 0)
		return error;
	fs->internal.target = buf.data;
	rotai_fs_begin(fs, fn, &read_operation);
	return 0;
}

static ssize_t write_part(const struct rota_fs *fs, size_t done)
{
	const char *from = fs->internal.source + done;
	size_t size = at_most(fs->internal.size - done);

	if (fs->internal.offset < 0)
		return write(fs->internal.fd, from, size);
	return pwrite(fs->internal.fd, from, size,
		      fs->internal.offset + (int64_t)done);
}

/* Return how many bytes were written: less than all if there is an *@error. */
static size_t write_all(struct rota_fs *fs, int *error)
{
	size_t done = 0;

	while (done < fs->internal.size && *error == 0) {
		ssize_t n = write_part(fs, done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			*error = ROTA_EIO; /* a device that accepts nothing */
		else if (errno != EINTR)
			*error = -errno;
	}
	return done;
}

static void run_write(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	if (has_no_offset(fs) && rotai_may_wait(fs->internal.fd))
		fs->internal.result = ROTAI_FS_MOVES;
	else
		fs->internal.result = rotai_fs_write_quietly(fs, write_all);
}

static size_t write_all_slowly(struct rota_fs *fs, int *error)
{
	return rotai_write_slowly(fs, fs->internal.fd, fs->internal.source,
				  fs->internal.size, error);
}

static void run_write_slowly(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	fs->internal.result = rotai_fs_write_quietly(fs, write_all_slowly);
}

static const struct rotai_fs_operation write_operation = {
	.class_ = ROTAI_FS_CLASS("fs_write"),
	.run = run_write,
	.run_slowly = run_write_slowly,
};

int rota_fs_write(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		  struct rota_const_buf buf, int64_t offset)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error == 0)
		error = take_arguments(fs, fd, buf.data, buf.size, offset);
	if (error < 0)
		return error;
	fs->internal.source = buf.data;
	rotai_fs_begin(fs, fn, &write_operation);
	return 0;
}

static int refuse_cancel(struct rota_request *request, int status)
{
	(void)request;
	(void)status;
	return ROTA_EBUSY; /* (2) */
}

static const struct rotai_fs_operation accepted_operation = {
	.class_ = { .type = "fs_write",
		    .call = rotai_fs_call,
		    .cancel = refuse_cancel,
		    .forked = rotai_fs_forked },
	.run = run_write,
	.run_slowly = run_write_slowly,
};

int rotai_fs_write_accepted(struct rota_fs *fs, rota_fs_fn *fn, int fd,
			    struct rota_const_buf buf)
{
	int error = rotai_loop_inherited(fs->request.internal.loop);

	if (error == 0)
		error = take_arguments(fs, fd, buf.data, buf.size, -1);
	if (error < 0)
		return error;
	fs->internal.source = buf.data;
	rotai_fs_begin(fs, fn, &accepted_operation);
	return 0;
}
