/*
 * base/file.c - the functions of file.h that are the same on all systems.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rota/error.h"

int rotai_file_check(int fd)
{
	struct stat status;
	int flags;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return ROTA_EISDIR;
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
		return ROTA_EINVAL;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -errno;
	return (flags & O_ACCMODE) == O_WRONLY ? ROTA_EBADF : 0;
}

ssize_t rotai_file_read(int fd, void *data, size_t size, int64_t offset)
{
	ssize_t n;

	do {
		n = pread(fd, data, size, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}
