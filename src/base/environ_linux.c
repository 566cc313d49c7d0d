/*
 * base/environ_linux.c - <unistd.h> declares environ.
 */
#include "base/environ.h"

#include <unistd.h>

char **rotai_environ(void)
{
	return environ;
}
