/*
 * tests/support/fault_tty_wrap.c - catches calls for terminals, with the
 * options in fault_tty.flags, as fault_wrap.c catches others; see fault.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <termios.h>

#include "fault.h"
#include "fault_calls.h"

int __real_tcgetattr(int fd, struct termios *mode);
int __real_tcsetattr(int fd, int when, const struct termios *mode);
int __real_ioctl(int fd, unsigned long request, ...);
int __real_atexit(void (*fn)(void));

int __wrap_tcgetattr(int fd, struct termios *mode);
int __wrap_tcsetattr(int fd, int when, const struct termios *mode);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_atexit(void (*fn)(void));

static int struck(enum fault_call call)
{
	int error = fault_strike(call);

	if (error != 0)
		errno = error;
	return error != 0;
}

int __wrap_tcgetattr(int fd, struct termios *mode)
{
	return struck(FAULT_TCGETATTR) ? -1 : __real_tcgetattr(fd, mode);
}

int __wrap_tcsetattr(int fd, int when, const struct termios *mode)
{
	return struck(FAULT_TCSETATTR) ? -1 : __real_tcsetattr(fd, when, mode);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	if (struck(FAULT_IOCTL))
		return -1;
	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return __real_ioctl(fd, request, argument);
}

/* Returns no -1: see atexit(3). */
int __wrap_atexit(void (*fn)(void))
{
	return fault_strike(FAULT_ATEXIT) != 0 ? 1 : __real_atexit(fn);
}
