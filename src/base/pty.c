/*
 * base/pty.c - what is the same on all systems: see pty.h.
 *
 *  1. Not every system takes other flags than O_RDWR and O_NOCTTY for a master.
 *     So the others are set afterwards.
 *  2. The slave is open before anything is read from the master: a master whose
 *     slave was never open has no input on some systems, and its end on others.
 *     The size is set by the slave for the same reason.
 */
#include "base/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/tty.h"
#include "rota/error.h"

/* (1) */
static int open_master(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	int error;

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || grantpt(fd) < 0 ||
	    unlockpt(fd) < 0) {
		error = -errno;
		rotai_fd_close(fd);
		return error;
	}
	fd = rotai_fd_raise(fd);
	if (fd < 0)
		return fd;
	error = rotai_fd_set_nonblocking(fd, 1);
	if (error == 0)
		return fd;
	rotai_fd_close(fd);
	return error;
}

int rotai_pty_open(int fds[2], unsigned columns, unsigned rows)
{
	int master = open_master();
	int slave;
	int error;

	if (master < 0)
		return master;
	slave = rotai_pty_slave(master);
	if (slave < 0) {
		rotai_fd_close(master);
		return slave;
	}
	error = rotai_tty_set_window(slave, columns, rows);
	if (error < 0) {
		rotai_fd_close(slave);
		rotai_fd_close(master);
		return error;
	}
	fds[0] = master;
	fds[1] = slave;
	return 0;
}
