/*
 * base/tty_posix.c - the functions of tty.h that differ, for other systems than
 * Linux.
 */
#include "base/tty.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "rota/error.h"

int rotai_tty_is_master(int fd)
{
#ifdef TIOCPTYGNAME /* Darwin */
	char name[128];

	return ioctl(fd, TIOCPTYGNAME, name) == 0;
#elif defined(TIOCPTMASTER) /* FreeBSD */
	return ioctl(fd, TIOCPTMASTER) == 0;
#else
	return ptsname(fd) != NULL;
#endif
}

/* All masters may have one number. */
int rotai_tty_identify(int fd, uint64_t *number)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (rotai_tty_is_master(fd))
		return ROTA_ENOTSUP;
	*number = (uint64_t)status.st_rdev;
	return 0;
}

size_t rotai_tty_least_space(int fd)
{
	(void)fd;
	return 1;
}
