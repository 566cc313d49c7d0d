/*
 * base/shared_posix.c - the functions of shared.h for other systems than Linux.
 * A terminal is opened anew by its name. A pipe has none: /dev/fd/N only
 * duplicates the descriptor.
 */
#include "base/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/tty.h"
#include "rota/error.h"

enum { NAME_SIZE = 256 };

/* Return @made if it is the same device as @fd; else close it. */
static int only_same_device(int made, int fd)
{
	struct stat wanted, found;

	if (fstat(fd, &wanted) == 0 && fstat(made, &found) == 0 &&
	    wanted.st_rdev == found.st_rdev && rotai_tty_check(made) == 0)
		return made;
	rotai_fd_close(made);
	return ROTA_ENXIO;
}

int rotai_shared_reopen(int fd)
{
	char name[NAME_SIZE];
	int access = rotai_shared_access(fd);
	int error, made;

	if (access < 0)
		return access;
	error = ttyname_r(fd, name, sizeof(name));
	if (error != 0)
		return -error;
	do {
		made = open(name, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	} while (made < 0 && errno == EINTR);
	made = rotai_fd_raise(made);
	return made < 0 ? made : only_same_device(made, fd);
}

ssize_t rotai_shared_read(int fd, void *data, size_t size)
{
	return rotai_shared_read_polled(fd, data, size);
}

ssize_t rotai_shared_write(int fd, const struct iovec *bufs, size_t count,
			   size_t piece)
{
	return rotai_shared_write_polled(fd, bufs, count, piece);
}
