/*
 * base/spawn_posix.c - systems without clone(2): fork(2) is all there is.
 */
#include "base/spawn.h"

int rotai_spawn_start(struct rotai_spawn *spawn)
{
	return rotai_spawn_fork(spawn);
}
