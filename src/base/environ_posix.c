/*
 * base/environ_posix.c - for all systems except Linux: no header declares
 * environ but environ.h, and a library of macOS cannot be linked with it.
 */
#include "base/environ.h"

#ifdef __APPLE__

#include <crt_externs.h>

char **rotai_environ(void)
{
	return *_NSGetEnviron();
}

#else

char **rotai_environ(void)
{
	return environ;
}

#endif
