/*
 * fs/write_file.c - writing a whole file in one trip to the pool.
 *
 *  1. The arguments are in fs->internal: the path, the bytes in `source` and
 *     `limit`, and in `flags` the flags and, above them, the mode.
 *  2. A plain write opens the path as open(2) does. What is not a file is
 *     written in the blocking lane, without blocking: poll(2) waits for space,
 *     or for a cancel.
 *  3. An atomic write makes a file with a random name in the directory of the
 *     file, with O_EXCL, so that nobody else can have made it. This temporary
 *     file gets the bytes, then owner and mode, and then its content is brought
 *     to the disk. Only then it gets the name of the file. Until then, every
 *     way out removes it.
 *  4. The file that is replaced is found once, through its links, and its
 *     directory stays open: a directory or link that is swapped meanwhile does
 *     not lead the write to another place.
 *  5. An owner is kept where the system allows it. If it is not kept, the new
 *     file must not give anybody rights that they did not have: it is not
 *     setuid, and another group has no more rights than all others.
 */
#include "fs/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/filesystem.h"
#include "fs/fifo.h"
#include "fs/operation.h"
#include "fs/place.h"
#include "fs/guard.h"
#include "fs/slow.h"
#include "fs/wait.h"
#include "rota/error.h"
#include "rota/fs_file.h"

enum {
	ALL_WRITE_FLAGS = ROTA_WRITE_APPEND | ROTA_WRITE_EXCLUSIVE |
			  ROTA_WRITE_ATOMIC | ROTA_WRITE_DURABLE |
			  ROTA_WRITE_NO_SYNC,
	MODE_SHIFT = 8, /* (1) */
	ALL_MODES = 07777,
	TEMPORARY_TRIES = 100,
	TEMPORARY_SIZE = 32,
	PRIVATE_MODE = 0600,
};

static int has_flag(const struct rota_fs *fs, int flag)
{
	return (fs->internal.flags & flag) != 0;
}

static unsigned mode_of(const struct rota_fs *fs)
{
	return (unsigned)fs->internal.flags >> MODE_SHIFT;
}

/* Wait until @fd, which is not a file, takes more. */
static int await_space(struct rota_fs *fs, int fd)
{
	int found = rotai_fs_wait(fs, fd, POLLOUT, -1);

	return found < 0 ? found : 0;
}

/* Write all bytes to @fd, which may have to wait if @waits is not 0: 0 or an
 * error. */
static int put_content(struct rota_fs *fs, int fd, int waits)
{
	size_t size = fs->internal.limit;
	int pause_ms = ROTAI_FS_FIRST_PAUSE;
	size_t done = 0;

	while (done < size) {
		size_t part = size - done;
		int error = rota_work_canceled() ? ROTA_ECANCELED : 0;
		ssize_t n;

		if (error == 0 && waits)
			error = await_space(fs, fd);
		if (error < 0)
			return error;
		n = write(fd, fs->internal.source + done,
			  part < ROTAI_FS_STEP ? part : ROTAI_FS_STEP);
		if (n == 0)
			return ROTA_EIO; /* a device that accepts nothing */
		if (n > 0)
			done += (size_t)n;
		else if (errno == EAGAIN && waits)
			error = rotai_fs_pause(fs, -1, 0, &pause_ms);
		else if (errno != EINTR)
			return -errno;
		if (error < 0)
			return error;
	}
	return 0;
}

static int put_quietly(struct rota_fs *fs, int fd, int waits)
{
	struct rotai_fs_guard guard;
	int error;

	rotai_fs_guard_begin(&guard);
	error = put_content(fs, fd, waits);
	rotai_fs_guard_end(&guard, error);
	return error;
}

