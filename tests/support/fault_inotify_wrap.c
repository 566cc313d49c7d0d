/*
 * tests/support/fault_inotify_wrap.c - catches the calls of inotify(7), with
 * the options in fault_inotify.flags, as fault_wrap.c catches others; see
 * fault.h.
 * The functions are weak: a BSD has none of them.
 */
#include <errno.h>
#include <stdint.h>

#include "fault.h"
#include "fault_calls.h"

#define WEAK __attribute__((weak))

WEAK int __real_inotify_init1(int flags);
WEAK int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);

int __wrap_inotify_init1(int flags);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);

static int struck(enum fault_call call)
{
	int error = fault_strike(call);

	if (error != 0)
		errno = error;
	return error != 0;
}

int __wrap_inotify_init1(int flags)
{
	return struck(FAULT_INOTIFY_INIT1) ? -1 : __real_inotify_init1(flags);
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	return struck(FAULT_INOTIFY_ADD_WATCH)
		       ? -1
		       : __real_inotify_add_watch(fd, path, mask);
}
