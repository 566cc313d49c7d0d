/*
 * fs/wait.h - how an operation waits for what may never come: the other end of
 * a FIFO, or somebody to type. In the blocking lane, and so that a cancel or a
 * deadline ends it.
 */
#ifndef ROTAI_FS_WAIT_H
#define ROTAI_FS_WAIT_H

#include "rota/fs.h"

/* Back-off, in milliseconds, where nothing tells that it is time. */
enum { ROTAI_FS_FIRST_PAUSE = 1, ROTAI_FS_LONGEST_PAUSE = 50 };

/* What fs->internal.waits says: see wait.c (1). */
enum rotai_fs_waits {
	ROTAI_FS_GOES_ON,
	ROTAI_FS_WAITS,
	ROTAI_FS_TOLD, /* by the loop: it is not to wait any more */
	ROTAI_FS_CUT,  /* by the loop, while it waited */
};

/* As an operation begins; and when no thread is at it any more. The loop's
 * thread. */
void rotai_fs_wait_init(struct rota_fs *fs);
void rotai_fs_wait_end(struct rota_fs *fs);

/* In a forked child: leave the pipe open, if there is one. */
void rotai_fs_wait_forget(struct rota_fs *fs);

/* Wait until @fd has one of @events of poll(2), or has failed: 1; or for
 * @timeout_ms, -1: without an end: 0. With @fd -1, for the time alone. Or an
 * error: ROTA_ECANCELED, and then the operation is to end with that. The thread
 * that is at it. */
int rotai_fs_wait(struct rota_fs *fs, int fd, short events, int timeout_ms);

/* Wait for *@pause_ms, the next time for longer: 0 or an error. */
int rotai_fs_pause(struct rota_fs *fs, int fd, short events, int *pause_ms);

/* Cut the waiting short: 1, the operation ends without doing anything more. Or
 * 0: it is not waiting, and goes on; but it will not begin to wait. The loop's
 * thread. */
int rotai_fs_wait_cut(struct rota_fs *fs);

/* Whether it was cut short; whether it is not to go on waiting. The loop's
 * thread. */
int rotai_fs_wait_was_cut(const struct rota_fs *fs);
int rotai_fs_wait_is_over(const struct rota_fs *fs);

/* No thread is at it between two lanes: it ends there. */
void rotai_fs_wait_is_cut(struct rota_fs *fs);

#endif