/* close(2) may report the error of an earlier write. */
static int close_written(int fd)
{
	return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

/* --- a plain write: (2) --- */

/* O_NOCTTY: as for a read. */
static int flags_to_open(const struct rota_fs *fs)
{
	return O_WRONLY | O_CREAT | O_NOCTTY |
	       (has_flag(fs, ROTA_WRITE_APPEND) ? O_APPEND : O_TRUNC) |
	       (has_flag(fs, ROTA_WRITE_EXCLUSIVE) ? O_EXCL : 0);
}

/* Write to @fd and close it. If it is a file that was made for that, and an
 * error comes, remove it from @place, which may be NULL. */
static int write_and_close(struct rota_fs *fs, int fd,
			   const struct rotai_place *place, int waits)
{
	int durable = has_flag(fs, ROTA_WRITE_DURABLE) && !waits;
	int error = put_quietly(fs, fd, waits);
	int closed;

	if (error == 0 && durable)
		error = rotai_place_sync_file(fd);
	if (error < 0 && has_flag(fs, ROTA_WRITE_EXCLUSIVE))
		rotai_place_remove(place, fd);
	closed = close_written(fd);
	if (error == 0)
		error = closed;
	return error == 0 && durable ? rotai_place_sync(place) : error;
}

/* These need the directory: to remove what was made, and to bring it to the
 * disk. O_EXCL does not follow a link. */
static int write_at_place(struct rota_fs *fs, int more_flags)
{
	struct rotai_place place;
	int error = rotai_place_find(&place, fs->internal.directory,
				     fs->internal.path,
				     !has_flag(fs, ROTA_WRITE_EXCLUSIVE));
	int fd;

	if (error < 0)
		return error;
	if (has_flag(fs, ROTA_WRITE_DURABLE) && place.searched)
		fd = ROTA_EACCES;
	else
		fd = rotai_place_open(&place, flags_to_open(fs) | more_flags,
				      mode_of(fs));
	error = fd < 0 ? fd : rotai_file_admit(fs, fd);
	if (error == 0)
		error = write_and_close(fs, fd, &place, 0);
	rotai_place_end(&place);
	return error;
}

static int write_at_path(struct rota_fs *fs, int more_flags)
{
	int fd = rotai_file_open(fs, flags_to_open(fs) | more_flags,
				 mode_of(fs));
	int error = fd < 0 ? fd : rotai_file_admit(fs, fd);

	return error < 0 ? error : write_and_close(fs, fd, NULL, 0);
}

static int needs_place(const struct rota_fs *fs)
{
	return has_flag(fs, ROTA_WRITE_EXCLUSIVE | ROTA_WRITE_DURABLE);
}

/* Write to a FIFO or a device, in the blocking lane. */
static int write_to_special(struct rota_fs *fs, mode_t type)
{
	int flags = flags_to_open(fs);
	int fd = S_ISFIFO(type) ? rotai_fifo_open(fs, flags, 0)
				: rotai_file_open(fs, flags | O_NONBLOCK, 0);

	return fd < 0 ? fd : write_and_close(fs, fd, NULL, 1);
}

/* Write to the file that the path leads to. Or return ROTA_EAGAIN, in the io
 * lane: it may take long. */
static int write_plain(struct rota_fs *fs, int is_slow)
{
	int more_flags = is_slow ? 0 : O_NONBLOCK; /* for leases */
	struct stat status;

	if (rotai_file_look(fs, &status) < 0)
		status.st_mode = S_IFREG; /* the open returns the error */
	if (rotai_is_special(status.st_mode)) {
		if (has_flag(fs, ROTA_WRITE_EXCLUSIVE))
			return ROTA_EEXIST;
		if (fs->internal.files_only)
			return ROTA_EPERM;
		return is_slow ? write_to_special(fs, status.st_mode)
			       : ROTA_EAGAIN;
	}
	return needs_place(fs) ? write_at_place(fs, more_flags)
			       : write_at_path(fs, more_flags);
}

/* --- an atomic write: (3) --- */

struct replacement {
	struct rotai_place place; /* of the file */
	struct stat old;          /* the file that is replaced */
	int replaces;             /* there is one */
	char name[TEMPORARY_SIZE];
};

static void choose_name(char name[TEMPORARY_SIZE])
{
	unsigned long long number;

	rotai_random(&number, sizeof(number));
	snprintf(name, TEMPORARY_SIZE, ".rota-%016llx", number);
}

/* Make the temporary file: a descriptor or an error. */
static int make_temporary(struct replacement *r, unsigned mode)
{
	struct rotai_place at = { .directory = r->place.directory };
	int fd = ROTA_EEXIST;

	at.name = r->name;
	for (int i = 0; i < TEMPORARY_TRIES && fd == ROTA_EEXIST; i++) {
		choose_name(r->name);
		fd = rotai_place_open(&at, O_WRONLY | O_CREAT | O_EXCL, mode);
	}
	return fd;
}

/* Find out what is to be replaced, if anything. */
static int look_at_old(struct rota_fs *fs, struct replacement *r)
{
	int error = rotai_place_look(&r->place, &r->old);

	r->replaces = error == 0;
	if (error < 0)
		return error == ROTA_ENOENT ? 0 : error;
	if (has_flag(fs, ROTA_WRITE_EXCLUSIVE))
		return ROTA_EEXIST;
	if (S_ISDIR(r->old.st_mode))
		return ROTA_EISDIR;
	return rotai_is_special(r->old.st_mode) ? ROTA_EPERM : 0;
}

static int give_owner(int fd, uid_t user, gid_t group)
{
	int failed;

	do
		failed = fchown(fd, user, group);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

/* Give the file of @fd the owner of the old one, as far as that is possible,
 * and return which permissions it may then have. (5) */
static mode_t keep_owner(int fd, const struct stat *old, const struct stat *now)
{
	mode_t mode = old->st_mode & ALL_MODES;
	mode_t all = mode & 07;

	if (now->st_uid == old->st_uid && now->st_gid == old->st_gid)
		return mode;
	if (give_owner(fd, old->st_uid, old->st_gid) == 0)
		return mode;
	if (now->st_uid != old->st_uid)
		mode &= ~(mode_t)S_ISUID;
	if (now->st_gid == old->st_gid ||
	    give_owner(fd, (uid_t)-1, old->st_gid) == 0)
		return mode;
	return mode & ~(mode_t)(S_ISGID | (070 & ~(all << 3)));
}

static int keep_owner_and_mode(int fd, const struct stat *old)
{
	struct stat now;
	mode_t mode;
	int failed;

	do
		failed = fstat(fd, &now);
	while (failed && errno == EINTR);
	if (failed)
		return -errno;
	mode = keep_owner(fd, old, &now);
	do
		failed = fchmod(fd, mode);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

/* Give the temporary file the name of the file, which must be a new one. Where
 * no call does that, a link is made, and the old name is removed. */
static int publish_new(struct replacement *r)
{
	int at = r->place.directory;
	int error = rotai_place_rename_new(&r->place, r->name);
	int failed;

	if (error != ROTA_EOPNOTSUPP)
		return error;
	do
		failed = linkat(at, r->name, at, r->place.name, 0);
	while (failed && errno == EINTR);
	if (failed)
		return -errno;
	(void)rotai_name_remove(at, r->name);
	return 0;
}

/* Give the temporary file the name of the file. */
static int publish(struct rota_fs *fs, struct replacement *r)
{
	int at = r->place.directory;
	int failed;

	if (rota_work_canceled())
		return ROTA_ECANCELED;
	if (has_flag(fs, ROTA_WRITE_EXCLUSIVE))
		return publish_new(r);
	do
		failed = renameat(at, r->name, at, r->place.name);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

/* Fill the temporary file @fd, and close it. */
static int fill_temporary(struct rota_fs *fs, struct replacement *r, int fd)
{
	int error = put_quietly(fs, fd, 0);
	int closed;

	if (error == 0 && r->replaces)
		error = keep_owner_and_mode(fd, &r->old);
	if (error == 0 && !has_flag(fs, ROTA_WRITE_NO_SYNC))
		error = rotai_place_sync_file(fd);
	closed = close_written(fd);
	return error < 0 ? error : closed;
}

static int replace_file(struct rota_fs *fs, struct replacement *r)
{
	int error = look_at_old(fs, r);
	int fd;

	if (error == 0 && has_flag(fs, ROTA_WRITE_DURABLE) && r->place.searched)
		error = ROTA_EACCES;
	if (error < 0)
		return error;
	fd = make_temporary(r, r->replaces ? PRIVATE_MODE : mode_of(fs));
	if (fd < 0)
		return fd;
	error = fill_temporary(fs, r, fd);
	if (error == 0)
		error = publish(fs, r);
	if (error < 0)
		(void)rotai_name_remove(r->place.directory, r->name);
	if (error == 0 && has_flag(fs, ROTA_WRITE_DURABLE))
		error = rotai_place_sync(&r->place);
	return error;
}

static int write_atomic(struct rota_fs *fs)
{
	struct replacement r;
	int error = rotai_place_find(&r.place, fs->internal.directory,
				     fs->internal.path,
				     !has_flag(fs, ROTA_WRITE_EXCLUSIVE));

	if (error < 0)
		return error;
	error = replace_file(fs, &r);
	rotai_place_end(&r.place);
	return error;
}

/* --- */

static void run_write_file(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	int is_atomic = has_flag(fs, ROTA_WRITE_ATOMIC);
	int error = is_atomic ? write_atomic(fs) : write_plain(fs, 0);

	if (error == ROTA_EAGAIN && !is_atomic)
		fs->internal.result = ROTAI_FS_MOVES;
	else
		fs->internal.result =
			error < 0 ? error : (int64_t)fs->internal.limit;
}

static void run_write_file_slowly(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	int error = write_plain(fs, 1);

	fs->internal.result = error < 0 ? error : (int64_t)fs->internal.limit;
}

static const struct rotai_fs_operation write_file_operation = {
	.class_ = ROTAI_FS_CLASS("fs_write_file"),
	.run = run_write_file,
	.run_slowly = run_write_file_slowly,
};

static int check_write(struct rota_const_buf buf, int flags, unsigned mode)
{
	int is_atomic = (flags & ROTA_WRITE_ATOMIC) != 0;

	if ((flags & ~ALL_WRITE_FLAGS) != 0 || mode > ALL_MODES ||
	    (buf.data == NULL && buf.size > 0))
		return ROTA_EINVAL;
	if ((flags & ROTA_WRITE_APPEND) != 0 &&
	    (flags & (ROTA_WRITE_ATOMIC | ROTA_WRITE_EXCLUSIVE)) != 0)
		return ROTA_EINVAL;
	if ((flags & ROTA_WRITE_NO_SYNC) != 0 &&
	    (!is_atomic || (flags & ROTA_WRITE_DURABLE) != 0))
		return ROTA_EINVAL;
	return 0;
}

int rota_fs_write_file(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		       struct rota_const_buf buf, int flags, unsigned mode)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error == 0 && path == NULL)
		error = ROTA_EINVAL;
	if (error == 0)
		error = check_write(buf, flags, mode);
	if (error == 0)
		error = rotai_fs_take_paths(fs, path, NULL); /* (1) */
	if (error < 0)
		return error;
	fs->internal.source = buf.data;
	fs->internal.limit = buf.size;
	fs->internal.flags = flags | (int)(mode << MODE_SHIFT);
	rotai_fs_begin(fs, fn, &write_file_operation);
	return 0;
}
