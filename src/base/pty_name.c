/*
 * base/pty_name.c - see pty_name.h.
 */
#include "base/pty_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "rota/error.h"

int rotai_pty_slave_named(int fd)
{
	const char *name = ptsname(fd);
	int slave;

	if (name == NULL)
		return errno == 0 ? ROTA_ENOTTY : -errno;
	do {
		slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	} while (slave < 0 && errno == EINTR);
	return rotai_fd_raise(slave);
}
