/*
 * rota/fs_data.h - operations on the bytes of open files: vectors, copies
 * between files, and what is stored for certain. They are requests like those
 * of rota/fs.h.
 */
#ifndef ROTA_FS_DATA_H
#define ROTA_FS_DATA_H

#include "rota/fs.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** A part of a file: @length bytes from @offset on. */
struct rota_file_range {
	int64_t offset;
	int64_t length;
};

/** A place in an open file: the byte at @offset, or with -1 its current
 * position, which then advances. */
struct rota_file_place {
	int fd;
	int64_t offset;
};

/** Some buffers: @count of them at @bufs. */
struct rota_buf_vector {
	const struct rota_buf *bufs;
	size_t count;
};

/** Some buffers that are only read: @count of them at @bufs. */
struct rota_const_buf_vector {
	const struct rota_const_buf *bufs;
	size_t count;
};

/** What rota_fs_fallocate() may do besides allocating. Linux has all of them;
 * a file system that lacks one reports ROTA_EOPNOTSUPP. Other systems have none
 * and report ROTA_ENOTSUP. */
enum rota_fs_fallocate_options {
	ROTA_FS_KEEP_SIZE = 1,      /* beyond the end too, which stays */
	ROTA_FS_PUNCH_HOLE = 2,     /* free the range: it reads as zeros */
	ROTA_FS_ZERO_RANGE = 4,     /* the same, but it stays allocated */
	ROTA_FS_COLLAPSE_RANGE = 8, /* remove the range */
	ROTA_FS_INSERT_RANGE = 16,  /* insert a hole */
};

/**
 * Read from @fd into the buffers of @vector, one after another: readv(2), or
 * preadv(2) if @offset is 0 or more. There may be any number of buffers: if
 * there are more than the system takes, or more than 1 GiB, several calls are
 * made, as long as each fills its buffers. In all else as rota_fs_read().
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses the buffers, and the array of them, until @fn is
 *          called.
 * Errors:  ROTA_EINVAL  also if the array is NULL and its count is not 0; else
 *                       as rota_fs_read(). A buffer that is NULL and has a size
 *                       gives the result ROTA_EFAULT
 */
int rota_fs_readv(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		  struct rota_buf_vector vector, int64_t offset);

/**
 * Write all buffers of @vector to @fd: writev(2) or pwritev(2). In all else as
 * rota_fs_write(). What fits into one call of the system is written by one: at
 * most 1024 buffers and 1 GiB.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses the buffers, and the array of them, until @fn is
 *          called.
 * Errors:  as rota_fs_readv()
 */
int rota_fs_writev(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		   struct rota_const_buf_vector vector, int64_t offset);

/**
 * Wait until the content of @fd, its length and its times are on the disk:
 * fsync(2). On macOS, where that only reaches the disk's own cache, F_FULLFSYNC
 * of fcntl(2), if the file system has it. The result is 0.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF  @fd is negative; else as rota_fs_open()
 */
int rota_fs_fsync(struct rota_fs *fs, rota_fs_fn *fn, int fd);

/**
 * The same without the times, where the system has a call for that:
 * fdatasync(2). A new length is on the disk.
 *
 * Phase, Thread, Errors: as rota_fs_fsync()
 */
int rota_fs_fdatasync(struct rota_fs *fs, rota_fs_fn *fn, int fd);

/**
 * Copy @size bytes from one file to another, or to another place in the same
 * file, without passing them through the program if the system can:
 * copy_file_range(2). Else they are read and written. The result is the number
 * of bytes, less than @size at the end of the first file, and after an error
 * that came later. SIGXFSZ and SIGPIPE are not raised.
 *
 * A cancel that finds a thread copying ends the operation between two parts
 * with ROTA_ECANCELED, although rota_request_cancel() has returned ROTA_EBUSY.
 * What was copied stays.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF   a descriptor is negative
 *          ROTA_EINVAL  also if an offset is below -1; else as rota_fs_open()
 */
int rota_fs_copy_range(struct rota_fs *fs, rota_fs_fn *fn,
		       struct rota_file_place from, struct rota_file_place to,
		       size_t size);

/**
 * Copy @size bytes of the file @from to the current position of @fd, by
 * sendfile(2) where that takes such descriptors; else they are read and
 * written. @fd and @from.fd may also be pipes or sockets. If those are
 * blocking, the operation waits for them in the blocking lane. The result and a
 * cancel are as those of rota_fs_copy_range(). To send a file on a rota_stream
 * use rota_stream_sendfile().
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  as rota_fs_copy_range()
 */
int rota_fs_sendfile(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		     struct rota_file_place from, size_t size);

/**
 * Allocate the disk's blocks for @range of the file @fd, so that writes there
 * do not fail for want of room, and make the file longer if it ends before:
 * posix_fallocate(3). @options are of enum rota_fs_fallocate_options, and mean
 * what fallocate(2) says. The result is 0. SIGXFSZ is not raised.
 *
 * A system that has no such call reports ROTA_ENOTSUP.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF   @fd is negative
 *          ROTA_EINVAL  also if the offset is negative, or the length is not
 *                       positive, or for other options; else as rota_fs_open()
 */
int rota_fs_fallocate(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		      unsigned options, struct rota_file_range range);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
