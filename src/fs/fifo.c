/*
 * fs/fifo.c - opening files, and the part of opening a FIFO that is the same on
 * all systems.
 */
#include "fs/fifo.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "fs/wait.h"
#include "rota/error.h"

int rotai_file_open(const struct rota_fs *fs, int flags, unsigned mode)
{
	int fd;

	do
		fd = openat(fs->internal.directory, fs->internal.path,
			    flags | O_CLOEXEC, (mode_t)mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int rotai_file_restore(int fd, int flags)
{
	int error;

	if ((flags & O_NONBLOCK) != 0 || fcntl(fd, F_SETFL, flags) == 0)
		return 0;
	error = -errno;
	/* Linux has descriptors that only name a file (O_PATH): they have no
	 * flags. */
	if (error == ROTA_EBADF)
		return 0;
	rotai_fd_close(fd);
	return error;
}

int rotai_fifo_open_writer(struct rota_fs *fs, int flags, unsigned mode)
{
	int pause_ms = ROTAI_FS_FIRST_PAUSE;
	int error = 0;

	/* POSIX has no event for a FIFO that gets a reader. */
	while (error == 0) {
		int fd = rotai_file_open(fs, flags | O_NONBLOCK, mode);

		if (fd != ROTA_ENXIO)
			return fd;
		error = rotai_fs_pause(fs, -1, 0, &pause_ms);
	}
	return error;
}
