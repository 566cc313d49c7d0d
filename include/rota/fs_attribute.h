/*
 * rota/fs_attribute.h - operations on what the system keeps about files:
 * permissions, owners, times, lengths, and the room of a file system. They are
 * requests like those of rota/fs.h.
 */
#ifndef ROTA_FS_ATTRIBUTE_H
#define ROTA_FS_ATTRIBUTE_H

#include "rota/fs.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** What rota_fs_access() asks; any of them together. */
enum rota_fs_access_mode {
	ROTA_FS_EXISTS = 0,
	ROTA_FS_MAY_EXECUTE = 1,
	ROTA_FS_MAY_WRITE = 2,
	ROTA_FS_MAY_READ = 4,
};

/** A user or a group that rota_fs_chown() leaves as it is. */
#define ROTA_FS_SAME_OWNER UINT32_MAX

/** A time that rota_fs_utime() leaves as it is; and the time of the system's
 * own clock. A time of INT64_MIN itself, which rota_fs_stat() reports for all
 * that lie before 1677, is a time. */
#define ROTA_FS_TIME_OMIT (INT64_MIN + 1)

/** See ROTA_FS_TIME_OMIT. */
#define ROTA_FS_TIME_NOW (INT64_MIN + 2)

/** The times of a file, in nanoseconds since 1970, as those of struct
 * rota_file_info. */
struct rota_file_times {
	int64_t accessed_ns;
	int64_t modified_ns;
};

/** The room of a file system. A later version may add members at the end. */
struct rota_file_system_info {
	size_t size; /* of this struct, set by the caller */

	uint64_t type;       /* the system's number of the kind, or 0 */
	uint64_t block_size; /* bytes; the unit of the next three */
	uint64_t blocks;
	uint64_t free_blocks;
	uint64_t available_blocks; /* that are free for anybody */
	uint64_t files;            /* or 0: not limited, or not known */
	uint64_t free_files;
	uint64_t longest_name; /* in bytes, or 0: not known */
};

/**
 * Check whether the process may access @path: access(2), which goes by the real
 * user and group. @mode has bits of enum rota_fs_access_mode. The result is 0;
 * or ROTA_EACCES, ROTA_ENOENT, or another error.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  also for other bits; else as rota_fs_open()
 */
int rota_fs_access(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		   unsigned mode);

/**
 * Set the permissions of the file @path: chmod(2). The result is 0.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  as rota_fs_open()
 */
int rota_fs_chmod(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  unsigned mode);

/**
 * The same for the open file @fd: fchmod(2).
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF  @fd is negative; else as rota_fs_open()
 */
int rota_fs_fchmod(struct rota_fs *fs, rota_fs_fn *fn, int fd, unsigned mode);

/**
 * Set the user and the group that own the file @path: chown(2). Either may be
 * ROTA_FS_SAME_OWNER. The result is 0.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  as rota_fs_open()
 */
int rota_fs_chown(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  uint32_t user, uint32_t group);

/**
 * As rota_fs_chown(), but if @path is a symbolic link, of the link: lchown(2).
 *
 * Phase, Thread, Errors: as rota_fs_chown()
 */
int rota_fs_lchown(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		   uint32_t user, uint32_t group);

/**
 * As rota_fs_chown(), but of the open file @fd: fchown(2).
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF  @fd is negative; else as rota_fs_open()
 */
int rota_fs_fchown(struct rota_fs *fs, rota_fs_fn *fn, int fd, uint32_t user,
		   uint32_t group);

/**
 * Set the times of the file @path, to the nanosecond if the file system stores
 * those: utimensat(2). Either time may be ROTA_FS_TIME_OMIT or
 * ROTA_FS_TIME_NOW. The result is 0.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  as rota_fs_open()
 */
int rota_fs_utime(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  struct rota_file_times times);

/**
 * As rota_fs_utime(), but if @path is a symbolic link, of the link.
 *
 * Phase, Thread, Errors: as rota_fs_utime()
 */
int rota_fs_lutime(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		   struct rota_file_times times);

/**
 * As rota_fs_utime(), but of the open file @fd: futimens(2).
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF  @fd is negative; else as rota_fs_open()
 */
int rota_fs_futime(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		   struct rota_file_times times);

/**
 * Cut the file @path to @length bytes, or make it longer with zeros:
 * truncate(2). SIGXFSZ is not raised: the result is ROTA_EFBIG. If a directory
 * is set, the file is opened for writing for a moment. Otherwise the result is
 * 0.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  also if @length is negative; else as rota_fs_open()
 */
int rota_fs_truncate(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		     int64_t length);

/**
 * The same with the file @fd, open for writing: ftruncate(2).
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF  @fd is negative; else as rota_fs_truncate()
 */
int rota_fs_ftruncate(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		      int64_t length);

/**
 * Store in *@info how much room the file system of @path has: statfs(2), or
 * statvfs(3). The result is 0. No more than @info->size bytes are written.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses *@info until @fn is called.
 * Errors:  ROTA_EINVAL  also if @info is NULL, or its size is smaller than in
 *                       the first version; else as rota_fs_open()
 */
int rota_fs_statfs(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		   struct rota_file_system_info *info);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
