/*
 * process/reap.h - takes the exits of all children.
 */
#ifndef ROTAI_PROCESS_REAP_H
#define ROTAI_PROCESS_REAP_H

#include <sys/types.h>

#include "rota/process.h"

enum rotai_reap {
	ROTAI_REAP_NONE,  /* no child has ended */
	ROTAI_REAP_TAKEN, /* one that nobody else has: *pid and *exit */
	ROTAI_REAP_OTHER, /* one of a record, which has its exit now */
	ROTAI_REAP_LATER, /* a child may be about to get a record */
};

enum rotai_reap rotai_reap(pid_t *pid, struct rota_exit *exit);

#endif
