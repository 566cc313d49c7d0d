/*
 * fs/directory.c - the operations of rota/fs_directory.h, and the memory of
 * entries. Each function stores its arguments and begins a row of the table.
 */
#include "rota/fs_directory.h"

#include <stdlib.h>

#include "fs/table.h"

void rota_dir_entries_init(struct rota_dir_entries *entries, size_t limit)
{
	*entries = (struct rota_dir_entries){ .limit = limit };
}

void rota_dir_entries_free(struct rota_dir_entries *entries)
{
	free(entries->items);
	free(entries->internal.names);
	rota_dir_entries_init(entries, entries->limit);
}

int rota_fs_scandir(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		    struct rota_dir_entries *entries, unsigned options)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path,
					      .target = entries,
					      .options = options };

	return rotai_fs_start(fs, fn, ROTAI_FS_SCANDIR, &a);
}

int rota_fs_opendir(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		    struct rota_dir *dir)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .path = path, .target = dir };

	return rotai_fs_start(fs, fn, ROTAI_FS_OPENDIR, &a);
}

int rota_fs_readdir(struct rota_fs *fs, rota_fs_fn *fn, struct rota_dir *dir,
		    struct rota_dir_entries *entries)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .dir = dir, .target = entries };

	return rotai_fs_start(fs, fn, ROTAI_FS_READDIR, &a);
}

int rota_fs_closedir(struct rota_fs *fs, rota_fs_fn *fn, struct rota_dir *dir)
{
	ROTAI_ENTER_FS(fs);
	const struct rotai_fs_arguments a = { .dir = dir };

	return rotai_fs_start(fs, fn, ROTAI_FS_CLOSEDIR, &a);
}
