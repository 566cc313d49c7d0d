/*
 * fs/attribute.c - the operations of rota/fs_attribute.h, and those of
 * rota/fs.h that return the status of a file. Each function stores its
 * arguments and begins a row of the table.
 */
#include "rota/fs_attribute.h"

#include "fs/table.h"

int rota_fs_stat(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		 struct rota_file_info *info)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path, .target = info };

	return rotai_fs_start(fs, fn, ROTAI_FS_STAT, &a);
}

int rota_fs_lstat(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  struct rota_file_info *info)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path, .target = info };

	return rotai_fs_start(fs, fn, ROTAI_FS_LSTAT, &a);
}

int rota_fs_fstat(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		  struct rota_file_info *info)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd, .target = info };

	return rotai_fs_start(fs, fn, ROTAI_FS_FSTAT, &a);
}

int rota_fs_access(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		   unsigned mode)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path, .options = mode };

	return rotai_fs_start(fs, fn, ROTAI_FS_ACCESS, &a);
}

int rota_fs_chmod(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  unsigned mode)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path, .mode = mode };

	return rotai_fs_start(fs, fn, ROTAI_FS_CHMOD, &a);
}

int rota_fs_fchmod(struct rota_fs *fs, rota_fs_fn *fn, int fd, unsigned mode)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd, .mode = mode };

	return rotai_fs_start(fs, fn, ROTAI_FS_FCHMOD, &a);
}

int rota_fs_chown(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  uint32_t user, uint32_t group)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path,
					      .user = user,
					      .group = group };

	return rotai_fs_start(fs, fn, ROTAI_FS_CHOWN, &a);
}

int rota_fs_lchown(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		   uint32_t user, uint32_t group)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path,
					      .user = user,
					      .group = group };

	return rotai_fs_start(fs, fn, ROTAI_FS_LCHOWN, &a);
}

int rota_fs_fchown(struct rota_fs *fs, rota_fs_fn *fn, int fd, uint32_t user,
		   uint32_t group)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd,
					      .user = user,
					      .group = group };

	return rotai_fs_start(fs, fn, ROTAI_FS_FCHOWN, &a);
}

int rota_fs_utime(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  struct rota_file_times times)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path,
					      .offset = times.accessed_ns,
					      .length = times.modified_ns };

	return rotai_fs_start(fs, fn, ROTAI_FS_UTIME, &a);
}

int rota_fs_lutime(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		   struct rota_file_times times)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path,
					      .offset = times.accessed_ns,
					      .length = times.modified_ns };

	return rotai_fs_start(fs, fn, ROTAI_FS_LUTIME, &a);
}

int rota_fs_futime(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		   struct rota_file_times times)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd,
					      .offset = times.accessed_ns,
					      .length = times.modified_ns };

	return rotai_fs_start(fs, fn, ROTAI_FS_FUTIME, &a);
}

int rota_fs_truncate(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		     int64_t length)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path, .offset = length };

	return rotai_fs_start(fs, fn, ROTAI_FS_TRUNCATE, &a);
}

int rota_fs_ftruncate(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		      int64_t length)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .fd = fd, .offset = length };

	return rotai_fs_start(fs, fn, ROTAI_FS_FTRUNCATE, &a);
}

int rota_fs_statfs(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		   struct rota_file_system_info *info)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path, .target = info };

	return rotai_fs_start(fs, fn, ROTAI_FS_STATFS, &a);
}
