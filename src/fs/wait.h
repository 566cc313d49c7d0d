/*
 * fs/wait.h - how an operation waits for something that may never happen: the
 * other end of a FIFO is opened, or somebody types. It waits in the blocking
 * lane, in such a way that a cancel or a deadline ends the wait.
 */
#ifndef ROTAI_FS_WAIT_H
#define ROTAI_FS_WAIT_H

#include "rota/fs.h"

/* Back-off in milliseconds, where no event ends the wait. */
enum { ROTAI_FS_FIRST_PAUSE = 1, ROTAI_FS_LONGEST_PAUSE = 50 };

/* The values of fs->internal.waits: see wait.c (1). */
enum rotai_fs_waits {
	ROTAI_FS_GOES_ON,
	ROTAI_FS_WAITS,
	ROTAI_FS_TOLD, /* set by the loop: it must not wait any more */
	ROTAI_FS_CUT,  /* set by the loop, while it waited */
};

/* Called when an operation begins, and when no thread runs it any more. The
 * loop's thread. */
void rotai_fs_wait_init(struct rota_fs *fs);
void rotai_fs_wait_end(struct rota_fs *fs);

/* In a forked child: forget the pipe, without closing it. */
void rotai_fs_wait_forget(struct rota_fs *fs);

/* Wait until @fd has one of @events of poll(2), or has failed: returns 1. Or
 * wait for @timeout_ms (-1: no limit): returns 0. If @fd is -1, wait for the
 * time only. Or return an error: after ROTA_ECANCELED the operation must end
 * with that error. The thread that runs the operation. */
int rotai_fs_wait(struct rota_fs *fs, int fd, short events, int timeout_ms);

/* The same for *@pause_ms, which is then doubled, up to
 * ROTAI_FS_LONGEST_PAUSE. */
int rotai_fs_pause(struct rota_fs *fs, int fd, short events, int *pause_ms);

/* End the wait: 1, and the operation ends without doing anything more. Or 0:
 * the thread is not waiting, and continues; but it will not begin to wait. The
 * loop's thread. */
int rotai_fs_wait_cut(struct rota_fs *fs);

/* Return whether the wait was ended by rotai_fs_wait_cut() or
 * rotai_fs_wait_is_cut(); whether the thread must not wait any more. The loop's
 * thread. */
int rotai_fs_wait_was_cut(const struct rota_fs *fs);
int rotai_fs_wait_is_over(const struct rota_fs *fs);

/* Set ROTAI_FS_CUT for an operation that is between two lanes, where no thread
 * runs it: it ends there. */
void rotai_fs_wait_is_cut(struct rota_fs *fs);

#endif
