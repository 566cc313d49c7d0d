/*
 * base/filesystem.h - calls on files that systems have under different names,
 * or do not have. They return 0 or a count, or an error, which may be
 * ROTA_EINTR.
 */
#ifndef ROTAI_BASE_FILESYSTEM_H
#define ROTAI_BASE_FILESYSTEM_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>

#include "rota/fs_attribute.h"
#include "rota/fs_data.h"
#include "rota/fs_directory.h"
#include "rota/fs_lock.h"
#include "rota/fs_path.h"

/* Rename with @options of enum rota_fs_rename_options, which are not 0. Both
 * paths begin at @directory. ROTA_ENOTSUP: the system has no such call. */
int rotai_rename_with(int directory, const char *from, const char *to,
		      unsigned options);

/* Wait until the file is on the disk; if @data_only, its times need not be. */
int rotai_sync_file(int fd, int data_only);

/* Allocate a part of a file: see rota_fs_fallocate(). */
int rotai_allocate(int fd, unsigned options, int64_t offset, int64_t length);

/* Copy bytes of a file to another one inside the kernel; offsets of -1 are the
 * current positions. ROTA_ENOTSUP: these bytes must be copied by the caller. */
int64_t rotai_copy_inside(struct rota_file_place from,
			  struct rota_file_place to, size_t size);

/* The same, to the current position of @fd, which may be something else than a
 * file. */
int64_t rotai_send_inside(int fd, struct rota_file_place from, size_t size);

/* Fill *@info, except its size, for the file system of @path. */
int rotai_file_system_read(int directory, const char *path,
			   struct rota_file_system_info *info);

/* Store in *@found the real path of @path, in memory from malloc(3). */
int rotai_real_path(int directory, const char *path, char **found);

/* Lock a part of a file for its open file description, or unlock it, without
 * waiting: @options are one of enum rota_fs_lock_options. ROTA_EAGAIN: somebody
 * else has a lock. ROTA_ENOTSUP: the system has no such locks. */
int rotai_lock_range(int fd, unsigned options, int64_t offset, int64_t length);

/* Read the next entry of a directory, except "." and "..". Returns 1, with
 * *@found; 0 at the end; or an error, which is never ROTA_EINTR. */
int rotai_next_entry(DIR *stream, const struct dirent **found);

/* The type of an entry of the directory @fd. */
enum rota_entry_type rotai_entry_type(int fd, const struct dirent *entry);

/* Fill @size bytes at @bytes with numbers that are hard to guess. */
void rotai_random(void *bytes, size_t size);

#endif
