/*
 * fs/fifo_linux.c - whether a FIFO has a writer is told by tee(2), which takes
 * nothing away.
 */
#include "fs/fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "base/fd.h"
#include "fs/wait.h"
#include "rota/error.h"

/* 1 or 0. @copy is the writing end of an empty pipe. Of what is no FIFO, or
 * cannot be asked, there is nothing to wait for. */
static int has_writer(int fd, int copy)
{
	return tee(fd, copy, 1, SPLICE_F_NONBLOCK) != 0;
}

/* poll(2) tells at once when there is data, or was a writer; but not of one who
 * has opened the FIFO and not yet written. So it is asked for now and then. */
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

int rotai_fifo_open(struct rota_fs *fs, const char *path, int flags,
		    unsigned mode)
{
	int error;
	int fd;

	if ((flags & O_ACCMODE) == O_WRONLY)
		return rotai_fifo_open_writer(fs, path, flags, mode);
	fd = rotai_file_open(path, flags | O_NONBLOCK, mode);
	if (fd < 0 || (flags & O_ACCMODE) != O_RDONLY)
		return fd;
	error = await_writer(fs, fd);
	if (error < 0) {
		rotai_fd_close(fd);
		return error;
	}
	return fd;
}
