/*
 * fs/file.c - open, close, read and write.
 *
 *  1. A cancelled operation leaks no descriptor. If an open was cancelled, the
 *     descriptor that it has made is closed. If a close was cancelled before a
 *     pool thread ran it, the loop's thread closes the descriptor.
 *  2. A write may raise SIGPIPE or SIGXFSZ in the thread that makes it. Pool
 *     threads have all signals blocked. The loop's thread, which writes if the
 *     lane has no threads, blocks the two meanwhile. A signal that was raised
 *     is consumed, because otherwise it would stay pending until the thread
 *     unblocks it.
 *  3. A write of output that a stream has accepted is not cancelled by
 *     rota_loop_shutdown(), and begins even while the loop is shutting down:
 *     nobody else has the bytes.
 */
#include "rota/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/accepted.h"
#include "fs/fifo.h"
#include "fs/operation.h"
#include "fs/slow.h"
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
	int fd = rotai_file_open(fs->internal.path, flags | O_NONBLOCK,
				 fs->internal.mode);
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
	if (rotai_file_look(fs->internal.path, &status) < 0)
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
	const char *path = fs->internal.path;
	int flags = fs->internal.flags;
	unsigned mode = fs->internal.mode;
	struct stat status;
	int error;
	int fd;

	if (rotai_file_look(path, &status) < 0 || !S_ISFIFO(status.st_mode) ||
	    (flags & O_NONBLOCK) != 0) {
		fd = rotai_file_open(path, flags, mode);
		error = fd < 0 ? fd : rotai_file_admit(fs, fd);
		return error < 0 ? error : fd;
	}
	if (fs->internal.files_only)
		return ROTA_EPERM;
	fd = rotai_fifo_open(fs, path, flags, mode);
	error = fd < 0 ? fd : rotai_file_restore(fd, flags);
	return error < 0 ? error : fd;
}

static void run_open_slowly(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	fs->internal.result = open_slowly(fs);
}

static void discard_open(struct rota_fs *fs)
{
	rotai_fd_close((int)fs->internal.result); /* (1) */
}

static const struct rotai_fs_operation open_operation = {
	.class_ = ROTAI_FS_CLASS("fs_open"),
	.run = run_open,
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
	fs->internal.path = path;
	fs->internal.flags = flags;
	fs->internal.mode = mode;
	rotai_fs_begin(fs, fn, &open_operation);
	return 0;
}

static void run_close(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	/* EINTR is no error, and close(2) must not be tried again: on Linux and
	 * the BSDs the number is already free then, and another thread may have
	 * got it. */
	fs->internal.result =
		close(fs->internal.fd) < 0 && errno != EINTR ? -errno : 0;
}

static void skip_close(struct rota_fs *fs)
{
	rotai_fd_close(fs->internal.fd); /* (1) */
}

static const struct rotai_fs_operation close_operation = {
	.class_ = ROTAI_FS_CLASS("fs_close"),
	.run = run_close,
	.skip = skip_close,
};

int rota_fs_close(struct rota_fs *fs, rota_fs_fn *fn, int fd)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error < 0)
		return error;
	if (fd < 0)
		return ROTA_EBADF;
	fs->internal.fd = fd;
	rotai_fs_begin(fs, fn, &close_operation);
	return 0;
}

/* A file with positions never waits; one without refuses offsets. */
static int may_wait(const struct rota_fs *fs)
{
	return fs->internal.offset < 0 && fs->internal.size > 0 &&
	       rotai_may_wait(fs->internal.fd);
}

static ssize_t read_part(const struct rota_fs *fs)
{
	size_t size = at_most(fs->internal.size);

	if (fs->internal.offset < 0)
		return read(fs->internal.fd, fs->internal.target, size);
	return pread(fs->internal.fd, fs->internal.target, size,
		     fs->internal.offset);
}

static void run_read(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	ssize_t n = 0;

	if (may_wait(fs)) {
		fs->internal.result = ROTAI_FS_MOVES;
		return;
	}
	if (fs->internal.size > 0)
		do
			n = read_part(fs);
		while (n < 0 && errno == EINTR);
	fs->internal.result = n < 0 ? -errno : n;
}

static void run_read_slowly(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	fs->internal.result = rotai_read_slowly(fs);
}

static const struct rotai_fs_operation read_operation = {
	.class_ = ROTAI_FS_CLASS("fs_read"),
	.run = run_read,
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

/* Consume the signal that came with @error, if there is one. (2) */
static void take_signal_back(int error)
{
	int number = error == ROTA_EPIPE ? SIGPIPE : SIGXFSZ;
	sigset_t set;

	sigemptyset(&set);
	(void)sigpending(&set);
	if (!sigismember(&set, number))
		return;
	sigemptyset(&set);
	sigaddset(&set, number);
	(void)sigwait(&set, &number);
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

/* (2) */
static void write_quietly(struct rota_fs *fs,
			  size_t (*write_it)(struct rota_fs *fs, int *error))
{
	sigset_t raised, before;
	int error = 0;
	size_t done;

	sigemptyset(&raised);
	sigaddset(&raised, SIGPIPE);
	sigaddset(&raised, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &raised, &before);
	done = write_it(fs, &error);
	if (error == ROTA_EPIPE || error == ROTA_EFBIG)
		take_signal_back(error);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	fs->internal.result = error < 0 && done == 0 ? error : (int64_t)done;
}

static void run_write(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	if (may_wait(fs))
		fs->internal.result = ROTAI_FS_MOVES;
	else
		write_quietly(fs, write_all);
}

static void run_write_slowly(struct rotai_item *item)
{
	write_quietly(rotai_fs_of(item), rotai_write_slowly);
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
	return ROTA_EBUSY; /* (3) */
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
