/*
 * base/filesystem_linux.c - calls on files that are special on Linux.
 *
 *  1. Calls that the C library may lack are made by their number, and the
 *     kernel may lack them as well.
 *  2. O_PATH opens no file, and needs no permission for it.
 *  3. An open directory has a name: /proc/self/fd/N is a link to it.
 */
#include "base/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "rota/error.h"

/* The kernel's numbers, which some C libraries do not have. */
enum {
	NO_REPLACE = 1, /* RENAME_NOREPLACE */
	EXCHANGE = 2,   /* RENAME_EXCHANGE */
	KEEP_SIZE = 0x01,
	PUNCH_HOLE = 0x02,
	COLLAPSE_RANGE = 0x08,
	ZERO_RANGE = 0x10,
	INSERT_RANGE = 0x20,
};

int rotai_rename_with(int directory, const char *from, const char *to,
		      unsigned options)
{
	long flags = options == ROTA_FS_RENAME_EXCHANGE ? EXCHANGE : NO_REPLACE;

	if (syscall(SYS_renameat2, (long)directory, from, (long)directory, to,
		    flags) == 0)
		return 0;
	return errno == ENOSYS ? ROTA_ENOTSUP : -errno;
}

int rotai_sync_file(int fd, int data_only)
{
	return (data_only ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
}

static int allocate_flags(unsigned options)
{
	int flags = 0;

	if ((options & ROTA_FS_KEEP_SIZE) != 0)
		flags |= KEEP_SIZE;
	if ((options & ROTA_FS_PUNCH_HOLE) != 0)
		flags |= PUNCH_HOLE | KEEP_SIZE; /* it must have both */
	if ((options & ROTA_FS_ZERO_RANGE) != 0)
		flags |= ZERO_RANGE;
	if ((options & ROTA_FS_COLLAPSE_RANGE) != 0)
		flags |= COLLAPSE_RANGE;
	if ((options & ROTA_FS_INSERT_RANGE) != 0)
		flags |= INSERT_RANGE;
	return flags;
}

int rotai_allocate(int fd, unsigned options, int64_t offset, int64_t length)
{
	if (fallocate(fd, allocate_flags(options), (off_t)offset,
		      (off_t)length) == 0)
		return 0;
	/* The C library then writes to each block. */
	if (options == 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		return -posix_fallocate(fd, (off_t)offset, (off_t)length);
	return -errno;
}

/* What a kernel says that cannot copy these bytes by itself. */
static int64_t inside_error(void)
{
	switch (errno) {
	case ENOSYS:
	case EXDEV:
	case EOPNOTSUPP:
	case EINVAL:
	case EPERM:
		return ROTA_ENOTSUP;
	default:
		return -errno;
	}
}

int64_t rotai_copy_inside(struct rota_file_place from,
			  struct rota_file_place to, size_t size)
{
	int64_t *from_at = from.offset < 0 ? NULL : &from.offset;
	int64_t *to_at = to.offset < 0 ? NULL : &to.offset;
	long n = syscall(SYS_copy_file_range, (long)from.fd, from_at,
			 (long)to.fd, to_at, size, 0L); /* (1) */

	return n < 0 ? inside_error() : n;
}

int64_t rotai_send_inside(int fd, struct rota_file_place from, size_t size)
{
	off_t at = (off_t)from.offset;
	ssize_t n = sendfile(fd, from.fd, from.offset < 0 ? NULL : &at, size);

	return n < 0 ? inside_error() : n;
}

static void convert_file_system(const struct statfs *status,
				struct rota_file_system_info *info)
{
	const size_t size = info->size;

	*info = (struct rota_file_system_info){
		.size = size,
		.type = (uint64_t)status->f_type & UINT32_MAX,
		.block_size =
			(uint64_t)(status->f_frsize != 0 ? status->f_frsize
							 : status->f_bsize),
		.blocks = status->f_blocks,
		.free_blocks = status->f_bfree,
		.available_blocks = status->f_bavail,
		.files = status->f_files,
		.free_files = status->f_ffree,
		.longest_name = (uint64_t)status->f_namelen,
	};
}

int rotai_file_system_read(int directory, const char *path,
			   struct rota_file_system_info *info)
{
	struct statfs status;
	int fd = openat(directory, path, O_PATH | O_CLOEXEC); /* (2) */
	int error;

	if (fd < 0)
		return -errno;
	error = fstatfs(fd, &status) < 0 ? -errno : 0;
	rotai_fd_close(fd);
	if (error == 0)
		convert_file_system(&status, info);
	return error;
}

/* (3) */
static int real_path_under(int directory, const char *path, char **found)
{
	char *whole;

	if (asprintf(&whole, "/proc/self/fd/%d/%s", directory, path) < 0)
		return ROTA_ENOMEM;
	*found = realpath(whole, NULL);
	free(whole);
	return *found == NULL ? -errno : 0;
}

int rotai_real_path(int directory, const char *path, char **found)
{
	if (directory != AT_FDCWD && path[0] != '/' && path[0] != '\0')
		return real_path_under(directory, path, found);
	*found = realpath(path, NULL);
	return *found == NULL ? -errno : 0;
}
