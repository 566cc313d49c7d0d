/*
 * base/spawn_posix.c - systems without clone(2): fork(2) is all there is.
 */
#include "base/spawn.h"

#ifdef __APPLE__
#include <crt_externs.h>
#else
#include <unistd.h>
#endif

char **rotai_spawn_environment(void)
{
#ifdef __APPLE__
	return *_NSGetEnviron(); /* a shared library has no `environ` */
#else
	return environ;
#endif
}

int rotai_spawn_start(struct rotai_spawn *spawn)
{
	return rotai_spawn_fork(spawn);
}
