/*
 * fs/lock.c - the operations of rota/fs_lock.h. Each function stores its
 * arguments and begins a row of the table.
 */
#include "rota/fs_lock.h"

#include "fs/table.h"

int rota_fs_flock(struct rota_fs *fs, rota_fs_fn *fn, int fd, unsigned options)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd, .options = options };

	return rotai_fs_start(fs, fn, ROTAI_FS_FLOCK, &a);
}

int rota_fs_lock_range(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		       unsigned options, struct rota_file_range range)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd,
					      .options = options,
					      .offset = range.offset,
					      .length = range.length };

	return rotai_fs_start(fs, fn, ROTAI_FS_LOCK_RANGE, &a);
}
