/*
 * fs/slow.h - reads and writes that wait, in the blocking lane; and how to tell
 * what needs that.
 */
#ifndef ROTAI_FS_SLOW_H
#define ROTAI_FS_SLOW_H

#include <stdint.h>
#include <sys/stat.h>

#include "rota/fs.h"

/* Whether what has this mode is no regular file and no directory. */
int rotai_is_special(mode_t mode);

/* stat(2) of @path: 0 or an error. */
int rotai_file_look(const char *path, struct stat *status);

/* Of a descriptor that was opened for @fs: 0; or it is closed, and why. If @fs
 * is to have files alone, ROTA_EPERM for what is none. */
int rotai_file_admit(const struct rota_fs *fs, int fd);

/* Whether a read or a write at the current position of @fd may wait for long:
 * it is special, and not non-blocking. */
int rotai_may_wait(int fd);

/* Read once: a count or an error. Write all: how many bytes; less than all if
 * there is an *@error. */
int64_t rotai_read_slowly(struct rota_fs *fs);
size_t rotai_write_slowly(struct rota_fs *fs, int *error);

#endif
