/*
 * fs/quiet.h - writes that raise no signal.
 */
#ifndef ROTAI_FS_QUIET_H
#define ROTAI_FS_QUIET_H

#include "rota/fs.h"

/* Write something for @fs. Returns how much was written: if less than wanted,
 * there is an *@error. */
typedef size_t rotai_fs_write_fn(struct rota_fs *fs, int *error);

/* Call @write_it without SIGPIPE and SIGXFSZ. Returns how much was written, or
 * an error if that is nothing. */
int64_t rotai_fs_write_quietly(struct rota_fs *fs, rotai_fs_write_fn *write_it);

#endif
