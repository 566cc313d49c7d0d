/*
 * base/fd_posix.c - the functions of fd.h that cannot use pipe2(2) and
 * ppoll(2): for Darwin, and for all other systems except Linux.
 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

static int set_flags(int fd)
{
	int error = rotai_fd_set_nonblocking(fd, 1);

	if (error == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		error = -errno;
	return error;
}

int rotai_fd_pipe(int fds[2])
{
	int made[2];
	int error;

	if (pipe(made) < 0)
		return -errno;
	error = set_flags(made[0]);
	if (error == 0)
		error = set_flags(made[1]);
	if (error < 0) {
		rotai_fd_close(made[0]);
		rotai_fd_close(made[1]);
		return error;
	}
	error = rotai_fd_raise_both(made);
	if (error < 0)
		return error;
	fds[0] = made[0];
	fds[1] = made[1];
	return 0;
}

int rotai_fd_poll(struct pollfd *fds, unsigned count, int64_t timeout_ns)
{
	int64_t timeout_ms = -1;

	/* Rounded up: a wait that ends early would be repeated until the time
	 * has passed, and so busy-wait. */
	if (timeout_ns >= 0)
		timeout_ms = timeout_ns / 1000000 + (timeout_ns % 1000000 > 0);
	if (timeout_ms > INT_MAX)
		timeout_ms = INT_MAX;
	return poll(fds, (nfds_t)count, (int)timeout_ms);
}
