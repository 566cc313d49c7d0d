/*
 * base/tty_linux.c - the functions of tty.h that differ, for Linux.
 */
#include "base/tty.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "rota/error.h"

/* A pseudo-terminal allocates its buffers in parts of 256 bytes, and refuses
 * nothing while it may allocate one more: so its master always accepts that
 * many. The other side turns some characters into several, and drivers of
 * devices may have space for one byte. */
enum { LEAST_OF_MASTER = 256 };

/* The type of a request differs between C libraries. */
#ifdef __GLIBC__
typedef unsigned long tty_request;
#else
typedef int tty_request;
#endif

int rotai_tty_is_master(int fd)
{
	unsigned number;

	return ioctl(fd, (tty_request)TIOCGPTN, &number) == 0;
}

/* Also through /dev/tty, and through the master. */
int rotai_tty_identify(int fd, uint64_t *number)
{
	unsigned device;

	if (ioctl(fd, (tty_request)TIOCGDEV, &device) < 0)
		return -errno;
	*number = device;
	return 0;
}

size_t rotai_tty_least_space(int fd)
{
	return rotai_tty_is_master(fd) ? LEAST_OF_MASTER : 1;
}
