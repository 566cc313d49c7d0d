/*
 * fs/accepted.h - writing what a stream has accepted. It is in file.c.
 */
#ifndef ROTAI_FS_ACCEPTED_H
#define ROTAI_FS_ACCEPTED_H

#include "rota/fs.h"

/* Write @buf at the current position, as rota_fs_write() does. But this begins
 * also while the loop is shutting down, and the shutdown waits for it. @fs is
 * not in flight, and rotai_item_prepare() has succeeded. Returns 0, or
 * ROTA_ECHILD in a forked child, before rota_loop_fork(). */
int rotai_fs_write_accepted(struct rota_fs *fs, rota_fs_fn *fn, int fd,
			    struct rota_const_buf buf);

#endif
