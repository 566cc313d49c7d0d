/*
 * rota/fs.h - file operations that do not block the loop. Each operation is a
 * request that a thread of the pool's io lane carries out (see rota/pool.h).
 * More operations are in rota/fs_path.h, fs_attribute.h, fs_data.h,
 * fs_directory.h and fs_lock.h.
 *
 *     rota_fs_init(&fs, loop);
 *     rota_fs_read_file(&fs, on_file, "/etc/hostname", 4096);
 *
 * The io lane is for operations that end soon. An operation that may wait for a
 * long time, because its file is a FIFO, a pipe, a socket, a terminal or
 * another device, moves to the blocking lane. There a cancel or a deadline ends
 * the wait.
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

struct rota_dir;
struct rota_fs;
struct rota_loop;

/**
 * Called when an operation has completed. @result is 0, a count or a
 * descriptor, as the function that started the operation says; or an error. The
 * error is one of the system, or ROTA_ECANCELED, or ROTA_ETIMEDOUT, or
 * ROTA_EAGAIN if the lane has no thread and none could be started. The callback
 * may free @fs, or start another operation with it.
 *
 * Phase:   poll. Pending if the operation completed before a thread began it,
 *          if it needed none (see rota_fs_set_threads_only()), if the lane has
 *          no threads, or if more jobs completed than one turn
 *          calls back (ROTA_POOL_COMPLETIONS_PER_TURN).
 * Thread:  the loop's.
 */
typedef void rota_fs_fn(struct rota_fs *fs, int64_t result);

/** What rota_fs_stat() reports: see stat(2). Times are nanoseconds since 1970,
 * and may be negative. A time that does not fit, before 1677 or after 2262, is
 * reported as the first or the last one that does. A later version may add
 * members at the end. */
struct rota_file_info {
	size_t size; /* of this struct, set by the caller */

	uint64_t device;
	uint64_t inode;
	uint64_t links;
	uint64_t bytes;          /* length of the file */
	uint64_t blocks;         /* allocated, of 512 bytes each */
	uint64_t special_device; /* if the file is a device: which */
	int64_t accessed_ns;
	int64_t modified_ns;
	int64_t changed_ns;  /* the inode, not the content */
	uint32_t block_size; /* best size for reads and writes, in bytes */
	uint32_t mode;       /* type and permissions: see inode(7) */
	uint32_t user;
	uint32_t group;

	/* When the file was created; ROTA_FS_TIME_UNKNOWN if the system or the
	 * file system does not tell. */
	int64_t born_ns;
};

/** The time of birth of a file that has none. */
#define ROTA_FS_TIME_UNKNOWN INT64_MIN

/** Private to the library. */
struct rotai_fs_owner {
	uint32_t user;
	uint32_t group;
};

/**
 * An operation on a file. When it has completed, the struct can be used for
 * another.
 *
 * &fs->request can be cancelled and can have a deadline, as for
 * rota_work_queue(), and a priority: rota_request_set_priority(). An operation
 * that no thread has begun completes at once.
 * One that a thread is carrying out goes on, except that a thread which waits,
 * for data or for the other end of a FIFO, stops waiting: then the cancel
 * returns 0, and the callback runs as soon as the thread is done with @fs. Some
 * waits inside the kernel cannot be ended and go on: the open of a device, for
 * example, and on systems other than Linux the open of a FIFO for reading.
 *
 * An operation that was cancelled or timed out leaves nothing behind: a file
 * that it has opened is closed again, and what rota_fs_read_file() has read is
 * freed.
 *
 * Owner:   the caller, who keeps the struct, and the paths, buffers and results
 *          that were passed with it, alive and in place until the callback.
 */
struct rota_fs {
	struct rota_request request;

	/** The @size bytes that rota_fs_read_file() has read, and a 0 after
	 * them; NULL if there are none. Allocated with malloc(3). The caller
	 * owns this memory. */
	char *data;
	size_t size;

