/*
 * fs/copy_file.c - copying a file in one trip to the pool.
 *
 *  1. The arguments are in fs->internal: the source in `path`, the destination
 *     in `to`, and the flags in `flags`.
 *  2. The place of the destination is found once, through its links, and its
 *     directory stays open: what is removed after an error is what was written.
 *     If the name there belongs to another file by then, that one stays.
 *  3. Three ways of copying are tried: the two files share their blocks; the
 *     kernel copies; or the bytes are read and written. A file system that
 *     cannot do one of them refuses it before it has changed anything.
 *  4. The reads determine where the file ends, not its size: it may grow or
 *     shrink meanwhile, and files of /proc have no size. The kernel copies
 *     nothing of some files that have content. So only a read finds the end.
 *  5. Holes are found by SEEK_DATA and SEEK_HOLE. Where these are refused, the
 *     whole file is data, and so is a file whose size is 0: some files of /proc
 *     report no data there although they have content. The size is asked for
 *     first: what the file grows by afterwards is data, and not a hole. All
 *     offsets are passed with the calls; the positions of the descriptors have
 *     no meaning.
 *  6. Until the copy is complete, only its owner can read it.
 *  7. A regular file whose read would wait has no end that a copy could reach:
 *     /proc/kmsg, for example. It is refused, and so is one without positions.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/filesystem.h"
#include "base/storage.h"
#include "fs/fifo.h"
#include "fs/operation.h"
#include "fs/place.h"
#include "fs/guard.h"
#include "fs/slow.h"
#include "fs/write_file.h"
#include "rota/error.h"
#include "rota/fs_file.h"

enum {
	ALL_COPY_FLAGS =
		ROTA_COPY_EXCLUSIVE | ROTA_COPY_CLONE | ROTA_COPY_TIMES,
	WHOLE_COPY_BUFFER = 128 * 1024,
	KERNEL_STEP = 16 << 20,
	COPIED_MODE = 0777,
	OWNER_MODE = 0700, /* (6) */
};

struct copy {
	const struct rota_fs *fs;
	struct stat status; /* of the source */
	int from, to;
	struct rotai_place place; /* of the destination */
	char *buffer;             /* allocated when it is needed */
	int no_kernel_copy;
	int64_t size; /* of the copy */
};

static int copy_has_flag(const struct copy *c, int flag)
{
	return (c->fs->internal.flags & flag) != 0;
}

static int status_of(int fd, struct stat *status)
{
	int failed;

	do
		failed = fstat(fd, status);
	while (failed && errno == EINTR);
	if (failed)
		return -errno;
	if (S_ISDIR(status->st_mode))
		return ROTA_EISDIR;
	return S_ISREG(status->st_mode) ? 0 : ROTA_EPERM;
}

/* Open the source. ROTA_EAGAIN: somebody has a lease on it. */
static int open_source(struct copy *c, int more_flags)
{
	struct stat status;
	int error = rotai_file_look(c->fs, &status);

	if (error < 0)
		return error;
	if (rotai_is_special(status.st_mode))
		return ROTA_EPERM;
	c->from = rotai_file_open(c->fs, O_RDONLY | O_NOCTTY | more_flags, 0);
	if (c->from < 0)
		return c->from;
	error = status_of(c->from, &c->status);
	if (error == 0 && (more_flags & O_NONBLOCK) == 0)
		error = rotai_fd_set_nonblocking(c->from, 1); /* (7) */
	return error;
}

/* --- the destination --- */

