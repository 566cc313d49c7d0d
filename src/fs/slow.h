/*
 * fs/slow.h - reads and writes that wait, in the blocking lane; and how to find
 * out whether a file needs them.
 */
#ifndef ROTAI_FS_SLOW_H
#define ROTAI_FS_SLOW_H

#include <stdint.h>
#include <sys/stat.h>

#include "rota/fs.h"

/* Return whether @mode is of something other than a regular file or a
 * directory. */
int rotai_is_special(mode_t mode);

/* stat(2) of @path: 0 or an error. */
int rotai_file_look(const char *path, struct stat *status);

/* Check the descriptor @fd, which was opened for @fs: return 0; or close it and
 * return an error. The error is ROTA_EPERM if @fs accepts only files and
 * directories, and this is neither. */
int rotai_file_admit(const struct rota_fs *fs, int fd);

/* Return whether a read or a write at the current position of @fd may wait for
 * long: @fd is special, and blocking. */
int rotai_may_wait(int fd);

/* Read once: returns a count or an error. Write everything: returns how many
 * bytes were written; less than all if there is an *@error. */
int64_t rotai_read_slowly(struct rota_fs *fs);
size_t rotai_write_slowly(struct rota_fs *fs, int *error);

#endif
