/*
 * base/fd.c - operations on descriptors that are the same on all systems.
 */
#include "base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rota/error.h"

int rotai_fd_can_be_watched(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
		return ROTA_EPERM;
	return 0;
}

int rotai_fd_duplicate(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (copy < 0) /* EINVAL: beyond the process's limit */
		copy = errno == EINVAL ? ROTA_EMFILE : -errno;
	return copy;
}

int rotai_fd_raise(int fd)
{
	int raised;

	if (fd > STDERR_FILENO)
		return fd;
	if (fd < 0)
		return -errno;
	raised = rotai_fd_duplicate(fd);
	rotai_fd_close(fd);
	return raised;
}

int rotai_fd_raise_both(int fds[2])
{
	int first = rotai_fd_raise(fds[0]);
	int second = rotai_fd_raise(fds[1]);

	fds[0] = first;
	fds[1] = second;
	if (first >= 0 && second >= 0)
		return 0;
	if (first >= 0)
		rotai_fd_close(first);
	if (second >= 0)
		rotai_fd_close(second);
	return first < 0 ? first : second;
}

int rotai_fd_set_nonblocking(int fd, int on)
{
	int flags = fcntl(fd, F_GETFL);
	int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;

	if (flags < 0 || (flags != wanted && fcntl(fd, F_SETFL, wanted) < 0))
		return -errno;
	return 0;
}

void rotai_fd_close(int fd)
{
	/* Not retried after EINTR: on Linux and the BSDs the number is already
	 * free then, and another thread may have got it. */
	(void)close(fd);
}
