/*
 * rota/fs_path.h - operations on names: links, directories, renaming, removing,
 * and temporary files. They are requests like those of rota/fs.h.
 *
 * A relative path begins at the directory of rota_fs_set_directory(). None of
 * these calls needs the name to be valid text: a name is bytes that end at the
 * first 0. A name or a path that is too long is refused by the system, with
 * ROTA_ENAMETOOLONG as the result.
 *
 * An operation that a thread has done stays done, even if its deadline passed
 * meanwhile. The exceptions are said below.
 */
#ifndef ROTA_FS_PATH_H
#define ROTA_FS_PATH_H

#include "rota/fs.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** What rota_fs_rename() may do besides renaming; 0 for rename(2). */
enum rota_fs_rename_options {
	ROTA_FS_RENAME_NO_REPLACE = 1, /* fail if the new name exists */
	ROTA_FS_RENAME_EXCHANGE = 2,   /* both must exist; swap them */
};

/**
 * Make @to another name of the file @path: link(2). If @path is a symbolic
 * link, the new name is one of the link. The result is 0.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  as rota_fs_open()
 */
int rota_fs_link(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		 const char *to);

/**
 * Make the symbolic link @path, which contains @target: symlink(2). @target is
 * stored as it is, and need not exist. The result is 0.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  as rota_fs_open()
 */
int rota_fs_symlink(struct rota_fs *fs, rota_fs_fn *fn, const char *target,
		    const char *path);

/**
 * Read what the symbolic link @path contains: readlink(2), whatever its length.
 * The result is the number of bytes, which is in fs->size as well. fs->data
 * points to the bytes, and to a 0 after them that is not counted.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the caller owns fs->data: see rota_fs_read_file().
 * Errors:  ROTA_EBUSY  also if fs->data is not NULL; else as rota_fs_open()
 */
int rota_fs_readlink(struct rota_fs *fs, rota_fs_fn *fn, const char *path);

/**
 * Find the absolute path of @path, without symbolic links, "." and "..":
 * realpath(3). The result is its length, and it is in fs->data and fs->size as
 * that of rota_fs_readlink(). With a directory set, a system that cannot name
 * an open directory reports ROTA_ENOTSUP.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the caller owns fs->data: see rota_fs_read_file().
 * Errors:  as rota_fs_readlink()
 */
int rota_fs_realpath(struct rota_fs *fs, rota_fs_fn *fn, const char *path);

/**
 * Rename @path to @to: rename(2). @options are of enum rota_fs_rename_options,
 * at most one. The result is 0.
 *
 * Linux and macOS have both options, each in one step. Elsewhere the result is
 * ROTA_ENOTSUP. A file system that lacks one reports ROTA_EINVAL or
 * ROTA_ENOTSUP. They are not imitated: link(2) and unlink(2) together are no
 * rename, because for a moment the file has both names.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  also for other options, or both; else as rota_fs_open()
 */
int rota_fs_rename(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		   const char *to, unsigned options);

/**
 * Remove the name @path, and the file if that was its last: unlink(2). The
 * result is 0.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  as rota_fs_open()
 */
int rota_fs_unlink(struct rota_fs *fs, rota_fs_fn *fn, const char *path);

/**
 * Make the directory @path: mkdir(2). The umask of the process is taken away
 * from @mode. The result is 0.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  as rota_fs_open()
 */
int rota_fs_mkdir(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  unsigned mode);

/**
 * Remove the empty directory @path: rmdir(2). The result is 0.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  as rota_fs_open()
 */
int rota_fs_rmdir(struct rota_fs *fs, rota_fs_fn *fn, const char *path);

/**
 * Make a new directory with a name that nothing has: mkdtemp(3). @pattern is
 * a path that ends with "XXXXXX". These six bytes are replaced by others. The
 * mode is 0700. The result is 0.
 *
 * If the operation was cancelled or timed out, the directory is removed again,
 * and if there is none for any reason, @pattern ends with "XXXXXX" as before.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses @pattern until @fn is called.
 * Errors:  ROTA_EINVAL  also if @pattern does not end like that; else as
 *                       rota_fs_open()
 */
int rota_fs_mkdtemp(struct rota_fs *fs, rota_fs_fn *fn, char *pattern);

/**
 * The same with a file, opened for reading and writing: mkstemp(3). The mode is
 * 0600. The result is the descriptor, which is close-on-exec. If the operation
 * was cancelled or timed out, it is closed, and the file is removed again.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses @pattern until @fn is called. Then the caller owns
 *          the descriptor, and the file.
 * Errors:  as rota_fs_mkdtemp()
 */
int rota_fs_mkstemp(struct rota_fs *fs, rota_fs_fn *fn, char *pattern);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
