/*
 * fs/stat.c - the status of a file.
 *
 *  1. According to POSIX, st_mtime is another name of st_mtim.tv_sec. On macOS
 *     and NetBSD it is another name of st_mtimespec.tv_sec. In both cases it is
 *     a part of a struct timespec, so the nanoseconds can be found without the
 *     name of that struct.
 */
#include "rota/fs.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "base/sized.h"
#include "fs/operation.h"
#include "rota/error.h"

/* Checks (1) as far as possible: each of them has enough space for a
 * timespec. */
_Static_assert(offsetof(struct stat, st_mtime) -
				       offsetof(struct stat, st_atime) >=
			       sizeof(struct timespec) &&
		       offsetof(struct stat, st_ctime) -
				       offsetof(struct stat, st_mtime) >=
			       sizeof(struct timespec),
	       "st_atime, st_mtime and st_ctime are parts of a timespec");

/* The first version of the struct ended here. */
enum { LEAST_INFO_SIZE = ROTAI_SIZE_UP_TO(struct rota_file_info, group) };

ROTAI_SIZED(struct rota_file_info, group);

/* A time that does not fit becomes the nearest one that does. */
static int64_t to_ns(const time_t *seconds)
{
	enum { NS_OF_SECOND = 1000000000 };
	const struct timespec *time =
		rota_container_of(seconds, const struct timespec, tv_sec);
	int64_t s = time->tv_sec;

	if (s >= INT64_MAX / NS_OF_SECOND)
		return INT64_MAX;
	if (s < INT64_MIN / NS_OF_SECOND)
		return INT64_MIN;
	return s * NS_OF_SECOND + time->tv_nsec;
}

static void fill_info(struct rota_file_info *info, const struct stat *status)
{
	const struct rota_file_info now = {
		.device = (uint64_t)status->st_dev,
		.inode = (uint64_t)status->st_ino,
		.links = (uint64_t)status->st_nlink,
		.bytes = (uint64_t)status->st_size,
		.blocks = (uint64_t)status->st_blocks,
		.special_device = (uint64_t)status->st_rdev,
		.accessed_ns = to_ns(&status->st_atime),
		.modified_ns = to_ns(&status->st_mtime),
		.changed_ns = to_ns(&status->st_ctime),
		.block_size = (uint32_t)status->st_blksize,
		.mode = (uint32_t)status->st_mode,
		.user = (uint32_t)status->st_uid,
		.group = (uint32_t)status->st_gid,
	};

	(void)rotai_sized_give(info, LEAST_INFO_SIZE, &now, sizeof(now));
}

/* Fill @status as stat(2), lstat(2) or fstat(2) does. */
typedef int stat_fn(const struct rota_fs *fs, struct stat *status);

static int of_path(const struct rota_fs *fs, struct stat *status)
{
	return stat(fs->internal.path, status);
}

static int of_link(const struct rota_fs *fs, struct stat *status)
{
	return lstat(fs->internal.path, status);
}

static int of_descriptor(const struct rota_fs *fs, struct stat *status)
{
	return fstat(fs->internal.fd, status);
}

static void look_up(struct rotai_item *item, stat_fn *call)
{
	struct rota_fs *fs = rotai_fs_of(item);
	struct stat status;
	int failed;

	do
		failed = call(fs, &status);
	while (failed && errno == EINTR);
	fs->internal.result = failed ? -errno : 0;
	if (!failed)
		fill_info(fs->internal.target, &status);
}

static void run_stat(struct rotai_item *item)
{
	look_up(item, of_path);
}

static void run_lstat(struct rotai_item *item)
{
	look_up(item, of_link);
}

static void run_fstat(struct rotai_item *item)
{
	look_up(item, of_descriptor);
}

static const struct rotai_fs_operation stat_operation = {
	.class_ = ROTAI_FS_CLASS("fs_stat"),
	.run = run_stat,
};

static const struct rotai_fs_operation lstat_operation = {
	.class_ = ROTAI_FS_CLASS("fs_lstat"),
	.run = run_lstat,
};

static const struct rotai_fs_operation fstat_operation = {
	.class_ = ROTAI_FS_CLASS("fs_fstat"),
	.run = run_fstat,
};

static int take_info(struct rota_fs *fs, struct rota_file_info *info)
{
	if (info == NULL || info->size < LEAST_INFO_SIZE)
		return ROTA_EINVAL;
	fs->internal.target = info;
	return 0;
}

static int begin_by_path(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
			 struct rota_file_info *info,
			 const struct rotai_fs_operation *operation)
{
	int error = rotai_fs_usable(fs, fn);

	if (error == 0 && path == NULL)
		error = ROTA_EINVAL;
	if (error == 0)
		error = take_info(fs, info);
	if (error < 0)
		return error;
	fs->internal.path = path;
	rotai_fs_begin(fs, fn, operation);
	return 0;
}

int rota_fs_stat(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		 struct rota_file_info *info)
{
	ROTAI_ENTER_FS(fs);
	return begin_by_path(fs, fn, path, info, &stat_operation);
}

int rota_fs_lstat(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  struct rota_file_info *info)
{
	ROTAI_ENTER_FS(fs);
	return begin_by_path(fs, fn, path, info, &lstat_operation);
}

int rota_fs_fstat(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		  struct rota_file_info *info)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error < 0)
		return error;
	if (fd < 0)
		return ROTA_EBADF;
	error = take_info(fs, info);
	if (error < 0)
		return error;
	fs->internal.fd = fd;
	rotai_fs_begin(fs, fn, &fstat_operation);
	return 0;
}
