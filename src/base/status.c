/*
 * base/status.c - the part of status.h that is made of stat(2).
 *
 *  1. According to POSIX, st_mtime is another name of st_mtim.tv_sec. On macOS
 *     and NetBSD it is another name of st_mtimespec.tv_sec. In both cases it is
 *     a part of a struct timespec, so the nanoseconds can be found without the
 *     name of that struct.
 *  2. The BSDs have a time of birth under the same two names. It is -1 if the
 *     file system does not know it.
 */
#include "base/status.h"

#include <errno.h>
#include <fcntl.h>

#include "rota/object.h"

/* Checks (1) as far as possible: each of them has enough space for a
 * timespec. */
_Static_assert(offsetof(struct stat, st_mtime) -
				       offsetof(struct stat, st_atime) >=
			       sizeof(struct timespec) &&
		       offsetof(struct stat, st_ctime) -
				       offsetof(struct stat, st_mtime) >=
			       sizeof(struct timespec),
	       "st_atime, st_mtime and st_ctime are parts of a timespec");

int64_t rotai_status_ns(int64_t seconds, int64_t ns)
{
	const int64_t ns_of_second = 1000000000;

	if (seconds >= INT64_MAX / ns_of_second)
		return INT64_MAX;
	if (seconds < INT64_MIN / ns_of_second)
		return INT64_MIN;
	return seconds * ns_of_second + ns;
}

/* (1) */
static int64_t to_ns(const time_t *seconds)
{
	const struct timespec *time =
		rota_container_of(seconds, const struct timespec, tv_sec);

	return rotai_status_ns(time->tv_sec, time->tv_nsec);
}

/* (2) */
static int64_t birth_of(const struct stat *status)
{
#ifdef st_birthtime
	if (status->st_birthtime != -1)
		return to_ns(&status->st_birthtime);
#elif defined(__APPLE__)
	if (status->st_birthtimespec.tv_sec != -1)
		return to_ns(&status->st_birthtimespec.tv_sec);
#endif
	(void)status;
	return ROTA_FS_TIME_UNKNOWN;
}

void rotai_status_convert(const struct stat *status,
			  struct rota_file_info *info)
{
	const size_t size = info->size;

	*info = (struct rota_file_info){
		.size = size,
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
		.born_ns = birth_of(status),
	};
}

int rotai_status_read_plainly(int directory, const char *path, int follows,
			      struct rota_file_info *info)
{
	struct stat status;
	int failed = path == NULL ? fstat(directory, &status)
				  : fstatat(directory, path, &status,
					    follows ? 0 : AT_SYMLINK_NOFOLLOW);

	if (failed)
		return -errno;
	rotai_status_convert(&status, info);
	return 0;
}
