/*
 * base/fd.c - what all systems do alike with a descriptor.
 */
#include "base/fd.h"

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

void rotai_fd_close(int fd)
{
	/* Not tried again after EINTR: on Linux and the BSDs the number is
	 * free by then, and another thread may have it. */
	(void)close(fd);
}
