/*
 * base/shared_linux.c - the functions of shared.h for Linux.
 *
 *  1. /proc/self/fd/N leads to the file itself, also if its name is not visible
 *     here or leads to another file. So what was opened is compared with what
 *     it should be only for the case that /proc is something else.
 *  2. A call with RWF_NOWAIT does not wait, whatever the flags of the
 *     description: preadv2(2). Pipes support it since Linux 6.4, and terminals
 *     do not.
 */
#include "base/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sigpipe.h"
#include "rota/error.h"

enum { WITHOUT_WAIT = 0x00000008 }; /* RWF_NOWAIT */

enum { PATH_SIZE = 32 };

/* Return @made if it is the file of @fd; else close it. (1) */
static int only_same_file(int made, int fd)
{
	struct stat wanted, found;

	if (fstat(fd, &wanted) == 0 && fstat(made, &found) == 0 &&
	    wanted.st_dev == found.st_dev && wanted.st_ino == found.st_ino &&
	    wanted.st_mode == found.st_mode)
		return made;
	rotai_fd_close(made);
	return ROTA_ENXIO;
}

int rotai_shared_reopen(int fd)
{
	char path[PATH_SIZE];
	int access = rotai_shared_access(fd);
	int made;

	if (access < 0)
		return access;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	do {
		made = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	} while (made < 0 && errno == EINTR);
	made = rotai_fd_raise(made);
	return made < 0 ? made : only_same_file(made, fd);
}

/* The position -1, in two halves, is the current one. (2) */
static ssize_t call_without_wait(long number, int fd, const struct iovec *bufs,
				 size_t count)
{
	long n;

	do {
		n = syscall(number, (long)fd, bufs, (unsigned long)count, -1L,
			    -1L, (long)WITHOUT_WAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int is_unsupported(ssize_t n)
{
	return n == ROTA_EOPNOTSUPP || n == ROTA_EINVAL || n == ROTA_ENOSYS ||
	       n == ROTA_EPERM;
}

ssize_t rotai_shared_read(int fd, void *data, size_t size)
{
	struct iovec buf = { data, size };
	ssize_t n = call_without_wait(SYS_preadv2, fd, &buf, 1);

	return is_unsupported(n) ? rotai_shared_read_polled(fd, data, size) : n;
}

ssize_t rotai_shared_write(int fd, const struct iovec *bufs, size_t count,
			   size_t piece)
{
	struct rotai_sigpipe guard;
	ssize_t n;

	rotai_sigpipe_block(&guard);
	n = call_without_wait(SYS_pwritev2, fd, bufs, count);
	rotai_sigpipe_restore(&guard, n);
	return is_unsupported(n)
		       ? rotai_shared_write_polled(fd, bufs, count, piece)
		       : n;
}
