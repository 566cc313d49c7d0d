/*
 * process/prepare.h - from the options of a start to what the child uses.
 */
#ifndef ROTAI_PROCESS_PREPARE_H
#define ROTAI_PROCESS_PREPARE_H

#include "base/spawn.h"

struct rota_loop;

/* Everything that a start needs, in one piece of memory. */
struct rotai_prepared {
	struct rota_spawn_options options; /* of full size */
	struct rotai_spawn spawn;
	struct rota_loop *loop;
	int *ends;   /* of the child: descriptors of pipes, or -1; by number */
	char *names; /* where the paths are */
	void *memory;
	size_t size;
	unsigned opened; /* entries of stdio whose pipes are open */
};

/* Check the options. Returns 0 or an error. */
int rotai_prepare_check(const struct rota_spawn_options *options);

/* Allocate what the child uses, for prepared->options. Returns 0 or an
 * error. */
int rotai_prepare_memory(struct rotai_prepared *prepared,
			 struct rota_loop *loop);
void rotai_prepare_free(struct rotai_prepared *prepared);

/* Open the pipes. Returns 0, or an error with none open. */
int rotai_prepare_pipes(struct rotai_prepared *prepared);

/* Close the child's ends; and ours as well, if it has not started. */
void rotai_prepare_close(struct rotai_prepared *prepared, int with_ours);

#endif
