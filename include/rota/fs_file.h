/*
 * rota/fs_file.h - whole files, written and copied in one trip to the pool. The
 * operations are requests of rota/fs.h, and rota_fs_read_file() is there.
 *
 *     rota_fs_init(&fs, loop);
 *     rota_fs_write_file(&fs, on_written, "/etc/motd", rota_bytes(text, size),
 *                        ROTA_WRITE_ATOMIC, 0644);
 */
#ifndef ROTA_FS_FILE_H
#define ROTA_FS_FILE_H

#include "rota/buf.h"
#include "rota/fs.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** How rota_fs_write_file() writes: 0, or several of these. */
enum rota_write_flags {
	/** Write at the end of the file, and keep what it has. Not together
	 * with ROTA_WRITE_EXCLUSIVE or ROTA_WRITE_ATOMIC. */
	ROTA_WRITE_APPEND = 1 << 0,

	/** Make a new file: if there is one, or a link, the result is
	 * ROTA_EEXIST. A file that was made is removed after an error. */
	ROTA_WRITE_EXCLUSIVE = 1 << 1,

	/** Replace the file as a whole: a program that opens it gets the
	 * old content or the new one, even after a loss of power. */
	ROTA_WRITE_ATOMIC = 1 << 2,

	/** Complete when content and name are on the disk: fsync(2) of the file
	 * and of its directory. */
	ROTA_WRITE_DURABLE = 1 << 3,

	/** With ROTA_WRITE_ATOMIC, and without ROTA_WRITE_DURABLE: do not wait
	 * for the disk. After a loss of power the file may be empty. */
	ROTA_WRITE_NO_SYNC = 1 << 4,
};

/**
 * Write the file @path, with the @buf.size bytes at @buf.data as its whole
 * content. The result is @buf.size. @flags are of enum rota_write_flags. A file
 * that is created has the permissions @mode, without those in the umask of the
 * process. Both kinds of write follow symbolic links, also to a file that does
 * not exist yet, except with ROTA_WRITE_EXCLUSIVE.
 *
 * Without ROTA_WRITE_ATOMIC this is open(2) with O_CREAT and O_TRUNC, write(2)
 * and close(2). After an error, a cancel or a deadline the file may be empty or
 * have a part of the content. A FIFO or a device is written in the blocking
 * lane, where a cancel and a deadline end the wait; after
 * rota_fs_set_files_only() it is refused with ROTA_EPERM.
 *
 * With ROTA_WRITE_ATOMIC a temporary file is written in the same directory,
 * brought to the disk, and renamed. It has a random name, and is made with
 * O_EXCL. It gets the permissions of the file that it replaces, and its owner
 * and group if the system allows that; if not, it has no permission that would
 * give others more than the old file did. Access control lists, extended
 * attributes and further hard links of the old file are not kept. The directory
 * must be writable; the file need not. What is no regular file is refused, with
 * ROTA_EISDIR or ROTA_EPERM. After an error, a cancel or a deadline the old
 * file is whole and no temporary file is left, with two exceptions: if a
 * deadline passes during the last step, or the last fsync(2) of
 * ROTA_WRITE_DURABLE fails, then the new file is in its place. Together with
 * ROTA_WRITE_EXCLUSIVE a file that appears meanwhile is not replaced.
 *
 * A cancel that finds a thread at work ends the operation with ROTA_ECANCELED
 * at the next MiB, although rota_request_cancel() has returned ROTA_EBUSY. The
 * write does not raise SIGPIPE or SIGXFSZ.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses @path and the memory of @buf until @fn is called.
 * Errors:  ROTA_EINVAL  also if @flags has unknown flags or some that exclude
 *                       each other, if @mode is above 07777, or if @buf.data is
 *                       NULL and @buf.size is not 0; else as rota_fs_open()
 */
int rota_fs_write_file(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		       struct rota_const_buf buf, int flags, unsigned mode);

/** How rota_fs_copy_file() copies: 0, or several of these. */
enum rota_copy_flags {
	/** If there is a destination, or a link, the result is ROTA_EEXIST. */
	ROTA_COPY_EXCLUSIVE = 1 << 0,

	/** Let the files share their blocks, or fail, with the error of the
	 * system. Without this flag they share them if the file system can do
	 * it, and the bytes are copied if not. */
	ROTA_COPY_CLONE = 1 << 1,

	/** The copy has the times of access and modification of the source. */
	ROTA_COPY_TIMES = 1 << 2,
};

/**
 * Copy the regular file @from to @to. The result is the length of the copy.
 * @flags are of enum rota_copy_flags. Symbolic links are followed, at @to
 * except with ROTA_COPY_EXCLUSIVE. The copy has the permissions of the source,
 * whatever the umask is, without set-user-ID, set-group-ID and sticky bit. If
 * there is a destination, its content and its permissions are replaced.
 *
 * Holes stay holes where the system can find them. The copy has what there was
 * to read, also for files of /proc, and for files that grow or shrink
 * meanwhile. What is no regular file is refused, on both sides, with
 * ROTA_EISDIR or ROTA_EPERM. If @from and @to are the same file the result is
 * ROTA_EINVAL, and nothing has changed.
 *
 * After another error, a cancel or a deadline, a copy that was begun is
 * removed, and with it the destination that was there before. Only if a
 * deadline passes during the last step, the copy is complete. A cancel that
 * finds a thread at work ends the operation with ROTA_ECANCELED after the next
 * 16 MiB at the latest, although rota_request_cancel() has returned ROTA_EBUSY.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses @from and @to until @fn is called.
 * Errors:  ROTA_EINVAL  also if @flags has unknown flags; else as
 *                       rota_fs_open()
 */
int rota_fs_copy_file(struct rota_fs *fs, rota_fs_fn *fn, const char *from,
		      const char *to, int flags);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
