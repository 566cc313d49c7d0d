/*
 * base/spawn.h - starts a child process. The caller has prepared everything
 * that needs memory or a search: the child only makes system calls.
 *
 * There are two ways. The usual one on Linux is clone(2) with the semantics of
 * vfork(2): spawn_linux.c. The other one is fork(2): spawn_fork.c. In both the
 * child runs rotai_spawn_child().
 */
#ifndef ROTAI_BASE_SPAWN_H
#define ROTAI_BASE_SPAWN_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rota/spawn.h"

/* What a descriptor of the child is, other than a descriptor of ours. */
enum {
	ROTAI_SPAWN_CLOSED = -1,
	ROTAI_SPAWN_NULL = -2,
};

enum rotai_spawn_way {
	ROTAI_SPAWN_USUAL, /* the first of the following that there is */
	ROTAI_SPAWN_CLONE, /* clone(2), and not clone3(2) */
	ROTAI_SPAWN_FORK,  /* fork(2) */
};

struct rotai_spawn {
	/* Set by the caller. */
	const struct rota_spawn_options *options; /* of full size */
	const char *const *paths; /* to execute: the first that is there */
	char *const *argv;
	char *const *environment;
	int *sources; /* by the child's descriptor; the child changes it */
	unsigned source_count;
	const unsigned long *processors; /* a mask, or NULL */
	size_t processors_size;          /* bytes */
	int way;                         /* enum rotai_spawn_way */

	/* Set by rotai_spawn_start(). */
	pid_t parent;    /* if there is a death signal */
	sigset_t mask;   /* what the thread blocks */
	int has_cleared; /* the child has no signal handlers */
	int has_joined;  /* it is in its cgroup */
	int limit;       /* of descriptors */

	/* The result, which the child may set. */
	int step;  /* enum rota_spawn_step */
	int error; /* 0, or an error */
	pid_t pid;
	int pidfd; /* or -1 */
};

/* The environment of this process. */
char **rotai_spawn_environment(void);

/* Start the child. Returns 0 when it executes its program: pid is set, and
 * pidfd if there is one. Otherwise returns an error with step set, and there is
 * no child. */
int rotai_spawn_start(struct rotai_spawn *spawn);

/* The same with fork(2). */
int rotai_spawn_fork(struct rotai_spawn *spawn);

/* How many descriptors this process may have, as far as a child looks. */
int rotai_spawn_limit(void);

/* In the child: make all steps. Returns only if one has failed, which is then
 * in step and error. */
void rotai_spawn_child(struct rotai_spawn *spawn);

#endif
