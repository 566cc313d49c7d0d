/*
 * process/ways.h - ways that only tests choose, to run on Linux what other
 * systems and older kernels need.
 */
#ifndef ROTAI_PROCESS_WAYS_H
#define ROTAI_PROCESS_WAYS_H

#include "base/spawn.h"

enum rotai_exit_way {
	ROTAI_EXIT_USUAL,  /* a pidfd; on the poller "kqueue", a kqueue */
	ROTAI_EXIT_THREAD, /* a thread for each child */
};

extern enum rotai_spawn_way rotai_spawn_way;
extern enum rotai_exit_way rotai_exit_way;

#endif
