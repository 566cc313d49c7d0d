/*
 * fs/data_call.c - the system calls that close a file, allocate its blocks and
 * wait until it is on the disk.
 *
 *  1. EINTR is no error of close(2), which must not be tried again: on Linux
 *     and the BSDs the number is already free then, and another thread may have
 *     got it.
 */
#include "fs/call.h"

#include <unistd.h>

#include "base/fd.h"
#include "base/filesystem.h"
#include "fs/quiet.h"

int64_t rotai_call_close(struct rota_fs *fs)
{
	return close(fs->internal.fd) < 0 && errno != EINTR ? -errno
							    : 0; /* (1) */
}

void rotai_skip_close(struct rota_fs *fs)
{
	rotai_fd_close(fs->internal.fd);
}

int64_t rotai_call_fsync(struct rota_fs *fs)
{
	return rotai_sync_file(fs->internal.fd, 0);
}

int64_t rotai_call_fdatasync(struct rota_fs *fs)
{
	return rotai_sync_file(fs->internal.fd, 1);
}

static size_t allocate(struct rota_fs *fs, int *error)
{
	*error = rotai_allocate(fs->internal.fd, fs->internal.options,
				fs->internal.offset, fs->internal.length);
	return 0;
}

int64_t rotai_call_fallocate(struct rota_fs *fs)
{
	return rotai_fs_write_quietly(fs, allocate);
}
