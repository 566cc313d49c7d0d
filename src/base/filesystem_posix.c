/*
 * base/filesystem_posix.c - the same on all systems except Linux.
 *
 *  1. On macOS fsync(2) does not wait for the disk's own cache, and F_FULLFSYNC
 *     does. Not every file system has it.
 *  2. macOS has F_PREALLOCATE instead of posix_fallocate(3). It leaves the
 *     length of the file as it is.
 *  3. struct statvfs of macOS counts blocks in 32 bits. struct statfs does not.
 */
#include "base/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __APPLE__
#include <sys/mount.h>
#include <sys/param.h>
#else
#include <sys/statvfs.h>
#endif

#include "base/fd.h"
#include "rota/error.h"

#ifdef __APPLE__
int rotai_rename_with(int directory, const char *from, const char *to,
		      unsigned options)
{
	unsigned flags =
		options == ROTA_FS_RENAME_EXCHANGE ? RENAME_SWAP : RENAME_EXCL;

	return renameatx_np(directory, from, directory, to, flags) < 0 ? -errno
								       : 0;
}
#else
int rotai_rename_with(int directory, const char *from, const char *to,
		      unsigned options)
{
	(void)directory;
	(void)from;
	(void)to;
	(void)options;
	return ROTA_ENOTSUP;
}
#endif

#ifdef F_FULLFSYNC
int rotai_sync_file(int fd, int data_only)
{
	(void)data_only;
	if (fcntl(fd, F_FULLFSYNC) == 0) /* (1) */
		return 0;
	if (errno != ENOTSUP && errno != ENOTTY && errno != EINVAL)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}
#else
int rotai_sync_file(int fd, int data_only)
{
	return (data_only ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
}
#endif

#if defined(F_PREALLOCATE)
/* (2) */
static int allocate_range(int fd, int64_t offset, int64_t length)
{
	struct stat status;
	int64_t end = offset + length;
	fstore_t store = {
		.fst_flags = F_ALLOCATEALL,
		.fst_posmode = F_PEOFPOSMODE,
	};

	if (fstat(fd, &status) < 0)
		return -errno;
	if (end <= status.st_size)
		return 0;
	store.fst_length = end - status.st_size;
	if (fcntl(fd, F_PREALLOCATE, &store) < 0)
		return -errno;
	return ftruncate(fd, end) < 0 ? -errno : 0;
}
#elif defined(__FreeBSD__) || defined(__NetBSD__)
static int allocate_range(int fd, int64_t offset, int64_t length)
{
	return -posix_fallocate(fd, (off_t)offset, (off_t)length);
}
#else
static int allocate_range(int fd, int64_t offset, int64_t length)
{
	(void)fd;
	(void)offset;
	(void)length;
	return ROTA_ENOTSUP;
}
#endif

int rotai_allocate(int fd, unsigned options, int64_t offset, int64_t length)
{
	if (options != 0)
		return ROTA_ENOTSUP;
	if (offset > INT64_MAX - length)
		return ROTA_EFBIG;
	return allocate_range(fd, offset, length);
}

int64_t rotai_copy_inside(struct rota_file_place from,
			  struct rota_file_place to, size_t size)
{
	(void)from;
	(void)to;
	(void)size;
	return ROTA_ENOTSUP;
}

int64_t rotai_send_inside(int fd, struct rota_file_place from, size_t size)
{
	(void)fd;
	(void)from;
	(void)size;
	return ROTA_ENOTSUP;
}

#ifdef __APPLE__
/* (3) */
static int read_file_system(int fd, const char *path,
			    struct rota_file_system_info *info)
{
	const size_t size = info->size;
	struct statfs status;

	if ((path != NULL ? statfs(path, &status) : fstatfs(fd, &status)) < 0)
		return -errno;
	*info = (struct rota_file_system_info){
		.size = size,
		.type = status.f_type,
		.block_size = status.f_bsize,
		.blocks = status.f_blocks,
		.free_blocks = status.f_bfree,
		.available_blocks = status.f_bavail,
		.files = status.f_files,
		.free_files = status.f_ffree,
		.longest_name = NAME_MAX,
	};
	return 0;
}
#else
static int read_file_system(int fd, const char *path,
			    struct rota_file_system_info *info)
{
	const size_t size = info->size;
	struct statvfs status;

	if ((path != NULL ? statvfs(path, &status) : fstatvfs(fd, &status)) < 0)
		return -errno;
	*info = (struct rota_file_system_info){
		.size = size,
		.block_size = status.f_frsize,
		.blocks = status.f_blocks,
		.free_blocks = status.f_bfree,
		.available_blocks = status.f_bavail,
		.files = status.f_files,
		.free_files = status.f_ffree,
		.longest_name = status.f_namemax,
	};
	return 0;
}
#endif

int rotai_file_system_read(int directory, const char *path,
			   struct rota_file_system_info *info)
{
	int error;
	int fd;

	if (directory == AT_FDCWD)
		return read_file_system(-1, path, info);
	fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	error = read_file_system(fd, NULL, info);
	rotai_fd_close(fd);
	return error;
}

#ifdef F_GETPATH
static int real_path_under(int directory, const char *path, char **found)
{
	char whole[PATH_MAX + PATH_MAX];
	size_t length;

	if (fcntl(directory, F_GETPATH, whole) < 0)
		return -errno;
	length = strlen(whole);
	if (strlen(path) >= PATH_MAX)
		return ROTA_ENAMETOOLONG;
	snprintf(whole + length, sizeof(whole) - length, "/%s", path);
	*found = realpath(whole, NULL);
	return *found == NULL ? -errno : 0;
}
#else
static int real_path_under(int directory, const char *path, char **found)
{
	(void)directory;
	(void)path;
	(void)found;
	return ROTA_ENOTSUP;
}
#endif

int rotai_real_path(int directory, const char *path, char **found)
{
	if (directory != AT_FDCWD && path[0] != '/' && path[0] != '\0')
		return real_path_under(directory, path, found);
	*found = realpath(path, NULL);
	return *found == NULL ? -errno : 0;
}
