/*
 * base/fd_linux.c - the functions of fd.h that need pipe2(2) and ppoll(2).
 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

int rotai_fd_pipe(int fds[2])
{
	int made[2];
	int error;

	if (pipe2(made, O_NONBLOCK | O_CLOEXEC) < 0)
		return -errno;
	error = rotai_fd_raise_both(made);
	if (error < 0)
		return error;
	fds[0] = made[0];
	fds[1] = made[1];
	return 0;
}

int rotai_fd_poll(struct pollfd *fds, unsigned count, int64_t timeout_ns)
{
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / 1000000000),
		.tv_nsec = (long)(timeout_ns % 1000000000),
	};

	return ppoll(fds, count, timeout_ns < 0 ? NULL : &timeout, NULL);
}
