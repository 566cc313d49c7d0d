/*
 * fs/beneath.c - opening a file beneath a directory, with its status: see
 * base/beneath.h.
 */
#include "rota/fs_beneath.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/fd.h"
#include "base/sized.h"
#include "base/status.h"
#include "fs/fifo.h"
#include "fs/operation.h"
#include "fs/table.h"
#include "rota/error.h"

/* 0 or an error. */
static int finish(const struct rota_fs *fs, int fd)
{
	unsigned options = fs->internal.mode;
	struct rota_file_info now = { .size = sizeof(now) };
	int error;

	do
		error = rotai_status_read(fd, NULL, 1, &now);
	while (error == ROTA_EINTR);
	if (error < 0)
		return error;
	if (S_ISDIR((mode_t)now.mode) && !(options & ROTA_BENEATH_DIRECTORIES))
		return ROTA_EISDIR;
	(void)rotai_sized_give(fs->internal.target, ROTAI_FS_LEAST_INFO, &now,
			       sizeof(now));
	return 0;
}

static void run_beneath(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	int fd = rotai_beneath_open(fs->internal.fd, fs->internal.path,
				    fs->internal.mode &
					    ROTA_BENEATH_NO_SYMLINKS);
	int error = fd < 0 ? fd : finish(fs, fd);

	if (fd >= 0 && error < 0)
		rotai_fd_close(fd);
	else if (fd >= 0)
		error = rotai_file_restore(fd, O_RDONLY);
	fs->internal.result = error < 0 ? error : fd;
}

static void discard_beneath(struct rota_fs *fs)
{
	rotai_fd_close((int)fs->internal.result);
}

static const struct rotai_fs_operation beneath_operation = {
	.class_ = ROTAI_FS_CLASS("fs_open_beneath"),
	.run = run_beneath,
	.discard = discard_beneath,
	.makes_fd = 1,
};

int rota_fs_open_beneath(struct rota_fs *fs, rota_fs_fn *fn, int directory_fd,
			 const char *path, unsigned options,
			 struct rota_file_info *info)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error < 0)
		return error;
	if (directory_fd < 0 && directory_fd != AT_FDCWD)
		return ROTA_EBADF;
	if (path == NULL || info == NULL || info->size < ROTAI_FS_LEAST_INFO ||
	    (options & ~(unsigned)(ROTA_BENEATH_NO_SYMLINKS |
				   ROTA_BENEATH_DIRECTORIES)) != 0)
		return ROTA_EINVAL;
	error = rotai_fs_take_paths(fs, path, NULL);
	if (error < 0)
		return error;
	fs->internal.target = info;
	fs->internal.mode = options;
	fs->internal.fd = directory_fd;
	rotai_fs_begin(fs, fn, &beneath_operation);
	return 0;
}
