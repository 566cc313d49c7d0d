/*
 * base/cached_linux.c - openat2(2) with RESOLVE_CACHED, since Linux 5.12, and
 * statx(2).
 *
 *  1. RESOLVE_CACHED covers the names in the path. Opening the file that they
 *     lead to may still take long: for a device, or with a network file system.
 *     O_PATH opens nothing, so a file is first found, and opened only if its
 *     type and its file system are known.
 */
#include "base/cached.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/openat2.h"
#include "base/statx.h"
#include "rota/error.h"

static int open_cached(int directory, const char *path, int flags)
{
	int fd = rotai_openat2(directory, path, flags, ROTAI_CACHED);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
		return ROTA_ENOENT;
	case ENOTDIR:
		return ROTA_ENOTDIR;
	case ENOSYS: /* before Linux 5.6 */
	case EINVAL: /* before Linux 5.12 */
		return ROTA_ENOSYS;
	}
	return ROTA_EAGAIN;
}

static int look(int at, const char *path, int flags, struct rotai_known *known)
{
	struct rotai_statx status;

	if (rotai_statx(at, path, flags | ROTAI_STATX_NOT_SYNCED,
			ROTAI_STATX_BASIC | ROTAI_STATX_BIRTH |
				ROTAI_STATX_UNIQUE_MOUNT,
			&status) < 0)
		return ROTA_EAGAIN;
	if ((status.mask & ROTAI_STATX_BASIC) != ROTAI_STATX_BASIC)
		return ROTA_EAGAIN;
	known->info.size = sizeof(known->info);
	rotai_statx_convert(&status, &known->info);
	known->mount.device = known->info.device;
	known->mount.id =
		status.mask & ROTAI_STATX_UNIQUE_MOUNT ? status.mount : 0;
	return 0;
}

int rotai_cached_look(int fd, struct rotai_known *known)
{
	return look(fd, "", AT_EMPTY_PATH, known);
}

int rotai_cached_look_up(int directory, const char *path,
			 struct rotai_known *known)
{
	return look(directory, path, 0, known);
}

int rotai_cached_find(int directory, const char *path, int follows,
		      struct rotai_known *known)
{
	int name = open_cached(directory, path,
			       O_PATH | (follows ? 0 : O_NOFOLLOW)); /* (1) */
	int error;

	if (name < 0)
		return name;
	error = rotai_cached_look(name, known);
	if (error == 0)
		return name;
	rotai_fd_close(name);
	return error;
}

int rotai_cached_open(int directory, const char *path, int flags)
{
	return open_cached(directory, path, flags | O_LARGEFILE);
}

int rotai_cached_is_local(int name)
{
	struct statfs info;

	if (fstatfs(name, &info) < 0)
		return 0;
	/* The numbers are those of statfs(2). */
	switch ((uint32_t)info.f_type) {
	case 0xef53:     /* ext2, ext3, ext4 */
	case 0x58465342: /* XFS */
	case 0x9123683e: /* btrfs */
	case 0xf2f52010: /* F2FS */
	case 0x01021994: /* tmpfs */
		return 1;
	}
	return 0;
}
