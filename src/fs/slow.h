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

/* fstatat(2) of the directory and the path of @fs: 0 or an error. */
int rotai_file_look(const struct rota_fs *fs, struct stat *status);

/* fstat(2) of @fd: 0 or an error. */
int rotai_file_look_at(int fd, struct stat *status);

/* Check the descriptor @fd, which was opened for @fs: return 0; or close it and
 * return an error. The error is ROTA_EPERM if @fs accepts only files and
 * directories, and this is neither. */
int rotai_file_admit(const struct rota_fs *fs, int fd);

/* Return whether a write at the current position of @fd may wait for long: @fd
 * is special, and blocking. */
int rotai_may_wait(int fd);

/* The same for a read. Some regular files wait as well: see slow.c (2). */
int rotai_read_may_wait(int fd);

/* Return whether @fd, a regular file with this status, has nothing to read now,
 * but later. */
int rotai_is_silent(int fd, const struct stat *status);

/* Wait until @fd is readable, and read once: returns a count or an error. Wait
 * as often as necessary, and write everything: returns how many bytes were
 * written; less than all if there is an *@error. A cancel of @fs ends the
 * wait. */
int64_t rotai_read_slowly(struct rota_fs *fs, int fd, void *data, size_t size);
size_t rotai_write_slowly(struct rota_fs *fs, int fd, const void *data,
			  size_t size, int *error);

#endif
