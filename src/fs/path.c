/*
 * fs/path.c - the operations of rota/fs_path.h. Each function stores its
 * arguments and begins a row of the table.
 */
#include "rota/fs_path.h"

#include "fs/table.h"

int rota_fs_link(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		 const char *to)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path, .to = to };

	return rotai_fs_start(fs, fn, ROTAI_FS_LINK, &a);
}

int rota_fs_symlink(struct rota_fs *fs, rota_fs_fn *fn, const char *target,
		    const char *path)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = target, .to = path };

	return rotai_fs_start(fs, fn, ROTAI_FS_SYMLINK, &a);
}

int rota_fs_readlink(struct rota_fs *fs, rota_fs_fn *fn, const char *path)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path };

	return rotai_fs_start(fs, fn, ROTAI_FS_READLINK, &a);
}

int rota_fs_realpath(struct rota_fs *fs, rota_fs_fn *fn, const char *path)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path };

	return rotai_fs_start(fs, fn, ROTAI_FS_REALPATH, &a);
}

int rota_fs_rename(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		   const char *to, unsigned options)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path,
					      .to = to,
					      .options = options };

	return rotai_fs_start(fs, fn, ROTAI_FS_RENAME, &a);
}

int rota_fs_unlink(struct rota_fs *fs, rota_fs_fn *fn, const char *path)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path };

	return rotai_fs_start(fs, fn, ROTAI_FS_UNLINK, &a);
}

int rota_fs_mkdir(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  unsigned mode)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path, .mode = mode };

	return rotai_fs_start(fs, fn, ROTAI_FS_MKDIR, &a);
}

int rota_fs_rmdir(struct rota_fs *fs, rota_fs_fn *fn, const char *path)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path };

	return rotai_fs_start(fs, fn, ROTAI_FS_RMDIR, &a);
}

int rota_fs_mkdtemp(struct rota_fs *fs, rota_fs_fn *fn, char *pattern)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .target = pattern };

	return rotai_fs_start(fs, fn, ROTAI_FS_MKDTEMP, &a);
}

int rota_fs_mkstemp(struct rota_fs *fs, rota_fs_fn *fn, char *pattern)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .target = pattern };

	return rotai_fs_start(fs, fn, ROTAI_FS_MKSTEMP, &a);
}
