/*
 * loop/dispatch.h - calling watches, for the other files of src/loop.
 */
#ifndef ROTAI_LOOP_DISPATCH_H
#define ROTAI_LOOP_DISPATCH_H

#include "loop/loop.h"

/* Call the watches of @n descriptors that a wait found ready. */
void rotai_watches_run(struct rota_loop *loop, const struct rotai_ready *ready,
		       int n);

#endif
