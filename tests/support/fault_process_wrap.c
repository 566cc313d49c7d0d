/*
 * tests/support/fault_process_wrap.c - catches the calls that start processes,
 * with the options in fault_process.flags, as fault_wrap.c catches others; see
 * fault.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/types.h>

#include "fault.h"
#include "fault_calls.h"

#define WEAK __attribute__((weak))

WEAK pid_t __real_fork(void);
WEAK int __real_clone(int (*run)(void *arg), void *stack, int flags, void *arg,
		      ...);

pid_t __wrap_fork(void);
int __wrap_clone(int (*run)(void *arg), void *stack, int flags, void *arg, ...);

static int struck(enum fault_call call)
{
	int error = fault_strike(call);

	if (error != 0)
		errno = error;
	return error != 0;
}

pid_t __wrap_fork(void)
{
	return struck(FAULT_FORK) ? -1 : __real_fork();
}

int __wrap_clone(int (*run)(void *arg), void *stack, int flags, void *arg, ...)
{
	va_list arguments;
	int *pidfd;

	va_start(arguments, arg);
	pidfd = va_arg(arguments, int *);
	va_end(arguments);
	return struck(FAULT_CLONE)
		       ? -1
		       : __real_clone(run, stack, flags, arg, pidfd);
}
