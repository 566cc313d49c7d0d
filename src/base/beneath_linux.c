/*
 * base/beneath_linux.c - openat2(2) with RESOLVE_BENEATH, since Linux 5.6.
 *
 *  1. The file is first found (O_PATH), because opening a FIFO or a device has
 *     effects. What takes its place in between is opened and closed again.
 *  2. If somebody renames directories while the kernel resolves "..", it cannot
 *     know whether that led out, and returns EAGAIN. After some tries the path
 *     is walked. It is walked as well on older kernels, and if a filter of
 *     system calls refuses this one.
 */
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/openat2.h"
#include "rota/error.h"

enum { BENEATH_TRIES = 8 };

static int open_beneath(int directory, const char *path, int flags,
			int no_symlinks)
{
	unsigned resolve = ROTAI_BENEATH | ROTAI_NO_MAGIC_LINKS |
			   (no_symlinks ? ROTAI_NO_SYMLINKS : 0);
	unsigned tries = 0;
	int fd;

	do {
		fd = rotai_openat2(directory, path, flags, resolve);
	} while (fd < 0 && (errno == EINTR ||
			    (errno == EAGAIN && ++tries < BENEATH_TRIES)));
	return fd < 0 ? -errno : fd;
}

/* @fd is a regular file or a directory: 0, or an error, and it is closed. */
static int admit(int fd)
{
	struct stat status;
	int error = fstat(fd, &status) < 0 ? -errno : 0;

	if (error == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
		error = ROTA_EPERM;
	if (error < 0)
		rotai_fd_close(fd);
	return error;
}

static int open_checked(int directory, const char *path, int no_symlinks)
{
	int fd = open_beneath(directory, path, O_PATH, no_symlinks); /* (1) */
	int error = fd < 0 ? fd : admit(fd);

	if (error < 0)
		return error;
	rotai_fd_close(fd);
	fd = open_beneath(directory, path,
			  O_RDONLY | O_NONBLOCK | O_NOCTTY | O_LARGEFILE,
			  no_symlinks);
	error = fd < 0 ? fd : admit(fd);
	return error < 0 ? error : fd;
}

int rotai_beneath_open(int directory, const char *path, int no_symlinks)
{
	int fd = open_checked(directory, path, no_symlinks);

	if (fd == ROTA_ENOSYS || fd == ROTA_EINVAL || fd == ROTA_EPERM ||
	    fd == ROTA_EAGAIN)
		return rotai_beneath_walk(directory, path,
					  no_symlinks); /* (2) */
	return fd;
}
