/*
 * base/status.h - the status of a file: what stat(2) reports, and the time of
 * birth.
 */
#ifndef ROTAI_BASE_STATUS_H
#define ROTAI_BASE_STATUS_H

#include <sys/stat.h>
#include <time.h>

#include "rota/fs.h"

/* Fill *@info, except its size, with the status of the file @path, which is
 * relative to @directory. If @follows is 0, and it is a symbolic link, then of
 * the link. If @path is NULL: of the open file @directory. Returns 0 or an
 * error, which may be ROTA_EINTR. */
int rotai_status_read(int directory, const char *path, int follows,
		      struct rota_file_info *info);

/* The same by fstatat(2), for status_*.c. */
int rotai_status_read_plainly(int directory, const char *path, int follows,
			      struct rota_file_info *info);

/* The same from what stat(2) has found. */
void rotai_status_convert(const struct stat *status,
			  struct rota_file_info *info);

/* A time in nanoseconds. One that does not fit becomes the nearest one that
 * does. */
int64_t rotai_status_ns(int64_t seconds, int64_t ns);

#endif
