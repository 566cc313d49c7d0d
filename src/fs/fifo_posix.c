/*
 * fs/fifo_posix.c - opening a FIFO on all systems except Linux. Only open(2)
 * itself can wait for a writer there, and a cancel does not end that wait.
 */
#include "fs/fifo.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"

int rotai_fifo_open(struct rota_fs *fs, int flags, unsigned mode)
{
	int error;
	int fd;

	if ((flags & O_ACCMODE) == O_WRONLY)
		return rotai_fifo_open_writer(fs, flags, mode);
	fd = rotai_file_open(fs, flags, mode);
	if (fd < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
		return fd;
	error = -errno;
	rotai_fd_close(fd);
	return error;
}
