/*
 * base/pty_linux.c - the slave of a master, by the master itself: TIOCGPTPEER,
 * since Linux 4.13. Its name may lead to another terminal, or to none, in
 * another mount namespace.
 */
#include "base/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "base/pty_name.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441 /* on most processors */
#endif

/* The type of a request differs between C libraries. */
#ifdef __GLIBC__
typedef unsigned long pty_request;
#else
typedef int pty_request;
#endif

int rotai_pty_slave(int fd)
{
	int slave = ioctl(fd, (pty_request)TIOCGPTPEER,
			  O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (slave < 0 && (errno == ENOTTY || errno == EINVAL))
		return rotai_pty_slave_named(fd);
	return rotai_fd_raise(slave);
}