/* Empty the file of c->to, which existed before. */
static int empty_destination(struct copy *c)
{
	struct stat status;
	int error = status_of(c->to, &status);
	int failed;

	if (error == 0 && status.st_dev == c->status.st_dev &&
	    status.st_ino == c->status.st_ino)
		error = ROTA_EINVAL;
	if (error < 0)
		return error;
	do
		failed = ftruncate(c->to, 0);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

/* Open a destination that exists, unless it is something else than a file. */
static int open_existing(struct copy *c, int more_flags)
{
	struct stat status;
	int error = rotai_place_look(&c->place, &status);

	if (error < 0)
		return error;
	if (S_ISDIR(status.st_mode))
		return ROTA_EISDIR;
	if (rotai_is_special(status.st_mode))
		return ROTA_EPERM;
	c->to = rotai_place_open(&c->place, O_WRONLY | O_NOCTTY | more_flags,
				 0);
	if (c->to < 0)
		return c->to;
	error = empty_destination(c);
	if (error < 0) {
		rotai_fd_close(c->to);
		c->to = -1;
	}
	return error;
}

/* Open a destination that a clone has made: 1 or an error. */
static int open_clone(struct copy *c)
{
	c->to = rotai_place_open(&c->place, O_RDONLY | O_NONBLOCK, 0);
	if (c->to >= 0)
		return 1;
	(void)rotai_name_remove(c->place.directory, c->place.name);
	return c->to;
}

/* Open or make the destination. On some systems a clone makes it: then 1. */
static int open_destination(struct copy *c, int more_flags)
{
	unsigned mode = (unsigned)c->status.st_mode & OWNER_MODE;

	if (rotai_storage_clone_as(c->from, c->place.directory,
				   c->place.name) == 0)
		return open_clone(c);
	c->to = rotai_place_open(&c->place,
				 O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY, mode);
	if (c->to >= 0)
		return 0;
	if (c->to != ROTA_EEXIST || copy_has_flag(c, ROTA_COPY_EXCLUSIVE))
		return c->to;
	return open_existing(c, more_flags);
}

/* --- the content --- */

/* Copy bytes at @offset by reading and writing them: how many, 0 at the end, or
 * an error. */
static ssize_t copy_piece(struct copy *c, int64_t offset, size_t size)
{
	ssize_t n, written;

	if (c->buffer == NULL)
		c->buffer = malloc(WHOLE_COPY_BUFFER);
	if (c->buffer == NULL)
		return ROTA_ENOMEM;
	if (size > WHOLE_COPY_BUFFER)
		size = WHOLE_COPY_BUFFER;
	do
		n = pread(c->from, c->buffer, size, (off_t)offset);
	while (n < 0 && errno == EINTR);
	for (ssize_t done = 0; done < n; done += written) {
		written = pwrite(c->to, c->buffer + done, (size_t)(n - done),
				 (off_t)(offset + done));
		if (written < 0 && errno == EINTR)
			written = 0;
		else if (written <= 0)
			return written < 0 ? -errno : ROTA_EIO;
	}
	return n < 0 ? -errno : n;
}

/* ROTA_ENOTSUP: these two files cannot be copied so. */
static int64_t copy_in_kernel(const struct copy *c, int64_t offset, size_t size)
{
	const struct rota_file_place from = { c->from, offset };
	const struct rota_file_place to = { c->to, offset };
	int64_t n;

	do
		n = rotai_copy_inside(from, to, size);
	while (n == ROTA_EINTR);
	return n;
}

/* The same, in the kernel if possible. (3), (4) */
static int64_t copy_some(struct copy *c, int64_t offset, int64_t end)
{
	int64_t left = end - offset;
	size_t size = left < KERNEL_STEP ? (size_t)left : KERNEL_STEP;
	int64_t n = ROTA_ENOTSUP;

	if (!c->no_kernel_copy)
		n = copy_in_kernel(c, offset, size);
	if (n == ROTA_ENOTSUP)
		c->no_kernel_copy = 1;
	return n == 0 || n == ROTA_ENOTSUP ? copy_piece(c, offset, size) : n;
}

/* Copy from c->size to @end: 0; or 1 if the file ends before; or an error. */
static int copy_until(struct copy *c, int64_t end)
{
	while (c->size < end) {
		int64_t n = rota_work_canceled() ? ROTA_ECANCELED
						 : copy_some(c, c->size, end);

		if (n == ROTA_EAGAIN || n == ROTA_ESPIPE)
			return ROTA_EPERM; /* (7) */
		if (n <= 0)
			return n < 0 ? (int)n : 1;
		c->size += n;
	}
	return 0;
}

/* Find where data begins at c->size or after it, and where they end: 1; or 0:
 * there are no more. (5) */
static int find_data(struct copy *c, int64_t *end)
{
	int64_t size = lseek(c->from, 0, SEEK_END);
	int64_t at = lseek(c->from, (off_t)c->size, SEEK_DATA);

	*end = INT64_MAX;
	if (at < 0 && errno == ENXIO) {
		if (size > c->size)
			c->size = size;
		return c->size == 0;
	}
	if (at < c->size)
		return 1; /* refused */
	c->size = at;
	at = lseek(c->from, (off_t)c->size, SEEK_HOLE);
	if (at > c->size)
		*end = at;
	return 1;
}

static int set_size(struct copy *c)
{
	int failed;

	do
		failed = ftruncate(c->to, (off_t)c->size);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

static int copy_content(struct copy *c)
{
	int64_t end;
	int done = 0;

	while (done == 0 && find_data(c, &end))
		done = copy_until(c, end);
	return done < 0 ? done : set_size(c);
}

static int copy_quietly(struct copy *c)
{
	struct rotai_fs_guard guard;
	int error;

	rotai_fs_guard_begin(&guard);
	error = copy_content(c);
	rotai_fs_guard_end(&guard, error);
	return error;
}

/* Let the destination share the blocks of the source, or copy. */
static int fill_destination(struct copy *c)
{
	struct stat now;
	int error = rotai_storage_clone(c->from, c->to);

	if (error == 0) {
		error = status_of(c->to, &now);
		c->size = (int64_t)now.st_size;
		return error;
	}
	return copy_has_flag(c, ROTA_COPY_CLONE) ? error : copy_quietly(c);
}

/* --- the rest --- */

/* See stat.c (1). */
static struct timespec time_at(const time_t *seconds)
{
	return *rota_container_of(seconds, const struct timespec, tv_sec);
}

/* Give the copy its mode and, if asked for, times. */
static int finish_copy(struct copy *c)
{
	struct timespec times[2] = { time_at(&c->status.st_atime),
				     time_at(&c->status.st_mtime) };
	int failed;

	do
		failed = fchmod(c->to, c->status.st_mode & COPIED_MODE);
	while (failed && errno == EINTR);
	if (failed)
		return -errno;
	if (!copy_has_flag(c, ROTA_COPY_TIMES))
		return 0;
	do
		failed = futimens(c->to, times);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

static int copy_to_place(struct copy *c, int more_flags)
{
	int made = open_destination(c, more_flags);
	int error = made < 0 ? made : 0;

	if (error < 0)
		return error;
	if (made == 0)
		error = fill_destination(c);
	else
		c->size = (int64_t)c->status.st_size;
	if (error == 0)
		error = finish_copy(c);
	if (error == 0 && rota_work_canceled())
		error = ROTA_ECANCELED;
	if (error < 0)
		rotai_place_remove(&c->place, c->to); /* (2) */
	if (close(c->to) < 0 && errno != EINTR && error == 0) {
		error = -errno;
		(void)rotai_name_remove(c->place.directory, c->place.name);
	}
	return error;
}

static int64_t copy_file(struct rota_fs *fs, int more_flags)
{
	struct copy c = { .fs = fs, .from = -1, .to = -1 };
	int error = open_source(&c, more_flags);

	if (error == 0)
		error = rotai_place_find(
			&c.place, fs->internal.directory, fs->internal.to,
			!copy_has_flag(&c, ROTA_COPY_EXCLUSIVE));
	if (error == 0) {
		error = copy_to_place(&c, more_flags);
		rotai_place_end(&c.place);
	}
	if (c.from >= 0)
		rotai_fd_close(c.from);
	free(c.buffer);
	return error < 0 ? error : c.size;
}

static void run_copy_file(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	int64_t result = copy_file(fs, O_NONBLOCK);

	fs->internal.result = result == ROTA_EAGAIN ? ROTAI_FS_MOVES : result;
}

static void run_copy_file_slowly(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	fs->internal.result = copy_file(fs, 0);
}

static const struct rotai_fs_operation copy_file_operation = {
	.class_ = ROTAI_FS_CLASS("fs_copy_file"),
	.run = run_copy_file,
	.run_slowly = run_copy_file_slowly,
};

int rota_fs_copy_file(struct rota_fs *fs, rota_fs_fn *fn, const char *from,
		      const char *to, int flags)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error < 0)
		return error;
	if (from == NULL || to == NULL || (flags & ~ALL_COPY_FLAGS) != 0)
		return ROTA_EINVAL;
	error = rotai_fs_take_paths(fs, from, to); /* (1) */
	if (error < 0)
		return error;
	fs->internal.flags = flags;
	rotai_fs_begin(fs, fn, &copy_file_operation);
	return 0;
}
