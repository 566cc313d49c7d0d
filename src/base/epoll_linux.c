/*
 * base/epoll_linux.c - epoll_pwait2(2), called by its number.
 *
 *  1. The C library's function is not used: glibc has one since 2.35, and musl
 *     1.2.3 has none. So whether the call exists depends on the kernel that the
 *     program runs on, not on the C library.
 *  2. The kernel's headers may be older than the call. Its number is the same
 *     on all processors except those that have a numbering of their own. There,
 *     with old headers, the function fails with ENOSYS.
 *  3. The kernel's time-out has two 64-bit fields on every processor. The
 *     fields of a struct timespec may have 32 bits.
 */
#include "base/epoll.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* (2) */
#if !defined(SYS_epoll_pwait2) && !defined(__alpha__) && !defined(__mips__) && \
	!defined(__ia64__) && !(defined(__x86_64__) && defined(__ILP32__))
#define SYS_epoll_pwait2 441
#endif

#ifdef SYS_epoll_pwait2

int rotai_epoll_pwait2(int epoll, struct epoll_event *events, int max,
		       int64_t timeout_ns)
{
	enum { NS_PER_SECOND = 1000000000 };
	const int64_t timeout[2] = {
		/* (3) */
		timeout_ns / NS_PER_SECOND,
		timeout_ns % NS_PER_SECOND,
	};

	return (int)syscall(SYS_epoll_pwait2, epoll, events, max, timeout, NULL,
			    (size_t)0);
}

#else

int rotai_epoll_pwait2(int epoll, struct epoll_event *events, int max,
		       int64_t timeout_ns)
{
	(void)epoll;
	(void)events;
	(void)max;
	(void)timeout_ns;
	errno = ENOSYS;
	return -1;
}

#endif
