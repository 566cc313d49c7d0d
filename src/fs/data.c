/*
 * fs/data.c - the operations of rota/fs_data.h. Each function stores its
 * arguments and begins a row of the table.
 */
#include "rota/fs_data.h"

#include "fs/table.h"

int rota_fs_readv(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		  struct rota_buf_vector vector, int64_t offset)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd,
					      .target = vector.bufs,
					      .size = vector.count,
					      .offset = offset };

	return rotai_fs_start(fs, fn, ROTAI_FS_READV, &a);
}

int rota_fs_writev(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		   struct rota_const_buf_vector vector, int64_t offset)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd,
					      .target = vector.bufs,
					      .size = vector.count,
					      .offset = offset };

	return rotai_fs_start(fs, fn, ROTAI_FS_WRITEV, &a);
}

int rota_fs_fsync(struct rota_fs *fs, rota_fs_fn *fn, int fd)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd };

	return rotai_fs_start(fs, fn, ROTAI_FS_FSYNC, &a);
}

int rota_fs_fdatasync(struct rota_fs *fs, rota_fs_fn *fn, int fd)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd };

	return rotai_fs_start(fs, fn, ROTAI_FS_FDATASYNC, &a);
}

int rota_fs_copy_range(struct rota_fs *fs, rota_fs_fn *fn,
		       struct rota_file_place from, struct rota_file_place to,
		       size_t size)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = from.fd,
					      .offset = from.offset,
					      .other_fd = to.fd,
					      .length = to.offset,
					      .size = size };

	return rotai_fs_start(fs, fn, ROTAI_FS_COPY_RANGE, &a);
}

int rota_fs_sendfile(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		     struct rota_file_place from, size_t size)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = from.fd,
					      .offset = from.offset,
					      .other_fd = fd,
					      .length = -1,
					      .size = size };

	return rotai_fs_start(fs, fn, ROTAI_FS_SENDFILE, &a);
}

int rota_fs_fallocate(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		      unsigned options, struct rota_file_range range)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd,
					      .options = options,
					      .offset = range.offset,
					      .length = range.length };

	return rotai_fs_start(fs, fn, ROTAI_FS_FALLOCATE, &a);
}
