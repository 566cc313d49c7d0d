/*
 * rota/fs_beneath.h - opening files by paths that strangers give, for example
 * to send them with rota_stream_sendfile().
 *
 *     rota_fs_open_beneath(&fs, on_open, root_fd, "css/page.css", 0, &info);
 */
#ifndef ROTA_FS_BENEATH_H
#define ROTA_FS_BENEATH_H

#include "rota/fs.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Options of rota_fs_open_beneath(). */
enum rota_beneath {
	/** Follow no symbolic link: the result is ROTA_ELOOP. */
	ROTA_BENEATH_NO_SYMLINKS = 1,

	/** Open directories as well: without this the result is
	 * ROTA_EISDIR. */
	ROTA_BENEATH_DIRECTORIES = 2,
};

/**
 * Open the regular file @path for reading, beneath the open directory
 * @directory_fd, and store what fstat(2) reports about it in *@info. @options
 * are those of enum rota_beneath, or 0. The result is the descriptor, which is
 * close-on-exec.
 *
 * The path is relative to the directory and cannot lead out of it: a path that
 * begins with "/", a ".." that would leave the directory, and a symbolic link
 * that is absolute or leads out end with ROTA_EXDEV. Links and ".." that stay
 * inside are followed. That holds also if others rename directories or replace
 * links meanwhile. Mounts beneath the directory are entered. See openat2(2),
 * RESOLVE_BENEATH; where the system has no such call, the path is walked name
 * by name, up to 63 directories deep.
 *
 * rota_fs_set_copy_paths() holds for @path; rota_fs_set_directory() has no
 * effect.
 *
 * What is neither a regular file nor a directory is not opened, and the result
 * is ROTA_EPERM. If it takes the place of a file just before the open, it is
 * opened and closed again.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the caller owns the descriptor as soon as @fn is called with it, and
 *          keeps @directory_fd open, @path and *@info in place until then.
 * Errors:  ROTA_EBADF   @directory_fd is negative, and not AT_FDCWD
 *          ROTA_EINVAL  also if @info is NULL, or its size is smaller than in
 *                       the first version, or there are other @options; else as
 *                       rota_fs_open()
 */
int rota_fs_open_beneath(struct rota_fs *fs, rota_fs_fn *fn, int directory_fd,
			 const char *path, unsigned options,
			 struct rota_file_info *info);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
