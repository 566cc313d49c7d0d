/*
 * fs/fifo_linux.c - opening a FIFO on Linux. Here tee(2), which removes no
 * data, shows whether a FIFO has a writer.
 */
#include "fs/fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "base/fd.h"
#include "fs/wait.h"
#include "rota/error.h"

/* Return 1 or 0. @copy is the writing end of an empty pipe. The answer is 1 as
 * well if @fd is no FIFO or tee(2) fails: then there is nothing to wait for. */
static int has_writer(int fd, int copy)
{
	return tee(fd, copy, 1, SPLICE_F_NONBLOCK) != 0;
}

/* poll(2) reports at once that there is data, or that a writer has left; but
 * not that a writer has opened the FIFO and has not written yet. So
 * has_writer() is called from time to time. */
static int await_writer(struct rota_fs *fs, int fd)
{
	int pause_ms = ROTAI_FS_FIRST_PAUSE;
	int copy[2];
	int found = rotai_fd_pipe(copy);

	if (found < 0)
		return found;
	while (found == 0 && !has_writer(fd, copy[1]))
		found = rotai_fs_pause(fs, fd, POLLIN, &pause_ms);
	rotai_fd_close(copy[0]);
	rotai_fd_close(copy[1]);
	return found < 0 ? found : 0;
}

int rotai_fifo_open(struct rota_fs *fs, int flags, unsigned mode)
{
	int error;
	int fd;

	if ((flags & O_ACCMODE) == O_WRONLY)
		return rotai_fifo_open_writer(fs, flags, mode);
	fd = rotai_file_open(fs, flags | O_NONBLOCK, mode);
	if (fd < 0 || (flags & O_ACCMODE) != O_RDONLY)
		return fd;
	error = await_writer(fs, fd);
	if (error < 0) {
		rotai_fd_close(fd);
		return error;
	}
	return fd;
}
