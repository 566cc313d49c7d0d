/*
 * base/sigpipe_linux.c - writing without SIGPIPE by a flag of pwritev2(2), in
 * one system call. Linux has it since 6.18; an older one refuses it, and then
 * it is not tried again.
 */
#include "base/sigpipe.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rota/error.h"

enum { NO_SIGNAL = 0x00000100 }; /* RWF_NOSIGNAL */

/* Relaxed: each thread may find out for itself. */
static atomic_int has_no_flag;

static ssize_t write_with_flag(int fd, const struct iovec *bufs, size_t count)
{
	long n;

	/* The position -1, in two halves, is the current one. */
	do {
		n = syscall(SYS_pwritev2, fd, bufs, (unsigned long)count, -1L,
			    -1L, NO_SIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t rotai_sigpipe_writev(int fd, const struct iovec *bufs, size_t count)
{
	ssize_t n;

	if (!atomic_load_explicit(&has_no_flag, memory_order_relaxed)) {
		n = write_with_flag(fd, bufs, count);
		if (n != ROTA_EOPNOTSUPP && n != ROTA_EINVAL &&
		    n != ROTA_ENOSYS && n != ROTA_EPERM)
			return n;
	}
	n = rotai_sigpipe_writev_masked(fd, bufs, count);
	/* What the plain call refuses as well was not about the flag. */
	if (n != ROTA_EINVAL && n != ROTA_EPERM)
		atomic_store_explicit(&has_no_flag, 1, memory_order_relaxed);
	return n;
}
