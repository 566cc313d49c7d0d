/*
 * tests/support/fault_tty_darwin.c - catches calls for terminals on macOS, as
 * fault_darwin.c catches others; see fault.h.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "fault.h"
#include "fault_calls.h"

static int struck(enum fault_call call)
{
	int error = fault_strike(call);

	if (error != 0)
		errno = error;
	return error != 0;
}

/* A pointer to a function, without a cast from one to data. */
static void find(const char *name, void *function)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(function, &found, sizeof(found));
}

int tcgetattr(int fd, struct termios *mode)
{
	int (*real)(int fd, struct termios *mode);

	find("tcgetattr", &real);
	return struck(FAULT_TCGETATTR) ? -1 : real(fd, mode);
}

int tcsetattr(int fd, int when, const struct termios *mode)
{
	int (*real)(int fd, int when, const struct termios *mode);

	find("tcsetattr", &real);
	return struck(FAULT_TCSETATTR) ? -1 : real(fd, when, mode);
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int fd, unsigned long request, ...);
	va_list arguments;
	void *argument;

	find("ioctl", &real);
	if (struck(FAULT_IOCTL))
		return -1;
	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return real(fd, request, argument);
}

int atexit(void (*fn)(void))
{
	int (*real)(void (*fn)(void));

	find("atexit", &real);
	return struck(FAULT_ATEXIT) ? 1 : real(fn);
}
