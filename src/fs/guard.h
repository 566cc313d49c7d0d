/*
 * fs/guard.h - writing without SIGPIPE and SIGXFSZ. Pool threads have all
 * signals blocked. The loop's thread, which writes if the lane has no threads,
 * blocks the two meanwhile. A signal that was raised is consumed, because
 * otherwise it would stay pending until the thread unblocks it.
 */
#ifndef ROTAI_FS_GUARD_H
#define ROTAI_FS_GUARD_H

#include <signal.h>

struct rotai_fs_guard {
	sigset_t before; /* the mask of the thread */
};

void rotai_fs_guard_begin(struct rotai_fs_guard *guard);

/* @error is that of the last write, or 0. */
void rotai_fs_guard_end(const struct rotai_fs_guard *guard, int error);

#endif
