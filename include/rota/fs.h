/*
 * rota/fs.h - files, without waiting for the disk: each operation is a request
 * that a thread of the pool's io lane carries out.
 *
 *     rota_fs_init(&fs, loop);
 *     rota_fs_read_file(&fs, on_file, "/etc/hostname", 4096);
 *
 * The lane is for what ends soon. What may wait for long (FIFOs, pipes,
 * sockets, terminals, devices) moves on to the blocking lane, where a cancel or
 * a deadline ends the waiting.
 */
#ifndef ROTA_FS_H
#define ROTA_FS_H

#include "rota/buf.h"
#include "rota/pool.h"
#include "rota/request.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_fs;

/**
 * Called when an operation has ended. @result: 0, a count or a descriptor, as
 * the function that began it says, or an error: the system's, or
 * ROTA_ECANCELED or ROTA_ETIMEDOUT, or ROTA_EAGAIN: the lane has no thread and
 * none could be made.
 *
 * Phase:   poll, or pending if it was cancelled or the lane has no threads.
 */
typedef void rota_fs_fn(struct rota_fs *fs, int64_t result);

/** What rota_fs_stat() tells. Times are nanoseconds since 1970, and may be
 * negative; what is beyond the years 1677 to 2262 counts as their end. A later
 * version may have more at the end. */
struct rota_file_info {
	size_t size; /* of this struct, set by the caller */

	uint64_t device;
	uint64_t inode;
	uint64_t links;
	uint64_t bytes;  /* how long it is */
	uint64_t blocks; /* of 512 bytes */
	uint64_t special_device;
	int64_t accessed_ns;
	int64_t modified_ns;
	int64_t changed_ns;
	uint32_t block_size; /* best for I/O */
	uint32_t mode;       /* type and permissions: see inode(7) */
	uint32_t user;
	uint32_t group;
};

/**
 * One operation on a file, or one after another.
 *
 * &fs->request can be cancelled and can have a deadline, as rota_work_queue()
 * says: what has not begun ends at once, what a thread is at goes on. What a
 * thread waits with, for the other end of a FIFO or for data, ends: the cancel
 * returns 0, and the callback comes as soon as the thread has left it. Nothing
 * is left over of what ends so: a file that was opened too late is closed
 * again, and what rota_fs_read_file() has read is freed.
 *
 * Owner:   the caller, who keeps it, and the paths, buffers and results that
 *          are passed along, alive and in place until the callback.
 */
struct rota_fs {
	struct rota_request request;

	/** What rota_fs_read_file() has read, and a 0 after it: malloc's, and
	 * yours. NULL if there is none. */
	char *data;
	size_t size;

	struct {
		struct rotai_item item;
		rota_fs_fn *fn;
		union {
			const char *path;
			size_t size; /* of target, or of source */
		};
		union {
			void *target;       /* what is filled */
			const char *source; /* what is written */
		};
		union {
			int64_t offset;
			size_t limit;
			unsigned mode;
		};
		int64_t result;
		union {
			int fd;
			int flags;
		};
		int16_t late;
		uint8_t files_only;
		uint8_t waits; /* for what may never come */
		int wake[2];   /* a pipe that ends this */
	} internal;            /* the library's: neither read nor write it */
};

/**
 * Make @fs ready for use on @loop.
 *
 * Thread:  the loop's.
 */
void rota_fs_init(struct rota_fs *fs, struct rota_loop *loop);

/**
 * Have @fs open and read files alone, or, with @files_only 0, which is how it
 * begins, whatever a path leads to. With 1 an open or a read of a whole file
 * whose path leads to a FIFO, a socket or a device ends with ROTA_EPERM, and
 * does not open it. Directories are for rota_fs_open() to open as ever.
 *
 * Thread:  the loop's, if @fs is not in flight.
 */
void rota_fs_set_files_only(struct rota_fs *fs, int files_only);

/**
 * Open the file @path as open(2) does: @flags are those of the caller's
 * <fcntl.h>, @mode the permissions of a file that it creates, less the
 * process's umask. The descriptor is close-on-exec; it is non-blocking only if
 * @flags say O_NONBLOCK, without which the open of a FIFO waits for its other
 * end, in the blocking lane: it may be told up to 50 ms after that has come.
 * The result is the descriptor.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the descriptor is the caller's as soon as @fn is told it.
 * Errors:  ROTA_EINVAL     an argument is NULL that must not be
 *          ROTA_EBUSY      @fs is in flight
 *          ROTA_ENOMEM     can only be with the loop's first work for a pool
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed and @fn is not called.
 */
