/*
 * fs/lock_call.c - the system calls of rota/fs_lock.h.
 *
 *  1. The calls that wait for a lock cannot be ended by a cancel. So a lock is
 *     asked for without waiting, again and again, in the blocking lane.
 *  2. A lock that was obtained too late is released. A forked child does not do
 *     that: the lock is that of the parent, too.
 */
#include "fs/call.h"

#include <sys/file.h>

#include "base/filesystem.h"
#include "fs/operation.h"
#include "fs/wait.h"
#include "rota/error.h"

static int lock_file(const struct rota_fs *fs, unsigned options)
{
	int how = (options & ROTA_FS_LOCK_SHARED) != 0      ? LOCK_SH
		  : (options & ROTA_FS_LOCK_EXCLUSIVE) != 0 ? LOCK_EX
							    : LOCK_UN;

	if (flock(fs->internal.fd, how | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? ROTA_EAGAIN : -errno;
}

static int lock_a_range(const struct rota_fs *fs, unsigned options)
{
	return rotai_lock_range(fs->internal.fd, options, fs->internal.offset,
				fs->internal.length);
}

/* How one kind of lock is asked for. */
typedef int lock_fn(const struct rota_fs *fs, unsigned options);

/* (1) */
static int64_t lock_or_move(const struct rota_fs *fs, lock_fn *lock)
{
	int error = lock(fs, fs->internal.options);

	if (error == ROTA_EAGAIN &&
	    (fs->internal.options & ROTA_FS_LOCK_TRY) == 0)
		return ROTAI_FS_MOVES;
	return error;
}

static int64_t lock_slowly(struct rota_fs *fs, lock_fn *lock)
{
	int pause_ms = ROTAI_FS_FIRST_PAUSE;
	int error;

	while ((error = lock(fs, fs->internal.options)) == ROTA_EAGAIN) {
		error = rotai_fs_pause(fs, -1, 0, &pause_ms);
		if (error < 0)
			break;
	}
	return error;
}

/* (2) */
static void release_lock(const struct rota_fs *fs, lock_fn *lock)
{
	if ((fs->internal.options & ROTA_FS_UNLOCK) == 0)
		(void)lock(fs, ROTA_FS_UNLOCK);
}

int64_t rotai_call_flock(struct rota_fs *fs)
{
	return lock_or_move(fs, lock_file);
}

int64_t rotai_call_flock_slowly(struct rota_fs *fs)
{
	return lock_slowly(fs, lock_file);
}

void rotai_undo_flock(struct rota_fs *fs)
{
	release_lock(fs, lock_file);
}

int64_t rotai_call_lock_range(struct rota_fs *fs)
{
	return lock_or_move(fs, lock_a_range);
}

int64_t rotai_call_lock_range_slowly(struct rota_fs *fs)
{
	return lock_slowly(fs, lock_a_range);
}

void rotai_undo_lock_range(struct rota_fs *fs)
{
	release_lock(fs, lock_a_range);
}
