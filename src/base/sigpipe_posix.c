/*
 * base/sigpipe_posix.c - systems whose write(2) has no flag against SIGPIPE.
 */
#include "base/sigpipe.h"

ssize_t rotai_sigpipe_writev(int fd, const struct iovec *bufs, size_t count)
{
	return rotai_sigpipe_writev_masked(fd, bufs, count);
}
