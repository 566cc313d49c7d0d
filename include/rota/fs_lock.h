/*
 * rota/fs_lock.h - locks of files, which all processes respect that use the
 * same kind of lock. They belong to the open file, not to the process: other
 * descriptors of the same file, in the same process too, are locked out; and
 * dup(2) and fork(2) share them.
 *
 * An operation that cannot have the lock at once waits for it in the blocking
 * lane: a cancel or a deadline ends the wait. The system is asked again and
 * again, after 1 ms at first and every 50 ms later. So who asks first need not
 * get it first. A lock that was obtained too late, after a deadline, is
 * released, with whatever lock the same open file had before.
 */
#ifndef ROTA_FS_LOCK_H
#define ROTA_FS_LOCK_H

#include "rota/fs_data.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Which lock, and how. Exactly one of the first three. */
enum rota_fs_lock_options {
	ROTA_FS_LOCK_SHARED = 1,    /* as many as like have it together */
	ROTA_FS_LOCK_EXCLUSIVE = 2, /* one alone has it */
	ROTA_FS_UNLOCK = 4,

	/* Do not wait: the result is ROTA_EAGAIN. */
	ROTA_FS_LOCK_TRY = 8,
};

/**
 * Lock the whole file @fd: flock(2). The result is 0. A lock of another kind
 * that the open file has is replaced, which releases it first.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the caller, who keeps @fd open until @fn is called. The lock is
 *          released by ROTA_FS_UNLOCK, or when the open file is closed.
 * Errors:  ROTA_EBADF   @fd is negative
 *          ROTA_EINVAL  also for other @options; else as rota_fs_open()
 */
int rota_fs_flock(struct rota_fs *fs, rota_fs_fn *fn, int fd, unsigned options);

/**
 * Lock @range of the file @fd, up to any end if its length is 0: a lock of the
 * open file description, F_OFD_SETLK of fcntl(2), on Linux and macOS. A shared
 * lock needs a file that is open for reading, an exclusive one for writing. The
 * result is 0.
 *
 * On other systems the result is ROTA_ENOTSUP. The locks of POSIX, which belong
 * to the process, do not take their place: a process loses all of those on a
 * file when any part of it closes any descriptor of that file.
 *
 * Phase, Owner: as rota_fs_flock()
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF   @fd is negative
 *          ROTA_EINVAL  also for other @options, or if the offset or the
 *                       length is negative; else as rota_fs_open()
 */
int rota_fs_lock_range(struct rota_fs *fs, rota_fs_fn *fn, int fd,
		       unsigned options, struct rota_file_range range);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