	struct {
		struct rotai_item item;
		rota_fs_fn *fn;
		union {
			const char *path;
			size_t size; /* of target, or of source */
			struct rota_dir *dir;
		};
		union {
			void *target;       /* memory to fill */
			const char *source; /* memory to write */
			const char *to;     /* a second path */
		};
		union {
			int64_t offset;
			size_t limit;
			unsigned mode;
			struct rotai_fs_owner owner;
		};
		int64_t length; /* or a second offset, or a second time */
		int64_t result;
		union {
			int fd;
			int flags;
		};
		union {
			int other_fd;
			unsigned options;
		};
		int16_t late; /* the status if it was cut short, or 0 */
		uint8_t files_only : 1;
		uint8_t copies_paths : 1;
		uint8_t threads_only : 1;
		uint8_t block : 5; /* at data: see pool/blocks.h */
		uint8_t waits;     /* whether a thread waits: see fs/wait.c */
		int wake[2];       /* a pipe that ends the wait */
		int directory;     /* which relative paths begin at */
		void *copy;        /* of the paths, or NULL */
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @fs for use on @loop. Sets fs->data to NULL, without freeing it.
 *
 * Thread:  the loop's.
 */
void rota_fs_init(struct rota_fs *fs, struct rota_loop *loop);

/**
 * Choose what rota_fs_open() and rota_fs_read_file() may open: if @files_only
 * is 0, which is the default, whatever the path leads to; if it is 1, regular
 * files and directories only. Then a path that leads to a FIFO, a socket or a
 * device is not opened, and the result is ROTA_EPERM. If such a file takes the
 * place of a regular one just before the open, it is opened and closed again.
 *
 * Thread:  the loop's, while @fs is not in flight.
 */
void rota_fs_set_files_only(struct rota_fs *fs, int files_only);

/**
 * Let the relative paths of later operations of @fs begin at the directory
 * @fd, as those of openat(2) do; if @fd is -1, which is the default, at the
 * current directory of the process. This closes the race of a directory that is
 * renamed, or replaced by a link, while its files are being worked on.
 *
 * Thread:  the loop's, while @fs is not in flight.
 * Owner:   the caller, who keeps @fd open until the callback of the last
 *          operation that uses it.
 */
void rota_fs_set_directory(struct rota_fs *fs, int fd);

/**
 * If @copies is 1, let later operations of @fs copy their paths, so that the
 * caller may free or change those as soon as the call has returned. The copy is
 * freed before the callback runs. The call can then also return ROTA_ENOMEM. If
 * it is 0, which is the default, nothing is copied or allocated. The template
 * of rota_fs_mkstemp() is never copied: the name is put there.
 *
 * Thread:  the loop's, while @fs is not in flight.
 */
void rota_fs_set_copy_paths(struct rota_fs *fs, int copies);

/**
 * Choose who carries out the operations of @fs: if @threads_only is 1, always a
 * thread of the pool. If it is 0, which is the default, the loop's thread
 * carries out an operation by itself in the pending phase if the kernel can
 * answer at once, because all that is needed is in memory. That saves the trip
 * to the pool. It is done for rota_fs_open() for reading, rota_fs_read() at an
 * offset, rota_fs_stat() and the rota_fs_read_file functions, on Linux, with
 * regular files of file systems on this machine; at most 16 operations and 1
 * MiB in a turn. The callback runs later than the call in any case.
 *
 * Thread:  the loop's, while @fs is not in flight.
 */
void rota_fs_set_threads_only(struct rota_fs *fs, int threads_only);

/**
 * Open the file @path, as open(2) does. @flags are the O_... flags of the
 * caller's <fcntl.h>. @mode has the permissions of a file that is created, from
 * which the umask of the process is taken away. The result is the descriptor.
 * It is close-on-exec, and non-blocking only if @flags contain O_NONBLOCK.
 *
 * Without O_NONBLOCK the open of a FIFO waits in the blocking lane for the
 * other end. It may notice up to 50 ms late that this was opened.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the caller owns the descriptor as soon as @fn is called with it.
 * Errors:  ROTA_EINVAL     @fs, @fn or @path is NULL
 *          ROTA_EBUSY      @fs is in flight
 *          ROTA_ENOMEM     only with the loop's first job for a pool, or if
 *                          the path is to be copied
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_fs_open(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		 int flags, unsigned mode);

/**
 * Close @fd, as close(2) does. The result is 0, or an error that the system
 * reports for earlier writes. Whatever the result, @fd is closed when @fn is
 * called: if the close is cancelled or gets no thread, the loop's thread closes
 * it. Only in a forked child may it still be open.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   once the call has returned 0, the library owns @fd.
 * Errors:  ROTA_EBADF  @fd is negative; else as rota_fs_open()
 */
int rota_fs_close(struct rota_fs *fs, rota_fs_fn *fn, int fd);

/**
 * Read from @fd once, at most @buf.size bytes, into @buf.data. With an @offset
 * of 0 or more, read from that byte of the file on and leave the current
 * position as it is: pread(2). With -1, read from the current position on:
 * read(2). This is how to read a pipe.
 *
 * The result is the number of bytes read. It can be smaller than @buf.size, it
 * is at most 1 GiB, and it is 0 at the end of the file, or if @buf.size is 0.
 * Reads from the current position that are in flight at the same time are made
 * in any order. If @fd is blocking, and neither a file nor a directory, the
 * read waits for data in the blocking lane.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses the memory of @buf until @fn is called.
 * Errors:  ROTA_EBADF   @fd is negative
 *          ROTA_EINVAL  also if @offset is below -1, or if @buf.data is NULL
 *                       and @buf.size is not 0; else as rota_fs_open()
 */
int rota_fs_read(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		 struct rota_buf buf, int64_t offset);

/**
 * Write all @buf.size bytes at @buf.data to @fd. With an @offset of 0 or more,
 * write from that byte of the file on: pwrite(2). With -1, write from the
 * current position on: write(2).
 *
 * The result is the number of bytes written. It is smaller than @buf.size only
 * if an error came after that many bytes; write the rest to get the error.
 * After ROTA_ECANCELED or ROTA_ETIMEDOUT any number of the bytes may have been
 * written. The write does not raise SIGPIPE or SIGXFSZ: the result is
 * ROTA_EPIPE or ROTA_EFBIG.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses the memory of @buf until @fn is called.
 * Errors:  as rota_fs_read()
 */
int rota_fs_write(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		  struct rota_const_buf buf, int64_t offset);

/**
 * Store in *@info what stat(2) reports about the file @path. If @path is a
 * symbolic link, this is about the file that it leads to. The result is 0 or an
 * error; after an error the content of *@info is undefined. No more than
 * @info->size bytes are written:
 *
 *     struct rota_file_info info = { .size = sizeof(info) };
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses *@info until @fn is called.
 * Errors:  ROTA_EINVAL  also if @info is NULL, or its size is smaller than in
 *                       the first version; else as rota_fs_open()
 */
int rota_fs_stat(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		 struct rota_file_info *info);

/**
 * As rota_fs_stat(), but if @path is a symbolic link, about the link itself:
 * lstat(2).
 *
 * Phase, Thread, Owner, Errors: as rota_fs_stat()
 */
int rota_fs_lstat(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		  struct rota_file_info *info);

/**
 * As rota_fs_stat(), but about the open file @fd: fstat(2).
 *
 * Phase, Thread, Owner: as rota_fs_stat()
 * Errors:  ROTA_EBADF  @fd is negative; else as rota_fs_stat()
 */
int rota_fs_fstat(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		  struct rota_file_info *info);

/**
 * Read the whole file @path in one job of the pool: open it, read to its end,
 * and close it. The result is the number of bytes, which is stored in fs->size
 * as well. fs->data points to the bytes, and to a 0 after them that is not
 * counted.
 *
 * The size that the system reports for the file is used as a hint only: the
 * result is what there is to read, also for files of /proc and for files that
 * grow or shrink. A FIFO or a terminal is read to its end in the blocking lane.
 *
 * If the file has more than @limit bytes the result is ROTA_EFBIG; SIZE_MAX
 * means no limit. If there is not enough memory it is ROTA_ENOMEM. After any
 * error fs->data is NULL. A cancel that finds a thread reading ends the
 * operation with ROTA_ECANCELED at the next MiB, although
 * rota_request_cancel() has returned ROTA_EBUSY.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the caller owns fs->data, and frees it with rota_fs_free(); or takes
 *          the pointer, sets fs->data to NULL, and uses free(3).
 * Errors:  ROTA_EBUSY  also if fs->data is not NULL; else as rota_fs_open()
 */
int rota_fs_read_file(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		      size_t limit);

/**
 * Read the whole file @path into the caller's memory @buf. The result is the
 * number of bytes, which is stored in fs->size as well. No 0 is put after them,
 * and fs->data stays NULL. Otherwise this is as rota_fs_read_file().
 *
 * If the file has more than @buf.size bytes the result is ROTA_EFBIG, and
 * fs->size is the size that the system reports for the file. If it reports
 * none, or a smaller one than there was to read, fs->size is @buf.size + 1. So
 * it is always too much for @buf. The content of @buf is undefined then.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses the memory of @buf until @fn is called.
 * Errors:  ROTA_EINVAL  also if @buf.data is NULL and @buf.size is not 0; else
 *                       as rota_fs_read_file()
 */
int rota_fs_read_file_to(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
			 struct rota_buf buf);

/**
 * A buffer that grows as needed, and is used again for the next file. Before
 * the first use it must be all zero.
 *
 * Owner:   the caller, who frees the memory with rota_fs_buffer_free().
 */
struct rota_fs_buffer {
	char *data;      /* from malloc(3), or NULL */
	size_t size;     /* bytes of the file; a 0 follows them */
	size_t capacity; /* bytes at data */
};

/**
 * Read the whole file @path into @buffer, in place of what is in it. The memory
 * grows if it is too small, and never shrinks: reading many files allocates
 * only for the largest one. The result is the number of bytes, which is stored
 * in buffer->size as well; after an error that is 0. Otherwise this is as
 * rota_fs_read_file(); fs->data and fs->size are not used.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses *@buffer until @fn is called.
 * Errors:  ROTA_EINVAL  also if @buffer is NULL; else as rota_fs_open()
 */
int rota_fs_read_file_again(struct rota_fs *fs, rota_fs_fn *fn,
			    const char *path, struct rota_fs_buffer *buffer,
			    size_t limit);

/**
 * Free the memory of @buffer, which is all zero afterwards.
 *
 * Thread:  any, while no operation uses it.
 */
void rota_fs_buffer_free(struct rota_fs_buffer *buffer);

/**
 * Free fs->data and set it to NULL. If it is NULL already, do nothing.
 *
 * Thread:  any, while @fs is not in flight.
 */
void rota_fs_free(struct rota_fs *fs);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