int rota_fs_open(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		 int flags, unsigned mode);

/**
 * Close @fd. The result is 0, or what the system had still to say of earlier
 * writes. Whatever the result is, the descriptor is gone when @fn is called:
 * that of a close that is cancelled, or that finds no thread, is closed by the
 * loop's. Only a forked child may find it open.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   from a call that returned 0 on, @fd is the library's.
 * Errors:  ROTA_EBADF  @fd is negative; else as rota_fs_open()
 */
int rota_fs_close(struct rota_fs *fs, rota_fs_fn *fn, int fd);

/**
 * Read from @fd once, up to @buf.size bytes into @buf.data: from the byte
 * @offset on, which moves no position, or with -1 from the current position
 * on, which is how to read a pipe. Reads of one position that are in flight
 * together come in any order. The result is how many bytes there are: it may
 * be less than asked for, is never more than 1 GiB, and is 0 at the end, or if
 * @buf.size is 0. What is no file, and not non-blocking, is waited for in the
 * blocking lane.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the memory of @buf is lent to the library until @fn is called.
 * Errors:  ROTA_EBADF   @fd is negative
 *          ROTA_EINVAL  also if @offset is below -1, or @buf.data NULL though
 *                       @buf.size is not 0; else as rota_fs_open()
 */
int rota_fs_read(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		 struct rota_buf buf, int64_t offset);

/**
 * Write the @buf.size bytes at @buf.data to @fd, all of them: from the byte
 * @offset of the file on, or with -1 from the current position on. The result
 * is how many were written: less than @buf.size only if an error came after
 * that many, which a next write will be told. No signal is raised by a pipe
 * that nobody reads, nor by a limit on the size of files.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the memory of @buf is lent to the library until @fn is called.
 * Errors:  as rota_fs_read()
 */
int rota_fs_write(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		  struct rota_const_buf buf, int64_t offset);

/**
 * Tell in *@info what the file @path is; of a symbolic link, what it leads to.
 * The result is 0, or an error: then *@info means nothing. It is filled as far
 * as @info->size says:
 *
 *     struct rota_file_info info = { .size = sizeof(info) };
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   *@info is lent to the library until @fn is called.
 * Errors:  ROTA_EINVAL  also if @info->size is less than that of the first
 *                       version; else as rota_fs_open()
 */
int rota_fs_stat(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		 struct rota_file_info *info);

/**
 * The same of the symbolic link itself, if @path is one.
 *
 * Phase, Thread, Owner, Errors: as rota_fs_stat()
 */
int rota_fs_lstat(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  struct rota_file_info *info);

/**
 * The same of the open file @fd.
 *
 * Phase, Thread, Owner: as rota_fs_stat()
 * Errors:  ROTA_EBADF  @fd is negative; else as rota_fs_stat()
 */
int rota_fs_fstat(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		  struct rota_file_info *info);

/**
 * Read the whole file @path, in one trip to the pool: open, read to the end,
 * close. The result is the number of bytes, which fs->size is as well, and
 * fs->data has them with a 0 after the last, which is not counted. What the
 * system says of the size is a hint: files of /proc, files that grow or shrink
 * and pipes give what there is to read. A FIFO or a terminal is read until its
 * end, in the blocking lane.
 *
 * A file of more than @limit bytes ends with ROTA_EFBIG, and one for which
 * there is no memory with ROTA_ENOMEM; SIZE_MAX is no limit. After any error
 * fs->data is NULL. If it is cancelled while a thread is at it, it ends at the
 * next MiB, with ROTA_ECANCELED.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   fs->data is the caller's, who frees it with rota_fs_free(), or takes
 *          it away, to be freed with free(3), and sets fs->data to NULL.
 * Errors:  ROTA_EBUSY  also if fs->data is not NULL; else as rota_fs_open()
 */
int rota_fs_read_file(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		      size_t limit);

/**
 * Free fs->data, and set it to NULL. If it is that already this does nothing.
 *
 * Thread:  any, if @fs is not in flight.
 */
void rota_fs_free(struct rota_fs *fs);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
