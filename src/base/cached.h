/*
 * base/cached.h - files whose path and status the kernel has in memory, so that
 * nothing waits for a disk or for a server. On systems that cannot tell, every
 * function returns ROTA_ENOSYS.
 */
#ifndef ROTAI_BASE_CACHED_H
#define ROTAI_BASE_CACHED_H

#include <stdint.h>

#include "rota/fs.h"

/* What the kernel knows of a file system without asking anybody. */
struct rotai_mount {
	uint64_t device;
	uint64_t id; /* of the mount, which is never used again; or 0 */
};

/* A file that was found. */
struct rotai_known {
	struct rota_file_info info;
	struct rotai_mount mount;
	uint8_t reads; /* the user's: can it be read without waiting? */
};

/* Find the file @path, as openat(2) does; if @follows is 0, a symbolic link at
 * its end is found itself. Returns a descriptor that names it,
 * and can be used for nothing else (O_PATH); and fills *@known. Or returns
 * ROTA_ENOENT or ROTA_ENOTDIR, if that is known; ROTA_EAGAIN if it is not
 * known, or another error occurred; or ROTA_ENOSYS if this kernel cannot do
 * this. */
int rotai_cached_find(int directory, const char *path, int follows,
		      struct rotai_known *known);

/* Fill *@known for the descriptor @fd: 0 or ROTA_EAGAIN. Or for the
 * file @path; this may wait, if it is not in memory after all. */
int rotai_cached_look(int fd, struct rotai_known *known);
int rotai_cached_look_up(int directory, const char *path,
			 struct rotai_known *known);

/* Open the file @path with @flags, close-on-exec. It may have been replaced
 * since it was found. Returns a descriptor or an error, as above. */
int rotai_cached_open(int directory, const char *path, int flags);

/* Whether the file system of the descriptor @name is one that is entirely on
 * this machine: its files are opened and closed, and their status is returned,
 * without a question to anybody else. */
int rotai_cached_is_local(int name);

#endif
